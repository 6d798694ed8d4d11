"""The stored level: a record for every login, the stores that keep them, and their registry.

The stores on SQLAlchemy and Redis are imported when they are asked for, with their clients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .memory import MemorySessionStore as MemorySessionStore
from .records import LoginSession as LoginSession
from .store import SessionStore as SessionStore
from .store import SessionStoreUnavailable as SessionStoreUnavailable

if TYPE_CHECKING:
    from .redis import RedisSessionStore as RedisSessionStore
    from .sqlalchemy import SQLAlchemySessionStore as SQLAlchemySessionStore


def __getattr__(name: str) -> Any:
    if name == "RedisSessionStore":
        from .redis import RedisSessionStore

        return RedisSessionStore
    if name == "SQLAlchemySessionStore":
        from .sqlalchemy import SQLAlchemySessionStore

        return SQLAlchemySessionStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
