"""Words that somebody searches for, and that stand on no page as they are typed.

A page names them in a comment, which readers of the plain Markdown don't see::

    <!-- search: password reset, forgotten password -->

They become main entries of the index, which the search puts before the pages that have the word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

COMMENT = re.compile(r"^<!-- search: (?P<words>[^>]+) -->$", re.MULTILINE)


def add_entries(app: Sphinx, docname: str, content: list[str]) -> None:
    """Turn the comment into entries of the index."""
    del app, docname

    def entries(found: re.Match[str]) -> str:
        words = [f"   ! single: {word.strip()}" for word in found["words"].split(",")]
        return "```{eval-rst}\n.. index::\n" + "\n".join(words) + "\n```"

    content[0] = COMMENT.sub(entries, content[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    # After a page that lives elsewhere has taken its place.
    app.connect("source-read", add_entries, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
