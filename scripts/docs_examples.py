"""Write the code that pages take from docs/examples/ into the pages.

Usage: python scripts/docs_examples.py [--check]
With --check nothing is written; the exit code is 1 when a page is out of date.

A page names a file, or parts of it, in a comment right above a block fenced by ``~~~``::

    <!-- from examples/tutorial/step-1/app.py: login logout -->
    ~~~python
    ~~~

A part begins in the file with a comment that is just its name, ``# [login]``, and goes on to the
next such comment. The tests run the files; the blocks are what the files say.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
EXAMPLES = DOCS / "examples"

BLOCK = re.compile(
    r"^<!-- from (?P<file>\S+?)(?:: (?P<parts>[^>]*?))? -->\n"
    r"~~~(?P<language>\S+)\n(?P<text>.*?)^~~~$",
    re.MULTILINE | re.DOTALL,
)
PART = re.compile(
    r"^[ \t]*(?:#|//|--|\{#|<!--|/\*) \[(?P<name>[\w-]+)\](?: (?:#\}|-->|\*/))?\n", re.MULTILINE
)


def parts_of(file: Path) -> dict[str, str]:
    """Return the parts of a file by name; the whole of it has the name ``""``."""
    text = file.read_text(encoding="utf-8")
    _, *pieces = PART.split(text)
    parts = {
        name: piece.strip("\n") + "\n"
        for name, piece in zip(pieces[::2], pieces[1::2], strict=True)
        if piece.strip()
    }
    return {"": PART.sub("", text).rstrip("\n") + "\n", **parts}


def shown(file: Path, names: list[str]) -> str:
    """Return what a page shows of a file: all of it, or the parts of these names."""
    parts = parts_of(file)
    if not names:
        return parts[""]
    text = parts[names[0]]
    for name in names[1:]:
        # As far apart as functions are, where the parts begin with functions.
        gap = "\n\n" if re.match(r"@|def |class |async ", parts[name]) else "\n"
        text += gap + parts[name]
    return text


def filled(page: str) -> str:
    """Return the page with its blocks as the files are now."""

    def block(found: re.Match[str]) -> str:
        text = shown(DOCS / found["file"], (found["parts"] or "").split())
        start = found.start("text") - found.start()
        return found[0][:start] + text + "~~~"

    return BLOCK.sub(block, page)


def main(arguments: list[str]) -> int:
    """Write or check the pages; return the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    outdated = []
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        new = filled(text)
        if new != text:
            outdated.append(page.relative_to(DOCS).as_posix())
            if not arguments:
                page.write_text(new, encoding="utf-8")
    if arguments and outdated:
        print(f"{', '.join(outdated)}: out of date, run 'python scripts/docs_examples.py'.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
