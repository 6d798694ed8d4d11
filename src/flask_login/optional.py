"""Optional dependencies: imported where they are used, by one function with one wording."""

from __future__ import annotations

import re
from importlib import import_module
from types import ModuleType


def library(name: str, needed: str, *, by: str, title: str, extra: str) -> ModuleType:
    """Return an optional dependency.

    :param name: the module to import.
    :param needed: the oldest version that works, such as ``"2.0"``.
    :param by: what needs it, as applications name it.
    :param title: what its project is called.
    :param extra: the extra of this package that installs it.
    :raises ImportError: if it is missing or too old. The message names both versions and the
        command that installs it. What fails inside of it is raised as it is.
    """
    version = "none"
    try:
        found = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    else:
        version = str(found.__version__)
        if _numbers(version) >= _numbers(needed):
            return found
    raise ImportError(
        f"{by} needs {title} {needed} or newer, found: {version}."
        f' Install it with: pip install "Flask-Login[{extra}]"',
        name=name,
    )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
