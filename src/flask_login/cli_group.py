"""The group ``flask login``, whose commands are imported when somebody asks for one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from flask.cli import AppGroup

from .core import settings

if TYPE_CHECKING:
    import click
    from flask import Flask


class _Commands(AppGroup):
    """Knows its commands once `flask_login.cli`, which a web server has no use for, is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        import_module("flask_login.cli")
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        import_module("flask_login.cli")
        return super().get_command(ctx, cmd_name)


#: The group of commands. An application that has its own ``login`` adds it under another name:
#: ``app.cli.add_command(login_cli, "logins")``.
login_cli: AppGroup = _Commands(
    "login",
    help="List logins, end them, and check the settings.",
    epilog="""\b
Exit codes:
  0  Done.
  1  Nothing found, an error found, or stopped by you.
  2  Wrong usage.
  3  The session store gave no answer, or failed.
""",
)


def register(app: Flask) -> None:
    """Give an application the commands, as ``flask login``.

    `LoginManager.init_app` calls this. A ``login`` command that the application has by
    then stays, and a later one replaces this group. Then add this one under another name::

        app.cli.add_command(login_cli, "logins")

    :param app: the application.

    .. versionadded:: 0.6.90
    """
    if app.cli.commands.setdefault("login", login_cli) is not login_cli:
        settings.logger.info(
            "The application '%s' has another command 'login'. Add this one under another name:"
            " app.cli.add_command(flask_login.cli.login_cli, 'logins').",
            app.name,
        )
