"""Protect-by-default: nothing is open but what says so, and no trick with a path opens more."""

from __future__ import annotations

import functools
import gc
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest
from flask import Blueprint, Flask, abort, g, redirect, request, url_for
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from flask.views import MethodView, View
from tests.policy_site import KINDS, PROGRAM, SIGNED, STORED, Site
from tests.redirect_status import REDIRECT
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response

from flask_login import (
    ConfigurationError,
    LoginManager,
    MissingLoginManager,
    SessionStoreUnavailable,
    UserMixin,
    current_user,
    fresh_login_required,
    login_not_required,
    login_required,
    login_user,
    user_unauthorized,
)
from flask_login.default_guard import is_open
from flask_login.doctor import examine
from flask_login.routes import guarded_routes
from flask_login.testing import FrozenClock


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


def make(app: Flask | None = None, *, name: str | None = None, **config: Any) -> Flask:
    """Return an application in which every view needs a login unless it says otherwise.

    It has ``/page``, which is guarded, and ``/come-in/<name>``, which is not.
    """
    app = app or Flask(__name__)
    app.config.update(SECRET_KEY="secret", TESTING=True, LOGIN_REQUIRED_BY_DEFAULT=True, **config)
    manager: LoginManager[User] = LoginManager(app, name=name)
    manager.user_loader(User)
    app.extensions["manager"] = manager

    @app.get("/page", host=app.extensions.get("host"))
    def page() -> str:
        return "page"

    @app.get("/come-in/<name>", host=app.extensions.get("host"))
    @login_not_required
    def come_in(name: str) -> str:
        manager.login_user(User(name), fresh="stale" not in request.args)
        return name

    return app


@pytest.fixture
def app() -> Flask:
    return make()


def manager_in(app: Flask) -> LoginManager[User]:
    manager: LoginManager[User] = app.extensions["manager"]
    return manager


def say(word: str = "hello") -> Callable[..., str]:
    """Return a new view."""
    return lambda **_: word


def status(app: Flask, path: str, **options: Any) -> int:
    """Return what a stranger gets."""
    with app.test_client().open(path, **options) as response:
        return response.status_code


def member_of(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.get("/come-in/ann")
    return client


# What is guarded


@pytest.mark.parametrize("level", [kind for kind in KINDS if kind[1] is None], ids=str)
def test_a_view_that_nobody_decorated_needs_a_login(
    level: tuple[str, str | None], clock: FrozenClock
) -> None:
    site = Site(level, clock, LOGIN_REQUIRED_BY_DEFAULT=True)
    site.page("/page")
    site.manager.login_view = "own_login"
    client = site.browser()
    assert client.get("/page").location == "/login?next=%2Fpage"
    client.get("/login?id=ann")
    assert client.get("/page").text == "come in"
    client.get("/logout")
    assert client.get("/page").status_code == REDIRECT


def test_programs_get_the_same_answer_as_at_a_guard(app: Flask) -> None:
    answer = app.test_client().get("/page", headers=PROGRAM)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")


def test_a_refused_view_is_not_run_and_the_signal_is_sent(app: Flask) -> None:
    ran: list[str] = []

    @app.get("/delete")
    def delete() -> str:
        ran.append("deleted")
        return ""

    with user_unauthorized.connected_to(lambda _: ran.append("refused"), app):
        assert status(app, "/delete") == 401
    assert ran == ["refused"]


def test_the_setting_may_come_after_init_app_and_may_go_again(app: Flask) -> None:
    for on in (False, True, None, 0, 1):
        app.config["LOGIN_REQUIRED_BY_DEFAULT"] = on
        assert status(app, "/page") == (401 if on else 200)
    app.config["LOGIN_REQUIRED_BY_DEFAULT"] = "no"
    with pytest.raises(ConfigurationError, match="LOGIN_REQUIRED_BY_DEFAULT"):
        status(app, "/page")


def test_async_views_and_class_based_views_are_guarded(app: Flask) -> None:
    pytest.importorskip("asgiref", reason="async views need Flask's extra 'async'")

    async def later() -> str:
        return "later"

    class Things(MethodView):
        def get(self) -> str:
            return "things"

        async def post(self) -> str:
            return "posted"

    class Report(View):
        def dispatch_request(self) -> ResponseReturnValue:
            return "report"

    app.add_url_rule("/later", view_func=later)
    app.add_url_rule("/things", view_func=Things.as_view("things"))
    app.add_url_rule("/report", view_func=Report.as_view("report"))
    member = member_of(app)
    for path, method, text in (
        ("/later", "GET", "later"),
        ("/things", "GET", "things"),
        ("/things", "POST", "posted"),
        ("/report", "GET", "report"),
    ):
        assert status(app, path, method=method) == 401, path
        assert member.open(path, method=method).text == text


def test_views_of_blueprints_and_of_blueprints_in_them_are_guarded(app: Flask) -> None:
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    for blueprint in (outer, inner):
        blueprint.add_url_rule("/", "home", say())
    outer.register_blueprint(inner, url_prefix="/inner")
    app.register_blueprint(outer, url_prefix="/outer")
    app.register_blueprint(inner, url_prefix="/again", name="again")
    for path in ("/outer/", "/outer/inner/", "/again/"):
        assert status(app, path) == 401, path
        assert member_of(app).get(path).text == "hello"


def test_an_endpoint_with_a_dot_that_is_of_no_blueprint_is_guarded(app: Flask) -> None:
    app.add_url_rule("/dotted", "no.blueprint", say())
    manager_in(app).login_view = ".login"
    assert app.test_client().get("/dotted", headers=PROGRAM).status_code == 401


def test_head_is_guarded_and_options_is_not(app: Flask) -> None:
    app.add_url_rule("/own", "own", say("options"), methods=["OPTIONS"])
    app.add_url_rule("/own", "post", say(), methods=["POST"])
    assert status(app, "/page", method="HEAD") == 401
    assert status(app, "/page", method="OPTIONS") == 200
    assert app.test_client().options("/own").text == "options"
    assert status(app, "/own", method="POST") == 401


def test_an_api_key_s_user_passes(app: Flask) -> None:
    manager_in(app).request_loader(
        lambda request: User("bob") if request.headers.get("X-Key") == "key" else None
    )
    assert status(app, "/page", headers={"X-Key": "key"}) == 200
    assert status(app, "/page", headers={"X-Key": "other"}) == 401


def test_login_disabled_opens_everything(app: Flask) -> None:
    app.config["LOGIN_DISABLED"] = True
    assert status(app, "/page") == 200


def test_a_store_that_is_silent_opens_nothing_and_closes_no_open_view(clock: FrozenClock) -> None:
    site = Site(STORED, clock, LOGIN_REQUIRED_BY_DEFAULT=True)
    site.page("/page")
    site.page("/open", login_not_required)
    client = site.browser()
    client.get("/login?id=ann")
    assert site.store is not None

    def down(*_: object, **__: object) -> None:
        raise SessionStoreUnavailable("memory")

    site.store.get = down  # type: ignore[method-assign]  # an outage
    assert client.get("/page").status_code == 503
    assert client.get("/open").status_code == 200


# What is no view keeps its status


def test_what_is_not_there_is_not_found(app: Flask) -> None:
    assert status(app, "/nowhere") == 404
    assert status(app, "/page", method="DELETE") == 405


def test_a_redirect_to_the_right_path_tells_no_more_than_the_path(app: Flask) -> None:
    app.add_url_rule("/folder/", "folder", say("secret"))
    answer = app.test_client().get("/folder")
    assert answer.status_code == 308
    assert "secret" not in answer.text
    assert status(app, "/folder/") == 401


def test_error_handlers_answer_as_before(app: Flask) -> None:
    app.register_error_handler(404, lambda error: ("my own 404", 404))
    app.register_error_handler(405, lambda error: ("my own 405", 405))
    app.register_error_handler(401, lambda error: ("my own 401", 401))
    client = app.test_client()
    assert client.get("/nowhere").text == "my own 404"
    assert client.post("/page").text == "my own 405"
    assert client.get("/page").text == "my own 401"


def test_a_view_s_own_abort_is_its_own(app: Flask) -> None:
    app.add_url_rule("/gone", "gone", lambda: abort(410))
    assert member_of(app).get("/gone").status_code == 410


def test_an_endpoint_without_a_view_is_refused_like_any_other(app: Flask) -> None:
    app.add_url_rule("/empty", "empty")
    assert status(app, "/empty") == 401


# What says that it is public


def wrapped(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return wrapper


def test_a_mark_counts_wherever_it_stands_among_the_decorators(app: Flask) -> None:
    app.add_url_rule("/below", "below", wrapped(login_not_required(say())))
    app.add_url_rule("/between", "between", login_not_required(wrapped(say())))

    @login_not_required
    @app.get("/above")
    def above() -> str:
        return "hello"

    for path in ("/below", "/between", "/above"):
        assert status(app, path) == 200, path


def test_a_decorator_that_hides_what_it_wraps_hides_the_mark(app: Flask) -> None:
    marked = login_not_required(say())
    app.add_url_rule("/hidden", "hidden", lambda: marked())
    assert status(app, "/hidden") == 401


def test_a_class_of_views_may_be_marked_and_its_heirs_are_not(app: Flask) -> None:
    @login_not_required
    class Open(MethodView):
        def get(self) -> str:
            return "open"

    class Heir(Open):
        pass

    class OfDecorators(Heir):
        decorators = [login_not_required]  # noqa: RUF012  # as Flask has it

    class OfMethod(MethodView):
        @login_not_required
        def get(self) -> str:
            return "a mark on a method counts for nothing"

    for cls in (Open, Heir, OfDecorators, OfMethod):
        app.add_url_rule(f"/{cls.__name__}", view_func=cls.as_view(cls.__name__))
    assert status(app, "/Open") == 200
    assert status(app, "/Heir") == 401
    assert status(app, "/OfDecorators") == 200
    assert status(app, "/OfMethod") == 401


class Slotted:
    __slots__ = ()

    def __call__(self) -> str:
        return "hello"

    def page(self) -> str:
        return "hello"


class Holder:
    def page(self) -> str:
        return "hello"

    @login_not_required
    def open(self) -> str:
        return "hello"

    @login_required
    def guarded(self) -> str:
        return "hello"


#: Makes a view of each kind that takes no attribute, or has them all.
ODD_VIEWS: dict[str, Callable[[], Any]] = {
    "bound method": lambda: Holder().page,
    "bound method of slots": lambda: Slotted().page,
    "slots": Slotted,
    "partial": lambda: functools.partial(str, "hello"),
    "builtin": lambda: "HELLO".lower,
    "method wrapper": lambda: "hello".__str__,
    "mock": lambda: mock.MagicMock(return_value="hello", methods=None, required_methods=()),
}


@pytest.mark.parametrize("kind", ODD_VIEWS)
@pytest.mark.parametrize("by", ["function", "manager", "realm"])
def test_any_callable_may_be_marked_and_no_other_is_by_that(kind: str, by: str) -> None:
    app = make() if by != "realm" else Flask(__name__)
    manager: LoginManager[User] = manager_in(app) if by != "realm" else LoginManager(name="staff")
    if by == "realm":
        app.config.update(SECRET_KEY="secret", TESTING=True)
        manager.init_app(app)
        manager.user_loader(User)
        manager.protect(app)
    mark = login_not_required if by == "function" else manager.login_not_required
    view, same_kind = ODD_VIEWS[kind](), ODD_VIEWS[kind]()
    assert mark(view) is view
    app.add_url_rule("/open", "open", view, methods=["GET"])
    app.add_url_rule("/wrapped", "wrapped", wrapped(view), methods=["GET"])
    app.add_url_rule("/guarded", "guarded", same_kind, methods=["GET"])
    assert app.test_client().get("/open").text == "hello"
    assert status(app, "/wrapped") == 200
    assert status(app, "/guarded") == 401
    public = {route.endpoint for route in guarded_routes(app) if not route.guards}
    assert public - {"come_in", "static"} == {"open", "wrapped"}


def test_a_method_that_is_marked_on_one_object_is_guarded_on_the_next(app: Flask) -> None:
    shown, hidden = Holder(), Holder()
    login_not_required(shown.page)
    app.add_url_rule("/shown", "shown", shown.page)
    app.add_url_rule("/hidden", "hidden", hidden.page)
    app.add_url_rule("/in-class", "in_class", hidden.open)
    assert [status(app, f"/{path}") for path in ("shown", "hidden", "in-class")] == [200, 401, 200]


def test_a_mark_is_gone_with_its_view_and_is_nobody_else_s(app: Flask) -> None:
    views = [functools.partial(str, "hello") for _ in range(50)]
    for view in views:
        login_not_required(view)
    del view
    views.clear()
    gc.collect()
    for number in range(50):
        app.add_url_rule(f"/{number}", f"v{number}", functools.partial(str, "hello"))
    assert {status(app, f"/{number}") for number in range(50)} == {401}


def test_a_class_that_takes_no_attribute_is_marked_alone(app: Flask) -> None:
    assert login_not_required(deque) is deque
    view: Any = functools.partial(deque, "ab")
    app.add_url_rule("/deque", "deque", view)
    app.add_url_rule("/other", "other", functools.partial(list, "ab"))
    with app.test_request_context("/deque"):
        assert is_open(manager_in(app), app, "deque"), "it is what the view calls"
    assert status(app, "/other") == 401


def test_an_object_of_a_marked_class_is_public_and_one_of_its_heirs_is_not(app: Flask) -> None:
    @login_not_required
    class Page:
        def __call__(self) -> str:
            return "hello"

    class Heir(Page):
        pass

    app.add_url_rule("/object", "object", Page())
    app.add_url_rule("/heir", "heir", Heir())
    assert (status(app, "/object"), status(app, "/heir")) == (200, 401)


def test_a_guard_in_the_class_of_a_bound_method_is_the_view_s_own(app: Flask) -> None:
    app.add_url_rule("/guarded", "guarded", Holder().guarded)
    assert (status(app, "/guarded"), member_of(app).get("/guarded").text) == (401, "hello")
    assert [route.guards for route in guarded_routes(app) if route.endpoint == "guarded"] == [
        ("login_required",)
    ]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind[1] is None], ids=str)
def test_requests_to_any_callable_can_be_no_activity(
    kind: tuple[str, str | None], clock: FrozenClock
) -> None:
    site = Site(kind, clock, LOGIN_IDLE_TIMEOUT=timedelta(minutes=30))
    view = Holder().page
    assert site.manager.no_activity(view) == view
    site.app.add_url_rule("/poll", "poll", site.manager.login_required(view))
    site.page("/page", site.manager.login_required)
    client = site.browser()
    client.get("/login?id=ann")
    for _ in range(3):
        clock.advance(timedelta(minutes=9))
        assert client.get("/poll").status_code == 200
    clock.advance(timedelta(minutes=4))
    assert client.get("/page").status_code == 401, "nobody did anything for half an hour"


# Endpoints of extensions


def with_github(app: Flask) -> Flask:
    """Register views as extensions do: bound methods, and one named like no blueprint."""
    github = Blueprint("github", __name__, url_prefix="/github")
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    for name in ("login", "authorized"):
        github.add_url_rule(f"/{name}", name, Holder().page)
    inner.add_url_rule("/", "home", Holder().page)
    github.register_blueprint(inner)
    app.register_blueprint(github)
    app.add_url_rule("/toolbar/<path:filename>", "_debug_toolbar.static", lambda filename: "file")
    app.add_url_rule("/githubbed", "githubbed", say())
    return app


GITHUB = {
    "github.login": "/github/login",
    "github.authorized": "/github/authorized",
    "github.inner.home": "/github/inner/",
    "_debug_toolbar.static": "/toolbar/x.js",
    "githubbed": "/githubbed",
}


@pytest.mark.parametrize(
    ("exempted", "expected"),
    [
        ([], set()),
        (["github.authorized"], {"github.authorized"}),
        (["github.authorized", "_debug_toolbar.static"],) * 2,
        (["github.*"], {"github.login", "github.authorized", "github.inner.home"}),
        (["github.inner.*"], {"github.inner.home"}),
        (["github"], set()),
        (["authorized", "GITHUB.authorized", "github.authorized "], set()),
        (["githubbed", "githubbed"], {"githubbed"}),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_endpoints_that_are_exempt_are_open_and_no_others(
    exempted: list[str], expected: Any, when: str
) -> None:
    app = make()
    if when == "after":
        with_github(app)
    if exempted:
        manager_in(app).exempt(*exempted)
    if when == "before":
        with_github(app)
    opened = {name for name, path in GITHUB.items() if status(app, path) == 200}
    assert opened == set(expected)
    listed = {route.endpoint for route in guarded_routes(app) if not route.guards}
    assert listed & set(GITHUB) == opened


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_a_realm_exempts_is_open_in_that_realm_alone(
    kind: tuple[str, str | None], clock: FrozenClock
) -> None:
    site = Site(kind, clock)
    with_github(site.app)
    site.manager.protect(site.app)
    other: LoginManager[User] = LoginManager(site.app, name="other")
    other.user_loader(User)
    other.exempt("github.login")
    site.manager.exempt("github.authorized")
    assert status(site.app, "/github/authorized") == 200
    assert status(site.app, "/github/login") == 401


def test_what_a_protected_blueprint_exempts_is_open(clock: FrozenClock) -> None:
    site, outer, _ = two_rooms(clock)
    site.manager.protect(outer)
    site.manager.exempt("outer.inner.home")
    site.app.register_blueprint(outer)
    assert (status(site.app, "/outer/"), status(site.app, "/outer/inner/")) == (401, 200)


def test_a_view_that_is_exempt_keeps_the_guard_that_it_has_itself(app: Flask) -> None:
    app.add_url_rule("/own", "own", login_required(say()))
    manager_in(app).exempt("own", "page")
    assert (status(app, "/own"), status(app, "/page")) == (401, 200)


@pytest.mark.parametrize(
    "wrong",
    [(), (say(),), (["github.login"],), (None,), ("",), ("*",), (".*",), ("git*",), ("a.*", 7)],
)
def test_what_is_no_endpoint_s_name_is_not_taken_for_one(app: Flask, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="names of endpoints"):
        manager_in(app).exempt(*wrong)
    assert status(app, "/page") == 401


def test_the_doctor_hints_at_exempt_endpoints_that_do_not_exist(app: Flask) -> None:
    staff: LoginManager[User] = LoginManager(app, name="staff")
    with_github(app)
    manager_in(app).exempt("github.authorized", "github.autorized", "github.*", "gitlab.*")
    staff.exempt("office.stock")
    with app.app_context():
        found = [each for each in examine(app) if each.code == "unknown_exempt_endpoint"]
    assert {each.level for each in found} == {"hint"}
    told = [name for each in found for name in each.text.split("'")[1:4:2]]
    assert told == ["default", "github.autorized", "default", "gitlab.*", "staff", "office.stock"]


def test_a_public_view_may_still_ask_who_it_is(app: Flask) -> None:
    app.add_url_rule(
        "/hello", "hi", login_not_required(lambda: current_user.get_id() or "stranger")
    )
    assert app.test_client().get("/hello").text == "stranger"
    assert member_of(app).get("/hello").text == "ann"


def test_a_view_with_a_guard_of_its_own_is_left_to_it(app: Flask) -> None:
    manager = manager_in(app)
    manager.refresh_view = "/refresh"
    app.add_url_rule("/safe", "safe", fresh_login_required(say()))
    app.add_url_rule("/guests", "guests", manager.anonymous_required(say("guests")))
    app.add_url_rule("/inner", "inner", wrapped(login_required(wrapped(say()))))
    stale = app.test_client()
    stale.get("/come-in/ann?stale")
    assert stale.get("/safe").location == "/refresh?next=%2Fsafe"
    assert app.test_client().get("/guests").text == "guests"
    assert (status(app, "/safe"), status(app, "/inner")) == (401, 401)


def test_a_guard_on_one_method_of_a_class_leaves_the_others_guarded(app: Flask) -> None:
    class Things(MethodView):
        def get(self) -> str:
            return "things"

        @fresh_login_required
        def post(self) -> str:
            return "posted"

    app.add_url_rule("/things", view_func=Things.as_view("things"))
    assert status(app, "/things") == 401
    assert status(app, "/things", method="POST") == 401


def test_a_guard_in_the_wrong_place_is_made_good_by_the_default() -> None:
    app = make()
    app.testing = False

    @login_required
    @app.get("/secret")
    def secret() -> str:
        return "secret"

    assert status(app, "/secret") == 401


# Files


@pytest.fixture
def with_files(tmp_path: Any) -> Flask:
    """An application with files of its own, of a blueprint, and of one in that."""
    (tmp_path / "site.css").write_text("p {}")
    folder = str(tmp_path)
    app = make(Flask(__name__, static_folder=folder))
    outer = Blueprint("outer", __name__, static_folder=folder, url_prefix="/outer")
    inner = Blueprint("inner", __name__, static_folder=folder, url_prefix="/inner")
    bare = Blueprint("bare", __name__, url_prefix="/bare")
    bare.add_url_rule("/static", "static", say("no file"))
    outer.register_blueprint(inner)
    for blueprint in (outer, bare):
        app.register_blueprint(blueprint)
    return app


def test_files_are_public(with_files: Flask) -> None:
    files = with_files.static_url_path
    for prefix in ("", "/outer", "/outer/inner"):
        assert status(with_files, f"{prefix}{files}/site.css") == 200, prefix
        assert status(with_files, f"{prefix}{files}/none.css") == 404, prefix
        assert status(with_files, f"{prefix}{files}/../page") != 200, prefix


def test_a_file_is_served_without_a_look_at_the_session(with_files: Flask) -> None:
    with member_of(with_files).get(f"{with_files.static_url_path}/site.css") as answer:
        assert "Vary" not in answer.headers
        assert "Set-Cookie" not in answer.headers


def test_a_view_that_is_only_called_static_is_guarded(with_files: Flask) -> None:
    assert status(with_files, "/bare/static") == 401
    app = make(Flask(__name__, static_folder=None))
    app.add_url_rule("/static/<path:filename>", "static", say("mine"))
    app.add_url_rule("/static2", "nowhere.static", say("mine"))
    assert status(app, "/static/site.css") == 401
    assert status(app, "/static2") == 401


# The login and the refresh view


def with_login_view(app: Flask, view: str | None, refresh: str | None = None) -> Flask:
    """Give the application a login page at ``/log-in`` with a view for each method, and an account
    blueprint with one of its own."""
    manager = manager_in(app)
    manager.login_view, manager.refresh_view = view, refresh
    app.add_url_rule("/log-in", "log_in", say("form"))
    app.add_url_rule("/log-in", "log_in_post", say("sent"), methods=["POST"])
    app.add_url_rule("/<lang>/log-in", "log_in_lang", say("form"), methods=["GET", "POST"])
    app.add_url_rule("/door/", "door", say("door"))
    app.add_url_rule("/other", "other", say("other"))
    account = Blueprint("account", __name__, url_prefix="/account")
    account.add_url_rule("/log-in", "log_in", say("form"))
    account.add_url_rule("/page", "page", say("page"))
    app.register_blueprint(account)
    return app


LOGIN_PATHS = ("/log-in", "POST /log-in", "/de/log-in", "/door/", "/account/log-in", "/other")


def open_paths(app: Flask) -> set[str]:
    found = set()
    for each in LOGIN_PATHS:
        method, _, path = each.rpartition(" ")
        if status(app, path, method=method or "GET", headers=PROGRAM) == 200:
            found.add(each)
    return found


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (None, set()),
        ("log_in", {"/log-in"}),
        ("account.log_in", {"/account/log-in"}),
        ("/log-in", {"/log-in", "POST /log-in"}),
        ("/log-in?lang=de#form", {"/log-in", "POST /log-in"}),
        ("http://localhost/log-in", {"/log-in", "POST /log-in"}),
        ("http://LOCALHOST/log-in", {"/log-in", "POST /log-in"}),
        ("//localhost/log-in", {"/log-in", "POST /log-in"}),
        ("http://accounts.example/log-in", set()),
        ("http://localhost.evil.example/log-in", set()),
        ("/de/log-in", {"/de/log-in"}),
        ("/en/log-in", set()),
        ("/door", {"/door/"}),
        ("/door/", {"/door/"}),
        (".log_in", {"/log-in", "/account/log-in"}),
        ("/nowhere", set()),
        ("nowhere", set()),
        ("log_in_lang", {"/de/log-in"}),
    ],
)
@pytest.mark.parametrize("kind", ["login", "refresh"])
def test_the_login_and_the_refresh_view_are_open_by_what_they_are(
    app: Flask, kind: str, view: str | None, expected: set[str]
) -> None:
    app.config["SERVER_NAME"] = "localhost"
    with_login_view(app, *((view, None) if kind == "login" else (None, view)))
    assert open_paths(app) == expected


def test_a_forged_host_does_not_make_another_site_s_login_view_one_of_ours(app: Flask) -> None:
    app.add_url_rule("/", "home", say("secret"))
    manager_in(app).login_view = "https://sso.example/"
    headers = {**PROGRAM, "Host": "sso.example"}
    assert status(app, "/", headers=headers) == 401
    app.config["TRUSTED_HOSTS"] = ["sso.example"]
    assert status(app, "/", headers=headers) == 200, "it is this site's own, the application says"


@pytest.mark.parametrize(
    "view", [None, "log_in", "/log-in", "/door", "http://localhost/log-in", ".log_in", "/nowhere"]
)
def test_what_is_listed_as_public_is_what_a_stranger_can_open(app: Flask, view: str | None) -> None:
    app.config["SERVER_NAME"] = "localhost"
    with_login_view(app, view)
    listed = {
        f"{'POST ' if method == 'POST' else ''}{route.rule}".replace("<lang>", "de")
        for route in guarded_routes(app)
        for method in route.methods
        if not route.guards
    }
    assert listed & set(LOGIN_PATHS) == open_paths(app)


@pytest.mark.parametrize("host", ["shop.example", "none", "shop.none"])
def test_without_a_server_name_no_host_that_a_request_claims_opens_a_login_view_on_it(
    host: str,
) -> None:
    app = make()
    app.add_url_rule("/log-in", "log_in", say("form"))
    manager_in(app).login_view = f"http://{host}/log-in"
    assert status(app, "/log-in", base_url=f"http://{host}", headers=PROGRAM) == 401


def test_without_an_application_root_the_login_path_is_listed_as_public() -> None:
    app = make()
    app.config["APPLICATION_ROOT"] = None
    app.add_url_rule("/log-in", "enter", say())
    manager_in(app).login_view = "/log-in"
    public = {route.endpoint for route in guarded_routes(app) if not route.guards}
    assert public - {"static", "come_in"} == {"enter"}


def test_a_login_path_with_any_method_or_under_a_prefix_is_listed_as_public() -> None:
    app = make()
    app.config["APPLICATION_ROOT"] = "/app"
    app.url_map.add(app.url_rule_class("/log-in", endpoint="any"))
    app.add_url_rule("/<lang>/log-in", "lang", say())
    manager = manager_in(app)
    for view, endpoints in (
        ("/app/log-in", {"any"}),
        ("/log-in", set()),
        ("/app/de/log-in", {"lang"}),
        ("http://shop.example/app/log-in", {"any"}),
    ):
        manager.login_view = view
        public = {route.endpoint for route in guarded_routes(app) if not route.guards}
        assert public - {"static", "come_in"} == endpoints


@pytest.mark.parametrize(
    ("key", "view", "expected"),
    [
        ("account", "account.log_in", {"/account/log-in"}),
        ("account", ".log_in", {"/account/log-in"}),
        ("shop", ".log_in", set()),
        ("account", "/account/log-in", {"/account/log-in"}),
        ("account", "log_in", {"/log-in"}),
        ("account", None, set()),
    ],
)
def test_a_blueprint_s_login_view_is_open_too(
    app: Flask, key: str, view: str | None, expected: set[str]
) -> None:
    with_login_view(app, None)
    manager_in(app).blueprint_login_views[key] = view
    assert open_paths(app) == expected


def test_whoever_is_sent_to_the_login_view_of_a_blueprint_gets_there(app: Flask) -> None:
    account = Blueprint("account", __name__, url_prefix="/account")
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    for blueprint in (account, inner):
        blueprint.add_url_rule("/log-in", "log_in", lambda: request.path)
        blueprint.add_url_rule("/page", "page", say("page"))
    account.register_blueprint(inner)
    app.register_blueprint(account)
    app.register_blueprint(account, name="twice", url_prefix="/twice")
    manager_in(app).set_login_view(".log_in", account)
    manager_in(app).set_login_view(".log_in", inner)
    for prefix in ("/account", "/account/inner", "/twice", "/twice/inner"):
        answer = app.test_client().get(f"{prefix}/page", follow_redirects=True)
        assert answer.text == f"{prefix}/log-in"


def test_a_login_path_that_a_view_for_every_path_serves_opens_that_path_alone() -> None:
    app = make()
    app.add_url_rule("/<path:name>", "any", lambda name: name)
    app.add_url_rule("/", "root", lambda: "root")
    manager_in(app).login_view = "/log-in"
    assert app.test_client().get("/log-in").text == "log-in"
    for path in ("/secret", "/log-in/secret", "/secret/log-in", "/", "/log-in;a", "/LOG-IN"):
        assert status(app, path, headers=PROGRAM) == 401, path


def test_a_preprocessor_that_takes_arguments_away_closes_no_login_view(app: Flask) -> None:
    @app.url_value_preprocessor
    def pull_lang(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.lang = values.pop("lang", "en") if values else "en"

    app.add_url_rule("/<lang>/enter", "enter", lambda: g.lang)
    manager_in(app).login_view = "/de/enter"
    assert app.test_client().get("/de/enter").text == "de"
    assert app.test_client().get("/en/enter").location == "/de/enter?next=%2Fen%2Fenter"


def test_a_login_view_whose_path_redirects_elsewhere_or_for_ever_is_no_error(app: Flask) -> None:
    app.add_url_rule("/ring", "ring", redirect_to="/ring")
    app.add_url_rule("/away", "away", redirect_to="http://accounts.example/page")
    manager = manager_in(app)
    for view in ("/ring", "/away"):
        manager.login_view = view
        assert status(app, "/page", headers=PROGRAM) == 401


def test_the_login_views_of_every_realm_are_open() -> None:
    app = make()
    staff: LoginManager[User] = LoginManager(app, name="staff")
    staff.user_loader(User)
    staff.login_view, staff.refresh_view = "staff_login", "/staff/refresh"
    app.add_url_rule("/staff/login", "staff_login", say("staff form"))
    app.add_url_rule("/staff/refresh", "staff_refresh", say("staff refresh"))
    app.add_url_rule("/staff/", "staff_home", staff.login_required(say("staff")))
    answer = app.test_client().get("/staff/", follow_redirects=True)
    assert answer.text == "staff form"
    assert status(app, "/staff/refresh") == 200


# Tricks with the path


def raw(app: Flask, path: str, **environ: Any) -> Response:
    """Request a path as it may stand on the wire, not as a tidy client would write it."""
    made = EnvironBuilder().get_environ()
    made["PATH_INFO"] = path
    made["REQUEST_URI"] = made["RAW_URI"] = quote(path)
    made.update(environ)
    return Response(*run_wsgi_app(app, made))


@pytest.mark.parametrize(
    "path",
    [
        "//page",
        "/page/",
        "/page/.",
        "/./page",
        "/static/../page",
        "/static/..%2fpage",
        "/static//page",
        "/log-in/../page",
        "/log-in//../page",
        "/log-in/%2e%2e/page",
        "/page;/log-in",
        "/log-in;/../page",
        "/log-in%2fpage",
        "/%70age",
        "/page%00",
        "/page?x=/log-in",
        "/PAGE",
        "page",
        "",
        "\\page",
        "/page#/log-in",
        "/log-in\\..\\page",
        "http://localhost/page",
        "//localhost/page",
        "/come-in/../page",
    ],
)
@pytest.mark.parametrize("merge", [True, False])
def test_no_spelling_of_a_path_opens_a_view(path: str, merge: bool) -> None:
    app = make()
    app.url_map.merge_slashes = merge
    manager_in(app).login_view = "/log-in"
    app.add_url_rule("/log-in", "log_in", say("form"))
    answer = raw(app, path)
    while answer.status_code == 308:
        answer = raw(app, str(answer.location).removeprefix("http://localhost"))
    assert answer.status_code in (REDIRECT, 400, 401, 404)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Original-URL": "/log-in"},
        {"X-Rewrite-URL": "/log-in"},
        {"X-HTTP-Method-Override": "OPTIONS"},
        {"X-Forwarded-Host": "localhost"},
        {"X-Forwarded-Prefix": "/log-in"},
        {"Referer": "http://localhost/log-in"},
        {"Authorization": "Basic YWxpY2U6c2VjcmV0"},
        {"Sec-Fetch-Dest": "image"},
    ],
)
def test_no_header_opens_a_view(app: Flask, headers: dict[str, str]) -> None:
    with_login_view(app, "/log-in")
    assert status(app, "/page", headers={**headers, **PROGRAM}) == 401


def test_under_a_prefix_the_login_view_is_the_one_under_it() -> None:
    for view, path, expected in (
        ("/app/log-in", "/log-in", 200),
        ("/app/log-in", "/other", REDIRECT),
        ("/log-in", "/log-in", REDIRECT),  # of whatever is mounted at the root
        ("/apple/log-in", "/log-in", REDIRECT),
        ("/app", "/log-in", REDIRECT),
        ("log_in", "/log-in", 200),
        ("/app/door", "/door/", 200),
    ):
        app = with_login_view(make(), view)
        assert raw(app, path, SCRIPT_NAME="/app").status_code == expected, (view, path)


def test_with_subdomains_a_login_path_is_one_of_the_subdomain_that_is_asked() -> None:
    app = Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.example"
    make(app)
    app.add_url_rule("/log-in", "log_in", say("form"))
    app.add_url_rule("/log-in", "admin_page", say("secret"), subdomain="admin")
    app.add_url_rule("/page", "admin_only", say("secret"), subdomain="admin")
    manager = manager_in(app)
    for view, form, page in (
        ("log_in", 200, 401),
        ("http://shop.example/log-in", 200, 401),
        ("http://admin.shop.example/log-in", 401, 200),
        ("/log-in", 200, 200),
    ):
        manager.login_view = view
        for host, expected in (("shop.example", form), ("admin.shop.example", page)):
            base = f"http://{host}"
            assert status(app, "/log-in", base_url=base, headers=PROGRAM) == expected
            assert status(app, "/page", base_url=base, headers=PROGRAM) == 401


def test_with_host_matching_a_login_url_opens_its_host_s_view_alone() -> None:
    app = Flask(__name__, host_matching=True, static_host="static.example")
    app.extensions["host"] = "shop.example"
    make(app)
    for host in ("shop.example", "admin.example"):
        app.add_url_rule("/log-in", f"log_in_{host[:4]}", say(host), host=host)
    manager_in(app).login_view = "http://shop.example/log-in"
    assert status(app, "/log-in", base_url="http://shop.example") == 200
    assert status(app, "/log-in", base_url="http://admin.example", headers=PROGRAM) == 401
    assert status(app, "/page", base_url="http://shop.example", headers=PROGRAM) == 401
    assert status(app, "/page", base_url="http://other.example") == 404
    assert status(app, "/static/none.css", base_url="http://static.example") == 404


def test_a_poisoned_host_header_opens_nothing_but_what_is_the_login_view_there(app: Flask) -> None:
    with_login_view(app, "http://accounts.example/other")
    base = "http://accounts.example"
    assert status(app, "/other", headers=PROGRAM) == 401
    assert status(app, "/page", base_url=base, headers=PROGRAM) == 401


# protect


def two_rooms(clock: FrozenClock) -> tuple[Site, Blueprint, Blueprint]:
    site = Site(SIGNED, clock)
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    for blueprint in (outer, inner):
        blueprint.add_url_rule("/", "home", say())
        blueprint.add_url_rule("/open", "open", login_not_required(say()))
    outer.register_blueprint(inner)
    site.page("/page")
    return site, outer, inner


def test_a_blueprint_is_protected_with_those_in_it_and_nothing_outside(clock: FrozenClock) -> None:
    site, outer, _ = two_rooms(clock)
    site.manager.protect(outer)
    site.app.register_blueprint(outer)
    for path, expected in (
        ("/page", 200),
        ("/outer/", 401),
        ("/outer/open", 200),
        ("/outer/inner/", 401),
        ("/outer/inner/open", 200),
        ("/outer/nowhere", 404),
    ):
        assert status(site.app, path) == expected, path
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/outer/inner/").text == "hello"


def test_a_blueprint_in_another_may_be_protected_alone(clock: FrozenClock) -> None:
    site, outer, inner = two_rooms(clock)
    site.manager.protect(inner)
    site.app.register_blueprint(outer)
    assert (status(site.app, "/outer/"), status(site.app, "/outer/inner/")) == (200, 401)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_application_can_be_protected_by_any_realm(
    kind: tuple[str, str | None], clock: FrozenClock
) -> None:
    site = Site(kind, clock)
    site.page("/page")
    site.manager.protect(site.app)
    client = site.browser()
    assert client.get("/page").status_code == 401
    client.get("/login?id=ann")
    assert client.get("/page").status_code == 200


def test_of_two_realms_that_protect_a_view_the_nearer_one_counts() -> None:
    app = make()
    staff: LoginManager[User] = LoginManager(app, name="staff")
    staff.user_loader(User)
    office = Blueprint("office", __name__, url_prefix="/office")
    office.add_url_rule("/", "home", say("office"))
    staff.protect(office)
    app.register_blueprint(office)

    @app.get("/staff/come-in")
    @login_not_required
    def staff_come_in() -> str:
        return str(staff.login_user(User("eve")))

    assert member_of(app).get("/office/").status_code == 401, "a customer is no colleague"
    colleague = app.test_client()
    colleague.get("/staff/come-in")
    assert colleague.get("/office/").text == "office"
    assert colleague.get("/page").status_code == 401, "and no customer"


def test_a_blueprint_that_two_realms_protect_needs_both() -> None:
    app = make()
    staff: LoginManager[User] = LoginManager(app, name="staff")
    staff.user_loader(User)
    both = Blueprint("both", __name__, url_prefix="/both")
    both.add_url_rule("/", "home", say("both"))
    staff.protect(both)
    manager_in(app).protect(both)
    app.register_blueprint(both)
    app.add_url_rule("/s", "s", login_not_required(lambda: str(staff.login_user(User("eve")))))
    client = member_of(app)
    assert client.get("/both/").status_code == 401
    client.get("/s")
    assert client.get("/both/").text == "both"


def test_a_protected_blueprint_with_its_own_pages_for_login(clock: FrozenClock) -> None:
    site, outer, _ = two_rooms(clock)
    outer.add_url_rule("/log-in", "log_in", say("form"))
    site.manager.protect(outer)
    site.manager.set_login_view("outer.log_in", outer)
    site.app.register_blueprint(outer)
    assert site.browser().get("/outer/", follow_redirects=True).text == "form"


def test_protect_takes_an_application_or_a_blueprint_and_nothing_else(app: Flask) -> None:
    manager = manager_in(app)
    wrong: list[Any] = [say(), "outer", None, Flask, manager]
    for target in wrong:
        with pytest.raises(ConfigurationError, match="an application or a blueprint"):
            manager.protect(target)


def test_protect_comes_too_late_for_a_blueprint_that_is_registered(app: Flask) -> None:
    blueprint = Blueprint("late", __name__)
    app.register_blueprint(blueprint)
    with pytest.raises(AssertionError, match="can no longer be called"):
        manager_in(app).protect(blueprint)


def test_the_setting_without_a_default_realm_opens_nothing_silently() -> None:
    app = make(name="staff")
    with pytest.raises(MissingLoginManager):
        app.test_client().get("/page")
    app.config["LOGIN_REQUIRED_BY_DEFAULT"] = False
    assert status(app, "/page") == 200


def test_one_manager_in_two_applications_guards_the_one_that_asks(clock: FrozenClock) -> None:
    site = Site(SIGNED, clock, LOGIN_REQUIRED_BY_DEFAULT=True)
    other = Flask(__name__)
    other.secret_key = "another"
    site.manager.init_app(other)
    for app in (site.app, other):
        app.add_url_rule("/page", "page", say("page"))
    assert (status(site.app, "/page"), status(other, "/page")) == (401, 200)


def test_a_manager_that_is_replaced_is_asked_no_more() -> None:
    app = make()
    again: LoginManager[User] = LoginManager(app)
    again.user_loader(User)
    again.login_view = "/second"
    assert app.test_client().get("/page").location == "/second?next=%2Fpage"


def test_an_application_s_own_function_before_the_request_may_answer_first() -> None:
    app = Flask(__name__)
    app.before_request(lambda: "maintenance" if request.path == "/page" else None)
    make(app)
    assert app.test_client().get("/page").text == "maintenance"


def test_the_way_in_and_back(app: Flask) -> None:
    manager = manager_in(app)
    manager.login_view = "log_in"

    @app.route("/log-in", methods=["GET", "POST"])
    def log_in() -> ResponseReturnValue:
        if request.method == "GET":
            return "form"
        login_user(User("ann"))
        return redirect(manager.safe_next_url(url_for("page")))

    client = app.test_client()
    target = client.get("/page").location
    assert target == "/log-in?next=%2Fpage"
    assert client.get(target).text == "form"
    assert client.post(target, follow_redirects=True).text == "page"
