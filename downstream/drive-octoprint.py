"""OctoPrint, through the requests of its own page: login, passive login, tabs, logout."""

# ruff: noqa: S107, S603  # passwords of nobody; the programs are the application's own

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from browser import Browser, Page, play, started

OCTOPRINT = [sys.executable, "-m", "octoprint", "--basedir"]
CONFIGURATION = """
server:
  firstRun: false
  secretKey: a-key-of-this-application
  onlineCheck: {enabled: false}
  pluginBlacklist: {enabled: false}
accessControl: {}
plugins:
  _disabled: [announcements, discovery, pluginmanager, softwareupdate, tracking]
"""
API_KEY = "0123456789ABCDEF0123456789ABCDEF"


def prepare(folder: Path) -> None:
    """Make a configuration and two people."""
    base = folder / "octoprint"
    if base.exists():
        return
    base.mkdir()
    configuration = f"{CONFIGURATION}api: {{key: {API_KEY}}}\n"
    (base / "config.yaml").write_text(configuration, encoding="utf-8")
    for name, options in (("ann", ["--admin"]), ("bob", ["-g", "users"])):
        add = [*OCTOPRINT, str(base), "user", "add", name, "--password", "secret", *options]
        subprocess.run(add, check=True, stdout=sys.stderr)


def serve(folder: Path):
    """Start it."""
    prepare(folder)
    options = ["serve", "--iknowwhatimdoing", "--host", "127.0.0.1", "--port", "{port}"]
    return started([*OCTOPRINT, str(folder / "octoprint"), *options], folder, "/api/version")


def user(page: Page) -> str:
    """Return the person of an answer of the interface."""
    return str(page.json.get("name")) if page.status == 200 else "-"


def look(person: Browser) -> None:
    """Look at public pages, at guarded ones and at a static file."""
    person.say("is", user(person.get("/api/currentuser")))
    person.get("/api/settings")
    person.get("/api/printerprofiles")
    person.get("/api/users/bob")
    person.get("/api/job")
    person.get("/")
    person.get("/login/")
    person.get("/static/css/octoprint.css")
    person.get("/api/connection")
    # What the page does when it opens.
    person.say("is passively", user(send(person, "/api/login", {"passive": True})))


def send(person: Browser, path: str, value: object) -> Page:
    """Send JSON with the CSRF token that the page's scripts take from a cookie."""
    return person.post_json(path, value, X_CSRF_Token=person.cookie("csrf_token"))


def log_in(person: Browser, password: str = "secret", **more: bool) -> None:
    """Log in as the page does."""
    person.get("/login/")
    send(person, "/api/login", {"user": person.name, "pass": password, **more})
    person.say("has", person.cookies())


def first(folder: Path) -> None:
    """Look as nobody, with and without a key, log in with two tabs, remember, log out."""
    with serve(folder) as base:
        nobody = Browser("nobody", base)
        look(nobody)
        nobody.get("/api/currentuser", "application key", X_Api_Key="wrong")
        nobody.get("/api/settings", X_Api_Key=API_KEY)
        nobody.get("/api/currentuser", X_Api_Key=API_KEY)
        nobody.get("/api/settings", Authorization=f"Bearer {API_KEY}")
        nobody.get("/api/currentuser", Cookie="a=b; remember_token=junk; session=junk")
        send(nobody, "/api/logout", {})
        ann = Browser("ann", base)
        log_in(ann, "wrong")
        log_in(ann)
        look(ann)
        ann.save(folder)
        bob = Browser("bob", base)
        # Two tabs at the login page: the second logs in again.
        log_in(bob, remember=True)
        log_in(bob, remember=True)
        look(bob)
        bob.restart()
        bob.save(folder)
        look(bob)
        send(bob, "/api/logout", {})
        look(bob)
        bob.restart()
        look(bob)


def second(folder: Path) -> None:
    """Go on with what the first act left; the server forgot its own sessions."""
    with serve(folder) as base:
        for name in ("ann", "bob"):
            person = Browser.load(name, base, folder)
            person.say("is", user(person.get("/api/currentuser")))
            person.say("is passively", user(send(person, "/api/login", {"passive": True})))
            person.say("has", person.cookies())
            send(person, "/api/logout", {})
            log_in(person, remember=True)
            look(person)
            person.restart()
            look(person)
            send(person, "/api/logout", {})
            look(person)


if __name__ == "__main__":
    play({"first": first, "second": second})
