"""Pages that live outside of docs/: on the site they stand where docs/project/ points to them.

A page of docs/project/ holds a link to its file, for readers of the plain Markdown; on the site
the file itself takes its place. Links between the two worlds are turned accordingly, and a link
to a file that is no page (an example's source) becomes plain text.
"""

from __future__ import annotations

import os
import re
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
PAGES = {file: DOCS / f"{page}.md" for page, file in FILES.items()}

LINK = re.compile(r"(?<!\!)\[(?P<text>[^\[\]]*)\]\((?P<target>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)")


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
        return f"[{link['text']}]({path}{link['anchor'] or ''})"

    # A link's text may hold code in backticks, so only blocks are set apart.
    parts = re.split(
        r"(^(?:```|~~~)[^\n]*\n.*?^(?:```|~~~)$)", text, flags=re.MULTILINE | re.DOTALL
    )
    return "".join(part if n % 2 else LINK.sub(turned, part) for n, part in enumerate(parts))


def show_file(app: Sphinx, docname: str, content: list[str]) -> None:
    """Put the file in the place of the page that stands for it, and turn the links."""
    page = DOCS / f"{docname}.md"
    file = FILES.get(docname)
    if file is not None:
        app.env.note_dependency(str(file))
        content[0] = file.read_text(encoding="utf-8")
    content[0] = turn_links(content[0], file or page, page)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    # Before the menu reads the index.
    app.connect("source-read", show_file, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
