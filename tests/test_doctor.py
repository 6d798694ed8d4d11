"""``flask login doctor``: what makes logins unsafe is found, and what is meant so is not."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_login import LoginManager, MemorySessionStore, SessionStoreUnavailable
from flask_login.doctor import examine

GOOD: dict[str, Any] = {
    "SECRET_KEY": "a key of thirty-two random bytes",
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "PREFERRED_URL_SCHEME": "https",
}


class SharedStore(MemorySessionStore):
    """Stands for a store on a server of its own."""

    kind = "shared"


class DownStore(SharedStore):
    def ping(self) -> None:
        raise SessionStoreUnavailable(self.kind, OSError("redis://user:canary@host"))


def wrap(app: Flask, middleware: Any) -> None:
    app.wsgi_app = middleware  # type: ignore[method-assign]  # as Flask documents it


def site(store: MemorySessionStore | None = None, **config: Any) -> Flask:
    app = Flask(__name__)
    app.config.update(GOOD)
    app.testing = True
    app.config.update(config)
    wrap(app, ProxyFix(app.wsgi_app))
    LoginManager(app, session_store=store)
    return app


def found(app: Flask) -> list[tuple[str, str]]:
    return [(finding.level, finding.code) for finding in examine(app)]


@pytest.mark.parametrize("store", [None, SharedStore()])
def test_nothing_is_wrong_with_a_good_site(store: MemorySessionStore | None) -> None:
    assert found(site(store)) == []


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        ({"SECRET_KEY": None}, ("error", "no_secret_key")),
        ({"SECRET_KEY": ""}, ("error", "no_secret_key")),
        ({"SECRET_KEY": "dev"}, ("error", "weak_secret_key")),
        ({"SECRET_KEY": b"dev"}, ("error", "weak_secret_key")),
        ({"SECRET_KEY": "a" * 64}, ("error", "weak_secret_key")),
        ({"SESSION_COOKIE_SECURE": False}, ("error", "insecure_session_cookie")),
        (
            {"SESSION_COOKIE_SECURE": False, "PREFERRED_URL_SCHEME": "http"},
            ("hint", "insecure_session_cookie"),
        ),
        ({"SESSION_COOKIE_SAMESITE": None}, ("hint", "no_session_samesite")),
        ({"SESSION_COOKIE_HTTPONLY": False}, ("error", "session_cookie_readable")),
        ({"LOGIN_DISABLED": True}, ("error", "login_disabled")),
    ],
)
def test_a_setting_that_is_unsafe_is_found_and_nothing_else(
    config: dict[str, Any], finding: tuple[str, str]
) -> None:
    assert found(site(**config)) == [finding]


@pytest.mark.parametrize(
    ("workers", "level"), [(None, "hint"), ("1", "hint"), ("auto", "hint"), ("4", "error")]
)
def test_a_memory_store_is_found_and_with_many_workers_it_is_an_error(
    monkeypatch: pytest.MonkeyPatch, workers: str | None, level: str
) -> None:
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    if workers is not None:
        monkeypatch.setenv("WEB_CONCURRENCY", workers)
    app = site(MemorySessionStore())
    assert found(app) == [(level, "memory_store")]
    assert ("WEB_CONCURRENCY is 4" in examine(app)[0].text) == (level == "error")


def test_a_store_that_does_not_answer_is_found_without_its_password() -> None:
    (finding,) = examine(site(DownStore()))
    assert (finding.level, finding.code) == ("error", "store_unavailable")
    assert "shared" in finding.text
    assert "canary" not in finding.text


def test_every_realm_s_store_is_looked_at() -> None:
    app = site(SharedStore())
    LoginManager(app, name="staff", session_store=DownStore())
    LoginManager(app, name="guests")
    (finding,) = examine(app)
    assert "'staff'" in finding.text


def test_a_missing_proxy_fix_is_a_hint() -> None:
    app = site()
    wrap(app, Flask.wsgi_app.__get__(app))
    assert found(app) == [("hint", "no_proxy_fix")]


class Middleware:
    """Wraps an application, which it keeps under a name of its own."""

    def __init__(self, app: Any, name: str) -> None:
        setattr(self, name, app)

    def __call__(self, *args: Any) -> Any: ...


@pytest.mark.parametrize("name", ["app", "wsgi_app"])
def test_a_proxy_fix_is_found_inside_of_other_middleware(name: str) -> None:
    app = site()
    wrap(app, Middleware(app.wsgi_app, name))
    assert found(app) == []


def test_middleware_that_knows_the_application_does_not_keep_doctor_busy_for_ever() -> None:
    class Knowing(Middleware):
        asked = 0

        @property
        def app(self) -> Flask:
            self.asked += 1
            assert self.asked < 100, "round and round"
            return application

    application = site()
    wrap(application, Flask.wsgi_app.__get__(application))
    wrap(application, Knowing(application.wsgi_app, "wsgi_app"))
    assert found(application) == [("hint", "no_proxy_fix")]


def test_errors_come_before_hints() -> None:
    app = site(MemorySessionStore(), SESSION_COOKIE_SAMESITE=None, LOGIN_DISABLED=True)
    assert [level for level, _ in found(app)] == ["error", "hint", "hint"]


def test_every_finding_has_a_cure_and_none_shows_the_key() -> None:
    app = site(DownStore(), SECRET_KEY="canary", SESSION_COOKIE_SECURE=False)
    app.config.update(SESSION_COOKIE_HTTPONLY=False, LOGIN_DISABLED=True)
    for finding in examine(app):
        assert finding.cure.endswith((".", "'", ")"))
        assert "canary" not in finding.text + finding.cure
