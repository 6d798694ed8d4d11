"""The environments: one for each library that is compared, each with a worker process."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORKER = ROOT / "benchmarks" / "worker.py"

#: The environments, as `make bench` makes them, and the module of each one's applications.
ENVIRONMENTS = {
    "ours": "ours",
    "flask-login": "peer_flask_login",
    "flask-security": "peer_flask_security",
    "django": "peer_django",
}


def python_of(environment: str) -> str:
    """Return the interpreter of an environment."""
    place = ROOT / ".venvs" / f"bench-{environment}" / "bin" / "python"
    if not place.exists():
        raise SystemExit(f"error: {place.parent.parent} is missing; `make bench` makes it")
    return str(place)


def variables(environment: str, source: Path | None = None) -> dict[str, str]:
    """Return the environment variables of a process there.

    :param source: where to import our library from, instead of what is installed.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # Without it, every process would lay out its dicts and sets in its own way.
    found = {**kept, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}
    if source is not None and environment == "ours":
        found["PYTHONPATH"] = str(source)
    return found


class Worker:
    """One worker process, spoken to in JSON lines."""

    def __init__(
        self, environment: str, source: Path | None = None, prefix: tuple[str, ...] = ()
    ) -> None:
        self.environment = environment
        self._process = subprocess.Popen(
            [*prefix, python_of(environment), str(WORKER), ENVIRONMENTS[environment]],
            env=variables(environment, source),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.pid: int = self._read()["ready"]

    def ask(self, what: str, **arguments: Any) -> Any:
        """Have one thing done and return the answer."""
        assert self._process.stdin is not None
        print(json.dumps({"do": what, **arguments}), file=self._process.stdin)
        return self._read()["answer"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"error: the worker of {self.environment} ended; see above")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """Let it end, or end it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def workers(
    *names: str, source: Path | None = None, prefix: tuple[str, ...] = ()
) -> Iterator[Mapping[str, Worker]]:
    """Start a worker in each of those environments."""
    with ExitStack() as stack:
        found = {}
        for name in names:
            found[name] = Worker(name, source, prefix)
            stack.callback(found[name].close)
        yield found
