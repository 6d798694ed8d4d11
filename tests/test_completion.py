"""Completion in shells, as the page of commands sets it up."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from flask import Flask
from flask.cli import ScriptInfo
from tests.deadlines import at_most

import flask_login
from flask_login import LoginManager
from flask_login.cli import login_cli
from flask_login.cli_realms import realm_option

FLASK = Path(sys.executable).with_name("flask")
PAGE = Path(__file__).parent.parent / "docs/reference/cli.md"
SHELLS = ("bash", "zsh", "fish")

SHOP = """
from flask import Flask
from flask_login import LoginManager

app = Flask(__name__)
LoginManager(app)
LoginManager(app, name="staff")
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with an application, and in it nothing else that could be found."""
    tmp_path.joinpath("shop.py").write_text(SHOP, encoding="utf-8")
    return tmp_path


def run(command: list[str], shop: Path, **variables: str) -> str:
    here = {
        "PATH": os.pathsep.join([str(FLASK.parent), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(flask_login.__file__).parents[1]),
        "FLASK_APP": "shop",
        "HOME": str(shop),
    }
    ran = subprocess.run(  # noqa: S603  # our own
        command,
        cwd=shop,
        env={**here, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=at_most(60),
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def offered(shell: str, shop: Path, line: str) -> set[str]:
    """Return what `flask` offers to a shell for the last word of a line."""
    *words, last = line.split(" ")
    answer = run(
        [str(FLASK)],
        shop,
        _FLASK_COMPLETE=f"{shell}_complete",
        COMP_WORDS=line,
        COMP_CWORD=last if shell == "fish" else str(len(words)),
    )
    lines = answer.splitlines()
    if shell == "zsh":  # three lines each: the kind, the value, its help
        return set(lines[1::3])
    return {re.split(r"[,\t]", line)[1] for line in lines}


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_is_offered_commands_options_and_realms(shell: str, shop: Path) -> None:
    assert offered(shell, shop, "flask login ") == login_cli.commands.keys()
    revoking = {"revoke", "revoke-user", "revoke-everyone"}
    assert offered(shell, shop, "flask login rev") == revoking
    assert "--json" in offered(shell, shop, "flask login doctor --")
    assert offered(shell, shop, "flask login purge --realm ") == {"default", "staff"}
    assert offered(shell, shop, "flask login purge --realm s") == {"staff"}
    # Said in the line, and not by the environment.
    assert offered(shell, shop, "flask --app shop login leak") == {"leaks"}


@pytest.mark.slow
def test_what_the_page_says_to_do_once_makes_a_script_for_each_shell(shop: Path) -> None:
    said = re.findall(r"`_FLASK_COMPLETE=(\w+)_source flask > ", PAGE.read_text(encoding="utf-8"))
    assert tuple(said) == SHELLS
    for shell in said:
        if shell == "bash" and shutil.which("bash") is None:
            continue  # click asks it for its version
        script = run([str(FLASK)], shop, _FLASK_COMPLETE=f"{shell}_source")
        assert f"_FLASK_COMPLETE={shell}_complete" in script


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="asks bash itself")
def test_bash_completes_a_line_with_the_script(shop: Path) -> None:
    script = shop / "complete.bash"
    script.write_text(run([str(FLASK)], shop, _FLASK_COMPLETE="bash_source"), encoding="utf-8")
    asked = (
        f". {script}; COMP_WORDS=(flask login revoke-); COMP_CWORD=2;"
        ' _flask_completion flask; echo "${COMPREPLY[@]}"'
    )
    bash = str(shutil.which("bash"))
    assert run([bash, "--norc", "-c", asked], shop).split() == ["revoke-everyone", "revoke-user"]


def realms_offered(info: ScriptInfo | None, begun: str = "") -> list[str]:
    """Return what the option ``--realm`` offers."""
    command = click.command("probe")(realm_option(lambda: None))
    context = click.Context(command, obj=info)
    return [item.value for item in command.params[0].shell_complete(context, begun)]


def test_realms_are_offered_by_their_beginning() -> None:
    app = Flask(__name__)
    for name in ("staff", "stores", "guests"):
        LoginManager(app, name=name)
    info = ScriptInfo(create_app=lambda: app)
    assert realms_offered(info) == ["guests", "staff", "stores"]
    assert realms_offered(info, "st") == ["staff", "stores"]


def test_without_an_application_no_realm_is_offered_and_nothing_fails() -> None:
    def broken() -> Flask:
        raise RuntimeError("canary")

    assert realms_offered(None) == []
    assert realms_offered(ScriptInfo(create_app=broken)) == []
