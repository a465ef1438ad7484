"""Draw single sign-on: the decision as a flow chart, and the layers with what travels between them.

Both are made of the rows that run: ``DECISIONS`` and ``CASCADE``. The same rows give the same text.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from attrs import frozen

from .answers import ErrorCode, Granted, Interaction
from .cascade import CASCADE, Cascade, Fate, Layer
from .decision import DECISIONS, Decision

_FONT: Final = 'fontname="Helvetica,Arial,sans-serif"'
_WIDTH: Final = 44  # characters of a line in a box
_COLOURS: Final = {  # line, fill and ink: what is granted, what is asked of the user, what is refused
    Granted: ("#2f7d62", "#d9efe5", "#12382b"),
    Interaction: ("#b7791f", "#fdf0cf", "#3d2a00"),
    ErrorCode: ("#8a4b4b", "#f1dfdc", "#4a2320"),
}


def said(text: str) -> str:
    """Say a name in words."""
    return text.replace("_", " ")


def question(row: Decision) -> str:
    """Say the condition of a row."""
    return " ".join((row.condition.__doc__ or "").split()).rstrip(".")


def wrapped(text: str, width: int = _WIDTH) -> list[str]:
    """Break a text between words."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


# -- the decision ------------------------------------------------------------------------------------------


def decision_mermaid(rows: Sequence[Decision] = DECISIONS) -> str:
    """Write the decision as a Mermaid flow chart."""
    lines = ["flowchart TB"]
    lines += [
        f"classDef {kind.__name__.lower()} fill:{fill},stroke:{line},color:{ink}"
        for kind, (line, fill, ink) in _COLOURS.items()
    ]
    for n, row in enumerate(rows, 1):
        last = n == len(rows)
        lines += [f'q{n}["{n}. {question(row)}"]', f'a{n}["{_mermaid_answer(row)}"]', f"q{n} -- yes --> a{n}"]
        lines += [] if last else [f"q{n} -- no --> q{n + 1}"]
        lines += [f"class a{n} {type(row.otherwise).__name__.lower()}"]
    return "\n    ".join(lines) + "\n"


def _mermaid_answer(row: Decision) -> str:
    if row.silent == row.otherwise:
        return f"{row.otherwise.value}"
    return f"{said(row.otherwise.value)}<br/>under none: {row.silent.value}"


def decision_dot(rows: Sequence[Decision] = DECISIONS) -> str:
    """Write the decision as a DOT graph: questions down the left, on the right the answers, and those under none."""
    return "\n".join((*_HEAD, *_questions(rows), *_answers(rows), "}")) + "\n"


_HEAD: Final = (
    "digraph decision {",
    f'  graph [rankdir=TB, nodesep=0.35, ranksep=0.22, pad=0.3, bgcolor=white, {_FONT}, tooltip=" "]',
    f'  node [shape=box, style="rounded,filled", penwidth=1.4, margin="0.14,0.06", {_FONT}, fontsize=12]',
    f'  edge [color="#5b6475", fontcolor="#2a3040", arrowsize=0.7, {_FONT}, fontsize=10]',
    '  node [color="#5b6475", fillcolor="#f5f6f8", fontcolor="#2a3040"]',
    '  "ask" [id="ask", label="an authentication request arrives", shape=plain, fillcolor=white]',
    '  "ask" -> "q1" [id="ask-q1"]',
)


def _questions(rows: Sequence[Decision]) -> Iterator[str]:
    for n, row in enumerate(rows, 1):
        cells = "".join(f'<TR><TD ALIGN="LEFT">{escape(line)}</TD></TR>' for line in wrapped(question(row)))
        clause = f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="9" COLOR="#6b7385">Core 1.0, {row.clause}</FONT></TD></TR>'
        table = f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1" WIDTH="310">{cells}{clause}</TABLE>'
        yield f'  "q{n}" [id="q{n}", width=4.6, label=<{table}>]'
        if n < len(rows):
            yield f'  "q{n}" -> "q{n + 1}" [id="q{n}-q{n + 1}", label="  no", weight=9]'


def _answers(rows: Sequence[Decision]) -> Iterator[str]:
    for n, row in enumerate(rows, 1):
        both = row.silent == row.otherwise
        cells = _cell(row.otherwise, "in any case" if both else "") + ("" if both else _cell(row.silent, "under none"))
        table = f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="3" CELLPADDING="5"><TR>{cells}</TR></TABLE>'
        yield f'  "a{n}" [id="a{n}", shape=plain, fillcolor=white, label=<{table}>]'
        yield f'  {{ rank=same; "q{n}" -> "a{n}" [id="q{n}-a{n}", label=" yes "] }}'


def _cell(answer: ErrorCode | Granted | Interaction, note: str) -> str:
    line, fill, ink = _COLOURS[type(answer)]
    words = said(answer.value) if isinstance(answer, Interaction) else answer.value
    below = f'<BR/><FONT POINT-SIZE="9">{note}</FONT>' if note else '<BR/><FONT POINT-SIZE="9">a page</FONT>'
    return f'<TD BGCOLOR="{fill}" COLOR="{line}"><FONT COLOR="{ink}"><B>{escape(words)}</B>{below}</FONT></TD>'


# -- the layers --------------------------------------------------------------------------------------------

_ABOVE: Final = {Layer.APPLICATION: Layer.SERVER, Layer.SERVER: Layer.PROVIDER}
_TITLES: Final = {
    Layer.PROVIDER: "identity provider's session",
    Layer.SERVER: "authorization server's session",
    Layer.APPLICATION: "application sessions",
}


@frozen
class Travel:
    """Hold one arrow between layers: how an end travels, and on which events."""

    source: Layer
    to: Layer
    how: str
    events: tuple[str, ...]


def inside(layer: Layer, rows: Sequence[Cascade] = CASCADE) -> Iterator[str]:
    """Say what ends a session of this layer by its own hand, or by time."""
    for row in rows:
        cell = row.at(layer)
        if cell.fate is Fate.EXPIRES:
            yield f"{said(row.on)}: expires"
        elif row.begins is layer is Layer.APPLICATION:
            yield f"{said(row.on)}: its own session ends first"
        elif cell.fate in (Fate.ENDS, Fate.ALL_END):
            yield f"{said(row.on)}: {cell.fate.value} ({cell.reason})"


def travels(rows: Sequence[Cascade] = CASCADE) -> tuple[Travel, ...]:
    """Give every arrow between the layers: down by logout tokens, up by redirects."""
    found: dict[tuple[Layer, Layer, str], list[str]] = {}
    for row in rows:
        for layer, above in _ABOVE.items():
            fate, asked = row.at(layer).fate, row.at(above).fate
            if fate in (Fate.IS_TOLD, Fate.ALL_ARE_TOLD):
                found.setdefault((above, layer, fate.value), []).append(said(row.on))
            if asked is Fate.IS_ASKED or (row.begins is layer is Layer.APPLICATION and asked is Fate.ENDS):
                found.setdefault((layer, above, "is asked to end, by a redirect"), []).append(said(row.on))
    return tuple(Travel(*key, tuple(events)) for key, events in found.items())


def layers_mermaid(rows: Sequence[Cascade] = CASCADE) -> str:
    """Write the layers as a Mermaid flow chart."""
    lines = ["flowchart TB"]
    for layer in _TITLES:
        text = "<br/>".join((f"<b>{_TITLES[layer]}</b>", *inside(layer, rows)))
        lines.append(f'{layer}["{text}"]')
    for travel in travels(rows):
        dotted = "-." if _ABOVE.get(travel.source) is travel.to else "=="
        arrow = ".->" if dotted == "-." else "==>"
        lines.append(f'{travel.source} {dotted} "{travel.how}:<br/>{"<br/>".join(travel.events)}" {arrow} {travel.to}')
    return "\n    ".join(lines) + "\n"


def layers_dot(rows: Sequence[Cascade] = CASCADE) -> str:
    """Write the layers as a DOT graph: solid arrows are logout tokens, dashed ones redirects of the browser."""
    lines = [
        "digraph layers {",
        f'  graph [rankdir=TB, nodesep=1.6, ranksep=1.1, pad=0.3, bgcolor=white, {_FONT}, tooltip=" "]',
        f'  node [shape=box, style="rounded,filled", penwidth=1.6, margin="0.2,0.1", {_FONT}, fontsize=12,'
        ' color="#2f7d62", fillcolor="#d9efe5", fontcolor="#12382b"]',
        f'  edge [color="#5b6475", fontcolor="#2a3040", arrowsize=0.75, penwidth=1.3, {_FONT}, fontsize=10.5]',
    ]
    for layer, title in _TITLES.items():
        body = "".join(
            f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="10">{escape(t)}</FONT></TD></TR>' for t in inside(layer, rows)
        )
        rule = "<HR/>" if body else ""
        table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2"><TR><TD><B>{title}</B></TD></TR>'
        lines.append(f'  "{layer}" [id="layer-{layer}", label=<{table}{rule}{body}</TABLE>>]')
    for n, travel in enumerate(travels(rows)):
        up = _ABOVE.get(travel.source) is travel.to
        label = "<BR/>".join((f"<I>{escape(travel.how)}</I>", *map(escape, travel.events)))
        style = ", style=dashed, constraint=false" if up else ""
        spaced = f'<TABLE BORDER="0" CELLPADDING="6"><TR><TD>{label}</TD></TR></TABLE>'
        lines.append(f'  "{travel.source}" -> "{travel.to}" [id="travel-{n}"{style}, label=<{spaced}>]')
    return "\n".join((*lines, "}")) + "\n"
