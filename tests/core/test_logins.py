"""Between a request and a store: credentials as text, and swaps that are begun again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from flask_login import LoginManager, LoginSession, MemorySessionStore
from flask_login.core import amending
from flask_login.core.logins import Credential, Presented, StoredLogins
from flask_login.core.starting import begin
from flask_login.sessions import records
from flask_login.sessions.contract import SessionStoreContract
from flask_login.testing import FrozenClock


class RivalledStore(MemorySessionStore):
    """A store in which somebody else is quicker, so many times."""

    rivals = 0

    def replace(self, record: LoginSession) -> bool:
        if self.rivals:
            self.rivals -= 1
            kept = self.get(record.id)
            assert kept is not None
            assert super().replace(replace(kept, version=kept.version + 1))
        return super().replace(record)


@pytest.fixture
def store() -> RivalledStore:
    return RivalledStore()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def logins(store: RivalledStore, clock: FrozenClock) -> Iterator[StoredLogins]:
    app = Flask(__name__)
    app.secret_key = "a key of thirty-two random bytes"
    app.testing = True
    manager = LoginManager(app, session_store=store, clock=clock)
    with app.test_request_context():
        yield manager._realm.require_store("a test")


@pytest.fixture
def begun(logins: StoredLogins) -> Presented:
    return begin(
        logins, "ada", fresh=True, methods=(), remember=timedelta(days=365), auth_hash=None
    )


def test_a_credential_is_read_as_it_was_written() -> None:
    credential = Credential("handle", "secret", 12)
    assert Credential.from_text(credential.to_text()) == credential


@pytest.mark.parametrize(
    "text",
    [None, 1, [], b"a.b.1", "", "..", "a.b", "a.b.", "a.b.x", "a.b.-1", "a.b.1.", "a.b.²", "a.b.١"],
)
def test_any_other_text_is_no_credential(text: object) -> None:
    assert Credential.from_text(text) is None


def test_a_number_of_any_length_is_no_error() -> None:
    text = f"a.b.{'9' * 5000}"
    assert Credential.from_text(text) is None


@pytest.mark.parametrize("rivals", [0, 1, 10])
def test_a_change_that_somebody_overtook_is_begun_again(
    logins: StoredLogins, store: RivalledStore, begun: Presented, clock: FrozenClock, rivals: int
) -> None:
    store.rivals = rivals
    ended = logins.end(begun.record.id, records.REVOKED)
    assert ended is not None
    assert ended.version == rivals + 2
    kept = store.get(begun.record.id)
    assert kept is not None
    assert kept.ended_reason == records.REVOKED


@pytest.mark.parametrize("rivals", [0, 1, 10])
def test_a_rotation_that_somebody_overtook_is_judged_again(
    logins: StoredLogins, store: RivalledStore, begun: Presented, clock: FrozenClock, rivals: int
) -> None:
    clock.advance(timedelta(hours=1))
    store.rivals = rivals
    read = logins.read_remember(logins.remember_text(begun, ""))
    assert isinstance(read, Presented)
    found = logins.take_remember(read)
    assert isinstance(found, Presented)
    assert (found.handed, found.number) == (True, 2)
    assert found.record.remember_generation == 2
    assert found.record == store.get(begun.record.id)


RENEWED = {"LOGIN_RENEW_INTERVAL": timedelta(minutes=15)}


@pytest.mark.parametrize("rivals", [0, 1, 10])
def test_a_renewal_that_somebody_overtook_is_judged_again(
    logins: StoredLogins, store: RivalledStore, begun: Presented, clock: FrozenClock, rivals: int
) -> None:
    clock.advance(timedelta(hours=1))
    found = logins.present_session(logins.session_text(begun), RENEWED)
    assert isinstance(found, Presented)
    assert found.due
    store.rivals = rivals
    taken = logins.take_session(found, RENEWED)
    assert isinstance(taken, Presented)
    assert (taken.number, taken.handed, taken.due) == (2, True, False)
    assert taken.record == store.get(begun.record.id)


def test_a_login_that_ended_or_went_meanwhile_is_not_renewed(
    logins: StoredLogins, store: RivalledStore, begun: Presented, clock: FrozenClock
) -> None:
    clock.advance(timedelta(hours=1))
    found = logins.present_session(logins.session_text(begun), RENEWED)
    assert isinstance(found, Presented)
    logins.end(begun.record.id, records.REVOKED)
    assert logins.take_session(found, RENEWED) == records.REVOKED
    store.delete(begun.record.id)
    assert logins.take_session(found, RENEWED) == records.UNKNOWN
    other = begin(logins, "ada", fresh=True, methods=(), remember=None, auth_hash=None)
    clock.advance(timedelta(hours=1))
    found = logins.present_session(logins.session_text(other), RENEWED)
    assert isinstance(found, Presented)
    store.rivals = 10**9
    with pytest.raises(RuntimeError, match="never lets a change through"):
        logins.take_session(found, RENEWED)


def test_a_renewal_moves_the_time_of_a_remember_token_only_where_that_is_due(
    logins: StoredLogins, begun: Presented, clock: FrozenClock
) -> None:
    both = {**RENEWED, "REMEMBER_COOKIE_REFRESH_EACH_REQUEST": True}
    clock.advance(timedelta(minutes=15))
    found = logins.present_session(logins.session_text(begun), both)
    assert isinstance(found, Presented)
    taken = logins.take_session(found, both)
    assert isinstance(taken, Presented)
    assert taken.record.remember_until == begun.record.remember_until


def test_a_store_that_never_lets_a_change_through_is_an_error_and_no_endless_loop(
    logins: StoredLogins, store: RivalledStore, begun: Presented, clock: FrozenClock
) -> None:
    clock.advance(timedelta(hours=1))
    store.rivals = 10**9
    with pytest.raises(RuntimeError, match="memory"):
        logins.end(begun.record.id, records.REVOKED)
    read = logins.read_remember(logins.remember_text(begun, ""))
    assert isinstance(read, Presented)
    with pytest.raises(RuntimeError, match="memory"):
        logins.take_remember(read)


def test_an_end_by_time_that_somebody_overtook_is_judged_again(
    logins: StoredLogins, store: RivalledStore, begun: Presented, clock: FrozenClock
) -> None:
    text = logins.session_text(begun)
    clock.advance(timedelta(days=400))
    store.rivals = 3
    assert logins.present_session(text, {}) == "expired_absolute"
    store.rivals = 10**9
    other = begin(logins, "ada", fresh=True, methods=(), remember=None, auth_hash=None)
    clock.advance(timedelta(days=400))
    with pytest.raises(RuntimeError, match="never lets a change through"):
        logins.present_session(logins.session_text(other), {})


def test_who_knows_the_handle_alone_neither_gets_in_nor_ends_the_login(
    logins: StoredLogins, store: RivalledStore, begun: Presented
) -> None:
    text = Credential(begun.record.id, "guessed", 1).to_text()
    assert logins.present_session(text, {}, activity=lambda: True) == records.UNKNOWN
    logins.end_shown(Credential(begun.record.id, "guessed", 1), records.LOGOUT)
    kept = store.get(begun.record.id)
    assert kept is not None
    assert kept.ended_reason is None
    logins.end_shown(Credential(begun.record.id, begun.secret, 1), records.LOGOUT)
    kept = store.get(begun.record.id)
    assert kept is not None
    assert kept.ended_reason == records.LOGOUT


def test_a_credential_of_no_login_ends_none(logins: StoredLogins, store: RivalledStore) -> None:
    logins.end_shown(Credential("a", "b", 1), records.LOGOUT)
    assert store.get("a") is None


def test_a_login_that_is_not_there_is_not_changed(logins: StoredLogins) -> None:
    assert logins.end("unknown", records.REVOKED) is None
    known = begin(logins, "7", fresh=True, methods=(), remember=None, auth_hash=None)
    record = replace(known.record, id="unknown")
    assert amending.confirm(logins, Presented(record, "", 1), (), None, None) is None


def test_an_end_that_the_store_never_heard_of_is_not_announced(
    logins: StoredLogins,
    store: RivalledStore,
    begun: Presented,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*args: object, **kwargs: object) -> int:
        raise ConnectionError

    caplog.set_level("INFO")
    monkeypatch.setattr(store, "end_all", refuse)
    with pytest.raises(ConnectionError):
        logins.end_all("ada", records.REVOKED)
    assert "login_session_ended" not in caplog.text


def test_the_tests_of_a_store_say_what_they_lack() -> None:
    fixture = SessionStoreContract.store
    make = getattr(fixture, "__wrapped__", fixture)
    with pytest.raises(NotImplementedError, match="empty store"):
        make(SessionStoreContract())


@pytest.mark.parametrize(
    ("name", "client"), [("RedisSessionStore", "redis"), ("SQLAlchemySessionStore", "sqlalchemy")]
)
def test_a_store_is_imported_with_its_client_when_it_is_asked_for(name: str, client: str) -> None:
    pytest.importorskip(client)
    from flask_login import sessions

    assert getattr(sessions, name).__name__ == name


def test_a_store_that_does_not_exist_is_not_there() -> None:
    from flask_login import sessions

    with pytest.raises(AttributeError, match="DiskSessionStore"):
        _ = sessions.DiskSessionStore


def test_a_process_forgets_when_logins_were_seen_and_not_that_they_go_on(
    logins: StoredLogins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_login.core.asking._KNOWN", 1)
    begun = [
        begin(logins, user, fresh=True, methods=(), remember=None, auth_hash=None)
        for user in ("ada", "ben", "cy")
    ]
    for text in [logins.session_text(login) for login in begun] * 2:
        assert isinstance(logins.present_session(text, {}, activity=lambda: True), Presented)
        assert len(logins.asked._seen) == 1


@pytest.mark.parametrize("rivals", [0, 1, 10])
def test_a_token_that_was_used_twice_ends_the_login_also_when_somebody_was_quicker(
    logins: StoredLogins, store: RivalledStore, begun: Presented, clock: FrozenClock, rivals: int
) -> None:
    stale = logins.remember_text(begun, "")
    for _ in range(2):
        clock.advance(timedelta(hours=1))
        read = logins.read_remember(logins.remember_text(begun, ""))
        assert isinstance(read, Presented)
        taken = logins.take_remember(read)
        assert isinstance(taken, Presented)
        begun = taken
    clock.advance(timedelta(hours=1))
    store.rivals = rivals
    assert logins.read_remember(stale) == records.TOKEN_REUSED


def test_a_store_that_never_lets_the_end_of_a_used_token_through_is_an_error(
    logins: StoredLogins, store: RivalledStore, begun: Presented, clock: FrozenClock
) -> None:
    clock.advance(timedelta(days=4000))
    store.rivals = 10**9
    with pytest.raises(RuntimeError, match="memory"):
        logins.read_remember(logins.remember_text(begun, ""))


# Clocks that were ahead


def begun_now(logins: StoredLogins) -> Presented:
    return begin(logins, "ada", fresh=True, methods=(), remember=None, auth_hash=None)


def test_two_logins_of_one_instant_began_one_after_the_other(logins: StoredLogins) -> None:
    first, second = begun_now(logins), begun_now(logins)
    assert first.record.created_at < second.record.created_at


def test_when_the_clock_is_put_back_new_logins_begin_by_it(
    logins: StoredLogins, clock: FrozenClock
) -> None:
    clock.advance(timedelta(hours=1))
    begun_now(logins)
    clock.advance(timedelta(hours=-1))
    assert begun_now(logins).record.created_at == clock()


def test_a_clock_that_is_put_back_by_less_than_a_second_leaves_the_logins_in_their_order(
    logins: StoredLogins, clock: FrozenClock
) -> None:
    first = begun_now(logins)
    clock.advance(timedelta(milliseconds=-900))
    assert first.record.created_at < begun_now(logins).record.created_at


def test_the_moment_after_all_falls_back_with_the_clock_too(
    logins: StoredLogins, clock: FrozenClock
) -> None:
    clock.advance(timedelta(hours=1))
    begun_now(logins)
    clock.advance(timedelta(hours=-1))
    moment = logins.moment_after_all(clock())
    assert clock() < moment < clock() + timedelta(seconds=1)
    assert moment < begun_now(logins).record.created_at
    assert moment < logins.moment_after_all(clock())


def test_an_end_of_a_login_from_a_clock_that_was_ahead_is_judged_again_if_overtaken(
    logins: StoredLogins, store: RivalledStore, clock: FrozenClock
) -> None:
    clock.advance(timedelta(hours=1))
    ahead = begun_now(logins)
    clock.advance(timedelta(hours=-1))
    store.end_all_before(clock())
    store.rivals = 3
    assert logins.present_session(logins.session_text(ahead), {}) == records.REVOKED
    kept = store.get(ahead.record.id)
    assert kept is not None
    assert (kept.ended_reason, kept.ended_at) == (records.REVOKED, clock())
