"""The remember token of the signed level: what the remember cookie says, signed.

It carries the user id, when it was issued, when it expires and a digest of the user's credentials.
The server checks all of it: what the browser does with the cookie's own expiry does not matter. The
id stands in front and a bar after it, where applications look for it since Flask-Login 0.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from itsdangerous import BadData

from . import settings
from .constants import MOST_CHARACTERS
from .exceptions import ConfigurationError
from .signing import payload_of, secret_keys, sign, unsign_labelled
from .user_ids import mark_of, of_text

if TYPE_CHECKING:
    from flask_login.sessions.records import LoginSession

_SALT = "flask-login.remember-token"


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
        #: Whether the login that it brings back is kept in the session.
        self.is_kept = True

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

    Raises what `whole` does.
    """
    issued_at = int(now.timestamp())
    return RememberToken(user_id, issued_at, issued_at + whole(now, lifetime, key), auth_hash)


def of_record(record: LoginSession, mark: str) -> RememberToken:
    """Return the token of a stored login, of which the record says what a cookie would.

    :param mark: tells the type of the user id, of which the record keeps the text.
    """
    issued_at = (record.renewed_at or record.created_at).timestamp()
    until = (record.remember_until or record.created_at).timestamp()
    user_id = of_text(record.user_id, mark) if mark else record.user_id
    return RememberToken(user_id, int(issued_at), int(until))


def whole(now: datetime, lifetime: timedelta, key: str) -> int:
    """Return how many whole seconds a token that is issued now is good for.

    Raises `ConfigurationError` when that lies beyond the year 9999.
    """
    try:
        return int((now + lifetime).timestamp()) - int(now.timestamp())
    except (OverflowError, TypeError):
        accepted = "a datetime.timedelta that ends before the year 10000"
        raise ConfigurationError(key, lifetime, accepted) from None


def write(token: RememberToken, realm: str, config: Mapping[str, Any]) -> str:
    """Return the cookie value of `token`, signed for `realm`."""
    text, salt = str(token.user_id), f"{_SALT}.{realm}"
    mark = "" if text is token.user_id else mark_of(token.user_id)
    fields: list[Any] = [token.issued_at, token.expires_at]
    if token.auth_hash or mark:
        fields.append(token.auth_hash)
    if mark:
        fields.append(mark)
    if text.isprintable():
        return sign(fields, salt, config, text)
    # Browsers drop a cookie with control characters, and half a surrogate is no character.
    return sign([text, *fields], salt, config)


def read(value: str, realm: str, now: datetime, config: Mapping[str, Any]) -> RememberToken | None:
    """Return the token in a cookie value, or None for whatever else it may be."""
    if len(value) > MOST_CHARACTERS:
        return None
    token = _read_signed(value, realm, config)
    if token is None and realm == settings.DEFAULT_REALM:
        token = _read_legacy(value, now, config)
    return token if token is not None and now.timestamp() < token.expires_at else None


def is_ours(value: str, realm: str, config: Mapping[str, Any]) -> bool:
    """Return whether a cookie value is one that this application could have made, good or not."""
    if len(value) > MOST_CHARACTERS:
        return False
    if _read_signed(value, realm, config) is not None:
        return True
    return realm == settings.DEFAULT_REALM and _legacy_id(value, config) is not None


def id_in(value: str, now: datetime, config: Mapping[str, Any]) -> str | None:
    """Return the user id in a good remember cookie of the default realm, as text."""
    if len(value) > MOST_CHARACTERS:
        return None
    token = _read_signed(value, settings.DEFAULT_REALM, config)
    return str(token.user_id) if token is not None and now.timestamp() < token.expires_at else None


def _read_signed(value: str, realm: str, config: Mapping[str, Any]) -> RememberToken | None:
    try:
        label, fields, current = unsign_labelled(value, f"{_SALT}.{realm}", config)
    except BadData:
        return None
    said: Any = fields
    if label is not None:
        said = [label, *said] if isinstance(said, list) else None
    match said:  # without a label it was made before the id stood in front
        case [str(text), int(issued), int(expires)]:
            return RememberToken(text, issued, expires, outdated=not current)
        case [str(text), int(issued), int(expires), str(auth)]:
            return RememberToken(text, issued, expires, auth, outdated=not current)
        case [str(text), int(issued), int(expires), str() | None as auth, str(mark)]:
            user_id = of_text(text, mark)
            return RememberToken(user_id, issued, expires, auth, outdated=not current)
        case _:
            return None


def _read_legacy(value: str, now: datetime, config: Mapping[str, Any]) -> RememberToken | None:
    if not settings.REMEMBER_COOKIE_ACCEPT_LEGACY.read(config):
        return None
    user_id = _legacy_id(value, config)
    if user_id is None:
        return None
    lifetime = settings.REMEMBER_COOKIE_DURATION.read(config)
    token = issue(user_id, now, lifetime, key="REMEMBER_COOKIE_DURATION")
    token.outdated, token.form = True, 2
    return token


def _legacy_id(value: str, config: Mapping[str, Any]) -> str | None:
    """Return the user id of a cookie of Flask-Login up to 0.6.3, which is all that it says."""
    payloads = (payload_of(value, key) for key in secret_keys(config))
    return next((payload for payload in payloads if payload is not None), None)
