"""An owner and a thief of one login, through the whole library, on every store for real.

Requests wait for their answers, answers come late, in any order or never, browsers are closed; the
thief has copied what outlives the browser, or all that a login cookie is, and plays it alone, or
keeps what comes back. So for a login in Flask's session and for one in a cookie of its own. The
rules alone are played in `test_rules`, months of them in ``benchmarks/rotation.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.effort import part_of
from tests.one_login import NOBODY, Jar, Site, take

from flask_login import MemorySessionStore
from flask_login.core.rotation import MOST_LOST
from flask_login.sessions import records
from flask_login.sessions.store import SessionStore

#: How long a request may wait for its answer, and an answer be on its way.
SERVICE, LATEST = timedelta(seconds=28), timedelta(seconds=29)
WAITS = [timedelta(seconds=seconds) for seconds in (0, 1, 12, 27, 31, 59, 91, 600, 90_000)]


@dataclass
class Flight:
    """A request on its way: what it carries, and what its answer sets."""

    cookies: Jar
    moment: Any
    answer: dict[str, str | None] | None = None


class Theft(RuleBasedStateMachine):
    """One login: its owner's browser, and a thief who may come."""

    store: SessionStore
    settings: dict[str, Any]

    @property
    def names(self) -> tuple[str, str]:
        """What outlives the browser, and what does not."""
        if self.settings.get("LOGIN_STATE") == "cookie":
            return "login", "login-marker"
        return "remember_token", "session"

    @initialize()
    def log_in(self) -> None:
        self.site = Site(self.store, self.settings)
        self.jar: Jar = {}
        self.flights: list[Flight] = []
        take(self.jar, self.site.ask({}, "/login")[1])
        self.copy: Jar = {}
        self.loot: Jar = {}
        #: Whether the thief has shown anything, and the newest number when it was copied.
        self.has_struck = False
        self.since = 0

    # The owner's browser

    @rule()
    def send(self) -> None:
        self.flights.append(Flight(dict(self.jar), self.site.clock()))

    @precondition(lambda self: self.flights)
    @rule(which=st.integers(0, 7))
    def answer(self, which: int) -> None:
        flight = self.flights[which % len(self.flights)]
        if flight.answer is None:
            who, flight.answer = self.site.ask(flight.cookies)
            flight.moment = self.site.clock()
            self.is_the_owner(who)
            if self.lost == MOST_LOST:
                self.arrive(which)  # five in a row were lost

    @precondition(lambda self: self.flights)
    @rule(which=st.integers(0, 7))
    def arrive(self, which: int) -> None:
        flight = self.flights.pop(which % len(self.flights))
        take(self.jar, flight.answer or {})

    @precondition(lambda self: self.flights)
    @rule(which=st.integers(0, 7))
    def lose(self, which: int) -> None:
        self.flights.pop(which % len(self.flights))

    @rule()
    def visit(self) -> None:
        who, told = self.site.ask(self.jar)
        self.is_the_owner(who)
        take(self.jar, told)

    @rule()
    def close(self) -> None:
        self.flights.clear()
        self.jar.pop(self.names[1], None)

    @rule(wait=st.sampled_from(WAITS))
    def wait(self, wait: timedelta) -> None:
        self.site.clock.advance(wait)
        now = self.site.clock()
        self.flights = [
            flight
            for flight in self.flights
            if now - flight.moment <= (SERVICE if flight.answer is None else LATEST)
        ]

    @property
    def lost(self) -> int:
        record = self.site.record
        return record.generation + 1 - record.lost_from

    def is_the_owner(self, who: str) -> None:
        assert self.has_struck or who == self.site.user, "an honest browser was turned away"

    # The thief

    @precondition(lambda self: self.names[0] in self.jar)
    @rule(whole=st.booleans())
    def steal(self, whole: bool) -> None:
        by_cookie = self.names[0] == "login"  # a session of before may stay unrenewed for days
        self.copy = {
            name: value
            for name, value in self.jar.items()
            if name == self.names[0] or (whole and by_cookie)
        }
        self.loot, self.since = dict(self.copy), self.site.record.generation

    @precondition(lambda self: self.copy)
    @rule()
    def show_the_copy_alone(self) -> None:
        self.has_struck = True
        self.site.ask(self.copy)

    @precondition(lambda self: self.copy)
    @rule()
    def come_with_all_that_was_got(self) -> None:
        self.has_struck = True
        take(self.loot, self.site.ask(self.loot)[1])

    # What holds at any time

    @invariant()
    def no_alarm_without_a_thief(self) -> None:
        ended = self.site.record.ended_reason
        assert ended in {None, records.TOKEN_REUSED}
        assert self.has_struck or ended is None
        assert self.site.alarms == ([] if ended is None else [self.site.record.id])

    def teardown(self) -> None:
        if not hasattr(self, "site") or not self.has_struck:
            return
        # The copy alone, once an hour: seven renewals, and it is over at the latest.
        for _ in range(MOST_LOST + 1):
            self.site.clock.advance(timedelta(hours=1))
            self.site.ask(self.copy)
        assert self.site.ask(self.copy)[0] == NOBODY
        assert self.site.record.ended_reason == records.TOKEN_REUSED
        assert (
            self.site.record.generation <= max(self.since, self.site.record.lost_from) + MOST_LOST
        )
        for jar in (self.jar, self.loot):
            assert self.site.ask(jar)[0] == NOBODY
        self.no_alarm_without_a_thief()


@pytest.mark.slow
@pytest.mark.parametrize("state", ["session", "cookie"])
def test_whatever_an_owner_and_a_thief_do_only_the_thief_rings_and_always_does(
    every_store: SessionStore, state: str
) -> None:
    known = {"store": every_store, "settings": {"LOGIN_STATE": state}}
    played = type("Played", (Theft,), known)
    examples = part_of(200 if isinstance(every_store, MemorySessionStore) else 40)
    run_state_machine_as_test(
        played, settings=settings(max_examples=examples, deadline=None, database=None)
    )
