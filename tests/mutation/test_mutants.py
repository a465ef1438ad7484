"""A wrong table is caught: every fortieth mutant here, all of them in ``make mutants``."""

from itertools import islice

import pytest
from tests.mutation.kill import SURVIVED, verdict_on
from tests.mutation.mutants import Mutant, mutants

SAMPLE = list(islice(mutants(), 0, None, 40))


@pytest.mark.parametrize("mutant", SAMPLE, ids=lambda mutant: mutant.name[:60])
def test_a_mutant_dies_or_is_proved_equivalent(mutant: Mutant) -> None:
    assert verdict_on(mutant).layer != SURVIVED


def test_there_are_mutants_of_rows_guards_and_acts() -> None:
    kinds = [mutant.kind for mutant in mutants()]
    assert {"row", "guard", "act"} == set(kinds)
    assert len(kinds) > 1_000
