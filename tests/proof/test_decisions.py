"""The decision is proved for every session and request there can be, and each claim refutes a table that is wrong."""

from typing import Any

import pytest
from attrs import evolve

from sessioncore.proof import answered, decisions
from sessioncore.sso import DECISIONS, ErrorCode, Interaction, conditions
from sessioncore.sso.decision import Decision

TOO_STRONG = Decision(conditions.two_factors_count, ErrorCode.LOGIN_REQUIRED, ErrorCode.LOGIN_REQUIRED, "")


def refuted(rows: tuple[Decision, ...]) -> set[str]:
    """Name the claims that these rows break."""
    return {result.obligation.name for result in map(answered, decisions(rows)) if not result.proved}


def without(*names: str) -> tuple[Decision, ...]:
    """Give the table without the rows of these conditions."""
    return tuple(row for row in DECISIONS if row.condition.__name__ not in names)


def with_row(name: str, **changes: Any) -> tuple[Decision, ...]:
    """Give the table with another row in the place of the one of this condition."""
    return tuple(evolve(row, **changes) if row.condition.__name__ == name else row for row in DECISIONS)


def test_the_decision_is_proved() -> None:
    assert refuted(DECISIONS) == set()


@pytest.mark.parametrize(
    ("claim", "rows"),
    [
        ("DecideIsTotal", without("all_is_well")),
        ("CellIsReached", (*DECISIONS, evolve(DECISIONS[-2], condition=conditions.consent_missing))),
        ("GrantedIsLive", without("nobody_is_signed_in")),
        ("GrantedIsWhoWasMeant", without("another_after_login")),
        ("GrantedIsFresh", without("login_too_old")),
        ("GrantedIsFresh", without("login_asked_for")),
        ("GrantedIsAgreed", without("consent_missing")),
        ("GrantedIsStrongEnough", without("mfa_owed")),
        ("GrantedIsStrongEnough", without("essential_acr_out_of_reach")),
        ("AssuranceOnlyHelps", (*DECISIONS[:4], TOO_STRONG, *DECISIONS[4:])),
        ("DoneIsDone", with_row("another_before_login", condition=conditions.another_subject)),
        ("NoPageUnderNone", with_row("consent_missing", silent=Interaction.CONSENT)),
    ],
)
def test_a_wrong_table_is_refuted_by_name(claim: str, rows: tuple[Decision, ...]) -> None:
    assert claim in refuted(rows)


def test_opposites_that_are_none_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = ((conditions.step_up_helps, conditions.acr_unmet),)
    monkeypatch.setattr("sessioncore.proof.sso.PAIRS", pairs)

    assert refuted(DECISIONS) == {"Opposites"}
