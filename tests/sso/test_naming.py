"""Names that cross from layer to layer: two pairs never share one, and no name says more than it should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sso.cells import ONE

from sessioncore import Attempt, InvalidSetting
from sessioncore.sso import client_sid, subject_of

NAMES = st.text(st.sampled_from("ab#%25\u00e9 \n"), min_size=1, max_size=4) | st.text(min_size=1, max_size=300)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_two_issuers_or_two_subs_are_two_subjects(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (subject_of(*one) == subject_of(*other)) == (one == other)


@given(NAMES, NAMES, st.integers(1, 3))
def test_where_the_issuer_ends_matters(issuer: str, sub: str, cut: int) -> None:
    text = issuer + sub
    cuts = {subject_of(text[:n], text[n:]) for n in range(1, len(text))}

    assert len(cuts) == len(text) - 1


@given(NAMES, NAMES)
def test_every_name_can_be_a_subject_of_a_session(issuer: str, sub: str) -> None:
    assert Attempt(subject_of(issuer, sub), 0).subject


def test_a_name_can_be_read() -> None:
    assert subject_of("https://idp.example", "a1") == "https://idp.example#a1"
    assert subject_of("https://idp.example", "\ud800").startswith("sha256:")


@pytest.mark.parametrize(("issuer", "sub"), [("", "a1"), ("https://idp.example", "")])
def test_nobody_has_no_name(issuer: str, sub: str) -> None:
    with pytest.raises(InvalidSetting, match="verified ID token"):
        subject_of(issuer, sub)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_each_client_knows_a_session_by_a_name_of_its_own(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (client_sid(*one) == client_sid(*other)) == (one == other)


def test_a_client_s_name_for_a_session_stays_and_is_not_the_selector() -> None:
    name = client_sid(ONE.sid, "shop")

    assert name == client_sid(ONE.sid, "shop")
    assert ONE.sid not in name
    assert name.isalnum()
