"""``flask login ...``: see who is logged in, end logins, and look for what is wrong.

Exit codes: 0 done, 1 nothing found or something wrong found, 2 wrong usage, 3 no answer from the
session store.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ParamSpec, TextIO, TypeVar

import click
from flask.cli import AppGroup

from . import config as settings
from .doctor import examine
from .exceptions import MissingLoginManager
from .routes import guarded_routes
from .sessions.store import SessionStoreUnavailable
from .state import get_app

if TYPE_CHECKING:
    from flask import Flask

    from .login_manager import LoginManager
    from .sessions.records import LoginSession
    from .state import RealmInApp

P = ParamSpec("P")
R = TypeVar("R")

#: The group of commands. An application that has its own ``login`` adds it under another name:
#: ``app.cli.add_command(login_cli, "logins")``.
login_cli: AppGroup = AppGroup(
    "login",
    help="See who is logged in, and end logins.",
    epilog="""\b
Exit codes:
  0  Done.
  1  Nothing found, or something wrong found, or stopped by you.
  2  Wrong usage.
  3  The session store gave no answer, or failed.
""",
)


def register(app: Flask) -> None:
    """Give an application the commands, as ``flask login``.

    `LoginManager.init_app` does it. A ``login`` command that the application has by then stays,
    and one that it gets later takes the place of ours; then add ours under another name::

        app.cli.add_command(login_cli, "logins")

    :param app: the application.

    .. versionadded:: 0.6.90
    """
    if app.cli.commands.setdefault("login", login_cli) is not login_cli:
        settings.logger.info(
            "The application '%s' has a command 'login' of its own. Ours can have another name:"
            " app.cli.add_command(flask_login.cli.login_cli, 'logins').",
            app.name,
        )


# ------------------------------------------------------------------ what goes wrong


class _Unusable(click.ClickException):
    """Ends a command: it was meant for another application, realm or store."""

    exit_code = 2


class _NoAnswer(click.ClickException):
    """Ends a command: the store can't be asked."""

    exit_code = 3


def _answering(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a store's failure into a line for the operator, which shows no URL and no password."""

    @functools.wraps(command)
    def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SessionStoreUnavailable as error:
            raise _NoAnswer(str(error)) from None
        except Exception as error:
            if not _is_of_database(error):
                raise
            raise _NoAnswer(
                f"The session store (sqlalchemy) failed: {type(error).__name__}. Do its tables"
                " exist, with all their columns? Make them by a migration or store.create_all()."
            ) from None

    return answered


def _is_of_database(error: Exception) -> bool:
    # Whoever raises it has imported it.
    sqlalchemy: Any = sys.modules.get("sqlalchemy.exc")
    return sqlalchemy is not None and isinstance(error, sqlalchemy.SQLAlchemyError)


def _realms() -> dict[str, RealmInApp]:
    app = get_app()
    realms: dict[str, RealmInApp] = app.extensions.get("login", {})
    if not realms:
        raise _Unusable(str(MissingLoginManager(app.name)))
    return realms


def _manager(realm: str) -> LoginManager[Any]:
    """Return the realm's manager, which has a store that a command can ask."""
    realms = _realms()
    if realm not in realms:
        known = ", ".join(sorted(realms))
        raise click.BadParameter(
            f"This application has no realm '{_printable(realm)}'. It has: {known}.",
            param_hint="'--realm'",
        )
    manager = realms[realm].manager
    if manager._logins is None:
        raise _Unusable(
            f"The realm '{realm}' has no session store: its logins are in the browsers' cookies"
            " alone, where nobody can list or end them. See session_store of LoginManager."
        )
    if manager._logins.store.kind == "memory" and not get_app().testing:
        raise _Unusable(
            f"The realm '{realm}' keeps its logins in the memory of the process that serves the"
            " application, where a command does not see them. Use SQLAlchemySessionStore or"
            " RedisSessionStore."
        )
    return manager


# -------------------------------------------------------------------- what is shown


def _printable(text: str) -> str:
    """Return a text from outside as it may go to a terminal.

    Nothing is left in it that steers a terminal or turns the direction of writing, and nothing
    that the output's encoding does not have.
    """
    encoding = sys.stdout.encoding or "ascii"
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown.encode(encoding, "replace").decode(encoding)


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).isoformat(timespec="seconds")


def _shown(moment: datetime) -> str:
    """Return a time in UTC, to the second, as a person reads it."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _print_json(value: object) -> None:
    # Of what steers a terminal JSON leaves DEL as it is.
    click.echo(json.dumps(value, indent=2).replace("\x7f", "\\u007f"))


def _width() -> int | None:
    """Return how wide the terminal is; None when the output goes to a file or a program."""
    return max(shutil.get_terminal_size().columns, 40) if _is_terminal(sys.stdout) else None


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def _print_folded(text: str, indent: str = "") -> None:
    """Print a text in lines that fit the terminal, if it is one."""
    width = _width()
    if width is None:
        click.echo(indent + text)
        return
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    click.echo("\n".join(lines))


def _print_table(rows: Iterable[tuple[object, ...]], heads: tuple[str, ...]) -> None:
    """Print a table; the columns that are too many for the terminal stand below the others."""
    lines = [[_printable(str(cell)) for cell in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    width, beside = _width(), len(widths)
    while width is not None and beside > 1 and sum(widths[:beside]) + 2 * (beside - 1) > width:
        beside -= 1
    for line in lines:
        cells = (cell.ljust(size) for cell, size in zip(line[:beside], widths, strict=False))
        click.echo("  ".join(cells).rstrip())
        if line[beside:]:
            _print_folded("  ".join(line[beside:]), "    ")


_realm = click.option(
    "--realm", default=settings.DEFAULT_REALM, show_default=True, help="The realm that is meant."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


# ------------------------------------------------------------------ a user's logins


def _facts(login: LoginSession) -> dict[str, Any]:
    """Return what may be shown of a login: everything but what proves it."""
    return {
        "id": login.id,
        "user_id": login.user_id,
        "created_at": _iso(login.created_at),
        "last_seen_at": _iso(login.last_seen_at),
        "authenticated_at": _iso(login.authenticated_at),
        "expires_at": _iso(login.expires_at),
        "methods": sorted(login.methods),
        "ip_address": login.ip_address,
        "user_agent": login.user_agent,
        "remembered": login.remembered,
        "external_id": login.external_id,
    }


@login_cli.command("sessions")
@click.argument("user_id")
@_realm
@_json
@_answering
def sessions_command(user_id: str, realm: str, as_json: bool) -> None:
    """List the live logins of USER_ID, the newest first.

    USER_ID is what the user's get_id() returns. Times are in UTC.
    """
    found = _manager(realm).sessions.list(user_id)
    if as_json:
        _print_json([_facts(login) for login in found])
    elif found:
        _print_table(
            (
                (
                    login.id,
                    _shown(login.created_at),
                    _shown(login.last_seen_at),
                    login.ip_address or "-",
                    "yes" if login.remembered else "no",
                    login.user_agent or "-",
                )
                for login in found
            ),
            ("ID", "CREATED (UTC)", "LAST SEEN (UTC)", "ADDRESS", "REMEMBERED", "USER AGENT"),
        )
    else:
        click.echo(f"User '{_printable(user_id)}' is not logged in anywhere.", err=True)
    if not found:
        raise SystemExit(1)


# A handle may begin with a dash.
@login_cli.command("revoke", context_settings={"ignore_unknown_options": True})
@click.argument("login_id")
@_realm
@_answering
def revoke_command(login_id: str, realm: str) -> None:
    """End one login.

    LOGIN_ID is its handle, as `sessions` prints it.
    """
    if not _manager(realm).sessions.revoke(login_id):
        click.echo(f"There is no live login '{_printable(login_id)}'.", err=True)
        raise SystemExit(1)
    click.echo(f"Ended the login '{_printable(login_id)}'.")


@login_cli.command("revoke-user")
@click.argument("user_id")
@_realm
@_answering
def revoke_user_command(user_id: str, realm: str) -> None:
    """End every login of USER_ID.

    USER_ID is what the user's get_id() returns.
    """
    count = _manager(realm).sessions.revoke_all(user_id)
    if not count:
        click.echo(f"User '{_printable(user_id)}' is not logged in anywhere.", err=True)
        raise SystemExit(1)
    click.echo(f"Ended {_count(count, 'login')} of user '{_printable(user_id)}'.")


# ------------------------------------------------------------------------ everybody's


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Return the moment that the operator wrote, in UTC."""
    if value is None:
        return None
    text = value.strip().replace(" ", "T", 1)
    for clock in ("%H:%M:%S", "%H:%M"):
        with suppress(ValueError, OverflowError):
            return datetime.strptime(text, f"%Y-%m-%dT{clock}%z").astimezone(timezone.utc)
    if re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?", text, re.ASCII):
        whole = text if "T" in text else f"{text}T00:00"
        raise click.BadParameter(
            f"'{value}' has no time zone. Write '{whole}Z' if it is UTC, else the offset from UTC,"
            f" as in '{whole}+02:00'."
        )
    raise click.BadParameter(
        f"'{_printable(value)}' is no moment. Write it as in '2026-01-31T12:00Z'."
    )


@login_cli.command("revoke-everyone")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option(
    "--since",
    metavar="MOMENT",
    callback=_moment,
    help="End the logins that began before this moment only, such as 2026-01-31T12:00Z.",
)
@_realm
@_answering
def revoke_everyone_command(yes: bool, since: datetime | None, realm: str) -> None:
    """End every login of everybody.

    At once, by one write, however many there are. It can't be undone.
    """
    manager = _manager(realm)
    if since is not None and since > (now := manager._clock()):
        raise click.BadParameter(
            f"{_shown(since)} UTC is yet to come: it is {_shown(now)} UTC. Logins that begin until"
            " then would end at once.",
            param_hint="'--since'",
        )
    which = "every login" if len(_realms()) == 1 else f"every login of the realm '{realm}'"
    if since is not None:
        which += f" that began before {_shown(since)} UTC"
    if not yes:
        click.confirm(f"This ends {which}, for good. Go on?", abort=True, err=True)
    manager.sessions.revoke_everyone(since)
    click.echo(f"Ended {which}.")


@login_cli.command("purge")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many records at a time.",
)
@_realm
@_answering
def purge_command(batch: int, realm: str) -> None:
    """Forget the logins that are over.

    A SQL store needs it, once a day; others forget by themselves. It may be stopped at any time,
    and goes on the next time.
    """
    registry = _manager(realm).sessions
    total, stopped = 0, " before it was stopped"
    try:
        for count in registry.purge(batch=batch):
            total += count
            _show_progress(f"{_count(total, 'record')} so far")
        stopped = ""
    finally:
        _show_progress("")
        if total or not stopped:
            click.echo(f"Forgot {_count(total, 'record')}{stopped}.")


def _show_progress(text: str) -> None:
    """Write over the line that was written before; on a terminal only."""
    if _is_terminal(sys.stderr):
        # Blanks, because not every terminal knows how to erase a line.
        click.echo(f"\r{' ' * 30}\r{text}", nl=False, err=True)


# -------------------------------------------------------------------- the application


@login_cli.command("routes")
@_json
def routes_command(as_json: bool) -> None:
    """Print every endpoint with its guard.

    "public" means that no guard of this library was found. What a view or another library checks
    by itself is not seen.
    """
    rows = guarded_routes(get_app())
    if as_json:
        _print_json([vars(row) for row in rows])
        return
    _print_table(
        (
            (row.endpoint, ",".join(row.methods), row.rule, " + ".join(row.guards) or "public")
            for row in rows
        ),
        ("ENDPOINT", "METHODS", "RULE", "GUARD"),
    )


@login_cli.command("doctor")
@_json
def doctor_command(as_json: bool) -> None:
    """Look for what makes logins unsafe, or not last.

    Exits with 1 if it finds an error. A hint may be meant so.
    """
    _realms()
    findings = examine(get_app())
    if as_json:
        _print_json([vars(finding) for finding in findings])
    elif not findings:
        click.echo("Nothing wrong found.")
    else:
        for finding in findings:
            _print_folded(f"{finding.level.upper()} {finding.code}: {_printable(finding.text)}")
            _print_folded(finding.cure, "    ")
    if any(finding.level == "error" for finding in findings):
        raise SystemExit(1)
