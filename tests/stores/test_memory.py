"""The contract, on the memory store."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from tests.effort import part_of

from flask_login.sessions.contract import SessionStoreContract
from flask_login.sessions.memory import MemorySessionStore
from flask_login.sessions.store import SessionStore


class TestMemorySessionStore(SessionStoreContract):
    rounds = part_of(500)

    @pytest.fixture(autouse=True)
    def _threads_take_turns_often(self) -> Iterator[None]:
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        yield
        sys.setswitchinterval(interval)

    @pytest.fixture
    def store(self) -> SessionStore:
        return MemorySessionStore()


def test_a_memory_store_is_a_session_store() -> None:
    assert isinstance(MemorySessionStore(), SessionStore)
