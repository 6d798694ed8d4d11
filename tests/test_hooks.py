"""The hooks of old: each is asked at its place, on a manager, on the class or in a subclass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from tests.policy_site import KINDS, Kind, Site

from flask_login import LoginManager, MemorySessionStore, UserMixin, login_required
from flask_login.hooks import HOOKS
from flask_login.testing import FrozenClock

WAYS = ("instance", "class", "subclass")
KEY = {"Authorization": "key of alice"}


class Account(UserMixin):
    """A user who has no credentials."""

    def __init__(self, user_id: str) -> None:
        self.id = user_id


USERS = {name: Account(name) for name in ("alice", "bob")}


class HookedSite:
    """An application of one manager, in which the hook of one case can be replaced.

    Until `arm` is called every hook does what the library's own does, in a subclass too.
    """

    def __init__(self, kind: Kind, hook: str, way: str, case: Case) -> None:
        self.level, self.realm = kind
        self.hook, self.way, self.case = hook, way, case
        self.armed = way != "subclass"
        self.asked: list[Any] = []
        member = self._member()
        made: Any = LoginManager
        if way == "subclass":
            made = type("Own", (LoginManager,), {hook: member})
        self.app = app = Flask(__name__)
        app.config.update({"SECRET_KEY": "a key of thirty-two random bytes", "TESTING": True})
        app.config["SESSION_PROTECTION"] = "strong"
        store = MemorySessionStore() if self.level == "stored" else None
        self.manager = manager = made(app, name=self.realm, session_store=store)
        manager.user_loader(USERS.get)
        manager.request_loader(lambda request: self._of_key(request.headers.get("X-Key")))
        manager.header_loader(self._of_key)
        add = app.add_url_rule
        add("/me", "me", lambda: str(manager.current_user.get_id() or "nobody"))
        add("/login", "login", lambda: str(manager.login_user(USERS["alice"], remember=True)))
        add("/logout", "logout", lambda: str(manager.logout_user()))
        add("/public", "public", lambda: "hello")

    @staticmethod
    def _of_key(key: str | None) -> Account | None:
        return USERS["alice"] if key == KEY["Authorization"] else None

    def _member(self) -> Any:
        """Return what stands in the place of the hook in a class."""
        own = getattr(LoginManager, self.hook, None)
        if own is not None:

            def method(manager: Any, *args: Any) -> Any:
                if not self.armed:
                    return own(manager, *args)
                self.asked.append(args)
                return self.case.stand_in(lambda *given: own(manager, *given), *args)

            return method

        # A callback, which the manager sets on itself when it is made. A property is what
        # `unittest.mock.PropertyMock` puts there.
        kept: dict[str, Any] = {}

        def callback(*args: Any) -> Any:
            self.asked.append(args)
            return self.case.stand_in(lambda *given: kept["own"](*given), *args)

        def read(manager: Any) -> Any:
            return callback if self.armed else kept["own"]

        def write(manager: Any, value: Any) -> None:
            kept["own"] = value

        return property(read, write)

    def arm(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the stand-in asked from here on."""
        member = self._member()
        if self.way == "class":
            monkeypatch.setattr(LoginManager, self.hook, member, raising=False)
        elif self.way == "instance":
            patched: Any = member.fget if isinstance(member, property) else member
            bound = patched.__get__(self.manager)
            value = bound() if isinstance(member, property) else bound
            monkeypatch.setattr(self.manager, self.hook, value)
        self.armed = True

    @property
    def remember_cookie(self) -> str:
        return "remember_token" if self.realm is None else f"remember_token_{self.realm}"

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def logged_in(self) -> FlaskClient:
        client = self.browser()
        assert client.get("/login").text == "True"
        return client

    def returning(self) -> FlaskClient:
        client = self.logged_in()
        client.delete_cookie("session")
        return client


class Case(NamedTuple):
    """Where a hook is asked, what stands in for it, and what is seen of its answer."""

    #: Makes the browser, before the hook is replaced.
    browser: Callable[[HookedSite], FlaskClient]
    path: str
    #: Takes the library's own hook, and what the hook is given.
    stand_in: Callable[..., Any]
    #: What the page says, without the stand-in and with it.
    says: tuple[str, str]
    headers: Mapping[str, str] = MappingProxyType({})
    #: Whether the stand-in marks the response.
    marks: bool = False


def mark(own: Callable[..., Any], response: Any) -> Any:
    response.headers["X-Seen"] = "yes"
    return own(response)


def bob(*_: Any) -> Account:
    return USERS["bob"]


def as_bob(own: Callable[..., Any], user: Any = None) -> None:
    own(None if user is None else USERS["bob"])


def load_nobody(own: Callable[..., Any]) -> None:
    """Load in another order than the library: here, nobody at all."""


CASES = {
    "_load_user": Case(HookedSite.logged_in, "/me", load_nobody, ("alice", "nobody")),
    "_session_protection_failed": Case(
        HookedSite.logged_in, "/me", lambda own: True, ("alice", "nobody")
    ),
    "_load_user_from_remember_cookie": Case(HookedSite.returning, "/me", bob, ("alice", "bob")),
    "_load_user_from_request": Case(
        HookedSite.browser, "/me", bob, ("alice", "bob"), {"X-Key": KEY["Authorization"]}
    ),
    "_load_user_from_header": Case(HookedSite.browser, "/me", bob, ("alice", "bob"), KEY),
    "_update_request_context_with_user": Case(
        HookedSite.logged_in, "/me", as_bob, ("alice", "bob")
    ),
    "_update_remember_cookie": Case(
        HookedSite.browser, "/public", mark, ("hello", "hello"), marks=True
    ),
    "_set_cookie": Case(HookedSite.browser, "/login", mark, ("True", "True"), marks=True),
    "_clear_cookie": Case(HookedSite.logged_in, "/logout", mark, ("True", "True"), marks=True),
    "_user_callback": Case(HookedSite.logged_in, "/me", bob, ("alice", "bob")),
    "_request_callback": Case(
        HookedSite.browser, "/me", bob, ("alice", "bob"), {"X-Key": KEY["Authorization"]}
    ),
    "_session_identifier_generator": Case(
        HookedSite.logged_in, "/me", lambda own: "another client", ("alice", "nobody")
    ),
}


def test_each_hook_has_its_case() -> None:
    assert set(CASES) == set(HOOKS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_asked_in_whatever_way_it_was_replaced_and_its_answer_counts(
    hook: str, way: str, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[hook]
    site = HookedSite(kind, hook, way, case)
    client = case.browser(site)
    before, after = case.says
    if way != "subclass":
        plain = case.browser(site).get(case.path, headers=case.headers)
        assert (plain.text, plain.headers.get("X-Seen")) == (before, None)
    site.arm(monkeypatch)
    site.asked.clear()
    response = client.get(case.path, headers=case.headers)
    assert response.status_code == 200
    assert len(site.asked) == 1
    assert response.text == after
    assert response.headers.get("X-Seen") == ("yes" if case.marks else None)


# What else they may rely on


@pytest.mark.parametrize("way", WAYS)
def test_a_patched_protection_is_asked_and_its_answer_counts(
    app: Flask, login_manager: LoginManager[Any], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    app.add_url_rule("/guarded", view_func=login_required(lambda: "come in"))
    client = app.test_client()
    client.get("/login/alice")
    answer = True
    if way == "instance":
        monkeypatch.setattr(login_manager, "_session_protection_failed", lambda: answer)
    elif way == "class":
        monkeypatch.setattr(LoginManager, "_session_protection_failed", lambda _: answer)
    else:
        member = {"_session_protection_failed": lambda _: answer}
        login_manager.__class__ = type("Own", (LoginManager,), member)
    assert client.get("/guarded").status_code == 401
    answer = False
    assert client.get("/guarded").text == "come in"


def test_a_patched_question_for_the_user_is_what_the_proxy_and_the_guards_ask(
    app: Flask, users: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    app.add_url_rule("/guarded", view_func=login_required(lambda: "come in"))
    monkeypatch.setattr("flask_login.utils._get_user", lambda: users["bob"])
    client = app.test_client()
    assert client.get("/me").text == "bob"
    assert client.get("/guarded").text == "come in"


@pytest.mark.parametrize("realm", ["default", "staff"])
def test_an_override_may_put_another_object_in_the_place_of_the_user(
    clock: FrozenClock, realm: str
) -> None:
    class Own(LoginManager[Any]):
        def _update_request_context_with_user(self, user: Any = None) -> None:
            super()._update_request_context_with_user(user)
            told.append(None if user is None else user.get_id())

    told: list[str | None] = []
    site = Site(("signed", None if realm == "default" else realm), clock)
    site.manager.__class__ = Own
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/known").get_json()["source"] == "session"
    client.get("/logout")
    assert client.get("/me").text == "nobody"
    assert told == ["ann", "ann", "ann", None, None]


def test_an_overridden_hook_of_the_response_sees_pages_that_do_not_ask_too(
    users: dict[str, Any],
) -> None:
    class Own(LoginManager[Any]):
        def _update_remember_cookie(self, response: Any) -> Any:
            response.headers["X-Seen"] = "yes"
            return super()._update_remember_cookie(response)

    app = Flask(__name__)
    app.secret_key = "key"
    Own(app).user_loader(users.get)
    app.add_url_rule("/public", view_func=lambda: "hello")
    client = app.test_client()
    assert [client.get("/public").headers["X-Seen"] for _ in range(2)] == ["yes", "yes"]
