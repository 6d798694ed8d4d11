"""Races, through the whole library: an app, test clients in threads, and every store for real.

``FLASK_LOGIN_RACE_ROUNDS=500`` runs so many rounds of each race on each store; without it they
run as many as make sense on every change.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from threading import Barrier, Event
from time import sleep
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from flask_login import (
    LoginManager,
    LoginSession,
    UserMixin,
    confirm_login,
    current_user,
    login_user,
    logout_user,
)
from flask_login.core import rotation
from flask_login.sessions import records
from flask_login.sessions.store import SessionStore
from flask_login.signals import remember_token_reused
from flask_login.testing import FrozenClock

pytestmark = pytest.mark.load

#: A busy machine is no failure.
PATIENCE = 60.0
NOBODY = "nobody"
TOUCH_INTERVAL = timedelta(seconds=60)


def rounds(usual: int) -> range:
    return range(int(os.environ.get("FLASK_LOGIN_RACE_ROUNDS", usual)))


@pytest.fixture
def store(every_store: SessionStore) -> SessionStore:
    return every_store


class Crowd:
    """Threads that begin at once."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    def at_once(self, *acts: Callable[[], Any]) -> list[Any]:
        """Do all of it at the same time; return what each gave."""
        barrier = Barrier(len(acts))

        def act_with_others(act: Callable[[], Any]) -> Any:
            barrier.wait(PATIENCE)
            return act()

        return list(self._executor.map(act_with_others, acts))


@pytest.fixture(scope="module")
def crowd() -> Iterator[Crowd]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads that take turns often meet in more places
    with ThreadPoolExecutor(32) as executor:
        yield Crowd(executor)
    sys.setswitchinterval(interval)


class Hesitating:
    """A store after whose answers others get a moment, in which they may be quicker."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._moments = Random()  # noqa: S311  # no secret

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get(self, *args: Any, **kwargs: Any) -> LoginSession | None:
        found = self._store.get(*args, **kwargs)
        sleep(self._moments.uniform(0, 0.001))
        return found


class Clock(FrozenClock):
    """A clock that shows each who asks another time, if only by a microsecond."""

    def __init__(self) -> None:
        super().__init__()
        self._ticks = count()

    def __call__(self) -> datetime:
        return super().__call__() + timedelta(microseconds=next(self._ticks))


class Account(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


class Site:
    """An app whose logins are in a store."""

    def __init__(
        self, store: SessionStore, clock: FrozenClock | None = None, **config: Any
    ) -> None:
        self.clock = clock or Clock()
        self.store = store
        self.alarms: list[LoginSession] = []
        self.app = app = Flask(__name__)
        app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True, **config)
        hesitating: Any = Hesitating(store)
        self.manager = LoginManager[Account](app, session_store=hesitating, clock=self.clock)
        self.manager.user_loader(Account)
        self.users = (f"user-{number}" for number in count())
        remember_token_reused.connect(self._alarmed, app)

        @app.post("/login/<user_id>")
        def login(user_id: str) -> str:
            return str(login_user(Account(user_id), remember="remember" in request.args))

        @app.get("/me")
        def me() -> str:
            return current_user.get_id() or NOBODY

        @app.post("/confirm")
        def confirm() -> str:
            if current_user.is_authenticated:
                confirm_login()
            return current_user.get_id() or NOBODY

        @app.post("/logout")
        def logout() -> str:
            return str(logout_user())

    def _alarmed(self, sender: Flask, login: LoginSession) -> None:
        self.alarms.append(login)

    def browser(self, remember_token: str | None = None) -> FlaskClient:
        """Return a new browser, with a remember cookie if there is one."""
        browser = self.app.test_client()
        if remember_token is not None:
            browser.set_cookie("remember_token", remember_token)
        return browser

    def logged_in(self, user_id: str, *, remember: bool = True) -> FlaskClient:
        """Return a browser in which the user has logged in."""
        browser = self.browser()
        answer = browser.post(f"/login/{user_id}{'?remember' if remember else ''}")
        assert answer.text == "True"
        return browser

    def revoke(self, login_id: str) -> bool:
        with self.app.app_context():
            return self.manager.sessions.revoke(login_id)

    def revoke_all(self, user_id: str) -> int:
        with self.app.app_context():
            return self.manager.sessions.revoke_all(user_id)

    def revoke_everyone(self) -> None:
        with self.app.app_context():
            self.manager.sessions.revoke_everyone()

    def live(self, user_id: str) -> set[str]:
        with self.app.app_context():
            return {login.id for login in self.manager.sessions.list(user_id)}

    def the_login_of(self, user_id: str) -> LoginSession:
        [login] = self.store.list(user_id)
        return login


def who(browser: FlaskClient) -> str:
    return browser.get("/me").text


def token_of(browser: FlaskClient) -> str | None:
    cookie = browser.get_cookie("remember_token")
    return None if cookie is None else cookie.value


def test_all_of_32_requests_with_one_remember_token_get_the_same_successor(
    store: SessionStore, crowd: Crowd
) -> None:
    site = Site(store)
    for _ in rounds(20):
        user = next(site.users)
        token = token_of(site.logged_in(user))
        site.clock.advance(rotation.REST)

        def come_back(token: str | None = token) -> tuple[str, str | None]:
            browser = site.browser(token)
            return who(browser), token_of(browser)

        [(found, successor)] = set(crowd.at_once(*[come_back] * 32))
        assert found == user
        assert successor not in (None, token)
        assert site.alarms == []
        assert who(site.browser(successor)) == user
        site.clock.advance(rotation.GRACE)
        assert who(site.browser(successor)) == user
        assert who(site.browser(token)) == NOBODY
        assert [login.user_id for login in site.alarms] == [user]
        assert who(site.browser(successor)) == NOBODY
        site.alarms.clear()


@pytest.mark.parametrize("policy", ["evict_oldest", "deny"])
def test_16_logins_at_once_are_no_way_past_the_maximum(
    store: SessionStore, crowd: Crowd, policy: str
) -> None:
    most = 3
    site = Site(store, LOGIN_MAX_SESSIONS=most, LOGIN_MAX_SESSIONS_POLICY=policy)
    for _ in rounds(20):
        user = next(site.users)
        first = [site.logged_in(user, remember=False) for _ in range(most - 1)]
        earlier = site.live(user)

        def come(user: str = user) -> FlaskClient:
            browser = site.browser()
            browser.post(f"/login/{user}")
            return browser

        browsers = [*first, *crowd.at_once(*[come] * 16)]
        live = site.live(user)
        assert len(live) <= most
        assert [who(browser) for browser in browsers].count(user) == len(live)
        if policy == "evict_oldest":
            assert len(live) == most
            assert not live & earlier
        else:
            assert live >= earlier


@pytest.mark.parametrize("policy", ["evict_oldest", "deny"])
def test_logins_of_the_very_same_moment_are_no_way_past_the_maximum(
    store: SessionStore, crowd: Crowd, policy: str
) -> None:
    config = {"LOGIN_MAX_SESSIONS": 1, "LOGIN_MAX_SESSIONS_POLICY": policy}
    site = Site(store, FrozenClock(), **config)
    for _ in rounds(3):
        user = next(site.users)

        def come(user: str = user) -> None:
            site.browser().post(f"/login/{user}")

        crowd.at_once(*[come] * 16)
        assert len(site.live(user)) <= 1


def _requests(site: Site, number: int, browser: FlaskClient) -> Callable[[], str]:
    """Return one of the requests that a browser with a login may make."""
    token = token_of(browser)
    returning = site.browser(token)
    kinds: tuple[Callable[[], str], ...] = (
        lambda: who(browser),
        lambda: browser.post("/confirm").text,
        lambda: who(returning),
        lambda: who(site.browser(token)),
    )
    return kinds[number % len(kinds)]


def test_once_a_revoke_returned_no_request_gets_in_and_none_revives_the_login(
    store: SessionStore, crowd: Crowd
) -> None:
    site = Site(store)
    for number in rounds(200):
        user = next(site.users)
        browser = site.logged_in(user)
        token = token_of(browser)
        login = site.the_login_of(user)
        site.clock.advance(rotation.REST)
        act = _requests(site, number, browser)
        returned = Event()

        def work(
            act: Callable[[], str] = act, returned: Event = returned
        ) -> list[tuple[bool, str]]:
            return [(returned.is_set(), act()) for _ in range(4)]

        def revoke(login: LoginSession = login, returned: Event = returned) -> bool:
            revoked = site.revoke(login.id)
            returned.set()
            return revoked

        answers, revoked = crowd.at_once(work, revoke)
        assert revoked
        assert {answer for late, answer in answers if late} <= {NOBODY}
        assert {answer for _, answer in answers} <= {NOBODY, user}
        assert act() == who(browser) == who(site.browser(token)) == NOBODY
        assert site.the_login_of(user).ended_reason == records.REVOKED
        assert site.alarms == []


def test_once_the_brake_was_pulled_nobody_gets_in(store: SessionStore, crowd: Crowd) -> None:
    site = Site(store)
    for _ in rounds(30):
        users = [next(site.users) for _ in range(4)]
        browsers = [site.logged_in(user) for user in users]
        tokens = [token_of(browser) for browser in browsers]
        site.clock.advance(rotation.REST)
        pulled = Event()

        def work(
            browser: FlaskClient, token: str | None, pulled: Event = pulled
        ) -> list[tuple[bool, str]]:
            returning = site.browser(token)
            return [(pulled.is_set(), who(each)) for each in (returning, browser, returning)]

        def pull(pulled: Event = pulled) -> list[tuple[bool, str]]:
            site.revoke_everyone()
            pulled.set()
            return []

        works = [partial(work, *found) for found in zip(browsers, tokens, strict=True)]
        answers = [answer for found in crowd.at_once(pull, *works) for answer in found]
        assert {answer for late, answer in answers if late} <= {NOBODY}
        assert {answer for _, answer in answers} <= {NOBODY, *users}
        everybody = [*browsers, *(site.browser(token) for token in tokens)]
        assert {who(browser) for browser in everybody} == {NOBODY}
        assert {site.the_login_of(user).ended_reason for user in users} == {records.REVOKED}
        assert site.alarms == []


def test_activity_at_the_moment_of_a_revoke_does_not_revive_the_login(
    store: SessionStore, crowd: Crowd
) -> None:
    site = Site(store)
    for number in rounds(200):
        user = next(site.users)
        browser = site.logged_in(user, remember=False)
        login = site.the_login_of(user)
        site.clock.advance(TOUCH_INTERVAL)  # the activity is written

        def revoke(number: int = number, login: LoginSession = login) -> bool | int:
            return site.revoke_all(login.user_id) if number % 2 else site.revoke(login.id)

        answer, revoked = crowd.at_once(partial(who, browser), revoke)
        assert answer in (NOBODY, user)
        assert revoked == 1
        ended = site.the_login_of(user)
        assert (ended.ended_reason, ended.version) == (records.REVOKED, login.version + 1)
        site.clock.advance(TOUCH_INTERVAL)
        assert who(browser) == NOBODY
        assert site.the_login_of(user) == ended


def test_no_logout_is_undone_by_a_remember_token_that_rotates_at_the_same_moment(
    store: SessionStore, crowd: Crowd
) -> None:
    site = Site(store)
    for _ in rounds(200):
        user = next(site.users)
        browser = site.logged_in(user)
        token = token_of(browser)
        other = site.browser(token)
        site.clock.advance(rotation.REST)

        def log_out(browser: FlaskClient = browser) -> str:
            return browser.post("/logout").text

        answer, left = crowd.at_once(partial(who, other), log_out)
        assert answer in (NOBODY, user)
        assert left == "True"
        assert token_of(browser) is None
        successors = [site.browser(found) for found in {token, token_of(other)}]
        assert {who(found) for found in (browser, other, *successors)} == {NOBODY}
        assert site.the_login_of(user).ended_reason == records.LOGOUT
        assert site.alarms == []
