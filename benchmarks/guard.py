"""The guard of CI: ratios and instructions, never an absolute time; about a minute.

``python -m benchmarks.guard``, or ``make bench-guard``. Our library is compared with the session
checked by hand, in the same environment and the same process; that is there without any peer.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import cases, instructions
from .__main__ import Progress
from .cases import BY_HAND, OURS, Results
from .environments import workers
from .measure import rounds, start

#: What a page may cost, as times the one by hand, in time and in instructions. The budget is 1.5;
#: the rest is slack: a loaded machine moves times by a third, another Python the instructions.
PAGE_TIME = 1.5 * 1.4
PAGE_INSTRUCTIONS = 1.5 * 1.1
#: What a public page may cost, as a part of what the guarded page by hand does.
PUBLIC_INSTRUCTIONS = 0.3
#: What one further read of `current_user` may cost, as times a read of Flask's own ``g``.
READ_INSTRUCTIONS = 1.75
#: What a page may cost where logins have a cookie of their own, as times one with the session: no
#: more, and a tenth of slack.
COOKIE_INSTRUCTIONS = 1.0 * 1.1
ROUNDS = 15
#: How often times are taken: what others do on the machine may spoil one, a slower page spoils all.
ATTEMPTS = 5
COUNTED = ("public", "page", "code 1", "code 20")


@dataclass(frozen=True)
class Finding:
    """A figure and the most it may be."""

    title: str
    found: float
    most: float

    @property
    def is_good(self) -> bool:
        """Whether it is within its limit."""
        return self.found <= self.most


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("--source", type=Path, help="import our library from here")
    source: Path | None = parser.parse_args().source
    if not instructions.available():
        print("no valgrind: install it, or instructions can't be counted", file=sys.stderr)
        if os.environ.get("CI"):
            return 1
    progress = Progress()
    findings = [*judge(_measure(None if source is None else source.resolve(), progress))]
    progress.end()
    for finding in findings:
        says = "ok    " if finding.is_good else "MISSED"
        print(f"{says} {finding.title}: {finding.found:.2f}, at most {finding.most:.2f}")
    return 0 if all(finding.is_good for finding in findings) else 1


def _measure(source: Path | None, progress: Progress) -> Results:
    results = Results()
    progress.part("times")
    with workers("ours", source=source) as found:
        start(found, {"ours": (OURS, BY_HAND)}, {})
        pages = [cases.subject(name) for name in (OURS, BY_HAND)]
        for _ in range(ATTEMPTS):
            results.series.update(rounds(found, pages, ROUNDS, progress))
            if next(judge(results)).is_good:
                break
    if instructions.available():
        progress.part("instructions")
        subjects = [one for one in cases.counted_subjects() if one.environment == "ours"]
        subjects = [one for one in subjects if one.case in COUNTED]
        results.counts.update(instructions.count(subjects, progress, source=source))
    return results


def judge(results: Results) -> Iterator[Finding]:
    """Yield what was found."""
    ours, hand = (results.series[cases.subject(name)].floor for name in (OURS, BY_HAND))
    yield Finding("a guarded page, in time, by hand = 1", ours / max(hand, 1.0), PAGE_TIME)
    if not results.counts:
        return

    def added(name: str, case: str) -> int:
        return results.counts[cases.subject(name, case)].added

    page = added(BY_HAND, "page")
    yield Finding(
        "a guarded page, in instructions, by hand = 1",
        added(OURS, "page") / page,
        PAGE_INSTRUCTIONS,
    )
    yield Finding(
        "a public page, in instructions, a guarded one by hand = 1",
        added(OURS, "public") / page,
        PUBLIC_INSTRUCTIONS,
    )
    reads = [added(name, "code 20") - added(name, "code 1") for name in (OURS, BY_HAND)]
    yield Finding(
        "a page with a login cookie, in instructions, with Flask's session = 1",
        cases.of_login_cookie(results),
        COOKIE_INSTRUCTIONS,
    )
    yield Finding("a read of current_user, a read of g = 1", reads[0] / reads[1], READ_INSTRUCTIONS)


if __name__ == "__main__":
    sys.exit(main())
