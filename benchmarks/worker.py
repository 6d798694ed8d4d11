"""The other end of a pipe: does what the coordinator asks, in one environment.

One JSON object a line in, one a line out. Only what stands in that environment is imported.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.apps.wsgi import Variant, ask


class Worker:
    """The variants of one environment, started as they are asked for."""

    def __init__(self, module: str) -> None:
        self.module = import_module(f"benchmarks.apps.{module}")
        self.started: dict[str, Variant] = {}

    def do(self, command: dict[str, Any]) -> Any:
        """Do one thing and return what is answered."""
        name = command.pop("do")
        method = getattr(self, f"do_{name}", None)
        if method is None:
            # What only one environment can do, such as filling a store.
            return getattr(self.module, name)(self.started, **command)
        return method(**command)

    def do_versions(self) -> dict[str, Any]:
        """Tell what is installed."""
        return {**self.module.versions(), "Python": sys.version.split()[0]}

    def do_start(self, variant: str, urls: dict[str, str]) -> dict[str, Any]:
        """Make a variant; tell its facts and its cases, each of which must answer 200."""
        made = self.module.VARIANTS[variant](urls)
        self.started[variant] = made
        return {"facts": made.facts, "cases": [*made.requests]}

    def do_check(self, variant: str, case: str) -> dict[str, Any]:
        """Tell what both applications answer to a case."""
        made = self.started[variant]
        answers = [ask(app, made.requests[case][0]) for app in (made.app, made.bare)]
        return {
            "status": [answer.status for answer in answers],
            "cookies": [sorted(answer.cookies) for answer in answers],
        }

    def do_pair(self, variant: str, case: str, count: int, times: int) -> tuple[float, float]:
        """Time a variant and the bare application."""
        return self.started[variant].pair(case, count, times)

    def do_run(self, variant: str, case: str, count: int, bare: bool) -> None:
        """Only make requests; somebody else counts."""
        made = self.started[variant]
        app = made.bare if bare else made.app
        gc.collect()
        gc.disable()  # when it runs is chance
        for _ in range(count):
            ask(app, made.requests[case][0])
        gc.enable()


def main() -> None:
    """Serve until the pipe is closed."""
    # What an application prints must not get in between.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    worker = Worker(sys.argv[1])
    print(json.dumps({"ready": os.getpid()}), file=answers)
    for line in sys.stdin:
        print(json.dumps({"answer": worker.do(json.loads(line))}), file=answers)


if __name__ == "__main__":
    main()
