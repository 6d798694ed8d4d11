"""The same views for both releases of Flask-Login: what an application has to write."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, abort, render_template

from flask_login import LoginManager, UserMixin, current_user, login_required, login_user

from .plain import API_KEY, NAME, READS, USER_ID, flask_app


class User(UserMixin):
    name = NAME

    def __init__(self, user_id: str) -> None:
        self.id = user_id


def login_app(manager: LoginManager, **config: Any) -> Flask:
    """Return an application with logins."""
    app = flask_app("with_flask_login", "current_user", **config)
    manager.init_app(app)
    users = {USER_ID: User(USER_ID)}

    @manager.user_loader
    def load_user(user_id: str) -> User | None:
        return users.get(user_id)

    @manager.request_loader
    def load_user_of_key(request: Request) -> User | None:
        return users[USER_ID] if request.headers.get("X-Api-Key") == API_KEY else None

    @app.get("/login")
    def login() -> str:
        assert login_user(users[USER_ID])
        return "ok"

    @app.get("/login/remember")
    def login_and_remember() -> str:
        assert login_user(users[USER_ID], remember=True)
        return "ok"

    @app.get("/page")
    @login_required
    def page() -> str:
        return "ok" if current_user.name else abort(500)

    @app.get("/look/<int:count>")
    @login_required
    def look(count: int) -> str:
        for _ in range(count):
            assert current_user.name
        return "ok"

    for count in READS:

        def show(template: str = f"reads-{count}") -> str:
            return render_template(template)

        app.add_url_rule(f"/reads/{count}", f"reads_{count}", login_required(show))
    return app
