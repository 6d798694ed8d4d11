"""Your devices, the reasons on the login page, and where logins are kept."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect

from flask_login import MemorySessionStore
from flask_login.sessions import records
from flask_login.sessions.redis import RedisSessionStore
from portal import create_app
from portal.devices import WHY, describe
from portal.login import login_sessions, make_store
from portal.models import Base, create_tables, db
from portal.settings import from_environment
from portal_testing import ADMIN, MEMBER, PASSWORD, REMEMBER, Visitor, add_user, close_database

DEVICES = "/account/devices/"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
END_FORM = re.compile(r'action="(/account/devices/[^"]+/end)"')
END_OTHERS = "/account/devices/end-others"


@pytest.fixture
def phone(app: Flask) -> Visitor:
    """The same member on a phone, not remembered."""
    phone = Visitor(app)
    phone.client.environ_base["HTTP_USER_AGENT"] = IPHONE
    assert phone.log_in(MEMBER).status_code == 302
    return phone


def end_paths(visitor: Visitor) -> list[str]:
    """Where the "Sign out" buttons of the page lead."""
    return END_FORM.findall(visitor.get(DEVICES).text)


def login_ids(app: Flask, user_id: int = 2) -> list[str]:
    with app.app_context():
        return [login.id for login in login_sessions().list(str(user_id))]


def test_the_page_is_for_who_is_logged_in_and_is_linked(visitor: Visitor, member: Visitor) -> None:
    assert visitor.get(DEVICES).location == "/login?next=%2Faccount%2Fdevices%2F"
    assert member.get("/account/").text.count('href="/account/devices/"') == 2


def test_the_page_names_each_device_and_marks_this_one(
    app: Flask, member: Visitor, phone: Visitor
) -> None:
    page = phone.get(DEVICES).text
    assert "Mobile Safari 17 on iOS" in page
    assert "127.0.0.1" in page
    assert page.count("This device") == 1
    assert page.index("This device") < page.index("Remembered")  # this one first, not remembered
    assert len(END_FORM.findall(page)) == 1
    for secret in ("secret_hash", "auth_hash", *hashes(app)):
        assert secret not in page


def hashes(app: Flask) -> list[str]:
    with app.app_context():
        return [login.secret_hash for login in login_sessions().list("2")]


@pytest.mark.parametrize(
    ("user_agent", "name", "is_phone"),
    [
        (IPHONE, "Mobile Safari 17 on iOS", True),
        (FIREFOX, "Firefox 128 on Windows", False),
        ("curl/8.5.0", "curl 8", False),
        ("<b>\x00", "Unknown browser", False),
        ("", "Unknown browser", False),
        (None, "Unknown browser", False),
    ],
)
def test_browser_and_system_are_named(user_agent: str | None, name: str, is_phone: bool) -> None:
    assert describe(user_agent) == (name, is_phone)


def test_a_device_that_is_signed_out_is_out_at_its_next_click_and_told_why(
    member: Visitor, phone: Visitor
) -> None:
    [path] = end_paths(phone)
    assert phone.submit(path, page=DEVICES).location == DEVICES
    assert "is signed out." in phone.get(DEVICES).text
    assert not member.is_logged_in()
    page = member.get("/login").text
    assert "This device was signed out" in page
    member.close_browser()
    assert not member.is_logged_in()  # nor by the remember cookie
    assert phone.is_logged_in()


def test_all_others_are_signed_out_and_this_one_stays(
    app: Flask, member: Visitor, phone: Visitor
) -> None:
    third = Visitor(app)
    third.log_in(MEMBER)
    assert phone.submit(END_OTHERS, page=DEVICES).location == DEVICES
    page = phone.get(DEVICES).text
    assert "2 logins ended" in page
    assert "Sign out all others" not in page
    assert [visitor.is_logged_in() for visitor in (member, phone, third)] == [False, True, False]


def test_a_remembered_visitor_proves_it_before_ending_anything(
    member: Visitor, phone: Visitor
) -> None:
    [path] = end_paths(member)
    member.close_browser()
    assert end_paths(member) == []
    for target in (path, END_OTHERS):
        answer = member.submit(target, page="/account/profile")
        assert answer.status_code == 302
        assert answer.location is not None
        assert answer.location.startswith("/reauthenticate")
    assert phone.is_logged_in()
    ask = "/reauthenticate?next=/account/devices/"
    assert ask in member.get(DEVICES).text
    assert member.submit(ask, password=PASSWORD).location == DEVICES
    assert member.submit(path, page=DEVICES).location == DEVICES
    assert not phone.is_logged_in()


def test_ending_needs_the_token_of_the_form_and_a_post(member: Visitor, phone: Visitor) -> None:
    [path] = end_paths(phone)
    for target in (path, END_OTHERS):
        assert phone.get(target).status_code == 405
        assert phone.client.post(target).status_code == 400
        assert phone.client.post(target, data={"csrf_token": "forged"}).status_code == 400
    assert member.is_logged_in()


def test_nobody_ends_the_login_of_somebody_else(
    app: Flask, member: Visitor, admin: Visitor
) -> None:
    [login_id] = login_ids(app)
    for unknown in (login_id, "no-such-login", login_id.lower() + "x", "%00", "a" * 500):
        path = f"/account/devices/{unknown}/end"
        assert admin.submit(path, page="/account/").status_code == 404
    assert member.is_logged_in()


def test_a_button_pressed_twice_does_no_harm(member: Visitor, phone: Visitor) -> None:
    [path] = end_paths(phone)
    for _ in range(2):
        assert phone.submit(path, page="/account/profile").location == DEVICES


def test_a_device_that_claims_to_be_markup_is_shown_as_text(app: Flask, member: Visitor) -> None:
    other = Visitor(app)
    other.client.environ_base["HTTP_USER_AGENT"] = "<script>alert(1)</script>/1.0"
    other.log_in(MEMBER)
    assert "<script>alert(1)" not in member.get(DEVICES).text


def test_a_new_password_ends_the_others_at_once_and_tells_them(
    app: Flask, member: Visitor, phone: Visitor
) -> None:
    fields = {"current": PASSWORD, "password": "another long one", "repeat": "another long one"}
    assert member.submit("/account/password", **fields).status_code == 302
    assert len(login_ids(app)) == 1
    assert not phone.is_logged_in()
    assert "the password of your account was changed" in phone.get("/login").text
    member.close_browser()
    assert member.is_logged_in()  # this browser is still remembered, by a new cookie


def test_a_copied_remember_cookie_is_found_out_and_explained(app: Flask, member: Visitor) -> None:
    # Long ago the browser came back with this cookie, got the next one, and showed it.
    stolen = member.cookie(REMEMBER)
    with app.app_context():
        [login] = login_sessions().list("2")
        earlier = login.created_at - timedelta(hours=1)
        newer = {"remember_generation": 3, "remember_issued_at": earlier, "confirmed": True}
        changed = {**vars(login), **newer, "version": login.version + 1}
        assert make_store("sqlalchemy").replace(records.LoginSession(**changed))
    thief = Visitor(app)
    thief.client.set_cookie(REMEMBER, stolen or "")
    assert not thief.is_logged_in()
    assert not member.is_logged_in()
    page = member.get("/login").text
    assert "the cookie that keeps you logged in came twice" in page


@pytest.mark.parametrize("reason", sorted(records.REASONS))
def test_the_login_page_tells_why_unless_the_person_knows(
    app: Flask, member: Visitor, reason: str
) -> None:
    with app.app_context():
        login_sessions().end_all("2", reason)
    assert not member.is_logged_in()
    page = member.get("/login").text
    assert ('id="why"' in page) is (reason in WHY)
    assert WHY.keys() == records.REASONS.keys() - {records.LOGOUT, records.REPLACED}
    member.log_in(MEMBER)
    member.submit("/logout", page="/account/")
    assert 'id="why"' not in member.get("/login").text


def test_a_visitor_whom_a_remember_cookie_brought_back_is_told_too(
    app: Flask, member: Visitor
) -> None:
    member.close_browser()
    assert member.is_logged_in()
    with app.app_context():
        login_sessions().revoke_all("2")
    assert not member.is_logged_in()
    assert 'id="why"' in member.get("/login").text


def test_a_stranger_is_told_nothing(visitor: Visitor, member: Visitor) -> None:
    assert 'id="why"' not in visitor.get("/login").text


def test_an_administrator_sees_and_ends_the_logins_of_somebody(
    app: Flask, admin: Visitor, member: Visitor, phone: Visitor
) -> None:
    assert '<td data-label="Live logins">2</td>' in admin.get("/admin/").text
    answer = admin.submit("/admin/users/2/end-logins", page="/admin/")
    assert answer.location == "/admin/"
    page = admin.get("/admin/").text
    assert "Mia: 2 logins ended." in page
    assert '<td data-label="Live logins">0</td>' in page
    assert not member.is_logged_in()
    assert not phone.is_logged_in()
    assert "by an administrator" in phone.get("/login").text


def test_administrators_end_their_other_logins_and_stay(app: Flask, admin: Visitor) -> None:
    other = Visitor(app)
    other.log_in(ADMIN)
    assert "End other logins" in admin.get("/admin/").text
    assert admin.submit("/admin/users/1/end-logins", page="/admin/").status_code == 302
    assert admin.is_logged_in()
    assert not other.is_logged_in()


def test_ending_the_logins_of_somebody_is_for_administrators_and_for_accounts_that_exist(
    app: Flask, admin: Visitor, member: Visitor
) -> None:
    refused = member.submit("/admin/users/1/end-logins", page="/account/")
    assert refused.status_code == 403
    assert admin.submit("/admin/users/99/end-logins", page="/admin/").status_code == 404
    assert admin.client.post("/admin/users/2/end-logins").status_code == 400
    admin.close_browser()
    stale = admin.submit("/admin/users/2/end-logins", page="/account/")
    assert stale.location is not None
    assert stale.location.startswith("/reauthenticate")
    assert member.is_logged_in()


def test_closing_an_account_leaves_no_live_login(
    app: Flask, admin: Visitor, member: Visitor
) -> None:
    admin.submit("/admin/users/2/active", page="/admin/", active="no")
    assert login_ids(app) == []


def test_logins_are_kept_in_the_database_of_the_portal(app: Flask, member: Visitor) -> None:
    with app.app_context():
        tables = inspect(db.engine).get_table_names()
        assert {"user", "api_key", "login_sessions"} <= set(tables)
        found = inspect(db.engine).get_indexes("login_sessions")
        names = {index["name"] for index in found}
        assert names == {index.name for index in Base.metadata.tables["login_sessions"].indexes}
        create_tables()  # again, as the next worker does


def test_logins_may_be_kept_in_memory(tmp_path: Path, cheap_passwords: None) -> None:
    app = create_app({"TESTING": True, "LOGIN_STORE": "memory"}, instance_path=str(tmp_path))
    add_user(app, MEMBER)
    first, second = Visitor(app), Visitor(app)
    first.log_in(MEMBER)
    second.log_in(MEMBER)
    first.submit(END_OTHERS, page=DEVICES)
    assert [first.is_logged_in(), second.is_logged_in()] == [True, False]
    close_database(app)


def test_the_store_is_chosen_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "from outside")
    assert from_environment(tmp_path)["LOGIN_STORE"] == "sqlalchemy"
    for value in ("memory", "redis://localhost:6379/0", "rediss://localhost"):
        monkeypatch.setenv("LOGIN_STORE", value)
        assert from_environment(tmp_path)["LOGIN_STORE"] == value
    monkeypatch.setenv("LOGIN_STORE", "http://user:hidden@localhost")
    with pytest.raises(ValueError, match="LOGIN_STORE is neither") as caught:
        from_environment(tmp_path)
    assert "hidden" not in str(caught.value)


def test_each_name_makes_its_store() -> None:
    assert isinstance(make_store("memory"), MemorySessionStore)
    pytest.importorskip("redis")
    assert isinstance(make_store("redis://localhost:6379/0"), RedisSessionStore)
