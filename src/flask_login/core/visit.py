"""One realm in one request: who makes it, why not, and what the response must carry.

- Who it is: `Visit.identify` asks `sources.SOURCES`, one after the other.
- What ends a login: `Visit.end`, and what it names.
- What the response may carry: the attributes of `Visit` below that heading.
- What happens when a session store, or a loader, fails half way: `Visit.take_back`.

A framework brings the ports: see `Ports`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from . import impersonation, login_entries, rules, settings, two_step, users, whose
from .entry import Session
from .events import user_logged_in, user_logged_out, user_login_confirmed
from .level import Facts, Terms
from .state import NOBODY_LOADED, State
from .users import NOBODY, says

if TYPE_CHECKING:
    from blinker import NamedSignal

    from .login_entries import LoginEntries
    from .logins import Presented
    from .remember import RememberToken
    from .state import Loaded


class Source(NamedTuple):
    """A way to find the user of a request."""

    #: What `current_login.source` says.
    name: str
    #: Returns the user; None to have the next one asked, `NOBODY` to have none asked any more.
    find: Callable[[Visit], Any]


def utc_now() -> datetime:
    """Return the time, in UTC: the default clock."""
    return datetime.now(timezone.utc)


class Visit(State):
    """What one realm knows and has decided during one request."""

    # Said again because type checkers take the type of what a class assigns from that class alone.
    source: str | None
    asks: Literal["cookies", "loaders"] | None
    opened: Session | None
    owner: Loaded
    failure: BaseException | None
    unknown: str | None
    actor: Any
    acted: Loaded
    is_decided: bool
    stored: Presented | None
    # What the response may carry; the exit (`finish`) only does it. It also says `Vary: Cookie` of
    # a session that was `opened`, and `Cache-Control: private` for a `source` that is a loader.
    cookie: Literal["set", "clear"] | None  # the remember cookie,
    lifetime: timedelta | None  # for how long,
    reissued: RememberToken | None  # with this very token,
    said_on: tuple[Any, Any] | None  # unless the application has done it itself,
    leftover: bool  # and deleted for the host alone too
    clear_site_data: bool

    def send(self, signal: NamedSignal, **facts: Any) -> None:
        """Send a signal, if anybody receives it."""
        if signal.receivers:
            self.realm.host.send(signal, **facts)

    # --------------------------------------------------------------- who it is

    def identify(self) -> Any:
        """Return the user of the request, or None for nobody: the first that a source finds."""
        sess = self.opened
        if sess is not None:
            modified = getattr(sess, "modified", None)  # not every session says so
            self.before = dict(sess), modified, self.cookie, self.reissued
        try:
            for source in self.realm.sources:
                user = source.find(self)
                if self.is_decided or user is NOBODY:
                    return None
                if user is not None:
                    self.source = source.name
                    break
            else:
                user = None
            if self.by_cookie:
                self.keep()
        except BaseException:
            self.take_back()
            raise
        return user

    @property
    def only_looks(self) -> bool:
        """Whether the user is being found out when the response has begun.

        Then nothing may be rotated, renewed or ended: the browser could not be told.
        """
        return self.is_late and self.is_loading

    def ask(
        self, kind: Literal["cookies", "loaders"], question: Callable[[Any], Any], about: Any
    ) -> Any:
        """Return the answer to a source's question, and know meanwhile which kind it is of."""
        self.asks, before = kind, self.asks
        try:
            found = question(about)
            return self.resolve(found) if hasattr(found, "__await__") else found
        finally:
            self.asks = before

    def unfit(self, user: Any, noted: object, *, forced: bool) -> str | None:
        """Return why a login of `user` can't go on, or None when it can.

        :param noted: what the session or the token says of the user's credentials.
        """
        if user is None:
            return "unknown_user"
        active = forced or getattr(user, "is_active", True)
        if active is not True and not says(active, self.resolve):
            return "deactivated"
        if not hasattr(user, "get_session_auth_hash"):
            return None
        return None if self.realm.level.unchanged(self, user, noted) else "credentials_changed"

    # What is known of the login

    @property
    def protection(self) -> str | None:
        """What happens when a session shows up from another client."""
        own = self.realm.hooks.session_protection
        return settings.SESSION_PROTECTION.check(self.config.get("SESSION_PROTECTION", own))

    def facts(self) -> Facts:
        """Return what is known of the session's login."""
        return self.realm.level.facts(self, self.entries)

    def is_fresh(self, user: Any) -> bool:
        """Return whether the session is fresh, and the login of this user."""
        if not self.realm.entry.is_fresh(self.entries) or not whose.is_of_session(self, user):
            return False
        facts = self.facts()
        timeout = facts.fresh_timeout
        recent = timeout is None or rules.is_recent(facts.fresh_since, self.realm.clock(), timeout)
        return facts.may_be_fresh and recent

    def has_proved(self, max_age: timedelta | None, methods: Iterable[str]) -> bool:
        """Return whether the user proved who they are as recently, and in the ways, asked for."""
        facts, now = self.facts(), self.realm.clock()
        if not methods:
            return max_age is None or rules.is_recent(facts.proved_at, now, max_age)
        proved, span = self.realm.entry.methods(self.entries), max_age or facts.fresh_timeout
        return all(
            rules.is_recent(rules.moment_of(proved.get(name)), now, span) for name in methods
        )

    def remember_lifetime(self, sess: Session) -> tuple[str, timedelta]:
        """Return how long the browser is to be remembered, after the setting that says so."""
        if self.lifetime is not None:
            return "duration", self.lifetime
        if self.realm.entry.keys.remember_seconds in sess:
            span = rules.span_of(sess[self.realm.entry.keys.remember_seconds])
            if span is not None:
                return "duration", span
        key = settings.REMEMBER_COOKIE_DURATION.key
        if key in self.config:
            return key, settings.REMEMBER_COOKIE_DURATION.read(self.config)
        return key, settings.COOKIE_DURATION

    def now(self) -> int:
        """Return the time, in whole seconds since 1970."""
        return int(self.realm.clock().timestamp())

    # ---------------------------------------------------------- what changes it

    def log_in(self, user: Any, terms: Terms, duration: timedelta | None, *, forced: bool) -> bool:
        """Make `user` log in here, in place of whoever was; False when there is no room.

        :param duration: how long to remember, where the caller said so.
        """
        realm, sess, keys = self.realm, self.entries, self.realm.entry.keys
        own = self.source in ("session", "remember") and whose.is_of_session(self, user)
        # What a store may leave without an answer comes first: then nobody is logged in yet.
        if not realm.level.begin(self, sess, user, terms):
            return False
        if keys.pending in (self.session if self.by_cookie else sess):
            two_step.drop(self)
        if not self.is_late:
            self.opened = sess
        self.change_hands()
        self.write(sess, terms.user_id, fresh=terms.fresh)
        realm.level.note(self, sess, user, terms)
        if forced:
            sess[keys.force] = True
        if terms.methods:
            realm.entry.add_methods(sess, terms.methods, self.now())
        self._decide_cookie(sess, terms, duration, own=own)
        self.owner = (user, terms.user_id)
        if self.by_cookie:
            self.keep()
        self._decide(user, "session")
        if user_logged_in.receivers:
            self.realm.host.send(user_logged_in, user=user)
        return True

    def log_in_for_now(self, user: Any) -> None:
        """Make a user without an id the user of this request: nobody could be found again by it.

        Whoever was logged in before is out, as by any login.
        """
        self.tell_once("no id", user, _NO_ID)
        if self.is_late:
            self.realm.entry.drop(self.entries)  # the copy that this request looks at
        else:
            self.end("replaced")
        two_step.drop(self)
        self.change_hands()
        self._decide(user, "assigned")
        self.send(user_logged_in, user=user)

    def _decide(self, user: Any, source: str | None) -> None:
        """Make `user` the current one because the application says so."""
        self.ended_reason, self.failure, self.unknown = None, None, None
        self.actor, self.acted, self.is_decided = None, NOBODY_LOADED, True
        self.assign(user, source)
        self.announce()

    def _decide_cookie(
        self, sess: Session, terms: Terms, duration: timedelta | None, *, own: bool
    ) -> None:
        keys, logged_out = self.realm.entry.keys, self.cookie == "clear"
        self.cookie, self.lifetime, self.reissued, self.said_on = None, duration, None, None
        for name in (keys.remember, keys.remember_seconds):
            if name in sess:
                del sess[name]
        shown = self.own_cookies()
        keeps = bool(shown) and not logged_out and self.realm.level.keeps_token(self, sess, own=own)
        if terms.remember is not None:
            # A cookie that is not this user's would win at the next start, or make that of two.
            self.leftover = not keeps and bool(shown)
            self.cookie, self.reissued = "set", None
            # Where older code looks for it; the response goes by the visit.
            sess[keys.remember] = "set"
            if duration is not None:
                sess[keys.remember_seconds] = duration.total_seconds()
        elif not keeps:
            self.cookie = "clear" if shown else None

    def change_hands(self) -> None:
        """Make what was planted in the session before somebody logs in or out worthless."""
        if not self.is_late:
            self.regenerate()
        if settings.LOGIN_ROTATE_CSRF_TOKEN.key in self.config:
            self.rotate_form_token()

    def write(self, sess: Session, user_id: Any, *, fresh: bool) -> None:
        """Write into the session whose login it is from now on."""
        realm = self.realm
        if realm.entry.keys.acting_as in sess:
            impersonation.end(self)
        client = realm.hooks._session_identifier_generator()
        realm.entry.write(sess, user_id, client, fresh=fresh)

    def confirm(self, user: Any, methods: frozenset[str]) -> None:
        """Make the login fresh again; it ends if it is over already."""
        realm, sess, keys = self.realm, self.entries, self.realm.entry.keys
        if whose.is_of_session(self, user):
            if self.is_late:
                self.tell_late("confirm_login")
            # Asked again: new credentials may have been saved through another object.
            saved = users.find(self, sess[keys.user_id])
            reason = realm.level.confirm(self, sess, user if saved is None else saved, methods)
            if reason is None:
                if not self.is_late:
                    self.regenerate()
                sess[keys.fresh] = True
                sess[keys.id] = realm.hooks._session_identifier_generator()
                realm.entry.add_methods(sess, methods, self.now())
                self.keep()
            else:
                self.leave(reason)
                self.assign(realm.hooks.anonymous_user(), None)
        self.send(user_login_confirmed)

    def log_out(self, user: Any) -> None:
        """End the login, and tell everybody while `user` is still the current one."""
        sess, keys = self.entries, self.realm.entry.keys
        if self.is_late:
            self.tell_late("logout_user")
        self.end("logout", sess=sess)
        page = self.session if self.by_cookie else sess
        if keys.pending in page:
            two_step.drop(self)
        for name in (keys.next, keys.remember):
            if name in page:
                del page[name]
        if self.cookie == "clear":
            sess[keys.remember] = "clear"
        self.change_hands()
        if settings.LOGIN_CLEAR_SITE_DATA.key in self.config:
            self.clear_site_data = settings.LOGIN_CLEAR_SITE_DATA.read(self.config)
        if user_logged_out.receivers:
            self.realm.host.send(user_logged_out, user=user)
        reason = self.ended_reason
        self._decide(self.realm.hooks.anonymous_user(), None)
        self.ended_reason = reason

    def end(
        self,
        reason: str,
        cookies: Sequence[str] | None = None,
        *,
        sess: Session | None = None,
    ) -> None:
        """End this login: the only way by which a request ends one that goes on.

        So do `log_out`, `log_in_for_now`, session protection, and the sources for what `unfit`
        says. One that was over before is left by `leave`; one that a new login replaces ends in
        `Level.begin`.

        :param reason: why, for `login_ended_reason`.
        :param cookies: the remember cookies that end with it; None for all that are ours.
        :param sess: the session, where it is the session's login too; by default the request's.
        """
        if sess is None:
            sess = self.entries  # first: a login cookie is one of our cookies once it was read
        ending = self.own_cookies() if cookies is None else cookies
        # Nothing is dropped before a store has answered every question.
        if not (self.is_late and self.only_looks):
            self.realm.level.end(self, sess, ending, reason)
        if sess:
            self.owner = NOBODY_LOADED
            for name in self.realm.entry.of_login:
                if name in sess:
                    del sess[name]
        self.stored, self.ended_reason = None, reason
        if cookies is None:
            self._forget_cookie(ending)

    def leave(self, reason: str) -> None:
        """Drop a session whose login is over already, as its level says."""
        self.stored, self.owner, self.ended_reason = None, NOBODY_LOADED, reason
        sess: Any = self.entries
        modified = getattr(sess, "modified", None)
        self.realm.entry.drop(sess)
        if reason == "replaced" and modified is not None:
            sess.modified = modified  # the login in its place is not overwritten
        if self.realm.level.ends_remembered:
            self._forget_cookie(self.own_cookies())

    def _forget_cookie(self, shown: Sequence[str]) -> None:
        key = settings.REMEMBER_COOKIE_PATH.key
        # With a path the browser may have one that it did not send here.
        elsewhere = key in self.config and settings.REMEMBER_COOKIE_PATH.read(self.config) != "/"
        if elsewhere or self.cookie == "set" or self.said_on is not None or shown:
            self.cookie, self.said_on = "clear", None

    def keep(self, *, anew: bool = False) -> None:
        """Have the record keep the entries of a login that has a cookie of its own.

        :param anew: whether those of a copy of its cookies count no more.
        """
        if self.by_cookie and not self.is_late:
            entries = cast("LoginEntries", self.entries)
            (login_entries.keep_anew if anew else login_entries.keep)(self, entries)

    # --------------------------------------------------------------- the undo

    def take_back(self) -> bool:
        """Leave session and cookies as they came: the next request finds out again.

        So nobody is logged in or out because something failed half way. `identify` does it, and
        the exit for a 503 after the store gave no answer to a later question.

        :return: whether there was something to take back.
        """
        if self.before is None:
            return False
        sess: Any = self.entries
        entries, modified, self.cookie, self.reissued = self.before
        if dict(sess) != entries:
            sess.clear()
            sess.update(entries)
        if modified is not None:
            sess.modified = modified
        self.before = None
        return True


_NO_ID = (
    "login_user was given a %s that has no id: it is the user of this request, and the next one"
    " knows nobody."
)
