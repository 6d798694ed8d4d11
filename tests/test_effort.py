"""A shorter run tries less of each thing, and something of everything."""

from __future__ import annotations

import runpy
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests import effort

CONFTEST: dict[str, Any] = runpy.run_path(str(Path(__file__).parent.parent / "conftest.py"))


class Item:
    """As much of a test as the choice asks for."""

    def __init__(self, nodeid: str) -> None:
        self.nodeid = nodeid


@pytest.mark.parametrize(
    ("part", "expected"), [(1, [6000, 200, 7]), (10, [600, 20, 7]), (50, [120, 20, 7])]
)
def test_a_search_is_shortened_unless_it_is_short(
    monkeypatch: pytest.MonkeyPatch, part: int, expected: list[int]
) -> None:
    monkeypatch.setattr(effort, "PART", part)
    assert [effort.part_of(number) for number in (6000, 200, 7)] == expected


@pytest.mark.parametrize("part", effort.PARTS.values())
def test_what_is_left_of_all_schedules_has_each_step_at_each_place(
    monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(effort, "PART", part)
    left = list(effort.some_of(product(range(7), repeat=5)))
    assert len(left) == -(-(7**5) // part)
    assert all({*steps} == {*range(7)} for steps in zip(*left, strict=True))


def test_of_a_test_with_many_cases_a_few_are_chosen_and_each_time_the_same() -> None:
    many = [Item(f"test_x.py::test_many[{one}-{other}]") for one in "ab" for other in range(20)]
    few = [Item("test_x.py::test_one"), *(Item(f"test_x.py::test_few[{n}]") for n in range(8))]
    kept = CONFTEST["some_cases"]([*many, *few], 8)
    assert kept == CONFTEST["some_cases"]([*many, *few], 8)
    assert kept >= {*few}
    chosen = [item.nodeid for item in kept - {*few}]
    assert len(chosen) == 8
    assert {nodeid.partition("[")[2][0] for nodeid in chosen} == {"a", "b"}
