"""The workflows for a host: pinned, with the least rights, calling jobs of the Makefile."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def name_of(file: Path) -> str:
    return file.name


def test_there_are_workflows_for_tests_documentation_links_and_releases() -> None:
    names = ["docs.yml", "links.yml", "publish.yml", "tests.yml"]
    assert [file.name for file in WORKFLOWS] == names


def test_a_link_to_another_site_that_is_gone_stops_no_release() -> None:
    for file in WORKFLOWS:
        if file.name != "links.yml":
            text = file.read_text(encoding="utf-8")
            assert "docs-links" not in text
            assert "links.yml" not in text
    assert "docs-links" not in (ROOT / ".ci/run").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", WORKFLOWS, ids=name_of)
def test_an_action_is_named_by_its_commit_and_says_which_version_that_is(file: Path) -> None:
    used = re.findall(r"^ *(?:- )?uses: (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    for action in used:
        pinned = re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
        assert pinned or action.startswith("./"), action


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for file in WORKFLOWS:
        for action, pin in re.findall(r"uses: ([\w/-]+)@(.*)$", file.read_text(), re.MULTILINE):
            pins.setdefault(action, set()).add(pin)
    assert {action: len(found) for action, found in pins.items()} == dict.fromkeys(pins, 1)


@pytest.mark.parametrize("file", WORKFLOWS, ids=name_of)
def test_a_workflow_has_no_rights_but_those_that_a_job_asks_for(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    jobs = re.split(r"^  [a-z]+:$", text.partition("\njobs:\n")[2], flags=re.MULTILINE)[1:]
    assert jobs
    for job in jobs:
        assert "\n    permissions:\n" in job
        assert not re.search(r"contents: write|secrets\.", job)
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")


def test_only_the_jobs_that_publish_may_say_who_they_are() -> None:
    asking = {
        (file.name, job)
        for file in WORKFLOWS
        for job, text in re.findall(
            r"^  ([a-z]+):\n((?:    .*\n|\n)+)", file.read_text(encoding="utf-8"), re.MULTILINE
        )
        if "id-token: write" in text
    }
    assert asking == {
        ("docs.yml", "publish"),
        ("publish.yml", "attest"),
        ("publish.yml", "publish"),
    }


def test_the_tests_run_on_every_python_that_is_promised() -> None:
    promised = [
        classifier.rpartition(" ")[2]
        for classifier in metadata("Flask-Login").get_all("Classifier") or []
        if re.search(r"Python :: 3\.\d+$", classifier)
    ]
    found = re.search(r"python: \[(.*)\]", (ROOT / ".github/workflows/tests.yml").read_text())
    assert found is not None
    assert re.findall(r'"([\d.]+)"', found[1]) == promised
    pythons = re.search(r"^PYTHONS := (.*)$", MAKEFILE, re.MULTILINE)
    assert pythons is not None
    assert pythons[1].split() == promised


@pytest.mark.parametrize("file", WORKFLOWS, ids=name_of)
def test_a_workflow_calls_jobs_that_the_makefile_has(file: Path) -> None:
    jobs = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE)) | {"test-py$VERSION"}
    called = re.findall(r'\bmake "?([\w$-]+)', re.sub(r"#.*|`[^`]*`", "", file.read_text()))
    assert set(called) <= jobs
