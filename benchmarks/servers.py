"""Throwaway servers on loopback, those of the tests: started when asked for, gone at the end."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def _tests_servers() -> tuple[ModuleType, ModuleType]:
    sys.path.insert(0, str(ROOT))
    try:
        from tests.stores import servers, servers_redis
    finally:
        sys.path.remove(str(ROOT))
    return servers, servers_redis


@contextmanager
def running(*names: str) -> Iterator[dict[str, str]]:
    """Start servers; yield their URLs by name.

    :param names: sqlite, postgresql, mariadb, redis; or redis-2 and so on for one more.
    """
    sql, redis = _tests_servers()
    urls: dict[str, str] = {}
    with ExitStack() as stack:
        for name in names:
            kind = name.partition("-")[0]
            if kind == "sqlite":
                place = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
                urls[name] = f"sqlite:///{place}/logins.sqlite"
            elif kind == "redis":
                urls[name] = stack.enter_context(redis.single()).url
            else:
                server = {"postgresql": sql.PostgreSQL, "mariadb": sql.MariaDB}[kind]()
                stack.callback(server.close)
                urls[name] = server.url()
        yield urls


def has_mariadb() -> bool:
    """Tell whether MariaDB is on this machine; unlike the others it comes in no wheel."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    return any(shutil.which(name, path=path) for name in ("mariadbd", "mysqld"))
