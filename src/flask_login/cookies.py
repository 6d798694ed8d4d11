"""Cookies: the remember cookie set and deleted, and texts signed as before 0.6.90."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

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
    check(config, request)
    response.set_cookie(
        settings.remember_cookie_name(config, realm),
        value=value,
        expires=datetime.fromtimestamp(expires_at, timezone.utc),
        **attributes(config, request),
    )


def clear_cookie(
    response: Response, request: Request, config: Mapping[str, Any], realm: str
) -> None:
    """Delete the cookie, with the attributes it was set with.

    A browser keeps a cookie whose deletion differs in domain, path or partition, and in a
    cross-site context it ignores a deletion without ``SameSite=None; Secure``.
    """
    _delete(response, settings.remember_cookie_name(config, realm), attributes(config, request))


def clear_host_cookie(
    response: Response, request: Request, config: Mapping[str, Any], realm: str
) -> None:
    """Delete the cookie that has no domain or path, where the settings give it one."""
    found = attributes(config, request)
    if (found["domain"], found["path"]) == (None, "/"):
        return
    found.update(domain=None, path="/")
    _delete(response, settings.remember_cookie_name(config, realm), found)


def _delete(response: Response, name: str, attributes: Mapping[str, Any]) -> None:
    # A response class may have a method from when it took the domain and the path only.
    parameters = inspect.signature(response.delete_cookie).parameters.values()
    if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters):
        known = {parameter.name for parameter in parameters}
        attributes = {key: value for key, value in attributes.items() if key in known}
    response.delete_cookie(name, **attributes)


def check(config: Mapping[str, Any], request: Request) -> None:
    """Raise `ConfigurationError` when the browser of this request would not keep the cookie."""
    settings.check_remember_cookie(config, secure=_is_secure(config, request))


def _is_secure(config: Mapping[str, Any], request: Request) -> bool:
    secure = settings.REMEMBER_COOKIE_SECURE.read(config)
    if secure is None:
        secure = bool(config.get("SESSION_COOKIE_SECURE")) or request.is_secure
    return secure


def attributes(config: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """Return the attributes of a remember cookie, or of another that belongs to logins."""
    found: dict[str, Any] = {
        "domain": settings.REMEMBER_COOKIE_DOMAIN.read(config),
        "path": settings.REMEMBER_COOKIE_PATH.read(config),
        "secure": _is_secure(config, request),
        "httponly": settings.REMEMBER_COOKIE_HTTPONLY.read(config),
        "samesite": settings.REMEMBER_COOKIE_SAMESITE.read(config),
    }
    partitioned = settings.REMEMBER_COOKIE_PARTITIONED.read(config)
    if partitioned is None:
        partitioned = (
            bool(config.get("SESSION_COOKIE_PARTITIONED")) and settings.supports_partitioned()
        )
    if partitioned:
        found["partitioned"] = True
    return found
