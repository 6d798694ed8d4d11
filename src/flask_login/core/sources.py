"""The sources: where a request's user is looked for, in their order, as `SOURCES` has it.

The session, the remember cookie, the application's loaders: the first user counts. Where a store or
a loader fails, its error passes through, and `Visit.identify` takes back what was done.

A new kind of credential is one more function here and its place in `SOURCES`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from . import impersonation, login_cookie, login_entries, settings, users, whose
from .events import (
    _user_loaded_from_header,
    session_protected,
    user_loaded_from_cookie,
    user_loaded_from_request,
)
from .protection import is_legacy_fingerprint
from .users import is_active, says
from .visit import Source

if TYPE_CHECKING:
    from blinker import NamedSignal

    from .entry import Session
    from .login_entries import LoginEntries
    from .remember import RememberToken
    from .visit import Visit


# The session


def from_session(visit: Visit, admitted: Session | None = None) -> Any:  # noqa: PLR0911  # a way in, and all that turns back
    """Return the user whose login the session is.

    What may end it, in this order: session protection, the level, the user loader, what `unfit`
    asks, and the level once more, which brings the session up to date.

    :param admitted: the entries of a login in a cookie of its own, for whom the level was asked.
    """
    realm, sess = visit.realm, visit.opened if admitted is None else admitted
    keys = realm.entry.keys
    user_id = None if sess is None else sess.get(keys.user_id)
    if sess is None or user_id is None:
        visit.stored = None
        apart = sess is not None and realm.logins is not None and visit.has_login_cookie()
        return _from_login_cookie(visit) if apart else None
    hook = realm.hooks._session_protection_failed
    if hook != realm.own["_session_protection_failed"]:
        refused = says(hook(), visit.resolve)
    else:
        present = realm.hooks._session_identifier_generator()
        refused = sess.get(keys.id) != present and protect(visit, sess, present)
    if refused:
        # Whoever carried the session here carried the remember cookie too.
        visit.is_distrusted = True
        return None
    reason = None if admitted is not None else realm.level.admit(visit, sess, user_id)
    if reason is not None:
        visit.leave(reason)
        return None
    user = users.find(visit, user_id)
    if visit.is_decided or (user is None and whose.is_unknown_for_now(visit, user_id)):
        return None
    # Read now, not before: the loader may have changed the session.
    forced = sess.get(keys.force) is True
    reason = visit.unfit(user, sess.get(keys.auth_hash), forced=forced)
    if reason is not None:
        visit.end(reason, ())  # the remember cookie is asked next
        return None
    reason = realm.level.accept(visit, sess, user, None)
    if reason is not None:
        visit.leave(reason)
        return None
    if forced:
        _end_force(visit, sess, user)
    if keys.unknown_since in sess:
        del sess[keys.unknown_since]
    visit.owner = (user, user_id)
    return user if keys.acting_as not in sess else impersonation.continued(visit, user)


def _from_login_cookie(visit: Visit) -> Any:
    """Return the user of a login that has a cookie of its own, or had one."""
    sess = cast("Session", visit.opened)
    found = login_cookie.look(visit, sess)
    if found is True:
        return from_session(visit, sess)
    if isinstance(found, str):
        visit.leave(found)
    # Processes of the other `LOGIN_STATE` may have given the browser a session meanwhile.
    moved = visit.by_cookie and login_entries.move(visit, cast("LoginEntries", sess))
    return from_session(visit) if moved else None


def _end_force(visit: Visit, sess: Session, user: Any) -> None:
    """Have a forced login be like any other once its user is active: the next ban ends it.

    With a store that holds for copies of the session too: they have an old credential then.
    """
    if visit.trusted is None and is_active(user, visit.resolve):
        del sess[visit.realm.entry.keys.force]
        visit.realm.level.renew(visit, sess)


def protect(visit: Visit, sess: Session, present: str) -> bool:
    """Compare the client with the one that logged in; return True for "not this session".

    :param present: what stands for the client now.
    """
    keys = visit.realm.entry.keys
    stored = sess.get(keys.id)
    if stored == present or (visit.by_cookie and stored == str(present)):
        return False
    if stored is None or is_legacy_fingerprint(str(stored), visit.realm.host.client()):
        sess[keys.id] = present
        return False
    mode = visit.protection
    if mode == "strong":
        visit.end("client_changed")
        visit.send(session_protected)
        return True
    if mode == "basic" and sess.get(keys.fresh) is not False:
        sess[keys.fresh] = False
        visit.send(session_protected)
    return False


# The remember cookie


def from_remember_cookie(visit: Visit) -> Any:
    """Return the user whom the browser's remember cookie brings back."""
    sess = visit.opened
    if sess is None or visit.is_distrusted or visit.cookie == "clear":
        return None
    cookies = visit.remember_cookies()
    if not cookies or sess.get(visit.realm.entry.keys.remember) == "clear":
        return None
    key = settings.REMEMBER_COOKIE_ENABLED.key
    if key not in visit.config or settings.REMEMBER_COOKIE_ENABLED.read(visit.config):
        hook = visit.realm.hooks._load_user_from_remember_cookie
        if hook == visit.realm.own["_load_user_from_remember_cookie"]:
            hook = partial(restore, visit)
        for cookie in cookies if len(cookies) == 1 else _choose(visit, cookies):
            user = visit.ask("cookies", hook, cookie)
            if user is not None:
                return user
    if visit.unknown is not None or visit.is_decided or visit.ended_reason == "replaced":
        return None
    if visit.own_cookies():
        visit.cookie = "clear"
    return None


def _choose(visit: Visit, cookies: list[str]) -> list[str]:
    """Return which of several remember cookies count, the best first.

    A browser sends several after a change of the cookie's domain or path, or when a page of a
    neighbouring host or path planted one. Of one user the newest counts. Of two, where either would
    be logged in, nobody knows which is the right one. Nothing rotates here.
    """
    level, own = visit.realm.level, visit.own_cookies()
    by_user: dict[str, list[tuple[RememberToken, str]]] = {}
    for cookie in level.one_of_each_login(cookies):
        token = level.restore(visit, cookie)
        if token is not None:
            by_user.setdefault(str(token.user_id), []).append((token, cookie))
    found = list(by_user.values())
    if len(found) > 1:
        found = [shown for shown in found if any(_is_good(visit, cookie) for _, cookie in shown)]
    visit.stored = None
    if not by_user:
        # A subclass may read what this could not have signed.
        return [cookie for cookie in cookies if cookie not in own]
    if len(found) != 1:
        return []
    (shown,) = found
    shown.sort(key=lambda known: known[0].rank, reverse=True)
    return [cookie for _, cookie in shown]


def _is_good(visit: Visit, cookie: str) -> bool:
    """Return whether a remember cookie would log its user in."""
    token = visit.realm.level.restore(visit, cookie)
    if token is None:
        return False
    user = users.find(visit, token.user_id)
    if user is None and whose.is_unknown_for_now(visit, token.user_id):
        return False  # for now: no cookie is deleted
    return visit.unfit(user, token.auth_hash, forced=False) is None


def restore(visit: Visit, cookie: str) -> Any:  # noqa: PLR0911  # a way back in, and all that turns back
    """Log the user of a remember cookie in again, not fresh; None if it names nobody.

    A text that is none of this request's cookies, or that a request loader found, is looked at and
    left as it is: no cookie is set for it.
    """
    realm, sess = visit.realm, visit.entries
    token = realm.level.restore(visit, cookie)
    # Before anything rotates: of a user who is unknown for now everything stays as it is.
    if token is None or str(token.user_id) == visit.unknown:
        visit.stored = None
        return None
    user = users.find(visit, token.user_id)
    own = visit.asks == "cookies" or (visit.asks is None and cookie in visit.remember_cookies())
    if visit.asks is not None and visit.is_decided:
        return None
    if user is None and whose.is_unknown_for_now(visit, token.user_id, shown=own):
        return None
    reason = visit.unfit(user, token.auth_hash, forced=False)
    if reason is not None:
        visit.end(reason, (cookie,), sess={})
        return None
    # The token is used, and with a store rotated, only now that its user is known to be good.
    if own and not visit.is_late and not realm.level.take(visit, sess, token):
        return None
    if own:
        visit.token = token
    kept = token.is_kept and visit.keeps_session() and (own or not visit.by_cookie)
    if kept and not _has_session(visit, sess, user, token):
        return None
    noted = sess.get(realm.entry.keys.auth_hash)
    switched = visit.in_cookie is not None and not visit.by_cookie
    if own and (token.outdated or switched or token.auth_hash != noted):
        visit.cookie, visit.reissued = "set", token.with_auth_hash(noted)
    visit.ended_reason, visit.unknown = None, None  # the login goes on
    visit.owner = (user, token.user_id)
    if user_loaded_from_cookie.receivers:
        visit.assign(user, "remember")  # they may read current_user
        visit.send(user_loaded_from_cookie, user=user)
    return None if visit.is_decided else user


def _has_session(visit: Visit, sess: Session, user: Any, token: RememberToken) -> bool:
    """Write the login that a remember token brought back into the session; False for one over."""
    if visit.by_cookie:
        login_entries.recall_acting(visit, cast("LoginEntries", sess))
    visit.write(sess, token.user_id, fresh=False)
    reason = visit.realm.level.accept(visit, sess, user, token)
    if reason is not None:
        visit.leave(reason)
        return False
    if not visit.is_late:
        if visit.by_cookie:
            login_entries.keep_anew(visit, cast("LoginEntries", sess))
        visit.regenerate()  # last: a new id of a server-side session can't be undone
    return True


# The request itself


def from_header(visit: Visit) -> Any:
    """Return the user whom the application's header loader finds."""
    header, hooks = visit.authorization(), visit.realm.hooks
    if header is None or hooks._header_callback is None:
        return None
    return visit.ask("loaders", hooks._load_user_from_header, header)


def from_request(visit: Visit) -> Any:
    """Return the user whom the application's request loader finds."""
    hooks = visit.realm.hooks
    if hooks._request_callback is None:
        return None
    return visit.ask("loaders", hooks._load_user_from_request, visit.request)


def from_bearer(visit: Visit) -> Any:
    """Return the user whom the application's bearer loader finds (RFC 6750)."""
    header, callback = visit.authorization(), visit.realm.hooks._bearer_callback
    if header is None or callback is None:
        return None
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return None
    found = visit.ask("loaders", callback, token)
    return take(visit, found, "bearer", user_loaded_from_request)


def ask_request_loader(visit: Visit, request: Any) -> Any:
    """Ask the request loader who makes a request, and make them its user."""
    callback = visit.realm.hooks._request_callback
    found = None if callback is None else callback(request)
    return take(visit, found, "request", user_loaded_from_request)


def ask_header_loader(visit: Visit, header: str) -> Any:
    """Ask the header loader whom a header names, and make them the request's user."""
    callback = visit.realm.hooks._header_callback
    found = None if callback is None else callback(header)
    return take(visit, found, "request", _user_loaded_from_header)


def take(visit: Visit, found: Any, source: str, signal: NamedSignal) -> Any:
    """Make what a loader gave the user of the request; None for nobody, or who is not active."""
    user = visit.resolve(found)
    if user is None or user is False or not is_active(user, visit.resolve):
        return None
    visit.assign(user, source)  # before the signal: its receivers may read current_user
    visit.send(signal, user=user)
    return user


#: In the order in which they are asked.
SOURCES = (
    Source("session", from_session),
    Source("remember", from_remember_cookie),
    Source("request", from_header),
    Source("request", from_request),
    Source("bearer", from_bearer),
)
