"""What is proved of the decision of single sign-on: its conditions, called on terms, for every session and request."""

from collections.abc import Iterator, Sequence
from typing import Final

import z3
from attrs import evolve

from ..records import Kind, Moment, Session, State
from ..sso import conditions as when
from ..sso.answers import ErrorCode, Granted, Interaction
from ..sso.case import Case
from ..sso.decision import DECISIONS, Decision
from ..sso.request import AuthenticationRequest, Hint, HintStanding
from ..sso.server import Level, ServerPolicy
from ..sso.transaction import Transaction
from .prover import Obligation, Term
from .record import possible, sound
from .symbols import domain, symbolic

PAIRS: Final = (
    (when.nobody_is_signed_in, when.somebody_is_signed_in),
    (when.one_factor_counts, when.two_factors_count),
    (when.no_login_yet, when.login_done),
    (when.step_up_helps, when.step_up_is_vain),
)

# Nobody's cells: a choice of account cannot be asked for beside none, and what stands beside none is a silent request.
UNREACHED: Final = ((when.account_unchosen, True), (when.none_with_another_prompt, False))


def unknown_case() -> tuple[Case, list[Term]]:
    """Build a case of which nothing is known, and what is true of every case all the same."""
    session, moment = symbolic(Session, "session"), symbolic(Moment, "moment")
    request = symbolic(AuthenticationRequest, "request", ("hint", "acr_values"))
    hint = symbolic(Hint, "hint")
    object.__setattr__(request, "hint", hint)
    case = Case(
        session=session,
        request=request,
        transaction=symbolic(Transaction, "transaction"),
        moment=moment,
        policy=symbolic(ServerPolicy, "policy", ("acrs",)),
        wanted=z3.Int("wanted"),
    )
    levels = z3.Or([case.wanted == level for level in Level])
    domains = [*domain(Session, session), *domain(Moment, moment), *domain(Hint, hint), levels]
    return case, [*domains, sound(session), possible(session, None, moment)]


def decisions(rows: Sequence[Decision] = DECISIONS) -> Iterator[Obligation]:
    """Say everything that there is to prove of a decision's rows."""
    yield from _opposites()
    yield from _whole(rows)
    for position in range(len(rows)):
        yield from _reached(rows, position)
    yield from _of_grants(rows)
    for row in rows:
        yield from _done_is_done(row)
        yield from _no_page_under_none(row)


def _broken(name: str, about: str, case: Case, *terms: Term) -> Obligation:
    shows = (
        ("session", Session, case.session),
        ("request", AuthenticationRequest, case.request),
        ("hint", Hint, case.request.hint),
        ("transaction", Transaction, case.transaction),
        ("moment", Moment, case.moment),
        ("policy", ServerPolicy, case.policy),
    )
    return Obligation(name, about, z3.And(*terms), shows=shows)


def _opposites() -> Iterator[Obligation]:
    case, given = unknown_case()
    for one, other in PAIRS:
        yield _broken("Opposites", f"{one.__name__} and {other.__name__}", case, *given, one(case) == other(case))


def _whole(rows: Sequence[Decision]) -> Iterator[Obligation]:
    case, given = unknown_case()
    yield _broken("DecideIsTotal", "some row matches", case, *given, z3.Not(_any(rows, case)))


def _any(rows: Sequence[Decision], case: Case) -> Term:
    return z3.Or([row.condition(case) for row in rows])


def _first(rows: Sequence[Decision], position: int, case: Case) -> Term:
    return z3.And(rows[position].condition(case), z3.Not(_any(rows[:position], case)))


def _reached(rows: Sequence[Decision], position: int) -> Iterator[Obligation]:
    """Each cell of the table is some request's answer, or is known to be nobody's."""
    case, given = unknown_case()
    row = rows[position]
    for silent in (True, False):
        about = f"{row.condition.__name__}, {'silent' if silent else 'otherwise'}"
        here = z3.And(*given, case.request.none == silent, _first(rows, position, case))
        if (row.condition, silent) in UNREACHED:
            yield _broken("CellIsNobodys", about, case, here)
        else:
            yield Obligation("CellIsReached", about, here, wanted=True)


def _answers(rows: Sequence[Decision], case: Case, *kinds: type | Interaction) -> Term:
    """Say that the answer is of one of these kinds."""

    def fits(cell: object) -> bool:
        return any(isinstance(cell, kind) if isinstance(kind, type) else cell is kind for kind in kinds)

    silent, otherwise = (
        z3.Or([z3.BoolVal(False)] + [_first(rows, n, case) for n, row in enumerate(rows) if fits(getattr(row, column))])
        for column in ("silent", "otherwise")
    )
    return z3.If(case.request.none, silent, otherwise)


def _of_grants(rows: Sequence[Decision]) -> Iterator[Obligation]:
    case, given = unknown_case()
    s, q, t, m = case.session, case.request, case.transaction, case.moment
    granted = [*given, _answers(rows, case, Granted)]
    fresh = z3.Or(m.at - s.authenticated_at <= q.max_age, t.logged_in == s.subject)
    asked = z3.Or(z3.Not(z3.Or(q.login, q.max_age == 0)), t.logged_in == s.subject)
    agreed = z3.Or(z3.And(case.policy.consented, z3.Not(q.consent)), t.consented == s.subject)
    strong = z3.Or(z3.Not(z3.Or(case.policy.mfa, s.needs == State.MFA_SATISFIED.value)), when.two_factors_count(case))
    met = z3.Or(z3.Not(q.acr_essential), z3.Not(when.acr_unmet(case)))
    meant = z3.And(
        z3.Or(q.hint.standing != HintStanding.VALID.value, q.hint.subject == s.subject),
        z3.Or(q.subject == "", q.subject == s.subject),
    )
    claims = {
        "GrantedIsLive": when.somebody_is_signed_in(case),
        "GrantedIsWhoWasMeant": meant,
        "GrantedIsFresh": z3.And(fresh, asked),
        "GrantedIsAgreed": agreed,
        "GrantedIsStrongEnough": z3.And(strong, met),
    }
    for name, holds in claims.items():
        yield _broken(name, "every grant", case, *granted, z3.Not(holds))
    yield from _assurance_only_helps(rows, case, granted)


def _assurance_only_helps(rows: Sequence[Decision], case: Case, granted: list[Term]) -> Iterator[Obligation]:
    """What a session is granted with one factor, it is granted with a second one besides."""
    second = {"state": z3.StringVal(State.MFA_SATISFIED.value), "mfa_at": z3.Int("stepped up at")}
    raised = evolve(case, session=evolve(case.session, **second, second=z3.Int("second kind")))
    counts = z3.And(sound(raised.session), raised.session.second <= max(Kind), when.two_factors_count(raised))
    lost = z3.Not(_answers(rows, raised, Granted))
    yield _broken("AssuranceOnlyHelps", "one factor, then two", case, *granted, counts, lost)


_DID: Final = {
    Interaction.SELECT_ACCOUNT: "selected",
    Interaction.CONSENT: "consented",
    Interaction.OFFER_STEP_UP: "offered",
    Interaction.LOG_IN: "logged_in",
    Interaction.REAUTHENTICATE: "logged_in",
}


def _done_is_done(row: Decision) -> Iterator[Obligation]:
    """A page that was answered is not shown again, however long it took: so the story ends."""
    if not isinstance(row.otherwise, Interaction):
        return
    case, given = unknown_case()
    done = [when.somebody_is_signed_in(case)]
    if row.otherwise in _DID:
        done += [getattr(case.transaction, _DID[row.otherwise]) == case.session.subject]
    else:
        done += [when.two_factors_count(case)]
    about = f"{row.condition.__name__}, after {row.otherwise}"
    yield _broken("DoneIsDone", about, case, *given, *done, row.condition(case))


def _no_page_under_none(row: Decision) -> Iterator[Obligation]:
    shown = z3.BoolVal(not isinstance(row.silent, ErrorCode | Granted))
    yield Obligation("NoPageUnderNone", row.condition.__name__, shown)


__all__ = ["PAIRS", "UNREACHED", "decisions", "unknown_case"]
