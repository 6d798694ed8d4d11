"""The JSON API: four ways in, one way to be refused, no cookie ever."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.models import ApiKey, db, find_user
from portal_testing import MEMBER, PASSWORD, REMEMBER, SESSION, Visitor, add_failures


@pytest.fixture
def api_key(app: Flask) -> str:
    """An API key of the member."""
    with app.app_context():
        user = find_user(MEMBER)
        assert user is not None
        record, secret = ApiKey.create(user, "Test")
        db.session.add(record)
        db.session.commit()
        return secret


def assert_profile(answer: TestResponse, source: str) -> None:
    assert answer.status_code == 200
    assert answer.is_json
    assert answer.get_json()["email"] == MEMBER
    assert answer.get_json()["authenticated_by"] == source
    assert_cookieless(answer)


def assert_problem(answer: TestResponse, status: int) -> None:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == status
    assert_cookieless(answer)


def assert_cookieless(answer: TestResponse) -> None:
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert {"authorization", "cookie", "x-api-key"} <= {v.lower() for v in answer.vary}


def test_a_session_opens_the_api(member: Visitor) -> None:
    assert_profile(member.get("/api/profile"), "session")


def test_an_api_key_opens_the_api(visitor: Visitor, api_key: str) -> None:
    assert_profile(visitor.get("/api/profile", headers={"X-API-Key": api_key}), "request")


def test_email_address_and_password_open_the_api(visitor: Visitor) -> None:
    assert_profile(visitor.get("/api/profile", auth=(MEMBER, PASSWORD)), "request")


def test_a_bearer_token_opens_the_api(visitor: Visitor, api_key: str) -> None:
    headers = {"Authorization": f"Bearer {api_key}"}
    assert_profile(visitor.get("/api/profile", headers=headers), "bearer")


def test_a_remember_cookie_opens_the_api_and_stays_as_it_is(member: Visitor) -> None:
    member.close_browser()
    before = member.cookie(REMEMBER)
    assert_profile(member.get("/api/profile"), "remember")
    assert member.cookie(REMEMBER) == before
    assert member.cookie(SESSION) is None


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", None])
def test_without_credentials_the_answer_is_401_and_a_problem_document(
    visitor: Visitor, accept: str | None
) -> None:
    answer = visitor.get("/api/profile", headers={"Accept": accept} if accept else {})
    assert_problem(answer, 401)
    assert answer.headers.getlist("WWW-Authenticate")[0] == 'Bearer realm="portal"'
    # A browser would ask for the password in a box of its own.
    assert ('Basic realm="portal"' in str(answer.headers)) is (accept != "text/html")


def test_a_page_that_fetches_from_the_api_opens_no_password_box(visitor: Visitor) -> None:
    answer = visitor.get("/api/profile", headers={"Sec-Fetch-Mode": "cors", "Accept": "*/*"})
    assert_problem(answer, 401)
    assert "Basic" not in str(answer.headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "portal_wrong"},
        {"X-API-Key": "\xff\xfe"},
        {"Authorization": "Bearer portal_wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic bm90OnJpZ2h0"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic"},
        {"Authorization": "Digest username=mia"},
        {"Cookie": f"{SESSION}=junk; {REMEMBER}=junk"},
    ],
    ids=lambda headers: next(f"{name} {value[:6]!r}" for name, value in headers.items()),
)
def test_wrong_credentials_are_refused_without_a_cookie(
    visitor: Visitor, headers: dict[str, str]
) -> None:
    assert_problem(visitor.get("/api/profile", headers=headers), 401)


@pytest.mark.parametrize("email", [f"{MEMBER}\0", "mia\0@example.com", "\0"])
def test_an_email_address_with_a_nul_character_is_unknown(
    visitor: Visitor, nul_refused: None, email: str
) -> None:
    assert_problem(visitor.get("/api/profile", auth=(email, PASSWORD)), 401)


def test_keys_of_a_closed_account_are_refused(app: Flask, visitor: Visitor, api_key: str) -> None:
    with app.app_context():
        user = find_user(MEMBER)
        assert user is not None
        user.active = False
        db.session.commit()
    for headers in ({"X-API-Key": api_key}, {"Authorization": f"Bearer {api_key}"}):
        assert_problem(visitor.get("/api/profile", headers=headers), 401)


def test_a_program_is_told_why_it_is_refused(visitor: Visitor) -> None:
    problem = visitor.get("/api/profile").get_json()
    assert problem["reason"] == "login_required"


def test_a_refused_token_is_called_invalid(visitor: Visitor) -> None:
    answer = visitor.get("/api/profile", headers={"Authorization": "Bearer portal_wrong"})
    assert answer.www_authenticate.parameters == {"realm": "portal", "error": "invalid_token"}


def test_junk_cookies_do_not_hide_a_good_key(visitor: Visitor, api_key: str) -> None:
    visitor.client.set_cookie(REMEMBER, "junk")
    answer = visitor.get("/api/profile", headers={"X-API-Key": api_key})
    assert_profile(answer, "request")


def test_a_hash_from_a_stolen_database_is_not_a_key(
    app: Flask, visitor: Visitor, api_key: str
) -> None:
    with app.app_context():
        stolen = db.session.scalars(select(ApiKey.digest)).one()
    assert_problem(visitor.get("/api/profile", headers={"X-API-Key": stolen}), 401)


def test_a_key_leaves_no_login_behind(visitor: Visitor, api_key: str) -> None:
    visitor.get("/api/profile", headers={"X-API-Key": api_key})
    assert_problem(visitor.get("/api/profile"), 401)


def test_an_answer_shows_no_secret(visitor: Visitor, api_key: str) -> None:
    text = visitor.get("/api/profile", headers={"X-API-Key": api_key}).text
    assert api_key not in text
    assert "argon2" not in text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("POST", "/api/profile", 405),
        ("GET", "/api/fails/403", 403),
        ("GET", "/api/fails/500", 500),
    ],
)
def test_every_failure_of_the_api_is_a_problem_document(
    app: Flask, member: Visitor, method: str, path: str, status: int
) -> None:
    app.testing = False  # an exception becomes a 500, as for a visitor
    member = Visitor(app)
    answer = member.client.open(path, method=method)
    assert_problem(answer, status)
    assert "canary" not in answer.text


@pytest.fixture(autouse=True)
def failures(app: Flask) -> None:
    """Addresses that fail, before the first request."""
    add_failures(app)
