"""SQLite and memory do, call by call, what the model does."""

import tempfile
from pathlib import Path
from typing import Any

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sessioncore import Reason, Session
from sessioncore.testing.clock import START
from sessioncore.testing.model import ModelStore
from sessioncore.testing.rows import HOUR, ended, guest, touched, user
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

SIDS = st.sampled_from([letter * 22 for letter in "abc"])
SUBJECTS = st.sampled_from(["alice", "bob"])
INSTANTS = st.integers(START, START + 5) | st.sampled_from([START + HOUR, START + 24 * HOUR])
CAUSES = st.sampled_from([Reason.PASSWORD_RESET, Reason.PASSWORD_CHANGE, Reason.USER_ALL, Reason.ADMIN])


class Stores(RuleBasedStateMachine):
    """Ask all three the same and compare their answers."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.model = ModelStore()
        self.sqlite = SqliteStore(Path(self.folder.name) / "sessions.db")
        self.memory = MemoryStore()
        self.known: list[Session] = [guest("a" * 22)]

    @initialize()
    def begin(self) -> None:
        """Begin with one row."""
        self.ask("swap", None, self.known[0])

    def ask(self, name: str, *args: Any, **named: Any) -> Any:
        """Ask all, and expect what the model answers."""
        expected = _plain(getattr(self.model, name)(*args, **named))
        for store in (self.sqlite, self.memory):
            actual = _plain(getattr(store, name)(*args, **named))

            assert actual == expected, f"{type(store).__name__}.{name}{args}{named}"
        return expected

    @rule(sid=SIDS, subject=SUBJECTS, at=INSTANTS, signed_in=st.booleans())
    def insert(self, sid: str, subject: str, at: int, signed_in: bool) -> None:
        """Put a new row."""
        row = user(sid, subject, at) if signed_in else guest(sid, f"{at}", at)
        if self.ask("swap", None, row):
            self.known.append(row)

    @rule(data=st.data(), at=INSTANTS, what=st.sampled_from(["touch", "end", "rotate"]))
    def replace(self, data: st.DataObject, at: int, what: str) -> None:
        """Swap a row that is there, or was, or never came to be."""
        old = data.draw(st.sampled_from(self.known))
        new = touched(old, max(at, old.seen_at))
        if what == "end":
            new = ended(old, new.seen_at)
        elif what == "rotate":
            new = evolve(new, proof=f"{new.version:064x}", former_proof=old.proof)
        if self.ask("swap", old, new):
            self.known.append(new)

    @rule(sid=SIDS)
    def load(self, sid: str) -> None:
        """Load a row."""
        self.ask("load", sid)

    @rule(subject=SUBJECTS, at=INSTANTS)
    def mint(self, subject: str, at: int) -> None:
        """Mint an epoch."""
        self.ask("mint", subject, at)

    @rule(subject=SUBJECTS, at=INSTANTS, cause=CAUSES, expected=st.none() | INSTANTS)
    def supersede(self, subject: str, at: int, cause: Reason, expected: int | None) -> None:
        """Move an epoch on."""
        self.ask("supersede", subject, at, cause, expected)

    @rule(subject=SUBJECTS)
    def list_rows(self, subject: str) -> None:
        """List a subject's rows."""
        self.ask("of_subject", subject)
        self.ask("of_subject", subject, live=True)
        self.ask("of_upstream", "https://op.example", "op-1")
        self.ask("epoch", subject)

    @rule(before=INSTANTS)
    def overdue(self, before: int) -> None:
        """List overdue rows."""
        self.ask("due", before, 10)

    @rule(before=INSTANTS)
    def purge(self, before: int) -> None:
        """Forget tombstones."""
        self.ask("purge", before, 10)

    @rule(name=st.sampled_from(["x", "y"]), until=INSTANTS)
    def mark(self, name: str, until: int) -> None:
        """Mark a name."""
        self.ask("mark", name, until)

    def teardown(self) -> None:
        """Close the file."""
        self.sqlite.close()
        self.folder.cleanup()


def _plain(answer: Any) -> Any:
    """Compare lists as sets: only ``due`` has an order, and rows due at one instant have none."""
    return sorted(answer, key=repr) if isinstance(answer, list) else answer


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
