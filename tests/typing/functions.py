"""What a type checker makes of the public functions; checked by mypy and pyright, never run."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from flask import Flask
from typing_extensions import assert_type

from flask_login import (
    AnonymousUserMixin,
    ConfigurationError,
    CurrentLogin,
    FlaskLoginClient,
    User,
    UserMixin,
    confirm_login,
    current_login,
    current_user,
    decode_cookie,
    encode_cookie,
    get_current_user,
    login_fresh,
    login_remembered,
    login_url,
    login_user,
    logout_user,
    make_next_param,
    safe_next_url,
    set_login_view,
)
from flask_login.testing import FrozenClock

# Without a typed manager the user may be anything: old code stays free of errors.

assert_type(current_user, Any)
assert_type(current_user.email, Any)
assert_type(get_current_user(), Any)

assert_type(login_user(current_user), bool)
assert_type(login_user(current_user, True, timedelta(days=1), False, True, methods={"pwd"}), bool)
assert_type(logout_user(), bool)
assert_type(login_fresh(), bool)
assert_type(login_remembered(), bool)
assert_type(login_url("login", next_url="/a", next_field="next"), str)
assert_type(make_next_param("/login", "/a"), str)
assert_type(safe_next_url("/"), str)
assert_type(encode_cookie("1"), str)
assert_type(decode_cookie("1|abc", key=b"secret"), str | None)
confirm_login()
set_login_view("login")

login_user(current_user, duration=3600)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a timedelta is asked for
safe_next_url()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # there is no default default

assert_type(current_login, CurrentLogin)
assert_type(current_login.user_id, str | None)
assert_type(current_login.source, str)
assert_type(current_login.fresh, bool)
assert_type(current_login.methods, frozenset[str])


# The protocol of a user object.


class Member(UserMixin):
    def __init__(self, id: str) -> None:  # noqa: A002  # the mixin's own name for it
        self.id = id


class Own:
    is_active = True
    is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        return "1"


def greet(user: User) -> str:
    return user.get_id()


assert_type(greet(Member("1")), str)
greet(Own())
greet(AnonymousUserMixin())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # nobody has no id
assert_type(Member("1").is_active, bool)
assert_type(AnonymousUserMixin().get_id(), None)

# Errors carry data.

error = ConfigurationError("KEY", 1, "True or False")
assert_type(error.key, str)
assert_type(error.value, object)
assert_type(error.reason, str)

# Help for tests.

clock = FrozenClock(datetime(2026, 1, 1, tzinfo=timezone.utc))
assert_type(clock(), datetime)

app = Flask(__name__)
client = FlaskLoginClient(app, user=Member("1"), fresh_login=False)
with client.user(Member("2")) as same_client:
    assert_type(same_client, FlaskLoginClient)
