"""Users who were logged in by Flask-Login 0.6.3, or its development version, still are.

Both bound a session to its client by a SHA-512 in hex: the release hashed the printed form of
bytes, quotes and all, and believed ``X-Forwarded-For``; the development version hashed the text.
Their remember cookie was ``payload|hmac``. Either is accepted once and written anew.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_login import UserMixin
from flask_login.testing import FrozenClock

AGENT = "Mozilla/5.0 (X11; Linux x86_64)"
KEY = "a key of thirty-two random bytes"


def sha512(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


def released(address: str, agent: str) -> str:
    return sha512(f"b'{address}'|b'{agent}'")


def developed(address: str, agent: str) -> str:
    return sha512(f"{address}|{agent}")


def old_cookie(user_id: str, key: bytes = KEY.encode()) -> str:
    return f"{user_id}|{hmac.new(key, user_id.encode(), hashlib.sha512).hexdigest()}"


def with_session(app: Flask, **entries: Any) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(entries)
    return client


def with_cookie(app: Flask, value: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("remember_token", value)
    return client


#: What a running 0.6.3 wrote for the user "alice" and the key above, from 127.0.0.1.
REMEMBERED = (
    "alice|faf22fecbbc4576b0d954dfb87b67f4336c5ece249197a7815614509f0b365ddec9de4740d13607b2a63ae"
    "3b4fd9f2f56f5d217f3fb8fc7476231d1301e29f23"
)
RECORDED = [
    (
        {"User-Agent": AGENT},
        (
            "ce3fa883568032fef5ccbb32fb6b63033835ff26795134ddffae790f888f7f12"
            "158a3c6ec3bec7a1557fc201486553d9829933abdca01f5ec1d9e351640692a5"
        ),
    ),
    (
        {"User-Agent": AGENT, "X-Forwarded-For": "203.0.113.7, 10.0.0.1"},
        (
            "65cbd878d6ceb0cc06d4e4f582f7e0b1e0e3f4490f805e4caf04aa5b7d01be16"
            "6d754c748ca4a98a3deb892b2c24d952cc04a42b231e78f477759ddaa3a7766d"
        ),
    ),
    (
        {"User-Agent": AGENT, "X-Forwarded-For": ""},
        (
            "b6c368487a6b7e844e240ab09d5a5b8e98a63fc038c575491b1bda28acb761bb"
            "7adf31fb8d3f9af1784c1082faf7b3849fc42bff451c3c5362bc942f2459aef4"
        ),
    ),
    (
        {"User-Agent": "caf\xe9"},
        (
            "4cc4f0e0ef78fab93c2c5e01c206a25f7f5ff7d0438d895461a89113782989f0"
            "d77625d28933a2e04b6e8c74f04d150c82820e05d8b63abba2396c061f62cdff"
        ),
    ),
    (
        {"User-Agent": "it's"},
        (
            "c995ff0c175f6ee89ac9b0843ceb32ade3b48095ae7d48c15f0afe593431e031"
            "dd23764185ee4d7fb9895487c33489ecbc97e3a2ae3b09808c0540d0684895f0"
        ),
    ),
    (
        {"User-Agent": None},
        (
            "656d8f867997c2a40397700861e67a333b935d82576d85577e2da5109fbf90ba"
            "7d035f50908ba54969f8b60c156c4a762615d025942cb19ae24d329b88d388db"
        ),
    ),
]


def test_the_values_made_here_are_those_that_were_recorded() -> None:
    assert released("127.0.0.1", AGENT) == RECORDED[0][1]
    assert old_cookie("alice") == REMEMBERED


@pytest.mark.parametrize(("headers", "recorded"), RECORDED, ids=lambda value: str(value)[:40])
def test_a_recorded_session_is_known_by_the_client_it_was_made_for_alone(
    make_app: Callable[..., Flask], headers: dict[str, str | None], recorded: str
) -> None:
    app = make_app(SESSION_PROTECTION="strong")
    wsgi_app = app.wsgi_app

    def as_sent(environ: dict[str, Any], start_response: Any) -> Any:
        if headers["User-Agent"] is None:
            del environ["HTTP_USER_AGENT"]  # the test client always sends one
        return wsgi_app(environ, start_response)

    app.wsgi_app = as_sent  # type: ignore[method-assign]  # Flask's documented way
    sent = {name: value for name, value in headers.items() if value is not None}
    client = with_session(app, _user_id="alice", _fresh=True, _id=recorded)
    assert client.get("/fresh", headers=sent).text == "fresh"
    client = with_session(app, _user_id="alice", _fresh=True, _id=recorded)
    elsewhere = {"REMOTE_ADDR": "198.51.100.1"}
    forwarded = headers.get("X-Forwarded-For") is not None
    answer = client.get("/me", headers=sent, environ_base=elsewhere).text
    assert answer == ("alice" if forwarded else "nobody"), "0.6.3 believed the header"


# Sessions


@pytest.mark.parametrize("mode", [None, "basic", "strong"])
@pytest.mark.parametrize("form", [released, developed])
def test_an_old_session_stays_logged_in_and_fresh_and_gets_the_new_form(
    make_app: Callable[..., Flask], mode: str | None, form: Callable[[str, str], str]
) -> None:
    app = make_app(SESSION_PROTECTION=mode)
    client = with_session(app, _user_id="alice", _fresh=True, _id=form("127.0.0.1", AGENT))
    assert client.get("/me", headers={"User-Agent": AGENT}).text == "alice"
    assert client.get("/fresh", headers={"User-Agent": AGENT}).text == "fresh"
    with client.session_transaction() as session:
        assert len(session["_id"]) == 8
    assert client.get("/fresh", headers={"User-Agent": AGENT}).text == "fresh"


def test_an_old_session_behind_a_proxy_is_known_by_the_header_it_was_made_with(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(SESSION_PROTECTION="strong")
    client = with_session(app, _user_id="alice", _fresh=True, _id=released("203.0.113.7", AGENT))
    headers = {"User-Agent": AGENT, "X-Forwarded-For": "203.0.113.7, 10.0.0.1"}
    assert client.get("/fresh", headers=headers).text == "fresh"
    # From now on only the peer counts: the header may say what it likes.
    headers["X-Forwarded-For"] = "198.51.100.1"
    assert client.get("/fresh", headers=headers).text == "fresh"


@pytest.mark.parametrize("form", [released, developed])
def test_an_old_session_from_another_client_is_treated_like_a_new_one(
    make_app: Callable[..., Flask], form: Callable[[str, str], str]
) -> None:
    for mode, user in (("basic", "alice"), ("strong", "nobody")):
        app = make_app(SESSION_PROTECTION=mode)
        client = with_session(app, _user_id="alice", _fresh=True, _id=form("127.0.0.1", AGENT))
        assert client.get("/me", headers={"User-Agent": "curl"}).text == user
        assert client.get("/fresh", headers={"User-Agent": "curl"}).text == "stale"


def test_once_rewritten_the_old_form_is_not_what_the_session_says(app: Flask) -> None:
    client = with_session(app, _user_id="alice", _fresh=True, _id=released("127.0.0.1", AGENT))
    client.get("/me", headers={"User-Agent": AGENT})
    with client.session_transaction() as session:
        assert session["_id"] != released("127.0.0.1", AGENT)
        assert session["_user_id"] == "alice"


def test_an_old_session_that_was_not_fresh_is_not_fresh_now(app: Flask) -> None:
    client = with_session(app, _user_id="alice", _fresh=False, _id=released("127.0.0.1", AGENT))
    assert client.get("/fresh", headers={"User-Agent": AGENT}).text == "stale"


def test_logging_out_of_an_old_session_leaves_nothing_of_it(app: Flask) -> None:
    client = with_session(
        app,
        _user_id="alice",
        _fresh=True,
        _id=released("127.0.0.1", AGENT),
        _remember="set",
        _remember_seconds=3600,
        next="/page",
    )
    client.get("/logout")
    with client.session_transaction() as session:
        assert not session


# Remember cookies


@pytest.mark.parametrize("user_id", ["alice", "7", "名前", "a|b", "x" * 300])
def test_an_old_remember_cookie_logs_its_user_in_and_is_replaced(
    app: Flask, users: dict[str, Any], user_id: str
) -> None:
    class Person(UserMixin):
        id = user_id

    users[user_id] = Person()
    client = with_cookie(app, old_cookie(user_id))
    assert client.get("/me").text == user_id
    assert client.get("/fresh").text == "stale"
    cookie = client.get_cookie("remember_token")
    assert cookie is not None
    assert cookie.decoded_value.startswith(f"{user_id}|")
    assert cookie.decoded_value != old_cookie(user_id)
    client.delete_cookie("session")
    assert client.get("/me").text == user_id


def test_what_replaced_an_old_cookie_ends_by_the_servers_clock(
    make_app: Callable[..., Flask], clock: FrozenClock
) -> None:
    client = with_cookie(make_app(REMEMBER_COOKIE_DURATION=timedelta(days=1)), old_cookie("alice"))
    assert client.get("/me").text == "alice"
    clock.advance(timedelta(days=1))
    client.delete_cookie("session")
    assert client.get("/me").text == "nobody"


def test_old_cookies_are_refused_once_the_application_says_so(
    make_app: Callable[..., Flask],
) -> None:
    client = with_cookie(make_app(REMEMBER_COOKIE_ACCEPT_LEGACY=False), old_cookie("alice"))
    assert client.get("/me").text == "nobody"
    assert client.get_cookie("remember_token") is None


def test_what_replaced_an_old_cookie_is_good_when_old_ones_are_refused(app: Flask) -> None:
    client = with_cookie(app, old_cookie("alice"))
    client.get("/me")
    app.config["REMEMBER_COOKIE_ACCEPT_LEGACY"] = False
    client.delete_cookie("session")
    assert client.get("/me").text == "alice"


def test_an_old_cookie_of_an_old_key_is_accepted_as_long_as_that_key_verifies(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[KEY])
    client = with_cookie(app, old_cookie("alice"))
    assert client.get("/me").text == "alice"
    app.config["SECRET_KEY_FALLBACKS"] = []
    client.delete_cookie("session")
    assert client.get("/me").text == "alice", "it was replaced by one of the new key"
    assert with_cookie(app, old_cookie("alice")).get("/me").text == "nobody"


def test_no_byte_of_an_old_cookie_can_be_changed(app: Flask) -> None:
    cookie = old_cookie("alice")
    for place, character in enumerate(cookie):
        changed = "0" if character != "0" else "1"
        client = with_cookie(app, cookie[:place] + changed + cookie[place + 1 :])
        assert client.get("/me").text == "nobody"


@pytest.mark.parametrize(
    "value",
    [
        "alice",
        "alice|",
        "alice|é",
        "alice|" + "0" * 128,
        old_cookie("alice", b"another key"),
        old_cookie("alice").upper(),
        old_cookie("alice")[:-1],
        old_cookie("alice") + "0",
        "bob|" + old_cookie("alice").partition("|")[2],
    ],
)
def test_what_only_resembles_an_old_cookie_logs_nobody_in_and_is_left_alone(
    app: Flask, value: str
) -> None:
    client = with_cookie(app, value)
    assert client.get("/me").text == "nobody"
    assert client.get_cookie("remember_token") is not None


def test_an_old_cookie_of_a_user_with_credentials_is_bound_to_them_from_then_on(
    app: Flask, users: dict[str, Any]
) -> None:
    class Member(UserMixin):
        id = "carol"
        password_hash = "old"

        def get_session_auth_hash(self) -> str:
            return self.password_hash

    users["carol"] = member = Member()
    client = with_cookie(app, old_cookie("carol"))
    assert client.get("/me").text == "carol"
    member.password_hash = "new"
    client.delete_cookie("session")
    assert client.get("/me").text == "nobody"


def test_an_old_session_and_an_old_cookie_together_leave_the_user_where_they_were(
    app: Flask,
) -> None:
    client = with_session(app, _user_id="alice", _fresh=True, _id=released("127.0.0.1", AGENT))
    client.set_cookie("remember_token", old_cookie("alice"))
    assert client.get("/fresh", headers={"User-Agent": AGENT}).text == "fresh"
    client.get("/logout", headers={"User-Agent": AGENT})
    assert client.get_cookie("remember_token") is None
    assert client.get("/me", headers={"User-Agent": AGENT}).text == "nobody"
