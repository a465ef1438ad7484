"""The figures that docs/stores/README.md plans with: one line for each store, from the last run of each part."""

from collections.abc import Iterator
from typing import Final

from .results import Results
from .tables import head, row

BEGIN: Final = "<!-- figures: written by make bench -->\n"
END: Final = "<!-- end of figures -->\n"
STORES: Final = ("memory", "SQLite", "PostgreSQL", "Valkey", "Valkey, epochs in PostgreSQL", "Valkey Cluster")
NOTHING: Final = "not measured"


def planned(text: str, results: Results) -> str:
    """Put the figures between their marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "".join([before, BEGIN, *(f"{line}\n" for line in _table(results)), END, after])


def _table(results: Results) -> Iterator[str]:
    columns = ("#round trips", "#added, µs", "#bytes a session", "#a million sessions, GB", "#1,000,000 over few")
    yield from head("kept in", *columns, "#of the bare server's requests")
    for keeps in STORES:
        size = _size(results, keeps)
        yield row(
            keeps,
            _trips(results, keeps),
            _added(results, keeps),
            _number(size, ".0f"),
            _number(size and size / 1000, ".2f"),
            _number(_growth(results, keeps), ".2f"),
            _number(_served(results, keeps), ".2f"),
        )


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else format(value, form)


def _trips(results: Results, keeps: str) -> str:
    if keeps in ("memory", "SQLite"):
        return "0"
    found = [t.trips for t in results.wire or () if t.ours and t.keeps == keeps]
    return _number(max(found, default=None), "g")


def _added(results: Results, keeps: str) -> str:
    """Give the figure of ASGI, then that of WSGI."""
    figures = [figure for part in (results.requests, results.stores) if part for figure in part.figures]
    ours = sorted((figure.world, figure.added) for figure in figures if figure.ours and figure.keeps == keeps)
    return ", ".join(f"{added:.0f}" for _, added in ours) or NOTHING


def _size(results: Results, keeps: str) -> float | None:
    return next((s.bytes for s in results.growth.sizes if s.keeps == keeps), None) if results.growth else None


def _growth(results: Results, keeps: str) -> float | None:
    scales = results.growth.scales if results.growth else ()
    return next((s.ratio for s in scales if s.what.startswith(f"request, {keeps},")), None)


def _served(results: Results, keeps: str) -> float | None:
    return next((s.of_bare for s in results.servers or () if s.keeps == keeps), None)
