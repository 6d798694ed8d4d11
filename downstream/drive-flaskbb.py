"""FlaskBB: a forum with guarded settings, an administration for fresh logins, and CSRF tokens."""

# ruff: noqa: S106, S603  # passwords of nobody; the programs are the application's own

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from browser import Browser, play, served

CONFIGURATION = """
SECRET_KEY = "a key of this application"
WTF_CSRF_SECRET_KEY = "another key of this application"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/forum.sqlite"
RATELIMIT_ENABLED = False
SESSION_COOKIE_SECURE = False
REMEMBER_COOKIE_SECURE = False
TRUSTED_HOSTS = ["127.0.0.1"]
PREFERRED_URL_SCHEME = "http"
SEND_LOGS = False
LOG_DEFAULT_CONF = {{"version": 1}}
"""


def application(folder: Path):
    """FlaskBB with a database of the folder."""
    from flaskbb.app import create_app

    configuration = folder / "flaskbb.cfg"
    if not configuration.exists():
        configuration.write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
        user = ["-u", "ann", "-e", "ann@example.org", "-p", "secret-of-ann"]
        install = ["--config", str(configuration), "install", "--force", *user]
        subprocess.run(
            [sys.executable, "-m", "flaskbb", *install], check=True, stdout=sys.stderr, cwd=folder
        )
    return create_app(str(configuration), str(folder))


def look(person: Browser) -> None:
    """Look at public pages, guarded ones, one for fresh logins, and a static file."""
    person.get("/", "/auth/logout", "/auth/login")
    person.get("/who-is-online")
    person.get("/user/settings/general")
    person.get("/topictracker")
    person.get("/1/topic/new")
    person.get("/auth/login")
    person.get("/auth/reauth")
    person.get("/auth/register")
    person.get("/admin/")
    person.get("/admin/settings")
    person.get("/static/app.css")
    person.get("/does-not-exist")


def log_in(person: Browser, token: str, **more: str) -> None:
    """Send the login form."""
    form = {"csrf_token": token, "login": "ann", "password": "secret-of-ann", **more}
    person.post("/auth/login", form, "csrf_token")


def first(folder: Path) -> None:
    """Look as nobody, log in with two tabs, remember, confirm, log out."""
    with served(application(folder), folder) as base:
        look(Browser("nobody", base))
        ann = Browser("ann", base)
        tab = ann.get("/auth/login").csrf
        log_in(ann, "wrong")
        log_in(ann, tab, password="wrong")
        log_in(ann, tab)
        look(ann)
        # A tab that was open before login sends what it has.
        ann.post("/1/topic/new", {"csrf_token": tab, "title": "A title", "content": "Some text"})
        settings = ann.get("/user/settings/general").csrf
        ann.save(folder)
        bob = Browser("bob", base)
        one = bob.get("/auth/login").csrf
        two = bob.get("/auth/login").csrf
        log_in(bob, one, remember_me="y")
        log_in(bob, two, remember_me="y")
        look(bob)
        topic = bob.get("/1/topic/new").csrf
        bob.restart()
        bob.save(folder)
        look(bob)
        reauth = bob.get("/auth/reauth").csrf
        bob.post("/auth/reauth", {"csrf_token": reauth, "password": "wrong"})
        bob.post("/auth/reauth", {"csrf_token": reauth, "password": "secret-of-ann"})
        look(bob)
        title = {"title": "Another", "content": "Some text"}
        bob.post("/1/topic/new", {"csrf_token": topic, **title})
        topic = bob.get("/1/topic/new").csrf
        bob.get("/auth/logout")
        bob.post("/1/topic/new", {"csrf_token": topic, **title})
        look(bob)
        log_in(bob, bob.get("/auth/login").csrf)
        bob.post("/1/topic/new", {"csrf_token": topic, **title})
        bob.get("/auth/logout")
        bob.restart()
        look(bob)
        ann.post("/user/settings/general", {"csrf_token": settings, "language": "de"})


def second(folder: Path) -> None:
    """Go on with what the first act left."""
    with served(application(folder), folder) as base:
        for name in ("ann", "bob"):
            person = Browser.load(name, base, folder)
            person.get("/", "/auth/logout", "/auth/login")
            person.get("/user/settings/general")
            person.get("/admin/")
            person.get("/auth/logout")
            log_in(person, person.get("/auth/login").csrf, remember_me="y")
            look(person)
            person.restart()
            look(person)
            person.get("/auth/logout")
            look(person)
            person.restart()
            look(person)


if __name__ == "__main__":
    play({"first": first, "second": second})
