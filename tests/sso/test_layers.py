"""Three layers, two browsers and a network that delays, repeats and reorders: children end as the cascade says."""

import pytest
from attrs import evolve
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.sso.broken_worlds import CASCADES, WORLDS
from tests.sso.layers import World
from tests.sso.machine import Broken, Layers

from sessioncore.sso import CASCADE, cascade, cascade_of


def first_broken(world: type[World] = World, examples: int = 60) -> str:
    """Drive the machine over a world, and name the invariant that it breaks."""

    class Driven(Layers):
        pass

    Driven.world = world
    searching = settings(
        max_examples=examples, stateful_step_count=40, phases=[Phase.generate], report_multiple_bugs=False
    )
    try:
        run_state_machine_as_test(Driven, settings=searching)
    except Broken as broken:
        return str(broken.args[0])
    return "nothing"


def test_children_end_as_the_cascade_says_and_nothing_comes_back() -> None:
    assert first_broken() == "nothing"


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_a_bug_in_a_layer_breaks_its_invariant(world: type[World]) -> None:
    assert WORLDS[world] == first_broken(world, 1_000)


@pytest.mark.parametrize("bug", CASCADES)
def test_a_wrong_cell_of_the_cascade_breaks_its_invariant(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, wrong, layer, instead = CASCADES[bug]
    cell = {layer.value: cascade_of(instead).at(layer)}
    rows = tuple(evolve(row, **cell) if row.on is wrong else row for row in CASCADE)  # type: ignore[arg-type]
    monkeypatch.setattr(cascade, "CASCADE", rows)

    assert expected == first_broken(examples=1_000)
