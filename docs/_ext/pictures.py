"""Pictures from text: a fenced ``mermaid`` block becomes an inline SVG when the site is built.

Only as much of Mermaid's flowchart as the pages need is understood, so nothing has to be loaded or
installed, and the same text is a picture where Markdown is shown with Mermaid. The layout is one
column of steps; an outcome, written ``id([text])``, stands beside the step that leads to it::

    flowchart TD
        ask["Who is it?"] -->|known| user(["Ann"])
        ask -->|unknown| next["Ask the next"]

Edges between neighbours are straight, all others bend around on the left. The colours are those of
the theme, light or dark.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NODE = r"(?P<{0}>\w+)(?:\(\[\"(?P<{0}_outcome>[^\"]*)\"\]\)|\[\"(?P<{0}_step>[^\"]*)\"\])?"
EDGE = re.compile(
    rf"{NODE.format('a')}\s*-->\s*(?:\|\"?(?P<label>[^|\"]*)\"?\|\s*)?{NODE.format('b')}"
)

LINE = 16  # the height of a line of text
CHARACTER = 6.7  # the width of a character, on average and on the safe side
STEP, OUTCOME, LABEL = 21, 15, 13  # characters in a line
GAP = 34  # between two rows
BETWEEN = 12  # between the outcomes of one step
LANE = 16  # between two edges that bend around
MARGIN = 8


@dataclass
class Box:
    """A step or an outcome, and where it stands."""

    lines: list[str]
    outcome: bool
    x: float = 0
    y: float = 0
    width: float = 0

    @property
    def height(self) -> float:
        """How high it is."""
        return len(self.lines) * LINE + 16

    @property
    def middle(self) -> float:
        """Where its middle is, from above."""
        return self.y + self.height / 2


@dataclass
class Picture:
    """What the text says."""

    boxes: dict[str, Box] = field(default_factory=dict)
    edges: list[tuple[str, str, list[str]]] = field(default_factory=list)

    @classmethod
    def from_text(cls, text: str) -> Picture:
        """Read the text; raises ``ExtensionError`` for a line that it can't draw."""
        head, *lines = [line.strip() for line in text.strip().splitlines()]
        if head != "flowchart TD":
            raise ExtensionError(f"A picture begins with 'flowchart TD', not {head!r}.")
        picture = cls()
        for line in filter(None, lines):
            found = EDGE.fullmatch(line)
            if found is None:
                raise ExtensionError(f"This line of a picture is no edge: {line!r}")
            for end in "ab":
                picture._note(found[end], found[f"{end}_step"], found[f"{end}_outcome"])
            picture.edges.append((found["a"], found["b"], wrap(found["label"] or "", LABEL)))
        return picture

    def _note(self, name: str, step: str | None, outcome: str | None) -> None:
        text = outcome if step is None else step
        if text is None:
            if name not in self.boxes:
                raise ExtensionError(f"'{name}' has no text where a picture first names it.")
        elif name not in self.boxes:
            width = STEP if outcome is None else OUTCOME
            self.boxes[name] = Box(wrap(text, width), outcome is not None)


def wrap(text: str, width: int) -> list[str]:
    """Return the lines of a text, where it says ``<br>`` and where it is too long."""
    return [line for part in text.split("<br>") for line in textwrap.wrap(part, width)]


def draw(picture: Picture) -> str:
    """Return the picture as SVG."""
    steps = [name for name, box in picture.boxes.items() if not box.outcome]
    beside = {name for name, box in picture.boxes.items() if box.outcome}
    bent = [edge for edge in picture.edges if is_bent(edge, steps, picture)]
    left = MARGIN + sum(lane_width(edge) for edge in bent)
    step_width = max(len(line) for name in steps for line in picture.boxes[name].lines)
    step_width = step_width * CHARACTER + 20
    width, y = left + step_width, float(MARGIN)
    for name in steps:
        step = picture.boxes[name]
        outcomes = [(o, label) for a, o, label in picture.edges if a == name and o in beside]
        boxes = [picture.boxes[outcome] for outcome, _ in outcomes]
        height = max(step.height, sum(box.height + BETWEEN for box in boxes) - BETWEEN)
        step.x, step.y, step.width = left, y + (height - step.height) / 2, step_width
        gap = max((len(line) for _, label in outcomes for line in label), default=0) * 6 + 32
        top = y + (height - sum(box.height + BETWEEN for box in boxes) + BETWEEN) / 2
        for box in boxes:
            box.width = max(len(line) for line in box.lines) * CHARACTER + 20
            box.x, box.y = left + step_width + gap, top
            top += box.height + BETWEEN
            width = max(width, box.x + box.width)
        down = [
            t for a, b, t in picture.edges if a == name and (a, b, t) not in bent and b in steps
        ]
        lines = [line for text in down for line in text]
        width = max(width, left + 33 + CHARACTER * max(map(len, lines), default=0))
        y += height + max(GAP, len(lines) * LINE + 18)
    drawn = [draw_edge(edge, bent, picture) for edge in picture.edges]
    drawn += [draw_box(box) for box in picture.boxes.values()]
    size = f"{width + MARGIN:.0f} {y - GAP + MARGIN:.0f}"
    return (
        f'<svg viewBox="0 0 {size}" style="width: {width + MARGIN:.0f}px" role="img"'
        f' aria-label="{escape(in_words(picture))}">{"".join(drawn)}</svg>'
    )


def lane_width(edge: tuple[str, str, list[str]]) -> float:
    """Return how much room an edge that bends around needs, with its label."""
    return LANE + max(map(len, edge[2]), default=0) * CHARACTER + 5


def is_bent(edge: tuple[str, str, list[str]], steps: list[str], picture: Picture) -> bool:
    """Tell whether an edge does not go to the next step, or to an outcome."""
    a, b, _ = edge
    return not picture.boxes[b].outcome and steps.index(b) != steps.index(a) + 1


def draw_edge(
    edge: tuple[str, str, list[str]],
    bent: list[tuple[str, str, list[str]]],
    picture: Picture,
) -> str:
    """Return an edge with its label."""
    a, b, label = picture.boxes[edge[0]], picture.boxes[edge[1]], edge[2]
    if b.outcome:
        start, end = a.x + a.width, b.x
        text = draw_text(label, start + 12, b.middle - 6, "start", up=True)
        path = f"M{start} {a.middle} H{start + 8} V{b.middle} H{end - 5}"
        return f'<path d="{path}"/>{arrow(end, b.middle, "right")}{text}'
    if edge not in bent:
        x, start, end = a.x + 24, a.y + a.height, b.y
        middle = (start + end) / 2 - len(label) * LINE / 2 + 11
        text = draw_text(label, x + 9, middle, "start")
        return f'<path d="M{x} {start} V{end - 5}"/>{arrow(x, end, "down")}{text}'
    lane = a.x - LANE - sum(lane_width(other) for other in bent[: bent.index(edge)])
    # Two edges at one box stand apart, those that leave below those that come.
    start, end = a.middle + 7, b.middle - 7
    text = draw_text(label, lane - 5, (start + end) / 2 - len(label) * LINE / 2 + 11, "end")
    path = f"M{a.x} {start} H{lane + 6} Q{lane} {start} {lane} {start + (6 if end > start else -6)}"
    path += f" V{end - (6 if end > start else -6)} Q{lane} {end} {lane + 6} {end} H{b.x - 5}"
    return f'<path d="{path}"/>{arrow(b.x, end, "right")}{text}'


def arrow(x: float, y: float, direction: str) -> str:
    """Return the point of an arrow that ends at a place."""
    shape = {"right": "-8,-4 -8,4 0,0", "down": "-4,-8 4,-8 0,0"}[direction]
    return f'<polygon points="{shape}" transform="translate({x} {y})"/>'


def draw_box(box: Box) -> str:
    """Return a box with its text."""
    kind, radius = ("outcome", box.height / 2) if box.outcome else ("step", 6)
    rect = (
        f'<rect class="{kind}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"'
        f' rx="{min(radius, 18)}"/>'
    )
    return rect + draw_text(box.lines, box.x + box.width / 2, box.y + 20, "middle")


def draw_text(lines: list[str], x: float, y: float, anchor: str, *, up: bool = False) -> str:
    """Return lines of text; with `up` the last of them stands at `y`, else the first."""
    top = y - (len(lines) - 1) * LINE if up else y
    spans = "".join(
        f'<tspan x="{x}" y="{top + n * LINE}">{escape(line)}</tspan>'
        for n, line in enumerate(lines)
    )
    return f'<text text-anchor="{anchor}">{spans}</text>' if lines else ""


def in_words(picture: Picture) -> str:
    """Return the picture for who can't see it."""
    said = []
    for a, b, label in picture.edges:
        between = f", {' '.join(label)}: " if label else ": "
        said.append(
            f"{' '.join(picture.boxes[a].lines)}{between}{' '.join(picture.boxes[b].lines)}"
        )
    return ". ".join(said)


class DrawPictures(SphinxTransform):
    """Replace the blocks of text by pictures."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Do it for one page."""
        del kwargs
        for block in list(self.document.findall(nodes.literal_block)):
            if block.get("language") == "mermaid":
                svg = draw(Picture.from_text(block.astext()))
                figure = f'<div class="picture">{svg}</div>'
                block.replace_self(nodes.raw("", figure, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    app.add_transform(DrawPictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
