from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import flask_login
from flask_login import LoginManager

#: The public names of 0.6.3 and its main branch.
OLD = {
    "AUTH_HEADER_NAME",
    "AnonymousUserMixin",
    "COOKIE_DURATION",
    "COOKIE_HTTPONLY",
    "COOKIE_NAME",
    "COOKIE_SAMESITE",
    "COOKIE_SECURE",
    "EXEMPT_METHODS",
    "FlaskLoginClient",
    "ID_ATTRIBUTE",
    "LOGIN_MESSAGE",
    "LOGIN_MESSAGE_CATEGORY",
    "LoginManager",
    "REFRESH_MESSAGE",
    "REFRESH_MESSAGE_CATEGORY",
    "SESSION_KEYS",
    "USE_SESSION_FOR_NEXT",
    "UserMixin",
    "confirm_login",
    "current_user",
    "decode_cookie",
    "encode_cookie",
    "fresh_login_required",
    "login_fresh",
    "login_remembered",
    "login_required",
    "login_url",
    "login_user",
    "logout_user",
    "make_next_param",
    "session_protected",
    "set_login_view",
    "user_accessed",
    "user_loaded_from_cookie",
    "user_loaded_from_request",
    "user_logged_in",
    "user_logged_out",
    "user_login_confirmed",
    "user_needs_refresh",
    "user_unauthorized",
}

#: What this release adds.
NEW = {
    "ConfigurationError",
    "CurrentLogin",
    "FlaskLoginError",
    "ImpersonationDenied",
    "InvalidUser",
    "InvalidUserId",
    "LoginAttempt",
    "LoginInSession",
    "LoginSession",
    "LoginThrottle",
    "MemorySessionStore",
    "MissingLoader",
    "MissingLoginManager",
    "NoCurrentUser",
    "SessionRegistry",
    "SessionStore",
    "SessionStoreUnavailable",
    "ThrottleUnavailable",
    "TooManyLoginAttempts",
    "UnguardedViewError",
    "UnknownLoginView",
    "User",
    "acting_as",
    "anonymous_required",
    "begin_login",
    "complete_login",
    "current_login",
    "get_current_user",
    "impersonate",
    "impersonation_started",
    "impersonation_stopped",
    "login_ended_reason",
    "login_failed",
    "login_not_required",
    "login_session_ended",
    "login_session_started",
    "login_still_valid",
    "no_activity",
    "pending_user",
    "remember_token_reused",
    "safe_next_url",
    "session_store_unavailable",
    "stop_impersonating",
    "user_login_failed",
}

PACKAGE = Path(inspect.getfile(flask_login)).parent


def public_names() -> set[str]:
    return {
        name
        for name, value in vars(flask_login).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }


def test_the_public_names_are_these() -> None:
    assert public_names() == OLD | NEW
    assert not OLD & NEW


def test_the_package_exports_what_it_imports_and_no_module_by_a_star() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    late = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(late.test) == "_typing.TYPE_CHECKING"
    assert not late.orelse
    for_checkers = imported_by(late.body)
    assert for_checkers == {name: home[1:] for name, home in flask_login._LATE.items()}
    at_once = imported_by(tree.body)
    assert sorted(flask_login.__all__) == sorted([*at_once, *for_checkers])
    assert set(flask_login.__all__) <= set(dir(flask_login))
    modules = {path.stem for path in PACKAGE.iterdir()}
    assert not modules & set(flask_login.__all__)


@pytest.mark.parametrize("name", sorted(flask_login._LATE))
def test_a_name_that_is_found_late_is_that_of_its_module(name: str) -> None:
    home = importlib.import_module(flask_login._LATE[name], "flask_login")
    code = f"import flask_login; print(flask_login.{name} is vars(flask_login)[{name!r}])"
    assert output_of(code) == "True"
    assert getattr(flask_login, name) is getattr(home, name)


@pytest.mark.parametrize("name", sorted(flask_login.login_manager.__all__))
def test_the_old_home_of_the_login_manager_has_the_names_it_had(name: str) -> None:
    found = getattr(flask_login.login_manager, name)
    assert found is (datetime if name == "datetime" else getattr(flask_login.utils, name, found))


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'flask_login' has no attribute 'Manager'"):
        flask_login.Manager  # noqa: B018


def imported_by(body: list[ast.stmt]) -> dict[str, str | None]:
    """Return the public names that relative imports bring, with their modules."""
    imports = [node for node in body if isinstance(node, ast.ImportFrom) and node.level]
    imports = [node for node in imports if node.module]  # `from . import` brings modules
    return {alias.name: node.module for node in imports for alias in node.names}


def test_importing_the_package_imports_nothing_that_only_some_applications_need() -> None:
    code = (
        "import sys, flask, flask_login\n"
        "from flask_login import LoginManager, UserMixin, current_user, login_required\n"
        "print(*(name for name in sys.modules if name.startswith('flask_login.')))"
    )
    brought = {name.split(".")[1] for name in output_of(code).split()}
    assert "login_manager" in brought
    of_the_throttle = {"throttling", "attempts", "budgets", "device_cookie"}
    assert not brought & {*of_the_throttle, "test_client", "testing"}


def output_of(code: str) -> str:
    """Return what `code` prints in a Python of its own."""
    result = subprocess.run(  # noqa: S603  # this very Python, and the code stands in this file
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def test_importing_the_package_imports_nothing_but_flask_and_what_flask_brings() -> None:
    code = (
        "import sys, json, flask.testing\n"
        "before = set(sys.modules)\n"
        "import flask_login\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    result = subprocess.run(  # noqa: S603  # this very Python, and the code stands above
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    new = {name.partition(".")[0] for name in json.loads(result.stdout)}
    flask_brings = {"blinker", "click", "flask", "itsdangerous", "jinja2", "markupsafe", "werkzeug"}
    assert new - set(sys.stdlib_module_names) - flask_brings == {"flask_login"}


def test_importing_the_package_does_not_import_pytest_nor_its_own_test_fixtures() -> None:
    code = "import sys, flask_login; print([m for m in sys.modules if 'test' in m])"
    result = subprocess.run(  # noqa: S603  # this very Python, and the code stands above
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "pytest" not in result.stdout
    assert "flask_login.testing" not in result.stdout


def test_every_public_function_is_a_method_of_the_manager_too() -> None:
    functions = {name for name in public_names() if inspect.isfunction(getattr(flask_login, name))}
    manager: LoginManager[Any] = LoginManager()
    assert {name for name in functions if not hasattr(manager, name)} == set()
    assert manager.current_user is None or hasattr(manager, "current_user")
    assert callable(manager.get_current_login)


@pytest.mark.parametrize("name", sorted(OLD | NEW))
def test_a_method_takes_what_the_function_of_its_name_takes(name: str) -> None:
    function = getattr(flask_login, name)
    if not inspect.isfunction(function):
        return
    method = getattr(LoginManager(), name)
    ours, theirs = inspect.signature(function).parameters, inspect.signature(method).parameters
    assert list(ours) == list(theirs)
    for key, parameter in ours.items():
        assert parameter.kind == theirs[key].kind
        assert parameter.default == theirs[key].default


# Documentation


def comment_above(name: str) -> str:
    """Return the comment that documents a module-level name, in whatever module has it.

    One comment may stand above a block of assignments that belong together.
    """
    for path in sorted([*PACKAGE.glob("*.py"), *PACKAGE.glob("core/*.py")]):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if re.match(rf"{name}\b[^=(]*=(?!=)", line):
                return "\n".join(reversed(list(comment_lines(lines[:number]))))
    return ""


def comment_lines(above: list[str]) -> Iterator[str]:
    lines = reversed(above)
    for line in lines:
        if line.startswith("#"):
            yield line
            break
        if not line.strip():
            return
    for line in lines:
        if not line.startswith("#"):
            return
        yield line


def documentation(name: str) -> str:
    value = getattr(flask_login, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        return inspect.cleandoc(value.__doc__ or "")
    return comment_above(name)


@pytest.mark.parametrize("name", sorted(OLD | NEW))
def test_every_public_name_is_documented(name: str) -> None:
    assert documentation(name)


@pytest.mark.parametrize("name", sorted(NEW))
def test_every_new_name_says_since_when(name: str) -> None:
    assert ".. versionadded:: 0.6.90" in documentation(name)


CLASSES = [getattr(flask_login, name) for name in sorted(OLD | NEW)]
CLASSES = [value for value in CLASSES if inspect.isclass(value)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_public_method_and_property_is_documented(cls: type) -> None:
    for base in cls.__mro__:
        if not base.__module__.startswith("flask_login"):
            continue
        for name, value in vars(base).items():
            if name.startswith("_"):
                continue
            if inspect.isfunction(value) or isinstance(value, property):
                assert inspect.getdoc(value), f"{base.__name__}.{name}"


def public_attributes(path: Path) -> Iterator[tuple[str, list[str], int]]:
    """Yield the attributes that a class sets on itself in ``__init__``, with their places."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    for cls in ast.walk(ast.parse(source)):
        if not isinstance(cls, ast.ClassDef) or cls.name not in vars(flask_login):
            continue
        for node in ast.walk(cls):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Attribute) and not target.attr.startswith("_"):
                    yield f"{cls.name}.{target.attr}", lines, node.lineno - 1


def test_every_public_attribute_of_an_error_is_documented() -> None:
    seen = set()
    for home in ("exceptions.py", "core/exceptions.py"):
        for name, lines, number in public_attributes(PACKAGE / home):
            seen.add(name)
            assert lines[number - 1].strip().startswith("#:"), name
    assert {"ConfigurationError.key", "SessionStoreUnavailable.cause"} <= seen


@pytest.mark.parametrize("name", ["login_user", "confirm_login", "safe_next_url", "login_url"])
def test_a_docstring_names_every_argument(name: str) -> None:
    function = getattr(flask_login, name)
    for parameter in inspect.signature(function).parameters:
        assert f":param {parameter}:" in (function.__doc__ or "")


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_the_test_client_s_module_is_found_before_anybody_has_imported_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(flask_login, "test_client", raising=False)
    found: Any = flask_login.test_client
    assert found.__name__ == "flask_login.test_client"
    assert found.FlaskLoginClient is flask_login.FlaskLoginClient


@pytest.mark.parametrize(
    "name",
    ["__about__", "config", "login_manager", "mixins", "signals", "test_client", "utils"],
)
def test_a_module_that_importing_the_package_always_brought_is_found(name: str) -> None:
    code = f"import flask_login; print(flask_login.{name}.__name__)"
    assert output_of(code) == f"flask_login.{name}"


def test_no_room_is_longer_than_a_reader_can_hold() -> None:
    package = Path(flask_login.__file__).parent
    lengths = {
        str(path.relative_to(package)): len(path.read_text(encoding="utf-8").splitlines())
        for path in package.rglob("*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}
