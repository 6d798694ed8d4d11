"""One account by many names: a spelling the database takes for it, an address, a number."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

pytest.importorskip("limits", minversion="3.0")

from limits.storage import MemoryStorage
from werkzeug.local import LocalProxy
from werkzeug.test import TestResponse

from flask_login import InvalidUser, LoginManager, UserMixin, login_user, user_login_failed
from flask_login.testing import FrozenClock
from flask_login.throttling import LoginThrottle, ThrottleUnavailable, TooManyLoginAttempts

WINDOW = timedelta(minutes=15)


class Person(UserMixin):
    def __init__(self, user_id: int | None, password: str) -> None:
        self.id = user_id
        self.password = password


ANN, BEN = Person(1, "right"), Person(2, "right too")
NOBODY = Person(None, "nobody has this password")
NAMES = {"ann": ANN, "ann@example.com": ANN, "4711": ANN, "ben": BEN, "Ben": Person(3, "other")}


def look_up(name: str) -> Person | None:
    """Find an account as a database does that ignores what follows the name in brackets."""
    return NAMES.get(name.partition("(")[0])


MakeSite = Callable[..., "Site"]


class Site:
    """An application with one login form, and what its visitors send to it."""

    def __init__(self, clock: FrozenClock, throttle: LoginThrottle) -> None:
        self.checked = 0
        self.throttle = throttle
        self.app = Flask("shop")
        self.app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
        self.manager: LoginManager[Person] = LoginManager(self.app, clock=clock)
        self.manager.user_loader(lambda user_id: None)
        self.app.add_url_rule("/login", view_func=self.view, methods=["POST"])

    def view(self) -> Any:
        name = request.form["name"]
        with self.throttle.attempt(name) as attempt:
            user = look_up(name)
            attempt.found(user)
            return self.check(attempt, user)

    def check(self, attempt: Any, user: Person | None) -> tuple[str, int]:
        self.checked += 1
        if request.form["password"] == (user or NOBODY).password and user is not None:
            attempt.succeeded()
            login_user(user)
            return "Welcome.", 200
        return "Wrong name or password.", 401

    def send(
        self,
        name: str,
        password: str = "wrong",
        *,
        browser: FlaskClient | None = None,
        address: str = "192.0.2.1",
        path: str = "/login",
    ) -> TestResponse:
        return (browser or self.app.test_client()).post(
            path,
            data={"name": name, "password": password},
            environ_overrides={"REMOTE_ADDR": address},
        )

    def statuses(self, *names: str, **arguments: Any) -> list[int]:
        return [self.send(name, **arguments).status_code for name in names]


@pytest.fixture
def make_site(clock: FrozenClock) -> MakeSite:
    def make(**limits: Any) -> Site:
        settings = {"per_account": "3 per 15 minutes", "per_address": None, **limits}
        return Site(clock, LoginThrottle(**settings))

    return make


def spellings(number: int) -> Iterator[str]:
    return (f"ann({n}" for n in range(number))


def test_attack_no_end_of_spellings_gets_no_more_guesses_than_one(make_site: MakeSite) -> None:
    site = make_site(per_account="3 per 90 days")
    assert site.statuses(*spellings(1000)) == [401] * 3 + [429] * 997
    assert site.checked == 3, "what is refused is refused before the password is looked at"
    assert site.send("ann(another", "right").status_code == 429


@pytest.mark.parametrize("names", [["ann", "ann@example.com", "4711"], ["4711", "ann(", "ann"]])
def test_attack_an_account_has_one_count_by_whatever_it_is_found(
    make_site: MakeSite, names: list[str]
) -> None:
    site = make_site()
    assert site.statuses(*names) == [401] * 3
    assert site.statuses("ann(x", "ann@example.com") == [429] * 2


def test_attack_after_one_spelling_is_used_up_another_gets_nothing(make_site: MakeSite) -> None:
    site = make_site()
    assert site.statuses(*["ann"] * 4, *["ann(x"] * 50) == [401] * 3 + [429] * 51
    assert site.checked == 3


def test_attack_refused_spellings_open_nothing_later(
    make_site: MakeSite, clock: FrozenClock
) -> None:
    site = make_site()
    for _ in range(20):
        guesses = site.statuses(*spellings(40), *["ann(x"] * 10, *["ann"] * 10).count(401)
        # A name that nobody tried in this window of the account's has its own window.
        assert guesses <= 3 + 3
        clock.advance(timedelta(minutes=1))
    assert site.checked <= 3 * 6


def test_what_was_typed_is_counted_as_well(make_site: MakeSite) -> None:
    site = make_site()
    assert site.statuses(*["nobody"] * 4) == [401] * 3 + [429]
    NAMES["nobody"] = BEN
    try:
        assert site.statuses("nobody") == [429], "whoever it belongs to by now"
    finally:
        del NAMES["nobody"]


def test_two_accounts_of_like_names_count_apart_by_their_ids(make_site: MakeSite) -> None:
    site = make_site(normalize=str)
    assert site.statuses(*["ben"] * 4) == [401] * 3 + [429]
    assert site.statuses("Ben") == [401]


def test_an_unknown_account_looks_the_same_at_every_moment() -> None:
    def seen(name: str) -> list[Any]:
        # Waits depend on the name as it is counted, so here it is one and the same.
        limits, clock = "3 per 15 minutes; 20 per day", FrozenClock()
        site = Site(clock, LoginThrottle(per_account=limits, normalize=lambda name: "one"))
        got = []
        for _ in range(60):
            for _ in range(2):
                answer = site.send(name)
                wait = answer.headers.get("Retry-After")
                got.append((answer.status_code, wait, sorted(answer.headers.keys())))
            clock.advance(timedelta(minutes=1))
        return got

    known = seen("ann")
    assert known == seen("nobody")
    assert {status for status, *_ in known} == {401, 429}


def test_an_unknown_account_leaves_as_many_traces_in_the_storage(make_site: MakeSite) -> None:
    def work(name: str) -> list[str]:
        done: list[str] = []

        class Watched(MemoryStorage):
            STORAGE_SCHEME = ["watched"]  # noqa: RUF012  # as the library has it

            def get(self, key: str) -> int:
                done.append("get")
                return super().get(key)

            def incr(self, *args: Any, **kwargs: Any) -> int:
                done.append("incr")
                return super().incr(*args, **kwargs)

        site = make_site(storage=Watched(), per_address="100 per hour")
        site.statuses(*[name] * 5)
        return done

    assert work("ann") == work("nobody")


@pytest.mark.parametrize("unknown", [None, NOBODY])
def test_unknown_names_do_not_share_a_count(make_site: MakeSite, unknown: Person | None) -> None:
    site = make_site()
    site.app.add_url_rule("/other", view_func=lambda: guess(site, unknown), methods=["POST"])
    assert site.statuses(*[f"user {n}" for n in range(20)], path="/other") == [401] * 20


def guess(site: Site, user: Any) -> tuple[str, int]:
    with site.throttle.attempt(request.form["name"]) as attempt:
        attempt.found(user)
    return "", 401


# The owner


def test_a_refused_attempt_counts_nowhere(make_site: MakeSite, clock: FrozenClock) -> None:
    site = make_site(per_address="20 per day")
    for name in ("ann(1", "ann(2", "ann(3"):
        site.send(name, address="198.51.100.1")
    first = site.send("ann")
    assert first.status_code == 429
    assert set(site.statuses(*["ann"] * 30)) == {429}
    clock.advance(timedelta(seconds=int(first.headers["Retry-After"]) - 1))
    assert site.send("ann", "right").status_code == 429
    clock.advance(timedelta(seconds=1))
    assert site.send("ann", "right").status_code == 200


def test_a_wait_that_was_told_is_the_whole_wait_of_who_tried_one_name(
    make_site: MakeSite, clock: FrozenClock
) -> None:
    site = make_site()
    for _ in range(10):
        clock.advance(timedelta(minutes=4))
        site.statuses(*["ann"] * 3)
        wait = int(site.send("ann").headers["Retry-After"])
        clock.advance(timedelta(seconds=wait))
        assert site.send("ann").status_code == 401


def test_a_login_clears_the_count_of_the_account_by_whatever_name(make_site: MakeSite) -> None:
    site = make_site()
    for number in range(5):
        assert site.statuses(f"ann({number}", f"ann( {number}") == [401, 401]
        assert site.send("ann", "right").status_code == 200
    site = make_site(per_account="6 per 15 minutes")
    site.statuses(*["ann@example.com"] * 5)
    site.send("ann", "right")
    # The address itself was tried by a stranger, for all that is known.
    assert site.statuses(*["ann@example.com"] * 2) == [401, 429]


def test_attack_nobody_can_lock_an_owner_out_of_a_known_browser_by_other_names(
    make_site: MakeSite,
) -> None:
    site = make_site()
    home = site.app.test_client()
    assert site.send("ann", "right", browser=home).status_code == 200
    site.statuses(*spellings(50), *["ann@example.com"] * 10, *["ann"] * 10)
    assert site.send("ann", "right").status_code == 429
    assert site.send("ann", browser=home).status_code == 401
    assert site.send("ann", "right", browser=home).status_code == 200
    # That login opens the account for other browsers too.
    assert site.send("4711", "right").status_code == 200


def test_attack_a_known_browser_has_its_limit_and_uses_up_nobody_else_s(
    make_site: MakeSite,
) -> None:
    site = make_site(per_device="4 per hour")
    home = site.app.test_client()
    site.send("ann", "right", browser=home)
    assert site.statuses(*["ann"] * 6, browser=home) == [401] * 4 + [429] * 2
    assert site.statuses("ann(1", "ann(2", "ann(3", "ann(4") == [401] * 3 + [429]


def test_attack_cookies_hoarded_under_many_names_are_worth_three_browsers(
    make_site: MakeSite, clock: FrozenClock
) -> None:
    site = make_site(per_device="2 per hour", per_account="1 per hour", per_address="50 per hour")
    hoard = []
    for name in spellings(20):
        browser = site.app.test_client()
        assert site.send(name, "right", browser=browser).status_code == 200
        hoard.append((name, browser))
        clock.advance(timedelta(hours=2))
    site.checked = 0
    for name, browser in hoard:
        site.statuses(*[name] * 3, browser=browser)
    assert site.checked == 3 * 2 + 1, "and then what any stranger may"


def test_who_was_unlocked_is_unlocked_by_id_too(make_site: MakeSite) -> None:
    site = make_site()
    site.statuses(*spellings(10))
    with site.app.app_context():
        site.throttle.unlock("ann")
    assert site.send("ann", "right").status_code == 429
    with site.app.app_context():
        site.throttle.unlock("ann", user=ANN)
    assert site.send("ann", "right").status_code == 200


def test_attack_refused_attempts_are_not_given_back_twice_by_a_login(make_site: MakeSite) -> None:
    site = make_site(per_account="6 per 15 minutes", normalize=lambda name: name.partition("(")[0])
    site.statuses("ann@example.com", "4711", "4711", "4711", "4711", "4711")
    site.statuses(*["ann"] * 20)  # refused by the account, whose other names were tried
    with site.app.app_context():
        site.throttle.unlock("nobody", user=ANN)
    assert site.statuses("ann(x", "ann(x", "ann(x") == [401] * 3
    site.send("ann", "right")
    # What "ann(x" tried stays counted for the name, and no more than the login is given back.
    assert site.statuses(*["ann"] * 5) == [401] * 3 + [429] * 2


def test_a_login_between_gives_a_refused_attempt_back_once(make_site: MakeSite) -> None:
    site = make_site(per_account="2 per 15 minutes")
    with site.app.test_request_context():
        site.statuses("4711", "ann@example.com")
        late = site.throttle.attempt("ann")
        site.throttle.attempt("ann").succeeded()  # as another user, or by a view without found()
        with pytest.raises(TooManyLoginAttempts):
            late.found(ANN)
    with site.app.app_context():
        site.throttle.unlock("nobody", user=ANN)
    assert site.statuses("ann", "ann", "ann") == [401, 401, 429]


# How it is called


def test_an_account_is_counted_once_however_often_it_is_found(make_site: MakeSite) -> None:
    site = make_site()

    @site.app.post("/twice")
    def twice() -> tuple[str, int]:
        name = request.form["name"]
        with site.throttle.attempt(name) as attempt:
            attempt.found(None)  # by its address
            for _ in range(5):
                attempt.found(look_up(name))
            return site.check(attempt, look_up(name))

    assert site.statuses(*spellings(4), path="/twice") == [401] * 3 + [429]


def test_another_account_takes_the_place_of_the_first(make_site: MakeSite) -> None:
    site = make_site()

    @site.app.post("/moved")
    def moved() -> tuple[str, int]:
        with site.throttle.attempt(request.form["name"]) as attempt:
            attempt.found(ANN)
            attempt.found(BEN)
            return site.check(attempt, BEN)

    assert site.statuses("a", "b", "c", "d", path="/moved") == [401] * 3 + [429]
    assert site.statuses("ann", "ann@example.com", "4711") == [401] * 3, "not Ann's"


def test_attack_a_second_look_up_that_finds_nobody_gives_no_attempt_back(
    make_site: MakeSite,
) -> None:
    site = make_site()

    @site.app.post("/either")
    def either() -> tuple[str, int]:
        with site.throttle.attempt(request.form["name"]) as attempt:
            by_name, by_address = look_up(request.form["name"]), None
            attempt.found(by_name)
            attempt.found(by_address)
            return site.check(attempt, by_name or by_address)

    assert site.statuses(*spellings(9), path="/either") == [401] * 3 + [429] * 6
    assert site.checked == 3


@pytest.mark.parametrize("found", ["ann", 1, b"1"])
def test_what_is_no_user_is_named_where_it_was_found(make_site: MakeSite, found: Any) -> None:
    site = make_site()
    with site.app.test_request_context("/"), pytest.raises(InvalidUser, match="get_id"):
        site.throttle.attempt("ann").found(found)


def test_attack_what_was_refused_once_is_refused_again(make_site: MakeSite) -> None:
    site = make_site()

    @site.app.post("/stubborn")
    def stubborn() -> tuple[str, int]:
        with site.throttle.attempt(request.form["name"]) as attempt:
            try:
                attempt.found(ANN)
            except TooManyLoginAttempts:
                attempt.found(ANN)
            return site.check(attempt, ANN)

    assert site.statuses(*spellings(6), path="/stubborn") == [401] * 3 + [429] * 3
    assert site.checked == 3


def test_who_wants_to_tell_nothing_answers_a_refusal_like_a_wrong_password(
    make_site: MakeSite,
) -> None:
    site = make_site()

    @site.app.post("/silent")
    def silent() -> tuple[str, int]:
        with site.throttle.attempt(request.form["name"]) as attempt:
            user = look_up(request.form["name"])
            try:
                attempt.found(user)
            except TooManyLoginAttempts:
                user = None
            return site.check(attempt, user)

    assert site.statuses(*spellings(8), path="/silent") == [401] * 8
    answer = site.send("ann", "right", path="/silent")
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (401, [])


def test_a_refusal_is_in_the_audit_log_once_and_tells_nobody_of_a_failed_login(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "flask_login.audit")
    site, told = make_site(), []

    def tell(sender: Any, identity: str, **rest: Any) -> None:
        told.append(identity)

    with user_login_failed.connected_to(tell):
        site.statuses(*spellings(5))
    assert told == ["ann(0", "ann(1", "ann(2"]
    lines = [vars(record) for record in caplog.records]
    refused = [line for line in lines if line["event"] == "login_throttled"]
    assert [line["reason"] for line in refused] == ["account"] * 2
    assert refused[0]["account"] == refused[1]["account"], "one account, by whatever name"
    assert "ann" not in refused[0]["account"]


@pytest.mark.parametrize("judge", ["succeeded", "failed"])
def test_after_the_check_it_is_too_late_to_tell_whose_account_it_is(
    make_site: MakeSite, judge: str
) -> None:
    site = make_site()
    with site.app.test_request_context():
        attempt = site.throttle.attempt("ann")
        getattr(attempt, judge)()
        with pytest.raises(RuntimeError, match="before the check"):
            attempt.found(ANN)


def test_a_user_who_was_not_awaited_is_no_account(make_site: MakeSite) -> None:
    site = make_site()

    async def load() -> Person:
        return ANN

    with site.app.test_request_context():
        forgotten = load()
        with pytest.raises(AttributeError, match="get_id"):
            site.throttle.attempt("ann").found(forgotten)
        forgotten.close()


def test_the_id_is_the_one_that_logins_are_kept_by(make_site: MakeSite) -> None:
    site = make_site()
    site.manager.id_attribute = "account_number"

    class Other:
        def account_number(self) -> int:
            return 1

    for path, user in (("/own", Other()), ("/proxied", LocalProxy(Other))):
        site.app.post(path, endpoint=path)(lambda user=user: guess(site, user))
    assert site.statuses("a", "b", path="/own") == [401] * 2
    assert site.statuses("c", "d", path="/proxied") == [401, 429]


def test_a_view_that_breaks_has_counted(make_site: MakeSite) -> None:
    site = make_site()

    def break_down(name: str) -> None:
        with site.throttle.attempt(name) as attempt:
            attempt.found(ANN)
            raise ZeroDivisionError

    def break_after_the_login() -> None:
        with site.throttle.attempt("ann") as attempt:
            attempt.succeeded()
            raise ZeroDivisionError

    with site.app.test_request_context():
        for name in spellings(3):
            with pytest.raises(ZeroDivisionError):
                break_down(name)
        with pytest.raises(TooManyLoginAttempts):
            break_down("ann")
        site.throttle.unlock("ann", user=ANN)
        attempt = site.throttle.attempt("ann")
        attempt.found(ANN)
        attempt.succeeded()
        with pytest.raises(ZeroDivisionError):
            break_after_the_login()


def test_an_async_view_finds_the_account_by_await(make_site: MakeSite) -> None:
    pytest.importorskip("asgiref")
    site = make_site()

    class Late(UserMixin):
        async def get_id(self) -> str:  # type: ignore[override]
            await asyncio.sleep(0)
            return "1"

    async def find() -> Late:
        await asyncio.sleep(0)
        return Late()

    @site.app.post("/async")
    async def login() -> tuple[str, int]:
        with site.throttle.attempt(request.form["name"]) as attempt:
            attempt.found(await find())
            return site.check(attempt, None)

    assert site.statuses(*spellings(3), path="/async") == [401] * 3
    assert site.statuses("ann(x", path="/async") == [429]
    assert site.statuses("ann@example.com") == [429], "the same account, by a view that is not"


def test_realms_have_accounts_of_their_own(make_site: MakeSite, clock: FrozenClock) -> None:
    storage = MemoryStorage()
    site = make_site(storage=storage)
    staff: LoginManager[Any] = LoginManager(site.app, name="staff", clock=clock)
    throttle = LoginThrottle(per_account="3 per hour", storage=storage, login_manager=staff)
    site.statuses(*spellings(5))
    with site.app.test_request_context():
        throttle.attempt("ann").found(ANN)


# Outages


class CapriciousStorage(MemoryStorage):
    STORAGE_SCHEME = ["moody"]  # noqa: RUF012  # as the library has it
    down = False

    def incr(self, *args: Any, **kwargs: Any) -> int:
        if self.down:
            raise TimeoutError("canary")
        return super().incr(*args, **kwargs)


def test_while_the_storage_is_silent_an_attempt_waits_for_it_once(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    storage = CapriciousStorage()
    site = make_site(storage=storage)
    storage.down = True
    assert site.send("ann", "right").status_code == 200
    assert site.send("ann").status_code == 401
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2, "one for each attempt"


@pytest.mark.parametrize("on_outage", ["allow", "refuse"])
def test_a_storage_that_falls_silent_between_name_and_account(
    make_site: MakeSite, on_outage: str, caplog: pytest.LogCaptureFixture
) -> None:
    storage = CapriciousStorage()
    site = make_site(storage=storage, on_outage=on_outage)
    with site.app.test_request_context():
        attempt = site.throttle.attempt("ann")
        storage.down = True
        if on_outage == "allow":
            attempt.found(ANN)
            attempt.succeeded()
        else:
            for _ in range(2):
                with pytest.raises(ThrottleUnavailable):
                    attempt.found(ANN)
            attempt.failed()
    assert caplog.text.count("TimeoutError") == 1
    assert "canary" not in caplog.text
