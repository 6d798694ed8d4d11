"""Real servers, each with the site and a client that speaks HTTP."""

from __future__ import annotations

import os
import sys
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

#: The modules and what follows them; PORT is replaced. Two processes where the server has more
#: than one, and threads where it has them.
SERVERS: dict[str, list[str]] = {
    "gunicorn, sync": ["gunicorn", "-w", "2", "-b", f"{LOOPBACK}:PORT", WSGI],
    "gunicorn, preloaded": ["gunicorn", "--preload", "-w", "2", "-b", f"{LOOPBACK}:PORT", WSGI],
    "gunicorn, threads": ["gunicorn", "-k", "gthread", "--threads", "4", "-b", f"{LOOPBACK}:PORT"]
    + [WSGI],
    "gunicorn, gevent": ["gunicorn", "-k", "gevent", "-b", f"{LOOPBACK}:PORT", WSGI],
    "eventlet": ["-c", EVENTLET],
    "waitress": ["waitress", f"--listen={LOOPBACK}:PORT", WSGI],
    "granian": ["granian", "--interface", "wsgi", "--host", LOOPBACK, "--port", "PORT", WSGI],
    "uvicorn by a2wsgi": ["uvicorn", "--host", LOOPBACK, "--port", "PORT", ASGI],
    "hypercorn by a2wsgi": ["hypercorn", "-b", f"{LOOPBACK}:PORT", ASGI],
    "hypercorn as WSGI": ["hypercorn", "-b", f"{LOOPBACK}:PORT", f"wsgi:{WSGI}"],
}


def command(server: str, port: int) -> list[str]:
    """Return how a server is started, in the environment that runs the tests."""
    if server == "uWSGI":
        words = ["--http-socket", f"{LOOPBACK}:{port}", "--module", WSGI, "--master", "--die-on-term"]
        return [str(Path(sys.executable).with_name("uwsgi")), *words, "--processes", "2", "--need-app"]
    words = [word.replace("PORT", str(port)) for word in SERVERS[server]]
    return [sys.executable, *words] if words[0] == "-c" else [sys.executable, "-m", *words]


@pytest.mark.parametrize("stored", [False, True], ids=["signed", "stored"])
@pytest.mark.parametrize("server", [*SERVERS, "uWSGI"])
def test_a_server(server: str, stored: bool, tmp_path: Path) -> None:
    port = free_port()
    env = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "STORE": f"sqlite:///{tmp_path / 'logins.db'}" if stored else "",
    }
    with running(command(server, port), tmp_path, ready=lambda _: accepts(port), env=env):
        walk(browser_at(port), stored=stored)
