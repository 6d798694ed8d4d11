"""Requests per second: gunicorn serves, wrk asks; one variant at a time, taking turns."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from .environments import ENVIRONMENTS, ROOT, python_of, variables

#: Worker processes of gunicorn: one, so that wrk has a core for itself.
WORKERS = 1
CONNECTIONS = 8
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def available() -> bool:
    """Tell whether wrk is there."""
    return shutil.which("wrk") is not None


def rates(
    subjects: Sequence[tuple[str, str]],
    urls: Mapping[str, str],
    rounds: int,
    seconds: int,
    show: Callable[[str], None],
    *,
    source: Path | None = None,
) -> dict[str, float]:
    """Return the requests per second of each variant: the median of the rounds.

    :param subjects: environments and variants; ``bare`` is in each environment.
    """
    found: dict[str, list[float]] = {variant: [] for _, variant in subjects}
    for number in range(1, rounds + 1):
        for environment, variant in subjects:
            show(f"gunicorn and wrk, round {number} of {rounds}: {variant}")
            with _served(environment, variant, urls, source) as port:
                cookie = _log_in(port) if variant != "bare" else "session=x"
                _wrk(port, cookie, 1)
                found[variant].append(_wrk(port, cookie, seconds))
    return {variant: median(rates) for variant, rates in found.items()}


@contextmanager
def _served(
    environment: str, variant: str, urls: Mapping[str, str], source: Path | None
) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [python_of(environment), "-m", "gunicorn", "benchmarks.apps.served:app"]
    command += ["--workers", str(WORKERS), "--threads", "4", "--keep-alive", "30"]
    command += ["--bind", f"127.0.0.1:{port}", "--log-level", "error", "--no-control-socket"]
    named = {
        "BENCH_MODULE": ENVIRONMENTS[environment],
        "BENCH_VARIANT": variant,
        "BENCH_URLS": json.dumps(dict(urls)),
    }
    process = subprocess.Popen(command, cwd=ROOT, env={**variables(environment, source), **named})
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if _get(port, "/public")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("error: gunicorn did not start; see above")


def _get(port: int, path: str) -> tuple[int, str]:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    link.request("GET", path, headers={"User-Agent": _BROWSER})
    answer = link.getresponse()
    cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
    link.close()
    return answer.status, cookie


def _log_in(port: int) -> str:
    status, cookie = _get(port, "/login")
    assert status == 200, status
    assert cookie, "nobody was logged in"
    return cookie


def _wrk(port: int, cookie: str, seconds: int) -> float:
    url = f"http://127.0.0.1:{port}/page"
    headers = ("-H", f"Cookie: {cookie}", "-H", f"User-Agent: {_BROWSER}")
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *headers, url],  # noqa: S607  # as the machine has it
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Non-2xx" not in done.stdout, done.stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert rate is not None, done.stdout
    return float(rate[1])
