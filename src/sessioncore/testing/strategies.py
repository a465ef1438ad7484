"""Hypothesis strategies for the core's values: sound records, and moments and events that reach every guard.

Independent draws would hardly ever meet a boundary. So a moment is drawn for a session, near the instants at
which something falls due, and an event is drawn for both, mostly about this session and sometimes about another.
"""

from typing import Any, Final, TypeVar

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sessioncore.events import (
    SINGLE_ENDS,
    Event,
    LogIn,
    LogOut,
    Reauthenticate,
    Restamp,
    SatisfyMfa,
    Tick,
    Touch,
    Write,
)
from sessioncore.policy import Limits, Policy
from sessioncore.records import (
    ENDS,
    EXPIRING,
    LIVE,
    LOGGING_OUT,
    NEVER,
    RESETTING,
    Kind,
    Moment,
    Pairs,
    Reason,
    Session,
    State,
)

from .clock import START

# The first second, the last of signed and of unsigned 32-bit clocks, and an ordinary day.
ERAS: Final = (1_000, 2**31 * 1_000, 2**32 * 1_000, START)
SIDS: Final = ("s" * 22, "t" * 22)
SUBJECTS: Final = ("alice", "bob")
KINDS: Final = (Kind.KNOWLEDGE, Kind.POSSESSION, Kind.INHERENCE)
METHODS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.NONE: (),
    Kind.KNOWLEDGE: ("pwd",),
    Kind.POSSESSION: ("otp",),
    Kind.INHERENCE: ("fpt",),
}
REASONS: Final[dict[State, tuple[Reason, ...]]] = {
    State.EXPIRED: EXPIRING,
    State.LOGGED_OUT: LOGGING_OUT,
    State.RESET: RESETTING,
}

spans: Final = st.integers(1, 60) | st.integers(1, 10**10)
kinds: Final = st.sampled_from(KINDS)
epochs: Final = st.integers(1, 4)
proofs: Final = st.text("0123456789abcdef", min_size=64, max_size=64)
needs: Final = st.sampled_from((State.AUTHENTICATED, State.MFA_SATISFIED))
upstreams: Final = st.sampled_from((("", ""), ("https://op.example", "op-1")))
labels: Final = st.sampled_from(("", "Firefox on Linux", "手机"))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Generate policies that are accepted."""
    touch_every = draw(st.integers(1, 10**6))
    idles = st.integers(touch_every * 2 + 1, 10**9)
    guest, login, longer = draw(idles), draw(idles), draw(idles)
    lifetime, remembered = login + draw(spans), max(login, longer)
    return Policy(
        guest=Limits(guest, guest + draw(spans)),
        login=Limits(login, lifetime),
        remembered=Limits(remembered, max(remembered, lifetime) + draw(spans)),
        mfa_lifetime=draw(spans),
        touch_every=touch_every,
        max_sessions=draw(st.integers(1, 50)),
    )


def sessions(*states: State) -> SearchStrategy[Session]:
    """Generate sound records in one of these states, or in any: what ``codec.decode`` demands, and more.

    A guest has proved nothing, a second factor differs from the first and has its instant, a tombstone keeps no
    data and its reason belongs to its end.
    """
    return st.sampled_from(states or tuple(State)).flatmap(_in_state)


def _in_state(state: State) -> SearchStrategy[Session]:
    drawn = {State.CREATED: guests(), State.AUTHENTICATED: users(), State.MFA_SATISFIED: strong_users()}
    return drawn[state] if state in LIVE else tombstones(state)


@st.composite
def guests(draw: st.DrawFn) -> Session:
    """Generate sessions of guests."""
    created = draw(st.sampled_from(ERAS))
    used_for = draw(st.just(0) | spans)
    return Session(
        sid=SIDS[0],
        proof=draw(proofs),
        version=draw(st.integers(1, 9)),
        created_at=created,
        since=created,
        seen_at=created + used_for,
        idle=draw(spans),
        lifetime=used_for + draw(spans),
        data=draw(data()),
        activities=draw(st.sampled_from(((), ('{"what": "page_view"}',)))),
    )


def data() -> SearchStrategy[Pairs]:
    """Generate a session's data: sorted keys with JSON texts."""
    texts = st.dictionaries(st.sampled_from("abc"), st.sampled_from(("1", '"x"')))
    return texts.map(lambda pairs: tuple(sorted(pairs.items())))


@st.composite
def users(draw: st.DrawFn) -> Session:
    """Generate sessions that are signed in by one factor."""
    guest = draw(guests())
    since = draw(st.integers(guest.created_at, guest.seen_at))
    first = draw(kinds)
    return evolve(
        guest,
        state=State.AUTHENTICATED,
        former_proof=draw(proofs),
        subject=SUBJECTS[0],
        first=first,
        methods=METHODS[first],
        needs=draw(needs),
        epoch=draw(epochs),
        authenticated_at=since,
        since=since,
        lifetime=guest.seen_at - since + draw(spans),
        not_after=draw(st.just(NEVER) | spans.map(lambda span: guest.seen_at + span)),
        remembered=draw(st.booleans()),
        upstream=draw(upstreams),
        label=draw(labels),
    )


@st.composite
def strong_users(draw: st.DrawFn) -> Session:
    """Generate sessions with a second factor, proved before or after the last proof of the first."""
    user = draw(users())
    second = draw(kinds.filter(lambda kind: kind is not user.first))
    return evolve(
        user,
        state=State.MFA_SATISFIED,
        second=second,
        mfa_methods=METHODS[second],
        mfa_at=draw(st.integers(user.created_at, user.seen_at)),
    )


@st.composite
def tombstones(draw: st.DrawFn, state: State) -> Session:
    """Generate sessions that ended so; only a signed-in one can be reset."""
    lived: Session = draw(sessions(*(LIVE[1:] if state is State.RESET else LIVE)))
    return evolve(
        lived,
        state=state,
        reason=draw(st.sampled_from(REASONS[state])),
        ended_at=lived.seen_at + draw(st.just(0) | spans),
        data=(),
        activities=(),
    )


@st.composite
def moments(draw: st.DrawFn, session: Session) -> Moment:
    """Generate moments for this session, as ``moment_for`` builds them: while it lives, near a deadline, or later."""
    seen = session.seen_at
    idle, lifetime = draw(_mostly(session.idle, draw(spans))), draw(_mostly(session.lifetime, draw(spans)))
    mfa_lifetime = max(seen - session.mfa_at, 0) + draw(spans)
    due = [seen + session.idle, seen + idle, session.since + session.lifetime, session.since + lifetime]
    due += [at for at in (session.not_after, session.mfa_at + mfa_lifetime) if at < NEVER]
    alive = st.integers(seen, max(seen, min(due) - 1))
    near = st.builds(int.__add__, st.sampled_from(due), st.integers(-1, 1))
    late = spans.map(lambda span: seen + span)
    return Moment(
        at=max(draw(alive | near | late), seen),
        epoch=session.epoch + draw(st.sampled_from((0, 0, 1))),
        cause=draw(st.sampled_from(RESETTING + LOGGING_OUT)),
        idle=idle,
        lifetime=lifetime,
        mfa_lifetime=mfa_lifetime,
    )


@st.composite
def events(draw: st.DrawFn, session: Session, moment: Moment) -> Event:
    """Generate events at this moment, mostly about this session; credential events rotate away from its proof."""
    drawn: tuple[SearchStrategy[Event], ...] = (
        _log_in(session, moment),
        _satisfy_mfa(session),
        _reauthenticate(session, moment),
        _restamp(session, moment),
        _write(),
        st.just(Touch()),
        st.just(Tick()),
        st.sampled_from(SINGLE_ENDS).map(LogOut),
    )
    # Tick has more rows than any other event.
    return draw(draw(st.sampled_from((*drawn, st.just(Tick()), st.just(Tick())))))


@st.composite
def situations(draw: st.DrawFn, *states: State) -> tuple[Session, Event, Moment]:
    """Generate everything that a step depends on, for a session in one of these states.

    Without states it is mostly a live one.
    """
    session = draw(sessions(*states or LIVE * 3 + ENDS))
    moment = draw(moments(session))
    return session, draw(events(session, moment)), moment


T = TypeVar("T")


def _mostly(usual: T, *others: T) -> SearchStrategy[T]:
    return st.sampled_from((usual,) * 7 + others)


def _about(draw: st.DrawFn, session: Session) -> dict[str, Any]:
    """Draw what all credential events say: mostly this session and its subject, always a new proof."""
    return {
        "subject": draw(_mostly(session.subject or SUBJECTS[0], SUBJECTS[1])),
        "sid": draw(_mostly(SIDS[0], SIDS[1])),
        "proof": draw(proofs.filter(lambda proof: proof != session.proof)),
        "former_proof": session.proof,
    }


@st.composite
def _log_in(draw: st.DrawFn, session: Session, moment: Moment) -> LogIn:
    first, second = draw(_mostly(Kind.KNOWLEDGE, Kind.INHERENCE, Kind.NONE)), draw(st.sampled_from((Kind.NONE, *KINDS)))
    return LogIn(
        **_about(draw, session),
        epoch=draw(_mostly(moment.epoch, moment.epoch + 1)),
        first=first,
        second=second,
        methods=METHODS[first],
        mfa_methods=METHODS[second],
        needs=draw(needs),
        remembered=draw(st.booleans()),
        idle=draw(spans),
        lifetime=draw(spans),
        not_after=draw(st.just(NEVER) | spans.map(lambda span: moment.at + span)),
        upstream=draw(upstreams),
        label=draw(labels),
    )


@st.composite
def _satisfy_mfa(draw: st.DrawFn, session: Session) -> SatisfyMfa:
    kind = draw(st.sampled_from((Kind.NONE, *KINDS)))
    return SatisfyMfa(**_about(draw, session), kind=kind, methods=METHODS[kind])


@st.composite
def _reauthenticate(draw: st.DrawFn, session: Session, moment: Moment) -> Reauthenticate:
    return Reauthenticate(**_about(draw, session), epoch=draw(_mostly(moment.epoch, moment.epoch + 1)))


@st.composite
def _restamp(draw: st.DrawFn, session: Session, moment: Moment) -> Restamp:
    was, epoch = draw(_mostly(session.epoch, moment.epoch)), draw(_mostly(moment.epoch, session.epoch))
    return Restamp(**_about(draw, session), was=was, epoch=epoch)


@st.composite
def _write(draw: st.DrawFn) -> Write:
    changes = draw(st.dictionaries(st.sampled_from("abc"), st.sampled_from((None, "2", "[]"))))
    activities = draw(st.lists(st.just('{"what": "added"}'), max_size=3))
    return Write(changes=tuple(changes.items()), activities=tuple(activities), keep=draw(st.integers(1, 3)))
