"""The administrators' page: role and fresh login, both."""

from __future__ import annotations

from flask import Flask

from portal_testing import ADMIN, MEMBER, PASSWORD, Visitor


def test_a_stranger_is_sent_to_the_login(visitor: Visitor) -> None:
    assert visitor.get("/admin/").location == "/login?next=%2Fadmin%2F"


def test_a_member_is_refused_and_sees_no_link(member: Visitor) -> None:
    answer = member.get("/admin/")
    assert answer.status_code == 403
    assert "Your account may not open this page." in answer.text
    assert "/admin/" not in member.get("/account/").text
    assert member.submit("/admin/users/1/active", page="/account/").status_code == 403


def test_an_administrator_sees_everyone(admin: Visitor) -> None:
    page = admin.get("/admin/").text
    assert ADMIN in page
    assert MEMBER in page
    assert "2 accounts" in page


def test_a_remembered_administrator_proves_it_first(admin: Visitor) -> None:
    admin.close_browser()
    assert admin.get("/admin/").location == "/reauthenticate?next=%2Fadmin%2F"
    assert admin.submit("/admin/users/2/active", page="/account/").status_code == 302
    answer = admin.submit("/reauthenticate?next=%2Fadmin%2F", password=PASSWORD)
    assert answer.location == "/admin/"
    assert "2 accounts" in admin.get("/admin/").text


def test_closing_an_account_ends_its_logins_at_once(
    app: Flask, admin: Visitor, member: Visitor
) -> None:
    assert member.is_logged_in()
    admin.submit("/admin/users/2/active", page="/admin/")
    assert "closed: its logins have ended" in admin.get("/admin/").text
    assert not member.is_logged_in()
    assert Visitor(app).log_in(MEMBER).status_code == 422
    basic = Visitor(app).get("/api/profile", auth=(MEMBER, PASSWORD))
    assert basic.status_code == 401

    admin.submit("/admin/users/2/active", page="/admin/")
    assert "is open again" in admin.get("/admin/").text
    assert Visitor(app).log_in(MEMBER).status_code == 302


def test_administrators_cannot_lock_themselves_out(admin: Visitor) -> None:
    admin.submit("/admin/users/1/active", page="/admin/")
    assert "You cannot close your own account here." in admin.get("/admin/").text
    assert admin.is_logged_in()


def test_an_account_that_is_not_there_is_not_found(admin: Visitor) -> None:
    assert admin.submit("/admin/users/99/active", page="/admin/").status_code == 404
