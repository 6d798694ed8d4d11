"""Realms opened: with the level that a session store means, and the sources in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask_login.sessions.store import SessionStore

from .exceptions import ConfigurationError
from .realm import Realm
from .signed import SignedLevel
from .sources import SOURCES
from .stored import StoredLevel

if TYPE_CHECKING:
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

    Raises `ConfigurationError` for a name that could be taken for another's, and for a store that
    is none.
    """
    plain = name.isascii() and name.isidentifier() and name.islower()
    if not plain or name == "user":
        raise ConfigurationError(
            "name", name, "lower-case letters, digits and '_', other than 'user'"
        )
    if store is not None:
        _check_store(store)
    realm = Realm(name, clock, hooks=hooks, own=own, host=host, sources=SOURCES)
    if store is None:
        realm.level = SignedLevel(realm)
    else:
        realm.level = level = StoredLevel(realm, store)
        realm.logins = level.logins
    return realm


#: What every session store has.
_METHODS = {name for name in vars(SessionStore) if not name.startswith("_")}


def _check_store(store: object) -> None:
    """Raise `ConfigurationError` for what is no session store.

    A text is not shown: it is a URL, and may hold a password.
    """
    if isinstance(store, type):
        shown, cure = f"the class {store.__name__}", f"Make one of it: {store.__name__}(...)."
    elif isinstance(store, str):
        redis = store.startswith(("redis://", "rediss://", "unix://", "valkey://", "valkeys://"))
        kind = "RedisSessionStore" if redis else "SQLAlchemySessionStore"
        shown = "a text"
        cure = f"Make a store of a URL: session_store={kind}(url), from flask_login.sessions."
    elif all(hasattr(store, name) for name in _METHODS):
        return
    else:
        # What is lent to a store: a client, an engine, a db; a function that makes one.
        shown = f"an object of {type(store).__module__}.{type(store).__qualname__}"
        cure = (
            "Give a database to SQLAlchemySessionStore(db), a client to RedisSessionStore(client);"
            " a store of your own needs every method of SessionStore."
        )
    raise ConfigurationError("session_store", shown, "a session store or None", cure)
