"""`RedisSessionStore`: records in Redis or Valkey, on one server, behind Sentinel or in a Cluster.

What is kept where, for the prefix ``login:``:

========================= ==============================================================
key                       holds
========================= ==============================================================
``login:{<user tag>}<id>`` one record, packed; the id without its first 11 characters
``login:{<user tag>}``     the ids of that user's records, a sorted set by ``purge_at``
``login:x:<digest>``       the ids of the records with one external id, likewise
``login:brake``            the moment before which no login counts
========================= ==============================================================

The braces make all of a user's keys live in one hash slot, and the id alone tells which. Every
key but the last expires by itself. What must be atomic is done by the scripts in ``lua/``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import struct
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from importlib import resources
from itertools import groupby
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from flask_login.exceptions import ConfigurationError

from .records import TOMBSTONE, LoginSession, braked, user_tag
from .store import SessionStoreUnavailable

if TYPE_CHECKING:
    from redis import Redis
    from redis.cluster import RedisCluster

logger = logging.getLogger("flask_login")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_TAG = 11
#: What `records.new_id` makes. Anything else is unknown, and never part of a key's name.
_ID: Final = re.compile(r"[A-Za-z0-9_-]{12,64}", re.ASCII)
#: How many records one command reads or forgets, so that nobody else waits long.
_BATCH = 500
#: The least time a record is kept, in milliseconds, even if it says that it is due.
_LEAST = 60_000
#: For how long, in seconds, a cluster's clients believe what they know of the brake.
_BRAKE_AGE = 1.0


class RedisSessionStore:
    """Keeps records in Redis or Valkey: one server, Sentinel or a Redis Cluster.

    ::

        RedisSessionStore("redis://localhost:6379/0")
        RedisSessionStore("redis://node-1:6379", cluster=True)
        RedisSessionStore(Sentinel(...).master_for("main", socket_timeout=1))

    Needs redis-py 5 or newer: ``pip install "Flask-Login[redis]"``. A checked request is one
    round trip. Records expire by themselves, so `purge` has nothing to do.

    The server must not evict keys to make room (``maxmemory-policy noeviction`` or one of
    ``volatile-*``): a login that is evicted is logged out, and with ``allkeys-*`` the moment
    of `end_all_before` could be forgotten. What it forgets in a crash or a failover is gone on
    both sides: a new login is logged out, and a login that was ended a moment before is live
    again. ``appendonly yes`` makes that one second's worth at most.

    :param client: a ``redis.Redis`` (also one made by ``Sentinel.master_for``), a
        ``redis.cluster.RedisCluster``, or a URL (``redis://``, ``rediss://``, ``unix://``,
        ``valkey://``, ``valkeys://``). A client keeps its own timeouts and retries: give it
        ``socket_timeout`` and ``socket_connect_timeout``, or a silent server holds up requests.
    :param cluster: whether the URL names a node of a Redis Cluster.
    :param prefix: begins the name of every key. Each realm that shares a server needs its own.
        It may not hold braces, which decide over hash slots.
    :param timeout: of the client made for a URL: seconds to connect, to answer, and to wait for
        a free connection. A request that needs a login is not worth waiting longer for.
    :param max_connections: of the client made for a URL; in a cluster, for each node.
    :raises ConfigurationError: if an argument has a value that is not accepted.
    :raises ImportError: if redis-py is missing or too old.

    .. versionadded:: 0.6.90
    """

    kind = "redis"

    def __init__(
        self,
        client: Redis | RedisCluster | str,
        *,
        cluster: bool = False,
        prefix: str = "login:",
        timeout: float = 1.0,
        max_connections: int = 50,
    ) -> None:
        library = _redis_library()
        if "{" in prefix or "}" in prefix:
            raise ConfigurationError("prefix", prefix, "a text without braces")
        if timeout <= 0:
            raise ConfigurationError("timeout", timeout, "a number of seconds greater than 0")
        if max_connections < 1:
            raise ConfigurationError("max_connections", max_connections, "at least 1")
        self._make, self._cluster = _maker(library, client, cluster, timeout, max_connections)
        self._client: Any = None
        self._patience = timeout / 2
        self._redis = library
        self._failures = (
            library.exceptions.RedisError,
            library.exceptions.RedisClusterException,
            OSError,
        )
        self._prefix = prefix
        self._brake_key = f"{prefix}brake"
        self._scripts = {name: _Script(name) for name in _SCRIPTS}
        #: The brake, and when it was asked for by `time.monotonic`.
        self._brake: tuple[datetime | None, float] | None = None

    def __repr__(self) -> str:
        """Tell the kind and the prefix; a URL may hold a password."""
        return f"{type(self).__name__}(prefix={self._prefix!r}, cluster={self._cluster})"

    # ------------------------------------------------------------- one record

    def create(self, record: LoginSession) -> None:
        """See `SessionStore.create`.

        :raises ValueError: if the id was not made by `records.new_id` for this user.
        """
        if not (_ID.fullmatch(record.id) and record.id.startswith(user_tag(record.user_id))):
            raise ValueError("The record's id must come from new_id(user_id).")
        now = _newest(record)
        # The external id's index may be on another node, so this can't be one step. A crash in
        # between leaves an entry without a record, never a record that could not be found.
        self._note(record, "-inf", now)
        index = self._key(record.id[:_TAG])
        purge_at = _microseconds(record.purge_at)
        stale = self._run(
            "create",
            [self._key(record.id), index],
            [_pack(record), record.id, purge_at, _lifetime(record), now],
        )
        if stale:
            self._fetch(record.id[:_TAG], _texts(stale))
        due = self._note(record, purge_at, now)
        if due and record.external_id is not None:
            self._external(record.external_id, due)

    def get(
        self,
        session_id: str,
        *,
        seen_at: datetime | None = None,
        interval: timedelta = timedelta(0),
    ) -> LoginSession | None:
        """See `SessionStore.get`. The record returned is as it was before this activity.

        A login whose idle timeout has run out is not moved: activity does not revive it.
        """
        if not _ID.fullmatch(session_id):
            return None
        now = "" if seen_at is None else str(_microseconds(seen_at))
        key, age = self._key(session_id), interval // _MICROSECOND
        if self._cluster:  # the brake may live in another slot
            moment = self._braked_at()
            known = "" if moment is None else str(_microseconds(moment))
            found = self._run("get", [key], [now, age, known])
        else:
            reply = self._run("get", [key, self._brake_key], [now, age])
            found, moment = _answer(reply)
        return None if found is None else braked(_read(session_id, found), moment)

    def replace(self, record: LoginSession) -> bool:
        """See `SessionStore.replace`."""
        if not _ID.fullmatch(record.id):
            return False
        if record.ended_at is None:
            # It may live longer from now on; then the external id must stay known as long.
            self._note(record, "-inf", _newest(record))
        keys = [self._key(record.id[:_TAG]), self._key(record.id)]
        purge_at = _microseconds(record.purge_at)
        return bool(self._run("replace", keys, [_pack(record), record.id, purge_at, _LEAST]))

    def delete(self, session_id: str) -> bool:
        """See `SessionStore.delete`."""
        if not _ID.fullmatch(session_id):
            return False
        return self._forget(session_id[:_TAG], [session_id], b"") == 1

    # ----------------------------------------------------------- many records

    def list(self, user_id: str) -> Sequence[LoginSession]:
        """See `SessionStore.list`."""
        moment = self._braked_at()
        tag = user_tag(user_id)
        found = [
            braked(record, moment)
            for batch in self._members(tag)
            for record in self._fetch(tag, batch)
            if record.user_id == user_id  # two users may share a tag, if hardly ever
        ]
        return sorted(found, key=lambda record: (record.created_at, record.id), reverse=True)

    def list_external(self, external_id: str) -> Sequence[LoginSession]:
        """See `SessionStore.list_external`."""
        moment = self._braked_at()
        ids = _texts(self._run("members", [self._external_key(external_id)], []))
        return [braked(record, moment) for record in self._external(external_id, ids)]

    def end_all(self, user_id: str, reason: str, moment: datetime, *, keep: str = "") -> int:
        """See `SessionStore.end_all`. Five hundred at a time, each time in one step."""
        tag = user_tag(user_id)
        user, now, purge_at = _bytes(user_id), _microseconds(moment), moment + TOMBSTONE
        rule = [user, _bytes(reason), now, _microseconds(purge_at), _LEAST]
        ended = 0
        for batch in self._members(tag):
            ids = [session_id for session_id in batch if session_id != keep]
            ended += self._run("end", self._keys(tag, ids), [*rule, *ids])
        return ended

    def delete_all(self, user_id: str) -> int:
        """See `SessionStore.delete_all`."""
        tag = user_tag(user_id)
        user = b"=" + _bytes(user_id)
        return sum(self._forget(tag, batch, user) for batch in self._members(tag))

    def purge(self, before: datetime, *, batch: int = 1000) -> Iterator[int]:  # noqa: ARG002  # the contract's parameters; Redis expires records itself
        """See `SessionStore.purge`. Yields nothing: Redis forgets what is due itself."""
        return iter(())

    def end_all_before(self, moment: datetime) -> None:
        """See `SessionStore.end_all_before`.

        In a cluster other processes know it after a second; elsewhere at once.
        """
        asked = time.monotonic()
        kept = self._run("brake", [self._brake_key], [_microseconds(moment)])
        self._brake = (_moment(kept), asked)

    def ping(self) -> None:
        """See `SessionStore.ping`."""
        self._run("get", [self._brake_key], [""])

    # ---------------------------------------------------------------- indexes

    def _members(self, tag: str) -> Iterator[Sequence[str]]:
        """Yield the ids of the users with that tag, in batches."""
        return _batches(_texts(self._run("members", [self._key(tag)], [])))

    def _fetch(self, tag: str, ids: Sequence[str]) -> Sequence[LoginSession]:
        """Return the records of those ids that exist; drop the others from the user's index."""
        found = zip(ids, self._run("fetch", self._keys(tag, ids), ids), strict=True)
        return [_unpack(session_id, data) for session_id, data in found if data is not None]

    def _forget(self, tag: str, ids: Sequence[str], user: bytes) -> int:
        count, *pairs = self._run("forget", self._keys(tag, ids), [user, *ids])
        for record in map(_unpack, _texts(pairs[::2]), pairs[1::2]):
            # Afterwards: a crash in between leaves an entry without a record.
            self._execute("ZREM", self._external_key(str(record.external_id)), record.id)
        return int(count)

    def _external(self, external_id: str, ids: Iterable[str]) -> Sequence[LoginSession]:
        """Return the records with that external id; drop the entries of those that are gone."""
        wanted = sorted(ids)
        found = [
            record
            for tag, group in groupby(wanted, key=lambda session_id: session_id[:_TAG])
            for batch in _batches([*group])
            for record in self._fetch(tag, batch)
            if record.external_id == external_id
        ]
        gone = set(wanted).difference(record.id for record in found)
        for batch in _batches([*gone]):
            self._run("drop", [self._external_key(external_id)], batch)
        return found

    def _note(self, record: LoginSession, purge_at: int | str, now: int) -> Sequence[str]:
        if record.external_id is None:
            return ()
        key = self._external_key(record.external_id)
        return _texts(self._run("note", [key], [record.id, purge_at, _lifetime(record), now]))

    # ------------------------------------------------------------------- keys

    def _key(self, session_id: str) -> str:
        return f"{self._prefix}{{{session_id[:_TAG]}}}{session_id[_TAG:]}"

    def _keys(self, tag: str, ids: Sequence[str]) -> Sequence[str]:
        return [self._key(tag), *map(self._key, ids)]

    def _external_key(self, external_id: str) -> str:
        digest = hashlib.sha256(_bytes(external_id)).digest()
        return f"{self._prefix}x:{urlsafe_b64encode(digest[:16]).rstrip(b'=').decode('ascii')}"

    # ------------------------------------------------------------- the server

    def _braked_at(self) -> datetime | None:
        asked = time.monotonic()
        if self._cluster and self._brake is not None and asked - self._brake[1] < _BRAKE_AGE:
            return self._brake[0]
        moment = _moment(self._run("get", [self._brake_key], [""]))
        self._brake = (moment, asked)
        return moment

    def _run(self, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        script = self._scripts[name]
        return self._execute("EVALSHA", script.digest, len(keys), *keys, *arguments, script=script)

    def _execute(self, *command: Any, script: _Script | None = None) -> Any:
        """Send one command; a second time if its connection was dead, but only at once."""
        begun = time.monotonic()
        try:
            return self._send(command, script)
        except self._failures as error:
            failure: BaseException = error
        if self._worth_another(failure) and time.monotonic() - begun < self._patience:
            try:
                return self._send(command, script)
            except self._failures as error:
                failure = error
        # Raised out here, so that it does not carry the client's error, whose text or whose
        # frames may hold a password.
        raise SessionStoreUnavailable(self.kind, failure)

    def _send(self, command: Sequence[Any], script: _Script | None) -> Any:
        client = self._client
        if client is None:
            client = self._client = self._make()
        try:
            # Records are bytes, also for a client that decodes what others ask.
            return client.execute_command(*command, NEVER_DECODE=True)
        except self._redis.exceptions.NoScriptError:
            assert script is not None  # noqa: S101  # only EVALSHA is answered so
            return client.execute_command("EVAL", script.text, *command[2:], NEVER_DECODE=True)

    def _worth_another(self, failure: BaseException) -> bool:
        errors = self._redis.exceptions
        if isinstance(failure, errors.RedisClusterException):
            # The client may have lost all the nodes it knew. A new one begins with the URL.
            self._client = None
            return True
        return isinstance(failure, errors.ConnectionError) and not isinstance(
            failure, (errors.AuthenticationError, errors.BusyLoadingError)
        )


# -------------------------------------------------------------------- the scripts

_SCRIPTS = (
    "get",
    "create",
    "replace",
    "end",
    "fetch",
    "forget",
    "members",
    "note",
    "drop",
    "brake",
)


class _Script:
    """A script of ``lua/``, with the digest by which the server knows it."""

    __slots__ = ("digest", "text")

    def __init__(self, name: str) -> None:
        file = resources.files("flask_login.sessions") / "lua" / f"{name}.lua"
        self.text = file.read_text("utf-8")
        self.digest = hashlib.sha1(self.text.encode()).hexdigest()  # noqa: S324  # Redis names scripts so


# --------------------------------------------------------------------- the client


def _redis_library() -> ModuleType:
    needed = 'RedisSessionStore needs redis-py 5 or newer, found {}. Cure: pip install "{}"'
    extra = "Flask-Login[redis]"
    try:
        import redis
    except ImportError as error:
        raise ImportError(needed.format("none", extra), name="redis") from error
    found = str(redis.__version__)
    if int(found.partition(".")[0]) < 5:
        raise ImportError(needed.format(found, extra), name="redis")
    return redis


def _maker(
    library: ModuleType, client: Any, cluster: bool, timeout: float, max_connections: int
) -> tuple[Callable[[], Any], bool]:
    """Return what makes (or is) the client, and whether it speaks to a cluster."""
    if isinstance(client, str):
        options = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "max_connections": max_connections,
            "retry": library.retry.Retry(library.backoff.NoBackoff(), 0),
        }
        url = re.sub(r"\Avalkey(s?)://", r"redis\1://", client)
        if cluster:
            return _cluster_maker(library, url, options), True
        return _single_maker(library, url, {**options, "timeout": timeout}), False
    if not isinstance(client, (library.Redis, library.cluster.RedisCluster)):
        accepted = "a redis.Redis, a redis.cluster.RedisCluster or a URL"
        raise ConfigurationError("client", type(client).__name__, accepted)
    is_cluster = isinstance(client, library.cluster.RedisCluster)
    known = (client.nodes_manager if is_cluster else client.connection_pool).connection_kwargs
    if known.get("socket_timeout", timeout) is None:
        logger.warning(
            "The Redis client of the session store has no socket_timeout: a server that is silent"
            " holds up every request of a logged-in user. Give the client socket_timeout=1 and"
            " socket_connect_timeout=1."
        )
    return (lambda: client), is_cluster


def _checked_url(library: ModuleType, url: str) -> str:
    try:
        library.connection.parse_url(url)
    except ValueError:
        understood = False
    else:
        understood = True
    if not understood:  # raised out here: redis-py's own error shows parts of the URL
        raise ConfigurationError(
            "client",
            "another URL, not shown because it may hold a password",
            "a URL with the scheme redis://, rediss://, unix://, valkey:// or valkeys://",
            "Percent-encode what is not a letter or digit in the password",
        )
    return url


def _single_maker(library: ModuleType, url: str, options: dict[str, Any]) -> Callable[[], Any]:
    pool = library.BlockingConnectionPool.from_url(_checked_url(library, url), **options)
    client = library.Redis(connection_pool=pool)
    return lambda: client


def _cluster_maker(library: ModuleType, url: str, options: dict[str, Any]) -> Callable[[], Any]:
    _checked_url(library, url)
    # Before redis-py 6, `retry` did not mean the cluster's own attempts.
    old = int(library.__version__.partition(".")[0]) < 6
    options = {**options, **({"cluster_error_retry_attempts": 0} if old else {})}
    # It asks the cluster for its nodes as soon as it is made, so that waits for the first use.
    return lambda: library.cluster.RedisCluster.from_url(url, **options)


# -------------------------------------------------------------- a record as bytes

# A record is: the head, the user id, what `_layout` says, the other texts, the reason of its end.
# The scripts read the head by position and put in what ends a login: change them with this.

#: format, flags, version, last_seen_at, purge_at, idle_timeout (-1: none), created_at, length of
#: the user id.
_HEAD = struct.Struct(">BHQqqqqI")
_FORMAT = 1
_ENDED, _CONFIRMED, _RESTORED, _LONG, _HEX, _REASON = 1, 2, 4, 8, 16, 8192
#: Which of the times that may be missing are there.
_TIMES = (
    (_ENDED, "ended_at"),
    (_ENDED, "expires_at"),  # of a login that has not ended, it is purge_at
    (32, "authenticated_at"),
    (64, "renewed_at"),
    (128, "remember_until"),
    (256, "remember_issued_at"),
)
#: Which of the texts that may be missing are there.
_TEXTS = (
    (512, "ip_address"),
    (1024, "user_agent"),
    (2048, "external_id"),
    (4096, "auth_hash"),
)
_OPTIONAL = ((_ENDED, "ended_at"), *_TIMES[2:], *_TEXTS, (_REASON, "ended_reason"))
_HEX_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@lru_cache(maxsize=512)
def _layout(flags: int) -> tuple[struct.Struct, tuple[str, ...], tuple[str, ...]]:
    """Return what follows the user id for those flags, and the names of its times and texts.

    It is: the times, the two generations, the hash of the secret if it is 32 bytes as hex, the
    lengths of the texts.
    """
    times = tuple(name for bit, name in _TIMES if flags & bit)
    texts = ("methods", *(name for bit, name in _TEXTS if flags & bit))
    if not flags & _HEX:
        texts += ("secret_hash",)
    secret = "32s" if flags & _HEX else ""
    lengths = ("I" if flags & _LONG else "B") * len(texts)
    return struct.Struct(f">{'q' * len(times)}II{secret}{lengths}"), times, texts


def _pack(record: LoginSession) -> bytes:
    flags = _CONFIRMED if record.confirmed else 0
    flags |= _RESTORED if record.restored else 0
    flags |= _HEX if _HEX_HASH.fullmatch(record.secret_hash) else 0
    for bit, name in _OPTIONAL:
        flags |= 0 if getattr(record, name) is None else bit
    _, times, texts = _layout(flags)
    values: dict[str, Any] = {**vars(record), "methods": json.dumps(sorted(record.methods))}
    blobs = [_bytes(values[name]) for name in texts]
    if any(len(blob) > 255 for blob in blobs):
        flags |= _LONG
    user = _bytes(record.user_id)
    head = _HEAD.pack(
        _FORMAT,
        flags,
        record.version,
        _microseconds(record.last_seen_at),
        _microseconds(record.purge_at),
        -1 if record.idle_timeout is None else record.idle_timeout // _MICROSECOND,
        _microseconds(record.created_at),
        len(user),
    )
    body = _layout(flags)[0].pack(
        *(_microseconds(values[name]) for name in times),
        record.generation,
        record.remember_generation,
        *([bytes.fromhex(record.secret_hash)] if flags & _HEX else []),
        *map(len, blobs),
    )
    return b"".join([head, user, body, *blobs, _bytes(record.ended_reason or "")])


def _unpack(session_id: str, data: bytes) -> LoginSession:
    try:
        return _unpacked(session_id, data)
    except (struct.error, ValueError, OverflowError) as error:
        failure = error
    # Written by a later release, or not by this library. Neither logged in nor logged out.
    raise SessionStoreUnavailable(RedisSessionStore.kind, failure)


@lru_cache(maxsize=1024)
def _read(session_id: str, data: bytes) -> LoginSession:
    """Return the record of these bytes, which one login shows in one request after the other.

    The server is asked each time; only what its answer means is remembered.
    """
    return _unpack(session_id, data)


#: What a record has in the fields that its bytes do not name.
_ABSENT = {field.name: None for field in fields(LoginSession)}


def _unpacked(session_id: str, data: bytes) -> LoginSession:
    known, flags, version, last, purge, idle, created, size = _HEAD.unpack_from(data)
    if known != _FORMAT:
        raise ValueError("unknown format")
    body, times, texts = _layout(flags)
    start = _HEAD.size + size
    parts = body.unpack_from(data, start)
    moments, numbers = parts[: len(times)], parts[len(times) :]
    values: dict[str, Any] = {
        **_ABSENT,
        "id": session_id,
        "user_id": _text(data[_HEAD.size : start]),
        "version": version,
        "created_at": _time(created),
        "last_seen_at": _time(last),
        "expires_at": _time(purge),
        "idle_timeout": None if idle < 0 else timedelta(0, 0, idle),
        "confirmed": bool(flags & _CONFIRMED),
        "restored": bool(flags & _RESTORED),
        "generation": numbers[0],
        "remember_generation": numbers[1],
    }
    values.update(zip(times, map(_time, moments), strict=True))
    if flags & _HEX:
        values["secret_hash"] = numbers[2].hex()
    start += body.size
    for name, length in zip(texts, numbers[3 if flags & _HEX else 2 :], strict=True):
        values[name] = _text(data[start : start + length])
        start += length
    if flags & _REASON:
        values["ended_reason"] = _text(data[start:])
    elif start != len(data):
        raise ValueError("not the length that the lengths say")
    values["methods"] = _methods(values["methods"])
    record = object.__new__(LoginSession)
    # What the constructor of a frozen dataclass does, in a fifth of the time: every checked
    # request comes by here.
    vars(record).update(values)
    return record


@lru_cache(maxsize=512)
def _methods(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(0, 0, microseconds)


def _answer(reply: bytes | Sequence[bytes | None] | None) -> tuple[bytes | None, datetime | None]:
    """Return the record and the moment of the brake, of which most of the time there is none."""
    if reply is None or isinstance(reply, bytes):
        return reply, None
    return reply[0], _moment(reply[1])


def _moment(reply: bytes | None) -> datetime | None:
    return None if reply is None else _time(int(reply))


def _newest(record: LoginSession) -> int:
    """Return the newest time the record knows, the nearest to now that it can tell."""
    times = (
        record.created_at,
        record.last_seen_at,
        record.authenticated_at,
        record.renewed_at,
        record.remember_issued_at,
        record.ended_at,
    )
    return _microseconds(max(moment for moment in times if moment is not None))


def _lifetime(record: LoginSession) -> int:
    """Return for how many milliseconds a record is to be kept that was just made so.

    From its own times, not from a clock: this machine's may differ from that of the manager.
    """
    return max(-((_newest(record) - _microseconds(record.purge_at)) // 1000), _LEAST)


def _texts(reply: Iterable[bytes]) -> list[str]:
    return [text.decode("ascii") for text in reply]


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
