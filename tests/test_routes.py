"""Which endpoint is guarded by what: no guard is overlooked, none is claimed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView, View

from flask_login import LoginManager, fresh_login_required, login_not_required, login_required
from flask_login.routes import GuardedRoute, guarded_routes

LOGIN, FRESH = "login_required", "fresh_login_required"


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__, static_folder=None)
    LoginManager(app)
    return app


def hello() -> str:
    return "hello"


def guards_of(app: Flask) -> dict[tuple[str, str], list[str]]:
    """The guards of each endpoint and method."""
    return {
        (route.endpoint, method): list(route.guards)
        for route in guarded_routes(app)
        for method in route.methods
    }


def logged(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return wrapped


@pytest.mark.parametrize(
    ("view", "guards"),
    [
        (hello, []),
        (login_required(hello), [LOGIN]),
        (fresh_login_required(hello), [FRESH]),
        (login_required(fresh_login_required(hello)), [LOGIN, FRESH]),
        (fresh_login_required(login_required(hello)), [FRESH, LOGIN]),
        (login_required(login_required(hello)), [LOGIN]),
        (logged(login_required(hello)), [LOGIN]),
        (login_required(logged(hello)), [LOGIN]),
        (logged(login_required(logged(fresh_login_required(hello)))), [LOGIN, FRESH]),
        (functools.partial(login_required(hello)), [LOGIN]),
    ],
)
def test_every_guard_on_a_view_is_named_in_the_order_in_which_they_ask(
    app: Flask, view: Any, guards: list[str]
) -> None:
    app.add_url_rule("/", endpoint="view", view_func=view)
    assert guards_of(app) == {("view", "GET"): guards}


def test_a_guard_above_the_route_guards_nothing_and_is_not_claimed(app: Flask) -> None:
    @login_required
    @app.get("/")
    def view() -> str:
        return "for all to see"

    assert guards_of(app) == {("view", "GET"): []}


def test_the_guard_of_a_named_realm_is_named_with_it(app: Flask) -> None:
    staff = LoginManager(app, name="staff")
    app.add_url_rule("/", endpoint="both", view_func=login_required(staff.login_required(hello)))
    app.add_url_rule("/pay", endpoint="pay", view_func=staff.fresh_login_required(hello))
    app.add_url_rule("/in", endpoint="in", view_func=staff.anonymous_required(hello))
    assert guards_of(app) == {
        ("both", "GET"): [LOGIN, "staff.login_required"],
        ("pay", "GET"): ["staff.fresh_login_required"],
        ("in", "GET"): ["staff.anonymous_required"],
    }


def test_an_async_view_s_guard_is_named(app: Flask) -> None:
    async def view() -> str:
        return "hello"

    app.add_url_rule("/", view_func=login_required(view))
    assert guards_of(app) == {("view", "GET"): [LOGIN]}


# Class-based views


def test_the_decorators_of_a_class_are_named_for_all_of_its_methods(app: Flask) -> None:
    class Things(MethodView):
        decorators = [login_required, fresh_login_required]  # noqa: RUF012  # as Flask has it

        def get(self) -> str:
            return ""

        def delete(self) -> str:
            return ""

    app.add_url_rule("/", view_func=Things.as_view("things"))
    (route,) = guarded_routes(app)
    # The last decorator is the outermost, and asks first.
    assert route == GuardedRoute("things", ["DELETE", "GET"], "/", (FRESH, LOGIN))


def test_a_class_that_guards_some_of_its_methods_has_an_entry_for_each_guard(app: Flask) -> None:
    class Things(MethodView):
        init_every_request = False

        def get(self) -> str:
            return ""

        @login_required
        def post(self) -> str:
            return ""

        @login_required
        def put(self) -> str:
            return ""

        @fresh_login_required
        def delete(self) -> str:
            return ""

    class More(Things):
        def put(self) -> str:
            return ""

    app.add_url_rule("/", view_func=Things.as_view("things"))
    app.add_url_rule("/more", view_func=More.as_view("more"))
    assert guarded_routes(app) == [
        GuardedRoute("more", ["DELETE"], "/more", (FRESH,)),
        GuardedRoute("more", ["GET", "PUT"], "/more", ()),
        GuardedRoute("more", ["POST"], "/more", (LOGIN,)),
        GuardedRoute("things", ["DELETE"], "/", (FRESH,)),
        GuardedRoute("things", ["GET"], "/", ()),
        GuardedRoute("things", ["POST", "PUT"], "/", (LOGIN,)),
    ]


def test_the_guards_on_a_class_and_on_its_method_are_both_named(app: Flask) -> None:
    class Things(MethodView):
        decorators = [login_required]  # noqa: RUF012  # as Flask has it

        @fresh_login_required
        def post(self) -> str:
            return ""

    app.add_url_rule("/", view_func=Things.as_view("things"))
    assert guards_of(app) == {("things", "POST"): [LOGIN, FRESH]}


def test_the_guard_on_a_plain_view_class_s_dispatch_is_named(app: Flask) -> None:
    class Page(View):
        @login_required
        def dispatch_request(self) -> str:
            return self.get()

        # Flask does not call it.
        @fresh_login_required
        def get(self) -> str:
            return ""

    app.add_url_rule("/", view_func=Page.as_view("page"))
    assert guards_of(app) == {("page", "GET"): [LOGIN]}


# What runs before a view


def test_a_guard_that_runs_before_every_request_is_named_for_all(app: Flask) -> None:
    app.before_request(login_required(lambda: None))
    app.add_url_rule("/", view_func=hello)
    app.add_url_rule("/money", endpoint="money", view_func=fresh_login_required(hello))
    app.add_url_rule("/again", endpoint="again", view_func=login_required(hello))
    assert guards_of(app) == {
        ("hello", "GET"): [LOGIN],
        ("money", "GET"): [LOGIN, FRESH],
        ("again", "GET"): [LOGIN],
    }


def test_a_function_before_the_request_that_is_no_guard_of_ours_is_not_named(app: Flask) -> None:
    app.before_request(lambda: None)
    app.add_url_rule("/", view_func=hello)
    assert guards_of(app) == {("hello", "GET"): []}


def test_a_blueprint_s_guard_is_named_for_its_views_and_those_nested_in_it(app: Flask) -> None:
    parent, child, other = (Blueprint(name, __name__) for name in ("parent", "child", "other"))
    parent.before_request(login_required(lambda: None))
    child.before_request(fresh_login_required(lambda: None))
    for blueprint in (parent, child, other):
        blueprint.add_url_rule("/", endpoint="view", view_func=hello)
    parent.register_blueprint(child, url_prefix="/child")
    app.register_blueprint(parent, url_prefix="/parent")
    app.register_blueprint(other)
    assert guards_of(app) == {
        ("other.view", "GET"): [],
        ("parent.view", "GET"): [LOGIN],
        ("parent.child.view", "GET"): [LOGIN, FRESH],
    }


def test_a_guard_by_default_is_named_where_it_guards() -> None:
    app = Flask(__name__)
    app.config["LOGIN_REQUIRED_BY_DEFAULT"] = True
    LoginManager(app).login_view = "log_in"
    app.add_url_rule("/", view_func=hello)
    app.add_url_rule("/log-in", endpoint="log_in", view_func=hello)
    app.add_url_rule("/money", endpoint="money", view_func=fresh_login_required(hello))
    app.add_url_rule("/open", endpoint="open", view_func=login_not_required(lambda: ""))
    assert guards_of(app) == {
        ("hello", "GET"): ["login_required by default"],
        ("log_in", "GET"): [],
        ("money", "GET"): [FRESH],
        ("open", "GET"): [],
        ("static", "GET"): [],
    }
    app.config["LOGIN_REQUIRED_BY_DEFAULT"] = False
    assert guards_of(app)["hello", "GET"] == []


def test_a_guard_by_default_is_named_with_its_realm() -> None:
    app = Flask(__name__, static_folder=None)
    staff, office = LoginManager(app, name="staff"), Blueprint("office", __name__)
    staff.protect(office)
    office.add_url_rule("/office", endpoint="home", view_func=hello)
    app.register_blueprint(office)
    app.add_url_rule("/", view_func=hello)
    assert guards_of(app) == {
        ("hello", "GET"): [],
        ("office.home", "GET"): ["staff.login_required by default"],
    }


# The rules


def test_routes_are_sorted_and_an_endpoint_with_two_rules_has_two(app: Flask) -> None:
    for rule, endpoint in (("/b", "b"), ("/z", "a"), ("/a", "a")):
        app.add_url_rule(rule, endpoint=endpoint, view_func=hello, methods=["POST", "GET"])
    assert guarded_routes(app) == [
        GuardedRoute("a", ["GET", "POST"], "/a", ()),
        GuardedRoute("a", ["GET", "POST"], "/z", ()),
        GuardedRoute("b", ["GET", "POST"], "/b", ()),
    ]


def test_static_files_are_public() -> None:
    app = Flask(__name__)
    app.register_blueprint(Blueprint("shop", __name__, static_folder="static", url_prefix="/shop"))
    assert guards_of(app) == {("static", "GET"): [], ("shop.static", "GET"): []}


def test_a_rule_that_answers_nobody_is_left_out(app: Flask) -> None:
    app.add_url_rule("/elsewhere", endpoint="elsewhere", build_only=True)
    assert guarded_routes(app) == []


def test_a_rule_for_any_or_only_one_method_is_not_lost(app: Flask) -> None:
    app.url_map.add(app.url_rule_class("/any", endpoint="any"))
    app.add_url_rule("/options", endpoint="options", view_func=hello, methods=["OPTIONS"])
    assert guarded_routes(app) == [
        GuardedRoute("any", ["ANY"], "/any", ()),
        GuardedRoute("options", ["OPTIONS"], "/options", ()),
    ]


def test_what_routes_says_is_what_a_stranger_meets() -> None:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "a key of thirty-two random bytes"
    LoginManager(app).user_loader(lambda user_id: None)
    blueprint = Blueprint("inner", __name__, url_prefix="/inner")
    blueprint.before_request(login_required(lambda: None))
    blueprint.add_url_rule("/", endpoint="page", view_func=hello)
    app.register_blueprint(blueprint)

    class Things(MethodView):
        def get(self) -> str:
            return ""

        @fresh_login_required
        def post(self) -> str:
            return ""

    app.add_url_rule("/things", view_func=Things.as_view("things"))
    app.add_url_rule("/open", endpoint="open", view_func=hello)
    app.add_url_rule("/two", endpoint="two", view_func=logged(login_required(logged(hello))))
    stranger = app.test_client()
    for route in guarded_routes(app):
        for method in route.methods:
            status = stranger.open(route.rule, method=method).status_code
            assert (status == 401) == bool(route.guards), route
