"""Locust's web interface with its login page, as in the example of its documentation."""

# passwords of nobody; the programs are the application's own

from __future__ import annotations

import sys
from pathlib import Path

from browser import Browser, play, started

LOCUSTFILE = """
import os
from flask import Blueprint, redirect, request, session, url_for
from flask_login import UserMixin, login_required, login_user, logout_user
from locust import HttpUser, events, task


class AuthUser(UserMixin):
    def __init__(self, username):
        self.username = username

    def get_id(self):
        return self.username


class Visitor(HttpUser):
    host = "http://127.0.0.1:9"

    @task
    def look(self):
        self.client.get("/")


@events.init.add_listener
def of_locust(environment, **_):
    if not environment.web_ui:
        return
    ui = environment.web_ui
    ui.login_manager.user_loader(AuthUser)
    ui.app.config["SECRET_KEY"] = "a key of this application"
    ui.auth_args = {
        "username_password_callback": "/login_submit",
        "auth_providers": [{"label": "Github", "callback_url": "/github"}],
    }
    auth = Blueprint("auth", "web_ui_auth")

    @auth.route("/login_submit", methods=["POST"])
    def login_submit():
        username = request.form.get("username")
        if username and request.form.get("password") == "secret":
            session["username"] = username
            login_user(AuthUser(username), remember="remember" in request.form)
            return redirect(url_for("locust.index"))
        session["auth_error"] = "Invalid username or password"
        return redirect(url_for("locust.login"))

    @auth.route("/logout")
    @login_required
    def logout():
        logout_user()
        return redirect(url_for("locust.login"))

    ui.app.register_blueprint(auth)
"""


def serve(folder: Path):
    """Start it without a test running."""
    script = folder / "locustfile.py"
    script.write_text(LOCUSTFILE, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "locust", "-f", str(script)),
        *("--web-host", "127.0.0.1", "--web-port", "{port}", "--web-login"),
    ]
    return started(command, folder, "/login", cwd=folder)


def look(person: Browser) -> None:
    """Look at guarded pages, the login page and an asset."""
    person.get("/")
    person.get("/stats/requests")
    person.get("/stats/requests/csv")
    person.get("/tasks")
    person.get("/exceptions")
    person.get("/login")
    asset = person.get("/login").find(r'"[./]*(assets/[^"]+\.js)"')
    person.say("an asset", bool(asset))
    person.get(f"/{asset}")


def first(folder: Path) -> None:
    """Look as nobody, log in, remember, log out."""
    with serve(folder) as base:
        nobody = Browser("nobody", base)
        look(nobody)
        nobody.get("/stats/requests", Accept="application/json")
        nobody.post("/swarm", {"user_count": 1, "spawn_rate": 1})
        nobody.get("/logout")
        ann = Browser("ann", base)
        ann.get("/login")
        ann.post("/login_submit", {"username": "ann", "password": "wrong"})
        ann.get("/login", "Invalid username or password")
        ann.post("/login_submit", {"username": "ann", "password": "secret"})
        look(ann)
        ann.get("/stats/requests", Accept="application/json")
        ann.save(folder)
        bob = Browser("bob", base)
        bob.post("/login_submit", {"username": "bob", "password": "secret", "remember": "y"})
        look(bob)
        bob.restart()
        bob.save(folder)
        look(bob)
        bob.get("/logout")
        look(bob)
        bob.restart()
        look(bob)


def second(folder: Path) -> None:
    """Go on with what the first act left."""
    with serve(folder) as base:
        for name in ("ann", "bob"):
            person = Browser.load(name, base, folder)
            person.get("/")
            person.get("/tasks")
            # A second tab, whose login page was open.
            person.post("/login_submit", {"username": name, "password": "secret", "remember": "y"})
            look(person)
            person.restart()
            look(person)
            person.get("/logout")
            look(person)


if __name__ == "__main__":
    play({"first": first, "second": second})
