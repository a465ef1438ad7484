"""The same messages as Mermaid, which many sites draw themselves; for the documentation."""

from collections.abc import Iterator, Sequence
from typing import Final

from .hops import NAMES, Hop
from .sequence import Drawing

ARROWS: Final = {"request": "->>", "answer": "-->>", "message": "-)"}


def write(hops: Sequence[Hop]) -> str:
    """Write a sequence diagram; values that differ from run to run are left out, names stay."""
    return "\n".join(_lines(Drawing(hops, values=False))) + "\n"


def _lines(drawing: Drawing) -> Iterator[str]:
    yield "sequenceDiagram"
    for part in drawing.cast:
        yield f"    participant {part} as {NAMES[part]}"
    for hop in drawing.hops:
        if hop.kind == "note":
            yield f"    Note over {hop.target}: {_plain(hop.what)}"
        else:
            said = "".join(f"<br/>{_plain(line)}" for line in drawing.said(hop))
            yield f"    {hop.source}{ARROWS[hop.kind]}{hop.target}: {_plain(hop.what)}{said}"


def _plain(text: str) -> str:
    """Keep Mermaid from reading more into a text: a semicolon ends a statement, a hash begins an entity."""
    return text.translate({ord("#"): "#35;", ord(";"): "#59;"})
