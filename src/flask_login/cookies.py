"""Cookies: the remember cookie set and deleted, and texts signed as before 0.6.90."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response as BaseResponse

from . import legacy
from .core import settings
from .core.remember import id_in
from .core.signing import Key, as_bytes, cookie_digest, payload_of, signing_key
from .flask_internals import get_app, get_config

if TYPE_CHECKING:
    from flask import Request, Response


def encode_cookie(payload: str, key: Key | None = None) -> str:
    """Return ``payload|digest``: the text and its HMAC-SHA512 in hex.

    The format of remember cookies up to 0.6.3, kept because applications sign their own values
    with it. It names no purpose and no time: prefer `itsdangerous`.

    :param payload: any text.
    :param key: the secret; `None` takes the application's ``SECRET_KEY``.
    """
    return f"{payload}|{_cookie_digest(payload, key)}"


def decode_cookie(cookie: str, key: Key | None = None) -> str | None:
    """Return the payload of a text made by `encode_cookie`, or None if it is not one.

    Of a remember cookie of the default realm it returns the user id, as in Flask-Login 0.6.3,
    while the cookie is good. With a session store a remember cookie names no user.

    :param cookie: ``payload|digest``, or a remember cookie.
    :param key: the secret of a text that was encoded with it; `None` takes the application's
        ``SECRET_KEY``.
    """
    payload = None
    if "|" in cookie:
        payload = payload_of(cookie, _key_in_place() if key is None else key)
    if payload is not None or key is not None:
        return payload
    if legacy.is_app_replaced():
        return None  # a test's application has made no remember token
    manager = getattr(get_app(), "login_manager", None)
    now: datetime = datetime.now(timezone.utc) if manager is None else manager._clock()
    return id_in(cookie, now, get_config())


def _cookie_digest(payload: str, key: Key | None = None) -> str:
    return cookie_digest(payload, _key_in_place() if key is None else key)


def _secret_key(key: Key | None = None) -> bytes:
    return as_bytes(_key_in_place() if key is None else key)


def _key_in_place() -> Key:
    """Return the application's key, or that of what a test put in its place."""
    return signing_key(legacy.app_in_place().config)


def remember_cookie_name(config: Mapping[str, Any], realm: str) -> str:
    """Return the name of a realm's remember cookie."""
    name = settings.COOKIE_NAME
    if settings.REMEMBER_COOKIE_NAME.key in config:
        name = settings.REMEMBER_COOKIE_NAME.read(config)
    return name if realm == settings.DEFAULT_REALM else f"{name}_{realm}"


def set_cookie(
    response: Response,
    request: Request,
    config: Mapping[str, Any],
    realm: str,
    *,
    value: str,
    expires_at: float,
) -> None:
    """Put a remember token into the browser, until `expires_at` (seconds since the epoch).

    Raises `ConfigurationError` for settings of a cookie that the browser would not keep.
    """
    settings.check_remember_cookie(config, is_secure=request.is_secure)
    response.set_cookie(
        remember_cookie_name(config, realm),
        value=value,
        expires=datetime.fromtimestamp(expires_at, timezone.utc),
        **attributes(config, request),
    )


def clear_cookie(
    response: Response,
    request: Request,
    config: Mapping[str, Any],
    realm: str,
    *,
    host_only: bool = False,
) -> None:
    """Delete the cookie, with the attributes it was set with.

    A browser keeps a cookie whose deletion differs in domain, path or partition, and in a
    cross-site context it ignores a deletion without ``SameSite=None; Secure``.

    :param host_only: delete the one that has no domain or path, where the settings give it one.
    """
    found: Mapping[str, Any] = attributes(config, request)
    if host_only:
        if (found["domain"], found["path"]) == (None, "/"):
            return
        found = {**found, "domain": None, "path": "/"}
    if type(response).delete_cookie is not BaseResponse.delete_cookie:
        found = _known_to(response.delete_cookie, found)
    response.delete_cookie(remember_cookie_name(config, realm), **found)


def _known_to(method: Callable[..., None], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return those that a response class takes: its own method may be of an earlier time."""
    parameters = inspect.signature(method).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return attributes
    known = {parameter.name for parameter in parameters}
    return {key: value for key, value in attributes.items() if key in known}


def attributes(config: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """Return the attributes of a remember cookie, or of another that belongs to logins."""
    said = settings.ATTRIBUTES.default
    if not config.keys().isdisjoint(settings.ATTRIBUTES.keys):
        said = settings.ATTRIBUTES.read(config)
    found = said._asdict()
    if said.secure is None:
        found["secure"] = bool(config.get("SESSION_COOKIE_SECURE")) or request.is_secure
    if said.partitioned is None:
        partitioned = config.get("SESSION_COOKIE_PARTITIONED")
        found["partitioned"] = bool(partitioned) and settings.supports_partitioned()
    if not found["partitioned"]:
        del found["partitioned"]  # Flask before 3.1 knows no such argument
    return found
