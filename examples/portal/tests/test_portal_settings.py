"""Settings, the generated key, proxies, and ``flask seed``."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask, request

from flask_login import encode_cookie
from portal import create_app
from portal.models import ApiKey, db, find_user
from portal.settings import KEY_FILE, from_environment, persistent_key
from portal_testing import PASSWORD, REMEMBER, Visitor, add_user, close_database

SEEDED_ADMIN = "admin@example.com"


def test_the_generated_key_is_kept_for_its_owner_alone(app: Flask) -> None:
    path = Path(app.instance_path) / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert app.secret_key == path.read_text()
    assert len(path.read_text()) == 64


def test_workers_that_start_together_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(persistent_key, [tmp_path / KEY_FILE] * 32))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_a_login_made_by_one_worker_is_known_to_the_next(app: Flask, member: Visitor) -> None:
    second = create_app({"TESTING": True}, instance_path=app.instance_path)
    visitor = Visitor(second)
    visitor.client.set_cookie("portal_session", member.cookie("portal_session") or "")
    assert visitor.is_logged_in()
    close_database(second)


def test_the_environment_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "from outside")
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", "older, oldest")
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    monkeypatch.setenv("PROXY_FIX", "2")
    monkeypatch.setenv("PROXY_FIX_HOST", "1")
    monkeypatch.setenv("TRUSTED_HOSTS", "portal.example")
    config = from_environment(tmp_path)
    assert config["SECRET_KEY"] == "from outside"
    assert config["SECRET_KEY_FALLBACKS"] == ["older", "oldest"]
    assert config["SQLALCHEMY_DATABASE_URI"] == "sqlite://"
    assert config["PROXY_FIX"] == 2
    assert config["PROXY_FIX_HOST"] == 1
    assert config["TRUSTED_HOSTS"] == ["portal.example"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS", "maybe"), ("PROXY_FIX", "-1"), ("PROXY_FIX_HOST", "yes")]
)
def test_a_setting_that_means_nothing_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name} is '{value}'"):
        create_app(instance_path=str(tmp_path))


@pytest.mark.parametrize(("proxies", "believed"), [("0", False), ("1", True)])
def test_forwarded_headers_are_believed_only_behind_a_proxy(
    app: Flask, monkeypatch: pytest.MonkeyPatch, proxies: str, believed: bool
) -> None:
    monkeypatch.setenv("PROXY_FIX", proxies)
    behind = create_app({"TESTING": True}, instance_path=app.instance_path)
    answer = Visitor(behind).get("/", headers={"X-Forwarded-Proto": "https"})
    assert ("Strict-Transport-Security" in answer.headers) is believed
    close_database(behind)


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({}, "localhost"),
        ({"PROXY_FIX": "1"}, "localhost"),
        ({"PROXY_FIX": "1", "PROXY_FIX_HOST": "1"}, "portal.example"),
        ({"PROXY_FIX_HOST": "1"}, "portal.example"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else value,
)
def test_a_forwarded_host_is_believed_only_by_its_own_setting(
    app: Flask, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], host: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    behind = create_app({"TESTING": True}, instance_path=app.instance_path)
    seen = []
    behind.before_request(lambda: seen.append(request.host))
    Visitor(behind).get("/", headers={"X-Forwarded-Host": "portal.example"})
    assert seen == [host]
    close_database(behind)


def test_remember_cookies_of_older_releases_are_not_accepted(app: Flask) -> None:
    # A new application never gave out one, and the format carries no expiry.
    assert app.config["REMEMBER_COOKIE_ACCEPT_LEGACY"] is False
    user_id = add_user(app, "old@example.com")
    with app.app_context():
        cookie = encode_cookie(str(user_id))
    visitor = Visitor(app)
    visitor.client.set_cookie(REMEMBER, cookie)
    assert not visitor.is_logged_in()


def said_by_seed(app: Flask, *arguments: str) -> str:
    """Run ``flask seed``; return what it prints."""
    result = app.test_cli_runner().invoke(args=["seed", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def passwords_in(output: str) -> dict[str, str]:
    """Return the password column by email address."""
    rows = [line.split(maxsplit=2) for line in output.splitlines() if "@" in line]
    return {email: password for email, _role, password in rows}


def seed(app: Flask, *arguments: str) -> dict[str, str]:
    return passwords_in(said_by_seed(app, *arguments))


def test_seed_makes_an_administrator_and_two_members(app: Flask) -> None:
    passwords = seed(app)
    assert len(passwords) == 3
    assert len(set(passwords.values())) == 3
    for email, password in passwords.items():
        visitor = Visitor(app)
        assert visitor.log_in(email, password).status_code == 302
        # The administrator has to set up two-step login first.
        expected = 302 if email.startswith("admin@") else 403
        assert visitor.get("/admin/").status_code == expected


def test_seed_again_changes_nothing(app: Flask) -> None:
    first = seed(app)
    assert set(seed(app).values()) == {"(exists, unchanged)"}
    for email, password in first.items():
        assert Visitor(app).log_in(email, password).status_code == 302


def test_seed_with_reset_makes_new_passwords_and_ends_logins(app: Flask) -> None:
    first = seed(app)
    visitor = Visitor(app)
    visitor.log_in(SEEDED_ADMIN, first[SEEDED_ADMIN])
    assert "passwords have changed" not in said_by_seed(app)
    again = said_by_seed(app, "--reset")
    assert "The passwords have changed: those of before no longer work" in again
    second = passwords_in(again)
    assert not visitor.is_logged_in()
    assert visitor.log_in(SEEDED_ADMIN, first[SEEDED_ADMIN]).status_code == 422
    assert visitor.log_in(SEEDED_ADMIN, second[SEEDED_ADMIN]).status_code == 302


@pytest.fixture
def squatter(app: Flask) -> Visitor:
    """A stranger who registered with the administrator's address before ``flask seed``."""
    visitor = Visitor(app)
    fields = {"name": "Mallory", "email": SEEDED_ADMIN, "password": PASSWORD, "repeat": PASSWORD}
    assert visitor.submit("/register", **fields).status_code == 302
    visitor.submit("/logout", page="/account/")
    assert visitor.log_in(SEEDED_ADMIN, remember=True).status_code == 302
    return visitor


@pytest.fixture
def squatters_key(app: Flask, squatter: Visitor) -> str:
    """An API key that the stranger made."""
    with app.app_context():
        user = find_user(SEEDED_ADMIN)
        assert user is not None
        record, secret = ApiKey.create(user, "Kept for later")
        db.session.add(record)
        db.session.commit()
        return secret


def test_seed_leaves_an_account_that_somebody_registered_and_says_so(
    app: Flask, squatter: Visitor, squatters_key: str
) -> None:
    result = app.test_cli_runner().invoke(args=["seed"])
    assert result.exit_code == 1
    assert "admin@example.com" in result.output
    assert "is a member" in result.output
    assert "--reset" in result.output
    answer = Visitor(app).get("/api/profile", headers={"X-API-Key": squatters_key})
    assert answer.get_json()["role"] == "member"
    assert squatter.get("/admin/").status_code == 403
    with app.app_context():
        assert find_user("ada@example.com") is None  # all or nothing


def test_seed_with_reset_takes_over_an_account_without_its_keys_and_logins(
    app: Flask, squatter: Visitor, squatters_key: str
) -> None:
    password = seed(app, "--reset")[SEEDED_ADMIN]
    program = Visitor(app)
    for headers in (
        {"X-API-Key": squatters_key},
        {"Authorization": f"Bearer {squatters_key}"},
    ):
        assert program.get("/api/profile", headers=headers).status_code == 401
    assert program.get("/api/profile", auth=(SEEDED_ADMIN, PASSWORD)).status_code == 401
    assert not squatter.is_logged_in()
    squatter.close_browser()
    assert not squatter.is_logged_in()  # nor by the remember cookie
    assert squatter.log_in(SEEDED_ADMIN, PASSWORD).status_code == 422

    robin = Visitor(app)
    assert robin.log_in(SEEDED_ADMIN, password).status_code == 302
    assert "Mallory" not in robin.get("/admin/").text
    assert "No keys yet" in robin.get("/account/keys").text
