"""One thing for each event loop; those of loops that are closed are forgotten."""

import asyncio

from sessioncore_io.loops import EachLoop


def test_each_loop_has_its_own_and_keeps_it_while_it_runs() -> None:
    each = EachLoop(object)

    async def twice() -> tuple[object, object]:
        return each.here(), each.here()

    first = asyncio.run(twice())
    second = asyncio.run(twice())

    assert first[0] is first[1]
    assert second[0] is second[1]
    assert first[0] is not second[0]


def test_what_belonged_to_a_closed_loop_is_forgotten_and_what_belongs_to_an_open_one_is_not() -> None:
    each = EachLoop(object)

    async def here() -> object:
        return each.here()

    with asyncio.Runner() as open_loop:
        kept = open_loop.run(here())
        for _ in range(3):
            asyncio.run(here())

        assert len(each._made) == 2, "that of the open loop, and that of the last one"
        assert open_loop.run(here()) is kept
