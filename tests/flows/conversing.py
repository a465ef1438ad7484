"""Let a flow talk to a small world, and write down every word: each effect, its arguments and their order."""

from collections.abc import Callable
from itertools import count
from typing import Any

from attrs import define, evolve, field

from sessioncore import LogIn, Policy, SatisfyMfa, Session, Write, begin
from sessioncore import effects as fx
from sessioncore.effects import Effect, Flow, run
from sessioncore.errors import SessionError
from sessioncore.flows import Chapter, proof_of
from sessioncore.machine import step
from sessioncore.policy import moment_for
from sessioncore.records import Kind, State
from sessioncore.testing.clock import START
from sessioncore.testing.explore import perform
from sessioncore.testing.model import ModelStore
from sessioncore.values import Notice

POLICY = Policy()
SID, ANEW = "s" * 22, "n1".ljust(22, "-")
PROOF = proof_of("new")
MFA = SatisfyMfa(subject="alice", sid=SID, methods=("otp",), kind=Kind.POSSESSION, proof="1" * 64, former_proof=PROOF)
CART = Write(changes=(("cart", "1"),))


@define
class Talk:
    """Hold a world and what was said in it; ``meddle`` may change the world before a swap, once."""

    store: ModelStore = field(factory=ModelStore)
    at: int = START
    meddle: Callable[[ModelStore], object] | None = None
    heard: list[Effect[Any]] = field(factory=list)
    told: list[Notice] = field(factory=list)
    drawn: Any = field(factory=lambda: count(1))

    def run(self, flow: Flow[Any]) -> Any:
        """Let the flow talk to its end, and give its result or its error."""
        try:
            return run(flow, self.answer)
        except SessionError as error:
            return error

    def answer(self, effect: Effect[Any]) -> Any:
        """Answer, and write down what was asked."""
        if isinstance(effect, fx.Tell):
            return self.told.append(effect.notice)
        if isinstance(effect, fx.Now):
            return self.at
        self.heard.append(effect)
        if isinstance(effect, fx.NewSid | fx.NewSecret):
            return f"n{next(self.drawn)}".ljust(22 if isinstance(effect, fx.NewSid) else 43, "-")
        if isinstance(effect, fx.Pause):
            return 700
        if isinstance(effect, fx.Swap) and self.meddle is not None:
            meddle, self.meddle = self.meddle, None
            meddle(self.store)
        return perform(self.store, effect)


def guest(sid: str = SID, at: int = START, secret: str = "ours") -> Session:
    """Make a guest's row."""
    return begin(sid, proof_of(secret), at, idle=POLICY.guest.idle, lifetime=POLICY.guest.lifetime)


def login(sid: str = SID, **changed: Any) -> LogIn:
    """Make a login of Alice by password."""
    limits = POLICY.login
    usual: dict[str, Any] = {
        "subject": "alice", "sid": sid, "epoch": START, "methods": ("pwd",), "first": Kind.KNOWLEDGE,
        "idle": limits.idle, "lifetime": limits.lifetime, "proof": proof_of("new"), "former_proof": proof_of("ours"),
    }  # fmt: skip
    return LogIn(**usual | changed)


def signed_in(store: ModelStore, sid: str = SID, at: int = START, **changed: Any) -> Session:
    """Put a row of Alice's into the store, who proved the secret ``new``."""
    epoch = store.mint("alice", START)
    row = guest(sid, at)
    row = step(row, login(sid, epoch=epoch.value, **changed), moment_for(row, epoch, at, POLICY))
    store.rows[sid] = row
    assert row.state in (State.AUTHENTICATED, State.MFA_SATISFIED)
    return row


def chapter(*events: Any, proof: str = PROOF, **more: Any) -> Chapter:
    """Make a chapter of the session that Alice has."""
    return Chapter(sid=SID, proof=proof, events=events, **more)


def use(store: ModelStore) -> None:
    """Let somebody else use the session."""
    store.rows[SID] = evolve(store.rows[SID], version=store.rows[SID].version + 1)
