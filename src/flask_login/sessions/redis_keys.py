"""The names of the keys of `RedisSessionStore`, and the ids in its indexes.

What is kept where, for the prefix ``login:``:

=========================== ============================================================
key                         holds
=========================== ============================================================
``login:{<tag>}<rest>``     one record, by `redis_codec`; tag and rest make its id
``login:{<tag>}``           the rests of that user's ids, a sorted set by ``purge_at``
``login:x:<digest>``        the ids of the records with one external id, likewise
``login:brake``             the moment before which no login counts
=========================== ============================================================

The tag is the user's, 11 characters; the braces make all of a user's keys live in one hash slot,
and the id alone tells which. Every key but the last expires by itself. A sorted set keeps
``purge_at`` in minutes since 1970: a number that small takes the least memory.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

#: How many characters of an id are `records.user_tag` of its user.
TAG: Final = 11
#: What `records.new_id` makes. Any other id is unknown, and never part of a key's name.
_ID: Final = re.compile(r"[A-Za-z0-9_-]{33}", re.ASCII)
#: How many records one command reads or forgets, so that other clients don't wait long.
_BATCH = 500


class Keys:
    """The names of the keys that begin with one prefix."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        #: Holds the moment before which no login counts.
        self.brake: str = f"{prefix}brake"

    def of(self, session_id: str) -> str:
        """Return the key of a record, or the key of a user's index for the user's tag."""
        return f"{self.prefix}{{{session_id[:TAG]}}}{session_id[TAG:]}"

    def of_user(self, tag: str, ids: Sequence[str]) -> Sequence[str]:
        """Return the key of a user's index, and those of records of the user."""
        return [self.of(tag), *map(self.of, ids)]

    def of_external(self, external_id: str) -> str:
        """Return the key of the index of an external id."""
        digest = hashlib.sha256(external_id.encode("utf-8", "surrogatepass")).digest()
        return f"{self.prefix}x:{urlsafe_b64encode(digest[:16]).rstrip(b'=').decode('ascii')}"


def is_id(text: str) -> bool:
    """Return whether `records.new_id` may have made this id."""
    return _ID.fullmatch(text) is not None


def ids_of(tag: str, entries: Iterable[bytes]) -> list[str]:
    """Return the ids that the entries of an index stand for."""
    return [f"{tag}{entry.decode('ascii')}" for entry in entries]


def rests_of(ids: Iterable[str]) -> list[str]:
    """Return the entries of a user's index for those ids."""
    return [session_id[TAG:] for session_id in ids]


def batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Return those ids in parts that one command may ask for."""
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
