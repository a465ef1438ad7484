"""The generator makes the slips that it says, each can be planted, and a weak test lets one live."""

import ast
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import pytest
from tests.mutation.early import at_import, noticed
from tests.mutation.edits import Edit, edits
from tests.mutation.forks import TIMED_OUT, Ended, Forks, Tell, limit
from tests.mutation.hunt import SURVIVED, Hunt, Verdict
from tests.mutation.listed import reasons
from tests.mutation.plant import Finder, functions_of, plant
from tests.mutation.reach import Reach
from tests.mutation.report import Result, section
from tests.mutation.sources import ADAPTERS, CORE, LAYERS, STORES, layer_of, sources
from tests.mutation.uses import uses_of

CODE = '''\
"""A shop."""

LIMIT = 3


def admits(age: int, limit: int = 18) -> bool:
    """Tell whether somebody may come in."""
    return age >= limit and age < 100


class Till:
    """Take money."""

    def take(self, coins):
        """Take coins."""
        self.coins = sorted(coins, reverse=True)
        if yield from Swap(None, coins).ask():
            tell(self, coins)
        yield from Tell(coins).ask()
'''


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ModuleType]:
    """Import the shop."""
    path = tmp_path / "shop.py"
    path.write_text(CODE.replace("if yield from Swap(None, coins).ask()", "if (yield from Swap(None, coins).ask())"))
    spec = spec_from_file_location("shop", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["shop"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["shop"]


def edits_of(module: ModuleType) -> list[Edit]:
    """Give the edits of a module; their trees are right again."""
    path = Path(str(module.__file__))
    return list(edits(path, path.parent))


def test_every_kind_of_slip_is_made_and_named_by_its_function_and_text(shop: ModuleType) -> None:
    names = [edit.name for edit in edits_of(shop)]

    assert "shop: LIMIT = ⟦3 → 4⟧" in names
    assert "shop.admits: return age >⟦= → ⟧ limit and age < 100" in names
    assert "shop.admits: return age >= limit ⟦and → or⟧ age < 100" in names
    assert "shop.admits: return age >= limit and ⟦age < 100 → True⟧" in names
    assert "shop.admits: return ⟦age >= limit and age < 100 → None⟧" in names
    assert "shop.admits: def admits(age: int, limit: int=⟦18 → 19⟧) -> bool" in names
    assert "shop.Till.take: self.coins = sorted(coins⟦, reverse=True → ⟧)" in names
    assert "shop.Till.take: self.coins = sorted(coins, reverse=True) ⟦dropped⟧" in names
    assert "shop.Till.take: if ⟦(yield from Swap(None, coins).ask()) → True⟧" in names
    assert "shop.Till.take: if (yield from Swap(None, coins).ask()) ⟦after: yield from Tell(coins).ask()⟧" in names
    assert "shop.Till.take: yield from Tell(⟦coins → None⟧).ask()" in names
    assert len(set(names)) == len(names)


def test_no_type_is_changed_also_not_in_the_brackets_of_a_base(tmp_path: Path) -> None:
    path = tmp_path / "typed.py"
    path.write_text(
        "class Till(Box[int | None]):\n    coins: list[int | None]\n\n    def take(self) -> int | None: ...\n"
    )

    assert [edit.name for edit in edits(path, tmp_path)] == []


def test_a_handler_is_tried_by_the_tests_that_come_to_it(tmp_path: Path) -> None:
    path = tmp_path / "till.py"
    path.write_text(
        "def take():\n    try:\n        go()\n    except ValueError:\n        stay()\n    finally:\n        end()\n"
    )
    lines = {edit.name: list(edit.lines) for edit in edits(path, tmp_path)}

    assert lines["till.take: try ⟦ValueError is passed on⟧"] == [5]
    assert lines["till.take: try ⟦finally nothing⟧"] == [7]


def test_a_file_is_whole_again_after_its_edits(shop: ModuleType) -> None:
    path = Path(str(shop.__file__))
    trees = [edit.tree for edit in edits(path, path.parent)]

    assert ast.dump(trees[-1]) == ast.dump(ast.parse(path.read_text()))


def planted(module: ModuleType, name: str) -> None:
    """Plant one edit by its name, in this process."""
    path = Path(str(module.__file__))
    for edit in edits(path, path.parent):
        if edit.name == name:
            plant(edit, functions_of([path]))


def test_a_function_is_changed_for_everybody_who_holds_it(shop: ModuleType) -> None:
    held = shop.admits
    before = held(18)

    planted(shop, "shop.admits: return age >⟦= → ⟧ limit and age < 100")

    assert before is True
    assert held(18) is False


def test_a_constant_is_changed_in_every_module_that_imported_it(shop: ModuleType) -> None:
    other = sys.modules["shop_window"] = ModuleType("shop_window")
    vars(other)["LIMIT"] = shop.LIMIT

    planted(shop, "shop: LIMIT = ⟦3 → 4⟧")
    del sys.modules["shop_window"]

    assert (shop.LIMIT, vars(other)["LIMIT"]) == (4, 4)


def test_what_runs_at_import_is_changed_by_importing_anew(shop: ModuleType) -> None:
    path, found = Path(str(shop.__file__)), []
    for edit in edits(path, path.parent):
        if edit.name == "shop.admits: def admits(age: int, limit: int=⟦18 → 19⟧) -> bool":
            finder = Finder(edit, "shop")
            spec = finder.find_spec("shop", None)
            assert spec is not None
            assert spec.loader is not None
            anew = module_from_spec(spec)
            spec.loader.exec_module(anew)
            found.append(anew.admits(18))

    assert found == [False]


LONGEST = "sessioncore.policy: LONGEST: Final = ⟦36525 → 36526⟧ * DAY"
KIB = "sessioncore.policy: KIB: Final = ⟦1024 → 1025⟧"


def imported_anew(plans: Any) -> Any:
    """Let these tests try these mutants in a process that imports ours anew, but has a plugin of pytest's already."""
    with TemporaryDirectory() as folder:
        asked, answers = Path(folder) / "asked.json", Path(folder) / "answers.json"
        asked.write_text(json.dumps({"plans": plans, "imports": ["xdist"], "slots": 1}))
        words = ["-m", "tests.mutation.cold", str(asked), str(answers)]
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stderr
        return json.loads(answers.read_text())


def test_what_is_imported_anew_is_killed_by_a_test_and_by_nothing_else() -> None:
    strict = "tests/core/test_invalid_settings.py::test_what_is_the_longest_and_the_least_is_accepted"
    plan = {"machine": {strict: 0.1}}

    assert imported_anew({LONGEST: plan, KIB: plan}) == {LONGEST: ["machine", False], KIB: ["", False]}


def test_a_test_that_fails_on_what_is_shipped_kills_nobody() -> None:
    folder = Path(".mutants")
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=folder) as here:
        failing = Path(here).resolve().relative_to(Path.cwd()) / "test_failing.py"
        failing.write_text("def test_fails(): assert False")

        assert imported_anew({KIB: {"machine": {f"{failing}::test_fails": 0.1}}}) == {KIB: ["", False]}


def test_what_a_file_makes_when_it_is_imported_is_shown_to_the_tests_that_name_it(shop: ModuleType) -> None:
    path, here, other = Path(str(shop.__file__)), f"{Path(__file__)}::test", "tests/mutation/test_mutants.py::test"
    reach = Reach(seconds={here: 0.1, other: 0.1}, lines={str(path): {11: [other]}})

    assert [edit.made for edit in edits_of(shop)][:1] == ["LIMIT"]
    assert reach.of_file(path) == [other]
    assert reach.of_file(Path("reached/by/none.py")) == []
    assert set(reach.of_import(path, "LIMIT")) == {here, other}
    assert reach.of_import(path, "nobody_calls_" + "it_so") == [other]


def test_a_dear_test_that_killed_a_neighbour_comes_first_and_leaves_the_cheap_ones_their_time(shop: ModuleType) -> None:
    edit = next(edit for edit in edits_of(shop) if edit.function == "admits")
    dear, cheap, other = (f"tests/core/test_till.py::{name}" for name in ("dear", "cheap", "other"))
    reach = Reach({dear: 5.9, cheap: 0.2, other: 0.3}, {str(edit.path): {n: [dear, cheap, other] for n in range(20)}})
    hunt = Hunt(sources=[], listed=frozenset(), reach=reach)
    hunt._kills["admits", dear] = 1

    assert list(hunt.chosen(edit, 2.0)) == [("machine", [dear, cheap, other])]


def test_a_dear_test_that_reaches_little_else_does_not_end_the_time_of_the_cheap_ones(shop: ModuleType) -> None:
    edit = next(edit for edit in edits_of(shop) if edit.function == "admits")
    cheap, dear, other = (f"tests/core/test_till.py::{name}" for name in ("cheap", "dear", "other"))
    reach = Reach({cheap: 0.2, dear: 5.9, other: 0.3}, {str(edit.path): {n: [cheap, dear, other] for n in range(20)}})
    reach.breadth = {cheap: 90, dear: 5, other: 80}

    assert reach.tests(edit.path, edit.lines) == [cheap, dear, other]
    assert list(Hunt([], frozenset(), reach=reach).chosen(edit, 2.0)) == [("machine", [cheap, other])]


def test_a_test_that_reaches_the_function_is_tried_after_those_that_are_known_to_reach_the_line(
    shop: ModuleType,
) -> None:
    edit = next(edit for edit in edits_of(shop) if edit.function == "admits" and "return" in edit.name)
    on_line, in_function = "tests/core/test_till.py::on_line", "tests/core/test_till.py::in_function"
    head, line = edit.around.start, edit.lines.start
    reach = Reach({on_line: 0.2, in_function: 0.1}, {str(edit.path): {head: [in_function], line: [on_line]}})

    assert list(Hunt([], frozenset(), reach=reach).chosen(edit, 2.0)) == [("machine", [on_line, in_function])]


def test_what_ran_at_an_import_is_noticed_by_the_name_that_its_edits_have(shop: ModuleType) -> None:
    def till() -> None:
        shop.admits(3)

    with noticed() as early:
        till()
    shop.Till.take(shop.Till(), [1])

    path = str(shop.__file__)
    assert {name for file, name in early if file == path} == {"admits"}
    assert (__file__, "test_what_ran_at_an_import_is_noticed_by_the_name_that_its_edits_have.till") in early
    assert {edit.function for edit in edits_of(shop)} == {"", "admits", "Till.take"}


def test_what_makes_something_at_an_import_is_noticed_though_it_is_imported_already() -> None:
    path = "adapters/sessioncore_io/sqlite/store.py"
    early = at_import(["sessioncore_io.sqlite.store"])

    assert (str(Path(path).absolute()), "_guarded") in early
    assert (str(Path(path).absolute()), "SqliteStore.load") not in early


def test_by_turns_a_cheap_test_of_another_function_is_tried_and_one_that_reaches_little() -> None:
    seconds = {"t::a[1]": 0.1, "t::a[2]": 0.2, "t::b": 0.3, "t::c[1]": 0.15, "t::d": 0.9}
    breadth = {"t::a[1]": 70, "t::a[2]": 50, "t::b": 60, "t::c[1]": 80, "t::d": 5}
    reach = Reach(seconds=seconds, breadth=breadth, lines={"/f": {1: list(seconds)}})

    assert reach.tests(Path("/f"), range(1, 2)) == ["t::a[1]", "t::d", "t::c[1]", "t::a[2]", "t::b"]


def test_mutants_are_chosen_by_a_part_of_their_names_or_by_a_file_that_lists_them(tmp_path: Path) -> None:
    asked = tmp_path / "asked.txt"
    asked.write_text("shop: LIMIT = ⟦3 → 4⟧\nshop.admits: one\n")
    names = ["shop: LIMIT = ⟦3 → 4⟧", "shop.admits: one", "shop.admits: one and another"]

    assert [name for name in names if Hunt([], frozenset(), "admits").hunts(name)] == names[1:]
    assert [name for name in names if Hunt([], frozenset(), f"@{asked}").hunts(name)] == names[:2]


def test_a_constant_is_tried_by_the_tests_that_come_to_where_it_is_used_then_by_those_that_name_it(
    tmp_path: Path,
) -> None:
    store, statements = tmp_path / "store.py", tmp_path / "statements.py"
    statements.write_text('PURGE_ALL = "DELETE FROM sessions WHERE sid = 1"\n')
    store.write_text("from statements import PURGE_ALL\n\ndef purge(execute):\n    execute(PURGE_ALL)\n")
    load, purge, named = "tests/mutation/__init__.py::load", "tests/mutation/__init__.py::purge", f"{__file__}::name"
    reach = Reach(
        seconds={load: 0.1, named: 0.2, purge: 0.3}, lines={str(store): {4: [purge]}, str(statements): {1: [load]}}
    )
    hunt = Hunt([], frozenset(), reach=reach, uses=uses_of([store, statements]))

    assert hunt.rounds(next(edits(statements, tmp_path)), 2) == [([purge], 2), ([load, named], 2)]


def telling(tell: Tell) -> int:
    """Tell two numbers and end with a third."""
    tell(7)
    tell(8)
    return 3


def endless(tell: Tell) -> int:
    """Never come back."""
    limit(-0.495)
    while True:
        pass


def dying(tell: Tell) -> int:
    """Be ended from outside."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_a_fork_says_how_it_ended_and_what_it_told_last() -> None:
    ended: list[Ended] = []
    forks = Forks(slots=2)

    for job in (telling, endless, dying):
        forks.start(job, ended.append)
    forks.finish()

    assert Ended(code=3, signal=0, told=8) in ended
    assert [one.told for one in ended if one.signal in TIMED_OUT] == [-1]
    assert signal.SIGKILL in [one.signal for one in ended]


def test_the_report_counts_what_dies_and_refuses_a_wrong_list() -> None:
    verdicts = [
        Verdict("core", "a: one", "flows", "t", all_layers=("flows", "web")),
        Verdict("core", "a: two", SURVIVED),
        Verdict("core", "a: three", SURVIVED),
    ]
    result = Result(verdicts, {"a: two": "it says the same", "a: one": "so they say"})

    assert [verdict.name for verdict in result.survivors] == ["a: three"]
    assert result.wrongly_listed == ["a: one"]
    assert result.share("core") == 0.5
    assert not result.holds
    assert "| core | 3 | 1 | 1 | 1 | 50.0% |" in section(result)
    assert "- it says the same\n  - `a: two`" in section(result)


def test_the_tool_starts_and_says_that_no_mutant_has_such_a_name() -> None:
    words = ["no.such.mutant", "--layers", "machine", "--processes", "1"]
    done = subprocess.run([sys.executable, "-m", "tests.mutation", *words], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (2, "no mutant is named so: no.such.mutant"), done.stderr


def test_a_test_that_plants_a_bug_kills_nobody_and_its_neighbour_that_plants_none_does() -> None:
    file = "tests/sso/test_decide_properties.py"

    assert layer_of(f"{file}::test_a_bug_breaks_its_property[silent]") == ""
    assert layer_of("tests/sso/test_layers.py::test_a_wrong_cell_of_the_cascade_breaks_its_invariant") == ""
    assert layer_of(f"{file}::test_nothing_is_broken_where_nothing_is_planted") == "signing on"
    assert layer_of("tests/stores/test_marks.py::test_a_purge_forgets_the_marks_that_have_passed") == "stores"
    assert layer_of("tests/web/test_wsgi.py::test_an_unavailable_store_is_the_servers_to_report") == "web"


def test_a_group_is_tried_alone_by_the_names_of_its_files() -> None:
    files, names = sources(Path.cwd()), ["sessioncore.sso.case.x: a", "sessioncore_io.wsgi: 'sessioncore.sso'"]

    assert [name for name in names if Hunt(files, frozenset(), groups=[CORE]).hunts(name)] == names[:1]
    assert [name for name in names if Hunt(files, frozenset(), groups=[ADAPTERS]).hunts(name)] == names[1:]


def test_a_store_in_a_folder_counts_as_a_store_and_single_sign_on_as_the_core() -> None:
    groups = {source.module: source.group for source in sources(Path.cwd())}

    assert groups["sessioncore.sso.decision"] == groups["sessioncore.flows.ending"] == CORE
    assert groups["sessioncore_io.sqlite.store"] == groups["sessioncore_io.memory"] == STORES
    assert groups["sessioncore_io.valkey.store"] == groups["sessioncore_io.postgres.wire"] == STORES
    assert groups["sessioncore_io.wsgi"] == groups["sessioncore_io.oidc.tokens"] == ADAPTERS


def test_every_source_is_mutated_and_every_listed_mutant_exists() -> None:
    names = {edit.name for source in sources(Path.cwd()) for edit in edits(source.path, source.root)}

    assert len(names) > 4_000
    assert [name for name in reasons() if name not in names] == []
    assert {layer_of(f"{start}x.py::test") for starts in LAYERS.values() for start in starts} == set(LAYERS)
