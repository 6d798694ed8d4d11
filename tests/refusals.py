"""Who gets what: the table that tests/test_matrix.py holds the library to.

``scripts/refusals_page.py`` makes docs/reference/refusals.md of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.redirect_status import REDIRECT

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
BASIC = "Basic YWxpY2U6c2VjcmV0"

# ------------------------------------------------------------------ what is asked

#: Where a caller stands, and what a page says of it.
STATES = {
    "nobody": "nobody",
    "pending": "between the two steps of a login",
    "expired": "logged in until a timeout ended it",
    "remembered": "back by a remember cookie",
    "old": "logged in with a password, 10 minutes ago",
    "new": "logged in with a password, now",
    "otp": "logged in with a one-time code, now",
    "acting": "acting as another user",
    "key": "known by a request loader",
}

#: The guards, with what each asks of a caller, in the order of `STATES`: nothing ("in"), to log in,
#: to prove once more who they are, to go on; or it has nothing to offer ("-").
GUARDS = {
    "login_not_required": ("in", "in", "in", "in", "in", "in", "in", "in", "in"),
    "by default": (
        *("log in", "log in", "log in"),
        *("in", "in", "in", "in", "in", "in"),
    ),
    "login_required": ("log in", "log in", "log in", "in", "in", "in", "in", "in", "in"),
    "when=": (
        *("log in", "log in", "log in"),
        *("-", "-", "-", "-", "-", "-"),
    ),
    "fresh_login_required": (
        *("log in", "log in", "log in"),
        *("prove", "in", "in", "in", "-", "prove"),
    ),
    "max_age=": (
        *("log in", "log in", "log in"),
        *("prove", "prove", "in", "in", "-", "prove"),
    ),
    "methods=": (
        *("log in", "log in", "log in"),
        *("prove", "prove", "prove", "in", "-", "prove"),
    ),
    "anonymous_required": (
        *("in", "in", "in"),
        *("go on", "go on", "go on", "go on", "go on", "go on"),
    ),
}

# ---------------------------------------------------------------------- who asks


@dataclass(frozen=True)
class Caller:
    """A kind of caller, and for whom it is answered with each ``LOGIN_UNAUTHORIZED_RESPONSE``."""

    name: str
    sends: str
    negotiate: str
    redirect: str = "page"
    status: str = "program"
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: dict[str, Any] = field(default_factory=dict)
    scheme: str = "Session"
    error: str = ""
    #: In which blueprint the view is.
    place: str = ""


CALLERS = [
    Caller(
        "a browser that opens a page",
        "`Sec-Fetch-Mode: navigate`",
        "page",
        headers={"Accept": BROWSER, "Sec-Fetch-Mode": "navigate"},
    ),
    Caller(
        "an old browser, behind a proxy's own Basic login",
        "`Accept: text/html, ...`, `Authorization: Basic`",
        "page",
        headers={"Accept": BROWSER, "Authorization": BASIC},
    ),
    Caller(
        "a form",
        "`POST`, `Accept: text/html, ...`",
        "page",
        headers={"Accept": BROWSER, "Referer": "http://localhost/form"},
        method="POST",
        body={"data": {"a": "1"}},
    ),
    Caller("who does not say", "`Accept: */*`", "page", headers={"Accept": "*/*"}),
    Caller(
        "`fetch`, an image, a frame of another site",
        "`Sec-Fetch-Mode` other than `navigate`",
        "program",
        headers={"Accept": "*/*", "Sec-Fetch-Mode": "cors"},
    ),
    Caller(
        "`XMLHttpRequest` by a library",
        "`X-Requested-With: XMLHttpRequest`",
        "program",
        headers={"Accept": "*/*", "X-Requested-With": "XMLHttpRequest"},
    ),
    Caller(
        "who prefers JSON",
        "`Accept: application/json`",
        "program",
        headers={"Accept": "application/json"},
    ),
    Caller(
        "who sends JSON",
        "`POST`, `Content-Type: application/json`",
        "program",
        headers={"Accept": "*/*", "Referer": "http://localhost/form"},
        method="POST",
        body={"json": {"a": 1}},
    ),
    Caller(
        "a client with a bearer token",
        "`Authorization: Bearer`",
        "program",
        headers={"Accept": "*/*", "Authorization": "Bearer unknown"},
        scheme="Bearer",
        error="invalid_token",
    ),
    Caller(
        "a client with Basic",
        "`Authorization: Basic`",
        "program",
        headers={"Accept": "*/*", "Authorization": BASIC},
        scheme="Basic",
    ),
    Caller(
        "htmx",
        "`HX-Request: true`",
        "htmx",
        headers={
            "Accept": "*/*",
            "Sec-Fetch-Mode": "cors",
            "HX-Request": "true",
            "HX-Current-URL": "http://localhost/form",
        },
    ),
    Caller(
        "anybody, in a blueprint without pages",
        "`set_login_view(None, blueprint=api)`",
        "program",
        redirect="program",
        headers={"Accept": BROWSER, "Sec-Fetch-Mode": "navigate"},
        place="api",
    ),
]

# --------------------------------------------------------------- what they are told


@dataclass(frozen=True)
class Answer:
    """A status, the headers that count, and what the body is.

    In headers ``{back}`` is where to come back to, ``{challenge}`` the scheme with its realm,
    ``{invalid}`` the error that a bad bearer token gets, ``{max_age}`` what a guard asked for.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    #: ``page`` for HTML, the ``reason`` of a problem document, or nothing.
    body: str = ""
    #: Whether a message is flashed.
    flashed: bool = False


_INSUFFICIENT = '{challenge}, error="insufficient_user_authentication"{max_age}'
_CHALLENGE = {"WWW-Authenticate": "{challenge}{invalid}"}
_STEP_UP = {"WWW-Authenticate": _INSUFFICIENT}

#: What a caller is told, by what is asked of them and by whom the answer is for.
ANSWERS = {
    "log in": {
        "page": Answer(REDIRECT, {"Location": "/log-in?next={back}"}, "page", flashed=True),
        "program": Answer(401, _CHALLENGE, "login_required"),
        "htmx": Answer(401, {"HX-Redirect": "/log-in?next={back}", **_CHALLENGE}, flashed=True),
    },
    "prove": {
        "page": Answer(REDIRECT, {"Location": "/refresh?next={back}"}, "page", flashed=True),
        "program": Answer(401, _STEP_UP, "fresh_login_required"),
        "htmx": Answer(401, {"HX-Redirect": "/refresh?next={back}", **_STEP_UP}, flashed=True),
    },
    "-": {
        "page": Answer(403, {}, "page"),
        "program": Answer(403, {}, "forbidden"),
        "htmx": Answer(403, {}, "page"),
    },
    "go on": {
        "page": Answer(REDIRECT, {"Location": "/"}, "page"),
        "program": Answer(403, {}, "anonymous_required"),
        "htmx": Answer(200, {"HX-Redirect": "/"}),
    },
}

#: The same where the application has no `login_view` and no `refresh_view`.
WITHOUT_VIEWS = {
    "log in": {
        "page": Answer(401, _CHALLENGE, "page"),
        "program": ANSWERS["log in"]["program"],
        "htmx": Answer(401, _CHALLENGE, "page"),
    },
    "prove": {
        "page": Answer(401, _STEP_UP, "page"),
        "program": ANSWERS["prove"]["program"],
        "htmx": Answer(401, _STEP_UP, "page"),
    },
}

MODES = ("negotiate", "redirect", "status")
