"""Fixtures of the portal's tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import event

from flask_login.testing import FrozenClock
from portal import create_app, passwords
from portal.models import db
from portal_browser import chromium, portal_url, start_browser  # noqa: F401  # fixtures
from portal_testing import (
    ADMIN,
    MEMBER,
    Visitor,
    add_authenticator,
    add_user,
    close_database,
)

# What ``create_app`` reads: the tests decide it, not the machine they run on.
ENVIRONMENT = (
    "DATABASE_URL",
    "HTTPS",
    "IDLE_MINUTES",
    "INSTANCE_PATH",
    "LOGIN_STORE",
    "PROXY_FIX",
    "PROXY_FIX_HOST",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SUPPORT_EMAIL",
    "THROTTLE_STORAGE",
    "TRUSTED_HOSTS",
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the surrounding shell reaches a test."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with the least work, where its cost is not what is tested."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", hasher)


@pytest.fixture
def clock() -> FrozenClock:
    """The time by which logins grow old; it begins now, because browsers drop old cookies."""
    return FrozenClock(datetime.now(timezone.utc))


@pytest.fixture
def app(tmp_path: Path, cheap_passwords: None, clock: FrozenClock) -> Iterator[Flask]:
    """A portal with an administrator and a member, and CSRF protection on."""
    settings = {"TESTING": True, "LOGIN_CLOCK": clock}
    app = create_app(settings, instance_path=str(tmp_path / "instance"))
    add_user(app, ADMIN, role="admin")
    add_authenticator(app, ADMIN)
    add_user(app, MEMBER)
    yield app
    close_database(app)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who is not logged in."""
    return Visitor(app)


@pytest.fixture
def member(app: Flask) -> Visitor:
    """A member who has just logged in, and wants to be remembered."""
    member = Visitor(app)
    assert member.log_in(MEMBER, remember=True).status_code == 302
    return member


@pytest.fixture
def admin(app: Flask) -> Visitor:
    """An administrator who has just logged in, and wants to be remembered."""
    admin = Visitor(app)
    assert admin.log_in(ADMIN, remember=True).status_code == 302
    return admin


@pytest.fixture
def nul_refused(app: Flask) -> Iterator[None]:
    """A database that, like PostgreSQL, fails on text with a NUL character in it."""

    def check(*arguments: object) -> None:
        _connection, _cursor, _statement, parameters, *_ = arguments
        if r"\x00" in repr(parameters):
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", check)
    yield
    event.remove(engine, "before_cursor_execute", check)
