"""What has been done since an authentication request arrived: events, so that no two clocks have to be compared.

A transaction belongs to one authentication request in one browser; the adapter keeps it between the pages. Each
field names the subject who did that, so that nothing that one did counts for another.
"""

from collections.abc import Callable
from typing import Final

from attrs import evolve, frozen

from ..events import LogIn, Reauthenticate
from ..records import Session
from .answers import Interaction


@frozen(kw_only=True)
class Transaction:
    """Hold who logged in, chose an account, proved a second factor, was offered to, and consented; empty: nobody."""

    logged_in: str = ""
    selected: str = ""
    stepped_up: str = ""
    offered: str = ""
    consented: str = ""

    def did(self, kind: Interaction, subject: str) -> "Transaction":
        """Record that this subject answered a page, or declined the offer of a step-up.

        A login that follows a choice of account is the account chosen.
        """
        return _DID[kind](self, subject)


def _logged_in(t: Transaction, subject: str) -> Transaction:
    return evolve(t, logged_in=subject, selected=subject if t.selected else "")


def _selected(t: Transaction, subject: str) -> Transaction:
    return evolve(t, selected=subject)


def _stepped_up(t: Transaction, subject: str) -> Transaction:
    return evolve(t, stepped_up=subject)


def _offered(t: Transaction, subject: str) -> Transaction:
    return evolve(t, offered=subject)


def _consented(t: Transaction, subject: str) -> Transaction:
    return evolve(t, consented=subject)


_DID: Final[dict[Interaction, Callable[[Transaction, str], Transaction]]] = {
    Interaction.LOG_IN: _logged_in,
    Interaction.REAUTHENTICATE: _logged_in,
    Interaction.SELECT_ACCOUNT: _selected,
    Interaction.STEP_UP: _stepped_up,
    Interaction.SATISFY_MFA: _stepped_up,
    Interaction.OFFER_STEP_UP: _offered,
    Interaction.CONSENT: _consented,
}


def recorded_as(
    session: Session | None, transaction: Transaction, kind: Interaction, subject: str
) -> type[LogIn] | type[Reauthenticate]:
    """Say by which event the session records a login that this page brought: a second factor proved now is kept.

    ``LogIn`` forgets what was proved before, as ``prompt=login`` asks; ``Reauthenticate`` keeps it. Who signs in as
    somebody else, or after the session ended, always logs in.
    """
    if session is None or not session.live or session.subject != subject:
        return LogIn
    if kind is Interaction.REAUTHENTICATE or transaction.stepped_up == subject:
        return Reauthenticate
    return LogIn
