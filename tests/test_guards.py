from __future__ import annotations

import functools
import gc
import inspect
import json
import logging
import re
import sys
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from types import ModuleType
from typing import Any, TypeVar
from unittest import mock

import pytest
from flask import Blueprint, Flask, abort, g, redirect, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView, View
from tests.policy_site import DAY, HOUR, KINDS, MINUTE, PROGRAM, SECOND, Member, Site
from tests.redirect_status import REDIRECT
from werkzeug.exceptions import Unauthorized

from flask_login import (
    ConfigurationError,
    FlaskLoginClient,
    LoginManager,
    UnguardedViewError,
    anonymous_required,
    current_user,
    fresh_login_required,
    login_not_required,
    login_required,
    no_activity,
    user_needs_refresh,
    user_unauthorized,
)
from flask_login.doctor import examine
from flask_login.guards import guard_of
from flask_login.routes import guarded_routes
from flask_login.testing import FrozenClock

#: Every form of a guard that lets in who has just logged in, with a password.
GUARDS: list[Callable[[Any], Any]] = [
    login_required,
    login_required(),
    login_required(when=lambda user: user.is_active),
    fresh_login_required,
    fresh_login_required(),
    fresh_login_required(max_age=timedelta(minutes=5)),
    fresh_login_required(methods={"pwd"}),
    fresh_login_required(max_age=timedelta(minutes=5), methods=["pwd"], impersonated=True),
]
EACH_GUARD = pytest.mark.parametrize(
    "guard", GUARDS, ids=lambda guard: guard_of(guard(lambda: "")) or ""
)
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
    assert client.get("/profile").status_code == REDIRECT
    assert client.get("/password").status_code == REDIRECT


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


# A test on the user


@pytest.fixture(params=KINDS, ids=str)
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    return Site(request.param, clock)


def statuses(client: Any, *paths: str) -> list[int]:
    return [client.get(path).status_code for path in paths]


def test_who_does_not_pass_the_test_is_forbidden_and_not_sent_to_log_in(site: Site) -> None:
    site.manager.login_view = "/log-in"
    site.page("/admin", site.manager.login_required(when=lambda user: user.admin))
    client = site.browser()
    assert client.get("/admin").location == "/log-in?next=%2Fadmin"
    client.get("/login?id=ann")
    assert client.get("/admin").status_code == 403
    client.get("/login?id=eve")
    assert client.get("/admin").text == "come in"


def test_the_test_is_asked_of_nobody_and_before_the_view_is_run(site: Site) -> None:
    asked: list[str] = []

    def test(user: Member) -> bool:
        asked.append(user.id)
        return False

    site.page("/admin", site.manager.login_required(when=test))
    client = site.browser()
    assert client.get("/admin").status_code == 401
    assert asked == []
    client.get("/login?id=ann")
    assert client.get("/admin").status_code == 403
    assert asked == ["ann"]


@pytest.mark.parametrize("answer", [False, None, 0, "", [], lambda: False])
def test_what_is_not_yes_is_no(site: Site, answer: Any) -> None:
    site.page("/admin", site.manager.login_required(when=lambda user: answer))
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/admin").status_code == 403


def test_a_method_that_nobody_called_is_no_yes(site: Site) -> None:
    class Clerk(Member):
        def may_publish(self) -> bool:
            return self.id == "eve"

    site.users.update({name: Clerk(name) for name in ("ann", "eve")})
    site.page("/publish", site.manager.login_required(when=lambda user: user.may_publish))
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/publish").status_code == 403
    client.get("/login?id=eve")
    assert client.get("/publish").status_code == 200


def test_a_test_that_fails_lets_nobody_pass(site: Site) -> None:
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    site.page("/admin", site.manager.login_required(when=lambda user: user.nonsense))
    client = site.browser()
    client.get("/login?id=eve")
    assert client.get("/admin").status_code == 500


def test_a_test_may_answer_by_itself(site: Site) -> None:
    site.page("/admin", site.manager.login_required(when=lambda user: abort(404)))
    client = site.browser()
    client.get("/login?id=eve")
    assert client.get("/admin").status_code == 404


@pytest.mark.parametrize("in_async_view", [True, False])
def test_a_test_may_be_async(site: Site, in_async_view: bool) -> None:
    pytest.importorskip("asgiref", reason="async views need Flask's extra 'async'")

    async def test(user: Member) -> bool:
        return user.admin

    async def later() -> str:
        return "later"

    view: Any = later if in_async_view else lambda: "later"
    site.app.add_url_rule("/later", "later", site.manager.login_required(when=test)(view))
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/later").status_code == 403
    client.get("/login?id=eve")
    assert client.get("/later").text == "later"


def test_with_login_disabled_and_for_a_preflight_the_test_is_not_asked(site: Site) -> None:
    guard = site.manager.login_required(when=lambda user: user.nonsense)
    options = {"methods": ["GET", "OPTIONS"], "provide_automatic_options": False}
    site.page("/admin", guard, **options)
    assert site.browser().options("/admin").status_code == 200
    site.app.config["LOGIN_DISABLED"] = True
    assert site.browser().get("/admin").status_code == 200


def test_the_user_that_is_tested_is_the_one_that_dependents_tests_put_there(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.add_url_rule("/admin", "admin", login_required(when=lambda user: user.admin)(lambda: "in"))
    monkeypatch.setattr("flask_login.utils.current_user", Member("mock", admin=True))
    assert app.test_client().get("/admin").text == "in"


def test_programs_that_are_forbidden_get_a_problem_and_people_the_application_s_page(
    site: Site,
) -> None:
    site.page("/admin", site.manager.login_required(when=lambda user: False))
    client = site.browser()
    client.get("/login?id=ann")
    problem = client.get("/admin", headers=PROGRAM)
    assert (problem.status_code, problem.mimetype) == (403, "application/problem+json")
    assert json.loads(problem.data)["reason"] == "forbidden"
    assert "WWW-Authenticate" not in problem.headers
    assert client.get("/admin").mimetype == "text/html"


def test_an_application_s_own_403_handler_has_its_say(site: Site) -> None:
    site.app.register_error_handler(403, lambda error: ("my own 403", 403))
    site.page("/admin", site.manager.login_required(when=lambda user: False))
    client = site.browser()
    client.get("/login?id=ann")
    for headers in ({}, PROGRAM):
        assert client.get("/admin", headers=headers).text == "my own 403"


# A proof that is recent, and of a kind


def stepped_up(site: Site) -> Site:
    guard = site.manager.fresh_login_required
    site.page("/fresh-login", guard)
    site.page("/recent", guard(max_age=10 * MINUTE))
    site.page("/otp", guard(methods={"otp"}))
    site.page("/recent-otp", guard(max_age=10 * MINUTE, methods={"otp"}))
    site.page("/both", guard(max_age=10 * MINUTE, methods=["pwd", "otp"]))
    return site


STEPS = ("/fresh-login", "/recent", "/otp", "/recent-otp", "/both")


def test_nobody_passes_a_step_up(site: Site) -> None:
    client = stepped_up(site).browser()
    assert statuses(client, *STEPS) == [401] * 5


def test_who_proved_what_is_asked_passes(site: Site) -> None:
    client = stepped_up(site).browser()
    client.get("/login?id=ann&methods=pwd,otp")
    assert statuses(client, *STEPS) == [200] * 5


def test_methods_that_were_not_proved_are_missing(site: Site) -> None:
    client = stepped_up(site).browser()
    client.get("/login?id=ann&methods=pwd")
    assert statuses(client, *STEPS) == [200, 200, 401, 401, 401]
    client.get("/confirm?methods=otp")
    assert statuses(client, *STEPS) == [200] * 5


def test_a_proof_is_too_old_from_max_age_on(site: Site) -> None:
    client = stepped_up(site).browser()
    client.get("/login?id=ann&methods=pwd,otp")
    site.clock.advance(10 * MINUTE - SECOND)
    assert statuses(client, *STEPS) == [200] * 5
    site.clock.advance(SECOND)
    assert statuses(client, *STEPS) == [200, 401, 200, 401, 401]


def test_a_password_of_now_does_not_make_up_for_an_otp_of_long_ago(site: Site) -> None:
    client = stepped_up(site).browser()
    client.get("/login?id=ann&methods=otp")
    site.clock.advance(20 * MINUTE)
    client.get("/confirm?methods=pwd")
    assert client.get("/known").get_json()["methods"] == ["otp", "pwd"]
    assert statuses(client, *STEPS) == [200, 200, 200, 401, 401]
    client.get("/confirm?methods=otp")
    assert statuses(client, *STEPS) == [200] * 5
    site.clock.advance(9 * MINUTE)
    client.get("/confirm")
    site.clock.advance(2 * MINUTE)
    assert statuses(client, *STEPS) == [200, 200, 200, 401, 401], "nothing was said to be proved"


def test_without_max_age_a_method_is_good_for_as_long_as_a_login_is_fresh(site: Site) -> None:
    stepped_up(site)
    site.app.config["LOGIN_FRESH_TIMEOUT"] = HOUR
    client = site.browser()
    client.get("/login?id=ann&methods=otp")
    site.clock.advance(HOUR - SECOND)
    client.get("/confirm?methods=pwd")
    assert client.get("/otp").status_code == 200
    site.clock.advance(SECOND)
    assert statuses(client, "/fresh-login", "/otp") == [200, 401]


def test_a_login_s_own_fresh_timeout_counts_for_methods_too(site: Site) -> None:
    client = stepped_up(site).browser()
    client.get("/login?id=ann&methods=otp&fresh_for=60")
    site.clock.advance(MINUTE)
    client.get("/confirm?methods=pwd")
    assert statuses(client, "/fresh-login", "/otp") == [200, 401]


def test_max_age_does_not_make_a_login_fresh_that_is_not(site: Site) -> None:
    site.app.config["LOGIN_FRESH_TIMEOUT"] = 5 * MINUTE
    site.page("/day", site.manager.fresh_login_required(max_age=DAY))
    client = site.browser()
    client.get("/login?id=ann")
    site.clock.advance(5 * MINUTE)
    assert client.get("/day").status_code == 401


def test_who_came_back_by_a_remember_cookie_proved_nothing(site: Site) -> None:
    stepped_up(site)
    client = site.browser()
    client.get("/login?id=ann&remember&methods=pwd,otp")
    client = site.browser(remember=site.cookie(client, "remember"))
    assert statuses(client, *STEPS) == [401] * 5
    assert client.get("/known").get_json()["methods"] == []
    client.get("/confirm?methods=pwd")
    assert statuses(client, *STEPS) == [200, 200, 401, 401, 401]


def test_a_stolen_session_that_session_protection_noticed_proves_nothing(site: Site) -> None:
    client = stepped_up(site).browser()
    client.get("/login?id=ann&methods=pwd,otp")
    thief = {"User-Agent": "another browser"}
    assert [client.get(path, headers=thief).status_code for path in STEPS] == [401] * 5


def test_a_new_login_begins_with_no_methods_of_the_one_before(site: Site) -> None:
    client = stepped_up(site).browser()
    client.get("/login?id=ann&methods=pwd,otp")
    client.get("/login?id=ann&methods=pwd")
    assert statuses(client, *STEPS) == [200, 200, 401, 401, 401]
    client.get("/login?id=ann&methods=pwd,otp&stale")
    assert statuses(client, *STEPS) == [401] * 5


def test_an_api_key_proves_nothing(site: Site) -> None:
    site.manager.request_loader(lambda request: site.users["bob"])
    assert statuses(stepped_up(site).browser(), *STEPS) == [401] * 5


def test_with_login_disabled_every_step_up_is_open(site: Site) -> None:
    site.app.config["LOGIN_DISABLED"] = True
    assert statuses(stepped_up(site).browser(), *STEPS) == [200] * 5


def test_who_lacks_the_proof_comes_back_to_the_same_page_after_it(site: Site) -> None:
    stepped_up(site)
    site.manager.refresh_view = "refresh"

    def refresh() -> Any:
        site.manager.confirm_login(methods={"otp"})
        return redirect(site.manager.safe_next_url("/"))

    site.app.add_url_rule("/prove", "refresh", refresh)
    client = site.browser()
    client.get("/login?id=ann&methods=pwd")
    assert client.get("/both?x=1").location == "/prove?next=%2Fboth%3Fx%3D1"
    assert client.get("/both?x=1", follow_redirects=True).text == "come in"


def test_a_program_is_told_how_recent_and_of_which_kind(site: Site) -> None:
    site.app.name = "shop"
    client = stepped_up(site).browser()
    client.get("/login?id=ann&stale")
    realm = "shop" if site.manager.realm == "default" else "staff"
    challenge = f'Session realm="{realm}", error="insufficient_user_authentication"'
    for path, age, methods in (
        ("/fresh-login", None, None),
        ("/recent", 600, None),
        ("/otp", None, ["otp"]),
        ("/both", 600, ["otp", "pwd"]),
    ):
        answer = client.get(path, headers=PROGRAM)
        problem = json.loads(answer.data)
        assert (problem.get("max_age"), problem.get("methods")) == (age, methods)
        expected = challenge if age is None else f"{challenge}, max_age={age}"
        assert answer.headers["WWW-Authenticate"] == expected


def test_a_person_without_a_refresh_view_is_told_too(site: Site) -> None:
    client = stepped_up(site).browser()
    client.get("/login?id=ann&stale")
    answer = client.get("/recent", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert answer.www_authenticate.parameters["max_age"] == "600"
    assert answer.www_authenticate.parameters["error"] == "insufficient_user_authentication"


def test_each_refusal_sends_its_own_signal(site: Site) -> None:
    sent: list[str] = []
    stepped_up(site)
    with (
        user_unauthorized.connected_to(lambda _: sent.append("unauthorized"), site.app),
        user_needs_refresh.connected_to(lambda _: sent.append("needs refresh"), site.app),
    ):
        client = site.browser()
        client.get("/both")
        client.get("/login?id=ann")
        client.get("/both")
    assert sent == ["unauthorized", "needs refresh"]


@pytest.mark.parametrize("level", ["signed", "stored"])
def test_the_test_client_logs_in_with_a_proof_of_now(level: str, clock: FrozenClock) -> None:
    site = stepped_up(Site((level, None), clock))
    ann, response_class = site.users["ann"], site.app.response_class
    client = FlaskLoginClient(site.app, response_class, user=ann)
    assert statuses(client, *STEPS) == [200, 200, 401, 401, 401]
    client = FlaskLoginClient(site.app, response_class, user=ann, methods={"pwd", "otp"})
    assert statuses(client, *STEPS) == [200] * 5
    clock.advance(10 * MINUTE)
    assert statuses(client, *STEPS) == [200, 401, 200, 401, 401]
    client.login(ann, fresh_login=False, methods={"otp"})
    assert statuses(client, *STEPS) == [401] * 5
    with client.user(site.users["bob"], methods={"otp"}):
        assert statuses(client, *STEPS) == [200, 200, 200, 200, 401]
    assert statuses(client, *STEPS) == [401] * 5


# Only for who is not logged in


def test_who_is_logged_in_is_sent_on_from_a_page_for_guests(site: Site) -> None:
    site.page("/register", site.manager.anonymous_required)
    site.page("/welcome", site.manager.anonymous_required(redirect_to="register"))
    site.page("/elsewhere", site.manager.anonymous_required(redirect_to="/home?new"))
    client = site.browser()
    assert statuses(client, "/register", "/welcome", "/elsewhere") == [200] * 3
    client.get("/login?id=ann&stale")
    assert client.get("/register").location == "/"
    assert client.get("/register?next=/profile").location == "/profile"
    assert client.get("/register?next=//evil.example").location == "/"
    assert client.get("/welcome").location == "/register"
    assert client.get("/elsewhere").location == "/home?new"
    client.get("/logout")
    assert client.get("/register").status_code == 200


def test_a_page_for_guests_is_not_run_for_others(site: Site) -> None:
    ran: list[bool] = []

    def register() -> str:
        ran.append(True)
        return ""

    guarded = site.manager.anonymous_required(register)
    site.app.add_url_rule("/register", "register", guarded, methods=["POST"])
    client = site.browser()
    client.get("/login?id=ann")
    assert client.post("/register").status_code == REDIRECT
    assert ran == []


def test_a_program_that_is_logged_in_is_forbidden_what_is_for_guests(site: Site) -> None:
    site.page("/register", site.manager.anonymous_required)
    client = site.browser()
    client.get("/login?id=ann")
    problem = client.get("/register", headers=PROGRAM)
    assert (problem.status_code, problem.mimetype) == (403, "application/problem+json")
    assert json.loads(problem.data)["reason"] == "anonymous_required"
    htmx = client.get("/register", headers={"HX-Request": "true"})
    assert (htmx.status_code, htmx.headers["HX-Redirect"]) == (200, "/")


def test_under_a_prefix_who_is_logged_in_is_sent_to_the_root_of_the_application(
    site: Site,
) -> None:
    site.page("/register", site.manager.anonymous_required)
    client = site.browser()
    client.get("/login?id=ann")
    assert client.get("/register", base_url="http://localhost/app/").location == "/app/"


def test_login_disabled_and_a_preflight_open_a_page_for_guests(site: Site) -> None:
    options = {"methods": ["GET", "OPTIONS"], "provide_automatic_options": False}
    site.page("/register", site.manager.anonymous_required, **options)
    client = site.browser()
    client.get("/login?id=ann")
    assert client.options("/register").status_code == 200
    site.app.config["LOGIN_DISABLED"] = True
    assert client.get("/register").status_code == 200


def test_async_pages_and_classes_may_be_for_guests(site: Site) -> None:
    pytest.importorskip("asgiref", reason="async views need Flask's extra 'async'")

    async def register() -> str:
        return "register"

    class Reset(MethodView):
        decorators = [site.manager.anonymous_required(redirect_to="/home")]  # noqa: RUF012  # as Flask has it

        def get(self) -> str:
            return "reset"

    site.app.add_url_rule("/register", view_func=site.manager.anonymous_required(register))
    site.app.add_url_rule("/reset", view_func=Reset.as_view("reset"))
    client = site.browser()
    assert (client.get("/register").text, client.get("/reset").text) == ("register", "reset")
    client.get("/login?id=ann")
    assert client.get("/register").location == "/"
    assert client.get("/reset").location == "/home"


# Wrong arguments


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: login_required("admin"),  # type: ignore[call-overload]
        lambda: login_required(when="admin"),  # type: ignore[call-overload]
        lambda: login_required(7),  # type: ignore[call-overload]
        lambda: fresh_login_required(timedelta(minutes=5)),  # type: ignore[call-overload]
        lambda: fresh_login_required({"otp"}),  # type: ignore[call-overload]
        lambda: fresh_login_required(max_age=300),  # type: ignore[call-overload]
        lambda: fresh_login_required(max_age=timedelta(0)),
        lambda: fresh_login_required(max_age=timedelta(minutes=-5)),
        lambda: fresh_login_required(methods="otp"),
        lambda: anonymous_required("index"),  # type: ignore[call-overload]
        lambda: anonymous_required(redirect_to=7),  # type: ignore[call-overload]
        lambda: login_required(View),
        lambda: login_required()(MethodView),
        lambda: LoginManager[Any]().login_required("admin"),  # type: ignore[call-overload]
        lambda: LoginManager[Any]().fresh_login_required(methods="otp"),
        lambda: LoginManager[Any]().anonymous_required("index"),  # type: ignore[call-overload]
    ],
)
def test_wrong_arguments_are_named_where_they_are_written(wrong: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        wrong()
    assert caught.value.key in {"view", "when", "max_age", "methods", "redirect_to"}
    assert caught.value.accepted


def test_a_class_is_told_where_its_guards_go() -> None:
    with pytest.raises(ConfigurationError, match="'decorators'"):

        @login_required
        class Report(View):
            pass


def test_each_form_has_a_name_for_whoever_lists_the_views(app: Flask) -> None:
    staff: LoginManager[Any] = LoginManager(app, name="staff")

    def is_admin(user: Any) -> bool:
        return True

    class Rule:
        def __call__(self, user: Any) -> bool:
            return True

    def name(guard: Callable[[Any], Any]) -> str | None:
        return guard_of(guard(lambda: ""))

    assert name(login_required(when=is_admin)) == "login_required(when=is_admin)"
    assert name(login_required(when=Rule())) == "login_required(when=Rule)"
    assert name(fresh_login_required()) == "fresh_login_required"
    assert name(fresh_login_required(max_age=5 * MINUTE, methods=["pwd", "otp"])) == (
        "fresh_login_required(max_age=0:05:00, methods=otp+pwd)"
    )
    assert name(staff.anonymous_required) == "staff.anonymous_required"
    assert guard_of(login_not_required(lambda: "")) is None


# What a guard leaves of the view


@EACH_GUARD
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
    assert client.get("/report").status_code == REDIRECT
    assert client.post("/settings").status_code == REDIRECT
    client.get("/login/alice?stale")
    assert client.get("/report").text == "report"
    assert client.get("/settings").location == "/refresh?next=%2Fsettings"
    client.get("/login/alice")
    assert client.post("/settings").text == "saved"


@EACH_GUARD
def test_async_views_are_guarded_and_run(
    guarded_app: Flask, users: dict[str, Any], guard: Callable[[Any], Any]
) -> None:
    pytest.importorskip("asgiref", reason="async views need Flask's extra 'async'")

    @guarded_app.get("/later/<name>")
    @guard
    async def later(name: str) -> str:
        return f"{name} {current_user.get_id()}"

    client = guarded_app.test_client()
    assert client.get("/later/x").location == "/login?next=%2Flater%2Fx"
    guarded_app.test_client_class = FlaskLoginClient
    client = guarded_app.test_client(user=users["alice"], methods={"pwd"})
    assert client.get("/later/x").text == "x alice"


def test_async_methods_of_class_based_views_are_guarded_and_run(guarded_app: Flask) -> None:
    pytest.importorskip("asgiref", reason="async views need Flask's extra 'async'")

    class Later(MethodView):
        decorators = [login_required]  # noqa: RUF012  # this is how Flask's documentation writes it

        async def get(self) -> str:
            return f"later {current_user.get_id()}"

    guarded_app.add_url_rule("/later", view_func=Later.as_view("later"))
    client = guarded_app.test_client()
    assert client.get("/later").status_code == REDIRECT
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
    assert guarded_app.test_client().get("/profile").status_code == REDIRECT


@pytest.mark.parametrize("key", ["TESTING", "DEBUG"])
def test_no_other_mode_of_the_app_disables_a_guard(guarded_app: Flask, key: str) -> None:
    guarded_app.config[key] = True
    assert guarded_app.test_client().get("/profile").status_code == REDIRECT


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
    assert client.get("/profile").status_code == REDIRECT
    guarded_app.config["LOGIN_DISABLED"] = True
    assert client.get("/profile").status_code == 200
    guarded_app.config["LOGIN_DISABLED"] = False
    assert client.get("/profile").status_code == REDIRECT


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
    assert response.status_code == REDIRECT


def test_exempt_methods_can_be_extended(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_login.core.settings.EXEMPT_METHODS", {"OPTIONS", "HEAD"})

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


@pytest.mark.parametrize(
    "guard", [*GUARDS, anonymous_required, anonymous_required(redirect_to="/home")]
)
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


def test_a_function_that_is_public_and_whose_guarded_form_has_another_url_is_a_hint(
    app: Flask, views_module: Callable[[str, Flask], Any]
) -> None:
    views_module(
        """
@login_required
@app.get("/shown")
def page():
    return "page"

app.add_url_rule("/alias", "alias", page)
""",
        app,
    )
    client = app.test_client()
    assert client.get("/shown").text == "page"
    assert client.get("/alias").status_code == 401
    assert hinted(app) == ["'page'"]


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
    assert hinted(app) == ["'public_method'", "'public_page'"]


def hinted(app: Flask) -> list[str]:
    """Return the endpoints of which `doctor` says that a guarded form is used elsewhere."""
    with app.app_context():
        found = [finding for finding in examine(app) if finding.code == "guarded_elsewhere"]
    assert {finding.level for finding in found} <= {"hint"}
    return [name for finding in found for name in re.findall(r"'\w+'", finding.text)]


@pytest.fixture(params=["TESTING", "DEBUG"])
def strict_app(request: pytest.FixtureRequest, make_app: Callable[..., Flask]) -> Flask:
    """An app in which a guard in the wrong place is an error."""
    return make_app(**{"TESTING": False, "PROPAGATE_EXCEPTIONS": True, request.param: True})


def found_in(app: Flask) -> tuple[str, ...]:
    """Return the endpoints of the views that are public by mistake."""
    try:
        app.test_client().get("/public")
    except UnguardedViewError as error:
        return error.endpoints
    return ()


def test_a_public_view_whose_guarded_form_a_closure_calls_raises_no_alarm(
    strict_app: Flask,
) -> None:
    app = strict_app

    def previewed(view: Callable[[], str]) -> Callable[[], Any]:
        guarded = login_required(view)
        return lambda: guarded() if "whole" in request.args else view()

    def page() -> str:
        return "page"

    app.add_url_rule("/page", "page", page)
    app.add_url_rule("/either", "either", previewed(page))
    client = app.test_client()
    assert client.get("/page").text == "page"
    assert client.get("/either").text == "page"
    assert client.get("/either?whole").status_code == 401
    assert hinted(app) == ["'page'"]


def test_a_guarded_form_that_an_object_a_list_or_a_variable_keeps_raises_no_alarm(
    strict_app: Flask,
) -> None:
    app = strict_app

    class Menu:
        def __init__(self, view: Callable[..., str]) -> None:
            self.view = login_required(view)

    def page() -> str:
        return "page"

    def other() -> str:
        return "other"

    def third() -> str:
        return "third"

    menu, kept = Menu(page), [fresh_login_required(other)]
    guarded = login_required(third)
    for view in (page, other, third):
        app.add_url_rule(f"/{view.__name__}", view_func=view)
    assert found_in(app) == ()
    assert hinted(app) == ["'other'", "'page'", "'third'"]
    with app.test_request_context():
        for form in (menu.view, *kept, guarded):
            with pytest.raises(Unauthorized):
                form()


def test_a_decorator_that_shows_a_view_and_guards_another_way_in_raises_no_alarm(
    strict_app: Flask,
) -> None:
    app = strict_app

    def both_ways(view: Callable[[], str]) -> Callable[[], str]:
        app.add_url_rule("/shown", "shown", view)
        guarded = login_required(view)
        app.add_url_rule("/whole", "whole", lambda: guarded())
        return view

    @both_ways
    def page() -> str:
        return "page"

    client = app.test_client()
    assert client.get("/shown").text == page()
    assert client.get("/whole").status_code == 401


def test_a_view_that_says_that_it_is_public_is_neither_a_mistake_nor_a_hint(
    strict_app: Flask,
) -> None:
    def page() -> str:
        return "page"

    strict_app.add_url_rule("/page", "page", login_not_required(page))
    login_required(page)
    assert found_in(strict_app) == ()
    assert hinted(strict_app) == []


def test_a_guarded_form_that_was_thrown_away_is_found(strict_app: Flask) -> None:
    @strict_app.get("/page")
    def page() -> str:
        return "page"

    strict_app.add_url_rule("/lambda", "in_line", fresh_login_required(lambda: "").__wrapped__)  # type: ignore[attr-defined]  # by functools.wraps
    login_required(page)
    assert found_in(strict_app) == ("in_line", "page")


def test_a_guard_above_the_route_in_a_factory_is_found_when_only_a_ring_holds_the_form(
    strict_app: Flask,
) -> None:
    def views(app: Flask) -> None:
        @nothing_special
        @login_required
        @app.get("/page")
        def page() -> str:
            return "page"

        ring: list[Any] = [page]
        ring.append(ring)

        def admin(view: Callable[..., str]) -> Callable[..., str]:
            guarded = login_required(view)
            rings: list[Any] = [guarded]
            rings.append(rings)
            return guarded

        admin(app.get("/other")(lambda: "other"))
        app.view_functions["other"] = app.view_functions.pop("<lambda>")
        for rule in app.url_map.iter_rules("<lambda>"):
            rule.endpoint = "other"

    gc.disable()
    try:
        views(strict_app)
        assert set(found_in(strict_app)) == {"page", "other"}
    finally:
        gc.enable()


def test_a_guard_above_the_route_is_found_while_the_view_calls_itself_by_name(
    strict_app: Flask,
) -> None:
    def views(app: Flask) -> Any:
        @login_required
        @app.get("/count")
        def count(number: int = 3) -> str:
            return "!" if number == 0 else count(number - 1)

        return count

    kept = views(strict_app)
    assert found_in(strict_app) == ("count",)
    assert callable(kept)


def test_a_module_s_guard_above_the_route_is_found_in_each_of_its_forms(
    strict_app: Flask, views_module: Callable[[str, Flask], Any]
) -> None:
    module = views_module(
        """
def admin_required(view):
    return login_required(view)

@admin_required
@app.get("/by-own-decorator")
def by_own_decorator():
    return ""

@app.get("/by-name")
def by_name():
    return ""

by_name = login_required(by_name)

class Holder:
    @login_required
    @app.get("/in-class")
    def in_class():
        return ""

@app.get("/meant")
def meant():
    return ""

login_required(meant)

class Place:
    def page():
        return ""

app.add_url_rule("/page-of-class", "page_of_class", Place.page)
login_required(Place.page)

@app.get("/also-meant")
def also_meant():
    return ""

shown, also_meant = also_meant, login_required(also_meant)

@login_required
@app.get("/deleted")
def deleted():
    return ""

del deleted
""",
        strict_app,
    )
    assert found_in(strict_app) == ("by_name", "by_own_decorator", "deleted", "in_class")
    strict_app.testing = strict_app.debug = False
    assert module.shown() == ""
    assert hinted(strict_app) == ["'also_meant'", "'meant'", "'page_of_class'"]


def test_a_view_that_an_application_of_before_guarded_raises_no_alarm_in_the_next(
    make_app: Callable[..., Flask], views_module: Callable[[str, Flask], Any]
) -> None:
    module = views_module("def page():\n    return 'page'\n\nanother = lambda: 'page'", make_app())

    def internet() -> None:
        app = make_app()
        app.add_url_rule("/page", "page", login_required(module.page))
        app.add_url_rule("/another", "another", login_required(module.another))
        assert app.test_client().get("/page").status_code == 401

    internet()
    gc.collect()
    intranet = make_app()
    intranet.add_url_rule("/page", "page", module.page)
    intranet.add_url_rule("/another", "another", module.another)
    assert found_in(intranet) == ()


def test_a_blueprint_s_view_is_found_at_each_place_where_it_is_registered(
    strict_app: Flask,
) -> None:
    blueprint = Blueprint("shop", __name__)

    @login_required
    @blueprint.get("/secret")
    def secret() -> str:
        return "secret"

    @blueprint.get("/safe")
    @login_required
    def safe() -> str:
        return "safe"

    strict_app.register_blueprint(blueprint)
    strict_app.register_blueprint(blueprint, name="again", url_prefix="/again")
    assert found_in(strict_app) == ("again.secret", "shop.secret")


# Views that take no attribute


class Slotted:
    """A view to which nothing can be added, and to which nothing can refer weakly."""

    __slots__ = ()

    def __call__(self, **_: Any) -> str:
        return "page"

    def page(self, **_: Any) -> str:
        return "page"


class Frozen:
    def __call__(self, **_: Any) -> str:
        return "page"

    def __setattr__(self, name: str, value: object) -> None:
        raise ValueError(name)


class Holder:
    def page(self, **_: Any) -> str:
        return "page"

    @classmethod
    def of_class(cls, **_: Any) -> str:
        return "page"

    @staticmethod
    def static(**_: Any) -> str:
        return "page"


#: Makes a view of each kind; ``/view`` is what it answers.
ODD_VIEWS: dict[str, Callable[[], Any]] = {
    "function": lambda: lambda: "page",
    "bound method": lambda: Holder().page,
    "class method": lambda: Holder.of_class,
    "static method": lambda: Holder.static,
    "bound method of slots": lambda: Slotted().page,
    "slots": Slotted,
    "frozen": Frozen,
    "partial": lambda: functools.partial(lambda word: word, "page"),
    "partial of a method": lambda: functools.partial(Holder().page, word="page"),
    "builtin": lambda: "PAGE".lower,
    "method wrapper": lambda: "page".__str__,
    "cached": lambda: functools.lru_cache(lambda: "page"),
    "mock": lambda: mock.MagicMock(return_value="page", methods=None, required_methods=()),
    "bare mock": lambda: mock.Mock(spec=[], return_value="page"),
}
EACH_VIEW = pytest.mark.parametrize("kind", ODD_VIEWS)


@EACH_VIEW
@EACH_GUARD
def test_any_callable_can_be_guarded_and_no_url_suffers(
    guarded_app: Flask, guard: Callable[[Any], Any], kind: str
) -> None:
    view = ODD_VIEWS[kind]()
    view_again = guard(guard(view))
    guarded_app.add_url_rule("/view", "view", guard(view), methods=["GET"])
    guarded_app.add_url_rule("/again", "again", view_again, methods=["GET"])
    client = guarded_app.test_client()
    for path in ("/public", "/static/none.css"):
        assert client.get(path).status_code in (200, 404)
    assert client.get("/view").location == "/login?next=%2Fview"
    assert client.get("/again").location == "/login?next=%2Fagain"
    with guarded_app.test_request_context():
        assert guarded_app.view_functions["view"] is not view
    guarded_app.test_client_class = FlaskLoginClient
    member = guarded_app.test_client(user=Member("alice"), methods={"pwd"})
    assert member.get("/view").text == "page"


@EACH_VIEW
def test_any_callable_may_be_a_public_view_beside_its_guarded_form(app: Flask, kind: str) -> None:
    view = ODD_VIEWS[kind]()
    app.add_url_rule("/view", "view", view, methods=["GET"])
    guarded = login_required(view)
    assert app.test_client().get("/public").text == "hello"
    with app.test_request_context(), pytest.raises(Unauthorized):
        guarded()


def test_a_guard_in_a_class_whose_methods_become_views_counts(guarded_app: Flask) -> None:
    """As in Flask-Admin, Flask-Classful and Flask-AppBuilder, which register bound methods."""

    def expose(url: str) -> Callable[[F], F]:
        def exposed(view: F) -> F:
            view.__dict__["url"] = url
            return view

        return exposed

    class Section:
        @expose("/guard-below")
        @login_required
        def below(self) -> str:
            return "below"

        @login_required
        @expose("/guard-above")
        def above(self) -> str:
            return "above"

        @expose("/open")
        def open(self) -> str:
            return "open"

    section = Section()
    blueprint = Blueprint("section", __name__)
    for name in ("below", "above", "open"):
        view = getattr(section, name)
        blueprint.add_url_rule(view.url, name, view)
        assert view.url == vars(view)["url"]
    guarded_app.register_blueprint(blueprint)
    guarded_app.register_blueprint(blueprint, name="twice", url_prefix="/twice")
    client = guarded_app.test_client()
    for prefix in ("", "/twice"):
        assert client.get(f"{prefix}/open").text == "open"
        for path in ("/guard-below", "/guard-above"):
            assert client.get(prefix + path).status_code == REDIRECT
    client.get("/login/alice")
    assert client.get("/guard-below").text == "below"
    guards = {route.endpoint: [*route.guards] for route in guarded_routes(guarded_app)}
    assert guards["section.below"] == guards["twice.above"] == ["login_required"]
    assert guards["section.open"] == []


def test_an_object_whose_call_is_guarded_is_known_to_be(app: Flask) -> None:
    class Page:
        @login_required
        def __call__(self) -> str:
            return "page"

    app.add_url_rule("/view", "view", Page())
    assert app.test_client().get("/view").status_code == 401
    assert guard_of(app.view_functions["view"]) == "login_required"


def test_a_mock_is_no_guarded_view_although_it_has_every_attribute(app: Flask) -> None:
    view = ODD_VIEWS["mock"]()
    app.add_url_rule("/view", "view", view, methods=["GET"])
    assert guard_of(view) is None
    assert [route.guards for route in guarded_routes(app) if route.endpoint == "view"] == [()]
    app.config["LOGIN_REQUIRED_BY_DEFAULT"] = True
    assert app.test_client().get("/view").status_code == 401


def test_what_pretends_to_wrap_something_without_end_is_looked_at_once(app: Flask) -> None:
    class Endless:
        def __call__(self) -> str:
            return "page"

        @property
        def __wrapped__(self) -> Any:
            return Endless()

    app.add_url_rule("/view", "view", Endless())
    app.add_url_rule("/guarded", "guarded", login_required(Endless()))
    client = app.test_client()
    assert client.get("/view").text == "page"
    assert client.get("/guarded").status_code == 401
    assert guard_of(Endless()) is None


@pytest.mark.parametrize("in_request", [True, False])
def test_guarding_at_each_call_leaves_nothing_behind(app: Flask, in_request: bool) -> None:
    def page() -> str:
        return "page"

    marks: tuple[Any, ...] = (login_not_required, no_activity)

    def call() -> None:
        for make in ODD_VIEWS.values():
            view = make()
            login_required(view)
            for mark_it in marks:
                assert mark_it(view) is view
        login_required(page)
        login_required(Holder.static)

    def objects() -> int:
        gc.collect()
        return len(gc.get_objects())

    for _ in range(400):  # until those are full that can't be referred to weakly
        call()
    before = objects()
    context = app.test_request_context() if in_request else nullcontext()
    with context:
        for _ in range(300):
            call()
    assert objects() - before < 200


def test_a_guarded_form_is_gone_when_nobody_has_it() -> None:
    def page() -> str:
        return "page"

    holder = Holder()
    forms = [weakref.ref(login_required(page)), weakref.ref(login_required(holder.page))]
    views: list[Any] = [weakref.ref(page), weakref.ref(holder)]
    del page, holder
    gc.collect()
    assert [known() for known in (*forms, *views)] == [None] * 4


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


@EACH_GUARD
def test_outside_of_a_request_a_guarded_view_fails_with_flask_s_error(
    site: Site, guard: Callable[[Any], Any]
) -> None:
    view = guard(lambda: "")
    with pytest.raises(RuntimeError, match="outside of"):
        view()
    with site.app.app_context(), pytest.raises(RuntimeError, match="outside of request context"):
        view()
