"""What a login is asked for, checked: methods, durations and timeouts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, NamedTuple

from . import settings
from .exceptions import ConfigurationError
from .rules import NO_TIMEOUTS, Timeouts
from .settings import Settings

#: The timeouts that hold for every login that has none itself.
TIMEOUTS = Settings(
    Timeouts,
    settings.LOGIN_IDLE_TIMEOUT,
    settings.LOGIN_ABSOLUTE_TIMEOUT,
    settings.LOGIN_FRESH_TIMEOUT,
)


class Terms(NamedTuple):
    """What a login was asked for."""

    user_id: Any
    fresh: bool
    methods: frozenset[str] = frozenset()
    #: How long the browser is remembered; None for a login that is not.
    remember: timedelta | None = None
    external_id: str | None = None
    timeouts: Timeouts = NO_TIMEOUTS


def check_methods(methods: Collection[str]) -> frozenset[str]:
    """Return the methods as a set.

    Raises `ConfigurationError` for methods that are one text: it would be read by letters.
    """
    if isinstance(methods, str):
        raise ConfigurationError("methods", methods, "a collection of names, such as {'pwd'}")
    return frozenset(methods)


def check_duration(duration: object) -> None:
    """Raise `ConfigurationError` for a duration that is no `datetime.timedelta`, nor None."""
    if duration is not None and not isinstance(duration, timedelta):
        raise ConfigurationError("duration", duration, "a datetime.timedelta")


def check_timeouts(**named: timedelta | None) -> Timeouts:
    """Return the arguments ``idle_timeout``, ``absolute_timeout`` and ``fresh_timeout`` as one.

    Raises `ConfigurationError` for one that is no `datetime.timedelta` greater than 0, nor None.
    """
    for name, value in named.items():
        if value is not None and not (isinstance(value, timedelta) and value > timedelta(0)):
            raise ConfigurationError(name, value, "a datetime.timedelta greater than 0")
    return Timeouts(**{name.removesuffix("_timeout"): value for name, value in named.items()})
