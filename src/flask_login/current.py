"""The current user and the current login: who makes this request, for whoever asks.

What was found is kept on the visit, never on anything that may outlive the request.
``g._login_user`` mirrors it for extensions that read, write or delete it there.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, g, has_request_context
from werkzeug.local import LocalProxy

from . import legacy
from .core import whose
from .core.exceptions import ID_TYPES, MissingLoginManager, NoCurrentUser
from .core.registry import SessionRegistry
from .core.settings import DEFAULT_REALM
from .core.users import UNLOADED, asked_id, raise_lack, says
from .flask_internals import app_context, get_app, request_context, require_request
from .loaders import resolve, unwrap
from .login_facts import CurrentLogin
from .shared_g import claim, mirror, on_g
from .visit import FlaskVisit, visit_of

if TYPE_CHECKING:
    from .core.realm import Realm
    from .ports import Manager


def manager_of(app: Any, realm: str = DEFAULT_REALM) -> Manager:
    """Return the login manager of a realm of `app`.

    The default realm's is ``app.login_manager``: tests and applications replace it there.

    Raises `MissingLoginManager` when there is none.
    """
    try:
        manager: Manager = (
            app.login_manager if realm == DEFAULT_REALM else app.extensions["login"][realm].manager
        )
    except (AttributeError, KeyError):
        named = None if realm == DEFAULT_REALM else realm
        raise MissingLoginManager(app.name, named) from None
    return manager


def default_manager() -> Manager:
    """Return the login manager of the current application's default realm.

    Raises `MissingLoginManager` when the application has none.
    """
    if legacy.utils["current_app"] is not current_app:
        return manager_of(legacy.app_in_place())
    here = app_context.get(None)
    app: Any = get_app() if here is None else here.app
    try:
        manager: Manager = app.login_manager
    except AttributeError:
        raise MissingLoginManager(app.name, None) from None
    return manager


# ------------------------------------------------------------------------ the user

#: As whom this code acts, by the realm and the request (None outside of one); `acting_as` sets it.
_acting: ContextVar[Mapping[tuple[Realm, Any], Any]] = ContextVar("flask_login.acting")


def _get_user() -> Any:
    """Return the user of this request in the default realm; None outside of one."""
    if legacy.utils["current_app"] is not current_app:
        return _user_of_replaced_app()
    if request_context.get(None) is None:
        return _user_of_code(None)
    manager = getattr(app_context.get(None).app, "login_manager", None)
    return user_of(default_manager() if manager is None else manager)


def _user_of_replaced_app() -> Any:
    if not has_request_context():
        return None
    manager = default_manager()
    if legacy.is_manager(manager):
        return user_of(manager)
    if "_login_user" not in g:
        manager._load_user()
    return g.get("_login_user")


def current_of(manager: Manager) -> Any:
    """Return the user of this request in a manager's realm; None outside of one."""
    if manager._realm.is_default:
        return legacy.utils["_get_user"]()  # which dependents' tests patch
    return _user_of_code(manager) if request_context.get(None) is None else user_of(manager)


def _user_of_code(manager: Manager | None) -> Any:
    """Return as whom code outside of a request acts, or None."""
    acted = _acting.get(None)
    if not acted or app_context.get(None) is None:
        return None
    return acted.get(((manager or default_manager())._realm, None))


def user_of(manager: Manager) -> Any:
    """Return the user of this request in a manager's realm.

    The cases, the first that holds: this code acts as somebody; what is on ``g`` is what the visit
    knows; other code wrote to ``g``; other code deleted it there, or nobody has asked yet; what is
    on ``g`` is of another request.
    """
    realm, context = manager._realm, request_context.get(None) or require_request()
    known: dict[str, Any] = context.request.__dict__
    visit: FlaskVisit = known.get(realm.key) or known.setdefault(
        realm.key, FlaskVisit(realm, context)
    )
    acted = _acting.get(None)
    if acted and (realm, context.request) in acted:
        return acted[realm, context.request]
    user = visit.user  # once: other threads of this request may forget it for a moment
    if not realm.is_default:
        return _loaded(manager, visit) if user is UNLOADED else user
    holder = app_context.get(None).g.__dict__
    written = holder.get("_login_user", UNLOADED)
    if written is user:
        if user is UNLOADED and manager._load_user == realm.own["_load_user"]:
            visit.load()
            user = visit.user if visit.written is UNLOADED else visit.written
        return _loaded(manager, visit) if user is UNLOADED else user
    owner: FlaskVisit | None = holder.get("_login_state")
    if written is not UNLOADED and (owner is None or written is not on_g(owner)):
        return claim(visit, written)
    if owner is visit or user is UNLOADED:
        return _loaded(manager, visit) if written is UNLOADED or owner is not visit else written
    mirror(visit)
    return user if visit.written is UNLOADED else visit.written


def _loaded(manager: Manager, visit: FlaskVisit) -> Any:
    manager._load_user()
    user = visit.user
    if visit.realm.is_default:
        # Another _load_user may write to g.
        written = app_context.get(None).g.__dict__.get("_login_user", UNLOADED)
        if written is not UNLOADED:
            return written if written is on_g(visit) else claim(visit, written)
    if user is UNLOADED and not visit.is_loading:
        # Other threads or greenlets of this request forgot for a moment whom this one had found.
        user = visit.found
    return manager.anonymous_user() if user is UNLOADED else user


def is_known() -> bool:
    """Return whether it is known already who makes this request."""
    context = request_context.get(None)
    if context is None:
        return False
    visit = context.request.__dict__.get(default_manager()._realm.key)
    return visit is not None and visit.user is not UNLOADED


class UserProxy(LocalProxy[Any]):
    """A proxy of the current user, which says what is wrong where there is none."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        user = self._get_current_object()
        try:
            return getattr(user, name)
        except AttributeError as error:
            _explain(user, name, error)
            raise


class _CurrentUser(UserProxy):
    """The proxy that is read most: several times on each page."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        # LocalProxy makes a partial of getattr for each read, which doubles its cost.
        user = legacy.utils["_get_user"]()
        try:
            return getattr(user, name)
        except AttributeError as error:
            _explain(user, name, error)
            raise


def _explain(user: object, name: str, error: AttributeError) -> None:
    """Raise a better error where it was no user that has no attribute of a name."""
    if user is None and request_context.get(None) is None:
        raise NoCurrentUser(name) from None
    if type(user) in ID_TYPES:  # a loader returned the id
        raise_lack("current user", user, name, error)


#: The user of this request, as a proxy: for nobody it is an `AnonymousUserMixin`, outside of a
#: request None. For a type checker it is `Any`; `LoginManager.current_user` is the typed one.
current_user: Any = _CurrentUser(lambda: legacy.utils["_get_user"]())  # noqa: PLW0108  # as it is now


def get_current_user() -> Any:
    """Return the user of this request: the real object, no proxy.

    For code that needs the object itself (an ORM relationship, a task's argument). An anonymous
    user is an object made by ``login_manager.anonymous_user``; outside of a request the answer is
    None.

    Raises `MissingLoginManager` when the application has no login manager.

    .. versionadded:: 0.6.90
    """
    return legacy.utils["_get_user"]()


def _user_context_processor() -> dict[str, Any]:
    """Return what a template gets as ``current_user``.

    Once it is known who the user is, the object itself: a template reads it twenty times faster
    than the proxy. Before that the proxy, for a template that does not ask.
    """
    return {"current_user": legacy.utils["_get_user"]() if is_known() else current_user}


@contextmanager
def acting(manager: Manager, user: Any) -> Generator[Any]:
    """Make `user` the current user of a manager's realm inside of a ``with`` block."""
    context = request_context.get(None)
    request = None if context is None else context.request
    found = unwrap(user)
    if found is None and request is not None:
        found = manager.anonymous_user()
    # Kept for the context of this very code: tasks and threads of one request may act as many.
    token = _acting.set({**_acting.get({}), (manager._realm, request): found})
    try:
        yield None if user is None else found
    finally:
        _acting.reset(token)


# ----------------------------------------------------------------------- the login


def login_of(manager: Manager) -> CurrentLogin | None:
    """Return what is known of this request's login session, or None for nobody.

    .. versionadded:: 0.6.90
    """
    user = manager.get_current_user()
    if user is None or says(getattr(user, "is_anonymous", False), resolve):
        return None
    if request_context.get(None) is None:
        user_id = _text(asked_id(user, manager.id_attribute, resolve))
        return CurrentLogin(user_id, "assigned", False, False, frozenset())
    visit = visit_of(manager._realm)
    user_id = _text(whose.id_of(visit, user))
    source = (visit.source if user is visit.user else None) or "assigned"
    if source not in ("session", "remember"):
        return CurrentLogin(
            user_id, source, manager.login_fresh(), manager.login_remembered(), frozenset()
        )
    facts = visit.facts()
    return CurrentLogin(
        user_id=user_id,
        source=source,
        fresh=manager.login_fresh(),
        remembered=manager.login_remembered(),
        methods=frozenset(visit.realm.entry.methods(visit.entries)),
        authenticated_at=facts.proved_at,
        expires_in=None if facts.ends_at is None else facts.ends_at - visit.realm.clock(),
        actor=whose.actor_id(visit),
        record=facts.record,
    )


def _text(user_id: Any) -> str | None:
    return None if user_id is None else str(user_id)


def is_still_valid(manager: Manager) -> bool:
    """Return whether the login goes on. See `flask_login.login_still_valid`."""
    visit = visit_of(manager._realm)
    if visit.failure is not None:
        visit.forget()  # the session store, or the loader's database, may be back
    before = login_of(manager)
    if before is None:
        return False
    passive, visit.is_passive = visit.is_passive, True
    try:
        manager._load_user()
    finally:
        visit.is_passive = passive
    after = login_of(manager)
    return after is not None and (after.user_id, after.id) == (before.user_id, before.id)


def is_fresh(manager: Manager) -> bool:
    """Return whether the login session of this request is fresh.

    True from `login_user` or `confirm_login` on, for ``LOGIN_FRESH_TIMEOUT`` at the most; False
    when a remember token brought the user back, or when the client changed (session protection).
    """
    user = manager.get_current_user()
    return visit_of(manager._realm).is_fresh(user)


def is_remembered(manager: Manager) -> bool:
    """Return whether this browser has sent a good remember token of the current user."""
    manager.get_current_user()
    visit = visit_of(manager._realm)
    return visit.realm.level.remembers(visit, visit.entries)


def ended_reason(manager: Manager) -> str | None:
    """Return why the login is over that this browser showed.

    See `flask_login.login_ended_reason`.
    """
    manager.get_current_user()
    return visit_of(manager._realm).ended_reason


def registry_of(manager: Manager) -> SessionRegistry:
    """Return the registry of the logins of a manager's realm."""
    realm = manager._realm

    def current_id() -> str | None:
        manager.get_current_user()
        stored = visit_of(realm).stored
        return None if stored is None else stored.record.id

    def own_ids() -> set[str]:
        return set() if request_context.get(None) is None else whose.own_ids(visit_of(realm))

    return SessionRegistry(realm.require_store("sessions"), realm.clock, current_id, own_ids)


def template_context(manager: Manager) -> dict[str, Any]:
    """Return what templates get of a manager's realm."""
    if manager._realm.is_default:
        return _user_context_processor()
    return {f"current_{manager.realm}": manager.current_user}


#: What is known of this request's login session, as a proxy of `CurrentLogin`; falsy for nobody.
#:
#: .. versionadded:: 0.6.90
current_login: CurrentLogin = cast(
    "CurrentLogin", LocalProxy(lambda: default_manager().get_current_login())
)
