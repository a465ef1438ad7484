"""What waits in a session: requests with their pages, and codes; a few of each, for a while, and found by name."""

import json
from typing import Any, Final

import pytest
from joserfc.jwk import ECKey

from sessioncore.sso import Interact, Interaction
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import Client, Keys, Pending
from sessioncore_io.oidc.grants import Granted, clients_of, find_code, keep_client, keep_code, redeem
from sessioncore_io.oidc.keeping import make_room
from sessioncore_io.oidc.pending import LIFE, asking, begin_waiting, done, drop, find, find_page, keep

pytestmark = pytest.mark.anyio

KEYS: Final = Keys([ECKey.generate_key("P-256")])
LOGIN: Final = Interact(Interaction.LOG_IN, "alice")


@pytest.fixture
def sessions(clock: Clock) -> AsyncSessions:
    """Give a shell over an empty store."""
    return AsyncSessions(MemoryStore(), clock=clock)


async def signed_in(sessions: AsyncSessions) -> AsyncHandle:
    """Give alice's session."""
    handle = await sessions.open(None)
    handle.log_in(await handle.attempt("alice"), "pwd")
    await handle.commit()
    return handle


# -- room --------------------------------------------------------------------------------------------------------


def put(handle: AsyncHandle, name: str, at: int, filler: int = 0, **more: bool) -> None:
    """Let something wait."""
    handle[f"kind.{name}"] = {"at": at, "filler": "x" * filler, **more}


def names(handle: AsyncHandle) -> list[str]:
    """Say what waits."""
    return sorted(handle)


async def test_of_one_kind_the_eight_newest_wait(sessions: AsyncSessions, clock: Clock) -> None:
    handle = await sessions.open(None)
    handle["other"] = {"at": 0}
    for age in range(10):
        put(handle, str(age), clock() - age)
    make_room(handle, "kind.", "kind.9", life=100)

    assert names(handle) == ["kind.0", "kind.1", "kind.2", "kind.3", "kind.4", "kind.5", "kind.6", "kind.9", "other"]


@pytest.mark.parametrize(("newest", "gone"), [(True, "silent.7"), (False, "users.7")])
async def test_what_was_asked_silently_and_what_a_user_is_at_push_out_only_their_like(
    sessions: AsyncSessions, clock: Clock, newest: bool, gone: str
) -> None:
    handle = await sessions.open(None)
    for age in range(8):
        for silent in (True, False):
            name = f"{'silent' if silent else 'users'}.{age}"
            handle[f"kind.{name}"] = {"at": clock() - age, "silent": silent}
    before = set(handle)
    handle["kind.newest"] = {"at": clock(), "silent": newest}
    make_room(handle, "kind.", "kind.newest", life=100)

    assert set(handle) == before - {f"kind.{gone}"} | {"kind.newest"}


async def test_what_is_older_than_its_life_gives_way_and_what_is_as_old_stays(
    sessions: AsyncSessions, clock: Clock
) -> None:
    handle = await sessions.open(None)
    for name, age in (("new", 0), ("old", 100), ("too old", 101)):
        put(handle, name, clock() - age)
    make_room(handle, "kind.", "kind.new", life=100)

    assert names(handle) == ["kind.new", "kind.old"]


@pytest.mark.parametrize(("silent", "room"), [({}, 12_288), ({"silent": False}, 12_288), ({"silent": True}, 4_096)])
async def test_all_of_one_kind_have_16_ki_characters(
    sessions: AsyncSessions, clock: Clock, silent: dict[str, bool], room: int
) -> None:
    """With their keys, and as they are written; a quarter of it is for what was asked silently."""
    handle = await sessions.open(None)
    empty = len("kind.a") + len(json.dumps({"at": clock(), "filler": "", **silent}))
    for filler, stays in ((room - 2 * empty, True), (room - 2 * empty + 1, False)):
        put(handle, "b", clock() - 1, filler=filler - 10, **silent)
        put(handle, "a", clock() - 2, filler=10, **silent)
        make_room(handle, "kind.", "kind.b", life=100)

        assert names(handle) == (["kind.a", "kind.b"] if stays else ["kind.b"])


# -- requests ----------------------------------------------------------------------------------------------------


async def test_a_request_is_found_by_its_name_for_an_hour(sessions: AsyncSessions, clock: Clock) -> None:
    handle = await sessions.open(None)
    waiting = asking(begin_waiting({"client_id": "rp", "scope": "openid"}, clock()), Interaction.LOG_IN)
    keep(handle, waiting, LOGIN)

    assert len(waiting.id) == 16
    assert find(handle, waiting.id, clock()) == (waiting, LOGIN)
    assert find(handle, waiting.id, clock() + LIFE) == (waiting, LOGIN)
    assert find(handle, waiting.id, clock() + LIFE + 1) is None
    assert LIFE == 3_600_000
    for name in ("", "nobody", "a\n", "x" * 65, waiting.id + "x"):
        assert find(handle, name, clock()) is None
    assert "openid" not in repr(waiting)
    drop(handle, waiting.id)
    drop(handle, waiting.id)
    assert find(handle, waiting.id, clock()) is None


async def test_a_page_is_found_by_the_name_of_its_request_and_its_own(sessions: AsyncSessions, clock: Clock) -> None:
    handle = await sessions.open(None)
    waiting = asking(asking(begin_waiting({}, clock()), Interaction.CONSENT), Interaction.LOG_IN)
    keep(handle, waiting, LOGIN)

    assert find_page(handle, f"{waiting.id}.consent", clock()) == (waiting, Interact(Interaction.CONSENT, "alice"))
    assert find_page(handle, f"{waiting.id}.log_in", clock()) == (waiting, LOGIN)
    for name in (waiting.id, f"{waiting.id}.", f"{waiting.id}.nothing", "nobody.log_in", f"{waiting.id}.log_in.log_in"):
        assert find_page(handle, name, clock()) is None


async def test_a_page_that_was_not_asked_for_is_not_found(sessions: AsyncSessions, clock: Clock) -> None:
    """The name comes from the address, and the browser would choose what it has to prove."""
    handle = await sessions.open(None)
    waiting = asking(asking(begin_waiting({}, clock()), Interaction.LOG_IN), Interaction.LOG_IN)
    keep(handle, waiting, LOGIN)

    assert waiting.asked == (Interaction.LOG_IN,)
    for kind in set(Interaction) - {Interaction.LOG_IN}:
        assert find_page(handle, f"{waiting.id}.{kind}", clock()) is None


async def test_what_was_answered_is_remembered_for_who_answered_it(sessions: AsyncSessions, clock: Clock) -> None:
    handle = await sessions.open(None)
    waiting = begin_waiting({}, clock())
    keep(handle, done(waiting, Interaction.CONSENT, "alice"), LOGIN)
    found = find(handle, waiting.id, clock())

    assert found is not None
    assert found[0].transaction == waiting.transaction.did(Interaction.CONSENT, "alice")


def test_a_page_knows_its_name_and_what_the_client_said() -> None:
    params = {"login_hint": "al", "acr_values": "gold  silver", "ui_locales": "de"}
    client = Client(client_id="rp", redirect_uris="https://rp.example/")
    waiting = begin_waiting(params, 1)
    page = Pending(
        id="abc", kind=Interaction.LOG_IN, subject="", client=client, scopes=("openid",), resume="/x", waiting=waiting
    )
    silent = Pending(
        id="abc",
        kind=Interaction.LOG_IN,
        subject="",
        client=client,
        scopes=(),
        resume="",
        waiting=begin_waiting({}, 1),
    )

    assert (page.name, page.query) == ("abc.log_in", "transaction=abc.log_in")
    assert (page.login_hint, page.acr_values, page.params) == ("al", ("gold", "silver"), params)
    assert (silent.login_hint, silent.acr_values, silent.params) == ("", (), {})
    assert "waiting" not in repr(page)


@pytest.mark.parametrize(
    ("asked", "age"), [({}, None), ({"max_age": "0"}, 0), ({"max_age": "300"}, 300), ({"max_age": "9" * 20}, None)]
)
def test_a_page_knows_how_old_a_proof_may_be(asked: dict[str, str], age: int | None) -> None:
    client = Client(client_id="rp", redirect_uris="https://rp.example/")
    waiting = begin_waiting(asked, 1)
    page = Pending(id="a", kind=Interaction.LOG_IN, subject="", client=client, scopes=(), resume="", waiting=waiting)

    assert page.max_age == age


# -- codes -------------------------------------------------------------------------------------------------------


def granted(at: int, **other: Any) -> Granted:
    """Grant something to alice."""
    what: dict[str, Any] = {
        "client_id": "rp",
        "redirect_uri": "https://rp.example/",
        "scope": "openid email",
        "subject": "alice",
        "auth_time": at // 1_000,
        "at": at,
        "acr": "gold",
        "amr": ("pwd", "otp"),
        "nonce": "n",
        "code_challenge": "c",
    }
    return Granted(**(what | other))


async def test_a_code_is_good_for_a_minute_while_its_session_is_alive(sessions: AsyncSessions, clock: Clock) -> None:
    handle = await signed_in(sessions)
    code, key = keep_code(handle, granted(clock()), KEYS)
    await handle.commit()

    found = await find_code(code, KEYS, sessions)
    assert found is not None
    assert (found.granted, found.row.sid, found.name) == (granted(clock()), handle.sid, f"oidc {key}")
    assert key.startswith("oidc.code.")
    assert len(key) == len("oidc.code.") + 32
    clock.advance(59_999)
    assert await find_code(code, KEYS, sessions) is not None
    clock.advance(1)
    assert await find_code(code, KEYS, sessions) is None


async def test_a_code_is_worth_nothing_when_its_session_has_ended_or_is_anothers(
    sessions: AsyncSessions, clock: Clock
) -> None:
    handle = await signed_in(sessions)
    code, _ = keep_code(handle, granted(clock()), KEYS)
    stolen, _ = keep_code(handle, granted(clock(), subject="bob"), KEYS)
    never_stored, _ = keep_code(await signed_in(sessions), granted(clock()), KEYS)
    await handle.commit()
    for wrong in ("", "nothing", KEYS.seal("nobody"), KEYS.seal(f"{handle.sid} other"), KEYS.seal(" word"), stolen):
        assert await find_code(wrong, KEYS, sessions) is None

    assert await find_code(never_stored, KEYS, sessions) is None
    assert await find_code(code, KEYS, sessions) is not None
    await sessions.reset_password("alice")
    assert await find_code(code, KEYS, sessions) is None


async def test_a_code_is_used_once_and_that_is_remembered_as_long_as_anybody_could_try(
    sessions: AsyncSessions, clock: Clock
) -> None:
    handle = await signed_in(sessions)
    code, _ = keep_code(handle, granted(clock()), KEYS)
    await handle.commit()
    found = await find_code(code, KEYS, sessions)
    assert found is not None

    assert await redeem(found, sessions) is True
    assert await redeem(found, sessions) is False
    store: Any = sessions.store
    store.purge(clock() + 120_000, 100)
    assert await redeem(found, sessions) is False
    store.purge(clock() + 120_001, 100)
    assert await redeem(found, sessions) is True


async def test_codes_that_nobody_redeemed_make_room_for_the_next(sessions: AsyncSessions, clock: Clock) -> None:
    handle = await signed_in(sessions)
    _, first = keep_code(handle, granted(clock()), KEYS)
    clock.advance(59_999)
    _, second = keep_code(handle, granted(clock()), KEYS)
    assert {first, second} <= set(handle._row_data)
    clock.advance(1)
    _, third = keep_code(handle, granted(clock()), KEYS)

    assert {second, third} <= set(handle._row_data)
    assert first not in handle._row_data


async def test_a_client_that_hangs_on_a_session_is_written_anew_with_each_grant(
    sessions: AsyncSessions, clock: Clock
) -> None:
    handle = await signed_in(sessions)
    handle._row_data["oidc.request.x"] = 1
    key = keep_client(handle, "rp", clock())
    first = handle._row_data[key]
    assert (key, first["at"], len(first["word"])) == ("oidc.client.rp", clock(), 8)
    assert keep_client(handle, "rp", clock()) == key
    keep_client(handle, "other", clock())

    assert handle._row_data[key] != first
    await handle.commit()
    assert handle.stored is not None
    assert sorted(clients_of(handle.stored)) == ["other", "rp"]


def test_authlib_is_told_what_was_granted() -> None:
    code = granted(5_000_000)

    assert (code.get_redirect_uri(), code.get_scope(), code.get_nonce()) == ("https://rp.example/", "openid email", "n")
    assert (code.get_auth_time(), code.get_acr(), code.get_amr()) == (5_000, "gold", ["pwd", "otp"])
    assert code.until == 5_060_000
    bare = Granted(client_id="rp", redirect_uri="", scope="", subject="alice", auth_time=1, at=1)
    assert (bare.acr, bare.amr, bare.nonce, bare.code_challenge, bare.code_challenge_method) == ("", (), "", "", "S256")
