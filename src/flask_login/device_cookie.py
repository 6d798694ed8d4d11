"""The device cookie: how `throttling.LoginThrottle` knows a browser that has logged in before.

It names nobody: a random number, a keyed digest of the account's name, and when it ends, signed.
It opens nothing. It only gives the browser an allowance of its own of attempts at that account.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from flask import Response, after_this_request
from itsdangerous import BadData

from . import config as settings
from . import remember
from .signing import digest, is_digest, sign, unsign
from .state import get_config, get_request

#: Far more than the cookie has.
_LONGEST = 1024


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
    :param account: the account's name exactly as it was typed: who has logged in as ``Alice``
        is not known for ``alice``, who may be somebody else.
    :param salt: of the realm and the throttle.
    """
    value = get_request().cookies.get(cookie)
    if not value or len(value) > _LONGEST:
        return None
    try:
        fields, _ = unsign(value, f"{salt}.device")
    except BadData:
        return None
    match fields:
        case [str(owner), str(number), int(expires)] if now.timestamp() < expires:
            return number if is_digest(owner, account, f"{salt}.owner") else None
        case _:
            return None


def set_after_request(
    cookie: str, account: str, salt: str, now: datetime, lifetime: timedelta
) -> None:
    """Let the response of this request make the browser known for `account`, under a new number.

    The attributes are those of the remember cookie, except that no script needs this one.
    """
    expires = now + lifetime
    fields = [digest(account, f"{salt}.owner"), secrets.token_urlsafe(16), int(expires.timestamp())]
    value = sign(fields, f"{salt}.device")
    attributes = remember._attributes(get_config(), get_request())
    attributes["httponly"] = True

    @after_this_request
    def set_cookie(response: Response) -> Response:
        response.set_cookie(cookie, value, expires=expires, **attributes)
        return response
