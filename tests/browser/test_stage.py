"""The stage shows what happened, to whom it happened, and nothing that would open anything."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from examples.storezero.stage import mermaid, sequence
from examples.storezero.stage.hops import Hop, shown
from playwright.sync_api import expect
from starlette.testclient import TestClient

from .app_user import AppUser
from .inside import SITES
from .people import Person

SECRETS = ("state", "nonce", "code", "code_challenge")


def test_the_stage_draws_the_messages_of_a_login_in_their_order(person: Person) -> None:
    person.log_in("alice")
    person.visit("/stage")

    expect(person.page.locator("#drawing .part text")).to_have_text(["Browser", "Shop", "Authorization server"])
    said = person.page.locator("#drawing .what").all_text_contents()
    told = ["GET /login", "GET /authorize", "POST /login", "GET /callback", "POST /oauth/token", "303 to Shop /"]
    places = [said.index(one) for one in told]
    assert places == sorted(places)


def test_the_stage_shows_no_secret_whole(person: Person) -> None:
    passed: list[str] = []
    person.page.on("request", lambda request: passed.append(request.url))
    person.log_in("alice")
    passing = [value for url in passed for name in SECRETS for value in parse_qs(urlsplit(url).query).get(name, ())]
    cookies = [str(cookie["value"]) for cookie in person.context.cookies()]
    person.visit("/stage")
    page = person.page.content()

    assert len(passing) > 3
    for value in [*passing, *(cookie[22:] for cookie in cookies), "down the rabbit hole"]:
        assert value not in page
        assert value[4:] not in page


def test_the_stage_begins_afresh_when_asked_to(person: Person) -> None:
    person.log_in("alice")
    person.visit("/stage")
    expect(person.page.locator("#drawing svg")).to_be_visible()
    person.page.get_by_role("button", name="Begin afresh").click()

    expect(person.page.locator("#drawing svg")).to_have_count(0)


def test_a_stranger_sees_nothing_of_it(person: Person, newcomer: Callable[[], Person]) -> None:
    person.log_in("alice")
    stranger = newcomer().visit("/stage")

    expect(stranger.page.locator("#messages li")).to_have_count(0)
    for part in ("shop", "auth", "idp"):
        expect(stranger.at(part).badge).to_have_text("NO SESSION")


def test_what_a_page_tells_of_itself_is_text(app_user: AppUser) -> None:
    app_user.open()
    tell = """(what) => fetch("/stage/hops", { method: "POST", body: JSON.stringify({
        page: localStorage.getItem("page"), hops: [{ source: "browser", target: "orders", what }] }) })
        .then((answer) => answer.status)"""

    assert app_user.page.evaluate(tell, "<img src=x onerror=alert(1)>") == 204
    expect(app_user.page.locator("#messages")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(app_user.page.locator("#messages img")).to_have_count(0)


@pytest.mark.parametrize(
    ("origin", "body", "expected"),
    [
        ("cross-site", '{"page": "x", "hops": []}', 403),
        ("same-site", '{"page": "x", "hops": []}', 403),
        ("same-origin", "no JSON", 400),
        ("same-origin", '["a list"]', 400),
        ("same-origin", '{"hops": [{"source": "nobody", "target": "shop"}]}', 400),
        ("same-origin", '{"page": "x", "hops": []}', 204),
    ],
)
def test_only_the_apps_own_script_tells_and_only_what_can_be_told(
    client: TestClient, origin: str, body: str, expected: int
) -> None:
    told = client.post(f"{SITES.url('orders')}/stage/hops", content=body, headers={"sec-fetch-site": origin})

    assert told.status_code == expected


def test_of_a_secret_only_the_beginning_is_kept_and_of_the_unknown_nothing() -> None:
    sent = {"client_id": "shop", "code": "eyJhbGciOi", "password": "down the rabbit hole", "prompt": ""}

    assert shown(sent) == (("client_id", "shop"), ("code", "eyJh…"))


def test_both_drawings_take_what_was_said_for_text() -> None:
    hops = [Hop(order=0, source="browser", target="shop", what="GET /<b>;#", details=(("state", "abcd…"),))]

    assert "GET /&lt;b&gt;;#" in sequence.draw(hops)
    assert "GET /<b>#59;#35;<br/>state" in mermaid.write(hops)
    assert "abcd" not in mermaid.write(hops)
