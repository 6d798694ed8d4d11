"""The scripts in ``lua/`` that `RedisSessionStore` runs, and what the server's replies mean."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import Final

from .records import LoginSession
from .redis_codec import time_of, unpack
from .store import SessionStoreUnavailable

#: What the store is called in messages.
KIND: Final = "redis"


class Script:
    """A script of ``lua/``, with the digest by which the server knows it."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text: str = text
        self.digest: str = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # Redis names scripts so


def load_scripts() -> dict[str, Script]:
    """Return the scripts by their names."""
    files = (resources.files("flask_login.sessions") / "lua").iterdir()
    return {file.name.removesuffix(".lua"): Script(file.read_text("utf-8")) for file in files}


@lru_cache(maxsize=1024)
def read_once(session_id: str, data: bytes) -> LoginSession:
    """Return the record of these bytes, which are the same in many requests of one login.

    The server is asked each time; only the meaning of its reply is remembered.
    """
    return read(session_id, data)


def read(session_id: str, data: bytes) -> LoginSession:
    """Return the record of these bytes.

    :raises SessionStoreUnavailable: for bytes that this release can't read: the login counts
        neither as logged in nor as logged out.
    """
    try:
        return unpack(session_id, data)
    except ValueError as error:
        failure = error
    raise SessionStoreUnavailable(KIND, failure)


def answer(reply: bytes | Sequence[bytes | None] | None) -> tuple[bytes | None, datetime | None]:
    """Return the record and the moment of the brake; most of the time there is no brake."""
    if reply is None or isinstance(reply, bytes):
        return reply, None
    return reply[0], moment_of(reply[1])


def moment_of(reply: bytes | None) -> datetime | None:
    """Return the moment that a reply names, or None."""
    return None if reply is None else time_of(int(reply))
