"""Loaders: the application's callbacks, in which order they are asked, and what they may do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Request

from flask_login import (
    LoginManager,
    MissingLoader,
    UserMixin,
    current_login,
    current_user,
    get_current_user,
    login_user,
    logout_user,
    user_loaded_from_request,
)
from flask_login.loaders import Loaders
from flask_login.signals import _user_loaded_from_header

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


def test_loaders_alone_keep_no_user(app: Flask, users: dict[str, Any]) -> None:
    loaders: Loaders[Any] = Loaders()
    loaders.request_loader(lambda request: users["bob"])
    with app.test_request_context() as context, pytest.raises(NotImplementedError):
        loaders._load_user_from_request(context.request)


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
        assert manager._call_user_loader("alice") is None


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
def test_an_unknown_id_is_looked_up_once_and_the_login_ends(
    app: Flask, login_manager: LoginManager[Any], answer: Any
) -> None:
    client = app.test_client()
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
    app: Flask, login_manager: LoginManager[Any], caplog: pytest.LogCaptureFixture
) -> None:
    login_manager.user_loader(lambda user_id: int(user_id))
    client = app.test_client()
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


def test_a_value_error_for_a_remembered_id_deletes_the_cookie(
    app: Flask, login_manager: LoginManager[Any]
) -> None:
    client = app.test_client()
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


def test_after_a_loader_failed_the_same_request_may_ask_again(
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
