"""``flask login ...``: what it prints, and how it exits."""

from __future__ import annotations

import inspect
import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from flask_login import (
    LoginManager,
    LoginSession,
    MemorySessionStore,
    SessionStoreUnavailable,
    fresh_login_required,
    login_required,
)
from flask_login.sessions import records
from flask_login.sessions.contract import NOW, a_record
from flask_login.testing import FrozenClock

MINUTE = timedelta(minutes=1)


class FragileStore(MemorySessionStore):
    """A memory store that can be down."""

    down = False

    def __getattribute__(self, name: str) -> Any:
        if name in {"list", "get", "purge", "end_all_before", "ping"} and self.down:
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


def test_sessions_prints_a_line_for_every_live_login_the_newest_first(
    app: Flask, store: FragileStore
) -> None:
    old = kept(
        store,
        created_at=NOW - MINUTE,
        ip_address="192.0.2.1",
        user_agent="Firefox " * 20,
        remember_generation=1,
    )
    new = kept(store)
    kept(store, expires_at=NOW)
    result = run(app, "sessions", "ada")
    assert result.exit_code == 0
    heads, first, second = result.output.splitlines()
    assert heads.split("  ")[0] == "ID"
    assert first.split() == [new.id, *["2026-01-01T12:00:00+00:00"] * 2, "-", "no", "-"]
    assert second.split()[:1] == [old.id]
    assert "192.0.2.1" in second
    assert " yes " in second
    assert second.endswith(("Firefox " * 20)[:60].rstrip())


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


def test_a_user_agent_can_not_write_to_the_operator_s_terminal(
    app: Flask, store: FragileStore
) -> None:
    kept(store, user_agent="\x1b[2J\x1b]0;owned\x07\r\nfake line")
    output = run(app, "sessions", "ada").output
    assert not set("\x1b\x07\r") & set(output)
    assert len(output.splitlines()) == 2


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
    assert "Go on?" in result.output
    assert reason_of(store, record) == reason


def test_revoke_everyone_does_not_ask_a_script(
    app: Flask, store: FragileStore, clock: FrozenClock
) -> None:
    record = kept(store)
    clock.advance(MINUTE)
    result = run(app, "revoke-everyone", "--yes")
    assert (result.exit_code, result.output) == (0, "Ended every login.\n")
    assert reason_of(store, record) == records.REVOKED


@pytest.mark.parametrize("since", ["2026-01-01T12:00+0000", "2026-01-01T13:00:00+0100"])
def test_revoke_everyone_since_a_moment_spares_who_came_later(
    app: Flask, store: FragileStore, since: str
) -> None:
    old, new = kept(store, created_at=NOW - MINUTE), kept(store)
    assert run(app, "revoke-everyone", "--yes", "--since", since).exit_code == 0
    assert [reason_of(store, record) for record in (old, new)] == [records.REVOKED, None]


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01T12:00"])
def test_a_moment_without_a_zone_is_wrong_usage(
    app: Flask, store: FragileStore, since: str
) -> None:
    record = kept(store, created_at=NOW - MINUTE)
    assert run(app, "revoke-everyone", "--yes", "--since", since).exit_code == 2
    assert reason_of(store, record) is None


# purge


@pytest.mark.parametrize(("due", "told"), [(5, "5 records"), (1, "1 record"), (0, "0 records")])
def test_purge_forgets_what_is_over_and_shows_its_progress(
    app: Flask, store: FragileStore, due: int, told: str
) -> None:
    for _ in range(due):
        kept(store, expires_at=NOW - MINUTE)
    live = kept(store)
    result = run(app, "purge", "--batch", "2")
    assert (result.exit_code, result.stdout) == (0, f"Forgot {told}.\n")
    assert ("forgotten" in result.stderr) == (due > 0)
    assert store.get(live.id) == live


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
    ("purge",),
]
EACH_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])


@EACH_COMMAND
def test_a_store_that_is_down_is_exit_code_3(
    app: Flask, store: FragileStore, command: tuple[str, ...]
) -> None:
    store.down = True
    result = run(app, *command)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("Error: ")
    assert "memory" in result.stderr
    assert "canary" not in result.stderr
    assert "Traceback" not in result.stderr


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
    assert result.exit_code == 2
    assert "session_store" in result.stderr


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
    LoginManager(app, name="staff", session_store=MemorySessionStore())
    LoginManager(app, name="guests")
    result = run(app, "sessions", "ada", "--realm", "staff")
    assert result.exit_code == 1


def test_every_command_has_its_line_of_help(app: Flask) -> None:
    result = run(app, "--help")
    for command in ("sessions", "revoke", "revoke-user", "revoke-everyone", "purge", "routes"):
        assert f"  {command} " in result.output
    assert "  doctor " in result.output


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
    assert first == {"endpoint": "a", "methods": ["GET"], "rule": "/a", "guard": None}
    assert second["guard"] == "login_required"


def test_a_rule_without_a_view_is_no_error(site: Flask) -> None:
    site.add_url_rule("/elsewhere", endpoint="elsewhere", build_only=True)
    assert run(site, "routes").exit_code == 0


# doctor


def test_doctor_prints_what_it_finds_with_its_cure(app: Flask) -> None:
    result = run(app, "doctor")
    assert result.exit_code == 0, "hints are no errors"
    lines = result.output.splitlines()
    assert lines[0].startswith("HINT: ")
    assert lines[1].startswith("  ")
    assert "ERROR" not in result.output


def test_doctor_s_errors_are_exit_code_1(app: Flask, store: FragileStore) -> None:
    store.down = True
    result = run(app, "doctor")
    assert result.exit_code == 1
    assert result.output.startswith("ERROR: ")
    assert "canary" not in result.output


def test_doctor_prints_json_for_programs(app: Flask) -> None:
    app.config["SECRET_KEY"] = "weak"
    result = run(app, "doctor", "--json")
    assert result.exit_code == 1
    first, *_ = json.loads(result.stdout)
    assert first.keys() == {"level", "code", "text", "cure"}
    assert (first["level"], first["code"]) == ("error", "weak_secret_key")


def test_doctor_says_so_when_nothing_is_wrong(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_login.cli.examine", lambda app: [])
    assert run(app, "doctor").output == "Nothing wrong found.\n"
    assert json.loads(run(app, "doctor", "--json").stdout) == []
