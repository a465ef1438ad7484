"""The login service's pages without a browser: what each proves, and what its address cannot make of it."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from examples.storezero.auth.codes import code_at
from starlette.testclient import TestClient

from sessioncore.testing import Clock

from .inside import AUTH, SHOP, SITES, followed, give_password, hidden, log_in

ALICE, CAROL = "down the rabbit hole", "higher further faster"
FRIDA = {"name": "frida", "password": "a ribbon round a bomb"}
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
MINUTE = 60_000
IDP = SITES.url("idp")


def send(client: TestClient, page: Any, path: str, **fields: str) -> Any:
    """Send a page's form with these values, and go where that leads."""
    form = {name: hidden(page.text, name) for name in ("csrf", "transaction") if f'name="{name}"' in page.text}
    return followed(client, client.post(str(page.url.join(path)), data=form | fields))


def carol(client: TestClient, clock: Clock) -> None:
    """Log carol in, with both factors."""
    page = followed(client, give_password(client, "carol", CAROL))
    assert str(send(client, page, "/code", code=code_at(SECRET, clock())).url) == f"{SHOP}/"


def asked(client: TestClient, **more: str) -> Any:
    """Ask the authorization server as the shop does."""
    own = {"client_id": "shop", "redirect_uri": f"{SHOP}/callback", "response_type": "code", "scope": "openid"}
    return followed(client, client.get(f"{AUTH}/authorize?{urlencode(own | more)}"))


def transaction(page: Any) -> str:
    """Read from a page's address which request waits for it."""
    return parse_qs(urlsplit(str(page.url)).query)["transaction"][0]


@pytest.mark.parametrize("path", ["confirm", "code", "select", "consent"])
def test_a_login_is_not_proved_on_another_page(client: TestClient, clock: Clock, path: str) -> None:
    """The one takes the password alone, the next the code alone, the last two nothing at all."""
    carol(client, clock)
    clock.advance(20 * MINUTE)
    page = asked(client, prompt="login")

    assert str(page.url).startswith(f"{AUTH}/login?")
    assert client.get(f"{AUTH}/{path}?transaction={transaction(page)}").status_code == 410
    form = {"csrf": hidden(page.text, "csrf"), "transaction": transaction(page)}
    proofs = {"password": CAROL, "code": code_at(SECRET, clock()), "answer": "yes"}
    assert client.post(f"{AUTH}/{path}", data=form | proofs).status_code == 410


def test_a_page_that_the_server_did_not_ask_for_is_not_there(client: TestClient, clock: Clock) -> None:
    carol(client, clock)
    clock.advance(20 * MINUTE)
    page = asked(client, max_age="300")
    renamed = transaction(page).replace("reauthenticate", "log_in")

    assert str(page.url).startswith(f"{AUTH}/confirm?")
    for path in ("/login", "/friendbook/start"):
        assert client.get(f"{AUTH}{path}?transaction={renamed}").status_code == 410


def test_no_page_of_others_replaces_who_is_signed_in(client: TestClient, clock: Clock) -> None:
    """Friendbook would answer silently who is known there: so it is asked by a form of the login service's own."""
    log_in(client)
    alone = client.get(f"{AUTH}/friendbook/start")
    linked = asked(client, max_age="0", connection="friendbook")

    assert alone.headers["location"] == "/login"
    assert str(linked.url).startswith(f"{AUTH}/login?transaction=")
    form = {field: hidden(linked.text, field) for field in ("csrf", "transaction")}
    sent = client.post(f"{AUTH}/friendbook", data=form)
    assert sent.headers["location"].startswith(SITES.url("idp", "/authorize?"))


def test_who_is_not_signed_in_is_sent_to_friendbook_at_once(client: TestClient) -> None:
    arrived = followed(client, client.get("/login?idp=friendbook"))

    assert str(arrived.url).startswith(SITES.url("idp", "/login?"))


def test_who_has_to_be_fresh_for_the_shop_has_to_be_fresh_for_friendbook(client: TestClient, clock: Clock) -> None:
    """It knows frida by a proof of twenty minutes ago, which is none of the last five."""
    known = send(client, followed(client, client.get("/login?idp=friendbook")), "/login", **FRIDA)
    assert str(known.url) == f"{SHOP}/"
    clock.advance(20 * MINUTE)
    for part in ("auth", "shop"):
        client.cookies.delete(f"__Host-{part}")
    asked_of_friendbook = followed(client, client.get("/login?idp=friendbook&fresh="))

    assert str(asked_of_friendbook.url).startswith(f"{IDP}/confirm?transaction=")
    assert str(followed(client, client.get("/login?idp=friendbook")).url) == f"{SHOP}/", "another time it is enough"


def test_who_chooses_an_account_and_owes_a_code_comes_back_to_the_application(client: TestClient, clock: Clock) -> None:
    page = asked(client, prompt="login select_account")
    chooser = send(client, page, "/login", name="carol", password=CAROL)
    page = send(client, chooser, "/select")
    assert str(page.url).startswith(f"{AUTH}/code?transaction=")

    form = {field: hidden(page.text, field) for field in ("csrf", "transaction")}
    answered = client.post(f"{AUTH}/code", data=form | {"code": code_at(SECRET, clock())})
    answer = client.get(answered.headers["location"])

    assert answer.headers["location"].startswith(f"{SHOP}/callback?code=")
