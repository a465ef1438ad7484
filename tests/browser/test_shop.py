"""The shop without a browser, where that is cheaper: headers, forms, and what is stored."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from examples.storezero.auth.codes import code_at
from examples.storezero.shop.app import ROUTES, build
from examples.storezero.shop.web import next_page
from starlette.routing import Route
from starlette.testclient import TestClient

from sessioncore.testing import Clock
from sessioncore_io.asgi import Application

from .people import QUICK

POSTED = (
    *("/cart", "/checkout", "/login", "/code", "/confirm", "/logout", "/forgotten", "/reset/x"),
    *("/sessions/end", "/sessions/end-others", "/password", "/phone"),
)


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Application:
    """Give a shop whose clock stands still."""
    return build(tmp_path, clock, QUICK)


@pytest.fixture
def client(shop: Application) -> TestClient:
    """Give a client of the shop."""
    return TestClient(shop, base_url="https://testserver", follow_redirects=False)


@pytest.fixture
def other(shop: Application) -> TestClient:
    """Give another client of the same shop."""
    return TestClient(shop, base_url="https://testserver", follow_redirects=False)


def token(client: TestClient, path: str = "/login") -> str:
    """Read the CSRF token of a page's form."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).text)
    assert found is not None
    return found[1]


def log_in(client: TestClient, name: str = "alice", password: str = "down the rabbit hole") -> None:
    """Log in and see that it worked."""
    form = {"csrf": token(client), "name": name, "password": password}

    assert client.post("/login", data=form).headers["location"] in ("/", "/code?next=%2F")


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/static/shop.css"])
def test_every_response_says_what_a_browser_may_do(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_no_cache_keeps_a_page_and_any_may_keep_the_style(client: TestClient) -> None:
    log_in(client)

    for path in ("/", "/orders", "/sessions", "/panel", "/nowhere"):
        assert client.get(path).headers["cache-control"] == "no-store"
    assert "cache-control" not in client.get("/static/shop.css").headers


@pytest.mark.parametrize("path", POSTED)
def test_every_form_is_refused_without_the_sessions_own_token(client: TestClient, path: str) -> None:
    log_in(client)

    assert client.post(path, data={"csrf": "0" * 64}).status_code == 403
    assert client.post(path).status_code == 403


def test_a_token_of_before_the_login_is_no_longer_good(client: TestClient) -> None:
    before = token(client)
    log_in(client)

    assert client.post("/logout", data={"csrf": before}).status_code == 403


def test_all_forms_that_change_something_are_in_that_list() -> None:
    routes = [route for route in _routes() if "POST" in route[1]]

    assert sorted(path for path, _ in routes) == sorted(
        [path.replace("/reset/x", "/reset/{token}") for path in POSTED] + ["/demo/clock"]
    )


def _routes() -> list[tuple[str, set[str]]]:

    return [(route.path, route.methods or set()) for route in ROUTES if isinstance(route, Route)]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_the_time_machine_obeys_only_the_shops_own_pages(client: TestClient, origin: str) -> None:
    assert client.post("/demo/clock", data={"minutes": "30"}, headers={"origin": origin}).status_code == 403
    assert client.post("/demo/clock", headers={"origin": "https://testserver"}).status_code == 303


@pytest.mark.parametrize(
    ("presented", "expected"),
    [
        ("/orders", "/orders"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nset-cookie: x", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_only_our_own_addresses_are_gone_on_to(presented: str | None, expected: str) -> None:
    assert next_page(presented) == expected


def test_the_database_holds_neither_passwords_nor_links_nor_cookies(client: TestClient, tmp_path: Path) -> None:
    log_in(client)
    cookie = client.cookies["__Host-session"]
    client.post("/forgotten", data={"csrf": token(client, "/forgotten"), "name": "bob"})
    link = re.search(r"/reset/([\w-]+)", client.get("/demo/outbox").text)
    assert link is not None
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("sessions.sqlite3*"))
    accounts = (tmp_path / "shop.sqlite3").read_bytes()

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
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", client.get("/phone").text)
    assert secret is not None
    form = {"csrf": token(client, "/phone"), "code": code_at(secret[1], clock())}

    assert client.post("/phone", data=form | {"code": "000000"}).status_code == 400
    assert client.post("/phone", data=form).status_code == 303


def test_a_customer_turns_codes_on_and_owes_them_from_then_on(client: TestClient, clock: Clock) -> None:
    log_in(client)
    turn_codes_on(client, clock)

    assert "MFA_SATISFIED" in client.get("/").text
    client.post("/logout", data={"csrf": token(client, "/password")})
    log_in(client)
    assert client.get("/orders").headers["location"] == "/code?next=%2Forders"


def test_turning_codes_on_ends_the_sessions_that_gave_none(client: TestClient, other: TestClient, clock: Clock) -> None:
    log_in(other)
    log_in(client)
    turn_codes_on(client, clock)

    assert client.get("/orders").status_code == 200
    assert other.get("/orders").headers["location"] == "/login?next=%2Forders"


def test_a_restart_of_the_shop_logs_nobody_out(client: TestClient, tmp_path: Path, clock: Clock) -> None:
    log_in(client)
    later = TestClient(build(tmp_path, clock, QUICK), base_url="https://testserver", cookies=client.cookies)

    assert "Your orders" in later.get("/orders").text


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
    changed = client.post("/password", data=form | {"csrf": token(client, "/password")})
    client.post("/forgotten", data={"csrf": token(client, "/forgotten"), "name": "alice"})
    link = re.search(r"/reset/[\w-]+", client.get("/demo/outbox").text)
    assert link is not None
    reset = client.post(link[0], data=form | {"csrf": token(client, link[0])})

    assert (changed.status_code, reset.status_code) == (400, 400)
    assert expected in changed.text
    assert expected in reset.text
    assert client.get(link[0]).status_code == 200, "a refused password does not use the link up"


def test_an_old_login_may_not_turn_codes_on(client: TestClient, clock: Clock) -> None:
    log_in(client)
    clock.advance(timedelta(minutes=6))

    assert client.get("/phone").headers["location"] == "/confirm?next=%2Fphone"
