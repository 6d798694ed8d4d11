"""What is deprecated is told in one form: by the warning, on the page about moving, everywhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import flask_login

ROOT = Path(__file__).parent.parent
PACKAGE = Path(flask_login.__file__).parent
#: The form of a warning; searching for "deprecated since" finds every one.
FORM = re.compile(
    r"'(?P<name>\w+)' is deprecated since (?P<since>\d+\.\d+\.\d+) and goes in (?P<goes>\d+\.\d+):"
    r" use (?P<instead>.+[^.])"
)
#: Words about the custom itself, and of others' deprecations.
OF_THE_CUSTOM = re.compile(
    r"DeprecationWarning|is deprecated first|\*deprecated since\*|\| deprecated \|"
    r"|Removed and deprecated|deprecated since VERSION"
)
TEXTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *PACKAGE.rglob("*.py")]


def warnings_of(file: Path) -> list[str]:
    """Return the messages of a module's deprecation warnings."""
    calls = [
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and any(
            isinstance(each, ast.Name) and each.id.endswith("DeprecationWarning")
            for each in [*node.args, *(word.value for word in node.keywords)]
        )
    ]
    return [str(ast.literal_eval(call.args[0])) for call in calls]


def deprecations() -> list[re.Match[str]]:
    found = []
    for file in PACKAGE.rglob("*.py"):
        for message in warnings_of(file):
            match = FORM.fullmatch(message)
            assert match is not None, f"{file}: {message}"
            found.append(match)
    return found


def test_the_page_about_moving_has_what_warns_and_nothing_else() -> None:
    page = (ROOT / "docs/moving.md").read_text(encoding="utf-8")
    part = page.partition("### What 0.7 drops\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| `")]
    listed = {(row[0].strip("`"), row[1], row[2].replace("`", "")) for row in rows}
    assert listed == {(each["name"], each["since"], each["instead"]) for each in deprecations()}
    assert {each["goes"] for each in deprecations()} == {"0.7"}


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_a_text_says_since_when_something_is_deprecated(file: Path) -> None:
    text = OF_THE_CUSTOM.sub("", file.read_text(encoding="utf-8"))
    for found in re.finditer(r"deprecat\w*(?P<form> since \d+\.\d+\.\d+)?", text, re.IGNORECASE):
        assert found["form"], f"{file}: {text[max(0, found.start() - 40) : found.end() + 20]!r}"
