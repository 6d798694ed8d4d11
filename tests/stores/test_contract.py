"""The contract in the hands of others: a store of theirs passes, a broken one is told why."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flask_login import MemorySessionStore
from flask_login.sessions.store import LoweringStore
from flask_login.testing import SessionStoreContract

STORE = """
from dataclasses import replace
from threading import Lock

from flask_login.sessions.records import braked, end, ended_because


class TheirStore:
    kind = "theirs"

    def __init__(self):
        self.lock = Lock()
        self.kept = {}
        self.moment = None

    def create(self, record):
        with self.lock:
            self.kept[record.id] = record

    def get(self, session_id, *, seen_at=None, interval=None):
        with self.lock:
            record = self.kept.get(session_id)
            if record is None:
                return None
            record = self.seen(record)
            if seen_at is not None and self.is_live(record, seen_at):
                if self.is_due(record, seen_at, interval):
                    self.kept[session_id] = replace(record, last_seen_at=seen_at)
            return record

    def seen(self, record):
        return braked(record, self.moment)

    def is_live(self, record, moment):
        return ended_because(record, moment) is None

    def is_due(self, record, moment, interval):
        age = moment - record.last_seen_at
        return age > moment - moment and (interval is None or age >= interval)

    def replace(self, record):
        with self.lock:
            kept = self.kept.get(record.id)
            if kept is None or not self.may_follow(kept, record):
                return False
            last_seen_at = max(kept.last_seen_at, record.last_seen_at)
            self.kept[record.id] = replace(self.written(kept, record), last_seen_at=last_seen_at)
            return True

    def written(self, kept, record):
        return record

    def may_follow(self, kept, record):
        return kept.version == record.version - 1

    def of(self, user_id):
        return [record for record in self.kept.values() if record.user_id == user_id]

    def list(self, user_id):
        found = [self.seen(record) for record in self.of(user_id)]
        return sorted(found, key=lambda record: record.created_at, reverse=True)

    def list_external(self, external_id):
        found = [r for r in self.kept.values() if r.external_id == external_id]
        return [self.seen(record) for record in found]

    def end_all(self, user_id, reason, moment, *, keep=""):
        live = [r for r in self.of(user_id) if r.id != keep and not self.has_ended(r)]
        for record in live:
            self.kept[record.id] = end(record, reason, moment)
        return len(live)

    def has_ended(self, record):
        return self.seen(record).ended_reason is not None

    def delete(self, session_id):
        return self.kept.pop(session_id, None) is not None

    def delete_all(self, user_id):
        return sum([self.delete(record.id) for record in self.of(user_id)])

    def purge(self, before, *, batch=1000):
        due = [r.id for r in self.kept.values() if self.purge_at(r) < before]
        for start in range(0, len(due), batch):
            yield sum([self.delete(found) for found in due[start : start + batch]])

    def purge_at(self, record):
        return record.purge_at

    def end_all_before(self, moment):
        self.moment = moment if self.moment is None else max(self.moment, moment)

    def lower_brake(self, moment):
        if self.moment is None or self.moment <= moment:
            return False
        self.moment = moment
        return True

    def address(self):
        return "theirs:1234"

    def ended_before(self):
        return self.moment

    def ping(self):
        pass

    def place(self):
        return "theirs", id(self)

    def eviction_policy(self):
        return None
"""

TESTS = """
from dataclasses import replace
from time import sleep

import pytest
from flask_login.testing import SessionStoreContract
from their_store import TheirStore


class TestTheirs(SessionStoreContract):
    @pytest.fixture
    def store(self):
        return TheirStore()


class Broken(SessionStoreContract):
    rounds = 20

    @pytest.fixture
    def store(self, monkeypatch):
        store = TheirStore()
        for name in vars(TheirStore):
            broken = getattr(type(self), name, None)
            if broken is not None and not name.startswith("__"):
                monkeypatch.setattr(store, name, broken)
        return store


class TestWithoutVersions(Broken):
    may_follow = staticmethod(lambda kept, record: True)


class TestThatForgetsEntries(Broken):
    seen = staticmethod(lambda record: replace(record, entries=None))


class TestThatKeepsTheFirstEntries(Broken):
    written = staticmethod(lambda kept, record: replace(record, entries=kept.entries))


class TestThatRevives(Broken):
    is_live = staticmethod(lambda record, moment: True)


class TestThatAlwaysTouches(Broken):
    is_due = staticmethod(lambda record, moment, interval: True)


class TestWithoutABrake(Broken):
    seen = staticmethod(lambda record: record)


class TestThatEndsTwice(Broken):
    has_ended = staticmethod(lambda record: record.ended_reason is not None)


class TestWithoutTombstones(Broken):
    purge_at = staticmethod(lambda record: record.ended_at or record.expires_at)


class TestThatIsNeverInOnePlace(Broken):
    place = staticmethod(object)


class TestWhosePolicyHasNoName(Broken):
    eviction_policy = staticmethod(lambda: 3)


class TestWhoseBrakeIsRaised(Broken):
    lower_brake = staticmethod(lambda moment: True)


class TestThatShowsItsPassword(Broken):
    address = staticmethod(lambda: "user:password@host")


class TestWithoutALock(SessionStoreContract):
    @pytest.fixture
    def store(self):
        class Slow(TheirStore):
            def replace(self, record):
                kept = self.kept.get(record.id)
                sleep(0.001)
                if kept is None or kept.version != record.version - 1:
                    return False
                self.kept[record.id] = record
                return True

        return Slow()
"""

# What each of them must fail; it may fail more.
EXPECTED = {
    "WithoutVersions": "test_replace_keeps_the_next_version_only",
    "ThatForgetsEntries": "test_a_record_comes_back_as_it_was_kept",
    "ThatKeepsTheFirstEntries": "test_replace_keeps_other_entries_and_none",
    "ThatRevives": "test_activity_does_not_revive_an_ended_record",
    "ThatAlwaysTouches": "test_activity_never_goes_back",
    "WithoutABrake": "test_every_login_from_before_a_moment_is_ended_by_one_write",
    "ThatEndsTwice": "test_end_all_leaves_what_the_brake_ended_as_it_is",
    "WithoutTombstones": "test_a_login_whose_time_is_up_is_still_known_for_a_day",
    "ThatIsNeverInOnePlace": "test_a_store_that_tells_its_place_always_tells_the_same",
    "WhosePolicyHasNoName": "test_a_store_that_may_evict_tells_its_policy_by_name",
    "WhoseBrakeIsRaised": "test_a_brake_that_can_be_lowered_is_lowered_and_never_raised_or_lost",
    "ThatShowsItsPassword": "test_a_store_with_an_address_shows_no_secret_in_it",
    "WithoutALock": "test_of_many_who_replace_one_version_one_succeeds",
}


@pytest.mark.slow
def test_a_third_party_s_store_runs_the_contract_and_a_broken_one_fails_it(tmp_path: Path) -> None:
    (tmp_path / "their_store.py").write_text(STORE)
    (tmp_path / "test_their_store.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider"]
    done = subprocess.run(  # noqa: S603  # this very Python, on files written above
        [*command, "--rootdir=.", "-c", "/dev/null", "-rA", "--tb=short", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    shown = done.stdout + done.stderr
    assert done.returncode == 1, shown
    told = re.findall(r"^(\w+) test_their_store\.py::Test(\w+)::(\w+)", shown, re.MULTILINE)
    theirs = {result for result, store, _ in told if store == "Theirs"}
    assert theirs == {"PASSED"}, shown
    failed = {(store, name) for result, store, name in told if result == "FAILED"}
    assert set(EXPECTED.items()) <= failed, shown
    assert {store for store, _ in failed} == set(EXPECTED)
    # The asserts of the contract tell the values, as those in a test file do.
    assert "assert 6 == 5" in shown
    assert "where 6 = sum([2, 2, 2])" in shown


def test_the_contract_needs_no_client_of_a_database() -> None:
    code = (
        "import sys, flask_login.testing as testing\n"
        "print(testing.SessionStoreContract.__module__)\n"
        "print([name for name in ('redis', 'sqlalchemy') if name in sys.modules])\n"
    )
    done = subprocess.run(  # noqa: S603  # this Python, on code written here
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "flask_login.sessions.contract\n[]\n"


def test_who_inherits_the_contract_and_makes_no_store_is_told_so() -> None:
    fixture: Any = SessionStoreContract.store
    with pytest.raises(NotImplementedError, match="say how to make an empty store"):
        fixture.__wrapped__(SessionStoreContract())


def test_a_store_that_cannot_lower_the_brake_keeps_the_contract() -> None:
    class Fixed(MemorySessionStore):
        lower_brake = None  # type: ignore[assignment]  # as a store that has no such method

    store = Fixed()
    assert not isinstance(store, LoweringStore)
    contract = SessionStoreContract()
    contract.test_a_brake_that_can_be_lowered_is_lowered_and_never_raised_or_lost(store)
    assert store.ended_before() is None
