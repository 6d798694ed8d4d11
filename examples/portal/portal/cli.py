"""``flask seed``: accounts to try the portal with."""

from __future__ import annotations

import secrets

import click
from flask import Flask
from flask.cli import with_appcontext

from .models import User, db, find_user

ACCOUNTS = (
    ("admin@example.com", "Robin Admin", "admin"),
    ("ada@example.com", "Ada Member", "member"),
    ("ben@example.com", "Ben Member", "member"),
)


@click.command("seed")
@click.option("--reset", is_flag=True, help="Give accounts that exist new passwords.")
@with_appcontext
def seed(reset: bool) -> None:
    """Make an administrator and two members; print their passwords once."""
    rows = [("EMAIL", "ROLE", "PASSWORD")]
    kept = False
    for email, name, role in ACCOUNTS:
        user = find_user(email)
        password = secrets.token_urlsafe(12)
        if user is None:
            db.session.add(User(email=email, name=name, password=password, role=role))
        elif reset:
            user.set_password(password)
            user.role, user.active = role, True
        else:
            password, kept = "(exists, unchanged)", True
        rows.append((email, role, password))
    db.session.commit()
    width = max(len(row[0]) for row in rows)
    for email, role, password in rows:
        click.echo(f"{email:<{width}}  {role:<6}  {password}")
    if kept:
        click.echo("Passwords are not stored and cannot be shown again; --reset makes new ones.")


def init_app(app: Flask) -> None:
    app.cli.add_command(seed)
