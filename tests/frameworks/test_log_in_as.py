"""An application's own tests start signed in, in every recipe and by the client that its framework's users have."""

from collections.abc import Iterator
from typing import Any

import pytest

from sessioncore import State
from sessioncore.testing import log_in_as
from sessioncore_io.memory import MemoryStore

from .cases import CASES
from .own_clients import PAIRS, Ask, Pair
from .recipes.users import ALICE, BOB, PASSWORDS, Users


class Guest:
    """Use a recipe by its framework's client."""

    def __init__(self, app: Any, client: Any, ask: Ask, users: Users) -> None:
        self.app, self.client, self.users, self._ask = app, client, users, ask

    def account(self) -> str | None:
        """Tell as whom the account page greets, or None."""
        status, text = self._ask(self.client, "GET", "/account", {})
        return text.strip('"').removeprefix("signed in as ") if status == 200 else None

    def post(self, path: str, **form: str) -> bool:
        """Send a form; tell whether it was taken."""
        return self._ask(self.client, "POST", path, form)[0] < 400

    def prove(self, subject: str) -> bool:
        """Send the code of the user's authenticator."""
        return self.post("/mfa", code=self.users.code_of(subject))

    def log_in(self, subject: str) -> bool:
        """Send the login form."""
        return self.post("/login", username=subject.removeprefix("user:"), password=PASSWORDS[subject])


@pytest.fixture(params=PAIRS, ids=lambda pair: pair.name)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """Open a recipe by its client."""
    pair: Pair = request.param
    users = Users()
    with pair.app(MemoryStore(), users) as app:
        yield Guest(app, pair.client.made(app), pair.client.ask, users)


def test_every_recipe_with_a_middleware_is_here() -> None:
    assert {pair.name.removesuffix("-by-httpx") for pair in PAIRS} == {case.name for case in CASES} - {"no-adapter"}


def test_the_first_request_is_signed_in(guest: Guest) -> None:
    log_in_as(guest.client, BOB, guest.app)

    assert guest.account() == BOB


def test_what_the_application_does_next_takes_the_cookies_place(guest: Guest) -> None:
    log_in_as(guest.client, ALICE, guest.app, needs=State.MFA_SATISFIED)
    owing = guest.account()

    assert (owing, guest.prove(ALICE), guest.account()) == (None, True, ALICE)


def test_a_logout_and_a_login_follow(guest: Guest) -> None:
    log_in_as(guest.client, ALICE, guest.app, method=("pwd", "otp"), needs=State.MFA_SATISFIED)

    assert (guest.account(), guest.post("/logout"), guest.account()) == (ALICE, True, None)
    assert (guest.log_in(BOB), guest.account()) == (True, BOB)


def test_a_real_login_came_before(guest: Guest) -> None:
    guest.log_in(BOB)
    log_in_as(guest.client, ALICE, guest.app)

    assert (guest.account(), guest.post("/logout"), guest.account()) == (ALICE, True, None)


def test_twice_is_once(guest: Guest) -> None:
    log_in_as(guest.client, BOB, guest.app)
    log_in_as(guest.client, ALICE, guest.app, remember=True)

    assert (guest.account(), guest.post("/logout"), guest.account()) == (ALICE, True, None)
