"""The shop and its login service without a browser, where that is cheaper: headers, forms, and what is stored."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from examples.storezero.auth import app as auth
from examples.storezero.auth.codes import code_at
from examples.storezero.common.web import next_page
from examples.storezero.shop import app as shop
from starlette.routing import Route
from starlette.testclient import TestClient

from sessioncore.testing import Clock
from sessioncore_io.asgi import Application

from .inside import AUTH, SHOP, SITES, closed_town, followed, give_password, log_in, token, visitor

POSTED = {
    SHOP: ("/cart", "/checkout", "/logout", "/sessions/end", "/sessions/end-others"),
    AUTH: (
        *("/login", "/code", "/confirm", "/consent", "/select", "/friendbook", "/logout", "/forgotten", "/reset/x"),
        *("/sessions/end", "/sessions/end-others", "/password", "/phone"),
    ),
}
EVERY_FORM = [base + path for base, paths in POSTED.items() for path in paths]


@pytest.fixture
def other(inner_town: Application) -> TestClient:
    """Give somebody else."""
    return visitor(inner_town)


@pytest.mark.parametrize("path", ["/", f"{AUTH}/login", f"{AUTH}/nowhere", "/nowhere", "/static/shop.css"])
def test_every_response_says_what_a_browser_may_do(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_no_cache_keeps_a_page_and_any_may_keep_the_style(client: TestClient) -> None:
    log_in(client)

    for path in ("/", "/orders", "/sessions", "/panel", "/nowhere", f"{AUTH}/account", f"{AUTH}/authorize"):
        assert client.get(path).headers["cache-control"] == "no-store"
    assert "cache-control" not in client.get("/static/shop.css").headers


@pytest.mark.parametrize("path", EVERY_FORM)
def test_every_form_is_refused_without_the_sessions_own_token(client: TestClient, path: str) -> None:
    log_in(client)

    assert client.post(path, data={"csrf": "0" * 64}).status_code == 403
    assert client.post(path).status_code == 403


def test_a_token_of_before_the_login_is_no_longer_good(client: TestClient) -> None:
    before = {base: token(client, base + path) for base, path in ((SHOP, "/product/mug"), (AUTH, "/forgotten"))}
    log_in(client)

    for base, csrf in before.items():
        assert client.post(f"{base}/logout", data={"csrf": csrf}).status_code == 403


# What other servers post carries a token of theirs, and what the demo's own pages post an Origin; see below.
POSTED_BY_OTHERS = {"/backchannel", "/friendbook/backchannel", "/demo/clock", "/demo/clear", "/demo/operator"}


def test_all_forms_that_change_something_are_in_that_list() -> None:
    for routes, base in ((shop.ROUTES, SHOP), ([*auth.ROUTES, *auth.SOCIAL], AUTH)):
        forms = {route.path for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())}

        assert forms - POSTED_BY_OTHERS == {path.replace("/reset/x", "/reset/{token}") for path in POSTED[base]}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_the_time_machine_obeys_only_the_demos_own_pages(client: TestClient, origin: str) -> None:
    assert client.post("/demo/clock", data={"minutes": "30"}, headers={"origin": origin}).status_code == 403
    assert client.post("/demo/clock", headers={"origin": SHOP}).status_code == 303
    assert client.post(f"{AUTH}/demo/operator", headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize(
    ("presented", "expected"),
    [
        ("/orders", "/orders"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nset-cookie: x", "/"),
        ("/a\\b", "/"),
        ("/" + "a" * 2_048, "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_only_our_own_addresses_are_gone_on_to(presented: str | None, expected: str) -> None:
    assert next_page(presented) == expected


@pytest.mark.parametrize("wanted", ["/a\\b", "/" + "a" * 3_000])
def test_a_login_for_what_is_no_page_of_ours_leads_to_the_first_one(client: TestClient, wanted: str) -> None:
    answer = client.get("/login", params={"next": wanted})

    assert (answer.status_code, answer.headers["location"].startswith(f"{AUTH}/authorize?")) == (303, True)


def test_the_database_holds_neither_passwords_nor_links_nor_cookies(client: TestClient, data: Path) -> None:
    log_in(client)
    cookies = [client.cookies[f"__Host-{part}"] for part in ("shop", "auth")]
    client.post(f"{AUTH}/forgotten", data={"csrf": token(client), "name": "bob"})
    link = re.search(r"/reset/([\w-]+)", client.get(f"{AUTH}/demo/outbox").text)
    assert link is not None
    stored = b"".join(path.read_bytes() for path in data.glob("*sessions.sqlite3*"))
    accounts = (data / "auth.sqlite3").read_bytes()

    for cookie in cookies:
        assert cookie[:22].encode() in stored
        assert cookie[22:].encode() not in stored
    assert b"down the rabbit hole" not in accounts + stored
    assert b"$argon2id$" in accounts
    # The outbox stands for the customer's mailbox and so does hold the link; the table of links does not.
    assert accounts.count(link[1].encode()) == 1


def test_an_order_that_is_sent_twice_is_placed_once(client: TestClient) -> None:
    log_in(client)
    for _ in range(2):
        client.post("/cart", data={"csrf": token(client, "/product/mug"), "slug": "mug"})
        form = {"csrf": token(client, "/checkout"), "key": "the same form"}
        client.post("/checkout", data=form)

    assert client.get("/orders").text.count("1 x Quiet mug") == 1


def turn_codes_on(client: TestClient, clock: Clock) -> None:
    """Scan the secret and type the code that a phone would show."""
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", client.get(f"{AUTH}/phone").text)
    assert secret is not None
    form = {"csrf": token(client, f"{AUTH}/phone"), "code": code_at(secret[1], clock())}

    assert client.post(f"{AUTH}/phone", data=form | {"code": "000000"}).status_code == 400
    assert client.post(f"{AUTH}/phone", data=form).status_code == 303


def test_a_customer_turns_codes_on_and_owes_them_from_then_on(client: TestClient, clock: Clock) -> None:
    log_in(client)
    turn_codes_on(client, clock)

    assert "MFA_SATISFIED" in client.get(f"{AUTH}/account").text
    client.post(f"{AUTH}/logout", data={"csrf": token(client, f"{AUTH}/password")})
    give_password(client)
    assert client.get(f"{AUTH}/account").headers["location"] == "/code?next=%2Faccount"
    # Asked anew for the shop, the server goes on to the code; a session that the shop has already is its own affair.
    client.cookies.delete("__Host-shop", domain=SITES.shop)
    assert followed(client, client.get("/orders")).url.path == "/code"


def test_turning_codes_on_ends_the_sessions_that_gave_none(client: TestClient, other: TestClient, clock: Clock) -> None:
    log_in(other)
    log_in(client)
    turn_codes_on(client, clock)

    assert client.get(f"{AUTH}/account").status_code == 200
    assert other.get(f"{AUTH}/account").headers["location"] == "/login?next=%2Faccount"


def test_a_restart_logs_nobody_out(client: TestClient, data: Path, clock: Clock) -> None:
    log_in(client)
    later = visitor(closed_town(data, clock))
    later.cookies = client.cookies

    assert "Your orders" in later.get("/orders").text
    assert "Alice Liddell" in later.get(f"{AUTH}/account").text


@pytest.mark.parametrize(
    ("password", "repeated", "expected"),
    [
        ("short", "short", "Use 15 to 200 characters"),
        ("a" * 201, "a" * 201, "Use 15 to 200 characters"),
        ("a golden afternoon", "a golden evening", "The two new passwords differ."),
    ],
)
def test_a_new_password_is_long_enough_and_typed_twice(
    client: TestClient, password: str, repeated: str, expected: str
) -> None:
    log_in(client)
    form = {"current": "down the rabbit hole", "password": password, "repeated": repeated}
    changed = client.post(f"{AUTH}/password", data=form | {"csrf": token(client, f"{AUTH}/password")})
    client.post(f"{AUTH}/forgotten", data={"csrf": token(client), "name": "alice"})
    link = re.search(r"/reset/[\w-]+", client.get(f"{AUTH}/demo/outbox").text)
    assert link is not None
    reset = client.post(AUTH + link[0], data=form | {"csrf": token(client, AUTH + link[0])})

    assert (changed.status_code, reset.status_code) == (400, 400)
    assert expected in changed.text
    assert expected in reset.text
    assert client.get(AUTH + link[0]).status_code == 200, "a refused password does not use the link up"


def test_an_old_login_may_not_turn_codes_on(client: TestClient, clock: Clock) -> None:
    log_in(client)
    clock.advance(timedelta(minutes=6))

    assert client.get(f"{AUTH}/phone").headers["location"] == "/confirm?next=%2Fphone"
