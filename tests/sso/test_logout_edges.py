"""The sharp edges of a logout at the server, one by one: what the cells of the tables only meet together."""

import pytest
from attrs import evolve
from tests.sso.cells import (
    ALICE,
    EPOCH,
    GUEST,
    ISSUER,
    NOW,
    ONE,
    OUTDATED,
    POLICY,
)

from sessioncore import LogOut, Session, step
from sessioncore.sso import (
    AskUpstream,
    EndSession,
    Happening,
    Hint,
    HintStanding,
    Layer,
    LogoutAnswer,
    LogoutRequest,
    LogoutStep,
    client_sid,
    decide_logout,
    moment_for,
    plan_logout,
)

MOMENT = moment_for(ONE, EPOCH, NOW, POLICY)
OUT = step(ONE, LogOut(), MOMENT)
HOME = "https://shop.example/bye"
OURS = client_sid(ONE.sid, "shop")
MEANT = LogoutRequest(
    hint=Hint.valid(ALICE, ISSUER),
    hint_sid=OURS,
    hint_clients=("blog", "shop"),
    redirect_uri=HOME,
    registered=(HOME,),
)


def logout(request: LogoutRequest, session: Session | None = ONE) -> LogoutAnswer:
    """Decide at the usual moment."""
    return decide_logout(session, request, MOMENT, issuer=ISSUER)


def test_a_hint_of_this_session_for_any_of_its_clients_logs_out() -> None:
    """Its audience may name several."""
    answer = logout(MEANT)

    assert answer == LogoutAnswer(
        step=LogoutStep.LOG_OUT,
        redirect_uri=HOME,
        why="The id_token_hint is this session's own, or the user has confirmed.",
    )
    assert logout(evolve(MEANT, hint_sid="")).step is LogoutStep.CONFIRM
    assert logout(evolve(MEANT, hint=evolve(MEANT.hint, standing=HintStanding.ABSENT))).step is LogoutStep.CONFIRM


@pytest.mark.parametrize("session", [None, GUEST, OUT, OUTDATED])
def test_who_is_out_is_out_and_lands_where_they_would(session: Session | None) -> None:
    assert logout(MEANT, session).step is LogoutStep.ALREADY_OUT
    assert logout(MEANT, session).redirect_uri == HOME


def test_nobody_is_sent_to_where_no_client_asked_to_go() -> None:
    nobody_s = LogoutRequest(redirect_uri=HOME, registered=(HOME,), confirmed=True)
    unregistered = LogoutRequest(redirect_uri=HOME, confirmed=True)

    assert logout(nobody_s) == logout(unregistered)
    assert (logout(nobody_s).step, logout(nobody_s).redirect_uri) == (LogoutStep.LOG_OUT, "")
    assert logout(LogoutRequest()).redirect_uri == ""


def test_a_request_says_nothing_that_it_was_not_told() -> None:
    assert LogoutRequest() == LogoutRequest(hint_sid="", hint_clients=(), client_id="", redirect_uri="", registered=())
    assert LogoutAnswer(step=LogoutStep.REFUSE) == LogoutAnswer(step=LogoutStep.REFUSE, redirect_uri="", why="")


def test_only_a_login_by_a_provider_is_asked_to_end_there() -> None:
    hanging = evolve(ONE, upstream=(ISSUER, ""))
    asked = plan_logout(hanging, Happening.RP_LOGOUT, Layer.APPLICATION)

    assert AskUpstream((ISSUER, "")) in asked
    assert AskUpstream((ISSUER, "")) == AskUpstream((ISSUER, ""), federated=False)
    assert not any(
        isinstance(effect, AskUpstream) for effect in plan_logout(ONE, Happening.RP_LOGOUT, Layer.APPLICATION)
    )


def test_what_ends_all_ends_nobody_where_nobody_is() -> None:
    effects = plan_logout(evolve(ONE, subject=""), Happening.PASSWORD_RESET)

    assert not any(isinstance(effect, EndSession) for effect in effects)
