"""A bar chart as SVG, narrow enough to be read on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

# In pixels of a phone that is 360 wide; more room only makes it larger.
_WIDTH = 360
_MARGIN = 12
_BAR = 14
_STEP = 40
_STYLE = """\
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .group { font-size: 15px; font-weight: 600 }
  .value { text-anchor: end }
  .paper { fill: #fff }
  .bar { fill: #8b949e }
  .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .paper { fill: #0d1117 }
    .bar { fill: #6e7681 }
    .ours { fill: #4493f8 }
  }"""


@dataclass(frozen=True)
class Group:
    """Bars that are compared with each other: name, value, whether it is ours."""

    title: str
    bars: Sequence[tuple[str, float, bool]]


def draw(title: str, description: str, groups: Sequence[Group]) -> str:
    """Return the chart; each group has a scale of its own."""
    room = _WIDTH - 2 * _MARGIN
    body: list[str] = []
    y = 34
    for line in _lines(title, 38):
        body.append(_text(line, _MARGIN, y, "title"))
        y += 22
    for group in groups:
        y += 22
        for line in _lines(group.title, 44):
            body.append(_text(line, _MARGIN, y, "group"))
            y += 20
        longest = max(value for _, value, _ in group.bars)
        for name, value, ours in group.bars:
            width = max(1.5, room * max(value, 0) / longest)
            kind = "ours" if ours else "bar"
            body.append(_text(name, _MARGIN, y + 4))
            body.append(_text(f"{value:.1f} µs", _WIDTH - _MARGIN, y + 4, "value"))
            shape = f'x="{_MARGIN}" y="{y + 10}" width="{width:.1f}" height="{_BAR}"'
            body.append(f'<rect {shape} rx="2" class="{kind}"/>')
            y += _STEP
    height = y + 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' role="img" aria-labelledby="t d">\n'
        f'<title id="t">{escape(title)}</title>\n<desc id="d">{escape(description)}</desc>\n'
        f"<style>\n{_STYLE}\n</style>\n"
        f'<rect width="{_WIDTH}" height="{height}" class="paper"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _text(text: str, x: float, y: float, kind: str | None = None) -> str:
    named = "" if kind is None else f' class="{kind}"'
    return f'<text x="{x:g}" y="{y:g}"{named}>{escape(text)}</text>'


def _lines(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
