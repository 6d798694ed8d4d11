"""The parsers of settings: each returns the value that was written, or raises.

What they raise is `REFUSALS`; `Setting.check` makes it a `ConfigurationError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import TypeVar

from .constants import COOKIE_DURATION, REST
from .exceptions import ConfigurationError

T = TypeVar("T")

#: What a parser raises for a value that it does not accept.
REFUSALS = (TypeError, ValueError, OverflowError)

#: What `boolean` accepts, in words.
YES_NO = "True or False"


def boolean(value: object) -> bool:
    """Return a switch, which may also be written as 0, 1 or None."""
    # 0, 1 and None were accepted before; "false" was accepted too, as true.
    if value is None or value in (0, 1):
        return bool(value)
    raise ValueError


def optional_boolean(value: object) -> bool | None:
    """Return a switch, or None."""
    return None if value is None else boolean(value)


_SPELLED = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def spelled_boolean(value: object) -> bool:
    """Return what a text from an environment variable says."""
    try:
        return _SPELLED[text(value).lower()]
    except KeyError:
        raise ValueError from None


def spelled_optional_boolean(value: object) -> bool | None:
    """Return what a text from an environment variable says; the text "None" is None."""
    return None if text(value).lower() == "none" else spelled_boolean(value)


def text(value: object) -> str:
    """Return a text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ValueError


def domain(value: object) -> str | None:
    """Return the domain of a cookie, or None."""
    if not value:
        return None
    domain = text(value)
    if re.fullmatch(r"\.?[\w-]+(\.[\w-]+)*", domain):
        return domain
    raise ValueError


def domain_without_port(value: object) -> str | None:
    """Return the domain that a URL, or a domain with a port, names."""
    # A browser drops a cookie whose domain has a port or is a URL. Cookies know no ports.
    found = re.fullmatch(r"(?:https?://)?([^/:]+)(?::\d*)?/?", text(value))
    if found is None:
        raise ValueError
    return domain(found[1])


def host(value: object) -> str | None:
    """Return a host with or without a port, or None."""
    if not value:
        return None
    host = text(value)
    if re.fullmatch(r"([\w-]+(\.[\w-]+)*|\[[0-9a-fA-F:.]+\])(:\d{1,5})?", host):
        return host
    raise ValueError


def cookie_name(value: object) -> str:
    """Return the name of a cookie."""
    # RFC 6265, section 4.1.1: a token of RFC 9110 (no separators, no controls, ASCII).
    name = text(value)
    if name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name):
        return name
    raise ValueError


def duration(value: object) -> timedelta:
    """Return a duration, which may also be a whole number of seconds; None is a year."""
    if value is None:
        return COOKIE_DURATION
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return timedelta(seconds=value)
    raise TypeError


def number_of_seconds(value: object) -> timedelta:
    """Return a duration that is written as a number of seconds, also as a text."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?", value, re.ASCII):
        value = float(value) if "." in value else int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return timedelta(seconds=value)
    raise TypeError


def optional_duration(value: object) -> timedelta | None:
    """Return a duration, or None."""
    return None if value is None else duration(value)


def timeout(value: object) -> timedelta | None:
    """Return a duration greater than 0, or None."""
    timeout = optional_duration(value)
    if timeout is None or timeout > timedelta(0):
        return timeout
    raise ValueError


def renewal(value: object) -> timedelta | None:
    """Return a duration of at least the rest between two renewals, or None."""
    interval = optional_duration(value)
    if interval is None or interval >= REST:
        return interval
    raise ValueError


def span(value: object) -> timedelta:
    """Return a duration greater than 0."""
    span = timeout(value)
    if span is None:
        raise ValueError
    return span


def grace(value: object) -> timedelta:
    """Return a duration of 0 or more."""
    grace = None if value is None else duration(value)
    if grace is None or grace < timedelta(0):
        raise ValueError
    return grace


def optional(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return a parser that also accepts None."""
    return lambda value: None if value is None else parse(value)


def maximum(value: object) -> object:
    """Return a number from 1 on, a function that returns one, or None."""
    if value is None or callable(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ValueError


def one_of(*accepted: str) -> Callable[[object], str]:
    """Return a parser of a choice."""

    def parse(value: object) -> str:
        if value in accepted:
            return str(value)
        raise ValueError

    return parse


def same_site(value: object) -> str | None:
    """Return the ``SameSite`` of a cookie, or None."""
    if value is None or value in ("Lax", "Strict", "None"):
        return None if value is None else str(value)
    raise ValueError


def same_site_in_any_case(value: object) -> str | None:
    """Return the ``SameSite`` of a cookie that is written in another case."""
    return same_site(text(value).title())


def partitioned(value: object) -> bool | None:
    """Return whether a cookie is ``Partitioned``; None follows the session cookie."""
    partitioned = optional_boolean(value)
    if partitioned and not supports_partitioned():
        raise ConfigurationError(
            "REMEMBER_COOKIE_PARTITIONED",
            value,
            f"False with Flask {_flask_version()}: partitioned cookies need Flask >= 3.1",
            "Upgrade with: pip install --upgrade 'Flask>=3.1'",
        )
    return partitioned


def protection(value: object) -> str | None:
    """Return a mode of session protection, or None."""
    if not value:
        return None
    if value in ("basic", "strong"):
        return str(value)
    raise ValueError


def protection_in_any_case(value: object) -> str | None:
    """Return a mode of session protection that is written in another case."""
    mode = text(value).lower()
    # Each is off in 0.6.3 too, and says so.
    return None if mode == "none" or _SPELLED.get(mode) is False else protection(mode)


def supports_partitioned() -> bool:
    """Return whether the installed Flask can set ``Partitioned`` cookies (3.1 and later)."""
    return tuple(map(int, re.findall(r"\d+", _flask_version())[:2])) >= (3, 1)


@lru_cache(maxsize=1)
def _flask_version() -> str:
    # Imported late: only applications with partitioned cookies ask.
    from importlib.metadata import version

    return version("flask")


def path(value: object) -> str:
    """Return the path of a cookie."""
    path = "/" if value is None else text(value)
    if path.startswith("/"):
        return path
    raise ValueError
