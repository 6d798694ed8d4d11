from __future__ import annotations

from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, render_template_string, session
from flask.testing import FlaskClient

from flask_login import (
    AnonymousUserMixin,
    ConfigurationError,
    FlaskLoginClient,
    LoginManager,
    MissingLoader,
    MissingLoginManager,
    UserMixin,
    current_user,
    encode_cookie,
    get_current_user,
    login_required,
    login_user,
    logout_user,
)
from flask_login.core.entry import SessionKeys
from flask_login.testing import FrozenClock


class Account(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


def plain_app(**settings: Any) -> Flask:
    """An app without a manager: ``/login/<user_id>``, ``/me`` and ``/public``."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="secret", TESTING=True)
    app.config.update(settings)

    @app.get("/login/<user_id>")
    def login(user_id: str) -> str:
        return str(login_user(Account(user_id), remember=True))

    @app.get("/me")
    def me() -> str:
        return current_user.get_id() or "nobody"

    @app.get("/public")
    def public() -> str:
        return "hello"

    return app


# Construction


def test_a_manager_takes_its_app_in_the_constructor_or_later() -> None:
    first, second = plain_app(), plain_app()
    manager: LoginManager[Any] = LoginManager(first)
    manager.init_app(second)
    manager.user_loader(Account)
    for app in (first, second):
        assert app.extensions["login"]["default"].manager is manager
        assert app.login_manager is manager  # type: ignore[attr-defined]  # its place since 2012
        client = app.test_client()
        client.get("/login/alice")
        assert client.get("/me").text == "alice"


def test_setup_app_is_the_name_that_init_app_had_before_2012() -> None:
    app = plain_app()
    manager: LoginManager[Any] = LoginManager()
    manager.setup_app(app)
    manager.user_loader(Account)
    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/me").text == "alice"


def test_a_new_manager_has_the_attributes_that_applications_set_and_read() -> None:
    manager: LoginManager[Any] = LoginManager()
    assert manager.realm == "default"
    assert manager.login_view is None
    assert manager.blueprint_login_views == {}
    assert manager.login_message == "Please log in to access this page."
    assert manager.login_message_category == "message"
    assert manager.refresh_view is None
    assert manager.needs_refresh_message == "Please reauthenticate to access this page."
    assert manager.needs_refresh_message_category == "message"
    assert manager.session_protection == "basic"
    assert manager.localize_callback is None
    assert manager.anonymous_user is AnonymousUserMixin
    assert manager.id_attribute == "get_id"
    assert manager.unauthorized_callback is None
    assert manager.needs_refresh_callback is None
    assert manager.user_callback is None
    assert manager.request_callback is None
    assert manager._user_callback is None
    assert manager._request_callback is None


def test_managers_share_no_mutable_state() -> None:
    first: LoginManager[Any] = LoginManager()
    first.blueprint_login_views["admin"] = "/log-in"
    second: LoginManager[Any] = LoginManager()
    assert second.blueprint_login_views == {}


def test_a_manager_can_be_subclassed_by_a_typed_user() -> None:
    class AccountManager(LoginManager[Account]):
        def __init__(self, app: Flask) -> None:
            super().__init__(app, True)
            self.login_view = "/log-in"

    app = plain_app()
    manager = AccountManager(app)
    manager.user_loader(Account)
    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/me").text == "alice"


def test_the_default_clock_tells_the_time_in_utc() -> None:
    manager: LoginManager[Any] = LoginManager()
    now = manager._clock()
    assert now.tzinfo is timezone.utc
    assert abs(now - datetime.now(timezone.utc)) < timedelta(minutes=1)


# Many apps, many managers


def test_each_app_of_one_manager_has_its_own_settings() -> None:
    clock = FrozenClock()
    manager: LoginManager[Any] = LoginManager(clock=clock)
    manager.user_loader(Account)
    shop = plain_app(REMEMBER_COOKIE_NAME="shop", REMEMBER_COOKIE_DURATION=3600, SECRET_KEY="shop")
    office = plain_app(REMEMBER_COOKIE_NAME="office", LOGIN_DISABLED=True, SECRET_KEY="office")
    for app in (shop, office):
        manager.init_app(app)

        @app.get("/page")
        @login_required
        def page() -> str:
            return "page"

    shopper, clerk = shop.test_client(), office.test_client()
    (cookie,) = [
        header
        for header in shopper.get("/login/alice").headers.getlist("Set-Cookie")
        if header.startswith("shop=")
    ]
    assert "Expires=Thu, 01 Jan 2026 01:00:00 GMT" in cookie
    assert any(
        header.startswith("office=")
        for header in clerk.get("/login/bob").headers.getlist("Set-Cookie")
    )
    assert (shopper.get("/me").text, clerk.get("/me").text) == ("alice", "bob")
    assert shop.test_client().get("/page").status_code == 401
    assert office.test_client().get("/page").status_code == 200


def test_a_token_of_one_app_says_nothing_in_another_with_another_key() -> None:
    manager: LoginManager[Any] = LoginManager()
    manager.user_loader(Account)
    first, second = plain_app(SECRET_KEY="one"), plain_app(SECRET_KEY="two")
    manager.init_app(first)
    manager.init_app(second)
    client = first.test_client()
    client.get("/login/alice")
    cookie = client.get_cookie("remember_token")
    assert cookie is not None
    thief = second.test_client()
    thief.set_cookie("remember_token", cookie.value)
    assert thief.get("/me").text == "nobody"


def test_a_second_manager_replaces_the_first() -> None:
    app = plain_app()
    first: LoginManager[Any] = LoginManager(app)
    first.user_loader(lambda _: Account("of the first"))
    second: LoginManager[Any] = LoginManager(app)
    second.user_loader(lambda _: Account("of the second"))
    assert app.extensions["login"]["default"].manager is second
    assert app.login_manager is second  # type: ignore[attr-defined]  # its place since 2012
    client = app.test_client()
    response = client.get("/login/alice")
    cookies = [h for h in response.headers.getlist("Set-Cookie") if h.startswith("remember_token=")]
    assert len(cookies) == 1
    assert client.get("/me").text == "of the second"


def test_the_same_manager_may_be_given_the_same_app_twice() -> None:
    app = plain_app()
    manager: LoginManager[Any] = LoginManager(app)
    manager.init_app(app)
    manager.user_loader(Account)
    response = app.test_client().get("/login/alice")
    assert len(response.headers.getlist("Set-Cookie")) == 2


def test_a_manager_assigned_to_the_app_by_a_test_is_asked() -> None:
    app = plain_app()
    LoginManager(app).user_loader(Account)
    other: LoginManager[Any] = LoginManager()
    other.request_loader(lambda _: Account("of the other"))
    app.login_manager = other  # type: ignore[attr-defined]  # its place since 2012
    assert app.test_client().get("/me").text == "of the other"


def replaced(**settings: Any) -> tuple[Flask, LoginManager[Any]]:
    """An app whose manager was replaced by assignment, as tests of applications do."""
    app = plain_app(**settings)
    LoginManager(app).user_loader(lambda _: pytest.fail("the first manager was asked"))
    other: LoginManager[Any] = LoginManager()
    other.user_loader(Account)
    app.login_manager = other  # type: ignore[attr-defined]  # its place since 2012

    @app.get("/page")
    @login_required
    def page() -> str:
        return "page"

    return app, other


def test_a_manager_assigned_to_the_app_sets_and_deletes_the_remember_cookie() -> None:
    app, _ = replaced()
    app.add_url_rule("/logout", view_func=logout_user_page)
    client = app.test_client()
    client.get("/login/alice")
    assert client.get_cookie("remember_token") is not None
    client.delete_cookie("session")
    assert client.get("/me").text == "alice"
    client.get("/logout")
    assert client.get_cookie("remember_token") is None
    assert client.get("/me").text == "nobody"


def logout_user_page() -> str:
    logout_user()
    session.clear()  # then the request's own manager alone knows of the deletion
    return ""


def test_a_manager_assigned_to_the_app_takes_its_user_from_g_at_the_end_of_the_request() -> None:
    app, _ = replaced()
    client, visitor = app.test_client(), app.test_client()
    with app.app_context():
        client.get("/login/alice")
        assert client.get("/page").text == "page"
        assert not hasattr(g, "_login_user")
        assert visitor.get("/page").status_code == 401


@pytest.mark.parametrize("initialised", [False, True])
def test_login_disabled_counts_for_a_manager_assigned_to_the_app(
    initialised: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app, other = replaced(TESTING=False)
    if initialised:
        other.init_app(app)
    assert app.test_client().get("/page").status_code == 401
    app.config["LOGIN_DISABLED"] = True
    for _ in range(2):
        assert app.test_client().get("/page").text == "page"
    assert caplog.text.count("LOGIN_DISABLED is set") == 1


def test_login_disabled_counts_where_a_manager_was_only_ever_assigned() -> None:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="secret", TESTING=True, LOGIN_DISABLED=True)
    app.login_manager = LoginManager()  # type: ignore[attr-defined]  # its place since 2012
    app.add_url_rule("/page", "page", login_required(lambda: "page"))
    assert app.test_client().get("/page").text == "page"


def test_the_test_client_logs_in_to_a_manager_assigned_to_the_app() -> None:
    app = plain_app()
    app.test_client_class = FlaskLoginClient
    LoginManager(app).user_loader(lambda _: pytest.fail("the first manager was asked"))
    bare = plain_app()
    bare.test_client_class = FlaskLoginClient
    for each in (app, bare):
        other: LoginManager[Any] = LoginManager()
        other.id_attribute = "code"
        other.user_loader(lambda code: Account(code.removeprefix("code of ")))
        each.login_manager = other  # type: ignore[attr-defined]  # its place since 2012
        user = Account("alice")
        user.code = lambda: "code of alice"  # type: ignore[attr-defined]  # this test's own
        assert each.test_client(user=user).get("/me").text == "alice"


def test_a_manager_has_the_functions_that_have_nothing_to_do_with_a_realm(app: Flask) -> None:
    manager: LoginManager[Any] = LoginManager(name="staff")
    with app.test_request_context("/page"):
        assert manager.login_url("/in", "/page", "back") == "/in?back=%2Fpage"
        assert manager.login_url("/in") == "/in"
        assert manager.make_next_param("/in", "http://localhost/page?a=1") == "/page?a=1"
        assert manager.make_next_param("http://localhost/in", "http://localhost/page") == "/page"
        signed = manager.encode_cookie("alice")
        assert signed == encode_cookie("alice") != manager.encode_cookie("alice", "another key")
        assert manager.decode_cookie(signed) == "alice"
        assert manager.decode_cookie(signed, "another key") is None


def test_a_user_that_other_code_put_into_g_is_that_request_s_only(app: Flask) -> None:
    @app.get("/put")
    def put() -> str:
        g._login_user = Account("alice")
        return "put"

    with app.app_context():  # it outlives the requests, as in many fixtures
        client = app.test_client()
        assert client.get("/put").text == "put"
        assert client.get("/me").text == "nobody"
        assert app.test_client().get("/me").text == "nobody"


# What is missing is named


def test_an_app_without_a_manager_is_told_so_with_the_cure() -> None:
    app = plain_app()
    app.name = "shop"
    client = app.test_client()
    for path in ("/me", "/login/alice"):
        with pytest.raises(MissingLoginManager, match="'shop'.*LoginManager") as caught:
            client.get(path)
        assert caught.value.app_name == "shop"


def test_a_guard_in_an_app_without_a_manager_lets_nobody_pass() -> None:
    app = plain_app()

    @app.get("/page")
    @login_required
    def page() -> str:
        return "page"

    with pytest.raises(MissingLoginManager):
        app.test_client().get("/page")


def test_a_manager_without_any_loader_is_told_so_when_somebody_asks_for_the_user() -> None:
    app = plain_app()
    LoginManager(app)
    client = app.test_client()
    assert client.get("/public").text == "hello"
    with pytest.raises(MissingLoader, match="user_loader"):
        client.get("/me")


def test_the_registered_loaders_can_be_read_and_are_returned_unchanged() -> None:
    manager: LoginManager[Any] = LoginManager()

    def load_user(user_id: str) -> Account:
        return Account(user_id)

    def load_from_request(_: object) -> None:
        return None

    def load_from_token(_: str) -> None:
        return None

    assert manager.user_loader(load_user) is load_user
    assert manager.request_loader(load_from_request) is load_from_request
    assert manager.bearer_loader(load_from_token) is load_from_token
    assert manager.header_loader(load_from_token) is load_from_token
    assert manager.user_callback is manager._user_callback is load_user
    assert manager.request_callback is manager._request_callback is load_from_request


def test_a_header_loader_is_given_the_authorization_header() -> None:
    app = plain_app()
    manager: LoginManager[Any] = LoginManager(app)
    seen = []

    @manager.header_loader
    def load(value: str) -> Account | None:
        seen.append(value)
        return Account("alice") if value == "Token good" else None

    client = app.test_client()
    assert client.get("/me", headers={"Authorization": "Token good"}).text == "alice"
    assert client.get("/me", headers={"Authorization": "Token bad"}).text == "nobody"
    assert client.get("/me").text == "nobody"
    assert seen == ["Token good", "Token bad"]


# Realms


@pytest.mark.parametrize("name", ["staff", "staff_2", "a", "b2b", "staff_user", "admin_id"])
def test_a_realm_may_be_named(name: str) -> None:
    assert LoginManager(name=name).realm == name


@pytest.mark.parametrize(
    "name", ["", "Staff", "STAFF", "user", "a-b", "a b", "1a", "a.b", "a;b", "ä", "名", "a\n", " a"]
)
def test_a_realm_s_name_must_fit_into_a_cookie_a_session_entry_and_a_template(name: str) -> None:
    with pytest.raises(ConfigurationError, match="^name must be lower-case") as caught:
        LoginManager(name=name)
    assert (caught.value.key, caught.value.value) == ("name", name)


def test_no_two_realms_share_an_entry_of_the_session() -> None:
    names = ["default", "staff", "staff_user", "staff_remember", "staff_auth", "auth", "remember"]
    names += ["user_user", "a", "a_user", "a_user_user", "next", "id", "fresh"]
    keys = {name: set(vars(SessionKeys(name)).values()) for name in names}
    for one, other in combinations(names, 2):
        assert not keys[one] & keys[other], (one, other)


@pytest.mark.parametrize(("one", "other"), [("staff", "guests"), ("staff", "staff_user")])
def test_realms_in_one_app_know_nothing_of_each_other(one: str, other: str) -> None:
    app = plain_app()
    LoginManager(app).user_loader(Account)
    managers: dict[str, LoginManager[Any]] = {}
    for realm in (one, other):
        manager = managers[realm] = LoginManager(app, name=realm)
        manager.user_loader(Account)

    @app.get("/login/<realm>/<user_id>")
    def login_to_realm(realm: str, user_id: str) -> str:
        return str(managers[realm].login_user(Account(user_id), remember=True))

    @app.get("/logout/<realm>")
    def logout(realm: str) -> str:
        return str(managers[realm].logout_user())

    @app.get("/who")
    def who() -> list[str | None]:
        users = [get_current_user(), *(m.get_current_user() for m in managers.values())]
        return [user.get_id() for user in users]

    client = app.test_client()
    client.get(f"/login/{one}/ann")
    assert client.get("/who").get_json() == [None, "ann", None]
    client.get(f"/login/{other}/bob")
    client.get("/login/alice")
    assert client.get("/who").get_json() == ["alice", "ann", "bob"]
    client.get(f"/logout/{one}")
    assert client.get("/who").get_json() == ["alice", None, "bob"]
    client.delete_cookie("session")
    assert client.get("/who").get_json() == ["alice", None, "bob"]


def test_a_named_realm_is_not_the_app_s_manager() -> None:
    app = plain_app()
    staff: LoginManager[Any] = LoginManager(app, name="staff")
    assert app.extensions["login"]["staff"].manager is staff
    assert not hasattr(app, "login_manager")


# Templates


def client_with_template(app: Flask, source: str) -> FlaskClient:
    @app.get("/page")
    def page() -> str:
        return render_template_string(source)

    return app.test_client()


def test_templates_know_the_current_user(app: Flask) -> None:
    client = client_with_template(app, "{{ current_user.get_id() }}")
    assert client.get("/page").text == "None"
    client.get("/login/alice")
    assert client.get("/page").text == "alice"


def test_templates_do_not_know_the_current_user_when_it_is_not_wanted() -> None:
    app = plain_app()
    LoginManager(app, add_context_processor=False).user_loader(Account)
    assert client_with_template(app, "{{ current_user is defined }}").get("/page").text == "False"


def test_templates_know_a_realm_s_user_by_the_realm_s_name() -> None:
    app = plain_app()
    staff: LoginManager[Any] = LoginManager(app, name="staff")
    staff.user_loader(Account)

    @app.get("/staff/login")
    def staff_login() -> str:
        return str(staff.login_user(Account("bob")))

    client = client_with_template(
        app, "{{ current_staff.get_id() }}, {{ current_user is defined }}"
    )
    client.get("/staff/login")
    assert client.get("/page").text == "bob, False"


# A page that never asks for the user stays cacheable


def cacheable(client: FlaskClient, path: str) -> bool:
    with client.get(path) as response:  # a static file is open until then
        return "Vary" not in response.headers and "Set-Cookie" not in response.headers


@pytest.fixture
def public_paths(app: Flask, tmp_path: Path) -> list[str]:
    """Paths of pages that are for everybody, made in the usual ways."""
    app.static_folder = str(tmp_path)
    (tmp_path / "style.css").write_text("p {}")

    @app.get("/template")
    def template() -> str:
        return render_template_string("hello")

    return ["/public", "/template", "/static/style.css", "/nowhere"]


def test_public_pages_and_static_files_get_no_vary_and_no_cookie(
    app: Flask, public_paths: list[str]
) -> None:
    client = app.test_client()
    for path in public_paths:
        assert cacheable(client, path), path


def test_that_holds_for_who_is_logged_in_and_remembered_as_well(
    app: Flask, public_paths: list[str]
) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    for path in public_paths:
        assert cacheable(client, path), path
    client.delete_cookie("session")
    for path in public_paths:
        assert cacheable(client, path), path
    assert not cacheable(client, "/me")


def test_refreshing_at_each_request_touches_no_public_page(
    app: Flask, public_paths: list[str]
) -> None:
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True
    client = app.test_client()
    client.get("/login/alice?remember")
    for path in public_paths:
        assert cacheable(client, path), path


@pytest.mark.skipif(
    tuple(map(int, version("flask").split(".")[:3])) < (2, 3, 2),
    reason="Flask before 2.3.2 leaves Vary out where an empty session was read (CVE-2023-30861)",
)
def test_a_template_that_asks_for_the_user_varies_by_cookie(app: Flask) -> None:
    client = client_with_template(app, "{{ current_user.is_authenticated }}")
    assert client.get("/page").headers["Vary"] == "Cookie"


def test_an_app_without_a_secret_key_keeps_serving_its_public_pages() -> None:
    app = plain_app(SECRET_KEY=None)
    LoginManager(app).user_loader(Account)
    assert app.test_client().get("/public").text == "hello"


def test_what_a_request_loader_finds_sets_no_cookie(app: Flask, login_manager: Any) -> None:
    login_manager.request_loader(
        lambda request: Account("robot") if "X-API-Key" in request.headers else None
    )
    response = app.test_client().get("/me", headers={"X-API-Key": "key"})
    assert response.text == "robot"
    assert "Set-Cookie" not in response.headers
