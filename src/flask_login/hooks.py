"""The hooks of before 0.6.90: the methods that applications override or patch, as they are here.

They are methods of `LoginManager` under the names in `OWN`: their first argument is the manager.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType, MethodType
from typing import TYPE_CHECKING, Any

from flask import has_app_context

from . import finish
from .core import settings, sources
from .flask_internals import get_config
from .loaders import unwrap
from .shared_g import claim
from .visit import visit_of

if TYPE_CHECKING:
    from flask import Request, Response

    from .ports import Manager


def load_user(manager: Manager) -> None:
    """Find out whose request this is."""
    visit_of(manager._realm).load()


def session_protection_failed(manager: Manager) -> bool:
    """Compare the client with the one that logged in; True means: not this session.

    Override it to switch session protection off for some requests.
    """
    visit = visit_of(manager._realm)
    return sources.protect(visit, visit.entries, manager._session_identifier_generator())


def load_user_from_remember_cookie(manager: Manager, cookie: str) -> Any:
    """Log the user of a remember cookie in again, not fresh; None if it names nobody."""
    return sources.restore(visit_of(manager._realm), cookie)


def load_user_from_request(manager: Manager, request: Request) -> Any:
    """Return the user whom the request loader finds."""
    return sources.ask_request_loader(visit_of(manager._realm), request)


def load_user_from_header(manager: Manager, header: str) -> Any:
    """Return the user whom the header loader finds."""
    return sources.ask_header_loader(visit_of(manager._realm), header)


def update_request_context_with_user(manager: Manager, user: Any = None) -> None:
    """Make `user` the user of this request only; None is nobody."""
    visit = visit_of(manager._realm)
    found = manager.anonymous_user() if user is None else unwrap(user)
    if manager._realm.is_default:
        claim(visit, found)
    else:
        visit.assign(found, None if user is None else "assigned")


def update_remember_cookie(manager: Manager, response: Response) -> Response:
    """Do to a response what this realm decided."""
    return finish.finish(visit_of(manager._realm), response, manager)


def set_cookie(manager: Manager, response: Response) -> None:
    """Set the remember cookie for the login in the session."""
    visit = visit_of(manager._realm)
    finish.set_cookie(visit, response, visit.session)


def clear_cookie(manager: Manager, response: Response) -> None:
    """Delete the remember cookie."""
    visit = visit_of(manager._realm)
    finish.clear_cookie(visit, response, visit.session)


#: The hooks that are methods of the class, by their names there, whatever is patched later.
OWN: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "_load_user": load_user,
        "_session_protection_failed": session_protection_failed,
        "_load_user_from_remember_cookie": load_user_from_remember_cookie,
        "_load_user_from_request": load_user_from_request,
        "_load_user_from_header": load_user_from_header,
        "_update_request_context_with_user": update_request_context_with_user,
        "_update_remember_cookie": update_remember_cookie,
        "_set_cookie": set_cookie,
        "_clear_cookie": clear_cookie,
    }
)

#: The methods and attributes of before 0.6.90 that applications override, or patch on the class or
#: on a manager. Each is asked at its place, on every request.
HOOKS = (*OWN, "_user_callback", "_request_callback", "_session_identifier_generator")


def own_of(manager: Manager) -> Mapping[str, Any]:
    """Return the hooks of `OWN` as methods of a manager, to compare what it has with them."""
    return {name: MethodType(hook, manager) for name, hook in OWN.items()}


def is_login_disabled() -> bool:
    """Return whether the current application lets everybody pass, by ``LOGIN_DISABLED``."""
    return has_app_context() and settings.LOGIN_DISABLED.read(get_config())


def disable_login(value: bool) -> None:
    """Set ``LOGIN_DISABLED`` in the current application."""
    get_config()["LOGIN_DISABLED"] = value
