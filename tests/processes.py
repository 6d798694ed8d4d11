"""Programs that a test starts: they run until the test has what it wants, and end with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from tests.deadlines import at_most
from tests.stores.servers import LOOPBACK, missing

#: Where Debian puts servers, which is not on the PATH of everybody.
PLACES = os.pathsep.join(filter(None, [os.environ.get("PATH", ""), "/usr/sbin"]))


def program(name: str, package: str) -> str:
    """Return the path of a program; without it skip the test, or fail it in CI."""
    found = shutil.which(name, path=PLACES)
    if found is None:
        missing(f"no {name}: install Debian's {package}")
    return found


def accepts(port: int) -> bool:
    """Tell whether somebody listens."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
        return True
    return False


def wait_for(what: str, condition: Callable[[], bool], log: Path | None = None) -> None:
    """Return as soon as it is so; fail with the log when it takes too long."""
    patience, pause = at_most(30), threading.Event()
    deadline = monotonic() + patience
    while not condition():
        if monotonic() > deadline:
            said = "" if log is None else log.read_text(errors="replace")[-4000:]
            raise AssertionError(f"waited {patience:.0f} s in vain until {what}\n{said}")
        pause.wait(0.05)


@contextmanager
def running(
    command: Sequence[str],
    cwd: Path,
    *,
    ready: Callable[[str], bool],
    env: Mapping[str, str] | None = None,
) -> Iterator[Path]:
    """Run a program until the block ends; yield the path of its log.

    :param ready: what tells from its log so far whether it serves.
    """
    log = cwd / f"{Path(command[0]).name}-{monotonic()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # a program that the test names
            command, cwd=cwd, env={**os.environ, **(env or {})}, stdout=output, stderr=output
        )
    try:

        def serves() -> bool:
            said = log.read_text(errors="replace")
            assert process.poll() is None, f"{command} ended:\n{said[-4000:]}"
            return ready(said)

        wait_for(f"{command[0]} serves", serves, log)
        yield log
    finally:
        process.terminate()
        try:
            process.wait(at_most(20))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
