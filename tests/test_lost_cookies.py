"""A login over plain http whose cookie is for https alone is explained in the debug log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_login import LoginManager, MemorySessionStore, UserMixin


class User(UserMixin):
    id = "7"


@pytest.fixture(params=[None, "staff"], ids=["default", "named"])
def realm(request: pytest.FixtureRequest) -> str | None:
    name: str | None = request.param
    return name


@pytest.fixture(params=["signed", "stored", "by cookie"])
def app(request: pytest.FixtureRequest, realm: str | None) -> Flask:
    app = Flask("shop")
    app.config.update(
        SECRET_KEY="a key of thirty-two random bytes", TESTING=True, SESSION_COOKIE_SECURE=True
    )
    store = None if request.param == "signed" else MemorySessionStore()
    app.config["LOGIN_STATE"] = "cookie" if request.param == "by cookie" else "session"
    manager = LoginManager[Any](app, name=realm, session_store=store)
    manager.user_loader(lambda _: User())
    app.add_url_rule("/in", "in", lambda: str(manager.login_user(User(), remember=True)))
    app.add_url_rule("/page", "page", manager.login_required(lambda: "page"))
    return app


def told(caplog: pytest.LogCaptureFixture) -> int:
    return sum(
        "did not send the session cookie back" in text
        or "did not send the login cookie back" in text
        for text in caplog.messages
    )


def forgetful(app: Flask) -> FlaskClient:
    """Return a browser that drops the cookies, as one does over plain http."""
    return app.test_client(use_cookies=False)


@pytest.fixture(autouse=True)
def debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="flask_login")


def test_a_secure_cookie_that_did_not_come_back_over_plain_http_is_told_once(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    browser = forgetful(app)
    browser.get("/page")
    assert told(caplog) == 0  # nobody logged in yet
    browser.get("/in")
    assert browser.get("/page").status_code == 401
    assert told(caplog) == 1
    (record,) = [one for one in caplog.records if "did not send" in one.getMessage()]
    assert record.levelno == logging.DEBUG
    assert "application 'shop'" in record.getMessage()
    assert "SESSION_COOKIE_SECURE = False" in record.getMessage()
    browser.get("/page")
    assert told(caplog) == 1


def test_somebody_who_logs_in_once_more_without_the_cookie_is_told_of_too(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    browser = forgetful(app)
    browser.get("/in")
    browser.get("/in")
    assert told(caplog) == 1


@pytest.mark.parametrize("why", ["it came back", "https", "not secure", "another", "no debugging"])
def test_a_login_whose_cookie_is_not_lost_is_no_false_alarm(
    why: str, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    browser, url, headers = forgetful(app), "http://shop.example.org", {}
    if why == "it came back":
        browser = app.test_client()  # as from http://localhost
        browser.get("/in", base_url=url)
        browser.get("/page", base_url=url)
        with browser.session_transaction(base_url=url) as session:
            session.clear()
            session["cart"] = 1
        browser.delete_cookie("remember_token", domain="shop.example.org")
    elif why == "https":
        url = "https://shop.example.org"
    elif why == "not secure":
        app.config["SESSION_COOKIE_SECURE"] = False
    elif why == "another":
        headers = {"User-Agent": "another browser"}
    else:
        caplog.set_level(logging.INFO, logger="flask_login")
    browser.get("/in", base_url=url) if why != "it came back" else None
    browser.get("/page", base_url=url, headers=headers)
    assert told(caplog) == 0


def test_a_manager_that_a_test_put_in_place_of_another_stops_nothing(app: Flask) -> None:
    del app.extensions["login"]["default" if "default" in app.extensions["login"] else "staff"]
    assert forgetful(app).get("/in").text == "True"
    assert forgetful(app).get("/page").status_code == 401


def test_a_login_that_there_was_no_room_for_is_not_looked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Flask("shop")
    app.config.update(
        SECRET_KEY="a key of thirty-two random bytes",
        TESTING=True,
        SESSION_COOKIE_SECURE=True,
        LOGIN_MAX_SESSIONS=1,
        LOGIN_MAX_SESSIONS_POLICY="deny",
    )
    manager = LoginManager[Any](app, session_store=MemorySessionStore())
    manager.user_loader(lambda _: User())
    app.add_url_rule("/in", "in", lambda: str(manager.login_user(User())))
    app.test_client().get("/in", base_url="https://shop.example.org")
    assert forgetful(app).get("/in").text == "False"
    assert app.extensions["login"]["default"].logins_over_http == {}


def test_a_crowd_of_logins_is_not_kept(app: Flask, realm: str | None) -> None:
    browser = forgetful(app)
    for number in range(120):
        browser.get("/in", headers={"User-Agent": f"browser {number}"})
    known = app.extensions["login"][realm or "default"].logins_over_http
    assert len(known) == 100
