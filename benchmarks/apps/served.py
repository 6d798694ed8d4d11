"""For gunicorn: the variant that ``BENCH_VARIANT`` names, of the module ``BENCH_MODULE``."""

from __future__ import annotations

import json
import os
from importlib import import_module
from typing import Any


def make() -> Any:
    """Return the application."""
    module = import_module(f"benchmarks.apps.{os.environ['BENCH_MODULE']}")
    name = os.environ["BENCH_VARIANT"]
    if name == "bare":
        from .plain import bare_app

        return bare_app()
    return module.VARIANTS[name](json.loads(os.environ["BENCH_URLS"])).app


app = make()
