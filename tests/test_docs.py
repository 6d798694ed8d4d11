"""The documentation is true: its code runs, its lists are complete, its links lead somewhere."""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import re
import runpy
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import click
import flask
import pytest
from blinker import NamedSignal
from werkzeug.exceptions import ServiceUnavailable

import flask_login
from flask_login import (
    answering,
    doctor,
    doctor_cookies,
    doctor_stores,
    exceptions,
    hooks,
    migrations,
    responses,
    sessions,
    signals,
    spelling,
)
from flask_login.cli import login_cli
from flask_login.core import settings, sources, visit
from flask_login.core.entry import SessionKeys
from flask_login.sessions import records
from flask_login.testing import FrozenClock

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
#: Pages whose links and code are checked too, though they are not ours to run.
NEIGHBOURS = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]

FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
#: Blocks of files, too: in none of them is a link or a heading.
CODE = re.compile(r"^(```|~~~).*?^\1$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int

    @property
    def file_name(self) -> str | None:
        """The file that the block is, when its first line is a comment with just a name."""
        found = re.match(r"# ([a-z_]+\.py)\n", self.text)
        return None if found is None else found[1]


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(found["language"], found["text"], text.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(text)
    ]


def id_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def rows_under(page: Path, heading: str | None = None) -> list[list[str]]:
    """Return the cells of the table rows of a page, or of one of its parts."""
    text = page.read_text(encoding="utf-8")
    if heading is not None:
        parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
        text = parts[parts.index(heading) + 1]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    return [[cell.strip() for cell in row] for row in cells]


def names_under(page: Path, heading: str | None = None) -> list[str]:
    """Return the names in the first column, which stand there in backticks."""
    found = [re.match(r"\[?`([\w.]+)`", row[0]) for row in rows_under(page, heading)]
    return [match[1] for match in found if match is not None]


def quoted(cell: str) -> set[str]:
    return set(re.findall(r"`([\w-]+)`", cell))


def public(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("_"))


# The code


@pytest.fixture
def quiet_log() -> Iterator[None]:
    """Take away the log handlers that a page adds."""
    logger = logging.getLogger("flask_login")
    handlers = logger.handlers[:]
    yield
    logger.handlers[:] = handlers


@pytest.fixture(autouse=True)
def forgotten_receivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what a page or a test here connects to a signal hear of no later test."""
    for signal in vars(flask_login.signals).values():
        if isinstance(signal, NamedSignal):
            monkeypatch.setattr(signal, "receivers", dict(signal.receivers))


@pytest.mark.slow
@pytest.mark.usefixtures("quiet_log", "cheap_hashes")
@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_the_code_of_a_page_runs_and_prints_what_the_page_says(
    page: Path, capsys: pytest.CaptureFixture[str], pytester: pytest.Pytester
) -> None:
    for client, store in (
        ("sqlalchemy", "SQLAlchemySessionStore"),
        ("redis", "RedisSessionStore"),
        ("limits", "LoginThrottle"),
        ("joserfc", "jwt"),
    ):
        if f"import {store}" in page.read_text(encoding="utf-8"):
            pytest.importorskip(client, reason=f"the page uses {store}")
    module = types.ModuleType("docs")
    module.__file__ = str(page)
    waiting: Block | None = None
    printed = ""
    files = []
    for block in blocks_of(page):
        where = f"{id_of(page)}:{block.line}"
        if block.language == "text":
            assert waiting is not None, f"{where}: no Python block printed this"
            assert block.text == printed, f"{where}: this is not what the code prints"
            waiting = None
            continue
        assert waiting is None or not printed, f"{where}: the block before prints {printed!r}"
        waiting = None
        if block.language != "python":
            continue
        if block.file_name is not None:
            pytester.path.joinpath(block.file_name).write_text(block.text, encoding="utf-8")
            files.append(block.file_name)
            continue
        # Moved down to its own line, so that a traceback points into the page.
        code = compile("\n" * block.line + block.text, str(page), "exec")
        exec(code, module.__dict__)  # noqa: S102  # the documentation's own code
        waiting, printed = block, capsys.readouterr().out
    assert waiting is None or not printed, f"{id_of(page)}: the last block prints {printed!r}"
    if files:
        tests = [name for name in files if name.startswith("test_")]
        assert tests, f"{id_of(page)}: has files and no test among them"
        result = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", *tests)
        expected = sum(
            pytester.path.joinpath(name).read_text(encoding="utf-8").count("\ndef test_")
            for name in tests
        )
        result.assert_outcomes(passed=expected)


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_every_block_of_a_page_is_of_a_kind_that_is_checked(page: Path) -> None:
    for block in blocks_of(page):
        kind = block.language.partition(" ")[0]
        assert kind in {"python", "text", "sh", "{include}"}, f"{id_of(page)}:{block.line}"


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_the_shell_commands_of_a_page_exist(page: Path) -> None:
    jobs = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    extras = importlib.metadata.metadata("Flask-Login").get_all("Provides-Extra") or []
    for block in blocks_of(page):
        if block.language != "sh":
            continue
        for line in block.text.splitlines():
            command = line.partition("#")[0].split()
            if line.startswith("# Until it is published"):
                continue  # the next test's
            if command[:1] == ["make"]:
                assert command[1] in jobs
            elif command[:2] == ["flask", "login"]:
                options = {
                    name for each in login_cli.commands[command[2]].params for name in each.opts
                }
                assert set(command[3:]) <= options
            else:
                assert command[:2] == ["pip", "install"]
                extra = re.search(r"\[(\w+)\]", command[2])
                assert extra is None or extra[1] in extras


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_a_page_installs_this_release_and_says_how_until_it_is_published(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    tutorial = page.name == "tutorial.md"
    lines = re.findall(r"pip install [^`\n]*", text)
    ours = [line for line in lines if "Flask-Login" in line]
    for line in ours:
        found = re.fullmatch(
            r'pip install "Flask-Login(?P<extra>\[\w+\])?>=0\.6\.90"(?P<beside>[\w -]*)', line
        )
        assert found is not None, line
        clone = "../flask-login" if tutorial else "."
        here = f"{clone}{found['extra'] or ''}"
        here = f'"{here}"' if found["extra"] else here
        assert f"pip install {here}{found['beside']}" in lines
    assert ours or "pip install ." not in text


def test_an_extra_that_a_message_or_a_page_names_can_be_installed() -> None:
    extras = importlib.metadata.metadata("Flask-Login").get_all("Provides-Extra") or []
    package = Path(flask_login.__file__).parent
    for file in [*PAGES, *package.rglob("*.py")]:
        for extra in re.findall(r"Flask-Login\[(\w+)\]", file.read_text(encoding="utf-8")):
            assert extra in extras, f"{file}: {extra}"


# The lists


def public_names() -> set[str]:
    return {
        name
        for name, value in vars(flask_login).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    } | set(flask_login.__all__)  # some are found late


def test_the_page_of_names_has_every_public_name_and_no_other() -> None:
    page = REFERENCE / "api.md"
    headings = re.findall(r"^## (Members of .*)$", page.read_text(), re.MULTILINE)
    members = [name for heading in headings for name in names_under(page, heading)]
    names = names_under(page)
    names = [name for name in names[: len(names) - len(members)] if "." not in name]
    assert sorted(names) == sorted(public_names())


def test_the_page_of_names_has_what_the_module_of_the_stores_adds_and_nothing_else() -> None:
    documented = names_under(REFERENCE / "api.md", "Keep logins on the server")
    documented = [name.removeprefix("sessions.") for name in documented if "." in name]
    assert documented.pop() == "records.REASONS"
    source = inspect.getsource(sessions)
    assert sorted(documented) == sorted(re.findall(r'name == "(\w+)"', source))
    assert set(re.findall(r" import \w+ as (\w+)", source)) - {*documented} <= public_names()


def test_the_page_of_names_has_every_member_of_the_login_manager() -> None:
    manager = flask_login.LoginManager[Any]()
    members = {*vars(manager), *dir(flask_login.LoginManager)}
    documented = names_under(REFERENCE / "api.md", "Members of `LoginManager`")
    assert sorted(documented) == sorted(name for name in members if not name.startswith("_"))
    signature = inspect.signature(flask_login.LoginManager)
    bare = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    call = str(inspect.Signature(bare)).replace(" = ", "=")
    assert f"`LoginManager{call}`" in (REFERENCE / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("cls", [flask_login.CurrentLogin, flask_login.LoginSession])
def test_the_page_of_names_has_every_member_of_what_is_known_of_a_login(cls: type[Any]) -> None:
    documented = names_under(REFERENCE / "api.md", f"Members of `{cls.__name__}`")
    members = {field.name for field in fields(cls)} | set(dir(cls))
    assert sorted(documented) == public(members)


def test_the_page_of_names_has_every_member_of_the_registry_of_logins() -> None:
    documented = names_under(REFERENCE / "api.md", "Members of `SessionRegistry`")
    assert sorted(documented) == public(dir(flask_login.SessionRegistry))


def test_the_page_of_names_has_every_public_name_of_the_testing_module() -> None:
    from flask_login import testing

    documented = {n.removeprefix("testing.") for n in names_under(REFERENCE / "api.md", "Test")}
    homes = (testing.__name__, "flask_login.sessions.contract")
    found = {name: getattr(testing, name) for name in dir(testing) if not name.startswith("_")}
    own = {name for name, value in found.items() if getattr(value, "__module__", "") in homes}
    # A fixture is an object of pytest's.
    own |= {name for name in found if name.startswith("login_")}
    assert documented == own | {"FlaskLoginClient"}


def test_the_page_of_settings_is_what_the_table_of_settings_gives(
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = runpy.run_path(str(ROOT / "scripts/settings_page.py"))
    assert script["main"](["--check"]) == 0, capsys.readouterr().out


def test_the_page_of_settings_has_every_setting_and_no_other() -> None:
    page = REFERENCE / "settings.md"
    keys = [setting.key for setting in settings.SETTINGS]
    assert names_under(page, "Settings") == keys
    assert re.findall(r"^## `(\w+)`$", page.read_text(), re.MULTILINE) == keys


@pytest.mark.parametrize("page", [*PAGES, *NEIGHBOURS], ids=id_of)
def test_a_setting_that_a_page_names_exists(page: Path) -> None:
    ours = {setting.key for setting in settings.SETTINGS}
    ours |= {name for name in public_names() if name.isupper()}
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:REMEMBER_COOKIE|LOGIN|SESSION_PROTECTION)(?:_[A-Z]+)+\b", text))
    arguments = {"LOGIN_ID"}  # of a command
    assert named - ours <= {"REMEMBER_COOKIE"} | arguments


def test_the_page_of_signals_has_every_signal_and_no_other() -> None:
    sent = {n for n, value in vars(signals).items() if isinstance(value, NamedSignal)}
    documented = names_under(REFERENCE / "signals.md")
    assert sorted(documented) == sorted(name for name in sent if not name.startswith("_"))


class Member(flask_login.UserMixin):
    id = "7"


def application(clock: FrozenClock | None = None) -> flask.Flask:
    """Make an application in which everything can happen that sends a signal or refuses."""
    app = flask.Flask("application")
    app.config.update(SECRET_KEY="not a secret here", TESTING=True)
    store = flask_login.MemorySessionStore()
    manager = flask_login.LoginManager[Member](app, session_store=store, clock=clock)
    manager.session_protection = "basic"
    manager.user_loader(lambda user_id: Member())
    manager.bearer_loader(lambda token: Member())

    def login() -> str:
        flask_login.login_user(Member(), remember=True)
        return ""

    def confirm() -> str:
        flask_login.confirm_login()
        return ""

    def logout() -> str:
        flask_login.logout_user()
        return ""

    def home() -> str:
        return ""

    def act() -> str:
        flask_login.login_user(Member())
        other = Member()
        other.id = "bob"
        flask_login.impersonate(other)
        flask_login.stop_impersonating()
        return ""

    def outage() -> str:
        def down(*_: object, **__: object) -> None:
            raise flask_login.SessionStoreUnavailable("memory")

        store.create = down  # type: ignore[method-assign]
        flask_login.login_user(Member())
        return ""

    manager.may_impersonate(lambda actor, user: True)
    app.add_url_rule("/act", view_func=act)
    app.add_url_rule("/outage", view_func=outage)
    app.add_url_rule("/guest", "guest", flask_login.anonymous_required(home))
    app.add_url_rule("/admin", "admin", flask_login.login_required(when=lambda user: False)(home))
    app.add_url_rule("/login", view_func=login)
    app.add_url_rule("/confirm", view_func=confirm)
    app.add_url_rule("/logout", view_func=logout)
    app.add_url_rule("/home", "home", flask_login.login_required(home))
    app.add_url_rule("/fresh", "fresh", flask_login.fresh_login_required(home))
    return app


def recorder(calls: dict[str, set[str]], name: str) -> Callable[..., None]:
    def receive(sender: flask.Flask, **arguments: object) -> None:
        calls.setdefault(name, set()).update(arguments)

    return receive


def test_the_page_of_signals_names_the_arguments_that_are_sent() -> None:
    clock = FrozenClock()
    app = application(clock)
    calls: dict[str, set[str]] = {}
    documented = {
        row[0].strip("`"): quoted(row[2])
        for row in rows_under(REFERENCE / "signals.md")
        if row[0].startswith("`")
    }
    for name in documented:
        signal: NamedSignal = getattr(signals, name)
        signal.connect(recorder(calls, name), sender=app, weak=False)

    client = app.test_client()
    client.get("/login")
    client.get("/home", headers={"User-Agent": "another client"})
    client.get("/fresh", headers={"User-Agent": "another client"})
    client.get("/confirm")
    client.delete_cookie("session")
    client.get("/home")
    client.get("/logout")
    client.get("/home")
    client.get("/home", headers={"Authorization": "Bearer token"})

    client.get("/login")
    token = client.get_cookie("remember_token")
    assert token is not None
    for _ in range(2):
        clock.advance(timedelta(minutes=5))
        client.delete_cookie("session")
        client.get("/home")
    client.delete_cookie("session")
    client.set_cookie("remember_token", token.value)
    clock.advance(timedelta(minutes=1))
    client.get("/home")
    client.get("/act")
    with app.test_request_context():
        flask_login.login_failed("ann")
    client.get("/outage")
    assert calls == documented


def test_the_page_of_exceptions_has_every_exception_with_its_reason_and_facts() -> None:
    made: dict[str, flask_login.FlaskLoginError] = {
        "FlaskLoginError": flask_login.FlaskLoginError(),
        "ConfigurationError": flask_login.ConfigurationError("key", 1, "2"),
        "MissingLoginManager": flask_login.MissingLoginManager("application"),
        "MissingLoader": flask_login.MissingLoader(),
        "InvalidUser": flask_login.InvalidUser("user", "None", "get_id"),
        "InvalidUserId": flask_login.InvalidUserId("get_id"),
        "LoginInSession": flask_login.LoginInSession("_user_id"),
        "NoCurrentUser": flask_login.NoCurrentUser("name"),
        "UnknownLoginView": flask_login.UnknownLoginView("login", "no such endpoint"),
        "UnguardedViewError": flask_login.UnguardedViewError(["home"]),
        "ImpersonationDenied": flask_login.ImpersonationDenied("why"),
        "TooManyLoginAttempts": flask_login.TooManyLoginAttempts(30, "account"),
        "ThrottleUnavailable": flask_login.ThrottleUnavailable("TimeoutError"),
        "SessionStoreUnavailable": flask_login.SessionStoreUnavailable("memory"),
    }
    own = flask_login.FlaskLoginError
    assert made.keys() == {
        name
        for name, value in {**vars(exceptions), **vars(flask_login)}.items()
        if isinstance(value, type) and issubclass(value, own)
    }
    rows = rows_under(REFERENCE / "exceptions.md", "Exceptions and reason codes")
    documented = {
        name.strip("`"): (base.strip("`"), reason.strip("`"), quoted(attributes))
        for name, base, reason, attributes, _ in rows
        if name.startswith("`")
    }
    assert documented == {
        name: (
            next((base.__name__ for base in type(error).__bases__[1:]), ""),
            error.reason,
            set(vars(error)) - vars(ServiceUnavailable("down")).keys(),
        )
        for name, error in made.items()
    }


def test_the_page_of_exceptions_has_every_reason_that_ends_a_login_and_no_other() -> None:
    documented = names_under(REFERENCE / "exceptions.md", "Why a login ended")
    assert documented[: len(records.REASONS)] == list(records.REASONS)
    unfit = inspect.getsource(visit.Visit.unfit)
    protection = inspect.getsource(sources.protect)
    given = re.findall(r'(?:return|else) "(\w+)"', unfit)
    given += re.findall(r'\.end\("(\w+)"', protection)
    others = {*given, records.UNKNOWN, records.SUPERSEDED}
    assert set(documented) == {*records.REASONS, *others}
    assert len(documented) == len(set(documented))


def test_the_page_of_exceptions_has_every_reason_that_a_caller_can_be_told() -> None:
    documented = names_under(REFERENCE / "exceptions.md", "Refusals")
    written = re.findall(r'[^_]problem\(\s*"(\w+)"', inspect.getsource(responses))
    assert documented == written

    client = application().test_client()
    program = {"Accept": "application/json"}
    told = [client.get("/home", headers=program).get_json()["reason"]]
    client.get("/login")
    client.delete_cookie("session")
    told.append(client.get("/fresh", headers=program).get_json()["reason"])
    pages = ("/admin", "/guest")
    told += [client.get(page, headers=program).get_json()["reason"] for page in pages]
    assert told == documented


def test_the_page_of_formats_has_every_session_entry_and_no_other() -> None:
    documented = names_under(REFERENCE / "formats.md", "The session")
    default, staff = SessionKeys("default"), SessionKeys("staff")
    assert sorted(documented) == sorted(vars(default).values())
    assert set(documented) == flask_login.SESSION_KEYS
    of_realm = {
        row[0].strip("`"): row[1].strip("`")
        for row in rows_under(REFERENCE / "formats.md", "The session")
        if row[0].startswith("`")
    }
    assert of_realm == {getattr(default, field): key for field, key in vars(staff).items()}


CLI = REFERENCE / "cli.md"


def test_the_documented_commands_are_those_that_exist() -> None:
    plugins = importlib.metadata.distribution("Flask-Login").entry_points
    existing = {plugin.name for plugin in plugins if plugin.group == "flask.commands"}
    existing |= set(application().cli.commands)
    assert existing == {"login"}

    rows = [
        re.match(r"`([a-z][\w-]*)((?: [A-Z_]+)*)`", row[0]) for row in rows_under(CLI, "Commands")
    ]
    documented = [(found[1], found[2].split()) for found in rows if found is not None]
    assert sorted(documented) == [
        (name, [each.upper() for each in arguments_of(command)])
        for name, command in sorted(login_cli.commands.items())
    ]


def arguments_of(command: click.Command) -> list[str]:
    return [str(each.name) for each in command.params if isinstance(each, click.Argument)]


@pytest.mark.parametrize("page", [*PAGES, *NEIGHBOURS], ids=id_of)
def test_a_command_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`?flask (?:--app \S+ )?login ([a-z][\w-]*)", text):
        assert name in login_cli.commands, f"{id_of(page)}: flask login {name}"


def test_the_page_of_commands_has_every_option_and_no_other() -> None:
    documented = {
        (option, name)
        for row in rows_under(CLI, "Commands")
        if row[0].startswith("`--")
        for option in [row[0].strip("`")]
        for name in quoted(row[1])
    }
    assert documented == {
        (option, name)
        for name, command in login_cli.commands.items()
        for each in command.params
        if isinstance(each, click.Option)
        for option in each.opts
    }


def test_the_page_of_commands_has_every_finding_of_the_doctor_and_no_other() -> None:
    documented = names_under(CLI, "What `doctor` looks for")
    source = inspect.getsource(doctor) + inspect.getsource(doctor_stores)
    source += inspect.getsource(doctor_cookies)
    source += inspect.getsource(migrations) + inspect.getsource(spelling)
    found = re.findall(r'Finding\(\s*"\w+"[^,]*,\s*"(\w+)"', source)
    found += [f"guard_below_{kind}" for kind in answering.CONSEQUENCES]
    assert sorted(documented) == sorted(set(found))


# How it works

HOW = DOCS / "explanation/how-it-works.md"
PACKAGE = Path(flask_login.__file__).parent


def test_the_page_of_how_it_works_names_every_room_and_no_other() -> None:
    named = re.findall(r"`((?:core/)?\w+\.py)`", HOW.read_text(encoding="utf-8"))
    rooms = {
        path.relative_to(PACKAGE).as_posix()
        for path in [*PACKAGE.glob("*.py"), *PACKAGE.glob("core/*.py")]
        if path.stem not in ("__init__", "__about__")
    }
    assert set(named) == rooms
    cells = [row[0] for row in rows_under(HOW, "Every room")]
    listed = re.findall(r"`([\w/]+\.py)`", "".join(cells))
    assert sorted(listed) == sorted(rooms)


def test_what_the_page_of_how_it_works_names_in_a_room_is_there() -> None:
    text = HOW.read_text(encoding="utf-8")
    rooms = "|".join(path.stem for path in PACKAGE.glob("*.py"))
    named = re.findall(rf"`((?:core|{rooms})(?:\.\w+)+)`", text)
    named = [name for name in named if not name.endswith(".py")]
    assert len(named) > 30
    for name in named:
        assert callable(resolve_name(f"flask_login.{name}")) or name == "core.sources.SOURCES"


def test_the_page_of_how_it_works_has_every_hook_of_old_and_no_other() -> None:
    cells = [row[0] for row in rows_under(HOW, "The old hooks")]
    assert sorted(re.findall(r"`(\w+)`", "".join(cells))) == sorted(hooks.HOOKS)


# The links


def anchors_of(page: Path) -> set[str]:
    """Return what a link may name after ``#``: the headings, as GitHub and MyST write them."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def links_of(page: Path) -> list[tuple[Path, str]]:
    """Return the targets of a page's links within the project, and the part they name."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("https://", "http://")):
            path, _, anchor = target.partition("#")
            found.append(((page.parent / path).resolve() if path else page, anchor))
    return found


@pytest.mark.parametrize("page", [*PAGES, *NEIGHBOURS], ids=id_of)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, anchor in links_of(page):
        assert target.exists(), f"{id_of(page)}: {target}"
        assert not anchor or anchor in anchors_of(target), f"{id_of(page)}: {target}#{anchor}"


@pytest.mark.parametrize("page", sorted(DOCS.glob("how-to/*.md")), ids=id_of)
def test_a_guide_begins_with_a_sentence_and_folds_what_is_no_part_of_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    after = re.sub(r"\A# .*\n|^<!-- search: .*-->$", "", text, flags=re.MULTILINE).lstrip()
    assert re.match(r"[A-Za-z`*]", after), after[:60]
    assert text.count("<details>") == text.count("<summary>") == text.count("</details>")
    # Where something is folded, the markup is shut off by blank lines: it stays Markdown.
    for fold in re.findall(r"<details>\n(.*?)</details>", text, re.DOTALL):
        assert re.match(r"<summary>.*</summary>\n\n", fold)
        assert fold.endswith("\n\n")


def test_the_index_links_every_page() -> None:
    linked = {target for target, _ in links_of(DOCS / "index.md")}
    assert set(DOCS.rglob("*.md")) - {DOCS / "index.md"} <= linked
