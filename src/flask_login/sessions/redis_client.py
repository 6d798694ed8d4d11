"""The client of `RedisSessionStore`: lent by the application or made from a URL."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

from flask_login.exceptions import ConfigurationError

logger: logging.Logger = logging.getLogger("flask_login")


def redis_library() -> ModuleType:
    """Return redis-py.

    :raises ImportError: if it is missing or too old.
    """
    needed = 'RedisSessionStore needs redis-py 5 or newer, found {}. Cure: pip install "{}"'
    extra = "Flask-Login[redis]"
    try:
        import redis
    except ImportError as error:
        raise ImportError(needed.format("none", extra), name="redis") from error
    found = str(redis.__version__)
    if int(found.partition(".")[0]) < 5:
        raise ImportError(needed.format(found, extra), name="redis")
    return redis


def client_maker(
    library: ModuleType, client: Any, cluster: bool, timeout: float, max_connections: int
) -> tuple[Callable[[], Any], bool]:
    """Return what makes (or is) the client, and whether it speaks to a cluster."""
    if isinstance(client, str):
        options = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "max_connections": max_connections,
            "retry": library.retry.Retry(library.backoff.NoBackoff(), 0),
        }
        url = _checked_url(library, re.sub(r"\Avalkey(s?)://", r"redis\1://", client))
        if cluster:
            return _cluster_maker(library, url, options), True
        pool = library.BlockingConnectionPool.from_url(url, timeout=timeout, **options)
        single = library.Redis(connection_pool=pool)
        return (lambda: single), False
    if not isinstance(client, (library.Redis, library.cluster.RedisCluster)):
        accepted = "a redis.Redis, a redis.cluster.RedisCluster or a URL"
        raise ConfigurationError("client", type(client).__name__, accepted)
    is_cluster = isinstance(client, library.cluster.RedisCluster)
    known = (client.nodes_manager if is_cluster else client.connection_pool).connection_kwargs
    if known.get("socket_timeout", timeout) is None:
        logger.warning(
            "The Redis client of the session store has no socket_timeout: a server that is silent"
            " holds up every request of a logged-in user. Give the client socket_timeout=1 and"
            " socket_connect_timeout=1."
        )
    return (lambda: client), is_cluster


def _checked_url(library: ModuleType, url: str) -> str:
    try:
        library.connection.parse_url(url)
    except ValueError:
        understood = False
    else:
        understood = True
    if not understood:  # raised out here: redis-py's own error shows parts of the URL
        raise ConfigurationError(
            "client",
            "another URL, not shown because it may hold a password",
            "a URL with the scheme redis://, rediss://, unix://, valkey:// or valkeys://",
            "Percent-encode what is not a letter or digit in the password",
        )
    return url


def _cluster_maker(library: ModuleType, url: str, options: dict[str, Any]) -> Callable[[], Any]:
    # Before redis-py 6, `retry` did not mean the cluster's own attempts.
    old = int(library.__version__.partition(".")[0]) < 6
    options = {**options, **({"cluster_error_retry_attempts": 0} if old else {})}
    # It asks the cluster for its nodes as soon as it is made, so that waits for the first use.
    return lambda: library.cluster.RedisCluster.from_url(url, **options)
