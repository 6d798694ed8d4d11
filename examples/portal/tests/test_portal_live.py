"""The part of the dashboard that htmx asks for, and the warning before a login ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from flask_login.testing import FrozenClock
from portal import create_app
from portal_testing import MEMBER, Visitor, add_user, close_database

LIVE = "/account/devices/live"
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://localhost/account/"}


@pytest.fixture
def idle(tmp_path: Path, cheap_passwords: None, clock: FrozenClock) -> Iterator[Flask]:
    """A portal whose logins end after half an hour without a click."""
    settings = {
        "TESTING": True,
        "LOGIN_CLOCK": clock,
        "LOGIN_IDLE_TIMEOUT": timedelta(minutes=30),
    }
    app = create_app(settings, instance_path=str(tmp_path / "idle"))
    add_user(app, MEMBER)
    yield app
    close_database(app)


def test_the_fragment_is_a_part_of_a_page(member: Visitor) -> None:
    answer = member.get(LIVE, headers=HTMX)
    assert "<strong>1</strong> login is live" in answer.text
    assert "<html" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_dashboard_asks_for_it_and_loads_htmx_from_here(member: Visitor) -> None:
    page = member.get("/account/").text
    assert f'hx-get="{LIVE}"' in page
    assert "/static/vendor/htmx.min.js" in page
    assert "connect-src 'self'" in member.get("/").headers["Content-Security-Policy"]


def test_who_is_not_logged_in_gets_no_login_page_into_the_fragment(visitor: Visitor) -> None:
    answer = visitor.get(LIVE, headers=HTMX)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=%2Faccount%2F"
    assert answer.text == ""


def test_another_sites_address_is_no_page_to_come_back_to(visitor: Visitor) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/account/"}
    assert visitor.get(LIVE, headers=headers).headers["HX-Redirect"] == "/login"


def test_asking_again_and_again_keeps_no_login_alive(idle: Flask, clock: FrozenClock) -> None:
    member = Visitor(idle)
    member.log_in(MEMBER)
    for _ in range(29):
        clock.advance(timedelta(minutes=1))
        assert member.get(LIVE, headers=HTMX).status_code == 200
    clock.advance(timedelta(minutes=2))
    assert member.get(LIVE, headers=HTMX).status_code == 401


def test_shortly_before_the_end_the_fragment_warns(idle: Flask, clock: FrozenClock) -> None:
    member = Visitor(idle)
    member.log_in(MEMBER)
    assert "Still there?" not in member.get(LIVE, headers=HTMX).text
    clock.advance(timedelta(minutes=27))
    assert "Still there?" in member.get(LIVE, headers=HTMX).text
    member.get("/account/")  # a click
    assert "Still there?" not in member.get(LIVE, headers=HTMX).text


def test_the_foot_of_a_page_says_when_the_login_ends(
    idle: Flask, member: Visitor, clock: FrozenClock
) -> None:
    short = Visitor(idle)
    short.log_in(MEMBER)
    until = (clock() + timedelta(minutes=30)).isoformat(timespec="seconds")
    foot = short.get("/account/").text.partition("<footer")[2]
    assert "If you do nothing, you are logged out " in foot
    assert ">in 30 minutes</span>, at <time" in foot
    assert until in foot
    assert "If you do nothing" not in member.get("/account/").text  # a month from now
    assert "If you do nothing" not in Visitor(idle).get("/").text


def test_the_idle_time_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDLE_MINUTES", "30")
    app = create_app({"TESTING": True}, instance_path=str(tmp_path))
    assert app.config["LOGIN_IDLE_TIMEOUT"] == timedelta(minutes=30)
    close_database(app)
