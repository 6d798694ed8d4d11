"""Who makes this request: `current_user`, `current_login`, and the sessions that end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast
from unittest.mock import MagicMock, Mock
from uuid import UUID

import pytest
from flask import Flask, g, render_template_string, request_started, session
from flask.testing import FlaskClient
from tests.policy_site import KINDS, STORED, Site
from werkzeug.local import LocalProxy

import flask_login
from flask_login import (
    AnonymousUserMixin,
    CurrentLogin,
    ImpersonationDenied,
    LoginManager,
    MissingLoginManager,
    UserMixin,
    acting_as,
    confirm_login,
    current_login,
    current_user,
    get_current_user,
    login_fresh,
    login_remembered,
    login_user,
    logout_user,
    user_accessed,
    user_loaded_from_cookie,
)
from flask_login.testing import FrozenClock
from flask_login.visit import visit_of

# Nobody, and no request


def test_outside_of_a_request_there_is_no_user(app: Flask) -> None:
    assert isinstance(current_user, LocalProxy)
    assert current_user == None  # noqa: E711  # a proxy of None is equal to it, not the same
    assert not current_user
    assert get_current_user() is None
    with app.app_context():
        assert not current_user
        assert get_current_user() is None
        assert login_manager_of(app).get_current_user() is None
        assert not bool(current_login)


def test_a_visitor_is_an_anonymous_user(app: Flask) -> None:
    with app.test_request_context():
        assert type(get_current_user()) is AnonymousUserMixin
        assert current_user.is_anonymous
        assert not current_user.is_authenticated
        assert not login_fresh()
        assert not login_remembered()
        assert not bool(current_login)


def test_the_application_says_what_stands_for_nobody(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    class Guest:
        is_anonymous = True
        name = "guest"

    login_manager.anonymous_user = Guest
    with app.test_request_context():
        assert current_user.name == "guest"
        assert get_current_user() is get_current_user()
        assert not bool(current_login)


def test_what_stands_for_nobody_may_be_none(app: Flask, login_manager: LoginManager[Any]) -> None:
    login_manager.anonymous_user = lambda: None
    with app.test_request_context():
        assert get_current_user() is None
        assert not current_user
        assert not bool(current_login)
        assert logout_user()
        assert get_current_user() is None


@pytest.mark.parametrize(
    "ask",
    [
        get_current_user,
        login_fresh,
        login_remembered,
        logout_user,
        confirm_login,
        lambda: current_user.is_authenticated,
        lambda: current_login.user_id,
        lambda: login_user(UserMixin()),
    ],
)
def test_an_application_without_a_manager_is_told_how_to_make_one(
    ask: Callable[[], object],
) -> None:
    app = Flask("shop")
    with app.test_request_context(), pytest.raises(MissingLoginManager) as error:
        ask()
    assert "LoginManager(app)" in str(error.value)
    assert "'shop'" in str(error.value)
    assert "has no attribute" not in str(error.value)
    assert (error.value.app_name, error.value.reason) == ("shop", "no_login_manager")
    assert isinstance(error.value, RuntimeError)


def test_a_test_client_of_an_application_without_a_manager_says_the_same() -> None:
    app = Flask("shop")
    app.config["SECRET_KEY"] = "key"
    app.test_client_class = flask_login.FlaskLoginClient
    with pytest.raises(MissingLoginManager, match="'shop'"):
        app.test_client(user=UserMixin())


# Somebody


def test_get_current_user_returns_the_object_itself(app: Flask, users: dict[str, Any]) -> None:
    client = app.test_client()
    client.get("/login/alice")
    with client:
        client.get("/me")
        user = get_current_user()
        assert user is users["alice"]
        assert not isinstance(user, LocalProxy)
        assert current_user == user
        assert current_user._get_current_object() is user


def test_templates_know_the_current_user(app: Flask) -> None:
    @app.get("/page")
    def page() -> str:
        return render_template_string("{{ current_user.get_id() }}")

    client = app.test_client()
    assert client.get("/page").text == "None"
    client.get("/login/alice")
    assert client.get("/page").text == "alice"


def test_templates_are_left_alone_when_the_application_wants_it() -> None:
    app = Flask(__name__)
    LoginManager(app, add_context_processor=False)
    with app.test_request_context():
        assert render_template_string("{{ current_user is defined }}") == "False"


def test_current_login_tells_what_is_known_of_the_login(
    app: Flask, users: dict[str, Any], clock: FrozenClock
) -> None:
    client = app.test_client()

    @app.get("/login-with-two-factors")
    def login_with_two_factors() -> str:
        login_user(users["alice"], methods={"pwd", "otp"})
        return ""

    client.get("/login-with-two-factors")
    with client:
        client.get("/me")
        assert current_login == CurrentLogin(
            user_id="alice",
            source="session",
            fresh=True,
            remembered=False,
            methods=frozenset({"pwd", "otp"}),
            authenticated_at=clock(),
        )
        client.get("/logout")
        assert not bool(current_login)


def test_a_user_without_an_id_method_still_has_a_current_login(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    class Machine:
        is_active = is_authenticated = True

    login_manager.request_loader(lambda request: Machine())
    with app.test_request_context():
        assert (current_login.user_id, current_login.source) == (None, "request")


def test_the_application_is_told_once_a_request_that_somebody_asked(app: Flask) -> None:
    told: list[bool] = []

    def receive(sender: Flask) -> None:
        told.append(current_user.is_anonymous)

    with user_accessed.connected_to(receive):
        with app.test_request_context():
            assert current_user.is_anonymous
            assert current_user.is_anonymous
        assert told == [True]
        app.test_client().get("/public")
        assert told == [True]


@pytest.mark.parametrize("signal", [user_accessed, user_loaded_from_cookie])
def test_a_receiver_may_ask_for_the_user_without_recursion(app: Flask, signal: Any) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    client.delete_cookie("session")
    seen: list[Any] = []

    def receive(sender: Flask, **arguments: Any) -> None:
        seen.append((current_user.get_id(), current_login.user_id, login_fresh()))

    with signal.connected_to(receive):
        assert client.get("/me").text == "alice"
    assert seen == [("alice", "alice", False)]


# Users who may not be logged in


class AsProperty(UserMixin):
    def __init__(self) -> None:
        self.id, self.active = "carol", True

    @property
    def is_active(self) -> bool:
        return self.active


class AsMethod(UserMixin):
    """The way of many tutorials."""

    def __init__(self) -> None:
        self.id, self.active = "carol", True

    def is_active(self) -> bool:  # type: ignore[override]  # written so by many
        return self.active

    def is_authenticated(self) -> bool:  # type: ignore[override]  # see above
        return True

    def is_anonymous(self) -> bool:  # type: ignore[override]  # see above
        return False


class OfItsOwn:
    """A class that inherits nothing."""

    is_authenticated = True
    is_anonymous = False

    def __init__(self) -> None:
        self.active = True

    @property
    def is_active(self) -> bool:
        return self.active

    def get_id(self) -> str:
        return "carol"


@pytest.mark.parametrize("kind", [AsProperty, AsMethod, OfItsOwn])
def test_a_user_who_is_suspended_is_logged_out_everywhere_at_the_next_request(
    app: Flask, users: dict[str, Any], kind: type[Any]
) -> None:
    users["carol"] = kind()
    client = app.test_client()
    client.get("/login/carol?remember")
    with client:
        assert client.get("/me").text == "carol"
        assert current_login.user_id == "carol"

    users["carol"].active = False
    assert client.get("/me").text == "nobody"
    assert client.get_cookie("remember_token") is None
    with client.session_transaction() as kept:
        assert not kept
    assert client.get("/login/carol").text == "False"

    users["carol"].active = True
    assert client.get("/me").text == "nobody", "to be let in again is to log in again"


def test_a_class_that_does_not_speak_of_activity_is_active(
    app: Flask, users: dict[str, Any]
) -> None:
    class Terse:
        def get_id(self) -> str:
            return "terse"

    users["terse"] = Terse()
    client = app.test_client()
    assert client.get("/login/terse").text == "True"
    with client:
        assert client.get("/me").text == "terse"
        assert current_login.source == "session"


# Credentials: get_session_auth_hash


class Unsaying(UserMixin):
    """A user of a class that says nothing of credentials."""

    id = "carol"


class Member(UserMixin):
    def __init__(self, password_hash: Any) -> None:
        self.id = "carol"
        self.password_hash = password_hash

    def get_session_auth_hash(self) -> Any:
        return self.password_hash


def browsers(app: Flask, count: int) -> list[FlaskClient]:
    clients = [app.test_client() for _ in range(count)]
    for client in clients:
        client.get("/login/carol")
    return clients


def test_a_changed_password_ends_every_session_made_before(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("old")
    for client in browsers(app, 3):
        assert client.get("/me").text == "carol"
        users["carol"].password_hash = "new"
        assert client.get("/me").text == "nobody"
        users["carol"].password_hash = "old"
        assert client.get("/me").text == "nobody", "what has ended does not begin again"


def test_the_session_that_confirms_after_the_change_is_the_one_that_stays(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("old")

    @app.get("/change")
    def change() -> str:
        assert current_user.get_id() == "carol"
        users["carol"].password_hash = "new"
        confirm_login()
        return ""

    own, other = browsers(app, 2)
    own.get("/change")
    assert own.get("/me").text == "carol"
    assert own.get("/fresh").text == "fresh"
    assert other.get("/me").text == "nobody"


def test_the_new_password_may_have_been_saved_through_another_object(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("old")

    @app.get("/change")
    def change() -> str:
        assert current_user.get_id() == "carol"
        users["carol"] = Member("new")
        confirm_login()
        return ""

    own, other = browsers(app, 2)
    own.get("/change")
    assert own.get("/me").text == "carol"
    assert other.get("/me").text == "nobody"


def test_a_user_deleted_while_confirming_is_gone_at_the_next_request(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("old")

    @app.get("/delete-and-confirm")
    def delete_and_confirm() -> str:
        assert current_user.get_id() == "carol"
        del users["carol"]
        confirm_login()
        return ""

    (client,) = browsers(app, 1)
    assert client.get("/delete-and-confirm").status_code == 200
    assert client.get("/me").text == "nobody"


def test_a_session_cookie_put_back_after_a_password_change_logs_nobody_in(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("old")
    (client,) = browsers(app, 1)
    cookie = client.get_cookie("session")
    assert cookie is not None
    client.get("/logout")
    users["carol"].password_hash = "new"
    client.set_cookie("session", cookie.value)
    assert client.get("/me").text == "nobody"


def test_a_session_from_before_is_bound_to_the_credentials_at_first_sight(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("first")
    (client,) = browsers(app, 1)
    with client.session_transaction() as kept:
        del kept["_auth_hash"]

    assert client.get("/me").text == "carol"
    users["carol"].password_hash = "second"
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize("stored", [1, True, ["text"], {"a": "text"}])
def test_credentials_that_are_no_text_are_not_the_users(
    app: Flask, users: dict[str, Any], stored: object
) -> None:
    users["carol"] = Member("hash")
    (client,) = browsers(app, 1)
    with client.session_transaction() as kept:
        kept["_auth_hash"] = stored
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize(("before", "after"), [(None, "first"), ("last", None)])
def test_having_no_credentials_is_a_state_of_its_own(
    app: Flask, users: dict[str, Any], before: str | None, after: str | None
) -> None:
    users["carol"] = Member(before)
    (client,) = browsers(app, 1)
    assert client.get("/me").text == "carol"
    users["carol"].password_hash = after
    assert client.get("/me").text == "nobody"


def test_a_class_that_stops_saying_its_credentials_keeps_its_users_logged_in(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("hash")
    (client,) = browsers(app, 1)
    users["carol"] = Unsaying()
    assert client.get("/me").text == "carol"
    with client.session_transaction() as kept:
        assert "_auth_hash" not in kept


def test_any_object_will_do_for_the_text_and_it_does_not_reach_the_browser(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member(b"canary")
    (client,) = browsers(app, 1)
    with client.session_transaction() as kept:
        assert "canary" not in str(dict(kept))
        assert len(kept["_auth_hash"]) == 22
    assert client.get("/me").text == "carol"


def test_a_key_rotation_ends_no_session_that_is_bound_to_credentials(
    app: Flask, users: dict[str, Any]
) -> None:
    users["carol"] = Member("hash")
    (client,) = browsers(app, 1)
    with client.session_transaction() as kept:
        before = dict(kept)
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "new"
    # A Flask before 3.1 knows no fallbacks for its session: put it back under the new key.
    with client.session_transaction() as kept:
        kept.update(before)
    assert client.get("/me").text == "carol"

    app.config["SECRET_KEY_FALLBACKS"] = []
    assert client.get("/me").text == "carol", "the digest was rewritten with the new key"
    users["carol"].password_hash = "other"
    assert client.get("/me").text == "nobody"


# Sessions that somebody else wrote


@pytest.mark.parametrize("user_id", ["", "x" * 3000, "名前", 0, -1, 1.5, True, ["alice"], {"a": 1}])
def test_whatever_stands_in_the_session_for_an_id_is_no_error(
    app: Flask, login_manager: LoginManager[Any], user_id: object
) -> None:
    login_manager.user_loader(lambda given: None)
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["_user_id"] = user_id
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize("mode", [None, "basic", "strong"])
@pytest.mark.parametrize("value", ["", "junk", "é" * 128, 1, None, ["x"], "0" * 128])
def test_whatever_stands_in_the_session_for_the_client_is_no_error(
    make_app: Callable[..., Flask], mode: str | None, value: object
) -> None:
    client = make_app(SESSION_PROTECTION=mode).test_client()
    with client.session_transaction() as kept:
        kept.update({"_user_id": "alice", "_id": value})
    strangers = mode == "strong" and value is not None
    assert client.get("/me").text == ("nobody" if strangers else "alice")


@pytest.mark.parametrize("place", [0, 1, 5, -1, -10])
def test_a_session_cookie_that_was_tampered_with_is_no_session(app: Flask, place: int) -> None:
    client = app.test_client()
    client.get("/login/alice")
    cookie = client.get_cookie("session")
    assert cookie is not None
    characters = list(cookie.value)
    characters[place] = "A" if characters[place] != "A" else "Q"
    client.set_cookie("session", "".join(characters))
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize("value", ["", ".", "é", "a.b.c", "x" * 65536])
def test_a_session_cookie_of_junk_is_no_session(app: Flask, value: str) -> None:
    client = app.test_client(use_cookies=False)
    header = f"session={value}".encode().decode("latin-1")
    response = client.get("/me", environ_overrides={"HTTP_COOKIE": header})
    assert (response.status_code, response.text) == (200, "nobody")


def test_ending_a_login_leaves_what_else_the_session_holds(
    app: Flask, users: dict[str, Any]
) -> None:
    client = app.test_client()
    client.get("/login/alice")
    with client.session_transaction() as kept:
        kept["cart"] = ["book"]
    users["alice"].active = False
    assert client.get("/me").text == "nobody"
    with client.session_transaction() as kept:
        assert dict(kept) == {"cart": ["book"]}


# For this request only


def test_a_user_may_be_set_for_this_request_only(app: Flask, users: dict[str, Any]) -> None:
    manager = login_manager_of(app)

    @app.get("/as-bob")
    def as_bob() -> str:
        manager._update_request_context_with_user(users["bob"])
        assert current_login.source == "assigned"
        return str(current_user.get_id())

    client = app.test_client()
    client.get("/login/alice")
    response = client.get("/as-bob")
    assert response.text == "bob"
    assert "Set-Cookie" not in response.headers
    assert client.get("/me").text == "alice"


def test_nobody_may_be_set_for_this_request_only(app: Flask) -> None:
    manager = login_manager_of(app)

    @app.get("/as-nobody")
    def as_nobody() -> str:
        assert not current_user.is_anonymous
        manager._update_request_context_with_user()
        assert not bool(current_login)
        return str(current_user.get_id())

    client = app.test_client()
    client.get("/login/alice")
    assert client.get("/as-nobody").text == "None"
    assert client.get("/me").text == "alice"


def test_the_user_may_be_loaded_again_by_force(app: Flask, users: dict[str, Any]) -> None:
    manager = login_manager_of(app)
    with app.test_request_context():
        assert current_user.is_anonymous
        session["_user_id"] = "alice"
        assert current_user.is_anonymous
        manager._load_user()
        assert get_current_user() is users["alice"]


def test_a_subclass_may_load_users_its_own_way(users: dict[str, Any]) -> None:
    class Own(LoginManager[Any]):
        def _load_user(self) -> None:
            self._update_request_context_with_user(users["bob"])

    app = Flask(__name__)
    Own(app)
    with app.test_request_context():
        assert get_current_user() is users["bob"]
        assert current_user.is_authenticated


@pytest.mark.parametrize("user_id", ["bob", None])
def test_a_subclass_that_loads_users_to_g_alone_is_believed_by_the_proxy_and_the_guards(
    users: dict[str, Any], user_id: str | None
) -> None:
    calls: list[str] = []

    class Own(LoginManager[Any]):
        def _load_user(self) -> None:
            calls.append("loaded")
            g._login_user = AnonymousUserMixin() if user_id is None else users[user_id]

    app = Flask(__name__)
    app.secret_key = "key"
    Own(app)

    @app.get("/guarded")
    @flask_login.login_required
    def guarded() -> str:
        return f"{current_user.get_id()} {get_current_user().get_id()}"

    client = app.test_client()
    for turn in (1, 2):
        response = client.get("/guarded")
        assert response.status_code == (401 if user_id is None else 200)
        assert user_id is None or response.text == "bob bob"
        assert len(calls) == turn, "once a request"


def test_a_subclass_that_loads_nobody_at_all_leaves_nobody() -> None:
    class Own(LoginManager[Any]):
        def _load_user(self) -> None:
            pass

    app = Flask(__name__)
    Own(app)
    with app.test_request_context():
        assert get_current_user().is_anonymous
        assert not current_user.is_authenticated


def test_a_subclass_that_writes_to_g_alone_is_heard_beside_who_acts_in_another_realm() -> None:
    class Own(LoginManager[Any]):
        def _load_user(self) -> None:
            g._login_user = "ann"

    app = Flask(__name__)
    Own(app)
    staff: LoginManager[Any] = LoginManager(app, name="staff")
    with app.test_request_context(), staff.acting_as("boss"):
        assert get_current_user() == "ann"
        assert staff.get_current_user() == "boss"


# Secrets


def test_no_printed_form_shows_the_key_a_cookie_or_the_credentials(
    make_app: Callable[..., Flask], users: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = make_app(SECRET_KEY="canary-key")
    users["carol"] = Member("canary-hash")
    printed: list[str] = []

    @app.get("/print")
    def show() -> str:
        manager = login_manager_of(app)
        printed.extend(map(repr, (current_login, manager, app.extensions["login"])))
        printed.extend(
            map(repr, (visit_of(manager._realm), visit_of(manager._realm).token, manager.keys))
        )
        return ""

    client = app.test_client()
    client.get("/login/carol?remember")
    cookies = [client.get_cookie(name) for name in ("session", "remember_token")]
    client.delete_cookie("session")
    client.get("/print")
    printed.append(caplog.text)
    text = "\n".join(printed)
    assert "canary" not in text
    for cookie in cookies:
        assert cookie is not None
        assert cookie.value not in text


def login_manager_of(app: Flask) -> LoginManager[Any]:
    manager: LoginManager[Any] = app.extensions["login"]["default"].manager
    return manager


# Whose session it is


@pytest.fixture(params=KINDS, ids=str)
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    """One site for each level, in the default and in a named realm."""
    site = Site(request.param, clock)
    site.page("/safe", site.manager.fresh_login_required)
    return site


class Detached(RuntimeError):
    """What an ORM raises for a row that it no longer holds."""


class Telling(UserMixin):
    """A user whose object tells another id than the one that it is found by."""

    def __init__(self, tells: Any) -> None:
        self.tells = tells
        self.admin = True

    def get_id(self) -> str:
        if isinstance(self.tells, Exception):
            raise self.tells
        return str(self.tells)


#: A uniquifier, changedetection.io's word, another case, a detached row.
TELLS = ["9f8e", "None", "ANN", Detached()]


@pytest.mark.parametrize("tells", TELLS, ids=repr)
@pytest.mark.parametrize("how", ["", "&remember"])
def test_whose_session_it_is_is_known_from_the_id_that_was_loaded(
    site: Site, tells: Any, how: str
) -> None:
    client = site.browser()
    client.get(f"/login?id=ann{how}")
    site.users["ann"] = cast("Any", Telling(tells))
    assert client.get("/safe").text == "come in"
    known = client.get("/known").get_json()
    assert (known["user_id"], known["source"], known["fresh"]) == ("ann", "session", True)
    assert known["remembered"] is bool(how)
    if isinstance(tells, Exception):
        site.users["ann"].tells = "9f8e"  # type: ignore[attr-defined]  # for what the page shows
    client.get("/confirm?methods=otp")
    assert client.get("/known").get_json()["methods"] == ["otp"]


@pytest.mark.parametrize("tells", TELLS, ids=repr)
def test_whose_session_it_is_is_known_after_a_return_by_remember_cookie(
    site: Site, tells: Any
) -> None:
    client = site.browser()
    client.get("/login?id=ann&remember")
    site.users["ann"] = cast("Any", Telling(tells))
    client.delete_cookie("session")
    known = client.get("/known").get_json()
    assert (known["user_id"], known["source"]) == ("ann", "remember")


@pytest.mark.parametrize("tells", TELLS, ids=repr)
def test_a_logout_everywhere_ends_what_the_login_is_kept_by(clock: FrozenClock, tells: Any) -> None:
    site = Site(STORED, clock)
    assert site.store is not None
    clients = [site.browser() for _ in range(3)]
    for client in clients:
        client.get("/login?id=ann")
    site.users["ann"] = cast("Any", Telling(tells))
    with clients[0]:
        clients[0].get("/fresh")
        sessions = site.manager.sessions
        named = "ann" if isinstance(tells, Exception) else str(tells)
        assert len(sessions.list(named)) == 3
        assert len(sessions.list("ann")) == 3
        assert sessions.revoke(sessions.list("ann")[0].id, named) is True
        assert sessions.revoke_all(named, keep_current=True) == 1
        assert sessions.list("bob") == []
    clients[0].get("/logout?everywhere")
    assert [record.ended_reason for record in site.store.list("ann")].count("logout") == 1


def test_another_object_of_the_same_user_is_of_the_session_and_a_stranger_is_not(
    site: Site,
) -> None:
    client = site.browser()
    client.get("/login?id=ann")
    site.users["ann"] = cast("Any", Telling("9f8e"))
    with client:
        client.get("/me")
        manager = site.manager
        manager._update_request_context_with_user(Telling("9f8e"))
        assert manager.login_fresh() is True
        for stranger in (Telling("other"), Telling(Detached()), object()):
            manager._update_request_context_with_user(stranger)
            assert manager.login_fresh() is False
        manager._update_request_context_with_user(Telling("ann"))
        assert manager.login_fresh() is True


def test_a_session_that_other_code_gives_to_another_is_not_the_loaded_user_s(site: Site) -> None:
    client = site.browser()
    client.get("/login?id=ann")
    with client:
        client.get("/me")
        session[site.manager.keys.user_id] = "bob"
        assert site.manager.login_fresh() is False


def test_a_user_who_can_t_tell_an_id_has_a_login_outside_of_a_request(app: Flask) -> None:
    with app.app_context(), acting_as(Telling(Detached())):
        assert current_login.user_id is None


def test_an_actor_whose_object_tells_another_id_acts_and_is_named_by_their_own(site: Site) -> None:
    client = site.browser()
    client.get("/login?id=eve")
    site.users["eve"] = cast("Any", Telling("9f8e"))
    site.users["bob"] = cast("Any", Telling("b0b"))
    site.users["bob"].is_me = True  # type: ignore[attr-defined]  # any attribute will do
    client.get("/act?id=ann")
    known = client.get("/known").get_json()
    assert (known["user_id"], known["actor"]) == ("ann", "eve")
    client.get("/stop")
    assert client.get("/known").get_json()["user_id"] == "eve"


def test_nobody_acts_as_themselves_under_another_id(site: Site) -> None:
    with site.app.test_request_context():
        site.manager.login_user(site.users["eve"])
        site.users["eve"] = cast("Any", Telling("9f8e"))
        site.manager._load_user()
        with pytest.raises(ImpersonationDenied):
            site.manager.impersonate(cast("Any", Telling("9f8e")))


# Credentials that are no text


@pytest.mark.parametrize("value", [None, 7, b"hash", UUID(int=1)])
def test_credentials_that_are_no_text_count_and_are_told_once(
    app: Flask, users: dict[str, Any], value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    users["carol"] = Member(value)
    (client,) = browsers(app, 1)
    for _ in range(3):
        assert client.get("/me").text == "carol"
    (record,) = [record for record in caplog.records if record.name == "flask_login"]
    assert "Member" in record.getMessage()
    users["carol"].password_hash = "other"
    assert client.get("/me").text == "nobody"


@pytest.mark.parametrize("make", [MagicMock, Mock, object])
def test_credentials_that_name_their_object_say_nothing_and_log_nobody_out(
    site: Site, make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def load(user_id: str) -> Any:
        user = MagicMock()
        user.get_id.return_value = user_id
        user.get_session_auth_hash.side_effect = make
        user.is_active = True
        return user

    site.manager.user_loader(load)
    site.users["ann"] = load("ann")
    client = site.browser()
    client.get("/login?id=ann&remember")
    for _ in range(3):
        assert client.get("/me").text == "ann"
    client.delete_cookie("session")
    assert client.get("/me").text == "ann"
    client.get("/begin?id=ann")
    assert client.get("/pending").text == "ann"
    assert len([record for record in caplog.records if record.name == "flask_login"]) == 1


def test_credentials_may_be_awaited(app: Flask, users: dict[str, Any]) -> None:
    pytest.importorskip("asgiref")

    class Slow(Member):
        async def get_session_auth_hash(self) -> Any:
            return self.password_hash

    users["carol"] = Slow("first")
    (client,) = browsers(app, 1)
    assert client.get("/me").text == "carol"
    users["carol"].password_hash = "second"
    assert client.get("/me").text == "nobody"


# Loading again and again


def test_loading_again_and_again_changes_nothing(app: Flask, users: dict[str, Any]) -> None:
    manager = login_manager_of(app)

    @app.get("/again")
    def again() -> str:
        for _ in range(3):
            manager._load_user()
        return f"{current_user.get_id()} {login_fresh()}"

    client = app.test_client()
    client.get("/login/alice?remember")
    assert client.get("/again").text == "alice True"
    client.delete_cookie("session")
    assert client.get("/again").text == "alice False"
    assert client.get("/again").text == "alice False"


@pytest.mark.parametrize("writes", [False, True])
def test_an_override_of_loading_may_ask_the_usual_one_first(
    users: dict[str, Any], writes: bool
) -> None:
    class Own(LoginManager[Any]):
        def _load_user(self) -> None:
            super()._load_user()
            if writes and g._login_user.is_anonymous:
                g._login_user = users["bob"]

    app = Flask(__name__)
    app.secret_key = "key"
    Own(app).user_loader(users.get)

    @app.get("/me")
    def me() -> str:
        return f"{current_user.get_id()} {login_fresh()}"

    @app.get("/in")
    def enter() -> str:
        return str(flask_login.login_user(users["alice"]))

    client = app.test_client()
    assert client.get("/me").text == ("bob False" if writes else "None False")
    client.get("/in")
    assert client.get("/me").text == "alice True"


@pytest.mark.parametrize("when", ["request_started", "before_request"])
@pytest.mark.parametrize("remember", [False, True])
def test_a_login_at_each_request_logs_in_at_each_request(
    app: Flask, users: dict[str, Any], when: str, remember: bool
) -> None:
    def enter(*_: Any, **__: Any) -> None:
        flask_login.login_user(users["bob"], remember=remember)

    client = app.test_client()
    if when == "before_request":
        app.before_request(enter)
    with request_started.connected_to(enter, app) if when == "request_started" else nullcontext():
        for _ in range(3):
            response = client.get("/me")
            assert response.text == "bob"
            cookies = response.headers.getlist("Set-Cookie")
            assert len([c for c in cookies if c.startswith("remember_token")]) == int(remember)
            assert client.get("/fresh").text == "fresh"
