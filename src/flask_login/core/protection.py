"""Session protection: is it the client that logged in?

A fingerprint of the client's address and user agent stands in the session. It is a tripwire and
no proof: it notices a cookie that is carried elsewhere, and costs nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import NamedTuple

from . import settings
from .exceptions import ConfigurationError


class Client(NamedTuple):
    """What is known of the browser, or program, that makes a request."""

    #: The address of the peer.
    address: str | None
    #: The header ``User-Agent``.
    agent: str | None
    #: The header ``X-Forwarded-For``, which anybody can send; old fingerprints believed it.
    forwarded: str | None = None


@lru_cache(maxsize=1024)  # a client makes one request after the other
def client_fingerprint(address: str | None, agent: str | None) -> str:
    """Return 8 characters that stand for the client's address and user agent.

    48 bits of a digest are enough for a tripwire, and travel with every request.

    Only the peer's own address counts. ``X-Forwarded-For`` can be sent by anybody; behind
    a proxy let werkzeug's `ProxyFix` set the address from what the proxy vouches for.
    """
    text = f"{address}\n{agent}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return base64.urlsafe_b64encode(digest[:6]).decode("ascii")


def is_legacy_fingerprint(stored: str, client: Client) -> bool:
    """Return whether Flask-Login before 0.6.90 would have made `stored` for this client.

    Two forms exist, both SHA-512 in hex: releases up to 0.6.3 took the printed form of the
    encoded values and believed ``X-Forwarded-For``, development versions after it did neither.
    """
    if len(stored) != 128:
        return False
    agent = client.agent
    address = client.address if client.forwarded is None else client.forwarded
    first = address.encode().split(b",")[0].strip() if address is not None else None
    released = f"{first!r}|{agent.encode() if agent is not None else None!r}"
    development = f"{client.address}|{agent}"
    return stored in {
        hashlib.sha512(text.encode("utf-8", "surrogateescape")).hexdigest()
        for text in (released, development)
    }


def mode_of(value: str | None) -> str | None:
    """Return the mode that a manager was given; one that is not accepted as it is.

    That one raises at the request that needs it, unless ``SESSION_PROTECTION`` wins over it.
    """
    try:
        return settings.SESSION_PROTECTION.check(value)
    except ConfigurationError:
        return value


def tell_of_mode(value: str | None) -> None:
    """Log what there is to say about the mode that a manager is given."""
    remark = settings.SESSION_PROTECTION.remark(value, "session_protection")
    if remark is not None:
        settings.log_remark(remark)
