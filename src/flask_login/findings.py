"""`Finding`: what the rooms of ``flask login doctor`` report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .core.settings import Setting
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


def read(setting: Setting[T], config: Mapping[str, Any]) -> T:
    """Return a setting's value, or its default for a value that is a finding already."""
    try:
        return setting.read(config)
    except ConfigurationError:
        return setting.default
