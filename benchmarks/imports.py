"""What `import flask_login` costs a program that has imported Flask, and what it brings along."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .environments import python_of, variables

#: What is optional: nobody who does not use it should wait for it.
OPTIONAL = ("asgiref", "limits", "psycopg", "pymysql", "redis", "sqlalchemy")

_PROGRAM = f"""
import flask, gc, json, sys, time
gc.collect()
begun = time.perf_counter_ns()
import flask_login
took = time.perf_counter_ns() - begun
print(json.dumps([took, [name for name in {OPTIONAL!r} if name in sys.modules]]))
"""


@dataclass(frozen=True)
class Import:
    """What the import cost, in nanoseconds (the median), and which optional packages it brought."""

    time: float
    brought: Sequence[str]


def compare(
    environments: Sequence[str],
    rounds: int,
    show: Callable[[str], None],
    source: Path | None = None,
) -> dict[str, Import]:
    """Import in a new process each time, the environments taking turns."""
    order, times = random.Random(20), {name: list[float]() for name in environments}
    brought: dict[str, Sequence[str]] = {}
    for number in range(rounds + 1):
        show(f"imports, {number} of {rounds}")
        for name in order.sample(environments, len(environments)):
            done = subprocess.run(
                [python_of(name), "-c", _PROGRAM],
                env=variables(name, source),
                check=True,
                capture_output=True,
                text=True,
            )
            took, brought[name] = json.loads(done.stdout)
            if number:  # the first wrote the compiled files
                times[name].append(took)
    return {name: Import(median(times[name]), brought[name]) for name in environments}
