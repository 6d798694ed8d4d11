"""Print a port of 127.0.0.1 that is free: the one asked for, or another.

Usage: free_port.py 5000
"""

from __future__ import annotations

import socket
import sys


def free_port(wanted: int) -> int:
    """Return `wanted` when nothing listens there, else a port the system picks."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            # What a server does: a port that only lingers from an earlier one is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    sys.exit("error: 127.0.0.1 has no free port")


if __name__ == "__main__":
    asked = sys.argv[1]
    if not asked.isdecimal() or not 1 <= int(asked) <= 65535:
        sys.exit(f"error: PORT must be a number from 1 to 65535, instead got: {asked!r}")
    print(free_port(int(asked)))
