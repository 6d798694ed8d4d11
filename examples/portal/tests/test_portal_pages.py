"""What holds for every page: headers, no inline code, error pages like the rest."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from portal.models import User
from portal_testing import MEMBER, Visitor, add_failures

OPEN_PAGES = ["/", "/login", "/register", "/nothing"]
MEMBER_PAGES = [
    "/",
    "/account/",
    "/account/profile",
    "/account/password",
    "/account/keys",
    "/account/devices/",
    "/account/two-step/",
    "/account/passkeys/",
    "/reauthenticate",
    "/admin/",
]
INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", re.IGNORECASE
)


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_a_page_for_everyone_is_safe_to_show(visitor: Visitor, path: str) -> None:
    check_page(visitor, path)


@pytest.mark.parametrize("path", MEMBER_PAGES)
def test_a_page_for_members_is_safe_to_show(admin: Visitor, path: str) -> None:
    check_page(admin, path)


def check_page(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer.mimetype == "text/html"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers
    assert not INLINE.search(answer.text)
    assert "//cdn." not in answer.text
    assert answer.text.count("<h1") == 1
    assert 'lang="en"' in answer.text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in answer.text
    inputs = re.findall(
        r'<input(?![^>]*type="hidden")(?![^>]* hidden)[^>]*id="([^"]+)"', answer.text
    )
    for name in inputs:
        assert f'for="{name}"' in answer.text
    ids = re.findall(r'\sid="([^"]+)"', answer.text)
    assert len(ids) == len(set(ids))


def test_everything_a_page_loads_is_served_here(visitor: Visitor) -> None:
    page = visitor.get("/login").text
    addresses = re.findall(r'(?:src|href)="(/[^"#]*static[^"#]*)', page)
    assert len(addresses) >= 6
    for address in addresses:
        answer = visitor.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] != "no-store"
        assert "Set-Cookie" not in answer.headers
        answer.close()


def test_over_https_browsers_are_told_to_stay_there(app: Flask) -> None:
    answer = Visitor(app, base_url="https://localhost/").get("/")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_the_home_page_knows_its_visitor(visitor: Visitor) -> None:
    assert "Create an account" in visitor.get("/").text
    visitor.log_in(MEMBER)
    assert "Welcome back, Mia" in visitor.get("/").text


def test_browsers_that_ask_for_the_old_icon_find_the_new_one(visitor: Visitor) -> None:
    assert visitor.get("/favicon.ico").location == "/static/favicon.svg"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 413, 418, 500, 503])
def test_an_error_page_looks_like_the_rest_and_tells_no_secret(app: Flask, code: int) -> None:
    add_failures(app)
    app.testing = False  # an exception becomes a 500, as for a visitor
    answer = Visitor(app).get(f"/fails/{code}")
    assert answer.status_code == code
    assert f">{code}</p>" in answer.text
    assert 'class="navbar' in answer.text
    assert "canary" not in answer.text


def test_the_page_for_a_failure_asks_for_no_user(
    app: Flask, member: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.testing = False  # an exception becomes a 500, as for a visitor

    def broken(self: User) -> bool:
        raise RuntimeError("the database is away")

    monkeypatch.setattr(User, "is_active", property(broken))
    answer = member.get("/account/")
    assert answer.status_code == 500
    assert "Our mistake" in answer.text


def test_a_form_that_is_too_large_is_refused(visitor: Visitor) -> None:
    answer = visitor.client.post("/login", data={"email": "x" * 70_000})
    assert answer.status_code == 413
    assert "Too much" in answer.text
