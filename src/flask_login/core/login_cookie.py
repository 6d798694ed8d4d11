"""The login cookie: where a stored login has a cookie of its own, by ``LOGIN_STATE``.

It is a remember token, which outlives the browser where the login is remembered. The *marker*
beside it never does. What Flask's session would hold of the login is kept in the record for that
marker: see `login_entries`. A browser that was restarted has none, and comes back as by a remember
token; a copy from before the user last proved who they are has another one, and is not fresh.

An answer sets what has changed, and nothing else: a token that was renewed meanwhile, and arrives
late, does not bring an older marker with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from . import settings
from .constants import MOST_CHARACTERS
from .login_entries import ACTS, ENDS, LoginEntries, fill, logins_of, salt_of, vouched
from .logins import Credential
from .rotation import token_number
from .signing import key_of, signature
from .user_ids import mark_of

if TYPE_CHECKING:
    from flask_login.sessions.records import LoginSession

    from .entry import Session
    from .visit import Visit

#: For how long before the end of its time a remembered login's cookie ends with the browser.
_WINDOW = timedelta(hours=1)


class Cookies(NamedTuple):
    """The cookies that a browser is to be given; None for one that it has."""

    #: The login cookie.
    login: str | None
    #: Until when that lasts, in seconds since 1970; None for a cookie that ends with the browser.
    expires_at: float | None
    #: The marker, which ends with the browser.
    marker: str | None


# ------------------------------------------------------------------- what came


def read(visit: Visit) -> LoginEntries:
    """Return what the login cookies of a request show; the record is not asked yet.

    Of several the first that is good counts: another application's may have the name.

    Raises `ConfigurationError` without a session store.
    """
    entries, logins = LoginEntries(), logins_of(visit)
    shown, marker = visit.login_cookies()
    for login in shown:
        known = logins.remembered(login) if 0 < len(login) <= MOST_CHARACTERS else None
        if known is not None:
            entries.token, entries.shown = login, known
            said, _, code = marker[:MOST_CHARACTERS].rpartition(".")
            key = key_of(code, f"{known.id}.{said}", salt_of(visit), visit.config)
            if said and key is not None:
                entries.shown_marker, entries.marker = said, said.partition("~")[0]
                entries.is_signed_before = key > 0
                plain = known._replace(mark="") if known.mark else known
                entries[visit.realm.entry.keys.login] = plain.to_text()
            break
    return entries


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
    logins = logins_of(visit)
    found = logins.present_session(
        entries[keys.login],
        visit.config,
        beside=lambda _: shown.generation,
        vouched=partial(vouched, entries),
        activity=visit.is_activity,
        looks=visit.is_late,
    )
    if isinstance(found, str):
        return found
    visit.stored = found
    if found.number != shown.generation:  # the marker vouches for a newer one
        visit.given, entries[keys.login] = found, logins.session_text(found)
    fill(entries, keys, found.record, shown.mark)
    return True


def is_on(config: Mapping[str, Any]) -> bool:
    """Return whether logins have a cookie of their own."""
    key = settings.LOGIN_STATE.key
    return key in config and settings.LOGIN_STATE.read(config) == "cookie"


# ------------------------------------------------------------- what is sent


def is_over(visit: Visit, entries: LoginEntries) -> bool:
    """Return whether the login cookies that came are to be deleted."""
    if entries.shown is None or visit.realm.entry.keys.login in entries:
        return False
    # They stay while it is not known whether they are good.
    return visit.cookie == "clear"


def due(visit: Visit, entries: LoginEntries) -> Cookies | None:
    """Return the cookies that a browser is to be given; None when it has what it needs."""
    stored, keys = visit.stored, visit.realm.entry.keys
    if stored is None or keys.login not in entries:
        return None
    record, shown = stored.record, entries.shown
    if (
        shown is not None
        and (record.id, stored.number) == (shown.id, shown.generation)
        and entries.marker == entries.shown_marker
        and not (record.remembered or visit.cookie == "set" or keys.acting_as in entries)
        and not entries.is_signed_before
    ):
        return None  # nearly always
    until = _lasts_until(visit, record)
    ended = ENDS in entries.shown_marker.split("~")
    if stored.is_current:
        user_id, ends = entries.get(keys.user_id), record.remembered and until is None
        mark = mark_of(user_id) if type(user_id) is not str else ""
        number = token_number(record, stored.number)
        is_same = Credential(record.id, stored.secret, number, mark) == shown
        is_same = is_same and visit.cookie != "set" and ended is ends
        is_same = is_same and not entries.is_signed_before
    else:  # a newer token is on its way, or there
        mark, ends, is_same = "", ended, True
    marker = "~".join((entries.marker, *[ACTS] * (keys.acting_as in entries), *[ENDS] * ends))
    if is_same and marker == entries.shown_marker:
        return None
    code = signature(f"{record.id}.{marker}", salt_of(visit), visit.config)
    return Cookies(
        None if is_same else logins_of(visit).remember_text(stored, mark),
        until,
        f"{marker}.{code}" if marker != entries.shown_marker or entries.is_signed_before else None,
    )


def _lasts_until(visit: Visit, record: LoginSession) -> float | None:
    """Return until when a login cookie lasts; None for as long as the browser is open.

    That of a remembered login does shortly before its time is over, or its user would be logged out
    in the middle of their work: the browser has no other cookie that the login would go on by.
    """
    until, since = record.remember_until, record.remember_issued_at or record.created_at
    if until is None or not settings.REMEMBER_COOKIE_ENABLED.read(visit.config):
        return None
    window = min(_WINDOW, (until - since) / 2)
    return until.timestamp() if until - visit.realm.clock() > window else None
