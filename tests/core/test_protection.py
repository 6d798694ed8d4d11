"""Session protection: a login session that shows up from another client."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_login import LoginManager, MemorySessionStore, session_protected
from flask_login.core.protection import Client, client_fingerprint, is_legacy_fingerprint
from flask_login.doctor import examine
from flask_login.exceptions import ConfigurationError
from flask_login.testing import FrozenClock
from flask_login.visit import create_identifier

HOME = {"User-Agent": "Firefox"}
ELSEWHERE = {"User-Agent": "curl"}


def guarded(
    users: dict[str, Any], clock: FrozenClock, store: Any, name: str | None
) -> tuple[Flask, LoginManager[Any]]:
    """Return an application with a manager of either level, of the default realm or a named one."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
    manager: LoginManager[Any] = LoginManager(
        app, name=name, session_store=store and store(), clock=clock
    )
    manager.user_loader(users.get)

    @app.get("/in")
    def enter() -> str:
        return str(manager.login_user(users["alice"]))

    @app.get("/who")
    def who() -> str:
        return manager.current_user.get_id() or "nobody"

    return app, manager


def logged_in_at_home(app: Flask, login: str = "/login/alice") -> FlaskClient:
    client = app.test_client()
    client.get(login, headers=HOME)
    return client


@pytest.mark.parametrize("mode", [None, "basic", "strong"])
def test_the_client_that_logged_in_stays_logged_in_and_fresh(
    make_app: Callable[..., Flask], mode: str | None
) -> None:
    client = logged_in_at_home(make_app(SESSION_PROTECTION=mode))
    assert client.get("/me", headers=HOME).text == "alice"
    assert client.get("/fresh", headers=HOME).text == "fresh"


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"headers": ELSEWHERE},
        {"headers": {"User-Agent": ""}},
        {"headers": HOME, "environ_base": {"REMOTE_ADDR": "10.9.8.7"}},
    ],
)
@pytest.mark.parametrize(
    ("mode", "user", "fresh"),
    [(None, "alice", "fresh"), ("basic", "alice", "stale"), ("strong", "nobody", "stale")],
)
def test_what_another_client_may_do_with_a_stolen_session_cookie(
    make_app: Callable[..., Flask], mode: str | None, user: str, fresh: str, elsewhere: Any
) -> None:
    client = logged_in_at_home(make_app(SESSION_PROTECTION=mode))
    assert client.get("/me", **elsewhere).text == user
    assert client.get("/fresh", **elsewhere).text == fresh


def test_the_manager_says_the_mode_and_the_setting_wins_over_it(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any]
) -> None:
    app = make_app()
    login_manager.session_protection = "strong"
    client = logged_in_at_home(app)
    app.config["SESSION_PROTECTION"] = None
    assert client.get("/me", headers=ELSEWHERE).text == "alice"
    del app.config["SESSION_PROTECTION"]
    assert client.get("/me", headers=ELSEWHERE).text == "nobody"


@pytest.mark.parametrize("store", [None, MemorySessionStore], ids=["signed", "stored"])
@pytest.mark.parametrize("name", [None, "staff"])
@pytest.mark.parametrize(
    ("written", "mode", "user"),
    [
        ("Strong", "strong", "nobody"),
        (" STRONG ", "strong", "nobody"),
        ("Basic", "basic", "alice"),
        ("None", None, "alice"),
    ],
)
def test_a_mode_in_other_letters_is_read_as_what_it_means_with_one_warning(
    *,
    users: dict[str, Any],
    clock: FrozenClock,
    caplog: pytest.LogCaptureFixture,
    store: Any,
    name: str | None,
    written: str,
    mode: str | None,
    user: str,
) -> None:
    app, manager = guarded(users, clock, store, name)
    manager.session_protection = written
    assert manager.session_protection == mode
    client = app.test_client()
    client.get("/in", headers=HOME)
    assert client.get("/who", headers=ELSEWHERE).text == user
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("flask_login", "WARNING")
    assert record.getMessage() == (
        f"session_protection is {written!r}, read as {mode!r}. Write session_protection = {mode!r}."
    )
    (finding,) = (found for found in examine(app) if found.code == "odd_setting")
    assert finding.level == "hint"
    assert f"session_protection is {written!r}, read as {mode!r}." in finding.text


@pytest.mark.parametrize("store", [None, MemorySessionStore], ids=["signed", "stored"])
@pytest.mark.parametrize("name", [None, "staff"])
@pytest.mark.parametrize("written", ["paranoid", True, 1, ["strong"]])
def test_a_mode_that_does_not_exist_is_told_at_once_and_lets_no_other_client_in(
    *,
    users: dict[str, Any],
    clock: FrozenClock,
    caplog: pytest.LogCaptureFixture,
    store: Any,
    name: str | None,
    written: Any,
) -> None:
    app, manager = guarded(users, clock, store, name)
    manager.session_protection = written
    assert manager.session_protection == written
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("flask_login", "ERROR")
    assert record.getMessage().startswith("session_protection must be 'basic', 'strong' or None")
    (finding,) = (found for found in examine(app) if found.code == "wrong_setting")
    assert finding.level == "error"
    assert "session_protection must be 'basic', 'strong' or None" in finding.text
    client = app.test_client()
    client.get("/in", headers=HOME)
    assert client.get("/who", headers=HOME).text == "alice"
    with pytest.raises(ConfigurationError) as error:
        client.get("/who", headers=ELSEWHERE)
    assert (error.value.key, error.value.value) == ("SESSION_PROTECTION", written)
    app.config["SESSION_PROTECTION"] = "strong"
    assert client.get("/who", headers=ELSEWHERE).text == "nobody", "the setting wins"


def test_strong_protection_holds_for_permanent_sessions_too(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(SESSION_PROTECTION="strong")
    client = logged_in_at_home(app)
    with client.session_transaction() as session:
        session.permanent = True
    assert client.get("/me", headers=ELSEWHERE).text == "nobody"


def test_strong_protection_ends_the_login_for_the_first_client_as_well(
    make_app: Callable[..., Flask],
) -> None:
    client = logged_in_at_home(make_app(SESSION_PROTECTION="strong"), "/login/alice?remember")
    assert client.get("/me", headers=ELSEWHERE).text == "nobody"
    assert client.get_cookie("remember_token") is None
    assert client.get("/me", headers=HOME).text == "nobody"


def test_a_thief_of_both_cookies_is_not_let_in_by_the_remember_cookie(
    make_app: Callable[..., Flask],
) -> None:
    victim = logged_in_at_home(make_app(SESSION_PROTECTION="strong"), "/login/alice?remember")
    cookies = "; ".join(
        f"{name}={cookie.value}"
        for name in ("session", "remember_token")
        if (cookie := victim.get_cookie(name))
    )
    assert "remember_token" in cookies
    thief = victim.application.test_client(use_cookies=False)
    assert thief.get("/me", headers={**ELSEWHERE, "Cookie": cookies}).text == "nobody"


def test_strong_protection_leaves_what_else_the_session_holds(
    make_app: Callable[..., Flask],
) -> None:
    client = logged_in_at_home(make_app(SESSION_PROTECTION="strong"))
    with client.session_transaction() as session:
        session["cart"] = ["book"]
        session["next"] = "/checkout"
    client.get("/me", headers=ELSEWHERE)
    with client.session_transaction() as session:
        assert dict(session) == {"cart": ["book"], "next": "/checkout"}


def test_after_strong_protection_a_request_loader_is_still_asked(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.request_loader(lambda request: users.get(request.headers.get("X-API-Key", "")))
    client = logged_in_at_home(make_app(SESSION_PROTECTION="strong"))
    assert client.get("/me", headers={**ELSEWHERE, "X-API-Key": "bob"}).text == "bob"


def test_basic_protection_is_not_undone_by_going_home(make_app: Callable[..., Flask]) -> None:
    client = logged_in_at_home(make_app(SESSION_PROTECTION="basic"))
    assert client.get("/fresh", headers=ELSEWHERE).text == "stale"
    assert client.get("/fresh", headers=HOME).text == "stale"


@pytest.mark.parametrize(("mode", "times"), [(None, 0), ("basic", 1), ("strong", 1)])
def test_the_application_is_told_once_of_another_client(
    make_app: Callable[..., Flask], mode: str | None, times: int
) -> None:
    app = make_app(SESSION_PROTECTION=mode)
    client = logged_in_at_home(app)
    told: list[Flask] = []

    def receive(sender: Flask) -> None:
        told.append(sender)

    with session_protected.connected_to(receive):
        for _ in range(3):
            client.get("/me", headers=ELSEWHERE)
    assert told == [app] * times


def test_an_invented_forwarding_header_does_not_change_who_one_is(
    make_app: Callable[..., Flask],
) -> None:
    client = logged_in_at_home(make_app(SESSION_PROTECTION="strong"))
    assert client.get("/me", headers={**HOME, "X-Forwarded-For": "6.6.6.6"}).text == "alice"


def test_an_invented_forwarding_header_does_not_make_one_the_victim(
    make_app: Callable[..., Flask],
) -> None:
    client = logged_in_at_home(make_app(SESSION_PROTECTION="strong"))
    pretended = {**HOME, "X-Forwarded-For": "127.0.0.1"}
    response = client.get("/me", headers=pretended, environ_base={"REMOTE_ADDR": "6.6.6.6"})
    assert response.text == "nobody"


def test_behind_a_proxy_that_is_vouched_for_the_client_is_the_forwarded_one(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(SESSION_PROTECTION="strong")
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]  # Flask's documented way
    client = app.test_client()
    client.get("/login/alice", headers={"X-Forwarded-For": "1.1.1.1"})
    assert client.get("/me", headers={"X-Forwarded-For": "1.1.1.1"}).text == "alice"
    assert client.get("/me", headers={"X-Forwarded-For": "2.2.2.2"}).text == "nobody"


@pytest.mark.parametrize("mode", [None, "basic", "strong"])
@pytest.mark.parametrize(("fresh", "answer"), [(True, "fresh"), (False, "stale"), (None, "stale")])
def test_a_session_that_something_else_wrote_is_bound_at_first_sight_and_as_fresh_as_it_says(
    make_app: Callable[..., Flask], mode: str | None, fresh: bool | None, answer: str
) -> None:
    client = make_app(SESSION_PROTECTION=mode).test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "alice"
        if fresh is not None:
            session["_fresh"] = fresh
    assert client.get("/me", headers=HOME).text == "alice"
    assert client.get("/fresh", headers=HOME).text == answer
    with client.session_transaction() as session:
        assert re.fullmatch(r"[\w-]{8}", session["_id"])
    assert client.get("/me", headers=ELSEWHERE).text == ("nobody" if mode == "strong" else "alice")


def test_a_session_without_freshness_is_marked_not_fresh_on_another_client(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session.update({"_user_id": "alice", "_id": "of somebody else"})
    assert client.get("/me").text == "alice"
    with client.session_transaction() as session:
        assert session["_fresh"] is False


def test_a_subclass_may_switch_protection_off_for_some_requests(
    users: dict[str, Any],
) -> None:
    class Lenient(LoginManager[Any]):
        asked = 0

        def _session_protection_failed(self) -> bool:
            self.asked += 1
            return False

    app = Flask(__name__)
    app.config.update(SECRET_KEY="key", SESSION_PROTECTION="strong")
    manager = Lenient(app)
    manager.user_loader(users.get)
    app.add_url_rule("/who", view_func=lambda: manager.current_user.get_id() or "nobody")
    client = app.test_client()
    with client.session_transaction() as session:
        session.update({"_user_id": "alice", "_id": "of somebody else"})
    assert client.get("/who", headers=ELSEWHERE).text == "alice"
    assert manager.asked == 1


def test_an_application_may_bring_its_own_identifier(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any]
) -> None:
    login_manager._session_identifier_generator = lambda: "always the same"
    client = logged_in_at_home(make_app(SESSION_PROTECTION="strong"))
    assert client.get("/me", headers=ELSEWHERE).text == "alice"


@pytest.mark.parametrize("agent", [None, "Firefox", "caf\xe9", "x" * 5000])
def test_a_fingerprint_is_short_and_hides_the_address(app: Flask, agent: str | None) -> None:
    headers = {} if agent is None else {"User-Agent": agent}
    base = {"REMOTE_ADDR": "203.0.113.7"}
    with app.test_request_context(headers=headers, environ_base=base):
        made = client_fingerprint("203.0.113.7", agent)
        assert re.fullmatch(r"[\w-]{8}", made)
        assert create_identifier() == made
        assert not is_legacy_fingerprint(made, Client("203.0.113.7", agent))


def test_a_client_without_an_address_has_a_fingerprint_as_well(app: Flask) -> None:
    with app.test_request_context() as context:
        context.request.environ.pop("REMOTE_ADDR", None)
        context.request.remote_addr = None
        assert create_identifier() == client_fingerprint(None, None)
        assert len(client_fingerprint(None, None)) == 8
        assert not is_legacy_fingerprint("0" * 128, Client(None, None))
