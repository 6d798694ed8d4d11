"""Loaders and handlers that are ``async def``, in views of both kinds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Request, g, request, session

from flask_login import (
    LoginManager,
    current_user,
    fresh_login_required,
    get_current_user,
    login_required,
    user_accessed,
)

pytest.importorskip("asgiref", reason="async views and loaders need Flask[async]")


@pytest.fixture
def awaited(login_manager: LoginManager[Any], users: dict[str, Any]) -> list[str]:
    """Make every loader and handler ``async def``; return what they were asked."""
    asked: list[str] = []

    @login_manager.user_loader
    async def load(user_id: str) -> Any:
        await asyncio.sleep(0)
        asked.append(user_id)
        return users.get(user_id)

    @login_manager.request_loader
    async def load_from_request(request: Request) -> Any:
        await asyncio.sleep(0)
        key = request.headers.get("X-API-Key")
        asked.append(f"key {key}")
        return users.get(key or "")

    @login_manager.bearer_loader
    async def load_from_token(token: str) -> Any:
        await asyncio.sleep(0)
        asked.append(f"token {token}")
        return users.get(token)

    return asked


@pytest.fixture
def pages(app: Flask) -> Flask:
    """An app with one guarded page of each kind."""

    @app.get("/sync")
    @login_required
    def sync_page() -> str:
        return str(current_user.get_id())

    @app.get("/async")
    @login_required
    async def async_page() -> str:
        await asyncio.sleep(0)
        return str(current_user.get_id())

    @app.get("/async-fresh")
    @fresh_login_required
    async def async_fresh_page() -> str:
        await asyncio.sleep(0)
        return str(current_user.get_id())

    @app.get("/async-open")
    async def async_open_page() -> str:
        await asyncio.sleep(0)
        return str(current_user.get_id())

    return app


@pytest.mark.parametrize("page", ["/sync", "/async", "/async-fresh", "/async-open"])
def test_async_loaders_work_in_views_of_both_kinds(
    pages: Flask, awaited: list[str], page: str
) -> None:
    client = pages.test_client()
    client.get("/login/alice")
    assert client.get(page).text == "alice"
    assert awaited == ["alice"]


@pytest.mark.parametrize("page", ["/sync", "/async", "/async-fresh"])
def test_the_guards_hold_for_views_of_both_kinds(
    pages: Flask, awaited: list[str], page: str
) -> None:
    assert pages.test_client().get(page).status_code == 401


@pytest.mark.parametrize("page", ["/sync", "/async", "/async-open"])
@pytest.mark.parametrize(
    "headers", [{"X-API-Key": "bob"}, {"Authorization": "Bearer bob"}], ids=["key", "token"]
)
def test_async_loaders_of_requests_work_in_views_of_both_kinds(
    pages: Flask, awaited: list[str], page: str, headers: dict[str, str]
) -> None:
    assert pages.test_client().get(page, headers=headers).text == "bob"


def test_an_async_header_loader_of_old_is_awaited(
    pages: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    @login_manager.header_loader
    async def load(header: str) -> Any:
        return users.get(header)

    assert pages.test_client().get("/async-open", headers={"Authorization": "bob"}).text == "bob"


def test_an_async_loader_serves_the_remember_cookie(pages: Flask, awaited: list[str]) -> None:
    client = pages.test_client()
    client.get("/login/alice?remember")
    client.delete_cookie("session")
    assert client.get("/async-open").text == "alice"


def test_inside_an_async_view_the_loader_sees_the_request_the_session_and_g(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    @login_manager.user_loader
    async def load(user_id: str) -> Any:
        assert current_user.is_anonymous, "there is no user yet"
        session["seen"] = f"{request.path} {g.marked}"
        return users[user_id]

    @app.get("/view")
    async def view() -> str:
        g.marked = "marked"
        return f"{current_user.get_id()} {session['seen']}"

    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/view").text == "alice /view marked"


def test_many_questions_at_once_inside_an_async_view_have_one_answer(
    app: Flask, awaited: list[str]
) -> None:
    @app.get("/view")
    async def view() -> str:
        async def ask() -> str:
            await asyncio.sleep(0)
            return str(current_user.get_id())

        return " ".join(await asyncio.gather(ask(), ask(), ask()))

    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/view").text == "alice alice alice"
    assert awaited == ["alice"]


@pytest.mark.parametrize("page", ["/sync", "/async-open"])
def test_a_value_error_of_an_async_loader_means_an_unknown_id(
    pages: Flask, login_manager: LoginManager[Any], page: str
) -> None:
    @login_manager.user_loader
    async def load(user_id: str) -> Any:
        return int(user_id)

    pages.config["LOGIN_UNKNOWN_USER_GRACE"] = timedelta(0)
    client = pages.test_client()
    client.get("/login/alice")
    client.get(page)
    with client.session_transaction() as kept:
        assert "_user_id" not in kept


@pytest.mark.parametrize("page", ["/sync", "/async", "/async-open"])
def test_any_other_exception_of_an_async_loader_propagates(
    pages: Flask, login_manager: LoginManager[Any], page: str
) -> None:
    @login_manager.user_loader
    async def load(user_id: str) -> Any:
        raise ConnectionError("the database is away")

    client = pages.test_client()
    client.get("/login/alice")
    with pytest.raises(ConnectionError, match="the database is away"):
        client.get(page)


@pytest.mark.parametrize(
    ("page", "register"),
    [("/sync", "unauthorized_handler"), ("/async", "unauthorized_handler")],
)
def test_an_async_unauthorized_handler_answers_in_views_of_both_kinds(
    pages: Flask, login_manager: LoginManager[Any], page: str, register: str
) -> None:
    @login_manager.unauthorized_handler
    async def refuse() -> tuple[str, int]:
        await asyncio.sleep(0)
        return "who are you?", 418

    response = pages.test_client().get(page)
    assert (response.text, response.status_code) == ("who are you?", 418)


def test_an_async_needs_refresh_handler_answers(
    pages: Flask, login_manager: LoginManager[Any]
) -> None:
    @login_manager.needs_refresh_handler
    async def refuse() -> tuple[str, int]:
        await asyncio.sleep(0)
        return "prove it", 418

    client = pages.test_client()
    client.get("/login/alice?stale")
    assert client.get("/async-fresh").text == "prove it"


def test_two_browsers_in_async_views_see_their_own_user(pages: Flask, awaited: list[str]) -> None:
    alice, bob = pages.test_client(), pages.test_client()
    with pages.app_context():
        alice.get("/login/alice")
        bob.get("/login/bob")
        assert alice.get("/async-open").text == "alice"
        assert bob.get("/async-open").text == "bob"


def test_a_receiver_of_a_signal_may_ask_for_the_user_of_an_async_loader(
    pages: Flask, awaited: list[str]
) -> None:
    seen: list[Any] = []

    def receive(sender: Flask) -> None:
        seen.append(get_current_user().get_id())

    client = pages.test_client()
    client.get("/login/alice")
    with user_accessed.connected_to(receive):
        client.get("/async-open")
    assert seen == ["alice"]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("source", ["session", "remember token", "request", "bearer"])
def test_an_async_loader_that_asks_who_the_user_is_finds_nobody_and_does_not_recurse(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any], kind: str, source: str
) -> None:
    seen: list[Any] = []

    async def load(_: Any) -> Any:
        seen.append(current_user.get_id())
        await asyncio.sleep(0)
        seen.append(get_current_user().get_id())
        seen.append(await asyncio.to_thread(lambda: current_user.get_id()))
        return users["alice"]

    app.add_url_rule("/sync-view", view_func=lambda: str(current_user.get_id()))

    @app.get("/async-view")
    async def async_view() -> str:
        return str(current_user.get_id())

    client = app.test_client()
    headers = {}
    if source in ("session", "remember token"):
        client.get("/login/alice?remember")
        if source == "remember token":
            client.delete_cookie("session")
        login_manager.user_loader(load)
    elif source == "request":
        login_manager.request_loader(load)
    else:
        login_manager.bearer_loader(load)
        headers = {"Authorization": "Bearer token"}
    assert client.get(f"/{kind}-view", headers=headers).text == "alice"
    assert seen == [None, None, None]


class Later:
    """An awaitable that is no coroutine, as libraries for databases return."""

    def __init__(self, user: Any) -> None:
        self.user = user

    def __await__(self) -> Generator[None, None, Any]:
        yield from asyncio.sleep(0).__await__()
        return self.user


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_awaitable_that_is_no_coroutine_is_awaited(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any], kind: str
) -> None:
    login_manager.user_loader(lambda user_id: Later(users[user_id]))
    login_manager.bearer_loader(lambda token: Later(users.get(token)))
    app.add_url_rule("/sync-view", view_func=lambda: current_user.get_id() or "nobody")

    @app.get("/async-view")
    async def async_view() -> str:
        return current_user.get_id() or "nobody"

    client = app.test_client()
    for token, who in (("bob", "bob"), ("eve", "nobody")):
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get(f"/{kind}-view", headers=headers).text == who
    client.get("/login/alice")
    assert client.get(f"/{kind}-view").text == "alice"


@pytest.mark.parametrize("asks", ["user", "handler"])
def test_without_the_async_extra_an_awaitable_gets_the_same_error(
    app: Flask,
    login_manager: LoginManager[Any],
    users: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    asks: str,
) -> None:
    app.add_url_rule("/guarded", "guarded", login_required(lambda: "in"))
    client = app.test_client()
    client.get("/login/alice")
    if asks == "user":
        login_manager.user_loader(lambda user_id: Later(users[user_id]))
    else:
        client.get("/logout")
        login_manager.unauthorized_callback = lambda: Later("refused")
    monkeypatch.setitem(sys.modules, "asgiref.sync", None)
    with pytest.raises(RuntimeError, match=r"'async' extra"):
        client.get("/guarded")


def test_without_the_async_extra_one_error_says_what_to_install(
    make_app: Callable[..., Flask],
    awaited: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = make_app().test_client()
    client.get("/login/alice")
    monkeypatch.setitem(sys.modules, "asgiref.sync", None)
    with pytest.raises(RuntimeError, match=r"'async' extra"):
        client.get("/me")
    assert awaited == [], "and no warning of a coroutine that was never awaited"
