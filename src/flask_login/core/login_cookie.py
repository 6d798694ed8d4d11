"""The login cookie: where a stored login has a cookie of its own, by ``LOGIN_STATE``.

The browser shows the login's credential, and a *marker* that does not outlive the browser. What
Flask's session would hold of the login (its `LoginEntries`) is kept in the record, for the marker
that it was noted for. A browser that was restarted has no marker, and comes back as by a remember
token; a copy from before the user last proved who they are has another one, and is not fresh.

The cookie of a remembered login is its remember token, and the marker another cookie beside it. Any
other login has both in one cookie.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from itsdangerous import BadData

from . import settings
from .logins import Credential
from .signing import DECODER, digest_by, sign, signing_key, unsign
from .user_ids import mark_of, of_text

if TYPE_CHECKING:
    from flask_login.sessions.records import LoginSession

    from .entry import Session, SessionKeys
    from .logins import StoredLogins
    from .visit import Visit

# RFC 6265bis lets browsers drop longer cookies; ours are far shorter.
_MOST_CHARACTERS = 4096
#: What a login cookie begins with that is no remember token.
_PLAIN = "~"
#: Under which the record keeps the marker; no entry has such a name.
_MARKER = "marker"


class LoginEntries(dict[str, Any]):
    """The entries of a login that has a cookie of its own, as a session would hold them."""

    def __init__(self) -> None:
        super().__init__()
        #: What the login cookie showed; None for no good one.
        self.shown: Credential | None = None
        #: The marker that came with it, and the one to have.
        self.shown_marker: str | None = None
        self.marker: str = ""
        #: The login cookie, where it is a remember token.
        self.token: str | None = None
        #: What the record keeps of them.
        self.kept: dict[str, Any] = {}
        #: Whether the record keeps those of another marker.
        self.is_foreign: bool = False
        #: Since when the record has it that the user is unknown: that holds for every marker.
        self.unknown_since: Any = None
        #: Whether Flask's session held a login when the request began, and whether it is this one.
        self.is_in_session: bool = False
        self.is_moved: bool = False


class Cookies(NamedTuple):
    """The cookies that a browser is to have for a login."""

    login: str
    #: Until when, in seconds since 1970; None for a cookie that ends with the browser.
    expires_at: float | None
    #: The second cookie, which ends with the browser; None for none.
    marker: str | None


def is_on(config: Mapping[str, Any]) -> bool:
    """Return whether logins have a cookie of their own."""
    key = settings.LOGIN_STATE.key
    return key in config and settings.LOGIN_STATE.read(config) == "cookie"


# ------------------------------------------------------------------- what came


def read(visit: Visit) -> LoginEntries:
    """Return what the login cookies of a request show; the record is not asked yet.

    Raises `ConfigurationError` without a session store.
    """
    entries, logins = LoginEntries(), _logins(visit)
    login, marker = visit.login_cookies()
    known: Credential | None = None
    said: str | None = None
    if login.startswith(_PLAIN):
        text, _, said = _unsigned(visit, login[1:]).partition("~")
        known = Credential.from_text(text)
    elif 0 < len(login) <= _MOST_CHARACTERS:
        known = logins.remembered(login)
        if known is not None:
            entries.token = login
            session_id, _, said = _unsigned(visit, marker).partition("~")
            said = said if session_id == known.id else None
    if known is not None:
        entries.shown, entries.shown_marker, entries.marker = known, said, said or ""
        if said is not None:
            plain = known._replace(mark="") if known.mark else known
            entries[visit.realm.entry.keys.login] = plain.to_text()
    return entries


def _unsigned(visit: Visit, value: str) -> str:
    try:
        text, _ = unsign(value[:_MOST_CHARACTERS], _salt(visit), visit.config)
    except BadData:
        return ""
    return str(text)


def look(visit: Visit, sess: Session) -> str | bool:
    """Ask the record of the login that a browser shows in a login cookie.

    :return: whether there was one to ask, or the reason why it is over.
    """
    if visit.by_cookie:
        return _open(visit, cast("LoginEntries", sess))
    # `LOGIN_STATE` was changed: the session takes it over.
    visit.in_cookie = entries = read(visit)
    asked = _open(visit, entries)
    if asked is True and visit.stored is not None:
        names = visit.realm.entry.of_login
        sess.update({name: entries[name] for name in names if name in entries})
        if visit.stored.record.remembered:
            visit.cookie = "set"
    return asked


def left_over(visit: Visit) -> list[Credential]:
    """Return the credential of a login cookie that is left from before `LOGIN_STATE` was changed.

    Its login gives way to the one that begins, and the response deletes it.
    """
    visit.in_cookie = read(visit)
    return [] if visit.in_cookie.shown is None else [visit.in_cookie.shown]


def _open(visit: Visit, entries: LoginEntries) -> str | bool:
    keys, shown = visit.realm.entry.keys, entries.shown
    if shown is None or keys.login not in entries:
        return False
    found = _logins(visit).present_session(
        entries[keys.login],
        visit.config,
        beside=partial(_number_of, entries),
        activity=visit.is_activity,
        looks=visit.is_late,
    )
    if isinstance(found, str):
        return found
    visit.stored = found
    _fill(entries, keys, found.record, shown.mark)
    return True


def _number_of(entries: LoginEntries, known: Credential) -> int | None:
    """Return the number of the remember token that a remembered login's cookie is."""
    return None if entries.token is None else known.generation


def _fill(entries: LoginEntries, keys: SessionKeys, record: LoginSession, mark: str) -> None:
    kept = recall(entries, keys, record)
    kept.pop(keys.unknown_since, None)
    entries.is_foreign = kept.pop(_MARKER, None) != entries.marker
    if entries.is_foreign:
        # In which browser it began holds for every marker; the rest is another's.
        kept = {keys.id: kept[keys.id]} if keys.id in kept else {}
    entries.kept = kept
    found = {keys.fresh: False, **kept, keys.user_id: of_text(record.user_id, mark)}
    if keys.acting_as in kept:
        with suppress(TypeError, ValueError):  # else whatever it is names nobody
            found[keys.acting_as] = of_text(*kept[keys.acting_as])
    entries.update(found)  # at once: other threads of the request may look


def recall(sess: Session, keys: SessionKeys, record: LoginSession) -> dict[str, Any]:
    """Note since when the user of a record is unknown; return all that the record keeps."""
    entries, kept = cast("LoginEntries", sess), _loaded(record)
    if keys.unknown_since in kept:
        entries[keys.unknown_since] = entries.unknown_since = kept[keys.unknown_since]
    return kept


# -------------------------------------------------------------- what is kept


def beginning(kept: Mapping[str, Any]) -> str:
    """Return what the record of a login that begins keeps; it has a marker of its own.

    :param kept: the entries that it begins with.
    """
    return _text_of(kept, _new_marker())


def note_beginning(entries: LoginEntries, text: str) -> None:
    """Note what the record of a login that has begun keeps."""
    entries.kept = json.loads(text)
    entries.marker, entries.is_foreign = entries.kept.pop(_MARKER), False


def keep(visit: Visit, entries: LoginEntries) -> None:
    """Have the record keep what has changed in the entries."""
    if entries.is_moved and not entries.marker:
        if visit.unknown is None:
            keep_anew(visit, entries)
        return
    _keep_unknown(visit, entries)
    if not entries.is_foreign:
        _keep(visit, entries)


def keep_anew(visit: Visit, entries: LoginEntries) -> None:
    """Have the record keep the entries under a new marker: those of any other count no more."""
    keys, stored = visit.realm.entry.keys, visit.stored
    if stored is None:
        return
    # Parallel requests get the same one, whichever of their answers comes last.
    # What was moved from a session is never that of a browser that came back.
    said = (
        *(stored.record.id, stored.number, entries.is_moved),
        *(entries.get(keys.at), entries.get(keys.acting_as)),
    )
    entries.marker = digest_by(signing_key(visit.config), repr(said), _salt(visit))
    entries.kept, entries.is_foreign = {}, False
    _keep(visit, entries)


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

    record = _logins(visit).asked.change(session_id, changed)
    if visit.stored is not None and record is not None:
        visit.stored = visit.stored._replace(record=record)


def _keep(visit: Visit, entries: LoginEntries) -> None:
    keys = visit.realm.entry.keys
    known = Credential.from_text(entries.get(keys.login))
    now = _kept_of(entries, keys)
    if known is None or now == entries.kept:
        return
    before, entries.kept = entries.kept, now
    _change(visit, known.id, partial(_changed, before=before, now=now, marker=entries.marker))


def _changed(
    record: LoginSession, *, before: dict[str, Any], now: dict[str, Any], marker: str
) -> LoginSession:
    """Return the record with the entries that have changed."""
    if before:
        kept = _loaded(record)
        if kept.pop(_MARKER, None) != marker:
            return record  # the entries of another marker took their place meanwhile
        # Parallel requests may have changed others.
        changed = {name for name in {*before, *now} if before.get(name) != now.get(name)}
        kept = {name: value for name, value in kept.items() if name not in changed}
        now = {**kept, **{name: now[name] for name in changed if name in now}}
    text = _text_of(now, marker)
    if text == record.entries:
        return record
    return replace(
        record,
        entries=text,
        # In records of older code the two were counted apart; here they are one.
        remember_generation=record.generation if record.remembered else 0,
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
    except ValueError:
        loaded = None
    # What is none of ours proves nothing: the login goes on, and is not fresh.
    return cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else {}


def _text_of(kept: Mapping[str, Any], marker: str) -> str:
    return _json({_MARKER: marker, **kept})


def _json(kept: Mapping[str, Any]) -> str:
    return json.dumps(kept, separators=(",", ":"))


def _new_marker() -> str:
    return secrets.token_urlsafe(12)


def _salt(visit: Visit) -> str:
    return f"flask-login.login-cookie.{visit.realm.name}"


def _logins(visit: Visit) -> StoredLogins:
    return visit.realm.require_store("LOGIN_STATE")


# ------------------------------------------------------------- what is sent


def is_over(visit: Visit, entries: LoginEntries) -> bool:
    """Return whether the login cookies that came are to be deleted."""
    if entries.shown is None or visit.realm.entry.keys.login in entries:
        return False
    # A remember token stays while it is not known whether it is good.
    return visit.cookie == "clear" or entries.token is None


def due(visit: Visit, entries: LoginEntries) -> Cookies | None:
    """Return the cookies that a browser is to be given; None when it has what it needs."""
    stored, keys = visit.stored, visit.realm.entry.keys
    if stored is None or keys.login not in entries or not stored.is_current:
        return None
    record, user_id = stored.record, entries.get(keys.user_id)
    mark = mark_of(user_id) if type(user_id) is not str else ""
    credential = Credential(record.id, stored.secret, stored.number, mark)
    is_same = credential == entries.shown and entries.marker == entries.shown_marker
    until = record.remember_until if record.remembered else None
    if is_same and visit.cookie != "set" and (entries.token is None) is (until is None):
        return None
    salt = _salt(visit)
    if until is None:
        text = f"{credential.to_text()}~{entries.marker}"
        return Cookies(_PLAIN + sign(text, salt, visit.config), None, None)
    token = _logins(visit).remember_text(stored, mark)
    marker = sign(f"{record.id}~{entries.marker}", salt, visit.config)
    return Cookies(token, until.timestamp(), marker)
