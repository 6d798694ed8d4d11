"""A browser for the drivers: cookies, redirects that it shows and doesn't follow, a log of it all.

It needs the standard library only, for it runs in the environments of the applications.
"""

# ruff: noqa: S603  # it starts applications, and its lines are what it is for

from __future__ import annotations

import json
import pickle
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message

#: How long an application may take to answer, in seconds.
PATIENCE = 120
#: Where the lines go. What the application prints goes to the log: `play` sees to it.
LINES = sys.stdout


class Page:
    """What came back: the status, the headers and the text."""

    def __init__(self, status: int, headers: Message, text: str) -> None:
        self.status = status
        self.headers = headers
        self.text = text

    @property
    def json(self) -> Any:
        """The text, read as JSON."""
        return json.loads(self.text)

    def find(self, pattern: str) -> str:
        """Return the first group of a pattern in the text, or nothing."""
        found = re.search(pattern, self.text)
        return found[1] if found else ""

    @property
    def csrf(self) -> str:
        """The CSRF token in the form of this page."""
        field = r"""<input[^>]*name=["']csrf_token["'][^>]*>"""
        found = re.search(field, self.text)
        value = re.search(r"""value=["']([^"']+)["']""", found[0]) if found else None
        return value[1] if value else ""


class StayHere(urllib.request.HTTPRedirectHandler):
    """Leave redirects to the driver."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Follow nothing."""


class Browser:
    """One person's browser; every request is printed as one line, its outcome behind it."""

    def __init__(self, name: str, base: str) -> None:
        self.name = name
        self.base = base
        self.jar = CookieJar()
        self.steps = 0
        # Without proxies: everything asked for is on this machine.
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(self.jar),
            StayHere(),
        )

    def get(self, path: str, *marks: str, **headers: str) -> Page:
        """Look at a page; say which of the marks its text has."""
        return self.send("GET", path, None, marks, headers)

    def post(self, path: str, form: dict[str, Any], *marks: str, **headers: str) -> Page:
        """Send a form."""
        return self.send("POST", path, urlencode(form, doseq=True).encode(), marks, headers)

    def post_json(self, path: str, value: Any, *marks: str, **headers: str) -> Page:
        """Send JSON, as scripts of a page do."""
        headers = {"Content-Type": "application/json", **headers}
        return self.send("POST", path, json.dumps(value).encode(), marks, headers)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        marks: tuple[str, ...],
        headers: dict[str, str],
    ) -> Page:
        """Send one request and print what came of it."""
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        request = urllib.request.Request(self.base + path, body, given, method=method)  # noqa: S310
        try:
            with self.opener.open(request, timeout=PATIENCE) as answer:
                page = Page(answer.status, answer.headers, answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace")
            page = Page(error.code, error.headers, text)
        self.say(f"{method} {path.partition('?')[0]}", self.outcome(page, marks))
        return page

    def outcome(self, page: Page, marks: tuple[str, ...]) -> str:
        """Tell of an answer what has to be the same with every release."""
        parts = [str(page.status)]
        location = page.headers.get("Location")
        if location:
            location = location.replace(quote(self.base, safe=""), "BASE")
            parts.append("to " + location.removeprefix(self.base).replace(self.base, "BASE"))
        parts += [f"{'with' if mark in page.text else 'without'} {mark!r}" for mark in marks]
        return " ".join(parts)

    def say(self, what: str, outcome: object) -> None:
        """Print one numbered line."""
        self.steps += 1
        print(f"{self.name} {self.steps:02}: {what}: {outcome}", file=LINES, flush=True)

    def restart(self) -> None:
        """Close the browser and open it again: session cookies are gone."""
        self.jar.clear_session_cookies()
        self.say("restarts the browser", "keeps " + self.cookies())

    def cookies(self) -> str:
        """Return the names of the cookies; a port in them, as OctoPrint's have it, is left out."""
        port = str(urlsplit(self.base).port)
        names = {cookie.name.replace(port, "PORT") for cookie in self.jar}
        return ", ".join(sorted(names)) or "no cookie"

    def cookie(self, beginning: str) -> str:
        """Return the value of the cookie whose name begins so, or nothing."""
        return next((c.value or "" for c in self.jar if c.name.startswith(beginning)), "")

    def save(self, folder: Path) -> None:
        """Keep the cookies for the second act."""
        kept = folder / f"{self.name}.cookies"
        kept.write_bytes(pickle.dumps(list(self.jar)))

    @classmethod
    def load(cls, name: str, base: str, folder: Path) -> Browser:
        """Open the browser that an earlier act left."""
        browser = cls(name, base)
        for cookie in pickle.loads((folder / f"{name}.cookies").read_bytes()):  # noqa: S301
            browser.jar.set_cookie(cookie)
        return browser


def free_port(folder: Path) -> int:
    """Return a free port, the same for all acts of one play: cookies may be named for it."""
    kept = folder / "port"
    if kept.exists():
        return int(kept.read_text(encoding="utf-8"))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    kept.write_text(str(port), encoding="utf-8")
    return port


def shared(folder: Path, name: str, make: Callable[[], object]) -> None:
    """Copy a file into the folder that is made for one play and serves all of that release's.

    :param name: the file, which ``make`` leaves in the folder when there is none yet.
    """
    made = folder.parent / name
    if not made.exists():
        make()
        shutil.copy(folder / name, made)
    if not (folder / name).exists():
        shutil.copy(made, folder / name)


@contextmanager
def served(app: Any, folder: Path) -> Iterator[str]:
    """Serve a WSGI application over HTTP in a thread; give its address."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", free_port(folder), app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def started(command: list[str], folder: Path, ready: str = "/", **options: Any) -> Iterator[str]:
    """Start a server as a program, wait until it answers, give its address, and stop it."""
    port = free_port(folder)
    base = f"http://127.0.0.1:{port}"
    command = [part.replace("{port}", str(port)) for part in command]
    with (folder / "server.log").open("a", encoding="utf-8") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **options)
        try:
            wait_for(base + ready, server)
            yield base
        finally:
            end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """Stop a server, kindly at first."""
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers anything, or stop."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), StayHere())
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            opener.open(url, timeout=PATIENCE).close()
        except urllib.error.HTTPError as answer:
            if answer.code < 500:
                return
        except (OSError, HTTPException):
            pass
        else:
            return
        time.sleep(0.3)
    sys.exit(f"error: {urlsplit(url).netloc} does not answer")


def play(acts: dict[str, Callable[[Path], None]]) -> None:
    """Play the act that the command line names, in the folder that it names."""
    act, folder = sys.argv[1:]
    sys.stdout = sys.stderr
    acts[act](Path(folder))
