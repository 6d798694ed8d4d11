"""Sessions of other kinds: on the server, without a key, or none for some requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Request, Response, g, request, session
from flask.sessions import SecureCookieSessionInterface, SessionInterface, SessionMixin
from flask.testing import FlaskClient

from flask_login import (
    ConfigurationError,
    LoginManager,
    MemorySessionStore,
    UserMixin,
    begin_login,
    confirm_login,
    current_user,
    encode_cookie,
    login_user,
    logout_user,
    user_loaded_from_request,
)
from flask_login.testing import FrozenClock

# An interface with `regenerate`


class Regenerating(SecureCookieSessionInterface):
    """Counts what it is asked, as Flask-Session's interfaces are since 0.6."""

    def __init__(self) -> None:
        self.regenerated: list[dict[str, Any]] = []

    def regenerate(self, session: Any) -> None:
        self.regenerated.append(dict(session))


@pytest.fixture
def interface(app: Flask) -> Regenerating:
    interface = Regenerating()
    app.session_interface = interface
    return interface


def test_a_session_gets_a_new_id_at_login_and_at_logout(
    app: Flask, interface: Regenerating
) -> None:
    client = app.test_client()
    client.get("/me")
    assert len(interface.regenerated) == 0
    client.get("/login/alice")
    assert len(interface.regenerated) == 1
    client.get("/me")
    assert len(interface.regenerated) == 1
    client.get("/logout")
    assert len(interface.regenerated) == 2
    assert client.get("/me").text == "nobody"


def test_a_session_gets_a_new_id_when_a_remember_token_logs_in(
    app: Flask, interface: Regenerating
) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    client.delete_cookie("session")
    interface.regenerated.clear()
    client.get("/me")
    client.get("/me")
    assert len(interface.regenerated) == 1


def test_a_session_gets_a_new_id_when_its_login_is_confirmed(
    app: Flask, interface: Regenerating
) -> None:
    @app.get("/confirm")
    def confirm() -> str:
        confirm_login()
        return ""

    client = app.test_client()
    client.get("/confirm")
    assert len(interface.regenerated) == 0, "nobody's login was confirmed"
    client.get("/login/alice")
    client.get("/confirm")
    assert len(interface.regenerated) == 2
    assert client.get("/me").text == "alice"


def test_a_session_keeps_its_id_when_nobody_was_let_in(
    app: Flask, interface: Regenerating, users: dict[str, Any]
) -> None:
    users["alice"].active = False
    client = app.test_client()
    assert client.get("/login/alice").text == "False"
    client.set_cookie("remember_token", "junk")
    client.get("/me")
    assert interface.regenerated == []


# Flask-Session


@pytest.fixture
def on_the_server(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Make apps whose sessions are kept in memory by Flask-Session."""
    flask_session = pytest.importorskip("flask_session", reason="needs Flask-Session")
    cachelib = pytest.importorskip("cachelib", reason="needs cachelib, which Flask-Session uses")

    def make(**config: Any) -> Flask:
        cache = cachelib.SimpleCache()
        app = make_app(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache, **config)
        flask_session.Session(app)
        return app

    return make


def test_a_planted_session_id_is_worthless_after_login(
    on_the_server: Callable[..., Flask],
) -> None:
    app = on_the_server()

    @app.get("/visit")
    def visit() -> str:
        session["cart"] = "book"
        return ""

    attacker, victim = app.test_client(), app.test_client()
    attacker.get("/visit")
    planted = attacker.get_cookie("session")
    assert planted is not None
    victim.set_cookie("session", planted.value)
    victim.get("/login/alice")

    own = victim.get_cookie("session")
    assert own is not None
    assert own.value != planted.value
    assert victim.get("/me").text == "alice"
    assert attacker.get("/me").text == "nobody"
    with victim:
        victim.get("/me")
        assert session["cart"] == "book"


def test_a_session_id_put_back_after_logout_logs_nobody_in(
    on_the_server: Callable[..., Flask],
) -> None:
    client = on_the_server().test_client()
    client.get("/login/alice")
    before = client.get_cookie("session")
    assert before is not None
    client.get("/logout")
    client.set_cookie("session", before.value)
    assert client.get("/me").text == "nobody"


def test_a_session_on_the_server_keeps_a_login_through_all_of_its_life(
    on_the_server: Callable[..., Flask],
) -> None:
    client = on_the_server(SESSION_PROTECTION="strong").test_client()
    client.get("/login/alice?remember")
    assert client.get("/fresh").text == "fresh"
    client.delete_cookie("session")
    assert client.get("/me").text == "alice"
    assert client.get("/fresh").text == "stale"
    client.get("/logout")
    assert client.get("/me").text == "nobody"


# Flask-WTF


class Forms:
    """An application with forms of Flask-WTF, and what a browser or a program does with them."""

    def __init__(self, app: Flask, users: dict[str, Any]) -> None:
        csrf = pytest.importorskip("flask_wtf.csrf", reason="needs Flask-WTF")
        csrf.CSRFProtect(app)
        self.app = app

        @app.get("/token")
        def token() -> str:
            made: str = csrf.generate_csrf()
            return made

        @app.get("/token-then-user")
        def token_then_user() -> str:
            # As a page does: its head has the token, its menu the user's name.
            made: str = csrf.generate_csrf()
            return f"{current_user.get_id()} {made} {csrf.generate_csrf()}"

        @app.post("/act")
        def act() -> str:
            return "done"

        @app.post("/log-in")
        def log_in() -> str:
            return str(login_user(users["alice"], remember=True))

        @app.post("/log-out")
        def log_out() -> str:
            return str(logout_user())

    def send(self, client: FlaskClient, token: str, path: str = "/act") -> int:
        name = self.app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
        return client.post(path, data={name: token}).status_code


@pytest.fixture(params=["cookie", "server", "store", "store and server"])
def make_forms(
    request: pytest.FixtureRequest,
    make_app: Callable[..., Flask],
    login_manager: LoginManager[Any],
    users: dict[str, Any],
    clock: FrozenClock,
) -> Callable[..., Forms]:
    """Make applications with forms: on both levels, sessions in the cookie or on the server."""
    make: Callable[..., Flask] = make_app
    if "server" in request.param:
        make = request.getfixturevalue("on_the_server")

    def made(**config: Any) -> Forms:
        app = make(**config)
        if "store" in request.param:
            stored: LoginManager[Any] = LoginManager(
                app, session_store=MemorySessionStore(), clock=clock
            )
            stored.user_loader(login_manager._user_callback)  # type: ignore[arg-type]  # set by the fixture
        return Forms(app, users)

    return made


FIELDS = pytest.mark.parametrize("field", [{}, {"WTF_CSRF_FIELD_NAME": "crumb"}], ids=str)


@FIELDS
def test_two_tabs_at_the_login_page_can_both_log_in(
    make_forms: Callable[..., Forms], field: dict[str, Any]
) -> None:
    forms = make_forms(**field)
    client = forms.app.test_client()
    first, second = client.get("/token").text, client.get("/token").text
    assert forms.send(client, first, "/log-in") == 200
    assert forms.send(client, second, "/log-in") == 200
    assert client.get("/me").text == "alice"


@FIELDS
def test_a_form_of_an_older_tab_can_be_sent_after_login_and_after_logout(
    make_forms: Callable[..., Forms], field: dict[str, Any]
) -> None:
    forms = make_forms(**field)
    client = forms.app.test_client()
    older = client.get("/token").text
    for path in ("/log-in", "/log-out", "/log-in"):
        assert forms.send(client, client.get("/token").text, path) == 200
        assert forms.send(client, older) == 200


@pytest.mark.parametrize("rotates", [False, True])
@FIELDS
def test_a_page_that_writes_its_token_before_it_asks_for_a_returning_user_holds_a_good_one(
    make_forms: Callable[..., Forms], field: dict[str, Any], rotates: bool
) -> None:
    forms = make_forms(LOGIN_ROTATE_CSRF_TOKEN=rotates, **field)
    client = forms.app.test_client()
    assert forms.send(client, client.get("/token").text, "/log-in") == 200
    for _ in range(2):  # the second return: with what the first has left
        client.delete_cookie("session")
        user, first, second = client.get("/token-then-user").text.split()
        assert user == "alice"
        assert first == second
        assert forms.send(client, first) == 200


@pytest.mark.parametrize("rotates", [False, True])
def test_a_form_that_was_open_before_a_user_returns_can_be_sent(
    make_forms: Callable[..., Forms], rotates: bool
) -> None:
    forms = make_forms(LOGIN_ROTATE_CSRF_TOKEN=rotates)
    client = forms.app.test_client()
    forms.send(client, client.get("/token").text, "/log-in")
    client.delete_cookie("session")
    open_form = client.get("/token").text  # a page that never asks who the user is
    assert client.get("/me").text == "alice"
    assert forms.send(client, open_form) == 200


def test_a_program_that_keeps_the_token_of_the_login_page_goes_on_with_it(
    make_forms: Callable[..., Forms],
) -> None:
    forms = make_forms()
    program = forms.app.test_client()
    header = {"X-CSRFToken": program.get("/token").text}
    assert program.post("/log-in", headers=header).text == "True"
    for _ in range(3):
        assert program.post("/act", headers=header).text == "done"
    assert program.post("/log-out", headers=header).text == "True"
    assert program.post("/log-in", headers=header).text == "True"


@pytest.mark.parametrize("renamed", [None, "crumb"])
def test_a_form_validates_where_a_header_logs_its_user_in_at_each_request(
    make_forms: Callable[..., Forms], users: dict[str, Any], renamed: str | None
) -> None:
    flask_wtf = pytest.importorskip("flask_wtf", reason="needs Flask-WTF")
    forms = make_forms(**({"WTF_CSRF_FIELD_NAME": renamed} if renamed else {}))

    @forms.app.before_request
    def believe_the_proxy() -> None:
        login_user(users[request.headers["X-Remote-User"]])

    @forms.app.route("/form", methods=["GET", "POST"])
    def form() -> str:
        shown = flask_wtf.FlaskForm()
        if shown.validate_on_submit():
            return f"{current_user.get_id()} sent it"
        return str(shown[shown.meta.csrf_field_name].current_token)

    client, name = forms.app.test_client(), renamed or "csrf_token"
    header = {"X-Remote-User": "bob"}
    token = client.get("/form", headers=header).text
    client.get("/me", headers=header)  # another request of the page
    for _ in range(2):
        answer = client.post("/form", headers=header, data={name: token})
        assert answer.text == "bob sent it"


def test_in_a_named_realm_too_the_token_stays_at_login_logout_and_return(
    app: Flask, users: dict[str, Any], clock: FrozenClock
) -> None:
    forms = Forms(app, users)
    staff: LoginManager[Any] = LoginManager(app, name="staff", clock=clock)
    staff.user_loader(users.get)

    @app.get("/staff/in")
    def enter() -> str:
        return str(staff.login_user(users["bob"], remember=True))

    @app.get("/staff/out")
    def leave() -> str:
        return str(staff.logout_user())

    @app.get("/staff")
    def who() -> str:
        return str(staff.current_user.get_id())

    client = app.test_client()
    older = client.get("/token").text
    client.get("/staff/in")
    assert forms.send(client, older) == 200
    client.get("/staff/out")
    assert forms.send(client, older) == 200
    client.get("/staff/in")
    client.delete_cookie("session")
    older = client.get("/token").text
    assert client.get("/staff").text == "bob"
    assert forms.send(client, older) == 200
    app.config["LOGIN_ROTATE_CSRF_TOKEN"] = True
    client.get("/staff/out")
    assert forms.send(client, older) == 400


def test_confirming_and_the_first_of_two_steps_keep_the_token_in_any_case(
    make_app: Callable[..., Flask], users: dict[str, Any]
) -> None:
    app = make_app(LOGIN_ROTATE_CSRF_TOKEN=True)
    forms = Forms(app, users)

    @app.get("/confirm")
    def confirm() -> str:
        confirm_login()
        return ""

    @app.get("/begin")
    def begin() -> str:
        return str(begin_login(users["alice"]))

    client = app.test_client()
    open_form = client.get("/token").text
    assert client.get("/begin").text == "True"
    assert forms.send(client, open_form) == 200
    client.get("/login/alice")
    open_form = client.get("/token").text
    client.get("/confirm")
    assert forms.send(client, open_form) == 200


@FIELDS
def test_a_token_is_renewed_at_login_and_at_logout_where_that_is_wanted(
    make_forms: Callable[..., Forms], field: dict[str, Any]
) -> None:
    forms = make_forms(LOGIN_ROTATE_CSRF_TOKEN=True, **field)
    client = forms.app.test_client()
    for path in ("/log-in", "/log-out"):
        planted = client.get("/token").text
        assert forms.send(client, planted) == 200
        assert forms.send(client, planted, path) == 200
        assert forms.send(client, planted) == 400
        assert forms.send(client, client.get("/token").text) == 200


@FIELDS
def test_a_view_that_shows_a_token_before_and_after_a_login_shows_the_new_one_last(
    make_app: Callable[..., Flask], users: dict[str, Any], field: dict[str, Any]
) -> None:
    csrf = pytest.importorskip("flask_wtf.csrf", reason="needs Flask-WTF")
    app = make_app(LOGIN_ROTATE_CSRF_TOKEN=True, **field)
    forms = Forms(app, users)

    @app.get("/enter")
    def enter() -> str:
        before = csrf.generate_csrf()
        login_user(users["alice"])
        return f"{before} {csrf.generate_csrf()}"

    client = app.test_client()
    before, after = client.get("/enter").text.split()
    assert forms.send(client, before) == 400
    assert forms.send(client, after) == 200


# No key, and no session to write to


def test_without_a_secret_key_public_pages_keep_working(make_app: Callable[..., Flask]) -> None:
    client = make_app(SECRET_KEY=None).test_client()
    for cookie in (None, "junk", "alice|" + "0" * 128, "a.b"):
        if cookie is not None:
            client.set_cookie("remember_token", cookie)
        assert client.get("/public").text == "hello"
        response = client.get("/me")
        assert (response.status_code, response.text) == (200, "nobody")
        assert client.get("/fresh").text == "stale"
    assert client.get("/missing").status_code == 404


def test_without_a_secret_key_a_request_loader_still_serves_its_users(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.bearer_loader(users.get)
    client = make_app(SECRET_KEY=None, REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True).test_client()
    client.set_cookie("remember_token", "junk")
    assert client.get("/me", headers={"Authorization": "Bearer bob"}).text == "bob"


def test_without_a_secret_key_a_login_fails_with_flasks_own_words(
    make_app: Callable[..., Flask],
) -> None:
    client = make_app(SECRET_KEY=None).test_client()
    with pytest.raises(RuntimeError, match="secret key"):
        client.get("/login/alice")


def test_without_a_secret_key_logout_is_no_error_for_who_was_not_logged_in(
    make_app: Callable[..., Flask],
) -> None:
    assert make_app(SECRET_KEY=None).test_client().get("/logout").text == "True"


class OnTheServer(SessionInterface):
    """Keeps sessions by an id in a cookie, and so needs no key."""

    class Kept(dict[str, Any], SessionMixin):
        pass

    def __init__(self) -> None:
        self.sessions: dict[str, Any] = {}

    def open_session(self, app: Flask, request: Request) -> Any:
        return self.Kept(self.sessions.get(request.cookies.get("sid", ""), {}))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        self.sessions["1"] = dict(session)
        response.set_cookie("sid", "1")


@pytest.mark.parametrize("what", ["remember", "credentials", "encode_cookie"])
def test_without_a_secret_key_a_server_side_session_is_told_what_there_is_no_key_for(
    make_app: Callable[..., Flask], users: dict[str, Any], what: str
) -> None:
    class Member(UserMixin):
        id = "carol"

        def get_session_auth_hash(self) -> str:
            return "hash"

    users["carol"] = Member()
    app = make_app(SECRET_KEY=None)
    app.session_interface = OnTheServer()
    app.add_url_rule("/encode", view_func=lambda: encode_cookie("alice"))
    pages = {
        "remember": "/login/alice?remember",
        "credentials": "/login/carol",
        "encode_cookie": "/encode",
    }
    client = app.test_client()
    with pytest.raises(ConfigurationError, match="^SECRET_KEY must be ") as error:
        client.get(pages[what])
    assert error.value.key == "SECRET_KEY"
    assert client.get("/me").text == "nobody"
    client.get("/login/alice")
    assert client.get("/me").text == "alice", "a plain login needs no key"


# The interface that everybody writes from memory: no session for users of a request


class SkipsApiUsers(SecureCookieSessionInterface):
    """Does not save the session when a request loader named the user."""

    def save_session(self, *args: Any, **kwargs: Any) -> None:
        if g.get("login_via_request"):
            return
        super().save_session(*args, **kwargs)


def test_an_interface_may_skip_saving_for_users_of_a_request(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    app = make_app()
    app.session_interface = SkipsApiUsers()
    login_manager.request_loader(lambda request: users.get(request.args.get("api_key", "")))

    @app.get("/count")
    def count() -> str:
        name = current_user.get_id() or "nobody"
        session["visits"] = session.get("visits", 0) + 1
        return f"{name} {session['visits']}"

    def mark(sender: Flask, user: Any) -> None:
        g.login_via_request = True

    with user_loaded_from_request.connected_to(mark, app):
        client = app.test_client()
        response = client.get("/count?api_key=bob")
        assert response.text == "bob 1"
        assert "Set-Cookie" not in response.headers
        assert client.get("/count").text == "nobody 1"
        client.get("/login/alice")
        assert client.get("/count").text == "alice 2"
        assert client.get("/count?api_key=bob").text == "alice 3", "the session comes first"


@pytest.fixture
def without_api_sessions(make_app: Callable[..., Flask]) -> Flask:
    """An app whose session interface opens none below ``/api/``."""

    class NoneForTheApi(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Request) -> Any:
            if request.path.startswith("/api/"):
                return None  # Flask makes a session of it that cannot be written
            return super().open_session(app, request)

    app = make_app()
    app.session_interface = NoneForTheApi()
    app.add_url_rule("/api/me", "api_me", lambda: current_user.get_id() or "nobody")
    return app


def test_where_no_session_is_opened_a_request_loader_serves_its_users(
    without_api_sessions: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.bearer_loader(users.get)
    client = without_api_sessions.test_client()
    client.get("/login/alice")
    assert client.get("/api/me", headers={"Authorization": "Bearer bob"}).text == "bob"
    assert client.get("/api/me").text == "nobody"
    assert client.get("/me").text == "alice"


def test_where_no_session_is_opened_a_remember_cookie_is_no_server_error(
    without_api_sessions: Flask,
) -> None:
    client = without_api_sessions.test_client()
    client.get("/login/alice?remember")
    response = client.get("/api/me")
    assert response.status_code == 200
    assert response.text in {"alice", "nobody"}


def test_a_response_that_was_made_by_hand_carries_the_cookie_too(
    app: Flask, users: dict[str, Any]
) -> None:
    class Person(UserMixin):
        id = "alice"

    @app.get("/enter")
    def enter() -> Response:
        login_user(Person(), remember=True)
        return Response("", status=204)

    client = app.test_client()
    client.get("/enter")
    assert client.get_cookie("remember_token") is not None
