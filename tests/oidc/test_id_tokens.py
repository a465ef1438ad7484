"""Every check of an ID token and of a logout token, each at its bound, on tokens whose signature was good."""

from typing import Any, Final

import pytest
from attrs import NOTHING
from authlib.oidc.core.util import create_half_hash
from joserfc.jwt import Token

from sessioncore_io.oidc.failures import BadToken
from sessioncore_io.oidc.idtokens import check_id_token, check_origin
from sessioncore_io.oidc.notices import EVENT
from sessioncore_io.oidc.receiving import check_logout_token

AT: Final = 1_735_689_600
OP: Final = "https://op.example"
GONE: Final = NOTHING  # it has the same name in every process, as xdist wants of a parameter
ID: Final[dict[str, Any]] = {"iss": OP, "aud": "rp", "sub": "alice", "iat": AT, "exp": AT + 600, "nonce": "n"}
LOGOUT: Final[dict[str, Any]] = {
    "iss": OP,
    "aud": "rp",
    "sub": "alice",
    "iat": AT,
    "exp": AT + 120,
    "jti": "j",
    "events": {EVENT: {}},
}


def changed(claims: dict[str, Any], **other: Any) -> dict[str, Any]:
    """Give the claims with others, or without those that are gone."""
    return {name: value for name, value in (claims | other).items() if value is not GONE}


def identify(*, alg: str = "ES256", access_token: str = "", **other: Any) -> Any:
    """Check an ID token with these claims."""
    token = Token({"alg": alg}, changed(ID, **other))
    return check_id_token(token, issuer=OP, client_id="rp", nonce="n", at=AT, access_token=access_token)


def told(*, header: Any = None, any_type: Any = None, **other: Any) -> Any:
    """Check a logout token with these claims."""
    token = Token({"alg": "ES256", "typ": "logout+jwt"} if header is None else header, changed(LOGOUT, **other))
    if any_type is None:
        return check_logout_token(token, issuer=OP, client_id="rp", at=AT)
    return check_logout_token(token, issuer=OP, client_id="rp", at=AT, any_type=any_type)


# -- of which provider, for whom, and of when -------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"aud": ["rp"]},
        {"exp": AT - 4},
        {"iat": AT + 5},
        {"iat": AT - 600},
        {"nbf": AT + 5},
        {"anything": "else"},
    ],
    ids=str,
)
def test_both_kinds_of_token_are_good_within_their_bounds(other: dict[str, Any]) -> None:
    assert identify(**other) == changed(ID, **other)
    assert told(**other) == changed(LOGOUT, **other)


@pytest.mark.parametrize(
    "other",
    [
        {"iss": "https://other.example"},
        {"iss": OP + "/"},
        {"iss": GONE},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": []},
        {"aud": GONE},
        {"exp": AT - 6},
        {"exp": "soon"},
        {"exp": GONE},
        {"iat": AT + 6},
        {"iat": AT - 601},
        {"iat": "now"},
        {"iat": GONE},
        {"nbf": AT + 6},
    ],
    ids=str,
)
def test_neither_kind_of_token_is_good_beyond_them(other: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        identify(**other)
    with pytest.raises(BadToken):
        told(**other)


def test_a_token_that_came_late_is_told_so() -> None:
    with pytest.raises(BadToken, match=r"^it was issued too long ago$"):
        check_origin(ID | {"iat": AT - 601}, issuer=OP, client_id="rp", at=AT, needs="sub")


@pytest.mark.parametrize(("name", "check"), [("sub", identify), ("jti", told)])
def test_each_kind_needs_a_claim_besides(name: str, check: Any) -> None:
    with pytest.raises(BadToken):
        check(**{name: GONE})
    with pytest.raises(BadToken):
        check(**{name: ""})


# -- ID tokens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nonce", ["m", "", "n ", "\u00e9", 7, None, ["n"], GONE])
def test_the_nonce_is_the_one_that_was_sent(nonce: Any) -> None:
    with pytest.raises(BadToken, match=r"^its nonce is not the one that was sent$"):
        identify(nonce=nonce)


@pytest.mark.parametrize("sid", ["", "s", "s" * 256])
def test_a_sid_is_a_name(sid: str) -> None:
    assert identify(sid=sid)["sid"] == sid


@pytest.mark.parametrize("sid", ["s" * 257, "a\nb", 7, None, ["s"]])
def test_what_cannot_be_a_name_is_no_sid(sid: Any) -> None:
    with pytest.raises(BadToken, match=r"^its sid is no name$"):
        identify(sid=sid)


@pytest.mark.parametrize("other", [{"azp": "rp"}, {"aud": ["rp"], "azp": "rp"}, {"aud": ["rp", "b"], "azp": "rp"}])
def test_a_token_for_several_is_good_for_the_one_that_azp_names(other: dict[str, Any]) -> None:
    assert identify(**other)["sub"] == "alice"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"aud": ["rp", "b"]}, "it is for several, and azp does not name this client"),
        ({"aud": ["rp", "b"], "azp": "b"}, "it is for several, and azp does not name this client"),
        ({"azp": "b"}, "azp names another client"),
        ({"aud": ["rp"], "azp": "b"}, "azp names another client"),
    ],
    ids=str,
)
def test_a_token_for_several_is_not_everybodys(other: dict[str, Any], why: str) -> None:
    with pytest.raises(BadToken, match=f"^{why}$"):
        identify(**other)


@pytest.mark.parametrize("alg", ["ES256", "RS256", "RS384"])
def test_an_access_token_is_the_one_that_the_id_token_came_with(alg: str) -> None:
    good = create_half_hash("access", alg).decode()

    assert identify(alg=alg, access_token="access", at_hash=good)["at_hash"] == good
    with pytest.raises(BadToken, match=r"^at_hash is not that of the access token$"):
        identify(alg=alg, access_token="other", at_hash=good)
    with pytest.raises(BadToken, match=r"^at_hash is not that of the access token$"):
        identify(alg=alg, access_token="access", at_hash="")


def test_an_access_token_is_not_judged_by_a_hash_that_nobody_knows() -> None:
    assert identify(alg="ES256K", access_token="access", at_hash="?")["at_hash"] == "?"


def test_an_id_token_that_came_alone_may_say_so() -> None:
    nothing = create_half_hash("", "ES256").decode()
    token = Token({"alg": "ES256"}, ID | {"at_hash": nothing})

    assert check_id_token(token, issuer=OP, client_id="rp", nonce="n", at=AT)["sub"] == "alice"


# -- logout tokens -----------------------------------------------------------------------------------------------


def test_a_logout_token_says_what_it_is() -> None:
    assert told(header={"typ": "Logout+JWT"})["sub"] == "alice"
    for header in ({}, {"typ": "JWT"}, {"typ": ""}):
        assert told(header=header, any_type=True)["sub"] == "alice"
        with pytest.raises(BadToken, match=r"^its typ is not logout\+jwt$"):
            told(header=header)


@pytest.mark.parametrize("events", [GONE, None, [], [EVENT], EVENT, {}, {"other": {}}, {EVENT: True}, {EVENT: None}])
def test_a_logout_token_names_the_event(events: Any) -> None:
    with pytest.raises(BadToken, match=r"^its events name no back-channel logout$"):
        told(events=events)


def test_a_logout_token_has_no_nonce() -> None:
    with pytest.raises(BadToken, match=r"^it has a nonce: it may be an ID token$"):
        told(nonce="n")


@pytest.mark.parametrize("toe", [0, 0.5, AT, AT + 9])
def test_an_event_was_at_some_instant(toe: float) -> None:
    assert told(toe=toe)["toe"] == toe


@pytest.mark.parametrize("toe", [-1, -0.5, float("nan"), True, "0", None, [0]])
def test_what_cannot_be_an_instant_is_no_time_of_an_event(toe: Any) -> None:
    with pytest.raises(BadToken, match=r"^its toe is no instant$"):
        told(toe=toe)


@pytest.mark.parametrize("name", ["sub", "sid", "jti"])
def test_whom_and_which_session_a_logout_token_means_are_names(name: str) -> None:
    assert told(**{name: "a" * 256})[name] == "a" * 256
    for value in ("a" * 257, "a\nb"):
        with pytest.raises(BadToken, match=f"^its {name} is no name$"):
            told(**{name: value})
    for other in (7, ["a"], None):
        with pytest.raises(BadToken):
            told(**{name: other})


def test_a_logout_token_names_somebody_or_something() -> None:
    assert told(sub=GONE, sid="s")["sid"] == "s"
    for other in ({"sub": GONE}, {"sub": ""}, {"sub": "", "sid": ""}):
        with pytest.raises(BadToken, match=r"^it names neither a subject nor a session$"):
            told(**other)


@pytest.mark.parametrize(
    ("claim", "why"), [("nonce", "nonce is not the one"), ("sub", "sub is no name"), ("sid", "sid is no name")]
)
def test_a_text_that_no_database_takes_is_a_fault_of_the_token(claim: str, why: str) -> None:
    """JSON may spell half of a character; that is not an outage."""
    with pytest.raises(BadToken, match=why):
        identify(**{claim: "\ud800"})
