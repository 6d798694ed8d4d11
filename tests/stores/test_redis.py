"""The contract, and what is Redis's own, on one server, behind Sentinel and in a cluster."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from time import monotonic
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("redis", minversion="5.0")

import redis
import redis.backoff
import redis.retry
from flask import Flask
from redis.cluster import RedisCluster
from redis.crc import key_slot
from redis.sentinel import Sentinel
from tests.deadlines import at_most
from tests.stores.servers_redis import (
    PASSWORD,
    Server,
    cluster,
    emptied,
    eventually,
    free_port,
    is_whole,
    sentinel,
    single,
)

from flask_login import ConfigurationError, LoginManager, current_user
from flask_login.sessions import records
from flask_login.sessions import redis as module
from flask_login.sessions.contract import MINUTE, NOW, SessionStoreContract, a_record
from flask_login.sessions.records import LoginSession
from flask_login.sessions.redis import RedisSessionStore
from flask_login.sessions.redis_client import KeptConnections
from flask_login.sessions.store import SessionStore, SessionStoreUnavailable

DAY = timedelta(days=1)
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.6478.127 Safari/537.36 OPR"
)
assert len(AGENT) == 120
#: What moves with the credentials of a login.
NUMBERED = (
    *("generation", "renewed_at", "arrived_number", "arrived_at", "previous_number"),
    *("lost_from", "session_first"),
)


@pytest.fixture
def redis_server(redis_server: Server) -> Server:
    emptied([redis_server])
    return redis_server


@pytest.fixture
def redis_cluster(redis_cluster: Sequence[Server]) -> Sequence[Server]:
    emptied(redis_cluster)
    return redis_cluster


@pytest.fixture
def one(redis_server: Server) -> RedisSessionStore:
    return RedisSessionStore(redis_server.url)


@pytest.fixture
def many(redis_cluster: Sequence[Server]) -> RedisSessionStore:
    return RedisSessionStore(redis_cluster[0].url, cluster=True)


@pytest.fixture(params=["one", "many"])
def store(request: pytest.FixtureRequest) -> RedisSessionStore:
    found: RedisSessionStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def servers(
    store: RedisSessionStore, redis_server: Server, request: pytest.FixtureRequest
) -> Sequence[Server]:
    if "cluster=False" in repr(store):
        return [redis_server]
    found: Sequence[Server] = request.getfixturevalue("redis_cluster")
    return found


@pytest.fixture
def admins(servers: Sequence[Server]) -> Iterator[Sequence[redis.Redis]]:
    """A plain client for each server, to look at what is there."""
    with ExitStack() as stack:
        found = []
        for server in servers:
            client = redis.Redis(port=server.port, password=PASSWORD)
            stack.callback(client.close)
            found.append(client)
        yield found


def keys_of(admins: Sequence[redis.Redis]) -> dict[bytes, Any]:
    """Return the keys there are, each with the client of its server."""
    return {key: admin for admin in admins for key in admin.scan_iter(count=1000)}


def commands(admins: Sequence[redis.Redis], act: Callable[[], object]) -> dict[str, int]:
    """Return how often each command ran on the servers while `act` did its work."""
    for admin in admins:
        admin.ping()
        admin.config_resetstat()
    act()
    counts: dict[str, int] = {}
    for admin in admins:
        for name, stat in admin.info("commandstats").items():
            command = name.removeprefix("cmdstat_")
            if command not in {"info", "config|resetstat", "config"}:
                counts[command] = counts.get(command, 0) + int(stat["calls"])
    return counts


def clients(admin: redis.Redis) -> set[str]:
    """Return the ids of the connections that a server has."""
    return {known["id"] for known in admin.client_list()}


def a_login(user_id: str, **fields: Any) -> LoginSession:
    """Return the record of a remembered login as browsers make them."""
    began = datetime.now(timezone.utc)
    usual: dict[str, Any] = {
        "created_at": began,
        "methods": frozenset({"pwd", "otp"}),
        "idle_timeout": timedelta(hours=12),
        "ip_address": "203.0.113.195",
        "user_agent": AGENT,
        "auth_hash": records.hash_secret("what the user's credentials are"),
        "generation": 3,
        "renewed_at": began,
        "remember_generation": 2,
        "remember_until": began + timedelta(days=365),
        "remember_issued_at": began,
        "arrived_number": 2,
        "arrived_at": began,
        "previous_number": 2,
        "lost_from": 3,
        "session_first": 3,
    }
    return a_record(user_id, **{**usual, **fields})


# ------------------------------------------------------------------- the contract


class TestOneServer(SessionStoreContract):
    @pytest.fixture
    def store(self, one: RedisSessionStore) -> SessionStore:
        return one


class TestCluster(SessionStoreContract):
    @pytest.fixture
    def store(self, many: RedisSessionStore) -> SessionStore:
        return many


class TestClientThatDecodes(SessionStoreContract):
    @pytest.fixture
    def store(self, redis_server: Server) -> Iterator[SessionStore]:
        with redis.Redis.from_url(
            redis_server.url, decode_responses=True, socket_timeout=1, protocol=3
        ) as client:
            yield RedisSessionStore(client, prefix="other:")


class TestClusterClientThatDecodes(SessionStoreContract):
    @pytest.fixture
    def store(self, redis_cluster: Sequence[Server]) -> Iterator[SessionStore]:
        with RedisCluster.from_url(redis_cluster[1].url, decode_responses=True) as client:
            yield RedisSessionStore(client)


class TestSentinel(SessionStoreContract):
    @pytest.fixture
    def store(self, redis_server: Server) -> Iterator[SessionStore]:
        with sentinel(redis_server) as watcher:
            finder = Sentinel(  # type: ignore[no-untyped-call]  # redis-py's gap
                [("127.0.0.1", watcher.port)], socket_timeout=1, password=PASSWORD
            )
            master_for: Any = finder.master_for
            with master_for("main", socket_timeout=1) as client:
                yield RedisSessionStore(client)
            for asked in finder.sentinels:
                asked.close()


# ---------------------------------------------------------------------- records


def test_every_field_survives_alone_and_with_all_others(store: RedisSessionStore) -> None:
    late = NOW + timedelta(microseconds=123_457)
    fields: dict[str, Any] = {
        "methods": frozenset({"", "a\x00b", "ü"}),
        "idle_timeout": timedelta(0),
        "ip_address": "",
        "user_agent": "a" * 5000,
        "external_id": "\ud800",
        "auth_hash": "",
        "renewed_at": late,
        "remember_until": late,
        "remember_issued_at": late,
        "remember_first": 7,
        "absolute_timeout": timedelta(days=9, microseconds=1),
        "fresh_timeout": timedelta(0),
        "secret_hash": "no hash at all",
        "arrived_number": 70_000,
        "arrived_at": late,
        "previous_number": 0,
        "lost_from": 3,
        "session_first": 9,
        "restored": True,
        "authenticated_at": None,
        "created_at": datetime(1969, 1, 1, tzinfo=timezone.utc),
        "expires_at": datetime.max.replace(tzinfo=timezone.utc),
    }
    for chosen in [fields, *({name: value} for name, value in fields.items())]:
        record = replace(a_record(), **chosen)
        store.create(record)
        assert store.get(record.id) == record
        ended = records.end(record, records.REVOKED, late)
        assert store.end_all("ada", records.REVOKED, late) == 1
        assert store.get(record.id) == ended
        again = replace(ended, version=3, ended_at=None, ended_reason=None)
        assert store.replace(again)
        assert store.get(record.id) == again
        assert store.replace(replace(ended, version=4))
        assert store.get(record.id) == replace(ended, version=4)


def test_a_record_whose_id_is_not_the_user_s_is_refused(store: RedisSessionStore) -> None:
    tag = records.user_tag("ada")
    for session_id in (records.new_id("bob"), tag, f"{tag}{'a' * 21}", f"{tag}{'}' * 22}", ""):
        with pytest.raises(ValueError, match=r"new_id\(user_id\)"):
            store.create(replace(a_record(), id=session_id))
        assert not store.replace(replace(a_record(), id=session_id, version=2))


@pytest.mark.parametrize(
    "session_id",
    ["", "brake", "}{", "x:abc", "a" * 33 + "\n", "{" + "a" * 32, "é" * 33, "a" * 34, "\ud800"],
)
def test_a_strange_id_is_unknown_and_never_becomes_a_key(
    store: RedisSessionStore, admins: Sequence[redis.Redis], session_id: str
) -> None:
    store.ping()

    def act() -> None:
        assert store.get(session_id, seen_at=NOW) is None
        assert not store.delete(session_id)
        assert store.end_all("ada", records.REVOKED, NOW, keep=session_id) == 0

    act()  # a server that is new gets the scripts by this
    ran = set(commands(admins, act))
    assert ran <= {"ping", "evalsha", "get", "zrange", "auth", "hello", "client"}
    assert keys_of(admins) == {}


def test_an_external_id_is_not_part_of_a_key(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    store.create(a_record(external_id="login:{x}\r\nFLUSHALL *"))
    assert all(b"FLUSHALL" not in key for key in keys_of(admins))
    assert len(store.list_external("login:{x}\r\nFLUSHALL *")) == 1


def test_two_users_who_share_a_tag_do_not_share_logins(
    store: RedisSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (module, records):
        monkeypatch.setattr(place, "user_tag", lambda user_id: "A" * 11)
    ada, bob = a_record("ada"), a_record("bob")
    store.create(ada)
    store.create(bob)
    assert [r.id for r in store.list("ada")] == [ada.id]
    assert store.end_all("ada", records.REVOKED, NOW) == 1
    assert store.delete_all("ada") == 1
    assert store.get(bob.id) == bob


@pytest.mark.parametrize(
    "data", [b"", b"\x02" + b"\x00" * 60, b"\x01" + b"\x00" * 60, b"\x01" + b"\xff" * 80]
)
def test_a_record_of_another_format_is_no_login_and_no_logout(
    store: RedisSessionStore, admins: Sequence[redis.Redis], data: bytes
) -> None:
    record = a_record()
    store.create(record)
    for key, admin in keys_of(admins).items():
        if key.decode().endswith(record.id[11:]):
            admin.set(key, data)
    with pytest.raises(SessionStoreUnavailable):
        store.get(record.id)


# ------------------------------------------------------------- what it costs the server


def test_a_checked_request_is_one_round_trip(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    record = a_login("ada")
    store.create(record)
    store.get(record.id, seen_at=NOW)

    def act() -> None:
        for number in range(1, 11):  # each of them moves last_seen_at
            seen_at = record.created_at + number * MINUTE
            assert store.get(record.id, seen_at=seen_at, interval=MINUTE) is not None

    counts = commands(admins, act)
    assert counts.pop("evalsha") == 10
    assert counts.pop("setrange") == 10
    assert set(counts) <= {"get", "ping"}  # `get` as the script's own


def test_a_request_that_only_asks_is_one_command_on_a_connection_that_is_kept(
    one: RedisSessionStore, redis_server: Server
) -> None:
    record = a_login("ada")
    one.create(record)
    one.get(record.id)
    with redis.Redis.from_url(redis_server.url) as admin:
        before = clients(admin)
        counts = commands([admin], lambda: [one.get(record.id) for _ in range(10)])
        assert counts.pop("mget") == 10
        assert set(counts) <= {"ping", "client|list"}
        assert clients(admin) <= before


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("logins", [1, 3])
@pytest.mark.parametrize(("renewed", "most"), [(False, 600), (True, 640)])
def test_a_login_costs_at_most_600_bytes_and_640_once_it_was_renewed(  # noqa: PLR0917  # parameters by name
    store: RedisSessionStore,
    admins: Sequence[redis.Redis],
    logins: int,
    external: bool,
    renewed: bool,
    most: int,
) -> None:
    users = 100
    for _ in range(users):
        user_id = str(uuid.uuid4())
        for _ in range(logins):
            record = a_login(user_id, external_id=str(uuid.uuid4()) if external else None)
            if not renewed:
                record = replace(record, **{name: getattr(a_record(), name) for name in NUMBERED})
            store.create(record)
    total = sum(admin.memory_usage(key, samples=0) for key, admin in keys_of(admins).items())
    assert total / (users * logins) <= most


def test_all_keys_of_a_user_are_in_one_slot(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    for _ in range(5):
        store.create(a_record())
    keys = keys_of(admins)
    assert len(keys) == 6
    assert len({key_slot(key) for key in keys}) == 1


def test_every_key_expires_when_its_records_may_be_forgotten(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    store.create(a_record(expires_at=NOW + DAY, external_id="sid-1"))
    keys = keys_of(admins)
    assert len(keys) == 3
    for key, admin in keys.items():
        kept_for = timedelta(milliseconds=admin.pttl(key))
        assert DAY - MINUTE < kept_for - records.TOMBSTONE <= DAY


def test_the_index_lives_as_long_as_its_longest_login(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    for days in (30, 2):
        store.create(a_record(expires_at=NOW + days * DAY, external_id="sid-1"))
    record = a_record(expires_at=NOW + DAY, external_id="sid-1")
    store.create(record)
    longest = {admin.pttl(key) for key, admin in keys_of(admins).items() if _is_index(key)}
    assert min(longest) > 29 * 86_400_000
    assert store.replace(replace(record, expires_at=NOW + 60 * DAY, version=2))
    longest = {admin.pttl(key) for key, admin in keys_of(admins).items() if _is_index(key)}
    assert min(longest) > 59 * 86_400_000


def _is_index(key: bytes) -> bool:
    return key.endswith(b"}") or b"x:" in key


def _ttl_of(admins: Sequence[redis.Redis], record: LoginSession) -> timedelta:
    [ttl] = [
        admin.pttl(key)
        for key, admin in keys_of(admins).items()
        if key.decode().endswith(record.id[11:])
    ]
    return timedelta(milliseconds=ttl)


def test_an_ended_login_is_kept_as_a_tombstone_and_no_longer(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    first = a_record()
    store.create(first)
    # A day later by the application's clock, with the server's clock where it was.
    assert store.replace(records.end(first, records.LOGOUT, NOW))
    assert records.TOMBSTONE - MINUTE < _ttl_of(admins, first) <= records.TOMBSTONE
    created_ended = records.end(a_record(), records.LOGOUT, NOW)
    store.create(created_ended)
    assert records.TOMBSTONE - MINUTE < _ttl_of(admins, created_ended) <= records.TOMBSTONE


def test_a_change_that_extends_nothing_does_not_extend_the_time_to_live(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    record = a_record(expires_at=NOW + DAY)
    store.create(record)
    for key, admin in keys_of(admins).items():
        admin.pexpire(key, 3_600_000)
    store.get(record.id, seen_at=NOW + MINUTE)
    assert store.replace(replace(record, generation=2, version=2))
    assert _ttl_of(admins, record) <= timedelta(hours=1)
    longer = replace(record, expires_at=NOW + 2 * DAY, version=3)
    assert store.replace(longer)
    assert DAY < _ttl_of(admins, record) <= DAY + timedelta(hours=1)


def test_a_record_that_lost_its_time_to_live_gets_one(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    record = a_record(expires_at=NOW + DAY)
    store.create(record)
    for key, admin in keys_of(admins).items():
        admin.persist(key)
    assert store.replace(replace(record, version=2))
    for key, admin in keys_of(admins).items():
        kept_for = timedelta(milliseconds=admin.pttl(key))
        assert DAY - MINUTE < kept_for - records.TOMBSTONE <= DAY


def test_a_record_that_is_long_due_is_still_kept_for_a_minute(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    record = a_record(expires_at=NOW - 2 * DAY)
    store.create(record)
    assert timedelta(0) < _ttl_of(admins, record) <= MINUTE
    live = a_record()
    store.create(live)
    assert store.replace(records.end(live, records.REVOKED, NOW - 90 * DAY))
    assert timedelta(0) < _ttl_of(admins, live) <= MINUTE


def test_there_is_nothing_to_purge(store: RedisSessionStore) -> None:
    store.create(a_record())
    assert list(store.purge(NOW + 999 * DAY)) == []


def test_a_user_with_ten_thousand_logins_is_ended_listed_and_erased_within_a_second(
    store: RedisSessionStore,
) -> None:
    limit = at_most(4 if sys.gettrace() is not None else 1)  # measuring coverage slows Python
    best = {"list": 99.0, "end": 99.0, "delete": 99.0}
    for _ in range(3):
        mine = [a_login("ada") for _ in range(10_000)]
        with ThreadPoolExecutor(4) as executor:
            list(executor.map(store.create, mine))
        begun = monotonic()
        assert len(store.list("ada")) == 10_000
        listed = monotonic()
        ended = store.end_all("ada", records.REVOKED, mine[0].created_at, keep=mine[0].id)
        assert ended == 9_999
        revoked = monotonic()
        assert store.delete_all("ada") == 10_000
        erased = monotonic()
        took = {"list": listed - begun, "end": revoked - listed, "delete": erased - revoked}
        best = {name: min(best[name], seconds) for name, seconds in took.items()}
        if max(best.values()) <= limit:
            break
    assert max(best.values()) <= limit, best
    assert store.list("ada") == []


# ---------------------------------------------------------------------- indexes


def _vanish(admins: Sequence[redis.Redis], *gone: LoginSession) -> None:
    """Let records expire now."""
    names = tuple(record.id[11:] for record in gone)
    for key, admin in keys_of(admins).items():
        if key.decode().endswith(names):
            admin.delete(key)


def _entries(admins: Sequence[redis.Redis], part: bytes) -> set[str]:
    """Return the entries of the indexes with `part` in their name."""
    return {
        entry.decode()
        for key, admin in keys_of(admins).items()
        if _is_index(key) and part in key
        for entry in admin.zrange(key, 0, -1)
    }


def test_listing_drops_the_entries_of_records_that_expired(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    gone, kept = (a_record(external_id="sid-1") for _ in range(2))
    store.create(gone)
    store.create(kept)
    _vanish(admins, gone)
    assert store.list("ada") == [kept]
    assert _entries(admins, b"{") == {kept.id[11:]}
    assert store.list_external("sid-1") == [kept]
    assert _entries(admins, b"x:") == {kept.id}
    assert store.delete(kept.id)
    assert keys_of(admins) == {}


def test_the_indexes_of_a_user_who_keeps_coming_do_not_grow(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    last = a_record()
    for day in range(50):
        began = NOW + day * DAY
        last = a_record(created_at=began, expires_at=began + MINUTE, external_id="sid-1")
        store.create(last)
        _vanish(admins, last)
    assert len(_entries(admins, b"{")) <= 3
    assert len(_entries(admins, b"x:")) <= 3


def test_a_login_from_a_clock_that_is_ahead_hides_no_other(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    mine = a_record(external_id="sid-1")
    store.create(mine)
    store.create(a_record(created_at=NOW + 9999 * DAY, external_id="sid-1"))
    assert mine.id in {record.id for record in store.list("ada")}
    assert mine.id in {record.id for record in store.list_external("sid-1")}


def test_a_login_that_is_being_created_is_not_dropped_by_who_lists_meanwhile(
    store: RedisSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = a_record(external_id="sid-1")
    run = store._run

    def listing(name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        if name == "create":
            monkeypatch.undo()
            assert store.list_external("sid-1") == []
        return run(name, keys, arguments)

    monkeypatch.setattr(store, "_run", listing)
    store.create(record)
    assert store.list_external("sid-1") == [record]


def test_a_crash_between_the_two_writes_of_a_login_leaves_no_hidden_record(
    store: RedisSessionStore, admins: Sequence[redis.Redis], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = a_record(external_id="sid-1")
    run = store._run

    def dying(name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        if name == "create":
            raise SystemExit
        return run(name, keys, arguments)

    monkeypatch.setattr(store, "_run", dying)
    with pytest.raises(SystemExit):
        store.create(record)
    monkeypatch.undo()
    assert store.get(record.id) is None
    assert store.list_external("sid-1") == []
    assert all(admin.pttl(key) > 0 for key, admin in keys_of(admins).items())


def test_one_external_id_may_name_the_logins_of_several_users(store: RedisSessionStore) -> None:
    found = [a_record(user_id, external_id="sid-1") for user_id in ("ada", "bob", "ada")]
    for record in found:
        store.create(record)
    assert {r.id for r in store.list_external("sid-1")} == {r.id for r in found}
    assert store.delete_all("ada") == 2
    assert [r.id for r in store.list_external("sid-1")] == [found[1].id]


def test_a_tombstone_that_outlives_its_login_stays_in_the_index(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    for end in ("all", "one"):
        record = a_record(end, expires_at=NOW + 10 * MINUTE)
        store.create(record)
        if end == "all":
            assert store.end_all(end, records.REVOKED, NOW) == 1
        else:
            assert store.replace(records.end(record, records.REVOKED, NOW))
        assert DAY - MINUTE < _ttl_of(admins, record) <= DAY
        for key, admin in keys_of(admins).items():
            kept_for = timedelta(milliseconds=admin.pttl(key))
            assert DAY - MINUTE < kept_for <= DAY + 10 * MINUTE


# --------------------------------------------------------------- the emergency brake


def test_the_brake_is_known_to_other_processes(
    servers: Sequence[Server], store: RedisSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = RedisSessionStore(servers[-1].url, cluster=len(servers) > 1)
    record = a_record(external_id="sid-1")
    other.create(record)
    assert other.get(record.id) == record
    store.end_all_before(NOW + MINUTE)
    monkeypatch.setattr(module, "_BRAKE_AGE", 0.0)  # as if a second had gone by
    seen = other.get(record.id)
    assert seen is not None
    assert seen.ended_reason == records.REVOKED
    other.get(record.id, seen_at=NOW + MINUTE)
    kept = other.get(record.id)
    assert kept is not None
    assert kept.last_seen_at == NOW


def test_who_ends_logins_or_asks_for_the_brake_knows_it_at_once(
    servers: Sequence[Server], store: RedisSessionStore
) -> None:
    others = [RedisSessionStore(servers[0].url, cluster=len(servers) > 1) for _ in range(2)]
    record = a_record()
    store.create(record)
    for other in others:
        assert other.get(record.id) == record
    store.end_all_before(NOW + MINUTE)
    assert others[0].ended_before() == NOW + MINUTE
    assert others[1].end_all("ada", records.LOGOUT, NOW + 2 * MINUTE) == 0
    assert others[1].get(record.id) == records.braked(record, NOW + MINUTE)


def test_an_answer_that_the_brake_overtook_brings_no_login_back(
    store: RedisSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = a_record()
    store.create(record)
    run = store._run

    def overtaken(name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        found = run(name, keys, arguments)
        monkeypatch.undo()
        store.end_all_before(NOW + MINUTE)
        return found

    for ask in (store.ended_before, lambda: store.get(record.id)):
        monkeypatch.setattr(store, "_run", overtaken)
        ask()
        assert store.get(record.id) == records.braked(record, NOW + MINUTE)
    store.end_all_before(NOW)
    assert store.ended_before() == NOW + MINUTE


def test_a_brake_that_was_lowered_is_known_to_other_processes(
    servers: Sequence[Server], store: RedisSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = RedisSessionStore(servers[-1].url, cluster=len(servers) > 1)
    record = a_record(created_at=NOW + MINUTE)
    store.create(record)
    store.end_all_before(NOW + 9 * MINUTE)
    assert other.get(record.id) == records.braked(record, NOW + 9 * MINUTE)
    assert store.lower_brake(NOW)
    assert store.get(record.id) == record
    monkeypatch.setattr(module, "_BRAKE_AGE", 0.0)  # as if a second had gone by
    assert other.get(record.id) == record
    assert other.ended_before() == NOW


def test_a_cluster_is_asked_for_the_brake_once_a_second_at_most(
    many: RedisSessionStore, redis_cluster: Sequence[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = a_record()
    many.create(record)
    asked = []
    run = many._run

    def counting(name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        asked.append(keys[0])
        return run(name, keys, arguments)

    monkeypatch.setattr(many, "_run", counting)
    for _ in range(5):
        many.get(record.id)
    assert asked.count("login:brake") == 1
    assert many._brake is not None
    moment, since = many._brake
    many._brake = (moment, since - 1.0)
    many.get(record.id)
    assert asked.count("login:brake") == 2


def test_the_brake_never_expires(store: RedisSessionStore, admins: Sequence[redis.Redis]) -> None:
    store.end_all_before(NOW)
    assert [admin.pttl(key) for key, admin in keys_of(admins).items()] == [-1]


# ------------------------------------------------------------------------- faults


def test_a_server_that_forgot_the_scripts_is_told_them_again(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    record = a_record(external_id="sid-1")
    for act in (
        lambda: store.create(record),
        lambda: store.get(record.id, seen_at=NOW),
        lambda: store.replace(replace(record, version=2)),
        lambda: store.list("ada"),
        lambda: store.list_external("sid-1"),
        lambda: store.end_all_before(NOW - DAY),
        lambda: store.end_all("ada", records.LOGOUT, NOW),
        lambda: store.delete(record.id),
        store.ping,
    ):
        for admin in admins:
            admin.script_flush()
        act()
    assert store.get(record.id) is None


def test_a_creation_that_is_sent_twice_does_not_bring_back_an_ended_login(
    store: RedisSessionStore,
) -> None:
    record = a_record()
    store.create(record)
    assert store.end_all("ada", records.REVOKED, NOW) == 1
    store.create(record)
    assert store.list("ada") == [records.end(record, records.REVOKED, NOW)]


def test_connections_that_the_server_closed_are_not_noticed(
    store: RedisSessionStore, admins: Sequence[redis.Redis]
) -> None:
    record = a_record()
    store.create(record)
    for _ in range(5):
        with ThreadPoolExecutor(8) as executor:
            list(executor.map(store.get, [record.id] * 50))
        for admin in admins:
            admin.client_kill_filter(_type="normal", skipme=True)
        assert store.get(record.id) == record


def test_connections_that_the_server_closed_are_not_lost_to_the_pool(redis_server: Server) -> None:
    store = RedisSessionStore(redis_server.url, max_connections=4)
    record = a_record()
    store.create(record)
    with redis.Redis.from_url(redis_server.url) as admin:
        for _ in range(20):
            with ThreadPoolExecutor(4) as executor:
                assert list(executor.map(store.get, [record.id] * 20)) == [record] * 20
            admin.client_kill_filter(_type="normal", skipme=True)
            assert store.get(record.id) == record
        assert len(clients(admin)) <= 5


def test_a_thread_that_is_stopped_while_it_waits_leaves_its_answer_to_nobody(
    redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisSessionStore(redis_server.url)
    mine, other = a_record("mine"), a_record("other")
    for record in (mine, other):
        store.create(record)
        store.get(record.id)

    class Stopped(BaseException):
        pass

    def stopped(*_: Any, **__: Any) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(redis.connection.AbstractConnection, "read_response", stopped)
        with pytest.raises(Stopped):
            store.get(mine.id)
    for _ in range(3):
        assert store.get(other.id) == other


_FORKS = """
import os, sys
from flask_login.sessions.redis import RedisSessionStore
import redis
url, mine, other = sys.argv[1:]
store = RedisSessionStore(url)
assert store.get(mine).user_id == "mine"
admin = redis.Redis.from_url(url)
before = {known["id"] for known in admin.client_list()}
child = os.fork()
user, wanted = (other, "other") if child == 0 else (mine, "mine")
right = all(store.get(user).user_id == wanted for _ in range(500))
if child == 0:
    os._exit(0 if right else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert right
assert store.get(mine).user_id == "mine"
assert before <= {known["id"] for known in admin.client_list()}
"""


def test_a_forked_worker_shares_no_connection_with_its_parent(redis_server: Server) -> None:
    store = RedisSessionStore(redis_server.url)
    mine, other = a_record("mine"), a_record("other")
    store.create(mine)
    store.create(other)
    command = [sys.executable, "-c", _FORKS, redis_server.url, mine.id, other.id]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=at_most(60))  # noqa: S603  # our own
    assert done.returncode == 0, done.stderr


def test_what_was_kept_before_a_fork_is_not_used_after_it(
    redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisSessionStore(redis_server.url)
    record = a_record()
    store.create(record)
    store.get(record.id)
    with redis.Redis.from_url(redis_server.url) as admin:
        before = clients(admin)
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert store.get(record.id) == record
        after = clients(admin)
        assert after - before
        assert store._kept is not None
        store._kept._leave_to_parent()  # a thread that saw the fork as well, and later
        assert store.get(record.id) == record
        assert clients(admin) == after


def test_no_connection_is_kept_of_a_client_that_is_lent(redis_server: Server) -> None:
    with redis.Redis.from_url(redis_server.url) as lent:
        store = RedisSessionStore(lent)
        record = a_record()
        store.create(record)
        before = clients(lent)
        assert store.get(record.id) == record
        assert clients(lent) <= before  # those of other tests may go meanwhile


def test_with_a_redis_py_whose_pools_want_to_know_the_command_no_connection_is_kept() -> None:
    old = cast("ModuleType", SimpleNamespace(__version__="5.2.1"))
    assert KeptConnections.of(old, None) is None


@pytest.mark.parametrize("most", [1, 2, 3, 4])
@pytest.mark.parametrize("place", ["argument", "url"])
def test_there_is_always_a_connection_left_for_what_changes_something(
    redis_server: Server, most: int, place: str
) -> None:
    if place == "url":
        store = RedisSessionStore(f"{redis_server.url}?max_connections={most}")
    else:
        store = RedisSessionStore(redis_server.url, max_connections=most)
    record = a_record()
    store.create(record)
    with ThreadPoolExecutor(most) as executor:
        assert list(executor.map(store.get, [record.id] * 100)) == [record] * 100
    begun = monotonic()
    store.create(a_record("other"))
    assert monotonic() - begun < at_most(0.5)


def refused(store: SessionStore, act: Callable[[], object]) -> SessionStoreUnavailable:
    """Return the error that `act` ends in, soon, and without a secret anywhere."""
    begun = monotonic()
    with pytest.raises(SessionStoreUnavailable) as caught:
        act()
    assert monotonic() - begun < at_most(3)
    error = caught.value
    shown = [str(error), repr(error), repr(store), str(error.get_response().headers)]
    shown += traceback.format_exception(error)
    assert PASSWORD not in "".join(shown)
    assert (error.__cause__, error.__context__) == (None, None)
    assert (error.store, error.retry_after, error.code) == ("redis", 1, 503)
    return error


def every_operation(store: SessionStore) -> Sequence[Callable[[], object]]:
    record = a_record(external_id="sid-1")
    return (
        lambda: store.create(record),
        lambda: store.get(record.id, seen_at=NOW),
        lambda: store.replace(replace(record, version=2)),
        lambda: store.list("ada"),
        lambda: store.list_external("sid-1"),
        lambda: store.end_all("ada", records.LOGOUT, NOW),
        lambda: store.delete(record.id),
        lambda: store.delete_all("ada"),
        lambda: store.end_all_before(NOW),
        store.ping,
    )


@pytest.mark.servers
@pytest.mark.xdist_group("servers")
def test_a_server_that_is_killed_is_unavailable_and_works_again_after_its_return() -> None:
    with single() as server:
        store = RedisSessionStore(server.url)
        store.ping()
        server.stop()
        for act in every_operation(store):
            assert refused(store, act).cause == "ConnectionError"
        server.start()
        record = a_record()
        store.create(record)
        assert store.get(record.id) == record


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://user:canary@cache.internal:6380/2", "cache.internal:6380"),
        ("rediss://cache.internal", "cache.internal:6379"),
        ("valkeys://:canary@cache.internal", "cache.internal:6379"),
        ("redis://", "localhost:6379"),
        ("unix://user:canary@/run/redis.sock", "/run/redis.sock"),
        ("redis://user:12/canary@cache.internal", None),
        ("redis://user:ca@nary@cache.internal", None),
    ],
)
def test_the_address_of_a_server_is_its_host_and_port_alone(url: str, address: str | None) -> None:
    assert RedisSessionStore(url).address() == address
    if address is not None:
        client = redis.Redis.from_url(url.replace("valkey", "redis"))
        assert RedisSessionStore(client).address() == address


def test_the_address_of_lent_clients_is_told_too(redis_server: Server) -> None:
    with sentinel(redis_server) as watcher:
        make: Any = Sentinel
        watch = make([("127.0.0.1", watcher.port)])
        store = RedisSessionStore(watch.master_for("main", password=PASSWORD, socket_timeout=1))
    assert store.address() == "the master 'main' of Sentinel"


def test_the_address_of_a_cluster_is_told_of_its_url_and_of_its_client(
    redis_cluster: Sequence[Server],
) -> None:
    url = redis_cluster[0].url
    assert RedisSessionStore(url, cluster=True).address() == f"127.0.0.1:{redis_cluster[0].port}"
    client = RedisCluster.from_url(url)
    told = RedisSessionStore(client).address()
    assert told is not None
    assert f"127.0.0.1:{redis_cluster[0].port}" in told
    assert PASSWORD not in told


def retrying(retries: int, backoff: Any, **options: Any) -> redis.Redis:
    return redis.Redis(retry=redis.retry.Retry(backoff, retries), socket_timeout=1, **options)


def test_what_a_lent_client_s_retries_cost_is_in_the_log_at_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backoff = redis.backoff
    for quiet in (
        retrying(0, backoff.NoBackoff()),
        retrying(3, backoff.ConstantBackoff(0.01)),
        "redis://127.0.0.1",
    ):
        RedisSessionStore(quiet)
        assert caplog.text == ""
    RedisSessionStore(retrying(3, backoff.ConstantBackoff(0.5), socket_connect_timeout=2))
    assert "tries again 3 times" in caplog.text
    assert "a refused connection takes about 1.5 s, a silent server about 10 s." in caplog.text
    caplog.clear()
    jitter = backoff.EqualJitterBackoff(cap=1, base=0.01)
    RedisSessionStore(retrying(10, jitter, socket_connect_timeout=1))
    assert re.search(r"takes about [34]\.\d s, a silent server about 15 s\.", caplog.text)
    caplog.clear()
    RedisSessionStore(retrying(-1, backoff.NoBackoff()))
    assert "tries again without end" in caplog.text
    caplog.clear()
    without_end: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": None}
    retry = redis.retry.Retry(backoff.ConstantBackoff(1), 1)
    RedisSessionStore(redis.Redis(retry=retry, **without_end))
    assert "socket_timeout=1" in caplog.text
    assert "a refused connection takes about 1.0 s. For an answer at once" in caplog.text


def test_a_lent_client_that_tries_again_is_asked_again_after_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    passed = [0.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    monkeypatch.setattr("redis.retry.sleep", sleep)
    monkeypatch.setattr("flask_login.core.asking.time.monotonic", lambda: 100.0 + passed[0])
    backoff = redis.backoff.ConstantBackoff(0.36)
    lent = redis.Redis(port=1, retry=redis.retry.Retry(backoff, 10), socket_timeout=1)
    app = Flask(__name__)
    app.secret_key = "a key of thirty-two random bytes"
    LoginManager(app, session_store=RedisSessionStore(lent)).user_loader(lambda user_id: None)
    app.add_url_rule("/me", view_func=lambda: str(current_user))
    client = app.test_client()
    with client.session_transaction() as sess:
        sess.update({"_user_id": "ada", "_login": f"{records.new_id('ada')}.secret.1"})
    for wait, asks in ((0, True), (0.9, False), (0.2, True), (1.0, True)):
        passed[0] += wait
        before = passed[0]
        assert client.get("/me").status_code == 503
        assert (passed[0] > before + 3) is asks
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert "(redis at localhost:1) gives no answer" in errors[0].getMessage()


def shown(error: BaseException) -> str:
    return str(error) + repr(error) + repr(vars(error)) + repr(error.args)


@pytest.mark.servers
@pytest.mark.xdist_group("servers")
def test_a_refused_connection_is_answered_at_once_and_the_first_request_after_it_is_served() -> (
    None
):
    with single() as server:
        store = RedisSessionStore(server.url)
        record = a_record()
        store.create(record)
        with ThreadPoolExecutor(8) as executor:  # so that several connections will be dead
            assert [*executor.map(store.get, [record.id] * 80)] == [record] * 80
        for _ in range(2):
            server.stop()
            for _ in range(5):
                begun = monotonic()
                error = refused(store, lambda: store.get(record.id))
                assert monotonic() - begun < at_most(0.1)
                assert error.why == "ConnectionError (connection refused)"
                assert PASSWORD not in shown(error)
            server.start()
            assert store.get(record.id) is None, "it is asked, and knows nothing any more"
            store.create(record)


@pytest.mark.servers
@pytest.mark.xdist_group("servers")
def test_a_refused_connection_to_a_cluster_is_answered_at_once() -> None:
    with cluster() as servers:
        store = RedisSessionStore(servers[0].url, cluster=True)
        record = a_record()
        store.create(record)
        for server in servers:
            server.stop()
        for _ in range(5):
            begun = monotonic()
            refused(store, lambda: store.get(record.id))
            assert monotonic() - begun < at_most(0.1)


@pytest.mark.servers
@pytest.mark.xdist_group("servers")
def test_a_server_that_is_silent_is_unavailable_within_the_timeout() -> None:
    with single() as server:
        store = RedisSessionStore(server.url, timeout=0.3)
        record = a_record()
        store.create(record)
        server.freeze()
        begun = monotonic()
        assert refused(store, lambda: store.get(record.id)).cause == "TimeoutError"
        assert 0.2 < monotonic() - begun < at_most(1.5)
        server.thaw()
        assert store.get(record.id) == record


@pytest.mark.servers
@pytest.mark.xdist_group("servers")
def test_a_cluster_node_that_is_killed_is_unavailable_and_works_again_after_its_return() -> None:
    with cluster() as servers:
        store = RedisSessionStore(servers[0].url, cluster=True)
        kept = [a_record(str(number)) for number in range(30)]
        for record in kept:
            store.create(record)
        for server in servers:
            server.stop()
        for act in every_operation(store):
            refused(store, act)
        for server in servers:
            server.start()
        for server in servers:
            eventually("the cluster is whole again", partial(is_whole, server, len(servers)))
        for record in kept:
            store.create(record)
            assert store.get(record.id) == record


@pytest.mark.servers
@pytest.mark.xdist_group("servers")
def test_a_cluster_node_that_is_silent_is_unavailable_and_works_again() -> None:
    with cluster() as servers:
        store = RedisSessionStore(servers[0].url, cluster=True, timeout=0.5)
        kept = [a_record(str(number)) for number in range(30)]
        for record in kept:
            store.create(record)
        servers[1].freeze()
        failed = 0
        for record in kept[:10]:
            begun = monotonic()
            try:
                assert store.get(record.id) == record
            except SessionStoreUnavailable:
                failed += 1
            assert monotonic() - begun < at_most(3)
        assert failed > 0
        servers[1].thaw()
        eventually("the cluster is whole again", lambda: _answers(store, *kept))
        for record in kept:
            assert store.get(record.id) == record


def _answers(store: RedisSessionStore, *kept: LoginSession) -> bool:
    try:
        store.ping()
        return all(store.get(record.id) is not None for record in kept)
    except SessionStoreUnavailable:
        return False


@pytest.mark.servers
@pytest.mark.xdist_group("servers")
def test_a_cluster_that_is_down_when_the_application_starts_is_found_later() -> None:
    port = free_port()
    store = RedisSessionStore(f"redis://:{PASSWORD}@127.0.0.1:{port}", cluster=True)
    refused(store, store.ping)
    with cluster(first_port=port):
        store.ping()


def test_a_wrong_password_is_unavailable_and_not_shown(redis_server: Server) -> None:
    store = RedisSessionStore(f"redis://:{PASSWORD}-wrong@127.0.0.1:{redis_server.port}")
    assert refused(store, store.ping).cause == "AuthenticationError"


@pytest.mark.servers
@pytest.mark.xdist_group("servers")
def test_a_server_that_is_full_is_unavailable_for_new_logins_only(redis_server: Server) -> None:
    with single() as server, redis.Redis(port=server.port, password=PASSWORD) as admin:
        store = RedisSessionStore(server.url)
        record = a_record()
        store.create(record)
        admin.config_set("maxmemory", 1)
        refused(store, lambda: store.create(a_record()))
        assert store.get(record.id) == record


def test_more_threads_than_connections_wait_for_one_another(redis_server: Server) -> None:
    store = RedisSessionStore(redis_server.url, max_connections=2)
    record = a_record()
    store.create(record)
    with ThreadPoolExecutor(16) as executor:
        found = list(executor.map(store.get, [record.id] * 500))
    assert found == [record] * 500


# ------------------------------------------------------------------- how it is made


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{PASSWORD}#1@localhost",
        f"redis://:{PASSWORD}/1@localhost",
        f"http://:{PASSWORD}@localhost",
        f"redis://:{PASSWORD}@localhost:port",
        PASSWORD,
    ],
)
@pytest.mark.parametrize("in_cluster", [False, True])
def test_a_url_that_is_not_understood_is_refused_and_not_shown(url: str, in_cluster: bool) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RedisSessionStore(url, cluster=in_cluster)
    assert caught.value.__context__ is None
    assert caught.value.key == "client"
    shown = "".join([str(caught.value), repr(caught.value)])
    assert PASSWORD not in shown


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_a_url_of_redis_and_of_valkey_is_understood(redis_server: Server, scheme: str) -> None:
    store = RedisSessionStore(redis_server.url.replace("redis", scheme, 1))
    store.ping()
    assert PASSWORD not in repr(store)
    RedisSessionStore("valkeys://localhost")


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"client": object()}, "client"),
        ({"prefix": "a{b}"}, "prefix"),
        ({"prefix": "a}"}, "prefix"),
        ({"timeout": 0}, "timeout"),
        ({"max_connections": 0}, "max_connections"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(arguments: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RedisSessionStore(**{"client": "redis://localhost", **arguments})
    assert caught.value.key == key


def test_a_client_that_would_wait_for_ever_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        RedisSessionStore(retrying(0, redis.backoff.NoBackoff()))
        assert caplog.text == ""
        RedisSessionStore(redis.Redis(socket_timeout=None))
    assert "socket_timeout=1" in caplog.text


def test_two_prefixes_on_one_server_are_two_stores(redis_server: Server) -> None:
    emptied([redis_server])
    customers, staff = (
        RedisSessionStore(redis_server.url, prefix=prefix) for prefix in ("c:", "s:")
    )
    record = a_record(external_id="sid-1")
    customers.create(record)
    customers.end_all_before(NOW)
    assert staff.get(record.id) is None
    assert staff.list("ada") == []
    assert staff.list_external("sid-1") == []
    staff.create(record)
    assert staff.delete_all("ada") == 1
    assert customers.get(record.id) == record


def test_importing_the_package_does_not_import_redis() -> None:
    program = "import sys, flask_login, flask_login.sessions\nsys.exit('redis' in sys.modules)\n"
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603  # this Python


def test_without_redis_py_the_error_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ImportError, match=r'5 or newer, found: none.*"Flask-Login\[redis\]"'):
        RedisSessionStore("redis://localhost")


def test_with_an_old_redis_py_the_error_names_both_versions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis, "__version__", "4.6.0")
    with pytest.raises(ImportError, match=r'5 or newer, found: 4.6.0.*"Flask-Login\[redis\]"'):
        RedisSessionStore("redis://localhost")


def test_the_store_is_a_session_store(redis_server: Server) -> None:
    assert isinstance(RedisSessionStore(redis_server.url), SessionStore)
