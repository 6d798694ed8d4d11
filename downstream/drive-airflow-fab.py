"""Airflow's Flask-AppBuilder authentication: sessions in its database, basic authentication."""

# ruff: noqa: S106, S603  # passwords of nobody; the programs are the application's own

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

from browser import Browser, play, served, shared


def configure(folder: Path) -> None:
    """Point it to the database of the folder."""
    auth_manager = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
    os.environ |= {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__API__SECRET_KEY": "a key of this application that is long enough",
        "AIRFLOW__API_AUTH__JWT_SECRET": "another key of this application, long enough",
        "AIRFLOW__CORE__AUTH_MANAGER": auth_manager,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        "AIRFLOW__FAB__AUTH_BACKENDS": ",".join(
            f"airflow.providers.fab.auth_manager.api.auth.backend.{name}"
            for name in ("basic_auth", "session")
        ),
    }


def make() -> None:
    """Make the database, with two people."""
    people = (
        [
            *("users", "create", "-u", name, "-p", "secret"),
            *("-f", name, "-l", "X", "-r", "Admin", "-e", f"{name}@example.org"),
        ]
        for name in ("ann", "bob")
    )
    for command in (["db", "migrate"], *people):
        subprocess.run([sys.executable, "-m", "airflow", *command], check=True, stdout=sys.stderr)


def application(folder: Path):
    """The application for login, with two views of ours."""
    configure(folder)
    shared(folder, "airflow.db", make)
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.providers.fab.auth_manager.api.auth.backend.basic_auth import (
        requires_authentication,
    )
    from airflow.providers.fab.www.app import create_app
    from flask import jsonify

    from flask_login import current_user

    create_auth_manager()
    app = create_app(enable_plugins=False)

    @app.get("/user")
    def user():
        return jsonify(user=getattr(current_user, "username", None))

    @app.get("/basic")
    @requires_authentication
    def basic():
        return jsonify(user=current_user.username)

    return app


def look(person: Browser) -> None:
    """Look at public pages, guarded ones, and a static file."""
    person.get("/user", '"ann"', '"bob"')
    person.get("/")
    person.get("/login/")
    person.get("/users/list/")
    person.get("/users/userinfo/")
    person.get("/roles/list/")
    person.get("/health")
    person.get("/static/pin_32.png")
    person.get("/does-not-exist")


def log_in(person: Browser, csrf: str, **more: str) -> None:
    """Send the login form."""
    form = {"csrf_token": csrf, "username": person.name, "password": "secret", **more}
    person.post("/login/?next=/users/list/", form)


def first(folder: Path) -> None:
    """Look as nobody, by basic authentication, log in with two tabs, log out."""
    with served(application(folder), folder) as base:
        nobody = Browser("nobody", base)
        look(nobody)
        nobody.get("/basic")
        credentials = base64.b64encode(b"ann:secret").decode()
        nobody.get("/basic", '"ann"', Authorization=f"Basic {credentials}")
        look(nobody)
        ann = Browser("ann", base)
        one, two = ann.get("/login/").csrf, ann.get("/login/").csrf
        ann.say("two tokens", [bool(one), bool(two)])
        log_in(ann, "wrong")
        log_in(ann, one, password="wrong")
        log_in(ann, one)
        look(ann)
        log_in(ann, two)
        look(ann)
        ann.save(folder)
        bob = Browser("bob", base)
        log_in(bob, bob.get("/login/").csrf)
        form = bob.get("/resetmypassword/form").csrf
        look(bob)
        bob.post(
            "/resetmypassword/form", {"csrf_token": form, "password": "a", "conf_password": "b"}
        )
        bob.save(folder)
        bob.post("/logout/", {"csrf_token": form})
        bob.get("/logout/")
        look(bob)
        log_in(bob, form)
        look(bob)
        bob.restart()
        look(bob)


def second(folder: Path) -> None:
    """Go on with what the first act left."""
    with served(application(folder), folder) as base:
        for name in ("ann", "bob"):
            person = Browser.load(name, base, folder)
            look(person)
            person.post("/logout/", {"csrf_token": person.get("/users/userinfo/").csrf})
            person.get("/logout/")
            look(person)
            log_in(person, person.get("/login/").csrf)
            look(person)


if __name__ == "__main__":
    play({"first": first, "second": second})
