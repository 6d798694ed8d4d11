"""Realms: customers and staff at once in one application, and nothing of one opens the other."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g, render_template_string, request, session
from flask.testing import FlaskClient
from tests.redirect_status import REDIRECT

from flask_login import (
    FlaskLoginClient,
    LoginManager,
    MissingLoginManager,
    UserMixin,
    current_user,
    encode_cookie,
    user_logged_in,
)
from flask_login.exceptions import ConfigurationError
from flask_login.utils import manager_of


class Person(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


class Shop:
    """An app with the default realm and one named "staff"."""

    def __init__(self, **config: Any) -> None:
        self.app = app = Flask(__name__)
        app.config.update(SECRET_KEY="key", TESTING=True, **config)
        self.people = {name: Person(name) for name in ("alice", "boss")}
        self.customers: LoginManager[Person] = LoginManager(app)
        self.staff: LoginManager[Person] = LoginManager(app, name="staff")
        self.realms = {"customers": self.customers, "staff": self.staff}
        for realm in self.realms.values():
            realm.user_loader(self.people.get)

        @app.get("/<realm>/login/<user_id>")
        def login(realm: str, user_id: str) -> str:
            remember = "remember" in request.args
            return str(self.realms[realm].login_user(self.people[user_id], remember=remember))

        @app.get("/<realm>/logout")
        def logout(realm: str) -> str:
            return str(self.realms[realm].logout_user())

        @app.get("/who")
        def who() -> str:
            names = [realm.current_user.get_id() or "nobody" for realm in self.realms.values()]
            return " ".join(names)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def who(client: FlaskClient) -> str:
    return client.get("/who").text


def test_each_realm_has_its_own_user_at_the_same_time(shop: Shop) -> None:
    client = shop.app.test_client()
    client.get("/customers/login/alice")
    assert who(client) == "alice nobody"
    client.get("/staff/login/boss")
    assert who(client) == "alice boss"
    client.get("/customers/logout")
    assert who(client) == "nobody boss"
    client.get("/staff/logout")
    assert who(client) == "nobody nobody"


def test_the_same_user_in_both_realms_is_two_logins(shop: Shop) -> None:
    client = shop.app.test_client()
    client.get("/customers/login/alice")
    client.get("/staff/login/alice")
    client.get("/staff/logout")
    assert who(client) == "alice nobody"


def test_each_realm_has_its_own_remember_cookie(shop: Shop) -> None:
    client = shop.app.test_client()
    client.get("/customers/login/alice?remember")
    client.get("/staff/login/boss?remember")
    client.delete_cookie("session")
    assert who(client) == "alice boss"
    client.get("/staff/logout")
    assert client.get_cookie("remember_token_staff") is None
    assert client.get_cookie("remember_token") is not None
    client.delete_cookie("session")
    assert who(client) == "alice nobody"


def test_a_remember_token_of_one_realm_is_worthless_in_the_other(shop: Shop) -> None:
    client = shop.app.test_client()
    client.get("/customers/login/alice?remember")
    client.get("/staff/login/boss?remember")
    own, staff = client.get_cookie("remember_token"), client.get_cookie("remember_token_staff")
    assert own is not None
    assert staff is not None

    thief = shop.app.test_client()
    thief.set_cookie("remember_token_staff", own.value)
    thief.set_cookie("remember_token", staff.value)
    assert who(thief) == "nobody nobody"
    assert thief.get_cookie("remember_token_staff") is None


def test_an_old_remember_cookie_opens_the_default_realm_alone(shop: Shop) -> None:
    with shop.app.app_context():
        old = encode_cookie("boss")
    client = shop.app.test_client()
    client.set_cookie("remember_token_staff", old)
    assert who(client) == "nobody nobody"
    client.set_cookie("remember_token", old)
    assert who(client) == "boss nobody"


def test_a_named_realm_leaves_the_users_of_g_and_of_the_module_alone(shop: Shop) -> None:
    with shop.app.test_request_context():
        shop.staff.login_user(shop.people["boss"])
        assert current_user.is_anonymous
        assert g._login_user.is_anonymous
        g._login_user = shop.people["alice"]
        assert shop.staff.get_current_user() is shop.people["boss"]
        del g._login_user
        assert shop.staff.get_current_user() is shop.people["boss"]
        assert not current_user.is_authenticated


def test_every_public_function_is_a_method_of_the_realm(shop: Shop) -> None:
    told: list[Any] = []

    def receive(sender: Flask, user: Any) -> None:
        told.append(user)

    staff = shop.staff
    with shop.app.test_request_context(), user_logged_in.connected_to(receive):
        assert staff.login_user(shop.people["boss"], fresh=False, methods={"pwd"})
        assert not staff.login_fresh()
        staff.confirm_login(methods={"otp"})
        assert staff.login_fresh()
        assert not staff.login_remembered()
        login = staff.get_current_login()
        assert login is not None
        assert (login.user_id, login.methods) == ("boss", frozenset({"pwd", "otp"}))
        assert not shop.customers.login_fresh()
        assert shop.customers.get_current_login() is None
        staff.logout_user()
        assert staff.get_current_login() is None
        assert staff.current_user.is_anonymous
    assert told == [shop.people["boss"]]


def test_a_templates_current_user_has_the_realms_name(shop: Shop) -> None:
    with shop.app.test_request_context():
        shop.customers.login_user(shop.people["alice"])
        shop.staff.login_user(shop.people["boss"])
        text = render_template_string("{{ current_user.id }} {{ current_staff.id }}")
    assert text == "alice boss"


def test_protection_of_one_realm_does_not_end_the_other() -> None:
    shop = Shop()
    shop.staff.session_protection = "strong"
    client = shop.app.test_client()
    client.get("/customers/login/alice", headers={"User-Agent": "a"})
    client.get("/staff/login/boss", headers={"User-Agent": "a"})
    assert client.get("/who", headers={"User-Agent": "b"}).text == "alice nobody"


def test_a_guard_of_a_realm_asks_for_that_realms_user(shop: Shop) -> None:
    @shop.app.get("/office")
    @shop.staff.login_required
    def office() -> str:
        return "in"

    @shop.app.get("/safe")
    @shop.staff.fresh_login_required
    def safe() -> str:
        return "in"

    shop.app.add_url_rule("/enter", endpoint="enter", view_func=lambda: "log in here")
    shop.staff.login_view = "enter"
    client = shop.app.test_client()
    client.get("/customers/login/alice")
    response = client.get("/office")
    assert response.status_code == REDIRECT
    assert response.location.startswith("/enter?next=")
    assert client.get("/safe").status_code == REDIRECT
    client.get("/staff/login/boss")
    assert client.get("/office").text == "in"
    assert client.get("/safe").text == "in"


def test_inside_a_realms_loader_there_is_nobody_yet_and_no_recursion(shop: Shop) -> None:
    seen: list[Any] = []

    @shop.staff.user_loader
    def load(user_id: str) -> Person:
        seen.append((shop.staff.current_user.get_id(), shop.customers.current_user.get_id()))
        return shop.people[user_id]

    client = shop.app.test_client()
    client.get("/customers/login/alice")
    client.get("/staff/login/boss")
    assert who(client) == "alice boss"
    assert seen == [(None, "alice")]


def test_a_realm_alone_leaves_the_default_one_missing() -> None:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "key"
    staff: LoginManager[Person] = LoginManager(app, name="staff")
    staff.user_loader(lambda user_id: Person(user_id))
    with app.test_request_context():
        session["_staff.user_id"] = "boss"
        with pytest.raises(MissingLoginManager):
            current_user.get_id()
    assert not hasattr(app, "login_manager")


def test_test_clients_log_in_to_a_realm(shop: Shop) -> None:
    client = FlaskLoginClient(
        shop.app, shop.app.response_class, user=shop.people["boss"], realm="staff"
    )
    assert who(client) == "nobody boss"
    with client.user(shop.people["alice"]):
        assert who(client) == "alice boss"
    assert who(client) == "nobody boss"
    client.logout(realm="staff")
    assert who(client) == "nobody nobody"
    with pytest.raises(MissingLoginManager):
        client.login(shop.people["boss"], realm="kitchen")


@pytest.mark.parametrize(
    "name",
    ["", "Staff", "my staff", "1st", "a-b", "a.b", "user", "é.", "_.", "é", "ß", "ª", "штаб"],
)
def test_a_name_that_could_get_in_the_way_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        LoginManager(name=name)
    assert (error.value.key, error.value.value) == ("name", name)


def test_the_names_of_the_default_realm_are_one() -> None:
    app = Flask(__name__)
    LoginManager(app)
    again: LoginManager[Person] = LoginManager(app, name="default")
    assert app.extensions["login"]["default"].manager is again
    assert app.login_manager is again  # type: ignore[attr-defined]  # its place since 2012


def test_a_manager_that_replaces_another_is_the_only_one_asked() -> None:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "key"
    first: LoginManager[Person] = LoginManager(app)
    first.user_loader(lambda user_id: pytest.fail("asked"))
    second: LoginManager[Person] = LoginManager(app)
    second.user_loader(lambda user_id: Person("of the second"))
    app.add_url_rule("/who", view_func=lambda: current_user.get_id())
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["_user_id"] = "1"
    response = client.get("/who")
    assert response.text == "of the second"
    assert len(response.headers.getlist("Set-Cookie")) == 1


def test_outside_of_a_request_no_realm_has_a_user(shop: Shop) -> None:
    assert shop.staff.get_current_user() is None
    assert not bool(shop.staff.current_user)
    with shop.app.app_context():
        assert shop.staff.get_current_user() is None
        assert not bool(shop.staff.current_login)


@pytest.mark.parametrize("realm", ["customers", "staff"])
def test_a_realms_user_may_be_set_for_this_request_only(shop: Shop, realm: str) -> None:
    manager = shop.realms[realm]

    @shop.app.get("/set")
    def set_user() -> str:
        manager._update_request_context_with_user(shop.people["boss"])
        assert manager.get_current_login() is not None
        names = [realm.current_user.get_id() or "nobody" for realm in shop.realms.values()]
        return " ".join(names)

    client = shop.app.test_client()
    expected = {"customers": "boss nobody", "staff": "nobody boss"}[realm]
    assert client.get("/set").text == expected
    assert who(client) == "nobody nobody"


def test_a_realms_manager_that_loads_its_own_way_is_believed_by_its_guards() -> None:
    class Own(LoginManager[Person]):
        def _load_user(self) -> None:
            self._update_request_context_with_user(Person("boss"))

    app = Flask(__name__)
    app.secret_key = "key"
    staff = Own(app, name="staff")

    @app.get("/staff")
    @staff.login_required
    def home() -> str:
        return str(staff.current_user.get_id())

    assert app.test_client().get("/staff").text == "boss"


def test_a_missing_realm_is_named_with_the_line_that_makes_it() -> None:
    app = Flask("shop")
    LoginManager(app)
    with pytest.raises(MissingLoginManager) as error:
        manager_of(app, "staff")
    assert (error.value.app_name, error.value.realm) == ("shop", "staff")
    assert "realm 'staff'" in str(error.value)
    assert "LoginManager(app, name='staff')" in str(error.value)
    with pytest.raises(MissingLoginManager) as error:
        manager_of(Flask("bare"))
    assert error.value.realm is None
    assert "realm" not in str(error.value)
    assert "LoginManager(app)" in str(error.value)
