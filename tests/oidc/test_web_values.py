"""A request and its answer as plain values: what is read of a request, and what each kind of answer tells a browser."""

from typing import Any, Final

import pytest

from sessioncore import InvalidSetting
from sessioncore.testing import Clock
from sessioncore_io import AsyncSessions
from sessioncore_io.memory import MemoryStore
from sessioncore_io.oidc import Call
from sessioncore_io.oidc.cors import ANYBODY, answered_preflight, for_origins
from sessioncore_io.oidc.failures import LoginFailed
from sessioncore_io.oidc.responding import mode_of, respond
from sessioncore_io.oidc.web import Params, Reply, html, new_nonce, not_allowed, redirect, refusal

pytestmark = pytest.mark.anyio

FORM: Final = (b"Content-Type", b"application/x-www-form-urlencoded; charset=utf-8")


def test_parameters_are_read_in_their_order_and_an_empty_one_was_left_out() -> None:
    params = Params.read("a=1&b=&c=%20x&a=2&d")

    assert params.pairs == (("a", "1"), ("c", " x"), ("a", "2"))
    assert params.once == {"a": "1", "c": " x"}
    assert (params.get("a"), params.get("b"), params.get("nobody")) == ("1", "", "")
    assert params.repeated == ("a",)
    assert Params.read("b=1&b=2&a=1&a=1").repeated == ("a", "b")
    assert "x" not in repr(Params.read("secret=x"))


async def read(*bodies: bytes, method: str = "POST", headers: Any = (FORM,), query: bytes = b"q=1") -> Call:
    """Read a request whose body comes in these pieces."""
    pieces = list(bodies)

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    scope = {"type": "http", "method": method, "path": "/token", "query_string": query, "headers": headers}
    return await Call.read(scope, receive)


async def test_a_form_is_read_to_its_end() -> None:
    call = await read(b"a=1&b", b"=2", b"")

    assert (call.method, call.path) == ("POST", "/token")
    assert (call.form.once, call.query.once) == ({"a": "1", "b": "2"}, {"q": "1"})
    assert call.params is call.form
    assert call.headers == {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


async def test_only_a_posted_form_is_one() -> None:
    by_get = await read(b"a=1", method="GET")

    assert (by_get.form.once, by_get.params.once) == ({}, {"q": "1"})
    for headers in ((), ((b"content-type", b"application/json"),), ((b"content-type", b"x-www-form-urlencoded"),)):
        assert (await read(b"a=1", headers=headers)).form.once == {}


@pytest.mark.parametrize(("size", "is_read"), [(64 * 1_024, True), (64 * 1_024 + 1, False)])
@pytest.mark.parametrize("pieces", [1, 2])
async def test_a_form_of_more_than_64_kib_says_nothing(size: int, is_read: bool, pieces: int) -> None:
    body = b"a=" + b"x" * (size - 2)
    cut = len(body) // pieces
    call = await read(*[body[at : at + cut] for at in range(0, len(body), cut)])

    assert ("a" in call.form.once) is is_read


async def test_a_body_may_be_left_out_of_its_message() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [FORM]}

    assert (await Call.read(scope, receive)).form.once == {}


async def test_bytes_that_are_no_text_are_no_reason_to_fail() -> None:
    assert (await read(b"a=\xff")).form.once == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("BEARER abc", "abc"),
        ("Basic abc", ""),
        ("abc", ""),
        ("", ""),
        ("Bearer", ""),
    ],
)
def test_an_access_token_is_that_of_the_bearer_scheme(value: str, token: str) -> None:
    assert Call(method="GET", path="/", headers={"authorization": value}).bearer == token
    assert Call(method="GET", path="/").bearer == ""


async def test_a_session_is_the_middlewares_or_it_is_asked_for(clock: Clock) -> None:
    handle = await AsyncSessions(MemoryStore(), clock=clock).open(None)

    assert Call(method="GET", path="/", handle=handle).session is handle
    with pytest.raises(InvalidSetting) as refused:
        assert Call(method="GET", path="/").session
    assert str(refused.value) == "scope['session'] = None: put sessioncore_io.asgi.SessionMiddleware around"


async def sent(reply: Reply) -> list[Any]:
    """Send a reply; give its messages."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await reply({}, None, send)
    return messages


async def test_a_reply_is_sent_with_its_length_and_one_without_content_has_none() -> None:
    assert await sent(Reply(status=201, headers=(("x-app", "\xe9"),), body=b"hello")) == [
        {"type": "http.response.start", "status": 201, "headers": [(b"x-app", b"\xe9"), (b"content-length", b"5")]},
        {"type": "http.response.body", "body": b"hello"},
    ]
    assert await sent(Reply(status=204)) == [
        {"type": "http.response.start", "status": 204, "headers": []},
        {"type": "http.response.body", "body": b""},
    ]


def test_more_headers_leave_a_reply_as_it_was() -> None:
    reply = Reply(status=201, headers=(("a", "1"),), body=b"x")

    assert reply.with_headers(("b", "2")) == Reply(status=201, headers=(("a", "1"), ("b", "2")), body=b"x")
    assert reply.headers == (("a", "1"),)


def test_a_page_of_ours_is_nobodys_frame_and_leaves_no_trace() -> None:
    page = html("<body>x</body>", title="<A>")

    assert page == Reply(
        headers=(
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "frame-ancestors 'none'"),
            ("x-frame-options", "DENY"),
        ),
        body=b'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>&lt;A&gt;</title></head>'
        b"<body>x</body></html>",
    )


def test_a_refusal_is_a_400_unless_it_says_otherwise() -> None:
    assert (refusal("a < b").status, refusal("x", status=409).status) == (400, 409)
    assert b"<title>Error</title>" in refusal("a < b").body
    assert b"<h1>This request cannot be answered</h1><p>a &lt; b</p>" in refusal("a < b").body


def test_a_redirect_is_a_get_that_tells_nobody_where_it_came_from() -> None:
    assert redirect("https://rp.example/") == Reply(
        status=303,
        headers=(
            ("location", "https://rp.example/"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
        ),
    )
    assert not_allowed("GET", "POST") == Reply(
        status=405, headers=(("allow", "GET, POST"), ("cache-control", "no-store"))
    )


def test_a_nonce_is_of_128_bits() -> None:
    assert len({new_nonce() for _ in range(8)}) == 8
    assert len(new_nonce()) == 22


# -- other origins -----------------------------------------------------------------------------------------------


def test_only_a_registered_origin_reads_an_answer_and_caches_know_that_it_depends() -> None:
    ours, theirs = (Call(method="GET", path="/", headers={"origin": f"https://{name}.example"}) for name in "ab")
    origins = ("https://a.example",)
    allowed = (("access-control-allow-origin", "https://a.example"), ("vary", "Origin"))

    assert for_origins(ours, origins) == allowed
    assert for_origins(theirs, origins) == (("vary", "Origin"),)
    assert for_origins(Call(method="GET", path="/"), origins) == (("vary", "Origin"),)
    assert answered_preflight(allowed) == Reply(
        status=204,
        headers=(
            *allowed,
            ("access-control-allow-methods", "GET, POST, OPTIONS"),
            ("access-control-allow-headers", "Authorization, Content-Type, Auth0-Client"),
            ("access-control-max-age", "600"),
        ),
    )
    assert answered_preflight((("vary", "Origin"),)) == Reply(status=204, headers=(("vary", "Origin"),))
    assert ANYBODY == (("access-control-allow-origin", "*"),)


# -- the ways back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response_type", "asked", "mode"),
    [
        ("code", "", "query"),
        ("code", "query", "query"),
        ("code", "fragment", "fragment"),
        ("code", "form_post", "form_post"),
        ("code", "web_message", "web_message"),
        ("code", "jwt", None),
        ("id_token", "", "fragment"),
        ("id_token", "form_post", "form_post"),
        ("id_token token", "web_message", "web_message"),
        ("id_token", "query", None),
    ],
)
def test_tokens_never_travel_in_a_query(response_type: str, asked: str, mode: str | None) -> None:
    assert mode_of(response_type, asked) == mode


def test_a_query_is_added_to_the_addresses_own() -> None:
    pairs = (("code", "a b"), ("n", 1))

    for address, location in (
        ("https://rp.example/cb", "https://rp.example/cb?code=a+b&n=1"),
        ("https://rp.example/cb?own=1", "https://rp.example/cb?own=1&code=a+b&n=1"),
    ):
        assert respond("query", address, pairs) == redirect(location)  # type: ignore[arg-type]
    assert respond("fragment", "https://rp.example/cb", pairs) == redirect(  # type: ignore[arg-type]
        "https://rp.example/cb#code=a+b&n=1"
    )


def test_a_form_is_posted_to_the_client_alone() -> None:
    reply = respond("form_post", "https://rp.example/cb?a=1&b=2", [("state", '"><script>'), ("code", "x")])
    headers, body = dict(reply.headers), reply.body.decode()
    nonce = body.partition('<script nonce="')[2].partition('"')[0]

    assert reply.status == 200
    assert headers["content-security-policy"] == (
        f"default-src 'none'; script-src 'nonce-{nonce}'; form-action https://rp.example; frame-ancestors 'none'"
    )
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert body.endswith(
        '<body><form method="post" action="https://rp.example/cb?a=1&amp;b=2">'
        '<input type="hidden" name="state" value="&quot;&gt;&lt;script&gt;">'
        '<input type="hidden" name="code" value="x">'
        "<noscript><button>Continue</button></noscript></form>"
        f'<script nonce="{nonce}">document.forms[0].submit()</script></body></html>'
    )
    assert "<title>Back to the application</title>" in body


def test_a_message_goes_to_a_window_of_the_clients_origin_alone() -> None:
    reply = respond("web_message", "https://rp.example/app", [("state", "</script>&")])
    headers, body = dict(reply.headers), reply.body.decode()
    nonce = body.partition('<script nonce="')[2].partition('"')[0]

    assert headers["content-security-policy"] == (
        f"default-src 'none'; script-src 'nonce-{nonce}'; frame-ancestors https://rp.example"
    )
    assert (
        'asked.postMessage({"type": "authorization_response", "response":'
        ' {"state": "\\u003c/script\\u003e\\u0026"}}, "https://rp.example");'
    ) in body
    assert body.count("</script>") == 1
    assert "<title>Authorization response</title>" in body


def test_a_failed_login_says_what_why_and_where_to() -> None:
    failed = LoginFailed("bad_token", "it is old")

    assert (failed.error, failed.why, failed.next, str(failed)) == (
        "bad_token",
        "it is old",
        "/",
        "bad_token: it is old",
    )
