"""The contract, on the memory store."""

from __future__ import annotations

import pytest

from flask_login.sessions import records
from flask_login.sessions.contract import MINUTE, NOW, SessionStoreContract, a_record
from flask_login.sessions.memory import MemorySessionStore
from flask_login.sessions.store import SessionStore


class TestMemorySessionStore(SessionStoreContract):
    @pytest.fixture
    def store(self) -> SessionStore:
        return MemorySessionStore()


def test_a_memory_store_is_a_session_store() -> None:
    assert isinstance(MemorySessionStore(), SessionStore)


def test_logins_that_the_brake_ended_are_not_ended_once_more() -> None:
    store = MemorySessionStore()
    record = a_record()
    store.create(record)
    store.end_all_before(NOW + MINUTE)
    assert store.end_all("ada", records.LOGOUT, NOW + 2 * MINUTE) == 0
    kept = store.get(record.id)
    assert kept is not None
    assert (kept.ended_reason, kept.ended_at) == (records.REVOKED, NOW + MINUTE)
