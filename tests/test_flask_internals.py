"""The session and the context of a request: nothing is touched without need."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextvars import ContextVar
from importlib import import_module
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace
from typing import Any
from weakref import ref

import flask.cli
import flask.globals
import pytest
from flask import Flask, g, request, request_started, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.testing import FlaskClient

from flask_login import (
    LoginManager,
    MemorySessionStore,
    UserMixin,
    current_user,
    login_fresh,
    login_user,
    logout_user,
)
from flask_login import flask_internals as internals
from flask_login.flask_internals import get_config, request_context, touched_session


class Plain(dict[str, Any]):
    """A session of an older interface: a mapping and nothing more."""

    modified = False


class PlainSessions(SecureCookieSessionInterface):
    def open_session(self, app: Flask, request: Any) -> Any:
        return Plain()

    def save_session(self, app: Flask, session: Any, response: Any) -> None: ...


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
    app = make_app()
    app.session_interface = PlainSessions()
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


# By Flask's public names alone: `make test-public-flask` runs the other tests so


def is_left_in_memory(client: FlaskClient, path: str) -> bool:
    """Return whether a request stays in memory until the collector of garbage comes by."""
    seen: list[Any] = []

    def note(*_: Any, **__: Any) -> None:
        seen.append(ref(request._get_current_object()))  # type: ignore[attr-defined]

    gc.collect()
    gc.disable()
    try:
        with request_started.connected_to(note, client.application):
            client.get(path).close()
        return seen[0]() is not None
    finally:
        gc.enable()


def flask_leaves_it() -> bool:
    app = Flask("bare")
    app.add_url_rule("/", "page", lambda: "hello")
    return is_left_in_memory(app.test_client(), "/")


LETS_GO = pytest.mark.skipif(
    flask_leaves_it(),
    reason="this Flask leaves its requests in memory itself",
)


def modules_of_the_package() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "flask_login"]


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the package, imported once more where Flask has no names but the public ones."""
    for name in ("_cv_app", "_cv_request"):
        monkeypatch.delattr(flask.globals, name, raising=False)  # Flask's own modules have them
    for name in modules_of_the_package():
        monkeypatch.delitem(sys.modules, name)
    package = import_module("flask_login")
    assert package.flask_internals.IS_PUBLIC
    assert package.flask_internals is not internals
    yield package
    for name in modules_of_the_package():
        del sys.modules[name]


def shop_of(package: Any) -> Flask:
    """Return an application that uses that copy of the package."""

    class Customer(package.UserMixin):  # type: ignore[misc]  # a class of whatever copy
        def __init__(self, user_id: str) -> None:
            self.id = user_id

    app = Flask("shop")
    app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
    package.LoginManager(app).user_loader(Customer)
    add = app.add_url_rule
    add("/me", "me", lambda: str(package.current_user.get_id() or "nobody"))
    add("/fresh", "fresh", lambda: "fresh" if package.login_fresh() else "stale")
    add("/in", "in", lambda: str(package.login_user(Customer("ann"), remember=True)))
    add("/out", "out", lambda: str(package.logout_user()))
    add("/public", "public", lambda: "hello")
    return app


def test_by_public_names_a_login_begins_comes_back_by_its_cookie_and_ends(public: Any) -> None:
    client = shop_of(public).test_client()
    assert client.get("/me").text == "nobody"
    assert client.get("/in").text == "True"
    assert [client.get(page).text for page in ("/me", "/fresh")] == ["ann", "fresh"]
    client.delete_cookie("session")
    assert [client.get(page).text for page in ("/me", "/fresh")] == ["ann", "stale"]
    assert client.get("/out").text == "True"
    assert client.get("/me").text == "nobody"
    assert client.get_cookie("remember_token") is None


def test_by_public_names_a_page_that_asks_says_so_to_caches_and_sets_no_cookie(
    public: Any,
) -> None:
    client = shop_of(public).test_client()
    client.get("/in")
    for page in ("/me", "/public"):
        assert "Set-Cookie" not in client.get(page).headers
    assert client.get("/me").headers["Vary"] == "Cookie"


def test_by_public_names_two_browsers_that_share_g_see_their_own_user(public: Any) -> None:
    app = shop_of(public)
    ann, visitor = app.test_client(), app.test_client()
    with app.app_context():
        ann.get("/in")
        for _ in range(2):
            assert ann.get("/me").text == "ann"
            assert "_login_user" not in g
            assert visitor.get("/me").text == "nobody"


@LETS_GO
@pytest.mark.parametrize("path", ["/me", "/in", "/out", "/public"])
def test_by_public_names_a_request_leaves_nothing_in_memory_either(public: Any, path: str) -> None:
    client = shop_of(public).test_client()
    client.get("/in")
    client.get("/me")
    assert not is_left_in_memory(client, path)


@pytest.mark.parametrize("asked_before", [False, True])
def test_by_public_names_another_application_on_top_does_not_get_the_session_s_user(
    public: Any, asked_before: bool
) -> None:
    app, office = shop_of(public), Flask("office")
    office.secret_key = "another key"
    asked: list[str] = []
    public.LoginManager(office).user_loader(asked.append)

    @app.get("/mail")
    def mail() -> Any:
        before = public.current_user.get_id() if asked_before else None
        with office.app_context():
            inside = public.get_current_user()  # None, where Flask knows of no request here
            inside = inside and inside.get_id()
        return [before, inside, public.current_user.get_id()]

    client = app.test_client()
    client.get("/in")
    before = "ann" if asked_before else None
    for _ in range(2):
        assert client.get("/mail").get_json() == [before, None, "ann"]
    assert asked == []


def test_by_public_names_a_request_inside_of_another_has_its_own_user(public: Any) -> None:
    app, other = shop_of(public), shop_of(public)
    bob = other.test_client()
    bob.get("/in")

    @app.get("/outer")
    def outer() -> str:
        seen = [public.current_user.get_id(), bob.get("/out").text, bob.get("/me").text]
        return " ".join([*seen, public.current_user.get_id()])

    client = app.test_client()
    client.get("/in")
    assert client.get("/outer").text == "ann True nobody ann"
    assert client.get("/me").text == "ann"


def test_by_public_names_a_session_may_be_a_mapping_and_nothing_more(public: Any) -> None:
    app = shop_of(public)
    app.session_interface = PlainSessions()
    assert app.test_client().get("/in").text == "True"
    assert app.test_client().get("/me").text == "nobody"
    with app.test_request_context():
        context = public.flask_internals.require_request()
        assert isinstance(context.session, Plain)
        assert context.session is context.session is session._get_current_object()  # type: ignore[attr-defined]


def test_by_public_names_to_look_at_a_session_is_to_use_it(public: Any) -> None:
    with shop_of(public).test_request_context():
        context = public.flask_internals.require_request()
        for _ in range(2):
            opened: Any = session._get_current_object()  # type: ignore[attr-defined]
            opened.accessed = False
            assert public.flask_internals.opened_session(context).accessed


def test_by_public_names_there_is_nobody_outside_of_a_request_and_the_errors_are_flask_s(
    public: Any,
) -> None:
    assert public.get_current_user() is None
    with pytest.raises(RuntimeError, match="outside of application context"):
        public.flask_internals.get_config()
    app = shop_of(public)
    with app.app_context():
        assert public.get_current_user() is None
        assert public.flask_internals.get_config() is app.config
        with pytest.raises(RuntimeError, match="request"):
            public.flask_internals.require_request()


class MergedContext:
    """The one context that Flask 3.2 makes of two, with or without a request."""

    def __init__(self, request: object = None) -> None:
        self._request = request

    @property
    def has_request(self) -> bool:
        return self._request is not None

    @property
    def request(self) -> object:
        if self._request is None:
            raise RuntimeError("There is no request in this context.")
        return self._request


def test_of_the_one_context_of_flask_3_2_a_command_s_is_no_request_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variable: ContextVar[MergedContext] = ContextVar("flask.app_ctx")
    monkeypatch.setattr(flask.globals, "_cv_app", variable, raising=False)
    monkeypatch.delattr(flask.globals, "_cv_request", raising=False)
    spec = spec_from_file_location(internals.__name__, internals.__file__)
    assert spec is not None
    assert spec.loader is not None
    room: Any = module_from_spec(spec)
    spec.loader.exec_module(room)
    assert not room.IS_PUBLIC
    nobody = object()
    assert room.request_context.get(nobody) is nobody
    command, page = MergedContext(), MergedContext("a request")
    variable.set(command)
    assert room.app_context.get(None) is command
    assert room.request_context.get(nobody) is nobody
    token = variable.set(page)
    assert room.request_context.get(nobody) is page
    variable.reset(token)
    assert room.request_context.get(nobody) is nobody


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


@LETS_GO
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
    app.add_url_rule("/me", "me", lambda: str(current_user.get_id()))
    app.add_url_rule("/login", "login", lambda: str(login_user(User("7"), remember=True)))
    app.add_url_rule("/logout", "logout", lambda: str(logout_user()))
    app.add_url_rule("/public", "public", lambda: "hello")
    client = app.test_client()
    client.get("/login")
    client.get("/me")
    assert not is_left_in_memory(client, path)
