from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import pytest
from flask import Blueprint, Flask, g, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView, View

from flask_login import (
    LoginManager,
    UnguardedViewError,
    current_user,
    fresh_login_required,
    login_required,
)

GUARDS = [login_required, fresh_login_required]
F = TypeVar("F", bound=Callable[..., Any])


def nothing_special(view: F) -> F:
    """Wrap a view as a cache or a counter would."""

    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return wrapper  # type: ignore[return-value]  # it has the same signature


@pytest.fixture
def guarded_app(app: Flask, login_manager: LoginManager[Any]) -> Flask:
    """An app with one view for each guard; pages are redirected."""
    login_manager.login_view = "/login"
    login_manager.refresh_view = "/refresh"

    @app.get("/profile")
    @login_required
    def profile() -> str:
        return f"profile of {current_user.get_id()}"

    @app.get("/password")
    @fresh_login_required
    def password() -> str:
        return f"password of {current_user.get_id()}"

    return app


# Who passes which guard


@pytest.mark.parametrize(
    ("log_in", "path", "answer"),
    [
        (None, "/profile", "/login?next=%2Fprofile"),
        (None, "/password", "/login?next=%2Fpassword"),
        ("/login/alice", "/profile", "profile of alice"),
        ("/login/alice", "/password", "password of alice"),
        ("/login/alice?stale", "/profile", "profile of alice"),
        ("/login/alice?stale", "/password", "/refresh?next=%2Fpassword"),
    ],
)
def test_each_guard_lets_in_whom_it_should_and_nobody_else(
    guarded_app: Flask, log_in: str | None, path: str, answer: str
) -> None:
    client = guarded_app.test_client()
    if log_in is not None:
        client.get(log_in)
    response = client.get(path)
    assert response.headers.get("Location", response.text) == answer


def test_logging_out_closes_every_guarded_view(guarded_app: Flask) -> None:
    client = guarded_app.test_client()
    client.get("/login/alice")
    client.get("/logout")
    assert client.get("/profile").status_code == 302
    assert client.get("/password").status_code == 302


def test_a_refused_view_is_not_run(app: Flask) -> None:
    ran = []

    @app.get("/delete")
    @login_required
    def delete() -> str:
        ran.append(True)
        return "deleted"

    assert app.test_client().get("/delete").status_code == 401
    assert not ran


@pytest.mark.parametrize("answer", [True, False])
def test_is_authenticated_may_be_a_method(app: Flask, users: dict[str, Any], answer: bool) -> None:
    class Old:
        def is_active(self) -> bool:
            return True

        def is_authenticated(self) -> bool:
            return answer

        def is_anonymous(self) -> bool:
            return False

        def get_id(self) -> str:
            return "alice"

    users["alice"] = Old()

    @app.get("/profile")
    @login_required
    def profile() -> str:
        return "profile"

    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/profile").status_code == (200 if answer else 401)


def test_a_user_factory_that_gives_none_for_nobody_passes_no_guard(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    login_manager.anonymous_user = lambda: None

    @app.get("/profile")
    @login_required
    def profile() -> str:
        return "profile"

    assert app.test_client().get("/profile").status_code == 401


def test_a_realm_s_guards_ask_for_that_realm_s_user_only(app: Flask, users: dict[str, Any]) -> None:
    staff: LoginManager[Any] = LoginManager(app, name="staff")
    staff.user_loader(users.get)

    @app.get("/staff/login")
    def staff_login() -> str:
        return str(staff.login_user(users["bob"], fresh=False))

    @app.get("/staff")
    @staff.login_required
    def staff_home() -> str:
        return str(staff.current_user.get_id())

    @app.get("/staff/password")
    @staff.fresh_login_required
    def staff_password() -> str:
        return "password"

    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/staff").status_code == 401
    client.get("/staff/login")
    assert client.get("/staff").text == "bob"
    assert client.get("/me").text == "alice"
    assert client.get("/staff/password").status_code == 401


# A user beside the session


@pytest.fixture
def keyed_app(guarded_app: Flask, users: dict[str, Any]) -> Flask:
    """Put the user of an API key on ``g``, as extensions do."""

    @guarded_app.before_request
    def by_key() -> None:
        key = request.headers.get("X-API-Key")
        if key is not None:
            g._login_user = users[key]

    return guarded_app


def test_an_api_key_over_somebody_elses_fresh_session_opens_no_fresh_view(
    keyed_app: Flask,
) -> None:
    client = keyed_app.test_client()
    client.get("/login/alice")
    key = {"X-API-Key": "bob"}
    assert client.get("/profile", headers=key).text == "profile of bob"
    assert client.get("/password", headers=key).location == "/refresh?next=%2Fpassword"
    assert client.get("/fresh", headers=key).text == "stale"
    assert client.get("/password").text == "password of alice", "the session is still fresh"


def test_a_request_loaders_user_over_somebody_elses_fresh_session_opens_no_fresh_view(
    guarded_app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    client = guarded_app.test_client()
    client.get("/login/alice")
    login_manager._user_callback = None
    login_manager.request_loader(lambda request: users["bob"])
    assert client.get("/profile").text == "profile of bob"
    assert client.get("/password").location == "/refresh?next=%2Fpassword"


@pytest.mark.parametrize("kind", ["request_loader", "bearer_loader", "header_loader", "on g"])
@pytest.mark.parametrize("left_over", [{"_fresh": True}, {"_fresh": True, "_user_id": "gone"}])
def test_freshness_that_a_session_was_left_with_does_not_help_an_api_key(
    keyed_app: Flask,
    login_manager: LoginManager[Any],
    users: dict[str, Any],
    kind: str,
    left_over: dict[str, Any],
) -> None:
    headers = {"Authorization": "Bearer bob"}
    if kind == "on g":
        headers = {"X-API-Key": "bob"}
    else:
        getattr(login_manager, kind)(lambda _: users["bob"])
    client = keyed_app.test_client()
    for path, answer in (("/password", 401), ("/profile", 200)):
        with client.session_transaction() as sess:
            sess.clear()
            sess.update(left_over)
        page = {"Accept": "text/html;q=0, application/json"}
        assert client.get(path, headers={**headers, **page}).status_code == answer


def test_the_sessions_own_user_by_an_api_key_of_theirs_is_as_fresh_as_the_session(
    keyed_app: Flask,
) -> None:
    client = keyed_app.test_client()
    client.get("/login/bob")
    assert client.get("/password", headers={"X-API-Key": "bob"}).text == "password of bob"


# What a guard leaves of the view


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_keeps_the_view_s_name_docstring_and_signature(
    guard: Callable[[Callable[..., str]], Callable[..., str]],
) -> None:
    def show_order(number: int, lang: str = "en") -> str:
        """Show an order."""
        return f"{number} {lang}"

    guarded = guard(show_order)
    assert guarded.__name__ == "show_order"
    assert guarded.__doc__ == "Show an order."
    assert inspect.signature(guarded) == inspect.signature(show_order)
    assert inspect.unwrap(guarded) is show_order


def test_a_guarded_view_gets_its_arguments(guarded_app: Flask) -> None:
    @guarded_app.get("/orders/<int:number>", defaults={"lang": "en"})
    @login_required
    def show_order(number: int, *, lang: str) -> str:
        return f"{number} {lang}"

    client = guarded_app.test_client()
    client.get("/login/alice")
    assert client.get("/orders/7").text == "7 en"


def test_a_callable_object_can_be_guarded(app: Flask) -> None:
    class Page:
        __name__ = "page"

        def render(self) -> str:
            return "page"

    app.add_url_rule("/page", "page", login_required(Page().render))
    client = app.test_client()
    assert client.get("/page").status_code == 401
    client.get("/login/alice")
    assert client.get("/page").text == "page"


def test_class_based_views_take_guards_in_their_decorators(guarded_app: Flask) -> None:
    class Report(View):
        decorators = [login_required]  # noqa: RUF012  # this is how Flask's documentation writes it

        def dispatch_request(self) -> ResponseReturnValue:
            return "report"

    class Settings(MethodView):
        decorators = [fresh_login_required]  # noqa: RUF012  # as above

        def get(self) -> ResponseReturnValue:
            return "settings"

        def post(self) -> ResponseReturnValue:
            return "saved"

    guarded_app.add_url_rule("/report", view_func=Report.as_view("report"))
    guarded_app.add_url_rule("/settings", view_func=Settings.as_view("settings"))
    client = guarded_app.test_client()
    assert client.get("/report").status_code == 302
    assert client.post("/settings").status_code == 302
    client.get("/login/alice?stale")
    assert client.get("/report").text == "report"
    assert client.get("/settings").location == "/refresh?next=%2Fsettings"
    client.get("/login/alice")
    assert client.post("/settings").text == "saved"


@pytest.mark.parametrize("guard", GUARDS)
def test_async_views_are_guarded_and_run(guarded_app: Flask, guard: Callable[[Any], Any]) -> None:
    pytest.importorskip("asgiref", reason="async views need Flask's extra 'async'")

    @guarded_app.get("/later/<name>")
    @guard
    async def later(name: str) -> str:
        return f"{name} {current_user.get_id()}"

    client = guarded_app.test_client()
    assert client.get("/later/x").location == "/login?next=%2Flater%2Fx"
    client.get("/login/alice")
    assert client.get("/later/x").text == "x alice"


def test_async_methods_of_class_based_views_are_guarded_and_run(guarded_app: Flask) -> None:
    pytest.importorskip("asgiref", reason="async views need Flask's extra 'async'")

    class Later(MethodView):
        decorators = [login_required]  # noqa: RUF012  # this is how Flask's documentation writes it

        async def get(self) -> str:
            return f"later {current_user.get_id()}"

    guarded_app.add_url_rule("/later", view_func=Later.as_view("later"))
    client = guarded_app.test_client()
    assert client.get("/later").status_code == 302
    client.get("/login/alice")
    assert client.get("/later").text == "later alice"


def test_guards_may_be_stacked(guarded_app: Flask) -> None:
    @guarded_app.get("/both")
    @login_required
    @fresh_login_required
    def both() -> str:
        return "both"

    client = guarded_app.test_client()
    client.get("/login/alice?stale")
    assert client.get("/both").location == "/refresh?next=%2Fboth"
    client.get("/login/alice")
    assert client.get("/both").text == "both"


def test_views_of_nested_blueprints_are_guarded(guarded_app: Flask) -> None:
    parent = Blueprint("parent", __name__, url_prefix="/parent")
    child = Blueprint("child", __name__, url_prefix="/child")

    @child.get("/page")
    @login_required
    def page() -> str:
        return "page"

    parent.register_blueprint(child)
    guarded_app.register_blueprint(parent)
    client = guarded_app.test_client()
    assert client.get("/parent/child/page").location == "/login?next=%2Fparent%2Fchild%2Fpage"
    client.get("/login/alice")
    assert client.get("/parent/child/page").text == "page"


# LOGIN_DISABLED


def test_login_disabled_lets_everybody_pass_every_guard(guarded_app: Flask) -> None:
    guarded_app.config["LOGIN_DISABLED"] = True
    client = guarded_app.test_client()
    assert client.get("/profile").text == "profile of None"
    assert client.get("/password").text == "password of None"


@pytest.mark.parametrize("value", [False, None, 0])
def test_a_login_disabled_that_is_off_disables_nothing(guarded_app: Flask, value: object) -> None:
    guarded_app.config["LOGIN_DISABLED"] = value
    assert guarded_app.test_client().get("/profile").status_code == 302


@pytest.mark.parametrize("key", ["TESTING", "DEBUG"])
def test_no_other_mode_of_the_app_disables_a_guard(guarded_app: Flask, key: str) -> None:
    guarded_app.config[key] = True
    assert guarded_app.test_client().get("/profile").status_code == 302


def test_login_disabled_works_without_any_loader() -> None:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="secret", TESTING=True, LOGIN_DISABLED=True)
    LoginManager(app)

    @app.get("/profile")
    @login_required
    def profile() -> str:
        return "profile"

    assert app.test_client().get("/profile").text == "profile"


def test_login_disabled_can_be_switched_while_the_app_runs(guarded_app: Flask) -> None:
    client = guarded_app.test_client()
    assert client.get("/profile").status_code == 302
    guarded_app.config["LOGIN_DISABLED"] = True
    assert client.get("/profile").status_code == 200
    guarded_app.config["LOGIN_DISABLED"] = False
    assert client.get("/profile").status_code == 302


def test_the_old_attribute_login_disabled_reads_and_writes_the_setting(
    guarded_app: Flask, login_manager: LoginManager[Any]
) -> None:
    with guarded_app.app_context():
        assert login_manager._login_disabled is False
        login_manager._login_disabled = True
        assert login_manager._login_disabled is True
    assert guarded_app.config["LOGIN_DISABLED"] is True
    assert guarded_app.test_client().get("/profile").status_code == 200


def test_login_disabled_outside_of_testing_is_logged_once_for_each_app(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    def make(name: str) -> Flask:
        app = make_app(TESTING=False, LOGIN_DISABLED=True)
        app.name = name

        @app.get("/profile")
        @login_required
        def profile() -> str:
            return "profile"

        return app

    for app in (make("shop"), make("office")):
        client = app.test_client()
        client.get("/profile")
        client.get("/profile")
        app.test_client().get("/profile")
    records = [r for r in caplog.records if r.name == "flask_login"]
    assert [r.levelno for r in records] == [logging.WARNING] * 2
    for record, name in zip(records, ("shop", "office"), strict=True):
        assert "LOGIN_DISABLED" in record.getMessage()
        assert name in record.getMessage()


def test_login_disabled_is_no_news_while_testing(
    guarded_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    guarded_app.config["LOGIN_DISABLED"] = True
    guarded_app.test_client().get("/profile")
    assert not caplog.records


def test_login_disabled_opens_the_guards_of_every_realm(app: Flask, users: dict[str, Any]) -> None:
    app.config["LOGIN_DISABLED"] = True
    staff: LoginManager[Any] = LoginManager(app, name="staff")
    staff.user_loader(users.get)

    @app.get("/staff")
    @staff.login_required
    def staff_home() -> str:
        return "staff"

    assert app.test_client().get("/staff").text == "staff"


# EXEMPT_METHODS


def test_a_preflight_passes_every_guard_because_browsers_send_it_without_cookies(
    app: Flask,
) -> None:
    @app.route("/items", methods=["GET", "OPTIONS"], provide_automatic_options=False)
    @login_required
    def items() -> str:
        return "items"

    @app.route("/orders", methods=["GET", "OPTIONS"], provide_automatic_options=False)
    @fresh_login_required
    def orders() -> str:
        return "orders"

    client = app.test_client()
    assert client.options("/items").text == "items"
    assert client.options("/orders").text == "orders"
    assert client.get("/items").status_code == 401
    assert client.get("/orders").status_code == 401


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY"])
def test_every_other_method_is_guarded(app: Flask, method: str) -> None:
    @app.route("/items", methods=[method])
    @login_required
    def items() -> str:
        return "items"

    assert app.test_client().open("/items", method=method).status_code == 401


def test_a_method_override_header_passes_no_guard(guarded_app: Flask) -> None:
    response = guarded_app.test_client().get(
        "/profile", headers={"X-HTTP-Method-Override": "OPTIONS"}
    )
    assert response.status_code == 302


def test_exempt_methods_can_be_extended(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_login.config.EXEMPT_METHODS", {"OPTIONS", "HEAD"})

    @app.get("/items")
    @login_required
    def items() -> str:
        return "items"

    client = app.test_client()
    assert client.head("/items").status_code == 200
    assert client.get("/items").status_code == 401


# A guard above the route


def wrong_order(app: Flask) -> None:
    """Write a guard where it protects nothing."""

    @login_required
    @app.get("/secret")
    def secret() -> str:
        return "secret"


@pytest.mark.parametrize("mode", ["TESTING", "DEBUG"])
def test_a_guard_above_the_route_is_an_error_in_debug_and_testing(
    make_app: Callable[..., Flask], mode: str
) -> None:
    app = make_app(**{"TESTING": False, "PROPAGATE_EXCEPTIONS": True, mode: True})
    wrong_order(app)
    with pytest.raises(UnguardedViewError, match="'secret'") as caught:
        app.test_client().get("/public")
    assert caught.value.endpoints == ("secret",)
    assert "@login_required" in str(caught.value)


def test_a_guard_above_the_route_never_serves_the_first_caller_while_testing(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    wrong_order(app)
    response = app.test_client().get("/secret")
    assert response.status_code == 500
    assert "secret" not in response.text


def test_a_guard_above_the_route_is_logged_once_where_the_site_must_go_on(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(TESTING=False)
    wrong_order(app)
    client = app.test_client()
    assert client.get("/public").text == "hello"
    client.get("/public")
    (record,) = [r for r in caplog.records if r.name == "flask_login"]
    assert record.levelno == logging.ERROR
    assert "'secret'" in record.getMessage()


@pytest.mark.parametrize("guard", GUARDS)
def test_every_view_with_a_guard_above_its_route_is_named(
    app: Flask, guard: Callable[[Any], Any]
) -> None:
    bp = Blueprint("admin", __name__)

    @guard
    @bp.get("/users")
    def users() -> str:
        return "users"

    @guard
    @app.get("/secret")
    @nothing_special
    def secret() -> str:
        return "secret"

    app.register_blueprint(bp)
    with pytest.raises(UnguardedViewError) as caught:
        app.test_client().get("/public")
    assert caught.value.endpoints == ("admin.users", "secret")


def test_a_realm_s_guard_above_the_route_is_found(app: Flask, users: dict[str, Any]) -> None:
    staff: LoginManager[Any] = LoginManager(app, name="staff")
    staff.user_loader(users.get)

    @staff.login_required
    @app.get("/secret")
    def secret() -> str:
        return "secret"

    with pytest.raises(UnguardedViewError):
        app.test_client().get("/public")


def test_a_guard_above_another_decorator_above_the_route_is_found(app: Flask) -> None:
    @login_required
    @nothing_special
    @app.get("/secret")
    def secret() -> str:
        return "secret"

    with pytest.raises(UnguardedViewError):
        app.test_client().get("/public")


def test_the_right_order_raises_no_alarm(guarded_app: Flask) -> None:
    @guarded_app.get("/more")
    @nothing_special
    @login_required
    @nothing_special
    def more() -> str:
        return "more"

    class Report(View):
        decorators = [login_required]  # noqa: RUF012  # this is how Flask's documentation writes it

        def dispatch_request(self) -> ResponseReturnValue:
            return "report"

    guarded_app.add_url_rule("/report", view_func=Report.as_view("report"))
    guarded_app.add_url_rule("/report2", view_func=Report.as_view("report2"))
    assert guarded_app.test_client().get("/public").status_code == 200


def test_guarding_the_views_of_another_library_afterwards_raises_no_alarm(app: Flask) -> None:
    @app.get("/dashboard")
    def dashboard() -> str:
        return "dashboard"

    for endpoint, view in app.view_functions.items():
        if endpoint == "dashboard":
            guarded: Any = login_required(view)
            app.view_functions[endpoint] = guarded
    client = app.test_client()
    assert client.get("/public").status_code == 200
    assert client.get("/dashboard").status_code == 401


def test_one_function_as_a_public_and_as_a_guarded_view_raises_no_alarm(app: Flask) -> None:
    def page() -> str:
        return "page"

    app.add_url_rule("/public-page", "public_page", page)
    app.add_url_rule("/guarded-page", "guarded_page", login_required(page))
    client = app.test_client()
    assert client.get("/public-page").text == "page"
    assert client.get("/guarded-page").status_code == 401


def test_an_app_that_shows_a_view_in_public_which_another_app_guards_raises_no_alarm(
    make_app: Callable[..., Flask],
) -> None:
    def page() -> str:
        return "page"

    intranet, internet = make_app(), make_app()
    internet.add_url_rule("/page", "page", login_required(page))
    intranet.add_url_rule("/page", "page", page)
    assert internet.test_client().get("/page").status_code == 401
    assert intranet.test_client().get("/page").text == "page"


def test_a_view_registered_twice_with_a_guard_raises_no_alarm(app: Flask) -> None:
    @app.get("/old")
    @app.get("/new")
    @login_required
    def page() -> str:
        return "page"

    assert app.test_client().get("/old").status_code == 401
    assert app.test_client().get("/new").status_code == 401


@pytest.fixture
def views_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Flask], Any]:
    """Return a function that runs a module of views for an app and gives the module."""

    def run(source: str, app: Flask) -> Any:
        module = ModuleType("views_of_a_test")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module).update(app=app, login_required=login_required)
        exec(source, vars(module))  # noqa: S102  # the views that stand in the test
        return module

    return run


def test_a_guard_above_the_route_is_found_although_the_guarded_form_has_another_url(
    app: Flask, views_module: Callable[[str, Flask], Any]
) -> None:
    views_module(
        """
@login_required
@app.get("/secret")
def secret():
    return "secret"

app.add_url_rule("/alias", "alias", secret)
""",
        app,
    )
    with pytest.raises(UnguardedViewError) as caught:
        app.test_client().get("/secret")
    assert caught.value.endpoints == ("secret",)


def test_a_module_that_shows_a_function_in_public_and_guarded_raises_no_alarm(
    app: Flask, views_module: Callable[[str, Flask], Any]
) -> None:
    views_module(
        """
def page():
    return "page"

class Holder:
    def shown(self=None):
        return "page"

app.add_url_rule("/public-page", "public_page", page)
app.add_url_rule("/guarded-page", "guarded_page", login_required(page))
app.add_url_rule("/public-method", "public_method", Holder.shown)
app.add_url_rule("/guarded-method", "guarded_method", login_required(Holder.shown))
""",
        app,
    )
    client = app.test_client()
    assert client.get("/public-page").text == "page"
    assert client.get("/guarded-page").status_code == 401
    assert client.get("/public-method").text == "page"
    assert client.get("/guarded-method").status_code == 401


@pytest.mark.parametrize("above", [login_required, fresh_login_required])
def test_guards_with_decorators_between_them_above_the_route_are_found(
    app: Flask, above: Callable[[Any], Any]
) -> None:
    @above
    @nothing_special
    @login_required
    @nothing_special
    @app.get("/secret")
    @nothing_special
    def secret() -> str:
        return "secret"

    with pytest.raises(UnguardedViewError) as caught:
        app.test_client().get("/secret")
    assert caught.value.endpoints == ("secret",)


@pytest.mark.parametrize("mode", ["TESTING", "DEBUG"])
def test_a_view_that_is_guarded_by_hand_during_a_request_raises_no_alarm(
    make_app: Callable[..., Flask], mode: str
) -> None:
    app = make_app(**{"TESTING": False, "PROPAGATE_EXCEPTIONS": True, mode: True})

    @app.before_request
    def guard_everything() -> Any:
        if request.endpoint == "me":
            return login_required(app.view_functions["me"])()
        return None

    client = app.test_client()
    for _ in range(2):
        assert client.get("/me").status_code == 401
        assert client.get("/public").text == "hello"
    client.get("/login/alice")
    assert client.get("/me").text == "alice"
