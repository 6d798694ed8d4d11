"""Requests as a WSGI server would make them: one process, no network, the same for everybody."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from time import perf_counter_ns
from typing import Any

Environ = dict[str, Any]
App = Callable[..., Iterable[bytes]]

_BROWSER = {
    "HTTP_HOST": "shop.example",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate, br, zstd",
}


def environ(
    path: str, cookies: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Environ:
    """Return the environ of a GET request for `path`, as a browser sends it."""
    path, _, query = path.partition("?")
    made: Environ = {
        **_BROWSER,
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "198.51.100.7",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if cookies:
        made["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    for name, value in (headers or {}).items():
        made[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return made


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that it sets."""
        values = [value for name, value in self.headers if name.lower() == "set-cookie"]
        return dict(value.strip().split(";")[0].split("=", 1) for value in values)

    @property
    def vary(self) -> str:
        """Its ``Vary`` header."""
        return ", ".join(value for name, value in self.headers if name.lower() == "vary")


def ask(app: App, request: Environ) -> Answer:
    """Make one request and return the answer."""
    answer = Answer()

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        answer.status, answer.headers = int(status[:3]), headers

    chunks = app(dict(request), start_response)
    answer.body = b"".join(chunks)
    close = getattr(chunks, "close", None)
    if close is not None:
        close()
    return answer


def _ignore(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    pass


def spend(app: App, requests: Sequence[Environ], count: int) -> float:
    """Make `count` requests, in turn; return how many nanoseconds one took."""
    todo: Iterator[Environ] = islice(cycle(requests), count)
    begun = perf_counter_ns()
    for request in todo:
        chunks = app(request.copy(), _ignore)
        for _ in chunks:
            pass
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return (perf_counter_ns() - begun) / count


@dataclass
class Variant:
    """One of the applications that are compared, and what each case asks of it."""

    app: App
    #: The application that does nothing, for the same requests.
    bare: App
    #: The requests of each case; more than one are made in turn.
    requests: dict[str, Sequence[Environ]] = field(default_factory=dict)
    #: What is known of it beside times.
    facts: dict[str, Any] = field(default_factory=dict)

    def pair(self, case: str, count: int, times: int) -> tuple[float, float]:
        """Time the variant and the bare application by turns; return the best turn of each."""
        requests = self.requests[case]
        gc.collect()
        best = [float("inf"), float("inf")]
        for turn in range(times):
            # Whoever is second finds warm caches: by turns.
            for which in (0, 1) if turn % 2 == 0 else (1, 0):
                app = (self.app, self.bare)[which]
                best[which] = min(best[which], spend(app, requests, count))
        return best[0], best[1]
