"""What a scene shows, and the properties that every scene has to have."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from sessioncore import NotYours, Policy, Reason, Refused, Session, State, StoreUnavailable, moment_for, settle
from sessioncore import flows as core
from sessioncore.effects import run
from sessioncore.flows import Token, proof_of
from sessioncore.flows.ending import never_lived
from sessioncore_io.storing import CLEAR

from ..clock import START
from ..model import ModelStore
from .engine import Check
from .points import perform
from .requests import POLICY
from .scenes import Scene


def standing(store: ModelStore, row: Session, at: int, policy: Policy = POLICY) -> Session:
    """Settle a row as anybody would who loaded it."""
    return settle(row, moment_for(row, store.epochs.get(row.subject), at, policy))


def alive(scene: Scene, subject: str = "alice", policy: Policy = POLICY) -> list[Session]:
    """Give the live sessions of a subject."""
    rows = (standing(scene.store, row, START, policy) for row in scene.store.rows.values())
    return [row for row in rows if row.live and row.subject == subject]


def opens(store: ModelStore, token: Token, at: int = START, policy: Policy = POLICY) -> Session | None:
    """Present a cookie and give the session that it opens."""
    copy = store.copy()
    opened = run(core.open_session(token, policy), lambda e: _alone(copy, e, at))
    return opened.session if opened.standing is core.Standing.CURRENT else None


def _alone(store: ModelStore, effect: Any, at: int) -> Any:
    name = type(effect).__name__
    return at if name == "Now" else None if name == "Tell" else perform(store, effect)


def cookies(scene: Scene) -> list[Token]:
    """Give every cookie that an answer set."""
    return [point.result for point in scene.points if isinstance(point.result, Token)]


def kept_cookie(scene: Scene, held: Token) -> list[Token]:
    """Give each cookie that a browser may be left with: the last one that arrives, or the one it held."""
    return cookies(scene) or [held]


# -- properties ----------------------------------------------------------------------------------------------


def ended_once_acknowledged(by: str, sid: str, *issued: Token) -> Check:
    """Once this actor has its answer the session is dead, whatever cookie is shown for it."""

    def check(scene: Scene) -> None:
        if not scene[by].acknowledged:
            return
        row = scene.store.rows.get(sid)
        assert row is None or not row.live, f"{by} was told that {sid} ended, and it is {row.state if row else ''}"
        for token in (*issued, *cookies(scene)):
            assert token.sid != sid or opens(scene.store, token) is None, f"{token} opens a session that ended"

    return check


def goes_on_nowhere_once_acknowledged(by: str) -> Check:
    """Once this actor ended the session and has its answer, no change of the password goes on with it."""

    def check(scene: Scene) -> None:
        if not scene[by].acknowledged:
            return
        for point in scene.points:
            if isinstance(point.result, Token) and any(notice.what == "superseded" for notice in point.told):
                goes_on = opens(scene.store, point.result)
                assert goes_on is None, f"{by} was told that the session ended, and it goes on as {point.result}"

    return check


def nothing_alive_once_acknowledged(by: str, subject: str = "alice") -> Check:
    """Once this actor has its answer no session of the subject is alive."""

    def check(scene: Scene) -> None:
        if scene[by].acknowledged:
            assert alive(scene, subject) == [], f"{by} was told that all sessions of {subject} ended"

    return check


def no_write_lost(**writers: str) -> Check:
    """What each of these actors wrote is there, or its drop was told."""

    def check(scene: Scene) -> None:
        for name, key in writers.items():
            point = scene[name]
            if not point.acknowledged or any(notice.what == "dropped" for notice in point.told):
                continue
            rows = scene.store.rows.values()
            kept = any(key in dict(row.data) for row in rows) or any(not row.live for row in rows)
            assert kept, f"{name} was told that {key} is stored"

    return check


def no_resurrection(scene: Scene) -> None:
    """A session whose end was told stays ended, with the reason that was told."""
    for notice in scene.told:
        row = scene.store.rows.get(notice.sid) if notice.what == "ended" else None
        assert row is None or not row.live, f"{notice.sid} was told to have ended, and it is {row.state if row else ''}"
        assert row is None or row.reason == notice.reason, f"{notice.sid} ended for {row.reason}, told {notice.reason}"


def told_at_most_once(scene: Scene) -> None:
    """No end has more than one notice."""
    ends = Counter(notice.sid for notice in scene.told if notice.what == "ended")
    again = {sid: count for sid, count in ends.items() if count > 1}
    assert again == {}, f"told more than once: {again}"


def every_end_told(scene: Scene) -> None:
    """When all is done, each end has its notice; a tombstone under which nobody lived has none."""
    if scene.finished and not scene.gone:
        ended = {row.sid for row in scene.store.rows.values() if not row.live and not never_lived(row)}
        told = {notice.sid for notice in scene.told if notice.what == "ended"}
        assert ended <= told, f"an end was not told: {ended - told}"


def one_live_proof_a_row(scene: Scene) -> None:
    """Every row has one proof, of its own."""
    proofs = Counter(row.proof for row in scene.store.rows.values())
    shared = {proof: count for proof, count in proofs.items() if len(proof) != 64 or count > 1}
    assert shared == {}, f"shared proofs: {shared}"


def at_most(limit: int, policy: Policy) -> Check:
    """When nobody is logging in any more, at most so many sessions are alive, and not none."""

    def check(scene: Scene) -> None:
        if scene.finished and not scene.gone:
            live = alive(scene, policy=policy)
            assert 1 <= len(live) <= limit, f"{len(live)} sessions live under a cap of {limit}"

    return check


def never_over(limit: int, policy: Policy) -> Check:
    """When nobody is logging in any more, at most so many sessions are alive; those that owe a factor count apart."""

    def check(scene: Scene) -> None:
        if scene.finished and not scene.gone:
            for signed_in, live in groupby(sorted(s.signed_in for s in alive(scene, policy=policy))):
                count = len(list(live))
                assert count <= limit, f"{count} sessions live under a cap of {limit}, signed in: {signed_in}"

    return check


def never_evicted(sid: str) -> Check:
    """No login that still owes a factor, and no other, ends this session because of the cap."""

    def check(scene: Scene) -> None:
        row = scene.store.rows[sid]
        assert row.reason is not Reason.EVICTED, f"{sid} was evicted"

    return check


def shut_once_acknowledged(by: str, *issued: Token) -> Check:
    """Once this actor ended the subject's sessions and has its answer, these tokens open nothing."""

    def check(scene: Scene) -> None:
        if scene[by].acknowledged and any(notice.what == "superseded" for notice in scene[by].told):
            for token in issued:
                assert opens(scene.store, token) is None, f"{by} was told that {token} ended, and it opens a session"

    return check


def no_cookie_before_its_commit(scene: Scene) -> None:
    """The secret that an answer carries is on record by then, however soon others rotate or end that session."""
    for token in cookies(scene):
        row = scene.store.rows.get(token.sid)
        assert row is not None, f"a browser was given {token}, and no such session is stored"
        stored = not row.live or proof_of(token.secret) in (row.proof, row.former_proof)
        assert stored, f"a browser was given a secret for {token.sid} that is not on record"


def _opened_by_last_cookie(scene: Scene, held: Token) -> Iterator[Session]:
    """Give what the browser's last cookie opens, for each order that the answers may arrive in; none if one crashed."""
    if not scene.finished or scene.gone:
        return
    cleared = sum(point.result is CLEAR for point in scene.points)
    assert cleared == 0, "the cookie was cleared"
    for last in kept_cookie(scene, held):
        session = opens(scene.store, last)
        assert session is not None, f"the browser holds {last}, which opens nothing"
        yield session


def browser_stays_signed_in(held: Token) -> Check:
    """Whatever order the answers arrive in, the browser's last cookie opens a session of its user."""

    def check(scene: Scene) -> None:
        for session in _opened_by_last_cookie(scene, held):
            assert session.subject == "alice", "the browser is signed out"

    return check


def browser_ends_in(state: State, held: Token) -> Check:
    """Whatever order the answers arrive in, the browser's last cookie opens a session in this state."""

    def check(scene: Scene) -> None:
        for session in _opened_by_last_cookie(scene, held):
            assert session.state is state, f"the browser is {session.state}"

    return check


def only_refused(scene: Scene) -> None:
    """An actor fails only by being refused, in a type that an adapter answers with 409."""
    for point in scene.points:
        assert point.error is None or isinstance(point.error, Refused | NotYours), repr(point.error)


def only_unavailable(scene: Scene) -> None:
    """An actor that meets a failing store says so, in the one type that an adapter answers with 503."""
    for point in scene.points:
        assert point.error is None or isinstance(point.error, StoreUnavailable), repr(point.error)


ALWAYS: Final = (every_end_told, told_at_most_once, no_resurrection, one_live_proof_a_row, only_refused)
