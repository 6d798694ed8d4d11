"""The client of `RedisSessionStore`: lent by the application or made from a URL.

For a client that is made here, so are the connections that stay reserved.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from threading import Lock
from types import ModuleType
from typing import Any, cast

from flask_login.optional import library

from .store import ConfigurationError

logger: logging.Logger = logging.getLogger("flask_login")

#: What a lent client's pauses may take together without a word, in seconds.
_PATIENCE = 0.2
#: How many pauses the average is of.
_DRAWS = 64


def redis_library() -> ModuleType:
    """Return redis-py.

    :raises ImportError: if it is missing or too old.
    """
    return library("redis", "5", by="RedisSessionStore", title="redis-py", extra="redis")


class KeptConnections:
    """Connections of a client's pool that stay reserved for the question of every request.

    Whenever a pool lends a connection, it asks the operating system whether the connection is dead.
    These are not checked; a caller who finds one dead asks again, which is right for a question
    that changes nothing.
    """

    def __init__(self, pool: Any, most: int) -> None:
        self._pool = pool
        self._most = most
        self._idle: list[Any] = []
        self._process = os.getpid()
        self._lock = Lock()

    @classmethod
    def of(cls, redis: ModuleType, client: Any) -> KeptConnections | None:
        """Return what reserves up to half of a client's connections, or None if it can't."""
        version = tuple(int(part) for part in redis.__version__.split(".")[:2])
        if version < (5, 3):
            return None  # its pools need the command as an argument
        pool = client.connection_pool
        most = pool.max_connections // 2  # the rest is for commands that change something
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
        except BaseException:  # also in a thread that is stopped: the answer is still to come
            connection.disconnect()
            self._pool.release(connection)
            raise
        if len(self._idle) < self._most:
            self._idle.append(connection)
        else:
            self._pool.release(connection)
        return answer

    def _leave_to_parent(self) -> None:
        """After a fork: leave the connections to the parent process, which still uses them."""
        with self._lock:
            if self._process != os.getpid():
                self._idle, self._process = [], os.getpid()


def client_maker(
    redis: ModuleType, client: Any, cluster: bool, timeout: float, max_connections: int
) -> tuple[Callable[[], Any], bool]:
    """Return a function that returns the client, and whether it speaks to a cluster."""
    if isinstance(client, str):
        options = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "max_connections": max_connections,
            "retry": redis.retry.Retry(redis.backoff.NoBackoff(), 0),
        }
        url = _checked_url(redis, re.sub(r"\Avalkey(s?)://", r"redis\1://", client))
        if cluster:
            return _cluster_maker(redis, url, options), True
        pool = redis.BlockingConnectionPool.from_url(url, timeout=timeout, **options)
        single = redis.Redis(connection_pool=pool)
        return (lambda: single), False
    if not isinstance(client, (redis.Redis, redis.cluster.RedisCluster)):
        accepted = "a redis.Redis, a redis.cluster.RedisCluster or a URL"
        raise ConfigurationError("client", type(client).__name__, accepted)
    is_cluster = isinstance(client, redis.cluster.RedisCluster)
    known = (client.nodes_manager if is_cluster else client.connection_pool).connection_kwargs
    if known.get("socket_timeout", timeout) is None:
        logger.warning(
            "The Redis client of the session store has no socket_timeout: a server that is silent"
            " holds up every request of a logged-in user. Give the client socket_timeout=1 and"
            " socket_connect_timeout=1."
        )
    _tell_of_retries(known)
    return (lambda: client), is_cluster


def _tell_of_retries(known: dict[str, Any]) -> None:
    """Log how long a lent client tries again before it says that its server is away."""
    retry: Any = known.get("retry")
    policy = cast("dict[str, Any]", vars(retry) if retry else {})
    retries, backoff = policy.get("_retries", 0), policy.get("_backoff")
    if retries < 0:
        often, costs = "without end", "until it is back, it holds up every such request"
    else:
        pauses = sum(_pause(backoff, number + 1) for number in range(retries))
        if pauses < _PATIENCE:
            return
        often, costs = f"{retries} times", f"a refused connection takes about {pauses:.1f} s"
        waits = known.get("socket_connect_timeout") or known.get("socket_timeout")
        if waits:
            costs += f", a silent server about {pauses + (retries + 1) * waits:.0f} s"
    logger.warning(
        "The Redis client of the session store tries again %s when its server is away, and a"
        " request of a logged-in user waits for that: %s. For an answer at once give the client"
        " retry=Retry(NoBackoff(), 0), or give RedisSessionStore a URL in its place.",
        often,
        costs,
    )


def _pause(backoff: Any, number: int) -> float:
    """Return how long a pause is on the average: some are drawn by lot."""
    backoff.reset()
    return sum(float(backoff.compute(number)) for _ in range(_DRAWS)) / _DRAWS


def place_of(client: Any, is_cluster: bool) -> tuple[object, ...]:
    """Return where a client's server keeps its keys, to be compared."""
    if is_cluster:
        return (frozenset(client.nodes_manager.startup_nodes),)
    pool = client.connection_pool
    known = pool.connection_kwargs
    where = tuple(known.get(name) for name in ("host", "port", "path"))
    return getattr(pool, "service_name", where), known.get("db") or 0


def address_of(redis: ModuleType, client: Any) -> str | None:
    """Return the host and port of a client's server, to be shown: no other part of a URL."""
    if isinstance(client, str):
        scheme, _, rest = client.partition("://")
        if not {*"@/?#"}.isdisjoint(rest.rpartition("@")[0]):
            return None  # a password with an unquoted sign: which part is the host, nobody knows
        known = redis.connection.parse_url(f"{scheme.replace('valkey', 'redis')}://{rest}")
    elif isinstance(client, redis.cluster.RedisCluster):
        return ", ".join(sorted(client.nodes_manager.startup_nodes))
    else:
        pool = client.connection_pool
        if hasattr(pool, "service_name"):
            return f"the master '{pool.service_name}' of Sentinel"
        known = pool.connection_kwargs
    if known.get("path"):
        return str(known["path"])
    return f"{known.get('host', 'localhost')}:{known.get('port', 6379)}"


def _checked_url(redis: ModuleType, url: str) -> str:
    try:
        redis.connection.parse_url(url)
    except ValueError:
        understood = False
    else:
        understood = True
    if not understood:  # outside of the handler: redis-py's error shows parts of the URL
        raise ConfigurationError(
            "client",
            "another URL, not shown because it may hold a password",
            "a URL with the scheme redis://, rediss://, unix://, valkey:// or valkeys://",
            "Percent-encode what is not a letter or digit in the password",
        )
    return url


def _cluster_maker(redis: ModuleType, url: str, options: dict[str, Any]) -> Callable[[], Any]:
    # Before redis-py 6, `retry` did not mean the cluster's own attempts.
    old = int(redis.__version__.partition(".")[0]) < 6
    options = {**options, **({"cluster_error_retry_attempts": 0} if old else {})}
    # The client asks the cluster for its nodes when it is made, so it is made at the first use.
    return lambda: redis.cluster.RedisCluster.from_url(url, **options)
