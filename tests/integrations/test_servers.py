"""Real servers, each with the site and a client that speaks HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integrations.flow import browser_at, walk
from tests.processes import accepts, running
from tests.stores.servers import LOOPBACK, free_port

ROOT = Path(__file__).parent.parent.parent
WSGI, ASGI = "tests.integrations.served:app", "tests.integrations.served_asgi:app"
EVENTLET = f"""
import eventlet
eventlet.monkey_patch()
import eventlet.wsgi
from tests.integrations.served import app
eventlet.wsgi.server(eventlet.listen(({LOOPBACK!r}, PORT)), app)
"""

BIND, HOST = f"{LOOPBACK}:PORT", ["--host", LOOPBACK, "--port", "PORT"]

#: What follows `python -m`; PORT is replaced. Two processes where the server has more than one,
#: and threads where it has them.
SERVERS: dict[str, list[str]] = {
    "gunicorn, sync": ["gunicorn", "-w", "2", "-b", BIND, WSGI],
    "gunicorn, preloaded": ["gunicorn", "--preload", "-w", "2", "-b", BIND, WSGI],
    "gunicorn, threads": ["gunicorn", "-k", "gthread", "--threads", "4", "-b", BIND, WSGI],
    "gunicorn, gevent": ["gunicorn", "-k", "gevent", "-b", BIND, WSGI],
    "waitress": ["waitress", f"--listen={BIND}", WSGI],
    "granian": ["granian", "--interface", "wsgi", *HOST, WSGI],
    "uvicorn by a2wsgi": ["uvicorn", *HOST, ASGI],
    "hypercorn by a2wsgi": ["hypercorn", "-b", BIND, ASGI],
    "hypercorn as WSGI": ["hypercorn", "-b", BIND, f"wsgi:{WSGI}"],
}
UWSGI = ["--http-socket", BIND, "--module", WSGI, "--need-app", "--master", "--processes", "2"]


def command(server: str, port: int) -> list[str]:
    """Return how a server is started, in the environment that runs the tests."""
    if server == "uWSGI":  # a program, and no module of Python's
        words = [str(Path(sys.executable).with_name("uwsgi")), *UWSGI, "--die-on-term"]
    elif server == "eventlet":  # gunicorn has no worker of it any more
        words = [sys.executable, "-c", EVENTLET]
    else:
        words = [sys.executable, "-m", *SERVERS[server]]
    return [word.replace("PORT", str(port)) for word in words]


@contextmanager
def serving(server: str, folder: Path, store: str = "") -> Iterator[int]:
    """Run a server until the block ends; yield its port."""
    port = free_port()
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {"PYTHONPATH": path, "STORE": store}
    with running(command(server, port), folder, ready=lambda _: accepts(port), env=env):
        yield port


@pytest.mark.parametrize("server", [*SERVERS, "eventlet", "uWSGI"])
def test_a_server(server: str, tmp_path: Path) -> None:
    with serving(server, tmp_path, f"sqlite:///{tmp_path / 'logins.db'}") as port:
        walk(browser_at(port), stored=True)


def test_a_server_of_two_processes_without_a_store(tmp_path: Path) -> None:
    with serving("gunicorn, sync", tmp_path) as port:
        walk(browser_at(port), stored=False)
