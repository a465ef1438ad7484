"""What a server calls, step by step: what is asked of the resolver, what is refused, and what a failure says."""

import asyncio
from typing import Final

import httpx2
import pytest

from sessioncore_io.oidc.guard import Forbidden, PublicOnly, is_public, resolve

pytestmark = pytest.mark.anyio

OUTSIDE: Final = "93.184.216.34"


class Recorder(httpx2.AsyncBaseTransport):
    """Answer everything, remember where it went, and whether it was closed."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(str(request.url))
        return httpx2.Response(200)

    async def aclose(self) -> None:
        self.closed = True


class Guarded:
    """Guard a recorder, with a resolver that gives the same answer to everybody."""

    def __init__(self, *addresses: str, local: bool = False, fails: bool = False) -> None:
        self.addresses = list(addresses)
        self.fails = fails
        self.asked: list[tuple[str, int]] = []
        self.recorder = Recorder()
        self.transport = PublicOnly(local=local, through=self.recorder, resolver=self.resolver)

    async def resolver(self, host: str, port: int) -> list[str]:
        """Answer."""
        self.asked.append((host, port))
        if self.fails:
            raise OSError("no such name")
        return self.addresses

    async def call(self, url: str) -> httpx2.Request:
        """Send a request, without a client around."""
        request = httpx2.Request("GET", url)
        await self.transport.handle_async_request(request)
        return request


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("https://rp.example/", 443),
        ("https://rp.example:8443/", 8443),
        ("https://rp.example:80/", 80),
    ],
)
async def test_a_name_is_asked_for_with_the_port_that_is_called(url: str, port: int) -> None:
    guarded = Guarded(OUTSIDE)
    await guarded.call(url)

    assert guarded.asked == [("rp.example", port)]


@pytest.mark.parametrize(("url", "port"), [("http://127.0.0.2/", 80), ("http://127.0.0.2:8000/", 8000)])
async def test_this_machine_is_called_at_the_address_that_was_meant(url: str, port: int) -> None:
    guarded = Guarded("127.0.0.2", local=True)
    await guarded.call(url)

    assert guarded.asked == [("127.0.0.2", port)]
    assert guarded.recorder.seen == [url]


async def test_a_local_name_is_asked_of_nobody() -> None:
    """Python's resolver does not know them."""
    guarded = Guarded(fails=True, local=True)
    await guarded.call("http://shop.localhost:8000/x")

    assert guarded.asked == []
    assert guarded.recorder.seen == ["http://127.0.0.1:8000/x"]


@pytest.mark.parametrize("local", [True, False])
async def test_a_name_that_only_ends_like_a_local_one_is_asked_for(local: bool) -> None:
    guarded = Guarded(OUTSIDE, local=local)
    await guarded.call("https://notlocalhost/")

    assert guarded.asked == [("notlocalhost", 443)]
    assert guarded.recorder.seen == [f"https://{OUTSIDE}/"]


async def test_a_local_name_is_no_shorter_way_where_this_machine_is_not_to_be_called() -> None:
    guarded = Guarded("127.0.0.1")
    with pytest.raises(Forbidden):
        await guarded.call("https://shop.localhost/")

    assert guarded.asked == [("shop.localhost", 443)]
    assert guarded.recorder.seen == []


async def test_this_machines_name_that_leads_into_the_network_is_refused() -> None:
    guarded = Guarded("10.0.0.1", local=True)

    with pytest.raises(Forbidden):
        await guarded.call("http://127.0.0.1/")


async def test_plain_http_is_refused_before_anybody_is_asked() -> None:
    guarded = Guarded(OUTSIDE)
    request = httpx2.Request("GET", "http://rp.example/")
    with pytest.raises(Forbidden, match="only https leaves this server") as refused:
        await guarded.transport.handle_async_request(request)

    assert refused.value.request is request
    assert guarded.asked == []


async def test_this_machine_is_called_only_if_that_was_said() -> None:
    recorder = Recorder()
    with pytest.raises(Forbidden):
        await PublicOnly(through=recorder).handle_async_request(httpx2.Request("GET", "http://localhost/"))

    assert recorder.seen == []


async def test_a_name_that_nobody_knows_is_a_failure_to_connect() -> None:
    """So that callers try again, as they do where a connection fails."""
    guarded = Guarded(fails=True)
    request = httpx2.Request("GET", "https://rp.example/")
    with pytest.raises(httpx2.ConnectError, match=r"rp\.example has no address") as failed:
        await guarded.transport.handle_async_request(request)

    assert failed.value.request is request
    assert not isinstance(failed.value, Forbidden)


async def test_what_is_not_on_the_internet_is_refused_with_the_request() -> None:
    request = httpx2.Request("GET", "https://rp.example/")
    with pytest.raises(Forbidden, match=r"rp\.example is not on the internet") as refused:
        await Guarded("10.0.0.1").transport.handle_async_request(request)

    assert refused.value.request is request


async def test_the_connections_are_closed_with_it() -> None:
    guarded = Guarded()
    await guarded.transport.aclose()

    assert guarded.recorder.closed


async def test_the_systems_resolver_gives_every_address_once() -> None:
    found = await resolve("localhost", 443)

    assert await resolve("127.0.0.1", 443) == ["127.0.0.1"]
    assert set(found) <= {"127.0.0.1", "::1"}
    assert len(found) == len(set(found)) > 0


async def test_connections_are_its_own_and_each_is_tried_once() -> None:
    """A client that does not take connections is not asked twice within one call; the queue tries again, later."""
    tried = []

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = PublicOnly(local=True)
    async with server:
        with pytest.raises(httpx2.ConnectError):
            await transport.handle_async_request(httpx2.Request("GET", f"https://localhost:{port}/"))
    await transport.aclose()

    assert len(tried) == 1


@pytest.mark.parametrize("address", ["::ffff:93.184.216.34", "93.184.216.34%eth0", "2606:4700::1111%eth0"])
def test_another_way_to_write_an_address_does_not_change_what_it_is(address: str) -> None:
    assert is_public(address)
