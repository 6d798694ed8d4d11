"""Registering, logging in and out, and what must not work."""

from __future__ import annotations

import re

import pytest
from argon2 import PasswordHasher
from flask import Flask

from portal import create_app, passwords
from portal.models import db, find_user
from portal_testing import (
    CSRF_FIELD,
    DEVICE,
    MEMBER,
    PASSWORD,
    REMEMBER,
    SESSION,
    Visitor,
    add_user,
    close_database,
)

EVIL_TARGETS = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\t//evil.example/",
    "http:evil.example",
    "http:///evil.example/",
    "http://localhost@evil.example/",
    "http://localhost.evil.example/",
    "http://localhost:81/",
    "javascript:alert(1)",
    "/%0d%0aSet-Cookie:a=b\r\nSet-Cookie: a=b",
]


def test_a_new_member_registers_is_logged_in_and_sees_the_dashboard(visitor: Visitor) -> None:
    answer = visitor.submit(
        "/register", name="Eve", email="Eve@Example.com", password=PASSWORD, repeat=PASSWORD
    )
    assert answer.location == "/account/"
    page = visitor.get("/account/").text
    assert "Your account is ready, and you are logged in." in page
    assert "Fresh login" in page
    assert "Hello, Eve" in page
    assert "This is your first" in page


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": " "}, "Please enter your name."),
        ({"email": "nobody"}, "This does not look like an email address."),
        ({"email": MEMBER.upper()}, "There is an account with this email address already."),
        ({"password": "short", "repeat": "short"}, "Use between 12 and 128 characters."),
        ({"repeat": "something else"}, "The two passwords differ."),
    ],
)
def test_a_registration_that_cannot_be_is_explained(
    visitor: Visitor, fields: dict[str, str], message: str
) -> None:
    whole = {"name": "Eve", "email": "eve@example.com", "password": PASSWORD, "repeat": PASSWORD}
    answer = visitor.submit("/register", **{**whole, **fields})
    assert answer.status_code == 422
    assert message in answer.text
    assert 'aria-invalid="true"' in answer.text
    if "password" in fields:
        assert "At least 12 characters" not in answer.text  # the same again


def test_a_registration_cannot_choose_its_role(app: Flask, visitor: Visitor) -> None:
    visitor.submit(
        "/register",
        name="Eve",
        email="eve@example.com",
        password=PASSWORD,
        repeat=PASSWORD,
        role="admin",
        active="",
    )
    with app.app_context():
        user = find_user("eve@example.com")
        assert user is not None
        assert (user.role, user.active) == ("member", True)


def test_the_answer_does_not_tell_which_accounts_exist(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user(app, "closed@example.com")
    with app.app_context():
        closed = find_user("closed@example.com")
        assert closed is not None
        closed.active = False
        db.session.commit()

    verified = []
    verify = PasswordHasher.verify

    def counting(self: PasswordHasher, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002  # argon2-cffi's name
        verified.append(hash)
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    pages = []
    for email, password in (
        (MEMBER, "not the password"),
        ("nobody@example.com", PASSWORD),
        ("closed@example.com", PASSWORD),
    ):
        answer = visitor.log_in(email, password)
        assert answer.status_code == 422
        page = CSRF_FIELD.sub("TOKEN", answer.text).replace(email, "EMAIL")
        pages.append(re.sub(r'data-token="[^"]+"', "TOKEN", page))
    assert len(set(pages)) == 1
    assert "Email address and password do not match." in pages[0]
    assert len(verified) == 3  # the same work each time


def test_the_dashboard_shows_the_login_before_this_one(visitor: Visitor) -> None:
    visitor.log_in(MEMBER)
    visitor.submit("/logout", page="/account/")
    visitor.log_in(MEMBER)
    assert "This is your first" not in visitor.get("/account/").text


def test_a_page_asked_for_comes_back_after_login(visitor: Visitor) -> None:
    refusal = visitor.get("/account/profile")
    assert refusal.status_code == 302
    assert refusal.location == "/login?next=%2Faccount%2Fprofile"
    assert "Please log in to see this page." in visitor.get(refusal.location).text
    assert visitor.log_in(MEMBER, path=refusal.location).location == "/account/profile"


def test_the_way_through_registration_keeps_the_page_asked_for(visitor: Visitor) -> None:
    answer = visitor.submit(
        "/register?next=/account/profile",
        name="Eve",
        email="eve@example.com",
        password=PASSWORD,
        repeat=PASSWORD,
    )
    assert answer.location == "/account/profile"
    assert visitor.is_logged_in()


@pytest.mark.parametrize("target", EVIL_TARGETS)
def test_no_next_target_leads_to_another_site(app: Flask, member: Visitor, target: str) -> None:
    visitor = Visitor(app)
    fields = {"email": MEMBER, "password": PASSWORD, "next": target}
    assert visitor.submit("/login", **fields).location == "/account/"

    query = {"next": target}
    assert member.get("/login", query_string=query).location == "/account/"
    assert member.get("/register", query_string=query).location == "/account/"
    again = member.submit("/reauthenticate", password=PASSWORD, next=target)
    assert again.location == "/account/"


@pytest.mark.parametrize("path", ["/login", "/register", "/account/profile", "/logout"])
def test_a_form_sent_by_another_site_is_refused(member: Visitor, path: str) -> None:
    answer = member.client.post(path, data={"name": "Mallory"})
    assert answer.status_code == 400
    assert "This form has expired" in answer.text
    assert member.is_logged_in()


def test_the_csrf_token_is_a_new_one_after_login(visitor: Visitor) -> None:
    visitor.get("/login")
    with visitor.client.session_transaction() as session:
        before = session["csrf_token"]
    visitor.log_in(MEMBER)
    visitor.get("/account/")
    with visitor.client.session_transaction() as session:
        assert session["csrf_token"] != before


def test_a_link_cannot_log_anybody_out(member: Visitor) -> None:
    assert member.get("/logout").status_code == 405
    assert member.is_logged_in()


def test_logout_ends_the_session_and_the_remembering(member: Visitor) -> None:
    assert member.cookie(REMEMBER)
    answer = member.submit("/logout", page="/account/")
    assert answer.location == "/"
    assert member.cookie(REMEMBER) is None
    assert "You are logged out." in member.get("/").text
    assert not member.is_logged_in()


def test_a_remembered_visitor_is_known_but_not_fresh(member: Visitor) -> None:
    member.close_browser()
    page = member.get("/account/").text
    assert "Hello, Mia" in page
    assert "Remembered" in page
    refusal = member.get("/account/password")
    assert refusal.location == "/reauthenticate?next=%2Faccount%2Fpassword"
    assert "Please confirm that it is you" in member.get(refusal.location).text

    wrong = member.submit(refusal.location, password="not the password")
    assert wrong.status_code == 422
    assert "This is not your password." in wrong.text
    assert member.get("/account/password").status_code == 302

    assert member.submit(refusal.location, password=PASSWORD).location == "/account/password"
    assert member.get("/account/password").status_code == 200
    assert "Fresh login" in member.get("/account/").text


def test_without_remember_a_closed_browser_is_a_stranger(app: Flask) -> None:
    visitor = Visitor(app)
    visitor.log_in(MEMBER)
    assert visitor.cookie(REMEMBER) is None
    visitor.close_browser()
    assert not visitor.is_logged_in()


@pytest.mark.parametrize(
    "value", ["", "1", "1|0", "x" * 4000, "é", '"', "{}", "e30.e30.e30", "%00"]
)
@pytest.mark.parametrize("name", [SESSION, REMEMBER])
def test_a_made_up_cookie_is_no_login_and_no_failure(
    visitor: Visitor, name: str, value: str
) -> None:
    visitor.client.set_cookie(name, value)
    assert visitor.get("/account/").status_code == 302


def test_a_cookie_signed_with_another_key_is_no_login(app: Flask, member: Visitor) -> None:
    app.secret_key = "another key"
    assert not member.is_logged_in()


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(visitor: Visitor) -> None:
    cookies = visitor.log_in(MEMBER, remember=True).headers.getlist("Set-Cookie")
    names = sorted(cookie.partition("=")[0] for cookie in cookies)
    assert names == [DEVICE, REMEMBER, SESSION]
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie


def test_over_https_cookies_are_secure_and_bound_to_the_host(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS", "1")
    secure = create_app({"TESTING": True}, instance_path=app.instance_path)
    visitor = Visitor(secure, base_url="https://localhost/")
    cookies = visitor.log_in(MEMBER, remember=True).headers.getlist("Set-Cookie")
    names = sorted(cookie.partition("=")[0] for cookie in cookies)
    assert names == [f"__Host-{name}" for name in (DEVICE, REMEMBER, SESSION)]
    for cookie in cookies:
        attributes = cookie.split("; ")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
        assert "Domain" not in cookie
    assert visitor.is_logged_in()
    close_database(secure)


def test_a_stronger_hash_at_login_logs_nobody_out(
    app: Flask, member: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored_hash() -> str:
        with app.app_context():
            user = find_user(MEMBER)
            assert user is not None
            return user.password_hash

    before = stored_hash()
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", stronger)
    assert Visitor(app).log_in(MEMBER).status_code == 302
    assert stored_hash() != before
    assert member.is_logged_in()


@pytest.mark.parametrize("email", [f"{MEMBER}\0", "mia\0@example.com", "\0"])
def test_a_control_character_in_the_email_address_is_refused_by_the_form(
    visitor: Visitor, nul_refused: None, email: str
) -> None:
    answer = visitor.log_in(email)
    assert answer.status_code == 422
    assert "Please leave out control characters." in answer.text
    answer = visitor.submit(
        "/register", name="Eve", email=email, password=PASSWORD, repeat=PASSWORD
    )
    assert answer.status_code == 422


def test_a_control_character_in_a_password_is_a_character_of_it(
    app: Flask, visitor: Visitor, nul_refused: None
) -> None:
    add_user(app, "eve@example.com", password=f"{PASSWORD}\0and more")
    assert visitor.log_in("eve@example.com", PASSWORD).status_code == 422
    assert visitor.log_in("eve@example.com", f"{PASSWORD}\0and more").status_code == 302


@pytest.mark.parametrize("character", ["\0", "\n", "\x1b", "\x7f", "\x85", "\u202e", "\u2066"])
def test_a_control_character_in_a_name_is_refused_by_the_form(
    visitor: Visitor, member: Visitor, nul_refused: None, character: str
) -> None:
    name = f"Eve{character}Smith"
    fields = {"name": name, "password": PASSWORD, "repeat": PASSWORD}
    answers = [
        visitor.submit("/register", email="eve@example.com", **fields),
        member.submit("/account/profile", name=name),
        member.submit("/account/keys", name=name),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert "Please leave out control characters." in answer.text
