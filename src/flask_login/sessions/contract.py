"""The tests that every session store must pass, also those of third parties."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from threading import Barrier
from typing import Any

import pytest

from . import records
from .records import LoginSession
from .store import AddressedStore, EvictingStore, LocatedStore, LoweringStore, SessionStore

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
#: As long as entries become, with what an SQL text or a template would not leave as it is.
ENTRIES = r"""{"next":"/\u00fc'\"\\ %s :b {x} """ + "x" * 970 + '"}'


def a_record(user_id: str = "ada", *, created_at: datetime = NOW, **fields: Any) -> LoginSession:
    """Return the record of a new login, for tests."""
    record = LoginSession(
        records.new_id(user_id),
        records.hash_secret(records.new_secret()),
        user_id,
        created_at,
        last_seen_at=created_at,
        authenticated_at=created_at,
        expires_at=created_at + timedelta(days=30),
    )
    return replace(record, **fields)


class SessionStoreContract:
    """What `SessionStore` promises, as tests for yours.

    Inherit from it and give it a fixture that makes an empty store; pytest runs the rest::

        from flask_login.testing import SessionStoreContract


        class TestMyStore(SessionStoreContract):
            @pytest.fixture
            def store(self):
                return MyStore(...)

    The races need a store that several threads can use at once, and a real back end: a fake
    has no races to lose.

    .. versionadded:: 0.6.90
    """

    #: How many rounds the races run. More find more.
    rounds = 50

    @pytest.fixture
    def store(self) -> SessionStore:
        """Return an empty store."""
        raise NotImplementedError("say how to make an empty store")

    def test_a_record_comes_back_as_it_was_kept(self, store: SessionStore) -> None:
        full = a_record(
            user_id="user|ü,\u2028'\"",
            methods=frozenset({"pwd", "otp"}),
            idle_timeout=timedelta(minutes=15),
            ip_address="2001:db8::1",
            user_agent="Mozilla/5.0 (X11; Linux x86_64) ünïcode",
            external_id="sid-1",
            auth_hash="h" * 22,
            generation=3,
            renewed_at=NOW + MINUTE,
            remember_generation=2,
            remember_until=NOW + timedelta(days=365),
            remember_issued_at=NOW + MINUTE,
            restored=True,
            remember_first=2,
            absolute_timeout=timedelta(days=2, milliseconds=1),
            fresh_timeout=timedelta(0),
            arrived_number=2,
            entries=ENTRIES,
        )
        full = replace(full, arrived_at=NOW, previous_number=2, lost_from=3, session_first=3)
        sparse = replace(a_record(), authenticated_at=None)
        for record in (full, sparse):
            store.create(record)
            assert store.get(record.id) == record

    @pytest.mark.parametrize("session_id", ["", "unknown", "ü", "a" * 5000, "a b\r\n*{}:'\"\x00"])
    def test_an_unknown_id_is_none(self, store: SessionStore, session_id: str) -> None:
        store.create(a_record())
        assert store.get(session_id) is None
        assert store.get(session_id, seen_at=NOW) is None
        assert store.delete(session_id) is False

    def test_replace_keeps_the_next_version_only(self, store: SessionStore) -> None:
        first = _created(store)
        second = replace(first, generation=2, version=2)
        assert store.replace(second)
        assert not store.replace(replace(first, generation=9, version=2))
        assert not store.replace(replace(first, generation=9, version=9))
        assert store.get(first.id) == second

    def test_replace_keeps_other_entries_and_none(self, store: SessionStore) -> None:
        record = _created(store)
        for version, entries in enumerate((ENTRIES, "{}", None), start=2):
            record = replace(record, entries=entries, version=version)
            assert store.replace(record)
            assert _of(store, record) == record

    def test_a_record_that_is_gone_is_not_replaced(self, store: SessionStore) -> None:
        record = a_record()
        assert not store.replace(replace(record, version=2))
        assert store.get(record.id) is None

    def test_activity_moves_last_seen_once_an_interval(self, store: SessionStore) -> None:
        record = _created(store, entries=ENTRIES)
        store.get(record.id, seen_at=NOW + MINUTE / 2, interval=MINUTE)
        assert _of(store, record).last_seen_at == NOW
        store.get(record.id, seen_at=NOW + MINUTE, interval=MINUTE)
        assert _of(store, record) == replace(record, last_seen_at=NOW + MINUTE)

    def test_activity_never_goes_back(self, store: SessionStore) -> None:
        record = _created(store)
        store.get(record.id, seen_at=NOW + 2 * MINUTE)
        store.get(record.id, seen_at=NOW + MINUTE)
        assert _of(store, record).last_seen_at == NOW + 2 * MINUTE
        assert store.replace(replace(record, version=2))
        assert _of(store, record).last_seen_at == NOW + 2 * MINUTE

    def test_activity_does_not_revive_an_ended_record(self, store: SessionStore) -> None:
        record = _created(store)
        ended = records.end(record, records.REVOKED, NOW + 2 * MINUTE)
        assert store.replace(ended)
        for minutes in (1, 5):  # the clock of another machine may be behind
            store.get(record.id, seen_at=NOW + minutes * MINUTE)
            assert _of(store, record) == ended

    def test_activity_does_not_bring_back_a_login_whose_time_is_up(
        self, store: SessionStore
    ) -> None:
        idle = a_record(idle_timeout=MINUTE)
        old = a_record(expires_at=NOW + MINUTE)
        for record in (idle, old):
            store.create(record)
            store.get(record.id, seen_at=NOW + MINUTE)
            store.get(record.id, seen_at=NOW + 2 * MINUTE)
            assert _of(store, record) == record

    def test_activity_does_not_move_a_login_that_the_brake_ended(self, store: SessionStore) -> None:
        record = _created(store)
        store.end_all_before(NOW + MINUTE)
        store.get(record.id, seen_at=NOW + 2 * MINUTE)
        assert _of(store, record) == records.braked(record, NOW + MINUTE)

    def test_a_login_whose_time_is_up_is_still_known_for_a_day(self, store: SessionStore) -> None:
        old = _created(store, expires_at=NOW + MINUTE, external_id="sid-1")
        assert list(store.purge(NOW + MINUTE + records.TOMBSTONE)) == []
        assert _of(store, old) == old
        assert records.ended_because(old, NOW + MINUTE) == records.EXPIRED_ABSOLUTE
        assert store.list("ada") == store.list_external("sid-1") == [old]
        purged = sum(store.purge(NOW + 2 * MINUTE + records.TOMBSTONE))
        # A back end that expires records itself has nothing to purge.
        assert (store.get(old.id) is None) == bool(purged)

    def test_a_login_that_may_last_longer_than_before_is_kept_longer(
        self, store: SessionStore
    ) -> None:
        first = _created(store, expires_at=NOW + MINUTE)
        longer = replace(first, expires_at=NOW + timedelta(days=9), version=2)
        assert store.replace(longer)
        assert list(store.purge(NOW + timedelta(days=9))) == []
        assert _of(store, first) == longer

    def test_end_all_ends_one_user_s_live_records_but_one(self, store: SessionStore) -> None:
        kept, other = a_record(), a_record("bob")
        over = records.end(a_record(), records.LOGOUT, NOW)
        ended = [a_record(entries=entries) for entries in (None, "{}", ENTRIES)]
        for record in (kept, other, over, *ended):
            store.create(record)
        moment = NOW + MINUTE
        assert store.end_all("ada", records.REVOKED, moment, keep=kept.id) == 3
        assert store.end_all("ada", records.REVOKED, moment, keep=kept.id) == 0
        for record in ended:
            assert _of(store, record) == records.end(record, records.REVOKED, moment)
        for record in (kept, other, over):
            assert _of(store, record) == record

    @pytest.mark.parametrize("keep", ["unknown", "ü", "a" * 5000, "a b\r\n*{}:'\"\x00"])
    def test_end_all_but_an_unknown_record_ends_all(self, store: SessionStore, keep: str) -> None:
        record = _created(store)
        assert store.end_all("ada", records.REVOKED, NOW, keep=keep) == 1
        assert _of(store, record) == records.end(record, records.REVOKED, NOW)

    def test_end_all_leaves_what_the_brake_ended_as_it_is(self, store: SessionStore) -> None:
        before, after = a_record(), a_record(created_at=NOW + MINUTE)
        for record in (before, after):
            store.create(record)
        store.end_all_before(NOW + MINUTE)
        moment = NOW + 2 * MINUTE
        assert store.end_all("ada", records.LOGOUT, moment) == 1
        assert _of(store, before) == records.braked(before, NOW + MINUTE)
        assert _of(store, after) == records.end(after, records.LOGOUT, moment)

    def test_an_ended_login_is_kept_for_a_day(self, store: SessionStore) -> None:
        by_one, by_all = a_record(), a_record("bob")
        for record in (by_one, by_all):
            store.create(record)
        ended = records.end(by_one, records.LOGOUT, NOW)
        assert store.replace(ended)
        assert store.end_all("bob", records.REVOKED, NOW) == 1
        assert list(store.purge(NOW + records.TOMBSTONE)) == []
        assert _of(store, by_one) == ended
        purged = sum(store.purge(NOW + records.TOMBSTONE + MINUTE))
        assert purged in (0, 2)  # none in a back end that expires records itself
        assert len(store.list("ada")) == len(store.list("bob")) == (0 if purged else 1)

    def test_a_user_s_records_are_listed_newest_first(self, store: SessionStore) -> None:
        mine = [a_record(created_at=NOW + i * MINUTE) for i in range(3)]
        other = a_record("bob")
        for record in (mine[1], other, mine[0], mine[2]):
            store.create(record)
        assert [r.id for r in store.list("ada")] == [r.id for r in reversed(mine)]
        assert [r.id for r in store.list("bob")] == [other.id]
        assert store.list("nobody") == []

    def test_records_are_found_by_their_external_id(self, store: SessionStore) -> None:
        found = a_record(external_id="sid-1")
        for record in (found, a_record(external_id="sid-2"), a_record()):
            store.create(record)
        assert [r.id for r in store.list_external("sid-1")] == [found.id]
        assert store.list_external("sid-3") == []

    def test_a_deleted_record_is_gone_everywhere(self, store: SessionStore) -> None:
        record = _created(store, external_id="sid-1")
        assert store.delete(record.id)
        assert not store.delete(record.id)
        assert store.get(record.id) is None
        assert store.list("ada") == []
        assert store.list_external("sid-1") == []

    def test_delete_all_forgets_one_user_only(self, store: SessionStore) -> None:
        for record in (a_record(), a_record(), a_record("bob")):
            store.create(record)
        assert store.delete_all("ada") == 2
        assert store.delete_all("ada") == 0
        assert store.list("ada") == []
        assert len(store.list("bob")) == 1

    def test_every_login_from_before_a_moment_is_ended_by_one_write(
        self, store: SessionStore
    ) -> None:
        begun = NOW + MINUTE - timedelta(milliseconds=1)  # by as little as a store has to mind
        before = a_record(external_id="sid-1", created_at=begun)
        ended = records.end(a_record(), records.LOGOUT, NOW)
        for record in (before, ended):
            store.create(record)
        assert store.ended_before() is None
        store.end_all_before(NOW + MINUTE)
        store.end_all_before(NOW)
        assert store.ended_before() == NOW + MINUTE
        after = _created(store, created_at=NOW + MINUTE)
        kept = [_of(store, before), *store.list_external("sid-1")]
        assert kept == [records.braked(before, NOW + MINUTE)] * 2
        assert (kept[0].ended_reason, kept[0].ended_at) == (records.REVOKED, NOW + MINUTE)
        assert _of(store, after) == after
        assert _of(store, ended) == ended
        assert store.list("ada")[0] == after
        assert {r.id: r for r in store.list("ada")} == {r.id: r for r in (after, ended, kept[0])}

    def test_a_brake_that_can_be_lowered_is_lowered_and_never_raised_or_lost(
        self, store: SessionStore
    ) -> None:
        if isinstance(store, LoweringStore):
            assert not store.lower_brake(NOW)
            assert store.ended_before() is None
            before, after = _created(store), _created(store, created_at=NOW + MINUTE)
            store.end_all_before(NOW + 9 * MINUTE)
            store.end_all_before(NOW + 10 * MINUTE)
            assert _of(store, after).ended_reason == records.REVOKED
            assert not store.lower_brake(NOW + 11 * MINUTE)
            assert store.ended_before() == NOW + 10 * MINUTE
            assert [store.lower_brake(NOW + MINUTE) for _ in range(2)] == [True, False]
            assert store.ended_before() == NOW + MINUTE
            assert store.list("ada") == [after, records.braked(before, NOW + MINUTE)]
            store.get(after.id, seen_at=NOW + 2 * MINUTE)
            assert _of(store, after) == replace(after, last_seen_at=NOW + 2 * MINUTE)
            store.end_all_before(NOW + 2 * MINUTE)
            assert store.ended_before() == NOW + 2 * MINUTE

    def test_a_store_with_an_address_shows_no_secret_in_it(self, store: SessionStore) -> None:
        if isinstance(store, AddressedStore):
            address = store.address()
            assert address is None or (address and "@" not in address)

    def test_purge_forgets_what_is_due_in_batches(self, store: SessionStore) -> None:
        due = [a_record(expires_at=NOW + MINUTE) for _ in range(5)]
        live = a_record()
        ended = records.end(a_record(), records.LOGOUT, NOW + 3 * MINUTE)
        for record in (*due, live, ended):
            store.create(record)
        steps = list(store.purge(NOW + 2 * MINUTE + records.TOMBSTONE, batch=2))
        assert all(step <= 2 for step in steps)
        if steps:  # a back end that expires records itself has nothing to purge
            assert sum(steps) == 5
            assert all(store.get(record.id) is None for record in due)
        assert store.get(live.id) == live
        assert store.get(ended.id) == ended

    def test_an_id_that_new_id_did_not_make_is_kept_or_refused(self, store: SessionStore) -> None:
        for session_id in ("1", "x" * 33, records.new_id("bob"), "x" * 1000, "a b\n{}ü"):
            record = a_record(id=session_id)
            try:
                store.create(record)
            except ValueError:
                assert store.get(session_id) is None
            else:
                assert store.get(session_id) == record

    def test_ids_that_differ_in_case_are_two_logins(self, store: SessionStore) -> None:
        tag = records.user_tag("ada")
        lower, upper = a_record(id=f"{tag}{'a' * 22}"), a_record(id=f"{tag}{'A' * 22}")
        store.create(lower)
        assert store.get(upper.id) is None
        store.create(upper)
        assert _of(store, lower) == lower
        assert _of(store, upper) == upper

    def test_ping_answers_and_changes_nothing(self, store: SessionStore) -> None:
        record = _created(store)
        store.ping()
        assert store.list("ada") == [record]

    def test_a_store_that_tells_its_place_always_tells_the_same(self, store: SessionStore) -> None:
        if isinstance(store, LocatedStore):
            place = store.place()
            store.create(a_record())
            assert store.place() == place
            assert hash(store.place()) == hash(place)

    def test_a_store_that_may_evict_tells_its_policy_by_name(self, store: SessionStore) -> None:
        if isinstance(store, EvictingStore):
            policy = store.eviction_policy()
            assert policy is None or (isinstance(policy, str) and policy)

    def test_of_many_who_replace_one_version_one_succeeds(self, store: SessionStore) -> None:
        for _ in range(self.rounds):
            first = _created(store)
            store.get(first.id, seen_at=NOW + MINUTE)  # which each of them has to mind

            def act(number: int, record: LoginSession = first) -> bool:
                return store.replace(replace(record, generation=number, version=2))

            results = _at_once(16, act)
            assert results.count(True) == 1
            assert _of(store, first).generation == results.index(True)

    def test_an_end_survives_any_activity_at_the_same_moment(self, store: SessionStore) -> None:
        for _ in range(self.rounds):
            first = _created(store)

            def act(i: int, record: LoginSession = first) -> None:
                if i:
                    store.get(record.id, seen_at=NOW + i * MINUTE)
                    return
                # Somebody may be quicker: then again, on what is kept by then.
                assert any(
                    store.replace(records.end(_of(store, record), records.REVOKED, NOW))
                    for _ in range(100)
                )

            _at_once(8, act)
            assert _of(store, first).ended_reason == records.REVOKED


def _created(store: SessionStore, **fields: Any) -> LoginSession:
    record = a_record(**fields)
    store.create(record)
    return record


def _of(store: SessionStore, record: LoginSession) -> LoginSession:
    kept = store.get(record.id)
    assert kept is not None
    return kept


def _at_once(threads: int, act: Callable[[int], Any]) -> list[Any]:
    barrier = Barrier(threads)

    def run(number: int) -> Any:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(threads) as executor:
        return list(executor.map(run, range(threads)))
