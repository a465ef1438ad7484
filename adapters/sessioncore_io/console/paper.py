"""How results are shown: as JSON for programs, as tables for people; with ``rich`` where somebody watches."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TextIO

Row = Sequence[str]
Progress = Callable[[int], object]

GAP: Final = "  "
WHOLE: Final = ("sid", "state", "seen", "what")  # columns whose texts are never broken


class Paper(Protocol):
    """Take what a command has to say."""

    def say(self, line: str) -> None:
        """Say one line."""
        ...

    def table(self, headings: Row, rows: Sequence[Row]) -> None:
        """Show a table."""
        ...

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """Show how far something long has come, while it runs."""
        ...


class Plain:
    """Write text that other programs can cut: one line a row, never wrapped. No bar: nobody watches."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def say(self, line: str) -> None:
        """Write it."""
        print(line, file=self._out)

    def table(self, headings: Row, rows: Sequence[Row]) -> None:
        """Write it with spaces."""
        lines = [headings, *rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.say(GAP.join(cells).rstrip())

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:  # noqa: ARG002
        """Show nothing."""
        yield _nothing


def _nothing(_: int) -> None:
    """Show nothing."""


class Rich:
    """Write to a terminal, by the library of that name: it fits tables to the width, and draws a bar."""

    def __init__(self, out: TextIO, width: int | None = None) -> None:
        from rich.console import Console

        self._console = Console(file=out, width=width, highlight=False)

    def say(self, line: str) -> None:
        """Write it."""
        self._console.print(line, markup=False, soft_wrap=True)

    def table(self, headings: Row, rows: Sequence[Row]) -> None:
        """Draw it."""
        from rich.table import Table
        from rich.text import Text

        drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for heading in headings:
            drawn.add_column(heading, overflow="fold", no_wrap=heading in WHOLE)
        for row in rows:
            drawn.add_row(*(Text(cell) for cell in row))
        self._console.print(drawn)

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """Draw a bar; how much there is, nobody knows before."""
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn(what), BarColumn(20), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
        with Bar(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda count: bar.update(task, completed=count)


def paper_for(out: TextIO) -> Paper:
    """Choose: ``rich`` for a terminal, if the extra ``cli`` is installed; plain text otherwise."""
    if not out.isatty():
        return Plain(out)
    try:
        return Rich(out)
    except ImportError:
        return Plain(out)


def as_json(value: Any) -> str:
    """Write a result for programs."""
    return json.dumps(value, indent=2, default=str)


def show(value: Mapping[str, Any] | Sequence[Any], tell: Callable[[Paper], object], *, json_wanted: bool) -> None:
    """Show a result: by ``tell`` to people, as it is to programs."""
    if json_wanted:
        print(as_json(value), flush=True)
    else:
        tell(paper_for(sys.stdout))
