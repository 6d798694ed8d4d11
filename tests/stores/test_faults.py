"""The server of the store dies, freezes or changes while gunicorn serves people who are logged in.

Every answer is right or 503, nobody is logged out, nobody is let in, and whoever needs no login
does not notice. What is right, each visitor of `load` knows.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import pytest
from flask import Flask
from tests.deadlines import at_most
from tests.stores.fault_app import TIMEOUT, User, make_app
from tests.stores.load import (
    REMEMBER,
    SESSION,
    Answer,
    Browser,
    Load,
    Reader,
    Visitor,
    eventually,
    in_process,
    load_on,
)
from tests.stores.servers import DatabaseServer, MariaDB, PostgreSQL
from tests.stores.servers_redis import PASSWORD, Server, is_whole

from flask_login.sessions.memory import MemorySessionStore
from flask_login.sessions.records import user_tag
from flask_login.sessions.store import SessionStoreUnavailable
from flask_login.testing import FrozenClock

pytestmark = pytest.mark.load

USERS = [f"user-{number}" for number in range(20)]
#: How long the server stays away, in seconds.
DOWN = 2.0
#: How long everybody may take to be served again once it is back.
RECOVERY = 20.0
#: What somebody without a login waits at most.
FAST = 1.5
#: What a busy machine may add to a timeout.
SLACK = 1.0
#: After how long a cluster gives a master up.
NODE_TIMEOUT = 2.0


# ------------------------------------------------------------------ the answers


def within(visitors: Sequence[Visitor], began: float, ended: float, path: str) -> list[Answer]:
    """Return the answers to what was asked and answered in that time."""
    return [
        answer
        for visitor in visitors
        for answer in list(visitor.answers)
        if began < answer.began and answer.ended < ended and answer.path.startswith(path)
    ]


def statuses(answers: Sequence[Answer]) -> set[int]:
    return {answer.status for answer in answers}


def assert_others_did_not_notice(load: Load) -> None:
    others = [answer for one in load.anonymous for answer in one.answers]
    public = [answer for one in load.visitors for answer in one.answers if answer.path == "/public"]
    assert statuses([*others, *public]) == {200}
    assert_nearly_all_took_less_than(FAST, [*others, *public])


def assert_nearly_all_took_less_than(limit: float, answers: Sequence[Answer]) -> None:
    """Allow for the few that a busy machine leaves waiting whatever the store does."""
    limit = at_most(limit)
    slow = [answer for answer in answers if answer.took >= limit]
    assert len(slow) <= len(answers) / 20, [str(answer) for answer in slow]


# ------------------------------------------------------------------ the servers


class Backend(Protocol):
    """A store's server that can be taken away and given back."""

    kind: str
    #: How fast the application's clock goes. An hour a minute makes each second count as
    #: activity, rotates the remember tokens each second, and lets the grace for those that were
    #: replaced run out before the server is back.
    speed: float

    @property
    def url(self) -> str: ...

    def take_away(self) -> None: ...

    def give_back(self) -> None: ...


class Database:
    kind, speed = "sqlalchemy", 60.0

    def __init__(self, server: DatabaseServer, url: str) -> None:
        self.url = url
        self._server = server

    def take_away(self) -> None:
        self._server.stop()

    def give_back(self) -> None:
        self._server.start()


class LockedFile:
    """SQLite has no server; somebody else locks its file instead."""

    # One writes after the other, and each waits for the disk: not so many of them.
    kind, speed = "sqlalchemy", 10.0

    def __init__(self, file: Path) -> None:
        self.url = f"sqlite:///{file}"
        self._holder = sqlite3.connect(file, isolation_level=None, timeout=20)

    def take_away(self) -> None:
        self._holder.execute("BEGIN EXCLUSIVE")

    def give_back(self) -> None:
        self._holder.execute("ROLLBACK")

    def close(self) -> None:
        self._holder.close()


class LastingRedis(Server):
    """A Redis that has written down what it was told before it answers."""

    kind, speed = "redis", 60.0

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._command += ["--appendonly", "yes", "--appendfsync", "always"]

    def take_away(self) -> None:
        self.stop()

    def give_back(self) -> None:
        self.start()


@contextmanager
def postgresql() -> Iterator[Backend]:
    pytest.importorskip("psycopg")
    with closing(PostgreSQL()) as server:
        yield Database(server, server.url())


@contextmanager
def mariadb() -> Iterator[Backend]:
    pytest.importorskip("pymysql")
    with closing(MariaDB()) as server:
        # Else PyMySQL reads all the machine's certificates before each attempt to connect.
        yield Database(server, f"{server.url()}?ssl_disabled=true")


@contextmanager
def locked_file() -> Iterator[Backend]:
    with (
        tempfile.TemporaryDirectory(prefix="sqlite-") as directory,
        closing(LockedFile(Path(directory) / "logins.db")) as file,
    ):
        yield file


@contextmanager
def lasting_redis() -> Iterator[LastingRedis]:
    pytest.importorskip("redis", minversion="5.0")
    with tempfile.TemporaryDirectory(prefix="redis-") as directory, ExitStack() as stack:
        server = LastingRedis(Path(directory))
        stack.callback(server.stop)
        server.start()
        yield server


BACKENDS: dict[str, Callable[[], AbstractContextManager[Backend]]] = {
    "sqlite": locked_file,
    "postgresql": postgresql,
    "mariadb": mariadb,
    "redis": lasting_redis,
}


def make_tables(backend: Backend) -> None:
    if backend.kind == "sqlalchemy":
        pytest.importorskip("sqlalchemy", minversion="2.0")
        from sqlalchemy import create_engine

        from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore

        engine = create_engine(backend.url)
        SQLAlchemySessionStore(engine).create_all()
        engine.dispose()


# -------------------------------------------------------------- killed, restarted


def serve(load: Load) -> None:
    eventually("everybody is served", load.all_are_served, RECOVERY)


def wait_until_noticed(load: Load, down: float) -> None:
    """Wait until all were refused who need the store, and some time more."""
    concerned = [*load.users, *load.newcomers]
    eventually("everybody notices", lambda: load.have_noticed(concerned, down))
    eventually("it was away for long", lambda: monotonic() > down + DOWN)


def outage(load: Load, backend: Backend) -> None:
    """Take the server away for a while."""
    backend.take_away()
    down = monotonic()
    wait_until_noticed(load, down)
    over = monotonic()
    backend.give_back()
    assert statuses(within(load.users, down, over, "/me")) == {503}
    assert statuses(within(load.newcomers, down, over, "/login")) == {503}
    assert statuses(within(load.anonymous, down, over, "/")) == {200}


@pytest.mark.parametrize("name", BACKENDS)
def test_nobody_is_logged_out_or_let_in_when_the_server_is_killed_and_restarted_twice(
    name: str, tmp_path: Path
) -> None:
    with BACKENDS[name]() as backend:
        make_tables(backend)
        with load_on(
            tmp_path / "log", backend.kind, backend.url, USERS, speed=backend.speed
        ) as load:
            serve(load)
            for _ in range(2):
                outage(load, backend)
                serve(load)
    assert_others_did_not_notice(load)
    # None waited for much longer than the timeouts of a read and of a write.
    everything = [answer for visitor in load.visitors for answer in visitor.answers]
    assert_nearly_all_took_less_than(2 * TIMEOUT + SLACK, everything)


def test_who_is_logged_in_waits_for_a_frozen_redis_no_longer_than_the_timeout_and_others_not_at_all(
    tmp_path: Path,
) -> None:
    with lasting_redis() as redis:
        with load_on(tmp_path / "log", redis.kind, redis.url, USERS, speed=redis.speed) as load:
            serve(load)
            redis.freeze()
            frozen = monotonic()
            wait_until_noticed(load, frozen)
            over = monotonic()
            redis.thaw()
            during = within(load.users, frozen, over, "/me")
            assert statuses(during) == {503}
            assert_nearly_all_took_less_than(TIMEOUT + SLACK, during)
            assert statuses(within(load.newcomers, frozen, over, "/login")) == {503}
            serve(load)
        assert_others_did_not_notice(load)


# --------------------------------------------------------------------- failover


class Node(Server):
    """A node of a Redis Cluster, which goes on when others' slots are not served."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        super().__init__(
            directory,
            *("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"),
            *("--cluster-node-timeout", f"{NODE_TIMEOUT * 1000:.0f}"),
            *("--cluster-announce-ip", "127.0.0.1", "--masterauth", PASSWORD),
            *("--repl-diskless-sync-delay", "0"),
        )

    @property
    def slots(self) -> set[int]:
        """The slots that it serves, as a master."""
        nodes = self.ask("CLUSTER", "NODES").decode().splitlines()
        own = next(line.split() for line in nodes if "myself" in line)
        ranges = [(first, last or first) for first, _, last in (s.partition("-") for s in own[8:])]
        return {slot for first, last in ranges for slot in range(int(first), int(last) + 1)}

    def replication(self, fact: str) -> str:
        """Return one of the facts that it tells of its replication."""
        told = self.ask("INFO", "replication").decode()
        found = re.search(rf"^{fact}:(.*?)\r?$", told, re.MULTILINE)
        return found[1] if found else ""


@dataclass(frozen=True)
class Shard:
    """A part of a cluster: the node that serves it, and the one that takes over."""

    master: Node
    replica: Node

    def join(self) -> None:
        """Make the one the replica of the other."""
        node_id = self.master.ask("CLUSTER", "MYID").decode().split()[1]
        # The replica may have to hear of its master first.
        replicate = partial(self.replica.ask, "CLUSTER", "REPLICATE", node_id)
        eventually("it is a replica", lambda: replicate() == b"+OK\r\n")

    def is_linked(self) -> bool:
        return self.replica.replication("master_link_status") == "up"

    def is_even(self) -> bool:
        """Tell whether the replica knows all that its master does."""
        known = self.replica.replication("slave_repl_offset")
        return known == self.master.replication("master_repl_offset") != ""


@contextmanager
def shards() -> Iterator[Sequence[Shard]]:
    """A Redis Cluster of three masters, each with a replica."""
    pytest.importorskip("redis", minversion="5.0")
    with tempfile.TemporaryDirectory(prefix="redis-") as directory, ExitStack() as stack:
        nodes = [Node(Path(directory) / str(number)) for number in range(6)]
        for node in nodes:
            stack.callback(node.stop)
            node.start()
        for number, node in enumerate(nodes[:3]):
            slots = range(16_384 * number // 3, 16_384 * (number + 1) // 3)
            # One slot after another: ADDSLOTSRANGE is not in Redis 6.
            assert node.ask("CLUSTER", "ADDSLOTS", *map(str, slots)) == b"+OK\r\n"
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for node in nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", str(nodes[0].port))
        for node in nodes:
            eventually("the cluster is whole", partial(is_whole, node, 6))
        found = [Shard(*pair) for pair in zip(nodes[:3], nodes[3:], strict=True)]
        for shard in found:
            shard.join()
        for shard in found:
            eventually("the replica is linked", shard.is_linked)
        yield found


def key_slot(key: str) -> int:
    slot: int = import_module("redis.crc").key_slot(key.encode())
    return slot


def fail_over(load: Load, lost: Shard, users: Sequence[Any]) -> tuple[float, float]:
    """Kill a master; return when it was gone, and when its replica had taken over."""
    eventually("the replica knows everything", lost.is_even)
    slots = lost.master.slots
    lost.master.stop()
    gone = monotonic()
    eventually("its users notice", lambda: load.have_noticed(users, gone))
    eventually("the replica takes over", lambda: lost.replica.slots == slots)
    return gone, monotonic()


def test_a_failover_in_the_cluster_logs_nobody_out_and_lets_nobody_in(tmp_path: Path) -> None:
    with shards() as cluster:
        brake = key_slot("login:brake")
        vital = next(shard for shard in cluster if brake in shard.master.slots)
        lost = next(shard for shard in cluster if shard is not vital)
        slots = lost.master.slots
        # The one whose address the application knows is the one that is lost. The clock goes as
        # it does for everybody: a remember token that was rotated just before might be lost.
        with load_on(
            tmp_path / "log", "cluster", lost.master.url, USERS, speed=1, user_class=Reader
        ) as load:
            mine = [u for u in load.users if key_slot(f"login:{{{user_tag(u.name)}}}") in slots]
            others = [user for user in load.users if user not in mine]
            assert mine
            assert others
            serve(load)
            gone, over = fail_over(load, lost, mine)
            # It is not given up, so not replaced, any sooner.
            assert statuses(within(mine, gone, gone + NODE_TIMEOUT, "/me")) == {503}
            served = [answer.status for answer in within(others, gone, over, "/me")]
            # A busy machine may be late now and then.
            assert served.count(200) > 0.95 * len(served) > 0
            serve(load)
            # Nobody can be told to be logged in when it is not known whether all are to be out.
            fail_over(load, vital, load.users)
            serve(load)
        assert_others_did_not_notice(load)


# ------------------------------------------------------ one question unanswered

QUESTIONS = {"create", "get", "replace", "list", "end_all", "ended_before"}


class HardOfHearing(MemorySessionStore):
    """Gives no answer to one question, as when its server dies at that very moment."""

    #: Which one, counted from now.
    deaf_to = 0
    #: Whether it still did what it was asked.
    done = False

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return partial(self._answer, found) if name in QUESTIONS else found

    def _answer(self, act: Callable[..., object], *args: Any, **kwargs: Any) -> object:
        self.deaf_to -= 1
        if self.deaf_to == 0:
            if self.done:
                act(*args, **kwargs)
            raise SessionStoreUnavailable(self.kind)
        return act(*args, **kwargs)


NAMES = {"session": (REMEMBER, SESSION), "cookie": ("login", "login-marker")}


class Stage:
    """An application with one browser, before the request that matters."""

    def __init__(self, state: str) -> None:
        self.clock = FrozenClock()
        self.store = HardOfHearing()
        #: The names of what outlives the browser, and of what does not.
        self.lasting, self.ending = NAMES[state]
        self.password = password = {"ann": "old", "bob": "old"}

        class WithPassword(User):
            def get_session_auth_hash(self) -> str:
                return password[self.id]

        self.app = self._app(WithPassword, self.store)
        self.app.config["LOGIN_STATE"] = state
        self.signed_level = self._app(WithPassword, None)
        self.browser = Browser(in_process(self.app))
        self.browser.get("/login/ann")
        assert set(self.browser.cookies) == {self.lasting, self.ending}

    def _app(self, user_class: type[User], store: HardOfHearing | None) -> Flask:
        app = make_app(store, self.clock, user_class)
        app.config.update(TESTING=True, REMEMBER_COOKIE_ACCEPT_LEGACY=True)
        return app

    def later(self) -> None:
        self.clock.advance(timedelta(minutes=2))


def with_a_session(stage: Stage) -> str:
    return "/me"


def with_a_remember_token(stage: Stage) -> str:
    stage.later()
    del stage.browser.cookies[stage.ending]
    return "/me"


def with_a_session_of_before_the_confirmation(stage: Stage) -> str:
    old = stage.browser.cookies[stage.ending]
    stage.browser.get("/confirm")
    stage.later()
    stage.browser.cookies[stage.ending] = old
    return "/me"


def from_before_the_store(stage: Stage) -> str:
    browser = Browser(in_process(stage.signed_level))
    browser.get("/login/ann")
    stage.browser.cookies = browser.cookies
    return "/me"


def remembered_from_before_the_store(stage: Stage) -> str:
    from_before_the_store(stage)
    del stage.browser.cookies[SESSION]
    return "/me"


def after_logging_out(stage: Stage) -> str:
    kept = dict(stage.browser.cookies)
    stage.browser.get("/logout")
    stage.browser.cookies = kept
    return "/me"


def after_the_password_changed(stage: Stage) -> str:
    stage.password["ann"] = "new"
    return "/me"


def logging_in_again(stage: Stage) -> str:
    return "/login/ann"


def logging_in_as_another(stage: Stage) -> str:
    return "/login/bob"


def confirming(stage: Stage) -> str:
    return "/confirm"


def logging_out(stage: Stage) -> str:
    return "/logout"


def logging_out_everywhere(stage: Stage) -> str:
    return "/logout?everywhere"


#: What a browser asks with its cookies, and who it is afterwards.
SCENES: dict[Callable[[Stage], str], str | None] = {
    with_a_session: "ann",
    with_a_remember_token: "ann",
    with_a_session_of_before_the_confirmation: "ann",
    from_before_the_store: "ann",
    remembered_from_before_the_store: "ann",
    after_logging_out: None,
    after_the_password_changed: None,
    logging_in_again: "ann",
    logging_in_as_another: "bob",
    confirming: "ann",
    logging_out: None,
    logging_out_everywhere: None,
}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
@pytest.mark.parametrize("minutes", [0, 10])
@pytest.mark.parametrize("state", NAMES)
def test_whichever_question_is_not_answered_the_cookies_stay_and_the_next_try_is_right(
    scene: Callable[[Stage], str], done: bool, minutes: int, state: str
) -> None:
    for question in range(1, 20):
        stage = Stage(state)
        path = scene(stage)
        kept = dict(stage.browser.cookies)
        stage.store.deaf_to, stage.store.done = question, done
        answer = stage.browser.get(path)
        if stage.store.deaf_to > 0:
            assert question > 1, "nothing was asked"
            break
        assert answer.is_outage, f"question {question}, {answer}"
        assert stage.browser.cookies == kept

        stage.clock.advance(timedelta(minutes=minutes))
        answer = stage.browser.get(path)
        assert answer.status == (401 if path == "/me" and SCENES[scene] is None else 200), str(
            answer
        )
        answer = stage.browser.get("/whoami")
        assert answer.tells(SCENES[scene] or "nobody"), str(answer)
        if SCENES[scene] is None:
            assert stage.lasting not in stage.browser.cookies
    else:
        pytest.fail("it asks without end")
