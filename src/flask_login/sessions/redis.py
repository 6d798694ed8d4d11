"""`RedisSessionStore`: records in Redis or Valkey, on one server, behind Sentinel or in a Cluster.

What is kept where, for the prefix ``login:``:

=========================== ============================================================
key                         holds
=========================== ============================================================
``login:{<tag>}<rest>``     one record, by `redis_codec`; tag and rest make its id
``login:{<tag>}``           the rests of that user's ids, a sorted set by ``purge_at``
``login:x:<digest>``        the ids of the records with one external id, likewise
``login:brake``             the moment before which no login counts
=========================== ============================================================

The tag is the user's, 11 characters; the braces make all of a user's keys live in one hash slot,
and the id alone tells which. Every key but the last expires by itself. What must be atomic is
done by the scripts in ``lua/``. A sorted set keeps ``purge_at`` in minutes since 1970: a number
that small takes the least memory.
"""

from __future__ import annotations

import hashlib
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import resources
from itertools import groupby
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from flask_login.exceptions import ConfigurationError

from .records import TOMBSTONE, LoginSession, braked, later, user_tag
from .redis_client import KeptConnections, client_maker, redis_library
from .redis_codec import lifetime, microseconds, minutes, newest, pack, pack_text, time_of, unpack
from .store import SessionStoreUnavailable

if TYPE_CHECKING:
    from redis import Redis
    from redis.cluster import RedisCluster

_MICROSECOND = timedelta(microseconds=1)
_TAG = 11
#: What `records.new_id` makes. Anything else is unknown, and never part of a key's name.
_ID: Final = re.compile(r"[A-Za-z0-9_-]{33}", re.ASCII)
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
    :param max_connections: of the client made for a URL; in a cluster, for each node. Of those to
        a single server up to half stay lent to the check of each request.
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
        library = redis_library()
        if "{" in prefix or "}" in prefix:
            raise ConfigurationError("prefix", prefix, "a text without braces")
        if timeout <= 0:
            raise ConfigurationError("timeout", timeout, "a number of seconds greater than 0")
        if max_connections < 1:
            raise ConfigurationError("max_connections", max_connections, "at least 1")
        self._make, self._cluster = client_maker(library, client, cluster, timeout, max_connections)
        self._client: Any = None
        #: Of a client of our own, which nobody else watches or closes.
        self._kept: KeptConnections | None = None
        if isinstance(client, str) and not cluster:
            self._kept = KeptConnections.of(library, self._make())
        self._patience = timeout / 2
        self._redis = library
        self._failures = (
            library.exceptions.RedisError,
            library.exceptions.RedisClusterException,
            OSError,
        )
        self._prefix = prefix
        self._brake_key = f"{prefix}brake"
        self._scripts = _scripts()
        #: The brake, and when it was asked for by `time.monotonic`.
        self._brake: tuple[datetime | None, float] | None = None
        self._brake_lock = Lock()

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
        now = minutes(newest(record))
        # The external id's index may be on another node, so this can't be one step. A crash in
        # between leaves an entry without a record, never a record that could not be found.
        self._note(record, "-inf", now)
        tag, purge_at = record.id[:_TAG], minutes(record.purge_at)
        keys = [self._key(record.id), self._key(tag)]
        packed, kept_for = pack(record), _kept_for(record)
        stale = self._run("create", keys, [packed, record.id[_TAG:], purge_at, kept_for, now])
        if stale:
            self._fetch(tag, _ids(tag, stale))
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
        key = self._key(session_id)
        if seen_at is None:
            # Without a script there is half as much to send, and nothing to run.
            if self._cluster:
                found, moment = self._execute("GET", key), self._braked_at()
            else:
                found, brake = self._ask("MGET", key, self._brake_key)
                moment = None if brake is None else _moment(brake)
            record = None if found is None else _read_once(session_id, found)
            return record if record is None or moment is None else braked(record, moment)
        now, age = str(microseconds(seen_at)), interval // _MICROSECOND
        if self._cluster:  # the brake may live in another slot
            moment = self._braked_at()
            known = "" if moment is None else str(microseconds(moment))
            found = self._run("get", [key], [now, age, known])
        else:
            reply = self._run("get", [key, self._brake_key], [now, age])
            found, moment = _answer(reply)
        return None if found is None else braked(_read_once(session_id, found), moment)

    def replace(self, record: LoginSession) -> bool:
        """See `SessionStore.replace`."""
        if not _ID.fullmatch(record.id):
            return False
        if record.ended_at is None:
            # It may live longer from now on; then the external id must stay known as long.
            self._note(record, "-inf", minutes(newest(record)))
        keys = [self._key(record.id[:_TAG]), self._key(record.id)]
        purge_at, kept_for = minutes(record.purge_at), _kept_for(record)
        arguments = [pack(record), record.id[_TAG:], purge_at, kept_for, _LEAST]
        return bool(self._run("replace", keys, arguments))

    def delete(self, session_id: str) -> bool:
        """See `SessionStore.delete`."""
        if not _ID.fullmatch(session_id):
            return False
        return self._forget(session_id[:_TAG], [session_id], b"") == 1

    # ----------------------------------------------------------- many records

    def list(self, user_id: str) -> Sequence[LoginSession]:
        """See `SessionStore.list`."""
        tag, moment = user_tag(user_id), self._braked_at()
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
        ids = _ids("", self._run("members", [self._external_key(external_id)], []))
        return [braked(record, moment) for record in self._external(external_id, ids)]

    def end_all(self, user_id: str, reason: str, moment: datetime, *, keep: str = "") -> int:
        """See `SessionStore.end_all`. Five hundred at a time, each time in one step."""
        tag, brake = user_tag(user_id), self.ended_before()
        rule = [
            pack_text(user_id),
            pack_text(reason),
            microseconds(moment),
            minutes(later(moment, TOMBSTONE)),
            _LEAST,
            "" if brake is None else microseconds(brake),
        ]
        ended = 0
        for batch in self._members(tag):
            ids = [session_id for session_id in batch if session_id != keep]
            ended += self._run("end", self._keys(tag, ids), [*rule, *_rests(ids)])
        return ended

    def delete_all(self, user_id: str) -> int:
        """See `SessionStore.delete_all`."""
        tag, user = user_tag(user_id), b"=" + pack_text(user_id)
        return sum(self._forget(tag, batch, user) for batch in self._members(tag))

    def purge(self, before: datetime, *, batch: int = 1000) -> Iterator[int]:  # noqa: ARG002  # the contract's parameters; Redis expires records itself
        """See `SessionStore.purge`. Yields nothing: Redis forgets what is due itself."""
        return iter(())

    def end_all_before(self, moment: datetime) -> None:
        """See `SessionStore.end_all_before`.

        In a cluster other processes know it after a second; elsewhere at once.
        """
        asked = time.monotonic()
        kept = self._run("brake", [self._brake_key], [microseconds(moment)])
        self._know_brake(_moment(kept), asked)

    def ended_before(self) -> datetime | None:
        """See `SessionStore.ended_before`. In a cluster, too, it is what the server knows now."""
        asked = time.monotonic()
        moment = _moment(self._run("get", [self._brake_key], [""]))
        return self._know_brake(moment, asked)

    def ping(self) -> None:
        """See `SessionStore.ping`."""
        self._run("get", [self._brake_key], [""])

    # ------------------------------------------------------------- its health

    def place(self) -> object:
        """Return where the records are: two stores with equal places have them in common.

        For ``flask login doctor``. It is compared, not shown.
        """
        client: Any = self._client or self._make()
        if self._cluster:
            return frozenset(client.nodes_manager.startup_nodes), self._prefix
        pool = client.connection_pool
        known = pool.connection_kwargs
        where = tuple(known.get(name) for name in ("host", "port", "path"))
        return getattr(pool, "service_name", where), known.get("db") or 0, self._prefix

    def eviction_policy(self) -> str | None:
        """Return the server's ``maxmemory-policy``, for ``flask login doctor``.

        None if there is no limit to its memory, or it does not tell.
        """
        try:
            told: Any = self._execute("INFO", "memory")
        except SessionStoreUnavailable:  # may be forbidden, or unknown to a relay
            return None
        return str(told["maxmemory_policy"]) if told.get("maxmemory") else None

    # ---------------------------------------------------------------- indexes

    def _members(self, tag: str) -> Iterator[Sequence[str]]:
        """Yield the ids of the users with that tag, in batches."""
        return _batches(_ids(tag, self._run("members", [self._key(tag)], [])))

    def _fetch(self, tag: str, ids: Sequence[str]) -> Sequence[LoginSession]:
        """Return the records of those ids that exist; drop the others from the user's index."""
        found = self._run("fetch", self._keys(tag, ids), _rests(ids))
        return [_read(i, data) for i, data in zip(ids, found, strict=True) if data is not None]

    def _forget(self, tag: str, ids: Sequence[str], user: bytes) -> int:
        count, *pairs = self._run("forget", self._keys(tag, ids), [user, *_rests(ids)])
        for record in map(_read, _ids(tag, pairs[::2]), pairs[1::2]):
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
        """Note the id for its external id; return ids whose records look gone."""
        if record.external_id is None:
            return ()
        key, kept_for = self._external_key(record.external_id), _kept_for(record)
        return _ids("", self._run("note", [key], [record.id, purge_at, kept_for, now]))

    # ------------------------------------------------------------------- keys

    def _key(self, session_id: str) -> str:
        return f"{self._prefix}{{{session_id[:_TAG]}}}{session_id[_TAG:]}"

    def _keys(self, tag: str, ids: Sequence[str]) -> Sequence[str]:
        return [self._key(tag), *map(self._key, ids)]

    def _external_key(self, external_id: str) -> str:
        digest = hashlib.sha256(external_id.encode("utf-8", "surrogatepass")).digest()
        return f"{self._prefix}x:{urlsafe_b64encode(digest[:16]).rstrip(b'=').decode('ascii')}"

    # ------------------------------------------------------------- the server

    def _braked_at(self) -> datetime | None:
        asked = time.monotonic()
        if self._cluster and self._brake is not None and asked - self._brake[1] < _BRAKE_AGE:
            return self._brake[0]
        return self.ended_before()

    def _know_brake(self, moment: datetime | None, asked: float) -> datetime | None:
        """Remember the brake; an answer that was overtaken does not move it back."""
        with self._brake_lock:
            known = None if self._brake is None else self._brake[0]
            if moment is None or (known is not None and moment < known):
                moment = known
            self._brake = (moment, asked)
            return moment

    def _run(self, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        script = self._scripts[name]
        return self._execute("EVALSHA", script.digest, len(keys), *keys, *arguments, script=script)

    def _ask(self, *command: str) -> Any:
        """Send a command that changes nothing, over a kept connection if there is one."""
        return self._execute(*command, send=None if self._kept is None else self._kept.ask)

    def _execute(
        self, *command: Any, script: _Script | None = None, send: Callable[..., Any] | None = None
    ) -> Any:
        """Send one command; a second time if its connection was dead, but only at once."""
        begun = time.monotonic()
        try:
            return self._send(command, script) if send is None else send(*command)
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


class _Script:
    """A script of ``lua/``, with the digest by which the server knows it."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # Redis names scripts so


def _scripts() -> dict[str, _Script]:
    files = (resources.files("flask_login.sessions") / "lua").iterdir()
    return {file.name.removesuffix(".lua"): _Script(file.read_text("utf-8")) for file in files}


# ------------------------------------------------------------- what it is answered


@lru_cache(maxsize=1024)
def _read_once(session_id: str, data: bytes) -> LoginSession:
    """Return the record of these bytes, which one login shows in one request after the other.

    The server is asked each time; only what its answer means is remembered.
    """
    return _read(session_id, data)


def _read(session_id: str, data: bytes) -> LoginSession:
    try:
        return unpack(session_id, data)
    except ValueError as error:
        failure = error
    # Neither logged in nor logged out.
    raise SessionStoreUnavailable(RedisSessionStore.kind, failure)


def _answer(reply: bytes | Sequence[bytes | None] | None) -> tuple[bytes | None, datetime | None]:
    """Return the record and the moment of the brake, of which most of the time there is none."""
    if reply is None or isinstance(reply, bytes):
        return reply, None
    return reply[0], _moment(reply[1])


def _moment(reply: bytes | None) -> datetime | None:
    return None if reply is None else time_of(int(reply))


def _kept_for(record: LoginSession) -> int:
    return max(lifetime(record), _LEAST)


def _ids(tag: str, entries: Iterable[bytes]) -> list[str]:
    """Return the ids that the entries of an index stand for."""
    return [f"{tag}{entry.decode('ascii')}" for entry in entries]


def _rests(ids: Iterable[str]) -> list[str]:
    """Return how a user's index has those ids."""
    return [session_id[_TAG:] for session_id in ids]


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
