"""Applications on sessioncore keep the contract, by WSGI, by ASGI and over HTTP."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.product.shops import AsgiShop, HttpShop, Shop, WsgiShop

from sessioncore.testing.contracts import Application, SessionContract


class TestWsgiShop(SessionContract):
    """In process."""

    @pytest.fixture
    def application(self) -> WsgiShop:
        """Give the application."""
        return WsgiShop()


class TestAsgiShop(SessionContract):
    """In process, with an event loop a request."""

    examples = 10

    @pytest.fixture
    def application(self) -> AsgiShop:
        """Give the application."""
        return AsgiShop()


class TestHttpShop(SessionContract):
    """By a real server."""

    examples = 5

    @pytest.fixture
    def application(self) -> Iterator[HttpShop]:
        """Give the application, served."""
        with closing(HttpShop()) as shop:
            yield shop


def test_what_the_drivers_are_is_what_the_contract_asks_for() -> None:
    drivers: list[type[Application]] = [Shop, WsgiShop, AsgiShop, HttpShop]

    assert len(drivers) == 4
