"""Pages that live outside of docs/: on the site they stand where docs/project/ points to them.

A page of docs/project/ holds a link to its file, for readers of the plain Markdown; on the site
the file itself takes its place. Links between the two worlds are turned accordingly, and a link
to a file that is no page (an example's source) becomes plain text. The changelog begins with what
is not released yet, as towncrier will write it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).parent.parent
ROOT = DOCS.parent
#: The file that a page shows.
FILES = {
    "project/readme": ROOT / "README.md",
    "project/changelog": ROOT / "CHANGELOG.md",
    "project/contributing": ROOT / "CONTRIBUTING.md",
    "project/security": ROOT / "SECURITY.md",
    "project/portal": ROOT / "examples/portal/README.md",
}
#: Where the changelog's releases begin.
RELEASES = "<!-- towncrier: releases start here -->"
PAGES = {file: DOCS / f"{page}.md" for page, file in FILES.items()}

LINK = re.compile(
    r"(?P<picture>!?)\[(?P<text>[^\[\]]*)\]\((?P<target>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)"
)


def turn_links(text: str, written_in: Path, shown_as: Path) -> str:
    """Return the text with its links as they have to be on the page that shows it."""

    def turned(link: re.Match[str]) -> str:
        target = (written_in.parent / link["target"]).resolve()
        target = PAGES.get(target, target)
        if not target.is_relative_to(DOCS):
            return link["text"]
        if target == shown_as and link["anchor"]:
            return f"[{link['text']}]({link['anchor']})"
        path = Path(os.path.relpath(target, shown_as.parent)).as_posix()
        return f"{link['picture']}[{link['text']}]({path}{link['anchor'] or ''})"

    # A link's text may hold code in backticks, so only blocks are set apart.
    parts = re.split(
        r"(^(?:```|~~~)[^\n]*\n.*?^(?:```|~~~)$)", text, flags=re.MULTILINE | re.DOTALL
    )
    return "".join(part if n % 2 else LINK.sub(turned, part) for n, part in enumerate(parts))


def unreleased() -> str:
    """Return the changelog's section of the changes that no release has yet."""
    options = ["--version", "The next release", "--date", "not out yet"]
    command = [sys.executable, "-m", "towncrier", "build", "--draft", *options]
    draft = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603  # the project's own tool and files
    return draft.stdout


def show_file(app: Sphinx, docname: str, content: list[str]) -> None:
    """Put the file in the place of the page that stands for it, and turn the links."""
    page = DOCS / f"{docname}.md"
    file = FILES.get(docname)
    if file is not None:
        app.env.note_dependency(str(file))
        content[0] = file.read_text(encoding="utf-8")
        if docname == "project/changelog":
            app.env.note_reread()  # a fragment may be new
            content[0] = content[0].replace(RELEASES, f"{unreleased()}\n{RELEASES}")
    content[0] = turn_links(content[0], file or page, page)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    # Before the menu reads the index.
    app.connect("source-read", show_file, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
