"""A user belongs to one request: nothing of it reaches another, whatever outlives them both."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextvars import Context, copy_context
from typing import Any
from unittest import mock

import pytest
from flask import (
    Flask,
    Request,
    Response,
    copy_current_request_context,
    g,
    request,
    stream_with_context,
)
from tests.deadlines import at_most
from tests.policy_site import KINDS, Site
from werkzeug.exceptions import Unauthorized

from flask_login import (
    LoginManager,
    current_login,
    current_user,
    fresh_login_required,
    get_current_user,
    login_fresh,
    login_required,
    login_user,
    logout_user,
    user_logged_out,
)
from flask_login.testing import FrozenClock
from flask_login.visit import visit_of

# Application contexts that outlive a request


def test_two_browsers_in_one_application_context_see_their_own_user(app: Flask) -> None:
    alice, bob, visitor = (app.test_client() for _ in range(3))
    with app.app_context():
        alice.get("/login/alice")
        bob.get("/login/bob")
        for _ in range(2):
            assert alice.get("/me").text == "alice"
            assert bob.get("/me").text == "bob"
            assert visitor.get("/me").text == "nobody"


def test_nothing_is_left_of_a_user_after_their_logout_in_one_application_context(
    app: Flask,
) -> None:
    client, other = app.test_client(), app.test_client()
    with app.app_context():
        client.get("/login/alice?remember")
        assert client.get("/me").text == "alice"
        client.get("/logout")
        assert client.get("/me").text == "nobody"
        assert other.get("/me").text == "nobody"


def test_a_request_that_failed_leaves_its_user_to_nobody(app: Flask) -> None:
    @app.get("/fail")
    def fail() -> str:
        assert current_user.get_id() == "alice"
        raise RuntimeError("a bug in a view")

    client, visitor = app.test_client(), app.test_client()
    with app.app_context():
        client.get("/login/alice")
        with pytest.raises(RuntimeError, match="a bug in a view"):
            client.get("/fail")
        assert visitor.get("/me").text == "nobody"


def test_outside_of_a_request_the_application_context_remembers_nobody(app: Flask) -> None:
    client = app.test_client()
    with app.app_context():
        client.get("/login/alice")
        client.get("/me")
        assert get_current_user() is None
        assert not current_user


def test_two_requests_of_one_pushed_request_context_are_two_requests(app: Flask) -> None:
    client = app.test_client()
    client.get("/login/bob")
    with app.test_request_context():
        login_user(Someone("alice"))
        assert client.get("/me").text == "bob"
        assert current_user.get_id() == "alice"
        assert app.test_client().get("/me").text == "nobody"
        assert current_user.get_id() == "alice"


def test_a_request_made_inside_of_a_view_has_its_own_user(app: Flask) -> None:
    inner = app.test_client()

    @app.get("/outer")
    def outer() -> str:
        seen = [current_user.get_id()]
        seen.append(inner.get("/me").text)
        seen.append(current_user.get_id())
        seen.append(app.test_client().get("/me").text)
        seen.append(current_user.get_id())
        return " ".join(seen)

    inner.get("/login/bob")
    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/outer").text == "alice bob alice nobody alice"


def test_a_request_inside_of_a_view_that_asks_for_nobody_leaves_the_outer_user_on_g(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    asked: list[str] = []

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        asked.append(user_id)
        return users[user_id]

    @app.get("/outer")
    def outer() -> str:
        before = current_user.get_id()
        answer = app.test_client().get("/public").text
        assert g._login_user is users["alice"]
        return f"{before} {answer} {current_user.get_id()}"

    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/outer").text == "alice hello alice"
    assert asked == ["alice"]


def test_a_request_made_before_the_view_asked_does_not_answer_for_it(app: Flask) -> None:
    inner = app.test_client()

    @app.get("/outer")
    def outer() -> str:
        return inner.get("/me").text + " " + (current_user.get_id() or "nobody")

    inner.get("/login/bob")
    assert app.test_client().get("/outer").text == "bob nobody"


def test_a_login_inside_of_a_view_logs_nobody_in_outside(app: Flask) -> None:
    @app.get("/outer")
    def outer() -> str:
        inner = app.test_client()
        inner.get("/login/bob?remember")
        return current_user.get_id() or "nobody"

    client = app.test_client()
    response = client.get("/outer")
    assert response.text == "nobody"
    assert "Set-Cookie" not in response.headers


def test_a_logout_inside_of_a_view_logs_nobody_out_outside(app: Flask) -> None:
    inner = app.test_client()

    @app.get("/outer")
    def outer() -> str:
        assert current_user.get_id() == "alice"
        inner.get("/logout")
        return current_user.get_id() or "nobody"

    inner.get("/login/bob")
    client = app.test_client()
    client.get("/login/alice?remember")
    assert client.get("/outer").text == "alice"
    assert client.get_cookie("remember_token") is not None


def test_two_applications_inside_of_each_other_do_not_share_a_user(
    make_app: Callable[..., Flask],
) -> None:
    front, back = make_app(SECRET_KEY="front"), make_app(SECRET_KEY="back")
    behind = back.test_client()
    behind.get("/login/bob")

    @front.get("/outer")
    def outer() -> str:
        assert current_user.get_id() == "alice"
        seen = behind.get("/me").text
        return f"{seen} {current_user.get_id()}"

    client = front.test_client()
    client.get("/login/alice")
    assert client.get("/outer").text == "bob alice"


def test_threads_at_the_same_time_see_their_own_user(
    app: Flask, users: dict[str, Any], login_manager: LoginManager[Any]
) -> None:
    both_inside = threading.Barrier(2, timeout=at_most(10))

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        both_inside.wait()
        return users[user_id]

    @app.get("/slow")
    def slow() -> str:
        seen = current_user.get_id()
        both_inside.wait()
        return f"{seen} {current_user.get_id()}"

    seen: dict[str, str] = {}

    def visit(name: str) -> None:
        client = app.test_client()
        client.get(f"/login/{name}")
        seen[name] = client.get("/slow").text

    threads = [threading.Thread(target=visit, args=(name,)) for name in ("alice", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == {"alice": "alice alice", "bob": "bob bob"}


def test_a_copied_request_context_knows_the_user_in_another_thread(app: Flask) -> None:
    @app.get("/thread")
    def in_a_thread() -> str:
        seen: list[Any] = [current_user.get_id()]

        @copy_current_request_context
        def work() -> None:
            seen.append(current_user.get_id())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(10)
        return " ".join(seen)

    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/thread").text == "alice alice"


def test_a_streamed_response_knows_its_user_to_the_end(app: Flask) -> None:
    @app.get("/stream")
    def stream() -> Response:
        def lines() -> Iterator[str]:
            for _ in range(3):
                yield f"{current_user.get_id()} "

        return Response(stream_with_context(lines()))

    client, other = app.test_client(), app.test_client()
    client.get("/login/alice")
    other.get("/login/bob")
    response = client.get("/stream", buffered=False)
    chunks = response.iter_encoded()
    first = next(chunks)
    assert other.get("/me").text == "bob"
    assert first + b"".join(chunks) == b"alice alice alice "


# g._login_user, which extensions read, write and delete


def test_extensions_find_the_user_of_the_request_on_g(app: Flask, users: dict[str, Any]) -> None:
    client = app.test_client()
    client.get("/login/alice")
    with client:
        client.get("/public")
        assert "_login_user" not in g
        assert current_user.get_id() == "alice"
        assert g._login_user is users["alice"]
    with app.test_request_context():
        login_user(users["bob"])
        assert g._login_user is users["bob"]
        logout_user()
        assert g._login_user.is_anonymous


@pytest.fixture
def writing(app: Flask) -> Flask:
    """An app with views that write to ``g``, as extensions for API keys do."""
    admin = Someone("admin")

    @app.get("/write")
    def write() -> str:
        g._login_user = admin
        return ""

    @app.get("/write-and-read")
    @login_required
    def write_and_read() -> str:
        assert current_login.source == "assigned"
        return str(current_user.get_id())

    @app.get("/ask-and-write")
    def ask_and_write() -> str:
        before = current_user.get_id() or "nobody"
        g._login_user = admin
        return f"{before}" + (f" {current_user.get_id()}" if "read" in request.args else "")

    @app.get("/write-and-fail")
    def write_and_fail() -> str:
        g._login_user = admin
        raise RuntimeError("a bug in a view")

    @app.before_request
    def by_key() -> None:
        if request.path == "/write-and-read":
            g._login_user = admin

    return app


def test_a_user_written_to_g_is_the_user_of_this_request_only(writing: Flask) -> None:
    client = writing.test_client()
    client.get("/login/alice")
    for _ in range(2):
        response = client.get("/write-and-read")
        assert response.text == "admin"
        assert "Set-Cookie" not in response.headers
        assert client.get("/ask-and-write?read").text == "alice admin"
        assert client.get("/me").text == "alice"


def test_a_user_written_to_g_counts_in_every_request_of_one_application_context(
    writing: Flask,
) -> None:
    client = writing.test_client()
    with writing.app_context():
        for _ in range(3):
            assert client.get("/me").text == "nobody"
            assert client.get("/write-and-read").text == "admin"
            assert client.get("/write-and-read").text == "admin"
            assert client.get("/ask-and-write?read").text == "nobody admin"


@pytest.mark.parametrize("page", ["/write", "/ask-and-write", "/write-and-read"])
def test_a_user_written_to_g_is_not_the_next_requests(writing: Flask, page: str) -> None:
    with writing.app_context():
        for _ in range(3):
            writing.test_client().get(page)
            assert writing.test_client().get("/me").text == "nobody"


def test_a_user_written_to_g_by_a_request_that_failed_is_not_the_next_requests(
    writing: Flask,
) -> None:
    with writing.app_context():
        with pytest.raises(RuntimeError, match="a bug in a view"):
            writing.test_client().get("/write-and-fail")
        assert writing.test_client().get("/me").text == "nobody"


@pytest.mark.parametrize(
    "page", ["/write", "/ask-and-write", "/ask-and-write?read", "/write-and-read", "/me"]
)
@pytest.mark.parametrize("asked_before", [True, False])
def test_a_user_written_to_g_in_an_inner_request_is_not_the_outer_ones(
    writing: Flask, page: str, asked_before: bool
) -> None:
    @writing.get("/outer")
    def outer() -> str:
        assert not asked_before or current_user.get_id() == "alice"
        writing.test_client().get(page)
        return str(current_user.get_id())

    client = writing.test_client()
    client.get("/login/alice")
    assert client.get("/outer").text == "alice"


def test_a_user_written_to_g_in_an_outer_request_is_not_the_inner_ones(app: Flask) -> None:
    with app.test_request_context():
        assert current_user.is_anonymous
        g._login_user = Someone("admin")
        assert current_user.get_id() == "admin"
        assert app.test_client().get("/me").text == "nobody"
        assert current_user.get_id() == "admin"


def test_a_user_written_to_g_is_kept_for_a_test_that_still_looks_and_for_nobody_else(
    writing: Flask,
) -> None:
    client, visitor = writing.test_client(), writing.test_client()
    client.get("/login/alice")
    with writing.app_context():
        with client:
            assert client.get("/ask-and-write").text == "alice"
            assert visitor.get("/me").text == "nobody", "though both requests have one g"
            assert current_user.get_id() == "admin"
        assert client.get("/me").text == "alice"


def test_the_proxy_written_to_g_stands_for_the_user_behind_it(
    app: Flask, users: dict[str, Any]
) -> None:
    client = app.test_client()
    client.get("/login/alice")
    with client:
        client.get("/public")
        g._login_user = current_user
        assert get_current_user() is users["alice"]
        assert g._login_user is users["alice"]
    with app.test_request_context():
        g._login_user = current_user
        assert current_user.is_anonymous


def test_nothing_written_to_g_is_nobody_as_ever(app: Flask) -> None:
    with app.test_request_context():
        g._login_user = None
        assert get_current_user() is None
        assert not current_user
        assert not bool(current_login)


def test_deleting_the_user_on_g_has_the_user_loaded_again(
    app: Flask, users: dict[str, Any], login_manager: LoginManager[Any]
) -> None:
    client = app.test_client()
    client.get("/login/alice")
    asked: list[str] = []

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        asked.append(user_id)
        return users[user_id]

    with client:
        client.get("/me")
        del g._login_user
        assert get_current_user() is users["alice"]
        g.pop("_login_user")
        assert get_current_user() is users["alice"]
        assert g._login_user is users["alice"]
    assert asked == ["alice"] * 3


def test_deleting_the_user_on_g_after_logout_does_not_bring_them_back(app: Flask) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    with client:
        client.get("/logout")
        del g._login_user
        assert current_user.is_anonymous


def test_a_request_loader_may_return_what_it_found_on_g(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    @login_manager.request_loader
    def load(request: Request) -> Any:
        if request.headers.get("X-API-Key") == "good":
            login_manager._update_request_context_with_user(Someone("machine"))
        return getattr(g, "_login_user", None)

    client = app.test_client()
    with app.app_context():
        for _ in range(2):
            assert client.get("/me", headers={"X-API-Key": "good"}).text == "machine"


def test_a_request_loader_that_reads_g_finds_nobody_of_another_request(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    login_manager.request_loader(lambda request: getattr(g, "_login_user", None))
    client, visitor = app.test_client(), app.test_client()
    client.get("/login/alice")
    with app.app_context():
        assert client.get("/me").text == "alice"
        assert visitor.get("/me").text == "nobody"


# Tests that replace the user


def test_replacing_the_accessor_in_utils_reaches_the_proxy_the_function_and_the_guards(
    app: Flask,
) -> None:
    @app.get("/private")
    @login_required
    def private() -> str:
        return f"{current_user.get_id()} {get_current_user().get_id()}"

    @app.get("/very-private")
    @fresh_login_required
    def very_private() -> str:
        return "in"

    client = app.test_client()
    assert client.get("/private").status_code == 401
    with mock.patch("flask_login.utils._get_user", return_value=Someone("mock")):
        assert client.get("/private").text == "mock mock"
        assert client.get("/very-private").status_code == 401
        assert current_user.get_id() == "mock", "outside of a request as well"
    assert client.get("/private").status_code == 401
    assert not current_user


def test_replacing_the_accessor_reaches_what_logout_tells(app: Flask) -> None:
    told: list[str] = []

    def receive(sender: Flask, user: Any) -> None:
        told.append(user.get_id())

    with (
        app.test_request_context(),
        user_logged_out.connected_to(receive),
        mock.patch("flask_login.utils._get_user", return_value=Someone("mock")),
    ):
        logout_user()
    assert told == ["mock"]


class Someone:
    is_active = is_authenticated = True
    is_anonymous = False

    def __init__(self, user_id: str) -> None:
        self.id = user_id

    def get_id(self) -> str:
        return self.id


# Application contexts that are pushed inside of a request


def by_writing(manager: LoginManager[Any], user: Any) -> None:
    g._login_user = user


def by_the_private_method(manager: LoginManager[Any], user: Any) -> None:
    manager._update_request_context_with_user(user)


@pytest.mark.parametrize("put", [by_writing, by_the_private_method])
@pytest.mark.parametrize("asked_before", [False, True])
@pytest.mark.parametrize("user_id", ["alice", None])
def test_a_user_put_into_an_inner_application_context_is_not_the_user_of_the_request(
    app: Flask,
    login_manager: LoginManager[Any],
    put: Callable[[LoginManager[Any], Any], None],
    asked_before: bool,
    user_id: str | None,
) -> None:
    @app.get("/secret")
    @login_required
    def secret() -> str:
        return "secret"

    @app.get("/send-mail")
    def send_mail() -> Any:
        before = current_user.get_id() if asked_before else None
        with app.app_context():
            put(login_manager, Someone("bob"))
            inside = current_user.get_id()
        after = current_user.get_id()
        guarded: Any = app.view_functions["secret"]
        try:
            answer = guarded()
        except Unauthorized:
            answer = "refused"
        return [
            before,
            inside,
            after,
            answer,
            current_login.source if bool(current_login) else None,
        ]

    client = app.test_client()
    if user_id is not None:
        client.get(f"/login/{user_id}")
    answers = ["secret", "session"] if user_id is not None else ["refused", None]
    for _ in range(2):
        told = client.get("/send-mail").get_json()
        assert told == [user_id if asked_before else None, "bob", user_id, *answers]


@pytest.mark.parametrize("asked_before", [False, True])
@pytest.mark.parametrize("user_id", ["alice", None])
def test_another_applications_loader_is_not_asked_with_this_applications_session(
    app: Flask, asked_before: bool, user_id: str | None
) -> None:
    back_office = Flask("back office")
    back_office.secret_key = "another key"
    asked: list[Any] = []

    def load_administrator(asked_for: Any) -> Any:
        asked.append(asked_for)
        return Someone("administrator")

    administrators: LoginManager[Any] = LoginManager(back_office)
    administrators.user_loader(load_administrator)
    administrators.request_loader(load_administrator)
    administrators.bearer_loader(load_administrator)

    @app.get("/send-mail")
    def send_mail() -> Any:
        before = current_user.get_id() if asked_before else None
        with back_office.app_context():
            inside = [current_user.get_id(), get_current_user().is_authenticated]
            fresh = login_fresh()
        return [before, *inside, fresh, current_user.get_id()]

    client = app.test_client()
    if user_id is not None:
        client.get(f"/login/{user_id}?remember")
    headers = {"Authorization": "Bearer key"}
    before = user_id if asked_before else None
    for _ in range(2):
        answer = client.get("/send-mail", headers=headers).get_json()
        assert answer == [before, None, False, False, user_id]
    assert asked == []


# Threads that share a request


def test_a_thread_that_asks_while_another_is_loading_gets_the_user_and_not_nobody(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    loading, answered = threading.Event(), threading.Event()
    seen: list[Any] = []

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        if threading.current_thread() not in helpers:
            loading.set()
            assert answered.wait(10)
        return users[user_id]

    helpers: list[threading.Thread] = []

    @app.get("/two-threads")
    def two_threads() -> str:
        @copy_current_request_context
        def ask() -> None:
            try:
                assert loading.wait(10)
                seen.append(current_user.get_id())
            finally:
                answered.set()

        helpers.append(threading.Thread(target=ask))
        helpers[0].start()
        own = current_user.get_id()
        helpers[0].join()
        return str(own)

    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/two-threads").text == "alice"
    assert seen == ["alice"]


# Greenlets that share a request and a thread

#: How a greenlet comes to its context: gevent's gets a copy of the one that spawned it, a plain one
#: an empty one.
CONTEXTS: dict[str, Callable[[], Context]] = {"copied": copy_context, "empty": Context}


@pytest.fixture(params=KINDS, ids=str)
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    return Site(request.param, clock)


def asking_while_it_loads(
    site: Site, contexts: Callable[[], Context], *, loader: str
) -> list[str | None]:
    """Have a greenlet ask while the first question of its request waits for the loader.

    A loader that waits lets others run, each in its own context, in the same thread.

    :return: whom the greenlet saw, and whom the page.
    """
    others: list[Callable[[], Any]] = []
    seen: list[Any] = []

    def wait() -> None:
        while others:
            others.pop()()

    def load(user_id: str) -> Any:
        wait()
        return site.users.get(user_id)

    async def load_async(user_id: str) -> Any:
        wait()
        return site.users.get(user_id)

    site.manager.user_loader(load if loader == "sync" else load_async)

    @site.manager.login_not_required
    def page() -> str:
        @copy_current_request_context
        def ask() -> None:
            seen.append(site.manager.current_user.get_id())

        context = contexts()
        others.append(lambda: context.run(ask))
        return str(site.manager.current_user.get_id())

    site.app.view_functions["greenlets"] = page
    return seen


@pytest.mark.parametrize("how", ["", "&remember"])
@pytest.mark.parametrize("contexts", CONTEXTS.values(), ids=CONTEXTS)
@pytest.mark.parametrize("loader", ["sync", "async"])
def test_a_greenlet_that_asks_while_another_is_loading_gets_the_user_and_not_nobody(
    site: Site, how: str, contexts: Callable[[], Context], loader: str
) -> None:
    if loader == "async":
        pytest.importorskip("asgiref", reason="async loaders need Flask[async]")
    site.app.add_url_rule("/greenlets", "greenlets", lambda: "")
    client = site.browser()
    client.get(f"/login?id=ann{how}")
    if how:
        client.delete_cookie("session")
    seen = asking_while_it_loads(site, contexts, loader=loader)
    assert client.get("/greenlets").text == "ann"
    assert seen == ["ann"]
    assert client.get("/greenlets").text == "ann"


@pytest.mark.parametrize("start", ["greenlet", "thread"])
def test_what_a_loader_starts_with_its_context_sees_nobody_and_asks_no_loader(
    site: Site, start: str
) -> None:
    seen: list[Any] = []

    def load(user_id: str) -> Any:
        ask = copy_current_request_context(lambda: seen.append(site.manager.current_user.get_id()))
        context = copy_context()
        if start == "greenlet":
            context.run(ask)
        else:
            thread = threading.Thread(target=context.run, args=(ask,))
            thread.start()
            thread.join()
        return site.users[user_id]

    site.manager.user_loader(load)
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/me").text == "ann"
    assert seen == [None]


@pytest.mark.parametrize("how", ["", "&remember"])
def test_many_greenlets_of_one_request_that_ask_at_once_all_see_the_user(
    site: Site, how: str
) -> None:
    greenlet = pytest.importorskip("greenlet", reason="needs greenlet")
    waiting: list[Any] = []
    hub: Any = None

    def load(user_id: str) -> Any:
        waiting.append(greenlet.getcurrent())
        hub.switch()
        return site.users.get(user_id)

    @site.manager.login_not_required
    def page() -> str:
        nonlocal hub
        hub = greenlet.getcurrent()
        ask = [copy_current_request_context(site._me) for _ in range(3)]
        site.manager.user_loader(load)
        started = [greenlet.greenlet(one) for one in ask]
        seen = [one.switch() for one in started]
        while waiting:
            seen.append(waiting.pop(0).switch())
        return " ".join(filter(None, seen))

    site.app.add_url_rule("/greenlets", "greenlets", page)
    client = site.browser()
    client.get(f"/login?id=ann{how}")
    if how:
        client.delete_cookie("session")
    assert client.get("/greenlets").text == "ann ann ann"


@pytest.fixture
def hasty() -> Generator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_many_threads_of_one_request_that_ask_at_once_all_see_the_user(site: Site) -> None:
    @site.manager.login_not_required
    def page() -> str:
        seen: list[str] = []
        start = threading.Barrier(8)

        def ask() -> None:
            start.wait(10)
            for _ in range(3):
                seen.append(site._me())
                site.manager.login_still_valid()

        threads = [threading.Thread(target=copy_current_request_context(ask)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        return f"{len(seen)} {set(seen)}"

    site.app.add_url_rule("/threads", "threads", page)
    client = site.browser()
    client.get("/login?id=ann")
    for _ in range(5):
        assert client.get("/threads").text == "24 {'ann'}"


class Between(LoginManager[Any]):
    """Lets another greenlet of the request run when a user was just found."""

    meanwhile: Callable[[], object] | None = None

    def _load_user(self) -> None:
        super()._load_user()
        do, self.meanwhile = self.meanwhile, None
        if do is not None:
            do()


@pytest.mark.parametrize("realm", [None, "staff"])
def test_a_user_is_known_while_another_greenlet_finds_them_out_again(
    app: Flask, users: dict[str, Any], realm: str | None
) -> None:
    manager = Between(app, name=realm)
    manager.user_loader(users.get)

    @app.get("/enter")
    def enter() -> str:
        return str(manager.login_user(users["alice"]))

    @app.get("/who")
    def who() -> str:
        def forget() -> None:
            # What another thread does between two steps of this one.
            Context().run(copy_current_request_context(lambda: visit_of(manager._realm).forget()))

        manager.meanwhile = forget
        return str(manager.current_user.get_id())

    client = app.test_client()
    client.get("/enter")
    assert client.get("/who").text == "alice"


@pytest.mark.parametrize("testing", [True, False])
@pytest.mark.parametrize("path", ["/write", "/ask-and-write"])
def test_what_a_view_writes_to_g_in_a_client_block_is_nobody_for_other_clients(
    writing: Flask, path: str, testing: bool
) -> None:
    writing.testing = testing
    block, other = writing.test_client(), writing.test_client()
    with block:
        block.get(path)
        assert other.get("/me").text == "nobody"
        assert current_user.get_id() == "admin"
        assert g._login_user is current_user._get_current_object()
    assert other.get("/me").text == block.get("/me").text == "nobody"
