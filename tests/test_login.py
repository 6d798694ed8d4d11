"""Logging in, confirming and logging out: what changes in the session and what does not."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, g, session
from tests.policy_site import HOUR, KINDS, Site

from flask_login import (
    AnonymousUserMixin,
    FlaskLoginClient,
    ImpersonationDenied,
    InvalidUserId,
    LoginManager,
    UserMixin,
    confirm_login,
    current_login,
    current_user,
    encode_cookie,
    get_current_user,
    login_fresh,
    login_user,
    user_logged_in,
    user_logged_out,
    user_login_confirmed,
)
from flask_login.exceptions import ConfigurationError
from flask_login.testing import FrozenClock

# login_user


def test_login_puts_the_user_in_the_session_and_in_this_request(
    app: Flask, users: dict[str, Any]
) -> None:
    with app.test_request_context():
        assert login_user(users["alice"]) is True
        assert get_current_user() is users["alice"]
        assert login_fresh()
        assert current_login.source == "session"
        assert session["_user_id"] == "alice"
        assert session["_fresh"] is True
        assert len(session["_id"]) == 8


def test_a_login_may_be_said_not_to_be_fresh(app: Flask) -> None:
    client = app.test_client()
    client.get("/login/alice?stale")
    assert client.get("/me").text == "alice"
    assert client.get("/fresh").text == "stale"


def test_login_sends_its_signal_when_the_user_is_already_current(
    app: Flask, users: dict[str, Any]
) -> None:
    told: list[Any] = []

    def receive(sender: Flask, user: Any) -> None:
        told.append((sender, user, get_current_user(), session["_user_id"]))

    with app.test_request_context(), user_logged_in.connected_to(receive):
        login_user(users["alice"])
    assert told == [(app, users["alice"], users["alice"], "alice")]


def test_a_suspended_user_is_not_logged_in_and_nothing_happens(
    app: Flask, users: dict[str, Any]
) -> None:
    users["alice"].active = False
    client = app.test_client()
    client.get("/login/bob?remember")
    response = client.get("/login/alice")
    assert response.text == "False"
    assert "Set-Cookie" not in response.headers
    assert client.get("/me").text == "bob"


@pytest.mark.parametrize("by_position", [False, True])
def test_a_suspended_user_who_is_forced_in_stays_in(
    app: Flask, users: dict[str, Any], by_position: bool
) -> None:
    users["alice"].active = False

    @app.get("/force")
    def force() -> str:
        if by_position:
            return str(login_user(users["alice"], False, None, True))  # as applications do
        return str(login_user(users["alice"], force=True))

    client = app.test_client()
    assert client.get("/force").text == "True"
    assert client.get("/me").text == "alice"
    client.get("/login/bob")
    with client.session_transaction() as kept:
        assert "_force" not in kept


@pytest.mark.parametrize("seen_active", [True, False])
def test_a_forced_login_ends_with_the_next_ban_once_the_user_was_active_again(
    app: Flask, users: dict[str, Any], seen_active: bool
) -> None:
    @app.get("/force")
    def force() -> str:
        return str(login_user(users["alice"], force=True))

    users["alice"].active = False
    client = app.test_client()
    assert client.get("/force").text == "True"
    assert client.get("/me").text == "alice"
    users["alice"].active = True
    if seen_active:
        assert client.get("/me").text == "alice"
    users["alice"].active = False
    assert client.get("/me").text == ("nobody" if seen_active else "alice")


def test_force_is_not_kept_for_a_user_who_needed_none(app: Flask, users: dict[str, Any]) -> None:
    @app.get("/force")
    def force() -> str:
        return str(login_user(users["alice"], force=True))

    client = app.test_client()
    client.get("/force")
    assert client.get("/me").text == "alice"
    users["alice"].active = False
    assert client.get("/me").text == "nobody"


def test_a_suspended_user_who_was_forced_in_is_not_remembered(
    app: Flask, users: dict[str, Any]
) -> None:
    users["alice"].active = False

    @app.get("/force")
    def force() -> str:
        return str(login_user(users["alice"], remember=True, force=True))

    client = app.test_client()
    client.get("/force")
    client.delete_cookie("session")
    assert client.get("/me").text == "nobody"


class Unsaved(UserMixin):
    """What an ORM makes of a user before the flush."""

    id: int | None = None


def test_a_user_who_was_not_saved_is_refused_and_the_login_before_stays(app: Flask) -> None:
    client = app.test_client()
    client.get("/login/alice")
    with client:
        client.get("/me")
        with pytest.raises(InvalidUserId, match="Was the user saved") as error:
            login_user(Unsaved())
        assert current_user.get_id() == "alice"
    assert (error.value.id_attribute, error.value.reason) == ("get_id", "no_user_id")


@pytest.mark.parametrize("duration", [60, "60", 1.5])
def test_how_long_to_remember_does_not_matter_to_a_login_that_is_not_remembered(
    app: Flask, users: dict[str, Any], duration: Any
) -> None:
    with app.test_request_context():
        assert login_user(users["alice"], duration=duration) is True
        assert current_user.get_id() == "alice"
    with app.test_request_context():
        with pytest.raises(ConfigurationError, match="timedelta") as error:
            login_user(users["alice"], remember=True, duration=duration)
        assert (error.value.key, error.value.value) == ("duration", duration)
        assert not session


def test_nobody_can_be_logged_in_for_no_longer_than_a_request(app: Flask) -> None:
    with app.test_request_context():
        assert login_user(AnonymousUserMixin()) is False
        assert login_user(AnonymousUserMixin(), force=True) is True, "for this request"
        assert current_user.get_id() is None
        assert not session


def test_the_current_user_may_be_logged_in_by_its_proxy(app: Flask, users: dict[str, Any]) -> None:
    @app.get("/renew")
    def renew() -> str:
        assert login_user(current_user)
        assert get_current_user() is users["alice"]
        return ""

    client = app.test_client()
    client.get("/login/alice?stale")
    client.get("/renew")
    assert client.get("/fresh").text == "fresh"


def test_the_manager_says_which_method_names_the_user(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    class Member(UserMixin):
        id = "7"

        def get_session_token(self) -> str:
            return "alternative"

    users["alternative"] = Member()
    login_manager.id_attribute = "get_session_token"
    with app.test_request_context():
        login_user(users["alternative"])
        assert session["_user_id"] == "alternative"
        assert current_login.user_id == "alternative"
    login_manager.id_attribute = "get_missing"
    with app.test_request_context(), pytest.raises(AttributeError, match="get_missing"):
        login_user(users["alternative"])


def test_logging_in_as_b_leaves_nothing_of_a(app: Flask, users: dict[str, Any]) -> None:
    @app.get("/login-strongly")
    def login_strongly() -> str:
        login_user(users["alice"], methods=["pwd", "otp"])
        return ""

    client = app.test_client()
    client.get("/login-strongly")
    with client:
        client.get("/login/bob?stale")
        assert current_user.get_id() == "bob"
        assert current_login.methods == frozenset()
        assert not login_fresh()


def test_the_sessions_other_entries_stay_at_login_and_logout(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as kept:
        kept.update({"cart": ["book"], "_flashes": [("message", "hello")]})
    client.get("/login/alice")
    client.get("/logout")
    with client.session_transaction() as kept:
        assert dict(kept) == {"cart": ["book"], "_flashes": [("message", "hello")]}


def test_the_page_to_return_to_survives_login_and_not_logout(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["next"] = "/checkout"
    client.get("/login/alice")
    with client.session_transaction() as kept:
        assert kept["next"] == "/checkout"
    client.get("/logout")
    with client.session_transaction() as kept:
        assert "next" not in kept


@pytest.mark.parametrize("user_id", [7, "7", "名前", "x" * 200, "a|b", ""])
def test_an_id_comes_back_as_it_was_given(
    app: Flask, login_manager: LoginManager[Any], user_id: Any
) -> None:
    class Numbered(UserMixin):
        id = user_id

        def get_id(self) -> Any:
            return user_id

    seen: list[Any] = []

    @login_manager.user_loader
    def load(given: Any) -> Any:
        seen.append(given)
        return Numbered()

    @app.get("/enter")
    def enter() -> str:
        return str(login_user(Numbered(), remember=True))

    client = app.test_client()
    client.get("/enter")
    client.get("/public")
    client.get("/fresh")
    client.delete_cookie("session")
    client.get("/fresh")
    assert seen == [user_id, user_id], "a remember cookie holds the type too"


# Methods


@pytest.mark.parametrize("methods", [{"pwd"}, ["pwd"], ("pwd",), frozenset({"pwd"}), iter(["pwd"])])
def test_how_the_user_proved_it_is_kept_for_the_login(
    app: Flask, users: dict[str, Any], methods: Any
) -> None:
    with app.test_request_context():
        login_user(users["alice"], methods=methods)
        assert current_login.methods == {"pwd"}


def test_what_is_not_said_is_not_assumed(app: Flask, users: dict[str, Any]) -> None:
    with app.test_request_context():
        login_user(users["alice"])
        assert current_login.methods == frozenset()
        assert "_methods" not in session


def test_a_single_text_for_methods_is_a_mistake_that_is_named(
    app: Flask, users: dict[str, Any]
) -> None:
    with app.test_request_context():
        with pytest.raises(ConfigurationError, match="'pwd'") as error:
            login_user(users["alice"], methods="pwd")
        assert error.value.key == "methods"
        assert "_user_id" not in session, "nothing happened"
        assert current_user.is_anonymous


def test_a_login_with_a_mistake_in_its_methods_changes_nothing_of_the_login_before(
    app: Flask, users: dict[str, Any]
) -> None:
    @app.get("/mistake")
    def mistake() -> str:
        with pytest.raises(ConfigurationError, match="methods"):
            login_user(users["bob"], remember=True, methods="pwd")
        return str(current_user.get_id())

    client = app.test_client()
    client.get("/login/alice?stale")
    with client.session_transaction() as kept:
        before = dict(kept)
    response = client.get("/mistake")
    assert response.text == "alice"
    assert "remember_token" not in str(response.headers.getlist("Set-Cookie"))
    with client.session_transaction() as kept:
        assert dict(kept) == before


def test_a_confirmation_with_a_mistake_in_its_methods_makes_nobody_fresh(app: Flask) -> None:
    told: list[Any] = []

    def receive(sender: Flask) -> None:
        told.append(sender)

    @app.get("/mistake")
    def mistake() -> str:
        with pytest.raises(ConfigurationError, match="methods") as error:
            confirm_login(methods="pwd")
        assert error.value.key == "methods"
        return ""

    client = app.test_client()
    client.get("/login/alice?stale")
    with user_login_confirmed.connected_to(receive):
        client.get("/mistake")
    assert told == []
    assert client.get("/fresh").text == "stale"
    with client.session_transaction() as kept:
        assert "_methods" not in kept


def test_methods_end_with_the_login_and_do_not_come_back_by_the_remember_cookie(
    app: Flask, users: dict[str, Any]
) -> None:
    @app.get("/enter")
    def enter() -> str:
        return str(login_user(users["alice"], remember=True, methods={"pwd"}))

    client = app.test_client()
    client.get("/enter")
    client.delete_cookie("session")
    with client:
        client.get("/me")
        assert (current_login.source, current_login.methods) == ("remember", frozenset())
        client.get("/me")
        assert (current_login.source, current_login.methods) == ("session", frozenset())


# confirm_login


def test_confirming_makes_the_login_fresh_and_adds_the_methods(
    app: Flask, users: dict[str, Any]
) -> None:
    told: list[Flask] = []

    def receive(sender: Flask) -> None:
        assert login_fresh()
        told.append(sender)

    with app.test_request_context(), user_login_confirmed.connected_to(receive):
        login_user(users["alice"], fresh=False, methods={"pwd"})
        confirm_login(methods={"otp"})
        assert login_fresh()
        assert current_login.methods == {"pwd", "otp"}
        confirm_login()
        assert current_login.methods == {"pwd", "otp"}
    assert told == [app, app]


def test_confirming_binds_the_login_to_the_client_of_now(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(SESSION_PROTECTION="basic")

    @app.get("/confirm")
    def confirm() -> str:
        confirm_login()
        return ""

    client = app.test_client()
    client.get("/login/alice", headers={"User-Agent": "Firefox 1"})
    client.get("/confirm", headers={"User-Agent": "Firefox 2"})
    assert client.get("/fresh", headers={"User-Agent": "Firefox 2"}).text == "fresh"


def test_confirming_when_nobody_is_logged_in_makes_nobody_fresh(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    told: list[Flask] = []

    def receive(sender: Flask) -> None:
        told.append(sender)

    with user_login_confirmed.connected_to(receive):
        with app.test_request_context():
            confirm_login(methods={"pwd"})
            assert not session
        login_manager.request_loader(lambda request: users["bob"])
        with app.test_request_context():
            confirm_login()
            assert current_user.get_id() == "bob"
            assert not session
            assert not login_fresh()
    assert told == [app, app], "the signal is sent as ever"


@pytest.mark.parametrize("how", ["on g", "by a request loader"])
def test_a_user_beside_the_session_does_not_make_the_sessions_owner_fresh_by_confirming(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any], how: str
) -> None:
    class WithPassword(UserMixin):
        def __init__(self, user_id: str) -> None:
            self.id = user_id

        def get_session_auth_hash(self) -> str:
            return f"hash of {self.id}"

    users.update(alice=WithPassword("alice"), bob=WithPassword("bob"))

    @app.get("/confirm")
    def confirm() -> str:
        if how == "on g":
            g._login_user = users["bob"]
        assert current_user.get_id() == "bob"
        confirm_login(methods={"pwd"})
        return "fresh" if login_fresh() else "stale"

    client = app.test_client()
    client.get("/login/alice?remember&stale")
    with client.session_transaction() as kept:
        before = dict(kept)
    token = client.get_cookie("remember_token")
    if how != "on g":
        # The session stays as it is; only nobody asks for its user.
        login_manager._user_callback = None
        login_manager.request_loader(lambda request: users["bob"])
    response = client.get("/confirm")
    assert response.text == "stale"
    assert "Set-Cookie" not in response.headers
    with client.session_transaction() as kept:
        assert dict(kept) == before
    assert client.get_cookie("remember_token") == token
    login_manager.user_loader(users.get)
    assert client.get("/me").text == "alice"
    assert client.get("/fresh").text == "stale"


# logout_user


def test_logout_leaves_nobody_in_this_request_and_in_the_next(app: Flask) -> None:
    client = app.test_client()
    client.get("/login/alice")
    with client:
        assert client.get("/logout").text == "True"
        assert current_user.is_anonymous
        assert not bool(current_login)
        assert not login_fresh()
        assert not session
    assert client.get("/me").text == "nobody"


def test_logout_when_nobody_is_logged_in_is_no_error_and_sets_no_cookie(app: Flask) -> None:
    response = app.test_client().get("/logout")
    assert response.text == "True"
    assert "Set-Cookie" not in response.headers


def test_logout_sends_its_signal_while_the_user_is_still_current(
    app: Flask, users: dict[str, Any]
) -> None:
    told: list[Any] = []

    def receive(sender: Flask, user: Any) -> None:
        assert get_current_user() is user
        told.append(user)

    client = app.test_client()
    client.get("/login/alice")
    with user_logged_out.connected_to(receive):
        client.get("/logout")
    assert told == [users["alice"]]


def test_a_mark_of_an_older_wish_for_a_cookie_does_not_survive_logout(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as kept:
        kept.update({"_user_id": "alice", "_remember": "set", "_remember_seconds": 60})
    response = client.get("/logout")
    assert client.get_cookie("remember_token") is None
    assert "remember_token" not in str(response.headers)
    with client.session_transaction() as kept:
        assert not kept


def test_the_browser_is_told_to_drop_its_pages_when_the_application_wants_it(
    make_app: Callable[..., Flask],
) -> None:
    client = make_app(LOGIN_CLEAR_SITE_DATA=True).test_client()
    assert "Clear-Site-Data" not in client.get("/login/alice").headers
    assert client.get("/logout").headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in client.get("/me").headers


def test_by_default_the_browser_keeps_its_pages(app: Flask) -> None:
    assert "Clear-Site-Data" not in app.test_client().get("/logout").headers


@pytest.mark.parametrize("state", ["logged in", "only remembered", "token unseen"])
def test_logout_on_a_page_that_the_browser_sends_no_token_to_still_deletes_it(
    make_app: Callable[..., Flask], state: str
) -> None:
    app = make_app(REMEMBER_COOKIE_PATH="/account")
    app.add_url_rule("/account/me", "account", app.view_functions["me"])
    client = app.test_client()
    client.get("/login/alice?remember")
    assert client.get_cookie("remember_token", path="/account") is not None
    if state != "logged in":
        client.delete_cookie("session")
    if state == "only remembered":
        assert client.get("/account/me").text == "alice"
    deletion = str(client.get("/logout").headers.getlist("Set-Cookie"))
    assert "remember_token=;" in deletion
    assert "Path=/account" in deletion
    assert client.get_cookie("remember_token", path="/account") is None
    assert client.get("/account/me").text == "nobody"


# Flask-WTF's token


@pytest.mark.parametrize("rotates", [None, False, True])
@pytest.mark.parametrize(
    ("config", "name"),
    [({}, "csrf_token"), ({"WTF_CSRF_FIELD_NAME": "crumb"}, "crumb")],
)
def test_a_csrf_token_from_before_is_dropped_at_login_and_at_logout_only_on_request(
    make_app: Callable[..., Flask], config: dict[str, Any], name: str, rotates: bool | None
) -> None:
    if rotates is not None:
        config = {**config, "LOGIN_ROTATE_CSRF_TOKEN": rotates}
    client = make_app(**config).test_client()
    for page in ("/login/alice", "/logout"):
        with client.session_transaction() as kept:
            kept.update({name: "known to somebody", "other": 1})
        client.get(page)
        with client.session_transaction() as kept:
            assert (name in kept) is not bool(rotates)
            assert kept["other"] == 1


# Many applications, one manager


def test_two_applications_of_one_manager_keep_their_own_settings(
    make_app: Callable[..., Flask],
) -> None:
    lax = make_app(REMEMBER_COOKIE_NAME="one", SECRET_KEY="one")
    strong = make_app(SESSION_PROTECTION="strong", SECRET_KEY="two")
    for app, name, user in ((lax, "one", "alice"), (strong, "remember_token", "nobody")):
        client = app.test_client()
        client.get("/login/alice?remember", headers={"User-Agent": "a"})
        assert client.get_cookie(name) is not None
        assert client.get("/me", headers={"User-Agent": "b"}).text == user


def test_a_setting_that_changes_later_counts(app: Flask) -> None:
    client = app.test_client()
    client.get("/login/alice", headers={"User-Agent": "a"})
    app.config["SESSION_PROTECTION"] = "strong"
    assert client.get("/me", headers={"User-Agent": "b"}).text == "nobody"


# Users without an id


class Guest:
    """An active user who has no id, as OctoPrint's is."""

    is_active = True
    is_authenticated = True
    is_anonymous = False

    def get_id(self) -> Any:
        return None


@pytest.fixture(params=KINDS, ids=str)
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    """One site for each level, in the default and in a named realm."""
    site = Site(request.param, clock)
    site.users["guest"] = Guest()  # type: ignore[assignment]  # any object will do
    return site


def test_a_user_without_an_id_is_the_user_of_this_request_and_the_next_knows_nobody(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Any] = []

    def receive(sender: Flask, user: Any) -> None:
        seen.append((user, site.manager.get_current_user()))

    client = site.browser()
    client.get("/login?id=ann&remember")
    saved = {name: site.cookie(client, name) for name in ("session", "remember")}
    with user_logged_in.connected_to(receive):
        for _ in range(3):
            assert client.get("/login?id=guest&remember").text == "True"
    guest: Any = site.users["guest"]
    assert seen == [(guest, guest)] * 3
    assert client.get("/me").text == "nobody", "whoever was logged in before is out"
    assert site.cookie(client, "remember") is None
    with client.session_transaction() as sess:
        assert not sess
    messages = [r.getMessage() for r in caplog.records if r.name == "flask_login"]
    assert len(messages) == 1
    assert "Guest" in messages[0]
    if site.store is not None:
        (record,) = site.store.list("ann")
        assert record.ended_reason == "replaced"
        assert not site.store.list("None")
        assert site.browser(**saved).get("/me").text == "nobody"


def test_a_user_without_an_id_can_neither_take_two_steps_nor_be_acted_as(site: Site) -> None:
    with site.app.test_request_context():
        with pytest.raises(InvalidUserId):
            site.manager.begin_login(site.users["guest"])
        site.manager.login_user(site.users["eve"])
        with pytest.raises(ImpersonationDenied):
            site.manager.impersonate(site.users["guest"])
        assert site.manager.get_current_user() is site.users["eve"]


@dataclasses.dataclass(eq=False)
class Row(UserMixin):
    """A row that was not saved, with room for a method of another name."""

    id: int | None = None

    def get_uid(self) -> Any:
        return self.id


def test_a_row_that_was_not_saved_is_logged_in_in_no_way(site: Site) -> None:
    with site.app.test_request_context():
        site.manager.login_user(site.users["eve"])
        for log_in in (site.manager.login_user, site.manager.begin_login, site.manager.impersonate):
            with pytest.raises(InvalidUserId, match="Was the user saved"):
                log_in(Row())
        assert site.manager.get_current_user() is site.users["eve"]
    realm = site.manager.realm
    with pytest.raises(InvalidUserId):
        FlaskLoginClient(site.app, user=Row(), realm=realm)
    client = FlaskLoginClient(site.app, user=site.users["guest"], realm=realm)
    assert client.get("/me").text == "nobody"


def test_another_id_attribute_says_itself_whether_there_is_an_id(site: Site) -> None:
    site.manager.id_attribute = "get_uid"
    with site.app.test_request_context():
        assert site.manager.login_user(Row()) is True
        assert isinstance(site.manager.get_current_user(), Row)
        assert not session


def test_an_id_may_be_awaited(site: Site) -> None:
    pytest.importorskip("asgiref")

    class Slow(Guest):
        async def get_id(self) -> str:
            return "slow"

    site.users["slow"] = Slow()  # type: ignore[assignment]  # any object will do
    with site.app.test_request_context():
        assert site.manager.login_user(site.users["slow"]) is True
        assert session[site.manager.keys.user_id] == "slow"
        login = site.manager.get_current_login()
        assert login is not None
        assert (login.user_id, login.fresh) == ("slow", True)


def test_a_session_of_old_that_says_none_as_a_text_goes_on(site: Site) -> None:
    site.users["None"] = site.users["ann"]
    client = site.browser()
    with client.session_transaction() as sess:
        sess[site.manager.keys.user_id] = "None"
        sess[site.manager.keys.fresh] = True
    assert client.get("/me").text == "ann"
    assert client.get("/fresh").text == "fresh"


# The type of an id


class Word(str, enum.Enum):
    ANN = "ann"


class Number(enum.IntEnum):
    SEVEN = 7


IDS: list[tuple[Any, Any]] = [
    (7, 7),
    (-1, -1),
    ("7", "7"),
    (Number.SEVEN, 7),
    (Word.ANN, "ann"),
    (UUID(int=7), UUID(int=7)),
    (b"\xff7", b"\xff7"),
]


@pytest.mark.parametrize(("user_id", "comes"), IDS, ids=repr)
def test_the_loader_gets_one_type_of_id_on_every_way(site: Site, user_id: Any, comes: Any) -> None:
    class Typed(Guest):
        def get_id(self) -> Any:
            return user_id

    seen: list[Any] = []

    @site.manager.user_loader
    def load(given: Any) -> Any:
        seen.append(given)
        return site.users["typed"]

    site.users["typed"] = Typed()  # type: ignore[assignment]  # any object will do
    client = site.browser()
    client.get("/login?id=typed&remember")
    client.get("/fresh")
    for _ in range(3):
        client.delete_cookie("session")
        client.get("/fresh")
        client.get("/fresh")
        site.clock.advance(HOUR)
    assert seen == [comes] * 7
    assert {type(given) for given in seen} == {type(comes)}
    client.get("/begin?id=typed")
    client.get("/pending")
    assert type(seen[-1]) is type(comes)
    assert client.get("/known").get_json()["user_id"] == str(comes)


def test_the_type_of_an_id_survives_a_change_of_the_credentials(site: Site) -> None:
    class Typed(Guest):
        password = "first"

        def get_id(self) -> Any:
            return 7

        def get_session_auth_hash(self) -> str:
            return self.password

    typed: Any = Typed()
    site.users["typed"] = typed
    site.manager.user_loader({7: typed}.get)
    client = site.browser()
    client.get("/login?id=typed&remember")
    typed.password = "second"
    with client:
        client.delete_cookie("session")
        assert client.get("/me").text == "nobody"
    client.get("/login?id=typed&remember")
    client.delete_cookie("session")
    assert client.get("/me").text == "7"


def test_a_remember_cookie_of_old_gives_the_id_as_text(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    seen: list[Any] = []
    login_manager.user_loader(seen.append)
    client = app.test_client()
    with app.app_context():
        client.set_cookie("remember_token", encode_cookie("7"))
    client.get("/me")
    assert seen == ["7"]
