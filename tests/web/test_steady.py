"""Nearly every response starts by one question, and its short answer is no second opinion."""

from collections.abc import Callable
from contextlib import suppress
from itertools import product

import pytest
from attrs import evolve

from sessioncore import Epoch, Policy, Session, SessionError, State, StoreUnavailable
from sessioncore.flows import Standing, Token, at_rest, proof_of
from sessioncore.policy import MINUTE
from sessioncore.testing import Clock
from sessioncore_io import Sessions
from sessioncore_io.handle import Handle
from sessioncore_io.memory import MemoryStore

SECRET = "s" * 43
CLOCK = Clock()
USER = Session(
    sid="a" * 22,
    proof=proof_of(SECRET),
    state=State.AUTHENTICATED,
    subject="alice",
    epoch=7,
    created_at=CLOCK.at,
    authenticated_at=CLOCK.at,
    seen_at=CLOCK.at,
    since=CLOCK.at,
    idle=30 * MINUTE,
    lifetime=600 * MINUTE,
    data=(("name", '"Alice"'), ("cart", "[]")),
)


class FailingStore(MemoryStore):
    """Fail to load once it is down."""

    down = False

    def load(self, sid: str) -> tuple[Session | None, Epoch | None]:
        """Return the row and its subject's epoch, or raise."""
        if self.down:
            raise StoreUnavailable("down")
        return super().load(sid)


def _nothing(handle: Handle) -> None:
    """Do nothing at all."""


def _look(handle: Handle) -> object:
    return handle.subject


def _read(handle: Handle) -> object:
    return handle.get("name"), handle.get("cart")


def _write(handle: Handle) -> None:
    handle["name"] = "Bob"


def _commit(handle: Handle) -> None:
    handle.commit()


def _log_out(handle: Handle) -> None:
    handle.log_out()


def _be_passive(handle: Handle) -> None:
    handle.passive()


def _rotate(handle: Handle) -> None:
    handle.reauthenticate("pwd")


def _refresh_in_vain(handle: Handle) -> None:
    store = handle._shell.store
    assert isinstance(store, FailingStore)
    store.down = True
    try:
        handle.refresh()
    finally:
        store.down = False


def _log_in(handle: Handle) -> None:
    handle.log_in(handle.attempt("bob"), "pwd")


DEEDS: list[Callable[[Handle], object]] = [
    *(_nothing, _look, _read, _write, _be_passive, _rotate, _log_in, _log_out, _commit, _refresh_in_vain)
]


def opened(standing: Standing, row: Session, *, glanced: bool = True, failure: Exception | None = None) -> Handle:
    """Open a handle over a store that holds the row: as an adapter does, or by no more than its standing."""
    store = FailingStore()
    store.mint(row.subject, row.epoch)
    store.swap(None, row)
    sessions = Sessions(store, Policy(), CLOCK, listener=lambda _: None)
    epoch = Epoch(value=row.epoch)
    handle = Handle(sessions, Token(row.sid, SECRET), standing, row, epoch, failure)
    handle.at_rest = glanced and standing is Standing.CURRENT and at_rest(row, epoch, SECRET, CLOCK.at, Policy())
    return handle


def told(handle: Handle) -> bool:
    """Ask everything that the short answer stands for."""
    return handle.idle and handle.order is None and not handle.failed


@pytest.mark.parametrize("standing", [Standing.CURRENT, Standing.FORMER, Standing.ABSENT])
@pytest.mark.parametrize("unseen", [0, MINUTE - 1, MINUTE])
def test_a_response_starts_at_once_exactly_when_nothing_is_left_to_do(standing: Standing, unseen: int) -> None:
    """Whatever three things the request did before, in any order, and whether a touch is due or not.

    Nor does it matter whether the session was known to be at rest.
    """
    row = evolve(USER, seen_at=CLOCK.at - unseen, since=CLOCK.at - MINUTE, created_at=CLOCK.at - MINUTE)
    for deeds in product(DEEDS, repeat=3):
        handle, unjudged = opened(standing, row), opened(standing, row, glanced=False)

        for deed in deeds:
            for one in (handle, unjudged):
                with suppress(SessionError):  # a verb may be refused; the question stands all the same
                    deed(one)

        assert told(unjudged) == told(handle) == handle.may_start(), deeds


@pytest.mark.parametrize("deeds", [(), (_look,), (_be_passive, _look)])
def test_a_session_that_could_not_be_loaded_is_steady_until_somebody_asks(
    deeds: tuple[Callable[[Handle], object], ...],
) -> None:
    """A page that never looks at its session is served while the store is down."""
    handle = opened(Standing.ABSENT, USER, failure=StoreUnavailable("down"))

    for deed in deeds:
        with suppress(StoreUnavailable):
            deed(handle)

    assert (_look not in deeds) == told(handle) == handle.may_start()
