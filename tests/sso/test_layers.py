"""Three layers, two browsers and a network that delays, repeats and reorders: children end as the cascade says."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.sso.broken_worlds import CASCADES, WORLDS, Step
from tests.sso.layers import World
from tests.sso.machine import Broken, Layers

from sessioncore.sso import CASCADE, cascade, cascade_of


def walked(world: type[World], walk: tuple[Step, ...]) -> str:
    """Walk, let everything arrive, and name the invariant that breaks on the way."""

    class Walking(Layers):
        pass

    Walking.world = world
    machine = Walking()
    try:
        for name, *arguments in walk:
            getattr(machine, name)(*arguments)
            machine.what_ended_stays_ended()
            machine.no_session_ends_for_nothing()
        machine.teardown()
    except Broken as broken:
        return str(broken.args[0])
    return "nothing"


def test_children_end_as_the_cascade_says_and_nothing_comes_back() -> None:
    run_state_machine_as_test(Layers, settings=settings(max_examples=60, stateful_step_count=40))


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_a_bug_in_a_layer_breaks_its_invariant(world: type[World]) -> None:
    expected, walk = WORLDS[world]

    assert walked(world, walk) == expected
    assert walked(World, walk) == "nothing"


@pytest.mark.parametrize("bug", CASCADES)
def test_a_wrong_cell_of_the_cascade_breaks_its_invariant(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, wrong, layer, instead, walk = CASCADES[bug]
    before = walked(World, walk)
    cell: dict[str, Any] = {layer.value: cascade_of(instead).at(layer)}
    rows = tuple(evolve(row, **cell) if row.on is wrong else row for row in CASCADE)
    monkeypatch.setattr(cascade, "CASCADE", rows)

    assert walked(World, walk) == expected
    assert before == "nothing"
