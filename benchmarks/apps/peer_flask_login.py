"""Flask-Login 0.6.3: alone, and with Flask-Session, which keeps the sessions on a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from flask_session import Session

from flask_login import LoginManager

from .login_views import login_app
from .plain import bare_app, logged_in, login_site
from .wsgi import Variant

Urls = Mapping[str, str]


def signed(urls: Urls) -> Variant:
    return login_site(login_app(LoginManager()), bare_app())


def on_redis(urls: Urls) -> Variant:
    import redis

    client = redis.Redis.from_url(urls["redis"])
    app = login_app(LoginManager(), SESSION_TYPE="redis", SESSION_REDIS=client)
    Session(app)
    return logged_in(app, bare_app())


def on_sqlalchemy(urls: Urls) -> Variant:
    from flask_sqlalchemy import SQLAlchemy

    app = login_app(
        LoginManager(), SESSION_TYPE="sqlalchemy", SQLALCHEMY_DATABASE_URI=urls["postgresql"]
    )
    db = SQLAlchemy(app)
    app.config["SESSION_SQLALCHEMY"] = db
    Session(app)
    with app.app_context():
        db.create_all()
    return logged_in(app, bare_app())


VARIANTS: dict[str, Callable[[Urls], Variant]] = {
    "Flask-Login 0.6.3": signed,
    "Flask-Login 0.6.3, Flask-Session on redis": on_redis,
    "Flask-Login 0.6.3, Flask-Session on postgresql": on_sqlalchemy,
}


def versions() -> dict[str, Any]:
    """Return what is compared here."""
    names = ("Flask-Login", "Flask", "Flask-Session", "Flask-SQLAlchemy", "SQLAlchemy", "redis")
    return {name: version(name) for name in names}
