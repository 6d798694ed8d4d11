"""Flask-Security: its `auth_required`, with users in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from flask import abort
from flask_security import (
    RoleMixin,
    Security,
    UserDatastore,
    UserMixin,
    auth_required,
    current_user,
    login_user,
)
from flask_security.datastore import Datastore

from .plain import NAME, USER_ID, bare_app, flask_app
from .wsgi import Variant, ask, environ


class Role(RoleMixin):
    name = "reader"


class User(UserMixin):
    id = USER_ID
    name = NAME
    email = "ada@example.org"
    password = "x"
    active = True
    fs_uniquifier = "2b7f7c1d9a5e4c55b8f0a5d3f7e61c90"
    roles: list[Role] = []  # noqa: RUF012  # nobody changes it


class People(Datastore, UserDatastore):
    """Finds the one user there is."""

    def __init__(self) -> None:
        Datastore.__init__(self, None)
        UserDatastore.__init__(self, User, Role)
        self.user = User()

    def find_user(self, case_insensitive: bool = False, **known: Any) -> User | None:
        name, value = next(iter(known.items()))
        return self.user if getattr(self.user, name) == value else None

    def find_role(self, role: str) -> None:
        return None

    def commit(self) -> None:
        pass

    def put(self, model: Any) -> Any:
        return model


def session(urls: Mapping[str, str]) -> Variant:
    people = People()
    app = flask_app(
        "with_flask_security",
        SECURITY_PASSWORD_SALT="97354211",
        SECURITY_PASSWORD_HASH="pbkdf2_sha512",
    )
    Security(app, people)

    @app.get("/enter")
    def enter() -> str:
        assert login_user(people.user)
        return "ok"

    @app.get("/page")
    @auth_required("session")
    def page() -> str:
        return "ok" if current_user.name else abort(500)

    found = ask(app, environ("/enter"))  # its own /login is a form
    cookies = {"session": found.cookies["session"]}
    made = Variant(app, bare_app(), {"page": [environ("/page", cookies)]})
    made.facts["cookie"] = len(f"session={cookies['session']}")
    return made


VARIANTS: dict[str, Callable[[Mapping[str, str]], Variant]] = {"Flask-Security": session}


def versions() -> dict[str, Any]:
    """Return what is compared here."""
    return {name: version(name) for name in ("Flask-Security", "Flask-Login", "Flask")}
