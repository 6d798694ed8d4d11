"""Whose login it is: users found by their ids, ids told by users, and what is known of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_login.sessions.records import hash_secret

from . import settings, users
from .answers import answer_of

if TYPE_CHECKING:
    from .visit import Visit


def is_unknown_for_now(visit: Visit, user_id: Any, *, shown: bool = True) -> bool:
    """Return whether an id that the loader does not know is given time to be known again.

    A session entry marks since when it is unknown. While it waits nothing else is touched.

    :param shown: False for an id that this browser did not show.
    """
    grace = settings.LOGIN_UNKNOWN_USER_GRACE.read(visit.config)
    sess, key = visit.entries, visit.realm.entry.keys.unknown_since
    now, text = visit.now(), str(user_id)
    since, marked = _mark(sess.get(key))
    known = marked == text and since <= now
    over = now - since >= grace.total_seconds() if known else not (grace and text)
    if over or visit.given_up == text:
        visit.given_up = text
        return False
    # One mark, for the first id that a browser shows.
    if shown and not known and visit.unknown is None and visit.keeps_session():
        sess[key] = [now, text]
    visit.unknown, visit.stored = visit.unknown or text, None
    return True


def auth_text(visit: Visit, user: Any) -> str | None:
    """Return what a user says of their credentials; None for one whose class says nothing.

    What is no text is told to the log once. Where its printed form names the object (a mock, a
    class without a `__str__`) it says nothing: each request would find other credentials.
    """
    method = getattr(user, "get_session_auth_hash", None)
    if method is None:
        return None
    value = answer_of(method, visit.resolve)
    if isinstance(value, str):
        return str(value)
    visit.tell_once("auth hash", user, _NO_TEXT)
    if value is None:
        return ""  # a state too: no password yet
    text = str(value)
    return None if f"{id(value)}" in text or f"{id(value):x}" in text.lower() else text


def is_of_session(visit: Visit, user: Any) -> bool:
    """Return whether `user` is the one whose login the session is, not somebody's beside it.

    That is known from the id that the user was loaded by. Another object is asked for its own:
    it may be the same user, loaded once more.
    """
    user_id = visit.entries.get(visit.realm.entry.keys.user_id)
    if user_id is None:
        return False
    owner, loaded_by = visit.owner
    loaded = loaded_by is user_id or (loaded_by is not None and str(loaded_by) == str(user_id))
    if loaded and user is owner:
        return True
    asked = asked_id(visit, user)
    if asked is None:
        return False
    return str(asked) == str(user_id) or (loaded and str(asked) == str(asked_id(visit, owner)))


def id_of(visit: Visit, user: Any) -> Any:
    """Return the id that a user was loaded by in this request; of another, what it says."""
    for known, loaded_by in (visit.owner, visit.acted):
        if user is known:
            return loaded_by
    return asked_id(visit, user)


def asked_id(visit: Visit, user: Any) -> Any:
    """Return what a user object says its id is; None for one that can't tell."""
    return users.asked_id(user, visit.realm.hooks.id_attribute, visit.resolve)


def own_ids(visit: Visit) -> set[str]:
    """Return every id, as text, of the user whose login the session is, if that is known."""
    owner, loaded_by = visit.owner
    ids = () if loaded_by is None else (loaded_by, asked_id(visit, owner))
    return {str(user_id) for user_id in ids if user_id is not None}


def hash_at_rest(visit: Visit, user: Any) -> str | None:
    """Return the hash of what a user says of their credentials, for the record; None for nothing.

    Not keyed: it never leaves the store, and outlives a rotation of the keys.
    """
    text = auth_text(visit, user)
    return None if text is None else hash_secret(text)


def actor_id(visit: Visit) -> str | None:
    """Return the user id of the user who impersonates the current one, if any."""
    user_id = None if visit.actor is None else id_of(visit, visit.actor)
    return None if user_id is None else str(user_id)


def _mark(entry: object) -> tuple[int, str | None]:
    """Return since when (seconds since 1970) which user id is unknown; 0 and None for no mark."""
    match entry:
        case [int(since), str(marked)] if not isinstance(since, bool):
            return since, marked
        case _:
            return 0, None


_NO_TEXT = (
    "get_session_auth_hash() of %s returned no text. Return a text that changes when the"
    " credentials do, such as the password hash, or leave the method away."
)
