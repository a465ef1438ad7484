"""What a server can be made to call: only what is on the internet, and what was checked is what is called."""

import asyncio
import ipaddress
import ssl

import httpx2
import pytest
import trustme

from sessioncore import InvalidSetting
from sessioncore_io.oidc import Client, LocalNames
from sessioncore_io.oidc.guard import Forbidden, PublicOnly, is_public
from sessioncore_io.oidc.transport import client_options

pytestmark = pytest.mark.anyio

INSIDE = [
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "fec0::1",
    "5f00::1",
    "3fff::1",
    "192.88.99.1",
    "192.0.0.8",
    "no address",
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert is_public(address) is False


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111"])
def test_what_is_outside_is_public(address: str) -> None:
    assert is_public(address) is True


class Recorder(httpx2.AsyncBaseTransport):
    """Answer everything, and remember where it went."""

    def __init__(self) -> None:
        self.seen: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        return httpx2.Response(200)


async def called(url: str, addresses: list[str], *, local: bool = False) -> list[httpx2.Request]:
    """Call an address whose name resolves to these."""

    async def resolver(host: str, port: int) -> list[str]:
        return addresses

    recorder = Recorder()
    async with httpx2.AsyncClient(transport=PublicOnly(local=local, through=recorder, resolver=resolver)) as client:
        await client.post(url)
    return recorder.seen


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_inside_is_not_called(address: str) -> None:
    with pytest.raises(Forbidden):
        await called("https://rp.example/logout", [address])


async def test_one_address_inside_is_enough_to_refuse() -> None:
    with pytest.raises(Forbidden):
        await called("https://rp.example/logout", ["93.184.216.34", "10.0.0.1"])


async def test_a_name_without_address_is_not_called() -> None:
    with pytest.raises(Forbidden):
        await called("https://rp.example/logout", [])


async def test_plain_http_does_not_leave() -> None:
    with pytest.raises(Forbidden):
        await called("http://rp.example/logout", ["93.184.216.34"])


async def test_the_address_that_was_checked_is_the_one_that_is_called() -> None:
    """Asking the resolver once leaves nothing to answer differently the second time."""
    (request,) = await called("https://rp.example:8443/logout", ["93.184.216.34"])

    assert str(request.url) == "https://93.184.216.34:8443/logout"
    assert request.headers["host"] == "rp.example:8443"
    assert request.extensions["sni_hostname"] == "rp.example"


async def test_a_name_in_another_script_is_the_one_that_was_registered() -> None:
    """Python knows an older rule for such names: by it straße.example would be strasse.example, which is another's."""
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"]

    recorder = Recorder()
    async with httpx2.AsyncClient(transport=PublicOnly(through=recorder, resolver=resolver)) as client:
        await client.post("https://xn--strae-oqa.example/logout")

    assert asked == ["xn--strae-oqa.example"]
    assert recorder.seen[0].extensions["sni_hostname"] == "xn--strae-oqa.example"


@pytest.mark.parametrize("url", ["http://rp.localhost:8000/x", "http://localhost:8000/x", "http://127.0.0.1:8000/x"])
async def test_this_machine_is_called_by_an_explicit_setting_only(url: str) -> None:
    (request,) = await called(url, ["127.0.0.1"], local=True)
    with pytest.raises(Forbidden):
        await called(url, ["127.0.0.1"])

    assert ipaddress.ip_address(request.url.host).is_loopback


async def test_a_name_of_the_internet_that_leads_here_is_refused_also_then() -> None:
    with pytest.raises(Forbidden):
        await called("https://rp.example/logout", ["127.0.0.1"], local=True)


async def test_local_names_are_this_machine() -> None:
    recorder = Recorder()
    async with httpx2.AsyncClient(transport=LocalNames(recorder)) as client:
        await client.get("http://auth.shop.localhost:8001/jwks?x=1")
        await client.get("https://example.com/")

    assert [str(request.url) for request in recorder.seen] == [
        "http://127.0.0.1:8001/jwks?x=1",
        "https://example.com/",
    ]
    assert recorder.seen[0].headers["host"] == "auth.shop.localhost:8001"


@pytest.mark.parametrize(
    "uri",
    [
        "http://rp.example/logout",
        "ftp://rp.example/logout",
        "//rp.example/logout",
        "https://user:pw@rp.example/",
        "https://rp.example/#x",
        "https://rp example/",
        "javascript:alert(1)",
        "https://",
        "https://rp.example:0/",
        "http://localhost.rp.example/",
        "https://rp.example;script-src *;/",
        "https://rp.example,evil.example/",
        "https://rp.example'/",
        "https://rp.example\\@evil.example/",
        "https://rp%2eexample/",
        "https://*.example/",
        "https://a..b/",
    ],
)
def test_an_address_that_is_none_is_not_registered(uri: str) -> None:
    with pytest.raises(InvalidSetting):
        Client(client_id="rp", redirect_uris="https://rp.example/", backchannel_logout_uri=uri)
    with pytest.raises(InvalidSetting):
        Client(client_id="rp", redirect_uris=uri)


async def test_the_certificate_is_still_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checked address is connected to, but who answers there has to be the one that was named."""
    authority = trustme.CA()
    ours, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("rp.example").configure_cert(ours)
    authority.configure_trust(trusting)
    monkeypatch.setattr("sessioncore_io.oidc.guard.is_public", lambda address: address == "127.0.0.1")
    server = await asyncio.start_server(_says_yes, "127.0.0.1", 0, ssl=ours)
    port = server.sockets[0].getsockname()[1]
    through = httpx2.AsyncHTTPTransport(verify=trusting)

    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with server, httpx2.AsyncClient(transport=PublicOnly(through=through, resolver=resolver)) as client:
        answer = await client.post(f"https://rp.example:{port}/logout")
        with pytest.raises(httpx2.ConnectError, match="certificate"):
            await client.post(f"https://other.example:{port}/logout")

    assert (answer.status_code, answer.text) == (200, f"rp.example:{port}")


async def _says_yes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with the host that was asked for."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    host = next(line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("host:"))
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(host)}\r\nconnection: close\r\n\r\n{host}".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_a_hundred_that_do_not_answer_leave_a_connection_for_the_next() -> None:
    arrived, everybody, over = 0, asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 101:
            everybody.set()
        await over.wait()
        await _says_yes(reader, writer)

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    url = f"http://rp.localhost:{server.sockets[0].getsockname()[1]}/logout"
    async with server, httpx2.AsyncClient(**client_options(PublicOnly(local=True))) as client:
        calls = [asyncio.create_task(client.get(url)) for _ in range(101)]
        try:
            async with asyncio.timeout(20):
                await everybody.wait()
        finally:
            over.set()
            answers = await asyncio.gather(*calls)

    assert {answer.status_code for answer in answers} == {200}
