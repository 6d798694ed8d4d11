"""The remember cookie: what the browser holds, when it ends, and what may not pass for it."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict, UserDict
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from http.cookies import SimpleCookie
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, Request, Response, abort, g, redirect, request, session
from flask.sessions import SessionInterface
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer
from tests.conftest import Account
from tests.current_keys import sign, unsign_labelled, write
from werkzeug.test import TestResponse
from werkzeug.utils import cached_property

from flask_login import (
    LoginManager,
    UserMixin,
    confirm_login,
    current_login,
    current_user,
    decode_cookie,
    encode_cookie,
    login_remembered,
    login_required,
    login_user,
    logout_user,
    user_loaded_from_cookie,
)
from flask_login.core.remember import RememberToken, issue, read
from flask_login.exceptions import ConfigurationError
from flask_login.testing import FrozenClock

DAY = timedelta(days=1)
FLASK_HAS_PARTITIONED = tuple(map(int, version("flask").split(".")[:2])) >= (3, 1)


def remembered_as(app: Flask, user_id: str = "alice") -> FlaskClient:
    client = app.test_client()
    client.get(f"/login/{user_id}?remember")
    return client


def reopen(client: FlaskClient) -> FlaskClient:
    """Close the browser and open it again: session cookies are gone."""
    client.delete_cookie("session")
    return client


def token_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("remember_token")
    assert cookie is not None
    return cookie.value


def cookies_set_by(response: TestResponse, name: str = "remember_token") -> list[Any]:
    """Return the cookies of that name in a response, with their attributes."""
    headers = response.headers.getlist("Set-Cookie")
    return [SimpleCookie(h.replace("; Partitioned", ""))[name] for h in headers if name in h]


# Being remembered


def test_a_remembered_user_is_known_again_after_the_browser_was_closed_but_not_fresh(
    app: Flask,
) -> None:
    client = reopen(remembered_as(app))
    assert client.get("/me").text == "alice"
    assert client.get("/fresh").text == "stale"


def test_a_user_who_did_not_ask_for_it_is_not_remembered(app: Flask) -> None:
    client = app.test_client()
    response = client.get("/login/alice")
    assert not cookies_set_by(response)
    assert reopen(client).get("/me").text == "nobody"


def test_the_token_begins_with_the_id_and_a_bar_where_applications_split_it(app: Flask) -> None:
    token = token_of(remembered_as(app))
    assert token.split("|")[0] == "alice"
    with app.app_context():
        assert decode_cookie(token) == "alice"
        assert decode_cookie(token, "another key") is None


def test_once_back_the_user_is_in_the_session_and_the_token_is_left_as_it_was(app: Flask) -> None:
    client = reopen(remembered_as(app))
    assert not cookies_set_by(client.get("/me"))
    client.delete_cookie("remember_token")
    assert client.get("/me").text == "alice"


def test_a_remember_token_sends_its_signal_once_with_the_user(
    app: Flask, users: dict[str, Any]
) -> None:
    client = reopen(remembered_as(app))
    told: list[tuple[Flask, Any]] = []

    def receive(sender: Flask, user: Any) -> None:
        told.append((sender, user))

    with user_loaded_from_cookie.connected_to(receive):
        client.get("/me")
        client.get("/me")
    assert told == [(app, users["alice"])]


def test_login_remembered_and_the_source_tell_how_the_user_came_back(app: Flask) -> None:
    client = remembered_as(app)
    with client:
        client.get("/me")
        assert login_remembered()
        assert (current_login.source, current_login.remembered) == ("session", True)
        reopen(client).get("/me")
        assert (current_login.source, current_login.fresh) == ("remember", False)
        assert login_remembered()
        client.get("/logout")
        assert not login_remembered()
        client.get("/me")
        assert not login_remembered()


def test_a_token_of_somebody_else_does_not_make_the_current_user_remembered(
    app: Flask,
) -> None:
    token = token_of(remembered_as(app, "bob"))
    client = app.test_client()
    client.get("/login/alice")
    client.set_cookie("remember_token", token)
    with client:
        client.get("/me")
        assert not login_remembered()


def test_who_has_just_asked_to_be_forgotten_is_not_remembered_any_more(app: Flask) -> None:
    @app.get("/leave")
    def leave() -> str:
        logout_user()
        return str(login_remembered())

    @app.get("/leave-the-old-way")
    def leave_the_old_way() -> str:
        session["_remember"] = "clear"
        return str(login_remembered())

    assert remembered_as(app).get("/leave").text == "False"
    assert remembered_as(app).get("/leave-the-old-way").text == "False"


# The server's own clock


def test_a_remember_cookie_put_back_after_its_time_logs_nobody_in(
    make_app: Callable[..., Flask], clock: FrozenClock
) -> None:
    app = make_app(REMEMBER_COOKIE_DURATION=30 * DAY)
    token = token_of(remembered_as(app))

    clock.advance(30 * DAY - timedelta(seconds=1))
    client = app.test_client()
    client.set_cookie("remember_token", token)
    assert client.get("/me").text == "alice"

    clock.advance(timedelta(seconds=1))
    client = app.test_client()
    client.set_cookie("remember_token", token)
    response = client.get("/me")
    assert response.text == "nobody"
    assert len(cookies_set_by(response)) == 1
    assert client.get_cookie("remember_token") is None


def test_without_a_setting_a_token_is_good_for_a_year(app: Flask, clock: FrozenClock) -> None:
    client = remembered_as(app)
    clock.advance(365 * DAY - timedelta(seconds=1))
    assert reopen(client).get("/me").text == "alice"
    clock.advance(timedelta(seconds=1))
    assert reopen(client).get("/me").text == "nobody"


@pytest.mark.parametrize("duration", [timedelta(hours=1), 3600])
def test_the_duration_may_be_a_timedelta_or_seconds_and_the_browser_is_told(
    make_app: Callable[..., Flask], clock: FrozenClock, duration: object
) -> None:
    app = make_app(REMEMBER_COOKIE_DURATION=duration)
    client = app.test_client()
    (cookie,) = cookies_set_by(client.get("/login/alice?remember"))
    assert cookie["expires"] == (clock() + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    clock.advance(timedelta(hours=1))
    assert reopen(client).get("/me").text == "nobody"


def test_the_duration_given_at_login_wins_over_the_setting(
    app: Flask, clock: FrozenClock, users: dict[str, Any]
) -> None:
    @app.get("/login-for-a-day")
    def login_for_a_day() -> str:
        login_user(users["alice"], remember=True, duration=DAY)
        return ""

    client = app.test_client()
    (cookie,) = cookies_set_by(client.get("/login-for-a-day"))
    assert cookie["expires"].startswith("Fri, 02 Jan 2026")
    clock.advance(DAY)
    assert reopen(client).get("/me").text == "nobody"


def test_a_duration_without_remember_remembers_nobody(app: Flask, users: dict[str, Any]) -> None:
    @app.get("/login-for-a-day")
    def login_for_a_day() -> str:
        login_user(users["alice"], duration=DAY)
        return ""

    assert not cookies_set_by(app.test_client().get("/login-for-a-day"))


@pytest.mark.parametrize("duration", [60, "a day", 1.5])
def test_a_duration_that_is_no_timedelta_is_refused_at_login(
    app: Flask, users: dict[str, Any], duration: Any
) -> None:
    with app.test_request_context(), pytest.raises(ConfigurationError) as error:
        login_user(users["alice"], remember=True, duration=duration)
    assert (error.value.key, error.value.value) == ("duration", duration)


def test_a_duration_beyond_the_calendar_is_refused_with_its_key(
    make_app: Callable[..., Flask], users: dict[str, Any]
) -> None:
    app = make_app()

    @app.get("/login-for-ever")
    def login_for_ever() -> str:
        login_user(users["alice"], remember=True, duration=timedelta.max)
        return ""

    with pytest.raises(ConfigurationError) as error:
        app.test_client().get("/login-for-ever")
    assert error.value.key == "duration"

    with pytest.raises(ConfigurationError) as error:  # in init_app or at use
        make_app(REMEMBER_COOKIE_DURATION=timedelta.max).test_client().get("/login/alice?remember")
    assert error.value.key == "REMEMBER_COOKIE_DURATION"


def test_a_setting_beyond_the_calendar_is_named_for_an_old_cookie_as_well(app: Flask) -> None:
    with app.app_context():
        old = encode_cookie("alice")
    app.config["REMEMBER_COOKIE_DURATION"] = timedelta.max
    client = app.test_client()
    client.set_cookie("remember_token", old)
    with pytest.raises(ConfigurationError) as error:
        client.get("/me")
    assert error.value.key == "REMEMBER_COOKIE_DURATION"


def test_a_duration_changed_later_to_nonsense_is_refused_when_it_is_used(app: Flask) -> None:
    app.config["REMEMBER_COOKIE_DURATION"] = "a year"
    with pytest.raises(ConfigurationError, match=r"REMEMBER_COOKIE_DURATION .*a year"):
        app.test_client().get("/login/alice?remember")


# Sliding: REMEMBER_COOKIE_REFRESH_EACH_REQUEST


def test_each_request_starts_the_time_anew_when_the_application_wants_it(
    make_app: Callable[..., Flask], clock: FrozenClock
) -> None:
    app = make_app(
        REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True, REMEMBER_COOKIE_DURATION=timedelta(days=10)
    )
    client = remembered_as(app)
    for _ in range(4):
        clock.advance(9 * DAY)
        assert reopen(client).get("/me").text == "alice"
    assert not cookies_set_by(client.get("/public"))
    clock.advance(10 * DAY)
    assert reopen(client).get("/me").text == "nobody"


def test_sliding_keeps_the_duration_given_at_login(
    make_app: Callable[..., Flask], clock: FrozenClock, users: dict[str, Any]
) -> None:
    app = make_app(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)

    @app.get("/login-for-a-day")
    def login_for_a_day() -> str:
        login_user(users["alice"], remember=True, duration=DAY)
        return ""

    client = app.test_client()
    client.get("/login-for-a-day")
    clock.advance(timedelta(hours=23))
    assert client.get("/me").text == "alice"
    clock.advance(timedelta(hours=23))
    assert reopen(client).get("/me").text == "alice"
    clock.advance(DAY)
    assert reopen(client).get("/me").text == "nobody"


@pytest.mark.parametrize("pages", [["/me"], ["/fresh", "/me", "/public"]])
def test_sliding_never_makes_a_plain_login_a_remembered_one(
    make_app: Callable[..., Flask], pages: list[str]
) -> None:
    client = make_app(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True).test_client()
    assert not cookies_set_by(client.get("/login/alice"))
    for page in pages:
        assert not cookies_set_by(client.get(page))


def test_sliding_leaves_the_duration_that_this_very_request_asked_for(
    make_app: Callable[..., Flask], users: dict[str, Any]
) -> None:
    app = make_app(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)

    @app.get("/login-for-a-day")
    def login_for_a_day() -> str:
        login_user(users["alice"], remember=True, duration=DAY)
        del g._login_user  # as extensions do, to have the user loaded again
        return str(current_user.get_id())

    client = remembered_as(app)
    response = client.get("/login-for-a-day")
    assert response.text == "alice"
    with app.app_context():
        fields = unsign_labelled(token_of(client), "flask-login.remember-token.default")[1]
    assert fields[1] - fields[0] == DAY.total_seconds()


def test_sliding_does_not_prolong_a_token_of_somebody_else(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)
    token = token_of(remembered_as(app, "bob"))
    client = app.test_client()
    client.get("/login/alice")
    client.set_cookie("remember_token", token)
    assert not cookies_set_by(client.get("/me"))


def test_without_sliding_a_token_ends_on_time_however_often_it_is_used(
    make_app: Callable[..., Flask], clock: FrozenClock
) -> None:
    client = remembered_as(make_app(REMEMBER_COOKIE_DURATION=2 * DAY))
    clock.advance(DAY)
    assert reopen(client).get("/me").text == "alice"
    clock.advance(DAY)
    assert reopen(client).get("/me").text == "nobody"


# Attacks on the cookie


def test_no_byte_of_the_token_can_be_changed(app: Flask) -> None:
    token = token_of(remembered_as(app))
    for place, character in enumerate(token):
        client = app.test_client()
        changed = "A" if character != "A" else "B"
        client.set_cookie("remember_token", token[:place] + changed + token[place + 1 :])
        assert client.get("/me").text == "nobody"


def test_no_truncated_token_logs_anybody_in(app: Flask) -> None:
    token = token_of(remembered_as(app))
    for length in range(len(token)):
        client = app.test_client()
        client.set_cookie("remember_token", token[:length])
        assert client.get("/me").text == "nobody"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        ".",
        "|",
        "1|é",
        '"\\377\\000"',
        "é",
        "%ff%fe",
        "null",
        "W10.AAAA",
        "a" * 65536,
        "." * 65536,
        "|" * 65536,
    ],
    ids=lambda raw: repr(raw[:12]),
)
@pytest.mark.parametrize("page", ["/me", "/logout", "/login/alice"])
def test_a_cookie_that_we_could_not_have_signed_is_no_cookie_and_is_left_alone(
    app: Flask, raw: str, page: str
) -> None:
    client = app.test_client(use_cookies=False)
    header = f"remember_token={raw}".encode().decode("latin-1")
    response = client.get(page, environ_overrides={"HTTP_COOKIE": header})
    assert (response.status_code, response.text != "alice") == (200, True)
    assert not cookies_set_by(response)


def test_a_token_of_ours_that_is_over_is_deleted_once(app: Flask, clock: FrozenClock) -> None:
    client = reopen(remembered_as(app))
    clock.advance(400 * DAY)
    assert len(cookies_set_by(client.get("/me"))) == 1
    assert client.get_cookie("remember_token") is None
    assert not cookies_set_by(client.get("/me"))


@pytest.mark.parametrize(
    "header",
    [
        b"remember_token=\xff\xfe|\xc3",
        b'remember_token="unclosed',
        b"remember_token",
        b"=; ;; remember_token=;=",
    ],
)
def test_a_header_that_is_no_list_of_cookies_is_no_error(app: Flask, header: bytes) -> None:
    client = app.test_client(use_cookies=False)
    response = client.get("/me", environ_overrides={"HTTP_COOKIE": header.decode("latin-1")})
    assert (response.status_code, response.text) == (200, "nobody")


FUZZED = Flask(__name__)
FUZZED.config.update(SECRET_KEY="key", TESTING=True)
FUZZED_MANAGER: LoginManager[Any] = LoginManager(FUZZED)
FUZZED_MANAGER.user_loader(lambda user_id: pytest.fail(f"{user_id!r} was believed"))
FUZZED.add_url_rule("/", "who", lambda: FUZZED_MANAGER.current_user.get_id() or "nobody")


@given(value=st.binary() | st.text().map(str.encode))
def test_whatever_bytes_are_sent_they_log_nobody_in(value: bytes) -> None:
    client = FUZZED.test_client(use_cookies=False)
    header = (b"remember_token=" + value).decode("latin-1")
    response = client.get("/", environ_overrides={"HTTP_COOKIE": header})
    assert (response.status_code, response.text) == (200, "nobody")


def test_good_cookies_of_two_users_count_for_nobody_and_are_deleted(app: Flask) -> None:
    alice, bob = token_of(remembered_as(app)), token_of(remembered_as(app, "bob"))
    client = app.test_client(use_cookies=False)
    header = f"remember_token={alice}; remember_token={bob}"
    response = client.get("/me", headers={"Cookie": header})
    assert response.text == "nobody"
    assert len(cookies_set_by(response)) == 1


def test_a_signed_text_of_another_purpose_is_no_token(app: Flask) -> None:
    with app.app_context():
        far = 4102444800
        for purpose in ("", "session", "flask-login.remember-token.staff", "cookie-session"):
            client = app.test_client()
            client.set_cookie("remember_token", sign(["alice", 0, far], purpose))
            assert client.get("/me").text == "nobody"


def test_the_session_cookie_put_in_its_place_is_no_token(app: Flask) -> None:
    client = remembered_as(app)
    cookie = client.get_cookie("session")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("remember_token", cookie.value)
    assert thief.get("/me").text == "nobody"


@pytest.mark.parametrize("fields", [None, "alice", {}, [], ["alice"], ["alice", 0], [0] * 5])
def test_signed_with_our_own_key_but_of_another_shape_is_no_token(
    app: Flask, fields: object
) -> None:
    client = app.test_client()
    with app.app_context():
        client.set_cookie("remember_token", sign(fields, "flask-login.remember-token.default"))
    assert client.get("/me").text == "nobody"


def test_a_token_signed_by_another_application_logs_nobody_in(
    make_app: Callable[..., Flask],
) -> None:
    token = token_of(remembered_as(make_app(SECRET_KEY="theirs")))
    client = make_app(SECRET_KEY="ours").test_client()
    client.set_cookie("remember_token", token)
    assert client.get("/me").text == "nobody"


def test_a_junk_cookie_does_not_keep_the_request_loader_from_being_asked(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.request_loader(lambda request: users.get(request.headers.get("X-API-Key", "")))
    client = app.test_client()
    client.set_cookie("remember_token", "junk")
    response = client.get("/me", headers={"X-API-Key": "bob"})
    assert response.text == "bob"
    assert not cookies_set_by(response)


def test_a_token_of_a_user_who_is_gone_is_deleted(app: Flask, users: dict[str, Any]) -> None:
    app.config["LOGIN_UNKNOWN_USER_GRACE"] = timedelta(0)
    client = reopen(remembered_as(app))
    del users["alice"]
    assert client.get("/me").text == "nobody"
    assert client.get_cookie("remember_token") is None


def test_a_suspended_user_is_not_remembered_and_the_token_is_deleted(
    app: Flask, users: dict[str, Any]
) -> None:
    client = reopen(remembered_as(app))
    users["alice"].active = False
    assert client.get("/me").text == "nobody"
    assert client.get_cookie("remember_token") is None


def test_a_good_token_is_not_looked_at_while_the_session_names_the_user(
    app: Flask, clock: FrozenClock
) -> None:
    client = remembered_as(app)
    clock.advance(400 * DAY)
    response = client.get("/me")
    assert response.text == "alice"
    assert not cookies_set_by(response)


def test_no_attempt_leaves_the_token_or_the_key_in_a_log_or_an_error(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = make_app(SECRET_KEY="canary-key", SECRET_KEY_FALLBACKS=["canary-old-key"])
    token = token_of(remembered_as(app))
    client = app.test_client(use_cookies=False)
    for value in (token, token[:-1], "canary-junk", "canary|junk", token * 200):
        client.get("/me", headers={"Cookie": f"remember_token={value}"})
    assert "canary" not in caplog.text
    assert token not in caplog.text


# Keys


def test_after_a_key_rotation_the_user_is_still_known_and_gets_a_token_of_the_new_key(
    app: Flask,
) -> None:
    client = remembered_as(app)
    before = token_of(client)
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])

    assert reopen(client).get("/me").text == "alice"
    after = token_of(client)
    assert after != before

    app.config["SECRET_KEY_FALLBACKS"] = []
    assert reopen(client).get("/me").text == "alice"
    client.set_cookie("remember_token", before)
    assert reopen(client).get("/me").text == "nobody"


def test_a_token_that_was_signed_again_ends_when_the_first_one_would_have(
    app: Flask, clock: FrozenClock
) -> None:
    client = remembered_as(app)
    clock.advance(364 * DAY)
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])
    assert reopen(client).get("/me").text == "alice"
    clock.advance(DAY)
    assert reopen(client).get("/me").text == "nobody"


def test_the_date_in_the_browser_stays_too_when_a_token_is_signed_again(
    app: Flask, clock: FrozenClock
) -> None:
    client = app.test_client()
    (first,) = cookies_set_by(client.get("/login/alice?remember"))
    clock.advance(100 * DAY)
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])
    (again,) = cookies_set_by(reopen(client).get("/me"))
    assert again.value != first.value
    assert again["expires"] == first["expires"]


@pytest.mark.parametrize("empty", ["", b"", None])
def test_a_fallback_key_that_is_empty_forges_nothing(app: Flask, empty: Any) -> None:
    app.config["SECRET_KEY_FALLBACKS"] = [empty, "an old key"]
    issued = int(FrozenClock()().timestamp())
    own = app.config["SECRET_KEY"]
    with app.app_context():
        app.config["SECRET_KEY"] = "an old key"
        honest = write(RememberToken("alice", issued, issued + 3600), "default")
    app.config["SECRET_KEY"] = own
    serializer = URLSafeSerializer(
        empty or "",
        salt="flask-login.remember-token.default",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
    signed = str(serializer.dumps(["alice", issued, issued + 3600]))
    old_form = encode_cookie("alice", empty or "")
    for cookie, who in ((signed, "nobody"), (old_form, "nobody"), (honest, "alice")):
        client = app.test_client()
        client.set_cookie("remember_token", cookie)
        response = client.get("/me")
        assert (response.status_code, response.text) == (200, who)


def test_a_key_that_was_taken_out_of_service_verifies_nothing(app: Flask) -> None:
    client = remembered_as(app)
    app.config["SECRET_KEY"] = "new"
    response = reopen(client).get("/me")
    assert response.text == "nobody"
    assert not cookies_set_by(response), "it can't be told from another application's"


def test_remembering_without_a_secret_key_names_the_setting(
    make_app: Callable[..., Flask], users: dict[str, Any]
) -> None:
    class Session(dict[str, Any]):
        accessed = modified = True

    class Interface(SessionInterface):
        """A store on the server: it signs nothing."""

        def open_session(self, app: Flask, request: Request) -> Any:
            return Session()

        def save_session(self, app: Flask, session: Any, response: Response) -> None: ...

    app = make_app(SECRET_KEY=None)
    app.session_interface = Interface()
    assert app.test_client().get("/login/alice").text == "True"
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        app.test_client().get("/login/alice?remember")


# The cookie's attributes


@pytest.mark.parametrize(
    ("config", "base_url", "attributes"),
    [
        ({}, "http://localhost", {"samesite": "Lax", "httponly": True, "secure": "", "path": "/"}),
        ({}, "https://localhost", {"samesite": "Lax", "secure": True}),
        ({"SESSION_COOKIE_SECURE": True}, "http://localhost", {"secure": True}),
        (
            {"SESSION_COOKIE_SECURE": True, "REMEMBER_COOKIE_SECURE": False},
            "https://localhost",
            {"secure": ""},
        ),
        ({"REMEMBER_COOKIE_SECURE": True}, "http://localhost", {"secure": True}),
        ({"REMEMBER_COOKIE_HTTPONLY": False}, "http://localhost", {"httponly": ""}),
        ({"REMEMBER_COOKIE_SAMESITE": "strict"}, "http://localhost", {"samesite": "Strict"}),
        ({"REMEMBER_COOKIE_SAMESITE": None}, "http://localhost", {"samesite": ""}),
        (
            {"REMEMBER_COOKIE_SAMESITE": "None", "REMEMBER_COOKIE_SECURE": True},
            "http://localhost",
            {"samesite": "None", "secure": True},
        ),
        ({"REMEMBER_COOKIE_PATH": "/app"}, "http://localhost", {"path": "/app"}),
        ({"REMEMBER_COOKIE_DOMAIN": "example.org"}, "http://localhost", {"domain": "example.org"}),
        (
            {"REMEMBER_COOKIE_NAME": "__Host-remember", "REMEMBER_COOKIE_SECURE": True},
            "https://localhost",
            {"path": "/", "domain": "", "secure": True},
        ),
    ],
)
def test_the_cookie_is_set_as_configured_and_deleted_with_the_same_attributes(
    make_app: Callable[..., Flask],
    config: dict[str, Any],
    base_url: str,
    attributes: dict[str, object],
) -> None:
    app = make_app(**config)
    name = config.get("REMEMBER_COOKIE_NAME", "remember_token")
    client = app.test_client(use_cookies=False)
    (put,) = cookies_set_by(client.get("/login/alice?remember", base_url=base_url), name)
    assert {key: put[key] for key in attributes} == attributes

    cookie = {"Cookie": f"{name}={put.value}"}
    (gone,) = cookies_set_by(client.get("/logout", base_url=base_url, headers=cookie), name)
    assert gone.value == ""
    assert gone["max-age"] == "0"
    lasting = ("domain", "path", "secure", "httponly", "samesite")
    assert {key: gone[key] for key in lasting} == {key: put[key] for key in lasting}


@pytest.mark.skipif(not FLASK_HAS_PARTITIONED, reason="needs Flask 3.1 for the attribute")
@pytest.mark.parametrize(
    ("config", "partitioned"),
    [
        ({}, False),
        ({"REMEMBER_COOKIE_PARTITIONED": True}, True),
        ({"SESSION_COOKIE_PARTITIONED": True}, True),
        ({"SESSION_COOKIE_PARTITIONED": True, "REMEMBER_COOKIE_PARTITIONED": False}, False),
    ],
)
def test_a_partitioned_cookie_is_deleted_in_its_partition(
    make_app: Callable[..., Flask], config: dict[str, Any], partitioned: bool
) -> None:
    app = make_app(REMEMBER_COOKIE_SECURE=True, SESSION_COOKIE_SECURE=True, **config)
    client = app.test_client(use_cookies=False)

    def headers_of(response: TestResponse) -> list[str]:
        return [h for h in response.headers.getlist("Set-Cookie") if "remember_token" in h]

    (put,) = headers_of(client.get("/login/alice?remember", base_url="https://localhost"))
    value = put.partition(";")[0]
    (gone,) = headers_of(
        client.get("/logout", base_url="https://localhost", headers={"Cookie": value})
    )
    assert ("Partitioned" in put, "Partitioned" in gone) == (partitioned, partitioned)


@pytest.mark.skipif(FLASK_HAS_PARTITIONED, reason="this Flask has the attribute")
def test_partitioned_cookies_on_an_older_flask_are_refused_with_the_cure(
    make_app: Callable[..., Flask],
) -> None:
    with pytest.raises(ConfigurationError, match=r"3\.1"):
        make_app(REMEMBER_COOKIE_PARTITIONED=True)
    client = make_app(SESSION_COOKIE_PARTITIONED=True).test_client()
    assert client.get("/login/alice?remember").text == "True"


def test_a_cookie_of_another_name_is_nobodys_business(make_app: Callable[..., Flask]) -> None:
    app = make_app(REMEMBER_COOKIE_NAME="keep_me")
    client = remembered_as(app)
    assert client.get_cookie("remember_token") is None
    assert client.get_cookie("keep_me") is not None
    assert reopen(client).get("/me").text == "alice"
    client.get("/logout")
    assert client.get_cookie("keep_me") is None


# Logout, and another login


def test_logout_deletes_the_cookie_and_the_user_does_not_come_back(app: Flask) -> None:
    client = remembered_as(app)
    client.get("/logout")
    assert client.get_cookie("remember_token") is None
    assert reopen(client).get("/me").text == "nobody"


def test_logout_before_anybody_was_loaded_deletes_the_cookie_too(app: Flask) -> None:
    client = reopen(remembered_as(app))
    client.get("/logout")
    assert client.get_cookie("remember_token") is None


@pytest.mark.parametrize("first", ["logout", "clear"])
def test_clearing_the_session_around_logout_does_not_bring_the_user_back(
    app: Flask, first: str
) -> None:
    @app.get("/leave")
    def leave() -> str:
        if first == "clear":
            session.clear()
        logout_user()
        session.clear()
        return ""

    client = remembered_as(app)
    client.get("/leave")
    assert client.get_cookie("remember_token") is None
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize("question", ["current_user", "logout_user", "login_required"])
def test_an_application_may_still_ask_for_the_deletion_in_the_session(
    app: Flask, question: str
) -> None:
    def leave() -> str:
        if question == "current_user":
            assert current_user.is_authenticated
        elif question == "logout_user":
            logout_user()
        session.clear()
        session["_remember"] = "clear"
        return ""

    app.add_url_rule(
        "/leave", "leave", login_required(leave) if question == "login_required" else leave
    )
    client = remembered_as(app)
    client.get("/leave")
    assert client.get_cookie("remember_token") is None
    with client.session_transaction() as kept:
        assert "_remember" not in kept


def test_a_deletion_that_is_asked_for_where_nobody_asked_for_the_user_is_done_next_time(
    app: Flask,
) -> None:
    @app.get("/leave")
    def leave() -> str:
        session.clear()
        session["_remember"] = "clear"
        return ""

    client = remembered_as(app)
    client.get("/leave")
    assert client.get("/me").text == "nobody"
    assert client.get_cookie("remember_token") is None
    with client.session_transaction() as kept:
        assert "_remember" not in kept


def test_an_application_may_still_ask_for_the_cookie_in_the_session(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any], clock: FrozenClock
) -> None:
    @app.get("/enter")
    def enter() -> str:
        session.update({"_user_id": "alice", "_remember": "set", "_remember_seconds": 60})
        if "tell" in request.args:
            login_manager._update_request_context_with_user(users["alice"])
        return ""

    assert not cookies_set_by(app.test_client().get("/enter"))
    client = app.test_client()
    (cookie,) = cookies_set_by(client.get("/enter?tell"))
    assert cookie["expires"].endswith("00:01:00 GMT")
    with client.session_transaction() as kept:
        assert set(kept) == {"_user_id"}
    assert reopen(client).get("/me").text == "alice"
    clock.advance(timedelta(seconds=60))
    assert reopen(client).get("/me").text == "nobody"


@pytest.mark.parametrize("wish", ["nonsense", None, 1])
def test_a_wish_in_the_session_that_is_no_wish_does_nothing(app: Flask, wish: object) -> None:
    @app.get("/enter")
    def enter() -> str:
        session.update({"_user_id": "alice", "_remember": wish})
        return ""

    response = app.test_client().get("/enter")
    assert response.status_code == 200
    assert not cookies_set_by(response)


def test_logging_in_and_clearing_the_session_at_once_leaves_no_cookie(
    app: Flask, users: dict[str, Any]
) -> None:
    @app.get("/in-and-out")
    def in_and_out() -> str:
        login_user(users["alice"], remember=True)
        session.clear()
        return ""

    assert not cookies_set_by(app.test_client().get("/in-and-out"))


def test_logging_in_and_out_in_one_request_leaves_no_cookie(
    app: Flask, users: dict[str, Any]
) -> None:
    @app.get("/in-and-out")
    def in_and_out() -> str:
        login_user(users["alice"], remember=True)
        logout_user()
        return ""

    client = app.test_client()
    client.get("/in-and-out")
    assert client.get_cookie("remember_token") is None
    assert client.get("/me").text == "nobody"


def test_logging_out_and_in_again_in_one_request_remembers_who_asked_for_it(
    app: Flask, users: dict[str, Any]
) -> None:
    @app.get("/switch")
    def switch() -> str:
        logout_user()
        login_user(users["bob"], remember=True)
        return ""

    client = remembered_as(app)
    client.get("/switch")
    assert reopen(client).get("/me").text == "bob"


def test_logging_out_and_in_again_without_remember_forgets_the_token(
    app: Flask, users: dict[str, Any]
) -> None:
    @app.get("/switch")
    def switch() -> str:
        logout_user()
        login_user(users["alice"])
        return ""

    client = remembered_as(app)
    assert client.get("/switch").status_code == 200
    assert client.get_cookie("remember_token") is None
    assert client.get("/me").text == "alice"


def test_logging_in_as_b_without_remember_removes_the_token_of_a(app: Flask) -> None:
    client = remembered_as(app, "alice")
    client.get("/login/bob")
    assert client.get_cookie("remember_token") is None
    assert client.get("/me").text == "bob"
    assert reopen(client).get("/me").text == "nobody"


def test_logging_in_as_b_with_remember_replaces_the_token_of_a(app: Flask) -> None:
    client = remembered_as(app, "alice")
    client.get("/login/bob?remember")
    assert reopen(client).get("/me").text == "bob"


def test_logging_in_again_without_remember_keeps_ones_own_token(app: Flask) -> None:
    client = reopen(remembered_as(app))
    response = client.get("/login/alice")
    assert not cookies_set_by(response)
    assert reopen(client).get("/me").text == "alice"


def test_an_error_page_deletes_the_cookie_too(app: Flask) -> None:
    @app.get("/leave")
    def leave() -> Any:
        logout_user()
        return redirect("/gone", 303)

    @app.errorhandler(418)
    def teapot(error: Exception) -> tuple[str, int]:
        return "teapot", 418

    @app.get("/leave-badly")
    def leave_badly() -> tuple[str, int]:
        logout_user()
        abort(418)

    for page in ("/leave", "/leave-badly"):
        client = remembered_as(app)
        client.get(page)
        assert client.get_cookie("remember_token") is None


# Credentials: get_session_auth_hash


class Unsaying(UserMixin):
    """A user of a class that says nothing of credentials."""

    id = "carol"


class Member(UserMixin):
    """A user whose login ends with the password it was made with."""

    def __init__(self, password_hash: str | None) -> None:
        self.id = "carol"
        self.password_hash = password_hash

    def get_session_auth_hash(self) -> Any:
        return self.password_hash


def test_a_token_made_with_another_password_logs_nobody_in(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("old hash")
    client = reopen(remembered_as(app, "carol"))
    users["carol"].password_hash = "new hash"
    assert client.get("/me").text == "nobody"
    assert client.get_cookie("remember_token") is None


def test_the_token_does_not_contain_the_credentials(app: Flask, users: dict[str, Any]) -> None:
    users["carol"] = Member("canary hash")
    token = token_of(remembered_as(app, "carol"))
    with app.app_context():
        label, fields, _ = unsign_labelled(token, "flask-login.remember-token.default")
    assert "canary" not in repr(fields)
    assert label == "carol"
    assert len(fields) == 3


def test_who_confirms_after_the_change_keeps_session_and_token_and_nobody_else_does(
    app: Flask, users: dict[str, Any], login_manager: LoginManager[Any]
) -> None:
    users["carol"] = Member("old hash")

    @app.get("/change-password")
    def change_password() -> str:
        assert login_manager.current_user.get_id() == "carol"
        users["carol"].password_hash = "new hash"
        confirm_login()
        return ""

    own, other, third = (remembered_as(app, "carol") for _ in range(3))
    reopen(third)
    stolen = token_of(own)
    own.get("/change-password")

    assert own.get("/me").text == "carol"
    assert reopen(own).get("/me").text == "carol"
    assert other.get("/me").text == "nobody"
    assert reopen(other).get("/me").text == "nobody"
    assert third.get("/me").text == "nobody"
    thief = app.test_client()
    thief.set_cookie("remember_token", stolen)
    assert thief.get("/me").text == "nobody"


@pytest.mark.parametrize("asks_first", [False, True])
@pytest.mark.parametrize("session_kept", [False, True])
def test_a_token_that_a_password_change_killed_is_not_revived_by_a_plain_login(
    app: Flask,
    users: dict[str, Any],
    login_manager: LoginManager[Any],
    asks_first: bool,
    session_kept: bool,
) -> None:
    users["carol"] = Member("old hash")

    @app.before_request
    def look_around() -> None:
        if asks_first:
            assert login_manager.current_user is not None

    client = remembered_as(app, "carol")
    stolen = token_of(client)
    users["carol"].password_hash = "new hash"
    if not session_kept:
        reopen(client)
    response = client.get("/login/carol")
    assert response.text == "True"
    (deletion,) = cookies_set_by(response)
    assert deletion.value == ""
    assert client.get("/me").text == "carol"
    assert reopen(client).get("/me").text == "nobody"
    client.set_cookie("remember_token", stolen)
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize("comes_by", ["session", "remember token"])
def test_logging_in_after_ones_own_password_change_keeps_ones_own_token_and_no_other(
    app: Flask,
    users: dict[str, Any],
    login_manager: LoginManager[Any],
    clock: FrozenClock,
    comes_by: str,
) -> None:
    users["carol"] = Member("old hash")

    @app.get("/change-password")
    def change_password() -> str:
        assert login_manager.current_user.get_id() == "carol"
        users["carol"].password_hash = "new hash"
        return str(login_user(users["carol"]))

    own, other = remembered_as(app, "carol"), reopen(remembered_as(app, "carol"))
    stolen = token_of(own)
    clock.advance(100 * DAY)
    if comes_by != "session":
        reopen(own)
    assert own.get("/change-password").text == "True"
    assert own.get("/me").text == "carol"
    assert reopen(own).get("/me").text == "carol"
    assert other.get("/me").text == "nobody"
    thief = app.test_client()
    thief.set_cookie("remember_token", stolen)
    assert thief.get("/me").text == "nobody"
    clock.advance(265 * DAY)
    assert reopen(own).get("/me").text == "nobody", "its time did not begin anew"


def test_changing_the_password_does_not_make_a_plain_login_a_remembered_one(
    app: Flask, users: dict[str, Any], login_manager: LoginManager[Any]
) -> None:
    users["carol"] = Member("old hash")

    @app.get("/change-password")
    def change_password() -> str:
        assert login_manager.current_user.get_id() == "carol"
        users["carol"].password_hash = "new hash"
        confirm_login()
        return ""

    client = app.test_client()
    client.get("/login/carol")
    assert not cookies_set_by(client.get("/change-password"))


def test_a_token_from_before_the_user_had_such_a_text_is_accepted_and_bound_to_it(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Unsaying()
    client = reopen(remembered_as(app, "carol"))
    users["carol"] = Member("first hash")
    assert client.get("/me").text == "carol"
    users["carol"].password_hash = "second hash"
    assert reopen(client).get("/me").text == "nobody"


def test_after_a_key_rotation_the_token_is_bound_to_the_credentials_still(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("hash")
    client = reopen(remembered_as(app, "carol"))
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])
    assert client.get("/me").text == "carol"
    users["carol"].password_hash = "other hash"
    assert client.get("/me").text == "nobody"
    assert reopen(client).get("/me").text == "nobody"


# The token itself


def test_a_token_is_written_and_read_back(app: Flask) -> None:
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with app.app_context():
        token = issue("名前", now, DAY, "hash")
        found = read(write(token, "default"), "default", now, app.config)
        assert vars(found) == vars(token)
        assert read(write(token, "default"), "staff", now, app.config) is None
        assert read(write(token, "default"), "default", now + DAY, app.config) is None
    assert token.lifetime == DAY


def test_the_printed_form_of_a_token_cannot_be_used_as_one(app: Flask) -> None:
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with app.app_context():
        token = issue("alice", now, DAY)
        assert write(token, "default") not in repr(token)
    expected = RememberToken("alice", int(now.timestamp()), int((now + DAY).timestamp()))
    assert vars(token) == vars(expected)


def test_a_private_hook_of_old_loads_the_user_of_a_cookie(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    token = token_of(remembered_as(app))
    with app.test_request_context():
        assert login_manager._load_user_from_remember_cookie(token) is users["alice"]
        assert session["_user_id"] == "alice"
        assert session["_fresh"] is False
    with app.test_request_context():
        assert login_manager._load_user_from_remember_cookie("junk") is None
        assert "_user_id" not in session


def test_a_subclass_may_say_itself_what_a_remember_cookie_means(users: dict[str, Any]) -> None:
    class Own(LoginManager[Any]):
        def _load_user_from_remember_cookie(self, cookie: str) -> Any:
            return users.get(cookie.removeprefix("own-"))

    app = Flask(__name__)
    app.config["SECRET_KEY"] = "key"
    manager = Own(app)
    manager.user_loader(users.get)
    app.add_url_rule("/who", view_func=lambda: manager.current_user.get_id() or "nobody")
    client = app.test_client()
    client.set_cookie("remember_token", "own-alice")
    assert client.get("/who").text == "alice"


# The form of the token: `id|payload.signature`


@pytest.mark.parametrize(
    "user_id",
    [
        *("7", "", "a|b", "a.b|c.d", "名前", "50%|%", 'say "hi"', "a, b; c", "back\\slash", " x "),
        *("é=é", "x" * 3500, "a\x1fb", "a\x00b", "\ud800", "a\u2028b"),
    ],
)
def test_an_id_of_any_characters_comes_back_from_the_cookie(
    app: Flask, users: dict[str, Any], user_id: str
) -> None:
    class Person(UserMixin):
        id = user_id

    users[user_id] = Person()

    @app.get("/enter")
    def enter() -> str:
        return str(login_user(Person(), remember=True))

    @app.get("/is-it")
    def is_it() -> str:
        return str(current_user.get_id() == user_id)

    client = app.test_client()
    client.get("/enter")
    cookie = client.get_cookie("remember_token")
    assert cookie is not None
    assert cookie.value.isprintable(), "browsers drop a cookie with a control character"
    with app.app_context():
        assert decode_cookie(cookie.decoded_value) == user_id
    assert reopen(client).get("/is-it").text == "True"


@pytest.mark.parametrize("user_id", [7, 0, -1, True, UUID(int=7), b"seven", "7"])
def test_an_id_comes_back_from_the_cookie_of_the_type_that_it_had(
    app: Flask, user_id: object
) -> None:
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with app.app_context():
        for auth_hash in (None, "hash"):
            value = write(issue(user_id, now, DAY, auth_hash), "default")
            found = read(value, "default", now, app.config)
            assert found is not None
            assert (found.user_id, type(found.user_id)) == (user_id, type(user_id))
            assert found.auth_hash == auth_hash
            assert value.split("|")[0] == str(user_id)


def test_an_id_of_a_type_that_no_session_keeps_comes_back_as_text(app: Flask) -> None:
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with app.app_context():
        found = read(write(issue(Path("a/b"), now, DAY), "default"), "default", now, app.config)
    assert found is not None
    assert found.user_id == "a/b"


def test_a_token_from_before_the_id_stood_in_front_is_accepted(
    app: Flask, clock: FrozenClock
) -> None:
    now = int(clock().timestamp())
    client = app.test_client()
    with app.app_context():
        value = sign(["alice", now, now + 60], "flask-login.remember-token.default")
        assert decode_cookie(value) == "alice"
    client.set_cookie("remember_token", value)
    assert client.get("/me").text == "alice"
    clock.advance(timedelta(seconds=60))
    with app.app_context():
        assert decode_cookie(value) is None, "it is over"
    assert reopen(client).get("/me").text == "nobody"


def test_a_cookie_is_decoded_without_a_login_manager_too(app: Flask) -> None:
    token = token_of(remembered_as(app))
    other = Flask(__name__)
    other.config["SECRET_KEY"] = app.config["SECRET_KEY"]
    with other.app_context():
        assert decode_cookie(encode_cookie("alice")) == "alice"
        assert decode_cookie("junk") is None
        assert decode_cookie("x" * 5000) is None
        # By the clock of the machine, which is past the year of the tests' clock or not.
        assert decode_cookie(token) in ("alice", None)


def test_a_token_of_an_old_key_is_decoded_while_that_key_verifies(app: Flask) -> None:
    token = token_of(remembered_as(app))
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])
    with app.app_context():
        assert decode_cookie(token) == "alice"
        app.config["SECRET_KEY_FALLBACKS"] = []
        assert decode_cookie(token) is None


# Request classes of applications


class PrinterRequest(Request):
    """Hands the cookie back in the form of old, as a plain dict."""

    @cached_property
    def cookies(self) -> Any:
        found = dict(super().cookies.items())
        value = found.pop("remember_token_P80", None)
        parts = [] if value is None else value.split("|")
        if len(parts) == 3 and decode_cookie(value or "", key="the user's") is not None:
            found["remember_token"] = encode_cookie(parts[0])
        return found


class PrinterResponse(Response):
    """Signs the cookie's user with a key of the user's; its deletion knows two attributes."""

    def set_cookie(  # type: ignore[override]  # as it stands in an application
        self, key: str, value: str = "", **kwargs: Any
    ) -> None:
        if key == "remember_token":
            name = value.partition("|")[0]
            value = encode_cookie(f"{name}|1767225600.0", key="the user's")
        super().set_cookie(f"{key}_P80", value=value, **kwargs)

    def delete_cookie(  # type: ignore[override]  # as it stands in an application
        self, key: str, path: str = "/", domain: str | None = None
    ) -> None:
        super().delete_cookie(key, path=path, domain=domain)


@pytest.mark.parametrize("config", [{}, {"REMEMBER_COOKIE_PATH": "/app"}])
def test_an_application_that_signs_the_cookies_user_again_remembers_people(
    make_app: Callable[..., Flask], config: dict[str, Any]
) -> None:
    app = make_app(SESSION_COOKIE_NAME="other", **config)
    app.request_class, app.response_class = PrinterRequest, PrinterResponse
    # Flask itself deletes the cookie of an empty session with more attributes.
    app.before_request(lambda: session.update(seen=True))
    client = app.test_client()
    put = client.get("/login/alice?remember", base_url="http://localhost/app")
    (cookie,) = cookies_set_by(put, "remember_token_P80")
    header = {"Cookie": f"remember_token_P80={cookie.value}"}
    client = app.test_client(use_cookies=False)
    back = client.get("/me", headers=header)
    assert back.text == "alice"
    assert len(cookies_set_by(back, "remember_token_P80")) == 1
    gone = client.get("/logout", headers=header)
    assert gone.status_code == 200
    assert cookies_set_by(gone, "remember_token_P80")[0]["max-age"] == "0"


class Few:
    """A mapping that knows ``in`` and ``[]`` alone."""

    def __init__(self, cookies: dict[str, Any]) -> None:
        self._cookies = cookies

    def __contains__(self, name: str) -> bool:
        return name in self._cookies

    def __getitem__(self, name: str) -> Any:
        return self._cookies[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._cookies.get(name, default)


@pytest.mark.parametrize("kind", [dict, UserDict, MappingProxyType, OrderedDict, Few])
@pytest.mark.parametrize("page", ["/me", "/logout", "/login/bob", "/login/bob?remember"])
def test_the_cookies_of_a_request_may_be_any_mapping(
    app: Flask, kind: Callable[[Any], Any], page: str
) -> None:
    token = token_of(remembered_as(app))

    class Own(Request):
        @cached_property
        def cookies(self) -> Any:
            return kind({"remember_token": token})

    app.request_class = Own
    response = app.test_client().get(page)
    assert response.status_code == 200
    if page == "/me":
        assert response.text == "alice", "also where there is no header of cookies"
    else:
        assert len(cookies_set_by(response)) == 1


@pytest.mark.parametrize("value", [None, 7, b"alice|x", ["alice"], object()])
@pytest.mark.parametrize("page", ["/me", "/logout", "/login/bob"])
def test_a_cookie_that_is_no_text_is_no_cookie(app: Flask, value: object, page: str) -> None:
    class Own(Request):
        @cached_property
        def cookies(self) -> Any:
            return {"remember_token": value}

    app.request_class = Own
    response = app.test_client().get(page, headers={"Cookie": "a=b"})
    assert response.status_code == 200
    assert not cookies_set_by(response)


# Several cookies of the name


def asked_with(app: Flask, page: str, *tokens: str, **request: Any) -> TestResponse:
    header = "; ".join(f"remember_token={token}" for token in tokens)
    client = app.test_client(use_cookies=False)
    return client.get(page, headers={"Cookie": header}, **request)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("junk", ["junk", "bob|x", "bob|AAAA.BBBB", ""])
def test_what_we_could_not_have_signed_is_no_obstacle_for_a_good_cookie(
    app: Flask, junk: str, first: bool
) -> None:
    good = token_of(remembered_as(app))
    tokens = (junk, good) if first else (good, junk)
    response = asked_with(app, "/me", *tokens)
    assert response.text == "alice"
    assert not cookies_set_by(response)


@pytest.mark.parametrize("page", ["/me", "/logout", "/login/alice"])
def test_several_cookies_that_others_made_are_left_alone(app: Flask, page: str) -> None:
    with app.app_context():
        theirs = encode_cookie("alice", "the key of a neighbour")
    for tokens in (("junk", theirs), (theirs, "bob|AAAA.BBBB", "junk")):
        response = asked_with(app, page, *tokens)
        assert response.status_code == 200
        assert not cookies_set_by(response)


def test_of_several_cookies_of_one_user_the_newest_counts(
    app: Flask, users: dict[str, Any], clock: FrozenClock
) -> None:
    users["carol"] = member = Member("old")
    stale = token_of(remembered_as(app, "carol"))
    clock.advance(DAY)
    member.password_hash = "new"
    good = token_of(remembered_as(app, "carol"))
    with app.app_context():
        legacy = encode_cookie("carol")
    for tokens in ((stale, good, legacy), (legacy, good, good, stale)):
        response = asked_with(app, "/me", *tokens)
        assert response.text == "carol"
        assert not cookies_set_by(response), "the newest is as it should be"


def test_a_stale_cookie_with_the_latest_date_does_not_hide_the_good_one(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = member = Member("old")
    stale = token_of(remembered_as(app, "carol"))
    member.password_hash = "new"
    good = token_of(remembered_as(app, "carol"))
    for tokens in ((stale, good), (good, stale)):
        assert asked_with(app, "/me", *tokens).text == "carol"


def test_a_cookie_of_a_second_user_counts_only_if_it_would_log_them_in(
    app: Flask, users: dict[str, Any]
) -> None:
    alice, bob = token_of(remembered_as(app)), token_of(remembered_as(app, "bob"))
    assert asked_with(app, "/me", alice, bob).text == "nobody"
    users["bob"].active = False
    assert asked_with(app, "/me", alice, bob).text == "alice"
    del users["bob"]
    assert asked_with(app, "/me", bob, alice).text == "alice"
    users["alice"].active = False
    assert asked_with(app, "/me", bob, alice).text == "nobody"


def test_a_header_of_many_cookies_costs_little_and_finds_nobody_wrong(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    asked: list[str] = []

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        asked.append(user_id)
        return Account(user_id)

    tokens = []
    for number in range(200):
        users[f"u{number}"] = Account(f"u{number}")
        tokens.append(token_of(remembered_as(app, f"u{number}")))
    asked.clear()
    assert asked_with(app, "/me", *tokens).text == "nobody"
    assert 0 < len(asked) <= 10


@pytest.mark.parametrize(
    ("config", "deletions"),
    [
        ({}, [("", "/")]),
        ({"REMEMBER_COOKIE_DOMAIN": "example.org"}, [("example.org", "/"), ("", "/")]),
        ({"REMEMBER_COOKIE_PATH": "/app"}, [("", "/app"), ("", "/")]),
    ],
)
@pytest.mark.parametrize("page", ["/app/logout", "/app/me", "/app/login/carol"])
def test_where_two_came_the_cookie_of_the_host_alone_is_deleted_too(
    make_app: Callable[..., Flask],
    users: dict[str, Any],
    config: dict[str, Any],
    deletions: list[tuple[str, str]],
    page: str,
) -> None:
    app = make_app(**config)
    users["carol"] = Account("carol")
    alice, bob = token_of_header(app, "alice"), token_of_header(app, "bob")
    url = page.removeprefix("/app")
    base = "http://example.org/app"
    response = asked_with(app, url, alice, bob, base_url=base)
    found = [(c["domain"], c["path"]) for c in cookies_set_by(response)]
    assert found == deletions
    assert {c["max-age"] for c in cookies_set_by(response)} == {"0"}
    if page == "/app/logout":
        one = asked_with(app, url, alice, "junk", base_url=base)
        assert len(cookies_set_by(one)) == 1, "only one of ours came"


def token_of_header(app: Flask, user_id: str) -> str:
    client = app.test_client(use_cookies=False)
    response = client.get(f"/login/{user_id}?remember", base_url="http://example.org/app")
    value: str = cookies_set_by(response)[0].value
    return value


def test_a_login_that_is_remembered_leaves_no_cookie_of_another_user_on_the_host(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app()
    alice = token_of_header(app, "alice")
    app.config["REMEMBER_COOKIE_DOMAIN"] = "example.org"
    base = "http://example.org/"
    response = asked_with(app, "/login/bob?remember", alice, base_url=base)
    gone, put = cookies_set_by(response)
    assert (gone["domain"], gone["max-age"]) == ("", "0")
    assert (put["domain"], put.value.split("|")[0]) == ("example.org", "bob")
    again = asked_with(app, "/login/alice?remember", alice, base_url=base)
    assert len(cookies_set_by(again)) == 1, "it is of the same user"


class AnyArguments(Response):
    """A response class whose method passes on whatever it is given."""

    def delete_cookie(self, key: str, **attributes: Any) -> None:  # type: ignore[override]
        super().delete_cookie(key, **attributes)


def test_a_response_class_that_takes_any_arguments_is_given_them_all(app: Flask) -> None:
    app.response_class = AnyArguments
    app.config["REMEMBER_COOKIE_SECURE"] = True
    client = app.test_client()
    client.get("/login/alice?remember", base_url="https://localhost")
    (cookie,) = cookies_set_by(client.get("/logout", base_url="https://localhost"))
    assert (cookie["max-age"], cookie["secure"], cookie["samesite"]) == ("0", True, "Lax")


def test_where_nobody_is_remembered_the_cookies_of_before_are_deleted(app: Flask) -> None:
    alice, bob = token_of(remembered_as(app)), token_of(remembered_as(app, "bob"))
    app.config["REMEMBER_COOKIE_ENABLED"] = False
    for cookies in ([alice], [alice, bob]):
        response = asked_with(app, "/me", *cookies)
        assert response.text == "nobody"
        assert {cookie["max-age"] for cookie in cookies_set_by(response)} == {"0"}
    assert not cookies_set_by(asked_with(app, "/me", "junk"))


@pytest.mark.parametrize("unknown", [["alice"], ["bob"], ["alice", "bob"]])
def test_of_two_users_one_who_is_unknown_for_a_moment_keeps_the_cookie(
    app: Flask, users: dict[str, Any], clock: FrozenClock, unknown: list[str]
) -> None:
    alice, bob = token_of(remembered_as(app)), token_of(remembered_as(app, "bob"))
    gone = {name: users.pop(name) for name in unknown}
    (known,) = {"alice", "bob"} - gone.keys() if len(gone) == 1 else {"nobody"}
    response = asked_with(app, "/me", alice, bob)
    assert response.text == known
    assert not cookies_set_by(response), "no cookie is deleted on the word of a moment"
    users.update(gone)
    assert asked_with(app, "/me", alice).text == "alice"
    assert asked_with(app, "/me", bob).text == "bob"


def test_a_cookie_name_changed_at_run_time_counts_at_once(app: Flask) -> None:
    client = remembered_as(app)
    token = token_of(client)
    app.config["REMEMBER_COOKIE_NAME"] = "keep_me"
    assert reopen(client).get("/me").text == "nobody"
    client.set_cookie("keep_me", token)
    assert client.get("/me").text == "alice"


def test_an_async_loader_chooses_among_several_cookies_too(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    pytest.importorskip("asgiref")
    alice, bob = token_of(remembered_as(app)), token_of(remembered_as(app, "bob"))

    @login_manager.user_loader
    async def load(user_id: str) -> Any:
        return users.get(user_id)

    assert asked_with(app, "/me", alice, bob).text == "nobody"
    users["bob"].active = False
    assert asked_with(app, "/me", alice, bob).text == "alice"


# What applications do with the private methods


@pytest.mark.parametrize("login", ["remember", "plain", "stale"])
def test_a_view_that_sets_the_cookie_itself_has_the_last_word(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any], login: str
) -> None:
    @app.get("/enter")
    def enter() -> Any:
        login_user(users["alice"], remember=login == "remember")
        response = app.make_response("in")
        login_manager._set_cookie(response)
        return response

    tokens = [token_of(remembered_as(app, "bob"))] if login == "stale" else []
    response = asked_with(app, "/enter", *tokens)
    (cookie,) = cookies_set_by(response)
    assert cookie.value.startswith("alice|")
    assert asked_with(app, "/me", cookie.value).text == "alice"


def test_a_view_that_deletes_the_cookie_itself_has_the_last_word(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    @app.get("/enter")
    def enter() -> Any:
        login_user(users["alice"], remember=True)
        response = app.make_response("in")
        login_manager._clear_cookie(response)
        return response

    (cookie,) = cookies_set_by(app.test_client().get("/enter"))
    assert cookie["max-age"] == "0"


def test_a_logout_after_the_cookie_was_set_by_hand_still_deletes_it(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    @app.get("/enter/<how>")
    def enter(how: str) -> Any:
        login_user(users["alice"])
        response = app.make_response("in")
        login_manager._set_cookie(response)
        if how == "logout":
            logout_user()
        elif how == "session":
            session["_remember"] = "clear"
        else:
            return "another response"
        return response

    for how in ("logout", "session"):
        client = app.test_client()
        assert client.get(f"/enter/{how}").text == "in"
        if how == "session":
            assert client.get_cookie("remember_token") is None
        assert reopen(client).get("/me").text == "nobody"
    assert not cookies_set_by(app.test_client().get("/enter/other"))


def test_where_nobody_is_remembered_a_view_sets_no_cookie_either(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    app = make_app(REMEMBER_COOKIE_ENABLED=False)

    @app.get("/enter")
    def enter() -> Any:
        login_user(users["alice"])
        response = app.make_response("in")
        login_manager._set_cookie(response)
        return response

    assert not cookies_set_by(app.test_client().get("/enter"))


@pytest.mark.parametrize("form", ["new", "legacy", "of an old key"])
def test_a_request_loader_may_load_by_the_text_of_a_cookie_and_sets_none(
    app: Flask, login_manager: LoginManager[Any], form: str
) -> None:
    text = token_of(remembered_as(app))
    if form == "legacy":
        with app.app_context():
            text = encode_cookie("alice")
    elif form == "of an old key":
        app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])

    @login_manager.request_loader
    def load(request: Request) -> Any:
        found = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return login_manager._load_user_from_remember_cookie(found)

    client = app.test_client()
    response = client.get("/me", headers={"Authorization": f"Bearer {text}"})
    assert response.text == "alice"
    assert not cookies_set_by(response)
    assert client.get("/me").text == "alice", "the session knows it now, as ever"
    assert client.get("/fresh").text == "stale"
    other = app.test_client()
    assert other.get("/me", headers={"Authorization": "Bearer junk"}).text == "nobody"


def test_a_manager_that_decodes_the_cookie_itself_works_with_todays(
    users: dict[str, Any], clock: FrozenClock
) -> None:
    class Own(LoginManager[Any]):
        def _load_user_from_remember_cookie(self, cookie: str) -> Any:
            user_id = decode_cookie(cookie)
            if user_id is None:
                return None
            session["_user_id"] = user_id
            session["_fresh"] = False
            return users.get(user_id)

    app = Flask(__name__)
    app.config["SECRET_KEY"] = "key"
    manager = Own(app, clock=clock)
    manager.user_loader(users.get)
    app.add_url_rule("/me", "me", lambda: manager.current_user.get_id() or "nobody")
    app.add_url_rule("/logout", "out", lambda: str(manager.logout_user()))
    app.add_url_rule(
        "/login/<user_id>", "in", lambda user_id: str(manager.login_user(users[user_id], True))
    )
    client = app.test_client()
    client.get("/login/alice")
    token = token_of(client)
    assert reopen(client).get("/me").text == "alice"
    assert asked_with(app, "/me", "junk", token).text == "alice"
    clock.advance(400 * DAY)
    assert asked_with(app, "/me", token).text == "nobody"
    assert len(cookies_set_by(asked_with(app, "/logout", "own-form"))) == 1
    assert asked_with(app, "/me", "one", "two").text == "nobody"
