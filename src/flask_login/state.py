"""What is known during one request, and where: on the request, in the session, on ``g``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import flask.globals
from flask import current_app, g, request, session
from flask.ctx import AppContext

from .config import DEFAULT_REALM

# Flask 3.2 makes one context of the two.
_CONTEXT = "app_ctx" if hasattr(AppContext, "session") else "request_ctx"

if TYPE_CHECKING:
    from flask import Flask, Request
    from flask.sessions import SessionMixin
    from werkzeug.local import LocalProxy

    from .login_manager import LoginManager
    from .remember import RememberToken
    from .sessions.logins import Presented
    from .sessions.records import LoginSession
    from .sessions.store import SessionStoreUnavailable

#: Marks "nobody has asked yet"; None is a user that `anonymous_user` may return.
UNLOADED: Any = object()

# LocalProxy's own public accessor, bound once: these run on every read of current_user.
get_app: Callable[[], Flask] = cast("LocalProxy[Flask]", current_app)._get_current_object
get_g: Callable[[], Any] = cast("LocalProxy[Any]", g)._get_current_object
get_request: Callable[[], Request] = cast("LocalProxy[Request]", request)._get_current_object
get_session: Callable[[], SessionMixin] = cast(
    "LocalProxy[SessionMixin]", session
)._get_current_object
get_context: Callable[[], Any] = getattr(flask.globals, _CONTEXT)._get_current_object

#: Flask's context variables themselves, for what runs in every request: each use of a proxy is up
#: to three calls more, together a tenth of a guarded page. Flask 3.2 makes one context of the two.
app_context: ContextVar[Any] = flask.globals._cv_app
request_context: ContextVar[Any] = getattr(flask.globals, "_cv_request", app_context)


def get_config() -> dict[str, Any]:
    """Return the current application's configuration."""
    config: dict[str, Any] = get_app().config
    return config


class RequestState:
    """What one realm knows and has decided during one request."""

    # Defaults of the class, not set one by one: most requests change two of them.

    user: Any = UNLOADED
    #: The thread in which a loader of this request is running; other threads load for themselves.
    loading_in: int | None = None
    #: Who impersonates that user; None while nobody does.
    actor: Any = None
    #: Whether the login is looked at without a sign of a person.
    passive: bool = False
    #: What other code wrote to ``g._login_user`` during this request.
    written: Any = UNLOADED
    #: Which source named the user; None while there is nobody.
    source: str | None = None
    #: What the response does with the remember cookie: "set", "clear" or nothing.
    remember: str | None = None
    remember_lifetime: timedelta | None = None
    #: The token to set as it is: a new signature, or new credentials, but not a new time.
    reissued: RememberToken | None = None
    #: The remember token of this request, once read; None when it has no good one.
    token: RememberToken | None = UNLOADED
    clear_site_data: bool = False
    #: The context of Flask that was told to have the response finished by us, by its `id`.
    answered_in: int | None = None
    #: How recently, and how, a guard wanted the user to have proved who they are.
    required: tuple[timedelta | None, frozenset[str]] = (None, frozenset())
    #: The stored login of this request.
    stored: Presented | None = None
    #: Why the login that the browser showed is over, when it is.
    ended_reason: str | None = None
    #: The session store's failure, when the session was believed nonetheless.
    trusted: SessionStoreUnavailable | None = None
    #: The session store's failure during this request.
    unavailable: SessionStoreUnavailable | None = None

    @property
    def on_g(self) -> Any:
        """What belongs on ``g._login_user`` for this request."""
        return self.user if self.written is UNLOADED else self.written


@dataclass
class RealmInApp:
    """What one application knows of one realm: ``app.extensions["login"][realm]``."""

    manager: LoginManager[Any]
    #: Whether the log has been told that ``LOGIN_DISABLED`` is on.
    warned_of_login_disabled: bool = False


@dataclass(frozen=True)
class SessionKeys:
    """The names of a realm's entries in Flask's session."""

    user_id: str = "_user_id"
    fresh: str = "_fresh"
    id: str = "_id"
    remember: str = "_remember"
    remember_seconds: str = "_remember_seconds"
    next: str = "next"
    auth_hash: str = "_auth_hash"
    methods: str = "_methods"
    force: str = "_force"
    login: str = "_login"
    checked: str = "_login_checked"
    at: str = "_at"
    times: str = "_times"
    pending: str = "_pending"
    acting_as: str = "_acting_as"

    @classmethod
    def of(cls, realm: str) -> SessionKeys:
        """Return the keys of `realm`: the default realm's are those of old."""
        if realm == DEFAULT_REALM:
            return cls()
        # A dot is in no realm's name: "staff" can't reach into the entries of "staff_user".
        return cls(*(f"_{realm}.{name.lstrip('_')}" for name in vars(cls()).values()))

    def telling(self) -> Iterator[str]:
        """Yield the entries that tell more of a login, or of its response, than whose it is."""
        yield from (self.auth_hash, self.force, self.times, self.acting_as, self.remember)

    def of_login(self) -> Iterator[str]:
        """Yield the entries that end with the login."""
        yield from (self.user_id, self.fresh, self.id, self.remember_seconds)
        yield from (self.auth_hash, self.methods, self.force, self.login, self.checked)
        yield from (self.at, self.times, self.acting_as)


@dataclass(frozen=True)
class CurrentLogin:
    """What this request knows of its login session.

    .. versionadded:: 0.6.90
    """

    #: The user id.
    user_id: str | None
    #: What named the user: ``"session"``, ``"remember"`` (a remember token, on this very
    #: request), ``"request"`` or ``"bearer"`` (a loader), ``"assigned"`` (other code did).
    source: str
    #: Whether the user proved who they are in this login session.
    fresh: bool
    #: Whether this browser has a good remember token of this user.
    remembered: bool
    #: How the user proved who they are, as RFC 8176 names; what was not said is not assumed.
    methods: frozenset[str]
    #: When they last did; None when they never did in this login, or from before there were times.
    authenticated_at: datetime | None = None
    #: How long the login lasts if nothing more is done in it; None when no timeout ends it.
    expires_in: timedelta | None = None
    #: The user id of who impersonates this user; None when nobody does.
    actor: str | None = None
    #: The record in the session store, of the actor's login if there is one; None on the signed
    #: level.
    record: LoginSession | None = None

    def __bool__(self) -> bool:
        """Return True: there is a login. For nobody `current_login` is None."""
        return True

    @property
    def id(self) -> str | None:
        """The login's public handle in the session store; None on the signed level."""
        return None if self.record is None else self.record.id


def opened_session() -> SessionMixin:
    """Return the session to look at it without using it.

    Looking must not count as use: that would add ``Vary: Cookie`` to every response.
    """
    context = request_context.get()
    # Flask 3.1.3 and later count a read of ``context.session`` as use, and keep it here.
    opened: SessionMixin | None = getattr(context, "_session", None)
    return context.session if opened is None else opened


def touched_session() -> SessionMixin | None:
    """Return the session if this request has used it."""
    opened = opened_session()
    return opened if getattr(opened, "accessed", True) else None


def drop_before_request(app: Flask, function: Callable[[], Any]) -> None:
    """Have Flask not call a function before each request any more: it costs each a microsecond."""
    functions = app.before_request_funcs[None]
    # A new list: Flask is going through this one.
    app.before_request_funcs[None] = [known for known in functions if known is not function]
