"""The sequence diagram: one lifeline for everybody who spoke, one arrow for every message that was recorded.

Only who stands where is decided here; every word comes from the trace.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from attrs import frozen

from .hops import NAMES, SECRET, Hop

MARGIN: Final = 92
HEAD: Final = 46
ROW: Final = 34
LINE: Final = 13  # of a message's parameters
NOTE: Final = 30
WIDE: Final = 1180  # what few lifelines share; many take what they need
NARROWEST, WIDEST = 196, 300
LETTER: Final = 6.1  # the width of one, in the parameters' type


@frozen
class Drawing:
    """Hold the hops of one drawing, and whether values are drawn or only their names."""

    hops: Sequence[Hop]
    values: bool = True

    @property
    def cast(self) -> list[str]:
        """List who spoke, in the order of the story's layers."""
        spoke = {part for hop in self.hops for part in (hop.source, hop.target)}
        return [part for part in NAMES if part in spoke]

    @property
    def column(self) -> int:
        """Give the space between two lifelines."""
        gaps = max(len(self.cast) - 1, 1)
        return min(max((WIDE - 2 * MARGIN) // gaps, NARROWEST), WIDEST)

    @property
    def width(self) -> int:
        """Give the drawing's width."""
        return MARGIN * 2 + self.column * (len(self.cast) - 1)

    def x(self, part: str) -> int:
        """Give the place of a lifeline."""
        return MARGIN + self.column * self.cast.index(part)

    def said(self, hop: Hop) -> list[str]:
        """Write a message's parameters, in lines that fit; without values the secret ones only by their names."""
        named = [name if name in SECRET and not self.values else f"{name} {value}" for name, value in hop.details]
        room = max(abs(self.x(hop.source) - self.x(hop.target)), self.column) / LETTER - 2
        lines: list[str] = []
        for word in named:
            fits = lines and len(lines[-1]) + 3 + len(word) <= room
            lines[-1:] = [f"{lines[-1]} · {word}"] if fits else [*lines[-1:], word]
        return lines


def draw(hops: Sequence[Hop], *, values: bool = True, style: str = "") -> str:
    """Draw as SVG; ``style`` goes in for pictures that stand alone."""
    drawing = Drawing(hops, values)
    if not hops:
        return ""
    rows, y = [], HEAD + 24
    for hop in hops:
        rows.append(_note(drawing, hop, y) if hop.kind == "note" else _arrow(drawing, hop, y))
        y += NOTE if hop.kind == "note" else ROW + LINE * len(drawing.said(hop))
    lines = "".join(_lifeline(drawing, part, y) for part in drawing.cast)
    size = f'viewBox="0 0 {drawing.width} {y}" width="{drawing.width}" height="{y}"'
    namespace = ' xmlns="http://www.w3.org/2000/svg"' if style else ""
    label = "Messages between " + ", ".join(NAMES[part] for part in drawing.cast)
    shapes = "".join([style, _HEADS, lines, *rows])
    return f'<svg{namespace} class="sequence" {size} role="img" aria-label="{label}">{shapes}</svg>'


def _lifeline(drawing: Drawing, part: str, bottom: int) -> str:
    x, name = drawing.x(part), NAMES[part]
    half = 8 + len(name) * 4
    box = f'<rect x="{x - half}" y="8" width="{half * 2}" height="30" rx="15"/>'
    line = f'<path class="lifeline" d="M{x} 38V{bottom}"/>'
    return f'<g class="part {part}">{line}{box}<text x="{x}" y="27">{escape(name)}</text></g>'


def _arrow(drawing: Drawing, hop: Hop, y: int) -> str:
    start, end = drawing.x(hop.source), drawing.x(hop.target)
    way = 1 if end > start else -1
    left = min(start, end) + (8 if way > 0 else 14)  # beside the head
    words = f'<text class="what" x="{left}" y="{y - 5}">{escape(hop.what)}</text>'
    lines = enumerate(drawing.said(hop), 1)
    said = "".join(f'<text class="said" x="{left}" y="{y + LINE * row}">{escape(line)}</text>' for row, line in lines)
    line = f'<path class="message" d="M{start} {y}H{end - way * 2}" marker-end="url(#sent-{_kind(hop)})"/>'
    return f'<g class="{_kind(hop)}">{line}{words}{said}</g>'


def _kind(hop: Hop) -> str:
    return "back" if hop.kind == "request" and hop.source not in ("browser", "orders") else hop.kind


def _note(drawing: Drawing, hop: Hop, y: int) -> str:
    x, half = drawing.x(hop.target), 12 + len(hop.what) * 3.1
    tone = "ends" if "ends" in hop.what or "lapsed" in hop.what else "lives"
    box = f'<rect x="{x - half:g}" y="{y - 20}" width="{half * 2:g}" height="20" rx="10"/>'
    return f'<g class="happened {tone}">{box}<text x="{x}" y="{y - 6}">{escape(hop.what)}</text></g>'


def _head(kind: str) -> str:
    size = 'markerWidth="8" markerHeight="8" refX="7" refY="4" viewBox="0 0 8 8" markerUnits="userSpaceOnUse"'
    return f'<marker id="sent-{kind}" class="{kind}" {size} orient="auto"><path d="M0 0L8 4L0 8Z"/></marker>'


_HEADS: Final = f"<defs>{''.join(map(_head, ('request', 'answer', 'back', 'message')))}</defs>"
