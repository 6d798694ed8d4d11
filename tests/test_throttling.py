"""Attacks on the login form, and what must not happen to the people who own the accounts."""

from __future__ import annotations

import importlib
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, jsonify, request
from flask.testing import FlaskClient

pytest.importorskip("limits", minversion="3.0")

from limits.storage import MemoryStorage
from werkzeug.exceptions import TooManyRequests
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import TestResponse

from flask_login import ConfigurationError, LoginManager, UserMixin, login_user
from flask_login.budgets import Counters
from flask_login.testing import FrozenClock
from flask_login.throttling import LoginThrottle, ThrottleUnavailable, TooManyLoginAttempts

MINUTE = timedelta(minutes=1)
WINDOW = 15 * MINUTE
DAY = timedelta(days=1)

PASSWORDS = {"alice": "right", "bob": "right too", "Alice": "of another person", "josé": "ñ"}


class Person(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


MakeApp = Callable[..., Flask]


@pytest.fixture
def make_throttled(clock: FrozenClock) -> MakeApp:
    """Return a function that makes apps with one login form, for a throttle of these limits.

    The name and the password are compared exactly.
    """

    def make(throttle: LoginThrottle | None = None, **limits: Any) -> Flask:
        app = Flask("shop")
        app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
        manager: LoginManager[Person] = LoginManager(app, clock=clock)
        manager.user_loader(Person)
        use = throttle or LoginThrottle(**{"per_account": "3 per 15 minutes", **limits})

        @app.post("/login")
        def login() -> str | tuple[str, int]:
            name = request.form.get("name")
            with use.attempt(name) as attempt:
                if name is not None and PASSWORDS.get(name) == request.form.get("password"):
                    attempt.succeeded()
                    login_user(Person(name))
                    return "welcome"
            return "Wrong name or password.", 401

        return app

    return make


def try_login(
    client: FlaskClient | Flask,
    name: str,
    password: str = "wrong",
    address: str = "192.0.2.1",
    **arguments: Any,
) -> TestResponse:
    """Try once; with an app instead of a client it is a browser that has never been here."""
    browser = client.test_client() if isinstance(client, Flask) else client
    return browser.post(
        "/login",
        data={"name": name, "password": password},
        environ_overrides={"REMOTE_ADDR": address},
        **arguments,
    )


def statuses(times: int, client: FlaskClient | Flask, name: str, *args: Any) -> list[int]:
    return [try_login(client, name, *args).status_code for _ in range(times)]


# What everybody gets


def test_over_the_limit_the_right_password_is_refused_like_a_wrong_one(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled()
    assert statuses(4, app, "alice") == [401, 401, 401, 429]
    assert try_login(app, "alice", "right").status_code == 429


def test_after_the_window_there_are_new_attempts(
    make_throttled: MakeApp, clock: FrozenClock
) -> None:
    app = make_throttled()
    assert statuses(4, app, "alice")[3] == 429
    wait = int(try_login(app, "alice").headers["Retry-After"])
    assert 1 <= wait <= 900
    clock.advance(timedelta(seconds=wait - 1))
    assert try_login(app, "alice").status_code == 429
    clock.advance(timedelta(seconds=1))
    assert statuses(4, app, "alice") == [401, 401, 401, 429]


def test_going_on_trying_does_not_prolong_the_wait(
    make_throttled: MakeApp, clock: FrozenClock
) -> None:
    app = make_throttled()
    waits = [try_login(app, "alice").headers.get("Retry-After") for _ in range(10)]
    assert waits[:3] == [None] * 3
    assert len(set(waits[3:])) == 1
    clock.advance(WINDOW)
    assert try_login(app, "alice", "right").status_code == 200


def test_windows_of_different_accounts_end_at_different_moments(make_throttled: MakeApp) -> None:
    app = make_throttled(per_account="1 per hour")
    waits = set()
    for number in range(20):
        try_login(app, f"user {number}")
        waits.add(try_login(app, f"user {number}").headers["Retry-After"])
    assert len(waits) > 10


def test_of_several_limits_the_shortest_refuses_first_and_the_longest_in_the_end(
    make_throttled: MakeApp, clock: FrozenClock
) -> None:
    app = make_throttled(per_account="5 per day; 2 per 15 minutes; 2 per 15 minutes")
    for _ in range(2):
        assert statuses(3, app, "alice") == [401, 401, 429]
        clock.advance(WINDOW)
    assert statuses(5, app, "alice") == [401] + [429] * 4
    assert int(try_login(app, "alice").headers["Retry-After"]) > 900


def test_a_person_gets_a_page_and_a_program_a_problem_document(make_throttled: MakeApp) -> None:
    app = make_throttled()
    statuses(3, app, "alice")
    page = try_login(app, "alice", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (429, "text/html")
    assert "Too many login attempts. Try again in " in page.text
    wait = int(page.headers["Retry-After"])
    answer = try_login(app, "alice", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (429, "application/problem+json")
    assert answer.headers["Retry-After"] == str(wait)
    assert answer.get_json(force=True) == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": f"Too many login attempts. Try again in {-(-wait // 60)} minutes.",
        "reason": "too_many_attempts",
        "retry_after": wait,
    }
    htmx = try_login(app, "alice", headers={"HX-Request": "true", "Sec-Fetch-Mode": "cors"})
    assert (htmx.status_code, htmx.mimetype) == (429, "text/html")


def test_a_caller_of_a_blueprint_without_pages_gets_a_problem_document(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled()
    api, throttle = Blueprint("api", __name__), LoginThrottle(per_account="1 per day")

    @api.post("/token")
    def token() -> str:
        with throttle.attempt("alice"):
            return ""

    app.register_blueprint(api)
    app.login_manager.set_login_view(None, blueprint=api)  # type: ignore[attr-defined]
    client = app.test_client()
    answers = [client.post("/token"), client.post("/token")]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].mimetype == "application/problem+json"


def test_an_application_answers_in_its_own_words(make_throttled: MakeApp) -> None:
    app = make_throttled(per_address=None)

    @app.errorhandler(TooManyLoginAttempts)
    def too_many(error: TooManyLoginAttempts) -> Response:
        response = jsonify(wait=error.retry_after, reason=error.reason, scope=error.scope)
        response.status_code = 429
        return response

    statuses(3, app, "alice")
    for accept in ("text/html", "application/json"):
        answer = try_login(app, "alice", headers={"Accept": accept})
        told = answer.get_json()
        assert 1 <= told.pop("wait") <= 900
        assert told == {"reason": "too_many_attempts", "scope": "account"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "in a second"),
        (60, "in 60 seconds"),
        (61, "in 2 minutes"),
        (3600, "in 60 minutes"),
        (3601, "in 2 hours"),
        (86_399, "in 24 hours"),
        (86_400, "later"),
    ],
)
def test_the_page_says_how_long_to_wait(seconds: int, words: str) -> None:
    error = TooManyLoginAttempts(seconds, "account")
    assert error.description == f"Too many login attempts. Try again {words}."
    assert isinstance(error, TooManyRequests)
    assert str(error) == (
        f"Too many login attempts (account): the next ones are refused for {seconds} s."
    )


# Attacks


def test_attack_guessing_one_account_from_many_addresses(make_throttled: MakeApp) -> None:
    app = make_throttled()
    got = [try_login(app, "alice", address=f"198.51.100.{n}").status_code for n in range(50)]
    assert got == [401] * 3 + [429] * 47


def test_attack_spraying_one_password_over_many_accounts_from_one_address(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled(per_address="5 per hour")
    got = [try_login(app, f"user{n}").status_code for n in range(20)]
    assert got == [401] * 5 + [429] * 15
    assert try_login(app, "alice", "right", "198.51.100.7").status_code == 200


def test_attack_logging_in_to_an_own_account_does_not_clear_the_address(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled(per_address="5 per hour")
    guesses = 0
    for number in range(20):
        guesses += try_login(app, f"user{number}").status_code == 401
        try_login(app, "bob", "right too")
    assert guesses == 5


def test_many_people_who_share_an_address_may_log_in(make_throttled: MakeApp) -> None:
    app = make_throttled(per_address="5 per hour", per_account="3 per 15 minutes")
    assert {try_login(app, "alice", "right").status_code for _ in range(20)} == {200}


def test_an_address_over_its_limit_does_not_use_up_an_account(make_throttled: MakeApp) -> None:
    app = make_throttled(per_address="1 per hour", per_account="2 per hour")
    assert statuses(20, app, "alice") == [401] + [429] * 19
    assert try_login(app, "alice", address="198.51.100.7").status_code == 401


def test_attack_a_forged_x_forwarded_for_changes_nothing(make_throttled: MakeApp) -> None:
    app = make_throttled(per_address="3 per hour", per_account=None)
    got = []
    for number in range(6):
        forged = f"203.0.113.{number}"
        headers = {"X-Forwarded-For": forged, "X-Real-IP": forged, "Forwarded": f"for={forged}"}
        got.append(try_login(app, f"user{number}", headers=headers).status_code)
    assert got == [401] * 3 + [429] * 3


def test_behind_a_proxy_the_visitors_are_counted_and_not_the_proxy(make_throttled: MakeApp) -> None:
    app = make_throttled(per_address="1 per hour", per_account=None)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    for number in range(3):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        assert try_login(app, "alice", headers=headers).status_code == 401
        assert try_login(app, "alice", headers=headers).status_code == 429


def test_attack_the_addresses_of_one_ipv6_customer_are_one(make_throttled: MakeApp) -> None:
    app = make_throttled(per_address="3 per hour", per_account=None)
    got = [try_login(app, "alice", address=f"2001:db8:0:7::{n:x}").status_code for n in range(6)]
    assert got == [401] * 3 + [429] * 3
    assert try_login(app, "alice", address="2001:db8:0:8::1").status_code == 401


@pytest.mark.parametrize("missing", [None, ""])
def test_without_an_address_the_account_is_limited_all_the_same(
    make_throttled: MakeApp, caplog: pytest.LogCaptureFixture, missing: str | None
) -> None:
    app = make_throttled(per_address="1 per hour")
    got = [
        app.test_client()
        .post("/login", data={"name": "alice"}, environ_overrides={"REMOTE_ADDR": missing})
        .status_code
        for _ in range(5)
    ]
    assert got == [401] * 3 + [429] * 2
    warnings = [record for record in caplog.records if "no remote_addr" in record.message]
    assert len(warnings) == 1, "said once, not at every attempt"


def test_attack_the_throttle_tells_nobody_whether_an_account_exists(
    make_throttled: MakeApp,
) -> None:
    def seen(name: str) -> list[Any]:
        # The wait depends on the name, and on nothing else.
        app = make_throttled()
        answers = [try_login(app, name, headers={"Accept": "text/html"}) for _ in range(6)]
        return [
            (answer.status_code, sorted(answer.headers.keys()), "Set-Cookie" in answer.headers)
            for answer in answers
        ]

    assert seen("alice") == seen("nobody has this name")


@pytest.mark.parametrize(
    "spelling",
    [
        "ALICE",
        " alice\t",
        "alice\u00a0",
        "ａｌｉｃｅ",  # full width
        "al\u200bice",  # zero-width space
        "\ufeffalice",
        "alice\x00",
        "a\u0301lice",
        "álice",
        "𝐚𝐥𝐢𝐜𝐞",  # mathematical bold
        "al\u00adice",  # soft hyphen
        "al\u0131ce".replace("\u0131", "i\u0307"),  # i with a dot too many
    ],
)
def test_attack_another_spelling_of_a_name_gets_no_attempts_of_its_own(
    make_throttled: MakeApp, spelling: str
) -> None:
    app = make_throttled()
    statuses(3, app, "alice")
    assert try_login(app, spelling).status_code == 429


def test_attack_the_owner_of_a_like_name_cannot_clear_the_count_of_another_account(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled(per_account="5 per 15 minutes")
    guesses = 0
    for _ in range(20):
        guesses += try_login(app, "alice").status_code == 401
        try_login(app, "Alice", "of another person")
    assert guesses == 5


def test_attack_logins_to_a_like_name_at_once_give_nothing_back_twice(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled(per_account="40 per 15 minutes", per_address=None)
    statuses(8, app, "Alice")
    at_once(16, lambda: try_login(app, "Alice", "of another person").status_code)
    got = statuses(60, app, "alice")
    assert got.count(401) <= 40


def test_an_application_may_say_which_names_are_one(make_throttled: MakeApp) -> None:
    app = make_throttled(normalize=str.strip)
    assert statuses(4, app, "alice")[3] == 429
    assert try_login(app, "Alice").status_code == 401
    assert try_login(app, " alice ").status_code == 429


def test_attack_a_very_long_name_is_counted_and_costs_little(make_throttled: MakeApp) -> None:
    app = make_throttled(per_address=None)
    long = "\ufdfa" * 100_000  # each is 18 letters when it is taken apart
    assert [try_login(app, long + str(n)).status_code for n in range(4)] == [401] * 3 + [429]


@pytest.mark.parametrize("name", [None, "", "\ud800", ["a", "b"], 7, {"a": 1}])
def test_attack_a_name_that_is_no_name_is_no_server_error(
    make_throttled: MakeApp, name: Any
) -> None:
    app = make_throttled()
    throttle = LoginThrottle(per_account="1 per hour")

    @app.post("/json")
    def json_login() -> tuple[str, int]:
        with throttle.attempt(json.loads(request.data)["name"]):
            return "", 401

    body = json.dumps({"name": name})
    got = [app.test_client().post("/json", data=body).status_code for _ in range(2)]
    assert got == [401, 429]


def at_once(number: int, question: Callable[[], int]) -> list[int]:
    """Ask in so many threads that start together."""
    start, got = threading.Barrier(number), []

    def ask() -> None:
        start.wait()
        got.append(question())

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("limited", ["per_account", "per_address"])
def test_attack_parallel_guesses_do_not_get_past_the_limit(
    make_throttled: MakeApp, limited: str
) -> None:
    for _ in range(5):
        limits = {"per_account": None, "per_address": None, limited: "10 per hour"}
        app = make_throttled(**limits)
        got = at_once(32, lambda app=app: try_login(app, "alice").status_code)  # type: ignore[misc]
        assert sorted(got) == [401] * 10 + [429] * 22


@pytest.mark.usefixtures("hasty")
def test_counting_in_memory_loses_nothing_when_threads_meet_at_a_new_key() -> None:
    for _ in range(20):
        counters = Counters(MemoryStorage())
        at_once(32, lambda counters=counters: counters.add("key", 1, 60))  # type: ignore[misc]
        assert counters.get("key") == 32


# The owner


def test_a_good_login_clears_the_count_of_its_account(make_throttled: MakeApp) -> None:
    app = make_throttled()
    for _ in range(5):
        assert statuses(2, app, "alice") == [401, 401]
        assert try_login(app, "alice", "right").status_code == 200
    assert statuses(4, app, "alice") == [401, 401, 401, 429]


def test_attack_nobody_can_lock_an_owner_out_of_a_known_browser(make_throttled: MakeApp) -> None:
    app = make_throttled(per_address="5 per hour")
    home = app.test_client()
    assert try_login(home, "alice", "right").status_code == 200
    # From everywhere, and from the owner's own address too.
    for number in range(30):
        try_login(app, "alice", address=f"198.51.100.{number}")
    statuses(30, app, "bob")
    assert try_login(app, "alice", "right").status_code == 429
    assert try_login(home, "alice", "wrong").status_code == 401
    assert try_login(home, "alice", "right").status_code == 200


def test_the_owner_s_login_from_a_known_browser_opens_the_account_for_other_browsers(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled()
    home = app.test_client()
    try_login(home, "alice", "right")
    statuses(10, app, "alice")
    assert try_login(app, "alice", "right").status_code == 429
    try_login(home, "alice", "right")
    assert try_login(app, "alice", "right").status_code == 200


def test_attack_a_known_browser_has_a_limit_too(make_throttled: MakeApp) -> None:
    app = make_throttled(per_device="4 per hour")
    home = app.test_client()
    try_login(home, "alice", "right")
    assert statuses(6, home, "alice") == [401] * 4 + [429] * 2
    # Without the cookie it is an unknown browser, whose limit nobody has used.
    assert try_login(app, "alice", "right").status_code == 200


def test_what_a_known_browser_tries_counts_nowhere_else(make_throttled: MakeApp) -> None:
    app = make_throttled(per_address="3 per hour", per_device="50 per hour")
    home = app.test_client()
    try_login(home, "alice", "right")
    statuses(20, home, "alice")
    assert statuses(4, app, "alice") == [401, 401, 401, 429]


@pytest.mark.usefixtures("hasty")
def test_attack_parallel_guesses_of_a_known_browser_do_not_get_past_the_limit(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled(per_device="10 per hour")
    cookie = value_of(device_cookie(try_login(app, "alice", "right")))
    got = at_once(32, lambda: try_login(with_cookie(app, cookie), "alice").status_code)
    assert sorted(got) == [401] * 10 + [429] * 22


def device_cookie(response: TestResponse) -> str:
    (found,) = (
        value
        for value in response.headers.getlist("Set-Cookie")
        if value.startswith("login_device")
    )
    return found


def with_cookie(app: Flask, value: str, name: str = "login_device") -> FlaskClient:
    client = app.test_client()
    client.set_cookie(name, value)
    return client


def value_of(cookie: str) -> str:
    return cookie.partition(";")[0].partition("=")[2]


def test_attack_a_device_cookie_of_another_account_gives_nothing(make_throttled: MakeApp) -> None:
    app = make_throttled()
    own = app.test_client()
    assert try_login(own, "bob", "right too").status_code == 200
    # Nor does that of somebody whose name is spelled alike.
    like = app.test_client()
    assert try_login(like, "Alice", "of another person").status_code == 200
    assert statuses(4, own, "alice") == [401, 401, 401, 429]
    assert try_login(like, "alice").status_code == 429


def test_attack_a_forged_device_cookie_gives_nothing(make_throttled: MakeApp) -> None:
    app = make_throttled()
    good = value_of(device_cookie(try_login(app, "alice", "right")))
    payload, _, signature = good.rpartition(".")
    statuses(3, app, "alice")
    forged = [
        "",
        ".",
        "x" * 2000,
        payload,
        f"{payload}.{signature[::-1]}",
        f"{payload[:-1]}.{signature}",
        good + "x",
    ]
    for value in forged:
        assert try_login(with_cookie(app, value), "alice").status_code == 429, value
    assert try_login(with_cookie(app, good), "alice").status_code == 401


def test_attack_what_was_signed_for_another_purpose_is_no_device_cookie(
    make_throttled: MakeApp,
) -> None:
    from tests.current_keys import digest, sign

    app = make_throttled()
    statuses(3, app, "alice")
    salt = "flask-login.throttle.default.login"
    with app.test_request_context():
        owner = digest("alice", f"{salt}.owner")
        fields = [owner, "number", 4_000_000_000]
        good = sign(fields, f"{salt}.device")
        others = [
            sign(fields, "flask-login.remember-token.default"),
            sign(fields, "flask-login.throttle.staff.login.device"),
            sign(fields, "flask-login.throttle.default.codes.device"),
            sign({"owner": owner}, f"{salt}.device"),
            sign(fields[:2], f"{salt}.device"),
        ]
    for value in others:
        assert try_login(with_cookie(app, value), "alice").status_code == 429
    assert try_login(with_cookie(app, good), "alice").status_code == 401


def test_attack_a_copied_device_cookie_shares_the_allowance_of_its_browser(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled(per_device="4 per hour")
    home = app.test_client()
    copy = value_of(device_cookie(try_login(home, "alice", "right")))
    assert statuses(5, with_cookie(app, copy), "alice") == [401] * 4 + [429]
    assert statuses(5, with_cookie(app, copy), "alice") == [429] * 5


def test_attack_hoarded_device_cookies_of_a_former_owner_give_three_browsers_worth(
    make_throttled: MakeApp, clock: FrozenClock
) -> None:
    app = make_throttled(per_device="2 per hour", per_account="1 per hour", per_address=None)
    hoard = []
    for _ in range(10):
        hoard.append(value_of(device_cookie(try_login(app, "alice", "right"))))
        clock.advance(timedelta(hours=2))
    guesses = [
        status for value in hoard for status in statuses(3, with_cookie(app, value), "alice")
    ]
    # Three times what one browser may, and then what any stranger may.
    assert guesses.count(401) == 3 * 2 + 1


def test_a_device_cookie_ends_on_the_server_whatever_the_browser_does(
    make_throttled: MakeApp, clock: FrozenClock
) -> None:
    app = make_throttled(cookie_lifetime=30 * DAY)
    value = value_of(device_cookie(try_login(app, "alice", "right")))
    clock.advance(30 * DAY - timedelta(seconds=1))
    statuses(3, app, "alice")
    assert try_login(with_cookie(app, value), "alice").status_code == 401
    clock.advance(timedelta(seconds=1))
    statuses(3, app, "alice")
    assert try_login(with_cookie(app, value), "alice").status_code == 429


def test_each_good_login_makes_a_new_device_cookie_and_no_failed_one_makes_any(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled()
    home = app.test_client()
    first = device_cookie(try_login(home, "alice", "right"))
    second = device_cookie(try_login(home, "alice", "right"))
    assert value_of(first) != value_of(second)
    assert "Set-Cookie" not in try_login(home, "alice").headers


def test_the_device_cookie_names_nobody_and_has_the_attributes_of_the_remember_cookie(
    make_throttled: MakeApp,
) -> None:
    from base64 import urlsafe_b64decode

    app = make_throttled()
    cookie = device_cookie(try_login(app, "alice", "right"))
    assert "HttpOnly; Path=/; SameSite=Lax" in cookie
    assert "Expires=Fri, 01 Jan 2027 00:00:00 GMT" in cookie
    assert "Secure" not in cookie
    payload = value_of(cookie).rpartition(".")[0]
    assert b"alice" not in urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    secure = try_login(app, "alice", "right", base_url="https://shop.example")
    assert "Secure; HttpOnly" in device_cookie(secure)
    app.config.update(
        REMEMBER_COOKIE_SAMESITE="Strict", REMEMBER_COOKIE_PATH="/x", REMEMBER_COOKIE_HTTPONLY=False
    )
    cookie = device_cookie(try_login(app, "alice", "right"))
    assert "HttpOnly; Path=/x; SameSite=Strict" in cookie


def test_a_new_key_keeps_the_counts_and_the_known_browsers(make_throttled: MakeApp) -> None:
    app = make_throttled()
    home = app.test_client()
    try_login(home, "alice", "right")
    statuses(3, app, "alice")
    app.config.update(
        SECRET_KEY="a new key of some random bytes",
        SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]],
    )
    assert try_login(app, "alice", "right").status_code == 429
    assert try_login(home, "alice").status_code == 401
    assert try_login(home, "alice", "right").status_code == 200
    # The old key is gone; the cookie that was just set is by the new one.
    app.config["SECRET_KEY_FALLBACKS"] = []
    statuses(3, app, "alice")
    assert try_login(home, "alice", "right").status_code == 200


def test_without_a_limit_for_known_browsers_there_is_no_cookie_and_every_attempt_counts(
    make_throttled: MakeApp,
) -> None:
    app = make_throttled(per_device=None)
    home = app.test_client()
    answer = try_login(home, "alice", "right")
    assert not any("login_device" in value for value in answer.headers.getlist("Set-Cookie"))
    statuses(3, app, "alice")
    assert try_login(home, "alice", "right").status_code == 429


# Beside the form


def test_who_has_proved_to_be_the_owner_otherwise_can_be_unlocked(
    make_throttled: MakeApp, clock: FrozenClock
) -> None:
    throttle = LoginThrottle(per_account=LoginThrottle.NIST_SP_800_63B)
    app = make_throttled(throttle)
    for _ in range(10):
        assert statuses(11, app, "alice", "wrong", "192.0.2.7")[10] == 429
        clock.advance(timedelta(hours=1))
    clock.advance(50 * 365 * DAY)
    assert int(try_login(app, "alice", "right").headers["Retry-After"]) == 86_400
    with app.app_context():
        throttle.unlock(" ALICE ")
    assert try_login(app, "alice", "right").status_code == 200


def test_attack_an_unlocked_account_has_no_more_attempts_than_a_new_one(
    make_throttled: MakeApp,
) -> None:
    throttle = LoginThrottle(per_account="5 per hour", per_address=None)
    app = make_throttled(throttle)
    statuses(5, app, "Alice")
    with app.app_context():
        throttle.unlock("alice")
    assert try_login(app, "Alice", "of another person").status_code == 200
    assert statuses(7, app, "alice") == [401] * 5 + [429] * 2


def test_the_preset_of_nist_allows_a_hundred_failures_in_a_row_and_not_one_more(
    make_throttled: MakeApp, clock: FrozenClock
) -> None:
    app = make_throttled(per_account=LoginThrottle.NIST_SP_800_63B, per_address=None)
    got = []
    for _ in range(40):
        got += statuses(11, app, "alice")
        clock.advance(30 * DAY)
    assert got.count(401) == 100
    assert set(got[-50:]) == {429}


class Failures(list[str]):
    """What `LoginManager.login_failed` was told."""


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> Failures:
    told = Failures()

    def login_failed(self: LoginManager[Any], identity: str) -> None:
        told.append(identity)

    monkeypatch.setattr(LoginManager, "login_failed", login_failed, raising=False)
    return told


def test_a_failed_attempt_is_told_of_once_and_a_refused_or_good_one_is_not(
    make_throttled: MakeApp, failures: Failures
) -> None:
    app = make_throttled()
    try_login(app, "bob", "right too")
    assert failures == []
    statuses(9, app, " Alice")
    assert failures == [" Alice"] * 3


def test_an_attempt_can_be_judged_without_a_with_statement(
    make_throttled: MakeApp, failures: Failures
) -> None:
    app = make_throttled()
    throttle = LoginThrottle(per_account="2 per hour")
    with app.test_request_context():
        for _ in range(5):
            attempt = throttle.attempt("alice")
            assert attempt.identity == "alice"
            attempt.succeeded()
            attempt.succeeded()
            attempt.failed()
        assert failures == []
        for _ in range(2):
            attempt = throttle.attempt("alice")
            attempt.failed()
            attempt.failed()
        assert failures == ["alice"] * 2
        with pytest.raises(TooManyLoginAttempts):
            throttle.attempt("alice")


def test_a_view_that_aborts_has_failed_and_one_that_breaks_is_counted_and_not_told_of(
    make_throttled: MakeApp, failures: Failures
) -> None:
    app = make_throttled()
    throttle = LoginThrottle(per_account="3 per hour")
    with app.test_request_context():
        for error in (lambda: abort(403), lambda: 1 / 0, lambda: abort(401)):
            with pytest.raises(Exception, match=r"403|401|zero"), throttle.attempt("alice"):
                error()  # type: ignore[no-untyped-call]
        assert failures == ["alice", "alice"]
        with pytest.raises(TooManyLoginAttempts):
            throttle.attempt("alice")


def test_a_refusal_is_in_the_audit_log_and_does_not_name_the_account(
    make_throttled: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "flask_login.audit")
    app = make_throttled()
    statuses(3, app, "alice")
    caplog.clear()
    statuses(1, app, "Alice")
    statuses(1, app, "alice")
    facts: list[dict[str, Any]] = [vars(record) for record in caplog.records]
    assert [fact["message"] for fact in facts] == ["login_throttled account"] * 2
    assert {(fact["event"], fact["reason"], fact["ip"]) for fact in facts} == {
        ("login_throttled", "account", "192.0.2.1")
    }
    assert facts[0]["account"] == facts[1]["account"]
    assert "alice" not in str(facts).lower()


# Several throttles, realms and applications


def test_two_throttles_of_one_application_count_apart(make_throttled: MakeApp) -> None:
    storage = MemoryStorage()
    passwords = LoginThrottle(per_account="3 per hour", storage=storage)
    codes = LoginThrottle(per_account="3 per hour", storage=storage, name="codes")
    app = make_throttled(passwords)

    @app.post("/code")
    def code() -> tuple[str, int]:
        with codes.attempt("alice") as attempt:
            if request.form["code"] == "123456":
                attempt.succeeded()
                return "", 200
        return "", 401

    statuses(4, app, "alice")
    good = app.test_client().post("/code", data={"code": "123456"})
    assert good.status_code == 200
    assert device_cookie(good).startswith("login_device_codes=")
    assert try_login(app, "alice", "right").status_code == 429
    # Nor is the cookie of the one good for the other.
    stolen = with_cookie(app, value_of(device_cookie(good)))
    assert try_login(stolen, "alice", "right").status_code == 429


def test_realms_count_apart(make_throttled: MakeApp, clock: FrozenClock) -> None:
    storage = MemoryStorage()
    app = make_throttled(LoginThrottle(per_account="3 per hour", storage=storage))
    staff: LoginManager[Any] = LoginManager(app, name="staff", clock=clock)
    throttle = LoginThrottle(per_account="3 per hour", storage=storage, login_manager=staff)

    @app.post("/staff")
    def staff_login() -> str:
        with throttle.attempt("alice") as attempt:
            attempt.succeeded()
        return ""

    statuses(4, app, "alice")
    answer = app.test_client().post("/staff")
    assert answer.status_code == 200
    assert device_cookie(answer).startswith("login_device_staff=")


def test_in_memory_each_application_of_a_throttle_counts_for_itself(
    make_throttled: MakeApp,
) -> None:
    throttle = LoginThrottle(per_account="3 per hour")
    first, second = make_throttled(throttle), make_throttled(throttle)
    assert statuses(4, first, "alice")[3] == 429
    assert try_login(second, "alice").status_code == 401


def test_counting_in_memory_is_warned_of_outside_of_tests(
    make_throttled: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_throttled()
    app.testing = False
    statuses(2, app, "alice")
    warned = [record.message for record in caplog.records if "memory of one" in record.message]
    assert len(warned) == 1
    assert "'shop'" in warned[0]


def test_who_reads_the_storage_learns_no_name_and_no_address(make_throttled: MakeApp) -> None:
    storage = MemoryStorage()
    app = make_throttled(LoginThrottle(storage=storage))
    home = app.test_client()
    for browser in (app, home, home):
        try_login(browser, "alice", "right", "198.51.100.77")
        try_login(browser, "alice", "wrong", "198.51.100.77")
    names = list(storage.storage)
    assert names
    for name in names:
        assert "alice" not in name
        assert "198.51" not in name
        assert re.match(r"login-throttle:(account|address|devices?):[\w-]{22}:\d+/\d+:\d+:", name)


def test_an_application_without_a_key_is_told_so(make_throttled: MakeApp) -> None:
    app = make_throttled()
    app.config["SECRET_KEY"] = None
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        try_login(app, "alice")


# Outages


class CapriciousError(Exception):
    pass


class CapriciousStorage(MemoryStorage):
    """A storage that fails when it is told to."""

    STORAGE_SCHEME = ["capricious"]  # noqa: RUF012  # as the library has it
    down = False
    down_at_start = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.down_at_start:
            raise CapriciousError("capricious://user:canary@host")
        super().__init__(*args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> int:
        if self.down:
            raise CapriciousError("capricious://user:canary@host")
        return super().incr(*args, **kwargs)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> CapriciousStorage:
    monkeypatch.setattr(CapriciousStorage, "down_at_start", False)
    return CapriciousStorage()


def test_during_an_outage_people_log_in_and_the_log_says_that_nobody_counts(
    make_throttled: MakeApp, storage: CapriciousStorage, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_throttled(storage=storage)
    statuses(3, app, "alice")
    storage.down = True
    assert try_login(app, "alice").status_code == 401
    assert try_login(app, "alice", "right").status_code == 200
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    assert errors[0].message == (
        "The login throttle's storage gave no answer (CapriciousError): attempts are not counted."
    )
    storage.down = False
    assert try_login(app, "alice", "right").status_code == 429, "what was counted stays"


def test_an_application_may_refuse_everybody_during_an_outage(
    make_throttled: MakeApp, storage: CapriciousStorage
) -> None:
    app = make_throttled(storage=storage, on_outage="refuse")
    storage.down = True
    answer = try_login(app, "alice", "right")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "Logging in is not possible right now." in answer.text
    assert "Capricious" not in answer.text


def test_an_outage_between_password_and_answer_refuses_nobody(
    make_throttled: MakeApp, storage: CapriciousStorage, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_throttled()
    throttle = LoginThrottle(storage=storage, on_outage="refuse")
    with app.test_request_context():
        attempt = throttle.attempt("alice")
        storage.down = True
        attempt.succeeded()
    assert "CapriciousError" in caplog.text


def test_unlocking_says_when_it_could_not(
    make_throttled: MakeApp, storage: CapriciousStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clear(key: str) -> None:
        raise CapriciousError("capricious://user:canary@host")

    monkeypatch.setattr(storage, "clear", clear)
    throttle = LoginThrottle(storage=storage)
    with make_throttled().app_context(), pytest.raises(ThrottleUnavailable) as caught:
        throttle.unlock("alice")
    assert caught.value.cause == "CapriciousError"
    assert str(caught.value) == "The login throttle's storage gave no answer: CapriciousError."
    assert "canary" not in repr(caught.value) + str(vars(caught.value))
    assert caught.value.__cause__ is None


def test_an_outage_that_the_library_has_wrapped_is_named_for_what_it_is(
    make_throttled: MakeApp, storage: CapriciousStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StorageError(Exception):
        storage_error = TimeoutError("canary")

    def incr(*args: Any, **kwargs: Any) -> int:
        raise StorageError

    monkeypatch.setattr(storage, "incr", incr)
    with make_throttled().test_request_context():
        with pytest.raises(ThrottleUnavailable) as caught:
            LoginThrottle(storage=storage, on_outage="refuse").attempt("alice")
        assert caught.value.cause == "TimeoutError"


def test_a_storage_that_is_down_when_the_application_starts_may_come_back(
    make_throttled: MakeApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(CapriciousStorage, "down_at_start", True)
    throttle = LoginThrottle(
        per_account="1 per hour", storage="capricious://user:canary@host", on_outage="refuse"
    )
    assert "CapriciousError): attempts are refused" in caplog.text
    app = make_throttled(throttle)
    assert try_login(app, "alice").status_code == 503
    monkeypatch.setattr(CapriciousStorage, "down_at_start", False)
    assert statuses(2, app, "alice") == [401, 429]
    assert "canary" not in caplog.text


# Arguments


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"per_account": "often"}, "per_account"),
        ({"per_address": "0 per hour"}, "per_address"),
        ({"per_device": ""}, "per_device"),
        ({"per_account": 10}, "per_account"),
        ({"on_outage": "ignore"}, "on_outage"),
        ({"name": "Not one"}, "name"),
        ({"cookie_name": "a b"}, "cookie_name"),
        ({"cookie_lifetime": timedelta(0)}, "cookie_lifetime"),
        ({"cookie_lifetime": 401 * DAY}, "cookie_lifetime"),
        ({"cookie_lifetime": 3600}, "cookie_lifetime"),
        ({"storage": 7}, "storage"),
        ({"storage": None}, "storage"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LoginThrottle(**arguments)
    assert caught.value.key == named


@pytest.mark.parametrize(
    "url",
    [
        "nothing",
        "unknown://user:canary-7f3a9c@host",
        "memcached://user:canary-7f3a9c@host",
        "redis://user:canary-7f3a9c@host:port",
        "redis+sentinel://user:canary-7f3a9c@host:port/main",
        "async+memory://",
    ],
)
def test_a_url_that_is_refused_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LoginThrottle(storage=url)
    error = caught.value
    assert error.key == "storage"
    seen = f"{error}{error!r}{vars(error)}{error.__cause__}{error.__context__}"
    assert "canary" not in seen
    assert "7f3a9c" not in seen


@pytest.mark.parametrize("family", ["redis", "valkey"])
def test_a_client_that_is_missing_is_named(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, family, None)
    monkeypatch.setitem(sys.modules, f"{family}.retry", None)
    with pytest.raises(ConfigurationError, match=r'pip install "Flask-Login\[redis\]"'):
        LoginThrottle(storage=f"{family}://localhost:6379")


def test_without_the_limits_library_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "limits", None)
    with pytest.raises(ImportError) as caught:
        LoginThrottle()
    assert str(caught.value) == (
        "LoginThrottle needs limits 3 or newer, found: none."
        ' Install it with: pip install "Flask-Login[throttle]"'
    )
    assert caught.value.name == "limits"


def test_a_limits_library_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ModuleType("limits")
    old.__version__ = "2.8.0"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "limits", old)
    with pytest.raises(ImportError, match=r"3 or newer, found: 2\.8\.0\."):
        LoginThrottle()


def test_the_module_can_be_imported_without_the_limits_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "limits", None)
    for name in ("flask_login.budgets", "flask_login.throttling"):
        monkeypatch.delitem(sys.modules, name)
        importlib.import_module(name)
