"""What runs for a request: on its response, on ``g`` at its end, and nothing without need."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    after_this_request,
    copy_current_request_context,
    g,
    request,
    request_finished,
    session,
)
from flask.sessions import SecureCookieSessionInterface

from flask_login import (
    LoginManager,
    MemorySessionStore,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
)


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


def make(store: Any = None, **config: Any) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="secret", **config)
    app.session_interface = SecureCookieSessionInterface()  # one that nobody else has changed
    manager = LoginManager[User](app, session_store=None if store is None else store())
    manager.user_loader(User)

    @app.get("/public")
    def public() -> str:
        return "hello"

    @app.get("/me")
    def me() -> str:
        return str(current_user.get_id())

    @app.get("/guarded")
    @login_required
    def guarded() -> str:
        return "come in"

    @app.get("/login")
    def login() -> str:
        assert login_user(User("ann"), remember="remember" in request.args)
        return "welcome"

    return app


def hooks(app: Flask) -> list[list[Any]]:
    """Return the lists that Flask walks for every request of an application."""
    kinds = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    return [kind[None] for kind in kinds if None in kind]


def after_requests_to(app: Flask, path: str, work: Callable[[], object]) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        if request.path == path:
            work()
        return response


@pytest.mark.parametrize("by_default", [False, True])
def test_no_list_that_flask_may_be_walking_is_changed(by_default: bool) -> None:
    app = make(LOGIN_REQUIRED_BY_DEFAULT=by_default)
    client = app.test_client()
    for page in ("/public", "/login", "/me", "/guarded", "/missing"):
        walked = hooks(app)
        before = [[*functions] for functions in walked]
        client.get(page)
        with app.app_context():
            client.get(page)
        assert walked == before, page


@pytest.mark.parametrize("by_default", [False, True])
def test_once_the_first_request_was_served_flask_calls_the_same_functions(by_default: bool) -> None:
    app = make(LOGIN_REQUIRED_BY_DEFAULT=by_default)
    client = app.test_client()
    client.get("/public")
    before = hooks(app)
    for page in ("/public", "/login", "/me", "/guarded", "/missing"):
        client.get(page)
        assert hooks(app) == before, page


def test_a_g_that_outlives_its_request_is_left_in_production_too() -> None:
    app = make()

    @app.get("/left")
    def left() -> str:
        return str(g.get("_login_user"))

    client = app.test_client()
    client.get("/public")
    with app.app_context():
        client.get("/login")
        assert client.get("/me").text == "ann"
        assert "_login_user" not in g
        assert app.test_client().get("/left").text == "None"


def test_a_user_that_other_code_wrote_to_a_shared_g_and_asked_nothing_is_left_too() -> None:
    app = make()

    @app.get("/written")
    def written() -> str:
        g._login_user = User("mallory")
        return ""

    with app.app_context():
        app.test_client().get("/written")
        assert app.test_client().get("/me").text == "None"


def test_a_user_that_other_code_wrote_to_a_g_that_outlives_the_request_is_left_too() -> None:
    app = make()

    @app.get("/written")
    def written() -> str:
        g._login_user = User("mallory")
        return str(current_user.get_id())

    with app.app_context():
        assert app.test_client().get("/written").text == "mallory"
        assert app.test_client().get("/me").text == "None"


LEVELS = pytest.mark.parametrize("store", [None, MemorySessionStore], ids=["signed", "stored"])


@LEVELS
def test_a_login_in_a_function_that_runs_after_the_request_is_remembered(store: Any) -> None:
    app = make(store)
    after_requests_to(app, "/public", lambda: login_user(User("ann"), remember=True))
    client = app.test_client()
    client.get("/public")
    client.delete_cookie("session")
    assert client.get("/me").text == "ann"


@LEVELS
def test_a_logout_in_a_function_that_runs_after_the_request_deletes_both_cookies(
    store: Any,
) -> None:
    app = make(store)
    after_requests_to(app, "/public", logout_user)
    client = app.test_client()
    client.get("/login?remember")
    client.get("/public")
    assert client.get_cookie("remember_token") is None
    assert client.get_cookie("session") is None


@LEVELS
def test_an_access_log_that_names_the_user_does_not_lose_the_next_remember_token(
    store: Any,
) -> None:
    app, seen = make(store), list[str]()
    after_requests_to(app, "/public", lambda: seen.append(current_user.get_id()))
    client = app.test_client()
    client.get("/login?remember")
    for _ in range(3):  # the browser is started again and again
        client.delete_cookie("session")
        client.get("/public")
        assert client.get("/me").text == "ann"
    assert seen == ["ann"] * 3


@LEVELS
def test_a_response_that_is_put_in_the_place_of_the_view_s_carries_the_cookies(store: Any) -> None:
    app = make(store)

    @app.after_request
    def wrapped(response: Response) -> Response:
        return app.make_response({"data": response.get_data(as_text=True)})

    client = app.test_client()
    client.get("/login?remember")
    assert client.get_cookie("remember_token") is not None
    client.delete_cookie("session")
    assert client.get("/me").json == {"data": "ann"}


@LEVELS
def test_a_view_s_own_503_takes_nothing_back(store: Any) -> None:
    app = make(store)

    @app.get("/busy")
    def busy() -> tuple[str, int]:
        assert current_user.is_authenticated
        session["kept"] = session.pop("once", "kept")
        return "", 503

    client = app.test_client()
    client.get("/login?remember")
    client.delete_cookie("session")
    assert client.get("/busy").status_code == 503
    with client.session_transaction() as kept:
        assert kept["kept"] == "kept"
        assert kept["_user_id"] == "ann"


def test_a_thread_that_asked_first_does_not_take_the_cookie_from_the_response() -> None:
    app = make()

    @app.get("/enter")
    def enter() -> str:
        for _ in range(2):
            ask = copy_current_request_context(lambda: logout_user())
            with ThreadPoolExecutor(1) as executor:
                executor.submit(ask).result()
            login_user(User("ann"), remember=True)
        return ""

    client = app.test_client()
    response = client.get("/enter")
    cookies = [cookie for cookie in response.headers.getlist("Set-Cookie") if "remember" in cookie]
    assert len(cookies) == 1
    assert client.get_cookie("remember_token") is not None


def test_a_page_that_asks_twice_sets_one_cookie() -> None:
    app = make()

    @app.get("/enter")
    def enter() -> str:
        for _ in range(3):
            login_user(User("ann"), remember=True)
        return ""

    cookies = app.test_client().get("/enter").headers.getlist("Set-Cookie")
    assert len([cookie for cookie in cookies if "remember_token" in cookie]) == 1


# Who says that a response depends on the cookie


def varies(app: Flask, path: str = "/guarded") -> list[str]:
    """Return the ``Vary`` headers of a page for somebody who is logged in."""
    client = app.test_client()
    client.get("/login")
    return client.get(path).headers.getlist("Vary")


@pytest.mark.parametrize("store", [None, MemorySessionStore])
@pytest.mark.parametrize("path", ["/guarded", "/me"])
def test_a_page_of_somebody_logged_in_depends_on_the_cookie(store: Any, path: str) -> None:
    assert varies(make(store), path) == ["Cookie"]


def test_what_else_a_page_depends_on_is_kept() -> None:
    app = make()

    @app.get("/languages")
    @login_required
    def languages() -> Response:
        return Response("moin", headers={"Vary": "Accept-Language"})

    assert varies(app, "/languages") == ["Accept-Language, Cookie"]


def test_a_response_that_takes_the_place_of_the_view_s_depends_on_the_cookie() -> None:
    app = make()

    @app.get("/replaced")
    @login_required
    def replaced() -> str:
        after_this_request(lambda _: Response("another"))
        return "come in"

    assert varies(app, "/replaced") == ["Cookie"]
    app.after_request_funcs[None] = [lambda _: Response("a third")]
    assert varies(app) == varies(app, "/replaced") == ["Cookie"]


def test_functions_after_a_request_see_that_its_session_was_read() -> None:
    app, seen = make(), list[bool]()

    def look(response: Response) -> Response:
        seen.append(session.accessed)
        return response

    @app.get("/seen")
    @login_required
    def seen_by() -> str:
        after_this_request(look)
        return "come in"

    assert varies(app, "/seen") == ["Cookie"]
    app.after_request_funcs[None] = [look]
    assert varies(app) == ["Cookie"]
    assert seen
    assert all(seen)


@pytest.mark.parametrize("functions", [0, 1])
def test_a_session_interface_of_the_application_is_told_that_its_session_was_read(
    functions: int,
) -> None:
    told: list[bool] = []

    class Own(SecureCookieSessionInterface):
        def save_session(self, app: Flask, session: Any, response: Response) -> None:
            told.append(session.accessed)
            super().save_session(app, session, response)

    app = make()
    app.session_interface = Own()
    app.after_request_funcs[None] = [lambda response: response] * functions
    assert varies(app) == ["Cookie"]
    assert told
    assert all(told)


def test_a_page_that_asks_in_a_thread_of_its_own_depends_on_the_cookie() -> None:
    app = make()

    @app.get("/threads")
    def threads() -> str:
        name = copy_current_request_context(lambda: str(current_user.get_id()))
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(name).result()

    assert varies(app, "/threads") == ["Cookie"]


def test_a_session_that_is_written_too_or_kept_alive_sets_its_cookie_and_depends_on_it() -> None:
    app = make()

    @app.get("/writes")
    @login_required
    def writes() -> str:
        session["visits"] = session.get("visits", 0) + 1
        return "come in"

    @app.get("/stays")
    def stays() -> str:
        session.permanent = True
        return "stay"

    client = app.test_client()
    client.get("/login")
    for path in ("/writes", "/stays", "/guarded"):
        answer = client.get(path)
        assert answer.headers.getlist("Vary") == ["Cookie"], path
        assert "Set-Cookie" in answer.headers, path


def test_where_no_session_is_opened_nothing_is_said_of_cookies() -> None:
    app = make()
    app.secret_key = None
    assert "Vary" not in app.test_client().get("/me").headers


def test_two_realms_of_one_request_say_it_once() -> None:
    app = make()
    staff = LoginManager[User](app, name="staff")
    staff.user_loader(User)

    @app.get("/both")
    @login_required
    def both() -> str:
        return str(staff.current_user.is_authenticated)

    @app.get("/between")
    @login_required
    def between() -> str:
        after_this_request(lambda _: Response("another"))
        return str(staff.current_user.is_authenticated)

    assert varies(app, "/both") == varies(app, "/between") == ["Cookie"]


def test_a_save_of_the_session_that_was_replaced_is_told_that_it_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, told = make(), list[bool]()
    app.session_interface = interface = SecureCookieSessionInterface()  # Flask's own is everybody's
    save = interface.save_session

    def saved(app: Flask, session: Any, response: Response) -> None:
        told.append(session.accessed)
        save(app, session, response)

    monkeypatch.setattr(interface, "save_session", saved)
    assert varies(app) == ["Cookie"]
    assert told == [True, True]


@pytest.mark.parametrize("functions", [0, 1])
@pytest.mark.parametrize("late", [False, True])
def test_a_page_that_tells_of_an_error_after_the_response_depends_on_the_cookie(
    functions: int, late: bool
) -> None:
    app = make()
    app.after_request_funcs.update({None: [lambda response: response]} if functions else {})

    def fail(_: Flask, response: Response) -> None:
        if response.get_data(as_text=True) == "come in":
            raise LookupError

    @app.errorhandler(500)
    def tell(_: Exception) -> tuple[str, int]:
        if late:
            after_this_request(lambda _: Response("another", 500))
        return f"sorry, {current_user.get_id()}", 500

    with request_finished.connected_to(fail, app):
        assert varies(app) == ["Cookie"]


def test_a_function_that_was_put_after_ours_by_hand_may_replace_the_response() -> None:
    app = make()
    app.after_request(lambda response: response)
    assert varies(app) == ["Cookie"]
    app.after_request_funcs[None].insert(0, lambda _: Response("another"))
    assert varies(app) == ["Cookie"]


def test_a_guarded_page_that_fails_depends_on_the_cookie() -> None:
    app = make()

    @app.get("/fails")
    @login_required
    def fails() -> str:
        raise LookupError

    assert varies(app, "/fails") == ["Cookie"]
