"""The login's entries in Flask's session: written, renewed and dropped.

One of them is a fingerprint of the client's address and user agent, for session protection. It is
a tripwire and no proof: it notices a cookie that is carried elsewhere, and costs nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask.sessions import SecureCookieSessionInterface

from . import config as settings
from . import utils
from .loaders import Loaders, UserT, resolve
from .state import (
    SessionKeys,
    get_app,
    get_config,
    get_g,
    get_request,
    is_answered,
    request_context,
    tell_once,
)

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


def _create_identifier() -> str:
    if utils.is_request_replaced():
        return client_fingerprint(
            utils.request.remote_addr, utils.request.headers.get("User-Agent")
        )
    request = request_context.get().request
    return client_fingerprint(request.remote_addr, request.environ.get("HTTP_USER_AGENT"))


class Entries(Loaders[UserT]):
    """The part of `LoginManager` that keeps a login in Flask's session."""

    def __init__(self, realm: str) -> None:
        super().__init__()
        # With the first manager: who imports the package does not wait for it, nor does a request,
        # of which an import statement takes microseconds.
        from .signing import digest, is_digest

        self._digest, self._is_digest = digest, is_digest
        #: The name of this realm; ``"default"`` for a manager without a name.
        self.realm = realm
        #: The names of this realm's session entries.
        self.keys: SessionKeys = SessionKeys(realm)
        self._auth_salt = f"flask-login.auth-hash.{realm}"
        self._session_identifier_generator: Callable[[], str] = _create_identifier

    def _auth_hash(self, user: Any) -> str | None:
        text = auth_text(user, self.realm)
        return None if text is None else self._digest(text, self._auth_salt)

    def _same_credentials(self, user: Any, stored: str | None) -> bool:
        """Tell whether `stored`, if it says anything, is of the credentials a user has now."""
        if not stored:
            return True
        text = auth_text(user, self.realm)
        if text is None:
            return True
        return isinstance(stored, str) and self._is_digest(stored, text, self._auth_salt)

    def _write_login(self, sess: MutableMapping[str, Any], user_id: Any, *, fresh: bool) -> None:
        identifier = self._session_identifier_generator()
        sess.update({self.keys.user_id: user_id, self.keys.fresh: fresh, self.keys.id: identifier})
        for key in (self.keys.methods, self.keys.force, self.keys.unknown_since):
            if key in sess:
                del sess[key]

    def _write_auth_hash(self, sess: MutableMapping[str, Any], auth_hash: str | None) -> None:
        if auth_hash is None:
            sess.pop(self.keys.auth_hash, None)
        else:
            sess[self.keys.auth_hash] = auth_hash

    @staticmethod
    def _regenerate(sess: MutableMapping[str, Any]) -> None:
        """Give a server-side session a new id, so that one planted before is worthless.

        Not once the response has begun: the browser would go on with an id that is gone.
        """
        if not is_answered(get_request()):
            renew_id(get_app().session_interface, sess)

    @staticmethod
    def _rotate_csrf_token(sess: MutableMapping[str, Any]) -> None:
        """Have Flask-WTF make a new CSRF token, where ``LOGIN_ROTATE_CSRF_TOKEN`` asks for it.

        One that somebody planted before the login, or read after it, is worth nothing then.
        """
        if not settings.LOGIN_ROTATE_CSRF_TOKEN.read(get_config()):
            return
        name = get_config().get("WTF_CSRF_FIELD_NAME", "csrf_token")
        if name in sess:
            del sess[name]
        get_g().pop(name, None)

    def _drop_entries(self, sess: MutableMapping[str, Any]) -> None:
        for key in self.keys.of_login():
            if key in sess:
                del sess[key]


def renew_id(interface: object, sess: object) -> None:
    """Have a session's interface give it a new id, or the session itself where that does it.

    The first is what Flask-Session does, the second Flask-KVSession. Flask's own sessions have no
    id: all that they hold is in the cookie.
    """
    regenerate = getattr(interface, "regenerate", None)
    if callable(regenerate):
        regenerate(sess)
        return
    regenerate = getattr(sess, "regenerate", None)
    if callable(regenerate):
        regenerate()


def keeps_its_id(interface: object, sess: object) -> bool:
    """Tell whether a session on the server has the same id after a login as before it.

    :param sess: a session of this interface, or None where there is none at hand.
    """
    if isinstance(interface, SecureCookieSessionInterface):
        return False
    holders = (interface, getattr(interface, "session_class", None), sess)
    return not any(callable(getattr(holder, "regenerate", None)) for holder in holders)


def how_to_renew(interface: object) -> str:
    """Return how a session's interface comes to give sessions a new id."""
    if type(interface).__module__.partition(".")[0] == "flask_session":
        return "Upgrade to Flask-Session 0.6 or later."
    return (
        "Give the interface a method regenerate(session), or its sessions a method regenerate(),"
        " that gives the session a new id and forgets the old one."
    )


def auth_text(user: Any, realm: str) -> str | None:
    """Return what a user says of their credentials; None for one whose class says nothing.

    What is no text is told to the log once. Where its printed form names the object (a mock, a
    class without a `__str__`) it says nothing: each request would find other credentials.
    """
    method = getattr(user, "get_session_auth_hash", None)
    if method is None:
        return None
    value = resolve(method())
    if isinstance(value, str):
        return str(value)
    tell_once(realm, "auth hash", user, _NO_TEXT)
    if value is None:
        return ""  # a state too: no password yet
    text = str(value)
    return None if f"{id(value)}" in text or f"{id(value):x}" in text.lower() else text


_NO_TEXT = (
    "get_session_auth_hash() of %s returned no text. Return a text that changes when the"
    " credentials do, such as the password hash, or leave the method away."
)
