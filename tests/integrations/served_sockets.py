"""The application of the page on Flask-SocketIO, served in one of its modes: MODE PORT."""

from __future__ import annotations

import sys
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent.parent / "docs/examples/socketio/app.py"


def main(mode: str, port: int) -> None:
    # What patches the standard library comes before all that imports it.
    if mode == "gevent":
        from gevent import monkey

        monkey.patch_all()
    elif mode == "eventlet":
        import eventlet

        eventlet.monkey_patch()

    import functools
    import runpy

    import flask_socketio

    # A poll that waits when its socket is closed ends at the next ping, on gevent.
    flask_socketio.SocketIO = functools.partial(
        flask_socketio.SocketIO, async_mode=mode, ping_interval=1
    )
    page = runpy.run_path(str(EXAMPLE))
    page["socketio"].run(page["app"], "127.0.0.1", port, allow_unsafe_werkzeug=True)


main(sys.argv[1], int(sys.argv[2]))
