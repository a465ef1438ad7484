"""The one table by which a session answers an authentication request: ordered rows, the first that matches wins.

A client asks an authorization server: who is this, how lately and how strongly was that proved, did they agree?
The server's session knows the first three. For each thing that may be amiss there is one row: its condition, the
answer when no page may be shown (``prompt=none``), the answer otherwise, and the clause that says so.

Two things carry the weight:

- **Never a page under none.** That column holds errors and grants only. A silent request shows nothing, and this
  function changes nothing: no session begins, none is touched, no cookie is set.
- **What was done is recorded, not computed.** A login that was asked for is done when the transaction says that it
  happened. Whoever compares clocks instead asks again when a page took longer than max_age, and forever.

The conditions stand in ``conditions``. The documentation and the diagram are made of these rows.
"""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from ..records import Moment, Session
from . import conditions as when
from .answers import GRANTED, Answer, ErrorCode, Grant, Granted, Interact, Interaction, Refuse
from .case import Case, case_of
from .request import AuthenticationRequest
from .server import Level, ServerPolicy
from .transaction import Transaction

Condition = Callable[[Case], bool]


@frozen
class Decision:
    """Hold one row: if the condition holds, this answer to a silent request, that one to any other."""

    condition: Condition
    silent: ErrorCode | Granted
    otherwise: Interaction | ErrorCode | Granted
    clause: str


E, I = ErrorCode, Interaction  # noqa: E741 - a row has to fit on a line
UNMET: Final = ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS

# fmt: off
DECISIONS: Final[tuple[Decision, ...]] = (
    #        if                               prompt=none gives             otherwise           clause of Core 1.0
    Decision(when.none_with_another_prompt,   E.INVALID_REQUEST,            E.INVALID_REQUEST,  "3.1.2.1"),
    Decision(when.malformed,                  E.INVALID_REQUEST,            E.INVALID_REQUEST,  "3.1.2.1"),
    Decision(when.hint_not_valid,             E.INVALID_REQUEST,            E.INVALID_REQUEST,  "3.1.2.1"),
    Decision(when.nobody_is_signed_in,        E.LOGIN_REQUIRED,             I.LOG_IN,           "3.1.2.3"),
    Decision(when.login_asked_for,            E.LOGIN_REQUIRED,             I.LOG_IN,           "3.1.2.1"),
    Decision(when.login_too_old,              E.LOGIN_REQUIRED,             I.REAUTHENTICATE,   "3.1.2.1"),
    Decision(when.another_before_login,       E.LOGIN_REQUIRED,             I.LOG_IN,           "3.1.2.1"),
    Decision(when.another_after_login,        E.LOGIN_REQUIRED,             E.LOGIN_REQUIRED,   "3.1.2.2"),
    Decision(when.account_unchosen,           E.ACCOUNT_SELECTION_REQUIRED, I.SELECT_ACCOUNT,   "3.1.2.6"),
    Decision(when.essential_acr_in_reach,     E.LOGIN_REQUIRED,             I.STEP_UP,          "5.5.1.1"),
    Decision(when.essential_acr_out_of_reach, UNMET,                        UNMET,              "5.5.1.1"),
    Decision(when.mfa_owed,                   E.INTERACTION_REQUIRED,       I.SATISFY_MFA,      "3.1.2.6"),
    Decision(when.consent_missing,            E.CONSENT_REQUIRED,           I.CONSENT,          "3.1.2.1"),
    Decision(when.wished_acr_on_offer,        GRANTED,                      I.OFFER_STEP_UP,    "5.5.1.1"),
    Decision(when.wished_acr_unmet,           GRANTED,                      GRANTED,            "5.5.1.1"),
    Decision(when.all_is_well,                GRANTED,                      GRANTED,            "3.1.2.5"),
)
# fmt: on


def decide(
    session: Session | None,
    request: AuthenticationRequest,
    transaction: Transaction,
    moment: Moment,
    policy: ServerPolicy = ServerPolicy(),  # noqa: B008 - frozen
) -> Answer:
    """Decide what an authorization server answers: total, and changing nothing.

    Decide again after each page; ``transaction`` has to know by then what was done on it. ``moment`` is
    that of the session now, so that one whose time has come signs nobody in. Source: OpenID Connect Core 1.0, 3.1.2.
    """
    case = case_of(session, request, transaction, moment, policy)
    row = matching(case)
    cell = row.silent if request.none else row.otherwise
    if isinstance(cell, ErrorCode):
        return Refuse(cell, why(row, case))
    return _interact(cell, case) if isinstance(cell, Interaction) else _grant(case)


def matching(case: Case, rows: tuple[Decision, ...] | None = None) -> Decision:
    """Give the first row that matches; the last one always does."""
    return next(row for row in (DECISIONS if rows is None else rows) if row.condition(case))


def why(row: Decision, case: Case) -> str:
    """Say what a row found amiss, in words that hold nothing of the session."""
    return case.request.fault or (row.condition.__doc__ or "").strip()


def _interact(kind: Interaction, case: Case) -> Interact:
    """Show a page, to the subject whom the client means, else to the session's; anybody may log in."""
    own = "" if kind is Interaction.LOG_IN else case.session.subject
    return Interact(kind, case.request.subject_asked or own)


def _grant(case: Case) -> Grant:
    session = case.session
    strong = bool(when.two_factors_count(case))
    level = Level.TWO_FACTORS if strong else Level.ONE_FACTOR
    return Grant(
        subject=session.subject,
        auth_time=session.authenticated_at // 1_000,
        acr=case.policy.acr_of(level, case.request.acr_values),
        amr=session.methods + (session.mfa_methods if strong else ()),
    )
