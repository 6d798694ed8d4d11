"""A record as bytes, for `RedisSessionStore`: as few as simple means allow.

A record is, with all numbers big-endian:

1. the head, `_HEAD`: it is at a fixed place, because the scripts in ``lua/`` read it and write
   into it how a login ended. Change them together;
2. the user id;
3. the fields of `_layout` for the flags in the head: times, spans, numbers, lengths of the texts;
4. the texts;
5. the reason why it ended.

The flags tell which optional fields are there. A text that stands for a number (a hash, a UUID, an
address) is kept as that number, after a byte with which no UTF-8 begins; a user agent is deflated.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final, NamedTuple

from .records import LONGEST_SPAN, LoginSession, numbers_before

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_MINUTE = timedelta(minutes=1)

#: format, flags, version, last_seen_at, when it ended or else expires_at, idle_timeout (-1: none),
#: created_at, the length of the user id.
_HEAD: Final = struct.Struct(">BHIqqqqH")
_FORMAT: Final = 2
#: In which the bit of `_RENEWED` said whether the newest credentials had arrived.
_FORMAT_BEFORE: Final = 1
#: `_FORMAT`, with the entries besides.
_FORMAT_ENTRIES: Final = 3

#: `_LONG`: a text is longer than 255 bytes, or a number greater than 65,535. `_RENEWED`: the
#: credentials are no longer those that the login began with.
_ENDED, _RENEWED, _RESTORED, _LONG, _REASON = 1, 2, 4, 8, 16
#: In the head, which has sixteen flags, `_FORMAT_ENTRIES` stands for this one.
_ENTRIES: Final = 1 << 16
#: The flags of optional fields, by kind.
_TIMES: Final = (
    (_ENDED, "expires_at"),  # the head has when it ended
    (32, "authenticated_at"),
    (64, "renewed_at"),
    (128, "remember_until"),
    (256, "remember_issued_at"),
)
_SPANS: Final = ((512, "absolute_timeout"), (1024, "fresh_timeout"))
_FIRST: Final = 2048  # remember_first, when it is not 1
_NUMBERS: Final = ("arrived_number", "previous_number", "lost_from", "session_first")
_MOVED: Final = ("arrived_at", *_NUMBERS)
#: Of a time that there may be or not, where no flag tells: none. No time is as long ago.
_NEVER: Final = -(2**63)
_TEXTS: Final = (
    (4096, "ip_address"),
    (8192, "user_agent"),
    (16384, "external_id"),
    (32768, "auth_hash"),
    (_ENTRIES, "entries"),
)
_OPTIONAL: Final = (
    (_ENDED, "ended_at"),
    *_TIMES[1:],
    *_SPANS,
    *_TEXTS,
    (_REASON, "ended_reason"),
)
#: The values of the fields that are not in the bytes.
_ABSENT: Final = {
    field.name: None if field.default is MISSING else field.default
    for field in fields(LoginSession)
}


class _Layout(NamedTuple):
    """What follows the user id."""

    body: struct.Struct
    times: tuple[str, ...]
    spans: tuple[str, ...]
    numbers: tuple[str, ...]
    texts: tuple[str, ...]


@lru_cache(maxsize=512)
def _layout(flags: int) -> _Layout:
    times = tuple(name for bit, name in _TIMES if flags & bit)
    times += ("arrived_at",) if flags & _RENEWED else ()
    spans = tuple(name for bit, name in _SPANS if flags & bit)
    first = ("remember_first",) if flags & _FIRST else ()
    numbers = ("generation", "remember_generation", *first, *(_NUMBERS if flags & _RENEWED else ()))
    texts = ("methods", "secret_hash", *(name for bit, name in _TEXTS if flags & bit))
    number, length = "II" if flags & _LONG else "HB"
    body = f">{'q' * len(times + spans)}{number * len(numbers)}{length * len(texts)}"
    return _Layout(struct.Struct(body), times, spans, numbers, texts)


def pack(record: LoginSession) -> bytes:
    """Return the bytes of a record.

    :raises ValueError: if its user id is longer than 65,535 bytes.
    """
    user = pack_text(record.user_id)
    if len(user) > 0xFFFF:
        raise ValueError("The user id is longer than 65535 bytes.")
    flags = _RESTORED if record.restored else 0
    flags |= 0 if all(getattr(record, name) == _ABSENT[name] for name in _MOVED) else _RENEWED
    flags |= 0 if record.remember_first == 1 else _FIRST
    for bit, name in _OPTIONAL:
        flags |= 0 if getattr(record, name) is None else bit
    layout = _layout(flags)
    values = vars(record)
    blobs = [_PACKERS.get(name, pack_text)(values[name]) for name in layout.texts]
    numbers = [values[name] for name in layout.numbers]
    if max(map(len, blobs)) > 0xFF or max(numbers) > 0xFFFF:
        flags |= _LONG
        layout = _layout(flags)
    head = _HEAD.pack(
        _FORMAT_ENTRIES if flags & _ENTRIES else _FORMAT,
        flags & ~_ENTRIES,
        record.version,
        microseconds(record.last_seen_at),
        microseconds(record.ended_at or record.expires_at),
        -1 if record.idle_timeout is None else _pack_span(record.idle_timeout),
        microseconds(record.created_at),
        len(user),
    )
    body = layout.body.pack(
        *(_pack_time(values[name]) for name in layout.times),
        *(_pack_span(values[name]) for name in layout.spans),
        *numbers,
        *map(len, blobs),
    )
    return b"".join([head, user, body, *blobs, pack_text(record.ended_reason or "")])


def unpack(session_id: str, data: bytes) -> LoginSession:
    """Return the record with that id and these bytes.

    :raises ValueError: if a later release wrote them, or not this library.
    """
    try:
        return _unpacked(session_id, data)
    except (struct.error, zlib.error, TypeError, OverflowError, OSError) as error:
        raise ValueError("not the bytes of a record") from error


def _unpacked(session_id: str, data: bytes) -> LoginSession:
    known, flags, version, last, until, idle, created, size = _HEAD.unpack_from(data)
    if known == _FORMAT_ENTRIES:
        flags |= _ENTRIES
    elif known == _FORMAT_BEFORE:
        flags &= ~_RENEWED
    elif known != _FORMAT:
        raise ValueError("unknown format")
    body, times, spans, numbers, texts = _layout(flags)
    start = _HEAD.size + size
    parts = iter(body.unpack_from(data, start))  # each `zip` below takes as many as it has names
    values: dict[str, Any] = {
        **_ABSENT,
        "id": session_id,
        "user_id": _text(data[_HEAD.size : start]),
        "version": version,
        "created_at": time_of(created),
        "last_seen_at": time_of(last),
        "ended_at" if flags & _ENDED else "expires_at": time_of(until),
        "idle_timeout": None if idle < 0 else _span(idle),
        "restored": bool(flags & _RESTORED),
    }
    read_time = _maybe_time if flags & _RENEWED else time_of
    values.update(zip(times, map(read_time, parts), strict=False))
    values.update(zip(spans, map(_span, parts), strict=False))
    values.update(zip(numbers, parts, strict=False))
    start += body.size
    for name, length in zip(texts, parts, strict=True):
        values[name] = _text(data[start : start + length])
        start += length
    if flags & _REASON:
        values["ended_reason"] = _text(data[start:])
    elif start != len(data):
        raise ValueError("not the length that the lengths say")
    values["methods"] = _methods(values["methods"])
    if known == _FORMAT_BEFORE:
        issued_at = values["renewed_at"] or values["created_at"]
        values.update(numbers_before(values["generation"], issued_at))
    record = object.__new__(LoginSession)
    # The constructor of a frozen dataclass would set each field by a call; this runs at every
    # checked request.
    vars(record).update(values)
    return record


# ------------------------------------------------------------------------- times


def microseconds(time: datetime) -> int:
    """Return a time as whole microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def time_of(number: int) -> datetime:
    """Return the time that is a number of microseconds after the beginning of 1970."""
    return _EPOCH + timedelta(0, 0, number)


def _pack_time(time: datetime | None) -> int:
    return _NEVER if time is None else microseconds(time)


def _maybe_time(number: int) -> datetime | None:
    return None if number == _NEVER else time_of(number)


def minutes(time: datetime) -> int:
    """Return a time as whole minutes since 1970."""
    return (time - _EPOCH) // _MINUTE


def newest(record: LoginSession) -> datetime:
    """Return the newest time in the record, which is the nearest to now."""
    times = (
        record.created_at,
        record.last_seen_at,
        record.authenticated_at,
        record.renewed_at,
        record.remember_issued_at,
        record.arrived_at,
        record.ended_at,
    )
    return max(time for time in times if time is not None)


def lifetime(record: LoginSession) -> int:
    """Return for how many milliseconds to keep a record that has just changed.

    Computed from the record's times, because this machine's clock may differ from the manager's.
    """
    return -((newest(record) - record.purge_at) // _MILLISECOND)


def _pack_span(span: timedelta) -> int:
    return min(span, LONGEST_SPAN) // _MICROSECOND


def _span(number: int) -> timedelta:
    return timedelta(0, 0, number)


# ------------------------------------------------------------------------- texts

# No UTF-8 begins with one of these, so texts can't be mistaken for each other.
_AS_HASH, _AS_UUID, _AS_IPV4, _AS_IPV6, _AS_AGENT = b"\xf8", b"\xf9", b"\xfa", b"\xfb", b"\xfc"

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

#: Common parts of user agents, the most common last. Kept agents are readable only with exactly
#: these bytes: a changed dictionary needs another mark.
_AGENTS: Final = (
    b" Edg/ OPR/ SamsungBrowser/ YaBrowser/ Vivaldi/ CriOS/ FxiOS/ EdgA/ GSA/"
    b" python-requests/ curl/ okhttp/ Dalvik/2.1.0 (Linux; U; Android "
    b"Mozilla/5.0 (Android 14; Mobile; rv: Gecko/ "
    b"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv: Mozilla/5.0 (X11; CrOS x86_64 14541.0.0"
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
    b"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X"
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    b" (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
    b"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36"
    b" (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
    b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
    b" (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
    b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
    b" (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
#: Raw deflate with a window of 1024 bytes, which is enough for `_AGENTS`.
_WINDOW: Final = -10


def pack_text(text: str) -> bytes:
    """Return the bytes of a text; only equal texts have equal bytes."""
    if _HASH.fullmatch(text):
        return _AS_HASH + bytes.fromhex(text)
    if _UUID.fullmatch(text):
        return _AS_UUID + bytes.fromhex(text.replace("-", ""))
    return _utf8(text)


def _text(data: bytes) -> str:
    read = _READERS.get(data[:1])
    return data.decode("utf-8", "surrogatepass") if read is None else read(data[1:])


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _uuid(data: bytes) -> str:
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _pack_address(text: str) -> bytes:
    for mark, family in ((_AS_IPV4, socket.AF_INET), (_AS_IPV6, socket.AF_INET6)):
        try:
            data = socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        if socket.inet_ntop(family, data) == text:
            return mark + data
    return _utf8(text)


def _ipv4(data: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET, data)


def _ipv6(data: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6, data)


@lru_cache(maxsize=512)
def _pack_agent(text: str) -> bytes:
    plain = _utf8(text)
    deflate = zlib.compressobj(9, zlib.DEFLATED, _WINDOW, zdict=_AGENTS)
    packed = _AS_AGENT + deflate.compress(plain) + deflate.flush()
    return packed if len(packed) < len(plain) else plain


def _agent(data: bytes) -> str:
    return zlib.decompressobj(_WINDOW, _AGENTS).decompress(data).decode("utf-8", "surrogatepass")


def _pack_methods(methods: frozenset[str]) -> bytes:
    names = sorted(methods)
    text = " ".join(names)
    # JSON, which begins with a bracket, for names that a split would not return.
    plain = text.split() == names and not text.startswith("[")
    return _utf8(text if plain else json.dumps(names))


@lru_cache(maxsize=512)
def _methods(text: str) -> frozenset[str]:
    return frozenset(json.loads(text) if text.startswith("[") else text.split())


_PACKERS: Final[dict[str, Callable[[Any], bytes]]] = {
    "methods": _pack_methods,
    "ip_address": _pack_address,
    "user_agent": _pack_agent,
}
_READERS: Final[dict[bytes, Callable[[bytes], str]]] = {
    _AS_HASH: bytes.hex,
    _AS_UUID: _uuid,
    _AS_IPV4: _ipv4,
    _AS_IPV6: _ipv6,
    _AS_AGENT: _agent,
}
