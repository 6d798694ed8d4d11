"""How long the tests search: how many examples, rounds and schedules they try.

``FLASK_LOGIN_TEST_EFFORT`` is one of `PARTS`: "full" in ``make test-all``, "quick" in
``make test-quick`` and on the Pythons that CI has besides, else "usual".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

#: One of how many cases each effort tries.
PARTS = {"quick": 50, "usual": 10, "full": 1}
EFFORT = os.environ.get("FLASK_LOGIN_TEST_EFFORT", "usual")
PART = PARTS[EFFORT]
#: Of what Hypothesis searches, where a test does not say how much.
EXAMPLES = {"quick": 10, "usual": 30, "full": 100}[EFFORT]


def part_of(number: int, *, least: int = 20) -> int:
    """Return how many of so many examples or rounds are tried, but for few no less than all."""
    return min(number, max(least, number // PART))


def some_of(cases: Iterable[T]) -> Iterator[T]:
    """Go through a part of the cases, spread over all of them."""
    return islice(cases, 0, None, PART)
