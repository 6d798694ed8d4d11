"""The home page and the error pages."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Flask, Response, jsonify, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]  # ships no types
from werkzeug.exceptions import HTTPException, InternalServerError

from flask_login import TooManyLoginAttempts, current_login

from .forms import ConfirmForm
from .login import why_logged_out
from .models import db, login_time
from .security import is_api_request

bp = Blueprint("pages", __name__)

ERRORS = {
    400: ("That did not work", "The request was not complete. Please go back and try again."),
    401: ("Please log in", "This page is for people who are logged in."),
    403: ("Not for this account", "Your account may not open this page."),
    404: ("Nothing here", "There is no page at this address. It may have moved, or never existed."),
    405: ("Not this way", "This address does not accept that kind of request."),
    413: ("Too much", "The request was larger than this site accepts."),
    500: (
        "Our mistake",
        "Something went wrong here. We have noted it; please try again later.",
    ),
    503: ("One moment, please", "A part of this site is not answering. Please try again soon."),
}
EXPIRED_FORM = (
    "This form has expired",
    "You may have logged in or out in the meantime. Please open the page again.",
)
NOT_AS_SOMEBODY_ELSE = (
    "Only they may do that",
    "You are looking at the site as somebody else. Only they can change anything here.",
)


@bp.get("/")
def home() -> str:
    return render_template("home.html")


@bp.get("/favicon.ico")
def favicon() -> ResponseReturnValue:
    return "", 301, {"Location": url_for("static", filename="favicon.svg")}


def show_error(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400 or error.response is not None:
        return error  # a redirect of the router, or an answer that is complete already
    title, text = ERRORS.get(code, (HTTPStatus(code).phrase, error.description or ""))
    if isinstance(error, CSRFError):
        title, text = EXPIRED_FORM
    if code == 403 and current_login and current_login.actor is not None:
        title, text = NOT_AS_SOMEBODY_ELSE
    if is_api_request():
        answer = _problem(code, error.description or text)
    else:
        answer = Response(render_template("error.html", code=code, title=title, text=text))
        answer.status_code = code
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            answer.headers[name] = value  # Allow, WWW-Authenticate, Retry-After
    return answer


def show_too_many_attempts(error: TooManyLoginAttempts) -> ResponseReturnValue:
    """Show one page, whether the account exists or not and whoever made the attempts."""
    wait = {"Retry-After": str(error.retry_after)}
    if error.response is not None:
        return error  # complete already: a problem document for a program
    if is_api_request():
        answer = _problem(429, error.description or "")
        answer.headers.update(wait)
        return answer
    until = login_time() + timedelta(seconds=int(str(error.retry_after)))
    page = render_template("too_many_attempts.html", text=error.description, until=until)
    return page, 429, wait


def show_server_error(error: InternalServerError) -> ResponseReturnValue:
    """Show a page that reads neither the user nor the database again."""
    db.session.rollback()
    title, text = ERRORS[500]
    if is_api_request():
        return _problem(500, text)
    return render_template("error.html", code=500, title=title, text=text, bare=True), 500


def _problem(code: int, detail: str) -> Response:
    """An error as a problem document (RFC 9457)."""
    title = HTTPStatus(code).phrase
    answer = jsonify(type="about:blank", title=title, status=code, detail=detail)
    answer.status_code = code
    answer.mimetype = "application/problem+json"
    return answer


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, show_error)
    app.register_error_handler(TooManyLoginAttempts, show_too_many_attempts)
    app.register_error_handler(InternalServerError, show_server_error)
    app.context_processor(
        lambda: {
            "confirm_form": ConfirmForm,
            "current_login": current_login,
            "why_logged_out": why_logged_out,
        }
    )
