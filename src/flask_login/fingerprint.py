"""Session protection: is this still the same client?

A login session is bound to a fingerprint of the client's address and user agent. It is
a tripwire and no proof: it notices a cookie that is carried elsewhere, and costs nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Request


@lru_cache(maxsize=1024)  # a client makes one request after the other; a tenth of a page's cost
def client_fingerprint(address: str | None, agent: str | None) -> str:
    """Return 8 characters that stand for the client's address and user agent.

    48 bits of a digest are enough for a tripwire, and travel with every request.

    Only the peer's own address counts. ``X-Forwarded-For`` can be sent by anybody; behind
    a proxy let werkzeug's `ProxyFix` set the address from what the proxy vouches for.
    """
    text = f"{address}\n{agent}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return base64.urlsafe_b64encode(digest[:6]).decode("ascii")


def is_legacy_fingerprint(stored: str, request: Request) -> bool:
    """Tell whether Flask-Login before 0.6.90 would have made `stored` for this client.

    Two forms exist, both SHA-512 in hex: releases up to 0.6.3 took the printed form of the
    encoded values and believed ``X-Forwarded-For``, development versions after it did neither.
    """
    if len(stored) != 128:
        return False
    agent = request.headers.get("User-Agent")
    address = request.headers.get("X-Forwarded-For", request.remote_addr)
    first = address.encode().split(b",")[0].strip() if address is not None else None
    released = f"{first!r}|{agent.encode() if agent is not None else None!r}"
    development = f"{request.remote_addr}|{agent}"
    return stored in {
        hashlib.sha512(text.encode("utf-8", "surrogateescape")).hexdigest()
        for text in (released, development)
    }
