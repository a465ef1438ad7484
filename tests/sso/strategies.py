"""Sessions, requests and servers of every kind, as Hypothesis makes them."""

from typing import Final

from hypothesis import strategies as st
from tests.sso.cells import ALICE, BOB, CLASSES, GOLD, ISSUER, LOGIN_AT, MFA, PWD, SESSIONS
from tests.sso.stories import Beginning

from sessioncore.sso import INVALID_HINT, NO_HINT, AuthenticationRequest, Hint, ServerPolicy, read_request

AGES: Final = st.sampled_from((0, 1, 999, 1_000, 59_999, 60_000, 60_001, 600_000, 700_000))
PROMPTS: Final = st.lists(st.sampled_from(("login", "consent", "select_account", "create")), unique=True).map(" ".join)
HINTS: Final = st.sampled_from(
    (NO_HINT, Hint.valid(ALICE, ISSUER), Hint.valid(BOB, ISSUER), Hint.valid(ALICE, "https://other"), INVALID_HINT)
)


@st.composite
def requests(draw: st.DrawFn, *, silent: bool | None = None) -> AuthenticationRequest:
    """Make a request of raw parameters, malformed ones included."""
    quiet = draw(st.booleans()) if silent is None else silent
    raw = {
        "prompt": "none" if quiet else draw(PROMPTS),
        "max_age": draw(st.sampled_from((None, None, "0", "1", "60", "600", "999999999999999", "-1", "1.5"))),
        "acr_values": draw(st.sampled_from((None, PWD, MFA, GOLD, f"{GOLD} {MFA}"))),
        "claims": draw(
            st.sampled_from(
                (
                    *(None, None, "{", '{"id_token": {"sub": {"value": "bob"}}}'),
                    f'{{"id_token": {{"acr": {{"essential": true, "values": ["{MFA}"]}}}}}}',
                    f'{{"id_token": {{"acr": {{"essential": true, "value": "{GOLD}"}}}}}}',
                    f'{{"id_token": {{"acr": {{"essential": true, "value": "{PWD}"}}}}}}',
                )
            )
        ),
    }
    return read_request({name: text for name, text in raw.items() if text is not None}, hint=draw(HINTS))


@st.composite
def servers(draw: st.DrawFn) -> ServerPolicy:
    """Make a server's rules."""
    flag = st.booleans()
    return ServerPolicy(
        issuer=ISSUER,
        mfa=draw(flag),
        consented=draw(flag),
        can_step_up=draw(flag),
        offers_step_up=draw(flag),
        acrs=draw(st.sampled_from((CLASSES, (), CLASSES[:1]))),
    )


@st.composite
def beginnings(draw: st.DrawFn, *, silent: bool | None = None) -> Beginning:
    """Make a request that finds a server, a session of some kind and age, and a user who takes their time."""
    kind = draw(st.sampled_from(sorted(SESSIONS)))
    session, epoch = SESSIONS[kind]
    at = LOGIN_AT + (700_000 if kind == "expired late" else draw(AGES))
    return Beginning(
        session=session,
        epoch=epoch,
        request=draw(requests(silent=silent)),
        policy=draw(servers()),
        at=at,
        page_time=draw(st.sampled_from((0, 1, 1_000, 61_000, 1_000_000))),
        user=draw(st.sampled_from((ALICE, ALICE, BOB))),
    )
