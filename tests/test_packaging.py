"""What is published: the page on the package index, its addresses, files that can be rebuilt."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import metadata
from pathlib import Path

import pytest

import flask_login

ROOT = Path(__file__).parent.parent
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
#: Of the people and places of Flask-Login 0.6: none of them answers for this.
FORMER = re.compile(r"max ?countryman|frazier|leafstorm|flask-login\.readthedocs", re.IGNORECASE)


def home() -> str:
    found = re.search(r'^home = "(https://[^"]+)"$', PYPROJECT, re.MULTILINE)
    assert found is not None
    return found[1]


def targets(text: str) -> list[str]:
    """Return where the links and pictures of a Markdown text lead; code has none."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def test_every_link_and_picture_on_the_package_index_is_an_address() -> None:
    published = str(metadata("Flask-Login").json["description"])
    written = (ROOT / "README.md").read_text(encoding="utf-8")
    release = flask_login.__version__
    expected = []
    for target in targets(written):
        kind = "raw" if target.endswith((".png", ".svg")) else "blob"
        far = target.startswith("https://")
        expected.append(target if far else f"{home()}/{kind}/{release}/{target}")
    assert targets(published) == expected
    assert len([target for target in expected if target.startswith(home())]) > 20
    assert "LoginManager[User](app)" in published  # code is left alone


def test_the_addresses_of_the_project_are_those_of_its_home() -> None:
    urls = metadata("Flask-Login").get_all("Project-URL") or []
    named = dict(url.split(", ", 1) for url in urls)
    assert set(named) == {"Documentation", "Changelog", "Source", "Issues", "Security"}
    assert all(address.startswith(home()) for address in named.values())


def tracked() -> list[str]:
    """Return the files of the project; in a source distribution, what that has."""
    if (ROOT / ".git").exists():
        git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        listed = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603  # nothing from outside
        return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]
    if os.environ.get("CI"):
        pytest.fail("no clone: git is not there to say what the project's files are")
    pytest.skip("git says what the project's files are, and this is no clone")


def test_the_home_of_the_project_stands_in_one_place_and_no_former_one_stands_anywhere() -> None:
    for name in tracked():
        if name.startswith("requirements/") or name == "tests/test_packaging.py":
            continue
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        assert not FORMER.search(text), name
        assert text.count(home()) == (name == "pyproject.toml"), name


def test_no_python_is_shut_out_that_may_come() -> None:
    assert metadata("Flask-Login")["Requires-Python"] == ">=3.10"


# The files


def build(source: Path, out: Path) -> list[Path]:
    """Build as `make build` does, and return the source distribution and the wheel."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1790000000"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603, PLW1510  # our own tree; the output tells what is wrong
    assert result.returncode == 0, result.stdout + result.stderr
    wheel, sdist = sorted(out.iterdir(), key=lambda file: file.suffix, reverse=True)
    return [sdist, wheel]


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Make two copies of the project that differ in times, rights and order, as clones do."""
    pytest.importorskip("build", reason="builds the package")
    pytest.importorskip("hatchling", reason="builds the package")
    files = tracked()
    copies = []
    for number, names in enumerate([files, files[::-1]]):
        tree = tmp_path_factory.mktemp(f"tree{number}")
        for name in names:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
            os.utime(tree / name, (1_700_000_000 + number, 1_700_000_000 + number))
            (tree / name).chmod((tree / name).stat().st_mode & (0o755 if number else 0o777) | 0o600)
        copies.append(tree)
    return copies


@pytest.fixture(scope="module")
def built(trees: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[list[Path]]:
    return [build(tree, tmp_path_factory.mktemp("dist")) for tree in trees]


@pytest.mark.tools
@pytest.mark.xdist_group("packaging")
def test_two_builds_of_the_same_files_are_the_same_bytes(built: list[list[Path]]) -> None:
    for first, second in zip(*built, strict=True):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes(), first.name


@pytest.mark.tools
@pytest.mark.xdist_group("packaging")
def test_the_source_distribution_has_every_file_of_the_project(built: list[list[Path]]) -> None:
    sdist, wheel = built[0]
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert set(tracked()) == packed - {"PKG-INFO"}
    assert {"benchmarks/__main__.py", "downstream/run.py", ".github/workflows/tests.yml"} <= packed
    with zipfile.ZipFile(wheel) as archive:
        inside = {Path(name).parts[0] for name in archive.namelist()}
        assert inside == {"flask_login", f"flask_login-{flask_login.__version__}.dist-info"}
