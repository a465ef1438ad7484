"""What may happen: the policies, and Hypothesis' choice of requests."""

from typing import Final

from attrs import evolve
from hypothesis import strategies as st

from sessioncore import NEVER, Limits, Policy, Reason, State
from sessioncore.policy import MINUTE, SECOND

from ..clock import START

NORMAL: Final = Policy(
    guest=Limits(idle=30 * MINUTE, lifetime=45 * MINUTE),
    login=Limits(idle=20 * MINUTE, lifetime=30 * MINUTE),
    remembered=Limits(idle=40 * MINUTE, lifetime=60 * MINUTE),
    mfa_lifetime=15 * MINUTE,
    touch_every=20 * SECOND,
    max_sessions=2,
    max_activities=3,
)
STRICT: Final = evolve(NORMAL, login=Limits(idle=15 * MINUTE, lifetime=20 * MINUTE), mfa_lifetime=10 * MINUTE)

BROWSERS: Final = st.integers(0, 2)
SUBJECTS: Final = st.sampled_from(["alice", "bob"])
KEYS: Final = st.sampled_from(["theme", "page"])
VALUES: Final = st.one_of(st.integers(0, 3), st.just({"a": [1]}))
FIRST_FACTORS: Final = st.sampled_from([("pwd",), ("pwd",), ("otp",), ("pwd", "pin"), ("hwk", "pin")])
SECOND_FACTORS: Final = st.sampled_from(["otp", "otp", "pwd", "fpt"])
NEEDS: Final = st.sampled_from([State.AUTHENTICATED, State.MFA_SATISFIED])
CAUSES: Final = st.sampled_from([Reason.ADMIN, Reason.USER_ALL, Reason.ACCOUNT_DELETED, Reason.PASSWORD_CHANGE])
PICKS: Final = st.integers(0, 999)

LOGINS: Final = st.builds(
    lambda subject, methods, remember, needs, not_after: (
        ("attempt", subject),
        ("log_in", list(methods), remember, needs.value, not_after),
    ),
    SUBJECTS,
    FIRST_FACTORS,
    st.booleans(),
    NEEDS,
    st.sampled_from([NEVER, NEVER, START + 5 * MINUTE, START + 45 * MINUTE]),
)
WRITES: Final = st.one_of(
    st.builds(lambda key, value: (("set", key, value),), KEYS, VALUES),
    st.builds(lambda value: (("append", "cart", value),), st.integers(0, 3)),
    st.builds(lambda key: (("drop", key),), KEYS),
    st.builds(lambda what: (("record", what),), st.sampled_from("abc")),
)
CREDENTIALS: Final = st.one_of(
    LOGINS,
    st.builds(lambda method: (("satisfy_mfa", method),), SECOND_FACTORS),
    st.just((("reauthenticate", "pwd"),)),
    st.just((("log_out",),)),
)
PARTS: Final = st.one_of(WRITES, WRITES, CREDENTIALS)
KEEPING: Final = st.sampled_from([("password_changed",), ("end_others",)])
ALONE: Final = st.builds(lambda write, keep, after: (*write, keep, *after), WRITES, KEEPING, WRITES)
MEDLEYS: Final = st.lists(PARTS, max_size=3).map(lambda parts: tuple(verb for part in parts for verb in part))
RACERS: Final = st.one_of(
    WRITES,
    LOGINS,
    st.sampled_from([(("satisfy_mfa", "otp"),), (("reauthenticate", "pwd"),), (("log_out",),)]),
)
REQUESTS: Final = st.one_of(MEDLEYS, MEDLEYS, MEDLEYS, ALONE, KEEPING.map(lambda keep: (keep,)))
