"""Helpers for the tests of applications: pytest fixtures and a clock that stands still.

Enable the fixtures in your ``conftest.py``; they use your ``app`` fixture::

    pytest_plugins = ["flask_login.testing"]

Authors of session stores run `SessionStoreContract` over theirs. These two need pytest; the rest
works without it.

PYTEST_DONT_REWRITE: there is no assert here, and importing `FrozenClock` first must not warn.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .exceptions import ConfigurationError
from .routes import GuardedRoute, guarded_routes

if TYPE_CHECKING:
    from flask import Flask

    from .fixtures import login_as as login_as
    from .sessions.contract import SessionStoreContract as SessionStoreContract


class FrozenClock:
    """A clock that stands still until it is advanced.

    ::

        clock = FrozenClock()
        login_manager = LoginManager(app, clock=clock)
        clock.advance(timedelta(days=366))

    :param now: the time it shows, an aware `datetime.datetime`; by default the start of 2026, UTC.

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


def assert_only_public(app: Flask, endpoints: Collection[str]) -> None:
    """Assert that no endpoint of an application is public except those that you list.

    ::

        def test_nothing_else_is_public(app):
            assert_only_public(app, {"static", "index", "auth.login", "GET items"})

    An endpoint is public if it has no guard of this library, or only `anonymous_required`. A view
    that checks in another way counts as public too.

    :param app: the application.
    :param endpoints: the public endpoints, with all their methods. ``"GET items"`` is an endpoint
        whose other methods are guarded.

    Raises `AssertionError`, which names the endpoints that are public and not in the list, and
    those in the list that are not public; `ConfigurationError` for endpoints that are one text.

    .. versionadded:: 0.6.90
    """
    if isinstance(endpoints, str):
        raise ConfigurationError("endpoints", endpoints, "a collection of names, such as {'index'}")
    routes = guarded_routes(app)
    surplus = {
        f"{method} {route.endpoint} ({route.rule})"
        for route in routes
        for method in route.methods
        if _is_public(route) and not {route.endpoint, f"{method} {route.endpoint}"} & {*endpoints}
    }
    public = {name for route in routes if _is_public(route) for name in _names(route)}
    guards = {name: route.guards for route in routes for name in _names(route)}
    missing = {
        f"{name} ({', '.join(guards.get(name, ())) or 'no such endpoint'})"
        for name in set(endpoints) - public
    }
    told = (("public, and not in the list", surplus), ("in the list, and not public", missing))
    text = "; ".join(f"{what}: {', '.join(sorted(found))}" for what, found in told if found)
    if text:
        raise AssertionError(text)


def _is_public(route: GuardedRoute) -> bool:
    return all(name.endswith("anonymous_required") for name in route.guards)


def _names(route: GuardedRoute) -> Iterator[str]:
    yield route.endpoint
    for method in route.methods:
        yield f"{method} {route.endpoint}"


def __getattr__(name: str) -> Any:
    # pytest looks through `dir` for fixtures.
    if name == "login_as":
        from .fixtures import login_as

        return login_as
    if name == "SessionStoreContract":
        import pytest

        if "flask_login.sessions.contract" not in sys.modules:  # pragma: no branch  # it is, or not
            # So that a failing assert there shows the values, as in a test file.
            pytest.register_assert_rewrite("flask_login.sessions.contract")
        from .sessions.contract import SessionStoreContract

        return SessionStoreContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "login_as", "SessionStoreContract"})
