"""The data of a session: JSON values by key, never silently lost, never more than the policy allows."""

from functools import reduce
from typing import Any

import pytest

from sessioncore import DataTooLarge, InvalidSetting, Policy
from sessioncore_io.bag import Bag, dump

from .driver import Browser, Handler, Site, done, rescues, rows
from .pages import log_in, log_out, look, read, write

pytestmark = pytest.mark.anyio


@pytest.fixture
def policy() -> Policy:
    """Let little be stored."""
    return Policy(max_data=1_000, max_activities=3)


def doing(change: Any) -> Handler:
    """Serve a page that changes the data in its own way."""

    async def page(session: Any) -> object:
        return change(session)

    return page


MUTATIONS: dict[str, Any] = {
    "append": (lambda s: s["cart"].append("mug"), ["lamp", {"n": [1]}, "mug"]),
    "deep": (lambda s: s["cart"][1]["n"].append(2), ["lamp", {"n": [1, 2]}]),
    "setdefault": (lambda s: s.setdefault("cart", []).append("mug"), ["lamp", {"n": [1]}, "mug"]),
    "by items": (lambda s: next(iter(s.items()))[1].pop(), ["lamp"]),
    "by values": (lambda s: next(iter(s.values())).clear(), []),
    "set, then append": (lambda s: s.update(cart=[1]) or s["cart"].append(2), [1, 2]),
    "pop": (lambda s: s.pop("cart"), None),
    "del": (lambda s: s.__delitem__("cart"), None),
    "clear": (lambda s: s.clear(), None),
    "popitem": (lambda s: s.popitem(), None),
    "drop and set": (lambda s: (s.pop("cart"), s.update(cart=3)), 3),
    "set and drop": (lambda s: (s.update(cart=3), s.pop("cart")), None),
}


@pytest.mark.parametrize(("change", "expected"), MUTATIONS.values(), ids=MUTATIONS)
async def test_every_way_of_changing_is_stored(site: Site, browser: Browser, change: Any, expected: object) -> None:
    """Also in place, also deep inside."""
    await browser.ask(write(cart=["lamp", {"n": [1]}]))
    await browser.ask(doing(change))

    assert (await browser.ask(read("cart"))).value == expected


async def test_a_change_in_place_after_a_commit_is_stored_too(site: Site, browser: Browser) -> None:
    """What was handed out stays the session's own object."""

    async def page(session: Any) -> None:
        cart = session.setdefault("cart", [])
        cart.append(1)
        await done(session.commit())
        cart.append(2)

    await browser.ask(page)

    assert (await browser.ask(read("cart"))).value == [1, 2]


async def test_reading_a_list_stores_nothing(site: Site, browser: Browser) -> None:
    """It was handed out, compared, and found the same."""
    await browser.ask(write(cart=["lamp"]))
    before = rows(site.store)
    await browser.ask(read("cart"))

    assert rows(site.store) == before


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, b"bytes", float("nan"), float("inf"), [1, {"a": {2}}], 1j, lambda: None]
)
async def test_what_json_cannot_hold_is_refused_by_its_key(site: Site, browser: Browser, value: object) -> None:
    """Where it is set, and without its contents in the message."""
    await browser.ask(write(cart=["lamp"]))

    async def page(session: Any) -> str:
        with pytest.raises(InvalidSetting) as refused:
            session["basket"] = value
        return refused.value.name

    assert (await browser.ask(page)).value == "session['basket']"
    assert (await browser.ask(read("cart"))).value == ["lamp"]


async def test_a_circle_is_refused(site: Site, browser: Browser) -> None:
    """A list that contains itself has no text."""
    circle: list[object] = []
    circle.append(circle)

    async def page(session: Any) -> None:
        with pytest.raises(InvalidSetting):
            session["circle"] = circle

    assert (await browser.ask(page)).status == 200


@pytest.mark.parametrize("key", [1, None, b"a", "line\nbreak", "nul\0", "x" * 257, "\ud800"])
async def test_a_key_is_a_short_printable_string(site: Site, browser: Browser, key: Any) -> None:
    """Anything else is refused by name."""

    async def page(session: Any) -> str:
        with pytest.raises(InvalidSetting) as refused:
            session[key] = 1
        return refused.value.name

    answer = await browser.ask(page)

    assert (answer.value, rows(site.store)) == ("session key", [])


async def test_too_much_data_is_refused_and_nothing_is_lost(site: Site, browser: Browser) -> None:
    """Neither what was there before, nor the request's other changes once it has dropped what is too large."""
    await browser.ask(write(cart=["lamp"]))

    async def page(session: Any) -> None:
        session["note"] = "kept"
        session["blob"] = "x" * 2_000
        with pytest.raises(DataTooLarge):
            await done(session.commit())
        assert session["cart"] == ["lamp"]
        del session["blob"]

    answer = await browser.ask(page)

    assert answer.status == 200
    assert (await browser.ask(read("note"))).value == "kept"
    assert (await browser.ask(read("cart"))).value == ["lamp"]


async def test_logging_out_works_however_much_was_stored_before(site: Site, browser: Browser) -> None:
    """The end drops the data anyway: it must not be what keeps the user in."""
    await browser.ask(log_in())
    token = browser.token

    async def page(session: Any) -> None:
        session["blob"] = "x" * 2_000
        session.log_out()

    answer = await browser.ask(page)

    assert (answer.status, answer.token) == (200, "")
    assert (await site.ask(look, token)).value is None


async def test_logging_out_works_with_data_that_cannot_be_stored(site: Site, browser: Browser) -> None:
    """A value that was changed in place into something without a text."""
    await browser.ask(log_in())

    async def page(session: Any) -> None:
        session["cart"] = cart = list[object]()
        cart.append(object())
        session.log_out()

    assert (await browser.ask(page)).token == ""


async def test_a_logout_is_done_though_what_came_after_it_is_too_large(site: Site, browser: Browser) -> None:
    """The error is the application's, the end is the user's."""
    await browser.ask(log_in())
    token = browser.token

    async def page(session: Any) -> None:
        session.log_out()
        session["blob"] = "x" * 2_000

    with pytest.raises(DataTooLarge):
        await browser.ask(page)
    await rescues()

    assert (await site.ask(look, token)).value is None


async def test_a_session_over_the_cap_can_be_read_and_emptied(site: Site, browser: Browser) -> None:
    """Two requests that overlap can exceed it together; the pages must not break for it."""
    await browser.ask(write(cart=["lamp"]))
    token = browser.token

    async def page(session: Any) -> None:
        session["a"] = "x" * 900
        await site.ask(write(b="x" * 900), token)

    await browser.ask(page)

    assert (await browser.ask(read("cart"))).value == ["lamp"]
    assert (await browser.ask(doing(lambda s: s.pop("cart")))).status == 200
    assert (await browser.ask(read("cart"))).value is None
    with pytest.raises(DataTooLarge):
        await browser.ask(write(c="x" * 100))
    assert (await browser.ask(log_in())).status == 200
    assert (await browser.ask(log_out)).token == ""


async def test_exactly_as_much_as_the_policy_allows_is_stored(site: Site, browser: Browser) -> None:
    """Keys, values as JSON and activities count, and not one byte more."""

    async def page(session: Any) -> int:
        session.record("view")
        (activity,) = session.activities
        return len(dump("view", activity, of="record"))

    activity = (await browser.ask(page)).value
    fits = 1_000 - activity - len('key""')

    assert (await browser.ask(write(key="x" * fits))).status == 200
    with pytest.raises(DataTooLarge, match="1001"):
        await browser.ask(write(key="x" * (fits + 1)))
    assert (await browser.ask(read("key"))).value == "x" * fits


async def test_a_session_over_the_cap_by_its_activities_may_shrink(site: Site, browser: Browser) -> None:
    """Step by step, though it is still over the cap after the first."""
    await browser.ask(write(a="x" * 100))
    token = browser.token

    async def page(session: Any) -> None:
        session.record("view", body="x" * 800)
        await site.ask(write(b="x" * 800), token)

    await browser.ask(page)

    assert (await browser.ask(doing(lambda s: s.pop("a")))).status == 200
    assert (await browser.ask(read("a"))).value is None
    assert (await browser.ask(read("b"))).value == "x" * 800


async def test_activities_are_bounded_and_the_newest_stay(site: Site, browser: Browser) -> None:
    """Within one request and over several."""

    async def page(session: Any) -> None:
        for number in range(5):
            session.record("view", number=number)

    await browser.ask(page)
    await browser.ask(doing(lambda s: s.record("bye")))
    seen = await browser.sees("activities")

    assert [(entry["what"], entry.get("details")) for entry in seen] == [
        ("view", {"number": 3}),
        ("view", {"number": 4}),
        ("bye", None),
    ]
    assert all(entry["at"] == site.clock() for entry in seen)


async def test_an_activity_that_is_too_large_is_refused_and_not_stored(site: Site, browser: Browser) -> None:
    """A refusal that stores all the same would break every later write."""
    await browser.ask(write(cart=["lamp"]))

    async def page(session: Any) -> None:
        with pytest.raises(DataTooLarge):
            session.record("view", body="x" * 2_000)
        session["note"] = 1

    assert (await browser.ask(page)).status == 200
    assert await browser.sees("activities") == []
    assert (await browser.ask(read("note"))).value == 1


@pytest.mark.parametrize("value", [object(), float("nan"), b"bytes"])
async def test_an_activity_that_json_cannot_hold_is_refused(site: Site, browser: Browser, value: object) -> None:
    """By the same error as data."""

    async def page(session: Any) -> None:
        with pytest.raises(InvalidSetting):
            session.record("view", value=value)

    assert (await browser.ask(page)).status == 200
    assert rows(site.store) == []


async def test_what_is_nested_so_deeply_that_it_could_not_be_read_back_is_refused(site: Site, browser: Browser) -> None:
    """A page that keeps what somebody posted would otherwise be unable to load it, or to get rid of it."""

    async def page(session: Any) -> None:
        session["deep"] = nested(100)
        with pytest.raises(InvalidSetting, match="100 levels"):
            session["deeper"] = {"it": nested(100)}

    assert (await browser.ask(page)).status == 200
    assert (await browser.ask(read("deep"))).value == nested(100)
    assert (await browser.ask(read("deeper"))).value is None


def nested(levels: int) -> list[Any]:
    """Give a list in a list in a list."""
    innermost: list[Any] = []
    return reduce(lambda inner, _: [inner], range(levels - 1), innermost)


def test_what_cannot_be_read_can_still_be_dropped() -> None:
    bag = Bag((("deep", "[" * 10_000 + "]" * 10_000),))
    bag.drop("deep")

    assert bag.changes() == (("deep", None),)


async def test_an_activity_may_have_a_detail_of_any_name(browser: Browser) -> None:
    await browser.ask(doing(lambda s: s.record("view", what="a lamp", at="the shop")))

    assert [entry["details"] for entry in await browser.sees("activities")] == [{"what": "a lamp", "at": "the shop"}]


async def test_values_come_back_as_json_makes_them(site: Site, browser: Browser) -> None:
    """The same from each store: a tuple is a list, a number as a key is text."""
    await browser.ask(write(value={"t": (1, 2), 3: None, "s": "\u2028\ud83d\ude00"}))

    assert (await browser.ask(read("value"))).value == {"t": [1, 2], "3": None, "s": "\u2028\U0001f600"}
