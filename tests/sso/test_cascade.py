"""Ends travel as the cascade says: the table against a second reading, and the plans that are made of it."""

import pytest
from attrs import evolve
from tests.sso.cells import ALICE, GUEST, ONE, SESSIONS

from sessioncore import Reason
from sessioncore.sso import (
    CASCADE,
    SILENT_RESULTS,
    AfterSilence,
    AskUpstream,
    EndAll,
    EndSession,
    ErrorCode,
    Fate,
    Happening,
    Layer,
    LogoutEffect,
    LogoutToken,
    NotifySession,
    NotifySubject,
    cascade_of,
    ends,
    on_silent_result,
    plan_logout,
    subject_of,
)

H, A, S, P = Happening, Layer.APPLICATION, Layer.SERVER, Layer.PROVIDER
IDP = ("https://idp.example", "s1")
HELD = evolve(ONE, upstream=IDP)

# Read from the two logout specifications, layer by layer: which events end a session there, and for which reason.
# (An application's own logout is not in its column: that speaks of the others on the same server session.)
ENDED: dict[Layer, dict[Happening, Reason | None]] = {
    A: {
        **dict.fromkeys((H.RP_LOGOUT, H.FEDERATED_LOGOUT, H.PROVIDER_LOGOUT, H.SERVER_EXPIRY), Reason.IDP),
        **dict.fromkeys((H.PASSWORD_RESET, H.ADMIN_REVOKES, H.REPLACEMENT), Reason.IDP),
    },
    S: {
        H.RP_LOGOUT: Reason.RP,
        H.FEDERATED_LOGOUT: Reason.RP,
        H.PROVIDER_LOGOUT: Reason.IDP,
        H.SERVER_EXPIRY: None,  # idle or lifetime: the session says which
        H.REPLACEMENT: Reason.REPLACED,
        H.PASSWORD_RESET: Reason.PASSWORD_RESET,
        H.ADMIN_REVOKES: Reason.ADMIN,
    },
    P: {H.FEDERATED_LOGOUT: Reason.RP, H.PROVIDER_LOGOUT: Reason.USER},
}
WHOLE_SUBJECT = {(H.PASSWORD_RESET, A), (H.PASSWORD_RESET, S)}


@pytest.mark.parametrize("layer", Layer)
@pytest.mark.parametrize("happening", Happening)
def test_every_cell_is_as_the_specifications_read(happening: Happening, layer: Layer) -> None:
    cell = cascade_of(happening).at(layer)

    assert cell.fate.ends == (happening in ENDED[layer])
    assert cell.reason == ENDED[layer].get(happening)
    assert (cell.fate in (Fate.ALL_END, Fate.ALL_ARE_TOLD)) == ((happening, layer) in WHOLE_SUBJECT)


def test_every_event_has_one_row_and_every_row_its_clause() -> None:
    assert [row.on for row in CASCADE] == list(Happening)
    assert all("Logout 1.0, " in row.clause for row in CASCADE)


PLANS: dict[tuple[Happening, Layer], list[LogoutEffect]] = {
    (H.LOCAL_LOGOUT, A): [EndSession(ONE.sid, Reason.USER)],
    (H.RP_LOGOUT, A): [EndSession(ONE.sid, Reason.USER), AskUpstream(IDP)],
    (H.FEDERATED_LOGOUT, A): [EndSession(ONE.sid, Reason.USER), AskUpstream(IDP, federated=True)],
    (H.PROVIDER_LOGOUT, A): [EndSession(ONE.sid, Reason.IDP)],
    (H.LOCAL_LOGOUT, S): [],
    (H.RP_LOGOUT, S): [EndSession(ONE.sid, Reason.RP), NotifySession(ONE.sid, ALICE)],
    (H.FEDERATED_LOGOUT, S): [
        EndSession(ONE.sid, Reason.RP),
        NotifySession(ONE.sid, ALICE),
        AskUpstream(IDP, federated=True),
    ],
    (H.PROVIDER_LOGOUT, S): [EndSession(ONE.sid, Reason.IDP), NotifySession(ONE.sid, ALICE)],
    (H.SERVER_EXPIRY, S): [NotifySession(ONE.sid, ALICE)],
    (H.REPLACEMENT, S): [EndSession(ONE.sid, Reason.REPLACED), NotifySession(ONE.sid, ALICE)],
    (H.PASSWORD_RESET, S): [EndAll(ALICE, Reason.PASSWORD_RESET), NotifySubject(ALICE)],
    (H.ADMIN_REVOKES, S): [EndSession(ONE.sid, Reason.ADMIN), NotifySession(ONE.sid, ALICE)],
    (H.PROVIDER_LOGOUT, P): [EndSession(ONE.sid, Reason.USER), NotifySession(ONE.sid, ALICE)],
    (H.FEDERATED_LOGOUT, P): [EndSession(ONE.sid, Reason.RP)],
}


@pytest.mark.parametrize(("happening", "layer"), PLANS)
def test_a_plan_ends_its_own_session_first_then_tells_then_asks(happening: Happening, layer: Layer) -> None:
    assert plan_logout(HELD, happening, layer) == PLANS[happening, layer]


@pytest.mark.parametrize("happening", Happening)
@pytest.mark.parametrize("layer", Layer)
def test_being_out_already_is_no_error_and_is_told_again(happening: Happening, layer: Layer) -> None:
    out = SESSIONS["logged out"][0]
    plan = plan_logout(out, happening, layer)

    assert plan_logout(None, happening, layer) == []
    assert [effect for effect in plan if isinstance(effect, EndSession)] == []
    assert any(isinstance(effect, NotifySession) for effect in plan) == any(
        isinstance(effect, NotifySession) for effect in plan_logout(HELD, happening, layer)
    )


@pytest.mark.parametrize("happening", Happening)
def test_a_guest_has_nobody_to_tell(happening: Happening) -> None:
    told = (NotifySession, NotifySubject, EndAll)

    assert [effect for effect in plan_logout(GUEST, happening) if isinstance(effect, told)] == []


# -- logout tokens -----------------------------------------------------------------------------------------


def test_without_a_sid_a_token_ends_every_session_of_the_issuer_s_subject() -> None:
    own = evolve(ONE, subject=subject_of(IDP[0], "a1"), upstream=IDP)
    token = LogoutToken(issuer=IDP[0], sub="a1")

    assert ends(token, own)
    assert ends(token, evolve(own, upstream=(IDP[0], "s2")))
    assert ends(token, evolve(own, upstream=(IDP[0], "")))
    assert not ends(token, evolve(own, upstream=("", "")))
    assert not ends(token, evolve(own, subject=subject_of("https://other.example", "a1")))


def test_with_a_sid_a_token_ends_that_session_and_only_if_the_subject_is_its_own() -> None:
    own = evolve(ONE, subject=subject_of(IDP[0], "a1"), upstream=IDP)

    assert ends(LogoutToken(issuer=IDP[0], sid="s1"), own)
    assert ends(LogoutToken(issuer=IDP[0], sid="s1", sub="a1"), own)
    assert not ends(LogoutToken(issuer=IDP[0], sid="s1", sub="b2"), own)
    assert not ends(LogoutToken(issuer=IDP[0], sid="s2", sub="a1"), own)
    assert not ends(LogoutToken(issuer="https://other.example", sid="s1"), own)


# -- silent results ----------------------------------------------------------------------------------------


def test_only_login_required_ends_the_application_s_session() -> None:
    ended = {error for error in (*ErrorCode, "", "server_error", "temporarily_unavailable", None) if _ended(error)}

    assert ended == {ErrorCode.LOGIN_REQUIRED}
    assert on_silent_result("") is AfterSilence.RENEWED
    assert on_silent_result(None) is AfterSilence.STAYS
    assert {row.error for row in SILENT_RESULTS} == {"", *ErrorCode}


def _ended(error: str | None) -> bool:
    return on_silent_result(error) is AfterSilence.ENDED
