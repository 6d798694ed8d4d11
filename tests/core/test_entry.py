"""The entries of a login in the session: their names, by realm, and what else may stand there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, Response, session, stream_with_context
from tests.effort import PART
from tests.policy_site import DAY, HOUR, KINDS, SIGNED, STORED, Kind, Site

from flask_login import SESSION_KEYS, LoginManager
from flask_login.core.entry import SessionKeys
from flask_login.exceptions import ConfigurationError
from flask_login.testing import FrozenClock


def test_the_default_realm_keeps_the_session_keys_of_old() -> None:
    assert set(vars(SessionKeys("default")).values()) == SESSION_KEYS
    assert {"_user_id", "_fresh", "_id", "_remember", "_remember_seconds", "next"} <= SESSION_KEYS


REALMS = ("default", "staff", "staff_user", "staff_remember", "user", "user_id", "remember")


@pytest.mark.parametrize(("one", "other"), list(combinations(REALMS, 2)))
def test_two_realms_of_an_application_never_share_a_session_key(one: str, other: str) -> None:
    app = Flask(__name__)
    try:
        for realm in (one, other):
            LoginManager(app, name=realm)
    except ConfigurationError:
        return  # a name that is refused shares nothing
    assert not {*vars(SessionKeys(one)).values()} & {*vars(SessionKeys(other)).values()}


# What stands there may be of another release, or of other code that uses the same name.

ODD: list[Any] = [
    *(None, True, False, 0, -1, 7, 10**400, 1.5, float("nan"), float("inf")),
    *("", "x", "set", "clear", "\u00e9" * 128, "\ud800", b"x", UUID(int=5)),
    *([], ["a", "b"], [1, [2]], [1, [2, "x"]], [1, 2, 3, 4, 5], (1, 2)),
    *({}, {"a": 1, "b": 2}, {"pwd": [1]}, datetime(2026, 1, 1, tzinfo=timezone.utc)),
]
PATHS = (
    *("me", "fresh", "why", "pending", "known", "guarded", "proved", "for-nobody", "remembered"),
    *("still-valid", "next", "stream", "remember-me", "stop", "logout", "login?id=ann&remember"),
    *("begin?id=ann", "complete?methods=otp", "confirm?methods=otp", "act?id=bob"),
)
NAMES = list(vars(SessionKeys("default")))
EVERYTHING: dict[str, Any] = {
    "LOGIN_IDLE_TIMEOUT": HOUR,
    "LOGIN_ABSOLUTE_TIMEOUT": DAY,
    "LOGIN_FRESH_TIMEOUT": HOUR,
    "LOGIN_OUTAGE_TRUST": timedelta(minutes=5),
    "REMEMBER_COOKIE_REFRESH_EACH_REQUEST": True,
    "USE_SESSION_FOR_NEXT": True,
}


class Busy:
    """What a browser of eve holds, who began a login as ann too; and what one that acts as ann."""

    def __init__(self, kind: Kind, clock: FrozenClock) -> None:
        self.site = site = Site(kind, clock, **EVERYTHING)
        manager = site.manager
        manager.login_view = "/own"
        site.page("/guarded", manager.login_required)
        proved = manager.fresh_login_required(max_age=HOUR, methods={"pwd"})
        site.page("/proved", lambda view: proved(view))
        site.page("/for-nobody", manager.anonymous_required)
        views: dict[str, Callable[[], Any]] = {
            "remembered": lambda: str(manager.login_remembered()),
            "still-valid": lambda: str(manager.login_still_valid()),
            "next": lambda: manager.safe_next_url("/"),
            "remember-me": self.remember_me,
            "stream": self.stream,
        }
        for name, view in views.items():
            site.app.add_url_rule(f"/{name}", name, view)
        browser = site.browser()
        browser.get("/login?id=eve&remember&methods=pwd")
        browser.get("/begin?id=ann&methods=pwd&duration=60&remember")
        with browser.session_transaction() as sess:
            self.plain = dict(sess)
        actor = site.browser()
        actor.get("/login?id=eve&methods=pwd")
        actor.get("/act?id=ann")
        with actor.session_transaction() as sess:
            self.acting = dict(sess)
        self.token = site.cookie(browser, "remember")

    def remember_me(self) -> str:
        session[self.site.manager.keys.remember] = "set"
        return str(self.site.manager.current_user.get_id())

    def stream(self) -> Response:
        def parts() -> Iterator[str]:
            yield "begun, "
            yield str(self.site.manager.current_user.get_id())
            yield f"{self.site.manager.login_fresh()} {self.site.manager.pending_user()}"

        return Response(stream_with_context(parts()))

    def asks(self, path: str, entries: dict[str, Any], *, remembered: bool) -> int:
        interface: Any = self.site.app.session_interface
        signed = interface.get_signing_serializer(self.site.app).dumps(entries)
        browser = self.site.browser(session=signed, remember=self.token if remembered else None)
        return browser.get(f"/{path}").status_code


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [SIGNED, STORED, KINDS[3]], ids=str)
def test_an_entry_of_the_wrong_type_is_an_error_on_no_page(
    kind: Kind, name: str, clock: FrozenClock
) -> None:
    busy = Busy(kind, clock)
    key = getattr(busy.site.manager.keys, name)
    step = 3 if PART == 1 else 9  # all of them take minutes
    for turn, odd in enumerate(ODD, NAMES.index(name)):
        for number, path in [*enumerate(PATHS)][turn % step :: step]:
            base = busy.acting if (number + turn) % 4 == 0 else busy.plain
            status = busy.asks(path, {**base, key: odd}, remembered=number % 2 == 0)
            assert status in (200, 302, 401, 403), (path, odd)


@pytest.mark.parametrize("part", ["user_id", "at", "client", "credentials", "methods", "duration"])
@pytest.mark.parametrize("kind", [SIGNED, STORED, KINDS[3]], ids=str)
def test_a_pending_login_with_a_part_of_the_wrong_type_completes_nothing(
    kind: Kind, part: str, clock: FrozenClock
) -> None:
    busy = Busy(kind, clock)
    key = busy.site.manager.keys.pending
    for odd in [odd for odd in ODD if odd != ""]:
        entries = {**busy.plain, key: {**busy.plain[key], part: odd}}
        for path in ("pending", "complete?methods=otp", "begin?id=ann", "logout"):
            assert busy.asks(path, entries, remembered=False) == 200, (path, odd)


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd is not True], ids=repr)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_only_the_library_s_own_mark_forces_a_suspended_user_in(
    kind: Kind, odd: Any, clock: FrozenClock
) -> None:
    busy = Busy(kind, clock)
    busy.site.users["eve"].active = False
    entries = {**busy.plain, busy.site.manager.keys.force: odd}
    assert busy.asks("guarded", entries, remembered=False) == 302


@pytest.mark.parametrize(
    "noted",
    [{"pwd": [1], 7: 7, "otp": "now"}, ["pwd"], "pwd", 7],
    ids=["parts", "list", "text", "number"],
)
def test_methods_that_were_not_noted_by_the_library_prove_nothing(
    noted: Any, clock: FrozenClock
) -> None:
    for kind in KINDS:
        busy = Busy(kind, clock)
        entries = {**busy.plain, busy.site.manager.keys.methods: noted}
        assert busy.asks("proved", busy.plain, remembered=False) == 200
        assert busy.asks("proved", entries, remembered=False) == 401


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_login_is_fresh_by_a_yes_alone_and_by_no_other_entry(
    kind: Kind, clock: FrozenClock
) -> None:
    busy = Busy(kind, clock)
    key = busy.site.manager.keys.fresh
    browser = busy.site.browser()
    for fresh in ("False", "0", [False], {"fresh": False}, -1, 2, float("nan")):
        browser.get("/login?id=ann")
        with browser.session_transaction() as entries:
            assert entries[key] is True
            entries[key] = fresh
        assert browser.get("/me").text == "ann"
        assert browser.get("/proved").status_code in (302, 401), fresh
        assert browser.get("/known").status_code == 200
