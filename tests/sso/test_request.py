"""Raw parameters become a request, whatever a stranger sends."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sso.cells import EPOCH, NOW, ONE, POLICY

from sessioncore import NEVER
from sessioncore.sso import (
    INVALID_HINT,
    NO_HINT,
    AuthenticationRequest,
    ErrorCode,
    Hint,
    Transaction,
    decide,
    moment_for,
    read_request,
)

MOMENT = moment_for(ONE, EPOCH, NOW, POLICY)


def acr(**wish: object) -> str:
    """Write a claims parameter that asks for an acr."""
    return json.dumps({"id_token": {"acr": wish}})


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", set()),
        ("none", {"none"}),
        ("none none", {"none"}),
        ("login consent", {"login", "consent"}),
        ("  select_account ", {"select_account"}),
        ("create", set()),
        ("login create", {"login"}),
        ("LOGIN None", set()),
        ("login\tconsent", set()),
    ],
)
def test_prompts_are_words_between_spaces_and_unknown_ones_are_ignored(prompt: str, expected: set[str]) -> None:
    request = read_request({"prompt": prompt})

    names = ("none", "login", "select_account", "consent")
    assert expected == {name for name in names if getattr(request, name)}
    assert request.fault == ""


@pytest.mark.parametrize("prompt", ["none login", "consent none", "none create", "none select_account login"])
def test_none_beside_anything_is_refused_even_beside_what_nobody_knows(prompt: str) -> None:
    """Core 1.0, 3.1.2.1: "with any other value"."""
    request = read_request({"prompt": prompt})

    assert request.none
    assert decide(ONE, request, Transaction(), MOMENT).error is ErrorCode.INVALID_REQUEST  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0", 0), ("00", 0), ("1", 1_000), ("0060", 60_000), ("999999999999", 999_999_999_999_000), ("9" * 5_000, NEVER)],
)
def test_max_age_is_seconds_on_the_wire_and_milliseconds_inside(text: str, milliseconds: int) -> None:
    request = read_request({"max_age": text})

    assert request == AuthenticationRequest(max_age=milliseconds)


@pytest.mark.parametrize(
    "text", ["", " ", "-1", "+5", " 5", "5 ", "1.5", "1e3", "0x10", "1_000", "\u0663", "none", "5\n"]
)
def test_a_malformed_max_age_is_a_fault(text: str) -> None:
    assert read_request({"max_age": text}).fault.startswith("max_age:")


def test_a_hint_that_nobody_verified_is_invalid() -> None:
    valid = Hint.valid("alice", "https://auth.example")

    assert read_request({"id_token_hint": "ey"}).hint == INVALID_HINT
    assert read_request({"id_token_hint": "ey"}, hint=valid).hint == valid
    assert read_request({}).hint == NO_HINT


def test_an_acr_is_essential_only_in_the_claims_parameter() -> None:
    essential = read_request({"acr_values": "a b", "claims": acr(essential=True, values=["c"])})

    assert read_request({"acr_values": "a  b"}) == AuthenticationRequest(acr_values=("a", "b"))
    assert essential == AuthenticationRequest(acr_values=("c",), acr_essential=True)
    assert read_request({"claims": acr(value="c")}) == AuthenticationRequest(acr_values=("c",))
    assert read_request({"claims": acr(essential=True)}) == AuthenticationRequest()
    assert not read_request({"claims": acr(essential="true", value="c")}).acr_essential


def test_the_value_of_sub_is_the_subject_that_is_meant() -> None:
    request = read_request({"claims": json.dumps({"id_token": {"sub": {"value": "bob"}, "acr": None}})})

    assert request == AuthenticationRequest(subject="bob")
    assert request.subject_asked == "bob"


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "3", '{"id_token": []}', '{"id_token": 3}', "[" * 100_000),
        *(acr(values="c"), acr(values=[1]), acr(value=1), acr(values=3), '{"id_token": {"sub": {"value": 7}}}'),
        '{"id_token": {"sub": {"value": ""}}}',
    ],
)
def test_malformed_claims_are_a_fault(text: str) -> None:
    assert read_request({"claims": text}).fault.startswith("claims:")


@pytest.mark.parametrize(
    "text", ["{}", '{"id_token": null}', '{"userinfo": {"email": null}}', '{"id_token": {"acr": null}}']
)
def test_claims_that_ask_nothing_of_the_session_are_none(text: str) -> None:
    assert read_request({"claims": text}) == AuthenticationRequest()


ANYTHING = st.dictionaries(
    st.sampled_from(("prompt", "max_age", "acr_values", "claims", "id_token_hint")),
    st.text() | st.recursive(st.none() | st.text(), lambda j: st.dictionaries(st.text(), j)).map(json.dumps),
)


@given(ANYTHING)
def test_whatever_is_sent_is_read(parameters: dict[str, str]) -> None:
    request = read_request(parameters)

    assert 0 <= request.max_age <= NEVER
