"""The session and the context of a request: nothing is touched without need."""

from __future__ import annotations

import gc
from collections.abc import Callable, MutableMapping
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest
from flask import Flask, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from flask_login import (
    LoginManager,
    MemorySessionStore,
    UserMixin,
    current_user,
    login_fresh,
    login_user,
    logout_user,
)
from flask_login.flask_internals import get_config, request_context, touched_session


def test_outside_of_an_application_the_error_is_flask_s() -> None:
    with pytest.raises(RuntimeError, match="outside of application context"):
        get_config()


def test_a_page_that_never_asks_for_the_user_touches_no_session(app: Flask) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    response = client.get("/public")
    assert "Vary" not in response.headers
    assert "Set-Cookie" not in response.headers


@pytest.mark.skipif(
    tuple(map(int, version("flask").split(".")[:3])) < (2, 3, 2),
    reason="Flask before 2.3.2 leaves Vary out where an empty session was read (CVE-2023-30861)",
)
def test_a_page_that_asks_for_the_user_of_a_visitor_sets_no_cookie(app: Flask) -> None:
    response = app.test_client().get("/me")
    assert response.text == "nobody"
    assert response.headers["Vary"] == "Cookie"
    assert "Set-Cookie" not in response.headers


def test_the_session_counts_as_touched_only_when_the_application_used_it(app: Flask) -> None:
    with app.test_request_context():
        assert touched_session(request_context.get(None)) is None
        assert touched_session(request_context.get(None)) is None, "looking is no use"
        session.get("cart")
        assert touched_session(request_context.get(None)) is not None


@pytest.mark.parametrize("place", ["session", "_session"])
def test_the_session_is_found_where_this_and_other_versions_of_flask_keep_it(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    opened = SecureCookieSession({"cart": 1})
    context = SimpleNamespace(**{place: opened})
    opened.accessed = False
    assert touched_session(context) is None
    opened.accessed = True
    assert touched_session(context) is opened


def test_a_session_that_does_not_say_whether_it_was_used_counts_as_used(
    make_app: Callable[..., Flask],
) -> None:
    class Plain(dict[str, Any]):
        """A session of an older interface: a mapping and nothing more."""

        modified = False

    class Interface(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Any) -> Any:
            return Plain()

        def save_session(self, app: Flask, session: Any, response: Any) -> None: ...

    app = make_app()
    app.session_interface = Interface()
    with app.test_request_context():
        opened: MutableMapping[str, Any] | None = touched_session(request_context.get(None))
        assert isinstance(opened, Plain)
    assert app.test_client().get("/public").text == "hello"
    assert app.test_client().get("/me").text == "nobody"


def test_what_a_request_decided_is_kept_neither_for_the_next_nor_in_the_session(
    app: Flask,
) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    with client.session_transaction() as kept:
        assert isinstance(kept, SecureCookieSession)
        assert set(kept) == {"_user_id", "_fresh", "_id", "_at"}
    assert "Set-Cookie" not in client.get("/me").headers


def test_the_session_of_a_login_is_not_written_again_on_every_request(app: Flask) -> None:
    client = app.test_client()
    client.get("/login/alice")
    for page in ("/me", "/fresh", "/public"):
        assert "Set-Cookie" not in client.get(page).headers


def test_asking_for_freshness_asks_for_the_user_first(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as sess:
        sess.update({"_user_id": "nobody we know", "_fresh": True})
    with client:
        client.get("/public")
        assert not login_fresh()


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


@pytest.mark.parametrize("store", [None, MemorySessionStore()], ids=["signed", "stored"])
@pytest.mark.parametrize("path", ["/me", "/login", "/logout", "/public"])
def test_what_a_request_leaves_in_memory_goes_without_the_collector_of_garbage(
    path: str, store: Any
) -> None:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="a key of thirty-two random bytes")
    app.debug = True  # without the memory store's warning
    manager: LoginManager[Any] = LoginManager(app, session_store=store)
    manager.user_loader(User)
    seen: list[Any] = []

    @app.before_request
    def keep() -> None:
        seen.append(ref(request._get_current_object()))  # type: ignore[attr-defined]

    app.add_url_rule("/me", "me", lambda: str(current_user.get_id()))
    app.add_url_rule("/login", "login", lambda: str(login_user(User("7"), remember=True)))
    app.add_url_rule("/logout", "logout", lambda: str(logout_user()))
    app.add_url_rule("/public", "public", lambda: "hello")
    client = app.test_client()
    client.get("/login")
    client.get("/me")
    gc.collect()
    gc.disable()
    try:
        client.get(path).close()
        assert seen[-1]() is None
    finally:
        gc.enable()
