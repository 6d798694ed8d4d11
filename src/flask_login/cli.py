"""``flask login ...``: see who is logged in, end logins, and look for what is wrong.

Exit codes: 0 done, 1 nothing found or something wrong found, 2 wrong usage, 3 no answer from the
session store.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from . import config as settings
from .doctor import examine
from .exceptions import ConfigurationError
from .guards import guard_of
from .sessions.records import LoginSession
from .sessions.registry import SessionRegistry
from .sessions.store import SessionStoreUnavailable
from .state import get_app

P = ParamSpec("P")
R = TypeVar("R")

login_cli = AppGroup("login", help="See who is logged in, and end logins.")

_realm = click.option(
    "--realm", default=settings.DEFAULT_REALM, show_default=True, help="The realm that is meant."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def _answering(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what can go wrong into a line for the operator and an exit code."""

    @functools.wraps(command)
    def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SessionStoreUnavailable as error:
            click.echo(f"Error: {error}", err=True)
            raise SystemExit(3) from None
        except ConfigurationError as error:
            raise click.UsageError(str(error)) from None

    return answered


def _registry(realm: str) -> SessionRegistry:
    realms = get_app().extensions["login"]
    if realm not in realms:
        known = ", ".join(sorted(realms))
        raise click.UsageError(f"This application has no realm '{realm}'. It has: {known}.")
    registry: SessionRegistry = realms[realm].manager.sessions
    return registry


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


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _printable(text: str) -> str:
    """Return a text from outside without what would steer the operator's terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _table(rows: Iterable[tuple[object, ...]], heads: tuple[str, ...]) -> None:
    lines = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


@login_cli.command("sessions")
@click.argument("user_id")
@_realm
@_json
@_answering
def sessions_command(user_id: str, realm: str, as_json: bool) -> None:
    """List the live logins of USER_ID, the newest first."""
    found = _registry(realm).list(user_id)
    if as_json:
        click.echo(json.dumps([_facts(login) for login in found], indent=2))
    elif found:
        _table(
            (
                (
                    login.id,
                    _iso(login.created_at),
                    _iso(login.last_seen_at),
                    login.ip_address or "-",
                    "yes" if login.remembered else "no",
                    _printable(login.user_agent or "-")[:60],
                )
                for login in found
            ),
            ("ID", "CREATED", "LAST SEEN", "ADDRESS", "REMEMBERED", "USER AGENT"),
        )
    else:
        click.echo(f"User '{user_id}' is not logged in anywhere.", err=True)
    if not found:
        raise SystemExit(1)


# A handle may begin with a dash.
@login_cli.command("revoke", context_settings={"ignore_unknown_options": True})
@click.argument("login_id")
@_realm
@_answering
def revoke_command(login_id: str, realm: str) -> None:
    """End the login with the handle LOGIN_ID, as `sessions` prints it."""
    if not _registry(realm).revoke(login_id):
        click.echo(f"There is no live login '{login_id}'.", err=True)
        raise SystemExit(1)
    click.echo(f"Ended the login '{login_id}'.")


@login_cli.command("revoke-user")
@click.argument("user_id")
@_realm
@_answering
def revoke_user_command(user_id: str, realm: str) -> None:
    """End every login of USER_ID."""
    count = _registry(realm).revoke_all(user_id)
    if not count:
        click.echo(f"User '{user_id}' is not logged in anywhere.", err=True)
        raise SystemExit(1)
    click.echo(f"Ended {count} login{'s' if count != 1 else ''} of user '{user_id}'.")


@login_cli.command("revoke-everyone")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]),
    help="End the logins that began before this moment (2026-01-31T12:00+0000) only.",
)
@_realm
@_answering
def revoke_everyone_command(yes: bool, since: datetime | None, realm: str) -> None:
    """End every login of everybody, at once. It can't be undone."""
    registry = _registry(realm)
    if not yes:
        click.confirm("Everybody will have to log in again. Go on?", abort=True)
    registry.revoke_everyone(since)
    click.echo("Ended every login.")


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
    """Forget the logins that are over, for SQL stores: run it once a day."""
    total = 0
    for count in _registry(realm).purge(batch=batch):
        total += count
        click.echo(f"\r{total} forgotten", nl=False, err=True)
    if total:
        click.echo(err=True)
    click.echo(f"Forgot {total} record{'s' if total != 1 else ''}.")


@login_cli.command("routes")
@_json
def routes_command(as_json: bool) -> None:
    """Print every endpoint with its guard."""
    rows = list(_guarded_routes(current_app._get_current_object()))  # type: ignore[attr-defined]  # a LocalProxy
    if as_json:
        keys = ("endpoint", "methods", "rule", "guard")
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
        return
    _table(
        (
            (endpoint, ",".join(methods), rule, guard or "public")
            for endpoint, methods, rule, guard in rows
        ),
        ("ENDPOINT", "METHODS", "RULE", "GUARD"),
    )


def _guarded_routes(app: Flask) -> Iterable[tuple[str, list[str], str, str | None]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.endpoint, rule.rule)):
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        yield rule.endpoint, methods, rule.rule, guard_of(app.view_functions.get(rule.endpoint))


@login_cli.command("doctor")
@_json
@_answering
def doctor_command(as_json: bool) -> None:
    """Look for what makes logins unsafe, or not last."""
    findings = examine(get_app())
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in findings], indent=2))
    for finding in findings if not as_json else ():
        click.echo(f"{finding.level.upper()}: {finding.text}\n  {finding.cure}")
    if not findings and not as_json:
        click.echo("Nothing wrong found.")
    if any(finding.level == "error" for finding in findings):
        raise SystemExit(1)
