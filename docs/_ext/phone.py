"""Tables that fit, on a phone too.

Each cell knows the heading of its column: where there is no room for columns the style sheet shows
a row as a small card, and writes the heading before each cell. A long name in a cell may be broken
between its words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.writers.html5 import HTML5Translator

if TYPE_CHECKING:
    from sphinx.application import Sphinx


BETWEEN_WORDS = re.compile(r"(?<=_)(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])")


class Translator(HTML5Translator):
    """Writes tables."""

    def visit_Text(self, node: nodes.Text) -> None:  # noqa: N802  # docutils' name
        """Write text; in a table, with places to break a long name."""
        written = len(self.body)
        super().visit_Text(node)
        inside = node.parent.parent if isinstance(node.parent, nodes.literal) else None
        while inside is not None and not isinstance(inside, nodes.entry):
            inside = inside.parent
        if inside is not None:
            self.body[written:] = [BETWEEN_WORDS.sub("<wbr>", self.encode(node.astext()))]

    def depart_desc_parameterlist(self, node: nodes.Element) -> None:
        """End the parameters: with a line for each they are a list, and not one of definitions."""
        super().depart_desc_parameterlist(node)
        began = max((n for n, part in enumerate(self.body) if "<dl>" in part), default=None)
        if began is not None and node.get("multi_line_parameter_list"):
            for n in range(began, len(self.body)):
                for old, new in (("dl>", "ul>"), ("dd>", "li>")):
                    self.body[n] = self.body[n].replace(f"<{old}", f"<{new}")
                    self.body[n] = self.body[n].replace(f"</{old}", f"</{new}")

    def visit_entry(self, node: nodes.Element) -> None:
        """Begin a cell."""
        super().visit_entry(node)
        row = node.parent
        group = row.parent.parent
        heads = [entry.astext() for entry in next(iter(group.findall(nodes.row))).children]
        place = row.index(node)
        if isinstance(row.parent, nodes.tbody) and place and place < len(heads):
            tag = self.body[-1]
            at = tag.index(">")
            label = self.attval(heads[place])
            self.body[-1] = f'{tag[:at]} data-head="{label}"{tag[at:]}'


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    for builder in ("html", "dirhtml"):
        app.set_translator(builder, Translator, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
