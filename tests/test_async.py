"""Loaders and handlers that are ``async def``, in views of both kinds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask, Request, Response, g, request, session, stream_with_context
from tests.policy_site import KINDS, STORED, Kind, Member, Site
from werkzeug.exceptions import HTTPException

from flask_login import (
    ConfigurationError,
    LoginManager,
    LoginThrottle,
    TooManyLoginAttempts,
    current_user,
    fresh_login_required,
    get_current_user,
    login_required,
    user_accessed,
)
from flask_login.testing import FrozenClock

pytest.importorskip("asgiref", reason="async views and loaders need Flask[async]")

# What Python 3.13 says of a class with such an attribute is meant for who wrote the class.
pytestmark = pytest.mark.filterwarnings("ignore:functools.partial will be a method:FutureWarning")


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


# Answers: a yes or a no, a number or a name, that the application gives by something async


class Answering:
    """A callable object whose call is ``async def``."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def __call__(self, *_: Any) -> Any:
        await asyncio.sleep(0)
        return self.answer


def async_method(answer: Any) -> Any:
    async def method(self: Any) -> Any:
        await asyncio.sleep(0)
        return answer

    return method


def nested(answer: Any) -> Any:
    async def method(self: Any) -> Any:
        return async_method(answer)(self)  # somebody forgot to await

    return method


#: What a class may have under a name, that gives an answer.
FORMS: dict[str, Callable[[Any], Any]] = {
    "async method": async_method,
    "async property": lambda answer: property(async_method(answer)),
    "async callable": Answering,
    "partial": lambda answer: partial(async_method(answer), None),
    "method that returns a coroutine": lambda answer: lambda self: async_method(answer)(self),
    "method that returns an async method": lambda answer: lambda self: Answering(answer),
    "property that gives a partial": lambda answer: property(
        lambda self: partial(async_method(answer), self)
    ),
    "coroutine that returns a coroutine": nested,
    "awaitable": lambda answer: property(lambda self: Later(answer)),
}
of_each_form = pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
of_each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


def member(**forms: Any) -> Member:
    """Return ann, of a class with these attributes."""
    found: Member = type("Member", (Member,), forms)("ann")
    return found


def site_of(kind: Kind, clock: FrozenClock, user: Member, **config: Any) -> Site:
    site = Site(kind, clock, **config)
    site.users["ann"] = user
    site.page("/guarded", site.manager.login_required)
    site.page("/fresh-only", site.manager.fresh_login_required)
    site.page("/for-nobody", site.manager.anonymous_required)
    return site


@of_each_form
@of_each_kind
def test_an_async_is_active_that_says_no_lets_nobody_log_in(
    kind: Kind, form: Callable[[Any], Any], clock: FrozenClock
) -> None:
    site = site_of(kind, clock, member(is_active=form(False)))
    client = site.browser()
    assert client.get("/login?id=ann").text == "False"
    assert client.get("/begin?id=ann").text == "False"
    assert client.get("/guarded").status_code == 401
    client.get("/login?id=eve")
    assert client.get("/act?id=ann").status_code == 403
    assert client.get("/me").text == "eve"


@of_each_form
@of_each_kind
def test_an_async_is_active_that_says_yes_lets_its_user_in(
    kind: Kind, form: Callable[[Any], Any], clock: FrozenClock
) -> None:
    site = site_of(kind, clock, member(is_active=form(True)))
    client = site.browser()
    assert client.get("/login?id=ann&remember").text == "True"
    assert client.get("/guarded").text == "come in"
    client.delete_cookie("session")
    assert client.get("/guarded").text == "come in"


@of_each_form
@of_each_kind
def test_a_ban_that_an_async_is_active_tells_ends_the_session_and_the_remembered_login(
    kind: Kind, form: Callable[[Any], Any], clock: FrozenClock
) -> None:
    site = site_of(kind, clock, Member("ann"))
    client = site.browser()
    client.get("/login?id=ann&remember")
    session_cookie, token = site.cookie(client), site.cookie(client, "remember")
    site.users["ann"] = member(is_active=form(False))
    assert site.browser(session=session_cookie).get("/guarded").status_code == 401
    assert site.browser(remember=token).get("/guarded").status_code == 401
    assert site.browser(session=session_cookie).get("/me").text == "nobody"


@of_each_form
@pytest.mark.parametrize("source", ["request", "bearer", "header"])
@of_each_kind
def test_an_async_is_active_that_says_no_closes_every_loader(
    kind: Kind, source: str, form: Callable[[Any], Any], clock: FrozenClock
) -> None:
    site = site_of(kind, clock, member(is_active=form(False)))
    getattr(site.manager, f"{source}_loader")(lambda _: site.users["ann"])
    headers = {"Authorization": "Bearer key"}
    assert site.browser().get("/guarded", headers=headers).status_code == 401


@of_each_form
@of_each_kind
def test_an_async_is_authenticated_that_says_no_passes_no_guard(
    kind: Kind, form: Callable[[Any], Any], clock: FrozenClock
) -> None:
    site = site_of(kind, clock, member(is_authenticated=form(False)))
    site.manager.protect(site.app)
    site.page("/by-default")
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/guarded").status_code == 401
    assert client.get("/fresh-only").status_code == 401
    assert client.get("/for-nobody").text == "come in"
    assert client.get("/by-default").status_code == 401


@of_each_form
@of_each_kind
def test_an_async_is_authenticated_that_says_yes_passes(
    kind: Kind, form: Callable[[Any], Any], clock: FrozenClock
) -> None:
    site = site_of(kind, clock, member(is_authenticated=form(True)))
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/guarded").text == client.get("/fresh-only").text == "come in"
    assert client.get("/for-nobody").status_code == 302


@of_each_form
@pytest.mark.parametrize("answer", [True, False])
def test_an_async_is_anonymous_is_believed_when_the_login_is_asked(
    form: Callable[[Any], Any], answer: bool, clock: FrozenClock
) -> None:
    site = site_of(STORED, clock, member(is_anonymous=form(answer)))
    client = site.browser()
    client.get("/login?id=ann")
    assert bool(client.get("/known").get_json()) is not answer


@of_each_form
@pytest.mark.parametrize("answer", [True, False, None, 0, ""])
@of_each_kind
def test_when_waits_for_an_async_answer(
    kind: Kind, answer: Any, form: Callable[[Any], Any], clock: FrozenClock
) -> None:
    site = site_of(kind, clock, member(is_admin=form(answer)))

    async def is_admin(user: Any) -> Any:
        return user.is_admin

    asks: list[Callable[[Any], Any]] = [lambda user: user.is_admin, is_admin, partial(is_admin)]
    for number, when in enumerate(asks):
        site.page(f"/admin{number}", site.manager.login_required(when=when))
    client = site.browser()
    client.get("/login?id=ann")
    for number in range(3):
        assert client.get(f"/admin{number}").status_code == (200 if answer else 403)


@pytest.mark.parametrize("answer", [True, False])
def test_when_waits_in_an_async_view_too(answer: bool, clock: FrozenClock) -> None:
    site = site_of(STORED, clock, member(is_admin=async_method(answer)))

    @site.app.get("/admin")
    @site.manager.login_required(when=lambda user: user.is_admin)
    async def admin() -> str:
        return "come in"

    @site.app.get("/asked-inside")
    async def asked_inside() -> str:
        guarded = site.manager.login_required(when=lambda user: user.is_admin)(lambda: "come in")
        return guarded()

    client = site.browser()
    client.get("/login?id=ann")
    for path in ("/admin", "/asked-inside"):
        assert client.get(path).status_code == (200 if answer else 403)


@of_each_kind
def test_an_async_answer_counts_after_the_response_has_begun(
    kind: Kind, clock: FrozenClock
) -> None:
    site = site_of(kind, clock, Member("ann"))
    guard = site.manager.login_required(when=lambda user: user.is_admin)

    @site.app.get("/stream")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            yield "begun, "
            try:
                yield str(guard(lambda: "come in")())
            except HTTPException as error:
                yield str(error.code)
            yield f", {site.manager.current_user.get_id() or 'nobody'}"

        return Response(stream_with_context(parts()))

    client = site.browser()
    client.get("/login?id=ann")
    site.users["ann"] = member(is_admin=async_method(False))
    assert client.get("/stream").text == "begun, 403, ann"
    site.users["ann"] = member(is_admin=async_method(True))
    assert client.get("/stream").text == "begun, come in, ann"
    site.users["ann"] = member(is_admin=async_method(True), is_active=async_method(False))
    assert client.get("/stream").text == "begun, 401, nobody"


@of_each_form
@of_each_kind
def test_an_async_may_impersonate_that_says_no_lets_nobody_act_as_another(
    kind: Kind, form: Callable[[Any], Any], clock: FrozenClock
) -> None:
    site = site_of(kind, clock, member(may=form(True)))
    site.manager.may_impersonate(lambda actor, user: user.may)
    client = site.browser()
    client.get("/login?id=eve")
    assert client.get("/act?id=ann").text == "ann"
    assert client.get("/me").text == "ann"
    site.users["ann"] = member(may=form(False))
    assert client.get("/me").text == "nobody", "what was meant for ann is not eve's to do"
    assert client.get("/me").text == "eve"
    assert client.get("/act?id=ann").status_code == 403


@of_each_form
@pytest.mark.parametrize("by", ["a lambda", "async def"])
def test_an_async_number_of_sessions_is_the_number(
    form: Callable[[Any], Any], by: str, clock: FrozenClock
) -> None:
    async def most(user: Any) -> Any:
        return user.most

    site = site_of(
        STORED,
        clock,
        member(most=form(1)),
        LOGIN_MAX_SESSIONS=most if by == "async def" else lambda user: user.most,
    )
    first, second = site.browser(), site.browser()
    assert first.get("/login?id=ann").text == second.get("/login?id=ann").text == "True"
    assert (first.get("/me").text, second.get("/me").text) == ("nobody", "ann")


@pytest.mark.parametrize("answer", [0, -1, "two", True, 1.5])
def test_an_async_number_that_is_none_begins_no_login(answer: Any, clock: FrozenClock) -> None:
    site = site_of(STORED, clock, Member("ann"), LOGIN_MAX_SESSIONS=Answering(answer))
    client = site.browser()
    with pytest.raises(ConfigurationError, match="LOGIN_MAX_SESSIONS"):
        client.get("/login?id=ann")
    assert site.store is not None
    assert site.store.list("ann") == []
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize(
    "form", [async_method, Answering, FORMS["method that returns a coroutine"]]
)
def test_credentials_that_are_told_by_something_async_are_compared(
    form: Callable[[Any], Any], clock: FrozenClock
) -> None:
    for kind in KINDS:
        site = site_of(kind, clock, member(get_session_auth_hash=form("first")))
        client = site.browser()
        client.get("/login?id=ann")
        assert client.get("/me").text == "ann"
        site.users["ann"] = member(get_session_auth_hash=form("second"))
        assert client.get("/me").text == "nobody"


@pytest.mark.parametrize("hook", ["remember_cookie", "request", "header"])
@pytest.mark.parametrize("patched", [False, True], ids=["overridden", "patched"])
def test_an_old_hook_that_became_async_is_awaited(
    app: Flask, users: dict[str, Any], hook: str, patched: bool
) -> None:
    name = f"_load_user_from_{hook}"

    async def load(*_: Any) -> Any:
        return users["alice"]

    async def load_nobody(*_: Any) -> Any:
        return None

    app.extensions.clear()
    manager: LoginManager[Any] = (
        LoginManager(app) if patched else type("Manager", (LoginManager,), {name: load})(app)
    )
    if patched:
        setattr(manager, name, load)
    manager.user_loader(users.get)
    if hook != "remember_cookie":
        getattr(manager, f"{hook}_loader")(lambda _: None)
    app.add_url_rule("/hooked", "hooked", login_required(lambda: "come in"))
    client = app.test_client()
    client.set_cookie("remember_token", "what only the hook can read")
    assert client.get("/hooked", headers={"Authorization": "key"}).text == "come in"
    setattr(manager, name, load_nobody)
    assert client.get("/hooked", headers={"Authorization": "key"}).status_code == 401


@pytest.mark.parametrize("refused", [True, False])
def test_a_session_protection_of_its_own_that_became_async_is_awaited(
    app: Flask, login_manager: LoginManager[Any], monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    async def failed() -> bool:
        return refused

    monkeypatch.setattr(login_manager, "_session_protection_failed", failed)
    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/me").text == ("nobody" if refused else "alice")


@pytest.mark.parametrize("fresh", [True, False])
def test_a_login_fresh_of_its_own_that_became_async_is_awaited(
    pages: Flask, login_manager: LoginManager[Any], monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    async def login_fresh() -> bool:
        return fresh

    monkeypatch.setattr(login_manager, "login_fresh", login_fresh)
    client = pages.test_client()
    client.get("/login/alice")
    assert client.get("/async-fresh").status_code == (200 if fresh else 401)


@pytest.mark.parametrize(
    "normalize", [Answering("one"), partial(Answering("one")), lambda name: Later("one")]
)
def test_an_async_normalize_counts_all_spellings_as_one(app: Flask, normalize: Any) -> None:
    pytest.importorskip("limits", reason="the throttle counts with it")
    throttle = LoginThrottle(per_account="2 per hour", per_address=None, normalize=normalize)
    with app.test_request_context():
        throttle.attempt("One")
        throttle.attempt("oNe")
        with pytest.raises(TooManyLoginAttempts):
            throttle.attempt("onE")
        throttle.unlock("ONE")
        throttle.attempt("one")


def test_a_normalize_that_gives_no_text_is_an_error_and_not_a_name(app: Flask) -> None:
    pytest.importorskip("limits", reason="the throttle counts with it")
    throttle = LoginThrottle(normalize=lambda name: [name])  # type: ignore[arg-type, return-value]
    with app.test_request_context(), pytest.raises(TypeError, match="must return a text, not list"):
        throttle.attempt("ann")


def test_an_async_localize_callback_says_the_message(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    async def localize(message: str) -> str:
        return f"¡{message}!"

    app.config["SECRET_KEY"] = "a key of thirty-two random bytes"
    login_manager.login_view = "/in"
    login_manager.localize_callback = localize
    app.add_url_rule("/guarded", "guarded", login_required(lambda: "in"))
    client = app.test_client()
    assert client.get("/guarded", headers={"Accept": "text/html"}).status_code == 302
    with client.session_transaction() as sess:
        assert sess["_flashes"] == [("message", "¡Please log in to access this page.!")]


def generator(answer: Any) -> Any:
    def method(self: Any) -> Iterator[Any]:
        yield answer

    return method


def async_generator(answer: Any) -> Any:
    async def method(self: Any) -> AsyncIterator[Any]:
        yield answer

    return method


@pytest.mark.parametrize("form", [generator, async_generator])
@pytest.mark.parametrize("name", ["is_active", "is_authenticated", "is_admin"])
def test_a_generator_is_no_yes(form: Callable[[Any], Any], name: str, clock: FrozenClock) -> None:
    site = site_of(STORED, clock, Member("ann"))
    site.page("/admin", site.manager.login_required(when=lambda user: user.is_admin))
    client = site.browser()
    client.get("/login?id=ann")
    site.users["ann"] = member(**{"is_admin": True, name: form(False)})
    with pytest.raises(TypeError, match="generator is no answer"):
        client.get("/admin")


@pytest.mark.parametrize("name", ["is_active", "is_authenticated", "is_admin", "may"])
def test_without_the_async_extra_an_async_answer_is_an_error_and_never_a_yes(
    name: str, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(STORED, clock, Member("ann"))
    site.page("/admin", site.manager.login_required(when=lambda user: user.is_admin))
    site.manager.may_impersonate(lambda actor, user: user.may)
    client = site.browser()
    client.get(f"/login?id={'eve' if name == 'may' else 'ann'}")
    site.users["ann"] = member(**{"is_admin": True, name: async_method(True)})
    monkeypatch.setitem(sys.modules, "asgiref.sync", None)
    with pytest.raises(RuntimeError, match=r"'async' extra"):
        client.get("/act?id=ann" if name == "may" else "/admin")


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_argument_of_a_login_that_nobody_awaited_is_no_yes(
    kind: Kind, clock: FrozenClock
) -> None:
    async def no() -> bool:
        return False

    site = Site(kind, clock)
    manager, ann = site.manager, site.users["ann"]

    @site.app.get("/stale")
    def stale() -> str:
        return str(manager.login_user(ann, remember=no(), fresh=no()))  # type: ignore[arg-type]

    @site.app.get("/forced")
    def forced() -> str:
        return str(manager.login_user(ann, force=no()))  # type: ignore[arg-type]

    browser = site.browser()
    assert browser.get("/stale").text == "True"
    assert browser.get_cookie(site.remember_cookie) is None
    assert browser.get("/fresh").text == "stale"
    ann.active = False
    assert site.browser().get("/forced").text == "False"
