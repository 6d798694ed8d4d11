"""The way through the site, without any other library: what the other tests are compared with."""

from __future__ import annotations

import pytest
from tests.chromium import serve
from tests.integrations.conftest import Level
from tests.integrations.flow import browser_at, browser_of, make_site, walk

from flask_login import LoginManager


def test_flask_alone(level: Level) -> None:
    walk(browser_of(make_site(level.store)), stored=level.stored)


def test_flask_alone_over_http(level: Level) -> None:
    with serve(make_site(level.store)) as url:
        walk(browser_at(int(url.rpartition(":")[2])), stored=level.stored)


def test_a_site_that_forgets_its_guards_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.integrations.flow.login_required", lambda view: view)
    site = make_site()
    with pytest.raises(AssertionError, match="/guarded"):
        walk(browser_of(site), stored=False)


def test_a_site_whose_logout_forgets_the_record_does_not_pass() -> None:
    class Keeping(LoginManager):  # type: ignore[type-arg]
        """Knows no store, though the flow was told that there is one."""

    site = make_site(manager=Keeping())
    with pytest.raises(AssertionError, match="user nobody"):
        walk(browser_of(site), stored=True)
