"""Your devices: what the page shows, and who may end which login."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from flask_login.testing import FrozenClock
from portal import create_app
from portal.devices import describe
from portal.login import login_sessions
from portal_testing import (
    ADMIN,
    MEMBER,
    PASSWORD,
    REMEMBER,
    SESSION,
    Visitor,
    add_user,
    close_database,
)

DEVICES = "/account/devices/"
END_OTHERS = "/account/devices/end-others"
END_LOGINS_OF_MIA = "/admin/users/2/end-logins"
END_FORM = re.compile(r'action="(/account/devices/[^"]+/end)"')
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def phone(app: Flask) -> Visitor:
    """The same member on a phone, not remembered."""
    return log_in_from(app, IPHONE)


def log_in_from(app: Flask, user_agent: str, address: str = "127.0.0.1") -> Visitor:
    """The member in another browser."""
    visitor = Visitor(app)
    visitor.client.environ_base.update(HTTP_USER_AGENT=user_agent, REMOTE_ADDR=address)
    assert visitor.log_in(MEMBER).status_code == 302
    return visitor


def end_paths(visitor: Visitor) -> list[str]:
    """Where the "End login" buttons of the page lead."""
    return END_FORM.findall(visitor.get(DEVICES).text)


def login_ids(app: Flask, user_id: int = 2) -> list[str]:
    with app.app_context():
        return [login.id for login in login_sessions().list(str(user_id))]


# What the page shows


def test_the_page_is_for_who_is_logged_in_and_is_linked(visitor: Visitor, member: Visitor) -> None:
    assert visitor.get(DEVICES).location == "/login?next=%2Faccount%2Fdevices%2F"
    assert member.get("/account/").text.count('href="/account/devices/"') == 2


def test_the_page_names_each_device_and_marks_this_one(member: Visitor, phone: Visitor) -> None:
    page = phone.get(DEVICES).text
    assert "Mobile Safari 17 on iOS" in page
    assert "127.0.0.1" in page
    assert page.count("This device") == 1
    assert page.index("This device") < page.index("Remembered")  # this one first, not remembered
    assert len(END_FORM.findall(page)) == 1


def test_the_page_shows_no_secret(app: Flask, member: Visitor, phone: Visitor) -> None:
    page = phone.get(DEVICES).text
    assert "secret_hash" not in page
    assert "auth_hash" not in page
    with app.app_context():
        for login in login_sessions().list("2"):
            assert login.secret_hash not in page
            assert login.auth_hash is not None
            assert login.auth_hash not in page


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


def test_the_devices_used_last_come_first_and_gone_ones_are_left_out(
    app: Flask, clock: FrozenClock, phone: Visitor
) -> None:
    clock.advance(timedelta(days=20))
    log_in_from(app, "curl/8.5.0")
    clock.advance(timedelta(days=10))
    here = log_in_from(app, FIREFOX)
    page = here.get(DEVICES).text
    assert page.index("Firefox") < page.index("curl 8") < page.index("Mobile Safari")
    clock.advance(timedelta(days=10))
    assert here.is_logged_in()
    page = here.get(DEVICES).text
    assert "curl 8" in page
    assert "Mobile Safari" not in page  # unused for longer than its session lives


def test_nobody_has_more_devices_than_the_portal_allows(app: Flask, member: Visitor) -> None:
    app.config["LOGIN_MAX_SESSIONS"] = 3
    others = [Visitor(app) for _ in range(3)]
    for other in others:
        other.log_in(MEMBER)
    assert len(login_ids(app)) == 3
    assert not member.is_logged_in()
    assert all(other.is_logged_in() for other in others)


# Ending logins


def test_a_device_that_is_signed_out_is_out_at_its_next_click(
    member: Visitor, phone: Visitor
) -> None:
    [path] = end_paths(phone)
    assert phone.submit(path, page=DEVICES).location == DEVICES
    page = phone.get(DEVICES).text
    assert "The login on that device has ended." in page
    assert not END_FORM.search(page)
    assert not member.is_logged_in()
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
    assert "Ended 2 other logins." in page
    assert "End all other logins" not in page
    assert [visitor.is_logged_in() for visitor in (member, phone, third)] == [False, True, False]


def test_a_question_comes_before_all_other_logins_end(
    admin: Visitor, member: Visitor, phone: Visitor
) -> None:
    assert f'href="{END_OTHERS}"' in phone.get(DEVICES).text
    question = phone.get(END_OTHERS).text
    assert "End 1 other login?" in question
    assert f'href="{DEVICES}"' in question  # to leave it
    assert f'href="{END_LOGINS_OF_MIA}"' in admin.get("/admin/").text
    assert "End 2 logins of Mia?" in admin.get(END_LOGINS_OF_MIA).text
    assert member.is_logged_in()
    phone.submit(END_OTHERS)
    assert not member.is_logged_in()


def test_the_question_is_for_administrators_and_of_an_account_that_there_is(
    admin: Visitor, member: Visitor
) -> None:
    assert member.get(END_LOGINS_OF_MIA).status_code == 403
    assert admin.get("/admin/users/99/end-logins").status_code == 404


def test_a_button_pressed_twice_does_no_harm(member: Visitor, phone: Visitor) -> None:
    [path] = end_paths(phone)
    phone.submit(path, page=DEVICES)
    assert phone.submit(path, page="/account/profile").location == DEVICES
    assert "That login had ended already." in phone.get(DEVICES).text


def test_an_administrator_sees_and_ends_the_logins_of_somebody(
    admin: Visitor, member: Visitor, phone: Visitor
) -> None:
    assert '<td data-label="Live logins">2</td>' in admin.get("/admin/").text
    answer = admin.submit("/admin/users/2/end-logins", page="/admin/")
    assert answer.location == "/admin/"
    page = admin.get("/admin/").text
    assert "Ended 2 logins of Mia." in page
    assert '<td data-label="Live logins">0</td>' in page
    assert not member.is_logged_in()
    assert not phone.is_logged_in()


def test_administrators_end_their_other_logins_and_stay(app: Flask, admin: Visitor) -> None:
    other = Visitor(app)
    other.log_in(ADMIN)
    assert f'href="{END_OTHERS}"' in admin.get("/admin/").text
    assert admin.submit("/admin/users/1/end-logins", page="/admin/").location == "/admin/"
    assert admin.is_logged_in()
    assert not other.is_logged_in()


def test_closing_an_account_leaves_no_live_login(
    app: Flask, admin: Visitor, member: Visitor
) -> None:
    admin.submit("/admin/users/2/active", page="/admin/", active="no")
    assert login_ids(app) == []


# Attacks


def test_cookies_saved_before_their_device_was_signed_out_are_worth_nothing(
    member: Visitor, phone: Visitor
) -> None:
    thieves = [member.steal(SESSION), member.steal(REMEMBER), member.steal(SESSION, REMEMBER)]
    [path] = end_paths(phone)
    phone.submit(path, page=DEVICES)
    assert [thief.is_logged_in() for thief in thieves] == [False, False, False]
    assert phone.is_logged_in()


def test_a_thief_with_a_remember_cookie_ends_no_login(member: Visitor, phone: Visitor) -> None:
    [path] = end_paths(member)
    thief = member.steal(REMEMBER)
    assert thief.is_logged_in()
    assert end_paths(thief) == []
    for target in (path, END_OTHERS):
        answer = thief.submit(target, page="/account/profile")
        assert answer.status_code == 302
        assert answer.location is not None
        assert answer.location.startswith("/reauthenticate")
    assert phone.is_logged_in()


def test_a_remembered_visitor_proves_it_and_comes_back(member: Visitor, phone: Visitor) -> None:
    [path] = end_paths(member)
    member.close_browser()
    ask = "/reauthenticate?next=/account/devices/"
    assert ask in member.get(DEVICES).text
    assert member.submit(ask, password=PASSWORD).location == DEVICES
    assert member.submit(path, page=DEVICES).location == DEVICES
    assert not phone.is_logged_in()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
def test_no_other_method_than_post_ends_a_login(
    admin: Visitor, member: Visitor, phone: Visitor, method: str
) -> None:
    [path] = end_paths(phone)
    override = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST"}
    for visitor, target, asks in (
        (phone, path, False),
        (phone, END_OTHERS, True),
        (admin, "/admin/users/2/end-logins", True),
    ):
        answer = visitor.client.open(f"{target}?_method=POST", method=method, headers=override)
        is_question = asks and method in {"GET", "HEAD"}
        assert answer.status_code == (200 if is_question or method == "OPTIONS" else 405)
    assert member.is_logged_in()
    assert phone.is_logged_in()


def test_a_form_of_another_site_ends_no_login(
    admin: Visitor, member: Visitor, phone: Visitor
) -> None:
    [path] = end_paths(phone)
    for target in (path, END_OTHERS):
        assert phone.client.post(target).status_code == 400
        assert phone.client.post(target, data={"csrf_token": "forged"}).status_code == 400
        assert phone.client.post(target, json={"csrf_token": "forged"}).status_code == 400
    assert admin.client.post("/admin/users/2/end-logins").status_code == 400
    assert member.is_logged_in()
    assert phone.is_logged_in()


def test_the_token_of_an_attackers_own_form_ends_no_login(
    admin: Visitor, member: Visitor, phone: Visitor
) -> None:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', admin.get(DEVICES).text)
    assert found
    answer = phone.client.post(END_OTHERS, data={"csrf_token": found.group(1)})
    assert answer.status_code == 400
    assert member.is_logged_in()


def test_nobody_ends_the_login_of_somebody_else_or_learns_that_there_is_one(
    app: Flask, member: Visitor, admin: Visitor
) -> None:
    [login_id] = login_ids(app)
    pages = set()
    for wanted in (login_id, "no-such-login", login_id.lower() + "x", login_id[:11], "%00", "%ff"):
        answer = admin.submit(f"/account/devices/{wanted}/end", page="/account/")
        assert answer.location == DEVICES
        page = admin.get(DEVICES).text
        assert "That login had ended already." in page
        pages.add(re.sub(r'value="[^"]+"', "", page))
    assert len(pages) == 1
    assert member.is_logged_in()


@pytest.mark.parametrize(
    "wanted", ["a" * 5000, "..%2f..%2fadmin", "'%20OR%201=1--", "%F0%9F%92%A9"]
)
def test_a_made_up_handle_is_no_failure(
    member: Visitor, phone: Visitor, nul_refused: None, wanted: str
) -> None:
    answer = phone.submit(f"/account/devices/{wanted}/end", page="/account/")
    assert answer.status_code in {302, 404}
    assert member.is_logged_in()


def test_the_handle_of_a_login_opens_nothing(app: Flask, visitor: Visitor, member: Visitor) -> None:
    [login_id] = login_ids(app)
    for name in (SESSION, REMEMBER):
        for value in (login_id, f"{login_id}.x.1", f"2|{login_id}"):
            visitor.client.set_cookie(name, value)
            assert not visitor.is_logged_in()
    assert member.is_logged_in()


def test_a_member_ends_nobodys_logins_on_the_page_of_the_administrators(
    admin: Visitor, member: Visitor
) -> None:
    for user_id in (1, 2, 99):
        answer = member.submit(f"/admin/users/{user_id}/end-logins", page="/account/")
        assert answer.status_code == 403
    assert admin.is_logged_in()


def test_ending_the_logins_of_somebody_takes_a_fresh_login_and_an_account_that_exists(
    admin: Visitor, member: Visitor
) -> None:
    assert admin.submit("/admin/users/99/end-logins", page="/admin/").status_code == 404
    admin.close_browser()
    stale = admin.submit("/admin/users/2/end-logins", page="/account/")
    assert stale.location is not None
    assert stale.location.startswith("/reauthenticate")
    assert member.is_logged_in()


@pytest.mark.parametrize("user_agent", [MARKUP, f"{MARKUP}/1.0", f"Mozilla/5.0 {MARKUP}bot/1.0"])
def test_a_device_that_claims_to_be_markup_is_shown_as_text(
    app: Flask, member: Visitor, user_agent: str
) -> None:
    log_in_from(app, user_agent, address=MARKUP)
    page = member.get(DEVICES).text
    assert MARKUP not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page  # the address


def test_a_device_with_an_endless_name_is_shown_with_a_short_one(
    app: Flask, member: Visitor
) -> None:
    log_in_from(app, "bot " * 1000)
    assert "bot bot bot" in member.get(DEVICES).text
    assert "bot " * 20 not in member.get(DEVICES).text


def test_a_name_that_is_markup_is_shown_to_administrators_as_text(
    admin: Visitor, member: Visitor
) -> None:
    member.submit("/account/profile", name=MARKUP)
    for path in ("/admin/users/2/end-logins", "/admin/users/2/active"):
        admin.submit(path, page="/admin/", active="no")
        page = admin.get("/admin/").text
        assert MARKUP not in page
        assert "&lt;script&gt;" in page


def test_a_visitor_does_not_choose_the_address_that_is_shown(app: Flask, member: Visitor) -> None:
    liar = Visitor(app)
    headers = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP", "True-Client-IP")
    for name in headers:
        liar.client.environ_base["HTTP_" + name.upper().replace("-", "_")] = "198.51.100.7"
    liar.log_in(MEMBER)
    assert "198.51.100.7" not in member.get(DEVICES).text


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(
    tmp_path: Path, cheap_passwords: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXY_FIX", "1")
    app = create_app({"TESTING": True}, instance_path=str(tmp_path))
    add_user(app, MEMBER)
    visitor = Visitor(app)
    visitor.client.environ_base["HTTP_X_FORWARDED_FOR"] = "198.51.100.7, 2001:db8::1"
    visitor.log_in(MEMBER)
    page = visitor.get(DEVICES).text
    assert "2001:db8::1" in page
    assert "198.51.100.7" not in page
    close_database(app)


@pytest.mark.parametrize(
    "headers",
    [{"Referer": "https://evil.example/"}, {"Host": "evil.example"}, {"Origin": "null"}],
    ids=lambda headers: next(iter(headers)),
)
def test_no_header_sends_anybody_to_another_site_afterwards(
    member: Visitor, phone: Visitor, headers: dict[str, str]
) -> None:
    phone.client.environ_base.update(
        {"HTTP_" + name.upper(): value for name, value in headers.items()}
    )
    path = f"{END_OTHERS}?next=https://evil.example/&url=//evil.example/"
    assert phone.submit(path, page="/account/profile").location == DEVICES
