"""Months of browsers and thieves against the rules of `flask_login.core.rotation`: who is found?

    python -m benchmarks.rotation [HOW_MANY]

writes `results/rotation.md`: honest browsers, none of which may be taken for a thief, and thieves,
each of whom has to be. Events have a time of their own, so that a month takes a tenth of a second.
"""

from __future__ import annotations

import heapq
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from flask_login.core import rotation
from flask_login.core.rotation import MOST_LOST, Step
from flask_login.sessions.records import LoginSession

RESULTS = Path(__file__).parent / "results/rotation.md"
BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
YEARS = timedelta(days=3650)
#: How often a request confirms the login.
CONFIRMS = 0.01
#: Of those that renew their credentials.
INTERVAL = timedelta(minutes=15)


def a_login(*, remembered: bool) -> LoginSession:
    """Return the record of a login that begins."""
    return LoginSession(
        id="handle",
        secret_hash="",
        user_id="ada",
        created_at=BEGIN,
        last_seen_at=BEGIN,
        authenticated_at=BEGIN,
        expires_at=BEGIN + YEARS,
        remember_generation=int(remembered),
        remember_until=BEGIN + YEARS if remembered else None,
        remember_issued_at=BEGIN if remembered else None,
    )


@dataclass
class Site:
    """A record, and what is noted of it. Times are seconds since the login."""

    record: LoginSession
    interval: timedelta | None
    now: float = 0.0
    events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = field(
        default_factory=list
    )
    planned: int = 0
    requests: int = 0
    #: Who showed the credential that ended the login, and when.
    ended: tuple[str, float] | None = None

    def at(self, time: float, act: Callable[..., None], *args: Any) -> None:
        """Plan an event."""
        self.planned += 1  # of two at one time the one that was planned first
        heapq.heappush(self.events, (time, self.planned, act, args))

    def run(self, days: float) -> None:
        """Have everything happen until so many days are over, or the login is."""
        while self.events and self.ended is None and self.events[0][0] <= days * DAY:
            self.now, _, act, args = heapq.heappop(self.events)
            act(*args)

    def judge(self, who: str, session: int | None, token: int | None) -> Step | None:
        """Do what the server does with one request; None where it is nobody's."""
        self.requests += 1
        moment, step = BEGIN + timedelta(seconds=self.now), None
        if session is not None:
            options: dict[str, Any] = {"token": token, "interval": self.interval}
            step = rotation.present_session(self.record, session, moment, **options)
        if (step is None or step.refused is not None) and token is not None:
            known = self.record if step is None else step.record
            step = rotation.present_remember(known, token, moment)
        if step is None:
            return None
        if step.record.ended_reason is not None:
            self.ended = who, self.now
        self.record = step.record
        return step

    @property
    def lost(self) -> int:
        """How many numbers in a row are on their way, or lost."""
        return self.record.generation + 1 - self.record.lost_from


class Owner:
    """A browser: bursts of parallel requests, slow and lost answers in any order, restarts."""

    def __init__(self, site: Site, chance: random.Random, world: World) -> None:
        self.site, self.chance, self.world = site, chance, world
        self.session: int | None = 1
        self.token: int | None = 1 if world.remembered else None
        self.starts = 0
        self.is_unlucky = self.is_out = False
        site.at(chance.uniform(0, HOUR), self.visit)

    def visit(self) -> None:
        """Open some pages, and plan the next visit."""
        chance, site = self.chance, self.site
        if self.world.restarts and chance.random() < 0.5:
            # What is on its way is lost with the browser that waited for it.
            self.session, self.starts = None, self.starts + 1
        self.is_unlucky = self.world.loses and chance.random() < 0.4
        time = site.now
        for _ in range(chance.randint(1, 10)):
            for _ in range(chance.randint(1, 8)):
                site.at(time + chance.uniform(0, 1), self.send)
            time += chance.choice([1, 4, 25, 45, 75, 240, 1100]) * chance.uniform(0.5, 1.5)
        pause = chance.choice([45, 2 * MINUTE, HOUR, DAY]) * chance.uniform(0.5, 1.5)
        site.at(time + pause, self.visit)

    def send(self) -> None:
        """Send a request, which may have to wait."""
        wait = self.chance.uniform(0, self.chance.choice([0.1, 28]))
        self.site.at(self.site.now + wait, self.serve, self.session, self.token, self.starts)

    def serve(self, session: int | None, token: int | None, starts: int) -> None:
        """Answer a request; the answer may be lost."""
        step = self.site.judge("owner", session, token)
        if step is None or step.refused is not None:
            self.is_out = True
            return
        number = step.handed
        if self.world.remembered and self.chance.random() < CONFIRMS:
            now = BEGIN + timedelta(seconds=self.site.now)
            record = rotation.confirm(step.record, now, YEARS, (), None)
            shown = number or max(session or 0, token or 0)
            self.site.record, number = record, rotation.number_after(record, shown, now)
        # Of the numbers that the login issues, five in a row may be lost.
        unlucky = 0.97 if self.is_unlucky else 0.1 if self.world.loses else 0.0
        if self.site.lost < MOST_LOST and self.chance.random() < unlucky:
            return
        is_new = number is not None
        if number is None and self.world.puts_back and session and self.chance.random() < 0.1:
            number = session  # the view writes into the session of the request
        if number is not None:
            arrival = self.site.now + self.chance.uniform(0, self.world.late)
            # A remember cookie is set only where the browser has another one.
            both = token is not None and is_new and number != token
            self.site.at(arrival, self.arrive, number, both, starts)

    def arrive(self, number: int, both: bool, starts: int) -> None:
        """Keep what an answer sets, unless the browser that waited for it was closed."""
        if starts == self.starts:
            self.session = number
            self.token = number if both else self.token


@dataclass
class World:
    """What happens to the browsers of a row."""

    name: str
    remembered: bool = True
    interval: timedelta | None = None
    restarts: bool = True
    loses: bool = True
    late: float = 29.0
    puts_back: bool = False


class Thief:
    """Has copied the owner's remember token once, and shows it in a rhythm.

    :param keeps: whether the answers are kept, which is the best play; else the copy is all.
    """

    def __init__(self, site: Site, owner: Owner, rhythm: float, *, keeps: bool) -> None:
        self.site, self.owner, self.rhythm, self.keeps = site, owner, rhythm, keeps
        self.session: int | None = None
        self.token: int | None = None
        self.first = self.admitted = 0.0
        self.windows = 0
        site.at(5 * DAY, self.steal)

    def steal(self) -> None:
        """Copy the token, and plan the first use."""
        self.token = self.owner.token
        self.site.at(self.site.now + self.owner.chance.uniform(0, self.rhythm), self.strike)

    def strike(self) -> None:
        """Use it, and plan the next use."""
        site = self.site
        before = site.record.generation
        step = site.judge("thief", self.session if self.keeps else None, self.token)
        if step is not None and step.refused is None:
            self.first = self.first or site.now
            self.admitted += 1
            self.windows += step.record.generation - before
            if self.keeps and step.handed is not None:
                self.session = self.token = step.handed
        wait = self.rhythm * self.owner.chance.uniform(0.5, 1.5)
        site.at(site.now + wait, self.strike)


def honest(world: World, many: int) -> tuple[int, int, int, int]:
    """Return how many of so many browsers rang and were out, their requests and numbers."""
    alarms = out = requests = numbers = 0
    for seed in range(many):
        site = Site(a_login(remembered=world.remembered), world.interval)
        owner = Owner(site, random.Random(seed), world)  # no secret
        site.run(30)
        alarms += site.ended is not None
        out += owner.is_out
        requests += site.requests
        numbers += site.record.generation
    return alarms, out, requests, numbers


@dataclass
class Found:
    """What became of some thieves."""

    thieves: int = 0
    caught: int = 0
    by_owner: int = 0
    most_windows: int = 0
    hours: list[float] = field(default_factory=list)


def thieves(rhythms: tuple[float, ...], many: int, *, keeps: bool, owner_comes: bool) -> Found:
    """Return what became of so many thieves of each rhythm."""
    found = Found()
    for rhythm in rhythms:
        for seed in range(many):
            site = Site(a_login(remembered=True), INTERVAL)
            owner = Owner(site, random.Random(seed), World("", interval=INTERVAL))
            thief = Thief(site, owner, rhythm, keeps=keeps)
            site.run(5.001)
            if not owner_comes:
                site.events = [event for event in site.events if event[2] == thief.strike]
            site.run(5 + max(40, 20 * rhythm / DAY))
            found.thieves += 1
            found.most_windows = max(found.most_windows, thief.windows)
            if site.ended is not None:
                found.caught += 1
                found.by_owner += site.ended[0] == "owner"
                found.hours.append((site.ended[1] - (thief.first or site.ended[1])) / HOUR)
    return found


WORLDS = (
    World("remembered"),
    World("remembered, renewed every 15 minutes", interval=INTERVAL),
    World("remembered, slow answers put the session back", puts_back=True),
    World(
        "remembered, renewed, slow answers put the session back",
        interval=INTERVAL,
        puts_back=True,
    ),
    World("not remembered, renewed", remembered=False, interval=INTERVAL, restarts=False),
    World(
        "not remembered, renewed, slow answers put the session back",
        remembered=False,
        interval=INTERVAL,
        restarts=False,
        puts_back=True,
    ),
    World("remembered, answers up to 100 s late", late=100),
    World("remembered, answers up to 300 s late", late=300),
)
RHYTHMS = (1.0, 10.0, 45.0, 61.0, 5 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY)


def report(many: int) -> Iterator[str]:
    """Yield the lines of the tables."""
    yield f"{many} browsers of 30 days each: up to eight parallel requests, up to 28 s of service,"
    yield "answers up to 29 s late in any order, up to five numbers in a row lost, restarts, and of"
    yield "those that are remembered `confirm_login` in one of a hundred requests:"
    yield ""
    yield "| honest browsers | taken for a thief | turned away | requests | numbers issued |"
    yield "| --- | --- | --- | --- | --- |"
    for world in WORLDS:
        alarms, out, requests, numbers = honest(world, many)
        yield f"| {world.name} | {alarms} | {out} | {requests:,} | {numbers:,} |"
        print(world.name, alarms, out, flush=True)
    yield ""
    yield "Thieves who copied the remember token once, in rhythms of one second to seven days:"
    yield ""
    yield "| thief | caught | by the owner | numbers issued, most | hours, median and most |"
    yield "| --- | --- | --- | --- | --- |"
    for name, keeps, comes, rhythms in (
        ("shows the copy alone, the owner never comes", False, False, RHYTHMS),
        ("shows the copy alone, the owner browses", False, True, RHYTHMS[1:]),
        ("keeps every answer, the owner browses", True, True, RHYTHMS[1:]),
    ):
        found = thieves(rhythms, max(1, many // 10), keeps=keeps, owner_comes=comes)
        median, most = statistics.median(found.hours), max(found.hours)
        yield (
            f"| {name} | {found.caught} of {found.thieves} | {found.by_owner} |"
            f" {found.most_windows} | {median:.1f}, {most:.1f} |"
        )
        print(name, found.caught, found.thieves, flush=True)


def main() -> None:
    """Write the tables."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    RESULTS.write_text("\n".join(report(many)) + "\n", encoding="utf-8")
    print(f"Written to {RESULTS}")


if __name__ == "__main__":
    main()
