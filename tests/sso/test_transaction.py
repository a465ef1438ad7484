"""A transaction records who did what, and nothing that one did counts for another."""

import pytest
from attrs import fields
from tests.sso.cells import ALICE, BOB, EPOCH, ISSUER, NOW, ONE, POLICY, TWO

from sessioncore import LogIn, Reauthenticate
from sessioncore.sso import (
    Grant,
    Interact,
    Interaction,
    ServerPolicy,
    Transaction,
    decide,
    moment_for,
    moment_of,
    read_request,
    recorded_as,
)

MOMENT = moment_for(ONE, EPOCH, NOW, POLICY)
ASKING = ServerPolicy(issuer=ISSUER, consented=False)


@pytest.mark.parametrize("kind", Interaction)
def test_every_page_is_recorded_and_takes_nothing_back(kind: Interaction) -> None:
    everything = Transaction(**{field.name: ALICE for field in fields(Transaction)})
    done = Transaction().did(kind, ALICE)

    assert done != Transaction()
    assert everything.did(kind, ALICE) == everything
    assert done.did(kind, ALICE) == done


def test_a_consent_of_one_subject_is_not_another_s() -> None:
    bob_agreed = Transaction().did(Interaction.CONSENT, BOB)
    alice_agreed = Transaction().did(Interaction.CONSENT, ALICE)

    assert decide(ONE, read_request({}), bob_agreed, MOMENT, ASKING) == Interact(Interaction.CONSENT, ALICE)
    assert isinstance(decide(ONE, read_request({}), alice_agreed, MOMENT, ASKING), Grant)


def test_a_login_of_another_in_the_same_browser_does_not_count_for_this_session() -> None:
    request = read_request({"prompt": "login"})

    assert decide(ONE, request, Transaction(logged_in=BOB), MOMENT) == Interact(Interaction.LOG_IN)


def test_the_login_that_follows_a_choice_is_the_account_chosen() -> None:
    chosen = Transaction().did(Interaction.SELECT_ACCOUNT, ALICE).did(Interaction.LOG_IN, BOB)

    assert chosen.selected == BOB
    assert Transaction().did(Interaction.LOG_IN, BOB).selected == ""


@pytest.mark.parametrize(
    ("expected", "session", "transaction", "kind", "subject"),
    [
        (LogIn, None, Transaction(), Interaction.LOG_IN, ALICE),
        (LogIn, TWO, Transaction(), Interaction.LOG_IN, ALICE),
        (LogIn, TWO, Transaction(stepped_up=ALICE), Interaction.REAUTHENTICATE, BOB),
        (LogIn, TWO, Transaction(stepped_up=BOB), Interaction.LOG_IN, ALICE),
        (Reauthenticate, TWO, Transaction(stepped_up=ALICE), Interaction.LOG_IN, ALICE),
        (Reauthenticate, TWO, Transaction(), Interaction.REAUTHENTICATE, ALICE),
    ],
)
def test_a_login_keeps_a_second_factor_that_was_proved_in_this_transaction(
    expected: type, session: object, transaction: Transaction, kind: Interaction, subject: str
) -> None:
    assert recorded_as(session, transaction, kind, subject) is expected  # type: ignore[arg-type]


def test_a_session_that_was_just_opened_is_judged_by_its_own_epoch() -> None:
    assert moment_of(ONE, NOW, POLICY) == MOMENT
    assert moment_of(None, NOW, POLICY) == moment_for(None, None, NOW, POLICY)
