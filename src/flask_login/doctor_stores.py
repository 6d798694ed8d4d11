"""What ``flask login doctor`` looks for in session stores: evictions, shared records, failures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .core import settings
from .findings import Finding, read
from .sessions.store import EvictingStore, LocatedStore, SessionStoreUnavailable, named

if TYPE_CHECKING:
    from .ports import RealmInApp
    from .sessions.store import SessionStore

#: So far ahead the brake may be, by the clock of another machine.
_AHEAD = timedelta(seconds=5)
#: No login has this id.
_NOBODY = "flask-login-doctor"
_GUNICORN_WORKERS = re.compile(r"(?<!\S)(?:-w\s*|--workers[=\s]\s*)(\d+)(?!\S)")


def look_at_stores(config: dict[str, Any], realms: dict[str, RealmInApp]) -> Iterator[Finding]:
    """Yield what is wrong with the session stores of the realms."""
    places: dict[object, str] = {}
    for realm, known in realms.items():
        if known.manager._logins is not None:
            now = known.manager._clock()
            yield from _store(realm, known.manager._logins.store, now, places)
    adopts = read(settings.REMEMBER_COOKIE_ACCEPT_LEGACY, config)
    if adopts and any(known.manager._logins is not None for known in realms.values()):
        yield Finding(
            "hint",
            "legacy_logins_accepted",
            "REMEMBER_COOKIE_ACCEPT_LEGACY is on: a cookie from before the session store, or one"
            " made with a stolen SECRET_KEY, becomes a login in the store.",
            "Set REMEMBER_COOKIE_ACCEPT_LEGACY = False once the returning users have returned.",
        )


def _store(
    realm: str, store: SessionStore, now: datetime, places: dict[object, str]
) -> Iterator[Finding]:
    if store.kind == "memory":
        many = _asks_for_many_workers()
        yield Finding(
            "error" if many else "hint",
            "memory_store",
            f"The realm '{realm}' keeps its logins in the memory of one process"
            + (f", and {many} asks for several." if many else "."),
            "Use SQLAlchemySessionStore or RedisSessionStore.",
        )
    try:
        store.ping()
        # Unlike `ping` it needs the tables.
        store.get(_NOBODY)
        brake = store.ended_before()
        place = store.place() if isinstance(store, LocatedStore) else None
        policy = store.eviction_policy() if isinstance(store, EvictingStore) else None
    except SessionStoreUnavailable as error:
        yield Finding(
            "error",
            "store_unavailable",
            f"The session store of the realm '{realm}' ({named(store)}) gives no answer"
            + (f": {error.why}." if error.cause else "."),
            "Start it, or correct its address. Until then logged-in users get 503.",
        )
        return
    except Exception as error:  # noqa: BLE001  # any error of a driver or of a third party's store
        yield Finding(
            "error",
            "store_fails",
            f"The session store of the realm '{realm}' ({named(store)}) fails: "
            f"{type(error).__name__}.",
            "If it is in a database: do its tables exist, with all their columns? Make them by a"
            " migration or store.create_all().",
        )
        return
    if brake is not None and brake - now > _AHEAD:
        yield Finding(
            "error",
            "brake_ahead",
            f"The emergency brake of the realm '{realm}' is in the future ({brake:%Y-%m-%d %H:%M}"
            " UTC), where a clock that was ahead has put it: new logins end at once.",
            "Lower it: flask login brake --clear.",
        )
    if places.setdefault(place or object(), realm) != realm:
        yield Finding(
            "error",
            "shared_store",
            f"The realms '{places[place]}' and '{realm}' keep their logins in the same place: user"
            " 7 of one is user 7 of the other.",
            "Give each realm's store a different table_name or prefix.",
        )
    if policy is not None and policy.startswith("allkeys"):
        yield Finding(
            "error",
            "store_evicts",
            f"The session store of the realm '{realm}' may drop any record to make room"
            f" (maxmemory-policy {policy}): users are logged out, and after revoke-everyone"
            " ended logins may be live again.",
            "Set maxmemory-policy to noeviction on that server.",
        )


def _asks_for_many_workers() -> str | None:
    """Return the variable that asks for several worker processes, if one does."""
    name, count = "WEB_CONCURRENCY", os.environ.get("WEB_CONCURRENCY", "")
    given = _GUNICORN_WORKERS.findall(os.environ.get("GUNICORN_CMD_ARGS", ""))
    if given:  # which gunicorn prefers
        name, count = "GUNICORN_CMD_ARGS", given[-1]
    return name if count.isdecimal() and int(count) > 1 else None
