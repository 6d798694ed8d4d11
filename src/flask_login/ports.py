"""What the rooms on Flask's side ask of a login manager, which is above them all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Protocol

from .core.ports import Hooks

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from flask import Response
    from flask.typing import ResponseReturnValue
    from typing_extensions import TypeVar

    from .core.entry import SessionKeys
    from .core.logins import StoredLogins
    from .core.realm import Realm
    from .core.registry import SessionRegistry
    from .login_facts import CurrentLogin

    # Any by default, so that an unannotated ``LoginManager()`` needs no type argument.
    UserT = TypeVar("UserT", default=Any)
else:
    from typing import TypeVar

    UserT = TypeVar("UserT")


class Manager(Hooks, Protocol[UserT]):
    """A `LoginManager`: what an application set on it, and what it answers."""

    realm: str
    keys: SessionKeys
    _realm: Realm
    _exempt_endpoints: set[str]
    _session_protection: str | None
    _clock: Callable[[], datetime]

    current_user: UserT
    login_view: str | None
    blueprint_login_views: dict[str | None, str | None]
    login_message: Any
    ended_messages: dict[str, Any]
    login_message_category: str
    refresh_view: str | None
    needs_refresh_message: Any
    needs_refresh_message_category: str
    localize_callback: Callable[[Any], Any] | None
    unauthorized_callback: Callable[[], Any] | None
    needs_refresh_callback: Callable[[], Any] | None

    @property
    def _logins(self) -> StoredLogins | None: ...

    @property
    def sessions(self) -> SessionRegistry:
        """The registry of this realm's logins."""
        ...

    def get_current_user(self) -> Any:
        """Return the user of this request."""
        ...

    def get_current_login(self) -> CurrentLogin | None:
        """Return what is known of this request's login session."""
        ...

    def login_fresh(self) -> bool:
        """Return whether the login session of this request is fresh."""
        ...

    def login_remembered(self) -> bool:
        """Return whether the browser has sent a good remember token of the current user."""
        ...

    def login_user(
        self,
        user: Any,
        remember: bool = False,
        duration: timedelta | None = None,
        *,
        methods: Collection[str] = (),
    ) -> bool:
        """Log a user in."""
        ...

    def logout_user(self, *, everywhere: bool = False) -> bool:
        """Log the user out."""
        ...

    def stop_impersonating(self) -> bool:
        """Be oneself again."""
        ...

    def login_failed(self, identity: str) -> None:
        """Note that a login has failed."""
        ...

    def unauthorized(self) -> ResponseReturnValue:
        """Answer a caller who is not logged in."""
        ...

    def needs_refresh(self) -> ResponseReturnValue:
        """Answer a caller whose login is not fresh."""
        ...

    def forbidden(self) -> ResponseReturnValue:
        """Answer a caller who may not pass."""
        ...

    def safe_next_url(self, default: str) -> str:
        """Return where to go after login."""
        ...

    def _template_context(self) -> dict[str, Any]: ...
    def _load_user(self) -> None: ...
    def _update_remember_cookie(self, response: Response) -> Response: ...
    def _set_cookie(self, response: Response) -> None: ...
    def _clear_cookie(self, response: Response) -> None: ...


class RealmInApp:
    """What one application knows of one realm: ``app.extensions["login"][realm]``."""

    #: Whether the log has been told that ``LOGIN_DISABLED`` is on.
    warned_of_login_disabled: bool = False
    #: What the log has been told of the settings.
    told: frozenset[str] = frozenset()

    def __init__(self, manager: Manager) -> None:
        self.manager = manager
        #: What the log has been told of user objects, and of which class of them.
        self.told_of_users: set[tuple[str, str]] = set()
        #: What stands for the clients that logged in over plain http, while that is looked for.
        self.logins_over_http: dict[str, None] = {}
