"""One site and one way through it, for every library that applications combine with this one.

`make_site` gives an application with a login, and `walk` goes through it: with Flask's test
client (`browser_of`), or over HTTP (`browser_at`).
"""

from __future__ import annotations

import http.client
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from http.cookies import SimpleCookie
from typing import Any, NamedTuple

from flask import Flask, redirect, request, url_for
from tests.deadlines import at_most
from tests.redirect_status import REDIRECT

from flask_login import (
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    fresh_login_required,
    login_not_required,
    login_required,
    login_user,
    logout_user,
    safe_next_url,
)

#: Where nobody is sent after a login.
EVIL = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "javascript:alert(1)",
)


class User(UserMixin):
    """A user without a database."""

    def __init__(self, user_id: str) -> None:
        self.id = user_id


USERS = {name: User(name) for name in ("ann", "ben")}


# The site


def make_site(
    store: Any = None,
    *,
    app: Flask | None = None,
    manager: LoginManager[Any] | None = None,
    find: Callable[[str], Any] = USERS.get,
    load: Callable[..., Any] | None = USERS.get,
    **config: Any,
) -> Flask:
    """Return an application of which `walk` knows the pages.

    :param find: Finds a user by the name in the login form.
    :param load: The user loader; None if the manager has one.
    :param config: Settings, in force before the manager sees the application.
    """
    app = Flask("site") if app is None else app
    app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
    app.config.update(config)
    manager = LoginManager(session_store=store) if manager is None else manager
    manager.login_view, manager.refresh_view = "login", "confirm"
    if load is not None:
        manager.user_loader(load)
    manager.init_app(app)
    add_login(app, find)
    add_pages(app)
    return app


def add_login(app: Flask, find: Callable[[str], Any]) -> None:
    """Add the pages that change who is logged in."""

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return "log in"
        user = find(request.form["name"])
        if user is None or not login_user(user, remember="remember" in request.form):
            return "unknown", 403
        return redirect(safe_next_url(url_for("home")))

    @app.route("/confirm", methods=["GET", "POST"])
    @login_required
    def confirm() -> Any:
        if request.method == "GET":
            return "is it you?"
        confirm_login()
        return redirect(safe_next_url(url_for("home")))

    @app.post("/logout")
    def logout() -> str:
        logout_user()
        return "bye"


def add_pages(app: Flask) -> None:
    """Add pages for everybody, for users, and for users who have just proved who they are."""

    @app.get("/")
    @login_not_required
    def home() -> str:
        return f"user {current_user.get_id() or 'nobody'}"

    @app.get("/guarded")
    @login_required
    def guarded() -> str:
        return f"user {current_user.get_id()}"

    @app.get("/fresh")
    @fresh_login_required
    def fresh() -> str:
        return f"user {current_user.get_id()}"

    @app.get("/public")
    @login_not_required
    def public() -> str:
        return "for all"


# The browsers


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    text: str

    def header(self, name: str) -> str:
        """Return the values of a header, joined; empty if there is none."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def location(self) -> str:
        return self.header("Location")


#: Sends method, path, headers and body, and gives the answer.
Send = Callable[[str, str, Mapping[str, str], bytes], Answer]


class Browser:
    """Keeps cookies, as browsers do; what it is given to send with is a test client or a socket.

    :param token: Where it reads the CSRF token that goes with each POST, if the site wants one.
    """

    def __init__(self, send: Send, cookies: Mapping[str, str] = {}, token: str = "") -> None:
        self._send, self._token = send, token
        self.cookies = dict(cookies)
        self.headers: dict[str, str] = {"Accept": "text/html"}

    def another(self, cookies: Mapping[str, str] = {}) -> Browser:
        """Return another browser, which has these cookies."""
        other = Browser(self._send, cookies, self._token)
        other.headers = dict(self.headers)
        return other

    def get(self, path: str, **headers: str) -> Answer:
        return self.open("GET", path, headers)

    def post(self, path: str, data: Mapping[str, str] = {}, **headers: str) -> Answer:
        if self._token:
            headers["X-CSRFToken"] = self.get(self._token).text
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.open("POST", path, headers, urllib.parse.urlencode(data).encode())

    def open(
        self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> Answer:
        sent = {**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        answer = self._send(method, path, sent, body)
        for name, text in answer.headers:
            if name.lower() == "set-cookie":
                self._keep(text)
        return answer

    def _keep(self, text: str) -> None:
        for name, morsel in SimpleCookie(text).items():
            # Flask and its extensions delete by a time that is long gone, or by an age of none.
            if morsel["max-age"] == "0" or "1970" in morsel["expires"] or not morsel.value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.coded_value

    def log_in(self, name: str = "ann", **form: str) -> Browser:
        """Log in without further questions."""
        assert self.post("/login", {"name": name, **form}).status == REDIRECT
        assert self.get("/guarded").text == f"user {name}"
        return self


def browser_of(app: Flask, base_url: str = "http://localhost", token: str = "") -> Browser:
    """Return a browser that calls the application in this process."""

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        client = app.test_client(use_cookies=False)
        answer = client.open(
            path, method=method, headers=dict(headers), data=body, base_url=base_url
        )
        return Answer(answer.status_code, list(answer.headers), answer.text)

    return Browser(send, token=token)


def browser_at(port: int) -> Browser:
    """Return a browser that speaks HTTP with a server on this machine."""

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=at_most(20))
        try:
            link.request(method, path, body or None, dict(headers))
            answer = link.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read().decode())
        finally:
            link.close()

    return Browser(send)


# The way through the site


def walk(
    browser: Browser,
    *,
    stored: bool,
    name: str = "ann",
    user_id: str | None = None,
    guarded: Iterable[str] = (),
) -> None:
    """Go through a login from the first refusal to the replay of old cookies.

    :param stored: whether the logins have records; without them a copied cookie is good until it
        expires, as the documentation says.
    :param guarded: more pages behind the login, which show the user's id.
    """
    user_id = name if user_id is None else user_id
    pages = ("/guarded", *guarded)
    assert browser.get("/public").text == "for all"
    for page in pages:
        assert_refused(browser, page)

    for evil in EVIL:
        target = f"/login?{urllib.parse.urlencode({'next': evil})}"
        assert browser.another().post(target, {"name": name}).location == "/", evil

    refused = browser.get("/guarded").location
    assert refused == "/login?next=%2Fguarded"
    assert browser.post(refused, {"name": name, "remember": "on"}).location == "/guarded"
    for page in pages:
        answer = browser.get(page)
        assert answer.status == 200, (page, answer)
        assert user_id in answer.text, page
    assert browser.get("/fresh").text == f"user {user_id}"
    assert "remember_token" in browser.cookies
    old = [dict(browser.cookies)]

    del browser.cookies["session"]  # closed, and opened again
    assert browser.get("/guarded").text == f"user {user_id}"
    stale = browser.get("/fresh")
    assert (stale.status, stale.location) == (REDIRECT, "/confirm?next=%2Ffresh")
    old.append(dict(browser.cookies))
    assert browser.post(stale.location).location == "/fresh"
    assert browser.get("/fresh").text == f"user {user_id}"
    old.append(dict(browser.cookies))

    assert browser.post("/logout").status == 200
    assert "remember_token" not in browser.cookies
    for page in pages:
        assert_refused(browser, page)
    if stored:
        for cookies in old:
            for kept in (cookies, {"remember_token": cookies["remember_token"]}):
                assert browser.another(kept).get("/").text == "user nobody"


def assert_refused(browser: Browser, page: str) -> None:
    """Assert that a guard sends nobody to the login, or says that there is none."""
    answer = browser.get(page)
    assert answer.status in (REDIRECT, 401), (page, answer)
    if answer.status == REDIRECT:
        assert answer.location == f"/login?{urllib.parse.urlencode({'next': page})}"


def doctor(app: Flask) -> set[str]:
    """Return the codes of what `flask login doctor` finds."""
    from flask_login.doctor import examine

    with app.app_context():
        return {finding.code for finding in examine(app)}
