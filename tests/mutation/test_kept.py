"""What became of mutants is kept file by file, and counted as long as the file is as it was."""

from pathlib import Path

import pytest
from tests.mutation.edits import edits
from tests.mutation.hunt import SURVIVED, Verdict
from tests.mutation.kept import Kept, hash_of, hash_of_table
from tests.mutation.kill import EQUIVALENT
from tests.mutation.kill import Verdict as OfTable
from tests.mutation.mutants import mutants
from tests.mutation.page import UNTRIED, page, picture
from tests.mutation.sources import CORE, STORES, Source

TEXT = "LIMIT = 7\n"
BOTH = ["sessioncore.acts: LIMIT = ⟦7 → 8⟧", "sessioncore.acts: LIMIT = ⟦7 → 6⟧"]
KILLED = Verdict(CORE, BOTH[0], "flows", slow=True, all_layers=("flows", "web"))
ALIVE = Verdict(CORE, BOTH[1], SURVIVED)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Give a small project: the table, and a store."""
    for name in ("src/sessioncore/table", "src/sessioncore/guards", "src/sessioncore/acts", "adapters/memory"):
        path = (tmp_path / name).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT)
    return tmp_path


def acts_in(top: Path) -> Source:
    """Give the file whose mutants are tried."""
    return Source(CORE, top / "src/sessioncore/acts.py", top / "src")


def memory_in(top: Path) -> Source:
    """Give another."""
    return Source(STORES, top / "adapters/memory.py", top / "adapters")


def tried(top: Path, source: Source, found: list[Verdict]) -> Kept:
    """Keep verdicts on all that these are about, and read them again."""
    kept, names = Kept.read(top), [edit.name for edit in edits(source.path, source.root)]
    kept.add(source, hash_of(source.path), names, names, found)
    kept.write()
    return Kept.read(top)


def test_a_picture_is_made_part_by_part(top: Path) -> None:
    files = [acts_in(top), memory_in(top)]
    kept = tried(top, files[0], [KILLED, ALIVE])
    first = picture(kept, files, {ALIVE.name: "alike", KILLED.name: "so they say"})
    second = picture(tried(top, files[1], [Verdict(STORES, "memory: LIMIT = ⟦7 → 8⟧", "stores")]), files, {})

    assert (first.verdicts, dict(first.reasons)) == ([KILLED, ALIVE], {ALIVE.name: "alike"})
    assert [first.files.count(group) for group in (CORE, STORES)] == ["1 of 1", "0 of 1"]
    assert first.files.untried == ["adapters/memory.py"]
    assert [second.files.count(group) for group in (CORE, STORES)] == ["1 of 1", "1 of 1"]
    assert [verdict.group for verdict in second.verdicts] == [CORE, CORE, STORES]


def test_a_file_without_a_mutant_is_neither_tried_nor_untried(top: Path) -> None:
    memory_in(top).path.write_text("import os\n")

    assert picture(Kept(top), [memory_in(top)], {}).files.fits == {}


def test_verdicts_on_a_file_that_has_changed_do_not_count_and_the_page_names_it(top: Path) -> None:
    kept = tried(top, acts_in(top), [KILLED, ALIVE])
    before = page(kept, [acts_in(top)], {})
    acts_in(top).path.write_text("LIMIT = 9\n")
    after = page(kept, [acts_in(top)], {})

    assert "| core | 2 | 1 | 0 | 1 | 50.0% | 1 of 1 |" in before
    assert "- `src/sessioncore/acts.py`" not in before
    assert "| core | 0 | 0 | 0 | 0 |  | 0 of 1 |" in after
    assert "### Not tried since they were changed\n\n- `src/sessioncore/acts.py`\n\n### Equivalent" in after


def test_some_of_the_mutants_of_a_file_are_no_picture_of_it(top: Path) -> None:
    kept = Kept(top)
    kept.add(acts_in(top), hash_of(acts_in(top).path), BOTH, [ALIVE.name], [ALIVE])

    assert (kept.fits(acts_in(top)), kept.verdicts(acts_in(top))) == (False, [])


def test_a_second_look_changes_what_it_looked_at_alone(top: Path) -> None:
    kept, dead = tried(top, acts_in(top), [KILLED, ALIVE]), Verdict(CORE, ALIVE.name, "proof")
    kept.add(acts_in(top), hash_of(acts_in(top).path), BOTH, [ALIVE.name], [dead])

    assert kept.verdicts(acts_in(top)) == [KILLED, dead]


def test_verdicts_are_kept_by_their_places_and_forgotten_when_the_tool_makes_other_mutants(top: Path) -> None:
    text = "".join(f"A{number} = {number + 1}\n" for number in range(6))
    acts_in(top).path.write_text(text)
    names = [edit.name for edit in edits(acts_in(top).path, acts_in(top).root)]
    found = [Verdict(CORE, name, "web" if place in (0, 1, 2, 4, 7, 8) else "flows") for place, name in enumerate(names)]
    kept = tried(top, acts_in(top), found)
    [entry] = kept.files.values()

    assert entry["verdicts"] == {"flows": "3,5-6,9-10", "web": "0-2,4,7-8"}
    assert kept.verdicts(acts_in(top)) == found
    entry["names"] = "of another day"
    assert (kept.fits(acts_in(top)), kept.verdicts(acts_in(top))) == (False, [])


def test_a_second_look_at_a_file_that_has_changed_forgets_the_first(top: Path) -> None:
    kept = tried(top, acts_in(top), [KILLED, ALIVE])
    acts_in(top).path.write_text("LIMIT = 9\n")
    kept.add(acts_in(top), hash_of(acts_in(top).path), BOTH, [ALIVE.name], [ALIVE])

    assert kept.verdicts(acts_in(top)) == []


def test_the_verdicts_on_the_table_count_as_long_as_it_its_guards_and_its_acts_are_the_same(top: Path) -> None:
    mutant, kept = next(mutants()), Kept(top)
    kept.add_table(hash_of_table(top), [OfTable(mutant, "proof", "Total"), OfTable(mutant, EQUIVALENT, "z3 says so")])
    kept.write()
    before = page(Kept.read(top), [], {})
    acts_in(top).path.write_text("LIMIT = 9\n")

    assert "1 of 2 mutants die, 1 are proved equivalent to the shipped table, 0 survive." in before
    assert f"| proof | Total | {'1' if mutant.kind == 'row' else ''} |" in before
    assert UNTRIED in page(Kept.read(top), [], {})
