"""Flask, as the core asks it: settings, client, signals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from .core import whose
from .core.protection import Client
from .flask_internals import app_context, get_app, get_config, get_request, request_context
from .visit import visit_of

if TYPE_CHECKING:
    from blinker import NamedSignal

    from .core.ports import HostedRealm
    from .core.realm import Realm


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

    def store_failed(self, realm: HostedRealm) -> None:
        """Note on the request that the session store gave it no answer."""
        if request_context.get(None) is not None:
            visit_of(cast("Realm", realm)).store_failed = True
