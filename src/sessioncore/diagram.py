"""Draw a table: Mermaid and DOT text, made of the very rows that run.

States that are the source of no row are ends. Rows of one arrow share it; its label names their events and, for
what time does (``Tick``), the words for their guards. States keep the order of their enum and words that of the
table, so the same table gives the same text.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from html import escape
from typing import Final

from attrs import frozen

from .errors import InvalidSetting
from .events import Tick
from .table import INITIAL, TABLE, Row

# What a guard says beyond its event: which of two arrows a login takes, and what of all that time can do.
WORDS: Final = {
    "may_begin": "one factor",
    "may_begin_strongly": "two factors",
    "may_repeat": "one factor",
    "may_repeat_strongly": "two factors",
    "strong_may_repeat": "one factor",
    "strong_may_repeat_strongly": "two factors",
    "guest_lifetime_out": "lifetime",
    "guest_idle_out": "idle",
    "upstream_out": "upstream bound",
    "lifetime_out": "lifetime",
    "idle_out": "idle",
    "was_reset": "password reset or change",
    "was_revoked": "all sessions ended",
    "mfa_out": "second factor too old",
}


@frozen
class Arrow:
    """Hold one arrow of the picture: its ends, the events that take it, and what time does along it."""

    source: Enum
    to: Enum
    events: tuple[str, ...]
    clock: tuple[str, ...]


@frozen
class Picture:
    """Hold what is drawn: ``live`` states have a way out, ``ended`` ones have none."""

    initial: Enum
    lit: Enum | None
    live: tuple[Enum, ...]
    ended: tuple[Enum, ...]
    arrows: tuple[Arrow, ...]

    def kept_by(self, state: Enum) -> Arrow | None:
        """Give the arrow that leads from the state back to itself."""
        return next((arrow for arrow in self.arrows if arrow.source is arrow.to is state), None)


def picture_of(rows: Iterable[Row], initial: Enum, lit: Enum | None) -> Picture:
    """Group the states and merge the rows. Raises ``InvalidSetting`` for a state of another table."""
    table = tuple(rows)
    sources = {initial, *(row.source for row in table)}
    states = sources | {row.to for row in table}
    if not all(isinstance(state, type(initial)) for state in states):
        raise InvalidSetting("initial", initial, "name the state in which the table at hand begins")
    if lit is not None and lit not in states:
        raise InvalidSetting("lit", lit, f"name a state of the table: {', '.join(sorted(s.name for s in states))}")
    drawn = [state for state in type(initial) if state in states]
    live, ended = [s for s in drawn if s in sources], [s for s in drawn if s not in sources]
    return Picture(initial, lit, tuple(live), tuple(ended), tuple(_arrows(table, drawn)))


def _arrows(table: tuple[Row, ...], states: list[Enum]) -> Iterator[Arrow]:
    for source in states:
        for to in states:
            rows = [row for row in table if (row.source, row.to) == (source, to)]
            events = dict.fromkeys(_event(row) for row in rows if row.on is not Tick)
            clock = dict.fromkeys(_words(row) or "time" for row in rows if row.on is Tick)
            if rows:
                yield Arrow(source, to, tuple(events), tuple(clock))


def _event(row: Row) -> str:
    words = WORDS.get(_guard_name(row))
    return f"{row.on.__name__} ({words})" if words else row.on.__name__


def _words(row: Row) -> str:
    return WORDS.get(_guard_name(row)) or _guard_name(row).replace("_", " ").strip()


def _guard_name(row: Row) -> str:
    name = getattr(row.guard, "__name__", "")
    return "" if name == "<lambda>" else name


# -- Mermaid -----------------------------------------------------------------------------------------------

_MERMAID_CLASSES: Final = (
    "classDef live fill:#d9efe5,stroke:#2f7d62,color:#12382b",
    "classDef ended fill:#f1dfdc,stroke:#8a4b4b,color:#4a2320",
    "classDef lit fill:#ffd166,stroke:#b7791f,color:#3d2a00,stroke-width:3px",
)
_MERMAID_WORDS: Final = ("class", "classdef", "default", "direction", "end", "note", "scale", "state", "style")


def mermaid(rows: Iterable[Row] = TABLE, *, initial: Enum = INITIAL, lit: Enum | None = None) -> str:
    """Write the rows as a Mermaid diagram (``stateDiagram-v2``), with the state ``lit`` lit.

    What keeps a state is listed inside it. Raises ``InvalidSetting`` if ``initial`` or ``lit`` belongs to another
    table.
    """
    drawn = picture_of(rows, initial, lit)
    between = [arrow for arrow in drawn.arrows if arrow.source is not arrow.to]
    lines = ["stateDiagram-v2", "direction LR", *_MERMAID_CLASSES]
    lines += [*_composite(drawn, "live", drawn.live), *_composite(drawn, "ended", drawn.ended)]
    lines += [f"[*] --> {_id(initial)}"]
    lines += [f"{_id(a.source)} --> {_id(a.to)} : {'<br/>'.join(a.events + a.clock)}" for a in between]
    return "\n    ".join(lines) + "\n"


def _composite(drawn: Picture, name: str, states: tuple[Enum, ...]) -> Iterator[str]:
    if not states:
        return
    yield f'state "{name}" as {name}_states {{'
    for state in states:
        yield f'    state "{state.name}" as {_id(state)}'
        if inside := drawn.kept_by(state):
            yield f"    {_id(state)} : {'<br/>'.join(inside.events + inside.clock)}"
    yield "}"
    yield from (f"class {_id(state)} {'lit' if state is drawn.lit else name}" for state in states)


def _id(state: Enum) -> str:
    return f"{state.name}_" if state.name.lower() in _MERMAID_WORDS else state.name


# -- DOT ---------------------------------------------------------------------------------------------------

_FONT: Final = 'fontname="Helvetica,Arial,sans-serif"'
_DOT: Final = f"""\
digraph sessioncore {{
  graph [rankdir=LR, nodesep=0.5, ranksep=0.85, pad=0.3, bgcolor=white, {_FONT}, fontsize=13, tooltip=" "]
  node [shape=box, style="rounded,filled", penwidth=1.6, margin="0.1,0.06", {_FONT}, fontsize=13]
  edge [color="#5b6475", fontcolor="#2a3040", arrowsize=0.75, penwidth=1.1, {_FONT}, fontsize=10.5]
"""
_BEGIN: Final = '"[*]" [shape=circle, style=filled, width=0.18, label="", color="#2a3040", fillcolor="#2a3040"]'
_LIVE: Final = ("live", "#2f7d62", "#d9efe5", "#f6fbf9", "#12382b")
_ENDED: Final = ("ended", "#8a4b4b", "#f1dfdc", "#fcf8f7", "#4a2320")
_LIT: Final = 'fillcolor="#ffd166", color="#b7791f", fontcolor="#3d2a00", penwidth=3, '


def dot(rows: Iterable[Row] = TABLE, *, initial: Enum = INITIAL, lit: Enum | None = None) -> str:
    """Write the rows as a DOT graph for Graphviz, with the state ``lit`` lit.

    What keeps a state is listed inside it; dashed arrows are taken by time alone. In an SVG each state is a group
    whose id is ``state-<NAME>``. Raises ``InvalidSetting`` as ``mermaid`` does.
    """
    drawn = picture_of(rows, initial, lit)
    lines = [_BEGIN, *_group(drawn, drawn.live, _LIVE), *_group(drawn, drawn.ended, _ENDED)]
    lines += [f'"[*]" -> "{initial.name}" [id="begin-{initial.name}"]']
    lines += [_edge(arrow) for arrow in drawn.arrows if arrow.source is not arrow.to]
    return _DOT + "".join(f"  {line}\n" for line in lines) + "}\n"


def _group(drawn: Picture, states: tuple[Enum, ...], look: tuple[str, ...]) -> Iterator[str]:
    name, line, fill, ground, ink = look
    if states:
        yield f"subgraph cluster_{name} {{"
        yield f'  graph [label=<<B>{name}</B>>, labeljust=l, labelloc=b, margin=16, style="rounded,dashed",'
        yield f'         color="{line}", fontcolor="{line}", bgcolor="{ground}"]'
        yield f'  node [fillcolor="{fill}", color="{line}", fontcolor="{ink}"]'
        yield from (f"  {_node(drawn, state)}" for state in states)
        yield "}"


def _node(drawn: Picture, state: Enum) -> str:
    inside = drawn.kept_by(state)
    words = _label_lines(inside) if inside else []
    cells = "".join(f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="10">{word}</FONT></TD></TR>' for word in words)
    name = f'<TR><TD CELLPADDING="4"><B>{state.name}</B></TD></TR>' + ("<HR/>" + cells if cells else "")
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{name}</TABLE>'
    return f'"{state.name}" [id="state-{state.name}", {_LIT if state is drawn.lit else ""}label=<{table}>]'


def _edge(arrow: Arrow) -> str:
    ends = f'"{arrow.source.name}" -> "{arrow.to.name}"'
    style = "" if arrow.events else ", style=dashed"
    return f'{ends} [id="{arrow.source.name}-{arrow.to.name}"{style}, label=<{"<BR/>".join(_label_lines(arrow))}>]'


def _label_lines(arrow: Arrow) -> list[str]:
    return [escape(event) for event in arrow.events] + [f"<I>{escape(words)}</I>" for words in arrow.clock]
