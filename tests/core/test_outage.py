"""What the log is told of a store's outages: enough, and not each request."""

from __future__ import annotations

import logging
import pickle

import pytest

from flask_login import MemorySessionStore, SessionStoreUnavailable
from flask_login.core.outage import Outages
from flask_login.exceptions import outage_in_words

REFUSED = SessionStoreUnavailable("memory", ConnectionRefusedError(111, "user:canary@host"))


class Watch:
    """The time of `time.monotonic`, as a test sets it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr("flask_login.core.outage.time.monotonic", watch)
    return watch


@pytest.fixture
def outages(watch: Watch) -> Outages:
    return Outages(MemorySessionStore(), "staff")


def levels(caplog: pytest.LogCaptureFixture) -> list[int]:
    return [record.levelno for record in caplog.records]


def fail(outages: Outages) -> None:
    outages.note_failure("get", REFUSED, tells=True)


def test_how_long_an_outage_lasted_is_told(
    outages: Outages, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    fail(outages)
    watch.now += 12
    outages.note_answer("get", watch.now)
    assert caplog.messages[1] == (
        "The session store of the realm 'staff' (memory) answers again, after 12 s."
    )


def test_an_answer_to_what_was_asked_before_the_failure_ends_no_outage(
    outages: Outages, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    fail(outages)
    outages.note_answer("get", watch.now - 0.1)
    assert outages.is_on
    assert levels(caplog) == [logging.ERROR]


def test_a_store_of_which_a_part_is_away_does_not_fill_the_log(
    outages: Outages, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        fail(outages)
        watch.now += 0.1
        outages.note_answer("get", watch.now)
    assert levels(caplog) == [logging.ERROR, logging.WARNING] * 5
    fail(outages)
    assert len(caplog.records) == 10
    watch.now += 60
    fail(outages)
    assert levels(caplog)[10:] == [logging.ERROR], "it is away all the same"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (TimeoutError(), "no answer in time"),
        (OSError("user canary: Access denied at host"), "wrong user name or password"),
        (OSError("user:canary@host"), None),
    ],
)
def test_an_outage_is_told_in_words_of_ours_and_none_of_the_client_s(
    error: Exception, words: str | None
) -> None:
    assert outage_in_words(error) == words
    for _ in range(3):
        outer = RuntimeError("canary")
        outer.__context__ = error
        error = outer
    assert outage_in_words(error) == words


def test_a_cause_is_looked_for_among_the_nearest_only() -> None:
    error: BaseException = TimeoutError()
    for _ in range(5):
        outer = RuntimeError()
        outer.__cause__ = error
        error = outer
    assert outage_in_words(error) is None


def test_what_is_known_of_an_outage_is_told_and_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(REFUSED))  # noqa: S301  # made here
    assert (error.why, error.is_unreached) == ("ConnectionRefusedError (connection refused)", True)
    assert SessionStoreUnavailable("memory").why == "it did not say why"
    assert not SessionStoreUnavailable("memory").is_unreached
