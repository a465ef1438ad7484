"""Ask a store and the reference the same, call by call, and compare what they answer."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final

from attrs import evolve
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from sessioncore import Reason, Session, State, Store
from sessioncore.flows import proof_of

from ..clock import START
from ..model import ModelStore
from ..rows import HOUR, ended, guest, rotated, touched, user
from ..telling import say

PICKS: Final = st.integers(0, 3)
NAMES: Final = st.sampled_from("ab")
INSTANTS: Final = st.integers(0, 3) | st.sampled_from([HOUR, 24 * HOUR])
CAUSES: Final = st.sampled_from([Reason.PASSWORD_RESET, Reason.PASSWORD_CHANGE, Reason.USER_ALL, Reason.ADMIN])

# Without the search for an explanation: the story explains itself.
PHASES: Final = tuple(phase for phase in Phase if phase is not Phase.explain)

# Every example has names of its own, so one example's leftovers are nothing to the next.
_examples: Final[Iterator[int]] = count(1)


class StoreMachine(RuleBasedStateMachine):
    """Let Hypothesis call a store as it likes; instants are milliseconds after the beginning."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.model = ModelStore()
        self.mark = f"{next(_examples)}".rjust(8, "-")
        self.known: list[Session] = [guest(self.sid("a"))]
        self.story: list[str] = []

    def sid(self, letter: str) -> str:
        """Give a selector of this example's own."""
        return letter * 14 + self.mark

    def ask(self, name: str, *args: Any, judge: Callable[[Any], Any] = lambda answer: answer, **named: Any) -> Any:
        """Ask both, and expect what the reference answers."""
        expected, actual = (judge(getattr(store, name)(*args, **named)) for store in (self.model, self.store))
        call = f"{name}({', '.join([*map(say, args), *(f'{key}={say(value)}' for key, value in named.items())])})"
        self.story.append(f"  {call} -> {say(actual)}")
        if actual != expected:
            raise AssertionError("\n".join([f"{call} must answer {say(expected)}; the calls:", *self.story]))
        return expected

    def mine(self, rows: Any) -> list[Session]:
        """Give this example's rows of a list, in one order."""
        return sorted((row for row in rows if row.sid.endswith(self.mark)), key=lambda row: row.sid)

    @initialize()
    def begin(self) -> None:
        """Begin with one row."""
        self.ask("swap", None, self.known[0])

    @rule(letter=NAMES, name=NAMES, at=INSTANTS, signed_in=st.booleans())
    def insert(self, letter: str, name: str, at: int, signed_in: bool) -> None:
        """Put a new row."""
        sid = self.sid(letter)
        row = user(sid, name + self.mark, START + at) if signed_in else guest(sid, at=START + at)
        row = evolve(row, proof=proof_of(str(len(self.story))))  # secrets are drawn: no two rows share one
        if self.ask("swap", None, row):
            self.known.append(row)

    def replace(self, pick: int, change: Callable[[Session], Session]) -> None:
        """Swap a row that is there, or was, or never came to be; then come once more, too late."""
        old = self.known[-1 - pick % len(self.known)]
        if not self.ask("swap", old, new := change(old)):
            return
        self.known.append(new)
        self.ask("swap", old, change(old))
        if not new.live:
            self.ask("swap", new, touched(new, new.seen_at))
        self.ask("load", new.sid)

    @rule(pick=PICKS, at=INSTANTS)
    def touch(self, pick: int, at: int) -> None:
        """Use a session."""
        self.replace(pick, lambda old: touched(old, max(START + at, old.seen_at)))

    @rule(pick=PICKS, at=INSTANTS)
    def end(self, pick: int, at: int) -> None:
        """End a session."""
        self.replace(pick, lambda old: ended(old, START + at))

    @rule(pick=PICKS, name=NAMES)
    def log_in(self, pick: int, name: str) -> None:
        """Sign somebody in."""
        self.replace(pick, lambda old: evolve(self.rotated(old), state=State.AUTHENTICATED, subject=name + self.mark))

    @rule(pick=PICKS)
    def rotate(self, pick: int) -> None:
        """Change a session's secret."""
        self.replace(pick, self.rotated)

    def rotated(self, old: Session) -> Session:
        """Make the next version of a row, under a secret that was never there."""
        return rotated(old, str(len(self.story)))

    @rule(letter=NAMES)
    def load(self, letter: str) -> None:
        """Load a row."""
        self.ask("load", self.sid(letter))

    @rule(name=NAMES, at=INSTANTS)
    def mint(self, name: str, at: int) -> None:
        """Mint an epoch."""
        self.ask("mint", name + self.mark, START + at)

    @rule(name=NAMES, at=INSTANTS, cause=CAUSES, expected=st.none() | INSTANTS)
    def supersede(self, name: str, at: int, cause: Reason, expected: int | None) -> None:
        """Move an epoch on."""
        expects = expected if expected is None else START + expected
        self.ask("supersede", name + self.mark, START + at, cause, expects)

    @rule(name=NAMES)
    def list_rows(self, name: str) -> None:
        """List a subject's rows."""
        self.ask("of_subject", name + self.mark, judge=self.mine)
        self.ask("of_subject", name + self.mark, judge=self.mine, live=True)
        self.ask("of_upstream", *user().upstream, judge=self.mine)
        self.ask("epoch", name + self.mark)

    @rule(before=INSTANTS)
    def overdue(self, before: int) -> None:
        """List overdue rows."""
        self.ask("due", START + before, 10_000, judge=self.mine)

    @rule(before=INSTANTS)
    def purge(self, before: int) -> None:
        """Forget tombstones and marks; how many others there were is nothing to this example."""
        self.ask("purge", START + before, 10_000, judge=lambda _: None)
        for letter in "ab":
            self.ask("load", self.sid(letter))

    @rule(name=NAMES, until=INSTANTS)
    def remember(self, name: str, until: int) -> None:
        """Mark a name."""
        self.ask("mark", name + self.mark, START + until)


class Differential:
    """Compare a store with the reference under calls that Hypothesis chooses."""

    examples = 25

    def test_it_answers_what_the_reference_answers_whatever_is_asked_in_whatever_order(self, plain: Store) -> None:
        run_state_machine_as_test(
            lambda: StoreMachine(plain),  # type: ignore[arg-type]
            settings=settings(max_examples=self.examples, stateful_step_count=25, deadline=None, phases=PHASES),
        )
