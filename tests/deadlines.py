"""How long something may take on this machine, at this moment.

A test that wants an answer within a second means a second of a machine that is as fast as
those it was written on, and has nothing else to do. What a busy or a slow one takes longer is
measured when it is asked for; ``FLASK_LOGIN_TEST_PATIENCE=3`` multiplies it by three.
"""

from __future__ import annotations

import hashlib
import os
from time import perf_counter

#: Seconds that the work below takes on the machine the limits were written on.
USUAL = 0.004
#: A limit that is longer than this many times what was written proves nothing any more.
MOST = 20.0


def at_most(seconds: float) -> float:
    """Return what so many seconds of a quick, idle machine are here and now; never less."""
    patience = float(os.environ.get("FLASK_LOGIN_TEST_PATIENCE", "1"))
    return seconds * patience * min(max(1.0, _measured(), _crowd()), MOST)


def _measured() -> float:
    """Return how many times longer than usual a piece of work takes."""
    began = perf_counter()
    for number in range(4_000):
        hashlib.sha256(b"%d" % number).hexdigest()
    return (perf_counter() - began) / USUAL


def _crowd() -> float:
    """Return how many want each processor."""
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (AttributeError, OSError):  # not on Windows
        return 1.0
