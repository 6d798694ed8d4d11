from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required, login_user

# [views]
from .logins import current_user, login_manager
from .models import User, users

pages = Blueprint("pages", __name__)


@pages.get("/account")
@login_required
def account() -> str:
    return current_user.email


# [narrow]
@pages.get("/")
def home() -> str:
    match login_manager.get_current_user():
        case User() as user:
            return f"Hello, {user.email}!"
        case _:
            return "Hello, stranger!"


# [login]
@pages.post("/login")
def login() -> ResponseReturnValue:
    login_user(users["1"])
    return redirect(url_for("pages.home"))
