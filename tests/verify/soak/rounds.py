"""Rounds of traffic: many short histories, each checked when it is over, rather than one long one."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

from attrs import define, field, frozen

from sessioncore.testing.history import History
from sessioncore.testing.linear import Operation

from .checking import Crash, check_ends, check_orders, sids_of
from .replaying import check_replay
from .traffic import POLICY, Site, wait_for, work

WORKERS: Final = ("ann", "ben", "cat")
REQUESTS: Final = 16  # a worker and round


class Killable(Protocol):
    """A server that can die."""

    def kill(self) -> None:
        """Kill it."""

    def start(self) -> None:
        """Start it on what it has kept."""


@define
class Tally:
    """Count what was covered."""

    rounds: int = 0
    kills: int = 0
    calls: int = 0
    unknown: int = 0
    replayed: int = 0
    ended: int = 0

    def __str__(self) -> str:
        return (
            f"{self.rounds:,} rounds, {self.kills:,} kills, {self.calls:,} calls ({self.unknown:,} unanswered), "
            f"{self.replayed:,} changes replayed, {self.ended:,} sessions stay ended"
        )


@frozen
class Round:
    """Hold what a round recorded, and when the server was killed in it."""

    operations: list[Operation]
    crashes: list[Crash]


@define
class Soak:
    """Soak one server: workers race, it dies, and what they were answered has to be true all the same.

    ``lossy`` names a store that does not promise to keep a Touch or a Write when its server crashes.
    """

    site: Site
    server: Killable
    random: Random
    lossy: bool = False
    tally: Tally = field(factory=Tally)
    ended: list[Operation] = field(factory=list)

    def run(self, connections: Sequence[Connection], seconds: float, least: int = 1) -> Tally:
        """Run rounds for so long, and at least so many. Raises ``AssertionError`` for what was not true."""
        tell(connections, self.site)
        until = time.monotonic() + seconds
        while self.tally.rounds < least or time.monotonic() < until:
            self.check(self.round(connections))
        self.audit()
        return self.tally

    def round(self, connections: Sequence[Connection]) -> Round:
        """Let the workers serve requests, and kill the server in the middle of every other round or so."""
        for each in connections:
            each.send((self.tally.rounds, REQUESTS))
        kill_at = self.random.randrange(20, 600)  # messages: a round has some hundred
        told: dict[tuple[Connection, int], Operation] = {}
        busy, messages, crashes = list(connections), 0, list[Crash]()
        while busy:
            for connection in wait(busy):
                assert isinstance(connection, Connection)
                if (said := connection.recv()) is None:
                    busy.remove(connection)
                    continue
                told[connection, said[0]] = said[1]
                messages += 1
                if messages == kill_at:
                    crashes += [self.crash()]
        return Round([*told.values(), *self.looks(list(told.values()))], crashes)

    def crash(self) -> Crash:
        """Kill the server and start it again; say when."""
        began = time.monotonic_ns()
        self.server.kill()
        crash = Crash(began, time.monotonic_ns())
        self.server.start()
        self.tally.kills += 1
        return crash

    def looks(self, operations: Sequence[Operation]) -> list[Operation]:
        """Look at every session once more when all is quiet."""
        history, store = History(), self.open()
        witnessed = history.witness("afterwards", store)
        for sid in sorted(sids_of(operations)):
            witnessed.load(sid)
        store.close()
        return history.operations

    def open(self) -> Any:
        """Open the store once it answers."""
        store: Any = self.site.opener()
        wait_for(store)
        return store

    def check(self, played: Round) -> None:
        """Check one round. Raises ``AssertionError``."""
        operations, tally = played.operations, self.tally
        tally.rounds += 1
        tally.calls += len(operations)
        tally.unknown += sum(not each.known for each in operations)
        tally.ended += check_ends(operations)
        tally.replayed += check_replay(operations, POLICY)
        check_orders(operations, played.crashes, lossy=self.lossy)
        self.ended += [each for each in operations if each.who == "afterwards" and not _alive(each)]

    def audit(self) -> None:
        """Kill the server once more: whatever had ended in any round is still not alive."""
        self.crash()
        check_ends([*self.ended, *self.looks_again()])

    def looks_again(self) -> list[Operation]:
        """Look at all that had ended."""
        history, store = History(), self.open()
        witnessed = history.witness("at last", store)
        for each in self.ended:
            witnessed.load(each.call.sid)
        store.close()
        return history.operations


def _alive(load: Operation) -> bool:
    row = load.answer[0]
    return row is not None and row.live


@contextmanager
def workers() -> Iterator[list[Connection]]:
    """Run the worker processes within the ``with`` block."""
    spawn = multiprocessing.get_context("spawn")
    connections, processes = list[Connection](), list[Any]()
    try:
        for who in WORKERS:
            ours, theirs = spawn.Pipe()
            processes.append(spawn.Process(target=work, args=(who, theirs)))
            processes[-1].start()
            theirs.close()
            connections.append(ours)
        yield connections
    finally:
        for process, connection in zip(processes, connections, strict=True):
            process.kill()  # one may be in the middle of a round that has failed
            process.join()
            connection.close()


def tell(connections: Sequence[Connection], site: Site) -> None:
    """Let all workers open a site's store."""
    for connection in connections:
        connection.send(site)
    for connection in connections:
        connection.recv()


def jars_in(folder: Path) -> Path:
    """Make the folder of the cookie jars."""
    jars = folder / "jars"
    jars.mkdir()
    return jars
