"""Two-step login: setting it up, logging in with it, and what must not get past it."""

from __future__ import annotations

import base64
import re
import threading
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from flask_login.testing import FrozenClock
from portal.codes import Authenticator, RecoveryCode, authenticator_of, new_recovery_codes
from portal.models import db, find_user, login_time
from portal_testing import (
    ADMIN,
    CSRF_FIELD,
    KEY,
    MEMBER,
    PASSWORD,
    REMEMBER,
    SESSION,
    Visitor,
    add_authenticator,
    add_user,
    next_code,
)

TWO_STEP = "/account/two-step/"
HALF_A_MINUTE = timedelta(seconds=30)
RECOVERY_CODE = re.compile(r"<li>([a-z2-7-]{32})</li>")


@pytest.fixture
def two_step(app: Flask) -> None:
    """The member has two-step login, with `KEY`."""
    add_authenticator(app, MEMBER)


def give_password(visitor: Visitor, email: str = MEMBER, *, path: str = "/login") -> str:
    """Pass the first step only; return where it leads."""
    answer = visitor.submit(path, email=email, password=PASSWORD)
    assert answer.location.startswith("/login/code")
    return answer.location


def set_up(visitor: Visitor, path: str = TWO_STEP) -> tuple[str, list[str]]:
    """Turn two-step login on; return the key and the recovery codes."""
    page = visitor.get(path).text
    key = shown_key(page)
    with visitor.app.app_context():
        code = pyotp.TOTP(key).at(login_time())
    answer = post_code(visitor, path, page, code)
    assert answer.status_code == 200
    return key, RECOVERY_CODE.findall(answer.text)


def shown_key(page: str) -> str:
    found = re.search(r'id="totp-key">([A-Z2-7 ]+)<', page)
    assert found
    return found.group(1).replace(" ", "")


def post_code(visitor: Visitor, path: str, page: str, code: str) -> TestResponse:
    """Send the form of ``page`` with its hidden fields."""
    hidden = re.findall(r'name="(csrf_token|key)"[^>]*value="([^"]+)"', page)
    return visitor.client.post(path, data={**dict(reversed(hidden)), "code": code})


# Setting it up


def test_a_member_sets_it_up_and_logs_in_with_both_steps(
    app: Flask, member: Visitor, clock: FrozenClock
) -> None:
    key, recovery_codes = set_up(member)
    assert len(set(recovery_codes)) == 10
    page = member.get(TWO_STEP).text
    assert "10 left" in page
    assert key not in page

    visitor = Visitor(app)
    location = give_password(visitor)
    assert not visitor.is_logged_in()
    clock.advance(HALF_A_MINUTE)
    answer = visitor.submit(location, code=pyotp.TOTP(key).at(clock()))
    assert answer.location == "/account/"
    assert visitor.is_logged_in()


def test_the_page_shows_the_key_as_a_picture_without_asking_another_site(member: Visitor) -> None:
    page = member.get(TWO_STEP).text
    assert "<svg viewBox=" in page
    assert 'role="img"' in page
    assert member.get(TWO_STEP).headers["Cache-Control"] == "no-store"


def test_every_visit_shows_another_key(member: Visitor) -> None:
    assert shown_key(member.get(TWO_STEP).text) != shown_key(member.get(TWO_STEP).text)


def test_a_wrong_code_turns_nothing_on_and_keeps_the_key(app: Flask, member: Visitor) -> None:
    page = member.get(TWO_STEP).text
    answer = post_code(member, TWO_STEP, page, "000000")
    assert answer.status_code == 422
    assert "This is not the code" in answer.text
    assert shown_key(answer.text) == shown_key(page)
    assert not has_two_step(app)


def test_setting_it_up_needs_a_fresh_login(member: Visitor) -> None:
    member.close_browser()
    assert member.get(TWO_STEP).location.startswith("/reauthenticate")


def test_setting_it_up_logs_out_who_has_only_given_the_password(
    app: Flask, member: Visitor
) -> None:
    other = Visitor(app)
    other.log_in(MEMBER, remember=True)
    set_up(member)
    assert member.is_logged_in()
    assert not other.is_logged_in()
    other.close_browser()
    assert not other.is_logged_in()


def test_a_key_of_the_attackers_choice_is_refused(app: Flask, member: Visitor) -> None:
    page = member.get(TWO_STEP).text
    forged = page.replace(re.findall(r'name="key"[^>]*value="([^"]+)"', page)[0], KEY)
    assert post_code(member, TWO_STEP, forged, pyotp.TOTP(KEY).now()).status_code != 302
    assert not has_two_step(app)


def test_a_key_signed_for_another_login_is_refused(app: Flask, member: Visitor) -> None:
    attacker = Visitor(app)
    attacker.log_in(MEMBER)
    own = attacker.get(TWO_STEP).text
    theirs = member.get(TWO_STEP).text
    token = re.findall(r'name="key"[^>]*value="([^"]+)"', own)[0]
    mixed = theirs.replace(re.findall(r'name="key"[^>]*value="([^"]+)"', theirs)[0], token)
    with app.app_context():
        code = pyotp.TOTP(shown_key(own)).at(login_time())
    answer = post_code(member, TWO_STEP, mixed, code)
    assert "here is a new key" in answer.text
    assert not has_two_step(app)


def test_the_form_sent_twice_keeps_the_first_key(app: Flask, member: Visitor) -> None:
    first, second = member.get(TWO_STEP).text, member.get(TWO_STEP).text
    with app.app_context():
        for page in (first, second):
            post_code(member, TWO_STEP, page, pyotp.TOTP(shown_key(page)).at(login_time()))
        user = find_user(MEMBER)
        found = authenticator_of(user) if user else None
        assert found is not None
        assert found.key == shown_key(first)


# The second step of the login


@pytest.mark.usefixtures("two_step")
def test_between_the_steps_nothing_is_open_and_nothing_is_shown(visitor: Visitor) -> None:
    page = visitor.get(give_password(visitor)).text
    assert "Mia" not in page
    assert MEMBER not in page
    for path in ("/account/", "/account/profile", TWO_STEP, "/account/devices/", "/api/profile"):
        assert visitor.get(path).status_code in {302, 401}
    assert "Create an account" in visitor.get("/").text  # a stranger, for every other page
    assert visitor.cookie(REMEMBER) is None


@pytest.mark.usefixtures("two_step")
def test_a_code_cannot_be_used_twice(app: Flask, visitor: Visitor) -> None:
    code = next_code(app, MEMBER)
    assert visitor.submit(give_password(visitor), code=code).status_code == 302
    looking_over_the_shoulder = Visitor(app)
    location = give_password(looking_over_the_shoulder)
    answer = looking_over_the_shoulder.submit(location, code=code)
    assert answer.status_code == 422
    assert "was used before" in answer.text
    assert not looking_over_the_shoulder.is_logged_in()


@pytest.mark.usefixtures("two_step")
def test_a_code_is_good_for_its_half_minute_and_not_a_second_longer(
    app: Flask, visitor: Visitor, clock: FrozenClock
) -> None:
    clock.advance(timedelta(seconds=-(clock().timestamp() % 30)))  # the half minute begins
    code, coming = (pyotp.TOTP(KEY).at(clock() + late) for late in (timedelta(), HALF_A_MINUTE))
    location = give_password(visitor)
    assert visitor.submit(location, code=coming).status_code == 422
    clock.advance(HALF_A_MINUTE)
    assert visitor.submit(location, code=code).status_code == 422
    clock.advance(timedelta(seconds=29.9))
    assert visitor.submit(location, code=coming).status_code == 302
    assert visitor.is_logged_in()


@pytest.mark.usefixtures("two_step")
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_attack_of_two_who_send_one_code_at_the_same_time_one_gets_in(
    app: Flask, clock: FrozenClock, kind: str
) -> None:
    code = next_code(app, MEMBER)
    if kind == "recovery":
        with app.app_context():
            member = find_user(MEMBER)
            assert member is not None
            code = new_recovery_codes(member)[0]
            db.session.commit()
    visitors = [Visitor(app) for _ in range(4)]
    pages = [visitor.get(give_password(visitor)).text for visitor in visitors]
    start, got = threading.Barrier(len(visitors)), []

    def send(visitor: Visitor, page: str) -> None:
        start.wait()
        got.append(post_code(visitor, "/login/code", page, code).status_code)

    threads = [
        threading.Thread(target=send, args=both) for both in zip(visitors, pages, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [302, 422, 422, 422]
    assert [visitor.is_logged_in() for visitor in visitors].count(True) == 1


@pytest.mark.usefixtures("two_step")
@pytest.mark.parametrize(
    "code", ["", "0", "12345", "1234567", "ⅷ23456", "\u0660" * 6, "\0" * 6, "' OR 1=1"]
)
def test_what_is_no_code_is_refused(visitor: Visitor, nul_refused: None, code: str) -> None:
    assert visitor.submit(give_password(visitor), code=code).status_code == 422
    assert not visitor.is_logged_in()


@pytest.mark.usefixtures("two_step")
def test_codes_cannot_be_guessed_though_the_password_is_known(
    app: Flask, visitor: Visitor, clock: FrozenClock
) -> None:
    for _ in range(5):
        location = give_password(visitor)  # from the beginning each time: no new count
        assert visitor.submit(location, code="000000").status_code == 422
    with app.app_context():
        right = pyotp.TOTP(KEY).at(login_time())
    answer = visitor.submit(give_password(visitor), code=right)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert not visitor.is_logged_in()
    clock.advance(timedelta(minutes=15))
    assert visitor.submit(give_password(visitor), code=next_code(app, MEMBER)).status_code == 302


@pytest.mark.usefixtures("two_step")
def test_an_attacker_who_uses_up_the_codes_does_not_lock_the_owner_out(
    app: Flask, visitor: Visitor, clock: FrozenClock
) -> None:
    owner = Visitor(app)
    owner.log_in(MEMBER)
    owner.submit("/logout", page="/account/")
    for _ in range(5):
        visitor.submit(give_password(visitor), code="000000")
    assert visitor.submit(give_password(visitor), code="000000").status_code == 429
    assert owner.log_in(MEMBER).location == "/account/"


@pytest.mark.usefixtures("two_step")
def test_without_the_first_step_there_is_no_second(app: Flask, visitor: Visitor) -> None:
    answer = visitor.get("/login/code?next=/account/profile")
    assert answer.location == "/login?next=/account/profile"
    token = CSRF_FIELD.search(visitor.get("/login").text)
    assert token
    data = {"csrf_token": token.group(1), "code": next_code(app, MEMBER)}
    assert visitor.client.post("/login/code", data=data).location == "/login"
    assert not visitor.is_logged_in()


@pytest.mark.usefixtures("two_step")
def test_a_code_of_one_account_is_none_of_another(app: Flask, visitor: Visitor) -> None:
    add_user(app, "eve@example.com")
    add_authenticator(app, "eve@example.com", pyotp.random_base32())
    answer = visitor.submit(give_password(visitor), code=next_code(app, "eve@example.com"))
    assert answer.status_code == 422


@pytest.mark.usefixtures("two_step")
def test_the_second_step_comes_within_minutes_or_not_at_all(
    app: Flask, visitor: Visitor, clock: FrozenClock
) -> None:
    location = give_password(visitor)
    page = visitor.get(location).text
    clock.advance(timedelta(hours=1))
    answer = post_code(visitor, location, page, next_code(app, MEMBER))
    assert answer.location == "/login"
    assert not visitor.is_logged_in()


@pytest.mark.usefixtures("two_step")
def test_a_password_changed_between_the_steps_stops_the_login(app: Flask, visitor: Visitor) -> None:
    location = give_password(visitor)
    page = visitor.get(location).text
    with app.app_context():
        user = find_user(MEMBER)
        assert user is not None
        user.set_password("another long password")
        db.session.commit()
    assert post_code(visitor, location, page, next_code(app, MEMBER)).location == "/login"


@pytest.mark.usefixtures("two_step")
def test_the_session_of_before_the_login_is_none_after_it(app: Flask, visitor: Visitor) -> None:
    location = give_password(visitor)
    planted = visitor.steal(SESSION)  # who had put the cookie there knows it
    visitor.submit(location, code=next_code(app, MEMBER))
    assert visitor.is_logged_in()
    assert not planted.is_logged_in()


@pytest.mark.usefixtures("two_step")
def test_the_page_asked_for_comes_back_after_both_steps(app: Flask, visitor: Visitor) -> None:
    refusal = visitor.get("/account/profile?a=1&b=2")
    location = give_password(visitor, path=refusal.location)
    answer = visitor.submit(location, code=next_code(app, MEMBER))
    assert answer.location == "/account/profile?a=1&b=2"


@pytest.mark.usefixtures("two_step")
@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "/%2f/evil.example"]
)
def test_no_next_target_leaves_the_site_on_the_way_through_both_steps(
    app: Flask, visitor: Visitor, target: str
) -> None:
    answer = visitor.submit("/login", email=MEMBER, password=PASSWORD, next=target)
    assert answer.location == "/login/code"
    code = next_code(app, MEMBER)
    assert visitor.submit("/login/code", code=code, next=target).location == "/account/"


@pytest.mark.usefixtures("two_step")
@pytest.mark.parametrize("path", ["/login/code", "/reauthenticate", TWO_STEP])
def test_a_code_sent_by_another_site_is_refused(app: Flask, visitor: Visitor, path: str) -> None:
    give_password(visitor)
    answer = visitor.client.post(path, data={"code": next_code(app, MEMBER)})
    assert answer.status_code == 400


@pytest.mark.usefixtures("two_step")
def test_the_password_alone_does_not_open_the_api(app: Flask) -> None:
    assert Visitor(app).get("/api/profile", auth=(MEMBER, PASSWORD)).status_code == 401


# Recovery codes


def test_a_recovery_code_logs_in_once(app: Flask, member: Visitor) -> None:
    _key, recovery_codes = set_up(member)
    visitor = Visitor(app)
    typed = f" {recovery_codes[0].upper().replace('-', ' ')} "
    assert visitor.submit(give_password(visitor), code=typed).status_code == 302
    assert "9 left" in visitor.get(TWO_STEP).text
    again = Visitor(app)
    assert again.submit(give_password(again), code=recovery_codes[0]).status_code == 422


def test_a_recovery_code_has_128_random_bits(app: Flask, member: Visitor) -> None:
    _key, recovery_codes = set_up(member)
    for code in recovery_codes:
        plain = code.replace("-", "").upper()
        assert len(base64.b32decode(plain + "=" * (-len(plain) % 8))) * 8 == 128


def test_the_database_holds_no_recovery_code_that_can_be_read(app: Flask, member: Visitor) -> None:
    _key, recovery_codes = set_up(member)
    with app.app_context():
        kept = db.session.scalars(select(RecoveryCode.digest)).all()
    assert kept
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in kept)
    assert not {code.replace("-", "") for code in recovery_codes} & set(kept)


def test_new_recovery_codes_replace_the_old_ones(app: Flask, member: Visitor) -> None:
    _key, old = set_up(member)
    answer = member.submit("/account/two-step/recovery-codes", page=TWO_STEP)
    new = RECOVERY_CODE.findall(answer.text)
    assert len(new) == 10
    assert not set(old) & set(new)
    visitor = Visitor(app)
    assert visitor.submit(give_password(visitor), code=old[1]).status_code == 422
    assert visitor.submit(give_password(visitor), code=new[1]).status_code == 302


# Turning it off, and proving it again


@pytest.mark.usefixtures("two_step")
@pytest.mark.parametrize("action", ["off", "recovery-codes"])
def test_a_code_of_long_ago_changes_nothing(
    app: Flask, visitor: Visitor, clock: FrozenClock, action: str
) -> None:
    visitor.log_in(MEMBER)
    clock.advance(timedelta(minutes=11))
    answer = visitor.submit(f"/account/two-step/{action}", page=TWO_STEP)
    assert answer.location.startswith("/reauthenticate")
    assert has_two_step(app)
    assert visitor.submit("/reauthenticate", code=next_code(app, MEMBER)).status_code == 302
    answer = visitor.submit(f"/account/two-step/{action}", page=TWO_STEP)
    assert answer.status_code in {200, 302}
    assert has_two_step(app) == (action != "off")


@pytest.mark.usefixtures("two_step")
def test_a_remembered_visitor_gives_both_the_password_and_a_code(
    app: Flask, visitor: Visitor
) -> None:
    visitor.log_in(MEMBER, remember=True)
    visitor.close_browser()
    code = next_code(app, MEMBER)
    assert visitor.submit("/reauthenticate", code=code).status_code == 422
    assert visitor.submit("/reauthenticate", password=PASSWORD).status_code == 422
    wrong = visitor.submit("/reauthenticate", password="not the password", code=code)
    assert wrong.status_code == 422
    assert visitor.get("/account/password").status_code == 302
    # The code was not looked at while the password was wrong, so it is still good.
    assert visitor.submit("/reauthenticate", password=PASSWORD, code=code).status_code == 302
    assert visitor.get("/account/password").status_code == 200


def test_without_two_step_login_there_are_no_recovery_codes_to_make(
    app: Flask, member: Visitor
) -> None:
    assert member.submit("/account/two-step/recovery-codes", page="/account/").status_code == 302
    with app.app_context():
        of_member = select(RecoveryCode).where(RecoveryCode.user_id == 2)
        assert db.session.scalars(of_member).all() == []


# The administrators' pages


def test_an_administrator_without_it_is_sent_to_set_it_up_and_comes_back(app: Flask) -> None:
    add_user(app, "new@example.com", role="admin")
    new = Visitor(app)
    new.log_in("new@example.com")
    location = new.get("/admin/").location
    assert location == "/account/two-step/?next=/admin/"
    page = new.get(location).text
    assert "please set up two-step login first" in page
    with app.app_context():
        code = pyotp.TOTP(shown_key(page)).at(login_time())
    assert 'href="/admin/"' in post_code(new, location, page, code).text
    assert new.get("/admin/").status_code == 200


def test_an_administrator_shows_a_code_every_ten_minutes(
    app: Flask, admin: Visitor, clock: FrozenClock
) -> None:
    clock.advance(timedelta(minutes=9))
    assert admin.get("/admin/").status_code == 200
    clock.advance(timedelta(minutes=2))
    location = admin.get("/admin/").location
    assert location == "/reauthenticate?next=%2Fadmin%2F"
    assert 'name="password"' not in admin.get(location).text
    assert admin.submit(location, code=next_code(app, ADMIN)).location == "/admin/"
    assert admin.get("/admin/").status_code == 200


def test_the_password_does_not_stand_in_for_the_code(
    app: Flask, admin: Visitor, clock: FrozenClock
) -> None:
    clock.advance(timedelta(minutes=11))
    assert admin.submit("/reauthenticate", password=PASSWORD, code="000000").status_code == 422
    assert admin.get("/admin/").status_code == 302


# What must not show up anywhere


def test_no_key_and_no_code_is_logged(
    app: Flask, member: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    key, recovery_codes = set_up(member)
    visitor = Visitor(app)
    visitor.submit(give_password(visitor), code="123123")
    visitor.submit(give_password(visitor), code=recovery_codes[0])
    said = "\n".join(str(vars(record)) for record in caplog.records)
    assert said
    for secret in (key, "123123", recovery_codes[0], recovery_codes[0].replace("-", "")):
        assert secret not in said


def test_the_key_is_not_in_the_session_cookie(member: Visitor) -> None:
    page = member.get(TWO_STEP).text
    with member.client.session_transaction() as session:
        assert shown_key(page) not in str(dict(session))


def test_an_account_taken_over_by_the_seed_has_no_key_of_somebody_else(
    app: Flask, visitor: Visitor
) -> None:
    add_user(app, "admin@example.com", role="admin")
    add_authenticator(app, "admin@example.com")
    app.test_cli_runner().invoke(args=["seed", "--reset"])
    with app.app_context():
        assert len(db.session.scalars(select(Authenticator)).all()) == 1  # of the other one


def test_the_command_line_shows_the_code_of_a_key(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["code", KEY])
    assert re.fullmatch(r"\d{6}\n", result.output)
    assert "no key" in app.test_cli_runner().invoke(args=["code", "0189"]).output


def has_two_step(app: Flask) -> bool:
    with app.app_context():
        user = find_user(MEMBER)
        return user is not None and authenticator_of(user) is not None
