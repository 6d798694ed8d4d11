"""Profile, password and API keys."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from flask_login.testing import FrozenClock
from portal.models import ApiKey, db, find_user
from portal.passkeys import Passkey
from portal_testing import (
    ADMIN,
    MEMBER,
    PASSWORD,
    REMEMBER,
    SESSION,
    Visitor,
    add_authenticator,
)

NEW_PASSWORD = "another long password"


SENSITIVE = [
    "/account/password",
    "/account/keys",
    "/account/two-step/",
    "/account/passkeys/",
]


@pytest.mark.parametrize("path", SENSITIVE)
def test_a_login_is_fresh_for_a_quarter_of_an_hour(
    member: Visitor, clock: FrozenClock, path: str
) -> None:
    clock.advance(timedelta(minutes=14, seconds=59))
    assert member.get(path).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert (member.get(path).location or "").startswith("/reauthenticate")
    assert member.is_logged_in()
    assert member.submit("/reauthenticate", password=PASSWORD).status_code == 302
    assert member.get(path).status_code == 200


def change_password(visitor: Visitor, **fields: str) -> int:
    fields = {"current": PASSWORD, "password": NEW_PASSWORD, "repeat": NEW_PASSWORD, **fields}
    return visitor.submit("/account/password", **fields).status_code


def create_key(visitor: Visitor, name: str = "Backup") -> str:
    page = visitor.submit("/account/keys", name=name).text
    found = re.search(r'id="secret"[^>]*value="(portal_[^"]+)"', page)
    assert found
    return found.group(1)


def test_the_pages_of_an_account_are_for_who_is_logged_in(visitor: Visitor) -> None:
    for path in ("/account/", "/account/profile", "/account/password", "/account/keys"):
        answer = visitor.get(path)
        assert answer.status_code == 302
        assert answer.location is not None
        assert answer.location.startswith("/login?next=%2Faccount%2F")


def test_the_dashboard_says_how_one_logs_in_and_where_to_change_that(
    app: Flask, member: Visitor
) -> None:
    page = member.get("/account/").text
    assert ">Off</span>" in page
    assert ">None yet</span>" in page
    for path in ("/account/two-step/", "/account/passkeys/", "/account/password"):
        assert f'href="{path}"' in page
    add_authenticator(app, MEMBER)
    with app.app_context():
        key = {"credential_digest": "0", "credential_id": b"0", "public_key": b"0"}
        db.session.add(Passkey(user_id=2, sign_count=0, synced=False, **key))
        db.session.commit()
    page = member.get("/account/").text
    assert ">On</span>" in page
    assert "10 recovery codes left." in page
    assert ">1</span>" in page


def test_a_member_changes_the_name_and_nothing_else(app: Flask, member: Visitor) -> None:
    fields = {"name": " Mia L. ", "email": "x@example.com", "role": "admin"}
    assert member.submit("/account/profile", **fields).status_code == 302
    assert "Your profile is saved." in member.get("/account/profile").text
    with app.app_context():
        user = find_user(MEMBER)
        assert user is not None
        assert (user.name, user.role) == ("Mia L.", "member")


def test_a_name_that_is_markup_is_shown_as_text(member: Visitor) -> None:
    member.submit("/account/profile", name="<script>alert(1)</script>")
    assert "<script>alert(1)" not in member.get("/account/").text


def test_a_new_password_ends_every_other_login(app: Flask, member: Visitor) -> None:
    other = Visitor(app)
    other.log_in(MEMBER, remember=True)
    assert other.is_logged_in()

    assert change_password(member) == 302
    assert member.is_logged_in()
    assert member.get("/account/password").status_code == 200  # and still fresh

    assert not other.is_logged_in()
    assert other.log_in(MEMBER, PASSWORD).status_code == 422
    assert other.log_in(MEMBER, NEW_PASSWORD).status_code == 302


def test_the_browser_that_changes_the_password_stays_remembered(
    clock: FrozenClock, member: Visitor
) -> None:
    change_password(member)
    for _ in range(2):
        clock.advance(timedelta(days=1))
        member.close_browser()
        assert member.is_logged_in()


def test_a_stolen_remember_cookie_dies_with_the_old_password(
    clock: FrozenClock, member: Visitor
) -> None:
    thieves = [member.steal(REMEMBER), member.steal(REMEMBER)]
    change_password(member)
    assert not thieves[0].is_logged_in()  # at once
    clock.advance(timedelta(days=1))
    assert not thieves[1].is_logged_in()  # and later
    assert member.is_logged_in()  # whom neither of them logs out
    member.close_browser()
    assert member.is_logged_in()


def test_a_thief_who_came_in_by_a_stolen_remember_cookie_is_out_with_the_old_password(
    member: Visitor,
) -> None:
    thief = member.steal(REMEMBER)
    assert thief.is_logged_in()
    change_password(member)
    assert not thief.steal(REMEMBER).is_logged_in()
    thief.close_browser()
    assert not thief.is_logged_in()
    assert member.is_logged_in()


def test_a_stolen_session_cookie_dies_half_a_minute_after_the_old_password(
    clock: FrozenClock, member: Visitor
) -> None:
    thief = member.steal(SESSION)
    change_password(member)
    clock.advance(timedelta(seconds=30))  # until then it may be another tab of the same browser
    assert not thief.is_logged_in()
    assert member.is_logged_in()


def test_the_password_stays_when_the_current_one_is_wrong(member: Visitor) -> None:
    assert change_password(member, current="not the password") == 422
    assert change_password(member, repeat="something else!") == 422
    assert change_password(member, password="short", repeat="short") == 422
    member.submit("/logout", page="/account/")
    assert member.log_in(MEMBER, PASSWORD).status_code == 302


def test_a_remembered_visitor_cannot_change_the_password(member: Visitor) -> None:
    member.close_browser()
    fields = {"current": PASSWORD, "password": NEW_PASSWORD, "repeat": NEW_PASSWORD}
    page = member.submit("/account/password", page="/account/profile", **fields)
    assert page.status_code == 302
    assert page.location is not None
    assert page.location.startswith("/reauthenticate")
    assert "account/password" not in page.location  # a form is not sent twice


def test_an_api_key_is_shown_once_and_kept_as_a_hash(app: Flask, member: Visitor) -> None:
    assert "No keys yet" in member.get("/account/keys").text
    secret = create_key(member)
    page = member.get("/account/keys").text
    assert "Backup" in page
    assert secret not in page
    assert secret[:11] in page
    for path in Path(app.instance_path).iterdir():
        assert secret.encode() not in path.read_bytes()


def test_two_keys_of_one_person_have_two_names(member: Visitor) -> None:
    create_key(member)
    again = member.submit("/account/keys", name="Backup")
    assert again.status_code == 422
    assert "You have a key with this name already." in again.text


def test_deleting_a_key_ends_its_use(app: Flask, member: Visitor) -> None:
    secret = create_key(member)
    program = Visitor(app)
    headers = {"X-API-Key": secret}
    assert program.get("/api/profile", headers=headers).status_code == 200
    assert 'datetime="' in member.get("/account/keys").text  # last used
    member.submit("/account/keys/1/delete", page="/account/keys")
    assert "is deleted" in member.get("/account/keys").text
    assert program.get("/api/profile", headers=headers).status_code == 401


def test_nobody_deletes_the_key_of_somebody_else(
    app: Flask, member: Visitor, admin: Visitor
) -> None:
    create_key(member)
    assert admin.submit("/account/keys/1/delete", page="/account/").status_code == 404
    for unknown in (0, 2, 2**31, 2**63, 10**40):
        path = f"/account/keys/{unknown}/delete"
        assert admin.submit(path, page="/account/").status_code == 404
    with app.app_context():
        assert db.session.get(ApiKey, 1) is not None


def test_api_keys_open_the_api_and_no_page(app: Flask, member: Visitor) -> None:
    secret = create_key(member)
    program = Visitor(app)
    for headers in ({"X-API-Key": secret}, {"Authorization": f"Bearer {secret}"}):
        for path in ("/account/", "/account/keys", "/account/password", "/account/devices/"):
            assert program.get(path, headers=headers).status_code in {302, 401}
    basic = {"Authorization": basic_credentials(ADMIN)}
    assert program.get("/admin/", headers=basic).status_code in {302, 401}


def basic_credentials(email: str) -> str:
    return "Basic " + base64.b64encode(f"{email}:{PASSWORD}".encode()).decode()
