"""pgAdmin 4 as a server with login, and as the program of one desktop.

It keeps sessions in files, checks CSRF tokens of GET requests too, has guards of its own on top
of Flask-Security, and logs people out when the server was restarted.
"""

# ruff: noqa: S106  # passwords of nobody; the programs are the application's own

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from browser import Browser, Page, free_port, play, started

CONFIGURATION = """
import os

DATA_DIR = {folder!r}
LOG_FILE = DATA_DIR + "/pgadmin.log"
SQLITE_PATH = DATA_DIR + "/pgadmin.db"
SESSION_DB_PATH = DATA_DIR + "/sessions"
STORAGE_DIR = DATA_DIR + "/storage"
AZURE_CREDENTIAL_CACHE_DIR = DATA_DIR + "/azure"
KERBEROS_CCACHE_DIR = DATA_DIR + "/kerberos"
DEFAULT_SERVER = "127.0.0.1"
DEFAULT_SERVER_PORT = {port}
UPGRADE_CHECK_ENABLED = False
MASTER_PASSWORD_REQUIRED = False
USE_OS_SECRET_STORAGE = False
MAX_LOGIN_ATTEMPTS = 0
"""
ANN = {"email": "ann@example.org", "password": "secret-of-ann"}


def serve(folder: Path, mode: str):
    """Start it; ``mode`` is ON for a server, OFF for a desktop."""
    base = folder / f"pgadmin-{mode}"
    base.mkdir(exist_ok=True)
    (base / "config_local.py").write_text(
        CONFIGURATION.format(folder=str(base), port=free_port(folder)), encoding="utf-8"
    )
    (package,) = importlib.util.find_spec("pgadmin4").submodule_search_locations
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(base), os.environ.get("PYTHONPATH", "")]),
        "PGADMIN_SERVER_MODE": mode,
        "PGADMIN_SETUP_EMAIL": ANN["email"],
        "PGADMIN_SETUP_PASSWORD": ANN["password"],
    }
    command = [sys.executable, str(Path(package) / "pgAdmin4.py")]
    return started(command, folder, "/misc/ping", env=environment)


def token(page: Page) -> str:
    """Return the CSRF token that a page of it carries."""
    return page.find(r"""csrf_?[tT]oken['"]?\]?\s*[:=]\s*['"]([^'"]+)""")


def look(person: Browser) -> None:
    """Look at public pages, guarded ones, and a static file."""
    person.get("/")
    page = person.get("/browser/", "pgAdmin")
    person.say("a token", bool(token(page)))
    utils = person.get("/browser/js/utils.js")
    person.get("/browser/nodes/", X_pgA_CSRFToken=token(utils))
    person.get("/browser/nodes/")
    person.get("/preferences/")
    person.get("/misc/ping")
    person.get("/user_management/")
    person.get("/settings/get_tree_state/", X_pgA_CSRFToken=token(utils))
    person.get("/static/favicon.ico")
    person.get("/login")


def log_in(person: Browser, csrf: str, **more: str) -> None:
    """Send the login form."""
    form = {**ANN, "csrf_token": csrf, "internal_button": "Login", **more}
    person.post("/authenticate/login", form)


def first(folder: Path) -> None:
    """Look as nobody, log in with two tabs, log out; then as the program of a desktop."""
    with serve(folder, "ON") as base:
        look(Browser("nobody", base))
        ann = Browser("ann", base)
        # Two tabs at the login page.
        one, two = token(ann.get("/login")), token(ann.get("/login"))
        ann.say("two tokens", [bool(one), bool(two)])
        log_in(ann, "wrong")
        log_in(ann, one, password="wrong")
        log_in(ann, one)
        look(ann)
        log_in(ann, two)
        look(ann)
        ann.save(folder)
        bob = Browser("bob", base)
        csrf = token(bob.get("/login"))
        log_in(bob, csrf, remember="y")
        look(bob)
        bob.get("/logout?next=/browser/")
        look(bob)
        log_in(bob, csrf)
        look(bob)
        bob.restart()
        look(bob)
    with serve(folder, "OFF") as base:
        desktop = Browser("desktop", base)
        look(desktop)
        desktop.save(folder)
        desktop.restart()
        look(desktop)


def second(folder: Path) -> None:
    """Go on with what the first act left."""
    with serve(folder, "ON") as base:
        ann = Browser.load("ann", base, folder)
        look(ann)
        log_in(ann, token(ann.get("/login")))
        look(ann)
        ann.get("/logout?next=/browser/")
        look(ann)
    with serve(folder, "OFF") as base:
        look(Browser.load("desktop", base, folder))


if __name__ == "__main__":
    play({"first": first, "second": second})
