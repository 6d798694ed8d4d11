"""Check that every change is told in a fragment that towncrier will render.

Run by `make changelog-check`. Exits 1 with one line for each fault.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
KINDS = ("safer", "feature", "fix", "removal", "docs", "misc")
NAME = re.compile(rf"(\d+|\+[a-z0-9-]+)\.({'|'.join(KINDS)})(\.\d+)?\.md")


def faults_of(fragment: Path) -> list[str]:
    """Return what is wrong with one fragment, as sentences."""
    name = fragment.relative_to(ROOT)
    if not NAME.fullmatch(fragment.name):
        kinds = ", ".join(KINDS)
        return [f"{name}: not <issue>.<kind>.md or +<words>.<kind>.md with a kind of {kinds}."]
    text = fragment.read_text(encoding="utf-8").strip()
    faults: list[str] = []
    if not text:
        faults.append(f"{name}: it is empty.")
    elif not text.endswith((".", "`", "!", "?")):
        faults.append(f"{name}: it should end like a sentence.")
    if text.startswith(("-", "*", "#")):
        faults.append(f"{name}: no list mark or heading; towncrier adds them.")
    return faults


def released_twice() -> list[str]:
    """Return a fault when the version in the tree is in the changelog already."""
    about = (ROOT / "src/flask_login/__about__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__(?:: \w+)? = "([^"]+)"$', about, re.MULTILINE)
    if found is None:
        return ['src/flask_login/__about__.py: no line `__version__ = "..."`.']
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    if found[1] in headings and any(fragments()):
        return [f"CHANGELOG.md: has {found[1]}, yet there are fragments: raise __version__."]
    return []


def fragments() -> list[Path]:
    """Return the fragments, sorted by name."""
    return sorted(path for path in (ROOT / "changes").iterdir() if path.name != "README.md")


def main() -> int:
    """Print every fault; return the exit code."""
    faults = [fault for fragment in fragments() for fault in faults_of(fragment)]
    faults += released_twice()
    for fault in faults:
        print(fault)
    if not faults:
        print(f"{len(fragments())} changelog fragments, none at fault.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
