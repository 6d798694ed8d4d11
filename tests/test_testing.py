from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.views import MethodView

from flask_login import (
    ConfigurationError,
    FlaskLoginClient,
    LoginManager,
    anonymous_required,
    fresh_login_required,
    login_not_required,
    login_required,
    testing,
)
from flask_login.testing import FrozenClock

login_as = testing.login_as


@pytest.fixture
def guarded_app(app: Flask) -> Flask:
    @app.get("/guarded/fresh")
    @fresh_login_required
    def guarded_fresh() -> str:
        return "come in"

    return app


# FrozenClock


def test_a_frozen_clock_stands_still() -> None:
    clock = FrozenClock()
    assert clock() == clock() == datetime(2026, 1, 1, tzinfo=timezone.utc)


def test_a_frozen_clock_starts_where_it_is_told_and_goes_on_when_it_is_told() -> None:
    start = datetime(2000, 2, 28, 23, 59, tzinfo=timezone.utc)
    clock = FrozenClock(start)
    clock.advance(timedelta(days=1))
    clock.advance(timedelta(minutes=1))
    assert clock() == datetime(2000, 3, 1, tzinfo=timezone.utc)
    clock.advance(timedelta(days=-2))
    assert clock() < start


def test_a_remember_token_expires_by_the_manager_s_clock(
    users: dict[str, Any], make_app: Callable[..., Flask], clock: FrozenClock
) -> None:
    app = make_app(REMEMBER_COOKIE_DURATION=timedelta(days=30))
    client = app.test_client()
    client.get("/login/alice?remember")
    token = client.get_cookie("remember_token")
    assert token is not None
    for advance, user in (
        (timedelta(days=30, seconds=-1), "alice"),
        (timedelta(seconds=1), "nobody"),
    ):
        clock.advance(advance)
        thief = app.test_client()
        thief.set_cookie("remember_token", token.value)
        assert thief.get("/me").text == user


# Nothing is public but this


@pytest.fixture
def shop(login_manager: LoginManager[Any]) -> Flask:
    """An app with public views, guarded views, and one that is both."""
    app = Flask("shop")
    app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
    login_manager.init_app(app)

    class Items(MethodView):
        def get(self) -> str:
            return "items"

        @login_required
        def post(self) -> str:
            return "added"

    def page() -> str:
        return "page"

    app.add_url_rule("/", "index", page)
    app.add_url_rule("/register", "register", anonymous_required(page))
    app.add_url_rule("/account", "account", login_required(page))
    app.add_url_rule("/admin", "admin", fresh_login_required(login_required(page)))
    app.add_url_rule("/items", view_func=Items.as_view("items"))
    return app


def test_an_app_passes_whose_public_views_are_those_in_the_list(shop: Flask) -> None:
    testing.assert_only_public(shop, {"static", "index", "register", "GET items"})
    testing.assert_only_public(shop, ["static", "GET index", "register", "items"])
    with shop.app_context(), shop.test_request_context():
        testing.assert_only_public(shop, ("static", "index", "GET register", "items"))


@pytest.mark.parametrize(
    ("endpoints", "told"),
    [
        (
            {"static", "register"},
            "public, and not in the list: GET index (/), GET items (/items)",
        ),
        (
            {"static", "index", "register", "POST items"},
            "public, and not in the list: GET items (/items);"
            " in the list, and not public: POST items (login_required)",
        ),
        (
            {"static", "index", "register", "items", "account", "admin", "basket", "GET account"},
            "in the list, and not public: GET account (login_required), account (login_required),"
            " admin (fresh_login_required, login_required), basket (no such endpoint)",
        ),
        (
            set(),
            "public, and not in the list: GET index (/), GET items (/items),"
            " GET register (/register), GET static (/static/<path:filename>)",
        ),
    ],
)
def test_what_is_wrong_with_the_list_is_told_in_both_directions(
    shop: Flask, endpoints: set[str], told: str
) -> None:
    with pytest.raises(AssertionError) as caught:
        testing.assert_only_public(shop, endpoints)
    assert str(caught.value) == told


def test_a_view_that_is_guarded_by_default_is_not_public(shop: Flask) -> None:
    shop.config["LOGIN_REQUIRED_BY_DEFAULT"] = True
    shop.add_url_rule("/about", "about", login_not_required(lambda: "about"))
    testing.assert_only_public(shop, {"static", "register", "about"})
    with pytest.raises(AssertionError) as caught:
        testing.assert_only_public(shop, {"static", "register", "about", "index"})
    assert str(caught.value) == ("in the list, and not public: index (login_required by default)")


def test_a_list_that_is_one_text_is_no_list(shop: Flask) -> None:
    with pytest.raises(ConfigurationError, match="endpoints"):
        testing.assert_only_public(shop, "index")


# The fixtures


def test_login_as_makes_clients_that_are_logged_in(
    guarded_app: Flask, login_as: Callable[..., FlaskLoginClient], users: dict[str, Any]
) -> None:
    client = login_as(users["alice"])
    assert isinstance(client, FlaskLoginClient)
    assert client.get("/me").text == "alice"
    assert client.get("/guarded/fresh").status_code == 200


def test_two_users_can_meet_in_one_test(
    app: Flask, login_as: Callable[..., FlaskLoginClient], users: dict[str, Any]
) -> None:
    alice, bob = login_as(users["alice"]), login_as(users["bob"])
    assert (alice.get("/me").text, bob.get("/me").text) == ("alice", "bob")
    alice.get("/logout")
    assert (alice.get("/me").text, bob.get("/me").text) == ("nobody", "bob")


def test_login_as_takes_what_the_client_takes(
    guarded_app: Flask, login_as: Callable[..., FlaskLoginClient], users: dict[str, Any]
) -> None:
    staff: LoginManager[Any] = LoginManager(guarded_app, name="staff")
    staff.user_loader(users.get)

    @guarded_app.get("/staff")
    @staff.login_required
    def staff_home() -> str:
        return str(staff.current_user.get_id())

    stale = login_as(users["alice"], fresh_login=False)
    assert stale.get("/me").text == "alice"
    assert stale.get("/guarded/fresh").status_code == 401
    clerk = login_as(users["bob"], realm="staff")
    assert clerk.get("/staff").text == "bob"
    assert clerk.get("/me").text == "nobody"


def test_login_as_leaves_the_app_s_own_client_class_alone(
    app: Flask, login_as: Callable[..., FlaskLoginClient], users: dict[str, Any]
) -> None:
    login_as(users["alice"])
    assert not isinstance(app.test_client(), FlaskLoginClient)


@pytest.mark.parametrize("installed", [True, False])
def test_what_is_no_fixture_is_imported_without_pytest(installed: bool) -> None:
    code = (
        ("" if installed else "import sys; sys.modules['pytest'] = None\n")
        + "from flask_login.testing import FrozenClock, assert_only_public\n"
        "import sys; print(FrozenClock()().year, sys.modules.get('pytest'))"
    )
    result = subprocess.run(  # noqa: S603  # this very Python, and the code stands above
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "2026 None"


def test_what_needs_pytest_says_so_where_there_is_none() -> None:
    for name in ("login_as", "SessionStoreContract"):
        code = f"import sys; sys.modules['pytest'] = None\nfrom flask_login.testing import {name}"
        result = subprocess.run(  # noqa: S603  # this very Python, and the code stands above
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert "ModuleNotFoundError: import of pytest halted" in result.stderr


def test_the_contract_is_rewritten_and_found_whoever_imports_first() -> None:
    code = (
        "import pytest\n"
        "from flask_login import testing\n"
        "from flask_login.testing import SessionStoreContract\n"
        "assert testing.SessionStoreContract is SessionStoreContract\n"
        "assert {'login_as', 'SessionStoreContract', 'FrozenClock'} <= {*dir(testing)}\n"
        "print(SessionStoreContract.__module__)"
    )
    result = subprocess.run(  # noqa: S603  # this very Python, and the code stands above
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "flask_login.sessions.contract"
    assert testing.SessionStoreContract.__module__ == "flask_login.sessions.contract"
    assert {"login_as", "SessionStoreContract"} <= {*dir(testing)}
    with pytest.raises(AttributeError, match="has no attribute 'login_for'"):
        testing.login_for  # noqa: B018  # the access is what is tested


CONFTEST = """
import pytest
from flask import Flask
from flask_login import LoginManager, UserMixin, current_user
from flask_login.testing import FrozenClock

pytest_plugins = ["flask_login.testing"]

class Account(UserMixin):
    def __init__(self, id):
        self.id = id

@pytest.fixture
def alice():
    return Account("alice")

@pytest.fixture
def app():
    app = Flask("app")
    app.secret_key = "secret"
    LoginManager(app, clock=FrozenClock()).user_loader(Account)
    app.add_url_rule("/me", view_func=lambda: current_user.id, endpoint="me")
    return app
"""

TEST = """
def test_profile(login_as, alice):
    assert login_as(alice).get("/me").text == "alice"
"""


@pytest.mark.slow
def test_an_application_switches_the_fixtures_on_as_documented_without_any_warning(
    tmp_path: Path,
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_app.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    result = subprocess.run(  # noqa: S603  # this very Python, on files written above
        [*command, "--rootdir=.", "-c", "/dev/null"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


def test_a_helper_that_does_not_exist_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'log_in_as'"):
        testing.log_in_as  # noqa: B018  # asked for, to fail


def test_the_asserts_of_a_store_s_contract_tell_the_values_whoever_imports_it_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "flask_login.sessions.contract"
    known = importlib.import_module(name)
    assert testing.SessionStoreContract is known.SessionStoreContract
    monkeypatch.setattr("flask_login.sessions.contract", known)  # which the import below replaces
    monkeypatch.delitem(sys.modules, name)
    assert testing.SessionStoreContract is not known.SessionStoreContract
    assert any(entry.startswith("@pytest") for entry in vars(sys.modules[name])), "not rewritten"
