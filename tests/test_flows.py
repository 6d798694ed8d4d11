"""How much of the package one request runs through: a flow that grows is noticed here.

What counts is each call of a Python function whose code lies in the package, and the files they lie
in, while a warmed-up application answers one request. Fewer is not the aim: a request can be read
from top to bottom as long as it does not wander.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
from blinker import NamedSignal
from flask import Flask
from flask.testing import FlaskClient

import flask_login
from flask_login import LoginManager, MemorySessionStore, UserMixin, login_required, signals
from flask_login.sessions.store import SessionStore

PACKAGE = Path(flask_login.__file__).parent
LEVELS = ("signed", "stored")


class Limit(NamedTuple):
    """The most that a flow may take."""

    calls: int
    files: int
    #: Calls of the session store.
    asked: int


LIMITS = {
    ("session cookie", "signed"): Limit(20, 9, 0),
    ("session cookie", "stored"): Limit(30, 13, 1),
    ("return by remember cookie", "signed"): Limit(48, 14, 0),
    ("return by remember cookie", "stored"): Limit(85, 18, 2),
    ("login_user(remember=True)", "signed"): Limit(60, 15, 0),
    ("login_user(remember=True)", "stored"): Limit(100, 20, 1),
    ("logout of a remembered login", "signed"): Limit(50, 13, 0),
    ("logout of a remembered login", "stored"): Limit(80, 17, 3),
}


class User(UserMixin):
    """A user as most applications have one."""

    def __init__(self, user_id: str) -> None:
        self.id = user_id


class CountedStore(MemorySessionStore):
    """A memory store that notes how it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []


def _noted(name: str) -> Callable[..., Any]:
    own = getattr(MemorySessionStore, name)

    @wraps(own)
    def method(self: CountedStore, *args: Any, **options: Any) -> Any:
        self.asked.append(name)
        return own(self, *args, **options)

    return method


for _name in [name for name, member in vars(SessionStore).items() if callable(member)]:
    if not _name.startswith("_"):
        setattr(CountedStore, _name, _noted(_name))


@contextmanager
def traced() -> Iterator[list[str]]:
    """Note the calls of functions of the package, in their order, as ``file:function``."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and PACKAGE in path.parents:
            calls.append(f"{path.relative_to(PACKAGE).as_posix()}:{frame.f_code.co_name}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


class Site:
    """A plain application: no settings but the key, one class of users, one guarded page."""

    def __init__(self, level: str) -> None:
        self.store = CountedStore()
        self.app = app = Flask(__name__)
        app.secret_key = "a key of thirty-two random bytes"
        app.debug = True  # without the memory store's warning
        manager: LoginManager[User] = LoginManager(
            app, session_store=self.store if level == "stored" else None
        )
        users = {"7": User("7")}
        manager.user_loader(users.get)

        @app.get("/page")
        @login_required
        def page() -> str:
            return "come in"

        @app.get("/in")
        def enter() -> str:
            return str(flask_login.login_user(users["7"], remember=True))

        @app.get("/out")
        def leave() -> str:
            return str(flask_login.logout_user())

    def logged_in(self) -> FlaskClient:
        client = self.app.test_client()
        client.get("/in")
        return client

    def on_page(self) -> FlaskClient:
        client = self.logged_in()
        client.get("/page")  # the first page of a stored login tells that its cookie has arrived
        return client

    def returning(self) -> FlaskClient:
        client = self.logged_in()
        client.delete_cookie("session")
        return client

    def measure(self, flow: str) -> tuple[list[str], list[str]]:
        """Return the calls of a flow's request, and those of the store."""
        browser, path, says = {
            "session cookie": (self.on_page, "/page", "come in"),
            "return by remember cookie": (self.returning, "/page", "come in"),
            "login_user(remember=True)": (self.app.test_client, "/in", "True"),
            "logout of a remembered login": (self.on_page, "/out", "True"),
        }[flow]
        calls: list[str] = []
        for client in (browser(), browser()):  # the first warms up
            self.store.asked.clear()
            with traced() as noted:
                response = client.get(path)
            assert response.text == says
            calls = noted
        return calls, self.store.asked


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what earlier tests may have connected: each receiver is a few calls more."""
    for signal in vars(signals).values():
        if isinstance(signal, NamedSignal):
            monkeypatch.setattr(signal, "receivers", {})


@pytest.mark.parametrize(("flow", "level"), LIMITS)
def test_a_flow_takes_no_more_calls_files_and_questions_to_the_store_than_it_may(
    flow: str, level: str
) -> None:
    calls, asked = Site(level).measure(flow)
    files = Counter(call.partition(":")[0] for call in calls)
    limit = LIMITS[flow, level]
    found = Limit(len(calls), len(files), len(asked))
    if any(one > most for one, most in zip(found, limit, strict=True)):
        shown = [
            f"{flow}, {level}: {found}, at most {limit}",
            f"of the store: {', '.join(asked) or 'nothing'}",
            *(f"{number:4} {file}" for file, number in files.most_common()),
            *(f"{place:4} {call}" for place, call in enumerate(calls, 1)),
        ]
        pytest.fail("\n".join(shown), pytrace=False)
    assert found.calls > 5  # or nothing was looked at


def test_the_record_of_a_remembered_login_is_ended_once() -> None:
    _, asked = Site("stored").measure("logout of a remembered login")
    assert Counter(asked)["replace"] == 1
