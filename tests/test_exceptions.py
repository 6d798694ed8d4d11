from __future__ import annotations

import pickle
from typing import Any

import pytest
from werkzeug.exceptions import Forbidden, ServiceUnavailable, TooManyRequests
from werkzeug.routing import BuildError

import flask_login
from flask_login import (
    ConfigurationError,
    FlaskLoginError,
    ImpersonationDenied,
    InvalidUser,
    InvalidUserId,
    LoginInSession,
    MissingLoader,
    MissingLoginManager,
    NoCurrentUser,
    SessionStoreUnavailable,
    ThrottleUnavailable,
    TooManyLoginAttempts,
    UnguardedViewError,
    UnknownLoginView,
    exceptions,
)

ERRORS: list[tuple[FlaskLoginError, str, type[Exception], dict[str, Any]]] = [
    (
        ConfigurationError("KEY", 1, "True or False", "Do this."),
        "invalid_setting",
        ValueError,
        {"key": "KEY", "value": 1, "accepted": "True or False", "cure": "Do this."},
    ),
    (
        MissingLoginManager("shop", "staff"),
        "no_login_manager",
        RuntimeError,
        {"app_name": "shop", "realm": "staff"},
    ),
    (MissingLoader(), "no_loader", RuntimeError, {}),
    (
        ImpersonationDenied("The actor may not."),
        "impersonation_denied",
        Forbidden,
        {"cause": "The actor may not."},
    ),
    (
        TooManyLoginAttempts(30, "account"),
        "too_many_attempts",
        TooManyRequests,
        {"scope": "account"},
    ),
    (
        ThrottleUnavailable("TimeoutError"),
        "throttle_unavailable",
        ServiceUnavailable,
        {"cause": "TimeoutError"},
    ),
    (
        InvalidUser("user", "str", "get_id"),
        "no_user",
        AttributeError,
        {"what": "user", "given": "str", "missing": "get_id"},
    ),
    (LoginInSession("_user_id"), "login_in_session", RuntimeError, {"key": "_user_id"}),
    (NoCurrentUser("name"), "no_request", AttributeError, {"attribute": "name"}),
    (
        UnknownLoginView("lgoin", "Could not build url for endpoint 'lgoin'."),
        "unknown_login_view",
        BuildError,
        {"view": "lgoin", "cause": "Could not build url for endpoint 'lgoin'."},
    ),
    (InvalidUserId("get_id"), "no_user_id", ValueError, {"id_attribute": "get_id"}),
    (
        UnguardedViewError(["b", "a"]),
        "decorator_order",
        RuntimeError,
        {"endpoints": ("b", "a")},
    ),
    (
        SessionStoreUnavailable("redis", TimeoutError("redis://user:canary@host")),
        "store_unavailable",
        ServiceUnavailable,
        {"store": "redis", "cause": "TimeoutError", "detail": "no answer in time"},
    ),
]
# What an error that is an answer as well has from Werkzeug.
OF_AN_ANSWER = {"description", "response", "retry_after"}
EACH_ERROR = pytest.mark.parametrize(
    ("error", "reason", "kind", "data"), ERRORS, ids=lambda value: getattr(value, "reason", "")
)


def classes(root: type[FlaskLoginError] = FlaskLoginError) -> list[type[FlaskLoginError]]:
    found = [root]
    for child in root.__subclasses__():
        found += classes(child)
    return [c for c in found if c.__module__.startswith("flask_login.")]


@EACH_ERROR
def test_an_error_has_its_reason_its_root_and_its_data(
    error: FlaskLoginError, reason: str, kind: type[Exception], data: dict[str, Any]
) -> None:
    assert error.reason == reason
    assert isinstance(error, FlaskLoginError)
    assert isinstance(error, kind)
    assert {key: vars(error)[key] for key in vars(error).keys() - OF_AN_ANSWER} == data


@EACH_ERROR
def test_an_error_s_text_names_its_data_and_ends_in_a_sentence(
    error: FlaskLoginError, reason: str, kind: type[Exception], data: dict[str, Any]
) -> None:
    text = str(error)
    for value in data.values():
        for part in value if isinstance(value, tuple) else [value]:
            assert str(part) in text
    assert text[0].isupper() or text.startswith(("user.", "503 ", "'", "session["))
    assert text.endswith((".", "?"))


@EACH_ERROR
def test_an_error_survives_its_way_from_another_process(
    error: FlaskLoginError, reason: str, kind: type[Exception], data: dict[str, Any]
) -> None:
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))
    assert (arrived.reason, isinstance(arrived, kind)) == (reason, True)


def test_every_error_of_the_library_is_in_these_tests() -> None:
    assert {type(error) for error, *_ in ERRORS} | {FlaskLoginError} == set(classes())


def test_every_error_stands_under_the_root_and_is_public() -> None:
    for name, value in vars(exceptions).items():
        if isinstance(value, type) and value.__module__ == exceptions.__name__:
            assert issubclass(value, FlaskLoginError)
            assert getattr(flask_login, name) is value


def test_reason_codes_are_unique_and_plain() -> None:
    reasons = [error.reason for error in classes()]
    assert len(set(reasons)) == len(reasons)
    assert all(reason.isidentifier() and reason.islower() for reason in reasons)


def test_a_configuration_error_without_a_cure_ends_with_the_value() -> None:
    error = ConfigurationError("duration", "123", "a datetime.timedelta")
    assert str(error) == "duration must be a datetime.timedelta, instead got: 123"


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("LOGIN_IDLE_TIMEOUT", "30", "'30'"),
        ("LOGIN_IDLE_TIMEOUT", 30, "30"),
        ("fresh_timeout", "30", "'30'"),
        ("REMEMBER_COOKIE_DURATION", "123", "123"),
    ],
)
def test_a_number_in_quotes_is_shown_in_quotes_but_where_0_6_3_had_none(
    key: str, value: object, shown: str
) -> None:
    error = ConfigurationError(key, value, "a timedelta")
    assert str(error) == f"{key} must be a timedelta, instead got: {shown}"


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (InvalidUser("user", "None", "get_id"), "Nobody was found"),
        (InvalidUser("user", "int", "get_id"), "not an id or a name"),
        (InvalidUser("user", "Customer", "get_id"), "inherit from flask_login.UserMixin"),
        (InvalidUser("current user", "str", "is_authenticated"), "A loader has to return"),
        (InvalidUser("current user", "Customer", "is_authenticated"), "flask_login.UserMixin"),
    ],
)
def test_what_is_no_user_is_told_with_what_to_do(error: InvalidUser, cure: str) -> None:
    assert cure in str(error)


def test_an_unknown_view_answers_as_werkzeug_s_own_error_does() -> None:
    error = UnknownLoginView("lgoin", "Could not build url.")
    assert (error.endpoint, error.values, error.method, error.suggested) == (
        "lgoin",
        {},
        None,
        None,
    )


def test_an_error_of_the_store_names_its_kind_but_not_the_text_that_may_hold_a_password() -> None:
    error = SessionStoreUnavailable("redis", TimeoutError("redis://user:canary@host"))
    assert "canary" not in str(error) + repr(error) + str(vars(error))
    assert str(SessionStoreUnavailable("redis")).endswith("(redis) gave no answer.")
