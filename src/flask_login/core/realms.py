"""Realms opened: with the level that a session store means, and the sources in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .exceptions import ConfigurationError
from .realm import Realm
from .signed import SignedLevel
from .sources import SOURCES
from .stored import StoredLevel

if TYPE_CHECKING:
    from flask_login.sessions.store import SessionStore

    from .ports import Hooks, Host


def open_realm(
    name: str,
    clock: Callable[[], datetime],
    *,
    hooks: Hooks,
    own: Mapping[str, Any],
    host: Host,
    store: SessionStore | None,
) -> Realm:
    """Return a realm on the stored level, or without a store on the signed one.

    Raises `ConfigurationError` for a name that could be taken for another's.
    """
    plain = name.isascii() and name.isidentifier() and name.islower()
    if not plain or name == "user":
        raise ConfigurationError(
            "name", name, "lower-case letters, digits and '_', other than 'user'"
        )
    realm = Realm(name, clock, hooks=hooks, own=own, host=host, sources=SOURCES)
    if store is None:
        realm.level = SignedLevel(realm)
    else:
        realm.level = level = StoredLevel(realm, store)
        realm.logins = level.logins
    return realm
