"""What PostgreSQL's errors mean, what may be sent again, what an address is completed to; without a server."""

import logging
from typing import Any, Final

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolClosed, PoolTimeout

from sessioncore import Ending, InvalidSetting, StoreUnavailable
from sessioncore_io.postgres.exchange import _READ
from sessioncore_io.postgres.flows import Statement
from sessioncore_io.postgres.listening import _Outage, heard
from sessioncore_io.postgres.schema import SCHEMA_VERSION, check, migrations
from sessioncore_io.postgres.store import PostgresStore
from sessioncore_io.postgres.wire import Address, Trials, Unanswered, WrongSchema, address, unavailable

READ: Final = Statement(b"SELECT 1", reads=True)
WRITE: Final = Statement(b"UPDATE x")

# -- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PoolTimeout("busy"), "the server is out of reach, or all connections of this process are busy"),
        (PoolClosed("busy"), "this store was closed"),
        (pg.ReadOnlySqlTransaction("busy"), "it is a replica or read-only; let the connection lead to the primary"),
        (pg.InsufficientPrivilege("busy"), "grant the role what sql/roles.sql lists"),
        (pg.SerializationFailure("busy"), "others were in the way 20 times"),
        (pg.DeadlockDetected("busy"), "others were in the way 20 times"),
        (pg.QueryCanceled("busy"), "nothing was done; look for what blocks it in pg_stat_activity"),
        (pg.LockNotAvailable("busy"), "nothing was done; look for what blocks it in pg_stat_activity"),
        (pg.DiskFull("busy"), "make room on its disk"),
        (pg.TooManyConnections("busy"), "raise max_connections, or open fewer"),
        (psycopg.OperationalError("busy"), "see the server's log"),
        (psycopg.OperationalError("busy\nLINE 1: 'a value'"), "see the server's log"),
    ],
)
def test_an_error_says_what_to_do_and_no_value(error: psycopg.Error, advice: str) -> None:
    said = unavailable(error)

    assert type(said) is StoreUnavailable
    assert str(said) == f"PostgreSQL: busy; {advice}"


@pytest.mark.parametrize("kind", [pg.UndefinedTable, pg.InvalidSchemaName, pg.UndefinedColumn])
def test_missing_tables_are_made_by_the_command(kind: type[psycopg.Error]) -> None:
    said = unavailable(kind("no such table"))

    assert type(said) is WrongSchema
    assert str(said) == ("PostgreSQL: no such table; run `sessioncore store init` with the address of this database")


def test_an_error_without_words_is_named() -> None:
    assert str(unavailable(psycopg.OperationalError(" \n"))) == "PostgreSQL: OperationalError; see the server's log"


# -- what may be sent again --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pg.SerializationFailure, pg.DeadlockDetected])
@pytest.mark.parametrize("statement", [READ, WRITE])
def test_what_the_server_rolled_back_is_sent_again_twenty_times(
    kind: type[psycopg.Error], statement: Statement
) -> None:
    trials = Trials(statement)
    for _ in range(20):
        trials.after(kind("others"), broken=False)

    with pytest.raises(StoreUnavailable, match="others were in the way 20 times"):
        trials.after(kind("others"), broken=False)


def test_only_a_read_is_sent_again_where_the_connection_broke_and_only_once() -> None:
    lost = psycopg.OperationalError("lost")
    trials = Trials(READ)
    trials.after(lost, broken=True)
    for again in (trials, Trials(WRITE)):
        with pytest.raises(StoreUnavailable, match=r"^PostgreSQL: lost; see") as refused:
            again.after(lost, broken=True)
        assert refused.value.__cause__ is lost


@pytest.mark.parametrize(("error", "broken"), [(Unanswered("late"), True), (psycopg.OperationalError("bad"), False)])
def test_what_we_gave_up_and_what_did_not_break_is_not_sent_again(error: psycopg.Error, broken: bool) -> None:
    with pytest.raises(StoreUnavailable):
        Trials(READ).after(error, broken)


# -- addresses ---------------------------------------------------------------------------------------------------


def completed(url: str, patience: float = 2.0, **more: Any) -> dict[str, Any]:
    """Complete an address."""
    return dict(conninfo_to_dict(address("url", url, patience, **more).text))


def test_an_address_is_completed_with_what_a_store_needs() -> None:
    assert completed("postgresql://me:pw@host/db") == {
        "user": "me",
        "password": "pw",
        "host": "host",
        "dbname": "db",
        "application_name": "sessioncore",
        "client_encoding": "UTF8",
        "connect_timeout": "2",
        "target_session_attrs": "read-write",
    }


def test_what_it_says_itself_stays_but_for_what_a_store_needs() -> None:
    found = completed("postgresql://a,b:5433/db?application_name=shop&target_session_attrs=any&client_encoding=LATIN1")

    assert (found["host"], found["application_name"]) == ("a,b", "shop")
    assert (found["target_session_attrs"], found["client_encoding"]) == ("read-write", "UTF8")
    assert completed("host=a", attrs="any")["target_session_attrs"] == "any"


@pytest.mark.parametrize(
    ("url", "port"), [("postgresql://a,b:5433/db", ",5433"), ("postgresql://a:5433,b/db", "5433,")]
)
def test_of_several_hosts_one_may_be_at_the_usual_port(url: str, port: str) -> None:
    assert completed(url)["port"] == port


@pytest.mark.parametrize(("patience", "seconds"), [(0.1, "2"), (2.0, "2"), (2.1, "3"), (9.0, "9")])
def test_to_connect_takes_as_long_as_patience_lasts_in_whole_seconds(patience: float, seconds: str) -> None:
    """Of which libpq wants two at least."""
    assert completed("host=a", patience)["connect_timeout"] == seconds


@pytest.mark.parametrize("url", ["host=a port=x", "nonsense", "postgresql://a:b@c:d/e", "host=a port=5432,x"])
def test_an_address_that_is_none_is_refused_without_a_word_of_it(url: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        address("listen_url", url, 1.0)

    assert str(refused.value) == (
        "listen_url = '...': pass an address such as postgresql://user@host/database;"
        " percent-encode what is odd in a password"
    )
    assert refused.value.__context__ is None


def test_no_repr_shows_an_address() -> None:
    assert "pw" not in repr(Address("password=pw"))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"connections": 0}, "connections = 0: write a whole number of at least 1"),
        ({"patience": 0}, "patience = 0: write seconds, 0.01 to 3600"),
        ({"patience": float("nan")}, "patience = nan: write seconds, 0.01 to 3600"),
    ],
)
def test_a_setting_that_is_none_is_refused_by_name(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        PostgresStore("host=a", **settings)

    assert str(refused.value) == text


# -- versions ----------------------------------------------------------------------------------------------------


def test_tables_of_another_version_say_what_to_do() -> None:
    check([(SCHEMA_VERSION,)])
    for rows, text in (
        ([], "have version 0, and this release needs 1; run `sessioncore store init` with"),
        ([(2,)], "have version 2, and this release knows 1; use the release whose `sessioncore store init` made them,"),
    ):
        with pytest.raises(WrongSchema) as refused:
            check(rows)
        assert str(refused.value).startswith(f"PostgreSQL: its tables {text} ")


def test_the_files_of_this_release_are_known_in_order() -> None:
    found = migrations()

    assert [migration.version for migration in found] == list(range(1, SCHEMA_VERSION + 1))
    assert all(migration.name.startswith(f"{migration.version:03}") for migration in found)
    assert "CREATE TABLE" in found[0].text


# -- what comes back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "ending"),
    [
        ("sid:abc", Ending(sid="abc")),
        ("subject:al:ice", Ending(subject="al:ice")),
        ("sid:", Ending()),
        ("subject:", Ending()),
        ("other:abc", Ending()),
        ("", Ending()),
    ],
)
def test_a_notification_names_what_ended_or_may_mean_anything(payload: str, ending: Ending) -> None:
    assert heard(payload) == ending


def test_an_outage_is_warned_of_once_and_the_next_one_again(caplog: pytest.LogCaptureFixture) -> None:
    outage = _Outage()
    for _ in range(2):
        outage.warn(psycopg.OperationalError("gone"))
        outage.warn(psycopg.OperationalError("gone"))
        outage.over()

    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "ends are not heard of until PostgreSQL is in reach again: gone")
    ] * 2


@pytest.mark.parametrize(
    ("number", "sent", "value"),
    [
        (16, b"\x01", True),
        (16, b"\x00", False),
        (17, b"\x00\xff", b"\x00\xff"),
        (20, (-5).to_bytes(8, "big", signed=True), -5),
        (20, (2**53).to_bytes(8, "big"), 2**53),
        (23, (-1).to_bytes(4, "big", signed=True), -1),
        (25, "ü".encode(), "ü"),
        (2278, b"", None),
    ],
)
def test_an_answer_is_read_by_its_type(number: int, sent: bytes, value: object) -> None:
    assert _READ[number](sent) == value
