"""Type checkers find what the page on typing says, and nothing in its application."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import flask_login

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/how-to/typing.md"
EXAMPLE = ROOT / "docs/examples/typing"
PACKAGES = Path(flask_login.__file__).parent.parent


def run(command: list[str], folder: Path) -> str:
    """Run a type checker of this environment; returns what it prints."""
    tool = Path(sys.executable).with_name(command[0])
    if not tool.exists():
        pytest.skip(f"{command[0]} is not installed")
    # mypy finds installed packages itself, and refuses to be told of their folder.
    tree = {} if PACKAGES.name == "site-packages" else {"MYPYPATH": str(PACKAGES)}
    ran = subprocess.run(  # noqa: S603  # a tool of the environment, on our own files
        [str(tool), *command[1:]],
        cwd=folder,
        env={**os.environ, **tree},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in {0, 1}, ran.stdout + ran.stderr
    return ran.stdout


def places(pattern: str, said: str) -> set[tuple[str, int]]:
    return {(file, int(line)) for file, line in re.findall(pattern, said, re.MULTILINE)}


def mypy(folder: Path) -> set[tuple[str, int]]:
    said = run(["mypy", "--strict", "--config-file=", "--cache-dir=.cache", "."], folder)
    return {
        (file, int(line)) for file, line in re.findall(r"^(\S+?):(\d+): error", said, re.MULTILINE)
    }


def pyright(folder: Path) -> set[tuple[str, int]]:
    settings = {"typeCheckingMode": "strict", "include": ["."], "extraPaths": [str(PACKAGES)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    python = ["--pythonpath", sys.executable]
    said: dict[str, Any] = json.loads(run(["pyright", "--outputjson", *python], folder))
    return {
        (Path(each["file"]).relative_to(folder).as_posix(), each["range"]["start"]["line"] + 1)
        for each in said["generalDiagnostics"]
        if each["severity"] == "error"
    }


def ty(folder: Path) -> set[tuple[str, int]]:
    where = ["--python", sys.prefix, "--extra-search-path", str(PACKAGES)]
    said = run(["ty", "check", "--output-format=concise", *where, "."], folder)
    return {
        (file, int(line))
        for file, line in re.findall(r"^(\S+?):(\d+):\d+: error", said, re.MULTILINE)
    }


@pytest.mark.tools
@pytest.mark.parametrize("checker", [mypy, pyright, ty], ids=lambda checker: str(checker.__name__))
def test_a_type_checker_finds_what_the_page_says_and_nothing_in_the_application(
    checker: Any, tmp_path: Path
) -> None:
    folder = tmp_path.resolve() / "page"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = PAGE.read_text(encoding="utf-8")
    heads = re.search(r"^\| mistake \|(.*)\|$", text, re.MULTILINE)
    assert heads is not None
    column = [head.strip() for head in heads[1].split("|")].index(checker.__name__)
    rows = re.findall(r"^\| line (\d+):[^|]*\|(.*)\|$", text, re.MULTILINE)
    expected = {
        ("mistakes.py", int(line))
        for line, cells in rows
        if cells.split("|")[column].strip() == "found"
    }
    assert len(rows) == 5
    assert checker(folder) == expected


def test_the_application_of_the_page_greets_and_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    try:
        from shop import create_app  # type: ignore[import-not-found]  # the page's own package

        app = create_app()
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "shop"]:
            del sys.modules[name]
    client = app.test_client()
    assert client.get("/").text == "Hello, stranger!"
    client.post("/login")
    assert client.get("/").text == "Hello, ann@example.com!"
    assert client.get("/account").text == "ann@example.com"
