"""The stored level, through a browser: what an attacker tries, and what a person sees."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from functools import partial
from threading import Barrier
from typing import Any, cast

import pytest
from flask import Flask, current_app, session, stream_with_context
from flask.testing import FlaskClient
from tests.current_keys import sign

from flask_login import (
    ConfigurationError,
    LoginManager,
    LoginSession,
    MemorySessionStore,
    SessionStoreUnavailable,
    UserMixin,
    confirm_login,
    current_login,
    current_user,
    decode_cookie,
    encode_cookie,
    fresh_login_required,
    login_ended_reason,
    login_fresh,
    login_remembered,
    login_required,
    login_session_ended,
    login_session_started,
    login_user,
    logout_user,
    no_activity,
    remember_token_reused,
    session_store_unavailable,
)
from flask_login.core import remember, rotation
from flask_login.core.logins import Credential
from flask_login.sessions import records
from flask_login.test_client import FlaskLoginClient
from flask_login.testing import FrozenClock
from flask_login.visit import visit_of

TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KEY = "a key of thirty-two random bytes"

METHODS = {"create", "get", "replace", "list", "list_external", "end_all"}
METHODS |= {"delete", "delete_all", "purge", "end_all_before", "ended_before", "ping"}


class WatchedStore(MemorySessionStore):
    """A memory store that counts what it is asked, and can be down."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.down = False
        super().__init__()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return partial(self._answer, name, found) if name in METHODS else found

    def _answer(self, name: str, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.down:
            raise SessionStoreUnavailable("memory", OSError("redis://user:canary@host"))
        self.calls.append(name)
        return method(*args, **options)

    def everything(self) -> list[LoginSession]:
        return list(self._records.values())


class Member(UserMixin):
    """A user with credentials, who can be suspended."""

    def __init__(self, user_id: str) -> None:
        self.id = user_id
        self.active = True
        self.password: str | None = "first"

    @property
    def is_active(self) -> bool:
        return self.active

    def get_session_auth_hash(self) -> str | None:
        return self.password


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore()


@pytest.fixture
def login_manager(
    users: dict[str, Any], clock: FrozenClock, store: WatchedStore
) -> LoginManager[Any]:
    users.update({name: Member(name) for name in ("alice", "bob")})
    manager: LoginManager[Any] = LoginManager(clock=clock, session_store=store)
    manager.user_loader(lambda user_id: users.get(user_id))
    return manager


@pytest.fixture
def app(make_app: Callable[..., Flask], login_manager: LoginManager[Any]) -> Flask:
    app = make_app()
    app.add_url_rule("/guarded", view_func=login_required(lambda: "come in"), endpoint="guarded")
    app.add_url_rule("/safe", view_func=fresh_login_required(lambda: "come in"), endpoint="safe")

    @app.get("/confirm")
    def confirm() -> str:
        confirm_login(methods={"otp"})
        return current_user.get_id() or "nobody"

    @app.get("/poll")
    @no_activity
    def poll() -> str:
        return current_user.get_id() or "nobody"

    @app.get("/why")
    def why() -> str:
        return str(login_ended_reason())

    @app.get("/id")
    def handle() -> str:
        return str(current_login.id) if current_login else "none"

    @app.get("/remembered")
    def remembered() -> str:
        return str(login_remembered())

    @app.get("/leave/everywhere")
    def everywhere() -> str:
        return str(logout_user(everywhere=True))

    @app.get("/leave/others")
    def others() -> str:
        return str(login_manager.sessions.revoke_all("alice", keep_current=True))

    return app


def cookies_of(client: FlaskClient) -> dict[str, str]:
    found = {name: client.get_cookie(name) for name in ("session", "remember_token")}
    return {name: cookie.value for name, cookie in found.items() if cookie is not None}


def browser_with(app: Flask, cookies: dict[str, str]) -> FlaskClient:
    client = app.test_client()
    for name, value in cookies.items():
        client.set_cookie(name, value)
    return client


def logged_in(app: Flask, page: str = "/login/alice") -> FlaskClient:
    client = app.test_client()
    assert client.get(page).text == "True"
    return client


def close(client: FlaskClient) -> FlaskClient:
    """Close the browser: the session cookie is gone, the remember cookie stays."""
    client.delete_cookie("session")
    return client


def who(client: FlaskClient, **request: Any) -> str:
    return client.get("/me", **request).text


def live(store: WatchedStore, clock: FrozenClock) -> list[LoginSession]:
    return [r for r in store.everything() if records.ended_because(r, clock()) is None]


def why_ended(store: WatchedStore, clock: FrozenClock) -> list[str | None]:
    return [records.ended_because(record, clock()) for record in store.everything()]


REMEMBERED = pytest.mark.parametrize("page", ["/login/alice", "/login/alice?remember"])

# Copied cookies


@pytest.mark.parametrize("kept", [{"session", "remember_token"}, {"session"}, {"remember_token"}])
@REMEMBERED
def test_cookies_that_were_saved_before_logout_are_refused_after_it(
    app: Flask, page: str, kept: set[str]
) -> None:
    client = logged_in(app, page)
    saved = {name: value for name, value in cookies_of(client).items() if name in kept}
    client.get("/logout")
    thief = browser_with(app, saved)
    assert who(thief) == "nobody"
    assert who(thief) == "nobody"
    assert "remember_token" not in cookies_of(thief)


def test_a_logout_before_anybody_asked_who_the_user_is_ends_the_login_too(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    logged_in(app, "/login/alice?remember").get("/logout")
    assert why_ended(store, clock) == [records.LOGOUT]


def test_a_closed_browser_that_logs_out_ends_its_remembered_login(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    client = logged_in(app, "/login/alice?remember")
    saved = cookies_of(client)
    close(client).get("/logout")
    assert why_ended(store, clock) == [records.LOGOUT]
    assert who(browser_with(app, saved)) == "nobody"


def test_the_person_can_be_told_why_a_login_is_over(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    client = logged_in(app)
    with app.test_request_context():
        assert login_manager.sessions.revoke(client.get("/id").text)
    assert client.get("/why").text == records.REVOKED


# Revoked elsewhere


@REMEMBERED
def test_a_login_revoked_elsewhere_is_over_at_the_next_click(
    app: Flask, login_manager: LoginManager[Any], page: str
) -> None:
    one, two = logged_in(app, page), logged_in(app, page)
    with app.app_context():
        assert login_manager.sessions.revoke(one.get("/id").text)
    assert who(one) == "nobody"
    assert cookies_of(one).keys() <= {"session"}, "the remember cookie is deleted"
    assert who(two) == "alice"


def test_a_user_signs_out_all_other_devices_but_this_one(app: Flask) -> None:
    clients = [logged_in(app) for _ in range(3)]
    bob = logged_in(app, "/login/bob")
    assert clients[0].get("/leave/others").text == "2"
    assert [who(client) for client in clients] == ["alice", "nobody", "nobody"]
    assert who(bob) == "bob"


def test_nobody_has_no_current_login_to_keep(app: Flask) -> None:
    client = logged_in(app)
    assert app.test_client().get("/leave/others").text == "1"
    assert who(client) == "nobody"


def test_logout_everywhere_ends_every_login_of_the_user_and_of_nobody_else(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    clients = [logged_in(app, "/login/alice?remember") for _ in range(3)]
    bob = logged_in(app, "/login/bob")
    clients[0].get("/leave/everywhere")
    assert [who(close(client)) for client in clients] == ["nobody"] * 3
    assert who(bob) == "bob"
    assert why_ended(store, clock).count(records.LOGOUT) == 3


def test_logout_everywhere_of_nobody_ends_nothing(app: Flask) -> None:
    client = logged_in(app)
    assert app.test_client().get("/leave/everywhere").text == "True"
    assert who(client) == "alice"


@pytest.mark.parametrize("anonymous", [lambda: None, object])
def test_logout_everywhere_takes_any_object_that_stands_for_nobody(
    app: Flask, login_manager: LoginManager[Any], anonymous: Any
) -> None:
    login_manager.anonymous_user = anonymous
    assert app.test_client().get("/leave/everywhere").text == "True"


def test_the_emergency_brake_logs_everybody_out_and_lets_them_in_again(
    app: Flask, login_manager: LoginManager[Any], clock: FrozenClock, store: WatchedStore
) -> None:
    alice, bob = logged_in(app, "/login/alice?remember"), logged_in(app, "/login/bob")
    clock.advance(MINUTE)
    store.calls.clear()
    with app.app_context():
        login_manager.sessions.revoke_everyone()
    assert store.calls == ["end_all_before"]
    assert [who(alice), who(close(alice)), who(bob)] == ["nobody"] * 3
    assert alice.get("/login/alice").text == "True"
    assert who(alice) == "alice"


def test_the_emergency_brake_ends_the_logins_of_this_very_instant_and_no_later_one(
    app: Flask, login_manager: LoginManager[Any], clock: FrozenClock
) -> None:
    before = [logged_in(app, page) for page in ("/login/alice?remember", "/login/bob")]
    for _ in range(2):
        with app.app_context():
            login_manager.sessions.revoke_everyone()
        assert {who(client) for client in before} == {"nobody"}
        assert who(close(before[0])) == "nobody"
        later = logged_in(app)
        assert who(later) == "alice"
        before.append(later)


def test_the_emergency_brake_ends_the_login_of_its_caller_too(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    @app.get("/everyone")
    @login_required
    def everyone() -> str:
        login_manager.sessions.revoke_everyone()
        return current_user.get_id() or "nobody"

    client = logged_in(app)
    assert client.get("/everyone").text == "alice", "this request goes on"
    assert client.get("/why").text == records.REVOKED
    assert who(client) == "nobody"


def ahead(app: Flask, clock: FrozenClock, by: timedelta, page: str = "/login/alice") -> FlaskClient:
    """Log in while the clock is ahead by so much, and put it right."""
    clock.advance(by)
    client = logged_in(app, page)
    clock.advance(-by)
    return client


@pytest.mark.parametrize("shown", ["session", "remember_token", "both"])
def test_a_login_from_a_clock_that_was_ahead_does_not_survive_the_brake(
    app: Flask,
    login_manager: LoginManager[Any],
    clock: FrozenClock,
    store: WatchedStore,
    shown: str,
) -> None:
    client = ahead(app, clock, HOUR, "/login/alice?remember")
    cookies = {name: text for name, text in cookies_of(client).items() if shown in (name, "both")}
    assert who(browser_with(app, cookies)) == "alice", "a wrong clock alone ends no login"
    clock.advance(MINUTE)
    with app.app_context():
        login_manager.sessions.revoke_everyone()
        assert login_manager.sessions.list("alice") == []
        [record] = store.list("alice")
        told = login_manager.sessions.get(record.id)
    assert told is not None
    assert told.ended_reason == records.REVOKED
    clock.advance(MINUTE)
    thief = browser_with(app, cookies)
    assert thief.get("/why").text == records.REVOKED
    assert who(thief) == "nobody"
    clock.advance(2 * HOUR)
    assert who(browser_with(app, cookies)) == "nobody", "nor when its time has come"
    assert who(logged_in(app)) == "alice"


def test_a_login_from_a_clock_that_is_a_little_ahead_may_have_begun_after_the_brake(
    app: Flask, login_manager: LoginManager[Any], clock: FrozenClock
) -> None:
    with app.app_context():
        login_manager.sessions.revoke_everyone()
    clock.advance(MINUTE)
    assert who(ahead(app, clock, 5 * MINUTE)) == "alice"
    assert who(ahead(app, clock, 5 * MINUTE + timedelta(seconds=1))) == "nobody"


def test_a_stream_learns_that_the_brake_ended_a_login_from_a_clock_that_was_ahead(
    app: Flask, login_manager: LoginManager[Any], clock: FrozenClock, store: WatchedStore
) -> None:
    @app.get("/stream")
    def stream() -> Any:
        def told() -> Iterator[str]:
            yield "begun "
            yield current_user.get_id() or "nobody"

        return app.response_class(stream_with_context(told()))

    client = ahead(app, clock, HOUR)
    with app.app_context():
        login_manager.sessions.revoke_everyone()
    assert client.get("/stream").text == "begun nobody"
    assert store.everything()[0].ended_reason is None, "nothing but looked at"


def test_a_login_from_a_clock_that_was_ahead_is_revoked_for_good_also_after_the_brake(
    app: Flask, login_manager: LoginManager[Any], clock: FrozenClock, store: WatchedStore
) -> None:
    clients = [ahead(app, clock, HOUR) for _ in range(2)]
    one = store.everything()[0].id
    with app.app_context():
        login_manager.sessions.revoke_everyone()
        assert login_manager.sessions.revoke(one)
        assert login_manager.sessions.revoke_all("alice") == 1
    clock.advance(2 * HOUR)
    assert [who(client) for client in clients] == ["nobody"] * 2


def test_a_login_that_the_brake_ended_takes_no_room_though_it_began_ahead(
    app: Flask, login_manager: LoginManager[Any], clock: FrozenClock
) -> None:
    app.config["LOGIN_MAX_SESSIONS"] = 1
    ahead(app, clock, HOUR)
    assert app.test_client().get("/login/alice").text == "False"
    with app.app_context():
        login_manager.sessions.revoke_everyone()
    assert who(logged_in(app)) == "alice"


def test_a_signed_token_from_a_clock_that_was_ahead_is_not_adopted_after_the_brake(
    app: Flask, older: Flask, login_manager: LoginManager[Any], clock: FrozenClock
) -> None:
    clock.advance(HOUR)
    client = older.test_client()
    client.get("/login")
    token = {"remember_token": cookies_of(client)["remember_token"]}
    clock.advance(-HOUR)
    with app.app_context():
        login_manager.sessions.revoke_everyone()
    thief = browser_with(app, token)
    assert thief.get("/why").text == records.REVOKED


def test_a_brake_that_a_clock_ahead_has_pulled_is_lowered_and_what_it_ended_stays_ended(
    app: Flask,
    login_manager: LoginManager[Any],
    clock: FrozenClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "flask_login.audit")
    before = logged_in(app)
    clock.advance(DAY)
    with app.app_context():
        login_manager.sessions.revoke_everyone()
    clock.advance(-DAY)
    between = logged_in(app)
    copied = cookies_of(between)
    assert [who(before), who(between)] == ["nobody"] * 2
    with app.app_context():
        assert login_manager.sessions.brake() == login_manager.sessions.lower_brake()
        stands = login_manager.sessions.brake()
        assert login_manager.sessions.lower_brake() is None, "it is in nobody's way any more"
    assert stands is not None
    assert clock() < stands < clock() + timedelta(seconds=1)
    after = logged_in(app)
    assert [who(before), who(browser_with(app, copied)), who(after)] == ["nobody"] * 2 + ["alice"]
    clock.advance(2 * DAY)
    assert [who(browser_with(app, copied)), who(after)] == ["nobody", "alice"]
    told = [vars(record) for record in caplog.records if "brake" in record.getMessage()]
    assert [facts["event"] for facts in told] == ["login_brake_pulled", "login_brake_lowered"]
    assert told[1]["reason"] == stands.isoformat()


def test_a_brake_that_was_never_pulled_can_not_be_lowered(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    with app.app_context():
        assert login_manager.sessions.brake() is None
        assert login_manager.sessions.lower_brake() is None


def test_a_store_without_a_way_to_lower_the_brake_says_what_it_lacks(
    app: Flask,
) -> None:
    class PlainStore(MemorySessionStore):
        lower_brake: Any = None

    manager: LoginManager[Any] = LoginManager(app, session_store=PlainStore())
    with app.app_context(), pytest.raises(ConfigurationError, match="LoweringStore"):
        manager.sessions.lower_brake()


def test_a_login_that_ends_while_a_request_runs_is_not_confirmed(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    @app.get("/raced/<how>")
    def raced(how: str) -> str:
        handle = str(current_login.id)
        if how == "revoked":
            login_manager.sessions.revoke(handle)
        else:
            login_manager._logins.store.delete(handle)  # type: ignore[union-attr]  # it has one
        confirm_login()
        return (current_user.get_id() or "nobody") + (" fresh" if login_fresh() else "")

    for how in ("revoked", "deleted"):
        client = logged_in(app)
        assert client.get(f"/raced/{how}").text == "nobody"
        assert who(client) == "nobody"


def test_without_a_store_there_is_no_registry_and_no_logout_everywhere() -> None:
    manager: LoginManager[Any] = LoginManager()
    with pytest.raises(ConfigurationError, match="session_store") as caught:
        _ = manager.sessions
    assert "MemorySessionStore" in str(caught.value)
    app = Flask(__name__)
    app.secret_key = KEY
    manager.init_app(app)
    manager.user_loader(Member)
    with app.test_request_context():
        login_user(Member("alice"))
        with pytest.raises(ConfigurationError):
            logout_user(everywhere=True)
        assert current_user.get_id() == "alice"
        assert current_login.id is None
        confirm_login()


# Timeouts


def test_an_unused_login_is_over_when_the_idle_timeout_is_up(
    app: Flask, clock: FrozenClock
) -> None:
    app.config["LOGIN_IDLE_TIMEOUT"] = 15 * MINUTE
    early, late = logged_in(app), logged_in(app)
    clock.advance(15 * MINUTE - TICK)
    assert who(early) == "alice"
    clock.advance(TICK)
    assert late.get("/why").text == records.EXPIRED_IDLE
    assert who(late) == "nobody"
    assert who(early) == "alice"


@pytest.mark.parametrize("lifetime", [3600, 3600.0, HOUR], ids=repr)
@pytest.mark.parametrize("through", ["config", "attribute"])
def test_flask_s_session_lifetime_may_be_a_number_of_seconds(
    *,
    app: Flask,
    users: dict[str, Any],
    clock: FrozenClock,
    store: WatchedStore,
    lifetime: Any,
    through: str,
) -> None:
    if through == "config":
        app.config["PERMANENT_SESSION_LIFETIME"] = lifetime
    else:
        app.permanent_session_lifetime = lifetime
    client = app.test_client()
    assert client.get("/login/alice").text == "True"
    assert store.everything()[0].idle_timeout == HOUR
    clock.advance(HOUR - MINUTE)
    assert client.get("/me").text == "alice"
    clock.advance(HOUR)
    assert client.get("/me").text == "nobody"
    assert app.test_client().get("/login/alice?remember").text == "True"
    tester = FlaskLoginClient(app, user=users["bob"])
    assert tester.get("/me").text == "bob"


def test_a_session_lifetime_of_years_is_how_long_a_login_may_last_in_seconds_too(
    app: Flask, clock: FrozenClock
) -> None:
    app.config.update(PERMANENT_SESSION_LIFETIME=800 * 86_400, LOGIN_IDLE_TIMEOUT=500 * DAY)
    client = app.test_client()
    client.get("/login/alice")
    for _ in range(2):
        clock.advance(399 * DAY)
        assert client.get("/me").text == "alice"
    clock.advance(3 * DAY)
    assert client.get("/me").text == "nobody"


def test_a_session_lifetime_of_none_sets_no_idle_timeout(app: Flask, store: WatchedStore) -> None:
    app.config["PERMANENT_SESSION_LIFETIME"] = None
    assert app.test_client().get("/login/alice").text == "True"
    assert store.everything()[0].idle_timeout is None


def test_a_login_that_is_not_remembered_ends_with_an_unused_session(
    app: Flask, clock: FrozenClock
) -> None:
    app.config["PERMANENT_SESSION_LIFETIME"] = HOUR
    client = logged_in(app)
    clock.advance(HOUR - TICK)
    assert who(client) == "alice"
    clock.advance(HOUR)
    assert client.get("/why").text == records.EXPIRED_IDLE


def test_a_remembered_login_outlives_an_unused_session(app: Flask, clock: FrozenClock) -> None:
    app.config["PERMANENT_SESSION_LIFETIME"] = HOUR
    client = logged_in(app, "/login/alice?remember")
    clock.advance(30 * DAY)
    assert who(client) == "alice"


def visit_for_an_hour(client: FlaskClient, clock: FrozenClock, page: str, **headers: str) -> str:
    for _ in range(12):
        clock.advance(5 * MINUTE)
        client.get(page, headers=headers)
    return who(client)


def test_activity_puts_off_the_idle_timeout(app: Flask, clock: FrozenClock) -> None:
    app.config["LOGIN_IDLE_TIMEOUT"] = 15 * MINUTE
    assert visit_for_an_hour(logged_in(app), clock, "/me") == "alice"
    assert visit_for_an_hour(logged_in(app), clock, "/public") == "nobody", "it never asks"


@pytest.mark.parametrize(
    ("page", "headers"),
    [
        ("/poll", {}),
        ("/me", {"Sec-Purpose": "prefetch"}),
        ("/me", {"Sec-Purpose": "prefetch;prerender"}),
    ],
)
def test_what_a_page_or_a_browser_asks_by_itself_is_no_activity(
    app: Flask, clock: FrozenClock, page: str, headers: dict[str, str]
) -> None:
    app.config["LOGIN_IDLE_TIMEOUT"] = 15 * MINUTE
    assert visit_for_an_hour(logged_in(app), clock, page, **headers) == "nobody"


def test_a_page_that_does_not_exist_is_activity(app: Flask, clock: FrozenClock) -> None:
    app.before_request(lambda: str(current_user) and None)
    app.config["LOGIN_IDLE_TIMEOUT"] = 15 * MINUTE
    assert visit_for_an_hour(logged_in(app), clock, "/no-such-page") == "alice"


def test_the_time_of_last_activity_is_written_once_an_interval(
    app: Flask, clock: FrozenClock, store: WatchedStore
) -> None:
    begun = clock()
    client = logged_in(app)

    def seen_after(wait: timedelta) -> timedelta:
        clock.advance(wait)
        client.get("/me")
        (record,) = store.everything()
        return record.last_seen_at - begun

    assert seen_after(MINUTE - TICK) == timedelta(0)
    assert seen_after(TICK) == MINUTE
    app.config["LOGIN_TOUCH_INTERVAL"] = 0
    assert seen_after(TICK) == MINUTE + TICK


@REMEMBERED
def test_a_login_ends_at_its_greatest_age_whatever_is_done_in_it(
    app: Flask, clock: FrozenClock, page: str
) -> None:
    app.config["LOGIN_ABSOLUTE_TIMEOUT"] = 8 * HOUR
    client = logged_in(app, page)
    for _ in range(7):
        clock.advance(HOUR)
        assert who(client) == "alice"
    clock.advance(HOUR - TICK)
    assert who(client) == "alice"
    clock.advance(TICK)
    assert client.get("/why").text == records.EXPIRED_ABSOLUTE
    assert who(close(client)) == "nobody"


def test_who_logs_in_again_gets_the_greatest_age_anew_and_no_more(
    app: Flask, clock: FrozenClock
) -> None:
    app.config["LOGIN_ABSOLUTE_TIMEOUT"] = 8 * HOUR
    client = logged_in(app)
    for _ in range(5):
        clock.advance(5 * HOUR)
        assert client.get("/confirm").text == "alice"
    clock.advance(8 * HOUR)
    assert who(client) == "nobody"


def test_a_login_stays_fresh_for_so_long(app: Flask, clock: FrozenClock) -> None:
    app.config["LOGIN_FRESH_TIMEOUT"] = 10 * MINUTE
    client = logged_in(app)
    clock.advance(10 * MINUTE - TICK)
    assert client.get("/fresh").text == "fresh"
    assert client.get("/safe").status_code == 200
    clock.advance(TICK)
    assert client.get("/fresh").text == "stale"
    assert client.get("/safe").status_code == 401
    assert client.get("/guarded").status_code == 200
    client.get("/confirm")
    assert client.get("/fresh").text == "fresh"


def test_a_login_that_was_not_fresh_does_not_become_so_by_waiting(
    app: Flask, clock: FrozenClock
) -> None:
    client = logged_in(app, "/login/alice?stale")
    assert client.get("/fresh").text == "stale"
    client.get("/confirm")
    assert client.get("/fresh").text == "fresh"


# Every number may be a setting: the year 10000 is nobody's fault


@pytest.mark.parametrize(
    "key",
    [
        "LOGIN_IDLE_TIMEOUT",
        "LOGIN_ABSOLUTE_TIMEOUT",
        "LOGIN_FRESH_TIMEOUT",
        "LOGIN_TOUCH_INTERVAL",
        "PERMANENT_SESSION_LIFETIME",
    ],
)
def test_a_timeout_for_ever_is_a_timeout_that_never_comes(
    app: Flask, clock: FrozenClock, key: str
) -> None:
    app.config[key] = timedelta.max
    client = logged_in(app)
    clock.advance(30 * DAY)
    assert client.get("/confirm").text == "alice"
    assert client.get("/fresh").text == "fresh"


def test_a_remember_duration_beyond_the_calendar_is_refused_with_its_name(app: Flask) -> None:
    with (
        app.test_request_context(),
        pytest.raises(ConfigurationError, match="duration must be"),
    ):
        login_user(Member("alice"), remember=True, duration=timedelta.max)


def test_a_remember_duration_of_nothing_is_not_the_default(app: Flask, store: WatchedStore) -> None:
    with app.test_request_context():
        login_user(Member("alice"), remember=True, duration=timedelta(0))
    (record,) = store.everything()
    assert record.remember_until == record.created_at


# Confirming


def test_a_confirmed_login_has_a_new_credential_and_the_old_one_dies_after_a_grace(
    app: Flask, clock: FrozenClock
) -> None:
    client = logged_in(app)
    old = cookies_of(client)
    handle = client.get("/id").text
    client.get("/confirm")
    assert cookies_of(client) != old
    assert client.get("/id").text == handle, "it is the same login"
    clock.advance(rotation.GRACE - TICK)
    assert who(browser_with(app, old)) == "alice", "a request sent at the same time"
    clock.advance(TICK)
    late = browser_with(app, old)
    assert late.get("/why").text == records.SUPERSEDED
    assert who(late) == "nobody"
    assert who(client) == "alice"


@pytest.mark.parametrize("page", ["/login/alice", "/login/alice?remember"])
@pytest.mark.parametrize("after", [timedelta(seconds=2), HOUR])
def test_attack_a_copy_from_before_a_confirmation_is_not_fresh_by_it(
    app: Flask, clock: FrozenClock, page: str, after: timedelta
) -> None:
    app.config["LOGIN_FRESH_TIMEOUT"] = timedelta(minutes=5)
    client = logged_in(app, page)
    copy = browser_with(app, cookies_of(client))
    clock.advance(after)
    client.get("/confirm")
    assert copy.get("/fresh").text == "stale"
    assert client.get("/fresh").text == "fresh"
    clock.advance(timedelta(seconds=10))
    assert copy.get("/fresh").text == "stale"


def test_what_was_proved_is_kept_with_the_login(app: Flask, store: WatchedStore) -> None:
    @app.get("/with/methods")
    def with_methods() -> str:
        return str(login_user(Member("alice"), methods={"pwd"}))

    client = logged_in(app, "/with/methods")
    assert store.everything()[0].methods == {"pwd"}
    client.get("/confirm")
    assert store.everything()[0].methods == {"pwd", "otp"}


# Remembering


def test_a_remembered_user_comes_back_not_fresh_with_a_new_token(
    app: Flask, clock: FrozenClock
) -> None:
    client = logged_in(app, "/login/alice?remember")
    assert client.get("/remembered").text == "True"
    before = cookies_of(client)
    clock.advance(HOUR)
    assert who(close(client)) == "alice"
    after = cookies_of(client)
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in before)
    assert client.get("/fresh").text == "stale"
    assert client.get("/remembered").text == "True"
    client.get("/confirm")
    assert client.get("/fresh").text == "fresh"


def test_a_login_that_is_not_remembered_has_no_remember_cookie(app: Flask) -> None:
    client = logged_in(app)
    assert client.get("/remembered").text == "False"
    assert app.test_client().get("/remembered").text == "False"
    client.set_cookie("remember_token", "planted")
    assert client.get("/remembered").text == "False"


def test_two_remember_cookies_are_one_too_many(app: Flask, clock: FrozenClock) -> None:
    client = logged_in(app, "/login/alice?remember")
    token = cookies_of(client)["remember_token"]
    header = f"remember_token={token}; remember_token={token}"
    assert app.test_client().get("/me", headers={"Cookie": header}).text == "nobody"


def test_a_remember_token_is_no_good_after_its_time_whatever_the_browser_keeps(
    app: Flask, clock: FrozenClock
) -> None:
    app.config["REMEMBER_COOKIE_DURATION"] = 30 * DAY
    early, late = (logged_in(app, "/login/alice?remember") for _ in range(2))
    saved = cookies_of(late)
    clock.advance(30 * DAY - TICK)
    assert who(close(early)) == "alice"
    clock.advance(TICK)
    assert who(browser_with(app, {"remember_token": saved["remember_token"]})) == "nobody"


def test_a_response_that_was_lost_logs_nobody_out(app: Flask, clock: FrozenClock) -> None:
    client = close(logged_in(app, "/login/alice?remember"))
    before = cookies_of(client)
    for _ in range(5):
        clock.advance(HOUR)
        assert who(browser_with(app, before)) == "alice"
    clock.advance(HOUR)
    assert who(client) == "alice"
    clock.advance(HOUR)
    assert who(client) == "alice"
    assert who(close(client)) == "alice"


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    barrier = Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(count) as executor:
        return list(executor.map(run, range(count)))


def test_of_many_requests_with_one_token_everyone_gets_the_same_successor(
    app: Flask, clock: FrozenClock, store: WatchedStore
) -> None:
    saved = cookies_of(close(logged_in(app, "/login/alice?remember")))
    for _ in range(5):
        clock.advance(HOUR)
        browsers = [browser_with(app, saved) for _ in range(16)]
        assert at_once(16, lambda number: who(browsers[number])) == ["alice"] * 16  # noqa: B023  # runs right here
        (token,) = {cookies_of(browser)["remember_token"] for browser in browsers}
        saved = {"remember_token": token}
    (record,) = store.everything()
    assert record.remember_generation == 6


def test_a_token_that_somebody_else_used_ends_the_login_and_says_so(
    app: Flask, clock: FrozenClock, store: WatchedStore
) -> None:
    other = logged_in(app)
    victim = logged_in(app, "/login/alice?remember")
    stolen = {"remember_token": cookies_of(victim)["remember_token"]}
    clock.advance(HOUR)
    assert who(close(victim)) == "alice"
    assert who(victim) == "alice"
    seen: list[tuple[Any, dict[str, Any]]] = []

    def receive(sender: Any, **arguments: Any) -> None:
        seen.append((sender, arguments))

    clock.advance(HOUR)
    thief = browser_with(app, stolen)
    with remember_token_reused.connected_to(receive):
        assert who(thief) == "nobody"
        assert who(thief) == "nobody"
    ((sender, arguments),) = seen
    assert sender is app
    assert arguments["login"].ended_reason == records.TOKEN_REUSED
    assert "remember_token" not in cookies_of(thief)
    assert victim.get("/why").text == records.TOKEN_REUSED
    assert who(victim) == "nobody"
    assert "remember_token" not in cookies_of(victim)
    assert who(other) == "alice", "the user's other logins go on"


def test_the_thief_who_came_first_is_out_when_the_victim_comes(
    app: Flask, clock: FrozenClock
) -> None:
    victim = close(logged_in(app, "/login/alice?remember"))
    thief = browser_with(app, cookies_of(victim))
    clock.advance(HOUR)
    assert [who(thief), who(thief)] == ["alice", "alice"]
    clock.advance(HOUR)
    assert who(victim) == "nobody"
    assert who(thief) == "nobody"


# One browser, one login


@REMEMBERED
def test_a_login_replaces_the_one_this_browser_had(
    app: Flask, store: WatchedStore, clock: FrozenClock, page: str
) -> None:
    client = logged_in(app, page)
    saved = cookies_of(client)
    client.get("/login/bob")
    assert why_ended(store, clock) == [records.REPLACED, None]
    assert who(client) == "bob"
    assert "remember_token" not in cookies_of(client)
    assert who(browser_with(app, saved)) == "nobody"


def test_a_login_replaces_the_one_that_a_closed_browser_would_have_come_back_to(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    client = close(logged_in(app, "/login/alice?remember"))
    client.get("/login/alice?remember")
    assert why_ended(store, clock) == [records.REPLACED, None]
    assert who(close(client)) == "alice"


def test_a_login_without_remembering_leaves_no_remember_cookie_of_the_one_it_replaced(
    app: Flask, users: dict[str, Any], clock: FrozenClock
) -> None:
    @app.get("/again")
    def again() -> str:
        assert current_user.get_id() == "alice"
        return str(login_user(users["alice"]))

    client = close(logged_in(app, "/login/alice?remember"))
    clock.advance(HOUR)
    assert client.get("/again").text == "True"
    assert "remember_token" not in cookies_of(client)
    assert who(client) == "alice"


def test_a_planted_handle_ends_nobody_s_login(app: Flask, store: WatchedStore) -> None:
    victim = logged_in(app)
    handle = victim.get("/id").text
    attacker = app.test_client()
    with attacker.session_transaction() as sess:
        sess["_login"] = Credential(handle, "guessed", 1).to_text()
    attacker.get("/login/bob")
    assert who(victim) == "alice"


# A maximum


def test_a_login_beyond_the_maximum_ends_the_oldest_one(app: Flask, clock: FrozenClock) -> None:
    app.config["LOGIN_MAX_SESSIONS"] = 2
    clients = []
    for _ in range(4):
        clients.append(logged_in(app, "/login/alice?remember"))
        clock.advance(TICK)
    bob = logged_in(app, "/login/bob")
    assert clients[0].get("/why").text == records.EVICTED
    assert [who(close(client)) for client in clients] == ["nobody", "nobody", "alice", "alice"]
    assert who(bob) == "bob"


def test_a_login_beyond_the_maximum_does_not_take_place_where_the_policy_denies_it(
    app: Flask, clock: FrozenClock
) -> None:
    app.config.update(LOGIN_MAX_SESSIONS=2, LOGIN_MAX_SESSIONS_POLICY="deny")
    clients = [logged_in(app), logged_in(app)]
    clock.advance(TICK)
    late = app.test_client()
    assert late.get("/login/alice?remember").text == "False"
    assert who(late) == "nobody"
    assert cookies_of(late) == {}
    assert [who(client) for client in clients] == ["alice", "alice"]
    assert clients[0].get("/login/alice").text == "True", "a login in the same browser is no third"
    clients[1].get("/logout")
    assert late.get("/login/alice").text == "True"


def test_a_denied_login_leaves_the_browser_and_every_other_login_as_they_were(
    app: Flask, clock: FrozenClock
) -> None:
    alices = []
    for _ in range(3):
        alices.append(logged_in(app))
        clock.advance(TICK)
    bob = logged_in(app, "/login/bob")
    app.config.update(LOGIN_MAX_SESSIONS=1, LOGIN_MAX_SESSIONS_POLICY="deny")
    assert bob.get("/login/alice").text == "False"
    assert who(bob) == "bob"
    assert [who(client) for client in alices] == ["alice"] * 3


def test_the_maximum_may_depend_on_the_user(app: Flask, clock: FrozenClock) -> None:
    app.config["LOGIN_MAX_SESSIONS"] = lambda user: 1 if user.get_id() == "alice" else None
    clients = []
    for page in ("/login/alice", "/login/alice", "/login/bob", "/login/bob"):
        clients.append(logged_in(app, page))
        clock.advance(TICK)
    assert [who(client) for client in clients] == ["nobody", "alice", "bob", "bob"]


@pytest.mark.parametrize("policy", ["evict_oldest", "deny"])
def test_many_logins_at_once_leave_exactly_the_maximum(
    app: Flask, store: WatchedStore, clock: FrozenClock, policy: str
) -> None:
    app.config.update(LOGIN_MAX_SESSIONS=3, LOGIN_MAX_SESSIONS_POLICY=policy)
    app.test_client().get("/public")
    for _ in range(10):
        clients = [app.test_client() for _ in range(16)]
        at_once(16, lambda number: clients[number].get("/login/alice"))  # noqa: B023  # runs right here
        assert len(live(store, clock)) == 3
        assert [who(client) for client in clients].count("alice") == 3
        clock.advance(400 * DAY)


# What the user became


def change_password(users: dict[str, Any]) -> None:
    users["alice"].password = "second"


def suspend(users: dict[str, Any]) -> None:
    users["alice"].active = False


def delete(users: dict[str, Any]) -> None:
    del users["alice"]


ENDINGS = [
    (change_password, records.CREDENTIALS_CHANGED),
    (suspend, "deactivated"),
    (delete, "unknown_user"),
]
NO_GRACE = {"LOGIN_UNKNOWN_USER_GRACE": timedelta(0)}


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize(("change", "reason"), ENDINGS)
def test_a_login_ends_for_good_when_its_user_is_not_who_they_were(
    app: Flask,
    users: dict[str, Any],
    change: Callable[[dict[str, Any]], None],
    reason: str,
    closed: bool,
) -> None:
    app.config.update(NO_GRACE)
    client = logged_in(app, "/login/alice?remember")
    saved = cookies_of(client)
    if closed:
        close(client)
    change(users)
    ended: list[str] = []

    def receive(sender: Any, login: LoginSession, reason: str) -> None:
        ended.append(reason)

    with login_session_ended.connected_to(receive):
        assert who(client) == "nobody"
    assert ended == [reason]
    users["alice"] = Member("alice")
    assert who(browser_with(app, saved)) == "nobody"
    assert reason in records.REASONS, "the person is told why in words"


@pytest.mark.parametrize(("before", "after"), [(None, None), ("same", "same")])
def test_a_login_goes_on_while_the_credentials_stay_what_they_were(
    app: Flask, users: dict[str, Any], before: str | None, after: str | None
) -> None:
    users["alice"].password = before
    client = logged_in(app)
    users["alice"] = Member("alice")
    users["alice"].password = after
    assert who(client) == "alice"


def test_a_user_without_credentials_of_record_is_not_compared(
    app: Flask, users: dict[str, Any]
) -> None:
    class Guest(UserMixin):
        id = "alice"

    users["alice"] = Guest()
    client = logged_in(app)
    assert who(client) == "alice"
    users["alice"] = Member("alice")
    assert who(client) == "alice"
    users["alice"] = Guest()
    assert who(client) == "alice"


def test_a_changed_password_ends_every_login_but_the_one_that_confirms_it(
    app: Flask, users: dict[str, Any], clock: FrozenClock
) -> None:
    @app.get("/password")
    def password() -> str:
        current_user.get_id()
        users["alice"].password = "second"
        confirm_login()
        return "changed"

    here, there = (logged_in(app, "/login/alice?remember") for _ in range(2))
    here.get("/password")
    assert [who(here), who(there)] == ["alice", "nobody"]
    clock.advance(HOUR)
    assert who(close(here)) == "alice", "its remember token too"


@pytest.fixture
def changing(app: Flask, users: dict[str, Any]) -> Flask:
    """The app with a page that changes the password and confirms the login."""

    @app.get("/password")
    def password() -> str:
        current_user.get_id()
        users["alice"].password += " and more"
        confirm_login()
        return "changed"

    return app


@pytest.mark.parametrize("wait", [timedelta(0), MINUTE, DAY])
def test_a_copied_remember_cookie_is_worth_nothing_after_the_password_changed(
    changing: Flask, clock: FrozenClock, wait: timedelta
) -> None:
    alarms: list[Any] = []
    client = logged_in(changing, "/login/alice?remember")
    copy = {"remember_token": cookies_of(client)["remember_token"]}
    client.get("/password")
    assert cookies_of(client)["remember_token"] != copy["remember_token"]
    clock.advance(wait)
    with remember_token_reused.connected_to(lambda _, login: alarms.append(login), changing):
        thief = browser_with(changing, copy)
        assert thief.get("/why").text == records.CREDENTIALS_CHANGED
        assert who(thief) == "nobody"
        assert who(client) == "alice"
        clock.advance(HOUR)
        assert who(close(client)) == "alice", "the new token is good"
        assert who(browser_with(changing, copy)) == "nobody"
    assert alarms == []


def test_a_browser_that_lost_the_answer_to_a_password_change_raises_no_false_alarm(
    changing: Flask, clock: FrozenClock, store: WatchedStore
) -> None:
    client = logged_in(changing, "/login/alice?remember")
    before = cookies_of(client)
    client.get("/password")
    lost = browser_with(changing, before)
    assert who(lost) == "alice", "a parallel request"
    clock.advance(HOUR)
    assert who(lost) == "nobody"
    assert who(client) == "alice"
    assert why_ended(store, clock) == [None]


def test_who_confirms_a_login_gets_a_remember_token_with_the_session_credential(
    changing: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    client = logged_in(changing, "/login/alice?remember")
    before = cookies_of(client)["remember_token"]
    client.get("/confirm")
    after = cookies_of(client)["remember_token"]
    assert after != before
    client.get("/confirm")
    assert cookies_of(client)["remember_token"] == after, "no other is issued so soon"
    assert who(client) == "alice"
    clock.advance(HOUR)
    close(client)
    assert [who(client), who(client)] == ["alice", "alice"]
    assert [record.ended_reason for record in store.everything()] == [None]


def test_a_login_that_is_not_remembered_gets_no_remember_cookie_by_a_new_password(
    changing: Flask,
) -> None:
    client = logged_in(changing)
    client.get("/password")
    assert cookies_of(client).keys() == {"session"}
    assert who(client) == "alice"


def test_a_login_from_before_the_user_had_credentials_of_record_ends_with_the_next_ones(
    app: Flask, users: dict[str, Any]
) -> None:
    member = users["alice"]

    class Guest(UserMixin):
        id = "alice"

    users["alice"] = Guest()
    client = logged_in(app)
    assert who(client) == "alice"
    users["alice"] = member
    assert [who(client), who(client)] == ["alice", "alice"]
    member.password = "second"
    assert who(client) == "nobody"


def test_the_digest_of_the_credentials_is_not_in_the_browser(app: Flask) -> None:
    client = logged_in(app)
    with client.session_transaction() as sess:
        assert "_auth_hash" not in sess


def test_session_protection_ends_the_stored_login_too(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    app.config["SESSION_PROTECTION"] = "strong"
    client = logged_in(app, "/login/alice?remember")
    assert who(client, headers={"User-Agent": "other"}) == "nobody"
    assert len(live(store, clock)) == 0
    assert set(why_ended(store, clock)) <= set(records.REASONS)


# Junk


JUNK = ["", "x", "a.b.c", ".", "..", "null", "[]", "é", "\x01", "a" * 4000, "alice|0", "eyJhIjoxfQ"]


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", ["session", "remember_token"])
def test_junk_never_reaches_the_store(
    app: Flask, store: WatchedStore, name: str, junk: str
) -> None:
    assert who(browser_with(app, {name: junk})) == "nobody"
    assert store.calls == []


@pytest.mark.parametrize("name", ["session", "remember_token"])
def test_a_credential_signed_with_another_key_never_reaches_the_store(
    app: Flask, store: WatchedStore, name: str
) -> None:
    real = cookies_of(logged_in(app, "/login/alice?remember"))
    store.calls.clear()
    app.config["SECRET_KEY"] = "another key of thirty-two bytes!"
    assert who(browser_with(app, {name: real[name]})) == "nobody"
    assert store.calls == []


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "a.b.1.2", "a.b.-1", "a.b.²", 7, ["x"]])
def test_a_session_with_no_credential_in_it_never_reaches_the_store(
    app: Flask, store: WatchedStore, text: object
) -> None:
    client = app.test_client()
    with client.session_transaction() as sess:
        sess.update({"_user_id": "alice", "_login": text, "_fresh": True})
    assert client.get("/why").text == records.UNKNOWN
    assert who(client) == "nobody"
    assert store.calls == []
    with client.session_transaction() as sess:
        assert dict(sess) == {}


def test_nothing_is_written_or_even_asked_for_a_visitor(app: Flask, store: WatchedStore) -> None:
    client = app.test_client()
    for page in ("/me", "/fresh", "/guarded", "/public", "/id", "/remembered", "/logout"):
        client.get(page)
    assert store.calls == []


def test_a_checked_request_costs_one_call_of_the_store(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    @app.get("/busy")
    @login_required
    def busy() -> str:
        return f"{current_user.get_id()} {current_login.id} {login_fresh()} {login_remembered()}"

    client = logged_in(app, "/login/alice?remember")
    client.get("/me")  # also notes that the login's response arrived
    for _ in range(3):
        store.calls.clear()
        clock.advance(HOUR)
        client.get("/busy")
        assert store.calls == ["get"]
    store.calls.clear()
    client.get("/public")
    assert store.calls == []


# From before the store


@pytest.fixture
def older(users: dict[str, Any], clock: FrozenClock) -> Flask:
    """The same site before it had a store."""
    app = Flask("older")
    app.secret_key = KEY
    app.testing = True
    LoginManager[Any](app, clock=clock).user_loader(lambda user_id: users.get(user_id))
    app.add_url_rule(
        "/login", view_func=lambda: str(login_user(users["alice"], remember=True)), endpoint="in"
    )
    return app


@pytest.fixture(params=["signed session", "signed token", "token of 0.6.3", "written by a test"])
def legacy(request: pytest.FixtureRequest, app: Flask, older: Flask) -> dict[str, str]:
    """Return the cookies of a login from before the store."""
    if request.param == "written by a test":
        writer = app.test_client()
        with writer.session_transaction() as sess:
            sess.update({"_user_id": "alice", "_fresh": True})
        return cookies_of(writer)
    if request.param == "token of 0.6.3":
        with app.test_request_context():
            return {"remember_token": encode_cookie("alice")}
    client = older.test_client()
    client.get("/login")
    name = "session" if request.param == "signed session" else "remember_token"
    return {name: cookies_of(client)[name]}


def test_a_login_from_before_the_store_is_adopted_and_can_be_revoked(
    app: Flask,
    login_manager: LoginManager[Any],
    store: WatchedStore,
    clock: FrozenClock,
    legacy: dict[str, str],
) -> None:
    client = browser_with(app, legacy)
    assert [who(client) for _ in range(3)] == ["alice"] * 3
    (record,) = live(store, clock)
    assert record.user_id == "alice"
    assert record.remembered == ("remember_token" in legacy)
    adopted = cookies_of(client)
    assert all(adopted[name] != value for name, value in legacy.items())
    clock.advance(HOUR)
    if record.remembered:
        assert who(close(client)) == "alice"
    with app.app_context():
        assert login_manager.sessions.revoke_all("alice") == 1
    assert who(client) == "nobody"
    assert who(browser_with(app, adopted)) == "nobody"


def test_a_login_from_before_the_store_is_refused_where_none_is_accepted(
    app: Flask, store: WatchedStore, legacy: dict[str, str]
) -> None:
    app.config["REMEMBER_COOKIE_ACCEPT_LEGACY"] = False
    client = browser_with(app, legacy)
    assert [who(client), who(client)] == ["nobody", "nobody"]
    assert store.everything() == []
    assert "remember_token" not in cookies_of(client)


def test_a_remembered_login_of_before_keeps_its_own_end(
    app: Flask, older: Flask, clock: FrozenClock, store: WatchedStore
) -> None:
    client = older.test_client()
    begun = clock()
    client.get("/login")
    clock.advance(100 * DAY)
    browser = browser_with(app, {"remember_token": cookies_of(client)["remember_token"]})
    assert who(browser) == "alice"
    assert store.everything()[0].remember_until == begun + 365 * DAY


def test_a_remembered_login_of_before_is_over_at_the_greatest_age(
    app: Flask, older: Flask, clock: FrozenClock, store: WatchedStore
) -> None:
    app.config["LOGIN_ABSOLUTE_TIMEOUT"] = 30 * DAY
    client = older.test_client()
    client.get("/login")
    token = {"remember_token": cookies_of(client)["remember_token"]}
    clock.advance(30 * DAY - MINUTE)
    assert who(browser_with(app, token)) == "alice"
    clock.advance(MINUTE)
    late = browser_with(app, token)
    assert late.get("/why").text == records.EXPIRED_ABSOLUTE
    assert who(late) == "nobody"
    assert "remember_token" not in cookies_of(late)
    assert len(store.everything()) == 1


def test_a_fresh_session_of_before_is_fresh_and_another_is_not(app: Flask) -> None:
    for fresh, said in ((True, "fresh"), (False, "stale")):
        client = app.test_client()
        with client.session_transaction() as sess:
            sess.update({"_user_id": "alice", "_fresh": fresh})
        assert client.get("/fresh").text == said
        assert client.get("/fresh").text == said


def upgraded(app: Flask, older: Flask, **page: Any) -> FlaskClient:
    """Return a browser that logged in before the store, with a session and a remember cookie."""
    client = older.test_client()
    client.get("/login", **page)
    return browser_with(app, cookies_of(client))


@pytest.mark.parametrize("asked", [True, False])
def test_ending_an_adopted_login_ends_the_remember_cookie_beside_it(
    app: Flask, older: Flask, login_manager: LoginManager[Any], store: WatchedStore, asked: bool
) -> None:
    client = upgraded(app, older)
    assert who(client) == "alice"
    (record,) = store.everything()
    assert record.remembered
    if asked:
        assert who(client) == "alice"
    with app.app_context():
        assert login_manager.sessions.revoke_all("alice") == 1
    assert [who(client), who(client), who(close(client))] == ["nobody"] * 3
    assert len(store.everything()) == 1


def test_the_remember_cookie_of_another_user_is_not_taken_in_with_a_session(
    app: Flask, older: Flask, store: WatchedStore
) -> None:
    client = upgraded(app, older)
    with client.session_transaction() as sess:
        sess["_user_id"] = "bob"
    assert who(client) == "bob"
    assert [(r.user_id, r.remembered) for r in store.everything()] == [("bob", False)]


def test_a_remember_cookie_of_older_credentials_is_not_taken_in_with_a_session(
    app: Flask, older: Flask, users: dict[str, Any], store: WatchedStore
) -> None:
    client = upgraded(app, older)
    users["alice"].password = "second"
    with client.session_transaction() as sess:
        del sess["_auth_hash"]  # a session that says nothing of them
    assert who(client) == "alice"
    assert [record.remembered for record in store.everything()] == [False]


def test_junk_beside_an_adopted_session_is_not_taken_in_and_the_good_token_is(
    app: Flask, older: Flask, store: WatchedStore
) -> None:
    cookies = cookies_of(upgraded(app, older))
    for value in ("junk", f"junk; remember_token={cookies['remember_token']}"):
        client = app.test_client(use_cookies=False)
        header = f"session={cookies['session']}; remember_token={value}"
        assert client.get("/me", headers={"Cookie": header}).text == "alice"
    assert sorted(record.remembered for record in store.everything()) == [False, True]


@pytest.mark.parametrize("setting", ["REMEMBER_COOKIE_ENABLED", "REMEMBER_COOKIE_ACCEPT_LEGACY"])
def test_a_remember_cookie_that_is_not_accepted_is_not_taken_in_with_a_session(
    app: Flask, older: Flask, store: WatchedStore, setting: str
) -> None:
    client = upgraded(app, older)
    app.config[setting] = False
    who(client)
    assert not any(record.remembered for record in store.everything())


@pytest.mark.parametrize("page", ["/confirm", "/me"])
@pytest.mark.parametrize("sliding", [False, True])
def test_a_store_never_issues_a_remember_token_that_no_record_could_end(
    app: Flask, older: Flask, page: str, sliding: bool
) -> None:
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = sliding
    client = upgraded(app, older)
    old = cookies_of(client)["remember_token"]
    for _ in range(2):
        client.get(page)
        new = cookies_of(client)["remember_token"]
        with app.test_request_context():
            assert new == old or read_token(new, "default", app) is None


def read_token(value: str, realm: str, app: Flask) -> Any:
    return remember.read(value, realm, datetime(2026, 1, 1, tzinfo=timezone.utc), app.config)


def test_an_adopted_login_counts_for_the_maximum(
    app: Flask, store: WatchedStore, clock: FrozenClock, legacy: dict[str, str]
) -> None:
    app.config["LOGIN_MAX_SESSIONS"] = 1
    assert [who(browser_with(app, legacy)) for _ in range(5)] == ["alice"] * 5
    assert len(live(store, clock)) == 1
    app.config["LOGIN_MAX_SESSIONS_POLICY"] = "deny"
    denied = browser_with(app, legacy)
    assert denied.get("/why").text == records.DENIED
    assert who(denied) == "nobody"
    assert len(live(store, clock)) == 1


def test_a_copied_session_is_not_fresh_because_its_owner_confirmed(
    app: Flask, clock: FrozenClock
) -> None:
    app.config["LOGIN_FRESH_TIMEOUT"] = MINUTE
    victim = logged_in(app)
    thief = browser_with(app, cookies_of(victim))
    clock.advance(HOUR)
    victim.get("/confirm")
    assert victim.get("/fresh").text == "fresh"
    assert [who(thief), thief.get("/fresh").text] == ["alice", "stale"]


def test_a_believed_session_ends_when_the_password_changed_during_the_outage(
    app: Flask, users: dict[str, Any], store: WatchedStore
) -> None:
    app.config["LOGIN_OUTAGE_TRUST"] = HOUR
    client = logged_in(app)
    assert who(client) == "alice"
    store.down = True
    assert who(client) == "alice"
    users["alice"].password = "second"
    assert client.get("/me").status_code == 503


@pytest.mark.parametrize("own", [True, False])
def test_activity_counts_also_where_the_idle_timeout_is_shorter_than_its_interval(
    app: Flask, users: dict[str, Any], clock: FrozenClock, own: bool
) -> None:
    second = timedelta(seconds=1)
    if not own:
        app.config["LOGIN_IDLE_TIMEOUT"] = 30 * second

    @app.get("/short")
    def short() -> str:
        return str(login_user(users["alice"], idle_timeout=30 * second if own else None))

    client = logged_in(app, "/short")
    for _ in range(20):
        clock.advance(16 * second)
        assert who(client) == "alice"
    clock.advance(31 * second)
    assert who(client) == "nobody"


def test_a_remember_cookie_of_another_login_is_not_this_one_s(app: Flask) -> None:
    one, other = (logged_in(app, "/login/alice?remember") for _ in range(2))
    assert one.get("/remembered").text == "True"
    one.set_cookie("remember_token", cookies_of(other)["remember_token"])
    assert one.get("/remembered").text == "False"
    one.set_cookie("remember_token", "junk")
    assert one.get("/remembered").text == "False"


def test_a_maximum_that_is_none_is_refused_with_its_name(app: Flask) -> None:
    app.config["LOGIN_MAX_SESSIONS"] = lambda user: 0
    with pytest.raises(ConfigurationError, match="LOGIN_MAX_SESSIONS"):
        app.test_client().get("/login/alice")


def test_a_remember_token_of_one_realm_is_none_of_another_s(
    make_app: Callable[..., Flask], users: dict[str, Any], clock: FrozenClock
) -> None:
    app, theirs = make_app(), WatchedStore()
    staff: LoginManager[Any] = LoginManager(name="staff", session_store=theirs, clock=clock)
    staff.init_app(app)
    staff.user_loader(lambda user_id: users.get(user_id))
    app.add_url_rule("/staff", view_func=lambda: str(bool(staff.current_login)), endpoint="staff")
    token = cookies_of(logged_in(app, "/login/alice?remember"))["remember_token"]
    client = app.test_client()
    client.set_cookie("remember_token_staff", token)
    assert client.get("/staff").text == "False"
    assert theirs.calls == []


def test_old_code_that_asks_for_a_remember_cookie_gets_none_for_a_login_without(
    app: Flask,
) -> None:
    @app.get("/old")
    def old() -> str:
        session["_remember"] = "set"
        return current_user.get_id() or "nobody"

    client = logged_in(app)
    assert client.get("/old").text == "alice"
    assert cookies_of(client).keys() == {"session"}


def test_a_view_that_sets_the_remember_cookie_itself_makes_the_login_a_remembered_one(
    app: Flask, login_manager: LoginManager[Any], store: WatchedStore, clock: FrozenClock
) -> None:
    @app.get("/keep")
    def keep() -> Any:
        response = current_app.make_response(current_user.get_id() or "nobody")
        login_manager._set_cookie(response)
        return response

    client = logged_in(app)
    assert client.get("/keep").text == "alice"
    first = cookies_of(client)["remember_token"]
    assert client.get("/keep").text == "alice"
    assert cookies_of(client)["remember_token"] == first, "it has its token already"
    clock.advance(100 * DAY)
    assert who(close(client)) == "alice"
    assert len(live(store, clock)) == 1
    client.get("/logout")
    assert not live(store, clock)
    assert app.test_client().get("/keep").text == "nobody"


def test_a_login_that_ends_while_a_view_sets_its_cookie_gets_none(
    app: Flask, login_manager: LoginManager[Any], store: WatchedStore, clock: FrozenClock
) -> None:
    @app.get("/keep")
    def keep() -> Any:
        response = current_app.make_response(current_user.get_id() or "nobody")
        login_manager.sessions.revoke_all("alice")  # as by another browser's request
        login_manager._set_cookie(response)
        return response

    client = logged_in(app)
    assert client.get("/keep").text == "alice"
    assert "remember_token" not in cookies_of(client)
    assert not live(store, clock)


@pytest.mark.parametrize(
    ("setting", "span", "after"),
    [("LOGIN_IDLE_TIMEOUT", HOUR, HOUR), ("LOGIN_ABSOLUTE_TIMEOUT", 9 * DAY, 9 * DAY)],
)
def test_a_login_that_is_remembered_later_keeps_the_timeouts_that_were_set(
    app: Flask, clock: FrozenClock, setting: str, span: timedelta, after: timedelta
) -> None:
    app.config[setting] = span
    manager: LoginManager[Any] = app.extensions["login"]["default"].manager

    @app.get("/keep")
    def keep() -> Any:
        response = current_app.make_response(current_user.get_id() or "nobody")
        manager._set_cookie(response)
        return response

    client = logged_in(app)
    client.get("/keep")
    clock.advance(after - MINUTE)
    kept = cookies_of(client)["remember_token"]
    assert who(browser_with(app, {"remember_token": kept})) == "alice"
    clock.advance(after)
    assert who(client) == "nobody"


def test_of_two_tokens_of_one_login_the_older_is_a_leftover_and_no_theft(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    client = logged_in(app, "/login/alice?remember")
    tokens = [cookies_of(client)["remember_token"]]
    for _ in range(2):
        clock.advance(HOUR)
        assert who(close(client)) == "alice"
        tokens.append(cookies_of(client)["remember_token"])
    assert len(set(tokens)) == 3
    clock.advance(HOUR)
    for order in (tokens, tokens[::-1]):
        header = "; ".join(f"remember_token={token}" for token in order)
        other = app.test_client(use_cookies=False)
        assert who(other, headers={"Cookie": header}) == "alice"
    assert why_ended(store, clock) == [None]
    thief = browser_with(app, {"remember_token": tokens[0]})
    assert who(thief) == "nobody"
    assert why_ended(store, clock) == [records.TOKEN_REUSED]


def test_of_two_logins_of_one_user_one_counts_and_the_other_does_not_rotate(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    tokens = []
    for _ in range(2):
        tokens.append(cookies_of(logged_in(app, "/login/alice?remember"))["remember_token"])
        clock.advance(HOUR)
    header = "; ".join(f"remember_token={token}" for token in tokens)
    client = app.test_client(use_cookies=False)
    assert who(client, headers={"Cookie": header}) == "alice"
    numbers = [record.remember_generation for record in store.everything()]
    assert numbers == [1, 2], "the newer login came back"


def test_tokens_of_two_users_count_for_nobody_and_nothing_of_theirs_changes(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    pages = ("/login/alice?remember", "/login/bob?remember")
    alice, bob = (cookies_of(logged_in(app, page))["remember_token"] for page in pages)
    clock.advance(HOUR)
    before = store.everything()
    header = {"Cookie": f"remember_token={alice}; remember_token={bob}"}
    client = app.test_client(use_cookies=False)
    assert who(client, headers=header) == "nobody"
    assert store.everything() == before
    client.get("/logout", headers=header)
    assert why_ended(store, clock) == [records.LOGOUT] * 2


def test_a_token_of_an_ended_login_is_no_obstacle_for_another_users_good_one(
    app: Flask, store: WatchedStore, clock: FrozenClock, login_manager: LoginManager[Any]
) -> None:
    pages = ("/login/alice?remember", "/login/bob?remember")
    alice, bob = (cookies_of(logged_in(app, page))["remember_token"] for page in pages)
    with app.app_context():
        login_manager.sessions.end_all("bob", records.REVOKED)
    header = {"Cookie": f"remember_token={bob}; remember_token={alice}"}
    assert who(app.test_client(use_cookies=False), headers=header) == "alice"


def test_a_token_from_before_the_store_beside_an_ended_login_does_not_bring_it_back(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    stored = cookies_of(logged_in(app, "/login/alice?remember"))["remember_token"]
    with app.test_request_context():
        login_manager.sessions.end_all("alice", records.REVOKED)
        old = encode_cookie("alice")
    for header in (f"{stored}; remember_token={old}", f"{old}; remember_token={stored}"):
        client = app.test_client(use_cookies=False)
        assert who(client, headers={"Cookie": f"remember_token={header}"}) == "nobody"


def test_a_token_of_a_stored_login_goes_before_one_from_before_the_store(
    app: Flask, store: WatchedStore
) -> None:
    stored = cookies_of(logged_in(app, "/login/alice?remember"))["remember_token"]
    with app.test_request_context():
        old = encode_cookie("alice")
    for header in (f"{stored}; remember_token={old}", f"{old}; remember_token={stored}"):
        client = app.test_client(use_cookies=False)
        assert who(client, headers={"Cookie": f"remember_token={header}"}) == "alice"
    assert len(store.everything()) == 1, "nothing was adopted"


def test_a_remember_token_names_nobody_where_there_is_a_store(app: Flask) -> None:
    token = cookies_of(logged_in(app, "/login/alice?remember"))["remember_token"]
    assert "alice" not in token
    with app.app_context():
        assert decode_cookie(token) is None


def test_a_token_that_a_request_loader_found_does_not_rotate_and_sets_no_cookie(
    app: Flask, login_manager: LoginManager[Any], store: WatchedStore, clock: FrozenClock
) -> None:
    @login_manager.request_loader
    def load(request: Any) -> Any:
        text = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return login_manager._load_user_from_remember_cookie(text) if text else None

    token = cookies_of(logged_in(app, "/login/alice?remember"))["remember_token"]
    for _ in range(3):
        clock.advance(HOUR)
        client = app.test_client()
        assert who(client, headers={"Authorization": f"Bearer {token}"}) == "alice"
        assert "remember_token" not in cookies_of(client)
    assert [record.remember_generation for record in store.everything()] == [1]


def test_a_login_that_ends_while_its_token_is_looked_at_does_not_come_back(
    app: Flask, login_manager: LoginManager[Any], store: WatchedStore, users: dict[str, Any]
) -> None:
    client = close(logged_in(app, "/login/alice?remember"))

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        login_manager.sessions.end_all("alice", records.REVOKED)
        return users[user_id]

    assert who(client) == "nobody"
    assert client.get("/why").text in (records.REVOKED, "None")
    store.delete_all("alice")


def test_a_record_that_goes_while_its_token_is_looked_at_does_not_come_back(
    app: Flask, login_manager: LoginManager[Any], store: WatchedStore, users: dict[str, Any]
) -> None:
    client = close(logged_in(app, "/login/alice?remember"))

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        store.delete_all("alice")
        return users[user_id]

    assert who(client) == "nobody"


def test_the_maximum_holds_on_a_store_that_keeps_milliseconds(
    app: Flask, store: WatchedStore, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config.update(LOGIN_MAX_SESSIONS=1, LOGIN_MAX_SESSIONS_POLICY="deny")
    keep = MemorySessionStore.create

    def create(self: MemorySessionStore, record: LoginSession) -> None:
        whole = record.created_at.replace(microsecond=record.created_at.microsecond // 1000 * 1000)
        keep(self, dataclasses.replace(record, created_at=whole))

    monkeypatch.setattr(MemorySessionStore, "create", create)
    clock.advance(timedelta(microseconds=999))
    answers = []
    for _ in range(3):
        answers.append(app.test_client().get("/login/alice").text)
        clock.advance(timedelta(milliseconds=2))
    assert answers == ["True", "False", "False"]


def test_many_remember_cookies_do_not_make_many_calls(app: Flask, store: WatchedStore) -> None:
    client = app.test_client(use_cookies=False)
    cookies = [cookies_of(logged_in(app, "/login/alice?remember")) for _ in range(30)]
    header = "; ".join(f"remember_token={found['remember_token']}" for found in cookies)
    store.calls.clear()
    client.get("/logout", headers={"Cookie": header})
    assert 0 < len(store.calls) < 40, "ten are judged and ended"


def test_the_emergency_brake_ends_the_logins_from_before_the_store_too(
    app: Flask,
    login_manager: LoginManager[Any],
    clock: FrozenClock,
    store: WatchedStore,
    legacy: dict[str, str],
) -> None:
    clock.advance(HOUR)
    with app.app_context():
        login_manager.sessions.revoke_everyone()
    client = browser_with(app, legacy)
    assert client.get("/why").text == records.REVOKED
    assert who(client) == "nobody"
    assert store.everything() == []
    assert "remember_token" not in cookies_of(client)


def test_a_signed_token_of_after_the_brake_is_still_adopted(
    app: Flask, older: Flask, login_manager: LoginManager[Any], clock: FrozenClock
) -> None:
    with app.app_context():
        login_manager.sessions.revoke_everyone()
    clock.advance(HOUR)
    client = older.test_client()
    client.get("/login")
    token = {"remember_token": cookies_of(client)["remember_token"]}
    assert who(browser_with(app, token)) == "alice"


# The test client


@pytest.mark.parametrize("accepted", [True, False])
def test_the_test_client_has_a_login_of_its_own_whatever_is_adopted(
    app: Flask, users: dict[str, Any], store: WatchedStore, clock: FrozenClock, accepted: bool
) -> None:
    app.config["REMEMBER_COOKIE_ACCEPT_LEGACY"] = accepted
    app.test_client_class = FlaskLoginClient
    client: Any = app.test_client(user=users["alice"])
    assert [record.user_id for record in live(store, clock)] == ["alice"]
    assert client.get("/fresh").text == "fresh"
    assert client.get("/guarded").text == "come in"
    with client.user(users["bob"], fresh_login=False):
        assert [who(client), client.get("/fresh").text] == ["bob", "stale"]
    assert who(client) == "alice"
    client.logout()
    assert who(client) == "nobody"
    assert live(store, clock) == []


def test_the_test_client_is_nobody_where_the_maximum_denies_its_login(
    app: Flask, users: dict[str, Any], store: WatchedStore, clock: FrozenClock
) -> None:
    app.config.update(LOGIN_MAX_SESSIONS=1, LOGIN_MAX_SESSIONS_POLICY="deny")
    browser = logged_in(app)
    client = FlaskLoginClient(app, user=users["alice"])
    assert client.get("/why").text == records.DENIED
    assert client.get("/guarded").status_code == 401
    assert who(browser) == "alice"
    assert len(live(store, clock)) == 1


# Sliding, and timeouts of one login


def test_a_remember_token_that_slides_is_good_for_as_long_again_at_each_return(
    app: Flask, clock: FrozenClock
) -> None:
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True
    app.config["REMEMBER_COOKIE_DURATION"] = timedelta(days=300)
    client = logged_in(app, "/login/alice?remember")
    for _ in range(5):
        clock.advance(timedelta(days=299))
        assert who(close(client)) == "alice"
        assert who(client) == "alice"
    clock.advance(timedelta(days=300))
    assert who(close(client)) == "nobody"


def test_a_token_that_slides_does_not_outlive_the_greatest_age(
    app: Flask, clock: FrozenClock
) -> None:
    app.config.update(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True, LOGIN_ABSOLUTE_TIMEOUT=10 * DAY)
    client = logged_in(app, "/login/alice?remember")
    clock.advance(9 * DAY)
    assert who(close(client)) == "alice"
    clock.advance(DAY)
    assert client.get("/why").text == records.EXPIRED_ABSOLUTE


@pytest.fixture
def own(app: Flask, users: dict[str, Any]) -> Callable[..., FlaskClient]:
    """Return a function that logs alice in with arguments of her own."""
    arguments: dict[str, Any] = {}

    @app.get("/own")
    def page() -> str:
        return str(login_user(users["alice"], **arguments))

    def log_in(**given: Any) -> FlaskClient:
        arguments.clear()
        arguments.update(given)
        return logged_in(app, "/own")

    return log_in


def test_one_login_may_have_timeouts_of_its_own(
    app: Flask, own: Callable[..., FlaskClient], clock: FrozenClock
) -> None:
    app.config.update(LOGIN_IDLE_TIMEOUT=HOUR, LOGIN_ABSOLUTE_TIMEOUT=DAY, LOGIN_FRESH_TIMEOUT=HOUR)
    idle = own(idle_timeout=MINUTE)
    fresh = own(fresh_timeout=MINUTE)
    short = own(absolute_timeout=MINUTE)
    usual = own()
    clock.advance(MINUTE)
    assert idle.get("/why").text == records.EXPIRED_IDLE
    assert short.get("/why").text == records.EXPIRED_ABSOLUTE
    assert [who(fresh), fresh.get("/fresh").text] == ["alice", "stale"]
    assert usual.get("/fresh").text == "fresh"


def test_a_login_that_is_confirmed_gets_its_own_greatest_age_anew(
    own: Callable[..., FlaskClient], clock: FrozenClock
) -> None:
    client = own(absolute_timeout=HOUR)
    clock.advance(HOUR - TICK)
    client.get("/confirm")
    clock.advance(HOUR - TICK)
    assert who(client) == "alice"
    clock.advance(TICK)
    assert who(client) == "nobody"


@pytest.mark.parametrize("name", ["idle_timeout", "absolute_timeout", "fresh_timeout"])
@pytest.mark.parametrize("value", [60, timedelta(0), -MINUTE, "1 h"])
def test_a_timeout_that_is_none_is_refused_with_its_name(
    app: Flask, users: dict[str, Any], store: WatchedStore, name: str, value: object
) -> None:
    with app.test_request_context(), pytest.raises(ConfigurationError, match=name):
        login_user(users["alice"], **{name: value})  # type: ignore[arg-type]
    assert store.everything() == []


def test_the_identity_provider_ends_the_logins_it_knows_by_its_own_name(
    app: Flask, own: Callable[..., FlaskClient], login_manager: LoginManager[Any]
) -> None:
    one, other = own(external_id="sid-1"), own(external_id="sid-2")
    with app.app_context():
        assert login_manager.sessions.revoke_external("sid-1") == 1
    assert [who(one), who(other)] == ["nobody", "alice"]


def test_an_external_id_without_a_store_is_refused_before_anything_happens() -> None:
    app = Flask(__name__)
    app.secret_key = KEY
    LoginManager[Any](app).user_loader(Member)
    with app.test_request_context():
        with pytest.raises(ConfigurationError, match="external_id"):
            login_user(Member("alice"), external_id="sid-1")
        assert current_user.is_anonymous


# Why it ended


def test_who_was_denied_a_login_can_be_told_so(app: Flask, users: dict[str, Any]) -> None:
    @app.get("/try")
    def attempt() -> str:
        return f"{login_user(users['alice'])} {login_ended_reason()}"

    app.config.update(LOGIN_MAX_SESSIONS=1, LOGIN_MAX_SESSIONS_POLICY="deny")
    assert app.test_client().get("/try").text == "True None"
    assert app.test_client().get("/try").text == "False denied"


def test_a_login_clears_the_reason_why_the_one_before_it_ended(
    app: Flask, users: dict[str, Any], clock: FrozenClock
) -> None:
    @app.get("/again")
    def again() -> str:
        before = login_ended_reason()
        login_user(users["alice"])
        return f"{before} {login_ended_reason()}"

    app.config["LOGIN_IDLE_TIMEOUT"] = HOUR
    client = logged_in(app)
    clock.advance(HOUR)
    assert client.get("/again").text == "expired_idle None"


def test_a_login_that_a_remember_cookie_brings_back_has_not_ended(
    app: Flask, clock: FrozenClock
) -> None:
    client = logged_in(app, "/login/alice?remember")
    stale = browser_with(app, cookies_of(client))
    client.get("/confirm")
    clock.advance(HOUR)
    assert stale.get("/why").text == "None"
    assert who(stale) == "alice"


def test_logins_of_the_very_same_moment_never_end_the_newest(
    app: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    app.config["LOGIN_MAX_SESSIONS"] = 1
    for _ in range(20):
        assert who(logged_in(app)) == "alice"
    assert len(live(store, clock)) == 1


# One store, one realm


def test_two_realms_of_an_application_do_not_share_a_store(
    make_app: Callable[..., Flask], store: WatchedStore
) -> None:
    app = make_app()
    staff: LoginManager[Any] = LoginManager(name="staff", session_store=store)
    with pytest.raises(ConfigurationError, match="the realm 'default'") as caught:
        staff.init_app(app)
    assert "table_name or prefix" in str(caught.value)
    assert "staff" not in app.extensions["login"]
    LoginManager[Any](app, session_store=store)  # the same realm, once more
    LoginManager[Any](app, name="guests")  # without any


# A store that is down, and a session that is believed for so long


@pytest.fixture
def trusting(app: Flask) -> Flask:
    app.config["LOGIN_OUTAGE_TRUST"] = 10 * MINUTE
    return app


def test_a_session_is_believed_not_fresh_for_so_long_after_its_last_check(
    trusting: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    client = logged_in(trusting)
    clock.advance(5 * MINUTE)
    assert who(client) == "alice"
    store.down = True
    clock.advance(10 * MINUTE - timedelta(seconds=1))
    assert [who(client), client.get("/fresh").text] == ["alice", "stale"]
    assert client.get("/guarded").text == "come in"
    assert client.get("/safe").status_code == 401
    assert client.get("/id").text == "None"
    clock.advance(timedelta(seconds=1))
    response = client.get("/me")
    assert (response.status_code, "Set-Cookie" in response.headers) == (503, False)
    store.down = False
    assert [who(client), client.get("/fresh").text] == ["alice", "fresh"]


def test_nobody_is_believed_by_default_or_on_the_word_of_a_remember_cookie(
    trusting: Flask, store: WatchedStore
) -> None:
    client = logged_in(trusting, "/login/alice?remember")
    store.down = True
    assert who(browser_with(trusting, cookies_of(client))) == "alice"
    assert close(client).get("/me").status_code == 503
    trusting.config["LOGIN_OUTAGE_TRUST"] = None
    store.down = False
    client = logged_in(trusting)
    store.down = True
    assert client.get("/me").status_code == 503


def test_a_login_that_is_believed_is_neither_ended_nor_confirmed_nor_recorded(
    trusting: Flask, store: WatchedStore, clock: FrozenClock
) -> None:
    client = logged_in(trusting)
    store.down = True
    for page in ("/logout", "/confirm", "/login/alice", "/leave/others"):
        response = client.get(page)
        assert (response.status_code, "Set-Cookie" in response.headers) == (503, False)
    store.down = False
    assert who(client) == "alice"
    assert len(live(store, clock)) == 1


@pytest.mark.parametrize("checked", ["soon", None, 10**12, 1.5])
def test_a_session_that_does_not_say_when_it_was_checked_is_not_believed(
    trusting: Flask, store: WatchedStore, checked: object
) -> None:
    client = logged_in(trusting)
    with client.session_transaction() as sess:
        sess["_login_checked"] = checked
    store.down = True
    assert client.get("/me").status_code == 503


def test_the_time_of_the_last_check_is_not_written_at_each_request(
    trusting: Flask, clock: FrozenClock
) -> None:
    client = logged_in(trusting)
    sent = []
    for _ in range(6):
        sent.append("Set-Cookie" in client.get("/me").headers)
        clock.advance(MINUTE)
    assert sent == [False, False, False, True, False, False]


def test_a_silent_store_keeps_one_request_waiting_and_not_everybody(
    app: Flask, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("flask_login.core.asking.time.monotonic", lambda: now[0])
    client = logged_in(app)
    asked: list[float] = []

    def silent(*_: Any, **__: Any) -> None:
        asked.append(now[0])
        now[0] += 1.0
        raise SessionStoreUnavailable("memory", TimeoutError())

    monkeypatch.setattr(store, "get", silent)
    for wait in (0.0, 0.5, 0.4):
        now[0] += wait
        assert client.get("/me").status_code == 503
        assert app.test_client().get("/login/bob").status_code == 503, "nor is it asked to keep"
    assert asked == [100.0]
    now[0] += 0.2
    assert client.get("/me").status_code == 503
    assert len(asked) == 2
    monkeypatch.undo()
    monkeypatch.setattr("flask_login.core.asking.time.monotonic", lambda: now[0] + 1.0)
    assert who(client) == "alice"


def test_a_store_that_is_silent_for_long_is_left_alone_for_a_second_and_one_asks_it_then(
    app: Flask, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("flask_login.core.asking.time.monotonic", lambda: now[0])
    client, other = logged_in(app), logged_in(app)
    asked: list[float] = []
    meanwhile: list[int] = []

    def silent(*_: Any, **__: Any) -> None:
        asked.append(now[0])
        now[0] += 0.5
        if len(asked) == 2:
            meanwhile.append(other.get("/me").status_code)
        now[0] += 3.1
        raise SessionStoreUnavailable("memory", TimeoutError())

    monkeypatch.setattr(store, "get", silent)
    assert client.get("/me").status_code == 503
    now[0] += 0.9
    assert client.get("/me").status_code == 503
    assert asked == [100.0]
    now[0] += 0.2
    assert client.get("/me").status_code == 503
    assert (len(asked), meanwhile) == (2, [503]), "nobody else waits along with it"
    monkeypatch.setattr(store, "get", lambda *args, **options: None)
    now[0] += 1.1
    assert [who(other), who(client)] == ["nobody"] * 2, "it answers"


def lines_of(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "flask_login"]


@pytest.mark.parametrize("trust", [None, HOUR])
def test_an_outage_is_in_the_log_once_when_it_begins_and_once_when_it_is_over(
    app: Flask, store: WatchedStore, caplog: pytest.LogCaptureFixture, trust: timedelta | None
) -> None:
    app.config["LOGIN_OUTAGE_TRUST"] = trust
    clients = [logged_in(app, "/login/alice?remember") for _ in range(3)]
    for _ in range(2):
        caplog.clear()
        store.down = True
        for client in [*clients, browser_with(app, {"session": "junk"})]:
            client.get("/me")
            client.get("/login/bob")
        [(level, text)] = lines_of(caplog)
        assert level == "ERROR"
        assert text.startswith(
            "The session store of the realm 'default' (memory) gives no answer: OSError."
        )
        store.down = False
        for client in clients * 2:
            client.get("/me")
        (_, (level, text)) = lines_of(caplog)
        assert (level, "(memory) answers again, after " in text) == ("WARNING", True)
        assert "canary" not in caplog.text


def test_an_outage_is_no_line_for_a_caller_who_gets_the_error(
    app: Flask,
    login_manager: LoginManager[Any],
    store: WatchedStore,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store.down = True
    with app.app_context(), pytest.raises(SessionStoreUnavailable):
        login_manager.sessions.list("alice")
    assert lines_of(caplog) == []
    assert logged_in_fails(app)
    assert len(lines_of(caplog)) == 1


def logged_in_fails(app: Flask) -> bool:
    return app.test_client().get("/login/alice").status_code == 503


def test_an_outage_that_only_newcomers_notice_is_over_at_the_first_answer(
    app: Flask,
    store: WatchedStore,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = logged_in(app)

    def refuse(record: LoginSession) -> None:
        raise SessionStoreUnavailable("memory", ConnectionRefusedError(111, "canary"))

    monkeypatch.setattr(store, "create", refuse)
    assert logged_in_fails(app)
    assert who(client) == "alice"
    assert [level for level, _ in lines_of(caplog)] == ["ERROR", "WARNING"]
    assert "ConnectionRefusedError (connection refused)" in caplog.text


def test_a_store_that_is_full_is_in_the_log_once_however_much_it_still_answers(
    app: Flask,
    store: WatchedStore,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = logged_in(app)

    def full(record: LoginSession) -> None:
        raise SessionStoreUnavailable("memory", MemoryError("OOM command not allowed"))

    with monkeypatch.context() as patched:
        patched.setattr(store, "create", full)
        for _ in range(3):
            assert logged_in_fails(app)
            assert who(client) == "alice"
        assert [level for level, _ in lines_of(caplog)] == ["ERROR"]
        assert "MemoryError (out of memory)" in caplog.text
    logged_in(app)
    assert [level for level, _ in lines_of(caplog)] == ["ERROR", "WARNING"]


def test_a_store_that_refuses_at_once_is_asked_again_at_once(
    app: Flask, store: WatchedStore
) -> None:
    client = logged_in(app)
    store.down = True
    assert client.get("/me").status_code == 503
    store.down = False
    assert who(client) == "alice"


def test_a_store_that_gives_no_answer_is_announced(app: Flask, store: WatchedStore) -> None:
    client = logged_in(app)
    told: list[SessionStoreUnavailable] = []
    store.down = True
    with session_store_unavailable.connected_to(lambda _, error: told.append(error), app):
        client.get("/me")
        client.get("/public")
        app.test_client().get("/login/bob")
    assert [error.store for error in told] == ["memory", "memory"]


# A store that is down

COOKIES = pytest.mark.parametrize("names", [{"session", "remember_token"}, {"remember_token"}])


@COOKIES
def test_a_store_that_is_down_is_503_for_a_login_and_its_cookies_stay(
    app: Flask, store: WatchedStore, names: set[str]
) -> None:
    full = cookies_of(logged_in(app, "/login/alice?remember"))
    client = browser_with(app, {name: full[name] for name in names})
    before = cookies_of(client)
    store.down = True
    for page in ("/me", "/fresh", "/guarded", "/safe", "/id", "/logout", "/confirm"):
        response = client.get(page)
        assert response.status_code == 503, page
        assert int(response.headers["Retry-After"]) >= 1
        assert "Set-Cookie" not in response.headers
        assert "canary" not in response.text
    assert cookies_of(client) == before
    store.down = False
    assert who(client) == "alice", "it needs no restart"


@COOKIES
@pytest.mark.parametrize("question", ["confirm_login", "list", "revoke_all"])
def test_a_page_whose_second_question_gets_no_answer_leaves_the_cookies_as_they_came(
    app: Flask, store: WatchedStore, names: set[str], question: str
) -> None:
    registry = cast("LoginManager[Any]", app.login_manager).sessions  # type: ignore[attr-defined]

    @app.get("/twice")
    def twice() -> str:
        assert current_user.is_authenticated
        store.down = True
        if question == "confirm_login":
            confirm_login()
        elif question == "list":
            registry.list("alice")
        else:
            registry.revoke_all("alice", keep_current=True)
        return ""

    full = cookies_of(logged_in(app, "/login/alice?remember"))
    client = browser_with(app, {name: full[name] for name in names})
    before = cookies_of(client)
    response = client.get("/twice")
    assert response.status_code == 503
    assert "Set-Cookie" not in response.headers
    assert cookies_of(client) == before
    store.down = False
    assert who(client) == "alice", "it is as if the answer had been lost"


def test_visitors_and_public_pages_never_notice_that_the_store_is_down(
    app: Flask, store: WatchedStore
) -> None:
    client = logged_in(app, "/login/alice?remember")
    store.down = True
    assert client.get("/public").text == "hello"
    visitor = app.test_client()
    assert who(visitor) == "nobody"
    assert visitor.get("/guarded").status_code == 401
    assert visitor.get("/login/bob").status_code == 503
    assert who(visitor) == "nobody"


@pytest.mark.parametrize("swallow", [False, True])
def test_no_guard_passes_on_the_word_of_a_store_that_gave_none(
    app: Flask, store: WatchedStore, swallow: bool
) -> None:
    @app.before_request
    def look() -> None:
        if not swallow:
            return
        with pytest.raises(SessionStoreUnavailable):
            current_user.get_id()
        assert current_user.is_anonymous

    client = logged_in_without(app, store)
    for page in ("/guarded", "/safe"):
        response = client.get(page)
        assert response.status_code == 503
        assert response.text != "come in"


def logged_in_without(app: Flask, store: WatchedStore) -> FlaskClient:
    """Return a client with a login whose store is down from here on."""
    client = app.test_client()
    with client.session_transaction() as sess:
        sess["_user_id"] = "alice"
        sess["_login"] = "handle.secret.1"
    store.down = True
    return client


@pytest.mark.parametrize("name", ["default", "staff"])
def test_an_error_page_that_greets_the_user_still_renders(
    store: WatchedStore, clock: FrozenClock, name: str
) -> None:
    app = Flask(__name__)
    app.secret_key = KEY
    manager: LoginManager[Any] = LoginManager(
        app, name=None if name == "default" else name, session_store=store, clock=clock
    )
    manager.user_loader(Member)
    app.add_url_rule("/me", view_func=lambda: str(manager.current_user.get_id()), endpoint="me")

    @app.errorhandler(503)
    def unavailable(error: SessionStoreUnavailable) -> tuple[str, int]:
        user: Any = manager.current_user
        greeting = "stranger" if user.is_anonymous else user.get_id()
        return f"{error.store} is away, {greeting}, {manager.get_current_login()}", 503

    client = app.test_client()
    with client.session_transaction() as sess:
        sess[manager.keys.user_id] = "alice"
        sess[manager.keys.login] = "handle.secret.1"
    store.down = True
    response = client.get("/me")
    assert (response.status_code, response.text) == (503, "memory is away, stranger, None")


# What is told


def test_a_login_s_begin_and_end_are_announced_with_the_record_and_the_reason(
    app: Flask,
) -> None:
    seen: list[tuple[str, Any, dict[str, Any]]] = []

    def started(sender: Any, **arguments: Any) -> None:
        seen.append(("started", sender, arguments))

    def ended(sender: Any, **arguments: Any) -> None:
        seen.append(("ended", sender, arguments))

    with login_session_started.connected_to(started), login_session_ended.connected_to(ended):
        client = logged_in(app)
        client.get("/me")
        client.get("/logout")
        client.get("/logout")
    assert [(kind, sender) for kind, sender, _ in seen] == [("started", app), ("ended", app)]
    assert seen[0][2]["login"].user_id == "alice"
    assert seen[1][2]["reason"] == seen[1][2]["login"].ended_reason == records.LOGOUT


def test_every_event_is_logged_with_its_facts_and_without_a_secret(
    app: Flask,
    clock: FrozenClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "new_secret", lambda: "canary-secret")
    caplog.set_level(logging.DEBUG)
    client = logged_in(app, "/login/alice?remember")
    handle = client.get("/id").text
    stolen = {"remember_token": cookies_of(client)["remember_token"]}
    clock.advance(HOUR)
    who(close(client))
    who(client)
    clock.advance(HOUR)
    who(browser_with(app, stolen))
    audit = [record for record in caplog.records if record.name == "flask_login.audit"]
    facts = [
        {key: vars(record)[key] for key in ("event", "user_id", "login_id", "ip", "reason")}
        for record in audit
    ]
    same = {"user_id": "alice", "login_id": handle, "ip": "127.0.0.1"}
    assert facts == [
        {**same, "event": "login_session_started", "reason": None},
        {**same, "event": "login_session_ended", "reason": records.TOKEN_REUSED},
        {**same, "event": "remember_token_reused", "reason": records.TOKEN_REUSED},
    ]
    assert all(record.levelno == logging.INFO for record in audit)
    for record in caplog.records:
        told = f"{record.getMessage()} {vars(record)}"
        assert "canary" not in told
        assert records.hash_secret("canary-secret") not in told


def test_no_repr_shows_a_secret(app: Flask, login_manager: LoginManager[Any]) -> None:
    assert "canary" not in repr(Credential("handle", "canary", 1))
    client = logged_in(app)
    with client:
        client.get("/me")
        presented = visit_of(login_manager._realm).stored
        assert presented is not None
        assert presented.secret not in repr(presented)
        assert presented.secret not in repr(login_manager.get_current_login())


def test_a_login_knows_where_it_came_from(app: Flask, store: WatchedStore) -> None:
    app.test_client().get("/login/alice", headers={"User-Agent": "Browser " * 100})
    app.test_client().get("/login/alice", headers={"User-Agent": ""})
    one, two = store.everything()
    assert (one.ip_address, one.user_agent) == ("127.0.0.1", ("Browser " * 100)[:512])
    assert two.user_agent is None


# Realms


def test_realms_with_stores_of_their_own_do_not_know_each_other_s_logins(
    app: Flask, users: dict[str, Any], clock: FrozenClock, login_manager: LoginManager[Any]
) -> None:
    staff: LoginManager[Any] = LoginManager(
        app, name="staff", session_store=MemorySessionStore(), clock=clock
    )
    staff.user_loader(lambda user_id: users.get(user_id))
    app.add_url_rule(
        "/staff/login",
        view_func=lambda: str(staff.login_user(users["bob"], remember=True)),
        endpoint="staff_login",
    )
    app.add_url_rule(
        "/staff/me",
        view_func=lambda: staff.current_user.get_id() or "nobody",
        endpoint="staff_me",
    )
    client = logged_in(app, "/login/alice?remember")
    client.get("/staff/login")
    assert [who(client), client.get("/staff/me").text] == ["alice", "bob"]
    with app.app_context():
        assert login_manager.sessions.list("bob") == []
        assert len(staff.sessions.list("bob")) == 1
        assert login_manager.sessions.revoke_all("alice") == 1
    assert [who(client), client.get("/staff/me").text] == ["nobody", "bob"]
    token = client.get_cookie("remember_token_staff")
    assert token is not None
    crossed = browser_with(app, {"remember_token": token.value})
    assert who(crossed) == "nobody", "a token of one realm is junk in the other"


# Keys and leaks


def test_logins_and_remember_tokens_outlive_a_rotation_of_the_keys(
    app: Flask, clock: FrozenClock
) -> None:
    here, closed = logged_in(app), close(logged_in(app, "/login/alice?remember"))
    app.config.update(SECRET_KEY="a newer key of thirty-two bytes!", SECRET_KEY_FALLBACKS=[KEY])
    clock.advance(HOUR)
    # Flask itself reads the sessions of former keys from 3.1 on.
    kept = "SECRET_KEY_FALLBACKS" in Flask.default_config
    assert [who(here), who(closed)] == ["alice" if kept else "nobody", "alice"]
    app.config["SECRET_KEY_FALLBACKS"] = []
    assert who(close(closed)) == "alice", "its successor is signed with the newer key"


@pytest.mark.parametrize("secret", ["", "guessed", "hash"])
def test_who_has_the_key_and_knows_a_handle_but_no_secret_is_nobody(
    app: Flask, store: WatchedStore, secret: str
) -> None:
    app.config["REMEMBER_COOKIE_ACCEPT_LEGACY"] = False
    handle = logged_in(app, "/login/alice?remember").get("/id").text
    if secret == "hash":
        secret = store.everything()[0].secret_hash  # the store leaked too, but no browser did
    forger = app.test_client()
    text = Credential(handle, secret, 1).to_text()
    with forger.session_transaction() as sess:
        sess.update({"_user_id": "alice", "_fresh": True, "_login": text})
    with app.app_context():
        token = sign(text, "flask-login.stored-remember-token.default")
        signed = sign(["alice", 0, 2**40], "flask-login.remember-token.default")
        legacy = encode_cookie("alice")
    forgers = [forger] + [
        browser_with(app, {"remember_token": cookie}) for cookie in (token, signed, legacy)
    ]
    assert [who(client) for client in forgers] == ["nobody"] * 4
    assert [record.ended_reason for record in store.everything()] == [None]


def test_who_reads_the_store_but_has_no_key_is_nobody(app: Flask, store: WatchedStore) -> None:
    logged_in(app, "/login/alice?remember")
    (record,) = store.everything()
    elsewhere = Flask("elsewhere")
    elsewhere.secret_key = "the attacker's own key"
    LoginManager(elsewhere)
    text = Credential(record.id, record.secret_hash, record.generation).to_text()
    with elsewhere.test_request_context():
        session.update({"_user_id": "alice", "_login": text})
        serializer: Any = current_app.session_interface
        value = serializer.get_signing_serializer(elsewhere).dumps(dict(session))
        token = sign(text, "flask-login.stored-remember-token.default")
    store.calls.clear()
    assert who(browser_with(app, {"session": value, "remember_token": token})) == "nobody"
    assert store.calls == []


def test_a_secret_is_not_in_the_store(app: Flask, store: WatchedStore) -> None:
    client = logged_in(app)
    with client.session_transaction() as sess:
        credential = Credential.from_text(sess["_login"])
    assert credential is not None
    assert credential.secret not in repr(store.everything())


# Async views, and the rest


def test_async_views_and_loaders_know_the_stored_login(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any], clock: FrozenClock
) -> None:
    pytest.importorskip("asgiref", reason="async views and loaders need Flask[async]")

    @login_manager.user_loader
    async def load(user_id: str) -> Any:
        return users.get(user_id)

    @app.get("/async")
    @no_activity
    @login_required
    async def view() -> str:
        return f"{current_user.get_id()} {current_login.id}"

    client = logged_in(app, "/login/alice?remember")
    handle = client.get("/id").text
    assert client.get("/async").text == f"alice {handle}"
    clock.advance(HOUR)
    assert close(client).get("/async").text == f"alice {handle}"


def test_a_forced_login_of_a_suspended_user_goes_on(app: Flask, users: dict[str, Any]) -> None:
    users["alice"].active = False

    @app.get("/forced")
    def forced() -> str:
        return str(login_user(users["alice"], force=True))

    client = logged_in(app, "/forced")
    assert who(client) == "alice"
    users["alice"].active = True
    assert who(client) == "alice"
    users["alice"].active = False
    assert who(client) == "nobody", "the next ban counts"


def test_a_session_that_names_another_user_than_its_login_is_not_that_user_s(
    app: Flask,
) -> None:
    client = logged_in(app)
    with client.session_transaction() as sess:
        sess["_user_id"] = "bob"
    with client:
        assert who(client) in ("alice", "bob")
        assert current_user.get_id() == session["_user_id"], "one request, one answer"


@pytest.mark.parametrize(("setting", "warnings"), [("TESTING", 0), ("DEBUG", 0), (None, 1)])
def test_a_memory_store_in_production_is_logged_with_the_cure(
    caplog: pytest.LogCaptureFixture, setting: str | None, warnings: int
) -> None:
    app = Flask("shop")
    if setting:
        app.config[setting] = True
    LoginManager(app, session_store=MemorySessionStore())
    found = [record for record in caplog.records if "memory of one process" in record.getMessage()]
    assert len(found) == warnings
    for record in found:
        assert "'shop'" in record.getMessage()
        assert "RedisSessionStore" in record.getMessage()


def test_no_activity_marks_the_view_and_returns_it() -> None:
    def view() -> str:
        return ""

    assert no_activity(view) is view


def test_the_clock_of_the_manager_is_the_clock_of_its_logins(
    app: Flask, clock: FrozenClock, store: WatchedStore
) -> None:
    clock.advance(DAY)
    now: datetime = clock()
    logged_in(app)
    assert store.everything()[0].created_at == now


@pytest.mark.parametrize("kept", ["session", "remember_token"])
def test_a_page_of_the_failure_that_loads_the_user_again_fails_no_second_time(
    app: Flask, login_manager: LoginManager[Any], store: WatchedStore, kept: str
) -> None:
    @app.errorhandler(SessionStoreUnavailable)
    def sorry(_: Exception) -> tuple[str, int]:
        login_manager._load_user()
        return current_user.get_id() or "nobody", 503

    client = logged_in(app, "/login/alice?remember")
    before = cookies_of(client)
    client = browser_with(app, {kept: before[kept]})
    store.down = True
    response = client.get("/me")
    assert (response.status_code, response.text) == (503, "nobody")
    store.down = False
    assert who(client) == "alice", "nothing was touched"


def test_what_is_no_cookie_of_ours_is_answered_while_the_store_is_silent(
    app: Flask, login_manager: LoginManager[Any], clock: FrozenClock
) -> None:
    client = logged_in(app, "/login/alice?remember")
    token = cookies_of(client)["remember_token"]
    assert login_manager._logins is not None
    login_manager._logins.asked._silent_until = float(
        "inf"
    )  # as after a question that took seconds
    for junk in ("junk", f"{token}x", "alice|0123"):
        assert who(browser_with(app, {"remember_token": junk})) == "nobody"
    assert browser_with(app, {"remember_token": token}).get("/me").status_code == 503
