"""``flask login ...``: list logins, end them, and check the application for mistakes.

Exit codes: 0 done, 1 nothing found or something wrong found, 2 wrong usage, 3 no answer from the
session store.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from .cli_group import login_cli as login_cli
from .cli_group import register as register
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
from .cli_realms import (
    Unusable,
    all_realms,
    answering,
    json_option,
    manager_of,
    realm_option,
)
from .core import settings
from .core.exceptions import ConfigurationError
from .doctor import examine
from .doctor_checks import checks_made, left_out
from .findings import read
from .flask_internals import get_app, get_config
from .leaks import leaks
from .routes import guarded_routes, that_answer_options

if TYPE_CHECKING:
    from .sessions.records import LoginSession

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
@realm_option
@json_option
@answering
def sessions_command(user_id: str, realm: str, as_json: bool) -> None:
    """List the live logins of USER_ID, newest first.

    USER_ID is what the user's get_id() returns. Times are in UTC.
    """
    found = manager_of(realm).sessions.list(user_id)
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
@realm_option
@answering
def revoke_command(login_id: str, realm: str) -> None:
    """End one login.

    LOGIN_ID is its handle, as `sessions` prints it.
    """
    if not manager_of(realm).sessions.revoke(login_id):
        click.echo(f"There is no live login '{printable(login_id)}'.", err=True)
        raise SystemExit(1)
    click.echo(f"Ended the login '{printable(login_id)}'.")


@login_cli.command("revoke-user")
@click.argument("user_id")
@realm_option
@answering
def revoke_user_command(user_id: str, realm: str) -> None:
    """End every login of USER_ID.

    USER_ID is what the user's get_id() returns.
    """
    count = manager_of(realm).sessions.revoke_all(user_id)
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
@realm_option
@answering
def revoke_everyone_command(yes: bool, since: datetime | None, realm: str) -> None:
    """End every login of every user.

    All at once, by one write. It can't be undone.
    """
    manager = manager_of(realm)
    if since is not None and since > (now := manager._clock()):
        raise click.BadParameter(
            f"{shown(since)} UTC is in the future: it is {shown(now)} UTC now. Logins that begin"
            " before then would end at once.",
            param_hint="'--since'",
        )
    which = "every login" if len(all_realms()) == 1 else f"every login of the realm '{realm}'"
    if since is not None:
        which += f" that began before {shown(since)} UTC"
    if not yes:
        click.confirm(f"This ends {which}, and can't be undone. Continue?", abort=True, err=True)
    manager.sessions.revoke_everyone(since)
    click.echo(f"Ended {which}.")


@login_cli.command("brake")
@click.option("--show", is_flag=True, help="Print where it stands; so without any option.")
@click.option("--clear", is_flag=True, help="Lower it to now, if it is in the future.")
@realm_option
@json_option
@answering
def brake_command(show: bool, clear: bool, realm: str, as_json: bool) -> None:
    """Show the emergency brake, or lower it.

    No login from before the moment at which it stands counts; `revoke-everyone` sets it. If a
    clock that was ahead set it in the future, new logins end at once: then lower it. What it
    has ended stays ended.
    """
    if show and clear:
        raise click.UsageError("Use either --show or --clear.")
    manager = manager_of(realm)
    try:
        lowered_from = manager.sessions.lower_brake() if clear else None
    except ConfigurationError as error:
        raise Unusable(f"{error}.") from None
    moment = manager.sessions.brake()
    # What `revoke-everyone` has set just now is later than that by an instant.
    is_ahead = moment is not None and (moment - manager._clock()).total_seconds() >= 1
    if as_json:
        facts = {"ended_before": iso(moment), "is_ahead": is_ahead}
        print_json({**facts, "lowered_from": iso(lowered_from)})
    elif lowered_from is not None and moment is not None:
        click.echo(
            f"Lowered the emergency brake from {shown(lowered_from)} to {shown(moment)} UTC."
            " Logins that begin from now on count."
        )
    elif moment is None:
        click.echo("The emergency brake was never pulled.")
    else:
        click.echo(f"No login from before {shown(moment)} UTC counts.")
        if is_ahead:
            click.echo("That is in the future: new logins end at once. Lower it by --clear.")
        elif clear:
            click.echo("That is no hindrance to new logins, so it stays.")


@login_cli.command("purge")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Records to delete at a time.",
)
@realm_option
@answering
def purge_command(batch: int, realm: str) -> None:
    """Delete the records of logins that are over.

    Run it daily with a SQL store; other stores need no purge. Safe to interrupt: the next run
    continues.
    """
    registry = manager_of(realm).sessions
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
@json_option
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


@login_cli.command("leaks")
@json_option
def leaks_command(as_json: bool) -> None:
    """Say what a leak of a store, a cookie or the key would give.

    By the settings of this application; no store is asked. "Fresh" is a login whose user has
    lately proved who they are.
    """
    realms = all_realms()
    found = leaks(get_app())
    if as_json:
        print_json([vars(leak) for leak in found])
        return
    for leak in found:
        of = f"Realm '{leak.realm}': " if len(realms) > 1 else ""
        click.echo(f"{of}{leak.what[0].upper() if not of else leak.what[0]}{leak.what[1:]}")
        print_folded(f"Gives: {leak.gives}", "    ")
        print_folded(f"Ended by: {leak.ends}", "    ")


@login_cli.command("doctor")
@json_option
def doctor_command(as_json: bool) -> None:
    """Check for unsafe or short-lived login settings.

    Exits with 1 if it finds an error. Hints may be intentional.
    """
    all_realms()
    findings = examine(get_app())
    errors = sum(finding.level == "error" for finding in findings)
    if as_json:
        print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            print_folded(f"{finding.level.upper()} {finding.code}: {printable(finding.text)}")
            print_folded(finding.cure, "    ")
        made = checks_made(get_app(), findings)
        hints = len(findings) - errors
        found = [counted(errors, "error")] * bool(errors) + [counted(hints, "hint")] * bool(hints)
        summary = f"{' and '.join(found) or 'No problems'} in {len(made)} checks"
        rest = left_out(made)
        print_folded(f"{summary}; {rest}." if rest else f"{summary}.")
    if errors:
        raise SystemExit(1)
