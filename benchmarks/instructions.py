"""Instructions for each request, counted by valgrind: a figure that noise can't move."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .environments import Worker
from .measure import Subject

#: How many requests are counted: so many, and as many again; the difference counts.
REQUESTS = 30
#: How many before, so that caches are filled and the interpreter has specialised its code.
WARM_UP = 80


@dataclass(frozen=True)
class Count:
    """Instructions for each request."""

    all: int
    bare: int

    @property
    def added(self) -> int:
        """What the variant adds to the bare application."""
        return self.all - self.bare


def available() -> bool:
    """Tell whether valgrind is there."""
    return shutil.which("valgrind") is not None and shutil.which("callgrind_control") is not None


def count(
    subjects: Sequence[Subject],
    show: Callable[[str], None],
    *,
    source: Path | None = None,
    urls: Mapping[str, str] | None = None,
    requests: int = REQUESTS,
) -> dict[Subject, Count]:
    """Count the instructions of each subject."""
    found: dict[Subject, Count] = {}
    with tempfile.TemporaryDirectory(prefix="callgrind-") as place, ExitStack() as stack:
        counters: dict[str, _Counter] = {}
        for name in dict.fromkeys(subject.environment for subject in subjects):
            counters[name] = _Counter(name, source, Path(place))
            stack.callback(counters[name].worker.close)
        started: set[str] = set()
        for subject in subjects:
            show(f"instructions of {subject.variant}, {subject.case}")
            counter = counters[subject.environment]
            if subject.variant not in started:
                counter.worker.ask("start", variant=subject.variant, urls=urls or {})
                started.add(subject.variant)
            both = [counter.each(subject, bare, requests) for bare in (False, True)]
            found[subject] = Count(*both)
    return found


class _Counter:
    """A worker under valgrind, which counts only while it is told to."""

    def __init__(self, environment: str, source: Path | None, place: Path) -> None:
        self._place = place / environment
        self._place.mkdir()
        self._dumps = 0
        prefix = (
            *("valgrind", "--tool=callgrind", "--instr-atstart=no", "--quiet"),
            f"--callgrind-out-file={self._place}/out",
        )
        self.worker = Worker(environment, source, prefix)

    def each(self, subject: Subject, bare: bool, requests: int) -> int:
        """Return the instructions of one request."""
        run = {"variant": subject.variant, "case": subject.case, "bare": bare}
        self.worker.ask("run", count=WARM_UP, **run)
        self._tell("-i", "on")
        totals = []
        for times in (1, 2):
            self._tell("-z")
            self.worker.ask("run", count=requests * times, **run)
            totals.append(self._dump())
        self._tell("-i", "off")
        return round((totals[1] - totals[0]) / requests)

    def _tell(self, *what: str) -> None:
        subprocess.run(
            ["callgrind_control", *what, str(self.worker.pid)],  # noqa: S607  # beside valgrind
            check=True,
            capture_output=True,
        )

    def _dump(self) -> int:
        self._tell("-d")
        self._dumps += 1
        text = (self._place / f"out.{self._dumps}").read_text()
        total = re.search(r"^totals: (\d+)", text, re.MULTILINE)
        assert total is not None, text[-300:]
        return int(total[1])
