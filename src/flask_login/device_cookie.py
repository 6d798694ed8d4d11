"""The device cookie: how `throttling.LoginThrottle` knows a browser that has logged in before.

It names no user: it holds a random number, a keyed digest of the account's name and its expiry,
signed. It grants no access, only separate attempts at that account.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from flask import Response, after_this_request
from itsdangerous import BadData

from .cookies import attributes as cookie_attributes
from .core import settings
from .core.signing import digest, is_digest, sign, unsign
from .flask_internals import get_config, get_request

#: More than any device cookie has.
_MOST_CHARACTERS = 1024


def cookie_name(base: str, realm: str, throttle: str) -> str:
    """Return the name of the cookie of a throttle in a realm."""
    parts = [base]
    if realm != settings.DEFAULT_REALM:
        parts.append(realm)
    if throttle != "login":
        parts.append(throttle)
    return "_".join(parts)


def read(cookie: str, account: str, salt: str, now: datetime) -> str | None:
    """Return the number of this browser, if it has logged in to `account` before.

    :param cookie: the name of the cookie.
    :param account: the account's name exactly as it was typed: a browser that has logged in as
        ``Alice`` is not known for ``alice``, who may be another user.
    :param salt: of the realm and the throttle.
    """
    value = get_request().cookies.get(cookie)
    if not value or len(value) > _MOST_CHARACTERS:
        return None
    try:
        fields, _ = unsign(value, f"{salt}.device", get_config())
    except BadData:
        return None
    match fields:
        case [str(owner), str(number), int(expires)] if now.timestamp() < expires:
            return number if is_digest(owner, account, f"{salt}.owner", get_config()) else None
        case _:
            return None


def set_after_request(
    cookie: str, account: str, salt: str, now: datetime, lifetime: timedelta
) -> None:
    """Set the device cookie for `account` on this request's response, with a new number.

    The attributes are those of the remember cookie, but always ``HttpOnly``.
    """
    expires = now + lifetime
    fields = [
        digest(account, f"{salt}.owner", get_config()),
        secrets.token_urlsafe(16),
        int(expires.timestamp()),
    ]
    value = sign(fields, f"{salt}.device", get_config())
    attributes = cookie_attributes(get_config(), get_request())
    attributes["httponly"] = True

    @after_this_request
    def set_cookie(response: Response) -> Response:
        response.set_cookie(cookie, value, expires=expires, **attributes)
        return response
