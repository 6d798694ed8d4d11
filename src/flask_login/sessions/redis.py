"""`RedisSessionStore`: records in Redis or Valkey, on one server, behind Sentinel or in a Cluster.

The keys are described in `redis_keys`. The scripts in ``lua/`` make changes atomic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from threading import Lock
from typing import TYPE_CHECKING, Any

from .records import TOMBSTONE, LoginSession, braked, later, user_tag
from .redis_client import (
    KeptConnections,
    address_of,
    client_maker,
    place_of,
    redis_library,
)
from .redis_codec import lifetime, microseconds, minutes, newest, pack, pack_text
from .redis_keys import TAG, Keys, batches, ids_of, is_id, rests_of
from .redis_scripts import KIND, Script, answer, load_scripts, moment_of, read, read_once
from .store import ConfigurationError, SessionStoreUnavailable

if TYPE_CHECKING:
    from redis import Redis
    from redis.cluster import RedisCluster

_MICROSECOND = timedelta(microseconds=1)
#: For how many milliseconds a record is kept at least, also if it is due.
_LEAST = 60_000
#: For how many seconds a cluster's clients rely on the brake that they know.
_BRAKE_AGE = 1.0


class RedisSessionStore:
    """Keeps records in Redis or Valkey: one server, Sentinel or a Redis Cluster.

    ::

        RedisSessionStore("redis://localhost:6379/0")
        RedisSessionStore("redis://node-1:6379", cluster=True)
        RedisSessionStore(Sentinel(...).master_for("main", socket_timeout=1))

    Needs redis-py 5 or newer: ``pip install "Flask-Login[redis]>=0.6.90"``. A checked request is
    one round trip. Records expire by themselves, so `purge` has nothing to do.

    The server must not evict keys to make room (``maxmemory-policy noeviction`` or one of
    ``volatile-*``): a login that is evicted is logged out, and with ``allkeys-*`` the moment
    of `end_all_before` could be forgotten. Writes that it loses in a crash or a failover
    matter in both directions: a new login is logged out, and a login that had just been ended is
    live again. With ``appendonly yes`` that is at most one second of writes.

    :param client: a ``redis.Redis`` (also one made by ``Sentinel.master_for``), a
        ``redis.cluster.RedisCluster``, or a URL (``redis://``, ``rediss://``, ``unix://``,
        ``valkey://``, ``valkeys://``). A client keeps its own timeouts and retries: give it
        ``socket_timeout`` and ``socket_connect_timeout``, or a silent server holds up requests.
    :param cluster: whether the URL names a node of a Redis Cluster.
    :param prefix: begins the name of every key. Each realm that shares a server needs its own.
        It may not contain braces, which define hash slots.
    :param timeout: of the client made for a URL: seconds to connect, to answer, and to wait for
        a free connection. Short, so that a silent server does not hold up requests.
    :param max_connections: of the client made for a URL; in a cluster, for each node. Of the
        connections to a single server, up to half are reserved for the check of each request.
    :raises ConfigurationError: if an argument has a value that is not accepted.
    :raises ImportError: if redis-py is missing or too old.

    .. versionadded:: 0.6.90
    """

    kind = KIND

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
        self._address = address_of(library, client)
        #: Connections of a client that was made here, which no other code watches or closes.
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
        self._keys = Keys(prefix)
        self._scripts = load_scripts()
        #: The brake, and when it was asked for by `time.monotonic`.
        self._brake: tuple[datetime | None, float] | None = None
        #: When that was known.
        self._brake_known = 0.0
        self._brake_lock = Lock()

    def __repr__(self) -> str:
        """Return the kind and the prefix, but no URL, which may hold a password."""
        return f"{type(self).__name__}(prefix={self._keys.prefix!r}, cluster={self._cluster})"

    # ------------------------------------------------------------- one record

    def create(self, record: LoginSession) -> None:
        """See `SessionStore.create`.

        :raises ValueError: if the id was not made by `records.new_id` for this user.
        """
        if not (is_id(record.id) and record.id.startswith(user_tag(record.user_id))):
            raise ValueError("The record's id must come from new_id(user_id).")
        now = minutes(newest(record))
        # The external id's index may be on another node, so this can't be one step. A crash in
        # between leaves an entry without a record, never a record that could not be found.
        self._note(record, "-inf", now)
        tag, purge_at = record.id[:TAG], minutes(record.purge_at)
        keys = [self._keys.of(record.id), self._keys.of(tag)]
        packed, kept_for = pack(record), _kept_for(record)
        stale = self._run("create", keys, [packed, record.id[TAG:], purge_at, kept_for, now])
        if stale:
            self._fetch(tag, ids_of(tag, stale))
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
        if not is_id(session_id):
            return None
        key = self._keys.of(session_id)
        if seen_at is None:
            # Plain commands: nothing is written, so no script is needed.
            if self._cluster:
                found, moment = self._execute("GET", key), self._braked_at()
            else:
                found, brake = self._ask("MGET", key, self._keys.brake)
                moment = None if brake is None else moment_of(brake)
            record = None if found is None else read_once(session_id, found)
            return record if record is None or moment is None else braked(record, moment)
        now, age = str(microseconds(seen_at)), interval // _MICROSECOND
        if self._cluster:  # the brake may live in another slot
            moment = self._braked_at()
            known = "" if moment is None else str(microseconds(moment))
            found = self._run("get", [key], [now, age, known])
        else:
            reply = self._run("get", [key, self._keys.brake], [now, age])
            found, moment = answer(reply)
        return None if found is None else braked(read_once(session_id, found), moment)

    def replace(self, record: LoginSession) -> bool:
        """See `SessionStore.replace`."""
        if not is_id(record.id):
            return False
        if record.ended_at is None:
            # It may live longer from now on; then the external id must stay known as long.
            self._note(record, "-inf", minutes(newest(record)))
        keys = [self._keys.of(record.id[:TAG]), self._keys.of(record.id)]
        purge_at, kept_for = minutes(record.purge_at), _kept_for(record)
        arguments = [pack(record), record.id[TAG:], purge_at, kept_for, _LEAST]
        return bool(self._run("replace", keys, arguments))

    def delete(self, session_id: str) -> bool:
        """See `SessionStore.delete`."""
        if not is_id(session_id):
            return False
        return self._forget(session_id[:TAG], [session_id], b"") == 1

    # ----------------------------------------------------------- many records

    def list(self, user_id: str) -> Sequence[LoginSession]:
        """See `SessionStore.list`."""
        tag, moment = user_tag(user_id), self._braked_at()
        found = [
            braked(record, moment)
            for batch in self._members(tag)
            for record in self._fetch(tag, batch)
            if record.user_id == user_id  # two users may share a tag, though hardly ever
        ]
        return sorted(found, key=lambda record: (record.created_at, record.id), reverse=True)

    def list_external(self, external_id: str) -> Sequence[LoginSession]:
        """See `SessionStore.list_external`."""
        moment = self._braked_at()
        ids = ids_of("", self._run("members", [self._keys.of_external(external_id)], []))
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
            ended += self._run("end", self._keys.of_user(tag, ids), [*rule, *rests_of(ids)])
        return ended

    def delete_all(self, user_id: str) -> int:
        """See `SessionStore.delete_all`."""
        tag, user = user_tag(user_id), b"=" + pack_text(user_id)
        return sum(self._forget(tag, batch, user) for batch in self._members(tag))

    def purge(self, before: datetime, *, batch: int = 1000) -> Iterator[int]:  # noqa: ARG002  # the contract's parameters; Redis expires records by itself
        """See `SessionStore.purge`. Yields nothing: Redis expires records by itself."""
        return iter(())

    def end_all_before(self, moment: datetime) -> None:
        """See `SessionStore.end_all_before`.

        In a cluster it counts in other processes after a second; elsewhere at once.
        """
        asked = time.monotonic()
        kept = self._run("brake", [self._keys.brake], [microseconds(moment)])
        self._know_brake(moment_of(kept), asked)

    def lower_brake(self, moment: datetime) -> bool:
        """See `LoweringStore.lower_brake`."""
        lowered = bool(self._run("lower", [self._keys.brake], [microseconds(moment)]))
        self.ended_before()
        return lowered

    def ended_before(self) -> datetime | None:
        """See `SessionStore.ended_before`. Also in a cluster it is the server's current value."""
        asked = time.monotonic()
        moment = moment_of(self._run("get", [self._keys.brake], [""]))
        return self._know_brake(moment, asked)

    def ping(self) -> None:
        """See `SessionStore.ping`."""
        self._run("get", [self._keys.brake], [""])

    # ------------------------------------------------------------- its health

    def place(self) -> object:
        """See `LocatedStore.place`."""
        return *place_of(self._client or self._make(), self._cluster), self._keys.prefix

    def address(self) -> str | None:
        """See `AddressedStore.address`."""
        return self._address

    def eviction_policy(self) -> str | None:
        """See `EvictingStore.eviction_policy`.

        None if its memory has no limit, or it does not tell.
        """
        try:
            told: Any = self._execute("INFO", "memory")
        except SessionStoreUnavailable:  # the command may be forbidden, or unknown to a proxy
            return None
        return str(told["maxmemory_policy"]) if told.get("maxmemory") else None

    # ---------------------------------------------------------------- indexes

    def _members(self, tag: str) -> Iterator[Sequence[str]]:
        """Yield the ids of the users with that tag, in batches."""
        return batches(ids_of(tag, self._run("members", [self._keys.of(tag)], [])))

    def _fetch(self, tag: str, ids: Sequence[str]) -> Sequence[LoginSession]:
        """Return the records of those ids that exist; drop the others from the user's index."""
        found = self._run("fetch", self._keys.of_user(tag, ids), rests_of(ids))
        return [read(i, data) for i, data in zip(ids, found, strict=True) if data is not None]

    def _forget(self, tag: str, ids: Sequence[str], user: bytes) -> int:
        count, *pairs = self._run("forget", self._keys.of_user(tag, ids), [user, *rests_of(ids)])
        for record in map(read, ids_of(tag, pairs[::2]), pairs[1::2]):
            # Afterwards: a crash in between leaves an entry without a record.
            self._execute("ZREM", self._keys.of_external(str(record.external_id)), record.id)
        return int(count)

    def _external(self, external_id: str, ids: Iterable[str]) -> Sequence[LoginSession]:
        """Return the records with that external id; drop the entries of those that are gone."""
        wanted = sorted(ids)
        found = [
            record
            for tag, group in groupby(wanted, key=lambda session_id: session_id[:TAG])
            for batch in batches([*group])
            for record in self._fetch(tag, batch)
            if record.external_id == external_id
        ]
        gone = set(wanted).difference(record.id for record in found)
        for batch in batches([*gone]):
            self._run("drop", [self._keys.of_external(external_id)], batch)
        return found

    def _note(self, record: LoginSession, purge_at: int | str, now: int) -> Sequence[str]:
        """Note the id for its external id; return ids whose records look gone."""
        if record.external_id is None:
            return ()
        key, kept_for = self._keys.of_external(record.external_id), _kept_for(record)
        return ids_of("", self._run("note", [key], [record.id, purge_at, kept_for, now]))

    # ------------------------------------------------------------- the server

    def _braked_at(self) -> datetime | None:
        asked = time.monotonic()
        if self._cluster and self._brake is not None and asked - self._brake[1] < _BRAKE_AGE:
            return self._brake[0]
        return self.ended_before()

    def _know_brake(self, moment: datetime | None, asked: float) -> datetime | None:
        """Keep the brake; an answer that another one has overtaken does not move it back."""
        with self._brake_lock:
            known = None if self._brake is None else self._brake[0]
            late = asked < self._brake_known
            if late and (moment is None or (known is not None and moment < known)):
                moment = known
            self._brake, self._brake_known = (moment, asked), time.monotonic()
            return moment

    def _run(self, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        script = self._scripts[name]
        return self._execute("EVALSHA", script.digest, len(keys), *keys, *arguments, script=script)

    def _ask(self, *command: str) -> Any:
        """Send a command that changes nothing, over a kept connection if there is one."""
        return self._execute(*command, send=None if self._kept is None else self._kept.ask)

    def _execute(
        self, *command: Any, script: Script | None = None, send: Callable[..., Any] | None = None
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
        # Raised outside of the handlers, so that it does not carry the client's error, whose text
        # or frames may hold a password.
        raise SessionStoreUnavailable(self.kind, failure)

    def _send(self, command: Sequence[Any], script: Script | None) -> Any:
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
            # The client may have lost all the nodes it knew. A new one starts from the URL.
            self._client = None
            return True
        return isinstance(failure, errors.ConnectionError) and not isinstance(
            failure, (errors.AuthenticationError, errors.BusyLoadingError)
        )


def _kept_for(record: LoginSession) -> int:
    return max(lifetime(record), _LEAST)
