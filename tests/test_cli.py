"""``flask login ...``: what it prints, and how it exits."""

from __future__ import annotations

import inspect
import json
import logging
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from flask import Blueprint, Flask
from tests.deadlines import at_most

import flask_login
from flask_login import (
    LoginManager,
    LoginSession,
    MemorySessionStore,
    SessionStoreUnavailable,
    fresh_login_required,
    login_required,
)
from flask_login.cli import login_cli, register
from flask_login.cli_output import width
from flask_login.sessions import records
from flask_login.sessions.contract import NOW, a_record
from flask_login.testing import FrozenClock

MINUTE = timedelta(minutes=1)


class FragileStore(MemorySessionStore):
    """A memory store that can be down."""

    down = False

    def __getattribute__(self, name: str) -> Any:
        if name in {"list", "get", "purge", "end_all_before", "ended_before", "ping"} and self.down:
            raise SessionStoreUnavailable("memory", OSError("redis://user:canary@host"))
        return super().__getattribute__(name)


@pytest.fixture
def store() -> FragileStore:
    return FragileStore()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def app(store: FragileStore, clock: FrozenClock) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
    app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")
    LoginManager(app, session_store=store, clock=clock)
    return app


# Before click 8.2 the two outputs were one, unless it was told.
TWO_OUTPUTS: dict[str, Any] = (
    {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
)


def run(app: Flask, *arguments: str, text: str | None = None) -> Result:
    return app.test_cli_runner(**TWO_OUTPUTS).invoke(args=["login", *arguments], input=text)


def kept(store: MemorySessionStore, **fields: Any) -> LoginSession:
    record = a_record(**fields)
    store.create(record)
    return record


def reason_of(store: MemorySessionStore, record: LoginSession) -> str | None:
    found = store.get(record.id)
    assert found is not None
    return found.ended_reason


# sessions


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_sessions_prints_a_line_for_every_live_login_the_newest_first(
    app: Flask, store: FragileStore
) -> None:
    old = kept(
        store,
        created_at=NOW - MINUTE,
        ip_address="192.0.2.1",
        user_agent=FIREFOX,
        remember_generation=1,
    )
    new = kept(store)
    kept(store, expires_at=NOW)
    result = run(app, "sessions", "ada")
    assert result.exit_code == 0
    assert [line.split(maxsplit=7) for line in result.output.splitlines()[1:]] == [
        [new.id, *["2026-01-01", "12:00:00"] * 2, "-", "no", "-"],
        [old.id, *["2026-01-01", "11:59:00"] * 2, "192.0.2.1", "yes", FIREFOX],
    ]
    heads = ["ID", "CREATED (UTC)", "LAST SEEN (UTC)", "ADDRESS", "REMEMBERED", "USER AGENT"]
    assert [head.strip() for head in result.output.splitlines()[0].split("  ") if head] == heads


@pytest.mark.parametrize("columns", [40, 80, 100, 120, 200])
def test_on_a_terminal_no_line_of_sessions_is_longer_than_it(
    app: Flask, store: FragileStore, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setattr("flask_login.cli_output.width", lambda: columns)
    kept(store, ip_address="2001:db8:1319:8a2e:370:7348:ffff:ffff", user_agent=FIREFOX)
    other = kept(store, created_at=NOW - MINUTE, user_agent="A" * 512)
    output = run(app, "sessions", "ada").output
    lines = output.splitlines()
    assert max(map(len, lines)) <= max(columns, 40)
    assert output.count("A" * 30) >= 10, "nothing is cut off"
    # What did not fit stands below, indented, with its head in the same place.
    handles = [line for line in lines if line[0] != " "]
    head, _, last = handles
    assert (head.split()[0], last.split()[0]) == ("ID", other.id)
    assert "USER AGENT" in output.partition("2026")[0]


def test_on_a_wide_terminal_sessions_prints_one_line_for_each(
    app: Flask, store: FragileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_login.cli_output.width", lambda: 200)
    kept(store, user_agent=FIREFOX)
    kept(store, user_agent=FIREFOX)
    output = run(app, "sessions", "ada").output
    assert output == run_unfolded(app, monkeypatch)
    assert len(output.splitlines()) == 3


def run_unfolded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("flask_login.cli_output.width", lambda: None)
    return run(app, "sessions", "ada").output


def test_the_terminal_s_width_is_asked_of_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert width() is None, "pytest's is no terminal"
    monkeypatch.setattr("flask_login.cli_output.is_terminal", lambda stream: stream is sys.stdout)
    assert width() == 72
    monkeypatch.setenv("COLUMNS", "3")
    assert width() == 40, "there must be room for an indented word"


def test_sessions_prints_json_for_programs_and_no_secret(app: Flask, store: FragileStore) -> None:
    record = kept(
        store,
        methods=frozenset({"pwd", "otp"}),
        authenticated_at=None,
        external_id="sid-1",
        secret_hash="canary",
        auth_hash="canary",
    )
    result = run(app, "sessions", "ada", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [
        {
            "id": record.id,
            "user_id": "ada",
            "created_at": "2026-01-01T12:00:00+00:00",
            "last_seen_at": "2026-01-01T12:00:00+00:00",
            "authenticated_at": None,
            "expires_at": "2026-01-31T12:00:00+00:00",
            "methods": ["otp", "pwd"],
            "ip_address": None,
            "user_agent": None,
            "remembered": False,
            "external_id": "sid-1",
        }
    ]
    assert "canary" not in result.output + run(app, "sessions", "ada").output


def test_a_fact_of_a_login_that_sessions_leaves_out_is_left_out_on_purpose(
    app: Flask, store: FragileStore
) -> None:
    kept(store)
    (printed,) = json.loads(run(app, "sessions", "ada", "--json").stdout)
    assert {field.name for field in fields(LoginSession)} - set(printed) == {
        # They prove the login, or are a digest of credentials.
        *("secret_hash", "auth_hash"),
        # They number and date credentials: how it works, not what it is.
        *("generation", "renewed_at", "remember_generation", "remember_until"),
        *("remember_issued_at", "remember_first", "version", "restored"),
        *("arrived_number", "arrived_at", "previous_number", "lost_from"),
        "session_first",
        # It is the application's session, not what is known of the login.
        "entries",
        # It has not ended; its timeouts.
        *("ended_at", "ended_reason"),
        *("idle_timeout", "absolute_timeout", "fresh_timeout"),
    }


HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",  # clears the screen, names the window
    "\r\nfake line\n\x0b\x0c\x85\u2028\u2029",  # lines of its own
    "\x9b31m\x9downed\x9c",  # the same escape codes in one character each
    "\u202edlrow\u202c \u2066x\u2069 \u200f",  # writes from right to left
    "\u200b\ufeff\u00ad\x00\x08\x7f",  # is not seen, or takes back what was written
    "\ud800",  # half a character: no encoding has it
)


@pytest.mark.parametrize("field", ["user_agent", "ip_address", "id"])
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_what_a_browser_sent_can_not_steer_the_operator_s_terminal(
    app: Flask, store: FragileStore, text: str, field: str
) -> None:
    kept(store, **{field: f"before{text}after"})
    for arguments, lines in (((), 2), (("--json",), 15)):
        output = run(app, "sessions", "ada", *arguments).output
        assert all(line.isprintable() for line in output.split("\n"))
        assert len(output.splitlines()) == lines
        assert "before" in output


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize(
    "command",
    [("sessions",), ("revoke",), ("revoke-user",), ("sessions", "ada", "--realm")],
    ids=" ".join,
)
def test_what_was_pasted_into_a_command_can_not_steer_the_operator_s_terminal(
    app: Flask, command: tuple[str, ...], text: str
) -> None:
    result = run(app, *command, f"before{text}after")
    assert result.exit_code in (1, 2)
    assert result.stdout == ""
    assert "before" in result.stderr
    assert result.stderr.isascii()
    assert all(line.isprintable() for line in result.stderr.split("\n"))


def test_a_user_id_is_shown_as_a_person_writes_it(app: Flask, store: FragileStore) -> None:
    kept(store, user_id="Zoë Łuk 李")
    result = run(app, "revoke-user", "Zoë Łuk 李")
    assert result.output == "Ended 1 login of user 'Zoë Łuk 李'.\n"


def test_a_letter_that_the_output_can_not_show_is_no_error(app: Flask, store: FragileStore) -> None:
    kept(store, user_agent="Zoë 李")
    runner = app.test_cli_runner(charset="latin-1", **TWO_OUTPUTS)
    result = runner.invoke(args=["login", "sessions", "ada"])
    assert result.exit_code == 0
    assert result.output.splitlines()[1].endswith("Zoë ?")


def test_200_logins_are_200_lines(app: Flask, store: FragileStore) -> None:
    logins = [kept(store, created_at=NOW - n * MINUTE) for n in range(200)]
    output = run(app, "sessions", "ada").output
    assert [line.split()[0] for line in output.splitlines()[1:]] == [r.id for r in logins]
    assert len(json.loads(run(app, "sessions", "ada", "--json").stdout)) == 200


def test_sessions_of_nobody_is_exit_code_1(app: Flask) -> None:
    result = run(app, "sessions", "ada")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "User 'ada' is not logged in anywhere.\n"
    result = run(app, "sessions", "ada", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, [])


# revoke


def test_revoke_ends_one_login_and_a_second_time_finds_none(
    app: Flask, store: FragileStore
) -> None:
    record, other = kept(store), kept(store)
    result = run(app, "revoke", "--", record.id)
    assert (result.exit_code, result.output) == (0, f"Ended the login '{record.id}'.\n")
    assert [reason_of(store, r) for r in (record, other)] == [records.REVOKED, None]
    result = run(app, "revoke", "--", record.id)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"There is no live login '{record.id}'.\n"


def test_a_handle_that_begins_with_a_dash_is_no_option(app: Flask, store: FragileStore) -> None:
    record = kept(store, id="-abc")
    assert run(app, "revoke", record.id).exit_code == 0
    assert reason_of(store, record) == records.REVOKED


def test_revoke_user_ends_all_logins_of_one_user(app: Flask, store: FragileStore) -> None:
    logins = [kept(store), kept(store)]
    other = kept(store, user_id="bob")
    result = run(app, "revoke-user", "ada")
    assert (result.exit_code, result.output) == (0, "Ended 2 logins of user 'ada'.\n")
    assert {reason_of(store, record) for record in logins} == {records.REVOKED}
    assert reason_of(store, other) is None
    assert run(app, "revoke-user", "bob").output == "Ended 1 login of user 'bob'.\n"
    result = run(app, "revoke-user", "ada")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'ada' is not logged in" in result.stderr


@pytest.mark.parametrize(("answer", "code", "reason"), [("y", 0, "revoked"), ("n", 1, None)])
def test_revoke_everyone_asks_first(
    app: Flask, store: FragileStore, answer: str, code: int, reason: str | None
) -> None:
    record = kept(store, created_at=NOW - MINUTE)
    result = run(app, "revoke-everyone", text=answer)
    assert result.exit_code == code
    assert "Continue?" in result.stderr, "a file that gets the output does not get the question"
    assert reason_of(store, record) == reason


def test_revoke_everyone_does_not_ask_a_script(
    app: Flask, store: FragileStore, clock: FrozenClock
) -> None:
    record = kept(store)
    clock.advance(MINUTE)
    result = run(app, "revoke-everyone", "--yes")
    assert (result.exit_code, result.output) == (0, "Ended every login.\n")
    assert reason_of(store, record) == records.REVOKED


def test_revoke_everyone_without_a_terminal_and_without_yes_ends_nothing(
    app: Flask, store: FragileStore
) -> None:
    record = kept(store, created_at=NOW - MINUTE)
    result = run(app, "revoke-everyone", text="")
    assert (result.exit_code, result.stdout.strip()) == (1, "")
    assert reason_of(store, record) is None


@pytest.mark.parametrize(
    "since",
    [
        "2026-01-01T12:00+0000",
        "2026-01-01T13:00:00+0100",
        "2026-01-01T13:00:00+01:00",
        "2026-01-01T12:00Z",
        "2026-01-01 12:00:00Z",
    ],
)
def test_revoke_everyone_since_a_moment_spares_who_came_later_and_says_so(
    app: Flask, store: FragileStore, since: str
) -> None:
    old, new = kept(store, created_at=NOW - MINUTE), kept(store)
    result = run(app, "revoke-everyone", "--since", since, text="y")
    which = "every login that began before 2026-01-01 12:00:00 UTC"
    assert result.stderr.startswith(f"This ends {which}, and can't be undone. Continue? [y/N]:")
    assert result.exit_code == 0
    # Before click 8.2 what was typed is in front of it.
    assert result.stdout.endswith(f"Ended {which}.\n")
    assert [reason_of(store, record) for record in (old, new)] == [records.REVOKED, None]


def test_where_there_are_realms_revoke_everyone_says_whose_logins_it_ends(app: Flask) -> None:
    LoginManager(app, name="staff", session_store=MemorySessionStore())
    assert "login of the realm 'default', and" in run(app, "revoke-everyone", text="n").stderr
    result = run(app, "revoke-everyone", "--realm", "staff", "--yes")
    assert result.output == "Ended every login of the realm 'staff'.\n"


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("2026-01-01T12:00", "Write '2026-01-01T12:00Z' if it is UTC"),
        ("2026-01-01 12:00:00", "Write '2026-01-01T12:00:00Z' if it is UTC"),
        ("2026-01-01", "Write '2026-01-01T00:00Z' if it is UTC"),
        ("yesterday", "'yesterday' is not a moment. Write it as in '2026-01-31T12:00Z'."),
        ("2026-13-01T12:00Z", "is not a moment"),
        ("0001-01-01T00:00+02:00", "is not a moment"),
        ("", "'' is not a moment"),
    ],
)
def test_a_moment_without_a_zone_or_that_is_none_is_wrong_usage(
    app: Flask, store: FragileStore, since: str, told: str
) -> None:
    record = kept(store, created_at=NOW - MINUTE)
    result = run(app, "revoke-everyone", "--yes", "--since", since)
    assert result.exit_code == 2
    assert told in result.stderr
    assert reason_of(store, record) is None


def test_a_moment_that_is_yet_to_come_is_wrong_usage_and_nobody_is_asked(
    app: Flask, store: FragileStore
) -> None:
    record = kept(store, created_at=NOW - MINUTE)
    result = run(app, "revoke-everyone", "--since", "2026-01-01T12:00:01Z", text="y")
    assert result.exit_code == 2
    assert (
        "2026-01-01 12:00:01 UTC is in the future: it is 2026-01-01 12:00:00 UTC now."
        in result.stderr
    )
    assert "Continue?" not in result.output
    assert reason_of(store, record) is None


# brake


def test_brake_says_that_it_was_never_pulled(app: Flask) -> None:
    for arguments in ((), ("--show",), ("--clear",)):
        result = run(app, "brake", *arguments)
        assert (result.exit_code, result.output) == (0, "The emergency brake was never pulled.\n")


def test_brake_shows_where_it_stands(app: Flask) -> None:
    run(app, "revoke-everyone", "--yes")
    result = run(app, "brake", "--show")
    assert result.output == "No login from before 2026-01-01 12:00:00 UTC counts.\n"
    assert run(app, "brake").output == result.output
    told = run(app, "brake", "--clear").output.splitlines()
    assert told[1:] == ["That is no hindrance to new logins, so it stays."]


def test_brake_lowers_what_a_clock_that_was_ahead_has_pulled(
    app: Flask, store: FragileStore, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_login.audit")
    old = kept(store)
    clock.advance(timedelta(days=1))
    run(app, "revoke-everyone", "--yes")
    clock.advance(timedelta(days=-1))
    result = run(app, "brake")
    assert result.output.splitlines() == [
        "No login from before 2026-01-02 12:00:00 UTC counts.",
        "That is in the future: new logins end at once. Lower it by --clear.",
    ]
    result = run(app, "brake", "--clear")
    assert (result.exit_code, result.output) == (
        0,
        "Lowered the emergency brake from 2026-01-02 12:00:00 to 2026-01-01 12:00:00 UTC."
        " Logins that begin from now on count.\n",
    )
    assert "login_brake_lowered 2026-01-01T12:00:00" in caplog.text
    assert reason_of(store, old) == records.REVOKED
    assert reason_of(store, kept(store, created_at=NOW + MINUTE)) is None


def test_brake_prints_json_for_programs(app: Flask, clock: FrozenClock) -> None:
    never = {"ended_before": None, "is_ahead": False, "lowered_from": None}
    assert json.loads(run(app, "brake", "--json").stdout) == never
    clock.advance(timedelta(days=1))
    run(app, "revoke-everyone", "--yes")
    clock.advance(timedelta(days=-1))
    ahead = "2026-01-02T12:00:00+00:00"
    shown = {"ended_before": ahead, "is_ahead": True, "lowered_from": None}
    assert json.loads(run(app, "brake", "--json").stdout) == shown
    now = "2026-01-01T12:00:00+00:00"
    shown = {"ended_before": now, "is_ahead": False, "lowered_from": ahead}
    assert json.loads(run(app, "brake", "--clear", "--json").stdout) == shown


def test_brake_is_shown_or_lowered_and_not_both(app: Flask) -> None:
    result = run(app, "brake", "--show", "--clear")
    assert result.exit_code == 2
    assert "Use either --show or --clear." in result.stderr


def test_a_brake_that_the_store_can_not_lower_is_wrong_usage(
    app: Flask,
) -> None:
    class PlainStore(MemorySessionStore):
        lower_brake: Any = None

    LoginManager(app, session_store=PlainStore())
    result = run(app, "brake", "--clear")
    assert result.exit_code == 2
    assert "Error: session_store must be a store that can lower the" in result.stderr
    assert run(app, "brake", "--show").exit_code == 0


# purge


@pytest.mark.parametrize(("due", "told"), [(5, "5 records"), (1, "1 record"), (0, "0 records")])
def test_purge_forgets_what_is_over_and_prints_one_line(
    app: Flask, store: FragileStore, due: int, told: str
) -> None:
    for _ in range(due):
        kept(store, expires_at=NOW - timedelta(days=2))
    live = kept(store)
    result = run(app, "purge", "--batch", "2")
    assert (result.exit_code, result.stdout) == (0, f"Deleted {told}.\n")
    assert result.stderr == "", "it is no terminal"
    assert store.get(live.id) == live


def test_on_a_terminal_purge_shows_how_far_it_is_and_then_takes_it_away(
    app: Flask, store: FragileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_login.cli_output.is_terminal", lambda stream: True)
    for _ in range(5):
        kept(store, expires_at=NOW - timedelta(days=2))
    result = run(app, "purge", "--batch", "2")
    assert result.stdout == "Deleted 5 records.\n"
    written = result.stderr.split("\r")
    assert [text for text in written if text.strip()] == [
        "2 records so far",
        "4 records so far",
        "5 records so far",
    ]
    assert "\n" not in result.stderr, "the line is written over"
    blank, nothing = written[-2:]
    assert (blank.strip(), nothing) == ("", "")
    assert len(blank) > len("5 records so far")


class StoppedStore(MemorySessionStore):
    """A store that something happens to after two batches."""

    def __init__(self, event: BaseException) -> None:
        super().__init__()
        self.event = event

    def purge(self, before: datetime, *, batch: int = 1000) -> Iterator[int]:
        steps = super().purge(before, batch=batch)
        yield next(steps)
        yield next(steps)
        raise self.event


@pytest.mark.parametrize(
    ("event", "code", "told"),
    [
        (KeyboardInterrupt(), 1, "Aborted!"),
        (
            SessionStoreUnavailable("memory", OSError("canary")),
            3,
            "Error: The session store (memory) gave no answer: OSError.",
        ),
    ],
    ids=["Ctrl-C", "the store goes down"],
)
def test_a_purge_that_is_stopped_says_how_far_it_came_and_the_next_does_the_rest(
    event: BaseException, code: int, told: str
) -> None:
    store = StoppedStore(event)
    app = Flask(__name__)
    app.testing = True
    LoginManager(app, session_store=store, clock=FrozenClock(NOW))
    for _ in range(5):
        kept(store, expires_at=NOW - timedelta(days=2))
    result = run(app, "purge", "--batch", "2")
    assert result.exit_code == code
    assert result.stdout == "Deleted 4 records before it was stopped.\n"
    assert result.stderr.strip() == told
    assert len(store.list("ada")) == 1


@pytest.mark.parametrize("batch", ["0", "-1", "many"])
def test_a_batch_of_nothing_is_wrong_usage(app: Flask, store: FragileStore, batch: str) -> None:
    kept(store, expires_at=NOW - MINUTE)
    assert run(app, "purge", f"--batch={batch}").exit_code == 2


# What goes wrong

COMMANDS = [
    ("sessions", "ada"),
    ("revoke", "handle"),
    ("revoke-user", "ada"),
    ("revoke-everyone", "--yes"),
    ("brake",),
    ("brake", "--clear"),
    ("purge",),
]
EACH_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])


@EACH_COMMAND
def test_a_store_that_is_down_is_exit_code_3_and_one_line(
    app: Flask, store: FragileStore, command: tuple[str, ...]
) -> None:
    store.down = True
    result = run(app, *command)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "Error: The session store (memory) gave no answer: OSError.\n"


@EACH_COMMAND
def test_a_realm_that_does_not_exist_is_wrong_usage_and_the_others_are_named(
    app: Flask, command: tuple[str, ...]
) -> None:
    LoginManager(app, name="staff", session_store=MemorySessionStore())
    result = run(app, *command, "--realm", "stuff")
    assert result.exit_code == 2
    assert "'stuff'" in result.stderr
    assert "default, staff" in result.stderr


@EACH_COMMAND
def test_a_realm_without_a_store_is_wrong_usage_and_the_cure_is_named(
    app: Flask, command: tuple[str, ...]
) -> None:
    LoginManager(app, name="staff")
    result = run(app, *command, "--realm", "staff")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: The realm 'staff' has no session store: ")
    assert "session_store of LoginManager" in result.stderr


@EACH_COMMAND
def test_a_command_does_not_claim_to_end_logins_in_the_memory_of_another_process(
    app: Flask, store: FragileStore, command: tuple[str, ...]
) -> None:
    record = kept(store, created_at=NOW - MINUTE)
    app.testing = False
    result = run(app, *command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: The realm 'default' keeps its logins in the memory of")
    assert reason_of(store, record) is None


@pytest.mark.parametrize("command", [*COMMANDS, ("doctor",)], ids=lambda command: command[0])
def test_an_application_without_a_manager_is_told_how_to_make_one(
    command: tuple[str, ...],
) -> None:
    app = Flask("shop")
    register(app)
    result = run(app, *command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: The Flask application 'shop' has no login manager.")
    assert "LoginManager(app)" in result.stderr


@EACH_COMMAND
def test_a_database_without_the_tables_is_exit_code_3_and_one_line(
    command: tuple[str, ...],
) -> None:
    pytest.importorskip("sqlalchemy")
    from flask_login.sessions import SQLAlchemySessionStore

    app = Flask(__name__)
    LoginManager(app, session_store=SQLAlchemySessionStore("sqlite://"))
    result = run(app, *command)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        "Error: The session store (sqlalchemy at memory) failed: OperationalError. Do its tables"
        " exist, with all their columns? Make them by a migration or store.create_all().\n"
    )


def test_an_error_that_is_no_store_s_keeps_its_traceback(
    app: Flask, store: FragileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def purge(*args: Any, **kwargs: Any) -> Iterator[int]:
        raise ZeroDivisionError

    monkeypatch.setattr(store, "purge", purge)
    assert isinstance(run(app, "purge").exception, ZeroDivisionError)
    monkeypatch.setitem(sys.modules, "sqlalchemy.exc", None)
    assert isinstance(run(app, "purge").exception, ZeroDivisionError)


def test_a_command_means_the_realm_it_is_told(app: Flask, store: FragileStore) -> None:
    staff = MemorySessionStore()
    LoginManager(app, name="staff", session_store=staff, clock=FrozenClock(NOW))
    mine, theirs = kept(store), kept(staff)
    assert run(app, "revoke-user", "ada", "--realm", "staff").exit_code == 0
    assert reason_of(store, mine) is None
    assert reason_of(staff, theirs) == records.REVOKED


@pytest.mark.parametrize("command", ["sessions", "revoke", "revoke-user", "no-such-command"])
def test_a_missing_argument_is_wrong_usage(app: Flask, command: str) -> None:
    assert run(app, command).exit_code == 2


def test_the_commands_are_there_with_a_named_realm_alone() -> None:
    app = Flask(__name__)
    app.testing = True
    LoginManager(app, name="staff", session_store=MemorySessionStore())
    LoginManager(app, name="guests")
    result = run(app, "sessions", "ada", "--realm", "staff")
    assert result.exit_code == 1


def test_every_command_has_its_line_of_help_in_full(app: Flask) -> None:
    output = run(app, "--help").output
    for name, command in login_cli.commands.items():
        first = inspect.getdoc(command.callback).splitlines()[0]  # type: ignore[union-attr]  # they have one
        assert f"  {name} " in output
        assert f"  {first}\n" in output


def test_the_help_says_what_the_exit_codes_mean(app: Flask) -> None:
    _, _, codes = run(app, "--help").output.partition("Exit codes:\n")
    assert [line.split()[0] for line in codes.splitlines()] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("command", [(), *((name,) for name in sorted(login_cli.commands))])
def test_no_line_of_help_is_longer_than_80_columns(app: Flask, command: tuple[str, ...]) -> None:
    result = run(app, *command, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80


# An application's own command


def own_login(app: Flask) -> None:
    @app.cli.command("login")
    def login() -> None:
        click.echo("ours")


def blueprint_called_login(app: Flask) -> None:
    blueprint = Blueprint("login", __name__)
    blueprint.cli.command("with-a-badge")(lambda: click.echo("ours"))
    app.register_blueprint(blueprint)


@pytest.mark.parametrize(
    ("own", "arguments"), [(own_login, ()), (blueprint_called_login, ("with-a-badge",))]
)
def test_a_login_command_that_an_application_has_stays(
    own: Any, arguments: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    app = Flask("shop")
    own(app)
    with caplog.at_level(logging.INFO, "flask_login"):
        register(app)
    assert run(app, *arguments).output == "ours\n"
    assert "'shop' has another command 'login'" in caplog.text
    # As the log says:
    app.cli.add_command(login_cli, "logins")
    result = app.test_cli_runner().invoke(args=["logins", "routes"])
    assert result.output.startswith("ENDPOINT ")


def test_a_login_command_that_an_application_has_before_its_manager_stays() -> None:
    app = Flask(__name__)
    own_login(app)
    LoginManager(app)
    assert run(app).output == "ours\n"


def test_a_login_command_that_an_application_gets_later_takes_the_place_of_ours() -> None:
    app = Flask(__name__)
    LoginManager(app)
    own_login(app)
    assert run(app).output == "ours\n"


def test_the_commands_registered_twice_are_registered_silently(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Flask(__name__)
    with caplog.at_level(logging.INFO, "flask_login"):
        register(app)
        register(app)
    assert app.cli.commands["login"] is login_cli
    assert caplog.text == ""


# routes


@pytest.fixture
def site() -> Flask:
    app = Flask(__name__, static_folder=None)
    LoginManager(app)
    app.add_url_rule("/b", endpoint="b", view_func=login_required(lambda: ""), methods=["POST"])
    app.add_url_rule("/c", endpoint="c", view_func=fresh_login_required(lambda: ""))
    app.add_url_rule("/a", endpoint="a", view_func=lambda: "")
    return app


def test_routes_says_which_endpoint_is_guarded_by_what(site: Flask) -> None:
    result = run(site, "routes")
    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines()] == [
        ["ENDPOINT", "METHODS", "RULE", "GUARD"],
        ["a", "GET", "/a", "public"],
        ["b", "POST", "/b", "login_required"],
        ["c", "GET", "/c", "fresh_login_required"],
    ]


def test_routes_prints_json_for_programs(site: Flask) -> None:
    first, second, _ = json.loads(run(site, "routes", "--json").stdout)
    assert first == {
        "endpoint": "a",
        "methods": ["GET"],
        "rule": "/a",
        "guards": [],
        "answers_options": False,
    }
    assert second["guards"] == ["login_required"]


def test_routes_needs_no_manager_and_no_rules() -> None:
    app = Flask(__name__, static_folder=None)
    register(app)
    assert run(app, "routes").output.split() == ["ENDPOINT", "METHODS", "RULE", "GUARD"]
    assert json.loads(run(app, "routes", "--json").stdout) == []


# doctor


def test_doctor_prints_what_it_finds_with_its_cure(app: Flask) -> None:
    result = run(app, "doctor")
    assert result.exit_code == 0, "hints are no errors"
    lines = result.output.splitlines()
    assert lines[0].startswith("HINT session_cookie_unprefixed: ")
    assert lines[1].startswith("    Set SESSION_COOKIE_NAME = '__Host-session'.")
    assert lines[2].startswith("HINT memory_store: ")
    assert "ERROR" not in result.output


def test_doctor_s_errors_are_exit_code_1(app: Flask, store: FragileStore) -> None:
    store.down = True
    result = run(app, "doctor")
    assert result.exit_code == 1
    assert result.output.startswith("ERROR store_unavailable: ")
    assert "canary" not in result.output


def test_on_a_terminal_no_line_of_doctor_is_longer_than_it(
    app: Flask, store: FragileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_login.cli_output.width", lambda: 60)
    store.down = True
    lines = run(app, "doctor").output.splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[0].startswith("ERROR store_unavailable: ")


def test_doctor_prints_json_for_programs(app: Flask) -> None:
    app.config["SECRET_KEY"] = "weak"
    result = run(app, "doctor", "--json")
    assert result.exit_code == 1
    first, *_ = json.loads(result.stdout)
    assert first.keys() == {"level", "code", "text", "cure"}
    assert (first["level"], first["code"]) == ("error", "weak_secret_key")


def test_doctor_says_so_when_nothing_is_wrong(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_login.cli.examine", lambda app: [])
    assert run(app, "doctor").output == "No problems in 41 checks.\n"
    assert json.loads(run(app, "doctor", "--json").stdout) == []


@pytest.mark.parametrize(
    ("key", "state", "summary"),
    [
        ("a key of thirty-two random bytes", "up", "5 hints in 41 checks."),
        ("weak", "up", "1 error and 5 hints in 41 checks."),
        (
            "a key of thirty-two random bytes",
            "down",
            "1 error and 5 hints in 38 checks; 3 more need an answer of the session store.",
        ),
        (
            "a key of thirty-two random bytes",
            "none",
            "3 hints in 33 checks; 8 more need a session store.",
        ),
    ],
)
def test_doctor_ends_with_what_it_found_in_how_many_checks(
    app: Flask, store: FragileStore, key: str, state: str, summary: str
) -> None:
    app.secret_key = key
    store.down = state == "down"
    if state == "none":
        app.extensions.pop("login")
        LoginManager(app)
    assert run(app, "doctor").output.splitlines()[-1] == summary


def test_the_summary_is_not_in_the_json(app: Flask) -> None:
    found = json.loads(run(app, "doctor", "--json").stdout)
    assert all(finding.keys() == {"level", "code", "text", "cure"} for finding in found)


def test_doctor_finds_a_misspelt_setting_of_flask(app: Flask) -> None:
    app.config["SESION_COOKIE_SECURE"] = True
    app.config["SESSION_COOKIE_SAMSITE"] = app.config.pop("SESSION_COOKIE_SAMESITE")
    lines = run(app, "doctor").output.splitlines()
    at = lines.index(
        "HINT misspelt_setting: app.config['SESSION_COOKIE_SAMSITE'] is no setting of Flask, which"
        " does not read it."
    )
    assert lines[at + 1] == "    Did you mean SESSION_COOKIE_SAMESITE?"
    # The other one may be the application's own: the setting itself is set too.
    assert not any("SESION_COOKIE_SECURE" in line for line in lines)


# Real processes

SHOP = """
import sys
from flask import Flask
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_login.sessions import {store}

app = Flask(__name__)
app.secret_key = "a key of thirty-two random bytes"
store = {store}("{url}")
login_manager = LoginManager(app, session_store=store)


@login_manager.user_loader
class User(UserMixin):
    def __init__(self, id):
        self.id = id


@app.get("/login/<id>")
def login(id):
    login_user(User(id))
    return ""


@app.get("/")
@login_required
def home():
    return current_user.id


# What another process does: log in and keep the cookie, or come back with it.
if __name__ == "__main__":
    client = app.test_client()
    if sys.argv[1] == "login":
        store.create_all()
        client.get("/login/ada", headers={{"User-Agent": sys.argv[2]}})
        print(client.get_cookie("session").value)
    else:
        client.set_cookie("session", sys.argv[2])
        print(client.get("/").status_code)
"""


class Shop:
    """An application in a directory of its own, and processes that run it."""

    def __init__(self, directory: Path, source: str) -> None:
        self.directory = directory
        # Its terminal is as wide as it is; the library is the one that is tested here.
        self.environment = {name: os.environ[name] for name in os.environ if name != "COLUMNS"}
        self.environment["PYTHONPATH"] = str(Path(flask_login.__file__).parents[1])
        directory.joinpath("shop.py").write_text(source, encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "flask", "--app", "shop", "login", *arguments]

    def login(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.command(*arguments))

    def python(self, *arguments: str) -> str:
        result = self.run([sys.executable, "shop.py", *arguments])
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # our own
            command,
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            timeout=at_most(60),
            check=False,
        )


@pytest.fixture
def sqlite_shop(tmp_path: Path) -> Shop:
    pytest.importorskip("sqlalchemy")
    return Shop(tmp_path, SHOP.format(store="SQLAlchemySessionStore", url="sqlite:///shop.db"))


@pytest.mark.slow
def test_a_login_that_one_process_keeps_is_seen_and_ended_by_another(sqlite_shop: Shop) -> None:
    cookie = sqlite_shop.python("login", FIREFOX)
    assert sqlite_shop.python("come back", cookie) == "200"
    listed = sqlite_shop.login("sessions", "ada", "--json")
    (login,) = json.loads(listed.stdout)
    assert (listed.returncode, listed.stderr, login["user_agent"]) == (0, "", FIREFOX)

    ended = sqlite_shop.login("revoke", login["id"])
    assert (ended.returncode, ended.stdout) == (0, f"Ended the login '{login['id']}'.\n")
    assert sqlite_shop.python("come back", cookie) == "401"
    again = sqlite_shop.login("revoke", login["id"])
    assert (again.returncode, again.stdout) == (1, "")
    assert sqlite_shop.login("sessions", "ada").returncode == 1


@pytest.mark.slow
def test_doctor_finds_that_the_tables_are_missing(sqlite_shop: Shop) -> None:
    result = sqlite_shop.login("doctor", "--json")
    assert (result.returncode, result.stderr) == (1, "")
    assert "store_fails" in [finding["code"] for finding in json.loads(result.stdout)]
    sqlite_shop.python("login", FIREFOX)
    result = sqlite_shop.login("doctor", "--json")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.slow
def test_a_redis_that_is_down_is_one_line_for_the_operator_without_the_password(
    tmp_path: Path,
) -> None:
    pytest.importorskip("redis")
    url = "redis://user:canary@127.0.0.1:1/0"
    shop = Shop(tmp_path, SHOP.format(store="RedisSessionStore", url=url))
    result = shop.login("sessions", "ada")
    assert (result.returncode, result.stdout) == (3, "")
    told = (
        "Error: The session store (redis at 127.0.0.1:1) gave no answer: ConnectionError"
        " (connection refused).\n"
    )
    assert result.stderr == told

    result = shop.login("doctor")
    assert result.returncode == 1
    assert result.stdout.startswith("ERROR store_unavailable: ")
    assert "canary" not in result.stdout + result.stderr

    # Redis forgets by itself, so it is not asked.
    assert shop.login("purge").stdout == "Deleted 0 records.\n"


SLOW_SHOP = """
import threading
from flask import Flask
from flask_login import LoginManager, MemorySessionStore


class SlowStore(MemorySessionStore):
    kind = "slow"

    def purge(self, before, *, batch):
        yield 1000
        print("waiting", flush=True)
        threading.Event().wait(60)


app = Flask(__name__)
login_manager = LoginManager(app, session_store=SlowStore())
"""


def _listen_to_ctrl_c() -> None:
    """Undo what a shell does to its background jobs: they, and their children, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_ctrl_c_in_a_long_purge_says_how_far_it_came(tmp_path: Path) -> None:
    shop = Shop(tmp_path, SLOW_SHOP)
    with subprocess.Popen(  # noqa: S603  # our own
        shop.command("purge"),
        cwd=tmp_path,
        env=shop.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=_listen_to_ctrl_c,  # noqa: PLW1509  # one call, before anything else runs
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=at_most(60))
    assert (process.returncode, output) == (1, "Deleted 1000 records before it was stopped.\n")
    assert errors.strip() == "Aborted!"


def on_a_terminal(shop: Shop, columns: int, *arguments: str) -> str:
    """Return what a command writes to a terminal as wide as that."""
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    with subprocess.Popen(  # noqa: S603  # our own
        shop.command(*arguments),
        cwd=shop.directory,
        env=shop.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        written = b""
        with suppress(OSError):  # how a terminal says that nobody is there any more
            while more := os.read(ours, 65536):
                written += more
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


@pytest.mark.slow
def test_on_a_terminal_of_80_columns_nothing_is_wider(sqlite_shop: Shop) -> None:
    sqlite_shop.python("login", f"\x1b[2J{FIREFOX}\u202e")
    for arguments in (("sessions", "ada"), ("doctor",), ("routes",), ("purge", "--help")):
        written = on_a_terminal(sqlite_shop, 80, *arguments)
        assert max(map(len, written.splitlines())) <= 80
        assert all(line.isprintable() for line in written.split("\n"))
        assert len(written.splitlines()) >= 4


@pytest.mark.slow
def test_on_a_terminal_a_purge_leaves_one_line(sqlite_shop: Shop) -> None:
    sqlite_shop.python("login", FIREFOX)
    assert on_a_terminal(sqlite_shop, 80, "purge").split("\r")[-1] == "Deleted 0 records.\n"
