"""Extensions of Flask that make APIs of classes, and documents of errors."""

from __future__ import annotations

from typing import Any

import flask_restful
import flask_restful.fields
import flask_restx
import flask_smorest
import pytest
from apiflask import APIBlueprint, APIFlask
from flask import Flask
from flask.views import MethodView
from tests.integrations.conftest import Level
from tests.integrations.flow import browser_of, doctor, make_site, walk
from tests.redirect_status import REDIRECT
from werkzeug.exceptions import Unauthorized

from flask_login import current_user, login_not_required, login_required

JSON = {"Accept": "application/json"}
FIELDS = {"user": flask_restful.fields.String}


def as_it_is(error: Unauthorized) -> Any:
    """The handler of the page on API keys."""
    return error


def assert_problem(answer: Any) -> None:
    """Assert that a refusal is the library's own document."""
    assert answer.status == 401
    assert '"reason":"login_required"' in answer.text.replace(" ", "").replace("\n", "")
    assert answer.header("WWW-Authenticate")


# Flask-RESTful


def restful(level: Level, resource: Any, **config: Any) -> Flask:
    app = make_site(level.store, **config)
    flask_restful.Api(app).add_resource(resource, "/api/me")
    return app


def test_flask_restful(level: Level) -> None:
    class Me(flask_restful.Resource):
        method_decorators = [login_required]  # noqa: RUF012  # as its documentation writes it

        @flask_restful.marshal_with(FIELDS)
        def get(self) -> Any:
            return {"user": current_user.get_id()}

    app = restful(level, Me)
    browser = browser_of(app)
    walk(browser, stored=level.stored, guarded=["/api/me"])
    assert_problem(browser.get("/api/me", **JSON))
    assert "guard_below_marshalling" not in doctor(app)


def test_marshalling_of_flask_restful_above_the_guard_is_told_of(
    level: Level, caplog: pytest.LogCaptureFixture
) -> None:
    class Me(flask_restful.Resource):
        @flask_restful.marshal_with(FIELDS)
        @login_required
        def get(self) -> Any:
            return {"user": current_user.get_id()}

    app = restful(level, Me)
    assert "guard_below_marshalling" in doctor(app)
    answer = browser_of(app).get("/api/me")
    assert any("stands below a decorator that answers by itself" in m for m in caplog.messages)
    assert (answer.status, answer.text) == (200, '{"user": null}\n'), "as the page says"


# Flask-RESTX


def restx(level: Level, **config: Any) -> tuple[Flask, flask_restx.Api]:
    app = Flask("site")
    # Flask-RESTX has "/" unless the site has it first.
    make_site(level.store, app=app, **config)
    return app, flask_restx.Api(app, prefix="/api", doc="/docs")


def test_flask_restx(level: Level) -> None:
    app, api = restx(level)
    model = api.model("Me", {"user": flask_restx.fields.String})

    @api.route("/me")
    class Me(flask_restx.Resource):
        method_decorators = [login_required]  # noqa: RUF012  # as its documentation writes it

        @api.marshal_with(model)
        def get(self) -> Any:
            return {"user": current_user.get_id()}

    browser = browser_of(app)
    walk(browser, stored=level.stored, guarded=["/api/me"])
    assert browser.get("/api/swagger.json").status == 200
    assert "guard_below_marshalling" not in doctor(app)


def test_marshalling_of_flask_restx_above_the_guard_is_told_of(level: Level) -> None:
    app, api = restx(level)
    model = api.model("Me", {"user": flask_restx.fields.String})

    @api.route("/me")
    class Me(flask_restx.Resource):
        @api.marshal_with(model)
        @login_required
        def get(self) -> Any:
            return {"user": current_user.get_id()}

    assert "guard_below_marshalling" in doctor(app)
    assert '"user": null' in browser_of(app).get("/api/me").text, "as the page says"


@pytest.mark.parametrize("handled", [False, True])
def test_flask_restx_words_a_refusal_itself_unless_it_is_told_not_to(
    level: Level, handled: bool
) -> None:
    app, api = restx(level)
    app.login_manager.login_view = None  # type: ignore[attr-defined]  # ours

    @api.route("/me")
    class Me(flask_restx.Resource):
        method_decorators = [login_required]  # noqa: RUF012  # as its documentation writes it

        def get(self) -> Any:
            return {"user": current_user.get_id()}

    if handled:

        @api.errorhandler(Unauthorized)
        def refused(error: Unauthorized) -> Any:
            response: Any = error.get_response()
            return response.get_json(), response.status_code, dict(response.headers)

    answer = browser_of(app).get("/api/me", **JSON)
    if handled:
        assert_problem(answer)
    else:
        assert answer.status == 401
        assert "Log in to access this resource." in answer.text
        assert "reason" not in answer.text
    assert browser_of(app).log_in().get("/api/me").status == 200


def test_flask_restx_where_every_view_needs_a_login(level: Level) -> None:
    app, api = restx(level, LOGIN_REQUIRED_BY_DEFAULT=True)

    @api.route("/me")
    class Me(flask_restx.Resource):
        def get(self) -> Any:
            return {"user": current_user.get_id()}

    @login_not_required
    @api.route("/open")
    class Open(flask_restx.Resource):
        def get(self) -> Any:
            return "for all"

    browser = browser_of(app)
    walk(browser, stored=level.stored, guarded=["/api/me"])
    assert browser.get("/api/swagger.json").status == REDIRECT
    assert browser.get("/api/open").status == 200


# flask-smorest


def smorest(level: Level, handled: bool = False) -> tuple[Flask, flask_smorest.Blueprint]:
    app = make_site(
        level.store, API_TITLE="Site", API_VERSION="1", OPENAPI_VERSION="3.0.2", TESTING=False
    )
    blueprint = flask_smorest.Blueprint("api", "api", url_prefix="/api")

    @blueprint.route("/me")
    class Me(MethodView):
        decorators = [login_required]  # noqa: RUF012  # as its documentation writes it

        @blueprint.response(200)
        def get(self) -> Any:
            return {"user": current_user.get_id()}

    flask_smorest.Api(app).register_blueprint(blueprint)
    if handled:
        app.register_error_handler(401, as_it_is)
    return app, blueprint


def test_flask_smorest(level: Level) -> None:
    app, _ = smorest(level)
    walk(browser_of(app), stored=level.stored, guarded=["/api/me"])


@pytest.mark.parametrize("handled", [False, True])
def test_flask_smorest_words_a_refusal_itself_unless_it_is_told_not_to(
    level: Level, handled: bool
) -> None:
    app, blueprint = smorest(level, handled)
    app.login_manager.set_login_view(None, blueprint)  # type: ignore[attr-defined]  # ours
    answer = browser_of(app).get("/api/me", **JSON)
    if handled:
        assert_problem(answer)
    else:
        assert answer.status == 401
        assert '"code":401' in answer.text.replace(" ", "")
        assert "reason" not in answer.text
    assert browser_of(app).get("/guarded").location == "/login?next=%2Fguarded"


# APIFlask


def apiflask(level: Level, handled: bool = False) -> tuple[Flask, APIBlueprint]:
    app = APIFlask("site")
    make_site(level.store, app=app)
    blueprint = APIBlueprint("api", "api", url_prefix="/api")

    @blueprint.get("/me")
    @login_required
    def me() -> Any:
        return {"user": current_user.get_id()}

    app.register_blueprint(blueprint)
    if handled:
        app.register_error_handler(401, as_it_is)
    return app, blueprint


def test_apiflask(level: Level) -> None:
    app, _ = apiflask(level)
    walk(browser_of(app), stored=level.stored, guarded=["/api/me"])


@pytest.mark.parametrize("handled", [False, True])
def test_apiflask_words_a_refusal_itself_unless_it_is_told_not_to(
    level: Level, handled: bool
) -> None:
    app, blueprint = apiflask(level, handled)
    app.login_manager.set_login_view(None, blueprint)  # type: ignore[attr-defined]  # ours
    answer = browser_of(app).get("/api/me", **JSON)
    if handled:
        assert_problem(answer)
    else:
        assert answer.status == 401
        assert '"message"' in answer.text
        assert "reason" not in answer.text


# An answer of the application's own


@pytest.mark.parametrize("make", [smorest, apiflask])
def test_an_unauthorized_handler_answers_for_all_of_them(level: Level, make: Any) -> None:
    app, _ = make(level)
    app.login_manager.unauthorized_handler(lambda: ({"own": "words"}, 401))
    answer = browser_of(app).get("/api/me", **JSON)
    assert answer.status == 401
    assert '"own":"words"' in answer.text.replace(" ", "")
