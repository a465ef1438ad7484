"""Draw the table of transitions as a state diagram, to a file or into a folder of documentation."""

import re
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import getdoc
from pathlib import Path
from typing import Final

from sessioncore import TABLE, InvalidSetting, Row, SessionError, State
from sessioncore.diagram import dot, mermaid
from sessioncore.table import INITIAL

README: Final = """\
# The states of a session

Generated from `sessioncore.table` by `make diagrams`; a test compares. Arrows name the events that take them.
*Italics* and dashed arrows are what time does (`Tick`), and what keeps a state is listed inside it.

![The states of a session, live and ended, and the arrows between them](session.svg)

The same in Mermaid, which many sites draw themselves:

```mermaid
{mermaid}```

## The table

Every way in which a session can change: {count} rows and the initial arrow `begin -> {initial}`. What is not here
does not happen; it is refused by name. No two rows of one event and one state are ever enabled together.

{table}
"""


class GraphvizMissing(SessionError):
    """An SVG was asked for, and Graphviz is not there to lay it out."""


class DrawingFailed(SessionError):
    """Graphviz is there but did not draw."""


def svg(*, lit: State | None = None) -> str:
    """Lay the diagram out with Graphviz. Raises ``GraphvizMissing`` and ``DrawingFailed``."""
    return laid_out(dot(lit=lit))


def laid_out(text: str) -> str:
    """Lay a graph out with Graphviz. Raises ``GraphvizMissing`` and ``DrawingFailed``."""
    program = shutil.which("dot")
    if program is None:
        raise GraphvizMissing(
            "Graphviz's program `dot` is not on the PATH: install Graphviz (apt install graphviz, brew install"
            " graphviz, https://graphviz.org/download), or ask for --format mermaid or --format dot"
        )
    drawn = subprocess.run([program, "-Tsvg"], input=text, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    if drawn.returncode != 0:
        raise DrawingFailed(f"`{program} -Tsvg` ended with {drawn.returncode}: {drawn.stderr.strip()}")
    # The comments name Graphviz's version and repeat the titles.
    return re.sub(r"<!--.*?-->\n", "", drawn.stdout, flags=re.DOTALL)


OF: Final = ("session", "sso", "decision", "layers")


def table_in_markdown(rows: Sequence[Row] = TABLE) -> str:
    """Write the rows as a Markdown table, with the words of each guard and act."""
    head = ("| on | from | if | to | does |", "|---|---|---|---|---|")
    return "\n".join((*head, *map(_markdown_row, rows)))


def _markdown_row(row: Row) -> str:
    cells = (f"`{row.on.__name__}`", f"`{row.source.name}`", _said(row.guard), f"`{row.to.name}`", _said(row.act))
    return f"| {' | '.join(cells)} |"


def _said(function: Callable[..., object]) -> str:
    words = " ".join((getdoc(function) or "").partition("\n\n")[0].split())
    return f"`{function.__name__}`: {words.replace('``', '`').rstrip('.')}"


def readme(*, lit: State | None = None) -> str:
    """Write the page that shows the diagrams and the table."""
    drawn = mermaid(lit=lit)
    return README.format(mermaid=drawn, count=len(TABLE), initial=INITIAL.name, table=table_in_markdown())


FORMATS: Final[dict[str, Callable[..., str]]] = {"mermaid": mermaid, "dot": dot, "svg": svg, "markdown": readme}


def write_all(folder: Path, lit: State | None) -> None:
    """Write every form of the diagram; without Graphviz, all but the SVG, and say so."""
    pages = {"session.mmd": mermaid, "session.dot": dot, "README.md": readme, "session.svg": svg}
    _write(folder, {name: partial(draw, lit=lit) for name, draw in pages.items()})


def _write(folder: Path, pages: Mapping[str, Callable[[], str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in pages.items():
        try:
            text = draw()
        except GraphvizMissing as missing:
            print(f"{name} is left as it is: {missing}", file=sys.stderr)
        else:
            (folder / name).write_text(text, encoding="utf-8")


def diagram(options: Namespace) -> None:
    """Draw one form to the output, or all into a folder."""
    if options.of != "session":
        _single_sign_on(options)
    elif options.write:
        write_all(options.write, options.light)
    else:
        _put(FORMATS[options.format](lit=options.light), options.output)


def _single_sign_on(options: Namespace) -> None:
    from . import sso_drawing  # who draws sessions alone need not load it

    if options.light:
        raise InvalidSetting("--light", options.light, "only a picture of the session has states to light")
    if options.write:
        pages = sso_drawing.pages(options.of)
        _write(options.write, {name: partial(draw, laid_out) for name, draw in pages.items()})
    else:
        _put(sso_drawing.drawn(options.of, options.format, laid_out), options.output)


def _put(text: str, output: Path | None) -> None:
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
