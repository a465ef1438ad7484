"""The conditions of the decision: each one expression that runs on values and on z3 terms alike.

The grammar is that of ``sessioncore.guards``, whose guards these call; ``c`` is the case. A flag is compared with
``YES`` or ``NO``, because ``not`` asks a term the wrong question. The rules that name opposites prove the pairs.
"""

from ..guards import live, past_idle, past_lifetime, past_mfa, past_upstream, superseded, within_mfa
from ..records import State
from .case import Case
from .constants import AT_ONCE, EMPTY, NO, YES
from .request import HintStanding
from .server import Level

# -- what the session is worth -----------------------------------------------------------------------------


def nobody_is_signed_in(c: Case) -> bool:
    """There is no live session with somebody signed in."""
    return (
        ((c.session.state != State.AUTHENTICATED) & (c.session.state != State.MFA_SATISFIED))
        | past_idle(c.session, c.moment)
        | past_lifetime(c.session, c.moment)
        | past_upstream(c.session, c.moment)
        | superseded(c.session, c.moment)
    )


def somebody_is_signed_in(c: Case) -> bool:
    """The opposite of ``nobody_is_signed_in``."""
    return ((c.session.state == State.AUTHENTICATED) | (c.session.state == State.MFA_SATISFIED)) & live(
        c.session, c.moment
    )


def one_factor_counts(c: Case) -> bool:
    """No second factor counts at this moment."""
    return (c.session.state != State.MFA_SATISFIED) | past_mfa(c.session, c.moment)


def two_factors_count(c: Case) -> bool:
    """The opposite of ``one_factor_counts``."""
    return (c.session.state == State.MFA_SATISFIED) & within_mfa(c.session, c.moment)


def no_login_yet(c: Case) -> bool:
    """The session's subject has not logged in within this transaction."""
    return c.transaction.logged_in != c.session.subject


def login_done(c: Case) -> bool:
    """The opposite of ``no_login_yet``."""
    return c.transaction.logged_in == c.session.subject


# -- the request cannot be answered ------------------------------------------------------------------------


def none_with_another_prompt(c: Case) -> bool:
    """The prompt none stands beside another."""
    return (c.request.none == YES) & (
        (c.request.login == YES) | (c.request.select_account == YES) | (c.request.consent == YES)
    )


def malformed(c: Case) -> bool:
    """A parameter cannot be read, or max_age is negative."""
    return (c.request.fault != EMPTY) | (c.request.max_age < AT_ONCE)


def hint_not_valid(c: Case) -> bool:
    """The id_token_hint is not one that this issuer signed."""
    return (c.request.hint.standing == HintStanding.INVALID) | (
        (c.request.hint.standing == HintStanding.VALID) & (c.request.hint.issuer != c.policy.issuer)
    )


# -- the login ---------------------------------------------------------------------------------------------


def login_asked_for(c: Case) -> bool:
    """A new login is asked for, by prompt or by max_age=0, and has not been done in this transaction."""
    return ((c.request.login == YES) | (c.request.max_age == AT_ONCE)) & no_login_yet(c)


def login_too_old(c: Case) -> bool:
    """The login is older than max_age, and has not been done in this transaction."""
    return (c.moment.at - c.session.authenticated_at > c.request.max_age) & no_login_yet(c)


def another_subject(c: Case) -> bool:
    """The id_token_hint, or the value asked of the sub claim, names another subject."""
    return ((c.request.hint.standing == HintStanding.VALID) & (c.request.hint.subject != c.session.subject)) | (
        (c.request.subject != EMPTY) & (c.request.subject != c.session.subject)
    )


def another_before_login(c: Case) -> bool:
    """Another subject is asked for, and nobody has logged in in this transaction."""
    return another_subject(c) & no_login_yet(c)


def another_after_login(c: Case) -> bool:
    """Another subject is asked for than the one who logged in in this transaction."""
    return another_subject(c) & login_done(c)


def account_unchosen(c: Case) -> bool:
    """A choice of account is asked for, and has not been made in this transaction."""
    return (c.request.select_account == YES) & (c.transaction.selected != c.session.subject)


# -- how strongly ------------------------------------------------------------------------------------------


def acr_unmet(c: Case) -> bool:
    """The session meets none of the classes that were asked for."""
    return (c.wanted == Level.UNKNOWN) | ((c.wanted == Level.TWO_FACTORS) & one_factor_counts(c))


def step_up_helps(c: Case) -> bool:
    """A second factor, which this user has, would meet the class."""
    return (c.wanted == Level.TWO_FACTORS) & (c.policy.can_step_up == YES)


def step_up_is_vain(c: Case) -> bool:
    """The opposite of ``step_up_helps``."""
    return (c.wanted != Level.TWO_FACTORS) | (c.policy.can_step_up == NO)


def essential_acr_in_reach(c: Case) -> bool:
    """An essential acr is unmet, and a step-up would meet it."""
    return (c.request.acr_essential == YES) & acr_unmet(c) & step_up_helps(c)


def essential_acr_out_of_reach(c: Case) -> bool:
    """An essential acr is unmet, and nothing that this user can do would meet it."""
    return (c.request.acr_essential == YES) & acr_unmet(c) & step_up_is_vain(c)


def mfa_owed(c: Case) -> bool:
    """The server's own rules demand a second factor, and none counts."""
    return ((c.policy.mfa == YES) | (c.session.needs == State.MFA_SATISFIED)) & one_factor_counts(c)


# -- what the user agreed to, and what was only wished for ---------------------------------------------------


def consent_missing(c: Case) -> bool:
    """Consent is not on record, or is asked for anew, and was not given in this transaction."""
    return ((c.request.consent == YES) | (c.policy.consented == NO)) & (c.transaction.consented != c.session.subject)


def wished_acr_on_offer(c: Case) -> bool:
    """A voluntary acr is unmet, a step-up would meet it, and the server offers one that was not yet answered."""
    return (
        (c.policy.offers_step_up == YES)
        & acr_unmet(c)
        & step_up_helps(c)
        & (c.transaction.offered != c.session.subject)
    )


def wished_acr_unmet(c: Case) -> bool:
    """A voluntary acr is unmet: it was a wish."""
    return acr_unmet(c)


def all_is_well(c: Case) -> bool:
    """The session meets everything that was asked."""
    return YES
