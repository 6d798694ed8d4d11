"""The entries of a login that has a cookie of its own: what its record keeps, for a *marker*.

They are what Flask's session would hold. The record keeps them for the marker that they were noted
for: a copy from before has another one, and none of them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from . import rotation
from .logins import Credential
from .rules import second_of
from .signing import DECODER, digest
from .user_ids import mark_of, of_text

if TYPE_CHECKING:
    from flask_login.sessions.records import LoginSession

    from .entry import Session, SessionKeys
    from .logins import StoredLogins
    from .terms import Terms
    from .visit import Visit

#: Under which the record keeps the marker, and the number that the credential then had; no entries
#: have such names.
_MARKER, _NUMBER = "marker", "number"
#: Of a marker, in characters: 96 bits. Signed with a login's handle it is one block of SHA-256.
_LENGTH = 16
#: What a marker says besides: that the login acts as another user, and that its cookie ends with
#: the browser though it is remembered.
ACTS, ENDS = "a", "e"


class LoginEntries(dict[str, Any]):
    """The entries of a login that has a cookie of its own, as a session would hold them."""

    def __init__(self) -> None:
        super().__init__()
        #: What the login cookie showed; None for no good one.
        self.shown: Credential | None = None
        #: The login cookie that showed it.
        self.token: str | None = None
        #: The marker that came with it, with what it says besides, and the one to have.
        self.shown_marker: str = ""
        self.marker: str = ""
        #: Whether a former key of the application's has signed it.
        self.is_signed_before: bool = False
        #: What the record keeps of them.
        self.kept: dict[str, Any] = {}
        #: Whether the record keeps those of another marker.
        self.is_foreign: bool = False
        #: Since when the record has it that the user is unknown: that holds for every marker.
        self.unknown_since: Any = None
        #: Whether Flask's session held a login when the request began, and whether it is this one.
        self.is_in_session: bool = False
        self.is_moved: bool = False


# ----------------------------------------------------------- what was kept


def vouched(entries: LoginEntries, came: Credential, record: LoginSession) -> Credential:
    """Return the credential with the number that a browser has had which shows this marker.

    A renewed one that arrived late took the place of the one that came with the marker.
    """
    if came.generation >= record.generation:
        return came  # nearly always
    kept, number = _loaded(record), rotation.session_number(record, came.generation)
    beside: object = kept.get(_NUMBER)
    if type(beside) is int and kept.get(_MARKER) == entries.marker:
        number = max(number, min(beside, record.generation))
    return came._replace(generation=number)


def fill(entries: LoginEntries, keys: SessionKeys, record: LoginSession, mark: str) -> None:
    """Fill in what the record keeps for the marker that was shown.

    :param mark: tells the type of the user id, of which the record keeps the text.
    """
    kept = recall(entries, keys, record)
    kept.pop(keys.unknown_since, None)
    kept.pop(_NUMBER, None)
    entries.is_foreign = kept.pop(_MARKER, None) != entries.marker
    if entries.is_foreign:
        # In which browser it began holds for every marker; the rest is another's.
        kept = {keys.id: kept[keys.id]} if keys.id in kept else {}
    entries.kept = kept
    found = {keys.fresh: False, **kept, keys.user_id: of_text(record.user_id, mark)}
    if ACTS in entries.shown_marker.split("~"):
        found.setdefault(keys.acting_as, None)  # the browser takes it that somebody acts still
    _read_acting(found, keys)
    entries.update(found)  # at once: other threads of the request may look


def _read_acting(found: dict[str, Any], keys: SessionKeys) -> None:
    if keys.acting_as in found:
        with suppress(Exception):  # whatever else it is names nobody
            found[keys.acting_as] = of_text(*found[keys.acting_as])


def move(visit: Visit, entries: LoginEntries) -> bool:
    """Take the entries of a login from Flask's session; return whether there is one."""
    entry, sess = visit.realm.entry, visit.session
    is_one = entries.is_in_session and (entry.keys.login in sess or entry.keys.id in sess)
    if is_one and not entries.is_moved:
        entries.update({name: sess[name] for name in entry.of_login if name in sess})
        entries.is_moved, entries.marker = True, ""
        return True
    return False


def is_switched(visit: Visit) -> bool:
    """Return whether a login goes from Flask's session to a cookie of its own, or back."""
    entries = cast("LoginEntries", visit.in_cookie)
    return entries.is_moved if visit.by_cookie else entries.shown is not None


def recall(sess: Session, keys: SessionKeys, record: LoginSession) -> dict[str, Any]:
    """Note since when the user of a record is unknown; return all that the record keeps."""
    entries, kept = cast("LoginEntries", sess), _loaded(record)
    if keys.unknown_since in kept:
        entries[keys.unknown_since] = entries.unknown_since = kept[keys.unknown_since]
    return kept


def recall_acting(visit: Visit, entries: LoginEntries) -> None:
    """Note as whom a login acts that a browser comes back to: that is over then."""
    keys, stored = visit.realm.entry.keys, visit.stored
    kept = {} if stored is None else _loaded(stored.record)
    if keys.acting_as in kept:
        entries[keys.acting_as] = kept[keys.acting_as]
        _read_acting(entries, keys)


# ----------------------------------------------------------- what is kept


def beginning(visit: Visit, terms: Terms) -> str:
    """Return what the record of a login that begins keeps; it has a marker of its own."""
    kept = _proved(visit, {}, terms.methods, fresh=terms.fresh)
    kept[visit.realm.entry.keys.id] = str(kept[visit.realm.entry.keys.id])
    return _json({_MARKER: secrets.token_urlsafe(_LENGTH)[:_LENGTH], **kept})


def note(entries: LoginEntries, text: str | None, keys: SessionKeys) -> None:
    """Note what the record keeps now."""
    kept = json.loads(text or "{}")
    entries.marker, entries.is_foreign = kept.pop(_MARKER), False
    entries.kept = {name: kept[name] for name in kept if name not in (_NUMBER, keys.unknown_since)}


def keep(visit: Visit, entries: LoginEntries) -> None:
    """Have the record keep what has changed in the entries."""
    if entries.is_moved and not entries.marker:
        if visit.unknown is None:
            _keep_moved(visit, entries)
        return
    _end_left(visit, entries)
    _keep_unknown(visit, entries)
    if not entries.is_foreign:
        _keep(visit, entries)


def _keep_moved(visit: Visit, entries: LoginEntries) -> None:
    """Have the record keep what was moved from a session, unless it has been before.

    A copy of that session changes nothing then: it is what the browser is, or it is not fresh.
    """
    stored, keys = visit.stored, visit.realm.entry.keys
    known = {} if stored is None else _loaded(stored.record)
    marker, kept = known.pop(_MARKER, None), _kept_of(entries, keys)
    known.pop(_NUMBER, None)
    at = kept.get(keys.at)
    if stored is None or type(marker) is not str or known == kept:
        if type(marker) is str:
            entries.marker, entries.kept = marker, kept
        else:
            keep_anew(visit, entries)
    elif at not in (None, known.get(keys.at)) and at == second_of(stored.record.authenticated_at):
        keep_anew(visit, entries)  # proved since, in the session
    else:
        entries.marker, entries.is_foreign = _next_marker(visit, entries, kept, stored.number), True
        visit.realm.entry.remove(entries, keys.methods, keys.at, keys.acting_as, keys.force)
        entries[keys.fresh] = False


def keep_anew(visit: Visit, entries: LoginEntries) -> None:
    """Have the record keep the entries under a new marker: those of any other count no more."""
    stored, keys = visit.stored, visit.realm.entry.keys
    if stored is not None:
        kept = _kept_of(entries, keys)
        anew = partial(_anew, visit, entries, kept, stored.number)
        _change(visit, stored.record.id, anew)
        entries.marker = _next_marker(visit, entries, kept, stored.number)
        entries.is_foreign, entries.kept = False, kept


def proof(
    visit: Visit, entries: LoginEntries, methods: frozenset[str]
) -> Callable[[LoginSession, int], LoginSession]:
    """Return how a record keeps the entries of a user who has proved once more who they are.

    In one write with what else changes then, so that nothing is half done when a store fails.
    """
    keys = visit.realm.entry.keys
    proved = _proved(visit, entries, methods, fresh=True)

    def kept(record: LoginSession, number: int) -> LoginSession:
        now = _kept_of({**proved, keys.at: second_of(record.authenticated_at)}, keys)
        return _anew(visit, entries, now, number, record)

    return kept


def _proved(
    visit: Visit, entries: Mapping[str, Any], methods: frozenset[str], *, fresh: bool
) -> dict[str, Any]:
    """Return the entries as they are after a login, or a confirmation."""
    keys = visit.realm.entry.keys
    proved = {**entries, keys.fresh: fresh}
    proved[keys.id] = visit.realm.hooks._session_identifier_generator()
    visit.realm.entry.add_methods(proved, methods, visit.now())
    return proved


def _anew(
    visit: Visit, entries: LoginEntries, kept: dict[str, Any], number: int, record: LoginSession
) -> LoginSession:
    """Return the record with these entries, under a new marker.

    :param number: of the credential that comes with it.
    """
    return _with(
        record, {_MARKER: _next_marker(visit, entries, kept, number), _NUMBER: number, **kept}
    )


def _next_marker(visit: Visit, entries: LoginEntries, kept: Mapping[str, Any], number: int) -> str:
    """Return the marker that comes after the one that was shown.

    Parallel requests that do the same get the same one, whichever of their answers comes last. What
    was done by a copy of the one that was shown gives another, and so does a session that is moved.
    """
    known = Credential.from_text(entries.get(visit.realm.entry.keys.login))
    said = known and known.id, number, entries.marker, entries.is_moved, kept
    return digest(repr(said), salt_of(visit), visit.config)[:_LENGTH]


def _end_left(visit: Visit, entries: LoginEntries) -> None:
    """End the login that is left in Flask's session beside the good one of the login cookie."""
    key = visit.realm.entry.keys.login
    if not entries.is_in_session or entries.is_moved or key not in entries:
        return
    known = Credential.from_text(visit.session.get(key))
    if known is not None and entries.shown is not None and known.id != entries.shown.id:
        logins_of(visit).end_shown(known, "replaced")


def _keep_unknown(visit: Visit, entries: LoginEntries) -> None:
    key = visit.realm.entry.keys.unknown_since
    since = entries.get(key)
    if since == entries.unknown_since or entries.shown is None:
        return

    def noted(record: LoginSession) -> LoginSession:
        kept = {name: value for name, value in _loaded(record).items() if name != key}
        if since is not None:
            kept[key] = since
        return replace(record, entries=_json(kept), version=record.version + 1)

    _change(visit, entries.shown.id, noted)
    entries.unknown_since = since


def _change(visit: Visit, session_id: str, change: Callable[[LoginSession], LoginSession]) -> None:
    """Change a record that has not ended."""

    def changed(record: LoginSession) -> LoginSession:
        return change(record) if record.ended_reason is None else record

    record = logins_of(visit).asked.change(session_id, changed)
    if visit.stored is not None and record is not None and record.id == visit.stored.record.id:
        visit.stored = visit.stored._replace(record=record)


def _keep(visit: Visit, entries: LoginEntries) -> None:
    keys = visit.realm.entry.keys
    now = _kept_of(entries, keys)
    if now == entries.kept:
        return
    known = Credential.from_text(entries.get(keys.login))
    if known is None:
        return
    before, entries.kept = entries.kept, now
    change = partial(_changed, before=before, now=now, marker=entries.marker)
    _change(visit, known.id, change)


def _changed(
    record: LoginSession, *, before: dict[str, Any], now: dict[str, Any], marker: str
) -> LoginSession:
    """Return the record with the entries that have changed; parallel requests may have others."""
    kept = _loaded(record)
    if kept.get(_MARKER) != marker:
        return record  # the entries of another marker took their place meanwhile
    for name in {*before, *now}:
        if name not in now:
            kept.pop(name, None)
        elif before.get(name) != now[name]:
            kept[name] = now[name]
    return _with(record, kept)


def _with(record: LoginSession, kept: dict[str, Any]) -> LoginSession:
    text = _json(kept)
    if text == record.entries:
        return record
    return replace(
        record,
        entries=text,
        version=record.version + 1,
    )


def _kept_of(entries: Mapping[str, Any], keys: SessionKeys) -> dict[str, Any]:
    """Return those of the entries that a record keeps, as JSON has them."""
    names = (keys.fresh, keys.id, keys.methods, keys.at, keys.force)
    kept = {name: entries[name] for name in names if name in entries}
    if keys.id in kept:
        kept[keys.id] = str(kept[keys.id])  # an application's own may be no text
    if keys.acting_as in entries:
        user_id = entries[keys.acting_as]
        kept[keys.acting_as] = [str(user_id), mark_of(user_id)]
    return kept


def _loaded(record: LoginSession) -> dict[str, Any]:
    if record.entries is None:
        return {}
    try:
        loaded: object = DECODER.raw_decode(record.entries)[0]
    except (ValueError, RecursionError):
        loaded = None
    # What is none of ours proves nothing: the login goes on, and is not fresh.
    return cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else {}


def _json(kept: Mapping[str, Any]) -> str:
    return json.dumps(kept, separators=(",", ":"))


def salt_of(visit: Visit) -> str:
    """Return the salt of a realm's markers."""
    return f"flask-login.login-cookie.{visit.realm.name}"


def logins_of(visit: Visit) -> StoredLogins:
    """Return what is done with a realm's records.

    Raises `ConfigurationError` without a session store.
    """
    return visit.realm.require_store("LOGIN_STATE")
