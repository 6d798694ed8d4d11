"""The remember cookie: its token, and how it is set and deleted.

The token carries the user id, when it was issued, when it expires and a digest of the
user's credentials, signed. The server checks all of it: what the browser does with the
cookie's own expiry does not matter.

It begins with the id and a bar, as in Flask-Login 0.6.3: applications split it there.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from flask.sessions import session_json_serializer
from itsdangerous import BadData

from . import config as settings
from . import utils
from .exceptions import ConfigurationError
from .signing import encoded_payload, secret_keys, sign, unsign_labelled
from .state import get_app

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
        form: int = 0,
    ) -> None:
        #: As the session has it: mostly text, an int for a user whose ``get_id()`` gave one.
        self.user_id = user_id
        self.issued_at = issued_at
        self.expires_at = expires_at
        self.auth_hash = auth_hash
        #: Whether the browser should get a new one: an old format, or an old key.
        self.outdated = outdated
        #: How many forms of the cookie are newer than the one it was read from.
        self.form = form

    def with_auth_hash(self, auth_hash: str | None) -> RememberToken:
        """Return it for other credentials."""
        return RememberToken(self.user_id, self.issued_at, self.expires_at, auth_hash)

    @property
    def rank(self) -> tuple[int, int, int]:
        """The greatest of several was made last. An old form does not tell when it was made."""
        return -self.form, self.issued_at, self.expires_at

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
    user_id, text = token.user_id, str(token.user_id)
    fields: list[Any] = [token.issued_at, token.expires_at]
    if not isinstance(user_id, str):
        fields += [token.auth_hash, _type_told(user_id)]
    elif token.auth_hash:
        fields.append(token.auth_hash)
    if text.isprintable():
        return sign(fields, _salt(realm), text)
    # Browsers drop a cookie with control characters, and half a surrogate is no character.
    return sign([text, *fields], _salt(realm))


def _type_told(user_id: Any) -> int | str | None:
    """Return an id that is no text, so that it is read back as what it was; None as its text.

    As the session keeps it: an int as it is, a UUID as Flask's session writes it.
    """
    if isinstance(user_id, int):
        return user_id
    try:
        return session_json_serializer.dumps(user_id)
    except TypeError:
        return None


def read(value: str, realm: str, now: datetime, config: Mapping[str, Any]) -> RememberToken | None:
    """Return the token in a cookie value, or None for whatever else it may be."""
    if len(value) > _LONGEST:
        return None
    token = _read_signed(value, realm)
    if token is None and realm == settings.DEFAULT_REALM:
        token = _read_legacy(value, now, config)
    return token if token is not None and now.timestamp() < token.expires_at else None


def is_ours(value: str, realm: str) -> bool:
    """Tell whether a cookie value is one that this application could have made, good or not."""
    if len(value) > _LONGEST:
        return False
    if _read_signed(value, realm) is not None:
        return True
    return realm == settings.DEFAULT_REALM and _legacy_id(value) is not None


def decode_cookie(cookie: str, key: str | bytes | None = None) -> str | None:
    """Return the payload of a text made by `encode_cookie`, or None if it is not one.

    Of a remember cookie of the default realm it returns the user id, as in Flask-Login 0.6.3,
    while the cookie is good. With a session store a remember cookie names no user.

    :param cookie: ``payload|digest``, or a remember cookie.
    :param key: the secret of a text that was encoded with it; `None` takes the application's
        ``SECRET_KEY``.
    """
    payload = encoded_payload(cookie, key)
    if payload is not None or key is not None or len(cookie) > _LONGEST:
        return payload
    if utils.is_app_replaced():
        return None  # a test's application has made no remember token
    token = _read_signed(cookie, settings.DEFAULT_REALM)
    if token is None:
        return None
    manager = getattr(get_app(), "login_manager", None)
    now: datetime = datetime.now(timezone.utc) if manager is None else manager._clock()
    return str(token.user_id) if now.timestamp() < token.expires_at else None


def _read_signed(value: str, realm: str) -> RememberToken | None:
    try:
        label, fields, current = unsign_labelled(value, _salt(realm))
    except BadData:
        return None
    user_id: Any = label
    said: Any = fields
    if label is None:
        # So they all were made before the id stood in front.
        match fields:
            case [str(user_id), *said]:
                pass
            case _:
                return None
    auth_hash: str | None = None
    told: Any = None
    match said:
        case [int(issued), int(expires)]:
            pass
        case [int(issued), int(expires), str(auth_hash)]:
            pass
        case [int(issued), int(expires), str() | None as auth_hash, told]:
            if isinstance(told, str):
                told = session_json_serializer.loads(told)
            user_id = user_id if told is None else told
        case _:
            return None
    return RememberToken(user_id, issued, expires, auth_hash, outdated=not current)


def _read_legacy(value: str, now: datetime, config: Mapping[str, Any]) -> RememberToken | None:
    if not settings.REMEMBER_COOKIE_ACCEPT_LEGACY.read(config):
        return None
    user_id = _legacy_id(value)
    if user_id is None:
        return None
    lifetime = settings.REMEMBER_COOKIE_DURATION.read(config)
    token = issue(user_id, now, lifetime, key="REMEMBER_COOKIE_DURATION")
    token.outdated, token.form = True, 2
    return token


def _legacy_id(value: str) -> str | None:
    """Return the user id of a cookie of Flask-Login up to 0.6.3, which is all that it says."""
    if "|" not in value:
        return None
    payloads = (encoded_payload(value, key) for key in secret_keys())
    return next((payload for payload in payloads if payload is not None), None)


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
    """Put a remember token into the browser, until `expires_at` (seconds since the epoch).

    Raises `ConfigurationError` for settings of a cookie that the browser would not keep.
    """
    check(config, request)
    response.set_cookie(
        settings.remember_cookie_name(config, realm),
        value=value,
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
    _delete(response, settings.remember_cookie_name(config, realm), _attributes(config, request))


def clear_host_cookie(
    response: Response, request: Request, config: Mapping[str, Any], realm: str
) -> None:
    """Delete the cookie that has no domain or path, where the settings give it one."""
    attributes = _attributes(config, request)
    if (attributes["domain"], attributes["path"]) == (None, "/"):
        return
    attributes.update(domain=None, path="/")
    _delete(response, settings.remember_cookie_name(config, realm), attributes)


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


def _attributes(config: Mapping[str, Any], request: Request) -> dict[str, Any]:
    attributes: dict[str, Any] = {
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
        attributes["partitioned"] = True
    return attributes
