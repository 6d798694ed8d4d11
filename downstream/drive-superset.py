"""Superset: Flask-AppBuilder with a request loader for guests, and pages that scripts fill."""

# ruff: noqa: S106, S603  # passwords of nobody; the programs are the application's own

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from browser import Browser, Page, play, served, shared

CONFIGURATION = """
SECRET_KEY = "a key of this application that is long enough to be one"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
FEATURE_FLAGS = {{"EMBEDDED_SUPERSET": True}}
GUEST_ROLE_NAME = "Gamma"
GUEST_TOKEN_JWT_SECRET = "a secret for guests that is long enough to be one"
"""


def configure(folder: Path) -> None:
    """Point it to the database of the folder."""
    configuration = folder / "superset_config.py"
    configuration.write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
    os.environ["SUPERSET_CONFIG_PATH"] = str(configuration)
    os.environ["SUPERSET_HOME"] = str(folder)


def make() -> None:
    """Make the database, with two people."""
    for command in (
        ["db", "upgrade"],
        ["init"],
        *(
            [
                *("fab", "create-admin", "--username", name, "--password", "secret"),
                *("--firstname", name, "--lastname", "X", "--email", f"{name}@example.org"),
            ]
            for name in ("ann", "bob")
        ),
    ):
        program = "from superset.cli.main import superset; superset()"
        subprocess.run([sys.executable, "-c", program, *command], check=True, stdout=sys.stderr)


def application(folder: Path):
    """Superset itself."""
    configure(folder)
    shared(folder, "superset.db", make)
    from superset.app import create_app

    return create_app()


def look(person: Browser) -> None:
    """Look at public pages, guarded ones, and a static file."""
    person.get("/")
    person.get("/login/")
    person.get("/superset/welcome/")
    person.get("/dashboard/list/")
    person.get("/users/list/")
    person.get("/user_info/")
    person.get("/api/v1/me/", '"ann"', '"bob"')
    person.get("/api/v1/dashboard/")
    person.get("/api/v1/security/csrf_token/")
    person.get("/health")
    person.get("/static/assets/images/favicon.png")
    person.get("/does-not-exist")


def token(page: Page) -> str:
    """Return the CSRF token of a page."""
    return page.csrf or page.find(r"csrf_token(?:&#34;|\"): ?(?:&#34;|\")([^&\"]+)")


def log_in(person: Browser, csrf: str, **more: str) -> None:
    """Send the login form."""
    form = {"csrf_token": csrf, "username": person.name, "password": "secret", **more}
    person.post("/login/", form)


def first(folder: Path) -> None:
    """Look as nobody, log in with two tabs, as a guest and as a program, log out."""
    with served(application(folder), folder) as base:
        nobody = Browser("nobody", base)
        look(nobody)
        nobody.get("/api/v1/me/", X_GuestToken="junk")
        nobody.get("/api/v1/me/", Authorization="Bearer junk")
        ann = Browser("ann", base)
        one, two = token(ann.get("/login/")), token(ann.get("/login/"))
        ann.say("two tokens", [bool(one), bool(two)])
        log_in(ann, "wrong")
        log_in(ann, one, password="wrong")
        log_in(ann, one)
        look(ann)
        log_in(ann, two)
        look(ann)
        ann.save(folder)
        bob = Browser("bob", base)
        csrf = token(bob.get("/login/"))
        log_in(bob, csrf)
        look(bob)
        api = bob.get("/api/v1/security/csrf_token/").find(r'"result": ?"([^"]+)')
        bob.save(folder)
        bob.post_json("/api/v1/dashboard/", {"dashboard_title": "One"}, X_CSRFToken=api)
        # What a tab of before login, and one of another login, still sends.
        bob.post_json("/api/v1/dashboard/", {"dashboard_title": "Two"}, X_CSRFToken=csrf)
        guest = {"user": {"username": "g"}, "resources": [], "rls": []}
        given = bob.post_json("/api/v1/security/guest_token/", guest, X_CSRFToken=api)
        guest_token = given.find(r'"token": ?"([^"]+)')
        eve = Browser("guest", base)
        eve.say("has a token", bool(guest_token))
        eve.get("/api/v1/me/", "guest", X_GuestToken=guest_token)
        eve.get("/api/v1/dashboard/", X_GuestToken=guest_token)
        bob.get("/logout/")
        look(bob)
        bob.post_json("/api/v1/dashboard/", {"dashboard_title": "Three"}, X_CSRFToken=api)
        log_in(bob, csrf)
        bob.post_json("/api/v1/dashboard/", {"dashboard_title": "Four"}, X_CSRFToken=api)
        look(bob)
        bob.restart()
        look(bob)
        program = Browser("program", base)
        login = {"username": "ann", "password": "secret", "provider": "db", "refresh": True}
        answer = program.post_json("/api/v1/security/login", login)
        bearer = answer.find(r'"access_token": ?"([^"]+)')
        program.get("/api/v1/me/", '"ann"', Authorization=f"Bearer {bearer}")
        program.get("/api/v1/dashboard/", Authorization=f"Bearer {bearer}")


def second(folder: Path) -> None:
    """Go on with what the first act left."""
    with served(application(folder), folder) as base:
        for name in ("ann", "bob"):
            person = Browser.load(name, base, folder)
            look(person)
            person.get("/logout/")
            look(person)
            log_in(person, token(person.get("/login/")))
            look(person)


if __name__ == "__main__":
    play({"first": first, "second": second})
