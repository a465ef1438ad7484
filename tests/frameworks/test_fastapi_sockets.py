"""FastAPI's dependencies of the recipe guard a websocket as they guard an endpoint."""

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from sessioncore import State
from sessioncore.testing import log_in_as
from sessioncore_io.memory import MemoryStore

from .recipes.fastapi_app import create_app
from .recipes.users import ALICE, BOB, Users

LIVE = "wss://testserver/live"


@pytest.fixture
def client() -> TestClient:
    """Open a browser on the recipe."""
    return TestClient(create_app(MemoryStore(), Users()), "https://testserver")


def test_who_is_signed_in_is_let_into_the_socket(client: TestClient) -> None:
    log_in_as(client, BOB, client.app)
    with client.websocket_connect(LIVE) as socket:
        greeted = socket.receive_text()

    assert greeted == f"signed in as {BOB}"


def test_nobody_is_refused_as_at_a_page(client: TestClient) -> None:
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(LIVE):
        pass

    assert (refused.value.status_code, refused.value.json()) == (401, {"missing": "login"})


def test_who_owes_a_factor_is_refused_too(client: TestClient) -> None:
    log_in_as(client, ALICE, client.app, needs=State.MFA_SATISFIED)
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(LIVE):
        pass

    assert (refused.value.status_code, refused.value.json()) == (401, {"missing": "second factor"})
