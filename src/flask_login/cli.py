"""``flask login ...``: list logins, end them, and check the application for mistakes.

Exit codes: 0 done, 1 nothing found or something wrong found, 2 wrong usage, 3 no answer from the
session store.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
from flask.cli import AppGroup

from .cli_output import (
    counted,
    iso,
    print_folded,
    print_json,
    print_table,
    printable,
    show_progress,
    shown,
)
from .core import settings
from .doctor import examine
from .exceptions import MissingLoginManager
from .findings import read
from .flask_internals import get_app, get_config
from .routes import guarded_routes, that_answer_options
from .sessions.store import SessionStoreUnavailable

if TYPE_CHECKING:
    from flask import Flask

    from .ports import Manager, RealmInApp
    from .sessions.records import LoginSession

P = ParamSpec("P")
R = TypeVar("R")

#: The group of commands. An application that has its own ``login`` adds it under another name:
#: ``app.cli.add_command(login_cli, "logins")``.
login_cli: AppGroup = AppGroup(
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


# ------------------------------------------------------------------ what goes wrong


class _Unusable(click.ClickException):
    """Ends a command that does not fit the application, realm or store."""

    exit_code = 2


class _NoAnswer(click.ClickException):
    """Ends a command because the store gave no answer."""

    exit_code = 3


def _answering(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a store's failure into a line for the operator that shows no URL and no password."""

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
    # The code that raises it has imported SQLAlchemy.
    sqlalchemy: Any = sys.modules.get("sqlalchemy.exc")
    return sqlalchemy is not None and isinstance(error, sqlalchemy.SQLAlchemyError)


def _realms() -> dict[str, RealmInApp]:
    app = get_app()
    realms: dict[str, RealmInApp] = app.extensions.get("login", {})
    if not realms:
        raise _Unusable(str(MissingLoginManager(app.name)))
    return realms


def _manager(realm: str) -> Manager:
    """Return the realm's manager, which has a store that a command can ask."""
    realms = _realms()
    if realm not in realms:
        known = ", ".join(sorted(realms))
        raise click.BadParameter(
            f"This application has no realm '{printable(realm)}'. It has: {known}.",
            param_hint="'--realm'",
        )
    manager = realms[realm].manager
    if manager._logins is None:
        raise _Unusable(
            f"The realm '{realm}' has no session store: its logins are only in the browsers'"
            " cookies, where they can't be listed or ended. See session_store of LoginManager."
        )
    if manager._logins.store.kind == "memory" and not get_app().testing:
        raise _Unusable(
            f"The realm '{realm}' keeps its logins in the memory of the process that serves the"
            " application, which a command can't read. Use SQLAlchemySessionStore or"
            " RedisSessionStore."
        )
    return manager


# ------------------------------------------------------------------ common options

_realm = click.option(
    "--realm", default=settings.DEFAULT_REALM, show_default=True, help="Realm to act on."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


# ------------------------------------------------------------------ a user's logins


def _facts(login: LoginSession) -> dict[str, Any]:
    """Return the facts of a login that may be shown: all but its secrets."""
    return {
        "id": login.id,
        "user_id": login.user_id,
        "created_at": iso(login.created_at),
        "last_seen_at": iso(login.last_seen_at),
        "authenticated_at": iso(login.authenticated_at),
        "expires_at": iso(login.expires_at),
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
    """List the live logins of USER_ID, newest first.

    USER_ID is what the user's get_id() returns. Times are in UTC.
    """
    found = _manager(realm).sessions.list(user_id)
    if as_json:
        print_json([_facts(login) for login in found])
    elif found:
        print_table(
            (
                (
                    login.id,
                    shown(login.created_at),
                    shown(login.last_seen_at),
                    login.ip_address or "-",
                    "yes" if login.remembered else "no",
                    login.user_agent or "-",
                )
                for login in found
            ),
            ("ID", "CREATED (UTC)", "LAST SEEN (UTC)", "ADDRESS", "REMEMBERED", "USER AGENT"),
        )
    else:
        click.echo(f"User '{printable(user_id)}' is not logged in anywhere.", err=True)
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
        click.echo(f"There is no live login '{printable(login_id)}'.", err=True)
        raise SystemExit(1)
    click.echo(f"Ended the login '{printable(login_id)}'.")


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
        click.echo(f"User '{printable(user_id)}' is not logged in anywhere.", err=True)
        raise SystemExit(1)
    click.echo(f"Ended {counted(count, 'login')} of user '{printable(user_id)}'.")


# ---------------------------------------------------------------------- all users' logins


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
        f"'{printable(value)}' is not a moment. Write it as in '2026-01-31T12:00Z'."
    )


@login_cli.command("revoke-everyone")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@click.option(
    "--since",
    metavar="MOMENT",
    callback=_moment,
    help="End only logins that began before this moment, such as 2026-01-31T12:00Z.",
)
@_realm
@_answering
def revoke_everyone_command(yes: bool, since: datetime | None, realm: str) -> None:
    """End every login of every user.

    All at once, by one write. It can't be undone.
    """
    manager = _manager(realm)
    if since is not None and since > (now := manager._clock()):
        raise click.BadParameter(
            f"{shown(since)} UTC is in the future: it is {shown(now)} UTC now. Logins that begin"
            " before then would end at once.",
            param_hint="'--since'",
        )
    which = "every login" if len(_realms()) == 1 else f"every login of the realm '{realm}'"
    if since is not None:
        which += f" that began before {shown(since)} UTC"
    if not yes:
        click.confirm(f"This ends {which}, and can't be undone. Continue?", abort=True, err=True)
    manager.sessions.revoke_everyone(since)
    click.echo(f"Ended {which}.")


@login_cli.command("purge")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Records to delete at a time.",
)
@_realm
@_answering
def purge_command(batch: int, realm: str) -> None:
    """Delete the records of logins that are over.

    Run it daily with a SQL store; other stores need no purge. Safe to interrupt: the next run
    continues.
    """
    registry = _manager(realm).sessions
    total, stopped = 0, " before it was stopped"
    try:
        for count in registry.purge(batch=batch):
            total += count
            show_progress(f"{counted(total, 'record')} so far")
        stopped = ""
    finally:
        show_progress("")
        if total or not stopped:
            click.echo(f"Deleted {counted(total, 'record')}{stopped}.")


# -------------------------------------------------------------------- the application


@login_cli.command("routes")
@_json
def routes_command(as_json: bool) -> None:
    """Print every endpoint with its guard.

    "public" means that no guard of this library was found. Checks that a view or another library
    makes are not detected.
    """
    rows = guarded_routes(get_app())
    if as_json:
        print_json([vars(row) for row in rows])
        return
    print_table(
        (
            (row.endpoint, ",".join(row.methods), row.rule, " + ".join(row.guards) or "public")
            for row in rows
        ),
        ("ENDPOINT", "METHODS", "RULE", "GUARD"),
    )
    names = ", ".join(printable(name) for name in that_answer_options(get_app()))
    if names:
        on = read(settings.LOGIN_GUARD_OPTIONS, get_config())
        does = "is guarded there too, by LOGIN_GUARD_OPTIONS" if on else "passes their guards"
        print_folded(f"OPTIONS, which these views answer themselves, {does}: {names}")


@login_cli.command("doctor")
@_json
def doctor_command(as_json: bool) -> None:
    """Check for unsafe or short-lived login settings.

    Exits with 1 if it finds an error. Hints may be intentional.
    """
    _realms()
    findings = examine(get_app())
    if as_json:
        print_json([vars(finding) for finding in findings])
    elif not findings:
        click.echo("Nothing wrong found.")
    else:
        for finding in findings:
            print_folded(f"{finding.level.upper()} {finding.code}: {printable(finding.text)}")
            print_folded(finding.cure, "    ")
    if any(finding.level == "error" for finding in findings):
        raise SystemExit(1)
