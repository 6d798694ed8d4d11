"""``flask seed``: accounts to try the portal with."""

from __future__ import annotations

import secrets

import click
import pyotp
from flask import Flask
from flask.cli import with_appcontext

from . import codes, passkeys
from .login import login_sessions
from .models import User, db, find_user

ACCOUNTS = (
    ("admin@example.com", "Robin Admin", "admin"),
    ("ada@example.com", "Ada Member", "member"),
    ("ben@example.com", "Ben Member", "member"),
)


@click.command("seed")
@click.option(
    "--reset",
    is_flag=True,
    help="Take over accounts that exist: new passwords, no API keys, every login ended.",
)
@with_appcontext
def seed(reset: bool) -> None:
    """Make an administrator and two members; print their passwords once."""
    rows = [("EMAIL", "ROLE", "PASSWORD")]
    kept, taken = False, []
    for email, name, role in ACCOUNTS:
        user = find_user(email)
        password = secrets.token_urlsafe(12)
        if user is None:
            db.session.add(User(email=email, name=name, password=password, role=role))
        elif reset:
            take_over(user, name=name, password=password, role=role)
            taken.append(user)
        elif user.role != role:
            db.session.rollback()
            raise click.ClickException(
                f"{email} is a {user.role} here, not the {role} of the seed: somebody else made"
                " this account. Nothing was changed. --reset takes it over: a new password,"
                " no API keys, every login ended."
            )
        else:
            password, kept = "(exists, unchanged)", True
        rows.append((email, role, password))
    db.session.commit()
    for user in taken:
        login_sessions().revoke_all(user.get_id())
    width = max(len(row[0]) for row in rows)
    for email, role, password in rows:
        click.echo(f"{email:<{width}}  {role:<6}  {password}")
    click.echo(
        "The administrators' pages ask for a code from an authenticator app. Without one, run"
        " 'flask --app portal code KEY', with the key from the page that sets it up."
    )
    if taken:
        click.echo(
            "The passwords have changed: those of before no longer work, and every login of these"
            " accounts has ended."
        )
    if kept:
        click.echo(
            "Accounts that exist are unchanged, whoever made them. Their passwords cannot be"
            " shown; --reset makes new ones, deletes their API keys and ends their logins."
        )


def take_over(user: User, *, name: str, password: str, role: str) -> None:
    """Give an account to the seed, and leave nothing to whoever had it before.

    Anybody can register any address, so before it gets a role the account loses
    its API keys, its second factor and its passkeys; the new password ends its
    logins and remember tokens.
    """
    user.api_keys.clear()
    codes.turn_off(user)
    passkeys.delete_all(user)
    user.set_password(password)
    user.name, user.role, user.active = name, role, True


@click.command("code")
@click.argument("key")
def code(key: str) -> None:
    """Print the current code for KEY: an authenticator app for trying the portal out."""
    try:
        click.echo(pyotp.TOTP(key.replace(" ", "")).now())
    except ValueError:
        raise click.ClickException("That is no key from the page that sets it up.") from None


def init_app(app: Flask) -> None:
    app.cli.add_command(seed)
    app.cli.add_command(code)
