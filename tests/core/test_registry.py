"""What an application calls: list logins, and end them, in a request and outside of one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask

from flask_login import (
    ConfigurationError,
    LoginManager,
    LoginSession,
    MemorySessionStore,
    SessionRegistry,
    login_session_ended,
)
from flask_login.sessions import records
from flask_login.sessions.contract import NOW, a_record
from flask_login.testing import FrozenClock

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def store() -> MemorySessionStore:
    return MemorySessionStore()


@pytest.fixture
def registry(store: MemorySessionStore, clock: FrozenClock) -> Iterator[SessionRegistry]:
    app = Flask(__name__)
    app.testing = True
    manager: LoginManager[Any] = LoginManager(app, session_store=store, clock=clock)
    with app.app_context():
        yield manager.sessions


def kept(store: MemorySessionStore, **fields: Any) -> LoginSession:
    record = a_record(**fields)
    store.create(record)
    return record


def over(store: MemorySessionStore) -> list[LoginSession]:
    """Keep one login for each way to be over, and return them."""
    logins = [
        kept(store, idle_timeout=MINUTE, created_at=NOW - MINUTE),
        kept(store, expires_at=NOW),
        records.end(a_record(), records.LOGOUT, NOW),
    ]
    store.create(logins[-1])
    return logins


def reason_of(registry: SessionRegistry, record: LoginSession) -> str | None:
    found = registry.get(record.id)
    assert found is not None
    return found.ended_reason


def test_the_live_logins_of_a_user_are_listed_newest_first(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    over(store)
    kept(store, user_id="bob")
    old = kept(store, created_at=NOW - MINUTE)
    new = kept(store)
    assert registry.list("ada") == [new, old]
    assert registry.list("nobody") == []


def test_a_login_that_ended_can_still_be_looked_at(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    record = kept(store)
    assert registry.revoke(record.id)
    assert reason_of(registry, record) == records.REVOKED
    assert registry.get("unknown") is None


def test_a_login_is_revoked_once(registry: SessionRegistry, store: MemorySessionStore) -> None:
    record = kept(store)
    assert registry.revoke(record.id) is True
    assert registry.revoke(record.id) is False
    assert registry.revoke("unknown") is False


def test_a_login_that_is_over_by_itself_was_not_live_to_be_revoked(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    assert [registry.revoke(record.id) for record in over(store)] == [False] * 3


def test_all_logins_of_a_user_are_revoked_and_only_the_live_ones_counted(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    over(store)
    mine = [kept(store), kept(store)]
    other = kept(store, user_id="bob")
    assert registry.revoke_all("ada") == 2
    assert registry.revoke_all("ada") == 0
    assert {reason_of(registry, record) for record in mine} == {records.REVOKED}
    assert reason_of(registry, other) is None


def test_the_logins_of_a_user_are_ended_for_a_reason_but_one(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    one, two = kept(store), kept(store)
    assert registry.end_all("ada", records.CREDENTIALS_CHANGED, keep=one.id) == 1
    assert reason_of(registry, one) is None
    assert reason_of(registry, two) == records.CREDENTIALS_CHANGED


def test_every_ended_login_is_announced(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    ids = {kept(store).id, kept(store).id}
    over(store)
    seen: list[LoginSession] = []

    def receive(sender: Any, login: LoginSession, reason: str) -> None:
        assert reason == records.REVOKED
        seen.append(login)

    with login_session_ended.connected_to(receive):
        registry.revoke_all("ada")
    assert {login.id for login in seen} == ids
    assert {login.ended_at for login in seen} == {NOW}


def test_back_channel_logout_ends_the_logins_of_one_external_id(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    meant = [kept(store, external_id="sid-1"), kept(store, user_id="bob", external_id="sid-1")]
    other = kept(store, external_id="sid-2")
    assert registry.revoke_external("sid-1") == 2
    assert registry.revoke_external("sid-1") == 0
    assert {reason_of(registry, record) for record in meant} == {records.REVOKED}
    assert reason_of(registry, other) is None


def test_everybody_s_logins_from_before_a_moment_are_ended(
    registry: SessionRegistry, store: MemorySessionStore, clock: FrozenClock
) -> None:
    old, new = kept(store, created_at=NOW - MINUTE), kept(store, user_id="bob")
    registry.revoke_everyone(since=NOW)
    assert [reason_of(registry, record) for record in (old, new)] == [records.REVOKED, None]
    clock.advance(MINUTE)
    registry.revoke_everyone()
    assert reason_of(registry, new) == records.REVOKED
    assert registry.list("bob") == []


def test_everybody_s_logins_of_this_very_instant_are_ended_too(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    record = kept(store)
    assert record.created_at == NOW
    registry.revoke_everyone()
    assert reason_of(registry, record) == records.REVOKED


def test_a_moment_in_another_zone_is_the_same_moment(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    record = kept(store)
    registry.revoke_everyone(since=NOW.astimezone(timezone(timedelta(hours=5))))
    assert reason_of(registry, record) is None


def test_a_moment_without_a_zone_is_refused_before_it_breaks_every_request(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    record = kept(store)
    with pytest.raises(ValueError, match="since"):
        registry.revoke_everyone(since=datetime(2026, 1, 1))  # noqa: DTZ001  # the mistake meant
    assert reason_of(registry, record) is None


def test_a_moment_in_the_future_is_refused(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    record = kept(store)
    with pytest.raises(ConfigurationError, match="a moment that has passed"):
        registry.revoke_everyone(since=NOW + MINUTE)
    assert reason_of(registry, record) is None


def test_a_user_s_own_login_is_revoked_and_no_other_s(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    record = kept(store, user_id="7")
    assert registry.revoke(record.id, user_id="8") is False
    assert reason_of(registry, record) is None
    assert registry.revoke(record.id, user_id=None) is False, "nobody's get_id()"
    assert registry.revoke(record.id, user_id="") is False
    assert registry.revoke(record.id, user_id=7) is True  # type: ignore[arg-type]  # as models have it


@pytest.mark.parametrize("external_id", [None, ""])
def test_no_external_id_names_no_login(
    registry: SessionRegistry, store: MemorySessionStore, external_id: Any
) -> None:
    record = kept(store)
    with pytest.raises(ConfigurationError, match="external_id"):
        registry.revoke_external(external_id)
    assert reason_of(registry, record) is None


def test_a_number_names_the_user_as_its_text_does(
    registry: SessionRegistry, store: MemorySessionStore
) -> None:
    record = kept(store, user_id="7")
    number: Any = 7
    assert registry.list(number) == [record]
    assert registry.revoke_all(number) == 1


def test_only_a_request_has_a_current_login_to_keep(registry: SessionRegistry) -> None:
    with pytest.raises(RuntimeError, match="request context"):
        registry.revoke_all("ada", keep_current=True)


def test_purge_tells_how_many_each_step_forgot(
    registry: SessionRegistry, store: MemorySessionStore, clock: FrozenClock
) -> None:
    for _ in range(5):
        kept(store, expires_at=NOW + MINUTE)
    live = kept(store)
    clock.advance(2 * MINUTE)
    assert list(registry.purge(batch=2)) == [], "their end can still be told"
    clock.advance(records.TOMBSTONE)
    assert list(registry.purge(batch=2)) == [2, 2, 1]
    assert registry.list("ada") == [live]
    assert list(registry.purge()) == []


def test_the_store_is_asked_for_a_sign_of_life(registry: SessionRegistry) -> None:
    registry.ping()
