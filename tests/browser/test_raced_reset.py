"""A login with the old password while its owner resets it: it is worth nothing, whenever the reset comes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examples.storezero.auth.accounts import Accounts
from examples.storezero.shop.app import build
from starlette.testclient import TestClient

from sessioncore.testing import Clock
from sessioncore_io import Sessions
from sessioncore_io.sqlite import SqliteStore

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
    step: str, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TestClient(build(tmp_path, clock, QUICK), base_url="https://testserver", follow_redirects=False)
    token = client.get("/login").text.partition('name="csrf" value="')[2][:64]
    sessions = Sessions(SqliteStore(tmp_path / "sessions.sqlite3"), clock=clock)
    monkeypatch.setattr(Accounts, step, resetting_after(getattr(Accounts, step), sessions))
    form = {"csrf": token, "name": "alice", "password": "down the rabbit hole"}
    answer = client.post("/login", data=form)

    assert answer.status_code == {"named": 400, "verify": 409}[step]
    assert client.get("/orders").headers["location"] == "/login?next=%2Forders"
