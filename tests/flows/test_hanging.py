"""What is said to the world about sessions that hang on an identity provider's, word by word."""

from typing import Any

import pytest
from attrs import evolve
from tests.flows.conversing import POLICY, SID, Talk, signed_in

from sessioncore import InvalidSetting, Reason, State, flows
from sessioncore import effects as fx
from sessioncore.testing.clock import START

IDP = "https://idp.example"


def logged_out(talk: Talk, sid: str = "", subject: str = "", *, issuer: str = IDP, jti: str = "") -> Any:
    """Receive a logout token of the provider."""
    talk.heard.clear()
    return talk.run(flows.end_upstream(issuer, sid, subject, START, POLICY, jti))


def words(talk: Talk) -> list[type]:
    """Give the kinds of what was asked."""
    return [type(effect) for effect in talk.heard]


@pytest.mark.parametrize(("issuer", "sid", "subject"), [("", "s1", "alice"), ("", "s1", ""), (IDP, "", "")])
def test_a_logout_of_nothing_is_refused_before_the_store_is_asked(issuer: str, sid: str, subject: str) -> None:
    talk = Talk()

    wrong = logged_out(talk, sid, subject, issuer=issuer, jti="m1")

    assert isinstance(wrong, InvalidSetting)
    assert (wrong.name, wrong.value) == ("sid", sid)
    assert wrong.advice.startswith("name the issuer")
    assert talk.heard == []


def test_a_logout_of_a_session_is_remembered_before_its_sessions_end_and_the_message_after() -> None:
    talk = Talk()
    signed_in(talk.store, upstream=(IDP, "s1"))

    assert logged_out(talk, "s1", jti="m1") == 1
    assert words(talk) == [fx.Load, fx.Swap, fx.OfUpstream, fx.Load, fx.Swap, fx.Swap]
    assert [row.reason for row in talk.store.rows.values()] == [Reason.IDP] * 3


def test_a_message_without_a_name_is_not_looked_for_and_a_session_that_has_ended_is_left_alone() -> None:
    talk = Talk()
    row = signed_in(talk.store, upstream=(IDP, "s1"))
    talk.store.rows[SID] = evolve(row, state=State.LOGGED_OUT, reason=Reason.USER, ended_at=START)

    assert logged_out(talk, "s1") == 0
    assert words(talk) == [fx.Swap, fx.OfUpstream]
    talk.heard.clear()
    assert talk.run(flows.end_upstream(IDP, "s1", "", START, POLICY)) == 0
    assert words(talk) == [fx.Swap, fx.OfUpstream]


def test_a_logout_of_a_subject_moves_an_epoch_of_its_own_on_and_asks_for_live_sessions() -> None:
    talk = Talk()
    signed_in(talk.store, upstream=(IDP, "s1"))

    assert logged_out(talk, subject="alice") == 1

    moved, asked = talk.heard[:2]
    assert isinstance(moved, fx.Supersede)
    assert moved.subject.startswith("upstream:")
    assert (moved.at, moved.cause, moved.expected) == (START, Reason.IDP, None)
    assert asked == fx.OfSubject("alice", live=True)
    assert words(talk)[2:] == [fx.Load, fx.Swap]


def test_the_names_under_which_stores_remember_logouts_stay_what_they_are() -> None:
    talk = Talk()
    logged_out(talk, "s1", jti="m1")
    remembered = set(talk.store.rows)
    logged_out(talk, subject="alice")

    assert remembered == {"4d8326d544d0bf3b111612", "b53eed09293ab603c9f700"}
    assert set(talk.store.epochs) == {"upstream:bf32b0dad5d0bff788a78c53f84292ff5ab282645edc6e7559d38e09a670116c"}


def still(talk: Talk) -> Any:
    """Look whether the session still hangs on one of the provider's."""
    talk.heard.clear()
    return talk.run(flows.still_upstream(SID, START, POLICY))


@pytest.mark.parametrize(
    ("upstream", "asked"),
    [
        (("", ""), [fx.Load]),
        (("", "s1"), [fx.Load]),
        ((IDP, ""), [fx.Load, fx.ReadEpoch]),
        ((IDP, "s1"), [fx.Load, fx.Load, fx.ReadEpoch]),
    ],
)
def test_a_login_that_nobody_ended_stays_and_only_what_it_hangs_on_is_asked_for(upstream: Any, asked: Any) -> None:
    talk = Talk()
    signed_in(talk.store, upstream=upstream)

    assert still(talk) is True
    assert words(talk) == asked


def test_a_login_whose_session_the_provider_ended_ends_and_no_more_is_asked() -> None:
    talk = Talk()
    logged_out(talk, "s1")
    signed_in(talk.store, upstream=(IDP, "s1"))

    assert still(talk) is False
    assert words(talk) == [fx.Load, fx.Load, fx.Load, fx.Swap]
    assert talk.store.rows[SID].reason is Reason.IDP


def test_a_login_that_has_ended_otherwise_does_not_hang_on_anything_any_more() -> None:
    talk = Talk()
    row = signed_in(talk.store, upstream=(IDP, "s1"))
    talk.store.rows[SID] = evolve(row, state=State.LOGGED_OUT, reason=Reason.USER, ended_at=START)

    assert still(talk) is False
    assert words(talk) == [fx.Load]
