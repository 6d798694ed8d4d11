from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, request
from tests.redirect_status import REDIRECT

from flask_login import (
    ConfigurationError,
    LoginManager,
    MemorySessionStore,
    UserMixin,
    login_required,
)
from flask_login.core import parsers
from flask_login.core import settings as config
from flask_login.core.settings import SETTINGS, Setting, check_settings
from flask_login.doctor import examine
from flask_login.testing import FrozenClock

YES_NO: list[tuple[object, object]] = [(True, True), (False, False), (1, True), (0, False)]
NO_YES_NO: list[object] = ["", "true", "False", "0", 2, -1, 0.5, [], object()]
#: What says neither yes nor no, in any spelling.
NEITHER: list[object] = ["maybe", "2", "truee", "on off", b"true", 2, -1, 0.5, [], object()]
SPELLED: list[tuple[object, object]] = [
    *((text, True) for text in ("true", "True", "YES", "yes", "on", "ON", "1", " true ", "1\n")),
    *((text, False) for text in ("false", "False", "FALSE", "no", "Off", "0", " 0", "False\n")),
]
BLANKS = ("", " ", "\n")
NO_TEXT: list[object] = [7, True, b"x", ["x"], object()]

DURATIONS: list[tuple[object, object]] = [
    (timedelta(hours=1), timedelta(hours=1)),
    (3600, timedelta(hours=1)),
]
NO_DURATIONS: list[object] = ["3600", "1 day", 1.5, Decimal(1), True, False, 10**20, object()]
NO_TIMEOUTS: list[object] = [*NO_DURATIONS, 0, -1, timedelta(0), timedelta(seconds=-1)]


def three_for_everybody(user: object) -> int:
    return 3


DEFAULTS: dict[str, object] = {
    "REMEMBER_COOKIE_NAME": "remember_token",
    "REMEMBER_COOKIE_DURATION": timedelta(days=365),
    "REMEMBER_COOKIE_DOMAIN": None,
    "REMEMBER_COOKIE_PATH": "/",
    "REMEMBER_COOKIE_SECURE": None,
    "REMEMBER_COOKIE_HTTPONLY": True,
    "REMEMBER_COOKIE_SAMESITE": "Lax",
    "REMEMBER_COOKIE_PARTITIONED": None,
    "REMEMBER_COOKIE_REFRESH_EACH_REQUEST": False,
    "REMEMBER_COOKIE_ENABLED": True,
    "REMEMBER_COOKIE_ACCEPT_LEGACY": True,
    "LOGIN_COOKIE_NAME": None,
    "SESSION_PROTECTION": "basic",
    "USE_SESSION_FOR_NEXT": False,
    "FORCE_HOST_FOR_REDIRECTS": None,
    "LOGIN_DISABLED": False,
    "LOGIN_CLEAR_SITE_DATA": False,
    "LOGIN_ROTATE_CSRF_TOKEN": False,
    "LOGIN_UNAUTHORIZED_RESPONSE": "negotiate",
    "LOGIN_REQUIRED_BY_DEFAULT": False,
    "LOGIN_GUARD_OPTIONS": False,
    "LOGIN_IDLE_TIMEOUT": None,
    "LOGIN_ABSOLUTE_TIMEOUT": None,
    "LOGIN_FRESH_TIMEOUT": None,
    "LOGIN_TOUCH_INTERVAL": timedelta(seconds=60),
    "LOGIN_RENEW_INTERVAL": None,
    "LOGIN_STATE": "session",
    "LOGIN_PENDING_TIMEOUT": timedelta(minutes=10),
    "LOGIN_UNKNOWN_USER_GRACE": timedelta(minutes=10),
    "LOGIN_OUTAGE_TRUST": None,
    "LOGIN_MAX_SESSIONS": None,
    "LOGIN_MAX_SESSIONS_POLICY": "evict_oldest",
    "LOGIN_PROFILE": None,
}

# What is written in app.config, and what it means.
ACCEPTED: dict[str, list[tuple[object, object]]] = {
    "REMEMBER_COOKIE_NAME": [("rt", "rt"), ("my-app.rt_2", "my-app.rt_2")],
    "REMEMBER_COOKIE_DURATION": [
        (timedelta(hours=1), timedelta(hours=1)),
        (3600, timedelta(hours=1)),
        (timedelta.max, timedelta.max),
        (None, timedelta(days=365)),
    ],
    "REMEMBER_COOKIE_DOMAIN": [(".example.com", ".example.com"), (None, None), ("", None)],
    "REMEMBER_COOKIE_PATH": [("/", "/"), ("/shop", "/shop"), (None, "/")],
    "REMEMBER_COOKIE_SECURE": [*YES_NO, (None, None)],
    "REMEMBER_COOKIE_HTTPONLY": [*YES_NO, (None, False)],
    "REMEMBER_COOKIE_SAMESITE": [
        ("Lax", "Lax"),
        ("Strict", "Strict"),
        ("None", "None"),
        (None, None),
    ],
    "REMEMBER_COOKIE_PARTITIONED": [*YES_NO, (None, None)],
    "REMEMBER_COOKIE_REFRESH_EACH_REQUEST": [*YES_NO, (None, False)],
    "REMEMBER_COOKIE_ENABLED": [*YES_NO, (None, False)],
    "REMEMBER_COOKIE_ACCEPT_LEGACY": [*YES_NO, (None, False)],
    "LOGIN_COOKIE_NAME": [("shop", "shop"), ("__Host-shop", "__Host-shop"), (None, None)],
    "SESSION_PROTECTION": [
        ("basic", "basic"),
        ("strong", "strong"),
        (None, None),
        (False, None),
        ("", None),
    ],
    "USE_SESSION_FOR_NEXT": [*YES_NO, (None, False)],
    "FORCE_HOST_FOR_REDIRECTS": [
        ("example.com:8443", "example.com:8443"),
        (None, None),
        ("", None),
    ],
    "LOGIN_DISABLED": [*YES_NO, (None, False)],
    "LOGIN_CLEAR_SITE_DATA": [*YES_NO, (None, False)],
    "LOGIN_ROTATE_CSRF_TOKEN": [*YES_NO, (None, False)],
    "LOGIN_UNAUTHORIZED_RESPONSE": [(mode, mode) for mode in ("negotiate", "redirect", "status")],
    "LOGIN_REQUIRED_BY_DEFAULT": [*YES_NO, (None, False)],
    "LOGIN_GUARD_OPTIONS": [*YES_NO, (None, False)],
    "LOGIN_IDLE_TIMEOUT": [*DURATIONS, (None, None)],
    "LOGIN_ABSOLUTE_TIMEOUT": [*DURATIONS, (None, None)],
    "LOGIN_FRESH_TIMEOUT": [*DURATIONS, (None, None)],
    "LOGIN_TOUCH_INTERVAL": [*DURATIONS, (0, timedelta(0))],
    "LOGIN_RENEW_INTERVAL": [
        *((timedelta(seconds=seconds), timedelta(seconds=seconds)) for seconds in (90, 900)),
        (90, timedelta(seconds=90)),
        (None, None),
    ],
    "LOGIN_STATE": [("session", "session"), ("cookie", "cookie")],
    "LOGIN_PENDING_TIMEOUT": DURATIONS,
    "LOGIN_UNKNOWN_USER_GRACE": [*DURATIONS, (timedelta(0), timedelta(0)), (0, timedelta(0))],
    "LOGIN_OUTAGE_TRUST": [*DURATIONS, (None, None)],
    "LOGIN_MAX_SESSIONS": [
        (1, 1),
        (100, 100),
        (three_for_everybody, three_for_everybody),
        (None, None),
    ],
    "LOGIN_MAX_SESSIONS_POLICY": [("evict_oldest", "evict_oldest"), ("deny", "deny")],
    "LOGIN_PROFILE": [("aal1", "aal1"), ("aal2", "aal2"), ("aal3", "aal3"), (None, None)],
}

REFUSED: dict[str, list[object]] = {
    "REMEMBER_COOKIE_NAME": ["a b", "a;b", "a=b", "a,b", 'a"b', "a\nb", "é", *NO_TEXT],
    "REMEMBER_COOKIE_DURATION": [
        *("1 day", "3600s", "1e3", "0x10", "3_600", "٣", "nan", "1,5", float("nan"), float("inf")),
        *(Decimal(1), True, False, 10**20, "9" * 30, "9" * 5000, object()),
    ],
    "REMEMBER_COOKIE_DOMAIN": [
        *("a;b", "a b", "a\r\nx", "..", "a/b", "a:b", "http://", ":5000", "ftp://a", "a:1:2"),
        *NO_TEXT,
    ],
    "REMEMBER_COOKIE_PATH": ["shop", "http://example.com/", *NO_TEXT],
    "REMEMBER_COOKIE_SECURE": NEITHER,
    "REMEMBER_COOKIE_HTTPONLY": NEITHER,
    "REMEMBER_COOKIE_SAMESITE": ["relaxed", "lax;", False, *NO_TEXT],
    "REMEMBER_COOKIE_PARTITIONED": NO_YES_NO,
    "REMEMBER_COOKIE_REFRESH_EACH_REQUEST": NEITHER,
    "REMEMBER_COOKIE_ENABLED": NO_YES_NO,
    "REMEMBER_COOKIE_ACCEPT_LEGACY": NO_YES_NO,
    "LOGIN_COOKIE_NAME": ["", " ", "a b", "a;b", "a=b", "a,b", 'a"b', "a\nb", "é", *NO_TEXT],
    "SESSION_PROTECTION": ["weak", "true", "on", True, 1, ["basic"], object()],
    "USE_SESSION_FOR_NEXT": NEITHER,
    "FORCE_HOST_FOR_REDIRECTS": ["e/vil", "http://a", "a:port", "a@b", "a\nb", *NO_TEXT],
    "LOGIN_DISABLED": NEITHER,
    "LOGIN_CLEAR_SITE_DATA": NO_YES_NO,
    "LOGIN_ROTATE_CSRF_TOKEN": NO_YES_NO,
    "LOGIN_UNAUTHORIZED_RESPONSE": [None, "", "Redirect", "401", True, object()],
    "LOGIN_REQUIRED_BY_DEFAULT": NO_YES_NO,
    "LOGIN_GUARD_OPTIONS": NO_YES_NO,
    "LOGIN_IDLE_TIMEOUT": NO_TIMEOUTS,
    "LOGIN_ABSOLUTE_TIMEOUT": NO_TIMEOUTS,
    "LOGIN_FRESH_TIMEOUT": NO_TIMEOUTS,
    "LOGIN_TOUCH_INTERVAL": NO_DURATIONS,
    "LOGIN_RENEW_INTERVAL": [89, timedelta(seconds=89), *NO_TIMEOUTS],
    "LOGIN_STATE": [None, "", "Cookie", "cookies", True, object()],
    "LOGIN_PENDING_TIMEOUT": [None, *NO_TIMEOUTS],
    "LOGIN_UNKNOWN_USER_GRACE": [None, True, -1, timedelta(seconds=-1), "10", 1.5],
    "LOGIN_OUTAGE_TRUST": NO_TIMEOUTS,
    "LOGIN_MAX_SESSIONS": [0, -1, True, False, 1.5, "3", [], object()],
    "LOGIN_MAX_SESSIONS_POLICY": [None, "", "Deny", "evict", True, ["deny"], object()],
    "LOGIN_PROFILE": ["", "AAL1", "aal4", 2, True, object()],
}

# The settings that Flask-Login 0.6.3 had: what can mean one thing only, though it is written in
# another form.
TOLERATED: dict[str, list[tuple[object, object]]] = {
    "REMEMBER_COOKIE_NAME": [
        *((unset, "remember_token") for unset in (None, *BLANKS)),
        (" rt ", "rt"),
    ],
    "REMEMBER_COOKIE_DURATION": [
        *((blank, timedelta(days=365)) for blank in BLANKS),
        ("3600", timedelta(hours=1)),
        (" 3600\n", timedelta(hours=1)),
        ("3600.0", timedelta(hours=1)),
        ("1.5", timedelta(seconds=1.5)),
        (3600.0, timedelta(hours=1)),
        ("+60", timedelta(minutes=1)),
        ("-60", timedelta(minutes=-1)),
        ("0", timedelta(0)),
    ],
    "REMEMBER_COOKIE_DOMAIN": [
        ("example.com:5000", "example.com"),
        (".example.com:443", ".example.com"),
        ("localhost:5000", "localhost"),
        ("127.0.0.1:5000", "127.0.0.1"),
        ("https://example.com", "example.com"),
        ("http://example.com:8080/", "example.com"),
        (" example.com ", "example.com"),
        (" ", None),
    ],
    "REMEMBER_COOKIE_PATH": [*((blank, "/") for blank in BLANKS), (" /shop ", "/shop")],
    "REMEMBER_COOKIE_SECURE": [*SPELLED, *((text, None) for text in (*BLANKS, "None", "none"))],
    "REMEMBER_COOKIE_HTTPONLY": [*SPELLED, *((blank, True) for blank in BLANKS)],
    "REMEMBER_COOKIE_SAMESITE": [
        ("lax", "Lax"),
        ("STRICT", "Strict"),
        ("none", "None"),
        (" Lax ", "Lax"),
        *((blank, "Lax") for blank in BLANKS),
    ],
    "REMEMBER_COOKIE_REFRESH_EACH_REQUEST": [*SPELLED, *((blank, False) for blank in BLANKS)],
    "SESSION_PROTECTION": [
        ("Strong", "strong"),
        ("BASIC", "basic"),
        (" strong ", "strong"),
        ("None", None),
        ("off", None),
        ("False", None),
        ("0", None),
        (" ", "basic"),
    ],
    "USE_SESSION_FOR_NEXT": [*SPELLED, *((blank, False) for blank in BLANKS)],
    "FORCE_HOST_FOR_REDIRECTS": [(" example.com\n", "example.com"), (" ", None)],
    "LOGIN_DISABLED": [*SPELLED, *((blank, False) for blank in BLANKS)],
}

BY_KEY = {setting.key: setting for setting in SETTINGS}
EACH_SETTING = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)


@pytest.fixture
def newest_flask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have partitioned cookies supported, whatever Flask runs the tests."""
    monkeypatch.setattr(parsers, "supports_partitioned", lambda: True)


def configured(**settings: object) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="secret", TESTING=True)
    app.config.update(settings)
    return app


# The table


def test_the_tables_of_this_file_cover_the_table_of_settings() -> None:
    keys = [setting.key for setting in SETTINGS]
    assert sorted(set(keys)) == sorted(keys)
    assert list(DEFAULTS) == list(ACCEPTED) == list(REFUSED) == keys
    assert list(TOLERATED) == [setting.key for setting in SETTINGS if setting.tolerate is not None]


@EACH_SETTING
def test_every_setting_says_what_it_means_and_what_it_accepts(setting: Setting[Any]) -> None:
    assert setting.key.isupper()
    assert setting.meaning.endswith(".")
    assert setting.accepted


@EACH_SETTING
def test_a_setting_that_is_not_there_has_its_default(setting: Setting[Any]) -> None:
    assert setting.default == DEFAULTS[setting.key]
    assert setting.read({}) == DEFAULTS[setting.key]
    assert setting.read(Flask(__name__).config) == DEFAULTS[setting.key]


@EACH_SETTING
def test_a_setting_s_default_is_itself_accepted(setting: Setting[Any]) -> None:
    assert setting.check(setting.default) == setting.default


@pytest.mark.usefixtures("newest_flask")
@pytest.mark.parametrize(
    ("key", "value", "meaning"),
    [(key, *pair) for key, pairs in ACCEPTED.items() for pair in pairs],
)
def test_an_accepted_value_passes_init_app_and_is_read_as_what_it_means(
    caplog: pytest.LogCaptureFixture, key: str, value: object, meaning: object
) -> None:
    app = configured(**{key: value})
    LoginManager(app, session_store=MemorySessionStore())  # `LOGIN_STATE` needs one
    assert caplog.records == []
    read = BY_KEY[key].read(app.config)
    assert read == meaning
    assert type(read) is type(meaning)


@pytest.mark.usefixtures("newest_flask")
@pytest.mark.parametrize(
    ("key", "value"),
    [(key, value) for key, values in REFUSED.items() if key not in TOLERATED for value in values],
)
def test_a_wrong_value_of_a_new_setting_fails_in_init_app_with_key_value_and_what_is_accepted(
    key: str, value: object
) -> None:
    app = configured(**{key: value})
    manager: LoginManager[Any] = LoginManager()
    with pytest.raises(ConfigurationError) as caught:
        manager.init_app(app)
    error = caught.value
    assert (error.key, error.value) == (key, value)
    assert error.accepted == BY_KEY[key].accepted
    # The text "False" is not to be taken for False, nor "30" for 30.
    text = f"{key} must be {error.accepted}, instead got: {value!r}"
    assert str(error) in {text, f"{text}. {error.cure}"}
    assert error.__suppress_context__ or error.__context__ is None
    assert "login" not in app.extensions
    assert not hasattr(app, "login_manager")


@pytest.mark.parametrize(
    ("key", "value", "meaning"),
    [(key, *pair) for key, pairs in TOLERATED.items() for pair in pairs],
)
def test_what_can_mean_one_thing_only_is_read_so_with_one_warning_that_says_what_to_write(
    caplog: pytest.LogCaptureFixture, key: str, value: object, meaning: object
) -> None:
    app = configured(**{key: value})
    LoginManager(app)
    read = BY_KEY[key].read(app.config)
    assert read == meaning
    assert type(read) is type(meaning)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("flask_login", "WARNING")
    assert record.getMessage() == f"{key} is {value!r}, read as {read!r}. Write {key} = {read!r}."
    (finding,) = (found for found in examine(app) if found.code == "odd_setting")
    assert finding.level == "hint"
    assert f"{finding.text} {finding.cure}" == record.getMessage()


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key in TOLERATED for value in REFUSED[key]]
)
def test_a_wrong_value_that_0_6_3_let_pass_is_an_error_in_the_log_and_raises_where_it_is_used(
    caplog: pytest.LogCaptureFixture, key: str, value: object
) -> None:
    app = configured(**{key: value})
    app.add_url_rule("/public", "public", lambda: "hello")
    LoginManager(app)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("flask_login", "ERROR")
    with pytest.raises(ConfigurationError) as caught:
        BY_KEY[key].read(app.config)
    error = caught.value
    assert (error.key, error.value, error.accepted) == (key, value, BY_KEY[key].accepted)
    assert error.__suppress_context__ or error.__context__ is None
    # The text "False" is not to be taken for False. Of a duration digits stand as they ever did.
    bare = key == "REMEMBER_COOKIE_DURATION" and str(value).isdigit()
    shown = value if bare else repr(value)
    assert str(error) == f"{key} must be {error.accepted}, instead got: {shown}"
    assert record.getMessage().startswith(f"{error}. ")
    assert record.getMessage().endswith(f" Set it to {error.accepted}.")
    (finding,) = (found for found in examine(app) if found.code == "wrong_setting")
    assert (finding.level, finding.text) == ("error", f"{error}.")
    caplog.clear()
    assert app.test_client().get("/public").text == "hello"
    assert caplog.records == [], "it was told before"


def test_each_setting_is_told_once_for_an_application_however_many_managers_it_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = configured(LOGIN_DISABLED="no", REMEMBER_COOKIE_SECURE="maybe")
    manager: LoginManager[Any] = LoginManager(app)
    LoginManager(app, name="staff")
    manager.init_app(app)
    LoginManager(app)
    app.test_client().get("/")
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    caplog.clear()
    manager.init_app(configured(LOGIN_DISABLED="no"))
    assert len(caplog.records) == 1, "another application"


def test_a_setting_that_is_written_after_init_app_is_told_at_the_first_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = configured()
    LoginManager(app)
    app.config.update(REMEMBER_COOKIE_DURATION="3600", LOGIN_DISABLED="maybe")
    assert caplog.records == []
    client = app.test_client()
    for _ in range(2):
        client.get("/")
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_a_login_cookie_without_a_session_store_is_refused_with_what_to_do() -> None:
    app = configured(LOGIN_STATE="cookie")
    LoginManager(app, session_store=MemorySessionStore())
    with pytest.raises(
        ConfigurationError, match="^session_store must be given for LOGIN_STATE"
    ) as e:
        LoginManager(app, name="staff")
    assert "every realm" in e.value.cure
    assert app.extensions["login"].keys() == {"default"}


def test_a_login_cookie_and_trust_in_an_outage_are_refused_together() -> None:
    trust = timedelta(minutes=5)
    app = configured(LOGIN_STATE="cookie", LOGIN_OUTAGE_TRUST=trust)
    with pytest.raises(ConfigurationError, match="^LOGIN_OUTAGE_TRUST must be None with LOGIN_STA"):
        LoginManager(app, session_store=MemorySessionStore())
    for good in ({"LOGIN_OUTAGE_TRUST": None}, {"LOGIN_STATE": "session"}):
        LoginManager(configured(**{**app.config, **good}), session_store=MemorySessionStore())


@pytest.mark.parametrize("key", ["LOGIN_COOKIE_NAME", "LOGIN_STATE"])
def test_a_wrong_setting_of_the_login_cookie_that_is_set_later_is_found_once(key: str) -> None:
    app = configured(SECRET_KEY="6f1d0c9a8b7e4f3d2c1b0a9f8e7d6c5b")
    LoginManager(app)
    app.config[key] = "a b"
    found = [finding for finding in examine(app) if finding.code == "wrong_setting"]
    assert [finding.text.split()[0] for finding in found] == [key]


def test_the_constructor_checks_the_settings_too() -> None:
    with pytest.raises(ConfigurationError, match="^LOGIN_TOUCH_INTERVAL must be "):
        LoginManager(configured(LOGIN_TOUCH_INTERVAL="soon"))


def test_an_error_about_a_setting_shows_no_other_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LoginManager(configured(SECRET_KEY="canary", LOGIN_CLEAR_SITE_DATA="yes"))
    assert "canary" not in str(caught.value) + repr(caught.value)
    LoginManager(configured(SECRET_KEY="canary", LOGIN_DISABLED="maybe"))
    assert "canary" not in caplog.text


# Settings of the environment, over HTTP


LEVELS = pytest.mark.parametrize("store", [None, MemorySessionStore], ids=["signed", "stored"])


def shop(
    clock: FrozenClock, store: type[MemorySessionStore] | None = None, /, **settings: Any
) -> tuple[Flask, LoginManager[Any]]:
    """Return an application whose manager is of either level, with pages that use most settings."""
    app = configured(**settings)
    manager: LoginManager[Any] = LoginManager(
        app, session_store=None if store is None else store(), clock=clock
    )
    user = UserMixin()
    user.id = "alice"  # type: ignore[attr-defined]  # as applications do
    manager.user_loader(lambda user_id: user if user_id == "alice" else None)
    manager.login_view = "/log-in"

    @app.get("/login")
    def login() -> str:
        return str(manager.login_user(user, remember="remember" in request.args))

    @app.get("/logout")
    def logout() -> str:
        return str(manager.logout_user())

    @app.get("/me")
    def me() -> str:
        return manager.current_user.get_id() or "nobody"

    @app.get("/page")
    @manager.login_required
    def page() -> str:
        return "page"

    @app.get("/public")
    def public() -> str:
        return "hello"

    return app, manager


@LEVELS
@pytest.mark.parametrize(("text", "passes"), [*SPELLED, *((blank, False) for blank in BLANKS)])
def test_guards_are_switched_off_only_by_a_text_that_says_so(
    clock: FrozenClock, store: Any, text: object, passes: bool
) -> None:
    app, _ = shop(clock, store, LOGIN_DISABLED=text)
    assert app.test_client().get("/page").status_code == (200 if passes else REDIRECT)


@LEVELS
@pytest.mark.parametrize("value", NEITHER)
def test_an_unreadable_login_disabled_opens_nothing(
    clock: FrozenClock, store: Any, value: object
) -> None:
    app, _ = shop(clock, store, LOGIN_DISABLED=value)
    app.testing = False
    client = app.test_client()
    assert client.get("/public").text == "hello"
    assert client.get("/page").status_code != 200
    assert client.get("/login").text == "True"
    assert client.get("/me").text == "alice"


@pytest.mark.parametrize("kind", ["login", "fresh", "when", "staff", "by default"])
@pytest.mark.parametrize(
    ("text", "status"), [("False", 401), (" off\n", 401), ("", 401), ("true", 200), ("maybe", 500)]
)
def test_every_kind_of_guard_reads_a_text_the_same(kind: str, text: str, status: int) -> None:
    app = configured(LOGIN_DISABLED=text, LOGIN_REQUIRED_BY_DEFAULT=kind == "by default")
    app.testing = False
    manager: LoginManager[Any] = LoginManager(app)
    staff: LoginManager[Any] = LoginManager(app, name="staff")
    for each in (manager, staff):
        each.user_loader(lambda _: None)
    guards: dict[str, Any] = {
        "login": manager.login_required,
        "fresh": manager.fresh_login_required,
        "when": manager.login_required(when=lambda user: True),
        "staff": staff.login_required,
        "by default": lambda view: view,
    }
    app.add_url_rule("/page", "page", guards[kind](lambda: "page"))
    assert app.test_client().get("/page").status_code == status


@LEVELS
def test_a_duration_that_is_left_a_text_is_how_long_somebody_is_remembered(
    clock: FrozenClock, store: Any
) -> None:
    app, _ = shop(clock, store, REMEMBER_COOKIE_DURATION="3600")
    client = app.test_client()
    client.get("/login?remember")
    client.delete_cookie("session")
    clock.advance(timedelta(minutes=59))
    assert client.get("/me").text == "alice"
    client.delete_cookie("session")
    clock.advance(timedelta(minutes=1))
    assert client.get("/me").text == "nobody"


@LEVELS
@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("REMEMBER_COOKIE_NAME", None, "remember_token="),
        ("REMEMBER_COOKIE_DOMAIN", "localhost:5000", "; Domain=localhost;"),
        ("REMEMBER_COOKIE_PATH", "", "; Path=/;"),
        ("REMEMBER_COOKIE_SECURE", "true", "; Secure;"),
        ("REMEMBER_COOKIE_HTTPONLY", "yes", "; HttpOnly;"),
        ("REMEMBER_COOKIE_SAMESITE", "strict", "; SameSite=Strict;"),
    ],
)
def test_a_remember_cookie_of_settings_from_the_environment_is_set_kept_and_deleted(
    clock: FrozenClock, store: Any, key: str, value: object, expected: str
) -> None:
    app, _ = shop(clock, store, **{key: value})
    there = {"base_url": "https://localhost"}
    client = app.test_client()
    cookies = client.get("/login?remember", **there).headers.getlist("Set-Cookie")
    (cookie,) = (header for header in cookies if not header.startswith("session="))
    assert expected in f"{cookie};"
    client.delete_cookie("session")
    assert client.get("/me", **there).text == "alice"
    client.get("/logout", **there)
    assert client.get("/me", **there).text == "nobody"


@pytest.mark.parametrize("key", ["REMEMBER_COOKIE_SECURE", "REMEMBER_COOKIE_HTTPONLY"])
def test_an_attribute_that_a_text_switches_off_is_off(clock: FrozenClock, key: str) -> None:
    app, _ = shop(clock, **{key: "False"})
    cookie = remember_cookie(app, "/login?remember", base_url="https://localhost")
    assert key.removeprefix("REMEMBER_COOKIE_").title().replace("only", "Only") not in cookie


@LEVELS
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("REMEMBER_COOKIE_DURATION", "a year"),
        ("REMEMBER_COOKIE_DOMAIN", "a b"),
        ("REMEMBER_COOKIE_PATH", "shop"),
        ("REMEMBER_COOKIE_PATH", ["/shop"]),  # no key of a cache
        ("REMEMBER_COOKIE_SECURE", "maybe"),
        ("REMEMBER_COOKIE_HTTPONLY", 2),
        ("REMEMBER_COOKIE_SAMESITE", "relaxed"),
        ("REMEMBER_COOKIE_NAME", "session"),
        ("REMEMBER_COOKIE_NAME", "__Host-rt"),
    ],
)
def test_a_cookie_setting_that_means_nothing_fails_the_login_that_needs_it_and_changes_nothing(
    clock: FrozenClock, store: Any, key: str, value: object
) -> None:
    app, manager = shop(clock, store, **{key: value})
    client = app.test_client()
    assert client.get("/public").text == "hello"
    with pytest.raises(ConfigurationError, match="^REMEMBER_COOKIE_"):
        client.get("/login?remember")
    assert client.get("/me").text == "nobody"
    if store is not None:
        with app.app_context():
            assert list(manager.sessions.list("alice")) == []
    assert client.get("/login").text == "True"
    assert client.get("/me").text == "alice"


def test_use_session_for_next_is_read_from_a_text(clock: FrozenClock) -> None:
    for text, location in (("False", "/log-in?next=%2Fpage"), ("True", "/log-in")):
        app, _ = shop(clock, USE_SESSION_FOR_NEXT=text)
        assert app.test_client().get("/page").location == location
    app, _ = shop(clock, USE_SESSION_FOR_NEXT="maybe")
    with pytest.raises(ConfigurationError, match="^USE_SESSION_FOR_NEXT must be "):
        app.test_client().get("/page")


def test_a_remember_token_s_time_begins_again_where_a_text_says_so(clock: FrozenClock) -> None:
    for text, renewed in (("no", False), ("on", True)):
        app, _ = shop(clock, REMEMBER_COOKIE_REFRESH_EACH_REQUEST=text)
        client = app.test_client()
        client.get("/login?remember")
        clock.advance(timedelta(days=1))
        assert ("Set-Cookie" in client.get("/me").headers) is renewed


@LEVELS
def test_a_mode_of_session_protection_in_capitals_holds(clock: FrozenClock, store: Any) -> None:
    app, _ = shop(clock, store, SESSION_PROTECTION="Strong")
    client = app.test_client()
    client.get("/login", headers={"User-Agent": "one"})
    assert client.get("/me", headers={"User-Agent": "another"}).text == "nobody"


@LEVELS
def test_a_mode_of_session_protection_that_there_is_not_lets_no_other_client_in(
    clock: FrozenClock, store: Any
) -> None:
    app, _ = shop(clock, store, SESSION_PROTECTION="paranoid")
    client = app.test_client()
    client.get("/login", headers={"User-Agent": "one"})
    assert client.get("/page", headers={"User-Agent": "one"}).text == "page"
    with pytest.raises(ConfigurationError, match="^SESSION_PROTECTION must be "):
        client.get("/page", headers={"User-Agent": "another"})


@pytest.mark.parametrize("profile", ["aal1", "aal2", "aal3"])
def test_an_empty_text_leaves_a_setting_to_the_profile(profile: str) -> None:
    app = configured(LOGIN_PROFILE=profile, REMEMBER_COOKIE_SECURE="", REMEMBER_COOKIE_DURATION=" ")
    LoginManager(app)
    assert app.config["REMEMBER_COOKIE_SECURE"] is True
    read = BY_KEY["REMEMBER_COOKIE_DURATION"].read(app.config)
    assert read == (timedelta(days=30) if profile == "aal1" else timedelta(days=365))


# Partitioned cookies


def test_on_an_old_flask_a_partitioned_cookie_is_refused_with_the_version_and_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parsers, "supports_partitioned", lambda: False)
    monkeypatch.setattr(parsers, "_flask_version", lambda: "3.0.3")
    with pytest.raises(ConfigurationError) as caught:
        LoginManager(configured(REMEMBER_COOKIE_PARTITIONED=True))
    assert caught.value.key == "REMEMBER_COOKIE_PARTITIONED"
    assert caught.value.value is True
    for part in ("3.0.3", "Flask >= 3.1", "pip install"):
        assert part in str(caught.value)


@pytest.mark.parametrize("value", [False, None])
def test_an_old_flask_accepts_that_cookies_are_not_partitioned(
    monkeypatch: pytest.MonkeyPatch, value: bool | None
) -> None:
    monkeypatch.setattr(parsers, "supports_partitioned", lambda: False)
    LoginManager(configured(REMEMBER_COOKIE_PARTITIONED=value))


def test_partitioned_cookies_came_with_the_flask_that_has_them_for_its_session() -> None:
    assert config.supports_partitioned() == ("SESSION_COOKIE_PARTITIONED" in Flask("app").config)


def test_the_installed_flask_is_asked_for_its_version() -> None:
    assert parsers._flask_version()[0].isdigit()


# Cookie name prefixes

HOST = ["__Host-rt", "__host-rt", "__HOST-rt", "__hOsT-rt"]
SECURE = ["__Secure-rt", "__secure-rt", "__SECURE-rt"]


@pytest.mark.parametrize("name", HOST + SECURE)
@pytest.mark.parametrize("key", ["REMEMBER_COOKIE_SECURE", "SESSION_COOKIE_SECURE"])
def test_a_prefixed_name_is_accepted_when_the_cookie_is_what_it_promises(
    name: str, key: str
) -> None:
    LoginManager(configured(**{"REMEMBER_COOKIE_NAME": name, key: True}))


@pytest.mark.parametrize("name", HOST + SECURE)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"REMEMBER_COOKIE_SECURE": False},
        {"REMEMBER_COOKIE_SECURE": False, "SESSION_COOKIE_SECURE": True},
        {"REMEMBER_COOKIE_SECURE": None, "SESSION_COOKIE_SECURE": False},
    ],
)
def test_a_prefixed_name_needs_a_secure_cookie(
    caplog: pytest.LogCaptureFixture, clock: FrozenClock, name: str, settings: dict[str, object]
) -> None:
    app, _ = shop(clock, REMEMBER_COOKIE_NAME=name, **settings)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    says = f"REMEMBER_COOKIE_SECURE must be True.*{name}"
    assert re.match(says, record.getMessage())
    with pytest.raises(ConfigurationError, match=says):
        app.test_client().get("/login?remember")


def test_a_prefixed_name_is_good_for_a_request_by_https_if_nothing_else_is_said(
    clock: FrozenClock,
) -> None:
    app, _ = shop(clock, REMEMBER_COOKIE_NAME="__Host-rt")
    cookie = remember_cookie(app, "/login?remember", base_url="https://localhost")
    assert cookie.startswith("__Host-rt=")
    assert "; Secure" in cookie


@pytest.mark.parametrize("name", HOST)
@pytest.mark.parametrize(
    ("key", "value", "accepted"),
    [
        ("REMEMBER_COOKIE_PATH", "/shop", "'/'"),
        ("REMEMBER_COOKIE_DOMAIN", "example.com", "None"),
    ],
)
def test_a_host_prefix_needs_the_whole_host_and_no_more(
    *,
    caplog: pytest.LogCaptureFixture,
    clock: FrozenClock,
    name: str,
    key: str,
    value: str,
    accepted: str,
) -> None:
    settings = {"REMEMBER_COOKIE_NAME": name, "REMEMBER_COOKIE_SECURE": True, key: value}
    app, _ = shop(clock, **settings)
    with pytest.raises(ConfigurationError) as caught:
        app.test_client().get("/login?remember")
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage().startswith(str(caught.value))
    assert (caught.value.key, caught.value.value) == (key, value)
    assert caught.value.accepted.startswith(accepted)
    assert name in str(caught.value)
    assert value in str(caught.value)


@pytest.mark.parametrize("name", SECURE)
def test_a_secure_prefix_leaves_path_and_domain_free(name: str) -> None:
    LoginManager(
        configured(
            REMEMBER_COOKIE_NAME=name,
            REMEMBER_COOKIE_SECURE=True,
            REMEMBER_COOKIE_PATH="/shop",
            REMEMBER_COOKIE_DOMAIN="example.com",
        )
    )


@pytest.mark.parametrize("name", ["_Host-rt", "Host-rt", "__Host", "__Hostrt", "x__Host-rt"])
def test_a_name_without_the_whole_prefix_promises_nothing(name: str) -> None:
    LoginManager(configured(REMEMBER_COOKIE_NAME=name, REMEMBER_COOKIE_PATH="/shop"))


# Settings that contradict each other


def test_the_remember_cookie_may_not_be_named_as_the_session_cookie(
    caplog: pytest.LogCaptureFixture,
) -> None:
    LoginManager(configured(SESSION_COOKIE_NAME="remember"))
    assert caplog.records == []
    app = configured(REMEMBER_COOKIE_NAME="session")
    LoginManager(app)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    text = "REMEMBER_COOKIE_NAME must be a name other than SESSION_COOKIE_NAME"
    assert record.getMessage().startswith(text)
    assert any(found.text.startswith(text) for found in examine(app))


@pytest.mark.parametrize(
    ("same_site", "secure", "warnings"),
    [("None", False, 1), ("None", None, 0), ("None", True, 0), ("Lax", False, 0), (None, False, 0)],
)
def test_a_cookie_that_browsers_would_drop_is_logged_with_the_cure(
    caplog: pytest.LogCaptureFixture, same_site: str | None, secure: bool | None, warnings: int
) -> None:
    LoginManager(configured(REMEMBER_COOKIE_SAMESITE=same_site, REMEMBER_COOKIE_SECURE=secure))
    assert len(caplog.records) == warnings
    for record in caplog.records:
        assert (record.name, record.levelname) == ("flask_login", "WARNING")
        assert "Set REMEMBER_COOKIE_SECURE to True." in record.getMessage()


@pytest.mark.parametrize("fallbacks", ["canary", b"canary"])
def test_fallback_keys_that_are_one_text_are_refused_without_showing_them(
    fallbacks: str | bytes,
) -> None:
    app = configured(SECRET_KEY_FALLBACKS=fallbacks)
    with pytest.raises(ConfigurationError, match="a list of keys") as caught:
        LoginManager(app)
    error = caught.value
    assert error.key == "SECRET_KEY_FALLBACKS"
    assert "canary" not in f"{error} {error!r} {error.args} {vars(error)}"
    assert "login" not in app.extensions


@pytest.mark.parametrize("fallbacks", [[""], ["canary", b""]])
def test_an_empty_fallback_key_with_which_anybody_could_sign_a_session_is_refused(
    fallbacks: list[str | bytes],
) -> None:
    with pytest.raises(ConfigurationError, match="instead got: 'an empty key'") as caught:
        LoginManager(configured(SECRET_KEY_FALLBACKS=fallbacks))
    assert "canary" not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("fallbacks", [None, [], (), ["old"], ("old", b"older")])
def test_fallback_keys_in_a_list_or_none_are_accepted(fallbacks: object) -> None:
    LoginManager(configured(SECRET_KEY_FALLBACKS=fallbacks))


def test_a_remember_cookie_without_path_and_duration_has_the_default_ones(
    running: Flask, clock: FrozenClock
) -> None:
    running.config.update(REMEMBER_COOKIE_PATH=None, REMEMBER_COOKIE_DURATION=None)
    cookie = remember_cookie(running)
    assert "; Path=/;" in f"{cookie};"
    expires = clock() + timedelta(days=365)
    assert f"Expires={expires:%a, %d %b %Y %H:%M:%S} GMT" in cookie


# Settings are read at use


@pytest.fixture
def running(app: Flask, login_manager: LoginManager[Any]) -> Flask:
    """An app with a guarded page, that has served its first request."""
    login_manager.login_view = "/log-in"

    @app.get("/page")
    @login_required
    def page() -> str:
        return "page"

    @app.get("/done")
    def done() -> str:
        return login_manager.safe_next_url("/home")

    app.test_client().get("/public")
    return app


def remember_cookie(app: Flask, path: str = "/login/alice?remember", **request: Any) -> str:
    """Return the ``Set-Cookie`` of the remember cookie at login."""
    response = app.test_client().get(path, **request)
    headers = response.headers.getlist("Set-Cookie")
    return next(header for header in headers if not header.startswith("session="))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("REMEMBER_COOKIE_NAME", "other", "other="),
        ("REMEMBER_COOKIE_DURATION", timedelta(days=31), "; Expires=Sun, 01 Feb 2026 00:00:00 GMT"),
        ("REMEMBER_COOKIE_DURATION", 3600, "; Expires=Thu, 01 Jan 2026 01:00:00 GMT"),
        ("REMEMBER_COOKIE_DOMAIN", "localhost.example", "; Domain=localhost.example"),
        ("REMEMBER_COOKIE_PATH", "/shop", "; Path=/shop"),
        ("REMEMBER_COOKIE_SECURE", True, "; Secure"),
        ("SESSION_COOKIE_SECURE", True, "; Secure"),
        ("REMEMBER_COOKIE_HTTPONLY", True, "; HttpOnly"),
        ("REMEMBER_COOKIE_SAMESITE", "strict", "; SameSite=Strict"),
    ],
)
def test_a_cookie_setting_that_is_changed_later_counts(
    running: Flask, key: str, value: object, expected: str
) -> None:
    running.config[key] = value
    assert expected in remember_cookie(running)


@pytest.mark.parametrize(
    ("key", "value", "absent"),
    [
        ("REMEMBER_COOKIE_SECURE", False, "Secure"),
        ("REMEMBER_COOKIE_HTTPONLY", False, "HttpOnly"),
        ("REMEMBER_COOKIE_SAMESITE", None, "SameSite"),
        ("REMEMBER_COOKIE_PARTITIONED", False, "Partitioned"),
    ],
)
def test_a_cookie_attribute_that_is_switched_off_later_is_gone(
    running: Flask, key: str, value: object, absent: str
) -> None:
    running.config[key] = value
    assert absent not in remember_cookie(running, base_url="https://localhost")


def test_partitioned_cookies_can_be_switched_on_later(running: Flask) -> None:
    if not config.supports_partitioned():
        pytest.skip("this Flask has no partitioned cookies")
    running.config["REMEMBER_COOKIE_PARTITIONED"] = True
    assert "; Partitioned" in remember_cookie(running, base_url="https://localhost")


def test_refreshing_at_each_request_can_be_switched_on_later(
    running: Flask, clock: FrozenClock
) -> None:
    client = running.test_client()
    client.get("/login/alice?remember")
    clock.advance(timedelta(days=1))
    assert "Set-Cookie" not in client.get("/me").headers
    running.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True
    assert "remember_token=" in client.get("/me").headers["Set-Cookie"]


def test_old_remember_cookies_can_be_refused_later(running: Flask) -> None:
    from flask_login import encode_cookie

    with running.app_context():
        old = encode_cookie("alice")
    for accept, user in ((True, "alice"), (False, "nobody")):
        running.config["REMEMBER_COOKIE_ACCEPT_LEGACY"] = accept
        client = running.test_client()
        client.set_cookie("remember_token", old)
        assert client.get("/me").text == user


@pytest.mark.parametrize(("mode", "user"), [("basic", "alice"), ("strong", "nobody")])
def test_session_protection_in_the_settings_wins_over_the_manager_s_attribute(
    running: Flask, login_manager: LoginManager[Any], mode: str, user: str
) -> None:
    login_manager.session_protection = "strong" if mode == "basic" else "basic"
    client = running.test_client()
    client.get("/login/alice", headers={"User-Agent": "one"})
    running.config["SESSION_PROTECTION"] = mode
    assert client.get("/me", headers={"User-Agent": "another"}).text == user


def test_use_session_for_next_can_be_switched_on_later(running: Flask) -> None:
    client = running.test_client()
    assert client.get("/page").location == "/log-in?next=%2Fpage"
    running.config["USE_SESSION_FOR_NEXT"] = True
    assert client.get("/page").location == "/log-in"
    assert client.get("/done").text == "/page"


def test_force_host_for_redirects_can_be_set_later(running: Flask) -> None:
    running.config["FORCE_HOST_FOR_REDIRECTS"] = "example.com"
    location = running.test_client().get("/page").location
    assert location == "//example.com/log-in?next=%2Fpage"


def test_login_disabled_can_be_set_later(running: Flask) -> None:
    running.config["LOGIN_DISABLED"] = True
    assert running.test_client().get("/page").text == "page"


def test_clear_site_data_can_be_switched_on_later(running: Flask) -> None:
    client = running.test_client()
    client.get("/login/alice")
    running.config["LOGIN_CLEAR_SITE_DATA"] = True
    header = client.get("/logout").headers["Clear-Site-Data"]
    assert header == '"cache", "storage"'


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("REMEMBER_COOKIE_DURATION", "/login/alice?remember"),
        ("REMEMBER_COOKIE_SECURE", "/login/alice?remember"),
        ("SESSION_PROTECTION", "/login/alice"),
        ("USE_SESSION_FOR_NEXT", "/page"),
        ("FORCE_HOST_FOR_REDIRECTS", "/page"),
        ("LOGIN_DISABLED", "/page"),
    ],
)
def test_a_wrong_value_that_is_set_later_is_named_at_use(
    running: Flask, key: str, path: str
) -> None:
    running.config[key] = object()
    client = running.test_client()
    with pytest.raises(ConfigurationError, match=f"^{key} must be "):  # noqa: PT012  # two requests
        client.get(path)
        client.get("/me", headers={"User-Agent": "another"})


def test_check_settings_needs_no_app() -> None:
    check_settings({})
    check_settings({"REMEMBER_COOKIE_NAME": "rt", "SOMETHING_ELSE": object()})
    assert config.remarks({"REMEMBER_COOKIE_NAME": "rt", "SOMETHING_ELSE": object()}) == []
    with pytest.raises(ConfigurationError):
        check_settings({"LOGIN_TOUCH_INTERVAL": ""})


# The constants of old


def test_the_constants_that_applications_import_are_the_defaults() -> None:
    assert config.COOKIE_NAME == DEFAULTS["REMEMBER_COOKIE_NAME"]
    assert config.COOKIE_DURATION == DEFAULTS["REMEMBER_COOKIE_DURATION"]
    assert config.COOKIE_SECURE == DEFAULTS["REMEMBER_COOKIE_SECURE"]
    assert config.COOKIE_HTTPONLY == DEFAULTS["REMEMBER_COOKIE_HTTPONLY"]
    assert config.COOKIE_SAMESITE == DEFAULTS["REMEMBER_COOKIE_SAMESITE"]
    assert config.USE_SESSION_FOR_NEXT == DEFAULTS["USE_SESSION_FOR_NEXT"]
    assert config.LOGIN_MESSAGE == "Please log in to access this page."
    assert config.LOGIN_MESSAGE_CATEGORY == "message"
    assert config.REFRESH_MESSAGE == "Please reauthenticate to access this page."
    assert config.REFRESH_MESSAGE_CATEGORY == "message"
    assert config.ID_ATTRIBUTE == "get_id"
    assert config.AUTH_HEADER_NAME == "Authorization"
    assert config.EXEMPT_METHODS == {"OPTIONS"}
    assert config.SESSION_KEYS >= {
        "_user_id",
        "_remember",
        "_remember_seconds",
        "_id",
        "_fresh",
        "next",
    }


@pytest.mark.parametrize(
    ("profile", "limits", "remembers"),
    [
        ("aal1", (timedelta(days=30), None), True),
        ("aal2", (timedelta(hours=24), timedelta(hours=1)), False),
        ("aal3", (timedelta(hours=12), timedelta(minutes=15)), False),
    ],
)
def test_a_profile_sets_what_nist_asks_at_its_level(
    make_app: Callable[..., Flask],
    clock: FrozenClock,
    profile: str,
    limits: tuple[timedelta, timedelta | None],
    remembers: bool,
) -> None:
    absolute, idle = limits
    app = make_app(LOGIN_PROFILE=profile)
    assert app.config["LOGIN_ABSOLUTE_TIMEOUT"] == absolute
    assert app.config.get("LOGIN_IDLE_TIMEOUT") == idle
    assert app.config["LOGIN_ROTATE_CSRF_TOKEN"] is True
    client = app.test_client()
    cookies = client.get("/login/alice?remember").headers.getlist("Set-Cookie")
    assert len(cookies) == (2 if remembers else 1)
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    clock.advance((idle or absolute) - timedelta(seconds=1))
    assert client.get("/me").text == "alice"
    clock.advance(idle or timedelta(seconds=1))
    assert client.get("/me").text == "nobody"


def test_a_profile_leaves_alone_what_the_application_says_itself(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(
        LOGIN_PROFILE="aal3",
        LOGIN_IDLE_TIMEOUT=timedelta(minutes=5),
        REMEMBER_COOKIE_ENABLED=True,
        SESSION_COOKIE_SAMESITE="Strict",
        LOGIN_ROTATE_CSRF_TOKEN=False,
    )
    assert app.config["LOGIN_ROTATE_CSRF_TOKEN"] is False
    assert app.config["LOGIN_IDLE_TIMEOUT"] == timedelta(minutes=5)
    assert app.config["LOGIN_ABSOLUTE_TIMEOUT"] == timedelta(hours=12)
    assert app.config["REMEMBER_COOKIE_ENABLED"] is True
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Strict"
