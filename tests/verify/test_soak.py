"""The soak finds what a careless store, a forgetful server and a wrong change do to sessions, and nothing else."""

from collections.abc import Iterator
from contextlib import closing
from multiprocessing.connection import Connection

import pytest
from tests.servers.valkey import Server
from tests.verify.soak.broken import Forgetful, Overwriting, Renewing
from tests.verify.soak.checking import Crash, check_orders
from tests.verify.soak.layer import valkey
from tests.verify.soak.rounds import workers

from sessioncore import Session
from sessioncore import effects as fx
from sessioncore.testing.clock import START
from sessioncore.testing.history import History
from sessioncore.testing.linear import NotLinearizable, Operation
from sessioncore.testing.rows import ended, guest, rotated, touched

MOST = 30  # rounds within which a bug has to be found


@pytest.fixture(scope="module")
def connections() -> Iterator[list[Connection]]:
    """Start the workers once."""
    with workers() as connections:
        yield connections


def test_a_server_that_keeps_what_it_acknowledges_holds_though_it_is_killed(connections: list[Connection]) -> None:
    with valkey() as soak:
        tally = soak.run(connections, 0, least=2)

        assert tally.kills > 1
        assert min(tally.calls, tally.replayed, tally.ended) > 0


def test_a_server_that_writes_nothing_to_disk_is_caught_when_it_is_killed(connections: list[Connection]) -> None:
    with valkey(appendonly="no") as soak, pytest.raises(NotLinearizable, match="the row"):
        soak.run(connections, 0, MOST)


def test_a_store_whose_swap_ignores_the_old_row_is_caught(connections: list[Connection]) -> None:
    with valkey(Overwriting) as soak, pytest.raises(NotLinearizable, match="Swap"):
        soak.run(connections, 0, MOST)


def test_a_store_that_acknowledges_an_end_and_forgets_it_is_caught(connections: list[Connection]) -> None:
    with valkey(Forgetful) as soak, pytest.raises(AssertionError, match="alive again"):
        soak.run(connections, 0, MOST)


def test_a_change_that_no_event_of_the_table_makes_is_caught(connections: list[Connection]) -> None:
    with valkey(between=Renewing) as soak, pytest.raises(AssertionError, match="no events of the table"):
        soak.run(connections, 0, MOST)


def test_a_session_that_comes_back_from_a_snapshot_long_after_it_ended_is_caught_at_last() -> None:
    with valkey(appendonly="no", save="3600 1") as soak:
        assert isinstance(soak.server, Server)
        live, history = guest(), History()
        with closing(soak.open()) as store:
            store.swap(None, live)
            soak.server.ask("SAVE")
            store.swap(live, ended(live, START))
            history.witness("ann", store).load(live.sid)
        soak.ended = history.operations

        with pytest.raises(AssertionError, match="alive again"):
            soak.audit()


# -- what a crash may lose -----------------------------------------------------------------------------------


def lost(old: Session, new: Session) -> list[Operation]:
    """Give the history of an acknowledged change that is gone after a crash at 5."""
    return [
        Operation("ann", fx.Swap(None, old), 1, 2, True),
        Operation("ann", fx.Swap(old, new), 3, 4, True),
        Operation("ben", fx.Load(old.sid), 6, 7, (old, None)),
    ]


def test_a_lost_touch_is_forgiven_only_to_a_store_that_promises_no_more_and_only_after_a_crash() -> None:
    history = lost(guest(), touched(guest(), START + 1))

    check_orders(history, [Crash(5, 5)], lossy=True)
    for crashes, lossy in (([Crash(5, 5)], False), ([], True), ([Crash(8, 8)], True)):
        with pytest.raises(NotLinearizable):
            check_orders(history, crashes, lossy=lossy)


@pytest.mark.parametrize("kept", [rotated(guest(), "second"), ended(guest(), START)], ids=["rotation", "end"])
def test_a_lost_rotation_or_end_is_forgiven_to_nobody(kept: Session) -> None:
    with pytest.raises(NotLinearizable):
        check_orders(lost(guest(), kept), [Crash(5, 5)], lossy=True)
