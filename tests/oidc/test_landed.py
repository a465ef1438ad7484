"""What is made of a provider's token: whether it is good, what it means for the session, and in time."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sessioncore import Reason
from sessioncore.sso import Verdict
from sessioncore.testing import Clock
from sessioncore_io.oidc import LoginFailed
from sessioncore_io.oidc.landing import accepted, still_on, verified

from .test_landing import KEYS, OP, as_stored, login, party, said, signed_in

pytestmark = pytest.mark.anyio


# -- the token ---------------------------------------------------------------------------------------------------


def claims(clock: Clock, **other: Any) -> dict[str, Any]:
    """Say that alice has logged in now."""
    at = clock() // 1_000
    return {"iss": OP, "aud": "rp", "sub": "alice", "iat": at, "exp": at + 60, "nonce": "n", "auth_time": at} | other


async def test_a_token_that_is_good_says_what_it_says(clock: Clock) -> None:
    good = claims(clock)
    text = KEYS.sign(good, typ="JWT")

    assert await verified(party(clock), login(), {"id_token": text, "access_token": "a"}) == good
    assert await verified(party(clock), login(), {"id_token": text}) == good


async def test_a_token_that_is_not_good_is_a_failed_login_that_says_why(clock: Clock) -> None:
    text = KEYS.sign(claims(clock, at_hash="other"), typ="JWT")
    with pytest.raises(LoginFailed) as failed:
        await verified(party(clock), login(), {"id_token": text, "access_token": "a"})

    assert said(failed) == ("bad_token", "the ID token: at_hash is not that of the access token", "/cart")


async def test_a_token_for_an_access_token_needs_one(clock: Clock) -> None:
    """It would be that of an empty one otherwise, or of another."""
    nothing = "47DEQpj8HBSa-_TImW-5JA"
    text = KEYS.sign(claims(clock, at_hash=nothing), typ="JWT")

    assert (await verified(party(clock), login(), {"id_token": text}))["at_hash"] == nothing


@pytest.mark.parametrize(("late", "is_taken"), [(6_999, True), (7_000, False)])
async def test_a_login_is_as_old_as_was_asked_for(clock: Clock, late: int, is_taken: bool) -> None:
    """To the second that it was in, and the five by which clocks may disagree."""
    handle, told = await signed_in(clock), claims(clock)
    clock.advance(1_000_000 + late - 1_000)
    asked = login(max_age=1_000)
    later = await handle._shell.open(None)  # type: ignore[attr-defined]
    if is_taken:
        assert (await accepted(party(clock), later, asked, told)).verdict is Verdict.SIGN_IN
        return
    with pytest.raises(LoginFailed) as failed:
        await accepted(party(clock), later, asked, told)
    assert failed.value.error == Verdict.LOGIN_TOO_OLD
    assert failed.value.next == "/cart"
    assert "older than the max_age" in failed.value.why


async def test_a_login_is_as_strong_as_was_essential(clock: Clock) -> None:
    """OpenID Connect Core 1.0, 5.5.1.1."""
    asked = login(acr=("gold", "platinum"))
    with pytest.raises(LoginFailed) as failed:
        await accepted(party(clock), await signed_in(clock), asked, claims(clock, acr="silver"))

    assert (failed.value.error, failed.value.next) == (Verdict.ACR_UNMET, "/cart")
    taken = await accepted(party(clock), await signed_in(clock), asked, claims(clock, acr="platinum"))
    assert taken.verdict is Verdict.SIGN_IN


async def test_a_login_of_any_age_is_taken_where_none_was_asked_for(clock: Clock) -> None:
    told = claims(clock, auth_time=1)

    assert (await accepted(party(clock), await signed_in(clock), login(), told)).verdict is Verdict.SIGN_IN


async def test_a_session_that_would_change_hands_has_ended_when_that_is_said(clock: Clock) -> None:
    handle = await signed_in(clock, f"{OP}#bob")
    with pytest.raises(LoginFailed) as failed:
        await accepted(party(clock), handle, login(renew=True), claims(clock))

    assert said(failed)[0] == Verdict.OTHER_SUBJECT
    assert said(failed)[1:] == (
        "The session that was to go on is another subject's: it ends, and never changes hands.",
        "/cart",
    )
    assert as_stored(handle) == (None, Reason.IDP)
    assert handle.subject is None


async def test_a_session_that_hangs_on_another_login_does_not_go_on_and_does_not_end(clock: Clock) -> None:
    handle = await signed_in(clock, upstream=(OP, "one"))
    with pytest.raises(LoginFailed) as failed:
        await accepted(party(clock), handle, login(renew=True), claims(clock, sid="two"))

    assert said(failed)[0] == Verdict.OTHER_SESSION
    assert as_stored(handle) == (f"{OP}#alice", None)


async def test_an_account_of_ones_own_is_who_signs_in(clock: Clock) -> None:
    async def account(told: Any) -> str:
        return f"account of {told['sub']}"

    acceptance = await accepted(party(clock, account=account), await signed_in(clock), login(), claims(clock, sid="s"))

    assert (acceptance.subject, acceptance.upstream) == ("account of alice", (OP, "s"))


# -- and afterwards ----------------------------------------------------------------------------------------------


async def test_a_login_that_the_providers_logout_came_before_is_over(clock: Clock) -> None:
    """Also for the rest of this request, which holds the session as it was."""
    handle = await signed_in(clock, upstream=(OP, "one"))
    await still_on(handle, login(), claims(clock))
    now = datetime.fromtimestamp(clock() // 1_000, UTC)
    await handle._shell.end_upstream(OP, sid="one", issued_at=now)  # type: ignore[attr-defined]
    with pytest.raises(LoginFailed) as failed:
        await still_on(handle, login(), claims(clock))

    assert said(failed) == ("ended_meanwhile", "the provider's session was over before this one began", "/cart")
    assert handle.subject is None
    assert not handle.wants_log_out, "it is stored"
    assert as_stored(handle) == (None, Reason.IDP)
