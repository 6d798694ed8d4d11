"""What is known during one request, and where: on the request, in the session, on ``g``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import flask.globals
from flask import current_app, g, request
from flask.ctx import AppContext

from .config import DEFAULT_REALM, logger

# Flask 3.2 makes one context of the two.
_CONTEXT = "app_ctx" if hasattr(AppContext, "session") else "request_ctx"

if TYPE_CHECKING:
    from flask import Flask, Request, Response
    from flask.sessions import SessionMixin
    from werkzeug.local import LocalProxy

    from .exceptions import SessionStoreUnavailable
    from .login_manager import LoginManager
    from .remember import RememberToken
    from .sessions.logins import Presented

    #: The session's entries and whether they were modified; what becomes of the remember cookie.
    Before = tuple[dict[str, Any], bool | None, str | None, RememberToken | None]

#: Marks "nobody has asked yet"; None is a user that `anonymous_user` may return.
UNLOADED: Any = object()

# LocalProxy's own public accessor, bound once: these run on every read of current_user.
get_app: Callable[[], Flask] = cast("LocalProxy[Flask]", current_app)._get_current_object
get_g: Callable[[], Any] = cast("LocalProxy[Any]", g)._get_current_object
get_request: Callable[[], Request] = cast("LocalProxy[Request]", request)._get_current_object
get_context: Callable[[], Any] = getattr(flask.globals, _CONTEXT)._get_current_object

#: Flask's context variables themselves, for what runs in every request: each use of a proxy is up
#: to three calls more, together a tenth of a guarded page. Flask 3.2 makes one context of the two.
app_context: ContextVar[Any] = flask.globals._cv_app
request_context: ContextVar[Any] = getattr(flask.globals, "_cv_request", app_context)


def get_config() -> dict[str, Any]:
    """Return the current application's configuration."""
    try:
        config: dict[str, Any] = app_context.get().app.config
    except LookupError:
        config = get_app().config  # with Flask's error
    return config


#: On a request whose response has begun: the copy of its session that logins use from then on, made
#: at the first use.
_ANSWERED = "_login_session_after"


def note_answer(request: Request) -> None:
    """Note that the response to a request has begun: no session and no cookie changes any more."""
    request.__dict__[_ANSWERED] = None


def take_back_answer(request: Request) -> None:
    """Note that another response takes the place of the one that had begun."""
    request.__dict__.pop(_ANSWERED, None)


def is_answered(request: Request) -> bool:
    """Tell whether the response to a request has begun."""
    return _ANSWERED in request.__dict__


def session_of(context: Any) -> SessionMixin:
    """Return the session in which logins are read and written during a request.

    It is Flask's until the response has begun. From then on it is a copy that nobody saves: whoever
    asks sees what is true, and a session that lives on the server is not changed behind the back of
    a browser that can't be told of it.
    """
    holder = context.request.__dict__
    if _ANSWERED not in holder:
        return cast("SessionMixin", context.session)
    copy = holder[_ANSWERED]
    if copy is None:
        # `context.session`, to count as use: the page that tells of an error may be sent in place
        # of a response that had begun.
        copy = holder[_ANSWERED] = dict(context.session)
    return cast("SessionMixin", copy)


def get_session() -> SessionMixin:
    """Return the session of this request, as `session_of` does."""
    return session_of(get_context())


class RequestState:
    """What one realm knows and has decided during one request."""

    # Defaults of the class, not set one by one: most requests change two of them.

    user: Any = UNLOADED
    #: The user that was found last, by whichever of the request's threads and greenlets.
    found: Any = UNLOADED
    #: The user object that the session's login was loaded for, and the id it was loaded by.
    owner: tuple[Any, Any] = (UNLOADED, None)
    #: The user object that somebody acts as, and the id it was loaded by.
    acted: tuple[Any, Any] = (UNLOADED, None)
    #: Whether the application logged somebody in or out while the user was being loaded.
    decided: bool = False
    #: The user id that the loader does not know at the moment, as text; nothing ends for it yet.
    unknown: str | None = None
    #: The user id that the loader has not known for too long, as text.
    given_up: str | None = None
    #: The loader's failure during this request.
    failed: BaseException | None = None
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
    #: What is asked just now, "cookies" or "loaders"; None outside of either.
    asks: str | None = None
    #: Whether a cookie of another login came that the one to be set may not replace.
    leftover: bool = False
    #: The response on which the application set or cleared the cookie itself, and what the session
    #: wished at that time.
    said_on: tuple[Response, Any] | None = None
    clear_site_data: bool = False
    #: Whether the log was told that a login began or ended when the response had begun.
    told_of_answer: bool = False
    #: Whether `_update_remember_cookie` is to see the response.
    response_due: bool = False
    #: The contexts of Flask that were told so, by their `id`.
    answered_in: frozenset[int] = frozenset()
    #: Whether the session store gave an answer to no question of this request.
    store_failed: bool = False
    #: How recently, and how, a guard wanted the user to have proved who they are.
    required: tuple[timedelta | None, frozenset[str]] = (None, frozenset())
    #: Session and remember cookie as they were before the login was brought up to date.
    before: Before | None = None
    #: What the session store said of the session's credential, until `_admit` acts on it.
    answer: Presented | SessionStoreUnavailable | str | None = None
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


class RealmInApp:
    """What one application knows of one realm: ``app.extensions["login"][realm]``."""

    #: Whether the log has been told that ``LOGIN_DISABLED`` is on.
    warned_of_login_disabled: bool = False
    #: What the log has been told of the application's settings, when a manager was initialised.
    told: frozenset[str] = frozenset()

    def __init__(self, manager: LoginManager[Any]) -> None:
        self.manager = manager
        #: What the log has been told of, and of which class of users.
        self.told_of_users: set[tuple[str, str]] = set()


class SessionKeys:
    """The names of a realm's entries in Flask's session."""

    def __init__(self, realm: str) -> None:
        default = realm == DEFAULT_REALM
        # A dot is in no realm's name: "staff" can't reach into the entries of "staff_user".
        prefix = "_" if default else f"_{realm}."
        self.user_id: str = f"{prefix}user_id"
        self.fresh: str = f"{prefix}fresh"
        self.id: str = f"{prefix}id"
        self.remember: str = f"{prefix}remember"
        self.remember_seconds: str = f"{prefix}remember_seconds"
        self.next: str = "next" if default else f"{prefix}next"
        self.auth_hash: str = f"{prefix}auth_hash"
        self.methods: str = f"{prefix}methods"
        self.force: str = f"{prefix}force"
        self.login: str = f"{prefix}login"
        self.checked: str = f"{prefix}login_checked"
        self.at: str = f"{prefix}at"
        self.times: str = f"{prefix}times"
        self.pending: str = f"{prefix}pending"
        self.acting_as: str = f"{prefix}acting_as"
        self.unknown_since: str = f"{prefix}unknown_since"

    def telling(self) -> Iterator[str]:
        """Yield the entries that tell more of a login, or of its response, than whose it is."""
        yield from (self.auth_hash, self.force, self.times, self.acting_as, self.remember)
        yield self.unknown_since

    def of_login(self) -> Iterator[str]:
        """Yield the entries that end with the login."""
        yield from (self.user_id, self.fresh, self.id, self.remember_seconds)
        yield from (self.auth_hash, self.methods, self.force, self.login, self.checked)
        yield from (self.at, self.times, self.acting_as, self.unknown_since)


def tell_once(realm: str, what: str, user: object, text: str) -> None:
    """Log a warning of a realm's user objects: once per application and class of users.

    :param what: a word that stands for the warning.
    :param text: the warning; it may name the class by ``%s``.
    """
    known: RealmInApp | None = get_app().extensions.get("login", {}).get(realm)
    told = set[tuple[str, str]]() if known is None else known.told_of_users
    of_class = f"{type(user).__module__}.{type(user).__qualname__}"
    if (what, of_class) not in told:
        told.add((what, of_class))
        logger.warning(text, of_class)


def opened_session(context: Any) -> SessionMixin:
    """Return the session of a request's context, to look at it without using it.

    Looking must not count as use: that would add ``Vary: Cookie`` to every response.
    """
    # Flask 3.1.3 and later count a read of ``context.session`` as use, and keep it here.
    opened: SessionMixin | None = getattr(context, "_session", None)
    return context.session if opened is None else opened


def touched_session() -> SessionMixin | None:
    """Return the session if this request has used it."""
    opened = opened_session(request_context.get())
    return opened if getattr(opened, "accessed", True) else None


def drop_before_request(app: Flask, function: Callable[[], Any]) -> None:
    """Have Flask not call a function before each request any more: it costs each a microsecond."""
    functions = app.before_request_funcs[None]
    # A new list: Flask is going through this one.
    app.before_request_funcs[None] = [known for known in functions if known is not function]
