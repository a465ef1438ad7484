"""Words and numbers of single sign-on that leave the library: for the wire, a store, an operator."""

import pytest
from tests.sso.cells import (
    EPOCH,
    ISSUER,
    LOGIN_AT,
    NOW,
    ONE,
    POLICY,
)

from sessioncore import NEVER, InvalidSetting
from sessioncore.sso import (
    Acceptance,
    AfterSilence,
    Claims,
    ErrorCode,
    Expected,
    HintStanding,
    Interaction,
    LogoutToken,
    Verdict,
    accept,
    client_sid,
    moment_for,
    subject_of,
)
from sessioncore.sso.answers import Granted
from sessioncore.sso.token import CLOCKS_DISAGREE

MOMENT = moment_for(ONE, EPOCH, NOW, POLICY)


# -- words that leave the library: in addresses, in stores, on the wire --------------------------------------


def test_what_travels_has_the_names_that_the_specification_gives() -> None:
    assert {code.value for code in ErrorCode} == {
        "invalid_request",
        "login_required",
        "interaction_required",
        "account_selection_required",
        "consent_required",
        "unmet_authentication_requirements",
    }


def test_what_is_kept_between_pages_has_the_names_that_it_had() -> None:
    assert [page.value for page in Interaction] == [page.name.lower() for page in Interaction]
    assert [word.value for word in AfterSilence] == ["renewed", "ended", "stays"]
    assert [word.value for word in HintStanding] == ["absent", "valid", "invalid"]
    assert [word.value for word in Granted] == ["granted"]


def test_a_name_for_a_client_is_of_128_bits_and_stays_what_it_was() -> None:
    assert client_sid("s" * 22, "shop") == "3fdd3c54fa6ede074f8d56f16949b917"


def test_a_name_that_is_too_long_or_cannot_be_printed_is_a_hash() -> None:
    longest = subject_of("i" * 100, "s" * 155)

    assert (len(longest), longest) == (256, "i" * 100 + "#" + "s" * 155)
    for sub in ("s" * 156, "\x00"):
        assert subject_of("i" * 100, sub).startswith("sha256:")
        assert len(subject_of("i" * 100, sub)) == len("sha256:") + 64


@pytest.mark.parametrize(("issuer", "sub", "name"), [("", "a1", "issuer"), ("https://idp.example", "", "sub")])
def test_which_name_is_missing_is_said(issuer: str, sub: str, name: str) -> None:
    with pytest.raises(InvalidSetting) as raised:
        subject_of(issuer, sub)

    assert str(raised.value).startswith(f"{name} = ''")


# -- tokens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [{"issuer": "", "sub": "a1"}, {"issuer": ISSUER}])
def test_a_logout_token_names_its_issuer_and_somebody(named: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting) as raised:
        LogoutToken(**named)

    assert str(raised.value).startswith("LogoutToken = LogoutToken(issuer=")
    assert "answer 400" in str(raised.value)


@pytest.mark.parametrize(
    ("auth_time", "read"), [(0, 0), (0.5, 0), (NEVER - 1, NEVER - 1), (NEVER, -1), (-1, -1), (True, -1), ("1", -1)]
)
def test_a_login_is_said_to_be_at_a_number_of_seconds(auth_time: object, read: int) -> None:
    assert Claims.read({"auth_time": auth_time}).auth_time == read


def test_two_clocks_may_disagree_by_five_seconds() -> None:
    assert Expected(issuer=ISSUER).leeway == CLOCKS_DISAGREE == 5_000


def test_whoever_is_accepted_needs_no_why() -> None:
    named = Claims(issuer=ISSUER, sub="a1", auth_time=LOGIN_AT // 1_000)
    accepted = accept(None, named, Expected(issuer=ISSUER), MOMENT)

    assert (accepted.verdict, accepted.why) == (Verdict.SIGN_IN, "")
    assert accepted == Acceptance(verdict=Verdict.SIGN_IN, subject=accepted.subject, upstream=(ISSUER, ""))
    assert Acceptance(verdict=Verdict.RENEW).why == ""
