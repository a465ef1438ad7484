"""A login with the old password while its owner resets it: it is worth nothing, whenever the reset comes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examples.storezero.auth.accounts import Accounts
from starlette.testclient import TestClient

from sessioncore.testing import Clock
from sessioncore_io import Sessions
from sessioncore_io.sqlite import SqliteStore

from .inside import AUTH, followed, hidden
from .people import QUICK

ALICE = "customer-alice"


def resetting_after(step: Callable[..., Any], sessions: Sessions) -> Callable[..., Any]:
    """Let the owner reset Alice's password just after a step of the login."""

    def stepped(accounts: Accounts, *values: object) -> Any:
        found = step(accounts, *values)
        sessions.reset_password(ALICE, lambda: accounts.store_hash(ALICE, QUICK.hash("a golden afternoon")))
        return found

    return stepped


@pytest.mark.parametrize("step", ["named", "verify"])
def test_a_login_that_a_reset_overtakes_signs_nobody_in(
    step: str, client: TestClient, data: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = followed(client, client.get("/login")).text
    form = {field: hidden(asked, field) for field in ("csrf", "transaction")}
    sessions = Sessions(SqliteStore(data / "auth-sessions.sqlite3"), clock=clock)
    monkeypatch.setattr(Accounts, step, resetting_after(getattr(Accounts, step), sessions))
    answer = client.post(f"{AUTH}/login", data=form | {"name": "alice", "password": "down the rabbit hole"})

    assert answer.status_code == {"named": 400, "verify": 409}[step]
    assert client.get(f"{AUTH}/account").headers["location"] == "/login?next=%2Faccount"
    assert client.get("/orders").headers["location"] == "/login?next=%2Forders"
