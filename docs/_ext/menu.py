"""The menu is what the index lists: each part with links to pages becomes a part of the menu.

So a page that the index does not link is in no menu, and Sphinx fails the build for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LINK = re.compile(r"^- \[(?P<title>[^\]]+)\]\((?P<page>[\w/-]+)\.md\)", re.MULTILINE)


def add_menu(app: Sphinx, docname: str, content: list[str]) -> None:
    """Append the menu to the index, hidden: the list itself is on the page."""
    if docname != app.config.root_doc:
        return
    intro, *parts = re.split(r"^## (.*)$", content[0], flags=re.MULTILINE)
    del intro
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        pages = [f"{found['title']} <{found['page']}>" for found in LINK.finditer(text)]
        if pages:
            options = f":hidden:\n:caption: {title}\n\n"
            content[0] += "\n```{toctree}\n" + options + "\n".join(pages) + "\n```\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    app.connect("source-read", add_menu)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
