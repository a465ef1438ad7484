"""One statement and its answer on one connection: what a cursor does, without what a cursor can do besides.

A cursor costs as much as the round trip to a server nearby, and nearly every request is one round trip. So the
statement is sent by ``psycopg.pq``, prepared under a name of its own, and the few types that our answers have are read
here. The exchange is a generator of psycopg's, so it is waited for or awaited like all of them.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from attrs import define, field
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from .flows import Rows, Statement

FINE: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


@define
class Names:
    """Hold the names under which one connection knows statements; ``prepare`` is False if it must know none."""

    prepare: bool
    known: dict[bytes, bytes] = field(factory=dict)


def exchange(pgconn: PGconn, names: Names, statement: Statement) -> PQGen[Rows]:
    """Send a statement and give its rows; the server infers what its values are. Raises ``psycopg.Error``."""
    values = [value if isinstance(value, bytes) else str(value).encode() for value in statement.values]
    formats = [Format.BINARY if isinstance(value, bytes) else Format.TEXT for value in statement.values]
    if names.prepare:
        name = names.known.get(statement.text) or (yield from _prepared(pgconn, names, statement.text))
        pgconn.send_query_prepared(name, values, formats, result_format=Format.BINARY)
    else:
        pgconn.send_query_params(statement.text, values, param_formats=formats, result_format=Format.BINARY)
    return _rows(_fine((yield from generators.execute(pgconn))))


def _prepared(pgconn: PGconn, names: Names, text: bytes) -> PQGen[bytes]:
    name = b"sessioncore_%d" % len(names.known)
    pgconn.send_prepare(name, text)
    _fine((yield from generators.execute(pgconn)))
    names.known[text] = name
    return name


def _fine(results: Sequence[PGresult]) -> PGresult:
    result = results[-1]
    if result.status not in FINE:
        raise error_from_result(result, encoding="utf-8")
    return result


# By the types' numbers: boolean, bytea, bigint, text; and void, which pg_notify answers with.
_READ: Final[dict[int, Callable[[bytes], Any]]] = {
    16: lambda value: value == b"\x01",
    17: bytes,
    20: lambda value: int.from_bytes(value, signed=True),
    23: lambda value: int.from_bytes(value, signed=True),
    25: lambda value: value.decode(),
    2278: lambda _: None,
}


def _rows(result: PGresult) -> Rows:
    columns = [(column, _READ[result.ftype(column)]) for column in range(result.nfields)]
    return [
        tuple(None if (value := result.get_value(number, column)) is None else read(value) for column, read in columns)
        for number in range(result.ntuples)
    ]
