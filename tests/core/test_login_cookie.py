"""A login that has a cookie of its own: ``LOGIN_STATE = "cookie"``."""

from __future__ import annotations

import json
import logging
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, Request, Response, g, request, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_login import (
    FlaskLoginClient,
    LoginManager,
    UserMixin,
    confirm_login,
    current_login,
    current_user,
    impersonate,
    login_ended_reason,
    login_fresh,
    login_user,
    logout_user,
    stop_impersonating,
)
from flask_login.core import login_entries
from flask_login.core.exceptions import LoginInSession
from flask_login.exceptions import ConfigurationError
from flask_login.flask_internals import opened_session, request_context
from flask_login.sessions import MemorySessionStore, SessionStoreUnavailable
from flask_login.sessions.records import LoginSession
from flask_login.signals import (
    impersonation_stopped,
    remember_token_reused,
    session_protected,
    user_loaded_from_cookie,
)
from flask_login.testing import FrozenClock

KEY = "a key of thirty-two random bytes"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HTTPS = "https://localhost"


class Account(UserMixin):
    def __init__(self, user_id: Any) -> None:
        self.id = user_id
        self.active = True

    def get_id(self) -> Any:
        return self.id

    @property
    def is_active(self) -> bool:
        return self.active


class Store(MemorySessionStore):
    """Counts what is written, and fails on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.failing: set[str] = set()

    def _ask(self, question: str) -> None:
        self.asked.append(question)
        if question in self.failing:
            raise SessionStoreUnavailable("memory", OSError("down"))

    def create(self, record: LoginSession) -> None:
        self._ask("create")
        super().create(record)

    def get(self, session_id: str, **options: Any) -> LoginSession | None:
        self._ask("get")
        return super().get(session_id, **options)

    def replace(self, record: LoginSession) -> bool:
        self._ask("replace")
        return super().replace(record)


class Site:
    """An application whose users may log in in every way."""

    def __init__(self, clock: FrozenClock, **settings: Any) -> None:
        self.clock, self.store = clock, Store()
        self.users = {name: Account(name) for name in ("ann", "bob", "eve")}
        self.app = self.made(self.store, LOGIN_STATE="cookie", **settings)

    def made(self, store: MemorySessionStore | None, **settings: Any) -> Flask:
        """Make an application with this store, or without one."""
        app = Flask(__name__)
        app.config.update(SECRET_KEY=KEY, TESTING=True, **settings)
        self.manager: LoginManager[Any] = LoginManager(app, session_store=store, clock=self.clock)
        self.manager.user_loader(lambda user_id: self.users.get(user_id))
        self.manager.may_impersonate(lambda actor, user: actor.id == "eve")
        app.add_url_rule("/login/<name>", "login", self._login)
        app.add_url_rule("/me", "me", lambda: str(current_user.get_id() or "nobody"))
        app.add_url_rule("/why", "why", lambda: str(login_ended_reason()))
        app.add_url_rule("/fresh", "fresh", lambda: "fresh" if login_fresh() else "stale")
        app.add_url_rule("/confirm", "confirm", _confirm)
        app.add_url_rule("/logout", "logout", lambda: str(logout_user()))
        app.add_url_rule("/known", "known", _known)
        app.add_url_rule("/clear", "clear", _clear)
        app.add_url_rule("/act/<name>", "act", self._act)
        app.add_url_rule("/stop", "stop", lambda: str(stop_impersonating()))
        app.add_url_rule("/basket", "basket", lambda: session.setdefault("basket", "full"))
        return app

    def _login(self, name: str) -> str:
        remember = "remember" in request.args
        return str(login_user(self.users[name], remember, methods={"pwd"}))

    def _act(self, name: str) -> str:
        impersonate(self.users[name])
        return ""

    def browser(self, **cookies: str) -> FlaskClient:
        client = self.app.test_client()
        for name, value in cookies.items():
            client.set_cookie(name.replace("_", "-"), value)
        return client

    def logged_in(self, name: str = "ann", how: str = "") -> FlaskClient:
        client = self.browser()
        assert client.get(f"/login/{name}?{how}").text == "True"
        return client

    @property
    def record(self) -> LoginSession:
        (record,) = (one for name in self.users for one in self.store.list(name))
        return record


def _known() -> dict[str, Any]:
    if not current_login:
        return {}
    return {
        "user": current_login.user_id,
        "source": current_login.source,
        "fresh": current_login.fresh,
        "remembered": current_login.remembered,
        "methods": sorted(current_login.methods),
        "actor": current_login.actor,
    }


def _confirm() -> str:
    confirm_login(methods={"otp"})
    return ""


def _confirm_by_password() -> str:
    confirm_login(methods={"pwd"})
    return ""


def _clear() -> str:
    session.clear()
    return ""


def who(client: FlaskClient) -> str:
    return client.get("/me").text


def values(client: FlaskClient) -> dict[str, str]:
    """Return the login cookies of a browser, to be copied to another."""
    found = {name: client.get_cookie(name) for name in ("login", "login-marker")}
    return {name.replace("-", "_"): kept.value for name, kept in found.items() if kept is not None}


def restart(client: FlaskClient) -> FlaskClient:
    """Close a browser and open it again: it keeps what has a time of its own."""
    for name in ("login-marker", "session"):
        client.delete_cookie(name)
    manager: LoginManager[Any] = client.application.extensions["login"]["default"].manager
    kept, logins = client.get_cookie("login"), manager._realm.logins
    if kept is None or logins is None:
        return client
    # Of the oldest Werkzeug a test client does not know the cookies' times.
    with client.application.app_context():
        known = logins.remembered(kept.value)
    record = None if known is None else logins.store.get(known.id)
    if record is not None and not record.remembered:
        client.delete_cookie("login")
    return client


def set_by(response: TestResponse) -> dict[str, str]:
    """Return the cookies that a response sets, with their attributes."""
    lines = (line.partition("=") for line in response.headers.getlist("Set-Cookie"))
    return {name: rest.partition("; ")[2] for name, _, rest in lines}


@pytest.fixture
def site(clock: FrozenClock) -> Site:
    return Site(clock)


# The cookies


def test_a_login_and_its_marker_end_with_the_browser(site: Site) -> None:
    response = site.browser().get("/login/ann")
    attributes = "HttpOnly; Path=/; SameSite=Lax"
    assert set_by(response) == {"login": attributes, "login-marker": attributes}


def test_over_https_its_name_has_the_prefix_that_no_other_host_can_plant(site: Site) -> None:
    response = site.browser().get("/login/ann", base_url=HTTPS)
    attributes = "Secure; HttpOnly; Path=/; SameSite=Lax"
    assert set_by(response) == {"__Host-login": attributes, "__Host-login-marker": attributes}


def test_behind_a_proxy_that_is_not_told_of_the_setting_of_the_session_cookie_counts(
    clock: FrozenClock,
) -> None:
    site = Site(clock, SESSION_COOKIE_SECURE=True)
    client = site.browser()
    client.get("/login/ann")
    assert client.get_cookie("__Host-login") is not None
    assert who(client) == "ann"


def test_a_remembered_login_is_a_cookie_that_lasts_and_a_marker_that_does_not(site: Site) -> None:
    found = set_by(site.browser().get("/login/ann?remember"))
    assert found.keys() == {"login", "login-marker"}
    assert found["login-marker"] == "HttpOnly; Path=/; SameSite=Lax"
    assert found["login"] == f"Expires=Fri, 01 Jan 2027 00:00:00 GMT; {found['login-marker']}"


@pytest.mark.parametrize("how", ["", "remember"])
def test_the_browser_holds_no_user_id_and_no_fact(site: Site, how: str) -> None:
    site.users["a very long name"] = Account("a very long name")
    client = site.logged_in("a very long name", how)
    for value in values(client).values():
        text = value.partition(".")[0]
        said = urlsafe_b64decode(text + "==").decode(errors="replace") + text
        assert "a very long name" not in said
        assert "pwd" not in said
        assert site.record.secret_hash not in said


@pytest.mark.parametrize(
    "user_id", [7, True, UUID("12345678123456781234567812345678"), b"\x00\xff", "7"], ids=repr
)
@pytest.mark.parametrize("how", ["", "remember"])
def test_a_user_id_that_is_no_text_comes_back_as_what_it_was(
    clock: FrozenClock, user_id: Any, how: str
) -> None:
    site = Site(clock)
    site.users[user_id] = site.users["ann"] = Account(user_id)
    asked: list[Any] = []

    @site.manager.user_loader
    def load(found: Any) -> Any:
        asked.append(found)
        return site.users.get(found)

    client = site.logged_in("ann", how)
    assert [who(client), who(client)] == [str(user_id)] * 2
    if how:
        assert who(restart(client)) == str(user_id)
    assert {(type(found), found) for found in asked} == {(type(user_id), user_id)}


def test_a_name_of_yours_is_taken_and_a_realm_appends_its_own(clock: FrozenClock) -> None:
    site = Site(clock, LOGIN_COOKIE_NAME="shop")
    staff: LoginManager[Any] = LoginManager(
        site.app, name="staff", session_store=MemorySessionStore(), clock=clock
    )
    staff.user_loader(lambda user_id: site.users.get(user_id))
    site.app.add_url_rule(
        "/staff/login", "in", lambda: str(staff.login_user(site.users["bob"], remember=True))
    )
    site.app.add_url_rule("/staff/me", "staff", lambda: staff.current_user.get_id() or "nobody")
    client = site.logged_in()
    client.get("/staff/login")
    names = ("shop", "shop_staff", "shop_staff-marker")
    assert all(client.get_cookie(name) is not None for name in names)
    assert [who(client), client.get("/staff/me").text] == ["ann", "bob"]
    client.get("/logout")
    assert [who(client), client.get("/staff/me").text] == ["nobody", "bob"]
    crossed = client.get_cookie("shop_staff")
    assert crossed is not None
    client.set_cookie("shop", crossed.value)
    assert who(client) == "nobody", "a realm's cookie is junk in another"


@pytest.mark.parametrize("name", ["session", "remember_token", "__Host-login", "__secure-x", "a b"])
def test_a_name_under_which_it_would_be_lost_is_an_error(clock: FrozenClock, name: str) -> None:
    site = Site(clock)
    site.app.config["LOGIN_COOKIE_NAME"] = name
    with pytest.raises(ConfigurationError, match="LOGIN_COOKIE_NAME"):
        site.browser().get("/login/ann")


def test_without_a_session_store_it_is_an_error(clock: FrozenClock) -> None:
    site = Site(clock)
    site.app = site.made(None)
    site.app.config["LOGIN_STATE"] = "cookie"
    with pytest.raises(ConfigurationError, match="session_store"):
        site.browser().get("/login/ann")


# The session is the application's


def test_clearing_the_session_logs_nobody_out(site: Site) -> None:
    client = site.logged_in()
    client.get("/basket")
    client.get("/clear")
    assert who(client) == "ann"
    with client.session_transaction() as sess:
        assert dict(sess) == {}


@pytest.mark.parametrize("how", ["", "remember"])
def test_a_page_that_reads_the_login_alone_opens_no_session_and_says_that_it_varies(
    site: Site, how: str
) -> None:
    used: list[bool] = []

    @site.app.after_request
    def look(response: Response) -> Response:
        context = request_context.get(None)
        used.append(bool(opened_session(context).accessed))
        return response

    client = site.logged_in("ann", how)
    client.get("/basket")
    del used[:]
    for path in ("/me", "/fresh", "/known"):
        response = client.get(path)
        assert response.headers.getlist("Vary") == ["Cookie"]
        assert "Set-Cookie" not in response.headers
    assert site.browser().get("/me").headers.getlist("Vary") == ["Cookie"]
    assert not any(used)


def test_a_page_that_asks_for_nobody_does_not_vary(site: Site) -> None:
    site.app.add_url_rule("/about", "about", lambda: "about")
    assert "Vary" not in site.logged_in().get("/about").headers


def test_a_header_that_the_page_has_set_is_kept(site: Site) -> None:
    @site.app.get("/varies")
    def varies() -> Response:
        response = Response(current_user.get_id())
        response.headers["Vary"] = "Accept"
        return response

    assert site.logged_in().get("/varies").headers["Vary"] == "Accept, Cookie"


# Coming back


def test_a_remembered_user_comes_back_once_and_not_fresh(site: Site) -> None:
    client = site.logged_in("ann", "remember")
    assert client.get("/known").get_json()["source"] == "session"
    site.clock.advance(HOUR)
    told: list[Any] = []
    with user_loaded_from_cookie.connected_to(lambda _, user: told.append(user.id), site.app):
        known = restart(client).get("/known").get_json()
        assert (known["source"], known["fresh"], known["methods"]) == ("remember", False, [])
        known = client.get("/known").get_json()
        assert (known["source"], known["fresh"], known["methods"]) == ("session", False, [])
    assert told == ["ann"]
    client.get("/confirm")
    known = client.get("/known").get_json()
    assert (known["fresh"], known["methods"]) == (True, ["otp"])
    assert known["remembered"] is True


def test_who_is_not_remembered_does_not_come_back(site: Site) -> None:
    assert who(restart(site.logged_in())) == "nobody"


def test_the_parallel_requests_of_a_return_agree_whichever_answer_comes_last(site: Site) -> None:
    client = restart(site.logged_in("ann", "remember"))
    site.clock.advance(HOUR)
    both = [site.browser(**values(client)) for _ in range(3)]
    assert [who(one) for one in both] == ["ann"] * 3
    assert len({tuple(sorted(values(one).items())) for one in both}) == 1
    assert [one.get("/known").get_json()["source"] for one in both] == ["session"] * 3


def test_after_its_time_a_remembered_login_does_not_come_back_and_an_open_browser_goes_on(
    clock: FrozenClock,
) -> None:
    site = Site(clock, REMEMBER_COOKIE_DURATION=HOUR)
    client = site.logged_in("ann", "remember")
    kept = values(client)
    clock.advance(HOUR)
    assert who(site.browser(login=kept["login"])) == "nobody"
    assert who(site.browser(**kept)) == "ann"


def test_where_nobody_may_be_remembered_any_more_the_cookie_is_deleted(site: Site) -> None:
    client = restart(site.logged_in("ann", "remember"))
    site.app.config["REMEMBER_COOKIE_ENABLED"] = False
    assert who(client) == "nobody"
    assert values(client) == {}


def test_a_login_in_use_is_renewed_every_quarter_of_an_hour_with_one_write(site: Site) -> None:
    site.app.config["LOGIN_TOUCH_INTERVAL"] = HOUR
    for how in ("", "remember"):
        client = site.logged_in("ann", how)
        who(client)
        before = values(client)["login"]
        del site.store.asked[:]
        site.clock.advance(14 * MINUTE)
        assert who(client) == "ann"
        assert values(client)["login"] == before
        site.clock.advance(MINUTE)
        assert [who(client) for _ in range(3)] == ["ann"] * 3
        assert values(client)["login"] != before
        # One to issue it, one to note that it has arrived.
        assert site.store.asked.count("replace") == 2
        client.get("/logout")


def test_the_interval_can_be_another_or_none(clock: FrozenClock) -> None:
    for interval, changes in ((None, False), (2 * MINUTE, True)):
        site = Site(clock, LOGIN_RENEW_INTERVAL=interval)
        client = site.logged_in()
        before = values(client)
        clock.advance(20 * MINUTE)
        assert who(client) == "ann"
        assert (values(client) != before) is changes


# Attacks


@pytest.mark.parametrize("how", ["", "remember"])
def test_attack_a_copied_cookie_of_a_login_in_use_rings_and_ends_it(site: Site, how: str) -> None:
    client = site.logged_in("ann", how)
    thief = site.browser(**values(client))
    alarms: list[Any] = []
    with remember_token_reused.connected_to(lambda _, login: alarms.append(login), site.app):
        for _ in range(8):
            site.clock.advance(15 * MINUTE)
            who(client)
        assert who(thief) == "nobody"
        assert thief.get("/why").text == "None", "the thief's cookies are gone"
        assert len(alarms) == 1
    assert client.get("/why").text == "token_reused"
    assert values(client) == {}


def test_attack_the_persistent_cookie_alone_gives_a_login_that_is_not_fresh(site: Site) -> None:
    client = site.logged_in("ann", "remember")
    thief = site.browser(login=values(client)["login"])
    known = thief.get("/known").get_json()
    assert (known["user"], known["fresh"], known["methods"]) == ("ann", False, [])
    thief.get("/confirm")  # by a site that asks for nothing: then everything is lost
    assert client.get("/fresh").text == "stale", "the owner is told by being asked again"


def test_attack_a_copy_from_before_the_user_proved_who_they_are_is_not_fresh(site: Site) -> None:
    client = restart(site.logged_in("ann", "remember"))
    site.clock.advance(HOUR)
    who(client)
    thief = site.browser(**values(client))
    client.get("/confirm")
    assert client.get("/fresh").text == "fresh"
    assert [who(thief), thief.get("/fresh").text] == ["ann", "stale"]
    assert client.get("/fresh").text == "fresh", "and writes nothing over what the owner proved"


def test_attack_who_shows_the_cookie_alone_has_no_method_that_the_owner_proved(site: Site) -> None:
    view = site.manager.fresh_login_required(methods={"otp"})(lambda: "in")
    site.app.add_url_rule("/vault", "vault", view)
    both = {"pwd", "otp"}
    site.app.view_functions["login"] = lambda name: str(
        login_user(site.users[name], remember=True, methods=both)
    )
    owner = site.logged_in("eve")
    owner.get("/act/ann")
    owner.get("/stop")
    thief = site.browser(login=values(owner)["login"])
    assert [thief.get("/known").get_json()["methods"] for _ in range(2)] == [[], []]
    site.app.view_functions["confirm"] = _confirm_by_password
    thief.get("/confirm")  # knows the password, and has no second factor
    assert thief.get("/vault").status_code == 401


@pytest.mark.parametrize("seconds", [0, 40, 80])
@pytest.mark.parametrize("name", ["remember_token", "login"])
def test_attack_a_copied_token_is_not_fresh_because_the_owner_s_session_is_taken_over(
    site: Site, name: str, seconds: int
) -> None:
    site.app.config["LOGIN_STATE"] = "session"
    owner = site.logged_in("ann", "remember")
    token = owner.get_cookie("remember_token")
    assert token is not None
    site.app.config["LOGIN_STATE"] = "cookie"
    site.clock.advance(seconds * SECOND)
    thief = site.app.test_client()
    thief.set_cookie(name, token.value)
    for _ in range(2):
        known = thief.get("/known").get_json()
        assert (known["fresh"], known["methods"]) == (False, [])
        assert who(owner) == "ann"


def test_attack_a_copy_from_before_an_impersonation_does_not_act(site: Site) -> None:
    client = site.logged_in("eve")
    thief = site.browser(**values(client))
    client.get("/act/ann")
    assert [who(client), who(thief)] == ["ann", "eve"]
    stopped = site.browser(**values(client))
    client.get("/stop")
    assert [who(client), who(stopped), who(stopped)] == ["eve", "nobody", "eve"]


def test_attack_the_marker_of_another_login_is_none(site: Site) -> None:
    mine, theirs = site.logged_in("ann", "remember"), site.logged_in("bob", "remember")
    mixed = values(theirs) | {"login_marker": values(mine)["login_marker"]}
    known = site.browser(**mixed).get("/known").get_json()
    assert (known["user"], known["source"], known["fresh"]) == ("bob", "remember", False)


def test_attack_a_login_that_is_not_remembered_is_no_remember_token(site: Site) -> None:
    value = values(site.logged_in())["login"]
    assert who(site.browser(remember_token=value)) == "nobody"
    client = site.browser()
    client.set_cookie("remember_token", value)
    assert who(client) == "nobody"


@pytest.mark.parametrize("value", ["", "x", "a.b", "ä", "Il9.", "IjEyMyI.x"])
@pytest.mark.parametrize("name", ["login", "login_marker"])
def test_attack_junk_asks_no_store_is_no_error_and_stays(site: Site, name: str, value: str) -> None:
    client = site.browser(**{name: value})
    response = client.get("/me")
    assert response.text == "nobody"
    assert "Set-Cookie" not in response.headers, "it may be another application's"
    assert site.store.asked == []


def test_attack_a_cookie_of_many_characters_is_not_even_read(site: Site) -> None:
    client = site.app.test_client(use_cookies=False)
    for shown in (f"login={'a' * 5000}", f"login=x; login-marker={'a' * 5000}"):
        assert client.get("/me", headers={"Cookie": shown}).text == "nobody"


def test_attack_a_login_cookie_after_the_logout_is_worth_nothing(site: Site) -> None:
    for how in ("", "remember"):
        client = site.logged_in("ann", how)
        copied = values(client)
        assert client.get("/logout").text == "True"
        assert values(client) == {}
        assert site.browser(**copied).get("/why").text == "logout"
        assert who(site.browser(**copied)) == "nobody"


def test_attack_a_stolen_cookie_under_strong_protection_ends_the_login_everywhere(
    clock: FrozenClock,
) -> None:
    site = Site(clock, SESSION_PROTECTION="strong")
    client = site.logged_in("ann", "remember")
    thief = site.browser(**values(client))
    thief.environ_base["HTTP_USER_AGENT"] = "another"
    told: list[Any] = []
    with session_protected.connected_to(lambda _: told.append(1), site.app):
        assert thief.get("/why").text == "client_changed"
    assert told == [1]
    assert values(thief) == {}
    assert client.get("/why").text == "client_changed"


def test_attack_an_older_copy_does_not_get_around_the_protection(clock: FrozenClock) -> None:
    site = Site(clock, SESSION_PROTECTION="strong")
    client = site.logged_in()
    thief = site.browser(**values(client))
    thief.environ_base["HTTP_USER_AGENT"] = "another"
    client.get("/confirm")  # the thief's marker is another one now
    assert thief.get("/why").text == "client_changed"


def test_under_basic_protection_another_client_is_not_fresh_and_stays_so(site: Site) -> None:
    client = site.logged_in()
    client.environ_base["HTTP_USER_AGENT"] = "another"
    assert client.get("/fresh").text == "stale"
    del client.environ_base["HTTP_USER_AGENT"]
    assert [who(client), client.get("/fresh").text] == ["ann", "stale"]


def test_a_login_that_is_not_remembered_takes_the_place_of_one_that_was(site: Site) -> None:
    client = site.logged_in("ann", "remember")
    client.get("/login/bob")
    assert values(client).keys() == {"login", "login_marker"}
    assert who(client) == "bob"
    assert who(restart(client)) == "nobody"


@pytest.mark.parametrize("is_known", [True, False])
def test_a_session_that_is_left_beside_a_login_cookie_is_dropped(
    site: Site, is_known: bool
) -> None:
    new = site.app
    site.app = site.made(site.store)
    left = site.logged_in("bob").get_cookie("session")
    site.app = new
    client = site.logged_in("ann")
    assert left is not None
    client.set_cookie("session", left.value)
    if not is_known:
        del site.users["ann"]
    assert who(client) == ("ann" if is_known else "nobody")
    with client.session_transaction() as sess:
        assert ("_user_id" in sess) is not is_known


# What the record keeps


def test_changes_of_parallel_requests_are_all_kept(site: Site) -> None:
    client = site.logged_in("eve")
    record = site.record
    assert record.entries is not None
    kept = json.loads(record.entries)
    changed = partial(login_entries._changed, before=kept, marker=kept.pop("marker"))
    one = changed(record, now={**kept, "_id": "x"})
    both = changed(one, now={**kept, "_fresh": False})
    assert both.entries is not None
    found = json.loads(both.entries)
    assert (found["_id"], found["_fresh"], found["_methods"]) == ("x", False, kept["_methods"])
    gone = {name: value for name, value in kept.items() if name != "_methods"}
    less = changed(both, now=gone)
    assert less.entries is not None
    assert "_methods" not in json.loads(less.entries)
    assert changed(both, now=kept) is both
    assert changed(both, now=gone, marker="another") is both
    assert who(client) == "eve"


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", "{}", '{"marker": 7}'])
def test_a_record_without_entries_that_make_sense_is_a_login_that_is_not_fresh(
    site: Site, text: str | None
) -> None:
    client = site.logged_in()
    broken = replace(site.record, entries=text, version=site.record.version + 1)
    assert site.store.replace(broken)
    assert [who(client), client.get("/fresh").text] == ["ann", "stale"]
    client.get("/confirm")
    assert client.get("/fresh").text == "fresh"


@pytest.mark.parametrize("text", ['["bob", "i"]', "7", '["bob"]', "{}"])
def test_a_record_that_names_nobody_as_whom_to_act_breaks_no_page(site: Site, text: str) -> None:
    client = site.logged_in("eve")
    marker = json.loads(site.record.entries or "")["marker"]
    entries = f'{{"marker": "{marker}", "_acting_as": {text}}}'
    broken = replace(site.record, entries=entries, version=site.record.version + 1)
    assert site.store.replace(broken)
    assert who(client) in {"eve", "nobody"}
    assert who(client) == "eve"


@pytest.mark.parametrize("mode", ["basic", "strong"])
@pytest.mark.parametrize("client_id", [UUID(int=7), ("a", "b"), None, 5, b"x", "text"], ids=repr)
def test_what_an_application_takes_for_the_client_need_not_be_text(
    clock: FrozenClock, client_id: Any, mode: str
) -> None:
    site = Site(clock, SESSION_PROTECTION=mode)
    site.manager._session_identifier_generator = lambda: client_id
    client = site.logged_in()
    assert [who(client), client.get("/fresh").text] == ["ann", "fresh"]
    client.get("/confirm")
    assert [who(client), client.get("/fresh").text] == ["ann", "fresh"]


def test_a_page_writes_nothing_and_a_login_one_record(site: Site) -> None:
    client = site.browser()
    client.get("/login/ann?remember")
    assert [one for one in site.store.asked if one != "get"] == ["create"]
    del site.store.asked[:]
    assert [client.get("/known").get_json()["user"] for _ in range(5)] == ["ann"] * 5
    assert site.store.asked == ["get"] * 5


def test_the_methods_of_two_steps_and_their_times_are_kept(site: Site) -> None:
    site.app.add_url_rule(
        "/begin", "begin", lambda: str(site.manager.begin_login(site.users["ann"], methods={"pwd"}))
    )
    site.app.add_url_rule(
        "/complete", "complete", lambda: str(site.manager.complete_login(methods={"otp"}))
    )
    view = site.manager.fresh_login_required(methods={"pwd"}, max_age=2 * MINUTE)(lambda: "in")
    site.app.add_url_rule("/old", "old", view)
    client = site.browser()
    client.get("/begin")
    assert who(client) == "nobody"
    site.clock.advance(MINUTE)
    assert client.get("/complete").text == "True"
    assert client.get("/known").get_json()["methods"] == ["otp", "pwd"]
    assert client.get("/old").text == "in"
    site.clock.advance(MINUTE + SECOND)
    assert client.get("/old").status_code == 401, "the first step was so long ago"


def test_a_new_login_in_its_place_ends_the_one_before_and_its_acting(site: Site) -> None:
    client = site.logged_in("eve")
    client.get("/act/ann")
    copied = values(client)
    told: list[Any] = []
    with impersonation_stopped.connected_to(lambda _, **__: told.append(1), site.app):
        client.get("/login/bob")
    assert who(client) == "bob"
    assert client.get("/known").get_json()["actor"] is None
    assert site.browser(**copied).get("/why").text == "replaced"


def test_a_login_that_is_denied_leaves_the_one_before_as_it_is(clock: FrozenClock) -> None:
    site = Site(clock, LOGIN_MAX_SESSIONS=1, LOGIN_MAX_SESSIONS_POLICY="deny")
    site.logged_in("bob")
    client = site.logged_in("ann", "remember")
    before = values(client)
    assert client.get("/login/bob").text == "False"
    assert values(client) == before
    assert [who(client), client.get("/fresh").text] == ["ann", "fresh"]


def test_a_forced_login_is_like_any_other_once_its_user_was_seen_active(site: Site) -> None:
    site.app.add_url_rule("/force", "force", lambda: str(login_user(site.users["ann"], force=True)))
    site.users["ann"].active = False
    client = site.browser()
    client.get("/force")
    assert [who(client), who(client)] == ["ann", "ann"]
    site.users["ann"].active = True
    assert who(client) == "ann"
    site.users["ann"].active = False
    assert client.get("/why").text == "deactivated"


@pytest.mark.parametrize("how", ["", "remember"])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_user_who_is_unknown_for_a_moment_keeps_the_login_and_is_out_after_the_grace(
    site: Site, how: str, restarts: bool
) -> None:
    if restarts and not how:
        how, restarts = "remember", False
    client = site.logged_in("ann", how)
    site.clock.advance(HOUR)
    who(client)
    if restarts:
        restart(client)
    kept, ann = values(client), site.users.pop("ann")
    for _ in range(3):
        assert who(client) == "nobody"
        site.clock.advance(2 * MINUTE)
    assert values(client) == kept
    site.users["ann"] = ann
    assert who(client) == "ann"
    assert client.get("/fresh").text == ("stale" if restarts else "fresh")
    del site.users["ann"]
    assert who(client) == "nobody", "the time begins anew"
    site.clock.advance(9 * MINUTE)
    assert client.get("/why").text == "None"
    site.clock.advance(MINUTE)
    assert client.get("/why").text == "unknown_user"
    assert values(client) == {}


def test_a_copy_notes_that_a_user_is_unknown_and_changes_nothing_else(site: Site) -> None:
    client = site.logged_in("eve")
    copied = site.browser(**values(client))
    client.get("/confirm")
    eve = site.users.pop("eve")
    assert who(copied) == "nobody"
    site.users["eve"] = eve
    assert who(copied) == "eve"
    assert client.get("/known").get_json()["methods"] == ["otp", "pwd"]


# Failures


@pytest.mark.parametrize("how", ["", "remember"])
def test_while_the_store_is_away_it_is_503_and_the_cookies_stay(site: Site, how: str) -> None:
    client = site.logged_in("ann", how)
    kept = values(client)
    site.store.failing = {"get"}
    response = client.get("/me")
    assert (response.status_code, "Set-Cookie" in response.headers) == (503, False)
    site.store.failing = set()
    assert values(client) == kept
    assert [who(client), client.get("/fresh").text] == ["ann", "fresh"]


@pytest.mark.parametrize("path", ["/confirm", "/act/ann", "/logout", "/login/bob"])
def test_a_store_that_fails_half_way_takes_no_login_away(site: Site, path: str) -> None:
    client = site.logged_in("eve", "remember")
    kept = values(client)
    site.store.failing = {"replace", "create"}
    assert client.get(path).status_code == 503
    site.store.failing = set()
    assert values(client) == kept
    assert who(client) == "eve"


def test_a_loader_that_fails_leaves_everything_as_it_came(site: Site) -> None:
    client = site.logged_in("ann", "remember")
    site.clock.advance(HOUR)
    restart(client)
    kept = values(client)
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    working = site.manager.user_callback

    @site.manager.user_loader
    def load(user_id: str) -> Any:
        raise ConnectionError

    assert client.get("/me").status_code == 500
    assert values(client) == kept
    site.manager._user_callback = working
    assert client.get("/known").get_json()["source"] == "remember"


# Late


def test_what_is_done_when_the_response_has_begun_changes_no_cookie_and_no_record(
    site: Site,
) -> None:
    @site.app.get("/stream")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            login_user(site.users["bob"])
            yield f"{current_user.get_id()} {login_fresh()}"

        from flask import stream_with_context

        return Response(stream_with_context(parts()))

    client = site.logged_in()
    before = site.record.entries
    assert client.get("/stream").text == "bob True"
    assert site.record.entries == before
    assert who(client) == "ann"


def test_who_asks_late_for_the_first_time_hears_what_is_true(site: Site) -> None:
    asked: list[Any] = []

    @site.app.teardown_request
    def ask(_: object) -> None:
        if request.path == "/quiet":
            asked.append((current_user.get_id(), current_login.source, login_fresh()))

    site.app.add_url_rule("/quiet", "quiet", lambda: "")
    client = site.logged_in("ann", "remember")
    client.get("/quiet")
    before = values(restart(client))
    client.get("/quiet")
    assert asked == [("ann", "session", True), ("ann", "remember", False)]
    assert values(client) == before


# Switching over


def before_the_store(site: Site) -> Flask:
    return site.made(None)


@pytest.mark.parametrize("older", ["stored", "signed"])
@pytest.mark.parametrize("how", ["", "remember"])
def test_a_login_of_before_is_taken_once_with_all_that_it_proved(
    site: Site, older: str, how: str
) -> None:
    new, old = site.app, site.made(site.store if older == "stored" else None)
    site.app = old
    client = site.logged_in("ann", how)
    client.get("/basket")
    client.application = new
    response = client.get("/known")
    known = response.get_json()
    assert (known["user"], known["source"], known["fresh"]) == ("ann", "session", True)
    assert known["methods"] == ["pwd"]
    names = {"login", "login-marker", "session"} | ({"remember_token"} if how else set())
    assert set_by(response).keys() == names
    assert client.get_cookie("remember_token") is None
    with client.session_transaction() as sess:
        assert dict(sess) == {"basket": "full"}
    response = client.get("/known")
    assert response.get_json() == known | {"remembered": bool(how)}
    assert "Set-Cookie" not in response.headers
    if how:
        site.clock.advance(HOUR)
        assert who(restart(client)) == "ann"


@pytest.mark.parametrize("older", ["stored", "signed"])
def test_a_remember_cookie_of_before_brings_the_user_back_and_is_replaced(
    site: Site, older: str
) -> None:
    new, old = site.app, site.made(site.store if older == "stored" else None)
    site.app = old
    client = site.logged_in("ann", "remember")
    client.delete_cookie("session")
    client.application = new
    site.clock.advance(HOUR)
    known = client.get("/known").get_json()
    assert (known["user"], known["source"], known["fresh"]) == ("ann", "remember", False)
    assert client.get_cookie("remember_token") is None
    assert values(client).keys() == {"login", "login_marker"}
    assert client.get("/known").get_json()["source"] == "session"
    assert who(restart(client)) == "ann"


def test_a_session_of_0_6_3_goes_on(site: Site) -> None:
    new = site.app
    site.app = site.made(None)
    client = site.logged_in()
    client.application = new
    with client.session_transaction() as sess:
        for name in sess.keys() - {"_user_id", "_fresh", "_id"}:
            del sess[name]
    assert [who(client), client.get("/fresh").text] == ["ann", "fresh"]
    assert values(client).keys() == {"login", "login_marker"}


@pytest.mark.parametrize("how", ["", "remember"])
@pytest.mark.parametrize("restarts", [False, True])
def test_switching_back_takes_the_login_into_the_session(
    site: Site, how: str, restarts: bool
) -> None:
    client = site.logged_in("ann", how)
    client.get("/basket")
    site.clock.advance(HOUR)
    if restarts:
        restart(client)
    site.app.config["LOGIN_STATE"] = "session"
    stays = bool(how) or not restarts
    response = client.get("/known")
    known = response.get_json()
    assert bool(known) is stays
    if stays:
        assert (known["user"], known["fresh"]) == ("ann", not restarts)
        assert known["source"] == ("remember" if restarts else "session")
        assert known["methods"] == ([] if restarts else ["pwd"])
    assert values(client) == {}
    assert (client.get_cookie("remember_token") is not None) is (stays and bool(how))
    response = client.get("/me")
    assert response.text == ("ann" if stays else "nobody")
    assert "Set-Cookie" not in response.headers
    site.app.config["LOGIN_STATE"] = "cookie"
    assert who(client) == response.text, "and forth again"


@pytest.mark.parametrize("how", ["", "remember"])
def test_after_switching_back_a_login_takes_the_place_of_the_one_in_the_cookie(
    site: Site, how: str
) -> None:
    client = site.logged_in("ann", how)
    site.app.config["LOGIN_STATE"] = "session"
    client.get("/login/bob")
    assert values(client) == {}
    assert who(client) == "bob"
    client.get("/logout")
    assert who(client) == "nobody"
    assert [record.ended_reason for record in site.store.list("ann")] == ["replaced"]


@pytest.mark.parametrize("key", ["SESSION_COOKIE_NAME", "REMEMBER_COOKIE_NAME", "MINE"])
@pytest.mark.parametrize("how", ["", "remember"])
def test_with_logins_in_the_session_a_cookie_of_that_name_is_none_of_ours(
    clock: FrozenClock, key: str, how: str
) -> None:
    site = Site(clock)
    site.app.config.update({"LOGIN_STATE": "session", key: "login"})
    client = site.browser()
    if key == "MINE":
        client.set_cookie("login", "of another application")
    assert who(client) == "nobody"
    client.get(f"/login/ann?{how}")
    assert [who(client), client.get("/fresh").text] == ["ann", "fresh"]
    client.delete_cookie("login" if key == "SESSION_COOKIE_NAME" else "session")
    assert who(client) == ("ann" if how else "nobody")
    client.get("/logout")
    assert who(client) == "nobody"
    assert (client.get_cookie("login") is not None) is (key == "MINE")


def test_switching_back_tells_why_a_login_is_over(site: Site) -> None:
    client = site.logged_in()
    with site.app.test_request_context():
        site.manager.sessions.revoke_all("ann")
    site.app.config["LOGIN_STATE"] = "session"
    assert client.get("/why").text == "revoked"
    assert values(client) == {}
    assert client.get("/why").text == "None"


@pytest.mark.parametrize("to", ["cookie", "session"])
@pytest.mark.parametrize("how", ["", "remember"])
def test_a_login_whose_user_is_unknown_at_the_switch_stays_where_it_is(
    site: Site, to: str, how: str
) -> None:
    site.app.config["LOGIN_STATE"] = "session" if to == "cookie" else "cookie"
    client = site.logged_in("ann", how)
    site.app.config["LOGIN_STATE"] = to
    ann = site.users.pop("ann")
    assert [who(client), who(client)] == ["nobody", "nobody"]
    site.users["ann"] = ann
    assert who(client) == "ann"
    assert client.get("/fresh").text == "fresh"


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_a_login_that_other_code_wrote_to_the_session_is_an_error_that_says_what_to_do(
    site: Site, name: str
) -> None:
    @site.app.get("/write")
    def write() -> str:
        first = str(current_user.get_id()) if "late" in request.args else ""
        session["_user_id"] = name
        return first or str(current_user.get_id())

    client = site.browser()
    with client.session_transaction() as sess:
        sess.update({"_user_id": name, "_fresh": True})
    with pytest.raises(LoginInSession, match=r"session\['_user_id'\].*login_user") as raised:
        client.get("/me")
    assert (raised.value.key, raised.value.reason) == ("_user_id", "login_in_session")
    for path in ("/write", "/write?late"):
        with pytest.raises(LoginInSession):
            site.logged_in("bob").get(path)


def test_in_production_such_a_login_is_nobody_s_and_told_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.app.testing = False
    client = site.browser()
    with client.session_transaction() as sess:
        sess.update({"_user_id": "ann", "_fresh": True})
    with caplog.at_level(logging.WARNING):
        assert [who(client), who(client)] == ["nobody", "nobody"]
    (message,) = (record.getMessage() for record in caplog.records if "_user_id" in record.msg)
    assert "LOGIN_STATE" in message
    with client.session_transaction() as sess:
        assert "_user_id" not in sess


# Tests of applications


def test_the_test_client_is_logged_in_for_http_and_https_and_out_again(site: Site) -> None:
    client = FlaskLoginClient(site.app, user=site.users["ann"], methods={"pwd"})
    for base_url in (None, HTTPS):
        known = client.get("/known", base_url=base_url).get_json()
        assert (known["user"], known["fresh"], known["methods"]) == ("ann", True, ["pwd"])
    with client.user(site.users["bob"], fresh_login=False):
        assert [who(client), client.get("/fresh").text] == ["bob", "stale"]
    assert [who(client), client.get("/fresh").text] == ["ann", "fresh"]
    client.logout()
    assert [who(client), client.get("/me", base_url=HTTPS).text] == ["nobody", "nobody"]
    assert site.store.list("ann")[0].ended_reason == "logout"


def test_the_test_client_is_nobody_where_the_maximum_denies_its_login(clock: FrozenClock) -> None:
    site = Site(clock, LOGIN_MAX_SESSIONS=1, LOGIN_MAX_SESSIONS_POLICY="deny")
    site.logged_in()
    assert who(FlaskLoginClient(site.app, user=site.users["ann"])) == "nobody"


def test_the_test_client_is_logged_in_under_a_name_for_https_alone(clock: FrozenClock) -> None:
    site = Site(clock, LOGIN_COOKIE_NAME="__Host-shop", PREFERRED_URL_SCHEME="https")
    client = FlaskLoginClient(site.app, user=site.users["ann"])
    assert client.get("/me", base_url=HTTPS).text == "ann"
    client.logout()
    assert client.get("/me", base_url=HTTPS).text == "nobody"


def test_a_request_class_with_cookies_of_its_own_is_asked(site: Site) -> None:
    shown = values(site.logged_in())

    class WithCookies(Request):
        @property
        def cookies(self) -> Any:
            return {"login": shown["login"], "login-marker": shown["login_marker"]}

    site.app.request_class = WithCookies
    assert who(site.browser()) == "ann"


def test_code_that_acts_as_a_user_needs_no_cookie(site: Site) -> None:
    with site.app.test_request_context(), site.manager.acting_as(site.users["bob"]):
        assert current_user.get_id() == "bob"
        assert not g.get("_login_user")
