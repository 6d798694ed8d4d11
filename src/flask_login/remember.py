"""The remember cookie: its token, and how it is set and deleted.

The token carries the user id, when it was issued, when it expires and a digest of the
user's credentials, signed. The server checks all of it: what the browser does with the
cookie's own expiry does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from itsdangerous import BadData

from . import config as settings
from .exceptions import ConfigurationError
from .signing import decode_cookie, secret_keys, sign, unsign
from .user_ids import mark_of, of_text

if TYPE_CHECKING:
    from flask import Request, Response

# RFC 6265bis lets browsers drop longer cookies; ours are far shorter.
_LONGEST = 4096


class RememberToken:
    """What a remember cookie says. Times are whole seconds since the epoch, UTC."""

    def __init__(
        self,
        user_id: Any,
        issued_at: int,
        expires_at: int,
        auth_hash: str | None = None,
        *,
        outdated: bool = False,
    ) -> None:
        self.user_id = user_id
        self.issued_at = issued_at
        self.expires_at = expires_at
        self.auth_hash = auth_hash
        #: Whether the browser should get a new one: an old format, or an old key.
        self.outdated = outdated

    def with_auth_hash(self, auth_hash: str | None) -> RememberToken:
        """Return it for other credentials."""
        return RememberToken(self.user_id, self.issued_at, self.expires_at, auth_hash)

    @property
    def lifetime(self) -> timedelta:
        """How long it was good for when it was issued."""
        return timedelta(seconds=self.expires_at - self.issued_at)


def issue(
    user_id: Any,
    now: datetime,
    lifetime: timedelta,
    auth_hash: str | None = None,
    *,
    key: str = "duration",
) -> RememberToken:
    """Return a new token that is good for `lifetime` from `now`.

    :param key: the setting or argument that `lifetime` came from.

    Raises `ConfigurationError` when that lies beyond the year 9999.
    """
    try:
        expires = now + lifetime
    except (OverflowError, TypeError):
        accepted = "a datetime.timedelta that ends before the year 10000"
        raise ConfigurationError(key, lifetime, accepted) from None
    return RememberToken(user_id, int(now.timestamp()), int(expires.timestamp()), auth_hash)


def write(token: RememberToken, realm: str) -> str:
    """Return the cookie value of `token`, signed for `realm`."""
    fields: list[Any] = [str(token.user_id), token.issued_at, token.expires_at]
    mark = mark_of(token.user_id)
    if token.auth_hash or mark:
        fields.append(token.auth_hash)
    return sign([*fields, mark] if mark else fields, _salt(realm))


def read(value: str, realm: str, now: datetime, config: Mapping[str, Any]) -> RememberToken | None:
    """Return the token in a cookie value, or None for whatever else it may be."""
    if len(value) > _LONGEST:
        return None
    token = _read_signed(value, realm)
    if token is None and realm == settings.DEFAULT_REALM:
        token = _read_legacy(value, now, config)
    return token if token is not None and now.timestamp() < token.expires_at else None


def _read_signed(value: str, realm: str) -> RememberToken | None:
    try:
        fields, current = unsign(value, _salt(realm))
    except BadData:
        return None
    said: Any = fields
    match fields:
        case [str(), int(), int()] | [str(), int(), int(), str()]:
            return RememberToken(*said, outdated=not current)
        case [str(text), int(), int(), str() | None, str(mark)]:
            return RememberToken(of_text(text, mark), *said[1:4], outdated=not current)
        case _:
            return None


def _read_legacy(value: str, now: datetime, config: Mapping[str, Any]) -> RememberToken | None:
    if not settings.REMEMBER_COOKIE_ACCEPT_LEGACY.read(config):
        return None
    for key in secret_keys():
        user_id = decode_cookie(value, key)
        if user_id is not None:
            lifetime = settings.REMEMBER_COOKIE_DURATION.read(config)
            token = issue(user_id, now, lifetime, key="REMEMBER_COOKIE_DURATION")
            token.outdated = True
            return token
    return None


def _salt(realm: str) -> str:
    return f"flask-login.remember-token.{realm}"


def set_cookie(
    response: Response,
    request: Request,
    config: Mapping[str, Any],
    realm: str,
    *,
    value: str,
    expires_at: float,
) -> None:
    """Put a remember token into the browser, until `expires_at` (seconds since the epoch)."""
    response.set_cookie(
        settings.remember_cookie_name(config, realm),
        value,
        expires=datetime.fromtimestamp(expires_at, timezone.utc),
        **_attributes(config, request),
    )


def clear_cookie(
    response: Response, request: Request, config: Mapping[str, Any], realm: str
) -> None:
    """Delete the cookie, with the attributes it was set with.

    A browser keeps a cookie whose deletion differs in domain, path or partition, and in a
    cross-site context it ignores a deletion without ``SameSite=None; Secure``.
    """
    response.delete_cookie(
        settings.remember_cookie_name(config, realm), **_attributes(config, request)
    )


def _attributes(config: Mapping[str, Any], request: Request) -> dict[str, Any]:
    secure = settings.REMEMBER_COOKIE_SECURE.read(config)
    if secure is None:
        secure = bool(config.get("SESSION_COOKIE_SECURE")) or request.is_secure
    attributes: dict[str, Any] = {
        "domain": settings.REMEMBER_COOKIE_DOMAIN.read(config),
        "path": settings.REMEMBER_COOKIE_PATH.read(config),
        "secure": secure,
        "httponly": settings.REMEMBER_COOKIE_HTTPONLY.read(config),
        "samesite": settings.REMEMBER_COOKIE_SAMESITE.read(config),
    }
    partitioned = settings.REMEMBER_COOKIE_PARTITIONED.read(config)
    if partitioned is None:
        partitioned = (
            bool(config.get("SESSION_COOKIE_PARTITIONED")) and settings.supports_partitioned()
        )
    if partitioned:
        attributes["partitioned"] = True
    return attributes
