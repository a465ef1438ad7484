"""What is done to a server of its own, and what its users see: over the store that is awaited and the other."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.servers.valkey import Server, until
from tests.valkey.stand import NOBODY, UNKNOWN, Stand, awaited, plain, standing

from sessioncore import Epoch, StoreUnavailable
from sessioncore.testing.clock import START
from sessioncore.testing.rows import OTHER, SID, ended, guest, touched, user
from sessioncore_io.valkey import AsyncValkeyStore

LASTING: dict[str, Any] = {"appendonly": "yes", "appendfsync": "always"}

fault = pytest.mark.fault


@pytest.fixture(params=[plain, awaited], ids=["plain", "awaited"])
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """Sign a user in over a server that writes everything to disk before it answers."""
    with standing(tmp_path, request.param, **LASTING) as made:
        yield made


@fault("kill -9 before a logout is sent", "the logout is refused; with the server the session is back, until a logout")
def test_a_server_that_is_gone_refuses_a_logout(stand: Stand) -> None:
    stand.server.kill()

    assert (stand.user.who, stand.user.log_out()) == (UNKNOWN, False)

    stand.server.start()

    assert stand.user.who == "alice"
    assert (stand.user.log_out(), stand.user.who) == (True, NOBODY)


@fault("kill -9 after a logout is sent, before it arrives", "the logout is refused, and was not done")
def test_a_server_that_dies_before_it_hears_of_a_logout(stand: Stand) -> None:
    assert stand.log_out_meanwhile(stand.proxy.requests, stand.server.kill) is False

    stand.server.start()

    assert stand.user.who == "alice"
    assert (stand.user.log_out(), stand.user.who) == (True, NOBODY)


@fault("kill -9 after a logout is done, before its reply", "the logout is refused, though it was done: try again")
def test_a_server_that_dies_before_it_acknowledges_a_logout(stand: Stand) -> None:
    def crash() -> None:
        stand.server.kill()
        stand.proxy.cut()

    assert stand.log_out_meanwhile(stand.proxy.replies, crash) is False

    stand.server.start()

    assert stand.user.who == NOBODY
    assert stand.user.log_out()


@fault("kill -9 after the reply to a logout, with appendfsync always", "the session stays ended")
def test_an_acknowledged_logout_outlives_the_server(stand: Stand) -> None:
    acknowledged = stand.user.log_out()
    stand.server.kill()
    stand.server.start()

    assert (acknowledged, stand.user.who) == (True, NOBODY)


@fault("kill -9 after the reply to a password reset, with appendfsync always", "the session stays ended")
def test_an_acknowledged_reset_outlives_the_server(stand: Stand) -> None:
    acknowledged = stand.user.reset()
    stand.server.kill()
    stand.server.start()

    assert (acknowledged, stand.user.who) == (True, NOBODY)


@fault("SIGSTOP, then SIGCONT", "no answer within the patience: unavailable; afterwards all is as before")
def test_a_server_that_stands_still(stand: Stand) -> None:
    stand.server.freeze()

    assert (stand.user.who, stand.user.log_out()) == (UNKNOWN, False)

    stand.server.thaw()

    assert stand.user.who == "alice"
    assert (stand.user.log_out(), stand.user.who) == (True, NOBODY)


@fault("SIGSTOP once a logout is on its way, then SIGCONT", "the logout is refused, and is done later: try again")
def test_what_a_standing_server_has_received_it_does_later(stand: Stand) -> None:
    assert stand.log_out_meanwhile(stand.proxy.requests, stand.server.freeze) is False

    stand.server.thaw()
    until(lambda: stand.user.who == NOBODY, "the server has done what it had received")

    assert stand.user.log_out()


@fault("connection cut in the middle of a reply", "a read is asked again on another connection; never half an answer")
def test_half_an_answer_is_no_answer(stand: Stand) -> None:
    stand.store.swap(None, user())
    for count in range(0, 200, 7):
        stand.proxy.replies.allow(count)

        assert stand.store.load(SID)[0] in (user(), None)
        assert stand.user.who == "alice"


@fault("connection cut in the middle of a write", "the write is refused, not tried again; the row is one of the two")
def test_a_write_that_was_cut_is_refused_and_not_tried_again(stand: Stand) -> None:
    row = guest()
    stand.store.swap(None, row)
    refused = 0
    for count in range(0, 900, 45):
        new = touched(row, START + count)
        stand.store.load(SID)
        stand.proxy.requests.allow(count)
        try:
            acknowledged = stand.store.swap(row, new)
        except StoreUnavailable:
            acknowledged, refused = False, refused + 1
        found, _ = stand.store.load(SID)

        assert found in ((new,) if acknowledged else (row, new))
        row = new if found == new else row
    assert refused > 9


@fault("connection cut in the middle of the reply to a write", "the write is refused, though it was done, once")
def test_a_write_whose_reply_was_cut_is_refused_and_done_once(stand: Stand) -> None:
    stand.store.swap(None, guest())
    for count in range(3):
        row, _ = stand.store.load(SID)
        assert row is not None
        stand.proxy.replies.allow(count)
        with pytest.raises(StoreUnavailable):
            stand.store.swap(row, touched(row, START))

        assert stand.store.load(SID)[0] == touched(row, START)


@fault("replies later than the patience", "unavailable; a late reply is nobody's answer")
def test_a_late_reply_answers_no_other_question(stand: Stand) -> None:
    stand.store.swap(None, user())
    stand.store.swap(None, guest(OTHER))
    stand.store.load(SID)
    stand.proxy.replies.hold()

    with pytest.raises(StoreUnavailable):
        stand.store.load(SID)

    stand.proxy.replies.let_go()

    assert stand.store.load(OTHER)[0] == guest(OTHER)
    assert stand.store.load(SID)[0] == user()


@fault("out of memory (maxmemory, noeviction)", "reads go on; logins and logouts are refused until there is room")
def test_a_server_without_memory_refuses_writes_and_answers_reads(stand: Stand) -> None:
    stand.server.ask("CONFIG", "SET", "maxmemory", 1)

    assert (stand.user.log_out(), stand.user.reset(), stand.user.who) == (False, False, "alice")
    with pytest.raises(StoreUnavailable, match="memory"):
        stand.store.swap(None, guest())

    stand.server.ask("CONFIG", "SET", "maxmemory", 0)

    assert stand.store.load(SID) == (None, None)
    assert (stand.user.log_out(), stand.user.who) == (True, NOBODY)


@fault(
    "it becomes a replica (READONLY)",
    "writes are refused, and the connection is opened anew: the master may be elsewhere",
)
def test_a_server_that_was_demoted_refuses_writes(stand: Stand, free: int) -> None:
    stand.server.ask("REPLICAOF", "127.0.0.1", free)

    assert (stand.user.log_out(), stand.user.reset()) == (False, False)

    stand.server.ask("REPLICAOF", "NO", "ONE")

    assert (stand.user.log_out(), stand.user.who) == (True, NOBODY)


@fault("SCRIPT FLUSH before every call (NOSCRIPT)", "nothing is noticed")
def test_a_server_that_has_forgotten_the_scripts_is_sent_them_again(stand: Stand) -> None:
    steps: list[tuple[Callable[[], object], object]] = [
        (lambda: stand.store.swap(None, user()), True),
        (lambda: stand.store.mint("bob", START), Epoch(value=START)),
        (lambda: stand.store.load(SID)[0], user()),
        (stand.user.reset, True),
        (lambda: stand.store.swap(user(), ended(user(), START)), True),
        (lambda: stand.store.load(SID)[0], ended(user(), START)),
    ]
    for call, expected in steps:
        stand.server.ask("SCRIPT", "FLUSH")

        assert call() == expected
    assert stand.user.who == NOBODY


@fault("no more clients allowed (maxclients)", "unavailable, until a place is free")
def test_a_server_that_takes_no_more_clients(stand: Stand) -> None:
    allowed = stand.server.ask("CONFIG GET", "maxclients")["maxclients"]
    with stand.server.client() as outside:
        outside.config_set("maxclients", 1)
        stand.proxy.cut()

        assert (stand.user.who, stand.user.log_out()) == (UNKNOWN, False)

        outside.config_set("maxclients", allowed)

    assert stand.user.who == "alice"


@fault("FLUSHALL", "nobody is signed in, and a login begins anew")
def test_a_server_that_lost_everything_signs_nobody_in(stand: Stand) -> None:
    stand.server.ask("FLUSHALL")

    assert stand.user.who == NOBODY
    assert type(stand.user)(stand.store).who == "alice"


@fault("it is busy with somebody's script (BUSY)", "unavailable; afterwards all is as before")
def test_a_server_that_is_busy(stand: Stand) -> None:
    stand.server.ask("CONFIG", "SET", "lua-time-limit", 1)
    with stand.server.client() as outside:
        connection = outside.connection_pool.get_connection("_")
        connection.send_command("EVAL", "while true do end", 0)

        assert (stand.user.who, stand.user.log_out()) == (UNKNOWN, False)

        stand.server.ask("SCRIPT", "KILL")
        until(stand.server.answers, "the script has ended")
        outside.connection_pool.release(connection)
        connection.disconnect()

    assert stand.user.who == "alice"


@fault(
    "the client gives up at every await (cancelled request)",
    "its connection is closed; the next reply is the next one's",
)
def test_a_cancelled_call_leaves_no_reply_to_the_next(valkey_server: Server) -> None:
    async def story() -> list[Any]:
        store = AsyncValkeyStore(valkey_server.url, prefix="cancelled:")
        await store.swap(None, user())
        await store.swap(None, guest(OTHER))
        answers = []
        for turns in range(30):
            for call in (store.load(SID), store.swap(user(), user()), store.of_subject("alice")):
                task = asyncio.ensure_future(call)
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                answers.append((await store.load(OTHER), await store.epoch("alice"), await store.load(SID)))
        await store.close()
        return answers

    answers = asyncio.run(story())

    assert answers == [((guest(OTHER), None), None, (user(), None))] * 90
