"""The administrators' page: role and a code of these minutes, both."""

from __future__ import annotations

import pytest
from flask import Flask

from portal_testing import ADMIN, MEMBER, PASSWORD, Visitor, next_code


def close_account(admin: Visitor, user_id: int) -> int:
    """Send the form of a "Close account" button; return the status of the answer."""
    path = f"/admin/users/{user_id}/active"
    return admin.submit(path, page="/admin/", active="no").status_code


def open_account(admin: Visitor, user_id: int) -> int:
    """Send the form of an "Open again" button; return the status of the answer."""
    path = f"/admin/users/{user_id}/active"
    return admin.submit(path, page="/admin/", active="yes").status_code


def test_a_stranger_is_sent_to_the_login(visitor: Visitor) -> None:
    assert visitor.get("/admin/").location == "/login?next=%2Fadmin%2F"


def test_a_member_is_refused_and_sees_no_link(member: Visitor) -> None:
    answer = member.get("/admin/")
    assert answer.status_code == 403
    assert "Your account may not open this page." in answer.text
    assert "/admin/" not in member.get("/account/").text
    assert member.submit("/admin/users/1/active", page="/account/", active="no").status_code == 403


def test_an_administrator_sees_everyone(admin: Visitor) -> None:
    page = admin.get("/admin/").text
    assert ADMIN in page
    assert MEMBER in page
    assert "2 accounts" in page


def test_a_remembered_administrator_proves_it_first(app: Flask, admin: Visitor) -> None:
    admin.close_browser()
    assert admin.get("/admin/").location == "/reauthenticate?next=%2Fadmin%2F"
    refusal = admin.submit("/admin/users/2/active", page="/account/", active="no")
    assert refusal.status_code == 302
    assert refusal.location.startswith("/reauthenticate")
    proof = {"password": PASSWORD, "code": next_code(app, ADMIN)}
    answer = admin.submit("/reauthenticate?next=%2Fadmin%2F", **proof)
    assert answer.location == "/admin/"
    assert "2 accounts" in admin.get("/admin/").text


def test_closing_an_account_ends_its_logins_at_once(
    app: Flask, admin: Visitor, member: Visitor
) -> None:
    assert member.is_logged_in()
    assert close_account(admin, 2) == 302
    assert "closed: its logins have ended" in admin.get("/admin/").text
    assert not member.is_logged_in()
    assert Visitor(app).log_in(MEMBER).status_code == 422
    basic = Visitor(app).get("/api/profile", auth=(MEMBER, PASSWORD))
    assert basic.status_code == 401

    assert open_account(admin, 2) == 302
    assert "is open again" in admin.get("/admin/").text
    assert Visitor(app).log_in(MEMBER).status_code == 302


def test_administrators_cannot_lock_themselves_out(admin: Visitor) -> None:
    close_account(admin, 1)
    assert "You cannot close your own account here." in admin.get("/admin/").text
    assert admin.is_logged_in()


@pytest.mark.parametrize("user_id", [0, 99, 2**31, 2**63, 10**40])
def test_an_account_that_is_not_there_is_not_found(admin: Visitor, user_id: int) -> None:
    assert close_account(admin, user_id) == 404


def test_a_button_pressed_twice_does_not_open_a_closed_account_again(
    app: Flask, admin: Visitor
) -> None:
    page = admin.get("/admin/").text
    assert '<input type="hidden" name="active" value="no">' in page
    for _ in range(2):
        assert close_account(admin, 2) == 302
        assert "closed: its logins have ended" in admin.get("/admin/").text
        assert Visitor(app).log_in(MEMBER).status_code == 422
    assert '<input type="hidden" name="active" value="yes">' in admin.get("/admin/").text
    for _ in range(2):
        assert open_account(admin, 2) == 302
        assert Visitor(app).log_in(MEMBER).status_code == 302


@pytest.mark.parametrize("fields", [{}, {"active": ""}, {"active": "maybe"}])
def test_a_form_that_does_not_say_what_it_wants_changes_nothing(
    app: Flask, admin: Visitor, fields: dict[str, str]
) -> None:
    answer = admin.submit("/admin/users/2/active", page="/admin/", **fields)
    assert answer.status_code == 400
    assert Visitor(app).log_in(MEMBER).status_code == 302


def test_a_login_from_before_the_closing_does_not_come_back_with_the_account(
    admin: Visitor, member: Visitor
) -> None:
    close_account(admin, 2)
    open_account(admin, 2)
    assert not member.is_logged_in()
    member.close_browser()
    assert not member.is_logged_in()  # nor does the remember cookie bring it back
