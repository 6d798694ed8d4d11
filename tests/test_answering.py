"""A guard below a decorator that answers by itself is told of: a cache, or ``marshal_with``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import lru_cache, wraps
from types import ModuleType
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView, View

from flask_login import LoginManager, anonymous_required, fresh_login_required, login_required
from flask_login.answering import Covered, covered_guards
from flask_login.doctor import examine

CACHES = ("flask_caching", "flask_cache")

#: Decorators in the shape of the packages, which are tried themselves by the integrations.
SOURCE = """
from functools import wraps
from flask import make_response

class Cache:
    def cached(self, timeout=None):
        kept = []
        def decorator(f):
            @wraps(f)
            def decorated_function(*args, **kwargs):
                if not kept:
                    kept.append(f(*args, **kwargs))
                return kept[0]
            return decorated_function
        return decorator

class marshal_with:
    def __call__(self, f):
        @wraps(f)
        def wrapper(*args, **kwargs):
            return {"user": getattr(f(*args, **kwargs), "user", None)}
        return wrapper

marshal_with_field = marshal_with

class Namespace:
    def marshal_with(self):
        def wrapper(func):
            return marshal_with()(func)
        return wrapper

def output(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        return make_response(view(*args, **kwargs))
    return wrapper
"""


def package(name: str) -> ModuleType:
    module = ModuleType(name)
    exec(compile(SOURCE, f"{name}.py", "exec"), module.__dict__)  # noqa: S102  # its globals count
    return module


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    names = (*CACHES, "flask_restful", "flask_restx", "flask_restx.marshalling", "plain")
    made = {name: package(name) for name in (*names, "flask_restx.namespace")}
    for name, module in made.items():
        monkeypatch.setitem(sys.modules, name, module)
    return made


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
    manager = LoginManager[Any](app)
    manager.user_loader(lambda _: None)
    manager.login_view = "/login"
    return app


def page() -> str:
    return "page"


def found(app: Flask) -> list[tuple[str, str]]:
    return [(finding.level, finding.code) for finding in examine(app) if "below" in finding.code]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING and "answers by itself" in record.getMessage()
    ]


@pytest.mark.parametrize(
    "guard",
    [
        login_required,
        login_required(when=bool),
        fresh_login_required,
        anonymous_required,
        LoginManager[Any](name="staff").login_required,
    ],
)
@pytest.mark.parametrize("name", CACHES)
def test_a_guard_below_a_cache_is_told_once_and_found(
    guard: Callable[..., Any],
    name: str,
    app: Flask,
    packages: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    cached = packages[name].Cache().cached()
    app.add_url_rule("/page", "page", cached(guard(page)))
    app.test_client().get("/nowhere")
    app.test_client().get("/nowhere")
    assert warnings(caplog) == [
        "The guard of the view 'page' stands below a decorator that answers by itself: whoever asks"
        " next gets the page that the first user got, and no guard is asked. Put the guard above,"
        " right below the route; in a Resource of Flask-RESTful or Flask-RESTX last in"
        " 'method_decorators'."
    ]
    assert found(app) == [("error", "guard_below_cache")]


def test_a_guard_below_an_lru_cache_or_between_others_is_found(app: Flask) -> None:
    def other(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def passed(*args: Any) -> Any:
            return view(*args)

        return passed

    app.add_url_rule("/page", "page", other(lru_cache(other(login_required(other(page))))))
    # The outer guard is asked; the fresh one below the cache is not.
    twice = login_required(lru_cache(fresh_login_required(page)))
    app.add_url_rule("/fresh", "fresh", twice)
    assert covered_guards(app) == [Covered("fresh", "cache"), Covered("page", "cache")]


def test_a_cache_below_the_guard_or_without_one_is_no_false_alarm(
    app: Flask, packages: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    cached = packages["flask_caching"].Cache().cached()
    app.add_url_rule("/guarded", "guarded", login_required(cached(page)))
    app.add_url_rule("/public", "public", cached(page))
    app.add_url_rule("/lru", "lru", login_required(lru_cache(page)))
    # Others of the same shape: nobody knows that they don't call the view.
    app.add_url_rule("/plain", "plain", packages["plain"].Cache().cached()(login_required(page)))
    app.test_client().get("/public")
    assert (warnings(caplog), found(app)) == ([], [])


def test_a_cache_over_the_guard_of_a_view_in_a_blueprint_is_found(
    app: Flask, packages: dict[str, Any]
) -> None:
    shop = Blueprint("shop", __name__)
    cached = packages["flask_caching"].Cache().cached()
    shop.add_url_rule("/page", "page", cached(login_required(page)))
    app.register_blueprint(shop)
    assert covered_guards(app) == [Covered("shop.page", "cache")]


@pytest.mark.parametrize("name", ["flask_restful", "flask_restx.marshalling"])
@pytest.mark.parametrize("decorator", ["marshal_with", "marshal_with_field"])
def test_a_guard_below_marshal_with_is_told_and_found(
    name: str,
    decorator: str,
    app: Flask,
    packages: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    marshalled = getattr(packages[name], decorator)()

    class Me(MethodView):
        @marshalled  # type: ignore[untyped-decorator]  # as the package has it
        @login_required
        def get(self) -> str:
            return "me"

    app.add_url_rule("/me", view_func=packages[name].output(Me.as_view("me")))
    assert app.test_client().get("/me").json == {"user": None}
    (text,) = warnings(caplog)
    assert "callers whom the guard refuses get 200 and empty data instead of the refusal" in text
    assert found(app) == [("error", "guard_below_marshalling")]


def test_what_passes_a_response_on_in_a_package_that_marshals_is_no_false_alarm(
    app: Flask, packages: dict[str, Any]
) -> None:
    for name in ("flask_restful", "flask_restx.marshalling"):
        view = packages[name].output(login_required(page))
        app.add_url_rule(f"/{name}", name.replace(".", "_"), view)
    assert found(app) == []
    assert app.test_client().get("/flask_restful").status_code == 302


def resource(packages: dict[str, Any], decorators: Any, *on_the_method: Any) -> Any:
    """Return a view as Flask-RESTful makes it of a resource."""

    class Me(MethodView):
        method_decorators = decorators

        def get(self) -> str:
            return "me"

        def dispatch_request(self, **kwargs: Any) -> Any:
            return self.get()

    for decorator in on_the_method:
        Me.get = decorator(Me.get)  # type: ignore[method-assign]  # as it is written above it
    return packages["flask_restful"].output(Me.as_view("me"))


def test_method_decorators_of_a_resource_are_read_in_their_order(
    app: Flask, packages: dict[str, Any]
) -> None:
    cached = packages["flask_caching"].Cache().cached()
    marshalled = packages["flask_restful"].marshal_with()
    by_namespace = packages["flask_restx.namespace"].Namespace().marshal_with()
    staff = LoginManager[Any](name="staff")
    good = [
        resource(packages, [login_required], marshalled),
        resource(packages, [login_required], cached),
        resource(packages, [cached, login_required]),
        resource(packages, {"get": [marshalled, staff.login_required]}),
        resource(packages, {"post": [login_required, cached]}),
        resource(packages, [cached]),
        resource(packages, []),
    ]
    bad = [
        resource(packages, [login_required, cached]),
        resource(packages, [login_required(when=bool), cached]),
        resource(packages, [staff.login_required, marshalled]),
        resource(packages, [login_required, by_namespace]),
        resource(packages, {"get": [staff.fresh_login_required, cached]}),
        resource(packages, [cached], login_required),
        resource(packages, [], login_required, marshalled),
    ]
    for number, view in enumerate([*good, *bad]):
        app.add_url_rule(f"/{number}", str(number).zfill(2), view)
    expected = [str(number).zfill(2) for number in range(len(good), len(good) + len(bad))]
    assert [one.endpoint for one in covered_guards(app)] == expected


def test_decorators_of_a_class_and_its_dispatch_request_are_seen(
    app: Flask, packages: dict[str, Any]
) -> None:
    cached = packages["flask_caching"].Cache().cached()

    class Outer(MethodView):
        decorators = [login_required, cached]  # noqa: RUF012  # as Flask documents it

        def get(self) -> str:
            return "page"

    class Inner(View):
        @cached  # type: ignore[untyped-decorator]  # as the package has it
        @login_required
        def dispatch_request(self) -> str:
            return "page"

    app.add_url_rule("/outer", view_func=Outer.as_view("outer"))
    app.add_url_rule("/inner", view_func=Inner.as_view("inner"))
    assert covered_guards(app) == [Covered("inner", "cache"), Covered("outer", "cache")]


def test_a_package_that_lacks_the_decorators_stops_nothing(
    app: Flask, packages: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    view = packages["flask_restful"].marshal_with()(login_required(page))
    app.add_url_rule("/page", "page", view)
    monkeypatch.delitem(sys.modules, "flask_restful")
    assert covered_guards(app) == []
