"""The client of `RedisSessionStore`: lent by the application or made from a URL.

Of one that is made, the connections that stay lent are here too.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from threading import Lock
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


class KeptConnections:
    """Connections of a client's pool that stay lent, for the question of every request.

    A pool asks the operating system about a connection whenever it lends one, so that a dead one
    is not lent; it takes a quarter of a round trip. Here whoever finds it dead asks again, which is
    right for what changes nothing.
    """

    def __init__(self, pool: Any, most: int) -> None:
        self._pool = pool
        self._most = most
        self._idle: list[Any] = []
        self._process = os.getpid()
        self._lock = Lock()

    @classmethod
    def of(cls, library: ModuleType, client: Any) -> KeptConnections | None:
        """Return what keeps up to half of a client's connections, or None where it can't."""
        version = tuple(int(part) for part in library.__version__.split(".")[:2])
        if version < (5, 3):
            return None  # its pools want to be told the command
        pool = client.connection_pool
        most = pool.max_connections // 2  # the rest is for what changes something
        return cls(pool, most) if most else None

    def ask(self, *command: str) -> Any:
        """Return the answer to a command, with texts as bytes. Raises what redis-py raises."""
        if self._process != os.getpid():
            self._leave_to_parent()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._pool.get_connection()
        try:
            connection.send_command(*command)
            answer = connection.read_response(disable_decoding=True)
        except BaseException:  # also a thread that is stopped: the answer is still to come
            connection.disconnect()
            self._pool.release(connection)
            raise
        if len(self._idle) < self._most:
            self._idle.append(connection)
        else:
            self._pool.release(connection)
        return answer

    def _leave_to_parent(self) -> None:
        """After a fork: what is kept is the parent's, who goes on with it."""
        with self._lock:
            if self._process != os.getpid():
                self._idle, self._process = [], os.getpid()


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
