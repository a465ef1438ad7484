"""Connections that give up in time and never carry one caller's answer to the next; what their errors mean."""

import math
import select
from functools import cached_property
from typing import Any, Final, TypeVar

import psycopg
from attrs import define, field, frozen
from psycopg import errors as pg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg_pool import PoolClosed, PoolTimeout

from sessioncore import InvalidSetting, StoreUnavailable

from ..settings import checked_text
from .exchange import Names, exchange
from .flows import Rows, Statement

T = TypeVar("T")

ADVICE: Final = "pass an address such as postgresql://user@host/database; percent-encode what is odd in a password"

# Seconds after which psycopg looks whether it was interrupted.
INTERVAL: Final = 0.1

# How often a statement is sent again that the server rolled back because others were in its way.
RETRIES: Final = 20


class WrongSchema(StoreUnavailable):
    """The tables are not there, or of another version than this release's: nobody is authenticated."""


class Unanswered(psycopg.OperationalError):
    """No answer in time: whoever waited has waited long enough."""


class Hurried:
    """Give up on an answer in time, and never leave a connection in the middle of one."""

    patience: float
    prepare = True
    pgconn: PGconn

    @cached_property
    def names(self) -> Names:
        """Hold under what names the server knows our statements, on this connection."""
        return Names(self.prepare)

    def _leave(self, error: BaseException) -> None:
        """Close a connection whose answer is still to come: the next caller must not take it for its own."""
        if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
            self.pgconn.finish()
            if isinstance(error, psycopg.OperationalError):
                raise Unanswered(f"no answer within {self.patience} s") from error

    @property
    def stale(self) -> bool:
        """Tell, without asking the server, whether it has closed the connection: nobody expects to hear from it."""
        if self.pgconn.status != psycopg.pq.ConnStatus.OK:
            return True
        if not hasattr(select, "poll"):
            return bool(select.select([self.pgconn.socket], [], [], 0)[0])
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))


class Wire(Hurried, psycopg.Connection[tuple[Any, ...]]):
    """Hold a connection for callers that do not await."""

    def wait(self, gen: PQGen[T], interval: float = INTERVAL, timeout: float | None = None) -> T:
        """Wait for an answer, but not for ever."""
        try:
            return waiting.wait(gen, self.pgconn.socket, interval, self.patience if timeout is None else timeout)
        except BaseException as error:
            self._leave(error)
            raise

    def ask(self, statement: Statement) -> Rows:
        """Send a statement, and give its rows."""
        return self.wait(exchange(self.pgconn, self.names, statement))


class AsyncWire(Hurried, psycopg.AsyncConnection[tuple[Any, ...]]):
    """Hold a connection for callers that await."""

    async def wait(self, gen: PQGen[T], interval: float = INTERVAL, timeout: float | None = None) -> T:
        """Wait for an answer, but not for ever, nor after a cancellation."""
        patience = self.patience if timeout is None else timeout
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval, patience)
        except BaseException as error:
            self._leave(error)
            raise

    async def ask(self, statement: Statement) -> Rows:
        """Send a statement, and give its rows."""
        return await self.wait(exchange(self.pgconn, self.names, statement))


@frozen
class Address:
    """Hold where the server is, and how to log in there: no repr shows it, for it may contain a password."""

    text: str = field(repr=False)


def address(name: str, url: str, patience: float, attrs: str = "read-write") -> Address:
    """Complete an address: of several hosts, only the one that can be written to.

    Raises ``InvalidSetting``, which repeats nothing of it, nor libpq's words: they quote what may be a password.
    """
    checked_text(name, url, ADVICE)
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        given = {"port": "unreadable"}
    ports = str(given.get("port") or "").split(",")  # an empty one is the usual one
    if not all(port.isdigit() for port in ports if port):
        raise InvalidSetting(name, "...", ADVICE)
    wanted: dict[str, Any] = {
        "client_encoding": "UTF8",
        "connect_timeout": max(2, math.ceil(patience)),
        "target_session_attrs": attrs,
    }
    return Address(make_conninfo("", **{"application_name": "sessioncore", **given, **wanted}))


@define
class Trials:
    """Decide after an error whether the statement may be sent again; if not, say why the store is unavailable."""

    statement: Statement
    retries: int = RETRIES
    broke: bool = False

    def after(self, error: psycopg.Error, broken: bool) -> None:
        """Return if the statement may be sent again. Raises ``StoreUnavailable``.

        What the server rolled back is not done, so that may be sent again whatever it is. Where the connection broke,
        nobody knows what was done: only a statement that reads is sent again, once; not if we broke it by giving up.
        """
        if isinstance(error, pg.SerializationFailure | pg.DeadlockDetected) and self.retries:
            self.retries -= 1
        elif broken and self.statement.reads and not self.broke and not isinstance(error, Unanswered):
            self.broke = True
        else:
            raise unavailable(error) from error


def unavailable(error: psycopg.Error) -> StoreUnavailable:
    """Say what is wrong and what to do; neither the address nor a value is in it."""
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, pg.UndefinedTable | pg.InvalidSchemaName | pg.UndefinedColumn):
        return WrongSchema(f"PostgreSQL: {said}; run `sessioncore store init` with the address of this database")
    for kinds, advice in _ADVICE.items():
        if isinstance(error, kinds):
            return StoreUnavailable(f"PostgreSQL: {said}; {advice}")
    return StoreUnavailable(f"PostgreSQL: {said}; see the server's log")


_ADVICE: Final[dict[tuple[type[psycopg.Error], ...], str]] = {
    (PoolTimeout,): "the server is out of reach, or all connections of this process are busy",
    (PoolClosed,): "this store was closed",
    (pg.ReadOnlySqlTransaction,): "it is a replica or read-only; let the connection lead to the primary",
    (pg.InsufficientPrivilege,): "grant the role what sql/roles.sql lists",
    (pg.SerializationFailure, pg.DeadlockDetected): f"others were in the way {RETRIES} times",
    (pg.QueryCanceled, pg.LockNotAvailable): "nothing was done; look for what blocks it in pg_stat_activity",
    (pg.DiskFull,): "make room on its disk",
    (pg.TooManyConnections,): "raise max_connections, or open fewer",
}
