"""``flask login doctor``: what makes logins unsafe is found, and what is meant so is not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_login import LoginManager, MemorySessionStore, SessionStoreUnavailable, login_required
from flask_login.doctor import examine
from flask_login.doctor_checks import checks_made

#: A session cookie that goes over plain http can have no prefix.
PLAIN: dict[str, Any] = {"SESSION_COOKIE_SECURE": False, "SESSION_COOKIE_NAME": "session"}
KEY = "6f1d0c9a8b7e4f3d2c1b0a9f8e7d6c5b"

#: What a site on the internet says.
GOOD: dict[str, Any] = {
    "SECRET_KEY": KEY,
    "SESSION_COOKIE_NAME": "__Host-session",
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "PREFERRED_URL_SCHEME": "https",
    "REMEMBER_COOKIE_ACCEPT_LEGACY": False,
    "LOGIN_ROTATE_CSRF_TOKEN": True,
}


class SharedStore(MemorySessionStore):
    """Stands for a store on a server of its own."""

    kind = "shared"


class DownStore(SharedStore):
    def ping(self) -> None:
        raise SessionStoreUnavailable(self.kind, OSError("redis://user:canary@host"))


class UntoldStore(SharedStore):
    def ping(self) -> None:
        raise SessionStoreUnavailable(self.kind)


class BrokenStore(SharedStore):
    """Answers, but its tables are missing."""

    def get(self, session_id: str, **_: Any) -> None:
        raise LookupError("no such table at redis://user:canary@host")


class PlacedStore(SharedStore):
    def __init__(self, place: object) -> None:
        super().__init__()
        self._place = place

    def place(self) -> object:
        return self._place


class CacheStore(SharedStore):
    def __init__(self, policy: str | None) -> None:
        super().__init__()
        self._policy = policy

    def eviction_policy(self) -> str | None:
        return self._policy


@pytest.fixture(autouse=True)
def one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)


def wrap(app: Flask, middleware: Any) -> None:
    app.wsgi_app = middleware  # type: ignore[method-assign]  # as Flask documents it


def site(store: MemorySessionStore | None = None, **config: Any) -> Flask:
    app = Flask(__name__)
    app.config.update(GOOD)
    app.testing = True
    app.config.update(config)
    wrap(app, ProxyFix(app.wsgi_app))
    LoginManager(app, session_store=store)
    return app


def found(app: Flask) -> list[tuple[str, str]]:
    return [(finding.level, finding.code) for finding in examine(app)]


@pytest.mark.parametrize("store", [None, SharedStore(), PlacedStore("a"), CacheStore(None)])
def test_nothing_is_wrong_with_a_good_site(store: MemorySessionStore | None) -> None:
    assert found(site(store)) == []


@pytest.mark.parametrize(
    "config",
    [
        {"SECRET_KEY": bytes.fromhex(KEY)},
        {"SECRET_KEY": "correct horse battery staple"},
        {"SECRET_KEY_FALLBACKS": None},
        {"SECRET_KEY_FALLBACKS": []},
        {"SECRET_KEY_FALLBACKS": [KEY[::-1], bytes.fromhex(KEY)]},
        {"PREFERRED_URL_SCHEME": "http"},
        {"SESSION_COOKIE_SAMESITE": "Strict"},
        {"SESSION_COOKIE_SAMESITE": "None", "REMEMBER_COOKIE_SAMESITE": "None"},
        {"SESSION_COOKIE_HTTPONLY": True},
        {"REMEMBER_COOKIE_SECURE": True},
        {"REMEMBER_COOKIE_SECURE": None},
        {"REMEMBER_COOKIE_HTTPONLY": True},
        {"SESSION_PROTECTION": "basic"},
        {"SESSION_PROTECTION": "strong"},
        {"LOGIN_DISABLED": False},
        {"LOGIN_IDLE_TIMEOUT": timedelta(minutes=30)},
        # A prefix that the other settings are good for, and none where they are not.
        {"SESSION_COOKIE_NAME": "__HOST-shop", "SESSION_COOKIE_PATH": "/"},
        {"SESSION_COOKIE_NAME": "__Secure-shop", "SESSION_COOKIE_DOMAIN": "example.org"},
        {"SESSION_COOKIE_NAME": "shop", "SESSION_COOKIE_DOMAIN": "example.org"},
        {"SESSION_COOKIE_NAME": "shop", "APPLICATION_ROOT": "/shop"},
        # Without a store there is nothing to adopt them into.
        {"REMEMBER_COOKIE_ACCEPT_LEGACY": True},
    ],
    ids=str,
)
def test_a_setting_that_is_good_too_is_no_false_alarm(config: dict[str, Any]) -> None:
    assert found(site(**config)) == []


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        ({"SECRET_KEY": None}, ("error", "no_secret_key")),
        ({"SECRET_KEY": ""}, ("error", "no_secret_key")),
        ({"SECRET_KEY": "dev"}, ("error", "weak_secret_key")),
        ({"SECRET_KEY": b"dev"}, ("error", "weak_secret_key")),
        ({"SECRET_KEY": 12345}, ("error", "weak_secret_key")),
        ({"SECRET_KEY": "a" * 64}, ("error", "weak_secret_key")),
        ({"SECRET_KEY": "my-super-Secret-key-2026"}, ("error", "weak_secret_key")),
        ({"SECRET_KEY": b"Change me in production!"}, ("error", "weak_secret_key")),
        ({"SECRET_KEY_FALLBACKS": [KEY]}, ("hint", "current_key_is_fallback")),
        ({"SECRET_KEY_FALLBACKS": [KEY[::-1], "dev"]}, ("error", "weak_fallback_key")),
        ({"SECRET_KEY_FALLBACKS": (b"dev",)}, ("error", "weak_fallback_key")),
        (PLAIN, ("error", "insecure_session_cookie")),
        (
            {**PLAIN, "PREFERRED_URL_SCHEME": "http"},
            ("hint", "insecure_session_cookie"),
        ),
        (
            {
                **PLAIN,
                "PREFERRED_URL_SCHEME": "http",
                "REMEMBER_COOKIE_SECURE": True,
            },
            ("error", "insecure_session_cookie"),
        ),
        (
            {**PLAIN, "SESSION_COOKIE_SAMESITE": "none"},
            ("error", "same_site_none_insecure"),
        ),
        ({"SESSION_COOKIE_SAMESITE": None}, ("hint", "no_session_samesite")),
        ({"SESSION_COOKIE_HTTPONLY": False}, ("error", "session_cookie_readable")),
        ({"SESSION_COOKIE_HTTPONLY": 0}, ("error", "session_cookie_readable")),
        ({"SESSION_COOKIE_HTTPONLY": None}, ("error", "session_cookie_readable")),
        ({"SESSION_COOKIE_HTTPONLY": ""}, ("error", "session_cookie_readable")),
        ({"REMEMBER_COOKIE_SECURE": False}, ("error", "insecure_remember_cookie")),
        (
            {"REMEMBER_COOKIE_SECURE": False, "PREFERRED_URL_SCHEME": "http"},
            ("error", "insecure_remember_cookie"),
        ),
        (
            {"REMEMBER_COOKIE_SECURE": False, "REMEMBER_COOKIE_SAMESITE": "None"},
            ("error", "same_site_none_insecure"),
        ),
        ({"REMEMBER_COOKIE_HTTPONLY": False}, ("error", "remember_cookie_readable")),
        ({"REMEMBER_COOKIE_DOMAIN": "example.org"}, ("hint", "remember_cookie_elsewhere")),
        ({"REMEMBER_COOKIE_PATH": "/app"}, ("hint", "remember_cookie_elsewhere")),
        ({"LOGIN_DISABLED": True}, ("error", "login_disabled")),
        ({"LOGIN_ROTATE_CSRF_TOKEN": False}, ("hint", "csrf_token_kept")),
        ({"LOGIN_ROTATE_CSRF_TOKEN": None}, ("hint", "csrf_token_kept")),
        ({"DEBUG": True}, ("hint", "debug_mode")),
        # Wrong, or in another form than it should have.
        ({"REMEMBER_COOKIE_DURATION": "3600"}, ("hint", "odd_setting")),
        ({"REMEMBER_COOKIE_SECURE": "yes"}, ("hint", "odd_setting")),
        ({"REMEMBER_COOKIE_HTTPONLY": "on"}, ("hint", "odd_setting")),
        ({"LOGIN_DISABLED": "False"}, ("hint", "odd_setting")),
        ({"SESSION_PROTECTION": "Strong"}, ("hint", "odd_setting")),
        ({"REMEMBER_COOKIE_DURATION": "a year"}, ("error", "wrong_setting")),
        ({"LOGIN_DISABLED": "maybe"}, ("error", "wrong_setting")),
        ({"SESSION_PROTECTION": "paranoid"}, ("error", "wrong_setting")),
        ({"REMEMBER_COOKIE_NAME": "__Host-session"}, ("error", "wrong_setting")),
        ({"SESSION_PROTECTION": None}, ("hint", "no_session_protection")),
        ({"SESSION_PROTECTION": ""}, ("hint", "no_session_protection")),
        # The prefix of the session cookie's name.
        ({"SESSION_COOKIE_NAME": "session"}, ("hint", "session_cookie_unprefixed")),
        ({"SESSION_COOKIE_DOMAIN": "example.org"}, ("error", "session_cookie_prefix")),
        ({"SESSION_COOKIE_PATH": "/app"}, ("error", "session_cookie_prefix")),
        ({"APPLICATION_ROOT": "/app"}, ("error", "session_cookie_prefix")),
    ],
    ids=str,
)
def test_a_setting_that_is_unsafe_is_found_and_nothing_else(
    config: dict[str, Any], finding: tuple[str, str]
) -> None:
    assert found(site(**config)) == [finding]


def test_a_site_that_is_served_over_plain_http_gets_hints_for_it() -> None:
    app = site(**PLAIN, PREFERRED_URL_SCHEME="http")
    app.config["REMEMBER_COOKIE_SECURE"] = False
    assert found(app) == [("hint", "insecure_session_cookie"), ("hint", "insecure_remember_cookie")]


def test_a_weak_key_is_found_once_when_it_is_its_own_fallback() -> None:
    app = site(SECRET_KEY="dev", SECRET_KEY_FALLBACKS=["dev"])
    assert found(app) == [("error", "weak_secret_key"), ("hint", "current_key_is_fallback")]


def test_a_setting_that_became_wrong_after_init_app_is_found_and_the_rest_as_well() -> None:
    app = site(SharedStore())
    app.config.update(LOGIN_DISABLED="neither", REMEMBER_COOKIE_DURATION="a year", SECRET_KEY="dev")
    first, second, third = examine(app)
    assert {first.code, second.code} == {"wrong_setting"}
    assert "REMEMBER_COOKIE_DURATION must be a datetime.timedelta" in first.text
    assert first.cure == "Set it to a datetime.timedelta."
    assert "LOGIN_DISABLED" in second.text
    assert third.code == "weak_secret_key"


def test_a_new_setting_that_became_wrong_after_init_app_is_found() -> None:
    app = site()
    app.config["LOGIN_TOUCH_INTERVAL"] = "soon"
    (finding,) = examine(app)
    assert (finding.level, finding.code) == ("error", "wrong_setting")
    assert "LOGIN_TOUCH_INTERVAL must be" in finding.text


def test_a_text_that_switches_something_unsafe_on_is_found_as_that_too() -> None:
    assert found(site(LOGIN_DISABLED="on")) == [
        ("error", "login_disabled"),
        ("hint", "odd_setting"),
    ]
    assert found(site(SESSION_PROTECTION="off")) == [
        ("hint", "odd_setting"),
        ("hint", "no_session_protection"),
    ]


def test_protection_that_a_manager_switches_off_is_found_with_its_realm() -> None:
    app = site()
    staff = LoginManager(app, name="staff")
    staff.session_protection = None
    (finding,) = examine(app)
    assert (finding.level, finding.code) == ("hint", "no_session_protection")
    assert "'staff'" in finding.text
    assert "'default'" not in finding.text
    app.config["SESSION_PROTECTION"] = "basic"
    assert found(app) == [], "the setting wins"


def test_a_guard_above_its_route_is_found_before_anybody_comes() -> None:
    app = site()

    @login_required
    @app.get("/orders")
    def orders() -> str:
        return "for all to see"

    @app.get("/profile")
    @login_required
    def profile() -> str:
        return "mine"

    (finding,) = examine(app)
    assert (finding.level, finding.code) == ("error", "guard_above_route")
    assert "'orders'" in finding.text
    assert "'profile'" not in finding.text


def test_an_application_without_a_manager_is_examined_too() -> None:
    app = Flask(__name__)
    app.config.update(GOOD)
    assert found(app) == [("hint", "no_proxy_fix")]


@pytest.mark.parametrize("name", ["__Host-session", "__Secure-session", "__host-session"])
@pytest.mark.parametrize("state", ["session", "cookie"])
def test_a_prefix_that_the_session_cookie_does_not_keep_is_an_error(name: str, state: str) -> None:
    app = site(SharedStore(), SESSION_COOKIE_NAME=name, LOGIN_STATE=state)
    app.config.update(SESSION_COOKIE_SECURE=False, PREFERRED_URL_SCHEME="http")
    finding = examine(app)[0]
    assert (finding.level, finding.code) == ("error", "session_cookie_prefix")
    lost = "every session is lost" if state == "cookie" else "no user stays logged in"
    assert finding.text.endswith(f"browsers drop such a session cookie, and {lost}.")


# A login cookie


def cookie_site(store: MemorySessionStore | None = None, **config: Any) -> Flask:
    return site(store or SharedStore(), LOGIN_STATE="cookie", **config)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"LOGIN_COOKIE_NAME": "__Host-shop"},
        {"LOGIN_COOKIE_NAME": "__Host-shop", "SESSION_COOKIE_NAME": "__Host-shop_session"},
        {"LOGIN_COOKIE_NAME": "__Host-shop", **PLAIN, "PREFERRED_URL_SCHEME": "https"},
        {"SESSION_COOKIE_NAME": "__Secure-session"},
        {"SESSION_COOKIE_PATH": "/"},
    ],
    ids=str,
)
def test_a_login_cookie_that_is_good_is_no_false_alarm(config: dict[str, Any]) -> None:
    codes = {code for _, code in found(cookie_site(**config))}
    assert codes <= ({"insecure_session_cookie"} if "SESSION_COOKIE_SECURE" in config else set())


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"SESSION_COOKIE_NAME": "__Host-shop"}, "SESSION_COOKIE_NAME looks"),
        (
            {"SESSION_COOKIE_NAME": "__Secure-session", "SESSION_COOKIE_PATH": "/shop"},
            "_PATH looks",
        ),
        ({"SESSION_COOKIE_NAME": "__Secure-session", "APPLICATION_ROOT": "/shop"}, "_ROOT looks"),
        (
            {"SESSION_COOKIE_NAME": "__Secure-shop", "APPLICATION_ROOT": "/shop"},
            "SESSION_COOKIE_NAME and APPLICATION_ROOT look",
        ),
    ],
    ids=str,
)
def test_signs_of_another_application_on_the_host_ask_for_a_name_of_the_login_cookie(
    config: dict[str, Any], named: str
) -> None:
    app = cookie_site(**config)
    (finding,) = examine(app)
    assert (finding.level, finding.code) == ("hint", "login_cookie_shared")
    assert f"{named} as if several applications shared the host" in finding.text
    assert "LOGIN_COOKIE_NAME" in finding.cure
    app.config["LOGIN_COOKIE_NAME"] = "__Host-shop-login"
    assert found(app) == []
    app.config.update(LOGIN_STATE="session", LOGIN_COOKIE_NAME=None)
    assert found(app) == [], "there is no login cookie"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"LOGIN_COOKIE_NAME": "__Host-session"}, "a name that no other cookie has"),
        ({"LOGIN_COOKIE_NAME": "remember_token"}, "a name that no other cookie has"),
        ({"LOGIN_COOKIE_NAME": "__Host-login", **PLAIN, "PREFERRED_URL_SCHEME": "http"}, "prefix"),
        ({"LOGIN_COOKIE_NAME": "a b"}, "LOGIN_COOKIE_NAME must be a cookie name"),
        ({"REMEMBER_COOKIE_NAME": "a b"}, "REMEMBER_COOKIE_NAME must be"),
        ({"LOGIN_OUTAGE_TRUST": 60}, "LOGIN_OUTAGE_TRUST must be None with LOGIN_STATE"),
        ({"LOGIN_OUTAGE_TRUST": "long"}, "LOGIN_OUTAGE_TRUST must be a datetime.timedelta"),
    ],
    ids=str,
)
def test_a_setting_that_the_login_cookie_can_not_have_is_found_once(
    config: dict[str, Any], text: str
) -> None:
    app = cookie_site()
    app.config.update(config)
    finding, *others = examine(app)
    assert (finding.level, finding.code) == ("error", "wrong_setting")
    assert text in finding.text
    assert {other.code for other in others} <= {"insecure_session_cookie"}


def test_a_realm_without_a_store_is_found_where_logins_have_a_cookie_of_their_own() -> None:
    app = site(SharedStore())
    LoginManager(app, name="staff")
    app.config["LOGIN_STATE"] = "cookie"
    (finding,) = examine(app)
    assert (finding.level, finding.code) == ("error", "wrong_setting")
    assert finding.text.startswith("session_store must be given for LOGIN_STATE = 'cookie'")


def test_protection_that_is_off_leaves_a_copied_login_cookie_fresh() -> None:
    (finding,) = examine(cookie_site(SESSION_PROTECTION=None))
    assert finding.code == "no_session_protection"
    assert "a copied login cookie stays fresh" in finding.text


# The store


@pytest.mark.parametrize(
    ("environment", "several"),
    [
        ({}, None),
        ({"WEB_CONCURRENCY": "1"}, None),
        ({"WEB_CONCURRENCY": "auto"}, None),
        ({"WEB_CONCURRENCY": "²"}, None),
        ({"WEB_CONCURRENCY": "4"}, "WEB_CONCURRENCY"),
        ({"GUNICORN_CMD_ARGS": "-w 4"}, "GUNICORN_CMD_ARGS"),
        ({"GUNICORN_CMD_ARGS": "--log-level=info -w4 --reload"}, "GUNICORN_CMD_ARGS"),
        ({"GUNICORN_CMD_ARGS": "--workers 4"}, "GUNICORN_CMD_ARGS"),
        ({"GUNICORN_CMD_ARGS": "--workers=4"}, "GUNICORN_CMD_ARGS"),
        ({"GUNICORN_CMD_ARGS": "-w 1 -w 2"}, "GUNICORN_CMD_ARGS"),
        ({"GUNICORN_CMD_ARGS": "-w 1"}, None),
        ({"GUNICORN_CMD_ARGS": "--workers-per-x 4 --threads 8 -b :8000"}, None),
        # As gunicorn has it: its arguments win.
        ({"GUNICORN_CMD_ARGS": "-w 1", "WEB_CONCURRENCY": "4"}, None),
        ({"GUNICORN_CMD_ARGS": "--threads 8", "WEB_CONCURRENCY": "4"}, "WEB_CONCURRENCY"),
    ],
    ids=str,
)
def test_a_memory_store_is_found_and_with_several_workers_it_is_an_error(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], several: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (finding,) = examine(site(MemorySessionStore()))
    assert finding.code == "memory_store"
    assert finding.level == ("hint" if several is None else "error")
    assert several is None or f"{several} asks for several" in finding.text
    assert found(site(SharedStore())) == [], "other stores are for several workers"


def test_a_store_that_does_not_answer_is_found_without_its_password() -> None:
    (finding,) = examine(site(DownStore()))
    assert (finding.level, finding.code) == ("error", "store_unavailable")
    assert finding.text.endswith("'default' (shared) gives no answer: OSError.")
    (finding,) = examine(site(UntoldStore()))
    assert finding.text.endswith("'default' (shared) gives no answer.")


def test_a_store_that_fails_is_found_without_its_password_and_stops_nothing() -> None:
    first, second = examine(site(BrokenStore(), SECRET_KEY="dev"))
    assert first.code == "weak_secret_key"
    assert (second.level, second.code) == ("error", "store_fails")
    assert second.text.endswith("'default' (shared) fails: LookupError.")
    assert "create_all()" in second.cure


def test_a_store_that_does_not_answer_is_found_with_its_address_and_the_reason() -> None:
    class AddressedDownStore(SharedStore):
        def address(self) -> str:
            return "db.internal:6379"

        def ping(self) -> None:
            cause = OSError("Error 111 connecting to user:canary@host. Connection refused.")
            raise SessionStoreUnavailable(self.kind, cause)

    (finding,) = examine(site(AddressedDownStore()))
    told = "'default' (shared at db.internal:6379) gives no answer: OSError (connection refused)."
    assert finding.text.endswith(told)


def test_a_brake_in_the_future_is_found() -> None:
    store = SharedStore()
    now = datetime.now(timezone.utc)
    for moment, codes in ((now, []), (now + timedelta(days=1), ["brake_ahead"])):
        store.end_all_before(moment)
        assert [finding.code for finding in examine(site(store))] == codes


def test_every_realm_s_store_is_looked_at() -> None:
    app = site(SharedStore())
    LoginManager(app, name="staff", session_store=DownStore())
    LoginManager(app, name="guests")
    (finding,) = examine(app)
    assert "'staff'" in finding.text


def test_two_realms_in_one_place_are_found() -> None:
    app = site(PlacedStore("here"))
    LoginManager(app, name="staff", session_store=PlacedStore("here"))
    (finding,) = examine(app)
    assert (finding.level, finding.code) == ("error", "shared_store")
    assert "'default' and 'staff'" in finding.text


def test_two_realms_in_two_places_or_in_none_that_is_known_are_no_false_alarm() -> None:
    app = site(PlacedStore("here"))
    stores = PlacedStore("there"), SharedStore(), SharedStore()
    for number, store in enumerate(stores):
        LoginManager(app, name=f"realm_{number}", session_store=store)
    assert found(app) == []


@pytest.mark.parametrize(
    ("policy", "findings"),
    [
        ("allkeys-lru", [("error", "store_evicts")]),
        ("allkeys-random", [("error", "store_evicts")]),
        ("volatile-ttl", []),
        ("noeviction", []),
        (None, []),
    ],
)
def test_a_server_that_forgets_what_it_likes_is_found(
    policy: str | None, findings: list[tuple[str, str]]
) -> None:
    assert found(site(CacheStore(policy))) == findings


def test_logins_from_before_the_store_that_are_still_adopted_are_a_hint() -> None:
    app = site(SharedStore(), REMEMBER_COOKIE_ACCEPT_LEGACY=True)
    assert found(app) == [("hint", "legacy_logins_accepted")]


# The proxy


def test_a_missing_proxy_fix_is_a_hint() -> None:
    app = site()
    wrap(app, Flask.wsgi_app.__get__(app))
    assert found(app) == [("hint", "no_proxy_fix")]


@pytest.mark.parametrize(
    ("counts", "named"),
    [
        ({"x_for": 0}, ("x_for=0", "every client")),
        ({"x_proto": 0}, ("x_proto=0", "http")),
        ({"x_for": 0, "x_proto": 0}, ("x_for=0 and x_proto=0",)),
        ({"x_for": 2, "x_proto": 2}, None),
        ({"x_host": 1, "x_prefix": 1}, None),
    ],
    ids=str,
)
def test_a_proxy_fix_that_fixes_half_of_it_is_a_hint(
    counts: dict[str, int], named: tuple[str, ...] | None
) -> None:
    app = site()
    wrap(app, ProxyFix(Flask.wsgi_app.__get__(app), **counts))
    if named is None:
        assert found(app) == []
        return
    (finding,) = examine(app)
    assert (finding.level, finding.code) == ("hint", "blind_proxy_fix")
    assert all(name in finding.text for name in named)


class Middleware:
    """Wraps an application, which it keeps under a name of its own."""

    def __init__(self, app: Any, name: str) -> None:
        setattr(self, name, app)

    def __call__(self, *args: Any) -> Any: ...


@pytest.mark.parametrize("name", ["app", "wsgi_app"])
def test_a_proxy_fix_is_found_inside_of_other_middleware(name: str) -> None:
    app = site()
    wrap(app, Middleware(app.wsgi_app, name))
    assert found(app) == []


def test_middleware_that_knows_the_application_does_not_keep_doctor_busy_for_ever() -> None:
    class Knowing(Middleware):
        asked = 0

        @property
        def app(self) -> Flask:
            self.asked += 1
            assert self.asked < 100, "round and round"
            return application

    application = site()
    wrap(application, Flask.wsgi_app.__get__(application))
    wrap(application, Knowing(application.wsgi_app, "wsgi_app"))
    assert found(application) == [("hint", "no_proxy_fix")]


# The findings


def test_errors_come_before_hints() -> None:
    app = site(MemorySessionStore(), SESSION_COOKIE_SAMESITE=None, LOGIN_DISABLED=True)
    assert [level for level, _ in found(app)] == ["error", "hint", "hint"]


def test_every_finding_has_a_cure_and_none_shows_a_key() -> None:
    app = site(
        DownStore(),
        SECRET_KEY="canary",
        SECRET_KEY_FALLBACKS=["canary", "canary-2"],
        **PLAIN,
        SESSION_COOKIE_HTTPONLY=False,
        LOGIN_DISABLED=True,
    )
    findings = examine(app)
    assert len(findings) == 7
    for finding in findings:
        assert finding.text.endswith((".", "!"))
        assert finding.cure.endswith((".", "'", ")"))
        assert "canary" not in repr(finding)


def test_a_text_and_a_cure_fit_on_a_screen() -> None:
    for app in (
        site(MemorySessionStore(), SECRET_KEY="dev", SESSION_COOKIE_SECURE=False),
        site(SharedStore(), SESSION_COOKIE_NAME="session", SESSION_COOKIE_SAMESITE=None),
        site(SharedStore(), LOGIN_STATE="cookie", APPLICATION_ROOT="/a", SESSION_COOKIE_PATH="/b"),
        site(SharedStore(), LOGIN_STATE="cookie", LOGIN_COOKIE_NAME="__Host-session"),
        site(BrokenStore(), REMEMBER_COOKIE_SECURE=False, SESSION_PROTECTION=None),
    ):
        for finding in examine(app):
            assert max(len(finding.text), len(finding.cure)) < 200


def test_where_others_build_urls_the_login_views_are_no_check_that_was_made() -> None:
    app = Flask(__name__)
    LoginManager(app)
    assert "unknown_login_view" in checks_made(app, [])
    app.url_build_error_handlers.append(lambda error, endpoint, values: "/elsewhere")
    assert "unknown_login_view" not in checks_made(app, [])
