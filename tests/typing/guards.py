"""What a type checker makes of guarded views; checked by mypy and pyright, never run."""

from __future__ import annotations

from flask import Flask
from flask.typing import ResponseReturnValue
from flask.views import MethodView, View
from typing_extensions import assert_type

from flask_login import LoginManager, fresh_login_required, login_required

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


# Class-based views take them in a list.


class Report(View):
    decorators = [login_required]  # noqa: RUF012  # this is how Flask's documentation writes it

    def dispatch_request(self) -> ResponseReturnValue:
        return "report"


class Account(MethodView):
    decorators = [fresh_login_required, login_required]  # noqa: RUF012  # as above

    def get(self) -> ResponseReturnValue:
        return "account"
