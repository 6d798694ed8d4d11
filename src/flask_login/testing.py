"""Help for tests of applications: pytest fixtures and a clock that stands still.

Switch the fixtures on in your ``conftest.py``; they use your own ``app`` fixture::

    pytest_plugins = ["flask_login.testing"]

PYTEST_DONT_REWRITE: there is no assert here, and importing `FrozenClock` first must not warn.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from .test_client import FlaskLoginClient

if TYPE_CHECKING:
    from flask import Flask


class FrozenClock:
    """A clock that stands still until it is told to go on.

    ::

        clock = FrozenClock()
        login_manager = LoginManager(app, clock=clock)
        clock.advance(timedelta(days=366))

    :param now: where it stands, an aware `datetime.datetime`; by default the start of 2026, UTC.

    .. versionadded:: 0.6.90
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime(2026, 1, 1, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        """Return the time it shows."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Put the clock forward by `by`."""
        self._now += by


@pytest.fixture
def login_as(app: Flask) -> Callable[..., FlaskLoginClient]:
    """Return a function that makes test clients of ``app`` which are logged in.

    ::

        def test_profile(login_as, alice):
            client = login_as(alice)
            assert client.get("/profile").status_code == 200

    The function takes the user and, by keyword, what `FlaskLoginClient` takes (`fresh_login`,
    `realm`). Every call makes a client, so two users can meet in one test.

    .. versionadded:: 0.6.90
    """

    def make_client(user: Any, **arguments: Any) -> FlaskLoginClient:
        return FlaskLoginClient(app, app.response_class, user=user, **arguments)

    return make_client
