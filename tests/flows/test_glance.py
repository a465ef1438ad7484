"""A glance answers as the guards do, at every boundary of every limit, and so does the short answer before it."""

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sessioncore import NEVER, Epoch, Limits, Policy, Reason, Session, State, moment_for
from sessioncore.flows import Standing, at_rest, glance, proof_of
from sessioncore.guards import quiet
from sessioncore.policy import touch_due

SECRET = "s" * 43
POLICY = Policy(
    guest=Limits(100, 300), login=Limits(60, 200), remembered=Limits(80, 250), mfa_lifetime=90, touch_every=10
)
USER = Session(
    sid="a" * 22,
    proof=proof_of(SECRET),
    state=State.AUTHENTICATED,
    subject="alice",
    epoch=7,
    created_at=1_000,
    authenticated_at=1_000,
    seen_at=1_000,
    since=1_000,
    idle=60,
    lifetime=200,
)
EPOCHS = (None, Epoch(value=7), Epoch(value=8, cause=Reason.PASSWORD_RESET))


@st.composite
def rows(draw: st.DrawFn) -> Session:
    """Draw a row in any state, with limits below, at and above the policy's."""
    since = 1_000 + draw(st.integers(0, 250))
    return evolve(
        USER,
        state=draw(st.sampled_from(State)),
        since=since,
        seen_at=since + draw(st.integers(0, 250)),
        mfa_at=draw(st.sampled_from((NEVER, since, since + 30))),
        idle=draw(st.sampled_from((50, 60, 80, 100))),
        lifetime=draw(st.sampled_from((150, 200, 250, 300))),
        not_after=draw(st.sampled_from((NEVER, since + 120))),
        remembered=draw(st.booleans()),
        epoch=draw(st.sampled_from((0, 7))),
    )


@st.composite
def instants(draw: st.DrawFn, row: Session) -> int:
    """Draw an instant next to one of the row's boundaries, on either side."""
    limits = POLICY.limits_of(row)
    anchors = (
        row.seen_at,
        row.seen_at + row.idle,
        row.seen_at + limits.idle,
        row.since + row.lifetime,
        row.since + limits.lifetime,
        min(row.not_after, row.seen_at + 10),
        row.seen_at if row.mfa_at == NEVER else row.mfa_at + POLICY.mfa_lifetime,
    )
    return draw(st.sampled_from(anchors)) + draw(st.integers(-1, 1))


@settings(max_examples=1_000)
@given(case=rows().flatmap(lambda row: st.tuples(st.just(row), instants(row))), epoch=st.sampled_from(EPOCHS))
@example(case=(USER, 1_000), epoch=EPOCHS[1])
@example(case=(USER, 1_059), epoch=EPOCHS[1])
@example(case=(USER, 1_060), epoch=EPOCHS[1])
@example(case=(USER, 999), epoch=EPOCHS[1])
@example(case=(USER, 1_000), epoch=EPOCHS[2])
@example(case=(USER, 1_000), epoch=None)
def test_a_glance_finds_a_session_current_exactly_when_it_is_quiet(
    case: tuple[Session, int], epoch: Epoch | None
) -> None:
    """The short cut for the steady request is no second opinion."""
    row, at = case

    judged = glance(row, epoch, SECRET, at, POLICY)

    expected = row.live and quiet(row, moment_for(row, epoch, at, POLICY))
    assert expected == (judged is Standing.CURRENT)


@settings(max_examples=1_000)
@given(case=rows().flatmap(lambda row: st.tuples(st.just(row), instants(row))), epoch=st.sampled_from(EPOCHS))
@example(case=(USER, 1_000), epoch=EPOCHS[1])
@example(case=(USER, 1_002), epoch=EPOCHS[1])
@example(case=(USER, 1_003), epoch=EPOCHS[1])
@example(case=(evolve(USER, idle=50), 1_002), epoch=EPOCHS[1])
@example(case=(USER, 999), epoch=EPOCHS[1])
def test_a_session_is_at_rest_exactly_when_it_is_signed_in_and_current_and_no_touch_is_due(
    case: tuple[Session, int], epoch: Epoch | None
) -> None:
    """The short cut for the steady request is no second opinion; a guest's session, and an earlier clock, go round."""
    row, at = case

    rests = at_rest(row, epoch, SECRET, at, POLICY)

    current = glance(row, epoch, SECRET, at, POLICY) is Standing.CURRENT and not touch_due(row, at, POLICY)
    assert (current and row.state is not State.CREATED and at >= row.seen_at) == rests


def test_nothing_is_at_rest_without_its_row_its_epoch_and_its_own_secret() -> None:
    """The former secret's holder is somebody else by now."""
    row, epoch = evolve(USER, former_proof=proof_of("f" * 43)), Epoch(value=7)

    judged = [
        at_rest(row, epoch, SECRET, 1_000, POLICY),
        at_rest(None, None, SECRET, 1_000, POLICY),
        at_rest(None, epoch, SECRET, 1_000, POLICY),
        at_rest(row, None, SECRET, 1_000, POLICY),
        at_rest(row, epoch, "f" * 43, 1_000, POLICY),
        at_rest(row, epoch, "x" * 43, 1_000, POLICY),
    ]

    assert judged == [True, *[False] * 5]


def test_a_clock_that_went_back_makes_no_session_younger() -> None:
    """It was used at an instant at which it is too old by now: what is judged is never earlier than the last use."""
    row = evolve(USER, since=0, seen_at=20, lifetime=15)

    assert glance(row, Epoch(value=7), SECRET, 10, POLICY) is None
    assert not at_rest(row, Epoch(value=7), SECRET, 10, POLICY)


FAR = Policy(
    guest=Limits(10_000, 10_000),
    login=Limits(10_000, 10_000),
    remembered=Limits(10_000, 10_000),
    mfa_lifetime=10_000,
    touch_every=10,
)
LASTING = evolve(USER, idle=10_000, lifetime=10_000)
STRONG = evolve(LASTING, state=State.MFA_SATISFIED, mfa_at=1_000)
USED = evolve(LASTING, seen_at=1_040)


@pytest.mark.parametrize("at", [1_049, 1_050, 1_051])
@pytest.mark.parametrize(
    ("row", "policy"),
    [
        pytest.param(evolve(LASTING, idle=50), FAR, id="its own idle limit"),
        pytest.param(LASTING, evolve(FAR, login=Limits(50, 10_000)), id="today's idle limit"),
        pytest.param(evolve(USED, lifetime=50), FAR, id="its own lifetime"),
        pytest.param(USED, evolve(FAR, login=Limits(50, 50)), id="today's lifetime"),
        pytest.param(evolve(LASTING, not_after=1_050), FAR, id="the upstream bound"),
        pytest.param(STRONG, evolve(FAR, mfa_lifetime=50), id="the second factor's lifetime"),
    ],
)
def test_one_limit_alone_decides_when_the_others_are_far(row: Session, policy: Policy, at: int) -> None:
    """Dead when now >= deadline: in each comparison of the short cut."""
    judged = glance(row, Epoch(value=7), SECRET, at, policy)

    assert (at < 1_050) == (judged is Standing.CURRENT)


# The use of a session is worth a write only long after the instants asked about.
SLOW = evolve(FAR, touch_every=400)


@pytest.mark.parametrize("at", [1_049, 1_050, 1_051])
@pytest.mark.parametrize(
    ("row", "policy"),
    [
        pytest.param(LASTING, evolve(FAR, touch_every=50), id="the span between touches"),
        pytest.param(evolve(LASTING, idle=1_000), SLOW, id="a twentieth of its own idle limit"),
        pytest.param(LASTING, evolve(SLOW, login=Limits(1_000, 10_000)), id="a twentieth of today's idle limit"),
        pytest.param(evolve(USED, lifetime=50), SLOW, id="its own lifetime"),
        pytest.param(evolve(USED, seen_at=1_049), evolve(FAR, login=Limits(50, 50)), id="today's lifetime"),
        pytest.param(evolve(LASTING, not_after=1_050), SLOW, id="the upstream bound"),
        pytest.param(STRONG, evolve(SLOW, mfa_lifetime=50), id="the second factor's lifetime"),
    ],
)
def test_one_limit_alone_ends_the_rest_when_the_others_are_far(row: Session, policy: Policy, at: int) -> None:
    """In each comparison of the short cut."""
    assert (at < 1_050) == at_rest(row, Epoch(value=7), SECRET, at, policy)
