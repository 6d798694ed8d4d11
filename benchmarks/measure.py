"""Rounds: every variant takes its turn in every round, so that whatever disturbs one disturbs all.

A figure is *added cost*: what a request costs beyond the same request to an application whose
view does nothing, made in the same process right before or after.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pyperf

from .environments import Worker

#: How long one turn lasts, in nanoseconds.
TURN = 12_000_000
#: How often a variant and the bare application change places in one round. The best turn counts:
#: what is slower was disturbed.
TURNS = 5


@dataclass(frozen=True)
class Subject:
    """One variant in one case."""

    environment: str
    variant: str
    case: str


@dataclass
class Series:
    """What the rounds found for one subject, in nanoseconds for each request."""

    times: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def each(self) -> list[float]:
        """The added cost in each round."""
        return [time - bare for time, bare in zip(self.times, self.bare, strict=True)]

    @property
    def added(self) -> float:
        """The added cost: the median of the rounds."""
        return median(self.each)

    @property
    def spread(self) -> float:
        """The median deviation of the added cost from its median."""
        middle = self.added
        return median(abs(one - middle) for one in self.each)

    @property
    def floor(self) -> float:
        """The added cost by the best of all turns: for a machine that does other things too."""
        return min(self.times) - min(self.bare)

    def benchmark(self, name: str) -> pyperf.Benchmark:
        """Return the times as pyperf keeps them, for its own commands."""
        run = pyperf.Run(
            [time / 1e9 for time in self.times],
            metadata={"name": name, "unit": "second"},
            collect_metadata=False,
        )
        return pyperf.Benchmark([run])


def rounds(
    workers: Mapping[str, Worker],
    subjects: Sequence[Subject],
    count: int,
    show: Callable[[str], None],
    *,
    seed: int = 20,
) -> dict[Subject, Series]:
    """Measure the subjects in `count` rounds, after one that only warms up and sets the pace."""
    order, series = random.Random(seed), {subject: Series() for subject in subjects}
    paces: dict[Subject, int] = {}
    for number in range(count + 1):
        show(f"round {number} of {count}" if number else "warm-up")
        for subject in order.sample(subjects, len(subjects)):
            if number == 0:
                time, _ = _pair(workers, subject, 50, 2)
                paces[subject] = max(10, round(TURN / time))
                _pair(workers, subject, paces[subject], 1)
                continue
            time, bare = _pair(workers, subject, paces[subject], TURNS)
            series[subject].times.append(time)
            series[subject].bare.append(bare)
    return series


def _pair(
    workers: Mapping[str, Worker], subject: Subject, count: int, times: int
) -> tuple[float, float]:
    time, bare = workers[subject.environment].ask(
        "pair", variant=subject.variant, case=subject.case, count=count, times=times
    )
    return time, bare


def start(
    workers: Mapping[str, Worker], variants: Mapping[str, Sequence[str]], urls: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Start variants by environment; return what is known of each.

    Each of its cases must answer, and the bare application must answer the same.
    """
    facts: dict[str, dict[str, Any]] = {}
    for environment, names in variants.items():
        for name in names:
            made = workers[environment].ask("start", variant=name, urls=urls)
            facts[name] = made["facts"]
            for case in made["cases"]:
                found = workers[environment].ask("check", variant=name, case=case)
                assert found["status"] == [200, 200], (name, case, found)
                if environment == "ours" and case != "remember":
                    assert not found["cookies"][0], (name, case)
    return facts


def ratio(one: Series, other: Series) -> float:
    """Return how many times the added cost of `other` that of `one` is: the rounds' median."""
    pairs = zip(one.each, other.each, strict=True)
    return median(a / b if b > 0 else float("inf") for a, b in pairs)
