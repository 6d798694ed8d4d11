"""Administrators who look at the site as a member does."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from html import escape

import pytest
from flask import Flask

from flask_login.testing import FrozenClock
from portal.audit import AuditFormatter
from portal.login import SAFE_METHODS
from portal.models import db, find_user
from portal_testing import CSRF_FIELD, MEMBER, PASSWORD, REMEMBER, Visitor, add_user

BANNER = "You are looking at the site as <strong>Mia</strong>"
ACT_AS_MIA = "/admin/users/2/act-as"


@pytest.fixture
def acting(admin: Visitor) -> Visitor:
    """An administrator who acts as the member."""
    assert admin.submit(ACT_AS_MIA, page="/admin/").location == "/account/"
    return admin


def test_every_page_says_so_until_it_is_stopped(acting: Visitor) -> None:
    for path in ("/", "/account/", "/account/profile", "/account/devices/", "/nothing"):
        assert BANNER in acting.get(path).text
    assert "Hello, Mia" in acting.get("/account/").text
    assert acting.submit("/stop-acting", page="/account/").location == "/admin/"
    page = acting.get("/admin/").text
    assert "You are looking" not in page
    assert "2 accounts" in page


def test_the_devices_shown_are_the_members_and_nothing_there_can_be_ended(
    acting: Visitor, member: Visitor
) -> None:
    page = acting.get("/account/devices/").text
    assert "Mia\u2019s devices" in page
    assert page.count("<tr>") == 1 + 1  # the head, and the one login of the member
    assert "This device" not in page
    assert "End login" not in page
    assert ">Your devices<" not in acting.get("/account/").text
    member.submit("/logout", page="/account/")
    assert "Mia is not logged in anywhere" in acting.get("/account/devices/").text


def test_no_link_leads_to_a_page_that_is_refused(acting: Visitor) -> None:
    pages = [acting.get(path).text for path in ("/account/", "/account/profile")]
    links = {link for page in pages for link in re.findall(r'href="(/account/[^"]*)"', page)}
    assert links == {"/account/", "/account/profile", "/account/devices/"}
    assert {acting.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize(
    "path", ["/account/password", "/account/keys", "/account/two-step/", "/reauthenticate"]
)
def test_what_needs_the_members_password_is_refused(acting: Visitor, path: str) -> None:
    answer = acting.get(path)
    assert answer.status_code == 403
    assert escape("as somebody else") in answer.text


def test_the_password_of_the_administrator_proves_nothing_for_the_member(acting: Visitor) -> None:
    assert acting.submit("/reauthenticate", page="/account/", password=PASSWORD).status_code == 403
    assert acting.submit("/account/devices/end-others", page="/account/").status_code == 403


def test_the_administrators_pages_are_closed_meanwhile(acting: Visitor) -> None:
    assert acting.get("/admin/").status_code == 403
    assert acting.submit("/admin/users/2/active", page="/account/", active="no").status_code == 403


def test_whoever_acts_as_a_member_changes_nothing(app: Flask, acting: Visitor) -> None:
    token = CSRF_FIELD.search(acting.get("/account/").text)
    assert token
    tried = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in {*(rule.methods or ()), "PUT", "PATCH", "DELETE", "POST"} - SAFE_METHODS:
            if rule.endpoint in {"auth.logout", "auth.stop_acting"} and method == "POST":
                continue
            tried.add(path)
            answer = acting.client.open(
                path,
                method=method,
                data={"csrf_token": token.group(1), "name": "Somebody else"},
                headers={"Referer": acting.base_url},
            )
            assert answer.status_code in {403, 405}, f"{method} {path}"
            if method in (rule.methods or ()):
                assert answer.status_code == 403, f"{method} {path}"
    assert {"/account/profile", "/account/devices/1/end", "/login", "/login/passkey"} <= tried
    assert "Hello, Mia" in acting.get("/account/").text
    assert (
        escape("as somebody else") in acting.submit("/account/profile", name="Somebody else").text
    )


def test_after_it_is_stopped_the_administrator_changes_things_again(acting: Visitor) -> None:
    acting.submit("/stop-acting", page="/account/")
    assert acting.submit("/account/profile", name="Robin Hood").status_code == 302
    assert "Hello, Robin Hood" in acting.get("/account/").text


def test_nobody_acts_as_another_administrator(app: Flask, admin: Visitor) -> None:
    add_user(app, "second@example.com", role="admin")
    page = admin.get("/admin/").text
    assert ACT_AS_MIA in page
    assert "/admin/users/3/act-as" not in page
    assert "/admin/users/1/act-as" not in page
    for user_id in (1, 3):
        answer = admin.submit(f"/admin/users/{user_id}/act-as", page="/admin/")
        assert answer.status_code == 403
    assert "Hello, Robin" in admin.get("/account/").text


def test_a_member_who_becomes_an_administrator_is_left_at_once(app: Flask, acting: Visitor) -> None:
    with app.app_context():
        user = find_user(MEMBER)
        assert user is not None
        user.role = "admin"
        db.session.commit()
    assert acting.get("/admin/").status_code == 302  # nobody, for this once
    assert "Hello, Robin" in acting.get("/account/").text


def test_an_administrator_who_is_none_any_more_acts_as_nobody(app: Flask, acting: Visitor) -> None:
    with app.app_context():
        user = find_user("robin@example.com")
        assert user is not None
        user.role = "member"
        db.session.commit()
    assert acting.get("/account/").status_code == 302
    assert "Hello, Robin" in acting.get("/account/").text


def test_a_member_acts_as_nobody(member: Visitor) -> None:
    assert member.submit("/admin/users/1/act-as", page="/account/").status_code == 403
    assert member.submit("/stop-acting", page="/account/").location == "/"
    assert "Hello, Mia" in member.get("/account/").text


def test_a_closed_account_and_one_that_is_not_there_are_refused(admin: Visitor) -> None:
    admin.submit("/admin/users/2/active", page="/admin/", active="no")
    assert ACT_AS_MIA not in admin.get("/admin/").text
    assert admin.submit(ACT_AS_MIA, page="/admin/").status_code == 403
    assert admin.submit("/admin/users/99/act-as", page="/admin/").status_code == 404


def test_a_code_of_long_ago_is_not_enough_to_begin(admin: Visitor, clock: FrozenClock) -> None:
    clock.advance(timedelta(minutes=11))
    answer = admin.submit(ACT_AS_MIA, page="/account/")
    assert answer.location.startswith("/reauthenticate")


@pytest.mark.parametrize("path", [ACT_AS_MIA, "/stop-acting"])
def test_another_site_can_neither_begin_nor_stop_it(admin: Visitor, path: str) -> None:
    assert admin.client.post(path).status_code == 400
    assert admin.get(path).status_code == 405


def test_nothing_of_the_members_own_logins_changes(acting: Visitor, member: Visitor) -> None:
    assert member.is_logged_in()
    acting.close_browser()  # the remember cookie brings back who one is
    assert "Hello, Robin" in acting.get("/account/").text
    assert member.get("/account/devices/").text.count("This device") == 1
    assert acting.cookie(REMEMBER)


def test_logging_out_ends_the_administrators_login_and_no_other(
    acting: Visitor, member: Visitor
) -> None:
    acting.submit("/logout", page="/account/")
    assert not acting.is_logged_in()
    assert member.is_logged_in()


def test_the_audit_log_names_both(admin: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="flask_login.audit"):
        admin.submit(ACT_AS_MIA, page="/admin/")
        admin.submit("/stop-acting", page="/account/")
    lines = [AuditFormatter().format(record) for record in caplog.records]
    begun = next(line for line in lines if "impersonation_started" in line)
    assert "user_id=2 actor=1" in begun
    assert "ip=127.0.0.1" in begun
    assert any("impersonation_stopped user_id=2 actor=1" in line for line in lines)
