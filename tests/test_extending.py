"""The library grows at one place for each kind of thing: a source, a level, a setting, a header.

Each test adds one as CONTRIBUTING says it is added, and touches nothing else.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from tests.policy_site import HOUR, PROGRAM, SIGNED, Site

from flask_login import ConfigurationError, LoginManager, current_login, login_required
from flask_login import finish as finish_room
from flask_login.core import parsers, settings, sources
from flask_login.core.events import user_loaded_from_request
from flask_login.core.level import Level
from flask_login.core.setting import Setting
from flask_login.core.visit import Source
from flask_login.testing import FrozenClock

# A source: a function, and its place in the list


def test_a_source_is_a_function_and_its_place_in_the_list(clock: FrozenClock) -> None:
    site = Site(SIGNED, clock)

    def from_certificate(visit: Any) -> Any:
        """Return the user whom the certificate names that the web server has verified."""
        name = visit.request.environ.get("SSL_CLIENT_S_DN_CN")
        user = None if name is None else visit.realm.hooks._user_callback(name)
        return sources.take(visit, user, "certificate", user_loaded_from_request)

    realm = site.manager._realm
    realm.sources = (*realm.sources, Source("certificate", from_certificate))
    site.page("/guarded", login_required)
    bob = {"SSL_CLIENT_S_DN_CN": "bob"}

    client = site.browser()
    assert client.get("/guarded", headers=PROGRAM).status_code == 401
    assert client.get("/guarded", environ_overrides=bob).text == "come in"
    assert client.get("/known", environ_overrides=bob).get_json()["source"] == "certificate"
    assert client.get("/me").text == "nobody", "nothing is written to the session"
    client.get("/login?id=ann")
    assert client.get("/me", environ_overrides=bob).text == "ann", "the session comes first"
    site.users["bob"].active = False
    assert site.browser().get("/me", environ_overrides=bob).text == "nobody"


# A level: a class that does what the protocol says


class ClosedAtNight:
    """Logins that live in the browser, and end when the office closes.

    What it does not say itself, the level says that it is made of.
    """

    def __init__(self, level: Level, clock: FrozenClock) -> None:
        self._level, self._clock = level, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._level, name)

    def _is_open(self) -> bool:
        return 8 <= self._clock().hour < 18

    def admit(self, visit: Any, sess: Any, user_id: Any) -> str | None:
        return self._level.admit(visit, sess, user_id) if self._is_open() else "closed"

    def restore(self, visit: Any, cookie: str) -> Any:
        return self._level.restore(visit, cookie) if self._is_open() else None


def test_a_level_is_a_class_that_does_what_the_protocol_says(clock: FrozenClock) -> None:
    site = Site(SIGNED, clock)
    realm = site.manager._realm
    level: Any = ClosedAtNight(realm.level, clock)
    realm.level = level
    missing = [name for name in vars(Level) if name[0] != "_" and not hasattr(level, name)]
    assert missing == []
    _wait_for(clock, 12)

    clients = [site.browser(), site.browser()]
    for client in clients:
        client.get("/login?id=ann&remember")
        assert client.get("/me").text == "ann"
    remembered, other = clients
    remembered.delete_cookie("session")
    assert remembered.get("/me").text == "ann"
    _wait_for(clock, 20)
    assert other.get("/why").text == "closed"
    remembered.delete_cookie("session")
    assert remembered.get("/me").text == "nobody"
    _wait_for(clock, 9)
    assert other.get("/me").text == "nobody", "what is over stays over"
    assert other.get("/login?id=bob").text == "True"
    assert other.get("/me").text == "bob"


def _wait_for(clock: FrozenClock, hour: int) -> None:
    clock.advance(HOUR * ((hour - clock().hour) % 24))


# A setting: a row of the table

LOGIN_QUIET_HOURS = Setting(
    "LOGIN_QUIET_HOURS",
    timedelta(hours=8),
    "a datetime.timedelta greater than 0",
    "How long nobody is told of logins.",
    parsers.span,
)


def test_a_setting_is_a_row_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SETTINGS", (*settings.SETTINGS, LOGIN_QUIET_HOURS))
    app = Flask(__name__)
    LoginManager(app)
    assert LOGIN_QUIET_HOURS.read(app.config) == timedelta(hours=8)
    app.config["LOGIN_QUIET_HOURS"] = timedelta(hours=1)
    assert LOGIN_QUIET_HOURS.read(app.config) == timedelta(hours=1)

    wrong = Flask(__name__)
    wrong.config["LOGIN_QUIET_HOURS"] = timedelta(0)
    with pytest.raises(ConfigurationError, match="LOGIN_QUIET_HOURS.*greater than 0"):
        LoginManager(wrong)


# A header: a line in `finish`


def test_a_header_of_the_response_is_a_line_in_finish(
    clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(SIGNED, clock)
    own = finish_room.finish

    def finish(visit: Any, response: Any, manager: Any) -> Any:
        if current_login:
            response.headers["X-Login-Source"] = current_login.source
        return own(visit, response, manager)

    monkeypatch.setattr(finish_room, "finish", finish)
    site.page("/public")
    client = site.browser()
    assert "X-Login-Source" not in client.get("/me").headers
    client.get("/login?id=ann&remember")
    assert client.get("/me").headers["X-Login-Source"] == "session"
    client.delete_cookie("session")
    assert client.get("/me").headers["X-Login-Source"] == "remember"
    assert "X-Login-Source" not in client.get("/public").headers, "nobody asked for the user"
