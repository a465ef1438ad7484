"""A request to log out changes nothing unless it is known to be the user's: every cell, against a second reading."""

from itertools import product

import pytest
from attrs import evolve
from tests.sso.cells import ALICE, BOB, EPOCH, ISSUER, NOW, ONE, POLICY, SESSIONS

from sessioncore.sso import (
    INVALID_HINT,
    NO_HINT,
    Hint,
    LogoutAnswer,
    LogoutRequest,
    LogoutStep,
    client_sid,
    decide_logout,
    logout_request,
    moment_for,
)

HOME, CLIENT = "https://shop.example/bye", "shop"
MOMENT = moment_for(ONE, EPOCH, NOW, POLICY)
HINTS = {
    "absent": NO_HINT,
    "invalid": INVALID_HINT,
    "other issuer": Hint.valid(ALICE, "https://other"),
    "own": Hint.valid(ALICE, ISSUER),
    "own, of another session": Hint.valid(ALICE, ISSUER),
    "another's": Hint.valid(BOB, ISSUER),
}
REDIRECTS = {"none": "", "registered": HOME, "longer": HOME + "/", "foreign": "https://evil.example"}
CLIENTS = {"not named": "", "named": CLIENT, "another named": "blog"}
STANDING = {"signed in": ONE, "absent": None, "guest": SESSIONS["created"][0], "ended": SESSIONS["logged out"][0]}
WORDS = (STANDING, HINTS, CLIENTS, REDIRECTS, (False, True))


def answered(session: str, hint: str, client: str, redirect: str, confirmed: bool) -> LogoutAnswer:
    """Answer by the library."""
    verified = hint not in ("absent", "invalid", "other issuer")
    sid = client_sid(ONE.sid if hint != "own, of another session" else "z" * 22, CLIENT)
    request = LogoutRequest(
        hint=HINTS[hint],
        hint_sid=sid if verified else "",
        hint_clients=(CLIENT,) if verified else (),
        client_id=CLIENTS[client],
        redirect_uri=REDIRECTS[redirect],
        registered=(HOME,) if client != "not named" or verified else (),
        confirmed=confirmed,
    )
    return decide_logout(STANDING[session], request, MOMENT, issuer=ISSUER)


def reading(session: str, hint: str, client: str, redirect: str, confirmed: bool) -> tuple[str, str]:
    """Say what RP-Initiated Logout 1.0 wants: may anything be done, does anybody have to be asked, whither then."""
    known = client != "not named" or hint in ("own", "own, of another session", "another's")
    trusted = hint not in ("invalid", "other issuer")  # 2: the OP MUST validate that it was the issuer
    fits = not (client == "another named" and hint not in ("absent", "invalid", "other issuer"))  # 2: client_id
    lands = redirect == "none" or not known or redirect == "registered"  # 3: exactly one that was registered
    if not (trusted and fits and lands):
        return "refuse", ""
    whither = HOME if redirect == "registered" and known else ""
    if session != "signed in":  # 4: "explicitly not an error"
        return "already_out", whither
    # 6: logout requests without a valid hint "are a potential means of denial of service": ask first.
    return ("log_out" if confirmed or hint == "own" else "confirm"), whither


def test_every_cell_is_as_the_specification_reads() -> None:
    cells = list(product(*WORDS))
    differing = [cell for cell in cells if reading(*cell) != _said(answered(*cell))]

    assert differing == []
    assert {answered(*cell).step for cell in cells} == set(LogoutStep)


def _said(answer: LogoutAnswer) -> tuple[str, str]:
    return answer.step.value, answer.redirect_uri


@pytest.mark.parametrize("row", logout_request.LOGOUT_REQUESTS, ids=lambda row: row.condition.__name__)
def test_every_row_counts(row: logout_request.LogoutRow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any one of them some cell is answered otherwise than the specification reads, or not at all."""
    fewer = tuple(other for other in logout_request.LOGOUT_REQUESTS if other is not row)
    monkeypatch.setattr(logout_request, "LOGOUT_REQUESTS", fewer)

    assert any(_tried(cell) != reading(*cell) for cell in product(*WORDS))


def _tried(cell: tuple[str, str, str, str, bool]) -> tuple[str, str]:
    try:
        return _said(answered(*cell))
    except StopIteration:
        return "nothing", ""


def test_a_hint_without_a_sid_does_not_show_that_this_session_is_meant() -> None:
    request = LogoutRequest(hint=Hint.valid(ALICE, ISSUER), hint_clients=(CLIENT,))

    assert decide_logout(ONE, request, MOMENT, issuer=ISSUER).step is LogoutStep.CONFIRM
    assert decide_logout(ONE, evolve(request, confirmed=True), MOMENT, issuer=ISSUER).step is LogoutStep.LOG_OUT
