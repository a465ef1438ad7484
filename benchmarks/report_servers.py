"""The part of the page that is about stores on servers, and about servers."""

from collections.abc import Iterator

from .results import Growth, Networked
from .stores import StoreFigure
from .tables import head, row, strong
from .throughput import CONNECTIONS, WORKERS, Served
from .wire import Traffic

NETWORKED = """## With a store on a server

Time by the wall: what a request waits for, the server's work and the wire included, where server and application are
one machine; a real network adds its own time to each round trip, of which there are as many as [below](#on-the-wire).
*Processor* is this side's part of it. sessioncore answers with the session's subject, in another line with a value of
its data, as the others do: *times ours* is over that line. *Bare reads* are one read of the same record by key by the
client that the store uses (`client.get(key)`; `pool.connection()` and `execute`); *own reads* the same sent by the
store's own connection, with nothing around it: less than one is not possible. A process remembers which Valkey sessions
it has seen lately; a line shows the others.

![Time that sessions on a server add to a request](servers.png)
"""

WIRE = """## On the wire

What one steady request does: round trips, counted by a proxy before the server, and writes, counted by the server
(changed keys in Valkey, transactions that wrote in PostgreSQL).
"""

GROWTH = """## However many sessions are stored

Requests to memory and SQLite are in processor time, the others by the wall; requests come from as many different
browsers as there are few sessions. The password reset is of a subject with one session and of one with very many.
"""

SIZES = """### Room for a session

Of a signed-in user with one session, a label and an empty bag; with everything: row, indexes or lists, the user's
epoch.
"""

SERVERS = """## A real server

granian with {workers} processes, {connections} connections of wrk on the same machine, which share its cores: requests
a second of a signed-in browser that reads its session, and what that is of the same server without sessions, whose
answer is one short text: a real application does more, so it loses less.
"""


def networked(results: Networked) -> Iterator[str]:
    """Show what requests cost."""
    yield NETWORKED
    for server in dict.fromkeys(figure.server for figure in results.figures):
        yield from (f"### {server}", "", *_figures(results, server), "")
    yield from (
        *head("one bare read", "#µs"),
        *(row(name, f"{taken:.0f}") for name, taken in results.reads.items()),
        "",
    )


def _figures(results: Networked, server: str) -> Iterator[str]:
    columns = ("#added, µs", "#processor, µs", "#in bare reads", "#in own reads", "#times ours")
    yield from head("", "", "kept in", *columns)
    shown = [figure for figure in results.figures if figure.server == server]
    for figure in sorted(shown, key=lambda f: (f.world, not f.ours, f.added)):
        yield _figure(figure)


def _figure(f: StoreFigure) -> str:
    ratios = f"{f.reads:.2f}", f"{f.sends:.2f}", f"{f.times_ours:.2f}"
    return row(strong(f.name, ours=f.ours), f.world, f.keeps, f"{f.added:.0f}", f"{f.processor:.0f}", *ratios)


def wire(results: tuple[Traffic, ...]) -> Iterator[str]:
    """Show what was counted."""
    yield WIRE
    yield from head("", "", "kept in", "#round trips", "#writes")
    for t in sorted(results, key=lambda t: not t.ours):
        writes = "not counted" if t.writes is None else f"{t.writes:g}"
        yield row(strong(t.name, ours=t.ours), t.world, t.keeps, f"{t.trips:g}", writes)
    yield ""


def growth(results: Growth) -> Iterator[str]:
    """Show what many sessions cost."""
    yield GROWTH
    yield from head("what", "#few, µs", "#many, µs", "#ratio")
    yield from (row(s.what, f"{s.few:.1f}", f"{s.many:.1f}", f"{s.ratio:.2f}") for s in results.scales)
    yield from ("", SIZES)
    yield from head("kept in", "#sessions", "#record, bytes", "#bytes a session")
    yield from (row(s.keeps, f"{s.sessions:,}", f"{s.record:.0f}", f"{s.bytes:.0f}") for s in results.sizes)
    yield ""


def servers(results: tuple[Served, ...]) -> Iterator[str]:
    """Show how many requests were answered."""
    yield SERVERS.format(workers=WORKERS, connections=CONNECTIONS)
    yield from head("sessions kept in", "#requests a second", "#of the bare server's")
    yield from (row(s.keeps, f"{s.per_second:,.0f}", f"{s.of_bare:.2f}") for s in results)
    yield ""
