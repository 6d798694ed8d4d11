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
        command that installs it. One that is there and can't be imported, because it lacks a part
        or a file of the application has its name, is told apart.
    """
    version, cure, missing = "none", "", name
    try:
        found = import_module(name)
    except ImportError as error:
        if error.name != name or not isinstance(error, ModuleNotFoundError):
            version = f"one that can't be imported ({error})"
            cure = (
                "Install what it lacks, or all of it once more: pip install --force-reinstall"
                f' "Flask-Login[{extra}]"'
            )
            missing = error.name or name
    else:
        version = str(getattr(found, "__version__", None))
        if version == "None":
            where = getattr(found, "__file__", None) or [*getattr(found, "__path__", ())]
            version = f"a module of that name that is another's ({where})"
            cure = "Rename it: it hides the library"
        elif _numbers(version) >= _numbers(needed):
            return found
    raise ImportError(
        f"{by} needs {title} {needed} or newer, found: {version}. "
        + (cure or f'Install it with: pip install "Flask-Login[{extra}]"'),
        name=missing,
    )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
