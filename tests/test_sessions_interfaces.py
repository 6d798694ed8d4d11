"""Sessions of other kinds: on the server, without a key, or none for some requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Request, Response, g, session
from flask.sessions import SecureCookieSessionInterface, SessionInterface, SessionMixin

from flask_login import (
    ConfigurationError,
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    encode_cookie,
    login_user,
    logout_user,
    user_loaded_from_request,
)

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


@pytest.mark.parametrize("field", [None, "crumb"])
def test_flask_wtf_makes_a_new_token_after_login_and_after_logout(
    make_app: Callable[..., Flask], users: dict[str, Any], field: str | None
) -> None:
    csrf = pytest.importorskip("flask_wtf.csrf", reason="needs Flask-WTF")
    app = make_app(**({"WTF_CSRF_FIELD_NAME": field} if field else {}))
    name = field or "csrf_token"

    def token() -> str:
        made: str = csrf.generate_csrf()
        assert name in g
        return f"{session[name]} {made}"

    app.add_url_rule("/token", view_func=token)

    @app.get("/enter-with-form")
    def enter() -> str:
        before = token()
        login_user(users["alice"])
        return f"{before} {token()}"

    @app.get("/leave-with-form")
    def leave() -> str:
        before = token()
        logout_user()
        return f"{before} {token()}"

    client = app.test_client()
    first = client.get("/token").text.split()[0]
    for page in ("/enter-with-form", "/leave-with-form"):
        secret, made, new_secret, new_made = client.get(page).text.split()
        assert secret == first
        assert new_secret != secret
        assert new_made != made
        first = client.get("/token").text.split()[0]
        assert first == new_secret


def test_a_token_of_flask_wtf_from_before_login_is_refused_after_it(
    make_app: Callable[..., Flask],
) -> None:
    csrf = pytest.importorskip("flask_wtf.csrf", reason="needs Flask-WTF")
    app = make_app()
    csrf.CSRFProtect(app)
    app.add_url_rule("/token", "token", lambda: str(csrf.generate_csrf()))
    app.add_url_rule("/act", "act", lambda: "done", methods=["POST"])
    client = app.test_client()
    planted = client.get("/token").text
    assert client.post("/act", data={"csrf_token": planted}).text == "done"
    client.get("/login/alice")
    assert client.post("/act", data={"csrf_token": planted}).status_code == 400
    own = client.get("/token").text
    assert client.post("/act", data={"csrf_token": own}).text == "done"


def test_confirming_a_login_keeps_the_token_of_the_open_form(app: Flask) -> None:
    @app.get("/confirm")
    def confirm() -> str:
        confirm_login()
        return ""

    client = app.test_client()
    client.get("/login/alice")
    with client.session_transaction() as kept:
        kept["csrf_token"] = "of the open form"
    client.get("/confirm")
    with client.session_transaction() as kept:
        assert kept["csrf_token"] == "of the open form"


@pytest.mark.parametrize(
    ("config", "name"),
    [({}, "csrf_token"), ({"WTF_CSRF_FIELD_NAME": "crumb"}, "crumb")],
)
def test_a_csrf_token_planted_before_a_remember_cookie_logs_in_is_dropped(
    make_app: Callable[..., Flask], config: dict[str, Any], name: str
) -> None:
    client = make_app(**config).test_client()
    client.get("/login/alice?remember")
    client.delete_cookie("session")
    with client.session_transaction() as kept:
        kept.update({name: "known to somebody", "cart": 1})
    assert client.get("/me").text == "alice"
    with client.session_transaction() as kept:
        assert name not in kept
        assert kept["cart"] == 1
        kept[name] = "of the open form"
    client.get("/me")
    with client.session_transaction() as kept:
        assert kept[name] == "of the open form"


def test_a_csrf_token_is_not_dropped_for_a_remember_cookie_that_lets_nobody_in(
    app: Flask, users: dict[str, Any]
) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    client.delete_cookie("session")
    with client.session_transaction() as kept:
        kept["csrf_token"] = "of the open form"
    users["alice"].active = False
    assert client.get("/me").text == "nobody"
    with client.session_transaction() as kept:
        assert kept["csrf_token"] == "of the open form"


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
