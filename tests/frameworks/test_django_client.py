"""Django's test client, its views inside the session middleware."""

from collections.abc import Iterator

import pytest
from django.test import Client

from sessioncore.testing import FaultyStore, log_in_as
from sessioncore_io.memory import MemoryStore

from .cases import served_by_django
from .recipes import django_wsgi
from .recipes.django_client import session_client
from .recipes.users import BOB, Users


@pytest.fixture
def store() -> FaultyStore:
    """Give a store that fails when it is told to."""
    return FaultyStore(MemoryStore())


@pytest.fixture
def client(store: FaultyStore) -> Iterator[Client]:
    """Sign somebody in."""
    with served_by_django(django_wsgi, store, Users()) as application:
        signed_in = session_client(application)
        log_in_as(signed_in, BOB, application)
        yield signed_in


def test_what_django_tells_of_a_response_is_there(client: Client) -> None:
    answer = client.get("/account")

    assert (answer.content, answer.resolver_match.func) == (b"signed in as user:bob", django_wsgi.account)


def test_a_logout_that_was_not_stored_is_answered_by_the_middleware(client: Client, store: FaultyStore) -> None:
    store.fail("swap", times=1)
    refused = client.post("/logout")

    assert (refused.status_code, refused.cookies) == (503, {})
    assert b"store is not available" in refused.content
    assert client.get("/account").status_code == 200
