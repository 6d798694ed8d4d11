"""A visit in Flask: the ports of a `Visit`, from Flask's context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast
from weakref import ref

from flask import Request as FlaskRequest
from flask import request as flask_request
from werkzeug.local import LocalProxy

from . import legacy, login_cookies, marks, telling
from .cookies import remember_cookie_name
from .core import login_cookie, settings, whose
from .core.constants import MOST_COOKIES
from .core.events import user_accessed
from .core.exceptions import MissingLoader
from .core.protection import Client, client_fingerprint
from .core.state import NOBODY_LOADED
from .core.users import UNLOADED
from .core.visit import Visit
from .flask_internals import (
    ANSWERED,
    TOKENS,
    app_context,
    get_app,
    get_config,
    get_request,
    opened_session,
    request_context,
    require_request,
    session_after,
    shares_g,
)
from .loaders import resolve, unwrap
from .shared_g import leave_g_after_requests

if TYPE_CHECKING:
    from blinker import NamedSignal
    from flask import Request
    from flask.sessions import SessionMixin

    from .core.entry import Session
    from .core.login_entries import LoginEntries
    from .core.logins import Presented
    from .core.ports import HostedRealm
    from .core.realm import Realm
    from .core.remember import RememberToken
    from .core.state import Loaded

_COOKIES_OF_FLASK = FlaskRequest.cookies

#: On a request: its visits, of all realms.
VISITS = "_login_visits"

#: The visits whose loaders are running in this context, and in those that were copied from it.
_loading: ContextVar[tuple[Visit, ...]] = ContextVar("flask_login.loading", default=())


class FlaskVisit(Visit):
    """One realm in one request of Flask."""

    # Said again because type checkers take the type of what a class assigns from that class alone.
    realm: Realm
    config: Mapping[str, Any]
    is_late: bool
    is_decided: bool
    user: Any
    written: Any
    cookie: Literal["set", "clear"] | None
    reissued: RememberToken | None
    stored: Presented | None
    opened: Session | None
    actor: Any
    owner: Loaded
    acted: Loaded
    in_cookie: LoginEntries | None
    by_cookie: bool
    trusted: Exception | None
    is_distrusted: bool
    unknown: str | None
    given_up: str | None
    app: Any

    #: Whether the log was told that the response had begun.
    told_of_answer: bool = False
    #: The copy of the entries of a login in a cookie that is used once the response has begun.
    after: LoginEntries | None = None

    #: Whether the user was found out, or looked for, before.
    was_asked: bool = False
    #: The remember cookies that this application could have made, once they were looked at.
    own: list[str] | None = None

    def __init__(self, realm: Realm, context: Any) -> None:
        self.realm, self.app, self.config = realm, context.app, context.app.config
        # Weakly: it holds the request, which holds the visit. In a circle they would all stay in
        # memory until the collector of garbage comes by. That of a thread or greenlet of the
        # request may be gone; the one that asks has the same request and session.
        self._context: Callable[[], Any] = ref(context)
        # What every page asks: an attribute of the object is found sooner than one of the class.
        known = context.request.__dict__
        self.is_late = ANSWERED in known
        if settings.LOGIN_STATE.key in self.config:
            self.by_cookie = login_cookie.is_on(self.config)
        self.was_asked = self.is_decided = self.store_failed = False
        self.user = self.written = UNLOADED
        self.source = self.cookie = self.reissued = self.stored = self.failure = None
        known.setdefault(VISITS, []).append(self)
        tokens = getattr(context, TOKENS, None)
        if (not tokens or tokens[0][1] is None) and shares_g(context):
            leave_g_after_requests(context.app)

    @property
    def session(self) -> SessionMixin:
        """The session of the request, or a copy of it once the response has begun."""
        context = self._context() or require_request()
        return session_after(context) if self.is_late else context.session

    @property
    def entries(self) -> Session:
        """Where the entries of the login are; a copy of it once the response has begun."""
        if self.by_cookie:
            return login_cookies.entries_of(self)
        context = self._context() or require_request()
        return session_after(context) if self.is_late else context.session

    @property
    def context(self) -> Any:
        """Flask's context of the request."""
        return self._context() or require_request()

    @property
    def request(self) -> Request:
        """The request, for the application's request loader."""
        return cast("Request", self.context.request)

    def keeps_session(self) -> bool:
        """Return whether the session can be written at all."""
        if self.by_cookie:
            return True
        context = self._context() or require_request()
        return self.is_late or not self.app.session_interface.is_null_session(context.session)

    def remember_cookies(self) -> list[str]:
        """Return the values of the remember cookies that came, whoever made them."""
        context = self._context() or require_request()
        cookies: Any = context.request.cookies
        name = remember_cookie_name(self.config, self.realm.name)
        # A request class may have a plain dict here, or less.
        if hasattr(cookies, "getlist"):
            found = cookies.getlist(name)
        else:
            found = [cookies[name]] if name in cookies else []
        found = [*filter(str.__instancecheck__, found[:MOST_COOKIES])]
        token = None if self.in_cookie is None else self.in_cookie.token
        return found if token is None else [token, *found]

    def has_login_cookie(self) -> bool:
        """Return whether a login cookie may have come: a quick look, which may be wrong then."""
        request: FlaskRequest = (self._context() or require_request()).request
        if type(request).cookies is not _COOKIES_OF_FLASK:
            return True
        name = self.config.get(settings.LOGIN_COOKIE_NAME.key) or "login"
        return name in request.environ.get("HTTP_COOKIE", "")

    def login_cookies(self) -> tuple[list[str], str]:
        """Return the values of the login cookies, and of the marker; an empty text for none."""
        return login_cookies.came(self)

    def own_cookies(self) -> list[str]:
        """Return those that this application could have made; any other is none of its business."""
        if self.own is not None:
            return self.own
        found, level = self.remember_cookies(), self.realm.level
        name = "_load_user_from_remember_cookie"
        if not found or getattr(self.realm.hooks, name) != self.realm.own[name]:
            return found  # only the application knows what it puts there
        own = [*filter(partial(level.has_signed, self), found)]
        if len(own) < len(found):
            known = self.app.extensions.get("login", {}).values()
            levels = [level, *(one.manager._realm.level for one in known)]
            own = [one for one in found if any(level.has_signed(self, one) for level in levels)]
        self.own = own  # once it is whole: other threads of the request may ask as well
        return own

    def authorization(self) -> str | None:
        """Return the header ``Authorization``."""
        return self.request.environ.get("HTTP_AUTHORIZATION")

    def is_activity(self) -> bool:
        """Return whether a person made this request, as far as one can know."""
        request = self.request
        if self.is_passive or "prefetch" in request.environ.get("HTTP_SEC_PURPOSE", ""):
            return False
        view = self.app.view_functions.get(request.endpoint or "")
        return not marks.is_marked(view, marks.NO_ACTIVITY)

    def regenerate(self) -> None:
        """Give a server-side session a new id, so that one planted before is worthless."""
        context = self._context() or require_request()
        interface, sess = self.app.session_interface, context.session
        # The interface does it in Flask-Session, the session itself in Flask-KVSession. Flask's own
        # sessions have no id: all that they hold is in the cookie.
        if callable(getattr(interface, "regenerate", None)):
            interface.regenerate(sess)
        elif callable(getattr(sess, "regenerate", None)):
            sess.regenerate()

    def rotate_form_token(self) -> None:
        """Have Flask-WTF make a new CSRF token, where ``LOGIN_ROTATE_CSRF_TOKEN`` is set."""
        if settings.LOGIN_ROTATE_CSRF_TOKEN.read(self.config):
            name = self.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
            self.realm.entry.remove(self.session, name)
            app_context.get(None).g.pop(name, None)

    def resolve(self, result: object) -> Any:
        """Return the result of an application's callback, awaited if that was ``async def``."""
        return resolve(result)

    def tell_once(self, what: str, user: object, text: str) -> None:
        """Log a warning, once per application and class of users."""
        telling.tell_once(self.app, self.realm.name, what, user, text)

    def tell_late(self, function: str) -> None:
        """Warn, once a request, that a function was called when the response had begun."""
        if not self.told_of_answer:
            self.told_of_answer = True
            telling.tell_late(function)

    # ------------------------------------------------------------ who it is

    @property
    def is_loading(self) -> bool:
        """Whether this very code is finding out the user, or a loader started it."""
        return self in _loading.get()

    def load(self) -> None:
        """Find out whose request this is, whatever was known before."""
        here, loading = app_context.get(None), _loading.get()
        if self in loading or self.app is not here.app:
            return  # another application knows nothing of this one's session
        if self.failure is not None and self.store_failed:
            return  # told once; a page that tells of it must not fail as well
        if self.was_asked or self.user is not UNLOADED:
            self.forget()
        self.was_asked, holder = True, here.g.__dict__
        if self.realm.is_default:
            # A loader that looks at g must not find the user of another request there.
            holder.pop("_login_user", None)
        # Where neither it nor a cookie can hold a login, the session does not count as used.
        context = self._context() or require_request()
        request: FlaskRequest = context.request
        inside = self.is_late or self.by_cookie
        used = self.realm.hooks._user_callback is not None and (
            "HTTP_COOKIE" in request.environ
            or type(request).cookies is not _COOKIES_OF_FLASK
            or (self.entries if inside else opened_session(context))
        )
        self.opened = (self.entries if inside else context.session) if used else None
        token = _loading.set((*loading, self))
        try:
            user = self.identify()
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            _loading.reset(token)
        if user is None or self.is_decided:
            user = self.user if self.is_decided else self._nobody()
        user = unwrap(user) if isinstance(user, LocalProxy) else user
        self.found = user  # before others, who may forget it for a moment
        self.user, self.written = user, UNLOADED
        if self.realm.is_default:
            holder["_login_user"], holder["_login_state"] = user, self
        name = "_update_request_context_with_user"
        if self.realm.hooks._update_request_context_with_user != self.realm.own[name]:
            self.announce()
        if user_accessed.receivers:
            user_accessed.send(here.app)

    def forget(self) -> None:
        """Forget who makes the request, to find out again."""
        self.user, self.source, self.actor = UNLOADED, None, None
        self.owner, self.acted, self.written = NOBODY_LOADED, NOBODY_LOADED, UNLOADED
        self.trusted = self.failure = self.unknown = self.given_up = None
        self.is_distrusted = self.is_decided = False
        if self.realm.is_default:
            app_context.get(None).g.pop("_login_user", None)

    def _fail(self, error: BaseException) -> None:
        """Have this request be nobody's from here on: pages that tell of the failure ask as well.

        Guards don't take it for that: they raise the failure again.
        """
        self.assign(self.realm.hooks.anonymous_user(), None)
        self.failure = error

    def _nobody(self) -> Any:
        hooks = self.realm.hooks
        if (
            hooks._user_callback is None
            and hooks._request_callback is None
            and hooks._bearer_callback is None
            and hooks._header_callback is None
        ):
            raise MissingLoader
        self.source = None
        if hooks._user_callback is not None and not self.by_cookie:
            self.session.get(self.realm.entry.keys.user_id)  # a cookie brings another answer
        return hooks.anonymous_user()

    def assign(self, user: Any, source: str | None) -> None:
        """Make `user` the current one."""
        self.user = unwrap(user) if isinstance(user, LocalProxy) else user
        self.source, self.written = source, UNLOADED
        if self.realm.is_default:
            holder = app_context.get(None).g.__dict__
            holder["_login_user"], holder["_login_state"] = self.user, self

    def announce(self) -> None:
        """Tell code of before 0.6.90, where there is some, who the current user is."""
        hook = self.realm.hooks._update_request_context_with_user
        if hook != self.realm.own["_update_request_context_with_user"]:
            user, source = self.user, self.source
            hook(None if source is None else user)
            if self.user is user:
                self.source = source


def visit_of(realm: Realm) -> FlaskVisit:
    """Return what a realm knows of the current request.

    Raises Flask's `RuntimeError` outside of a request.
    """
    context = request_context.get(None) or require_request()
    holder: dict[str, Any] = context.request.__dict__
    # Not replaced, should another thread of this request have been quicker.
    visit: FlaskVisit = holder.get(realm.key) or holder.setdefault(
        realm.key, FlaskVisit(realm, context)
    )
    return visit


def create_identifier() -> str:
    """Return what stands for the client of this request in a session."""
    request = legacy.utils["request"]  # which dependents' tests patch
    if request is flask_request:
        context = request_context.get(None)
        request = get_request() if context is None else context.request
        return client_fingerprint(request.remote_addr, request.environ.get("HTTP_USER_AGENT"))
    return client_fingerprint(request.remote_addr, request.headers.get("User-Agent"))


class FlaskHost:
    """Flask, as the core asks it."""

    def config(self) -> Mapping[str, Any]:
        """Return the application's settings."""
        context = app_context.get(None)
        return get_config() if context is None else cast("dict[str, Any]", context.app.config)

    def client(self) -> Client:
        """Return what is known of the browser, or program, that makes the request."""
        request = get_request()
        environ = request.environ
        return Client(
            request.remote_addr,
            environ.get("HTTP_USER_AGENT"),
            environ.get("HTTP_X_FORWARDED_FOR"),
        )

    def session_lifetime(self) -> timedelta:
        """Return how long Flask's session cookie lasts unused."""
        return get_app().permanent_session_lifetime

    def send(self, signal: NamedSignal, **facts: Any) -> None:
        """Send a signal, with the application as sender."""
        signal.send(get_app(), **facts)

    def actor(self, realm: HostedRealm) -> str | None:
        """Return the user id of the user who impersonates the current one, if any."""
        context = request_context.get(None)
        visit = None if context is None else context.request.__dict__.get(realm.key)
        return None if visit is None or visit.actor is None else whose.actor_id(visit)

    def store_failed(self, realm: HostedRealm) -> bool:
        """Note on the request that the session store gave it no answer; False without a request."""
        if request_context.get(None) is None:
            return False
        visit_of(cast("Realm", realm)).store_failed = True
        return True
