"""The throttle on real servers: Redis alone, behind Sentinel and as a cluster, and MariaDB.

MariaDB is where the accounts are: it finds one by more spellings than anybody can list.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import islice, product
from time import monotonic
from typing import Any

import pytest
from flask import Flask, request

pytest.importorskip("limits", minversion="3.0")
pytest.importorskip("redis", minversion="5.0")

from limits.storage import storage_from_string
from tests.deadlines import at_most
from tests.stores.servers import MariaDB, driver
from tests.stores.servers_redis import Server, cluster, sentinel, single

from flask_login import LoginManager, UserMixin
from flask_login.budgets import plain_name
from flask_login.testing import FrozenClock
from flask_login.throttling import LoginThrottle, ThrottleUnavailable, TooManyLoginAttempts

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]

KINDS = ["alone", "sentinel", "cluster"]


class Member(UserMixin):
    def __init__(self, number: int) -> None:
        self.id = number


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str], tuple[Server, str]]]:
    """Return a function that starts what it is asked for, once, and gives its URL too."""
    with ExitStack() as stack:
        started: dict[str, tuple[Server, str]] = {}

        def start(kind: str) -> tuple[Server, str]:
            if kind not in started:
                started[kind] = _start(kind, stack)
            return started[kind]

        yield start


def _start(kind: str, stack: ExitStack) -> tuple[Server, str]:
    if kind == "cluster":
        nodes = stack.enter_context(cluster())
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        return nodes[0], f"redis+cluster://:{nodes[0].password}@{hosts}"
    server = stack.enter_context(single())
    if kind == "alone":
        return server, server.url
    watcher = stack.enter_context(sentinel(server))
    secret = f":{server.password}@"
    return server, f"redis+sentinel://{secret}127.0.0.1:{watcher.port}/main"


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, servers: Callable[[str], tuple[Server, str]]) -> str:
    return servers(request.param)[1]


@pytest.fixture
def plain_app(clock: FrozenClock) -> Flask:
    app = Flask("shop")
    # Each test has names of its own in the servers, by a key of its own.
    app.config.update(SECRET_KEY=f"the key of {id(app)} at {monotonic()}", TESTING=True)
    LoginManager[object](app, clock=clock)
    return app


def attempts(app: Flask, throttle: LoginThrottle, name: str, number: int) -> list[bool]:
    return [may_try(app, throttle, name) for _ in range(number)]


def may_try(app: Flask, throttle: LoginThrottle, name: str, address: str = "192.0.2.1") -> bool:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        try:
            throttle.attempt(name)
        except TooManyLoginAttempts:
            return False
    return True


def test_attack_parallel_guesses_of_several_workers_do_not_get_past_the_limit(
    plain_app: Flask, url: str
) -> None:
    workers = [LoginThrottle(per_account="10 per hour", storage=url) for _ in range(4)]
    start, got = threading.Barrier(32), []

    def guess(number: int) -> None:
        start.wait()
        address = f"192.0.2.{number}"
        got.append(may_try(plain_app, workers[number % 4], "alice", address))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got.count(True) == 10
    assert got.count(False) == 22


def test_attack_parallel_guesses_by_many_names_do_not_get_past_the_limit_of_the_account(
    plain_app: Flask, url: str
) -> None:
    workers = [LoginThrottle(per_account="10 per hour", storage=url) for _ in range(4)]
    start, got = threading.Barrier(32), []

    def guess(number: int) -> None:
        start.wait()
        with plain_app.test_request_context(environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}):
            try:
                workers[number % 4].attempt(f"alice{number}").found(Member(1))
            except TooManyLoginAttempts:
                got.append(False)
            else:
                got.append(True)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (got.count(True), got.count(False)) == (10, 22)


def test_a_good_login_a_new_window_and_unlocking_begin_anew(
    plain_app: Flask, url: str, clock: FrozenClock
) -> None:
    throttle = LoginThrottle(per_account="3 per 15 minutes", storage=url)
    assert attempts(plain_app, throttle, "alice", 2) == [True, True]
    with plain_app.test_request_context():
        throttle.attempt("alice").succeeded()
    assert attempts(plain_app, throttle, "alice", 4) == [True, True, True, False]
    with plain_app.app_context():
        throttle.unlock("Alice")
    assert attempts(plain_app, throttle, "alice", 4) == [True, True, True, False]
    clock.advance(timedelta(minutes=15))
    assert attempts(plain_app, throttle, "alice", 4) == [True, True, True, False]


def test_what_is_counted_expires_by_itself(
    plain_app: Flask, servers: Callable[[str], tuple[Server, str]]
) -> None:
    server, url = servers("alone")
    throttle = LoginThrottle(per_account="1 per hour; 100 per 1000 years", storage=url)
    assert server.ask("FLUSHALL") == b"+OK\r\n"
    with plain_app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}):
        attempt = throttle.attempt("alice")
        attempt.found(Member(1))
        attempt.succeeded()
        for _ in range(2):
            attempts(plain_app, throttle, "alice", 1)
    keys = server.ask("KEYS", "*").split(b"\r\n")[2::2]
    assert len(keys) > 8
    for key in keys:
        assert re.match(rb"(LIMITS:)?login-throttle:(account|address):[\w-]{22}:", key)
        assert b"alice" not in key
        seconds = int(server.ask("TTL", key.decode())[1:])
        assert 60 <= seconds <= 3660 or seconds > 800 * 360 * 86_400


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "gone"])
def test_an_outage_delays_a_login_by_little_and_refuses_nobody(
    plain_app: Flask, caplog: pytest.LogCaptureFixture, silent: bool
) -> None:
    with single() as server:
        throttle = LoginThrottle(per_account="1 per hour", storage=server.url)
        careful = LoginThrottle(storage=server.url, on_outage="refuse")
        assert attempts(plain_app, throttle, "alice", 2) == [True, False]
        if silent:
            server.freeze()
        else:
            server.stop()
        began = monotonic()
        assert may_try(plain_app, throttle, "alice")
        with pytest.raises(ThrottleUnavailable):
            may_try(plain_app, careful, "alice")
        assert monotonic() - began < at_most(5)
        if silent:
            server.thaw()
            assert not may_try(plain_app, throttle, "alice")
    told = [record.levelno for record in caplog.records if record.name == "flask_login"]
    assert told == [logging.ERROR] * 2  # whatever another test's application lets through
    assert str(server.password) not in caplog.text


def test_an_application_starts_while_its_cluster_is_down(
    plain_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    throttle = LoginThrottle(storage="redis+cluster://:canary@127.0.0.1:1")
    assert may_try(plain_app, throttle, "alice")
    assert "gave no answer" in caplog.text
    assert "canary" not in caplog.text


def test_a_storage_of_one_s_own_making_is_used_as_it_is(
    plain_app: Flask, servers: Callable[[str], tuple[Server, str]]
) -> None:
    server, url = servers("alone")
    storage = storage_from_string(f"{url.removesuffix('/0')}/7", socket_timeout=5)
    throttle = LoginThrottle(storage=storage, per_address=None)  # type: ignore[arg-type]  # not async
    assert server.ask("FLUSHALL") == b"+OK\r\n"
    assert may_try(plain_app, throttle, "alice")
    assert b"db7:keys=" in server.ask("INFO", "keyspace")


# Accounts in MariaDB

NAME = "halod@u1"
#: What one collation or another takes for a letter of that name.
VARIANTS = {
    "h": "hH\u0127\u0126\uff48\u036a",
    "a": "aA\u00e1\u0363\uff41",
    "l": "lL\u0142\u0141\uff4c",
    "o": "oO\u00f8\u00d8\u0366",
    "d": "dD\u0111\u0110\u0369",
    "u": "uU\u00fc\u0367",
    "1": "1\u0661\uff11",
}
#: What it ignores behind a name.
ENDINGS = [*(" " * number for number in range(9)), "\u0488", "\u0301\u0488 ", "\u200b"]
#: The collations, and how many of these spellings each takes for that name, or more.
COLLATIONS = {
    "utf8mb4_general_ci": 150,
    "utf8mb4_unicode_ci": 2000,
    "utf8mb4_unicode_520_ci": 2000,
}


class Members:
    """A table of members for each collation, and of spellings to try."""

    def __init__(self, url: str) -> None:
        self.sqlalchemy: Any = pytest.importorskip("sqlalchemy")
        self.engine: Any = self.sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        for table in COLLATIONS:
            self._make(table, collation=table)
            self._fill(table, ["somebody else", NAME])
        self._make("spellings", collation="utf8mb4_bin")
        letters = [VARIANTS.get(letter, letter) for letter in NAME]
        self._fill("spellings", map("".join, islice(product(*letters, ENDINGS), 0, None, 7)))

    def find(self, name: str, collation: str) -> list[int]:
        """Return the ids of the members whom the database finds by a name."""
        return self._ask(f"SELECT id FROM {collation} WHERE name = :name", name=name)  # noqa: S608  # a table of ours

    def spellings(self, collation: str) -> list[str]:
        """Return texts that this collation takes for the name."""
        return self._ask(
            f"SELECT name FROM spellings WHERE name COLLATE {collation} = :name LIMIT 2000",  # noqa: S608  # a collation of ours
            name=NAME,
        )

    def _make(self, table: str, *, collation: str) -> None:
        with self.engine.connect() as connection:
            connection.execute(
                self.sqlalchemy.text(
                    f"CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTO_INCREMENT,"
                    f" name VARCHAR(40) CHARACTER SET utf8mb4 COLLATE {collation} NOT NULL)"
                )
            )

    def _fill(self, table: str, names: Iterable[str]) -> None:
        statement = self.sqlalchemy.text(f"INSERT INTO {table} (name) VALUES (:name)")  # noqa: S608  # a table of ours
        with self.engine.connect() as connection:
            connection.execute(statement, [{"name": name} for name in names])

    def _ask(self, statement: str, **values: str) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(self.sqlalchemy.text(statement), values).scalars())


@pytest.fixture(scope="module")
def members() -> Iterator[Members]:
    driver("pymysql")
    server = MariaDB()
    try:
        found = Members(server.url())
        yield found
        found.engine.dispose()
    finally:
        server.close()


@pytest.mark.parametrize("normalize", [plain_name, str])
@pytest.mark.parametrize("collation", COLLATIONS)
def test_attack_thousands_of_spellings_that_mariadb_takes_for_one_name_get_ten_guesses(
    plain_app: Flask, members: Members, collation: str, normalize: Callable[[str], str]
) -> None:
    # A long window: the storage in memory forgets by the machine's clock, and this takes a minute.
    throttle = LoginThrottle(per_account="10 per 90 days", per_address=None, normalize=normalize)
    looked_at = []

    @plain_app.post("/login")
    def login() -> tuple[str, int]:
        name = request.form["name"]
        with throttle.attempt(name) as attempt:
            (found,) = members.find(name, collation)
            attempt.found(Member(found))
            looked_at.append(name)
        return "", 401

    client = plain_app.test_client()
    names = members.spellings(collation)
    assert len(set(names)) == len(names) >= COLLATIONS[collation]
    statuses = [client.post("/login", data={"name": name}).status_code for name in names]
    assert statuses == [401] * 10 + [429] * (len(names) - 10)
    assert len(looked_at) == 10
    assert client.post("/login", data={"name": NAME}).status_code == 429


@pytest.mark.parametrize("collation", COLLATIONS)
def test_the_spellings_of_an_unknown_name_count_together_as_mariadb_takes_them_for_one(
    members: Members, collation: str
) -> None:
    """Otherwise they would tell a stranger which accounts exist."""
    assert {plain_name(name) for name in members.spellings(collation)} == {NAME}
