"""Whose login has ended is told why: once, on the first page that they open, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html import escape

import pytest
from flask import Flask

from flask_login.sessions import records
from flask_login.testing import FrozenClock
from portal.login import WHY_LOGGED_OUT, login_manager, login_sessions
from portal_testing import MEMBER, PASSWORD, REMEMBER, SESSION, Visitor

REVOKED = "This login was ended"


def open_page(path: str) -> Callable[[Visitor], str]:
    return lambda visitor: visitor.get(path).text


def open_member_page(visitor: Visitor) -> str:
    """Open a page that needs a login, and go where that sends everybody."""
    answer = visitor.get("/account/profile")
    assert answer.location == "/login?next=%2Faccount%2Fprofile"
    return visitor.get(answer.location).text


def send_old_form(visitor: Visitor) -> str:
    """Press the button of a page that was open when the login ended."""
    return visitor.client.post("/logout", data={"csrf_token": "of a page from before"}).text


FIRST_PAGES = {
    "home": open_page("/"),
    "login": open_page("/login"),
    "register": open_page("/register"),
    "missing": open_page("/nothing"),
    "member": open_member_page,
    "form": send_old_form,
}


@pytest.fixture(params=FIRST_PAGES)
def open_first_page(request: pytest.FixtureRequest) -> Callable[[Visitor], str]:
    return FIRST_PAGES[request.param]


def end_logins(app: Flask, reason: str = records.REVOKED) -> None:
    """End the member's logins from elsewhere."""
    with app.app_context():
        login_sessions().end_all("2", reason)


def told(page: str, text: str = REVOKED) -> int:
    """How often a page says it."""
    return page.count(escape(text))


def test_the_first_page_tells_why_and_no_page_after_it(
    app: Flask, member: Visitor, open_first_page: Callable[[Visitor], str]
) -> None:
    end_logins(app)
    assert told(open_first_page(member)) == 1
    for open_next in FIRST_PAGES.values():
        assert told(open_next(member)) == 0


def test_a_visitor_whom_a_remember_cookie_brought_back_is_told_too(
    app: Flask, member: Visitor, open_first_page: Callable[[Visitor], str]
) -> None:
    member.close_browser()
    assert member.is_logged_in()
    end_logins(app)
    assert told(open_first_page(member)) == 1
    assert told(open_first_page(member)) == 0


def test_a_remembered_visitor_who_comes_days_later_is_told_too(
    app: Flask, clock: FrozenClock, member: Visitor, open_first_page: Callable[[Visitor], str]
) -> None:
    member.close_browser()
    clock.advance(timedelta(days=3))
    end_logins(app)
    assert told(open_first_page(member)) == 1
    assert told(open_first_page(member)) == 0


def test_what_is_no_page_does_not_use_it_up(app: Flask, member: Visitor) -> None:
    end_logins(app)
    for path in ("/favicon.ico", "/static/portal.css", "/api/profile"):
        member.get(path).close()
    assert told(member.get("/").text) == 1


def test_a_program_finds_the_reason_in_the_problem_document(app: Flask, member: Visitor) -> None:
    end_logins(app)
    problem = member.get("/api/profile").get_json()
    assert problem["ended_reason"] == "revoked"


@pytest.mark.parametrize("reason", sorted(records.REASONS))
def test_each_reason_has_its_text_unless_the_person_knows(
    app: Flask, member: Visitor, reason: str
) -> None:
    with app.app_context():
        text = login_manager().ended_messages.get(reason)
    assert (text is None) is (
        reason in {"client_changed", "denied", "logout", "replaced", "unknown_user"}
    )
    end_logins(app, reason)
    page = open_member_page(member)
    assert told(page, text or "Please log in to see this page.") == 1


def test_the_portals_own_words_are_those_of_reasons_that_exist() -> None:
    assert WHY_LOGGED_OUT.keys() <= records.REASONS.keys()


def test_a_stranger_and_somebody_who_logs_out_are_told_nothing(
    visitor: Visitor, member: Visitor
) -> None:
    member.submit("/logout", page="/account/")
    for somebody in (visitor, member):
        for open_next in FIRST_PAGES.values():
            assert told(open_next(somebody)) == 0


def test_a_thief_with_a_made_up_cookie_learns_nothing(app: Flask, visitor: Visitor) -> None:
    for name in (SESSION, REMEMBER):
        visitor.client.set_cookie(name, "made.up.1")
    assert told(visitor.get("/").text) == 0


# What ends a login, as it comes to pass


def test_who_was_away_for_long_is_told(clock: FrozenClock, app: Flask) -> None:
    visitor = Visitor(app)
    visitor.log_in(MEMBER)
    clock.advance(timedelta(days=32))
    assert told(visitor.get("/").text, "nothing was done for a while") == 1


def test_whose_remember_cookie_is_too_old_is_told(clock: FrozenClock, member: Visitor) -> None:
    member.close_browser()
    clock.advance(timedelta(days=31))
    assert told(open_member_page(member), "Your login has reached its greatest age.") == 1


def test_whose_login_gave_way_to_a_new_one_is_told(app: Flask, member: Visitor) -> None:
    app.config["LOGIN_MAX_SESSIONS"] = 1
    Visitor(app).log_in(MEMBER)
    assert told(member.get("/").text, "you logged in on another device") == 1


def test_whose_password_was_changed_elsewhere_is_told(app: Flask, member: Visitor) -> None:
    other = Visitor(app)
    other.log_in(MEMBER)
    fields = {"current": PASSWORD, "password": "another long one", "repeat": "another long one"}
    assert other.submit("/account/password", **fields).status_code == 302
    assert told(open_member_page(member), "the password of your account was changed") == 1


def test_whose_account_was_closed_is_told(admin: Visitor, member: Visitor) -> None:
    admin.submit("/admin/users/2/active", page="/admin/", active="no")
    assert told(open_member_page(member), "an administrator closed your account") == 1


def test_whose_logins_an_administrator_ended_is_told(admin: Visitor, member: Visitor) -> None:
    admin.submit("/admin/users/2/end-logins", page="/admin/")
    assert told(open_member_page(member), "by an administrator") == 1


def test_a_thief_who_copied_the_remember_cookie_is_found_out_and_the_victim_told(
    clock: FrozenClock, member: Visitor
) -> None:
    thief = member.steal(REMEMBER)
    clock.advance(timedelta(hours=1))
    member.close_browser()
    assert member.is_logged_in()  # by the cookie, in whose place there is a new one now
    assert member.is_logged_in()  # which has arrived
    clock.advance(timedelta(hours=1))
    assert not thief.is_logged_in()
    assert told(open_member_page(member), "a copy of your login was used") == 1
