"""Loaders: the application's callbacks, in which order they are asked, and what they may do."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Request, Response, abort, render_template_string, session
from flask.sessions import SecureCookieSessionInterface
from tests.policy_site import HOUR, KINDS, MINUTE, SECOND, Site
from werkzeug.exceptions import Forbidden, NotFound

from flask_login import (
    ConfigurationError,
    LoginManager,
    MissingLoader,
    UserMixin,
    current_login,
    current_user,
    get_current_user,
    login_session_ended,
    login_user,
    logout_user,
    user_loaded_from_cookie,
    user_loaded_from_request,
)
from flask_login.core.users import find
from flask_login.signals import _user_loaded_from_header
from flask_login.testing import FrozenClock
from flask_login.visit import visit_of

KEY = {"X-API-Key": "bob"}


def by_key(users: dict[str, Any]) -> Callable[[Request], Any]:
    return lambda request: users.get(request.headers.get("X-API-Key", ""))


# Registering


def test_each_loader_is_returned_unchanged_so_that_it_can_be_called_elsewhere() -> None:
    manager: LoginManager[Any] = LoginManager()

    def load(value: Any) -> Any:
        return value

    assert manager.user_loader(load) is load
    assert manager.request_loader(load) is load
    assert manager.bearer_loader(load) is load
    assert manager.header_loader(load) is load


def test_dependents_find_the_loaders_under_their_old_names() -> None:
    manager: LoginManager[Any] = LoginManager()
    assert (manager.user_callback, manager._user_callback) == (None, None)
    assert (manager.request_callback, manager._request_callback) == (None, None)
    load = manager.user_loader(lambda user_id: user_id)
    load_from_request = manager.request_loader(lambda request: None)
    assert manager.user_callback is manager._user_callback is load
    assert manager.request_callback is manager._request_callback is load_from_request


def test_a_loader_may_be_swapped_by_its_private_name(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    client = app.test_client()
    client.get("/login/alice")
    login_manager._user_callback = lambda user_id: users["bob"]
    assert client.get("/me").text == "bob"


def test_without_any_loader_the_first_question_says_what_to_write() -> None:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "key"
    LoginManager(app)
    with app.test_request_context(), pytest.raises(MissingLoader, match="user_loader") as error:
        get_current_user()
    assert error.value.reason == "no_loader"
    assert "request_loader" in str(error.value)


@pytest.mark.parametrize("kind", ["request_loader", "bearer_loader", "header_loader"])
def test_any_one_loader_is_enough(kind: str) -> None:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "key"
    manager: LoginManager[Any] = LoginManager(app)
    getattr(manager, kind)(lambda value: None)
    with app.test_request_context(headers={"Authorization": "Bearer x"}):
        assert current_user.is_anonymous


def test_without_a_user_loader_a_session_names_nobody(users: dict[str, Any]) -> None:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "key"
    manager: LoginManager[Any] = LoginManager(app)
    manager.request_loader(by_key(users))
    app.add_url_rule("/who", view_func=lambda: current_user.get_id() or "nobody")
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "alice"
    assert client.get("/who").text == "nobody"
    assert client.get("/who", headers=KEY).text == "bob"
    with app.test_request_context():
        assert find(visit_of(manager._realm), "alice") is None


# The user loader


def test_the_user_loader_is_called_once_a_request_with_the_id_of_the_session(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    client = app.test_client()
    client.get("/login/alice")
    asked: list[str] = []

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        asked.append(user_id)
        return users.get(user_id)

    with client:
        client.get("/fresh")
        assert current_user.get_id() == current_user.id == "alice"
    assert asked == ["alice"]
    client.get("/public")
    assert asked == ["alice"]


def test_right_after_login_the_user_loader_is_not_needed(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.user_loader(lambda user_id: pytest.fail("asked"))
    with app.test_request_context():
        login_user(users["alice"])
        assert get_current_user() is users["alice"]


@pytest.mark.parametrize("answer", [None, False])
def test_without_a_grace_an_unknown_id_is_looked_up_once_and_the_login_ends(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any], answer: Any
) -> None:
    client = make_app(LOGIN_UNKNOWN_USER_GRACE=timedelta(0)).test_client()
    client.get("/login/alice")
    asked: list[str] = []

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        asked.append(user_id)
        return answer

    for _ in range(3):
        assert client.get("/me").text == "nobody"
    assert asked == ["alice"]
    with client.session_transaction() as session:
        assert not session


def test_a_value_error_means_an_unknown_id_and_is_logged(
    make_app: Callable[..., Flask],
    login_manager: LoginManager[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    login_manager.user_loader(lambda user_id: int(user_id))
    client = make_app(LOGIN_UNKNOWN_USER_GRACE=timedelta(0)).test_client()
    with client.session_transaction() as session:
        session.update({"_user_id": "abc\nforged log line", "_fresh": True, "cart": 1})
    with caplog.at_level(logging.WARNING, logger="flask_login"):
        assert client.get("/me").text == "nobody"
        assert client.get("/me").text == "nobody"
    (record,) = caplog.records
    assert "ValueError" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert record.exc_info is not None
    with client.session_transaction() as session:
        assert dict(session) == {"cart": 1}


def test_without_a_grace_a_value_error_for_a_remembered_id_deletes_the_cookie(
    make_app: Callable[..., Flask], login_manager: LoginManager[Any]
) -> None:
    client = make_app(LOGIN_UNKNOWN_USER_GRACE=timedelta(0)).test_client()
    client.get("/login/alice?remember")
    client.delete_cookie("session")
    login_manager.user_loader(lambda user_id: int(user_id))
    assert client.get("/me").text == "nobody"
    assert client.get_cookie("remember_token") is None


@pytest.mark.parametrize("error", [KeyError, TypeError, ConnectionError, LookupError])
@pytest.mark.parametrize("remembered", [False, True])
def test_any_other_exception_propagates_and_ends_nothing(
    app: Flask, login_manager: LoginManager[Any], error: type[Exception], remembered: bool
) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    if remembered:
        client.delete_cookie("session")
    working = login_manager.user_callback
    assert working is not None

    def broken(user_id: str) -> Any:
        raise error("the database is away")

    login_manager.user_loader(broken)
    with pytest.raises(error, match="the database is away"):
        client.get("/me")
    login_manager.user_loader(working)
    assert client.get("/me").text == "alice"


def test_after_a_loader_failed_the_request_is_nobody_s_until_it_is_loaded_again(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    answers = iter([ConnectionError(), users["alice"]])

    @login_manager.request_loader
    def load(request: Request) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with app.test_request_context():
        with pytest.raises(ConnectionError):
            get_current_user()
        assert get_current_user().is_anonymous
        login_manager._load_user()
        assert get_current_user() is users["alice"]


# The order


def test_the_session_is_asked_before_the_cookie_and_the_cookie_before_the_request(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.request_loader(by_key(users))
    client = app.test_client()
    client.get("/login/alice?remember")
    with client:
        assert client.get("/me", headers=KEY).text == "alice"
        assert current_login.source == "session"
        client.delete_cookie("session")
        assert client.get("/me", headers=KEY).text == "alice"
        assert current_login.source == "remember"
        client.get("/logout")
        assert client.get("/me", headers=KEY).text == "bob"
        assert current_login.source == "request"


def test_a_dead_id_in_the_session_passes_on_to_the_remember_cookie(
    app: Flask, users: dict[str, Any]
) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")
    with client.session_transaction() as session:
        session["_user_id"] = "somebody who was deleted"
    with client:
        assert client.get("/me").text == "alice"
        assert (current_login.source, current_login.fresh) == ("remember", False)


def test_a_dead_id_in_the_session_passes_on_to_the_request_loader(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.request_loader(by_key(users))
    client = app.test_client()
    client.get("/login/alice")
    del users["alice"]
    assert client.get("/me", headers=KEY).text == "bob"


def test_a_suspended_user_of_a_loader_passes_on_to_the_next(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.request_loader(lambda request: users["bob"])
    login_manager.bearer_loader(lambda token: users["alice"])
    users["bob"].active = False
    client = app.test_client()
    assert client.get("/me", headers={"Authorization": "Bearer x"}).text == "alice"
    assert client.get("/me").text == "nobody"


def test_the_request_loader_is_asked_before_the_bearer_loader(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.request_loader(by_key(users))
    login_manager.bearer_loader(lambda token: users["alice"])
    client = app.test_client()
    bearer = {"Authorization": "Bearer token"}
    assert client.get("/me", headers={**KEY, **bearer}).text == "bob"
    assert client.get("/me", headers=bearer).text == "alice"


def test_a_loader_may_say_false_for_nobody(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    answer: Any = False
    login_manager.request_loader(lambda request: answer)
    login_manager.bearer_loader(lambda token: answer)
    assert app.test_client().get("/me", headers={"Authorization": "Bearer x"}).text == "nobody"


# Loaders of requests


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER   abc  ", "abc"),
        ("Bearer a=b, c", "a=b, c"),
        ("Bearer caf\xe9", "caf\xe9"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearerabc", None),
        ("Basic YTpi", None),
        ("Bearer\tabc", None),
        ("", None),
        (None, None),
    ],
)
def test_the_bearer_loader_gets_the_token_of_that_scheme_and_never_an_empty_one(
    app: Flask, login_manager: LoginManager[Any], header: str | None, token: str | None
) -> None:
    asked: list[str] = []

    @login_manager.bearer_loader
    def load(given: str) -> Any:
        asked.append(given)
        return None

    headers = {} if header is None else {"Authorization": header}
    assert app.test_client().get("/me", headers=headers).text == "nobody"
    assert asked == ([] if token is None else [token])


def test_a_bearer_token_of_64_kib_is_a_token_like_another(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.bearer_loader(users.get)
    headers = {"Authorization": "Bearer " + "x" * 65536}
    assert app.test_client().get("/me", headers=headers).text == "nobody"


def test_the_header_loader_of_old_gets_the_whole_header_and_is_asked_first(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.header_loader(lambda header: users.get(header.removeprefix("Token ")))
    login_manager.request_loader(by_key(users))
    told: list[Any] = []

    def receive(sender: Flask, user: Any) -> None:
        told.append(user)

    client = app.test_client()
    with client, _user_loaded_from_header.connected_to(receive):
        assert client.get("/me", headers={"Authorization": "Token alice", **KEY}).text == "alice"
        assert current_login.source == "request"
        assert client.get("/me", headers={"Authorization": "Token x", **KEY}).text == "bob"
        assert client.get("/me", headers=KEY).text == "bob"
    assert told == [users["alice"]]


@pytest.mark.parametrize(
    ("headers", "source"), [(KEY, "request"), ({"Authorization": "Bearer bob"}, "bearer")]
)
def test_what_a_request_loader_finds_is_written_nowhere(
    make_app: Callable[..., Flask],
    login_manager: LoginManager[Any],
    users: dict[str, Any],
    headers: dict[str, str],
    source: str,
) -> None:
    app = make_app(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True, SESSION_PROTECTION="strong")
    login_manager.request_loader(by_key(users))
    login_manager.bearer_loader(users.get)
    client = app.test_client()
    with client:
        response = client.get("/me", headers=headers)
        assert (response.text, current_login.source) == ("bob", source)
        assert current_login.fresh is False
        assert current_login.remembered is False
    assert "Set-Cookie" not in response.headers
    assert client.get("/me").text == "nobody"


def test_each_loader_of_requests_sends_its_signal_once_with_the_user(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.request_loader(by_key(users))
    login_manager.bearer_loader(users.get)
    told: list[Any] = []

    def receive(sender: Flask, user: Any) -> None:
        assert get_current_user() is user
        assert sender is app
        told.append(user.get_id())

    client = app.test_client()
    with client, user_loaded_from_request.connected_to(receive):
        client.get("/me", headers=KEY)
        client.get("/me", headers={"Authorization": "Bearer alice"})
        client.get("/me", headers={"Authorization": "Bearer nobody we know"})
        assert current_user.is_anonymous
    assert told == ["bob", "alice"]


def test_the_private_hooks_of_old_ask_one_loader_and_set_the_user(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    with app.test_request_context(headers=KEY) as context:
        assert login_manager._load_user_from_request(context.request) is None
        assert login_manager._load_user_from_header("alice") is None
        login_manager.request_loader(by_key(users))
        login_manager.header_loader(users.get)
        assert login_manager._load_user_from_request(context.request) is users["bob"]
        assert get_current_user() is users["bob"]
        assert login_manager._load_user_from_header("alice") is users["alice"]
        assert get_current_user() is users["alice"]


class Ann(UserMixin):
    id = "ann"


def test_the_answer_to_a_user_of_an_overridden_hook_is_for_them_alone(app: Flask) -> None:
    class Own(LoginManager[Any]):
        def _load_user_from_request(self, request: Request) -> Any:
            return Ann() if "X-Api-Key" in request.headers else None

    manager = Own(app)
    manager.request_loader(lambda _: None)
    answer = app.test_client().get("/me", headers={"X-Api-Key": "1"})
    assert answer.headers["Cache-Control"] == "private"


# current_user read while it is being found


def test_inside_a_user_loader_there_is_nobody_yet_and_no_recursion(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    client = app.test_client()
    client.get("/login/alice")
    seen: list[Any] = []

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        seen.append((current_user.is_anonymous, get_current_user().get_id(), bool(current_login)))
        return users[user_id]

    assert client.get("/me").text == "alice"
    assert seen == [(True, None, False)]


@pytest.mark.parametrize("kind", ["request_loader", "bearer_loader", "header_loader"])
def test_inside_a_request_loader_there_is_nobody_yet_and_no_recursion(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any], kind: str
) -> None:
    seen: list[bool] = []

    def load(value: Any) -> Any:
        seen.append(current_user.is_authenticated)
        return users["alice"]

    getattr(login_manager, kind)(load)
    assert app.test_client().get("/me", headers={"Authorization": "Bearer x"}).text == "alice"
    assert seen == [False]


def test_an_anonymous_user_that_is_none_is_none_inside_a_loader_as_well(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    login_manager.anonymous_user = lambda: None
    seen: list[Any] = []

    @login_manager.request_loader
    def load(request: Request) -> Any:
        seen.append(get_current_user())
        return users["alice"]

    assert app.test_client().get("/me").text == "alice"
    assert seen == [None]


def test_loading_asked_for_inside_a_loader_does_nothing(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    @login_manager.request_loader
    def load(request: Request) -> Any:
        login_manager._load_user()
        return users["alice"]

    assert app.test_client().get("/me").text == "alice"


def test_a_loader_that_logs_the_user_in_has_logged_them_in(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    @login_manager.request_loader
    def load(request: Request) -> Any:
        if request.headers.get("X-Remote-User") != "alice":
            return None
        login_user(users["alice"])
        assert get_current_user() is users["alice"]
        return users["alice"]

    client = app.test_client()
    assert client.get("/me", headers={"X-Remote-User": "alice"}).text == "alice"
    assert client.get("/me").text == "alice"


def test_a_loader_that_logs_the_user_out_has_logged_them_out(
    app: Flask, login_manager: LoginManager[Any], users: dict[str, Any]
) -> None:
    client = app.test_client()
    client.get("/login/alice?remember")

    @login_manager.user_loader
    def load(user_id: str) -> Any:
        logout_user()
        return None

    assert client.get("/me").text == "nobody"
    with client.session_transaction() as session:
        assert not session
    assert client.get_cookie("remember_token") is None


def test_no_loader_leaves_a_token_in_the_log(
    app: Flask,
    login_manager: LoginManager[Any],
    users: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    login_manager.bearer_loader(users.get)
    login_manager.header_loader(users.get)
    login_manager.request_loader(by_key(users))
    headers = {"Authorization": "Bearer canary-token", "X-API-Key": "canary-key"}
    assert app.test_client().get("/me", headers=headers).text == "nobody"
    assert "canary" not in caplog.text


# Users who are unknown for a moment


@pytest.fixture(params=KINDS, ids=str)
def site(request: pytest.FixtureRequest, clock: FrozenClock) -> Site:
    """One site for each level, in the default and in a named realm."""
    return Site(request.param, clock)


def entered(site: Site, how: str = "") -> Any:
    client = site.browser()
    assert client.get(f"/login?id=ann{how}").text == "True"
    return client


def cookies_set(*responses: Any) -> int:
    return sum(len(response.headers.getlist("Set-Cookie")) for response in responses)


def mark_of(site: Site, client: Any) -> Any:
    with client.session_transaction() as sess:
        return sess.get(site.manager.keys.unknown_since)


@pytest.fixture(params=["None", "False", "ValueError", "404", "async"])
def outage(request: pytest.FixtureRequest, site: Site) -> Callable[[], Callable[[], None]]:
    """Return a function that makes the loader know nobody; it returns one that ends that."""

    def unknown(user_id: str) -> Any:
        if request.param == "ValueError":
            raise ValueError("no such id")
        if request.param == "404":
            abort(404)
        return None if request.param == "None" else False

    async def unknown_in_a_while(user_id: str) -> Any:
        return None

    def begin() -> Callable[[], None]:
        working = site.manager.user_callback
        assert working is not None
        if request.param == "async":
            pytest.importorskip("asgiref")
            site.manager.user_loader(unknown_in_a_while)
        else:
            site.manager.user_loader(unknown)
        return lambda: setattr(site.manager, "_user_callback", working)

    return begin


@pytest.mark.parametrize("how", ["", "&remember"])
def test_a_loader_that_knows_nobody_for_a_moment_logs_nobody_out(
    site: Site, outage: Callable[[], Callable[[], None]], how: str
) -> None:
    client = entered(site, how)
    remember = site.cookie(client, "remember")
    end = outage()
    responses = []
    for _ in range(9):
        responses.append(client.get("/me"))
        assert responses[-1].text == "nobody"
        assert client.get("/why").text == "None"
        site.clock.advance(MINUTE)
    end()
    responses.append(client.get("/me"))
    assert responses[-1].text == "ann"
    assert cookies_set(*responses) == 2, "the mark is written once, and removed once"
    assert mark_of(site, client) is None
    assert site.cookie(client, "remember") == remember
    assert client.get("/fresh").text == "fresh"


@pytest.mark.parametrize("how", ["", "&remember"])
def test_a_login_ends_when_its_user_is_still_unknown_after_the_grace(
    site: Site, outage: Callable[[], Callable[[], None]], how: str
) -> None:
    client = entered(site, how)
    end = outage()
    assert client.get("/me").text == "nobody"
    site.clock.advance(10 * MINUTE - SECOND)
    assert client.get("/why").text == "None"
    site.clock.advance(SECOND)
    assert client.get("/why").text == "unknown_user"
    assert site.cookie(client, "remember") is None
    with client.session_transaction() as sess:
        assert not sess
    end()
    assert client.get("/me").text == "nobody"


def test_each_outage_has_a_grace_of_its_own(site: Site) -> None:
    client = entered(site)
    for _ in range(3):
        ann = site.users.pop("ann")
        assert client.get("/me").text == "nobody"
        site.clock.advance(9 * MINUTE)
        site.users["ann"] = ann
        assert client.get("/me").text == "ann"


def test_a_remember_cookie_alone_is_left_as_it_is_while_its_user_is_unknown(
    site: Site, outage: Callable[[], Callable[[], None]]
) -> None:
    client = entered(site, "&remember")
    site.clock.advance(HOUR)
    kept = site.cookie(client, "remember")
    client.delete_cookie("session")
    end = outage()
    responses = []
    for _ in range(9):
        responses.append(client.get("/me"))
        assert responses[-1].text == "nobody"
        site.clock.advance(MINUTE)
    assert cookies_set(*responses) == 1
    assert site.cookie(client, "remember") == kept, "nothing rotated"
    end()
    thief = site.browser(remember=kept)
    assert thief.get("/me").text == "ann", "and the server knows it as the newest"
    assert client.get("/me").text == "ann"
    assert mark_of(site, client) is None


def test_a_remember_token_that_a_request_loader_found_outlives_an_unknown_user(
    site: Site, outage: Callable[[], Callable[[], None]]
) -> None:
    def by_text(request: Request) -> Any:
        text = request.headers.get("X-Token")
        return site.manager._load_user_from_remember_cookie(text) if text else None

    site.manager.request_loader(by_text)
    client = entered(site, "&remember")
    headers = {"X-Token": str(site.cookie(client, "remember"))}
    end = outage()
    for _ in range(3):
        answer = site.browser().get("/me", headers=headers)
        assert (answer.text, cookies_set(answer)) == ("nobody", 0), "it is none of this browser's"
        site.clock.advance(10 * MINUTE)
    end()
    assert site.browser().get("/me", headers=headers).text == "ann"


def test_a_loader_that_logs_somebody_in_among_several_cookies_is_obeyed(site: Site) -> None:
    tokens = []
    for name in ("ann", "bob"):
        client = site.browser()
        client.get(f"/login?id={name}&remember")
        tokens.append(f"{site.remember_cookie}={site.cookie(client, 'remember')}")

    def load(user_id: str) -> Any:
        if user_id != "eve":
            site.manager.login_user(site.users["eve"])
        return site.users[user_id]

    site.manager.user_loader(load)
    client = site.app.test_client(use_cookies=False)
    assert client.get("/me", headers={"Cookie": "; ".join(tokens)}).text == "eve"


def test_a_remember_cookie_stays_whole_though_a_view_wrote_another_id_to_the_session(
    site: Site,
) -> None:
    @site.manager.login_not_required
    def mixed() -> Response:
        site.manager.login_user(site.users["ann"], remember=True)
        session[site.manager.keys.user_id] = 7
        response = Response("")
        site.manager._set_cookie(response)
        return response

    site.app.add_url_rule("/mixed", "mixed", mixed)
    client = site.browser()
    client.get("/mixed")
    client.delete_cookie("session")
    named = "ann" if site.store is not None else "nobody"  # the signed one goes by the session
    assert client.get("/me").text == named


def test_a_remember_cookie_that_slides_stays_as_it_is_while_its_user_is_unknown(
    site: Site, outage: Callable[[], Callable[[], None]]
) -> None:
    site.app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True
    client = entered(site, "&remember")
    kept = site.cookie(client, "remember")
    end = outage()
    responses = []
    for _ in range(3):
        site.clock.advance(MINUTE)
        responses.append(client.get("/me"))
    assert cookies_set(*responses) == 1, "the mark"
    assert site.cookie(client, "remember") == kept
    end()
    assert client.get("/me").text == "ann"


def test_a_remember_cookie_alone_ends_after_the_grace(
    site: Site, outage: Callable[[], Callable[[], None]]
) -> None:
    client = entered(site, "&remember")
    kept = site.cookie(client, "remember")
    client.delete_cookie("session")
    end = outage()
    responses = [client.get("/me")]
    site.clock.advance(10 * MINUTE)
    responses += [client.get("/why"), client.get("/why")]
    assert [response.text for response in responses] == ["nobody", "unknown_user", "None"]
    assert site.cookie(client, "remember") is None
    assert cookies_set(*responses) == 2
    end()
    if site.store is not None:
        assert site.browser(remember=kept).get("/me").text == "nobody"


def test_the_loader_is_asked_once_a_request_for_a_session_and_its_remember_cookie(
    site: Site,
) -> None:
    client = entered(site, "&remember")
    asked: list[str] = []
    site.manager.user_loader(asked.append)
    assert client.get("/me").text == "nobody"
    assert asked == ["ann"]


def test_a_user_of_another_remember_cookie_is_found_though_that_of_the_session_is_unknown(
    site: Site,
) -> None:
    bob = site.browser()
    bob.get("/login?id=bob&remember")
    client = entered(site)
    client.set_cookie(site.remember_cookie, str(site.cookie(bob, "remember")))
    del site.users["ann"]
    assert client.get("/me").text == "bob"
    assert mark_of(site, client) is None
    if site.store is not None:
        (record,) = site.store.list("ann")
        assert record.ended_reason == "replaced"


def test_two_unknown_users_of_one_browser_do_not_take_each_other_s_mark(site: Site) -> None:
    bob = site.browser()
    bob.get("/login?id=bob&remember")
    client = entered(site)
    client.set_cookie(site.remember_cookie, str(site.cookie(bob, "remember")))
    del site.users["ann"], site.users["bob"]
    responses = [client.get("/me") for _ in range(4)]
    assert cookies_set(*responses) == 1
    assert mark_of(site, client)[1] == "ann"


@pytest.mark.parametrize(
    "mark",
    [
        ["later", "ann"],
        [True, "ann"],
        [1.5, "ann"],
        [10**12, "ann"],
        [1, "bob"],
        [1, 2],
        [1],
        7,
        "ann",
        None,
        {"ann": 1},
    ],
)
def test_a_mark_that_is_none_or_another_s_is_written_again(site: Site, mark: Any) -> None:
    client = entered(site)
    with client.session_transaction() as sess:
        sess[site.manager.keys.unknown_since] = mark
    del site.users["ann"]
    assert client.get("/why").text == "None"
    assert mark_of(site, client) == [int(site.clock().timestamp()), "ann"]


@pytest.mark.parametrize("mark", [7, None, [1, "bob"], [1, "ann"]])
def test_any_mark_goes_when_the_user_is_found(site: Site, mark: Any) -> None:
    client = entered(site)
    with client.session_transaction() as sess:
        sess[site.manager.keys.unknown_since] = mark
    assert client.get("/me").text == "ann"
    with client.session_transaction() as sess:
        assert site.manager.keys.unknown_since not in sess


def test_a_login_removes_the_mark(site: Site) -> None:
    client = entered(site)
    del site.users["ann"]
    client.get("/me")
    assert mark_of(site, client) is not None
    client.get("/login?id=bob")
    assert mark_of(site, client) is None
    assert client.get("/me").text == "bob"


def test_a_logout_of_somebody_unknown_ends_the_login_and_the_mark(site: Site) -> None:
    client = entered(site, "&remember")
    saved = {name: site.cookie(client, name) for name in ("session", "remember")}
    ann = site.users.pop("ann")
    client.get("/me")
    client.get("/logout")
    site.users["ann"] = ann
    assert client.get("/me").text == "nobody"
    with client.session_transaction() as sess:
        assert not sess
    if site.store is not None:
        assert site.browser(**saved).get("/me").text == "nobody"


def test_a_page_that_does_not_ask_says_and_writes_nothing_of_an_unknown_user(site: Site) -> None:
    site.page("/public")
    client = entered(site)
    del site.users["ann"]
    client.get("/me")
    site.clock.advance(HOUR)
    response = client.get("/public")
    assert "Vary" not in response.headers
    assert cookies_set(response) == 0


def test_a_suspended_user_is_out_at_once_whatever_the_grace(site: Site) -> None:
    client = entered(site)
    site.users["ann"].active = False
    assert client.get("/why").text == "deactivated"


def test_a_request_loader_is_asked_while_the_session_s_user_is_unknown(site: Site) -> None:
    client = entered(site)
    site.manager.request_loader(lambda request: site.users.get(request.headers.get("Key", "")))
    ann = site.users.pop("ann")
    assert client.get("/me", headers={"Key": "bob"}).text == "bob"
    site.users["ann"] = ann
    assert client.get("/me").text == "ann"


def test_the_mark_of_one_realm_says_nothing_of_another_s(clock: FrozenClock) -> None:
    site, staff = Site(("signed", None), clock), Site(("signed", "staff"), clock)
    staff.manager.init_app(site.app)
    with site.app.test_request_context():
        site.manager.login_user(site.users["ann"])
        staff.manager.login_user(staff.users["ann"])
        del site.users["ann"]
        site.manager._load_user()
        staff.manager._load_user()
        assert site.manager.current_user.is_anonymous
        assert staff.manager.get_current_user() is staff.users["ann"]
        assert "_unknown_since" in session
        assert "_staff.unknown_since" not in session


def test_a_stream_hears_that_its_user_is_unknown_and_may_go_on_later(site: Site) -> None:
    with site.app.test_request_context():
        site.manager.login_user(site.users["ann"])
        ann = site.users.pop("ann")
        assert site.manager.login_still_valid() is False
        site.users["ann"] = ann
        site.manager._load_user()
        assert site.manager.login_still_valid() is True


class Keeping(SecureCookieSessionInterface):
    """Gives a null session to a request that asks for one."""

    def open_session(self, app: Flask, request: Request) -> Any:
        return None if "X-No-Session" in request.headers else super().open_session(app, request)


def test_where_no_session_can_be_kept_an_unknown_user_is_waited_for_without_a_mark(
    app: Flask, users: dict[str, Any]
) -> None:
    app.session_interface = Keeping()
    client = app.test_client()
    client.get("/login/alice?remember")
    client.delete_cookie("session")
    alice = users.pop("alice")
    assert client.get("/me", headers={"X-No-Session": "1"}).text == "nobody"
    users["alice"] = alice
    assert client.get("/me", headers={"X-No-Session": "1"}).text == "alice"
    assert client.get("/me").text == "alice"


# What an error of the loader means


def named(module: str, name: str, base: type[Exception] = Exception) -> type[Exception]:
    """Return an error class as a library that is not installed has it."""
    return type(name, (base,), {"__module__": module})


InvalidId = named("bson.errors", "InvalidId", named("bson.errors", "BSONError"))
NotValid = named("mongoengine.errors", "ValidationError", AssertionError)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        NotFound(),
        InvalidId("x"),
        NotValid("x"),
        type("Own", (InvalidId,), {})("x"),
    ],
    ids=repr,
)
def test_what_says_that_an_id_is_none_means_what_none_means(site: Site, error: Exception) -> None:
    client = entered(site)
    working = site.manager.user_callback
    assert working is not None

    def load(user_id: str) -> Any:
        raise error

    site.manager.user_loader(load)
    assert client.get("/me").text == "nobody"
    site.manager.user_loader(working)
    assert client.get("/me").text == "ann"


@pytest.mark.parametrize(
    "error",
    [
        UnicodeDecodeError("utf-8", b"", 0, 1, "x"),
        json.JSONDecodeError("x", "", 0),
        ConfigurationError("key", "value", "something"),
        type("Validation", (ValueError,), {})("x"),
        type("Gone", (NotFound,), {})(),
        Forbidden(),
        named("pydantic", "ValidationError", ValueError)("x"),
        named("elsewhere", "InvalidId")("x"),
        LookupError("x"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("how", ["", "&remember"])
def test_what_only_descends_from_it_propagates_and_ends_nothing(
    site: Site, error: Exception, how: str
) -> None:
    client = entered(site, how)
    site.clock.advance(HOUR)
    if how:
        client.delete_cookie("session")
    before = site.cookie(client), site.cookie(client, "remember")
    working = site.manager.user_callback
    assert working is not None

    def load(user_id: str) -> Any:
        raise error

    site.manager.user_loader(load)
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    site.app.testing = False
    assert client.get("/me").status_code in (500, 404, 403)
    assert (site.cookie(client), site.cookie(client, "remember")) == before
    site.manager.user_loader(working)
    assert client.get("/me").text == "ann"


def test_a_404_of_the_loader_is_no_noise_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    client = entered(site)
    site.manager.user_loader(lambda user_id: abort(404))
    assert client.get("/me").text == "nobody"
    assert not [record for record in caplog.records if record.name == "flask_login"]


# After a loader has failed


@pytest.mark.parametrize("loader", ["user_loader", "request_loader"])
def test_pages_that_tell_of_a_failed_loader_see_nobody_and_do_not_fail_again(
    site: Site, loader: str
) -> None:
    site.app.config.update(PROPAGATE_EXCEPTIONS=False, REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)
    site.app.testing = False
    seen: list[Any] = []

    @site.app.errorhandler(500)
    def failed(_: Exception) -> tuple[str, int]:
        seen.append(site.manager.current_user.is_anonymous)
        name = "current_user" if site.manager.realm == "default" else "current_staff"
        return render_template_string("{{ %s.is_anonymous }}" % name), 500  # noqa: UP031

    @site.app.after_request
    def after(response: Any) -> Any:
        seen.append(site.manager.get_current_login())
        return response

    client = entered(site, "&remember") if loader == "user_loader" else site.browser()
    seen.clear()
    before = site.cookie(client), site.cookie(client, "remember")
    calls: list[Any] = []

    def load(value: Any) -> Any:
        calls.append(value)
        raise ConnectionError("the database is away")

    getattr(site.manager, loader)(load)
    response = client.get("/me")
    assert (response.status_code, response.text) == (500, "True")
    assert (seen, len(calls)) == ([True, None], 1)
    assert (site.cookie(client), site.cookie(client, "remember")) == before


def test_a_guard_does_not_take_a_failed_loader_for_a_logged_out_user(site: Site) -> None:
    site.page("/guarded", site.manager.login_required)
    site.page("/strangers", site.manager.anonymous_required)

    @site.app.before_request
    def look() -> None:
        with suppress(ConnectionError):
            str(site.manager.current_user)

    client = entered(site)

    def load(value: Any) -> Any:
        raise ConnectionError("the database is away")

    site.manager.user_loader(load)
    for path in ("/guarded", "/strangers"):
        with pytest.raises(ConnectionError, match="the database is away"):
            client.get(path)


def test_who_logs_in_after_a_loader_failed_is_logged_in(site: Site) -> None:
    working = site.manager.user_callback
    assert working is not None

    def load(value: Any) -> Any:
        raise ConnectionError

    def enter() -> str:
        with suppress(ConnectionError):
            str(site.manager.current_user)
        site.manager.login_user(site.users["bob"])
        return str(site.manager.current_user.get_id())

    site.app.add_url_rule("/enter", view_func=site.manager.login_not_required(enter))
    client = entered(site)
    site.manager.user_loader(load)
    assert client.get("/enter").text == "bob"
    site.manager.user_loader(working)
    assert client.get("/me").text == "bob"


def test_a_stream_asks_again_after_a_loader_failed(site: Site) -> None:
    def failing(user_id: str) -> Any:
        raise ConnectionError

    working = site.manager.user_callback
    assert working is not None
    with site.app.test_request_context():
        site.manager.login_user(site.users["ann"])
        site.manager.user_loader(failing)
        with pytest.raises(ConnectionError):
            site.manager.login_still_valid()
        site.manager.user_loader(working)
        assert site.manager.login_still_valid() is True


# Loaders and receivers that log somebody in or out


@pytest.mark.parametrize("word", ["logout", "login"])
def test_a_receiver_of_a_return_that_decides_otherwise_is_obeyed_in_this_very_request(
    site: Site, word: str
) -> None:
    client = entered(site, "&remember")
    saved = site.cookie(client, "remember")
    client.delete_cookie("session")
    ended: list[str] = []

    def receive(sender: Flask, user: Any) -> None:
        if word == "logout":
            site.manager.logout_user()
        else:
            site.manager.login_user(site.users["bob"], remember=True)

    def tell(sender: Any, login: Any, reason: str) -> None:
        ended.append(reason)

    with user_loaded_from_cookie.connected_to(receive), login_session_ended.connected_to(tell):
        response = client.get("/me")
    assert response.text == ("nobody" if word == "logout" else "bob")
    if word == "logout":
        assert site.cookie(client, "remember") is None
        with client.session_transaction() as sess:
            assert not sess
    else:
        client.delete_cookie("session")
        assert client.get("/me").text == "bob"
    if site.store is not None:
        assert ended == ["logout" if word == "logout" else "replaced"]
        assert site.browser(remember=saved).get("/me").text == "nobody"


@pytest.mark.parametrize("answer", ["the user", "nobody"])
@pytest.mark.parametrize("how", ["", "&remember"])
def test_a_user_loader_that_logs_out_is_obeyed_whatever_it_returns(
    site: Site, answer: str, how: str
) -> None:
    client = entered(site, "&remember")
    if how:
        client.delete_cookie("session")
    site.manager.request_loader(lambda request: pytest.fail("asked"))

    @site.manager.user_loader
    def load(user_id: str) -> Any:
        site.manager.logout_user()
        return site.users[user_id] if answer == "the user" else None

    assert client.get("/me").text == "nobody"
    assert site.cookie(client, "remember") is None
    with client.session_transaction() as sess:
        assert not sess


# A loader may change the session that it is asked about


def test_a_loader_that_takes_the_mark_of_a_forced_login_away_breaks_no_page(site: Site) -> None:
    ann = site.users["ann"]

    def load(user_id: str) -> Any:
        session.pop(site.manager.keys.force, None)
        return site.users.get(user_id)

    client = site.browser()
    ann.active = False
    assert client.get("/login?id=ann&force").text == "True"
    site.manager.user_loader(load)
    assert client.get("/me").text == "nobody", "an account that is suspended, and not forced in"
    ann.active = True
    client.get("/login?id=ann")
    assert client.get("/me").text == "ann"


def test_a_loader_of_a_user_who_is_active_again_may_take_the_mark_away_itself(site: Site) -> None:
    ann = site.users["ann"]

    def load(user_id: str) -> Any:
        ann.active = True
        session.pop(site.manager.keys.force, None)
        return site.users.get(user_id)

    client = site.browser()
    ann.active = False
    client.get("/login?id=ann&force")
    site.manager.user_loader(load)
    assert client.get("/me").text == "ann"
    assert client.get("/me").text == "ann"


def test_a_loader_that_ends_the_impersonation_gives_the_actor(site: Site) -> None:
    def load(user_id: str) -> Any:
        session.pop(site.manager.keys.acting_as, None)
        return site.users.get(user_id)

    client = site.browser()
    client.get("/login?id=eve")
    client.get("/act?id=ann")
    assert client.get("/me").text == "ann"
    site.manager.user_loader(load)
    assert client.get("/me").text == "eve"
