"""The command: ``python -m benchmarks``, or ``make bench``."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from . import cases, imports, instructions, load, report
from .cases import Results
from .environments import ENVIRONMENTS, Worker, workers
from .measure import rounds, start
from .servers import has_mariadb, running

PARTS = ("signed", "stored", "growth", "imports", "instructions", "load")


@dataclass(frozen=True)
class Plan:
    """How much is done."""

    rounds: int
    sizes: Sequence[int]
    revoked: int
    imports: int
    load_rounds: int
    load_seconds: int


FULL = Plan(20, (1000, 100_000, 1_000_000), 10_000, 15, 5, 3)
QUICK = Plan(5, (1000, 20_000), 10_000, 5, 1, 2)


class Progress:
    """One line that says what is going on, and for how long."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._part = ""

    def part(self, name: str) -> None:
        """Begin a part of the work."""
        self._part = name
        if not sys.stderr.isatty():
            print(f"{self._clock()} {name}", file=sys.stderr)

    def __call__(self, text: str) -> None:
        """Say what is going on."""
        if sys.stderr.isatty():
            print(f"\r\033[K{self._clock()} {self._part}: {text}", end="", file=sys.stderr)

    def end(self) -> None:
        """Leave the line."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        print(f"{self._clock()} done", file=sys.stderr)

    def _clock(self) -> str:
        return "{:3d}:{:02d}".format(*divmod(int(time.monotonic() - self._begun), 60))


def main() -> int:
    """Measure, print and write; the exit code tells about the budgets if asked for."""
    options = _options()
    # Ended by a signal, it stops its servers as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plan = QUICK if options.how == "quick" else FULL
    progress = Progress()
    results, versions = Results(), dict[str, dict[str, str]]()
    work: dict[str, Callable[[], None]] = {
        "signed": lambda: _time(results, versions, plan, options, progress),
        "growth": lambda: _grow(results, plan, options.source, progress),
        "imports": lambda: results.imports.update(
            imports.compare(("ours", "flask-login"), plan.imports, progress, options.source)
        ),
        "instructions": lambda: _count(results, options.source, progress),
        "load": lambda: _load(results, plan, options.source, progress),
    }
    wanted = options.only or PARTS
    for name, do in work.items():
        if name in wanted or (name == "signed" and "stored" in wanted):
            progress.part("times" if name == "signed" else name)
            do()
    progress.end()

    judged = cases.verdicts(results)
    print(report.markdown(results, judged, versions))
    everything = options.how == "full" and options.only is None
    if options.output is not None or everything:
        written = [*report.write(options.output or report.RESULTS, results, judged, versions)]
        if everything and options.output is None:
            written += report.update_page(results, judged, versions)
        print("Written:", *written, sep="\n  ", file=sys.stderr)
    missed = [verdict for verdict in judged if not verdict.met]
    print(f"{len(judged) - len(missed)} of {len(judged)} budgets met", file=sys.stderr)
    return 1 if missed and options.check else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "how",
        nargs="?",
        choices=("full", "quick"),
        default="full",
        help="full writes the results and the page of the documentation (about 15 minutes)",
    )
    parser.add_argument("--check", action="store_true", help="fail when a budget is missed")
    parser.add_argument(
        "--only", action="append", choices=PARTS, help="just this part; may be repeated"
    )
    parser.add_argument("--output", type=Path, help="where to write the results")
    parser.add_argument(
        "--source", type=Path, help="import our library from here, not the installed one"
    )
    found: argparse.Namespace = parser.parse_args()
    if found.source is not None:
        found.source = found.source.resolve()
    return found


def _time(
    results: Results,
    versions: dict[str, dict[str, str]],
    plan: Plan,
    options: argparse.Namespace,
    progress: Progress,
) -> None:
    wanted = options.only or PARTS
    subjects = cases.signed_subjects() if "signed" in wanted else []
    subjects += cases.stored_subjects() if "stored" in wanted else []
    subjects = [*dict.fromkeys(subjects)]
    used = {subject.variant for subject in subjects}
    variants = {
        place: [name for name in names if name in used] for place, names in cases.VARIANTS.items()
    }
    names = ("sqlite", "postgresql", "redis") if "stored" in wanted else ()
    with running(*names) as urls, workers(*ENVIRONMENTS, source=options.source) as found:
        versions.update({name: worker.ask("versions") for name, worker in found.items()})
        results.facts.update(start(found, variants, urls))
        results.series.update(rounds(found, subjects, plan.rounds, progress))


def _grow(results: Results, plan: Plan, source: Path | None, progress: Progress) -> None:
    redis = [f"redis-{size}" for size in plan.sizes]
    others = ["sqlite", "postgresql", "redis", *(["mariadb"] if has_mariadb() else [])]
    with ExitStack() as stack:
        urls = stack.enter_context(running(*others, *redis))
        found = stack.enter_context(workers("ours", source=source))
        subjects = [cases.crowd(kind, n) for kind in cases.GROWING for n in plan.sizes]
        for subject in subjects:
            taken = _fill(found["ours"], subject.variant, urls, progress)
            if taken is not None:
                results.redis_bytes = taken
        results.sizes = plan.sizes
        results.series.update(rounds(found, subjects, plan.rounds, progress))
        results.revoked = plan.revoked
        for kind in ("memory", *others):
            progress(f"revoke_all, {kind}")
            name = f"crowd {kind} revoke"
            found["ours"].ask("start", variant=name, urls=urls)
            results.revoke_all[kind] = min(
                found["ours"].ask("revoke_all", variant=name, count=plan.revoked) for _ in range(3)
            )


def _fill(worker: Worker, name: str, urls: Mapping[str, str], progress: Progress) -> float | None:
    """Fill a crowd, its timed logins spread over the others; return the bytes each takes."""
    worker.ask("start", variant=name, urls=urls)
    kind, size = name.split()[1], int(name.split()[2])
    others, steps = size - 1000, 10
    empty = worker.ask("redis_memory", variant=name) if kind == "redis" else 0
    for step in range(1, steps + 1):
        progress(f"filling {kind}: {size * step // steps:,} of {size:,} logins")
        worker.ask("load", variant=name, count=others // steps)
        worker.ask("log_in", variant=name, count=100)
    if kind != "redis" or not others:
        return None
    taken: float = (worker.ask("redis_memory", variant=name) - empty) / size
    return taken


def _count(results: Results, source: Path | None, progress: Progress) -> None:
    if not instructions.available():
        print("no valgrind: instructions are not counted", file=sys.stderr)
        return
    counted = instructions.count(cases.counted_subjects(), progress, source=source)
    results.counts.update(counted)


def _load(results: Results, plan: Plan, source: Path | None, progress: Progress) -> None:
    if not load.available():
        print("no wrk: requests per second are not measured", file=sys.stderr)
        return
    subjects = [
        ("ours", "bare"),
        ("ours", cases.BY_HAND),
        ("ours", cases.OURS),
        ("flask-login", cases.BEFORE),
        ("ours", "ours, redis"),
        ("flask-login", cases.ON_REDIS),
    ]
    with running("redis") as urls:
        rates = load.rates(
            subjects, urls, plan.load_rounds, plan.load_seconds, progress, source=source
        )
    results.rates.update(rates)


if __name__ == "__main__":
    sys.exit(main())
