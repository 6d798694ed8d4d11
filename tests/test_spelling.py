"""Misspelt names: told once, with the one that is meant; those of others are left alone."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from flask import Blueprint, Flask

from flask_login import LoginManager, login_required, spelling
from flask_login.core import settings
from flask_login.doctor import examine
from flask_login.spelling import ATTRIBUTES

CODES = {"misspelt_setting", "misspelt_attribute", "unknown_login_view"}


def site(**config: Any) -> Flask:
    app = Flask(__name__)
    app.secret_key = "a key of thirty-two random bytes"
    app.config.update(config)
    return app


def serve(app: Flask) -> None:
    app.add_url_rule("/page", view_func=lambda: "page", endpoint="page")
    assert app.test_client().get("/page").text == "page"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "flask_login" and record.levelno == logging.WARNING
    ]


def found(app: Flask) -> list[tuple[str, str, str]]:
    with app.app_context():
        return [
            (finding.level, finding.code, f"{finding.text} {finding.cure}")
            for finding in examine(app)
            if finding.code in CODES
        ]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("REMEMBER_COOKIE_DURATON", "REMEMBER_COOKIE_DURATION"),
        ("REMEMBER_COKIE_DURATOIN", "REMEMBER_COOKIE_DURATION"),
        ("LOGIN_IDLE_TIMOUT", "LOGIN_IDLE_TIMEOUT"),
        ("LOGIN_IDLE_TIME_OUT", "LOGIN_IDLE_TIMEOUT"),
        ("LOGIN_TIMEOUT_IDLE", "LOGIN_IDLE_TIMEOUT"),
        ("login_idle_timeout", "LOGIN_IDLE_TIMEOUT"),
        ("LOGIN_MAX_SESSION", "LOGIN_MAX_SESSIONS"),
        ("REMEMBER_COOKIE_HTTP_ONLY", "REMEMBER_COOKIE_HTTPONLY"),
        ("SESION_PROTECTION", "SESSION_PROTECTION"),
        ("LOGIN_REQUIRED_BY_DEFUALT", "LOGIN_REQUIRED_BY_DEFAULT"),
        ("LOGIN_PROFIL", "LOGIN_PROFILE"),
        ("LOGIN_DISABLE", "LOGIN_DISABLED"),
        ("FLASK_LOGIN_IDLE_TIMEOUT", "LOGIN_IDLE_TIMEOUT"),
        ("FLASK_REMEMBER_COOKIE_SECURE", "REMEMBER_COOKIE_SECURE"),
        ("LOGIN_SESSION_PROTECTION", "SESSION_PROTECTION"),
    ],
)
def test_a_misspelt_setting_is_told_once_with_the_one_that_is_meant(
    key: str, meant: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = site(**{key: "canary"})
    LoginManager(app)
    LoginManager(app, name="staff")
    text = f"app.config['{key}'] is no setting, and nothing reads it. Did you mean {meant}?"
    assert warnings(caplog) == [text]
    serve(app)
    assert warnings(caplog) == [text]
    assert found(app) == [("hint", "misspelt_setting", text)]


def test_a_key_of_the_environment_that_the_setting_was_read_from_is_no_misspelling(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = site(FLASK_LOGIN_IDLE_TIMEOUT="60", LOGIN_IDLE_TIMEOUT=60, FLASK_LOGIN_URL="/login")
    LoginManager(app)
    serve(app)
    assert warnings(caplog) == []
    assert found(app) == []


def test_a_setting_that_is_misspelt_after_init_app_is_told_at_the_first_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = site()
    LoginManager(app)
    app.config["LOGIN_IDLE_TIMOUT"] = timedelta(minutes=5)
    assert warnings(caplog) == []
    serve(app)
    assert ["Did you mean LOGIN_IDLE_TIMEOUT?" in text for text in warnings(caplog)] == [True]


@pytest.mark.parametrize(
    "key",
    [
        "LOGIN_URL",
        "LOGIN_VIEW",
        "LOGIN_MESSAGE",
        "LOGIN_ENABLED",
        "LOGIN_DISABLED_MESSAGE",
        "LOGIN_DISABLED_FOR_TESTS",
        "LOGIN_TIMEOUT",
        "LOGIN_PROVIDER",
        "LOGIN_REDIRECT_URL",
        "LOGIN_RATE_LIMIT",
        "SESSION_TYPE",
        "SESSION_COOKIE_NAME",
        "SESSION_PERMANENT",
        "REMEMBER_COOKIE_EXPIRES_BANNER",
        "SECURITY_LOGIN_URL",
        "SECURITY_REMEMBER_COOKIE_DURATION_DEFAULT",
        "WTF_CSRF_ENABLED",
        "SQLALCHEMY_DATABASE_URI",
        "JWT_COOKIE_SECURE",
        "RATELIMIT_ENABLED",
        "X",
    ],
)
def test_a_setting_of_another_extension_is_no_false_alarm(
    key: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = site(**{key: "value"})
    LoginManager(app)
    serve(app)
    assert (warnings(caplog), found(app)) == ([], [])


@pytest.mark.parametrize("value", [{}, ["aal1"], ("a",), {"a"}])
def test_a_key_that_holds_what_no_setting_does_is_the_application_s_own(
    value: object, caplog: pytest.LogCaptureFixture
) -> None:
    app = site(LOGIN_PROFILES=value)
    LoginManager(app)
    assert (warnings(caplog), found(app)) == ([], [])


def test_a_key_that_is_no_text_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    app = site()
    app.config[7] = "seven"
    LoginManager(app)
    assert warnings(caplog) == []


def test_an_application_starts_without_comparing_its_names_letter_by_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = []
    distance = spelling._distance

    def noting(one: str, other: str) -> int:
        compared.append((one, other))
        return distance(one, other)

    monkeypatch.setattr(spelling, "_distance", noting)
    spelling._meant.cache_clear()
    counts = []
    for _ in range(2):
        app = site(SQLALCHEMY_DATABASE_URI="sqlite://", MAIL_SERVER="a", CACHE_TYPE="simple")
        LoginManager(app)
        serve(app)
        counts.append(len(compared))
    # Whoever tests an application makes it anew for each test.
    assert counts[0] == counts[1] < 20


def test_no_setting_and_none_of_flask_is_taken_for_another() -> None:
    app = site(**{setting.key: setting.default for setting in settings.SETTINGS})
    LoginManager(app)
    assert [code for _, code, _ in found(app)] == []


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("loginview", "login", "login_view"),
        ("loginView", "login", "login_view"),
        ("login_veiw", "login", "login_view"),
        ("login_vew", None, "login_view"),
        ("refesh_view", "/again", "refresh_view"),
        ("login_mesage", "Hello", "login_message"),
        ("login_mesage", object(), "login_message"),
        ("unauthorised_callback", lambda: "no", "unauthorized_callback"),
        ("localise_callback", str, "localize_callback"),
        ("anonymous_users", dict, "anonymous_user"),
        ("session_protecton", "strong", "session_protection"),
        ("blueprint_login_view", {}, "blueprint_login_views"),
        ("view_login", "login", "login_view"),
    ],
)
@pytest.mark.parametrize("realm", [None, "staff"])
@pytest.mark.parametrize("when", ["before init_app", "after it", "on the class"])
def test_a_misspelt_attribute_is_told_once_with_the_one_that_is_meant(  # noqa: PLR0917  # parameters by name
    name: str,
    value: object,
    meant: str,
    realm: str | None,
    when: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = site()

    class OwnManager(LoginManager[Any]):
        pass

    if when == "on the class":
        if callable(value):
            value = None  # there it would be a method
        if name == "blueprint_login_view":
            value = {}
        setattr(OwnManager, name, value)
    manager = OwnManager(name=realm)
    if when == "before init_app":
        setattr(manager, name, value)
    manager.init_app(app)
    if when == "after it":
        setattr(manager, name, value)
    serve(app)
    text = (
        f"'{name}' is no attribute of a LoginManager (of the realm '{realm or 'default'}'), and"
        f" nothing reads it. Did you mean {meant}?"
    )
    assert warnings(caplog) == [text]
    assert found(app) == [("hint", "misspelt_attribute", text)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app", None),
        ("db", object()),
        ("users", {}),
        ("login_views", {"shop": "shop.login"}),
        ("login_messages", ["Hello"]),
        ("login_form", "LoginForm"),
        ("login_url_for", len),
        ("logout_view", "logout"),
        ("logo_view", "logo"),
        ("user_callbacks", []),
        ("tenant", "shop"),
        ("_login_view", "login"),
        ("unauthorised_callbacks", []),
    ],
)
def test_an_attribute_of_the_application_s_own_is_no_false_alarm(
    name: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    app = site()
    manager = LoginManager[Any](app)
    setattr(manager, name, value)
    serve(app)
    assert (warnings(caplog), found(app)) == ([], [])


def test_the_methods_of_a_subclass_are_its_own(caplog: pytest.LogCaptureFixture) -> None:
    class OwnManager(LoginManager[Any]):
        @staticmethod
        def login_views() -> str:
            return "login"

        @property
        def login_viewer(self) -> str:
            return "login"

        def unauthorised_callback(self) -> str:
            return "no"

    app = site()
    OwnManager(app)
    serve(app)
    assert (warnings(caplog), found(app)) == ([], [])


def test_what_an_application_may_set_on_a_manager_is_what_a_misspelling_is_compared_with() -> None:
    manager = LoginManager[Any]()
    public = {name for name in vars(manager) if not name.startswith("_")}
    assert public - {*ATTRIBUTES} == {"realm", "keys", "current_user", "current_login"}
    assert {*ATTRIBUTES} - public == {"session_protection"}
    assert all(accepts(getattr(manager, name)) for name, accepts in ATTRIBUTES.items())


# ------------------------------------------------------------------ the login views


@pytest.mark.parametrize("name", ["login_view", "refresh_view", "a blueprint's"])
def test_a_login_view_that_is_no_endpoint_is_told_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = site()
    manager = LoginManager[Any](app)
    app.add_url_rule("/login", "auth.login", lambda: "")
    if name == "a blueprint's":
        name = "blueprint_login_views['shop']"
        manager.blueprint_login_views["shop"] = "auth.lgoin"
    else:
        setattr(manager, name, "auth.lgoin")
    serve(app)
    text = (
        f"{name} is 'auth.lgoin', and there is no such endpoint: whoever has to log in gets an"
        " error. Set it to an endpoint, a path that begins with / or a URL. Did you mean"
        " 'auth.login'?"
    )
    assert warnings(caplog) == [text]
    assert found(app) == [("error", "unknown_login_view", text)]


def test_a_login_view_that_is_like_no_endpoint_is_told_without_a_guess() -> None:
    app = site()
    LoginManager[Any](app).login_view = "enter_here"
    ((level, _, text),) = found(app)
    assert level == "error"
    assert text.endswith("or a URL.")


@pytest.mark.parametrize(
    "view", [None, "login", "shop.login", ".login", "/login", "https://id.example.org/login"]
)
def test_a_login_view_that_leads_somewhere_is_no_false_alarm(
    view: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    app = site()
    manager = LoginManager[Any](app)
    manager.login_view = view
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    shop.add_url_rule("/login", view_func=lambda: "", endpoint="login")
    app.register_blueprint(shop)
    app.add_url_rule("/login", "login", lambda: "")
    serve(app)
    assert (warnings(caplog), found(app)) == ([], [])


def test_an_application_that_builds_urls_of_others_knows_its_login_view(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = site()
    manager = LoginManager[Any](app)
    manager.login_view = "elsewhere.login"
    app.url_build_error_handlers.append(lambda *_: "https://id.example.org/login")
    app.add_url_rule("/guarded", view_func=login_required(lambda: ""), endpoint="guarded")
    manager.user_loader(lambda _: None)
    serve(app)
    assert (warnings(caplog), found(app)) == ([], [])
    location = app.test_client().get("/guarded").location
    assert location is not None
    assert location.startswith("https://id.example.org/login")
