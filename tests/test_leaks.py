"""``flask login leaks``: what it says of a leak is what a thief can do."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SessionInterface, SessionMixin
from flask.testing import FlaskClient

from flask_login import (
    LoginManager,
    MemorySessionStore,
    SessionStore,
    UserMixin,
    current_user,
    login_fresh,
    login_user,
    logout_user,
)
from flask_login.core.signing import sign
from flask_login.leaks import Leak, leaks
from flask_login.testing import FrozenClock

KEY = "6f1d0c9a8b7e4f3d2c1b0a9f8e7d6c5b"


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


class ServerSession(dict[str, Any], SessionMixin):
    sid = ""

    def __init__(self, kept: dict[str, dict[str, Any]], sid: str) -> None:
        super().__init__(kept.get(sid, {}))
        self.kept, self.sid = kept, sid if sid in kept else secrets.token_hex()

    def regenerate(self) -> None:
        self.kept.pop(self.sid, None)
        self.sid = secrets.token_hex()


class OnServer(SessionInterface):
    """Keeps sessions under the ids that the cookies hold."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def open_session(self, app: Flask, request: Any) -> ServerSession:
        return ServerSession(self.kept, request.cookies.get("session", ""))

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        self.kept[session.sid] = dict(session)
        response.set_cookie("session", session.sid)


def site(
    store: SessionStore | None = None,
    interface: SessionInterface | None = None,
    clock: FrozenClock | None = None,
    **config: Any,
) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY=KEY, TESTING=True, **config)
    app.session_interface = interface or app.session_interface
    manager: LoginManager[User] = LoginManager(app, session_store=store, clock=clock)
    manager.user_loader(User)

    @app.post("/login")
    def login() -> str:
        login_user(User("ann"), remember=True)
        return ""

    @app.post("/logout")
    def logout() -> str:
        logout_user()
        return ""

    @app.get("/")
    def home() -> str:
        return f"{current_user.get_id()} {'fresh' if login_fresh() else 'not fresh'}"

    return app


def ann_on(app: Flask) -> FlaskClient:
    browser = app.test_client()
    browser.post("/login")
    return browser


def thief_with(browser: FlaskClient, *names: str, agent: str | None = None) -> FlaskClient:
    """A browser with copies of these cookies of another."""
    thief = browser.application.test_client()
    if agent is not None:
        thief.environ_base["HTTP_USER_AGENT"] = agent
    for name in names:
        found = browser.get_cookie(name)
        assert found is not None
        thief.set_cookie(name, found.value)
    return thief


def said(app: Flask, code: str) -> Leak:
    with app.app_context():
        (leak,) = (leak for leak in leaks(app) if leak.code == code)
    return leak


def test_with_a_store_a_logout_ends_copies_of_the_session_cookie_and_without_one_not() -> None:
    for app, begins, outcome in (
        (site(), "Its age", "ann fresh"),
        (site(MemorySessionStore()), "A logout, `flask login revoke`", "None not fresh"),
        (site(interface=OnServer()), "A logout, its age", "None not fresh"),
    ):
        ann = ann_on(app)
        thief = thief_with(ann, "session")
        assert thief.get("/").text == "ann fresh"
        ann.post("/logout")
        assert thief.get("/").text == outcome
        leak = said(app, "session_cookie")
        assert leak.gives.startswith("The login of its user.")
        assert leak.ends.startswith(begins)
        assert ("Not a logout" in leak.ends) is (outcome == "ann fresh")


@pytest.mark.parametrize("is_stored", [False, True])
@pytest.mark.parametrize(
    ("protection", "text", "outcome"),
    [
        (None, "stays fresh from every address", "ann fresh"),
        ("basic", "from another address or browser the login is not fresh", "ann not fresh"),
        ("strong", "from another address or browser it gives nothing", "None not fresh"),
        ("wrong", "from another address or browser the login is not fresh", "ann not fresh"),
    ],
)
def test_what_a_session_cookie_gives_elsewhere_is_what_session_protection_leaves(
    protection: str | None, text: str, outcome: str, is_stored: bool
) -> None:
    app = site(MemorySessionStore() if is_stored else None)
    ann = ann_on(app)
    app.config["SESSION_PROTECTION"] = protection
    assert text in said(app, "session_cookie").gives.lower()
    if protection != "wrong":
        assert thief_with(ann, "session", agent="another").get("/").text == outcome


def test_a_remember_cookie_is_good_again_and_again_without_a_store() -> None:
    app = site(REMEMBER_COOKIE_DURATION=timedelta(days=7))
    ann = ann_on(app)
    ann.post("/logout")
    again = [thief_with(ann_on(app), "remember_token") for _ in range(2)]
    assert [thief.get("/").text for thief in again] == ["ann not fresh"] * 2
    leak = said(app, "remember_cookie")
    assert leak.gives.endswith("again and again, for 7 days.")
    assert "Not a logout" in leak.ends
    app.config["REMEMBER_COOKIE_DURATION"] = timedelta(days=1)
    assert said(app, "remember_cookie").gives.endswith("for 1 day.")
    app.config["REMEMBER_COOKIE_DURATION"] = timedelta(hours=2)
    assert said(app, "remember_cookie").gives.endswith("for 2:00:00 hours.")


def test_with_a_store_a_logout_ends_copies_of_the_remember_cookie() -> None:
    app = site(MemorySessionStore())
    ann = ann_on(app)
    thief = thief_with(ann, "remember_token")
    ann.post("/logout")
    assert thief.get("/").text == "None not fresh"
    assert said(app, "remember_cookie").ends.startswith("A logout")


def forged(app: Flask, **entries: str) -> FlaskClient:
    """A browser with a session that somebody who knows the key has made."""
    forger = app.test_client()
    with forger.session_transaction() as session:
        session.update({"_user_id": "ann", "_fresh": True, **entries})
    return forger


def test_the_key_gives_every_login_where_the_session_is_in_the_cookie() -> None:
    app = site()
    assert forged(app).get("/").text.startswith("ann")
    assert said(app, "secret_key").gives.startswith("The login of every user: a session cookie")


def test_with_a_store_the_key_gives_a_login_only_if_cookies_from_before_it_count() -> None:
    for adopts, who, begins in ((True, "ann", "The login of every user"), (False, "None", "No lo")):
        app = site(MemorySessionStore(), REMEMBER_COOKIE_ACCEPT_LEGACY=adopts)
        assert forged(app).get("/").text.startswith(who)
        assert said(app, "secret_key").gives.startswith(begins)


def test_with_sessions_on_the_server_the_key_makes_remember_cookies() -> None:
    app = site(interface=OnServer())
    ours = site()  # of the thief, with the same key
    assert thief_of(app, ann_on(ours)).get("/").text == "ann not fresh"
    assert "a remember cookie can be made" in said(app, "secret_key").gives


def thief_of(app: Flask, maker: FlaskClient) -> FlaskClient:
    """A browser that shows an application the remember cookie that another one has made."""
    cookie = maker.get_cookie("remember_token")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("remember_token", cookie.value)
    return thief


def test_a_dump_of_the_store_logs_nobody_in_even_with_the_key() -> None:
    store = MemorySessionStore()
    app = site(store, REMEMBER_COOKIE_ACCEPT_LEGACY=False)
    ann_on(app)
    (record,) = store.list("ann")
    for part in (record.secret_hash, record.id):
        thief = forged(app, _login=f"{record.id}.{part}.{record.generation}")
        assert thief.get("/").text == "None not fresh"
    leak = said(app, "store")
    assert leak.what == "a dump of the session store (memory)"
    assert leak.gives.startswith("Nobody's login")


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_dump_of_sessions_on_the_server_gives_every_login_in_it(is_stored: bool) -> None:
    interface, store = OnServer(), MemorySessionStore() if is_stored else None
    app = site(store, interface)
    ann_on(app)
    thief = app.test_client()
    (sid,) = (sid for sid, kept in interface.kept.items() if "_user_id" in kept)
    thief.set_cookie("session", sid)
    assert thief.get("/").text == "ann fresh"
    leak = said(app, "session_storage")
    assert leak.gives.startswith("The login of every user in it")
    assert ("revoke-everyone" in leak.ends) is is_stored


def test_whoever_writes_to_the_store_turns_a_login_into_another_user_s() -> None:
    store = MemorySessionStore()
    app = site(store)
    mallory = ann_on(app)
    (record,) = store.list("ann")
    assert store.replace(replace(record, user_id="bob", version=record.version + 1))
    with mallory.session_transaction() as session:
        session["_user_id"] = "bob"
    assert mallory.get("/").text.startswith("bob")
    assert "changed to another user" in said(app, "store_write").gives


# A login cookie


def cookie_site(interface: SessionInterface | None = None, **config: Any) -> Flask:
    clock = FrozenClock()
    app = site(MemorySessionStore(), interface, clock=clock, LOGIN_STATE="cookie", **config)
    app.extensions["clock"] = clock
    return app


def pass_minutes(app: Flask, minutes: float) -> None:
    app.extensions["clock"].advance(timedelta(minutes=minutes))


def test_a_copied_login_cookie_is_the_login_and_fresh_with_its_marker_only() -> None:
    app = cookie_site()
    ann = ann_on(app)
    assert thief_with(ann, "login", "login-marker").get("/").text == "ann fresh"
    assert thief_with(ann, "login").get("/").text == "ann not fresh"
    assert ann.get("/").text == "ann not fresh", "for the user too, until they prove who they are"
    thief = thief_with(ann, "login", "login-marker")
    ann.post("/logout")
    assert thief.get("/").text == "None not fresh"
    leak = said(app, "login_cookie")
    assert "Alone, that of a remembered login gives one that is not fresh" in leak.gives
    assert leak.ends.startswith("A logout, `flask login revoke`")


@pytest.mark.parametrize(
    ("protection", "text", "outcome"),
    [
        (None, "stays fresh from every address", "ann fresh"),
        ("basic", "From another address or browser the login is not fresh", "ann not fresh"),
        ("strong", "From another address or browser it gives nothing", "None not fresh"),
    ],
)
def test_what_a_login_cookie_gives_elsewhere_is_what_session_protection_leaves(
    protection: str | None, text: str, outcome: str
) -> None:
    app = cookie_site(SESSION_PROTECTION=protection)
    thief = thief_with(ann_on(app), "login", "login-marker", agent="another")
    assert thief.get("/").text == outcome
    assert text in said(app, "login_cookie").gives


def test_a_copied_login_cookie_of_a_login_in_use_ends_it_when_it_was_renewed() -> None:
    app = cookie_site()
    for renewed, left_behind in ((0, 1), (1, 0)):
        ann = ann_on(app)
        browsers = ann, thief_with(ann, "login", "login-marker")
        pass_minutes(app, 16)
        assert browsers[renewed].get("/").text == "ann fresh"
        pass_minutes(app, 1)
        browsers[renewed].get("/")
        pass_minutes(app, 1)
        assert browsers[left_behind].get("/").text == "None not fresh"
        assert browsers[renewed].get("/").text == "None not fresh"
    gives = said(app, "login_cookie").gives
    assert "another cookie every 15 minutes: whoever shows the one before it" in gives
    app.config["LOGIN_RENEW_INTERVAL"] = 90
    assert "every 1.5 minutes" in said(app, "login_cookie").gives


def test_without_renewal_a_copied_login_cookie_stays_unseen() -> None:
    app = cookie_site(LOGIN_RENEW_INTERVAL=None)
    ann = ann_on(app)
    thief = thief_with(ann, "login", "login-marker")
    for _ in range(8):
        pass_minutes(app, 16)
        assert ann.get("/").text == thief.get("/").text == "ann fresh"
    assert said(app, "login_cookie").gives.endswith("nothing shows that there is a copy.")


def test_a_copied_session_cookie_gives_no_login_unless_it_is_from_before_the_switch() -> None:
    app = cookie_site()
    ann = ann_on(app)
    with ann.session_transaction() as session:
        session["cart"] = ["tea"]
    assert thief_with(ann, "session").get("/").text == "None not fresh"
    app.config["LOGIN_STATE"] = "session"
    copied = thief_with(ann_on(app), "session")
    app.config["LOGIN_STATE"] = "cookie"
    assert copied.get("/").text == "ann fresh"
    leak = said(app, "session_cookie")
    assert leak.gives.startswith("Nobody's login")
    assert leak.gives.endswith("before LOGIN_STATE was changed hold a login until they come back.")


def test_a_dump_of_sessions_on_the_server_holds_no_login_where_that_has_a_cookie() -> None:
    interface = OnServer()
    app = cookie_site(interface)
    ann_on(app)
    for sid, kept in interface.kept.items():
        assert kept.keys().isdisjoint({"_user_id", "_login"})
        thief = app.test_client()
        thief.set_cookie("session", sid)
        assert thief.get("/").text == "None not fresh"
    assert said(app, "session_storage").gives.startswith("Nobody's login")


def test_a_dump_of_the_store_logs_nobody_in_where_the_login_has_a_cookie_either() -> None:
    app = cookie_site(REMEMBER_COOKIE_ACCEPT_LEGACY=False)
    ann_on(app)
    (record,) = app.extensions["login"]["default"].manager.sessions.list("ann")
    text = f"{record.id}.{record.secret_hash}.{record.generation}"
    marker = json.loads(record.entries)["marker"]
    thief, salt = app.test_client(), "flask-login.login-cookie.default"
    thief.set_cookie("login", sign(f"{text}~{marker}", salt, app.config))  # knows the key too
    assert thief.get("/").text == "None not fresh"
    assert said(app, "store").gives.startswith("Nobody's login")


def test_with_a_login_cookie_the_leaks_are_those_of_its_cookies() -> None:
    found = json.loads(run(cookie_site(), "--json"))
    assert [leak["code"] for leak in found] == [
        "store",
        "store_write",
        "login_cookie",
        "session_cookie",
        "secret_key",
    ]


def run(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=["login", "leaks", *arguments])
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_the_command_prints_what_leaks_what_it_gives_and_what_ends_it() -> None:
    lines = run(site()).splitlines()
    assert lines[::3] == ["A session cookie", "A remember cookie", "The SECRET_KEY"]
    assert all(line.startswith("    Gives: ") for line in lines[1::3])
    assert all(line.startswith("    Ended by: ") for line in lines[2::3])


def test_with_several_realms_each_line_names_its_own() -> None:
    app = site()
    LoginManager(app, name="staff", session_store=MemorySessionStore())
    heads = run(app).splitlines()[::3]
    assert heads[:1] == ["Realm 'default': a session cookie"]
    assert "Realm 'staff': a dump of the session store (memory)" in heads


def test_json_is_for_programs_and_holds_no_secret() -> None:
    output = run(site(MemorySessionStore()), "--json")
    found = json.loads(output)
    assert found[0].keys() == {"realm", "code", "what", "gives", "ends"}
    assert [leak["code"] for leak in found] == [
        "store",
        "store_write",
        "session_cookie",
        "remember_cookie",
        "secret_key",
    ]
    assert KEY not in output
