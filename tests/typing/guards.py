"""What a type checker makes of guarded views; checked by mypy and pyright, never run."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue
from flask.views import MethodView, View
from typing_extensions import assert_type

from flask_login import (
    LoginManager,
    UserMixin,
    anonymous_required,
    fresh_login_required,
    login_not_required,
    login_required,
    no_activity,
)

app = Flask(__name__)
login_manager = LoginManager(app)


@app.get("/orders/<int:number>")
@login_required
def show_order(number: int, lang: str = "en") -> str:
    return f"{number} {lang}"


assert_type(show_order(1), str)
assert_type(show_order(1, lang="de"), str)
show_order("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the view takes an int
show_order()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # the view takes an argument


@app.get("/password")
@fresh_login_required
def change_password() -> tuple[str, int]:
    return "changed", 200


assert_type(change_password(), tuple[str, int])


# Called, a guard is a decorator that does the same.


@app.get("/reports/<int:number>")
@login_required(when=lambda user: user.is_admin)
def show_report(number: int) -> str:
    return str(number)


assert_type(show_report(1), str)
show_report("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the view takes an int


@app.post("/transfer")
@fresh_login_required(max_age=timedelta(minutes=5), methods={"otp"}, impersonated=True)
def transfer(to: str) -> tuple[str, int]:
    return to, 200


assert_type(transfer("ann"), tuple[str, int])


@app.get("/transfers")
@login_required()
@fresh_login_required()
def list_transfers() -> list[str]:
    return []


assert_type(list_transfers(), list[str])


@app.get("/register")
@anonymous_required
def register(name: str) -> str:
    return name


@app.get("/welcome")
@anonymous_required(redirect_to="index")
async def welcome() -> str:
    return "welcome"


assert_type(register("ann"), str)


@app.get("/imprint")
@login_not_required
@no_activity
def imprint(lang: str) -> str:
    return lang


assert_type(imprint("de"), str)

# What a guard takes by keyword is no view.
login_required("admin")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # a role is no view
login_required(when="admin")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # nor a test
fresh_login_required(max_age=300)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # of what?
anonymous_required("index")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # it is redirect_to


# An async view stays one.


@app.get("/later/<int:number>")
@login_required
async def show_later(number: int) -> str:
    return str(number)


@app.get("/later/password")
@fresh_login_required
async def change_password_later() -> dict[str, bool]:
    return {"changed": True}


async def call_the_async_views() -> None:
    assert_type(await welcome(), str)
    assert_type(await show_later(1), str)
    assert_type(await change_password_later(), dict[str, bool])


# A realm's guards do the same.


@app.get("/staff/<name>")
@login_manager.login_required
def show_staff(name: str) -> str:
    return name


@app.get("/staff/<name>/delete")
@login_manager.fresh_login_required
def delete_staff(name: str) -> str:
    return name


assert_type(show_staff("a"), str)
assert_type(delete_staff("a"), str)


class User(UserMixin):
    is_admin = False


customers = LoginManager[User](app, name="customers")
office = Blueprint("office", __name__)
customers.protect(app)
customers.protect(office)


@app.get("/discounts/<int:percent>")
@customers.login_required(when=lambda user: user.is_admin)
@customers.fresh_login_required(max_age=timedelta(minutes=5))
def give_discount(percent: int) -> str:
    return str(percent)


customers.login_required(when=lambda user: user.nonsense)  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownLambdaType, reportAttributeAccessIssue, reportUnknownMemberType]  # a User has none


@app.get("/join")
@customers.anonymous_required(redirect_to="/")
@customers.login_not_required
@customers.no_activity
def join() -> str:
    return "join"


assert_type(give_discount(5), str)
assert_type(join(), str)


# Class-based views take them in a list.


class Report(View):
    decorators = [login_required]  # noqa: RUF012  # this is how Flask's documentation writes it

    def dispatch_request(self) -> ResponseReturnValue:
        return "report"


class Account(MethodView):
    decorators = [fresh_login_required, login_required]  # noqa: RUF012  # as above

    def get(self) -> ResponseReturnValue:
        return "account"


@login_not_required
class About(View):
    decorators = [login_required(when=lambda user: user.is_admin)]  # noqa: RUF012  # as above

    def dispatch_request(self) -> ResponseReturnValue:
        return "about"


assert_type(About(), About)
