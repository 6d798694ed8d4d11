"""Two-step login: a first factor was proved, and nothing is open before the second one is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from types import NoneType
from typing import TYPE_CHECKING, Any, cast

from flask_login.sessions import records
from flask_login.sessions.records import LoginSession

from . import rules, settings, users, whose
from .signing import digest, is_digest
from .users import is_active

if TYPE_CHECKING:
    from .visit import Visit


class Pending:
    """What is noted in the session between two steps of a login."""

    def __init__(
        self,
        *,
        user_id: Any,
        at: int,
        client: str,
        credentials: str | None,
        methods: list[str],
        remember: bool,
        duration: float | None,
        ticket: str | None = None,
    ) -> None:
        self.user_id = user_id
        self.at = at
        self.client = client
        self.credentials = credentials
        self.methods = methods
        self.remember = remember
        self.duration = duration
        #: Of the record that is ended when the second step is taken; None without a store.
        self.ticket = ticket

    @classmethod
    def of(cls, entry: object) -> Pending | None:
        """Return what stands in a session, or None for what is no such entry."""
        try:
            found = cls(**cast("dict[str, Any]", entry))
        except TypeError:
            return None
        fits = (
            isinstance(found.at, int)
            and isinstance(found.client, str)
            and isinstance(found.credentials, (str, NoneType))
            and isinstance(found.methods, list)
            and all(isinstance(name, str) for name in found.methods)
            and (found.duration is None or rules.span_of(found.duration) is not None)
            and isinstance(found.ticket, (str, NoneType))
        )
        return found if fits else None


def begin(
    visit: Visit,
    user: Any,
    user_id: Any,
    *,
    remember: bool,
    duration: timedelta | None,
    methods: Collection[str],
) -> None:
    """Note that `user` passed the first step."""
    noted = Pending(
        user_id=user_id,
        at=visit.now(),
        client=visit.realm.hooks._session_identifier_generator(),
        credentials=_credentials(visit, user),
        methods=sorted(methods),
        remember=remember,
        duration=None if duration is None else duration.total_seconds(),
        ticket=_new_ticket(visit),
    )
    drop(visit)
    sess = visit.session
    if visit.is_late:
        visit.tell_late("begin_login")
    else:
        visit.regenerate()
    sess[visit.realm.entry.keys.pending] = vars(noted)


def pending(visit: Visit) -> tuple[Any, Pending] | None:
    """Return the pending user and what was noted, or None; drop what is no good any more."""
    sess, key = visit.session, visit.realm.entry.keys.pending
    noted = Pending.of(sess.get(key))
    if noted is None:
        return None
    in_time = rules.is_recent(
        rules.moment_of(noted.at),
        visit.realm.clock(),
        settings.LOGIN_PENDING_TIMEOUT.read(visit.config),
    )
    here = noted.client == visit.realm.hooks._session_identifier_generator()
    user = None
    if in_time and (here or visit.protection is None):
        user = users.find(visit, noted.user_id)
        if user is None and settings.LOGIN_UNKNOWN_USER_GRACE.read(visit.config):
            return None  # for now: the time between the steps limits that as well
    if user is None or not is_active(user, visit.resolve) or not _is_unchanged(visit, user, noted):
        del sess[key]
        return None
    return user, noted


def use_up(visit: Visit, noted: Pending) -> bool:
    """Let the second step be taken, with a store once; False where it was taken already.

    Of browsers with copies of one session the first one logs in, also when they come at once.
    """
    logins = visit.realm.logins
    if logins is None:
        return True
    ticket = None if noted.ticket is None else logins.asked.ask("get", noted.ticket)
    is_first = False
    if ticket is not None and ticket.ended_reason is None:
        used = records.end(ticket, records.REPLACED, logins.clock())
        is_first = logins.asked.ask("replace", used)
    del visit.session[visit.realm.entry.keys.pending]
    return is_first


def drop(visit: Visit) -> None:
    """Have nobody be pending any more; with a store, in copies of the session neither."""
    sess, key = visit.session, visit.realm.entry.keys.pending
    if key not in sess:
        return
    noted = Pending.of(sess[key])
    if noted is not None:
        use_up(visit, noted)
    visit.realm.entry.remove(sess, key)


def reopen(visit: Visit, noted: Pending) -> None:
    """Let the second step be taken once more: it was, and there was no room for the login."""
    noted.ticket = _new_ticket(visit)
    visit.session[visit.realm.entry.keys.pending] = vars(noted)


def _new_ticket(visit: Visit) -> str | None:
    """Keep a record by which the second step is taken once, and return its id.

    It is no login: nobody has its secret, and it is of a user whom nobody is, so that it is in no
    list and counts nowhere. A store can replace a record's version once: that is what it is for.
    """
    logins = visit.realm.logins
    if logins is None:
        return None
    now, nobody = logins.clock(), records.new_secret()
    ticket = LoginSession(
        id=records.new_id(nobody),
        secret_hash=records.hash_secret(records.new_secret()),
        user_id=nobody,
        created_at=now,
        last_seen_at=now,
        authenticated_at=None,
        expires_at=records.later(now, settings.LOGIN_PENDING_TIMEOUT.read(visit.config)),
    )
    logins.asked.ask("create", ticket)
    return ticket.id


def is_braked(visit: Visit, noted: Pending) -> bool:
    """Return whether the emergency brake was pulled after the first step; then drop it."""
    logins = visit.realm.logins
    brake = None if logins is None else logins.ended_before()
    last = rules.later(visit.realm.clock(), rules.AHEAD).timestamp()
    if brake is None or brake.timestamp() <= noted.at <= last:
        return False
    del visit.session[visit.realm.entry.keys.pending]
    return True


def note_first_step(visit: Visit, noted: Pending, second: Collection[str]) -> None:
    """Note that the methods of the first step were proved when it was taken."""
    entry, sess = visit.realm.entry, visit.entries
    before = {*noted.methods}.difference(second)
    if before:
        times = {**entry.methods(sess), **dict.fromkeys(before, noted.at)}
        sess[entry.keys.methods] = times
        visit.keep()


def _credentials(visit: Visit, user: Any) -> str | None:
    text = whose.auth_text(visit, user)
    return None if text is None else digest(text, _salt(visit), visit.config)


def _is_unchanged(visit: Visit, user: Any, noted: Pending) -> bool:
    text, credentials = whose.auth_text(visit, user), noted.credentials
    if text is None or credentials is None:
        return text is credentials
    return is_digest(credentials, text, _salt(visit), visit.config)


def _salt(visit: Visit) -> str:
    return f"flask-login.pending.{visit.realm.name}"
