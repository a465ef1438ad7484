"""What an application makes of a token: every cell against a second reading, and the sharp edges by name."""

from itertools import product
from typing import NamedTuple

import pytest
from attrs import evolve
from tests.sso.cells import ALICE, EPOCH, ISSUER, LOGIN_AT, NOW, ONE, POLICY, SESSIONS

from sessioncore import NEVER, LogOut, Session, step
from sessioncore.sso import Acceptance, Claims, Expected, Verdict, accept, accepting, moment_for, subject_of

SUB = "a1"
OWN = subject_of(ISSUER, SUB)
MOMENT = moment_for(ONE, EPOCH, NOW, POLICY)
FRESH = Claims(issuer=ISSUER, sub=SUB, auth_time=LOGIN_AT // 1_000, sid="s1")
ASKED = Expected(issuer=ISSUER, max_age=600_000, leeway=0)


class Cell(NamedTuple):
    """Name one cell."""

    session: str
    purpose: str
    issuer: str
    sub: str
    auth_time: str
    max_age: str
    acr: str


OUT = step(ONE, LogOut(), MOMENT)
HELD: dict[str, Session | None] = {
    "absent": None,
    "own": evolve(ONE, subject=OWN, upstream=(ISSUER, "s1")),
    "own, by itself": evolve(ONE, subject=OWN),
    "own, of an earlier login": evolve(ONE, subject=OWN, upstream=(ISSUER, "s0")),
    "own, by another provider": evolve(ONE, subject=OWN, upstream=("https://evil.example", "s1")),
    "another's": evolve(ONE, subject="bob"),
    "expired late": SESSIONS["expired late"][0],
    "logged out": evolve(OUT, subject=OWN),
    "guest": SESSIONS["created"][0],
}
AUTH_TIMES = {"absent": None, "now": NOW, "in time": LOGIN_AT, "too late": LOGIN_AT - 1_000, "ahead": NOW + 1_000}
ACRS = {"not asked": ((), False), "wish unmet": (("b",), False), "met": (("b", "a"), True), "unmet": (("b",), True)}
WORDS = (
    tuple(HELD),
    ("login", "renewal"),
    ("same", "other"),
    ("named", "missing"),
    tuple(AUTH_TIMES),
    ("asked", "not asked"),
    tuple(ACRS),
)


def accepted(cell: Cell) -> Acceptance:
    """Judge a cell by the library."""
    at = AUTH_TIMES[cell.auth_time]
    values, essential = ACRS[cell.acr]
    claims = {"iss": ISSUER if cell.issuer == "same" else "https://evil.example", "acr": "a", "sid": "s1"}
    claims |= {"sub": SUB} if cell.sub == "named" else {}
    expected = Expected(
        issuer=ISSUER,
        max_age=600_000 if cell.max_age == "asked" else NEVER,
        acr_values=values,
        acr_essential=essential,
        renewal=cell.purpose == "renewal",
        leeway=0,
    )
    read = Claims.read({**claims, **({} if at is None else {"auth_time": at // 1_000})})
    return accept(HELD[cell.session], read, expected, MOMENT)


def reading(cell: Cell) -> set[str]:
    """Say which verdicts the specification allows: what is wrong with the token, else what it is for."""
    wrong = set()
    if cell.sub == "missing":  # 2: sub is REQUIRED
        wrong.add("subject_missing")
    if cell.issuer == "other":  # 3.1.3.7 (2)
        wrong.add("other_issuer")
    if cell.max_age == "asked":  # 2: "When a max_age request is made ... this Claim is REQUIRED"; 3.1.3.7 (13)
        wrong |= {"absent": {"auth_time_missing"}, "too late": {"login_too_old"}}.get(cell.auth_time, set())
    if cell.auth_time == "ahead":
        wrong.add("auth_time_ahead")
    if cell.acr == "unmet":  # 3.1.3.7 (12), 5.5.1.1
        wrong.add("acr_unmet")
    if wrong:
        return wrong
    if cell.purpose == "login":
        return {"sign_in"}
    # 12.2, by analogy: the sub of a renewal is that of the original authentication. And Back-Channel Logout 1.0, 2.1:
    # an end is told by the sid of the session that it is of.
    after = {"own": "renew", "own, by itself": "renew", "another's": "other_subject"}
    hung = dict.fromkeys(("own, of an earlier login", "own, by another provider"), "other_session")
    return {(after | hung).get(cell.session, "nothing_to_renew")}


def test_every_cell_is_as_the_specification_reads() -> None:
    cells = [Cell._make(words) for words in product(*WORDS)]
    verdicts = {cell: accepted(cell).verdict.value for cell in cells}

    assert [cell for cell in cells if verdicts[cell] not in reading(cell)] == []
    assert set(Verdict) == set(verdicts.values())


def test_a_token_that_is_accepted_says_what_to_record() -> None:
    acceptance = accept(None, FRESH, ASKED, MOMENT)

    assert acceptance == Acceptance(verdict=Verdict.SIGN_IN, subject=OWN, upstream=(ISSUER, "s1"))
    assert accept(None, FRESH, evolve(ASKED, subject=ALICE), MOMENT).subject == ALICE


def test_nothing_of_a_refused_token_is_handed_out() -> None:
    refused = accept(None, evolve(FRESH, auth_time=1), ASKED, MOMENT)

    assert (refused.subject, refused.upstream, refused.accepted) == ("", ("", ""), False)
    assert refused.why


def test_a_login_that_the_provider_found_fresh_is_not_too_old_here() -> None:
    """The claim is cut to whole seconds: a login at 0.999 s is 600.0 s old at 600.999 s, and strictly older after."""
    at = LOGIN_AT + 999
    claims = evolve(FRESH, auth_time=at // 1_000)

    assert accept(None, claims, ASKED, evolve(MOMENT, at=at + 600_000)).accepted
    assert accept(None, claims, ASKED, evolve(MOMENT, at=at + 600_001)).verdict is Verdict.LOGIN_TOO_OLD


def test_clocks_that_disagree_make_no_login_too_old() -> None:
    lenient, latest = evolve(ASKED, leeway=5_000), LOGIN_AT + 999

    assert accept(None, FRESH, lenient, evolve(MOMENT, at=latest + 605_000)).accepted
    assert accept(None, FRESH, lenient, evolve(MOMENT, at=latest + 605_001)).verdict is Verdict.LOGIN_TOO_OLD


def test_a_session_that_was_told_no_sid_is_not_renewed_by_a_token_with_one() -> None:
    """The provider would tell of that session's end, and of none that is recorded."""
    renewal = evolve(ASKED, renewal=True)
    nameless = evolve(ONE, subject=OWN, upstream=(ISSUER, ""))

    assert accept(nameless, FRESH, renewal, MOMENT).verdict is Verdict.OTHER_SESSION
    assert accept(nameless, evolve(FRESH, sid=""), renewal, MOMENT).verdict is Verdict.RENEW
    assert accept(HELD["own"], evolve(FRESH, sid=""), renewal, MOMENT).verdict is Verdict.RENEW


def test_a_token_that_names_no_issuer_is_refused_as_any_other() -> None:
    nameless = evolve(FRESH, issuer="")

    assert accept(None, nameless, ASKED, MOMENT).verdict is Verdict.OTHER_ISSUER


def test_another_subject_ends_the_session_and_never_switches_it() -> None:
    renewal = evolve(ASKED, renewal=True)
    verdict = accept(HELD["another's"], FRESH, renewal, MOMENT)

    assert verdict.ends
    assert not verdict.accepted
    assert not any(accept(HELD[held], FRESH, renewal, MOMENT).ends for held in HELD if held != "another's")


def test_what_is_of_a_wrong_type_is_not_said() -> None:
    said = Claims.read({"iss": 1, "sub": None, "auth_time": "1", "acr": ["a"], "sid": {}})

    assert said == Claims(issuer="", sub="")
    assert Claims.read({"auth_time": True}) == Claims.read({"auth_time": -1}) == Claims.read({}) == said
    assert Claims.read({"auth_time": 1.9}).auth_time == 1


@pytest.mark.parametrize("row", accepting.ACCEPTING, ids=lambda row: row.verdict.value)
def test_every_row_counts(row: accepting.Accepting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any one of them some cell is judged otherwise than the specification reads, or not at all."""
    fewer = tuple(other for other in accepting.ACCEPTING if other is not row)
    monkeypatch.setattr(accepting, "ACCEPTING", fewer)

    assert any(_judged(Cell._make(words)) not in reading(Cell._make(words)) for words in product(*WORDS))


def _judged(cell: Cell) -> str:
    try:
        return accepted(cell).verdict.value
    except StopIteration:
        return "nothing"
