"""How often a password may be tried, and what too many attempts get."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_login.testing import FrozenClock
from portal import auth
from portal.models import find_user
from portal_testing import DEVICE, MEMBER, PASSWORD, SESSION, Visitor


def guess(visitor: Visitor, email: str = MEMBER, *, times: int = 10) -> None:
    """Try wrong passwords."""
    for number in range(times):
        assert visitor.log_in(email, f"not the password {number}").status_code == 422


def test_after_ten_wrong_passwords_the_right_one_has_to_wait(
    visitor: Visitor, clock: FrozenClock
) -> None:
    guess(visitor)
    answer = visitor.log_in(MEMBER)
    assert answer.status_code == 429
    seconds = int(answer.headers["Retry-After"])
    assert 0 < seconds <= 15 * 60
    assert not visitor.is_logged_in()
    clock.advance(timedelta(seconds=seconds))
    assert visitor.log_in(MEMBER).status_code == 302


def test_the_page_says_when_to_try_again_and_whom_to_ask(
    visitor: Visitor, clock: FrozenClock
) -> None:
    guess(visitor)
    answer = visitor.log_in(MEMBER)
    until = clock() + timedelta(seconds=int(answer.headers["Retry-After"]))
    assert "Too many attempts" in answer.text
    assert until.isoformat(timespec="seconds") in answer.text
    assert "mailto:support@example.com" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_is_the_same_for_an_account_that_does_not_exist(visitor: Visitor) -> None:
    pages = []
    for email in (MEMBER, "nobody@example.com"):
        guess(visitor, email)
        answer = visitor.log_in(email)
        pages.append(
            (answer.status_code, "Too many attempts" in answer.text, MEMBER in answer.text)
        )
    assert pages == [(429, True, False)] * 2


def test_an_attacker_cannot_lock_the_owner_out_of_a_known_browser(
    app: Flask, member: Visitor, visitor: Visitor
) -> None:
    member.submit("/logout", page="/account/")
    guess(visitor)
    assert visitor.log_in(MEMBER).status_code == 429
    assert member.cookie(DEVICE)
    assert member.log_in(MEMBER).status_code == 302
    assert member.is_logged_in()


def test_the_device_cookie_alone_opens_nothing(member: Visitor) -> None:
    thief = member.steal(DEVICE)
    assert not thief.is_logged_in()
    guess(thief)
    assert thief.log_in(MEMBER).status_code == 429


def test_a_borrowed_browser_cannot_guess_the_password_where_it_is_asked_again(
    member: Visitor,
) -> None:
    member.close_browser()
    for _ in range(10):
        assert member.submit("/reauthenticate", password="a guess").status_code == 422
    assert member.submit("/reauthenticate", password=PASSWORD).status_code == 429


def test_the_current_password_cannot_be_guessed_where_a_new_one_is_set(member: Visitor) -> None:
    new = {"password": "another long password", "repeat": "another long password"}
    for _ in range(10):
        assert member.submit("/account/password", current="a guess", **new).status_code == 422
    assert member.submit("/account/password", current=PASSWORD, **new).status_code == 429


def test_passwords_cannot_be_guessed_at_the_api_instead(visitor: Visitor) -> None:
    for _ in range(10):
        assert visitor.get("/api/profile", auth=(MEMBER, "a guess")).status_code == 401
    answer = visitor.get("/api/profile", auth=(MEMBER, PASSWORD))
    assert answer.status_code == 429
    assert answer.mimetype == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert "Set-Cookie" not in answer.headers
    page = visitor.get("/api/profile", auth=(MEMBER, PASSWORD), headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (429, "application/problem+json")
    assert visitor.log_in(MEMBER).status_code == 429  # they count together


def test_a_program_with_the_right_password_is_not_counted(visitor: Visitor) -> None:
    for _ in range(30):
        assert visitor.get("/api/profile", auth=(MEMBER, PASSWORD)).status_code == 200


def test_many_accounts_cannot_be_tried_from_one_address(visitor: Visitor) -> None:
    statuses = {visitor.log_in(f"{n}@example.com", "123456").status_code for n in range(100)}
    assert statuses == {422}
    assert visitor.log_in(MEMBER).status_code == 429


def test_a_refusal_is_in_the_audit_log_without_name_and_password(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    guess(visitor)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="flask_login.audit"):
        visitor.log_in(MEMBER)
    said = [record for record in caplog.records if record.name == "flask_login.audit"]
    assert [record.getMessage() for record in said] == ["login_throttled account"]
    assert MEMBER not in str([vars(record) for record in caplog.records])
    assert PASSWORD not in str([vars(record) for record in caplog.records])


def test_who_is_refused_keeps_the_session_of_a_stranger(visitor: Visitor) -> None:
    guess(visitor)
    before = visitor.cookie(SESSION)
    visitor.log_in(MEMBER)
    assert visitor.get("/account/").status_code == 302
    assert before is not None


def test_attack_spellings_that_the_database_takes_for_one_address_get_no_guesses_of_their_own(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "find_user", lambda email: find_user(email.rstrip("~")))
    for number in range(10):
        assert visitor.log_in(MEMBER + "~" * number, "a guess").status_code == 422
    for number in range(10, 20):
        assert visitor.log_in(MEMBER + "~" * number).status_code == 429


# New accounts


def register(visitor: Visitor, email: str) -> TestResponse:
    return visitor.submit("/register", name="Eve", email=email, password=PASSWORD, repeat=PASSWORD)


def test_attack_nobody_makes_accounts_without_end(app: Flask, clock: FrozenClock) -> None:
    made = [register(Visitor(app), f"eve{number}@example.com") for number in range(30)]
    assert [answer.status_code for answer in made] == [302] * 20 + [429] * 10
    with app.app_context():
        assert find_user("eve19@example.com") is not None
        assert find_user("eve20@example.com") is None
    clock.advance(timedelta(seconds=int(made[-1].headers["Retry-After"])))
    assert register(Visitor(app), "eve@example.com").status_code == 302


def test_attack_nobody_asks_the_registration_without_end_who_has_an_account(
    visitor: Visitor,
) -> None:
    asked = [register(visitor, MEMBER).status_code for _ in range(8)]
    assert asked == [422] * 5 + [429] * 3


def test_a_registration_is_no_failed_login(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="flask_login.audit"):
        register(visitor, MEMBER)
        register(visitor, "eve@example.com")
    assert "user_login_failed" not in caplog.text
    assert visitor.is_logged_in()
