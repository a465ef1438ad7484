"""Print the figures of docs/stores/valkey.md: ``python -m tests.valkey.measure [sessions]``."""

import asyncio
import logging
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import valkey
import valkey.asyncio
from attrs import evolve
from tests.servers.valkey import REDIS, VALKEY, Server, serving

from sessioncore import Session
from sessioncore.flows import Token, proof_of
from sessioncore.policy import DAY
from sessioncore.testing.clock import START
from sessioncore.testing.rows import user
from sessioncore_io import AsyncSessions, Sessions
from sessioncore_io.codec import encode
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore
from sessioncore_io.valkey.talk import aconverse, converse

ROUNDS: Final = 30
CALLS: Final = 300


def signed_in(number: int) -> Session:
    """Make a user's row as the login of a guest leaves it: rotated, with a label, with an empty bag."""
    row = user(secrets.token_urlsafe(16), f"user-{number:08d}", at=START + number * 7)
    proof = proof_of(token_of(row).secret)
    rotated = evolve(
        row, version=2, proof=proof, former_proof=proof_of(str(number)), label="Firefox on Linux", upstream=("", "")
    )
    return evolve(rotated, idle=DAY, lifetime=30 * DAY)


def token_of(row: Session) -> Token:
    """Give the row's cookie."""
    return Token(row.sid, f"secret {row.subject}")


def fill(server: Server, sessions: int) -> tuple[Session, float]:
    """Store so many sessions; give the last one, and the bytes that each takes, everything counted."""
    with closing(ValkeyStore(server.url)) as store:
        store.prepare()
        before = server.ask("INFO", "memory")["used_memory"]
        for number in range(sessions):
            store.swap(None, row := signed_in(number))
            store.mint(row.subject, row.epoch)
    return row, (server.ask("INFO", "memory")["used_memory"] - before) / sessions


def parts(server: Server, row: Session) -> str:
    """Say where the bytes of one session go."""
    with closing(ValkeyStore(server.url)) as store:
        keys = store._calls
    size = {
        "row": server.ask("MEMORY", "USAGE", keys.row(row.sid)),
        "subject's list": server.ask("MEMORY", "USAGE", keys.key("u", row.subject)),
        "epoch": server.ask("MEMORY", "USAGE", keys.key("e", row.subject)),
    }
    due = keys.list_of("d", row.sid)
    size["entry among the due"] = server.ask("MEMORY", "USAGE", due, "SAMPLES", 0) // server.ask("ZCARD", due)
    return ", ".join(f"{name} {count}" for name, count in size.items()) + f"; the record itself {len(encode(row))}"


def fastest(calls: list[Callable[[], Any]]) -> list[float]:
    """Time several calls in turns; give the best of each, in microseconds."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for place, call in enumerate(calls):
            began = time.perf_counter()
            for _ in range(CALLS):
                call()
            best[place] = min(best[place], (time.perf_counter() - began) / CALLS * 1e6)
    return best


async def fastest_awaited(calls: list[Callable[[], Awaitable[Any]]]) -> list[float]:
    """Do the same with calls that are awaited."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for place, call in enumerate(calls):
            began = time.perf_counter()
            for _ in range(CALLS):
                await call()
            best[place] = min(best[place], (time.perf_counter() - began) / CALLS * 1e6)
    return best


def compared(server: Server, row: Session) -> list[float]:
    """Time a bare GET of a record's size, and a load."""
    with closing(ValkeyStore(server.url)) as store, closing(valkey.Valkey(port=server.port)) as client:
        client.set("bare", encode(row))
        sessions, token = Sessions(store, clock=lambda: row.seen_at), token_of(row)
        return fastest(
            [
                lambda: client.get("bare"),
                lambda: store.load(row.sid),
                lambda: sessions.open(token),
                lambda: converse(store._calls.load(row.sid), store._send),
            ]
        )


async def compared_awaited(server: Server, row: Session) -> list[float]:
    """Do the same, awaited."""
    store, client = AsyncValkeyStore(server.url), valkey.asyncio.Valkey(port=server.port)
    sessions, token = AsyncSessions(store, clock=lambda: row.seen_at), token_of(row)
    best = await fastest_awaited(
        [
            lambda: client.get("bare"),
            lambda: store.load(row.sid),
            lambda: sessions.open(token),
            lambda: aconverse(store._calls.load(row.sid), store._send),
        ]
    )
    await store.close()
    await client.aclose()
    return best


def told(what: str, best: list[float]) -> str:
    """Say how two times compare."""
    bare, load, whole, first = (round(each / best[0], 2) if place else each for place, each in enumerate(best))
    return (
        f"{what}: bare GET {bare:.1f} us; times that: load {load}, session opened {whole}, load the first time {first}"
    )


def main(sessions: int) -> None:
    """Measure both servers."""
    logging.disable(logging.WARNING)
    for program in (VALKEY, REDIS):
        with TemporaryDirectory() as folder, serving(Path(folder), program) as server:
            row, few = fill(server, 1_000)
            print(f"{program.name}, 1,000 sessions: {few:.0f} bytes each")
            print(told("  plain", compared(server, row)))
            print(told("  awaited", asyncio.run(compared_awaited(server, row))))
            server.ask("FLUSHALL")
            row, size = fill(server, sessions)
            print(f"{program.name}, {sessions:,} sessions: {size:.0f} bytes each, everything counted")
            print(f"  {parts(server, row)}")
            print(told("  plain", compared(server, row)))
            print(told("  awaited", asyncio.run(compared_awaited(server, row))), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
