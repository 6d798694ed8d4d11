"""What a type checker makes of a `LoginManager`; checked by mypy and pyright, never run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Request
from typing_extensions import assert_type

from flask_login import AnonymousUserMixin, CurrentLogin, LoginManager, UserMixin


@dataclass(eq=False)
class Account(UserMixin):
    id: str
    email: str


app = Flask(__name__)

# A manager of one's own user class has a typed user.

accounts = LoginManager[Account](app)
assert_type(accounts, LoginManager[Account])
assert_type(accounts.current_user, Account)
assert_type(accounts.current_user.email, str)
assert_type(accounts.get_current_user(), Account | AnonymousUserMixin | None)
assert_type(accounts.get_current_login(), CurrentLogin | None)

alice = Account("1", "alice@example.com")
assert_type(accounts.login_user(alice, remember=True, duration=timedelta(days=1)), bool)
assert_type(accounts.login_user(alice, False, None, True, False, methods={"pwd"}), bool)
assert_type(accounts.logout_user(), bool)
assert_type(accounts.login_fresh(), bool)
assert_type(accounts.login_remembered(), bool)
assert_type(accounts.safe_next_url("/"), str)
assert_type(accounts.begin_login(alice, methods={"pwd"}), bool)
assert_type(accounts.pending_user(), Account | None)
assert_type(accounts.impersonate(alice), None)
accounts.confirm_login(methods=["otp"])
accounts.set_login_view("login")
accounts.set_login_view("admin.login", Blueprint("admin", __name__))


class Stranger:
    pass


accounts.login_user(Stranger())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # not of this manager's users
accounts.begin_login(Stranger())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # as above
accounts.impersonate(Stranger())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # as above
accounts.header_loader(lambda _: Stranger())  # type: ignore[arg-type,return-value]  # pyright: ignore[reportArgumentType]  # as above

# An annotation says the same as a type argument.

annotated: LoginManager[Account] = LoginManager()
assert_type(annotated.current_user, Account)

# Yesterday's code says nothing, and needs no annotation.

plain = LoginManager()
assert_type(plain, LoginManager[Any])
assert_type(plain.current_user, Any)
assert_type(plain.pending_user(), Any | None)
plain.init_app(app)
plain.init_app(app, add_context_processor=False)
plain.login_view = "login"
plain.login_message = None
plain.session_protection = "strong"
plain.anonymous_user = lambda: None
plain.unauthorized_callback = lambda: ("no", 401)


# The loaders are what the manager is asked to take.


@accounts.user_loader
def load_account(user_id: str) -> Account | None:
    return alice if user_id == alice.id else None


assert_type(load_account("1"), Account | None)


@accounts.request_loader
def load_from_request(request: Request) -> Account | None:
    return alice if request.headers.get("X-API-Key") else None


@accounts.bearer_loader
def load_from_token(token: str) -> Account | None:
    return alice if token else None


@accounts.may_impersonate
def may_act(actor: Account, user: Account) -> bool:
    return actor.email < user.email


@plain.user_loader
def load_anything(user_id: str) -> object:
    return user_id


@accounts.user_loader  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # not of this manager's users
def load_stranger(user_id: str) -> Stranger:
    return Stranger()


# They take what the library gives them: an id of a type that `get_id()` may return, the request,
# the token.


@accounts.user_loader
def load_by_number(user_id: int) -> Account | None:
    return alice if user_id == 1 else None


@accounts.user_loader
def load_by_uuid(user_id: UUID) -> Account | None:
    return alice if user_id.int == 1 else None


@accounts.user_loader
def load_by_text_or_nothing(user_id: str | None) -> Account | None:
    return alice if user_id == alice.id else None


class ShopRequest(Request):
    tenant = "shop"


@accounts.request_loader
def load_from_shop_request(request: ShopRequest) -> Account | None:
    return alice if request.tenant == "shop" else None


by_id = {alice.id: alice}
accounts.user_loader(by_id.get)
accounts.user_loader(lambda user_id: by_id.get(user_id))


@accounts.user_loader  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType, reportUntypedFunctionDecorator]  # an id is no number with a point
def load_by_float(user_id: float) -> Account | None:
    return alice if user_id == 1.0 else None


@accounts.user_loader  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType, reportUntypedFunctionDecorator]  # a loader is given the id
def load_nothing() -> Account | None:
    return None


@accounts.request_loader  # type: ignore[arg-type, type-var]  # pyright: ignore[reportCallIssue, reportArgumentType, reportUntypedFunctionDecorator]  # it takes the request
def load_from_text(request: str) -> Account | None:
    return alice if request else None


@accounts.bearer_loader  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType, reportUntypedFunctionDecorator]  # a token is text
def load_from_bytes(token: bytes) -> Account | None:
    return alice if token else None


# `isinstance` and `match` narrow what `get_current_user` returns.

match accounts.get_current_user():
    case Account() as somebody:
        assert_type(somebody, Account)
    case nobody:
        assert_type(nobody, AnonymousUserMixin | None)

user = accounts.get_current_user()
if isinstance(user, Account):
    assert_type(user, Account)


@accounts.unauthorized_handler
def answer_strangers() -> tuple[str, int]:
    return "no", 401


@accounts.needs_refresh_handler
def answer_the_stale() -> tuple[str, int]:
    return "again", 401


# A subclass overrides what it likes, the hooks of old too.


class Strict(LoginManager[Account]):
    def login_fresh(self) -> bool:
        return super().login_fresh() and not self.login_remembered()

    def _session_protection_failed(self) -> bool:
        return super()._session_protection_failed()


strict = Strict(app)
assert_type(strict.current_user, Account)
assert_type(strict.pending_user(), Account | None)


@strict.user_loader
def load_strictly(user_id: str) -> Account | None:
    return alice if user_id == alice.id else None


# A realm of its own, with its own users and clock.


def new_year() -> datetime:
    return datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(eq=False)
class Employee(UserMixin):
    id: str
    badge: int


staff = LoginManager[Employee](app, name="staff", clock=new_year)
assert_type(staff.current_user.badge, int)
assert_type(staff.realm, str)
LoginManager[Employee](app, name=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a realm's name is text


# Loaders and handlers may be ``async def``.


@accounts.user_loader
async def load_account_later(user_id: str) -> Account | None:
    return alice if user_id == alice.id else None


@accounts.request_loader
async def load_from_request_later(request: Request) -> Account | None:
    return alice if request.headers.get("X-API-Key") else None


@accounts.bearer_loader
async def load_from_token_later(token: str) -> Account | None:
    return alice if token else None


@accounts.unauthorized_handler
async def answer_strangers_later() -> tuple[str, int]:
    return "no", 401


async def call_the_async_loaders() -> None:
    assert_type(await load_account_later("1"), Account | None)
    assert_type(await load_from_token_later("1"), Account | None)
    assert_type(await answer_strangers_later(), tuple[str, int])
