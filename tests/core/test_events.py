from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from blinker import NamedSignal
from flask import Flask

from flask_login import (
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    fresh_login_required,
    login_required,
    signals,
)

NAMES = [
    "user_logged_in",
    "user_logged_out",
    "user_loaded_from_cookie",
    "user_loaded_from_request",
    "user_login_confirmed",
    "user_unauthorized",
    "user_needs_refresh",
    "user_accessed",
    "session_protected",
]

Events = list[tuple[str, Any, dict[str, Any]]]


@pytest.fixture
def events() -> Any:
    """Every event of the library, in order: its name, its sender and its arguments.

    `user_accessed` is left out: it accompanies nearly every request.
    """
    seen: Events = []

    def receiver(name: str) -> Callable[..., None]:
        def receive(sender: Any, **arguments: Any) -> None:
            seen.append((name, sender, arguments))

        return receive

    with ExitStack() as stack:
        for name in NAMES:
            if name != "user_accessed":
                signal: NamedSignal = getattr(signals, name)
                stack.enter_context(signal.connected_to(receiver(name)))
        yield seen


@pytest.fixture
def guarded_app(app: Flask) -> Flask:
    @app.get("/guarded")
    @login_required
    def guarded() -> str:
        return "come in"

    @app.get("/guarded/fresh")
    @fresh_login_required
    def guarded_fresh() -> str:
        return "come in"

    @app.get("/confirm")
    def confirm() -> str:
        confirm_login()
        return "confirmed"

    return app


def names(events: Events) -> list[str]:
    return [name for name, _, _ in events]


@pytest.mark.parametrize("name", NAMES)
def test_the_nine_signals_of_old_are_where_they_were(name: str) -> None:
    import flask_login

    signal = getattr(signals, name)
    assert isinstance(signal, NamedSignal)
    assert getattr(flask_login, name) is signal


def test_login_and_logout_are_sent_with_the_app_and_the_user(
    guarded_app: Flask, events: Events, users: dict[str, Any]
) -> None:
    client = guarded_app.test_client()
    client.get("/login/alice")
    client.get("/logout")
    assert events == [
        ("user_logged_in", guarded_app, {"user": users["alice"]}),
        ("user_logged_out", guarded_app, {"user": users["alice"]}),
    ]


def test_a_logout_of_nobody_is_sent_with_nobody(guarded_app: Flask, events: Events) -> None:
    guarded_app.test_client().get("/logout")
    ((name, _, arguments),) = events
    assert name == "user_logged_out"
    assert arguments["user"].is_anonymous


def test_a_refused_login_is_no_login(
    guarded_app: Flask, events: Events, users: dict[str, Any]
) -> None:
    users["alice"].active = False
    assert guarded_app.test_client().get("/login/alice").text == "False"
    assert events == []


def test_a_remembered_user_is_announced_once(
    guarded_app: Flask, events: Events, users: dict[str, Any]
) -> None:
    client = guarded_app.test_client()
    client.get("/login/alice?remember")
    client.delete_cookie("session")
    events.clear()
    client.get("/me")
    client.get("/me")
    assert events == [("user_loaded_from_cookie", guarded_app, {"user": users["alice"]})]


@pytest.mark.parametrize("loader", ["request_loader", "bearer_loader"])
def test_a_user_of_a_request_loader_is_announced_at_each_request(
    guarded_app: Flask, login_manager: LoginManager[Any], events: Events, loader: str
) -> None:
    class Robot(UserMixin):
        id = "robot"

    robot = Robot()
    getattr(login_manager, loader)(lambda _: robot)
    client = guarded_app.test_client()
    for _ in range(2):
        client.get("/me", headers={"Authorization": "Bearer token"})
    assert events == [("user_loaded_from_request", guarded_app, {"user": robot})] * 2


def test_a_user_of_a_header_loader_is_announced_by_the_old_signal(
    guarded_app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    seen = []
    login_manager.header_loader(lambda _: users["alice"])

    def receive(sender: Any, user: Any) -> None:
        seen.append((sender, user))

    with signals._user_loaded_from_header.connected_to(receive):
        guarded_app.test_client().get("/me", headers={"Authorization": "x"})
    assert seen == [(guarded_app, users["alice"])]


def imported(code: str) -> tuple[Any, list[str]]:
    """Return what ``signal`` is after an import statement, and the warnings of it."""
    names: dict[str, Any] = {"__name__": "an application"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(code, names)  # noqa: S102  # the import that stands in the test
    assert {warning.category for warning in caught} <= {DeprecationWarning}
    assert {warning.filename for warning in caught} <= {"<string>"}
    return names.get("signal"), [str(warning.message) for warning in caught]


@pytest.mark.parametrize("home", ["flask_login", "flask_login.signals"])
@pytest.mark.parametrize(
    "code",
    [
        "from {home} import user_loaded_from_header as signal",
        "import {home} as home; signal = home.user_loaded_from_header",
    ],
)
def test_the_signal_of_header_loaders_has_its_name_of_before_and_says_that_it_is_old(
    home: str, code: str, guarded_app: Flask, users: dict[str, Any], events: Events
) -> None:
    signal, told = imported(code.format(home=home))
    assert len(told) == 1
    assert "user_loaded_from_request" in told[0]
    assert len(imported(code.format(home=home))[1]) == 1
    guarded_app.extensions["login"]["default"].manager.header_loader(lambda _: users["alice"])
    seen = []

    def receive(sender: Any, user: Any) -> None:
        seen.append((sender, user, current_user.get_id()))

    with signal.connected_to(receive, guarded_app):
        answer = guarded_app.test_client().get("/me", headers={"Authorization": "x"})
    assert answer.text == "alice"
    assert seen == [(guarded_app, users["alice"], "alice")]
    assert events == [], "it is no request loader's"


@pytest.mark.parametrize("home", ["flask_login", "flask_login.signals"])
def test_nobody_is_told_of_an_old_name_who_does_not_use_it(home: str) -> None:
    assert imported(f"from {home} import *; import {home}; dir({home})") == (None, [])
    with pytest.raises(AttributeError, match="has no attribute 'user_loaded_from_nowhere'"):
        imported(f"import {home} as home; home.user_loaded_from_nowhere")


def test_refusals_are_announced(guarded_app: Flask, events: Events) -> None:
    client = guarded_app.test_client()
    client.get("/guarded")
    client.get("/guarded", headers={"Accept": "application/json"})
    assert events == [("user_unauthorized", guarded_app, {})] * 2
    client.get("/login/alice?stale")
    events.clear()
    client.get("/guarded/fresh")
    assert events == [("user_needs_refresh", guarded_app, {})]


def test_refusals_are_announced_also_where_the_app_answers_itself(
    guarded_app: Flask, login_manager: LoginManager[Any], events: Events
) -> None:
    login_manager.unauthorized_callback = lambda: "no"
    login_manager.needs_refresh_callback = lambda: "again"
    client = guarded_app.test_client()
    client.get("/guarded")
    client.get("/login/alice?stale")
    client.get("/guarded/fresh")
    assert names(events) == ["user_unauthorized", "user_logged_in", "user_needs_refresh"]


def test_a_confirmed_login_is_announced(guarded_app: Flask, events: Events) -> None:
    client = guarded_app.test_client()
    client.get("/login/alice?stale")
    events.clear()
    client.get("/confirm")
    assert events == [("user_login_confirmed", guarded_app, {})]


def test_a_confirmation_without_a_login_is_announced_as_it_was_before(
    guarded_app: Flask, events: Events
) -> None:
    guarded_app.test_client().get("/confirm")
    assert events == [("user_login_confirmed", guarded_app, {})]


@pytest.mark.parametrize("mode", ["basic", "strong"])
def test_another_client_is_announced_once(guarded_app: Flask, events: Events, mode: str) -> None:
    guarded_app.config["SESSION_PROTECTION"] = mode
    client = guarded_app.test_client()
    client.get("/login/alice", headers={"User-Agent": "one"})
    events.clear()
    for _ in range(2):
        client.get("/me", headers={"User-Agent": "another"})
    assert events == [("session_protected", guarded_app, {})]


def test_the_question_for_the_user_is_announced_once_a_request(guarded_app: Flask) -> None:
    seen = []

    @guarded_app.get("/ask")
    def ask() -> str:
        return f"{current_user.get_id()} {current_user.get_id()}"

    def receive(sender: Any) -> None:
        seen.append(sender)

    client = guarded_app.test_client()
    with signals.user_accessed.connected_to(receive):
        client.get("/public")
        assert seen == []
        client.get("/ask")
        assert seen == [guarded_app]
        client.get("/ask")
        assert seen == [guarded_app] * 2


@pytest.mark.parametrize("name", NAMES)
def test_every_receiver_may_read_the_current_user(
    guarded_app: Flask, login_manager: LoginManager[Any], users: dict[str, Any], name: str
) -> None:
    seen: list[str | None] = []

    def receive(sender: Any, **arguments: Any) -> None:
        seen.append(current_user.get_id())

    login_manager.request_loader(
        lambda request: users["bob"] if "X-API-Key" in request.headers else None
    )
    client = guarded_app.test_client()
    signal: NamedSignal = getattr(signals, name)
    with signal.connected_to(receive):
        client.get("/guarded")
        client.get("/me", headers={"X-API-Key": "key"})
        client.get("/login/alice?remember")
        client.get("/me", headers={"User-Agent": "another"})
        client.get("/guarded/fresh", headers={"User-Agent": "another"})
        client.get("/confirm", headers={"User-Agent": "another"})
        client.delete_cookie("session")
        client.get("/me")
        client.get("/logout")
    expected = {
        "user_logged_in": ["alice"],
        "user_logged_out": ["alice"],
        "user_loaded_from_cookie": ["alice"],
        "user_loaded_from_request": ["bob"],
        "user_login_confirmed": ["alice"],
        "user_unauthorized": [None],
        "user_needs_refresh": ["alice"],
    }
    # Session protection finds the other client before there is a user.
    assert seen == expected.get(name, seen)
    assert seen
