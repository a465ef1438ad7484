"""A history passes exactly when some order of its calls explains every answer."""

import threading
from itertools import permutations
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st
from tests.product.simulation import BROKEN, atomic, simulate

from sessioncore import Epoch, Reason
from sessioncore import effects as fx
from sessioncore.testing.clock import START
from sessioncore.testing.contracts.races import performing
from sessioncore.testing.history import EPOCH, ROW, History, check_epoch, check_row, of_row
from sessioncore.testing.linear import PENDING, NotLinearizable, Operation, Specification, linearize, shortest_failure
from sessioncore.testing.model import ModelStore
from sessioncore.testing.rows import SID, ended, guest, touched, user
from sessioncore.testing.telling import LATER
from sessioncore_io.memory import MemoryStore

NEXT, OTHER = touched(guest(), START + 1), touched(guest(), START + 2)


def apply_to_register(value: int, call: Any) -> tuple[int, Any]:
    """Read, write, or compare and swap a number."""
    match call:
        case ("read",):
            return value, value
        case ("write", new):
            return new, None
        case ("swap", old, new):
            return (new, True) if value == old else (value, False)
    raise AssertionError(call)


REGISTER = Specification("a register", apply_to_register, initial=0)


def brute_force(operations: list[Operation], specification: Specification) -> bool:
    """Try every order of every choice of the calls whose outcome is unknown."""
    known = [call for call in operations if call.known]
    unknown = [call for call in operations if not call.known]
    choices = [[call for bit, call in enumerate(unknown) if chosen >> bit & 1] for chosen in range(2 ** len(unknown))]
    return any(explains(order, specification) for took in choices for order in permutations(known + took))


def explains(order: tuple[Operation, ...], specification: Specification) -> bool:
    """Tell whether this order keeps to the clock and explains each answer."""
    if any(later.returned < call.invoked for position, call in enumerate(order) for later in order[position:]):
        return False
    state = specification.initial
    for call in order:
        state, answer = specification.apply(state, call.call)
        if call.known and answer != call.answer:
            return False
    return True


values = st.integers(0, 2)
register_calls = st.one_of(
    st.just(("read",)), st.tuples(st.just("write"), values), st.tuples(st.just("swap"), values, values)
)


@st.composite
def register_histories(draw: st.DrawFn) -> list[Operation]:
    """Generate small histories, most of them wrong, some calls of unknown outcome."""
    history = []
    for who in "abcde"[: draw(st.integers(1, 5))]:
        call, invoked = draw(register_calls), draw(st.integers(0, 6))
        answers = {"read": values, "write": st.none(), "swap": st.booleans()}[call[0]]
        operation = Operation(who, call, invoked)
        if draw(st.integers(0, 4)):
            operation = evolve(operation, returned=invoked + draw(st.integers(0, 4)), answer=draw(answers))
        history.append(operation)
    return history


def at_once(who: str, call: tuple[Any, ...], answer: Any) -> Operation:
    """Make a call that takes no time."""
    return Operation(who=who, call=call, invoked=0, returned=0, answer=answer)


# A write that changes nothing where it is first possible, and is wanted later.
WANTED_LATER = [
    at_once("a", ("swap", 2, 0), True),
    at_once("b", ("write", 2), None),
    at_once("c", ("swap", 2, 0), True),
    at_once("e", ("write", 2), None),
]


@given(register_histories())
@example(WANTED_LATER)
def test_the_search_agrees_with_trying_every_order(history: list[Operation]) -> None:
    assert linearize(history, REGISTER).linearizable == brute_force(history, REGISTER)


@given(register_histories())
def test_a_found_order_explains_what_it_claims_to(history: list[Operation]) -> None:
    found = linearize(history, REGISTER)

    assert explains(found.order, REGISTER)
    assert not found.linearizable or {c.who for c in history if c.known} <= {c.who for c in found.order}


@given(register_histories())
def test_a_failure_is_cut_to_one_that_fails_too(history: list[Operation]) -> None:
    if not linearize(history, REGISTER).linearizable:
        shown = shortest_failure(history, REGISTER)
        last = max(call.returned for call in shown if call.known)

        assert not linearize(shown, REGISTER).linearizable
        # Without its answer the last call may still have had its effect, which others saw: it is open, not absent.
        before = [evolve(call, returned=PENDING, answer=LATER) if call.returned == last else call for call in shown]
        assert linearize(before, REGISTER).linearizable


def test_what_a_correct_store_answers_is_accepted_in_every_order_of_steps() -> None:
    for seed in range(300):
        check_row(simulate(atomic, seed), SID)


@pytest.mark.parametrize("store", BROKEN.values(), ids=BROKEN)
def test_what_a_broken_store_answers_is_refused_in_some_order_of_steps(store: Any) -> None:
    refused = 0
    for seed in range(100):
        try:
            check_row(simulate(store, seed), SID)
        except NotLinearizable:
            refused += 1

    assert refused >= 5


def test_long_histories_of_many_clients_are_searched_quickly() -> None:
    random = Random(1)
    history = [
        Operation(str(client), ("write", random.randrange(3)), at, at + 40, None)
        for at, client in enumerate(random.randrange(8) for _ in range(300))
    ]
    reads = [Operation("reader", ("read",), at, at + 5, 1) for at in range(0, 300, 10)]

    assert linearize(history + reads, REGISTER).linearizable


# -- by hand -------------------------------------------------------------------------------------------------


def swap(who: str, old: Any, new: Any, span: tuple[int, int] | int, answer: Any = True) -> Operation:
    """Make a swap; with one instant only, of unknown outcome."""
    return _made(who, fx.Swap(old, new), span, answer)


def load(who: str, answer: Any, span: tuple[int, int]) -> Operation:
    """Make a load."""
    return _made(who, fx.Load(SID), span, (answer, None))


def _made(who: str, call: Any, span: tuple[int, int] | int, answer: Any) -> Operation:
    if isinstance(span, int):
        return Operation(who, call, span)
    return Operation(who, call, span[0], span[1], answer)


BEGUN = swap("ann", None, guest(), (0, 1))
REFUSED = {
    "two winners": [BEGUN, swap("ann", guest(), NEXT, (2, 5)), swap("ben", guest(), OTHER, (3, 6))],
    "a lost update": [BEGUN, swap("ann", guest(), NEXT, (2, 3)), load("ben", guest(), (4, 5))],
    "resurrection": [
        BEGUN,
        swap("ann", guest(), ended(guest(), START), (2, 3)),
        swap("ben", guest(), NEXT, (2, 9)),
    ],
    "a lifted tombstone": [
        BEGUN,
        swap("ann", guest(), ended(guest(), START), (2, 3)),
        swap("ben", ended(guest(), START), touched(ended(guest(), START), START + 1), (4, 5)),
    ],
    "a stale read after a fresh one": [
        BEGUN,
        swap("ann", guest(), NEXT, (2, 9)),
        load("ben", NEXT, (3, 4)),
        load("ben", guest(), (5, 6)),
    ],
    "an insert over another": [BEGUN, swap("ben", None, guest(secret="b"), (2, 3))],
    "a row from nowhere": [load("ben", guest(), (2, 3))],
}


@pytest.mark.parametrize("history", REFUSED.values(), ids=REFUSED)
def test_a_planted_wrong_answer_is_refused(history: list[Operation]) -> None:
    with pytest.raises(NotLinearizable):
        check_row(history, SID)


def test_an_unknown_swap_may_take_effect_long_after_its_caller_gave_up() -> None:
    lost = swap("ann", guest(), NEXT, 2)

    check_row([BEGUN, lost, load("ben", guest(), (5, 6)), load("ben", NEXT, (7, 8))], SID)
    check_row([BEGUN, lost, load("ben", guest(), (5, 6))], SID)


def test_an_unknown_swap_takes_effect_at_most_once_and_not_before_it_was_asked() -> None:
    lost = swap("ann", guest(), NEXT, 4)

    with pytest.raises(NotLinearizable):
        check_row([BEGUN, lost, load("ben", NEXT, (2, 3))], SID)
    with pytest.raises(NotLinearizable):
        check_row([BEGUN, lost, load("ben", NEXT, (5, 6)), load("ben", guest(), (7, 8))], SID)


def test_calls_that_touch_at_one_instant_may_stand_in_either_order() -> None:
    check_row([BEGUN, swap("ann", guest(), NEXT, (2, 4)), load("ben", guest(), (4, 5))], SID)


@pytest.mark.parametrize("read", [1, 2])
def test_two_orders_of_the_same_calls_are_told_apart_by_where_they_lead(read: int) -> None:
    writes = [Operation("ann", ("write", 1), 0, 5), Operation("ben", ("write", 2), 0, 5)]

    assert linearize([*writes, Operation("cat", ("read",), 6, 7, read)], REGISTER).linearizable


def test_the_cut_keeps_a_call_that_had_not_returned_but_explains_an_answer() -> None:
    slow = swap("ann", guest(), NEXT, (2, 99))
    history = [BEGUN, slow, load("ben", NEXT, (3, 4)), load("cat", guest(), (5, 6)), load("cat", NEXT, (7, 8))]
    shown = shortest_failure(of_row(history, SID), ROW)

    assert [call.who for call in shown] == ["ann", "ann", "ben", "cat"]
    assert [call.known for call in shown] == [True, False, True, True]
    with pytest.raises(NotLinearizable, match=r"ann: Swap.*, not returned yet"):
        check_row(history, SID)


def test_a_purged_row_makes_room() -> None:
    tombstone = ended(guest(), START)
    purge = Operation("cron", fx.Purge(START + 1, 10), 4, 5, 1)
    over = [BEGUN, swap("ann", guest(), tombstone, (2, 3))]

    check_row([*over, purge, swap("ben", None, guest(secret="b"), (6, 7))], SID)
    with pytest.raises(NotLinearizable):
        check_row([*over, swap("ben", None, guest(secret="b"), (6, 7))], SID)


MINTED, RESET = Epoch(value=START), Epoch(value=START + 5, cause=Reason.PASSWORD_RESET)
MINT = Operation("ann", fx.Mint("alice", START), 0, 1, MINTED)


def supersede(who: str, answer: Epoch | None, span: tuple[int, int], expected: int | None = None) -> Operation:
    """Make a reset."""
    return _made(who, fx.Supersede("alice", START + 5, Reason.PASSWORD_RESET, expected), span, answer)


def test_an_epochs_history_is_accepted() -> None:
    later = Epoch(value=START + 6, cause=Reason.PASSWORD_RESET)

    check_epoch([MINT, supersede("ann", RESET, (2, 9)), supersede("ben", later, (3, 8))], "alice")
    check_epoch([MINT, supersede("ann", RESET, (2, 9)), supersede("ben", None, (3, 8), START)], "alice")


@pytest.mark.parametrize(
    "wrong",
    [
        [supersede("ann", RESET, (2, 9)), supersede("ben", RESET, (3, 8))],
        [supersede("ann", RESET, (2, 3), START), supersede("ben", RESET, (2, 3), START)],
        [supersede("ann", RESET, (2, 3)), Operation("ben", fx.Mint("alice", START), 4, 5, MINTED)],
        [supersede("ann", RESET, (2, 3)), Operation("ben", fx.Load(SID), 4, 5, (user(), MINTED))],
        [supersede("ann", RESET, (2, 3)), Operation("ben", fx.ReadEpoch("alice"), 4, 5, None)],
    ],
    ids=["one number twice", "two that expected it", "a mint over it", "a stale load", "forgotten"],
)
def test_a_wrong_answer_about_an_epoch_is_refused(wrong: list[Operation]) -> None:
    with pytest.raises(NotLinearizable):
        check_epoch([MINT, *wrong], "alice")


# -- the story and the recorder ------------------------------------------------------------------------------


def test_the_story_is_short_and_says_where_the_answers_part() -> None:
    noise = [load("cat", guest(), (2, 3)) for _ in range(20)]
    after = [load("dan", OTHER, (20, 21))]

    with pytest.raises(NotLinearizable) as refused:
        check_row([*REFUSED["two winners"], *noise, *after], SID)

    assert str(refused.value).splitlines() == [
        f"no order of these calls on the row {SID} explains every answer:",
        "  [0..1] ann: Swap(nothing, <v1 created proof a793>) -> True",
        "  [2..5] ann: Swap(<v1 created proof a793>, <v2 created proof a793>) -> True",
        "  [3..6] ben: Swap(<v1 created proof a793>, <v2 created proof a793>) -> True",
        "the order that explains most (2 of 3):",
        "  ann: Swap(nothing, <v1 created proof a793>) -> True",
        "  ben: Swap(<v1 created proof a793>, <v2 created proof a793>) -> True",
        "then it holds <v2 created proof a793>, and",
        "  ann: Swap(<v1 created proof a793>, <v2 created proof a793>) would answer False, not True",
    ]


def test_what_threads_ask_of_a_store_is_recorded_and_accepted() -> None:
    history, store = History(), MemoryStore()

    def work(who: str) -> None:
        seen = history.witness(who, store)
        for number in range(20):
            row, _ = seen.load(SID)
            seen.swap(row, touched(row, START + number) if row else guest())

    threads = [threading.Thread(target=work, args=(who,)) for who in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(history.operations) == 4 * 20 * 2
    assert all(call.known and call.invoked <= call.returned for call in history.operations)
    check_row(history.operations, SID)


def test_a_call_that_raises_is_recorded_with_an_unknown_outcome() -> None:
    class Down(MemoryStore):
        def swap(self, old: object, new: object) -> bool:
            raise OSError("unplugged")

    history = History()
    with pytest.raises(OSError, match="unplugged"):
        history.witness("ann", Down()).swap(None, guest())

    assert [call.known for call in history.operations] == [False]


TOMBSTONE = ended(guest(), START)
ROWS = [guest(), NEXT, OTHER, TOMBSTONE, evolve(TOMBSTONE, version=3, reason=Reason.ADMIN)]
ROW_CALLS = st.one_of(
    st.builds(fx.Swap, st.none() | st.sampled_from(ROWS), st.sampled_from(ROWS)),
    st.builds(fx.Purge, st.integers(START, START + 1), st.integers(0, 1)),
)
EPOCH_CALLS = st.one_of(
    st.builds(fx.Mint, st.just("alice"), st.integers(START, START + 2)),
    st.builds(
        fx.Supersede,
        st.just("alice"),
        st.integers(START, START + 2),
        st.just(Reason.ADMIN),
        st.none() | st.integers(START, START + 3),
    ),
)


@given(st.lists(ROW_CALLS, max_size=8), st.lists(EPOCH_CALLS, max_size=8))
def test_the_specifications_do_what_the_reference_does(row_calls: list[Any], epoch_calls: list[Any]) -> None:
    store = ModelStore()
    row = epoch = None
    for call in row_calls:
        row, answer = ROW.apply(row, call)

        assert (answer, row) == (performing(store)(call), store.load(SID)[0])
    for call in epoch_calls:
        epoch, answer = EPOCH.apply(epoch, call)

        assert (answer, epoch) == (performing(store)(call), store.epoch("alice"))
