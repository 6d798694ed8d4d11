"""User ids: what they are as text, and how they become again what they were.

A user id that is no text (a number, a UUID) stands in a session as it is. A remember token keeps
text, and a mark beside it that tells the type: the user loader gets one type on every way.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable
from typing import Any
from uuid import UUID

_READERS: dict[str, Callable[[str], Any]] = {
    "i": int,
    "t": "True".__eq__,
    "u": UUID,
    "b": literal_eval,
}


def plain(user_id: Any) -> Any:
    """Return a user id as it comes back from a session: a member of an enumeration is its value."""
    if isinstance(user_id, str):
        return str.__str__(user_id)
    if isinstance(user_id, int) and not isinstance(user_id, bool):
        return int(user_id)
    return user_id


def mark_of(user_id: object) -> str:
    """Return a letter for the type of a user id; an empty text for text, and for other types."""
    if isinstance(user_id, int):
        return "t" if isinstance(user_id, bool) else "i"
    if isinstance(user_id, UUID):
        return "u"
    return "b" if isinstance(user_id, bytes) else ""


def of_text(text: str, mark: str) -> Any:
    """Return the user id with this text and mark; the text itself for a mark that is unknown."""
    return _READERS.get(mark, str)(text)
