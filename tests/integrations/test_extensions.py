"""Extensions of Flask for pages, headers, mails and limits."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, get_flashed_messages, make_response, request
from flask_admin import Admin, BaseView, expose
from flask_babel import Babel, get_locale, gettext, lazy_gettext
from flask_caching import Cache
from flask_compress import Compress
from flask_cors import CORS
from flask_debugtoolbar import DebugToolbarExtension
from flask_httpauth import HTTPBasicAuth
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    decode_token,
    get_jwt_identity,
    jwt_required,
    set_access_cookies,
)
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_mail import Mail, Message
from flask_principal import Identity, Permission, Principal, RoleNeed
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFProtect, generate_csrf
from tests.integrations.conftest import Level
from tests.integrations.flow import USERS, Browser, browser_of, doctor, make_site, walk
from tests.redirect_status import REDIRECT

from flask_login import (
    LoginManager,
    LoginThrottle,
    MemorySessionStore,
    current_login,
    current_user,
    login_not_required,
    login_required,
    login_user,
    user_logged_in,
)

# Flask-WTF


def wtf(level: Level, **config: Any) -> Browser:
    app = make_site(level.store, **config)
    CSRFProtect(app)
    app.add_url_rule("/token", "token", generate_csrf)
    return browser_of(app, token="/token")


@pytest.mark.parametrize("rotates", [False, True])
def test_flask_wtf(level: Level, rotates: bool) -> None:
    browser = wtf(level, LOGIN_ROTATE_CSRF_TOKEN=rotates)
    walk(browser, stored=level.stored)
    assert browser.open("POST", "/login").status == 400


@pytest.mark.parametrize("rotates", [False, True])
def test_a_csrf_token_of_before_the_login_is_good_unless_it_is_rotated(
    level: Level, rotates: bool
) -> None:
    browser = wtf(level, LOGIN_ROTATE_CSRF_TOKEN=rotates)
    before = browser.get("/token").text
    browser.log_in()
    answer = browser.open("POST", "/logout", {"X-CSRFToken": before})
    assert answer.status == (400 if rotates else 200)


# Flask-Principal


@pytest.mark.parametrize("use_sessions", [False, True])
def test_flask_principal(level: Level, use_sessions: bool) -> None:
    app = make_site(level.store)
    principals = Principal(app, use_sessions=use_sessions)
    admins = Permission(RoleNeed("admin"))

    @principals.identity_loader
    def identity_of_the_current_user() -> Identity | None:
        if not current_user.is_authenticated:
            return None
        identity = Identity(current_user.id)
        if current_user.id == "ann":
            identity.provides.add(RoleNeed("admin"))
        return identity

    @app.get("/admin")
    @login_required
    @admins.require(http_exception=403)
    def admin() -> str:
        return f"for {current_user.id}"

    browser = browser_of(app)
    walk(browser, stored=level.stored, guarded=["/admin"])
    browser.log_in("ben")
    assert browser.get("/admin").status == 403
    browser.log_in("ann")
    assert browser.get("/admin").status == 200
    browser.log_in("ben")
    assert browser.get("/admin").status == 403


# Flask-Admin


class Office(BaseView):
    @expose("/")
    def index(self) -> str:
        return f"office of {current_user.get_id()}"


class GuardedOffice(Office):
    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated)

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        return self.admin.app.login_manager.unauthorized()


def test_flask_admin_whose_views_ask_who_it_is(level: Level) -> None:
    app = make_site(level.store)
    Admin(app, name="site").add_view(GuardedOffice(name="Office", endpoint="office"))
    walk(browser_of(app), stored=level.stored, guarded=["/admin/office/"])


def test_flask_admin_where_every_view_needs_a_login(level: Level) -> None:
    app = make_site(level.store, LOGIN_REQUIRED_BY_DEFAULT=True)
    Admin(app, name="site").add_view(Office(name="Office", endpoint="office"))
    browser = browser_of(app)
    walk(browser, stored=level.stored, guarded=["/admin/office/"])
    assert browser.get("/admin/").location == "/login?next=%2Fadmin%2F"
    styles = "/admin/static/admin/css/bootstrap4/admin.css"
    assert browser.get(styles).status == 200


# Flask-Caching


def caching(level: Level) -> tuple[Flask, Cache]:
    app = make_site(level.store, CACHE_TYPE="SimpleCache")
    return app, Cache(app)


def test_flask_caching(level: Level) -> None:
    app, cache = caching(level)

    @app.get("/cached")
    @cache.cached()
    def cached() -> str:
        return "for all"

    @app.get("/mine")
    @login_required
    @cache.cached(make_cache_key=lambda *_, **__: f"mine of {current_user.get_id()}")
    def mine() -> str:
        return f"page of {current_user.get_id()}"

    browser = browser_of(app)
    walk(browser, stored=level.stored, guarded=["/mine"])
    browser.log_in("ben")
    assert browser.get("/mine").text == "page of ben"
    for _ in range(2):
        answer = browser.get("/cached")
        assert (answer.header("Vary"), answer.header("Set-Cookie")) == ("", "")
    assert "guard_below_cache" not in doctor(app)


def test_a_cache_of_flask_caching_above_the_guard_is_told_of(
    level: Level, caplog: pytest.LogCaptureFixture
) -> None:
    app, cache = caching(level)

    @app.get("/wrong")
    @cache.cached()
    @login_required
    def wrong() -> str:
        return f"page of {current_user.get_id()}"

    assert "guard_below_cache" in doctor(app)
    browser = browser_of(app).log_in()
    assert any("'wrong' stands below a decorator" in text for text in caplog.messages)
    assert browser.get("/wrong").text == browser.another().get("/wrong").text == "page of ann"


# Flask-Limiter


class Counting(MemorySessionStore):
    """Counts how often it is asked."""

    asked = 0

    def get(self, *args: Any, **kwargs: Any) -> Any:
        self.asked += 1
        return super().get(*args, **kwargs)


def key_of_the_user() -> str:
    return current_user.get_id() or get_remote_address()


def test_flask_limiter(level: Level) -> None:
    app = make_site(level.store)
    Limiter(key_of_the_user, app=app, storage_uri="memory://", default_limits=["1000/minute"])
    walk(browser_of(app), stored=level.stored)


def test_flask_limiter_counts_by_user_and_asks_the_store_once() -> None:
    store = Counting()
    app = make_site(store)
    limiter = Limiter(key_of_the_user, app=app, storage_uri="memory://")

    @app.get("/few")
    @limiter.limit("2/minute")
    @login_required
    def few() -> str:
        return "few"

    ann, again, ben = (browser_of(app).log_in(name) for name in ("ann", "ann", "ben"))
    store.asked = 0
    assert ann.get("/few").status == 200
    assert store.asked == 1
    assert again.get("/few").status == 200
    assert (ann.get("/few").status, ben.get("/few").status) == (429, 200)


# limits, by the library's own throttle


def test_limits_counts_the_attempts_at_an_account(level: Level) -> None:
    app = make_site(level.store)
    throttle = LoginThrottle()

    @app.post("/try")
    def attempt_it() -> Any:
        with throttle.attempt(request.form["name"]) as attempt:
            user = USERS.get(request.form["name"])
            attempt.found(user)
            if user is None or request.form["password"] != "correct horse":
                return "no", 403
            attempt.succeeded()
            login_user(user)
            return "welcome"

    browser = browser_of(app)
    walk(browser, stored=level.stored)
    good = {"password": "correct horse"}
    statuses = {browser.post("/try", {"name": "ann", "password": "x"}).status for _ in range(20)}
    assert statuses == {403, 429}
    refused = browser.another().post("/try", {"name": "ann", **good})
    assert (refused.status, refused.header("Retry-After") != "") == (429, True)


# Flask-CORS


@pytest.mark.parametrize("by_default", [False, True])
def test_flask_cors(level: Level, by_default: bool) -> None:
    app = make_site(level.store, LOGIN_REQUIRED_BY_DEFAULT=by_default)
    CORS(app, origins=["https://shop.example"], supports_credentials=True)
    browser = browser_of(app)
    walk(browser, stored=level.stored)
    origin = {"Origin": "https://shop.example"}
    asking = {**origin, "Access-Control-Request-Method": "GET"}
    preflight = browser.open("OPTIONS", "/guarded", asking)
    assert preflight.status == 200
    refused = browser.get("/guarded", **origin, Accept="application/json")
    assert refused.status == 401
    for answer in (preflight, refused):
        assert answer.header("Access-Control-Allow-Origin") == "https://shop.example"
        assert answer.header("Access-Control-Allow-Credentials") == "true"


# Flask-Talisman


@pytest.mark.parametrize("first", ["talisman", "login"])
def test_flask_talisman(level: Level, first: str) -> None:
    app = Flask("site")
    if first == "talisman":
        Talisman(app)
    make_site(level.store, app=app)
    if first == "login":
        Talisman(app)
    browser = browser_of(app, base_url="https://localhost")
    walk(browser, stored=level.stored)
    assert browser_of(app).get("/guarded").location == "https://localhost/guarded"
    answer = browser.post("/login", {"name": "ann", "remember": "on"})
    cookies = [text for name, text in answer.headers if name == "Set-Cookie"]
    assert {text.partition("=")[0] for text in cookies} == {"session", "remember_token"}
    for text in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(text.split("; "))


# Flask-Babel


def test_flask_babel(level: Level) -> None:
    manager: LoginManager[Any] = LoginManager(session_store=level.store)
    manager.login_message = lazy_gettext("Please log in.")
    shouted: list[Any] = []
    manager.localize_callback = lambda text: shouted.append(text) or gettext(str(text)).upper()
    app = make_site(manager=manager)
    Babel(app, locale_selector=lambda: {"ann": "fr", "ben": "de"}.get(current_user.get_id(), "en"))

    @app.get("/locale")
    @login_required
    def locale() -> str:
        return f"{get_locale()} {current_user.get_id()}"

    app.add_url_rule("/messages", "messages", lambda: "|".join(map(str, get_flashed_messages())))
    browser = browser_of(app)
    walk(browser, stored=level.stored, guarded=["/locale"])
    browser.get("/guarded")
    assert "PLEASE LOG IN." in browser.get("/messages").text
    assert shouted
    assert browser.log_in("ann").get("/locale").text == "fr ann"
    assert browser.log_in("ben").get("/locale").text == "de ben"


# Flask-Mail and Flask-Compress


def test_flask_mail_writes_to_the_user_who_has_just_logged_in(level: Level) -> None:
    app = make_site(level.store, MAIL_DEFAULT_SENDER="site@shop.example", MAIL_SUPPRESS_SEND=True)
    mail = Mail(app)

    def tell(sender: Flask, user: Any, **extra: Any) -> None:
        to = f"{current_user.get_id()}@shop.example"
        mail.send(Message("A new login", recipients=[to]))

    with user_logged_in.connected_to(tell, app), mail.record_messages() as sent:
        walk(browser_of(app), stored=level.stored)
    assert {tuple(message.recipients) for message in sent} == {("ann@shop.example",)}
    assert len(sent) == 5  # the flow's own login, and four with an evil `next`


def test_flask_compress(level: Level) -> None:
    app = make_site(level.store, COMPRESS_MIN_SIZE=1)
    Compress(app)
    app.add_url_rule("/long", "long", login_required(lambda: f"{current_user.get_id()} " * 999))
    browser = browser_of(app)
    walk(browser, stored=level.stored)
    answer = browser_of(app).log_in().get("/guarded", Accept_Encoding="identity")
    assert answer.text == "user ann"
    client = app.test_client()
    client.post("/login", data={"name": "ann"})
    packed = client.get("/long", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert {"Accept-Encoding", "Cookie"} <= set(packed.vary)


# Flask-DebugToolbar

TOOLBAR = "/_debug_toolbar/static/js/toolbar.js"


@pytest.mark.parametrize("by_default", [False, True])
def test_flask_debugtoolbar(level: Level, by_default: bool) -> None:
    app = make_site(
        level.store,
        LOGIN_REQUIRED_BY_DEFAULT=by_default,
        DEBUG_TB_ENABLED=True,
        DEBUG_TB_INTERCEPT_REDIRECTS=False,
    )
    DebugToolbarExtension(app)
    app.login_manager.exempt("_debug_toolbar.static")  # type: ignore[attr-defined]  # ours
    page = "<html><body>{}</body></html>"
    app.add_url_rule("/page", "page", login_required(lambda: page.format(current_user.get_id())))
    browser = browser_of(app)
    walk(browser, stored=level.stored, guarded=["/page"])
    assert browser.get(TOOLBAR).status == 200
    assert "flDebug" in browser.log_in().get("/page").text


def test_without_an_exemption_a_default_guard_keeps_the_toolbar_s_files_from_strangers() -> None:
    app = make_site(LOGIN_REQUIRED_BY_DEFAULT=True, DEBUG_TB_ENABLED=True)
    DebugToolbarExtension(app)
    assert browser_of(app).get(TOOLBAR).status == REDIRECT


# Flask-HTTPAuth and Flask-JWT-Extended


def test_flask_httpauth_beside_it_has_a_user_of_its_own(level: Level) -> None:
    app = make_site(level.store)
    auth = HTTPBasicAuth()
    auth.verify_password(lambda name, password: name if password == "correct horse" else None)

    @app.get("/api")
    @auth.login_required
    def api() -> str:
        return f"{auth.current_user()} {current_user.get_id()}"

    browser = browser_of(app)
    walk(browser, stored=level.stored)
    basic = {"Authorization": "Basic YmVuOmNvcnJlY3QgaG9yc2U="}  # ben:correct horse
    assert browser.get("/api").status == 401
    assert browser.get("/api", **basic).text == "ben None"
    assert browser.get("/guarded", **basic).status == REDIRECT
    assert browser.log_in("ann").get("/api", **basic).text == "ben ann"
    assert browser.get("/api").status == 401


def test_flask_jwt_extended_beside_it_has_a_user_of_its_own(level: Level) -> None:
    app = make_site(
        level.store,
        JWT_SECRET_KEY="another key of thirty-two bytes.",
        JWT_TOKEN_LOCATION=["headers", "cookies"],
        JWT_COOKIE_CSRF_PROTECT=False,
    )
    JWTManager(app)

    @app.get("/api")
    @jwt_required()
    def api() -> str:
        return f"{get_jwt_identity()} {current_user.get_id()}"

    @app.get("/cookie")
    def cookie() -> Any:
        response = make_response("kept")
        set_access_cookies(response, create_access_token("ben"))
        return response

    browser = browser_of(app)
    walk(browser, stored=level.stored)
    with app.app_context():
        bearer = {"Authorization": f"Bearer {create_access_token('ben')}"}
    assert browser.get("/api").status == 401
    assert browser.get("/api", **bearer).text == "ben None"
    assert browser.get("/guarded", **bearer).status == REDIRECT
    assert browser.log_in("ann").get("/api", **bearer).text == "ben ann"
    browser.get("/cookie")
    assert browser.get("/api").text == "ben ann"
    browser.post("/logout")
    assert browser.get("/api").text == "ben None"


def test_a_token_of_flask_jwt_extended_can_be_asked_by_the_bearer_loader(level: Level) -> None:
    app = make_site(level.store, JWT_SECRET_KEY="another key of thirty-two bytes.")
    JWTManager(app)

    @app.login_manager.bearer_loader  # type: ignore[attr-defined]  # ours
    def by_token(text: str) -> Any:
        try:
            return USERS.get(decode_token(text)["sub"])
        except Exception:  # noqa: BLE001  # what is no token of ours has many names
            return None

    app.add_url_rule("/how", "how", login_required(lambda: current_login.source))
    browser = browser_of(app)
    walk(browser, stored=level.stored)
    with app.app_context():
        good = {"Authorization": f"Bearer {create_access_token('ben')}"}
    assert browser.get("/guarded", **good).text == "user ben"
    assert browser.get("/how", **good).text == "bearer"
    forged = {"Authorization": good["Authorization"][:-3] + "xxx"}
    assert browser.get("/guarded", **forged).location == "/login?next=%2Fguarded"


# All of it in one application


@pytest.mark.parametrize("login_first", [False, True])
def test_many_of_them_in_one_application(level: Level, login_first: bool) -> None:
    app = Flask("site")
    app.config.update(LOGIN_REQUIRED_BY_DEFAULT=True, CACHE_TYPE="SimpleCache")
    if login_first:
        make_site(level.store, app=app)
    CSRFProtect(app)
    Talisman(app)
    Limiter(key_of_the_user, app=app, storage_uri="memory://", default_limits=["1000/minute"])
    Principal(app)
    Compress(app)
    CORS(app)
    Babel(app)
    Cache(app)
    if not login_first:
        make_site(level.store, app=app)
    app.add_url_rule("/token", "token", login_not_required(generate_csrf))
    browser = browser_of(app, base_url="https://localhost", token="/token")
    browser.headers["Referer"] = "https://localhost/"  # Flask-WTF wants one over https
    walk(browser, stored=level.stored)
    assert "max-age" in browser.get("/public").header("Strict-Transport-Security")
