"""Every caller, at every guard, in every state of a login, with every way to answer."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Blueprint, session
from tests.policy_site import HOUR, MINUTE, SIGNED, Kind, Site
from tests.refusals import ANSWERS, CALLERS, GUARDS, MODES, STATES, WITHOUT_VIEWS, Answer, Caller
from werkzeug.test import TestResponse

from flask_login.testing import FrozenClock

PATHS = {name: f"/guard-{number}" for number, name in enumerate(GUARDS)}
SCRIPT = Path(__file__).parent.parent / "scripts/refusals_page.py"


def guards_of(site: Site) -> list[Callable[[Any], Any]]:
    """Return the guards that the table names, in its order."""
    manager = site.manager
    fresh = manager.fresh_login_required
    return [
        manager.login_not_required,
        lambda view: view,
        manager.login_required,
        manager.login_required(when=lambda user: False),
        fresh,
        fresh(max_age=5 * MINUTE),
        fresh(methods={"otp"}),
        manager.anonymous_required,
    ]


def make(kind: Kind, clock: FrozenClock, mode: str) -> Site:
    """Return a site with a view for each guard, at its root and in a blueprint without pages."""
    site = Site(kind, clock, LOGIN_UNAUTHORIZED_RESPONSE=mode, LOGIN_IDLE_TIMEOUT=HOUR)
    site.app.name = "shop"
    api = Blueprint("api", __name__, url_prefix="/api")
    for path, guard in zip(PATHS.values(), guards_of(site), strict=True):
        for place in (site.app, api):
            view = guard(lambda: "come in")
            place.add_url_rule(path, path[1:], view, methods=["GET", "POST"])
    site.app.register_blueprint(api)
    site.manager.set_login_view(None, blueprint=api)
    site.manager.protect(site.app)
    site.manager.request_loader(
        lambda request: site.users["bob"] if request.headers.get("X-Key") == "key" else None
    )
    return site


def cookies_of(site: Site, state: str) -> dict[str, str | None]:
    """Bring a browser into a state of a login, and return its cookies."""
    client = site.browser()
    steps = {
        "pending": ("/begin?id=ann&methods=pwd&remember",),
        "expired": ("/login?id=ann&methods=pwd,otp&remember",),
        "remembered": ("/login?id=ann&methods=pwd,otp&remember",),
        "old": ("/login?id=ann&methods=pwd",),
        "new": ("/login?id=ann&methods=pwd",),
        "otp": ("/login?id=ann&methods=otp",),
        "acting": ("/login?id=eve&methods=pwd,otp", "/act?id=ann"),
    }
    for step in steps.get(state, ()):
        assert client.get(step).status_code == 200
    site.clock.advance({"expired": HOUR, "old": 10 * MINUTE}.get(state, timedelta(0)))
    session = None if state == "remembered" else site.cookie(client)
    return {"session": session, "remember": site.cookie(client, "remember")}


@dataclass
class Case:
    """One cell: who asks what, and where they stand."""

    caller: Caller
    state: str
    guard: str

    @property
    def path(self) -> str:
        place = f"/{self.caller.place}" if self.caller.place else ""
        return f"{place}{PATHS[self.guard]}"

    @property
    def asked(self) -> str:
        return GUARDS[self.guard][list(STATES).index(self.state)]

    def expected_headers(self, answer: Answer, realm: str) -> dict[str, str]:
        elsewhere = self.caller.method == "POST" or "HX-Request" in self.caller.headers
        invalid = f', error="{self.caller.error}"' if self.caller.error else ""
        texts = {
            "back": quote("/form" if elsewhere else self.path, safe=""),
            "challenge": f'{self.caller.scheme} realm="{realm}"',
            "invalid": invalid,
            "max_age": ", max_age=300" if "max_age" in self.guard else "",
        }
        return {name: value.format(**texts) for name, value in answer.headers.items()}

    def expected_problem(self, answer: Answer) -> dict[str, Any]:
        problem: dict[str, Any] = {"status": answer.status, "reason": answer.body}
        problem["title"] = {401: "Unauthorized", 403: "Forbidden"}[answer.status]
        problem["type"] = "about:blank"
        if self.asked == "prove" and "max_age" in self.guard:
            problem["max_age"] = 300
        if self.asked == "prove" and "methods" in self.guard:
            problem["methods"] = ["otp"]
        if self.state == "expired":
            problem["ended_reason"] = "expired_idle"
        return problem

    def call(self, site: Site, cookies: dict[str, str | None]) -> tuple[TestResponse, int]:
        """Return the answer, and how many messages came with it."""
        headers = dict(self.caller.headers)
        if self.state == "key":
            headers["X-Key"] = "key"
        with site.browser(**cookies) as client:
            response = client.open(
                self.path, method=self.caller.method, headers=headers, **self.caller.body
            )
            return response, len(session.get("_flashes", ()))


TELLING = ("Location", "HX-Redirect", "WWW-Authenticate")


def check(case: Case, answer: Answer, response: TestResponse, flashed: int, realm: str) -> None:
    told = {name: response.headers[name] for name in TELLING if name in response.headers}
    assert response.status_code == answer.status, case
    assert told == case.expected_headers(answer, realm), case
    assert bool(flashed) == answer.flashed, case
    if answer.body == "page":
        assert response.mimetype == "text/html", case
    elif answer.body:
        assert response.mimetype == "application/problem+json", case
        problem = json.loads(response.data)
        assert problem.pop("detail"), case
        assert problem == case.expected_problem(answer), case
    else:
        assert response.data == b"", case


@pytest.mark.parametrize("kind", [SIGNED, ("stored", "staff")], ids=str)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("state", STATES)
def test_everybody_gets_what_the_table_says(
    clock: FrozenClock, kind: Kind, mode: str, state: str
) -> None:
    site = make(kind, clock, mode)
    site.manager.login_view, site.manager.refresh_view = "/log-in", "/refresh"
    realm = kind[1] or "shop"
    cookies = cookies_of(site, state)
    for caller in CALLERS:
        for guard in GUARDS:
            case = Case(caller, state, guard)
            response, flashed = case.call(site, cookies)
            if case.asked == "in":
                assert (response.status_code, response.text) == (200, "come in"), case
                assert not any(name in response.headers for name in TELLING), case
            else:
                answer = ANSWERS[case.asked][getattr(caller, mode)]
                check(case, answer, response, flashed, realm)
            private = state == "key" and guard != "login_not_required"
            private = private and "Authorization" not in caller.headers
            assert response.headers.get("Cache-Control") == ("private" if private else None), case


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("state", ["nobody", "remembered"])
def test_without_a_view_to_send_them_to_everybody_gets_the_status(
    clock: FrozenClock, mode: str, state: str
) -> None:
    site = make(SIGNED, clock, mode)
    cookies = cookies_of(site, state)
    for caller in CALLERS:
        for guard in GUARDS:
            case = Case(caller, state, guard)
            if case.asked in WITHOUT_VIEWS:
                response, flashed = case.call(site, cookies)
                answer = WITHOUT_VIEWS[case.asked][getattr(caller, mode)]
                check(case, answer, response, flashed, "shop")


def test_a_view_that_says_how_its_answer_is_kept_has_the_last_word(clock: FrozenClock) -> None:
    site = make(SIGNED, clock, "negotiate")
    site.manager.bearer_loader(lambda token: site.users["bob"])

    @site.app.get("/shared")
    @site.manager.login_required
    def shared() -> tuple[str, dict[str, str]]:
        return "shared", {"Cache-Control": "public, max-age=60"}

    @site.app.get("/streamed")
    @site.manager.login_required
    def streamed() -> Any:
        return iter(["streamed"])

    for headers in ({"X-Key": "key"}, {"Authorization": "Bearer token"}):
        answer = site.browser().get("/shared", headers=headers)
        assert answer.headers["Cache-Control"] == "public, max-age=60"
    answer = site.browser().get("/streamed", headers={"X-Key": "key"})
    assert answer.headers["Cache-Control"] == "private"


@pytest.mark.parametrize("kind", [SIGNED, ("stored", "staff")], ids=str)
@pytest.mark.parametrize("header", [None, "Authorization", "X-Authorization"])
@pytest.mark.parametrize("loader", ["request", "bearer", "session"])
def test_an_answer_is_said_to_be_private_where_the_request_does_not_say_so_itself(
    clock: FrozenClock, kind: Kind, header: str | None, loader: str
) -> None:
    """RFC 9111 keeps shared caches off the answers to requests with ``Authorization``."""
    site = make(kind, clock, "negotiate")
    site.manager.request_loader(lambda request: site.users["bob"] if loader == "request" else None)
    site.manager.bearer_loader(lambda token: site.users["bob"] if loader == "bearer" else None)
    site.page("/mine", site.manager.login_required)
    client = site.browser()
    if loader == "session":
        assert client.get("/login?id=bob").text == "True"
    headers = {header: "Bearer token"} if header else {}
    if loader == "bearer" and header != "Authorization":
        headers["Authorization"] = "Bearer token"
    answer = client.get("/mine", headers=headers)
    assert answer.text == "come in"
    private = loader != "session" and "Authorization" not in headers
    assert answer.headers.get("Cache-Control") == ("private" if private else None)


def test_the_table_is_whole() -> None:
    assert all(len(row) == len(STATES) for row in GUARDS.values())
    asked = {asked for row in GUARDS.values() for asked in row} - {"in"}
    assert asked == set(ANSWERS)
    assert {getattr(caller, mode) for caller in CALLERS for mode in MODES} == set(ANSWERS["-"])


def test_the_page_of_refusals_is_what_the_table_gives(capsys: pytest.CaptureFixture[str]) -> None:
    script = runpy.run_path(str(SCRIPT))
    assert script["main"](["--check"]) == 0, capsys.readouterr().out
