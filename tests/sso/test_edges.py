"""The sharp edges of a decision, one by one: what the cells of the table only meet together."""

from typing import Any

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError
from tests.sso.cells import (
    ALICE,
    BOB,
    CLASSES,
    EPOCH,
    GOLD,
    GUEST,
    ISSUER,
    LOGIN_AT,
    MFA,
    NOW,
    ONE,
    OUTDATED,
    POLICY,
    PWD,
    RESET,
    TWO,
)

from sessioncore import NEVER, InvalidSetting, LogIn, LogOut, Policy, Reauthenticate, Session, State, step
from sessioncore.sso import (
    INVALID_HINT,
    AuthenticationRequest,
    ErrorCode,
    Grant,
    Hint,
    HintStanding,
    Interact,
    Interaction,
    Refuse,
    ServerPolicy,
    Transaction,
    decide,
    moment_for,
    read_request,
    recorded_as,
)
from sessioncore.sso.case import NOBODY
from sessioncore.sso.server import Level

SERVER = ServerPolicy(issuer=ISSUER, acrs=CLASSES)
MOMENT = moment_for(ONE, EPOCH, NOW, POLICY)
OUT = step(ONE, LogOut(), MOMENT)
PLAIN = AuthenticationRequest()


def decided(request: AuthenticationRequest, session: Session | None = ONE, server: ServerPolicy = SERVER) -> Any:
    """Decide at the usual moment, with nothing done yet."""
    return decide(session, request, Transaction(), moment_for(session, EPOCH, NOW, POLICY), server)


# -- the server's own rules ----------------------------------------------------------------------------------


def test_a_server_that_says_nothing_asks_for_little_and_offers_nothing() -> None:
    assert ServerPolicy() == ServerPolicy(
        issuer="", mfa=False, consented=True, can_step_up=True, offers_step_up=False, acrs=()
    )


def test_levels_are_in_order_and_none_reaches_the_unknown() -> None:
    assert [(level.name, level.value) for level in Level] == [
        ("ANY", 0),
        ("ONE_FACTOR", 1),
        ("TWO_FACTORS", 2),
        ("UNKNOWN", 3),
    ]


def test_of_the_classes_asked_for_the_least_counts() -> None:
    levels = [SERVER.level_of(values) for values in ((), (PWD,), (MFA,), (MFA, PWD), (GOLD,), (GOLD, MFA))]

    assert levels == [0, 1, 2, 1, 3, 2]


@pytest.mark.parametrize(
    ("level", "values", "acr"),
    [
        (Level.ONE_FACTOR, (), PWD),
        (Level.TWO_FACTORS, (), MFA),
        (Level.TWO_FACTORS, (PWD,), PWD),
        (Level.TWO_FACTORS, (PWD, MFA), PWD),
        (Level.ONE_FACTOR, (MFA, PWD), PWD),
        (Level.ONE_FACTOR, (MFA,), PWD),
        (Level.ANY, (PWD,), ""),
    ],
)
def test_a_token_says_the_first_class_asked_for_that_is_met_else_the_best(
    level: Level, values: tuple[str, ...], acr: str
) -> None:
    assert SERVER.acr_of(level, values) == acr


@pytest.mark.parametrize("pair", [("a b", State.AUTHENTICATED), ("", State.AUTHENTICATED), (1, State.AUTHENTICATED)])
def test_a_class_is_a_word(pair: Any) -> None:
    with pytest.raises(InvalidSetting) as raised:
        ServerPolicy(acrs=(pair,))

    assert str(raised.value).startswith(f"ServerPolicy.acrs = {pair!r}")


@pytest.mark.parametrize("state", [State.CREATED, State.EXPIRED, "gold"])
def test_a_class_is_met_by_a_state_in_which_somebody_is_signed_in(state: Any) -> None:
    with pytest.raises(InvalidSetting, match=r"State\.MFA_SATISFIED"):
        ServerPolicy(acrs=((GOLD, state),))


def test_classes_may_be_written_as_lists() -> None:
    assert ServerPolicy(acrs=[[PWD, State.AUTHENTICATED]]).acrs == ((PWD, State.AUTHENTICATED),)


# -- a request -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", ["none", "login", "select_account", "consent"])
def test_all_four_prompts_are_known_beside_none(prompt: str) -> None:
    request = read_request({"prompt": f"none {prompt}"})

    assert request.fault == ""  # the table refuses it, by its own row
    assert read_request({"prompt": "consent login none select_account"}).fault == ""
    assert read_request({"prompt": "none create"}).fault == "prompt: none stands alone or not at all"


def test_twelve_digits_are_seconds_and_more_are_longer_than_any_session() -> None:
    assert read_request({"max_age": "9" * 12}).max_age == (10**12 - 1) * 1_000
    assert read_request({"max_age": "1" + "0" * 12}).max_age == NEVER
    assert read_request({"max_age": "000000000000007"}).max_age == 7_000
    assert read_request({"max_age": "0"}).max_age == 0


def test_the_first_fault_is_the_one_that_is_told() -> None:
    request = read_request({"prompt": "none create", "max_age": "soon", "claims": "{"})

    assert request.fault == "prompt: none stands alone or not at all"
    refused = decided(request)
    assert refused == Refuse(ErrorCode.INVALID_REQUEST, "prompt: none stands alone or not at all")


def test_whom_a_hint_names_goes_before_whom_the_claims_ask_for() -> None:
    asked = evolve(PLAIN, hint=Hint.valid(ALICE, ISSUER), subject=BOB)

    assert asked.subject_asked == ALICE
    assert evolve(PLAIN, subject=BOB).subject_asked == BOB
    assert Hint() == Hint(HintStanding.ABSENT, subject="", issuer="")


# -- a decision ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("session", [None, GUEST, OUT, OUTDATED, evolve(ONE, lifetime=1), evolve(ONE, not_after=NOW)])
def test_nobody_is_signed_in_by_what_is_over(session: Session | None) -> None:
    assert decided(PLAIN, session) == Interact(Interaction.LOG_IN)
    assert decided(evolve(PLAIN, none=True), session).error is ErrorCode.LOGIN_REQUIRED


def test_nobody_is_signed_in_by_what_was_reset() -> None:
    moment = moment_for(ONE, RESET, NOW, POLICY)

    assert decide(ONE, PLAIN, Transaction(), moment, SERVER) == Interact(Interaction.LOG_IN)


def test_a_login_is_too_old_once_it_is_older_than_was_asked() -> None:
    just = evolve(PLAIN, max_age=NOW - LOGIN_AT)

    assert isinstance(decided(just), Grant)
    assert decided(evolve(just, max_age=NOW - LOGIN_AT - 1)) == Interact(Interaction.REAUTHENTICATE, ALICE)


@pytest.mark.parametrize("hint", [INVALID_HINT, Hint.valid(ALICE, "https://other.example")])
def test_a_hint_has_to_be_this_issuers(hint: Hint) -> None:
    refused = decided(evolve(PLAIN, hint=hint))

    assert refused.error is ErrorCode.INVALID_REQUEST
    assert refused.why == "The id_token_hint is not one that this issuer signed."
    assert isinstance(decided(evolve(PLAIN, hint=Hint.valid(ALICE, ISSUER))), Grant)


def test_an_age_below_zero_cannot_be_asked_for() -> None:
    assert decided(evolve(PLAIN, max_age=-1)).error is ErrorCode.INVALID_REQUEST
    assert decided(evolve(PLAIN, max_age=0)) == Interact(Interaction.LOG_IN)


def test_a_page_is_for_whom_the_client_means() -> None:
    """To log in may mean somebody else; whoever has to do something about a session is its subject."""
    assert decided(evolve(PLAIN, subject=BOB)) == Interact(Interaction.LOG_IN, BOB)
    assert decided(evolve(PLAIN, consent=True)) == Interact(Interaction.CONSENT, ALICE)


def test_an_essential_class_nobody_can_reach_is_unmet_and_a_met_one_is_no_matter() -> None:
    unable = evolve(SERVER, can_step_up=False)
    essential = evolve(PLAIN, acr_values=(MFA,), acr_essential=True)

    assert decided(essential, server=unable).error is ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS
    assert decided(essential) == Interact(Interaction.STEP_UP, ALICE)
    assert isinstance(decided(evolve(essential, acr_values=(PWD,)), server=unable), Grant)
    assert decided(evolve(essential, acr_values=(GOLD,)), TWO).error is ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS
    assert isinstance(decided(evolve(essential, acr_values=(GOLD,), acr_essential=False), TWO), Grant)


def test_a_wish_is_offered_where_it_can_be_met_and_the_server_offers() -> None:
    offering = evolve(SERVER, offers_step_up=True)
    wish = evolve(PLAIN, acr_values=(MFA,))

    assert decided(wish, server=offering) == Interact(Interaction.OFFER_STEP_UP, ALICE)
    assert isinstance(decided(wish), Grant)
    assert isinstance(decided(PLAIN, server=offering), Grant)
    assert isinstance(decided(wish, TWO, offering), Grant)
    assert isinstance(decided(wish, server=evolve(offering, can_step_up=False)), Grant)


def test_a_grant_says_what_was_proved_and_how() -> None:
    at = LOGIN_AT // 1_000

    assert decided(PLAIN) == Grant(subject=ALICE, auth_time=at, acr=PWD, amr=("pwd",))
    assert decided(PLAIN, TWO) == Grant(subject=ALICE, auth_time=at, acr=MFA, amr=("pwd", "otp"))
    lapsed = moment_for(TWO, EPOCH, NOW, Policy(mfa_lifetime=60_000))
    assert decide(TWO, PLAIN, Transaction(), lapsed, SERVER) == decided(PLAIN)
    assert Grant(subject=ALICE, auth_time=at).acr == ""


def test_nobody_s_session_is_empty_and_was_over_before_it_began() -> None:
    assert Session(sid="", proof="", created_at=0, seen_at=0, since=0, idle=0, lifetime=0) == NOBODY
    assert NOBODY.deadline == 0


def test_an_answer_is_a_value() -> None:
    refused = Refuse(ErrorCode.LOGIN_REQUIRED)

    assert refused.why == ""
    with pytest.raises(FrozenInstanceError):
        refused.why = "otherwise"  # type: ignore[misc]


# -- a transaction -------------------------------------------------------------------------------------------


def test_nobody_has_done_anything_yet() -> None:
    assert Transaction() == Transaction(logged_in="", selected="", stepped_up="", offered="", consented="")


@pytest.mark.parametrize("session", [None, OUT, evolve(ONE, subject=BOB)])
def test_who_begins_anew_logs_in_whatever_the_page_was(session: Session | None) -> None:
    done = Transaction(stepped_up=ALICE)

    assert recorded_as(session, done, Interaction.REAUTHENTICATE, ALICE) is LogIn
    assert recorded_as(ONE, done, Interaction.LOG_IN, ALICE) is Reauthenticate
    assert recorded_as(ONE, Transaction(), Interaction.LOG_IN, ALICE) is LogIn
