"""What runs beside requests: jobs, sockets and schedules."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import socketio
from apscheduler.schedulers.background import BackgroundScheduler
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging
from flask import stream_with_context
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO
from socketio.exceptions import ConnectionError as SocketRefused
from tests.deadlines import at_most
from tests.integrations.conftest import Level
from tests.integrations.flow import USERS, Browser, browser_at, browser_of, make_site, walk
from tests.processes import accepts, running
from tests.redirect_status import REDIRECT
from tests.stores.servers import free_port

from flask_login import (
    MemorySessionStore,
    acting_as,
    current_user,
    login_required,
    login_still_valid,
)

ROOT = Path(__file__).parent.parent.parent

# Celery


@setup_logging.connect
def leave_the_log_to_the_tests(**_: Any) -> None:
    """With a receiver here Celery does not set the level of every logger."""


class Jobs:
    """A site with two tasks: one acts as the user who asked, one ends a user's logins."""

    def __init__(self, level: Level, **celery: Any) -> None:
        self.app = app = make_site(level.store)
        self.celery = Celery("site", broker="memory://", backend="cache+memory://")
        self.celery.conf.update(celery)

        # Not shared with the next Celery of this process, as tasks of one name are.
        @self.celery.task(name="report", shared=False)
        def report(user_id: str) -> str:
            with app.app_context(), acting_as(USERS[user_id]):
                return f"report for {current_user.id}"

        @self.celery.task(name="revoke", shared=False)
        def revoke(user_id: str) -> None:
            with app.app_context():
                app.login_manager.sessions.revoke_all(user_id)  # type: ignore[attr-defined]  # ours

        self.revoke = revoke

        @app.get("/report")
        @login_required
        def ask() -> str:
            return str(report.delay(current_user.get_id()).get(at_most(20)))

        self.browser = browser_of(app)


def test_celery_tasks_that_run_within_the_request(level: Level) -> None:
    jobs = Jobs(level, task_always_eager=True)
    walk(jobs.browser, stored=level.stored, guarded=["/report"])
    assert jobs.browser.log_in("ben").get("/report").text == "report for ben"
    assert jobs.browser.get("/guarded").text == "user ben"


def test_a_celery_worker() -> None:
    jobs = Jobs(Level("stored"))
    with start_worker(jobs.celery, pool="solo", perform_ping_check=False):
        walk(jobs.browser, stored=True, guarded=["/report"])
        assert jobs.browser.log_in("ben").get("/report").text == "report for ben"
        jobs.revoke.delay("ben").get(at_most(20))
        assert jobs.browser.get("/guarded").status == REDIRECT
    jobs.celery.close()


# Flask-SocketIO


def test_flask_socketio_beside_the_flow(level: Level) -> None:
    app = make_site(level.store)
    sockets = SocketIO(app, async_mode="threading")

    @sockets.on("connect")
    def connect() -> None:
        if not current_user.is_authenticated:
            raise Refused("login_required")

    walk(browser_of(app), stored=level.stored)
    client = app.test_client()
    assert not sockets.test_client(app, flask_test_client=client).is_connected()
    client.post("/login", data={"name": "ann"})
    assert sockets.test_client(app, flask_test_client=client).is_connected()


@pytest.fixture(scope="module", params=["threading", "gevent", "eventlet"])
def sockets_at(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    port, folder = free_port(), tmp_path_factory.mktemp("sockets")
    command = [sys.executable, "-m", "tests.integrations.served_sockets", request.param, str(port)]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with running(command, folder, ready=lambda _: accepts(port), env={"PYTHONPATH": path}):
        yield port


class Socket:
    """A socket of the browser's, and what it was told."""

    def __init__(self, browser: Browser, port: int, transport: str) -> None:
        self.told: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self.client = client = socketio.Client(reconnection=False)
        client.on("*", lambda *event: self.told.put(event))
        client.on("disconnect", lambda *_: self.told.put(("cut off",)))
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        client.connect(
            f"http://127.0.0.1:{port}",
            headers={"Cookie": cookies} if cookies else {},
            transports=[transport],
            wait_timeout=at_most(10),
        )

    def next(self) -> tuple[Any, ...]:
        return self.told.get(timeout=at_most(20))


@pytest.mark.xdist_group("sockets")
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_the_page_s_application_of_flask_socketio(sockets_at: int, transport: str) -> None:
    browser = browser_at(sockets_at)
    with pytest.raises(SocketRefused):
        Socket(browser, sockets_at, transport)
    browser.post("/login/ann")
    socket = Socket(browser, sockets_at, transport)
    try:
        socket.client.emit("say", "hello")
        assert socket.next() == ("said", "ann: hello")
        browser.post("/logout")
        assert socket.next() == ("logged_out",)
        socket.client.emit("say", "am I still here?")
        assert socket.next() == ("cut off",)
    finally:
        socket.client.disconnect()


# APScheduler, commands and streams


@pytest.fixture
def scheduler() -> Iterator[BackgroundScheduler]:
    scheduler = BackgroundScheduler()
    scheduler.start()
    yield scheduler
    scheduler.shutdown()


def test_a_job_of_apscheduler_acts_as_a_user(level: Level, scheduler: BackgroundScheduler) -> None:
    app = make_site(level.store)
    said: queue.Queue[str] = queue.Queue()

    def job(user_id: str) -> None:
        with app.app_context(), acting_as(USERS[user_id]):
            said.put(f"report for {current_user.id}")

    @app.get("/report")
    @login_required
    def report() -> str:
        now = datetime.now(timezone.utc)
        scheduler.add_job(job, "date", run_date=now, args=[current_user.get_id()])
        return said.get(timeout=at_most(20))

    walk(browser_of(app), stored=level.stored, guarded=["/report"])


def test_a_stream_ends_when_a_scheduled_job_has_ended_the_login(
    scheduler: BackgroundScheduler,
) -> None:
    app = make_site(MemorySessionStore())

    def revoke() -> None:
        with app.app_context():
            app.login_manager.sessions.revoke_all("ann")  # type: ignore[attr-defined]  # ours
        done.set()

    @app.get("/stream")
    @login_required
    def stream() -> Any:
        def parts() -> Iterator[str]:
            while login_still_valid():
                yield "still here"

        return stream_with_context(parts())

    done = threading.Event()
    client = app.test_client()
    client.post("/login", data={"name": "ann"})
    with client.get("/stream", buffered=False) as answer:
        parts = iter(answer.response)
        assert [next(parts), next(parts)] == [b"still here"] * 2
        scheduler.add_job(revoke)
        assert done.wait(at_most(20))
        assert list(parts) == []


def test_a_command_ends_a_user_s_logins() -> None:
    app = make_site(MemorySessionStore())
    browser = browser_of(app).log_in()
    result = app.test_cli_runner().invoke(args=["login", "revoke-user", "ann"])
    assert result.exit_code == 0, result.output
    assert browser.get("/guarded").status == REDIRECT
