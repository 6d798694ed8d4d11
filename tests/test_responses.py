from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, flash, get_flashed_messages, request, session
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from tests.redirect_status import REDIRECT
from werkzeug.exceptions import Unauthorized
from werkzeug.test import TestResponse

from flask_login import (
    LoginManager,
    fresh_login_required,
    login_required,
    set_login_view,
)

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
BASIC = "Basic YWxpY2U6c2VjcmV0"


@dataclass
class Caller:
    """A kind of caller: what it sends, and what it can make use of."""

    headers: dict[str, str] = field(default_factory=dict)
    gets: str = "page"
    method: str = "GET"
    body: dict[str, Any] = field(default_factory=dict)
    scheme: str = "Session"
    error: str = ""

    def call(self, client: FlaskClient, path: str) -> TestResponse:
        return client.open(path, method=self.method, headers=self.headers, **self.body)


CALLERS = {
    # People.
    "a navigation": Caller({"Accept": BROWSER, "Sec-Fetch-Mode": "navigate"}),
    "a browser without Fetch Metadata": Caller({"Accept": BROWSER}),
    "a navigation behind a site-wide Basic login": Caller(
        {"Accept": BROWSER, "Sec-Fetch-Mode": "navigate", "Authorization": BASIC}
    ),
    "an old browser behind a site-wide Basic login": Caller(
        {"Accept": BROWSER, "Authorization": BASIC}
    ),
    "a form": Caller({"Accept": BROWSER}, method="POST", body={"data": {"a": "1"}}),
    # Who says nothing gets what it got before.
    "no Accept": Caller(),
    "Accept of anything": Caller({"Accept": "*/*"}),
    "Accept of HTML and JSON alike": Caller({"Accept": "text/html, application/json"}),
    "Accept of JSON at a pinch": Caller({"Accept": "text/html, application/json;q=0.5"}),
    # Programs in a page.
    "fetch": Caller({"Accept": "*/*", "Sec-Fetch-Mode": "cors"}, "problem"),
    "fetch on this host": Caller({"Accept": "*/*", "Sec-Fetch-Mode": "same-origin"}, "problem"),
    "an image": Caller({"Accept": "image/*", "Sec-Fetch-Mode": "no-cors"}, "problem"),
    "fetch of HTML": Caller({"Accept": "text/html", "Sec-Fetch-Mode": "cors"}, "problem"),
    "XHR": Caller({"Accept": "*/*", "X-Requested-With": "XMLHttpRequest"}, "problem"),
    "XHR of jQuery for HTML": Caller(
        {"Accept": "text/html, */*; q=0.01", "X-Requested-With": "xmlhttprequest"}, "problem"
    ),
    "axios": Caller({"Accept": "application/json, text/plain, */*"}, "problem"),
    "htmx": Caller({"Accept": "*/*", "HX-Request": "true"}, "htmx"),
    "htmx in a current browser": Caller(
        {"Accept": "*/*", "HX-Request": "true", "Sec-Fetch-Mode": "cors"}, "htmx"
    ),
    "htmx with a JSON body": Caller(
        {"Accept": "*/*", "HX-Request": "true"}, "htmx", "POST", {"json": {"a": 1}}
    ),
    # Programs.
    "Accept of JSON": Caller({"Accept": "application/json"}, "problem"),
    "Accept of a kind of JSON": Caller({"Accept": "application/vnd.api+json"}, "problem"),
    "Accept of problems": Caller({"Accept": "application/problem+json, */*;q=0.1"}, "problem"),
    "Accept of JSON rather than HTML": Caller(
        {"Accept": "text/html;q=0.8, application/json"}, "problem"
    ),
    "a JSON body": Caller({"Accept": "*/*"}, "problem", "POST", {"json": {"a": 1}}),
    "a JSON body with PATCH": Caller({}, "problem", "PATCH", {"json": {"a": 1}}),
    "a bearer token": Caller(
        {"Authorization": "Bearer unknown"}, "problem", scheme="Bearer", error="invalid_token"
    ),
    "a bearer token and any Accept": Caller(
        {"Accept": "*/*", "Authorization": "bearer unknown"},
        "problem",
        scheme="Bearer",
        error="invalid_token",
    ),
    "curl with Basic": Caller({"Accept": "*/*", "Authorization": BASIC}, "problem", scheme="Basic"),
    "Basic without Accept": Caller({"Authorization": BASIC}, "problem", scheme="Basic"),
    "an unknown scheme": Caller({"Authorization": "Token abc"}, "problem"),
}
EACH_CALLER = pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)

STATES = {
    # login, guard: what is wrong with it
    ("anonymous", "login"): "login",
    ("anonymous", "fresh"): "login",
    ("stale", "login"): None,
    ("stale", "fresh"): "refresh",
    ("fresh", "login"): None,
    ("fresh", "fresh"): None,
}
LOG_IN = {"stale": "/login/alice?stale", "fresh": "/login/alice"}


@pytest.fixture
def guarded_app(app: Flask) -> Flask:
    """An app with a view for each guard and one that tells what was flashed."""
    app.name = "shop"
    methods = ["GET", "POST", "PATCH"]

    @app.route("/guarded/login", methods=methods)
    @login_required
    def needs_login() -> str:
        return "come in"

    @app.route("/guarded/fresh", methods=methods)
    @fresh_login_required
    def needs_fresh_login() -> str:
        return "come in"

    @app.get("/flashed")
    def flashed() -> list[Any]:
        return [list(pair) for pair in get_flashed_messages(with_categories=True)]

    return app


@pytest.fixture
def with_views(guarded_app: Flask, login_manager: LoginManager[Any]) -> Flask:
    login_manager.login_view = "/log-in"
    login_manager.refresh_view = "/refresh"
    return guarded_app


def flashed(client: FlaskClient) -> list[list[str]]:
    found: list[list[str]] = client.get("/flashed").get_json()
    return found


# The matrix


@EACH_CALLER
@pytest.mark.parametrize(("state", "guard"), STATES)
def test_each_caller_gets_the_answer_it_can_use(
    with_views: Flask, caller: Caller, state: str, guard: str
) -> None:
    client = with_views.test_client()
    if state in LOG_IN:
        client.get(LOG_IN[state])
    response = caller.call(client, f"/guarded/{guard}")
    missing = STATES[state, guard]
    if missing is None:
        assert (response.status_code, response.text) == (200, "come in")
        assert "WWW-Authenticate" not in response.headers
        return

    view = {"login": "/log-in", "refresh": "/refresh"}[missing]
    back = f"?next=%2Fguarded%2F{guard}" if caller.method == "GET" else ""
    if caller.gets == "page":
        assert response.status_code == REDIRECT
        assert response.location == view + back
        assert "WWW-Authenticate" not in response.headers
    elif caller.gets == "htmx":
        assert response.status_code == 401
        assert response.headers["HX-Redirect"] == view  # it did not say what page it is on
        assert "Location" not in response.headers
        assert response.data == b""
        error = ', error="insufficient_user_authentication"' if missing == "refresh" else ""
        assert response.headers.getlist("WWW-Authenticate") == [f'Session realm="shop"{error}']
    else:
        expected_problem(response, caller, missing)
    texts = {
        "login": "Please log in to access this page.",
        "refresh": "Please reauthenticate to access this page.",
    }
    seen = [] if caller.gets == "problem" else [["message", texts[missing]]]
    assert flashed(client) == seen


def expected_problem(response: TestResponse, caller: Caller, missing: str) -> None:
    assert response.status_code == 401
    assert response.mimetype == "application/problem+json"
    assert "Location" not in response.headers
    problem = json.loads(response.data)
    assert problem["status"] == 401
    assert problem["title"] == "Unauthorized"
    assert problem["type"] == "about:blank"
    assert problem["detail"]
    assert (
        problem["reason"] == {"login": "login_required", "refresh": "fresh_login_required"}[missing]
    )
    error = caller.error if missing == "login" else "insufficient_user_authentication"
    challenge = f'{caller.scheme} realm="shop"' + (f', error="{error}"' if error else "")
    assert response.headers.getlist("WWW-Authenticate") == [challenge]


@EACH_CALLER
@pytest.mark.parametrize(("state", "guard"), [key for key, wrong in STATES.items() if wrong])
def test_without_a_view_to_send_people_to_everybody_gets_401(
    guarded_app: Flask, caller: Caller, state: str, guard: str
) -> None:
    client = guarded_app.test_client()
    if state in LOG_IN:
        client.get(LOG_IN[state])
    response = caller.call(client, f"/guarded/{guard}")
    assert response.status_code == 401
    assert "Location" not in response.headers
    assert "HX-Redirect" not in response.headers
    assert flashed(client) == []
    if caller.gets == "problem":
        expected_problem(response, caller, STATES[state, guard] or "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "*/*", "Sec-Fetch-Mode": "cors"},
        {"Accept": "*/*", "Sec-Fetch-Mode": "same-origin"},
        {"Accept": "*/*", "X-Requested-With": "XMLHttpRequest"},
    ],
)
def test_a_browser_behind_a_site_wide_basic_login_is_never_made_to_open_its_password_box(
    with_views: Flask, headers: dict[str, str]
) -> None:
    # The browser adds the credentials of the site-wide login to every request of a page.
    headers = {**headers, "Authorization": BASIC}
    response = with_views.test_client().get("/guarded/login", headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Session realm="shop"'


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Bearer", "Bearer ", "", " ", "é", "x" * 9000]
)
def test_a_malformed_authorization_is_refused_and_nothing_worse(
    with_views: Flask, header: str
) -> None:
    response = with_views.test_client().get(
        "/guarded/login", headers={"Accept": "application/json", "Authorization": header}
    )
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("accept", ["", ",", ";q=1", "application/json;q=x", "é", "*", "a/b/c"])
def test_a_malformed_accept_is_answered_and_nothing_worse(with_views: Flask, accept: str) -> None:
    response = with_views.test_client().get("/guarded/login", headers={"Accept": accept})
    assert response.status_code in (REDIRECT, 401)


def test_a_bearer_loader_makes_bearer_the_scheme_that_programs_are_told_of(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    @login_manager.bearer_loader
    def load(token: str) -> None:
        return None

    client = with_views.test_client()
    response = client.get("/guarded/login", headers={"Accept": "application/json"})
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="shop"'
    headers = {"Authorization": "Bearer unknown"}
    response = client.get("/guarded/login", headers=headers)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="shop", error="invalid_token"'
    client.get("/login/alice?stale")
    response = client.get("/guarded/fresh", headers={"Accept": "application/json"})
    assert response.headers["WWW-Authenticate"] == (
        'Bearer realm="shop", error="insufficient_user_authentication"'
    )


def test_a_named_realm_is_named_in_the_challenge_and_has_its_own_views(
    with_views: Flask, users: dict[str, Any]
) -> None:
    staff: LoginManager[Any] = LoginManager(with_views, name="staff")
    staff.user_loader(users.get)
    staff.login_view = "/staff/log-in"

    @with_views.get("/staff")
    @staff.login_required
    def staff_home() -> str:
        return "staff"

    client = with_views.test_client()
    client.get("/login/alice")
    assert client.get("/staff").location == "/staff/log-in?next=%2Fstaff"
    response = client.get("/staff", headers={"Accept": "application/json"})
    assert response.headers["WWW-Authenticate"] == 'Session realm="staff"'


@pytest.mark.parametrize("name", ['the "shop"', "a\\b", "shop, error=none"])
def test_no_name_of_an_app_breaks_out_of_the_challenge(with_views: Flask, name: str) -> None:
    with_views.name = name
    response = CALLERS["fetch"].call(with_views.test_client(), "/guarded/login")
    challenge = response.www_authenticate
    assert (challenge.type, challenge.parameters) == ("session", {"realm": name})


@pytest.mark.parametrize("caller", ["fetch", "a bearer token", "Accept of JSON"])
def test_a_program_that_is_refused_gets_no_cookie(with_views: Flask, caller: str) -> None:
    response = CALLERS[caller].call(with_views.test_client(), "/guarded/login")
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/guarded/login", "/guarded/fresh"])
def test_a_401_for_htmx_carries_a_challenge_like_every_other(with_views: Flask, path: str) -> None:
    client = with_views.test_client()
    for log_in in (None, "/login/alice?stale"):
        if log_in is not None:
            client.get(log_in)
        response = client.get(path, headers={"HX-Request": "true"})
        if response.status_code == 200:
            continue
        assert response.status_code == 401
        assert "HX-Redirect" in response.headers
        assert response.headers["WWW-Authenticate"].startswith('Session realm="shop"')


# Where htmx and forms come back to


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("http://localhost/list?page=2", "?next=%2Flist%3Fpage%3D2"),
        ("/list", "?next=%2Flist"),
        ("http://evil.com/", ""),
        ("//evil.com/", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_htmx_comes_back_to_the_page_a_fragment_was_for(
    with_views: Flask, page: str, back: str
) -> None:
    response = with_views.test_client().get(
        "/guarded/login", headers={"HX-Request": "true", "HX-Current-URL": page}
    )
    assert response.headers["HX-Redirect"] == "/log-in" + back


@pytest.mark.parametrize(
    ("referrer", "back"),
    [
        ("http://localhost/edit?id=1", "?next=%2Fedit%3Fid%3D1"),
        ("http://evil.com/edit", ""),
        ("http://localhost.evil.com/edit", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_nobody_is_sent_back_to_a_post_but_to_the_page_its_form_was_on(
    with_views: Flask, method: str, referrer: str, back: str
) -> None:
    response = with_views.test_client().open(
        "/guarded/login", method=method, headers={"Accept": BROWSER, "Referer": referrer}
    )
    assert response.location == "/log-in" + back


# Messages


@pytest.mark.parametrize("caller", ["a navigation", "htmx"])
def test_messages_and_categories_are_the_manager_s(
    with_views: Flask, login_manager: LoginManager[Any], caller: str
) -> None:
    login_manager.login_message = "Who are you?"
    login_manager.login_message_category = "warning"
    login_manager.needs_refresh_message = "Really you?"
    login_manager.needs_refresh_message_category = "danger"
    client = with_views.test_client()
    CALLERS[caller].call(client, "/guarded/login")
    client.get(LOG_IN["stale"])
    CALLERS[caller].call(client, "/guarded/fresh")
    assert flashed(client) == [["warning", "Who are you?"], ["danger", "Really you?"]]


@pytest.mark.parametrize("empty", [None, "", False])
def test_without_a_message_nothing_is_flashed(
    with_views: Flask, login_manager: LoginManager[Any], empty: Any
) -> None:
    login_manager.login_message = empty
    login_manager.needs_refresh_message = empty
    login_manager.localize_callback = lambda text: f"translated {text}"
    client = with_views.test_client()
    assert client.get("/guarded/login").status_code == REDIRECT
    client.get(LOG_IN["stale"])
    assert client.get("/guarded/fresh").status_code == REDIRECT
    assert flashed(client) == []


def test_localize_callback_translates_both_messages_at_use(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    texts = {
        login_manager.login_message: "Bitte anmelden",
        login_manager.needs_refresh_message: "Bitte erneut anmelden",
    }
    login_manager.localize_callback = texts.__getitem__
    client = with_views.test_client()
    client.get("/guarded/login")
    client.get(LOG_IN["stale"])
    client.get("/guarded/fresh")
    assert [text for _, text in flashed(client)] == ["Bitte anmelden", "Bitte erneut anmelden"]


class Lazy:
    """A text that is looked up when it is shown, as translation libraries make them."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def __str__(self) -> str:
        return self.texts[request.headers["Accept-Language"]]


@pytest.mark.parametrize(("language", "text"), [("de", "Bitte anmelden"), ("en", "Please log in")])
@pytest.mark.parametrize("by_callback", [True, False])
def test_a_lazy_string_is_flashed_in_the_caller_s_language(
    with_views: Flask,
    login_manager: LoginManager[Any],
    language: str,
    text: str,
    by_callback: bool,
) -> None:
    lazy = Lazy({"de": "Bitte anmelden", "en": "Please log in"})
    if by_callback:
        login_manager.localize_callback = lambda _: lazy
    else:
        login_manager.login_message = lazy
    client = with_views.test_client()
    client.get("/guarded/login", headers={"Accept-Language": language})
    assert flashed(client) == [["message", text]]


# Many refusals, one message


@pytest.mark.parametrize("header", [{}, {"HX-Request": "true"}], ids=["page", "htmx"])
def test_a_message_that_waits_already_is_not_flashed_again(
    with_views: Flask, header: dict[str, str]
) -> None:
    client = with_views.test_client()
    first = client.get("/guarded/login", headers=header)
    assert "Set-Cookie" in first.headers
    for _ in range(3):
        again = client.get("/guarded/login", headers=header)
        assert "Set-Cookie" not in again.headers, "nothing changed in the session"
        assert again.headers["Vary"] == "Cookie"
    assert flashed(client) == [["message", "Please log in to access this page."]]
    client.get("/guarded/login", headers=header)
    assert flashed(client) == [["message", "Please log in to access this page."]], "shown before"


def test_each_of_two_messages_waits_once_whatever_comes_between(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    client = with_views.test_client()
    for _ in range(3):
        client.get("/guarded/login")
        client.get(LOG_IN["stale"])
        client.get("/guarded/fresh")
        client.get("/logout")
    assert [text for _, text in flashed(client)] == [
        login_manager.login_message,
        login_manager.needs_refresh_message,
    ]


def test_the_same_text_in_another_category_is_another_message(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    client = with_views.test_client()
    for category in ("message", "warning", "message"):
        login_manager.login_message_category = category
        client.get("/guarded/login")
    assert [category for category, _ in flashed(client)] == ["message", "warning"]


def test_messages_of_the_application_itself_are_left_alone(with_views: Flask) -> None:
    @with_views.get("/say")
    def say() -> str:
        flash("Saved.")
        return ""

    client = with_views.test_client()
    for path in ("/say", "/say", "/guarded/login", "/say", "/guarded/login"):
        client.get(path)
    texts = [text for _, text in flashed(client)]
    assert texts == ["Saved.", "Saved.", "Please log in to access this page.", "Saved."]


@pytest.mark.parametrize("by_callback", [True, False])
def test_a_lazy_string_waits_once_in_each_language(
    with_views: Flask, login_manager: LoginManager[Any], by_callback: bool
) -> None:
    lazy = Lazy({"de": "Bitte anmelden", "en": "Please log in"})
    if by_callback:
        login_manager.localize_callback = lambda _: lazy
    else:
        login_manager.login_message = lazy
    client = with_views.test_client()
    for language in ("de", "de", "en", "de", "en"):
        client.get("/guarded/login", headers={"Accept-Language": language})
    assert [text for _, text in flashed(client)] == ["Bitte anmelden", "Please log in"]


def test_a_message_that_the_page_itself_has_shown_is_flashed_for_the_next_one(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    @with_views.get("/shows-then-refuses")
    def shows_then_refuses() -> Any:
        shown = get_flashed_messages()
        return login_manager.unauthorized() if len(shown) < 2 else ""

    client = with_views.test_client()
    client.get("/guarded/login")
    client.get("/shows-then-refuses")
    assert flashed(client) == [["message", "Please log in to access this page."]]


def test_two_realms_that_say_the_same_say_it_once(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    staff: LoginManager[Any] = LoginManager(with_views, name="staff")
    staff.login_view = "/staff/log-in"
    staff.user_loader(lambda _: None)
    with_views.add_url_rule("/staff", "staff", staff.login_required(lambda: "come in"))
    client = with_views.test_client()
    for path in ("/guarded/login", "/staff", "/guarded/login", "/staff"):
        client.get(path)
    assert flashed(client) == [["message", "Please log in to access this page."]]


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_a_message_waits_once_in_a_session_on_the_server_too(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any], serializer: str
) -> None:
    flask_session = pytest.importorskip("flask_session", reason="needs Flask-Session")
    cachelib = pytest.importorskip("cachelib", reason="needs cachelib, which Flask-Session uses")
    app = make_app(
        SESSION_TYPE="cachelib",
        SESSION_CACHELIB=cachelib.SimpleCache(),
        SESSION_SERIALIZATION_FORMAT=serializer,
    )
    flask_session.Session(app)
    login_manager.login_view = "/log-in"
    app.add_url_rule("/guarded", "guarded", login_required(lambda: "come in"))
    app.add_url_rule("/flashed", "flashed", lambda: [*get_flashed_messages()])
    client = app.test_client()
    for _ in range(3):
        client.get("/guarded")
    assert client.get("/flashed").get_json() == ["Please log in to access this page."]


def test_a_message_with_markup_waits_once(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    login_manager.login_message = Markup("<b>Log in</b>")
    client = with_views.test_client()
    for _ in range(3):
        client.get("/guarded/login")
    assert flashed(client) == [["message", "<b>Log in</b>"]]


def test_a_message_with_markup_keeps_it(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    login_manager.login_message = Markup("<b>Log in</b>")

    @with_views.get("/kinds")
    def kinds() -> list[str]:
        return [type(message).__name__ for message in get_flashed_messages()]

    client = with_views.test_client()
    client.get("/guarded/login")
    assert client.get("/kinds").get_json() == ["Markup"]


# Login views


@pytest.mark.parametrize(
    ("view", "location"),
    [
        ("front_door", "/door?next=%2Fguarded%2Flogin"),
        ("/door", "/door?next=%2Fguarded%2Flogin"),
        ("/door?lang=de", "/door?lang=de&next=%2Fguarded%2Flogin"),
        (
            "https://accounts.example/door",
            "https://accounts.example/door?next=http%3A%2F%2Flocalhost%2Fguarded%2Flogin",
        ),
        ("http://localhost/door", "http://localhost/door?next=%2Fguarded%2Flogin"),
    ],
)
def test_a_login_view_may_be_an_endpoint_a_path_or_a_url(
    guarded_app: Flask, login_manager: LoginManager[Any], view: str, location: str
) -> None:
    login_manager.login_view = view
    guarded_app.add_url_rule("/door", "front_door", lambda: "door")
    assert guarded_app.test_client().get("/guarded/login").location == location


def guarded_page() -> Callable[[], str]:
    @login_required
    def page() -> str:
        return "page"

    return page


@pytest.fixture
def rooms(guarded_app: Flask) -> tuple[Flask, Blueprint, Blueprint]:
    """An app with the blueprints ``shop`` and ``admin``, each with a guarded ``/<name>/page``."""
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    admin = Blueprint("admin", __name__, url_prefix="/admin")
    for blueprint in (shop, admin):
        blueprint.add_url_rule("/page", view_func=guarded_page())
        guarded_app.register_blueprint(blueprint)
    return guarded_app, shop, admin


def location(app: Flask, path: str) -> str:
    found = app.test_client().get(path).location or ""
    return found.partition("?")[0]


def test_a_blueprint_s_login_view_wins_for_its_views(
    rooms: tuple[Flask, Blueprint, Blueprint], login_manager: LoginManager[Any]
) -> None:
    app, _, _ = rooms
    login_manager.login_view = "/log-in"
    login_manager.blueprint_login_views = {"admin": "/admin/log-in"}
    assert location(app, "/admin/page") == "/admin/log-in"
    assert location(app, "/shop/page") == "/log-in"
    assert location(app, "/guarded/login") == "/log-in"


def test_a_blueprint_without_a_login_view_of_its_own_or_the_app_s_answers_401(
    rooms: tuple[Flask, Blueprint, Blueprint], login_manager: LoginManager[Any]
) -> None:
    app, _, admin = rooms
    login_manager.set_login_view("/admin/log-in", blueprint=admin)
    assert location(app, "/admin/page") == "/admin/log-in"
    assert app.test_client().get("/shop/page").status_code == 401


@pytest.mark.parametrize("app_first", [True, False])
@pytest.mark.parametrize("by_function", [True, False])
def test_login_views_of_a_blueprint_and_the_app_can_be_set_in_any_order(
    rooms: tuple[Flask, Blueprint, Blueprint],
    login_manager: LoginManager[Any],
    app_first: bool,
    by_function: bool,
) -> None:
    app, _, admin = rooms
    setter = set_login_view if by_function else login_manager.set_login_view
    with app.app_context():
        if app_first:
            setter("/log-in")
        setter("/admin/log-in", admin)
        if not app_first:
            setter("/log-in")
    assert location(app, "/admin/page") == "/admin/log-in"
    assert location(app, "/shop/page") == "/log-in"
    assert location(app, "/guarded/login") == "/log-in"


@EACH_CALLER
def test_a_blueprint_without_pages_answers_everybody_as_a_program(
    rooms: tuple[Flask, Blueprint, Blueprint], login_manager: LoginManager[Any], caller: Caller
) -> None:
    app, _, admin = rooms
    login_manager.login_view = "/log-in"
    login_manager.set_login_view(None, blueprint=admin)
    client = app.test_client()
    response = client.get("/admin/page", headers=caller.headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"]
    assert "Location" not in response.headers
    assert flashed(client) == []
    if caller.gets != "htmx":
        assert response.mimetype == "application/problem+json"
    assert location(app, "/shop/page") == "/log-in"


@pytest.mark.parametrize("path", ["/guarded/login", "/guarded/fresh"])
def test_every_401_carries_a_challenge(guarded_app: Flask, path: str) -> None:
    client = guarded_app.test_client()
    client.get(LOG_IN["stale"] if "fresh" in path else "/public")
    response = client.get(path, headers={"Accept": BROWSER})
    assert response.status_code == 401
    assert response.www_authenticate.type == "session"
    assert response.www_authenticate.parameters["realm"] == "shop"


@pytest.fixture
def nested(guarded_app: Flask) -> tuple[Flask, Blueprint, Blueprint]:
    """An app with the blueprint ``child`` in ``parent``: ``/parent/child/page`` is guarded."""
    parent = Blueprint("parent", __name__, url_prefix="/parent")
    child = Blueprint("child", __name__, url_prefix="/child")
    child.add_url_rule("/page", view_func=guarded_page())
    parent.register_blueprint(child)
    guarded_app.register_blueprint(parent)
    return guarded_app, parent, child


def test_a_nested_blueprint_follows_the_one_it_is_in(
    nested: tuple[Flask, Blueprint, Blueprint], login_manager: LoginManager[Any]
) -> None:
    app, parent, _ = nested
    login_manager.set_login_view("/log-in")
    login_manager.set_login_view("/parent/log-in", parent)
    assert location(app, "/parent/child/page") == "/parent/log-in"


def test_a_nested_blueprint_s_own_login_view_wins(
    nested: tuple[Flask, Blueprint, Blueprint], login_manager: LoginManager[Any]
) -> None:
    app, parent, child = nested
    login_manager.set_login_view("/log-in")
    login_manager.set_login_view("/parent/log-in", parent)
    login_manager.set_login_view("/child/log-in", child)
    assert location(app, "/parent/child/page") == "/child/log-in"


def test_a_nested_blueprint_s_login_view_can_be_given_by_its_full_name(
    nested: tuple[Flask, Blueprint, Blueprint], login_manager: LoginManager[Any]
) -> None:
    app, _, _ = nested
    login_manager.login_view = "/log-in"
    login_manager.blueprint_login_views["parent.child"] = "/child/log-in"
    assert location(app, "/parent/child/page") == "/child/log-in"


def test_a_blueprint_registered_under_another_name_keeps_its_login_view(
    guarded_app: Flask, login_manager: LoginManager[Any]
) -> None:
    admin = Blueprint("admin", __name__)
    admin.add_url_rule("/page", view_func=guarded_page())
    guarded_app.register_blueprint(admin, name="backstage", url_prefix="/backstage")
    login_manager.login_view = "/log-in"
    login_manager.set_login_view("/admin/log-in", admin)
    assert location(guarded_app, "/backstage/page") == "/admin/log-in"


def test_a_refusal_outside_of_any_view_uses_the_app_s_login_view(
    guarded_app: Flask, login_manager: LoginManager[Any]
) -> None:
    login_manager.login_view = "/log-in"
    guarded_app.before_request(lambda: login_manager.unauthorized())
    assert guarded_app.test_client().get("/nowhere").location == "/log-in?next=%2Fnowhere"


# The way back in the session


def test_use_session_for_next_keeps_the_way_back_out_of_the_url(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    with_views.config["USE_SESSION_FOR_NEXT"] = True

    @with_views.get("/done")
    def done() -> str:
        return login_manager.safe_next_url("/home")

    client = with_views.test_client()
    assert client.get("/guarded/login?a=1").location == "/log-in"
    with client.session_transaction() as sess:
        assert sess["next"] == "/guarded/login?a=1"
        assert sess["_id"]
    assert client.get("/done").text == "/guarded/login?a=1"
    assert client.get("/done").text == "/home"


def test_use_session_for_next_works_for_the_refresh_view(with_views: Flask) -> None:
    with_views.config["USE_SESSION_FOR_NEXT"] = True
    client = with_views.test_client()
    client.get(LOG_IN["stale"])
    assert client.get("/guarded/fresh").location == "/refresh"
    with client.session_transaction() as sess:
        assert sess["next"] == "/guarded/fresh"


def test_use_session_for_next_keeps_no_unsafe_way_back(with_views: Flask) -> None:
    with_views.config["USE_SESSION_FOR_NEXT"] = True
    client = with_views.test_client()
    client.post("/guarded/login", headers={"Referer": "http://evil.com/"})
    with client.session_transaction() as sess:
        assert "next" not in sess


def test_use_session_for_next_keeps_each_realm_s_way_back_apart(
    with_views: Flask, users: dict[str, Any]
) -> None:
    with_views.config["USE_SESSION_FOR_NEXT"] = True
    staff: LoginManager[Any] = LoginManager(with_views, name="staff")
    staff.user_loader(users.get)
    staff.login_view = "/staff/log-in"

    @with_views.get("/staff")
    @staff.login_required
    def staff_home() -> str:
        return "staff"

    @with_views.get("/done")
    def done() -> str:
        return staff.safe_next_url("/home")

    client = with_views.test_client()
    client.get("/guarded/login")
    client.get("/staff")
    with client.session_transaction() as sess:
        assert sess["next"] == "/guarded/login"
    assert client.get("/done").text == "/staff"


@pytest.mark.parametrize("mode", ["basic", "strong"])
@pytest.mark.parametrize("refusal", ["unauthorized", "needs_refresh"])
def test_a_refusal_does_not_bind_a_stolen_session_to_the_thief(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any], mode: str, refusal: str
) -> None:
    app = make_app(USE_SESSION_FOR_NEXT=True, SESSION_PROTECTION=mode)
    login_manager.login_view, login_manager.refresh_view = "/log-in", "/refresh"

    @app.errorhandler(401)
    def refuse(_: Unauthorized) -> Any:
        return getattr(login_manager, refusal)()

    @app.get("/gone")
    def gone() -> ResponseReturnValue:
        abort(401)

    victim, thief = app.test_client(), app.test_client()
    victim.get("/login/alice", headers={"User-Agent": "victim"})
    stolen = victim.get_cookie("session")
    assert stolen is not None
    with victim.session_transaction() as sess:
        bound_to = sess["_id"]
    thief.set_cookie("session", stolen.value)
    assert thief.get("/gone", headers={"User-Agent": "thief"}).status_code == REDIRECT
    with thief.session_transaction() as sess:
        assert sess["_id"] == bound_to
        assert sess["next"] == "/gone"
    assert thief.get("/fresh", headers={"User-Agent": "thief"}).text == "stale"
    who = "nobody" if mode == "strong" else "alice"
    assert thief.get("/me", headers={"User-Agent": "thief"}).text == who


def test_a_thief_who_was_only_made_stale_stays_a_thief_when_protection_becomes_strong(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any]
) -> None:
    app = make_app(USE_SESSION_FOR_NEXT=True, SESSION_PROTECTION="basic")
    login_manager.refresh_view = "/refresh"
    app.add_url_rule("/guarded", "guarded", fresh_login_required(lambda: "in"))
    client = app.test_client()
    client.get("/login/alice", headers={"User-Agent": "victim"})
    assert client.get("/guarded", headers={"User-Agent": "thief"}).location == "/refresh"
    app.config["SESSION_PROTECTION"] = "strong"
    assert client.get("/me", headers={"User-Agent": "thief"}).text == "nobody"


# The application's own answers


def test_an_unauthorized_handler_replaces_the_whole_answer(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    @login_manager.unauthorized_handler
    def refuse() -> tuple[dict[str, bool], int]:
        return {"logged_in": False}, 403

    client = with_views.test_client()
    for caller in ("a navigation", "fetch", "htmx"):
        response = CALLERS[caller].call(client, "/guarded/login")
        assert (response.status_code, response.get_json()) == (403, {"logged_in": False})
    assert flashed(client) == []
    assert refuse() == ({"logged_in": False}, 403)


def test_a_needs_refresh_handler_replaces_the_whole_answer(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    @login_manager.needs_refresh_handler
    def refuse() -> str:
        return "once more"

    client = with_views.test_client()
    client.get(LOG_IN["stale"])
    assert client.get("/guarded/fresh").text == "once more"
    assert client.get("/guarded/login").text == "come in"
    assert refuse() == "once more"


def test_unauthorized_callback_may_be_assigned(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    login_manager.unauthorized_callback = lambda: ("assigned", 418)
    login_manager.needs_refresh_callback = lambda: ("assigned too", 418)
    client = with_views.test_client()
    assert client.get("/guarded/login").text == "assigned"
    client.get(LOG_IN["stale"])
    assert client.get("/guarded/fresh").text == "assigned too"
    login_manager.unauthorized_callback = None
    client.get("/logout")
    assert client.get("/guarded/login").status_code == REDIRECT


@pytest.mark.parametrize("in_async_view", [True, False])
def test_handlers_may_be_async(
    with_views: Flask, login_manager: LoginManager[Any], in_async_view: bool
) -> None:
    pytest.importorskip("asgiref", reason="async handlers need Flask's extra 'async'")

    @login_manager.unauthorized_handler
    async def refuse() -> tuple[str, int]:
        return f"no {request.path}", 401

    @login_manager.needs_refresh_handler
    async def refuse_stale() -> tuple[str, int]:
        return f"again {request.path}", 401

    if in_async_view:

        @with_views.get("/direct/login")
        async def direct() -> Any:
            return login_manager.unauthorized()

        @with_views.get("/direct/fresh")
        async def direct_stale() -> Any:
            return login_manager.needs_refresh()

    prefix = "/direct" if in_async_view else "/guarded"
    client = with_views.test_client()
    assert client.get(f"{prefix}/login").text == f"no {prefix}/login"
    client.get(LOG_IN["stale"])
    assert client.get(f"{prefix}/fresh").text == f"again {prefix}/fresh"


def test_views_may_return_the_refusal_themselves(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    @with_views.get("/one")
    def one() -> Any:
        return login_manager.unauthorized()

    @with_views.get("/two")
    def two() -> Any:
        return login_manager.needs_refresh()

    client = with_views.test_client()
    assert client.get("/one").location == "/log-in?next=%2Fone"
    assert client.get("/two").location == "/refresh?next=%2Ftwo"


@pytest.mark.parametrize("caller", ["a navigation", "fetch", "Accept of JSON", "htmx"])
def test_without_a_login_view_the_app_s_own_401_handler_has_its_say(
    guarded_app: Flask, caller: str
) -> None:
    @guarded_app.errorhandler(401)
    def unauthorized(error: Exception) -> tuple[str, int]:
        return "the app's own 401", 401

    response = CALLERS[caller].call(guarded_app.test_client(), "/guarded/login")
    assert (response.status_code, response.text) == (401, "the app's own 401")


def test_a_401_handler_that_passes_the_error_on_keeps_the_problem(guarded_app: Flask) -> None:
    @guarded_app.errorhandler(401)
    def unauthorized(error: Any) -> Any:
        return error

    response = CALLERS["fetch"].call(guarded_app.test_client(), "/guarded/login")
    expected_problem(response, CALLERS["fetch"], "login")


def test_the_old_look_at_the_settings_of_an_own_answer_still_works(
    with_views: Flask, login_manager: LoginManager[Any]
) -> None:
    """pgAdmin builds its own answer from what the manager was told."""
    login_manager.localize_callback = str.upper

    @login_manager.unauthorized_handler
    def refuse() -> dict[str, Any]:
        text = login_manager.login_message
        if login_manager.localize_callback is not None:
            text = login_manager.localize_callback(text)
        return {"text": text, "category": login_manager.login_message_category}

    answer = with_views.test_client().get("/guarded/login").get_json()
    assert answer == {"text": "PLEASE LOG IN TO ACCESS THIS PAGE.", "category": "message"}


@pytest.fixture
def banned(with_views: Flask, users: dict[str, Any]) -> FlaskClient:
    """A client whose login ends with its next request."""
    client = with_views.test_client()
    client.get("/login/alice")
    users["alice"].active = False
    return client


def test_whose_login_has_just_ended_is_told_why(
    banned: FlaskClient, login_manager: LoginManager[Any]
) -> None:
    login_manager.ended_messages["deactivated"] = "Your account was closed."
    login_manager.login_message_category = "warning"
    login_manager.localize_callback = str.upper
    assert banned.get("/guarded/login").status_code == REDIRECT
    assert banned.get("/flashed").get_json() == [["warning", "YOUR ACCOUNT WAS CLOSED."]]
    banned.get("/guarded/login")
    assert banned.get("/flashed").get_json() == [["warning", login_manager.login_message.upper()]]


def test_a_reason_without_a_message_gets_the_usual_one(
    banned: FlaskClient, login_manager: LoginManager[Any]
) -> None:
    banned.get("/guarded/login")
    assert banned.get("/flashed").get_json() == [["message", login_manager.login_message]]


def test_an_app_that_flashes_nothing_flashes_no_reason(
    banned: FlaskClient, login_manager: LoginManager[Any]
) -> None:
    login_manager.login_message = None
    login_manager.ended_messages["deactivated"] = "Your account was closed."
    banned.get("/guarded/login")
    assert banned.get("/flashed").get_json() == []


def test_a_program_whose_login_has_just_ended_is_told_why_in_the_problem(
    banned: FlaskClient,
) -> None:
    headers = {"Accept": "application/json"}
    problem = json.loads(banned.get("/guarded/login", headers=headers).data)
    assert (problem["reason"], problem["ended_reason"]) == ("login_required", "deactivated")
    assert "ended_reason" not in json.loads(banned.get("/guarded/login", headers=headers).data)


def test_the_messages_of_one_manager_are_its_own() -> None:
    one: LoginManager[Any] = LoginManager()
    other: LoginManager[Any] = LoginManager()
    one.ended_messages.clear()
    assert other.ended_messages["revoked"].endswith("Please log in again.")


def test_a_refusal_leaves_the_app_s_session_entries_alone(with_views: Flask) -> None:
    @with_views.get("/cart")
    def cart() -> str:
        session["cart"] = ["book"]
        return "ok"

    client = with_views.test_client()
    client.get("/cart")
    client.get("/guarded/login")
    with client.session_transaction() as sess:
        assert sess["cart"] == ["book"]
