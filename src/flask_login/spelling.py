"""Misspelt settings, attributes of a manager and login views: what nothing would ever read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from .core import settings
from .findings import Finding

if TYPE_CHECKING:
    from flask import Flask

    from .ports import Manager, RealmInApp


def misspellings(app: Flask, realms: Mapping[str, RealmInApp]) -> Iterator[Finding]:
    """Yield the misspelt settings of an application, and the misspelt attributes of its managers.

    Settings of other extensions, and attributes that an application adds to a manager, are left
    alone: only a name counts that differs from one of the library's by a letter or two, or by case,
    underscores, the order of its words or a prefix. No value is shown.
    """
    for key, value in cast("dict[str, Any]", app.config).items():
        if key not in _KEYS and not isinstance(value, _CONTAINERS):
            meant = _meant(key, _KEYS) or _without_prefix(key, app.config)
            if meant is not None:
                text = f"app.config['{key}'] is no setting, and nothing reads it."
                yield Finding("hint", "misspelt_setting", text, f"Did you mean {meant}?")
    for realm, known in realms.items():
        for name, meant in sorted(_misspelt_attributes(known.manager)):
            yield Finding(
                "hint",
                "misspelt_attribute",
                f"'{name}' is no attribute of a LoginManager (of the realm '{realm}'), and nothing"
                " reads it.",
                f"Did you mean {meant}?",
            )


def misspelt_flask_settings(app: Flask) -> Iterator[Finding]:
    """Yield the misspelt settings of Flask on which logins depend.

    A key is left alone if the one that may be meant is set too.
    """
    config = cast("dict[str, Any]", app.config)
    for key in config:
        meant = None if key in app.default_config else _meant(key, _FLASK_KEYS)
        if meant not in (None, key) and config.get(meant) == app.default_config.get(meant):
            text = f"app.config['{key}'] is no setting of Flask, which does not read it."
            yield Finding("hint", "misspelt_setting", text, f"Did you mean {meant}?")


# No setting is one, so a key that holds one is the application's own.
_CONTAINERS = (dict, list, tuple, set, frozenset)

_KEYS = tuple(setting.key for setting in settings.SETTINGS)
_FLASK_KEYS = (
    "PERMANENT_SESSION_LIFETIME",
    "PREFERRED_URL_SCHEME",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_SECURE",
    "SESSION_REFRESH_EACH_REQUEST",
)


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_message(value: object) -> bool:
    # Of a translation library it may be any object.
    return not callable(value) and not isinstance(value, _CONTAINERS)


def _is_callback(value: object) -> bool:
    return value is None or callable(value)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


#: What an application sets on a manager, and whether a value may be meant for it.
ATTRIBUTES: dict[str, Callable[[object], bool]] = {
    "anonymous_user": _is_callback,
    "blueprint_login_views": _is_mapping,
    "ended_messages": _is_mapping,
    "id_attribute": _is_text,
    "localize_callback": _is_callback,
    "login_message": _is_message,
    "login_message_category": _is_text,
    "login_view": _is_text,
    "may_impersonate_callback": _is_callback,
    "needs_refresh_callback": _is_callback,
    "needs_refresh_message": _is_message,
    "needs_refresh_message_category": _is_text,
    "refresh_view": _is_text,
    "session_protection": _is_text,
    "unauthorized_callback": _is_callback,
}


def _misspelt_attributes(manager: Manager) -> set[tuple[str, str]]:
    """Return the misspelt attributes of a manager with what is meant by each."""
    found = set[tuple[str, str]]()
    for holder in (manager, *type(manager).__mro__):
        for name, value in vars(holder).items():
            if name.startswith("_") or name in ATTRIBUTES:
                continue
            if isinstance(holder, type) and callable(value):
                continue  # a method of the application's
            meant = _meant(name, (*ATTRIBUTES,))
            if meant is not None and ATTRIBUTES[meant](value):
                found.add((name, meant))
    return found


# Whoever tests an application makes it anew for each test, with the same names.
@lru_cache(1024)
def _meant(name: object, known: tuple[str, ...]) -> str | None:
    """Return the known name that is meant by a name, or None for one that is another's."""
    if not isinstance(name, str):
        return None
    plain, words = _plain(name), sorted(name.upper().split("_"))
    letters = {*plain}
    for meant in known:
        wanted = _plain(meant)
        # In a short name two letters make another word.
        most = 2 if len(wanted) > 10 else 1
        # One change concerns two letters at most. The distance itself takes longer to tell.
        near = len(letters.symmetric_difference(wanted)) <= 2 * most
        if near and abs(len(wanted) - len(plain)) <= most and _distance(plain, wanted) <= most:
            return meant
        if words == sorted(meant.upper().split("_")):
            return meant
    return None


def _without_prefix(key: object, config: Mapping[str, Any]) -> str | None:
    """Return the setting that a key names with a prefix of the environment's, or of the library's.

    None where that is set too: then the key is what it was read from.
    """
    for prefix in ("FLASK_", "LOGIN_") if isinstance(key, str) else ():
        meant = str(key).removeprefix(prefix)
        if meant != key and meant in _KEYS and meant not in config:
            return meant
    return None


def _plain(name: str) -> str:
    return name.upper().replace("_", "")


def _distance(one: str, other: str) -> int:
    """Return how many letters to add, leave out, change or swap make one text the other.

    That is the distance of Damerau and Levenshtein, in its form of optimal string alignment.
    """
    before, row = list[int](), list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            same = letter == wanted
            steps = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (not same))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                steps = min(steps, earlier[j - 2] + 1)
            row.append(steps)
    return row[-1]


# ------------------------------------------------------------------ the login views


def unknown_views(app: Flask, realms: Mapping[str, RealmInApp]) -> Iterator[Finding]:
    """Yield the login and refresh views that are no endpoint of an application.

    For a complete application. One that builds URLs for others (`url_build_error_handlers`) knows
    endpoints that nobody else does.
    """
    if app.url_build_error_handlers:
        return
    for known in realms.values():
        for name, view in _views(known.manager):
            if isinstance(view, str) and not _is_known(app, view):
                meant = _meant(view, (*app.view_functions,))
                hint = f" Did you mean '{meant}'?" if meant is not None else ""
                yield Finding(
                    "error",
                    "unknown_login_view",
                    f"{name} is '{view}', and there is no such endpoint: whoever has to log in gets"
                    " an error.",
                    f"Set it to an endpoint, a path that begins with / or a URL.{hint}",
                )


def _views(manager: Manager) -> Iterator[tuple[str, object]]:
    yield "login_view", manager.login_view
    yield "refresh_view", manager.refresh_view
    for blueprint, view in manager.blueprint_login_views.items():
        yield f"blueprint_login_views[{blueprint!r}]", view


def _is_known(app: Flask, view: str) -> bool:
    if view.startswith(("https://", "http://", "/")):
        return True
    if view.startswith("."):  # relative to the blueprint of the request
        name = view[1:]
        return any(known == name or known.endswith(view) for known in app.view_functions)
    return view in app.view_functions
