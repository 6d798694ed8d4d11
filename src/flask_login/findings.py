"""`Finding`: what the rooms of ``flask login doctor`` report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .core.settings import SESSION_PROTECTION, Setting
from .exceptions import ConfigurationError

T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    .. versionadded:: 0.6.90
    """

    #: ``"error"`` for what leaves logins unsafe or broken, ``"hint"`` for what may be intentional.
    level: str
    #: A stable code.
    code: str
    #: What was found.
    text: str
    #: What to do about it.
    cure: str


def protection(config: Mapping[str, Any], attribute: Any) -> str | None:
    """Return the mode of session protection, or the default for one that is a finding already.

    :param config: the application's configuration, which comes first.
    :param attribute: what stands in ``session_protection`` of the manager.
    """
    try:
        return SESSION_PROTECTION.check(config.get("SESSION_PROTECTION", attribute))
    except ConfigurationError:
        return SESSION_PROTECTION.default


def read(setting: Setting[T], config: Mapping[str, Any]) -> T:
    """Return a setting's value, or its default for a value that is a finding already."""
    try:
        return setting.read(config)
    except ConfigurationError:
        return setting.default
