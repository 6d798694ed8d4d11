"""Keys and signatures: one salt per purpose, so that no token of one kind passes for another.

``SECRET_KEY`` signs; ``SECRET_KEY_FALLBACKS`` still verify, so that rotating the key logs
nobody out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from base64 import urlsafe_b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from itsdangerous import BadPayload, BadSignature

from .exceptions import ConfigurationError

Key = str | bytes


def secret_keys(config: Mapping[str, Any]) -> tuple[Key, ...]:
    """Return an application's keys, the signing one first; empty when it has none."""
    key: Key | None = config.get("SECRET_KEY")
    if not key:
        return ()
    # An empty key, as a split of an empty variable leaves it, is one that everybody knows.
    return (key, *filter(None, config.get("SECRET_KEY_FALLBACKS") or ()))


def signing_key(config: Mapping[str, Any]) -> Key:
    """Return the key that signs.

    Raises `ConfigurationError` when the application has none.
    """
    keys = secret_keys(config)
    if not keys:
        raise ConfigurationError("SECRET_KEY", None, "a long random text, to sign with")
    return keys[0]


# What itsdangerous' URLSafeSerializer writes and reads, without its objects: it makes four of them
# and derives the key anew for each text, which takes eight times as long.


#: To the URL-safe alphabet of RFC 4648, and back: `base64` has three calls for each text.
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


@lru_cache(maxsize=128)
def _prepared(key: Key, salt: str) -> hmac.HMAC:
    """Return an HMAC with its key in place. Many share it: copy it, never update it."""
    secret = key if isinstance(key, bytes) else key.encode()
    return hmac.new(hmac.digest(secret, salt.encode(), "sha256"), digestmod="sha256")


def _signature(payload: bytes, key: Key, salt: str) -> bytes:
    code = _prepared(key, salt).copy()
    code.update(payload)
    return b2a_base64(code.digest(), newline=False).translate(_TO_URL).rstrip(b"=")


def sign(value: Any, salt: str, config: Mapping[str, Any], label: str | None = None) -> str:
    """Return the JSON value `value` as URL-safe text, signed with the current key.

    :param label: a text to stand before it and a bar, to be read by anybody. It is signed too.
    """
    text = json.dumps(value, separators=(",", ":")).encode()
    payload = urlsafe_b64encode(text).rstrip(b"=")
    if label is not None:
        payload = label.encode() + b"|" + payload
    keys = secret_keys(config) or (signing_key(config),)
    return f"{payload.decode()}.{_signature(payload, keys[0], salt).decode()}"


def unsign(text: str, salt: str, config: Mapping[str, Any]) -> tuple[Any, bool]:
    """Return the value in `text`, and whether the *current* key signed it.

    Raises `itsdangerous.BadSignature` (its `BadData` for a signed text that is no JSON) when
    no key of the application signed it for this `salt`.
    """
    payload, current = _verified(text, salt, config)
    return _value(payload), current


def unsign_labelled(
    text: str, salt: str, config: Mapping[str, Any]
) -> tuple[str | None, Any, bool]:
    """Do what `unsign` does, for a text that may have a label; return that first, or None."""
    said, current = _verified(text, salt, config)
    # The last bar: there is none in the payload, and a label may have many.
    label, bar, payload = said.rpartition(b"|")
    return (label.decode() if bar else None), _value(payload), current


def signature(text: str, salt: str, config: Mapping[str, Any]) -> str:
    """Return the signature of a text that is no JSON, with the current key."""
    return _signature(text.encode(), signing_key(config), salt).decode()


def key_of(shown: str, text: str, salt: str, config: Mapping[str, Any]) -> int | None:
    """Return which of the application's keys signed a text: 0 for the current one."""
    given, said = shown.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass")
    for number, key in enumerate(secret_keys(config)):
        if hmac.compare_digest(given, _signature(said, key, salt)):
            return number
    return None


def _verified(text: str, salt: str, config: Mapping[str, Any]) -> tuple[bytes, bool]:
    said, _, signature = text.encode("utf-8", "surrogatepass").rpartition(b".")
    for number, key in enumerate(secret_keys(config)):
        if hmac.compare_digest(signature, _signature(said, key, salt)):
            return said, number == 0
    raise BadSignature("no key of this application signed it")


#: Its `raw_decode` takes half of the time of `json.loads`.
DECODER: json.JSONDecoder = json.JSONDecoder()


def _value(payload: bytes) -> Any:
    # A dot in front marks what itsdangerous compressed, as long texts were once.
    encoded = payload.removeprefix(b".")
    try:
        plain = a2b_base64(encoded.translate(_FROM_URL) + b"==")
        text = (plain if encoded is payload else zlib.decompress(plain)).decode()
        value, end = DECODER.raw_decode(text)
    except (ValueError, zlib.error) as error:
        raise BadPayload("a signed text that is no JSON") from error
    if end != len(text):
        raise BadPayload("a signed text that is more than JSON")
    return value


def digest(value: str, salt: str, config: Mapping[str, Any]) -> str:
    """Return a short keyed digest of `value` that is safe to hand to the browser."""
    return digest_by(signing_key(config), value, salt)


def is_digest(stored: str, value: str, salt: str, config: Mapping[str, Any]) -> bool:
    """Tell whether `stored` is the digest of `value` under any of the application's keys."""
    return any(
        hmac.compare_digest(
            stored.encode("utf-8", "surrogatepass"), digest_by(key, value, salt).encode()
        )
        for key in secret_keys(config)
    )


def digest_by(key: Key, value: str, salt: str) -> str:
    """Return the digest of `value` under one key."""
    raw = hmac.digest(as_bytes(key), f"{salt}\n{value}".encode(), "sha256")
    return urlsafe_b64encode(raw[:16]).rstrip(b"=").decode("ascii")


def cookie_digest(payload: str, key: Key) -> str:
    """Return the HMAC-SHA512 of a text in hex, as in ``payload|digest``."""
    text = payload.encode("utf-8", "surrogatepass")
    return hmac.new(as_bytes(key), text, hashlib.sha512).hexdigest()


def payload_of(cookie: str, key: Key) -> str | None:
    """Return the payload of ``payload|digest``, or None for what `key` did not make.

    The format of remember cookies up to 0.6.3. It names no purpose and no time.
    """
    payload, separator, given = cookie.rpartition("|")
    if not separator:
        return None
    expected = cookie_digest(payload, key)
    # Compared as bytes: compare_digest refuses text that is not ASCII.
    same = hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("ascii"))
    return payload if same else None


def as_bytes(key: Key) -> bytes:
    """Return a key as bytes."""
    if isinstance(key, bytes):
        return key
    try:
        return key.encode("latin1")
    except UnicodeEncodeError:
        return key.encode("utf-8")
