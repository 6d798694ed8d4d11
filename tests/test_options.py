"""OPTIONS: what passes a guard by it, and what does not while ``LOGIN_GUARD_OPTIONS`` is on."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from flask import Blueprint, Flask, make_response, request
from flask.views import MethodView
from tests.policy_site import KINDS, SIGNED, Kind, Site

from flask_login import LoginManager, login_required
from flask_login.testing import FrozenClock

PREFLIGHT = {"Origin": "https://other.example", "Access-Control-Request-Method": "PUT"}
OWN: dict[str, Any] = {"methods": ["GET", "OPTIONS"]}


@pytest.fixture(params=KINDS, ids=str)
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    site = Site(request.param, clock, LOGIN_GUARD_OPTIONS=True)
    site.page("/own", site.manager.login_required, **OWN)
    site.page("/own-fresh", site.manager.fresh_login_required, **OWN)
    site.page("/own-when", site.manager.login_required(when=lambda user: user.admin), **OWN)
    site.page("/automatic", site.manager.login_required)
    site.page("/said-automatic", site.manager.login_required, **OWN, provide_automatic_options=True)
    return site


def test_a_view_that_answers_options_itself_is_guarded(site: Site) -> None:
    client = site.browser()
    for path in ("/own", "/own-fresh", "/own-when"):
        assert client.options(path).status_code == 401
    client.get("/login?id=ann")
    assert client.options("/own").text == client.options("/own-fresh").text == "come in"
    assert client.options("/own-when").status_code == 403
    client.get("/logout")
    client.get("/login?id=ann&stale")
    assert client.options("/own-fresh").status_code == 401


@pytest.mark.parametrize("headers", [{}, PREFLIGHT], ids=["plain", "preflight"])
@pytest.mark.parametrize("path", ["/automatic", "/said-automatic"])
def test_what_flask_answers_by_itself_stays_open(
    site: Site, path: str, headers: dict[str, str]
) -> None:
    answer = site.browser().options(path, headers=headers)
    assert (answer.status_code, answer.text) == (200, "")
    assert "OPTIONS" in answer.headers["Allow"]


def test_the_default_guard_leaves_automatic_answers_open_and_guards_the_others(
    clock: FrozenClock,
) -> None:
    site = Site(SIGNED, clock, LOGIN_GUARD_OPTIONS=True, LOGIN_REQUIRED_BY_DEFAULT=True)
    site.page("/automatic")
    site.page("/own", **OWN)
    client = site.browser()
    assert client.options("/automatic").status_code == 200
    assert client.options("/own").status_code == 401
    assert client.options("/nowhere").status_code == 404
    assert client.options("/own", headers=PREFLIGHT).status_code == 401
    client.get("/login?id=ann")
    assert client.options("/own").text == "come in"


def test_a_guard_before_the_requests_of_a_blueprint_looks_at_options_too(
    clock: FrozenClock,
) -> None:
    site = Site(SIGNED, clock, LOGIN_GUARD_OPTIONS=True)
    blueprint = Blueprint("members", __name__)
    blueprint.before_request(login_required(lambda: None))
    blueprint.add_url_rule("/members", "members", lambda: "come in", **OWN)
    blueprint.add_url_rule("/plain", "plain", lambda: "come in")
    site.app.register_blueprint(blueprint)
    client = site.browser()
    assert client.options("/members").status_code == 401
    assert client.options("/plain").status_code == 200


def test_an_async_view_and_a_class_of_views_are_guarded_too(clock: FrozenClock) -> None:
    pytest.importorskip("asgiref", reason="async views need Flask's extra 'async'")
    site = Site(SIGNED, clock, LOGIN_GUARD_OPTIONS=True)

    async def view() -> str:
        return "come in"

    class Items(MethodView):
        decorators = [login_required]  # noqa: RUF012  # as Flask wants it

        def get(self) -> str:
            return "items"

        def options(self) -> str:
            return "come in"

    site.app.add_url_rule("/async", "async", login_required(view), **OWN)
    site.app.add_url_rule("/class", view_func=Items.as_view("items"))
    client = site.browser()
    for path in ("/async", "/class"):
        assert client.options(path).status_code == 401
        assert client.options(path, headers=PREFLIGHT).status_code == 401
    client.get("/login?id=ann")
    assert client.options("/async").text == client.options("/class").text == "come in"


def answering(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer preflights, as decorators of CORS extensions do."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        answer = make_response("" if request.method == "OPTIONS" else view(*args, **kwargs))
        answer.headers["Access-Control-Allow-Origin"] = "https://other.example"
        answer.vary.add("Origin")
        return answer

    wrapped.required_methods = {"OPTIONS"}  # type: ignore[attr-defined]  # Flask looks there
    wrapped.provide_automatic_options = False  # type: ignore[attr-defined]  # as above
    return wrapped


def test_a_preflight_is_answered_by_a_decorator_above_the_guard(site: Site) -> None:
    site.page("/shared", lambda view: answering(site.manager.login_required(view)))
    client = site.browser()
    answer = client.options("/shared", headers=PREFLIGHT)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://other.example"
    assert client.get("/shared", headers=PREFLIGHT).status_code == 401


def test_a_decorator_below_the_guard_answers_preflights_while_the_setting_is_off(
    clock: FrozenClock,
) -> None:
    site = Site(SIGNED, clock)
    site.page("/shared", lambda view: site.manager.login_required(answering(view)))
    answer = site.browser().options("/shared", headers=PREFLIGHT)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://other.example"


def test_a_request_that_is_dressed_up_as_a_preflight_runs_no_guarded_view(site: Site) -> None:
    ran: list[str] = []

    def delete() -> str:
        ran.append(request.method)
        return "deleted"

    view = site.manager.login_required(delete)
    site.app.add_url_rule("/delete", "delete", view, methods=["POST", "OPTIONS"])
    assert site.browser().options("/delete", headers=PREFLIGHT).status_code == 401
    assert ran == []


@pytest.mark.parametrize("config", [{}, {"LOGIN_GUARD_OPTIONS": False}], ids=["unset", "off"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_off_options_passes_every_guard_as_before(
    kind: Kind, config: dict[str, Any], clock: FrozenClock
) -> None:
    site = Site(kind, clock, **config)
    site.page("/own", site.manager.login_required, **OWN)
    for headers in ({}, PREFLIGHT):
        assert site.browser().options("/own", headers=headers).text == "come in"


def test_login_disabled_lets_options_pass_whatever_else_is_set(site: Site) -> None:
    site.app.config["LOGIN_DISABLED"] = True
    assert site.browser().options("/own").text == "come in"


def test_a_page_for_nobody_is_guarded_for_options_too(site: Site) -> None:
    site.page("/for-nobody", site.manager.anonymous_required, **OWN)
    client = site.browser()
    assert client.options("/for-nobody").text == "come in"
    client.get("/login?id=ann")
    assert client.options("/for-nobody").status_code == 302


@pytest.mark.parametrize("profile", ["aal1", "aal2", "aal3"])
def test_every_profile_guards_options_unless_the_application_says_otherwise(profile: str) -> None:
    app = Flask(__name__)
    app.config["LOGIN_PROFILE"] = profile
    LoginManager(app)
    assert app.config["LOGIN_GUARD_OPTIONS"] is True
    app = Flask(__name__)
    app.config.update(LOGIN_PROFILE=profile, LOGIN_GUARD_OPTIONS=False)
    LoginManager(app)
    assert app.config["LOGIN_GUARD_OPTIONS"] is False


@pytest.mark.parametrize("value", [True, False, None])
def test_the_doctor_and_the_routes_name_views_that_answer_options_whichever_way_it_is_set(
    value: bool | None,
) -> None:
    app = Flask(__name__)
    app.secret_key = "a key of thirty-two random bytes"
    if value is not None:
        app.config["LOGIN_GUARD_OPTIONS"] = value
    LoginManager(app).user_loader(lambda user_id: None)
    app.add_url_rule("/own", "own", login_required(lambda: "in"), **OWN)
    app.add_url_rule("/public", "public", lambda: "in", **OWN)
    app.add_url_rule("/plain", "plain", login_required(lambda: "in"))
    told = app.test_cli_runner().invoke(args=["login", "doctor"]).output
    code = "options_guarded" if value else "options_unguarded"
    assert f"HINT {code}: These guarded views answer OPTIONS themselves: 'own'." in told
    listed = app.test_cli_runner().invoke(args=["login", "routes"]).output.splitlines()
    way = "is guarded there too, by LOGIN_GUARD_OPTIONS" if value else "passes their guards"
    assert listed[-1] == f"OPTIONS, which these views answer themselves, {way}: own"
    known = app.test_cli_runner().invoke(args=["login", "routes", "--json"])
    found = {row["endpoint"]: row["answers_options"] for row in json.loads(known.output)}
    assert found == {"own": True, "public": False, "plain": False, "static": False}


def test_an_application_without_such_views_is_told_nothing_of_options() -> None:
    app = Flask(__name__)
    app.secret_key = "a key of thirty-two random bytes"
    LoginManager(app).user_loader(lambda user_id: None)
    app.add_url_rule("/plain", "plain", login_required(lambda: "in"))
    for command in ("doctor", "routes"):
        assert "OPTIONS" not in app.test_cli_runner().invoke(args=["login", command]).output
