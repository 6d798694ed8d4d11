"""Logs, traces and reports of errors that name the user."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk
import structlog
from flask import Flask
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pythonjsonlogger.json import JsonFormatter
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.transport import Transport
from tests.integrations.conftest import Level
from tests.integrations.flow import browser_of, make_site, walk

from flask_login import (
    MemorySessionStore,
    current_user,
    login_failed,
    login_required,
    user_accessed,
)

# Formatters of the log


def by_json_logger() -> logging.Formatter:
    return JsonFormatter("%(message)s")


def by_structlog() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


@pytest.fixture(params=[by_json_logger, by_structlog])
def log(request: pytest.FixtureRequest) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return a function that gives what the audit log has written so far."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(request.param())
    audit = logging.getLogger("flask_login.audit")
    before = audit.level
    audit.addHandler(handler)
    audit.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    audit.removeHandler(handler)
    audit.setLevel(before)


def test_a_formatter_writes_every_field_of_the_audit_log(
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    app = make_site(MemorySessionStore())

    @app.post("/fail")
    def fail() -> str:
        login_failed("ann@shop.example")
        return "no"

    browser = browser_of(app)
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        walk(browser, stored=True)
        browser.post("/fail")
    lines = log()
    events = [line["event"] for line in lines]
    started = next(line for line in lines if line["event"] == "login_session_started")
    assert started["user_id"] == "ann"
    assert started["login_id"]
    assert started["ip"] == "127.0.0.1"
    ended = next(line for line in lines if line["event"] == "login_session_ended")
    assert ended["reason"] == "logout"
    failed = lines[events.index("user_login_failed")]
    assert failed["ip"] == "127.0.0.1"
    assert "ann@shop.example" not in json.dumps(lines)


# OpenTelemetry


class Counting(MemorySessionStore):
    """Counts how often it is asked."""

    asked = 0

    def get(self, *args: Any, **kwargs: Any) -> Any:
        self.asked += 1
        return super().get(*args, **kwargs)


def name_the_user_of_the_span(sender: Flask, **extra: Any) -> None:
    if current_user.is_authenticated:
        trace.get_current_span().set_attribute("enduser.id", current_user.get_id())


def test_opentelemetry() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    store = Counting()
    app = make_site(store)
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    try:
        with user_accessed.connected_to(name_the_user_of_the_span, app):
            browser = browser_of(app)
            walk(browser, stored=True)
            browser.log_in()
            exporter.clear()
            browser.get("/guarded")
            store.asked = 0
            public = browser.get("/public")
    finally:
        FlaskInstrumentor().uninstrument_app(app)
    guarded, other = exporter.get_finished_spans()
    assert (guarded.name, guarded.attributes["enduser.id"]) == ("GET /guarded", "ann")
    assert "enduser.id" not in other.attributes
    assert (store.asked, public.header("Vary")) == (0, "")


# Sentry


class Kept(Transport):
    """Keeps the events that would be sent."""

    events: list[Any]

    def capture_envelope(self, envelope: Any) -> None:
        event = envelope.get_event()
        if event is not None:
            self.events.append(event)


@pytest.fixture
def sentry() -> Iterator[Callable[..., list[Any]]]:
    """Return a function that starts Sentry, and gives the list of the events to come."""

    def start(**options: Any) -> list[Any]:
        Kept.events = []
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:1/1",
            transport=Kept,
            integrations=[FlaskIntegration()],
            **options,
        )
        return Kept.events

    yield start
    sentry_sdk.get_global_scope().set_client(None)


def sentry_site(store: Any) -> Flask:
    app = make_site(store)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/broken")
    def broken() -> str:
        return f"{1 / 0}"

    @app.get("/my-broken")
    @login_required
    def my_broken() -> str:
        return f"{1 / 0}"

    return app


def test_sentry_as_it_is_asks_for_nobody(sentry: Callable[..., list[Any]], level: Level) -> None:
    events = sentry()
    app = sentry_site(level.store)
    browser = browser_of(app)
    walk(browser, stored=level.stored)
    answer = browser.log_in().get("/broken")
    assert (answer.status, answer.header("Vary")) == (500, "")
    assert [event.get("user") for event in events] == [None]


def test_sentry_is_told_the_user_of_the_pages_that_ask(
    sentry: Callable[..., list[Any]],
) -> None:
    events = sentry()
    store = Counting()
    app = sentry_site(store)

    def name_the_user(sender: Flask, **extra: Any) -> None:
        if current_user.is_authenticated:
            sentry_sdk.set_user({"id": current_user.get_id()})

    with user_accessed.connected_to(name_the_user, app):
        browser = browser_of(app)
        walk(browser, stored=True)
        browser.log_in()
        assert browser.get("/my-broken").status == 500
        store.asked = 0
        public = browser.get("/broken")
    assert (store.asked, public.header("Vary")) == (0, "")
    assert [event.get("user") for event in events] == [{"id": "ann"}, None]


def test_sentry_that_sends_personal_data_asks_at_every_request_as_the_page_says(
    sentry: Callable[..., list[Any]],
) -> None:
    events = sentry(send_default_pii=True)
    store = Counting()
    app = sentry_site(store)
    browser = browser_of(app)
    walk(browser, stored=True)
    browser.log_in()
    store.asked = 0
    public = browser.get("/broken")
    assert (store.asked, public.header("Vary")) == (1, "Cookie")
    assert events[-1]["user"]["id"] == "ann"
