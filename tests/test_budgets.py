"""Counting: whatever order the steps of parallel attempts come in, no more than the limit pass."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("limits", minversion="3.0")

from limits.storage import MemcachedStorage, MemoryStorage

from flask_login.budgets import (
    AccountBudget,
    Budget,
    Counters,
    Limit,
    network_of,
    parse,
    plain_name,
)
from flask_login.testing import FrozenClock

DAY = 86_400


class InSteps(MemoryStorage):
    """A storage that does the steps of several threads in an order that is given."""

    STORAGE_SCHEME = ["in-steps"]  # noqa: RUF012  # as the library has it

    def __init__(self) -> None:
        super().__init__()
        self._turns: dict[int, threading.Semaphore] = {}
        self._arrived = threading.Semaphore(0)

    def get(self, key: str) -> int:
        self._wait()
        return self.storage[key]

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        self._wait()
        self.storage[key] += amount
        return self.storage[key]

    def _wait(self) -> None:
        turn = self._turns.get(threading.get_ident())
        if turn is not None:
            self._arrived.release()
            turn.acquire()

    def run(self, works: list[Callable[[], object]], order: list[int]) -> None:
        """Do all of the works, and their steps in that order; what it does not name comes last."""
        ends: set[int] = set()
        turns: list[threading.Semaphore] = []

        def do(number: int) -> None:
            self._turns[threading.get_ident()] = turns[number]
            works[number]()
            ends.add(number)
            self._arrived.release()

        for number in range(len(works)):
            turns.append(threading.Semaphore(0))
            threading.Thread(target=do, args=(number,)).start()
            self._arrived.acquire()
        queue = list(order)
        while len(ends) < len(works):
            waiting = [number for number in range(len(works)) if number not in ends]
            chosen = waiting[queue.pop(0) % len(waiting)] if queue else waiting[0]
            turns[chosen].release()
            self._arrived.acquire()


def budget(storage: MemoryStorage, limit: Limit, *, after: int = 0) -> Budget:
    counters = Counters(storage)
    if isinstance(storage, InSteps):
        counters._lock = nullcontext()
    return Budget(counters, "key", limit, FrozenClock()() + timedelta(seconds=after))


@given(st.integers(1, 4), st.integers(1, 6), st.lists(st.integers(0, 5), max_size=30))
def test_attack_no_order_of_the_steps_of_parallel_attempts_lets_more_pass_than_the_limit(
    limit: int, attempts: int, order: list[int]
) -> None:
    storage, passed = InSteps(), []
    counted = budget(storage, Limit(900, limit))
    storage.run([lambda: passed.append(counted.take())] * attempts, order)
    assert passed.count(True) == min(limit, attempts)
    assert [counted.take() for _ in range(limit)].count(True) == max(limit - attempts, 0)


@given(st.integers(0, 3), st.lists(st.integers(0, 5), max_size=40))
def test_attack_no_order_of_the_steps_of_parallel_logins_gives_more_back_than_was_theirs(
    others: int, order: list[int]
) -> None:
    storage = InSteps()
    counted = budget(storage, Limit(900, 10))
    for _ in range(others):
        assert counted.take()
        counted.note("alice")

    def log_in() -> None:
        assert counted.take()
        counted.note("Alice")
        counted.forgive("Alice")

    storage.run([log_in] * 4, order)
    left = [counted.take() for _ in range(20)].count(True)
    assert left <= 10 - others
    # What a login misses because another one took place just then stays counted: at most itself.
    assert left >= 10 - others - 3


def account(storage: MemoryStorage, limit: Limit, name: str) -> AccountBudget:
    counters = Counters(storage)
    if isinstance(storage, InSteps):
        counters._lock = nullcontext()
    return AccountBudget(counters, "key", limit, FrozenClock()(), name)


@given(st.integers(1, 4), st.integers(1, 6), st.lists(st.integers(0, 5), max_size=40))
def test_attack_no_order_of_the_steps_of_attempts_by_many_names_lets_more_pass_than_the_limit(
    limit: int, attempts: int, order: list[int]
) -> None:
    storage, passed = InSteps(), []

    def tries(name: int) -> Callable[[], object]:
        return lambda: passed.append(account(storage, Limit(900, limit), str(name)).take())

    storage.run([tries(name) for name in range(attempts)], order)
    assert passed.count(True) == min(limit, attempts)
    later = [account(storage, Limit(900, limit), f"later {n}").take() for n in range(limit)]
    assert later.count(True) == max(limit - attempts, 0)


@given(st.integers(1, 6), st.lists(st.integers(0, 5), max_size=40))
def test_no_order_of_the_steps_of_attempts_by_one_name_tells_that_there_is_an_account(
    attempts: int, order: list[int]
) -> None:
    storage, passed = InSteps(), []

    def tries() -> None:
        passed.append(account(storage, Limit(900, 1), "ann").take())

    storage.run([tries] * attempts, order)
    assert passed == [True] * attempts, "what the name's own budget lets pass, this one does"
    assert not account(storage, Limit(900, 1), "another").take()
    assert account(storage, Limit(900, 1), "ann").take(), "what was refused counts nowhere"


def test_the_windows_of_a_key_follow_each_other_without_gaps() -> None:
    storage, limit = MemoryStorage(), Limit(900, 1)
    taken = [after for after in range(0, 3600, 10) if budget(storage, limit, after=after).take()]
    assert len(taken) == 5, "four windows' worth of time touches five"
    assert {b - a for a, b in pairwise(taken[1:])} == {900}
    for after in range(0, 900, 100):
        left = budget(storage, limit, after=after).left
        assert 1 <= left <= 900
        assert budget(storage, limit, after=after + left).left == 900


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        (None, ()),
        ("10 per 15 minutes", (Limit(900, 10),)),
        ("100/day;5/minute", (Limit(60, 5), Limit(DAY, 100))),
        ("1 per hour, 1 per 60 minutes", (Limit(3600, 1),)),
    ],
)
def test_limits_are_tried_from_the_shortest_to_the_longest(
    text: str | None, limits: tuple[Limit, ...]
) -> None:
    assert parse("per_account", text) == limits


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:C000:0201", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
    ],
)
def test_an_address_is_counted_in_one_form(address: str, counted: str) -> None:
    assert network_of(address) == counted


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("Ångström", "angstrom"),
        ("ﬁ", "fi"),
        ("ΣΑΣ", "σασ"),
        ("σας", "σασ"),
        ("\u1e9e", "ss"),
        ("Łódź đħø", "lodz dho"),
        ("œuvre", "oeuvre"),
        ("\u0131\u0142", "il"),
        ("a\u0488b", "ab"),
        ("\u0363nn", "ann"),
        ("٤\u0966\u2783", "404"),
        ("½", "1\u20442"),
        ("十", "十"),
        ("\U00010110", "\U00010110"),
        ("\u01be", "\u01be"),
        ("田中", "田中"),
        ("\ud800", "\ud800"),
        ("", ""),
    ],
)
def test_names_that_a_database_may_take_for_one_are_one(name: str, plain: str) -> None:
    assert plain_name(name) == plain
    assert plain_name(plain) == plain


def test_a_count_is_not_kept_longer_in_memcached_than_it_can(clock: FrozenClock) -> None:
    kept = []

    class Fake(MemcachedStorage):
        STORAGE_SCHEME = ["fake-memcached"]  # noqa: RUF012  # as the library has it

        def __init__(self) -> None:
            self.wrap_exceptions = False

        def get(self, key: str) -> int:
            return 0

        def incr(self, key: str, expiry: float, amount: int = 1, _: bool = True) -> int:
            kept.append(expiry)
            return amount

    for limit in (Limit(900, 10), Limit(1000 * 360 * DAY, 100)):
        assert Budget(Counters(Fake()), "key", limit, clock()).take()
    assert 60 < kept[0] <= 960
    assert kept[1] == 30 * DAY, "a longer time would be taken for a date, long past"
