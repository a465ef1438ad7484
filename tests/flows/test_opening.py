"""The glance of a steady request says what the flow says; a session that is told again is no younger than it was."""

from typing import Any

from attrs import evolve
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sessioncore import Epoch, Kind, Moment, Policy, Reason, Session, State
from sessioncore import effects as fx
from sessioncore import flows as core
from sessioncore.effects import Effect, run
from sessioncore.flows import Standing, Token, glance, open_session, proof_of
from sessioncore.flows.retelling import retold
from sessioncore.guards import quiet
from sessioncore.policy import DAY, HOUR, MINUTE, moment_for
from sessioncore.testing.clock import START
from sessioncore.testing.explore import perform
from sessioncore.testing.model import ModelStore
from sessioncore.testing.strategies import situations

SECRETS = st.sampled_from(["current", "former", "foreign"])


@given(situations(), SECRETS, st.booleans())
def test_a_glance_is_what_the_flow_says(situation: tuple[Session, Any, Moment], secret: str, has_epoch: bool) -> None:
    session, _, moment = situation
    row = evolve(session, proof=proof_of("current"), former_proof=proof_of("former"))
    epoch = Epoch(value=max(moment.epoch, 1), cause=moment.cause) if row.subject and has_epoch else None
    store = ModelStore({row.sid: row}, {row.subject: epoch} if epoch else {})
    policy = Policy()

    seen = glance(row, epoch, secret, moment.at, policy)
    opened = run(open_session(Token(row.sid, secret), policy), lambda e: _answer(store, e, moment.at))

    if seen is not None:
        assert (opened.standing, opened.session) == (seen, row)
        assert store.rows[row.sid] == row, "nothing is stored"
    else:
        assert secret == "current"
        assert not quiet(row, moment_for(row, epoch, moment.at, policy))
        assert opened.session == store.rows[row.sid] != row
        assert opened.standing is SETTLED[store.rows[row.sid].state]
    if secret != "current":
        assert opened.standing in (Standing.FORMER, Standing.INERT)
        assert (opened.standing is Standing.FORMER) == (secret == "former" and row.live)


# After an end from elsewhere this request begins nothing: its cookie could overwrite that of a login beside it.
SETTLED = {
    State.AUTHENTICATED: Standing.CURRENT,
    State.MFA_SATISFIED: Standing.CURRENT,
    State.EXPIRED: Standing.ENDED,
    State.RESET: Standing.FORMER,
    State.LOGGED_OUT: Standing.FORMER,
}


def _answer(store: ModelStore, effect: Effect[Any], at: int) -> Any:
    if isinstance(effect, fx.Now):
        return at
    return None if isinstance(effect, fx.Tell) else perform(store, effect)


def test_no_token_and_an_unknown_one_open_nothing() -> None:
    store = ModelStore()

    for token in (None, Token("u" * 22, "x" * 43)):
        opened = run(core.open_session(token, Policy()), lambda e: _answer(store, e, START))

        assert opened == core.ABSENT
    assert store == ModelStore()


@st.composite
def signed_in(draw: st.DrawFn) -> Session:
    """Generate sessions that lived under the default policy, and are alive."""
    remembered = draw(st.booleans())
    policy = Policy()
    limits = policy.remembered if remembered else policy.login
    authenticated_at = START + draw(st.integers(0, 3 * HOUR))
    strong = draw(st.booleans())
    mfa_at = START + draw(st.integers(0, 3 * HOUR))
    latest = max(authenticated_at, mfa_at) if strong else authenticated_at
    seen_at = latest + draw(st.integers(0, 3 * HOUR))
    mfa: dict[str, Any] = {"mfa_at": mfa_at, "second": Kind.POSSESSION, "mfa_methods": ("otp",)} if strong else {}
    return Session(
        sid="k" * 22,
        proof=proof_of("kept"),
        state=State.MFA_SATISFIED if strong else State.AUTHENTICATED,
        version=draw(st.integers(2, 99)),
        subject="alice",
        first=Kind.KNOWLEDGE,
        methods=("pwd",),
        needs=draw(st.sampled_from([State.AUTHENTICATED, State.MFA_SATISFIED])),
        epoch=START,
        created_at=START,
        authenticated_at=authenticated_at,
        seen_at=seen_at,
        since=authenticated_at,
        idle=limits.idle,
        lifetime=limits.lifetime,
        not_after=draw(st.just(2**53) | st.integers(START + 10 * HOUR, START + 20 * HOUR)),
        remembered=remembered,
        upstream=draw(st.sampled_from([("", ""), ("https://op.example", "op-1")])),
        label=draw(st.sampled_from(["", "Firefox"])),
        data=draw(st.sampled_from([(), (("cart", "[1]"), ("theme", '"dark"'))])),
        activities=draw(st.sampled_from([(), ('{"what":"seen"}',)])),
        **mfa,
    )


LONG_AGO = Session(
    sid="k" * 22,
    proof=proof_of("kept"),
    state=State.AUTHENTICATED,
    version=9,
    subject="alice",
    first=Kind.KNOWLEDGE,
    methods=("pwd",),
    epoch=START,
    created_at=START,
    authenticated_at=START,
    seen_at=START + 20 * MINUTE,
    since=START,
    idle=30 * MINUTE,
    lifetime=12 * HOUR,
)


@given(signed_in(), st.integers(0, 25 * MINUTE))
@example(LONG_AGO, 20 * MINUTE)  # seen within the idle limit, though logged in before it
def test_a_session_that_is_told_again_is_the_same_under_another_selector(kept: Session, later: int) -> None:
    policy, stamp = Policy(), Epoch(value=START + DAY, cause=Reason.PASSWORD_CHANGE)
    at = kept.seen_at + later
    assume(at < kept.deadline)

    new = retold(kept, "n" * 22, proof_of("new"), stamp, at, policy)

    renamed = evolve(
        kept,
        sid="n" * 22,
        proof=proof_of("new"),
        epoch=stamp.value,
        seen_at=at,
        version=new.version,
        created_at=min(kept.authenticated_at, kept.mfa_at),
    )
    assert new == renamed
    assert new.since + new.lifetime == kept.since + kept.lifetime, "it is no younger"
