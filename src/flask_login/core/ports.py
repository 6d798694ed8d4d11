"""What the core asks of others: of the framework, and of the application's callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from .entry import Session
from .protection import Client

if TYPE_CHECKING:
    from blinker import NamedSignal

    #: Tells whether the first user may act as the second.
    MayImpersonate = Callable[[Any, Any], Any]


class HostedRealm(Protocol):
    """What of a realm its host, and its stored logins, need to know."""

    name: str
    clock: Callable[[], datetime]
    key: str

    @property
    def host(self) -> Host:
        """The framework."""
        ...


class Host(Protocol):
    """The framework, and the application and request that it is serving."""

    def config(self) -> Mapping[str, Any]:
        """Return the application's settings."""
        ...

    def client(self) -> Client:
        """Return what is known of the browser, or program, that makes the request."""
        ...

    def session_lifetime(self) -> timedelta:
        """Return how long the framework's own session cookie lasts unused."""
        ...

    def send(self, signal: NamedSignal, **facts: Any) -> None:
        """Send a signal, with the application as sender."""
        ...

    def actor(self, realm: HostedRealm) -> str | None:
        """Return the user id of the user who impersonates the current one, if any."""
        ...

    def store_failed(self, realm: HostedRealm) -> bool:
        """Note on the request that the session store gave it no answer; False without a request."""
        ...


class Hooks(Protocol):
    """What an application sets on its manager, or overrides there. Read at each use."""

    id_attribute: str
    anonymous_user: Callable[[], Any]
    may_impersonate_callback: MayImpersonate | None
    _user_callback: Callable[[Any], Any] | None
    _request_callback: Callable[[Any], Any] | None
    _bearer_callback: Callable[[str], Any] | None
    _header_callback: Callable[[str], Any] | None
    _session_identifier_generator: Callable[[], str]

    @property
    def session_protection(self) -> str | None:
        """What happens when a session shows up from another client."""
        ...

    def _update_request_context_with_user(self, user: Any = None) -> None: ...
    def _session_protection_failed(self) -> bool: ...
    def _load_user_from_remember_cookie(self, cookie: str) -> Any: ...
    def _load_user_from_request(self, request: Any) -> Any: ...
    def _load_user_from_header(self, header: str) -> Any: ...


class Ports(Protocol):
    """What the framework tells a visit of its request, and does for it."""

    @property
    def session(self) -> Session:
        """The session of the request. To read it counts as using it."""
        ...

    @property
    def entries(self) -> Session:
        """Where the entries of the login are: the session, unless it has a cookie of its own."""
        ...

    @property
    def request(self) -> Any:
        """The framework's request, for the application's request loader."""
        ...

    @property
    def is_loading(self) -> bool:
        """Whether this very code is finding out the user."""
        ...

    def keeps_session(self) -> bool:
        """Return whether the session can be written at all."""
        ...

    def remember_cookies(self) -> list[str]:
        """Return the values of the remember cookies that came, whoever made them."""
        ...

    def has_login_cookie(self) -> bool:
        """Return whether a login cookie may have come: a quick look, which may be wrong then."""
        ...

    def login_cookies(self) -> tuple[list[str], str]:
        """Return the values of the login cookies, and of the marker; an empty text for none."""
        ...

    def own_cookies(self) -> list[str]:
        """Return those that this application could have made; any other is none of its business."""
        ...

    def authorization(self) -> str | None:
        """Return the header ``Authorization``."""
        ...

    def is_activity(self) -> bool:
        """Return whether a person made this request, as far as one can know."""
        ...

    def regenerate(self) -> None:
        """Give a server-side session a new id, so that one planted before is worthless."""
        ...

    def rotate_form_token(self) -> None:
        """Drop what proves that a form is of this session, where the settings say so."""
        ...

    def assign(self, user: Any, source: str | None) -> None:
        """Make `user` the current one."""
        ...

    def announce(self) -> None:
        """Tell code of before 0.6.90, where there is some, who the current user is."""
        ...

    def resolve(self, result: object) -> Any:
        """Return the result of an application's callback, awaited if that was ``async def``."""
        ...

    def tell_once(self, what: str, user: object, text: str) -> None:
        """Log a warning, once per application and class of users.

        :param what: a word that stands for the warning.
        :param text: the warning; it may name the class by ``%s``.
        """
        ...

    def tell_late(self, function: str) -> None:
        """Warn, once a request, that a function was called when the response had begun."""
        ...
