"""An application's own page for what the middleware has to answer in its place."""

import json
import logging
from typing import Any

import pytest

from sessioncore import InvalidSetting, Store
from sessioncore.testing import Clock
from sessioncore_io import asgi, wsgi
from sessioncore_io.answers import plain_page

from .conftest import SITES
from .driver import Browser, Site, done, sent_before
from .pages import log_in, look, write
from .stores import Outage

pytestmark = pytest.mark.anyio


def in_json(status: int, text: str) -> tuple[str, str]:
    """Answer as an API does."""
    return "application/problem+json", json.dumps({"status": status, "detail": text, "lang": "français"})


def broken(status: int, text: str) -> tuple[str, str]:
    """Fail, as a template may."""
    raise ZeroDivisionError


def returning(page: object) -> Any:
    """Give a page that returns this."""
    return lambda _status, _text: page


class Awaited:
    """Be called, and have to be awaited."""

    async def __call__(self, status: int, text: str) -> tuple[str, str]:
        """Be of the wrong kind."""
        return "text/plain", text


PAGES = {
    "fails": broken,
    "none": returning(None),
    "bytes": returning(("text/plain", b"down")),
    "surrogate": returning(("text/plain", "\ud800")),
    "new line": returning(("text/plain\r\nx-more: 1", "down")),
    "no ascii": returning(("text/plain; charset=€", "down")),
}


@pytest.fixture
def outage(store: Store) -> Outage:
    """Give a store that can be taken down."""
    return Outage(store)


@pytest.fixture(params=SITES)
def kind(request: pytest.FixtureRequest) -> type[Site]:
    """Serve by each adapter."""
    return SITES[request.param]


def test_the_default_page_is_plain_text() -> None:
    assert plain_page(503, "Wait.\n") == ("text/plain; charset=utf-8", "Wait.\n")


async def test_an_application_writes_the_page_for_a_store_that_is_down(
    kind: type[Site], outage: Outage, clock: Clock
) -> None:
    outage.fail()
    answer = await kind(store=outage, clock=clock, more={"page": in_json}).ask(write(n=1))
    said = json.loads(answer.body)

    assert (answer.status, said["status"]) == (503, 503)
    assert said["detail"].startswith("The session store is not available")
    assert answer.all("content-type") == ["application/problem+json"]
    assert answer.all("content-length") == [str(len(answer.body))]
    assert answer.all("cache-control") == ["no-store"]


async def test_the_page_of_an_application_that_fails_once_its_session_rotated_brings_the_cookie(
    kind: type[Site], store: Store, clock: Clock
) -> None:
    async def failed(session: Any) -> None:
        await log_in()(session)
        await done(session.commit())
        raise ZeroDivisionError

    site = kind(store=store, clock=clock, more={"page": in_json})
    with pytest.raises(ZeroDivisionError) as raised:
        await site.ask(failed)
    status, headers, body = sent_before(raised.value)  # type: ignore[misc]

    assert str(status).startswith("500")
    assert json.loads(body)["detail"] == "Internal Server Error\n"
    assert "set-cookie" in dict(headers)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
async def test_a_page_that_fails_is_plain_text_and_its_failure_is_logged(
    kind: type[Site], outage: Outage, clock: Clock, page: Any, caplog: pytest.LogCaptureFixture
) -> None:
    outage.fail()
    with caplog.at_level(logging.ERROR, "sessioncore"):
        answer = await kind(store=outage, clock=clock, more={"page": page}).ask(write(n=1))

    assert answer.status == 503
    assert answer.all("content-type") == ["text/plain; charset=utf-8"]
    assert "the page for 503 failed: plain text is sent instead" in [one.getMessage() for one in caplog.records]


async def test_a_page_is_not_asked_where_the_application_answers(kind: type[Site], store: Store, clock: Clock) -> None:
    browser = Browser(kind(store=store, clock=clock, more={"page": broken}))
    await browser.ask(log_in())

    assert (await browser.ask(look)).status == 200


async def awaited(status: int, text: str) -> tuple[str, str]:
    """Be of the wrong kind."""
    return "text/plain", text


@pytest.mark.parametrize("adapter", [asgi, wsgi])
@pytest.mark.parametrize("page", ["<h1>503</h1>", None, awaited, Awaited()])
def test_a_page_that_cannot_be_called_is_refused(adapter: Any, page: object, store: Store) -> None:
    with pytest.raises(InvalidSetting, match=r"page = .*: pass a plain function of a status and a text"):
        adapter.SessionMiddleware(print, store, page=page)
