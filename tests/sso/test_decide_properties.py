"""The properties of a decision hold for whatever Hypothesis makes, and each has a bug that breaks it."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import Phase, example, given, settings
from tests.sso import stories
from tests.sso.cells import CLASSES, ISSUER, LOGIN_AT, ONE, PWD
from tests.sso.properties import PROPERTIES
from tests.sso.stories import Beginning
from tests.sso.strategies import beginnings

from sessioncore.events import LogIn
from sessioncore.sso import (
    DECISIONS,
    GRANTED,
    AuthenticationRequest,
    Decision,
    Grant,
    Interaction,
    ServerPolicy,
    Transaction,
    conditions,
    decision,
    read_request,
)

Plant = Callable[[pytest.MonkeyPatch], None]


class Broken(AssertionError):
    """A property does not hold; the first argument is its name."""


# Beginnings that chance finds late: a login exactly max_age old, a second factor's page that outlasts max_age, and a
# weak class that is essential.
AT_THE_LIMIT = Beginning(
    session=ONE, request=read_request({"max_age": "60"}), policy=ServerPolicy(issuer=ISSUER), at=LOGIN_AT + 60_000
)
SLOW_SECOND_FACTOR = evolve(
    AT_THE_LIMIT, policy=ServerPolicy(issuer=ISSUER, mfa=True), at=LOGIN_AT + 1_000, page_time=61_000
)


WEAK_AND_ESSENTIAL = evolve(
    AT_THE_LIMIT,
    request=AuthenticationRequest(acr_values=(PWD,), acr_essential=True),
    policy=ServerPolicy(issuer=ISSUER, acrs=CLASSES),
)
PHASES = (Phase.explicit, Phase.generate)


def first_broken(examples: int, names: Iterable[str] = PROPERTIES) -> str:
    """Search for a beginning that breaks one of these properties, and name the property."""

    # The name is all that is wanted, not the smallest example.
    @settings(
        max_examples=examples, phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False, derandomize=True
    )
    @given(beginnings())
    @example(AT_THE_LIMIT)
    @example(SLOW_SECOND_FACTOR)
    @example(WEAK_AND_ESSENTIAL)
    def search(begun: Beginning) -> None:
        for name in names:
            if not PROPERTIES[name](begun):
                raise Broken(name)

    try:
        search()
    except Broken as broken:
        return str(broken)
    return "nothing"


def without(*names: str) -> Plant:
    """Plant a table that lacks rows."""
    return rows(*(row for row in DECISIONS if row.condition.__name__ not in names))


def rows(*rows: Decision) -> Plant:
    """Plant a table."""
    return lambda patch: patch.setattr(decision, "DECISIONS", rows)


def with_row(name: str, **changes: Any) -> Plant:
    """Plant another row in the place of the one with this condition."""
    return rows(*(evolve(row, **changes) if row.condition.__name__ == name else row for row in DECISIONS))


def patched(target: Any, name: str, value: Any) -> Plant:
    """Plant another function."""
    return lambda patch: patch.setattr(target, name, value)


_did = Transaction.did


def _older(case: Any) -> bool:
    return bool(case.moment.at - case.session.authenticated_at > case.request.max_age)


def _as_old(case: Any) -> bool:
    return bool(
        (case.moment.at - case.session.authenticated_at >= case.request.max_age) & conditions.no_login_yet(case)
    )


def _unlived(case: Any) -> bool:
    return bool(case.session.state.value not in ("authenticated", "mfa_satisfied"))


def _now(case: Any) -> Grant:
    return Grant(subject=case.session.subject, auth_time=case.moment.at // 1_000)


def _weaker(case: Any) -> bool:
    return bool(conditions.two_factors_count(case) & case.request.acr_essential)


BUGS: dict[str, tuple[str, Plant]] = {
    "faults that nobody looks at": ("what_cannot_be_read_is_refused", without("malformed")),
    "hints that nobody checks": ("what_cannot_be_read_is_refused", without("hint_not_valid")),
    "a consent page in a hidden frame": (
        "never_a_page_under_none",
        with_row("consent_missing", silent=Interaction.CONSENT),
    ),
    "a session that is over and nobody has written that down": (
        "none_needs_a_session",
        with_row("nobody_is_signed_in", condition=_unlived),
    ),
    "an answer for nobody": ("none_needs_a_session", with_row("nobody_is_signed_in", silent=GRANTED)),
    "a hint that is forgotten after the login": (
        "an_answer_is_about_the_session_and_the_hint",
        without("another_after_login"),
    ),
    "a hint that is forgotten before the login": (
        "an_answer_is_about_the_session_and_the_hint",
        without("another_before_login", "another_after_login"),
    ),
    "a prompt for login that is not heeded": ("a_login_is_fresh_enough", without("login_asked_for")),
    "a max_age that is not heeded": ("a_login_is_fresh_enough", without("login_too_old")),
    "a max_age that ends one millisecond early": (
        "a_login_within_max_age_is_enough",
        with_row("login_too_old", condition=_as_old),
    ),
    "a login found too old though it has just been done": ("a_story_ends", with_row("login_too_old", condition=_older)),
    "a consent that is not recorded": (
        "a_story_ends",
        patched(Transaction, "did", lambda t, kind, who: t if kind is Interaction.CONSENT else _did(t, kind, who)),
    ),
    "a login that forgets what was proved a minute ago": (
        "a_second_factor_stays",
        patched(stories, "recorded_as", lambda *_: LogIn),
    ),
    "the time of issue for the time of login": ("auth_time_is_the_session_s", patched(decision, "_grant", _now)),
    "a second factor that is one too many": (
        "assurance_only_helps",
        with_row("essential_acr_out_of_reach", condition=_weaker),
    ),
    "a consent that is never asked for": ("consent_is_given", without("consent_missing")),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_breaks_its_property(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, plant = BUGS[bug]
    plant(monkeypatch)

    assert expected == first_broken(2_000, [expected])


def test_nothing_is_broken_where_nothing_is_planted() -> None:
    assert first_broken(400) == "nothing"


def test_every_property_has_a_bug_that_breaks_it() -> None:
    """But the one that says that a decision is a function: that is what it is made of."""
    assert {name for name, _ in BUGS.values()} == set(PROPERTIES) - {"a_repeated_question_has_the_same_answer"}
