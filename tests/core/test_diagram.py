"""The pictures are made of the rows: every row is in them, nothing else is, and the committed ones are up to date."""

import re
from collections.abc import Callable
from enum import Enum
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sessioncore import TABLE, InvalidSetting, Row, State, Tick
from sessioncore.diagram import WORDS, dot, mermaid
from sessioncore.table import INITIAL
from sessioncore_io.drawing import readme

Draw = Callable[..., str]
Read = Callable[[str], list[tuple[str, str]]]

DOCS = Path(__file__).parents[2] / "docs" / "state-diagrams"

ARROWS = {(row.source.name, row.to.name) for row in TABLE}
BETWEEN = {(source, to) for source, to in ARROWS if source != to}
LOOPS = {source for source, to in ARROWS if source == to}


def mermaid_arrows(text: str) -> list[tuple[str, str]]:
    """Read the arrows of a Mermaid diagram."""
    return re.findall(r"^ *([\w\[\]*]+) --> ([\w\[\]*]+)", text, re.MULTILINE)


def dot_arrows(text: str) -> list[tuple[str, str]]:
    """Read the arrows of a DOT graph."""
    return re.findall(r'^ *"([^"]+)" -> "([^"]+)"', text, re.MULTILINE)


def said_on(text: str, source: State, to: State) -> str:
    """Give the line that holds what an arrow says."""
    wanted = {f"{source.name} --> {to.name} : ", f'"{source.name}" -> "{to.name}" '}
    kept = {f"{source.name} : ", f'"{source.name}" [id="state-'}
    starts = kept if source is to else wanted
    return next(line for line in text.splitlines() if line.strip().startswith(tuple(starts)))


class Door(Enum):
    """States of somebody's own table, one of which has a name that Mermaid keeps for itself."""

    SHUT = 1
    OPEN = 2
    END = 3


class Push:
    """Somebody's own event."""


class Break:
    """Another."""


def after_a_while(s: object, e: object, m: object) -> bool:
    """It stood open long enough."""
    return True


def act(s: object, e: object, m: object) -> object:
    """Change nothing."""
    return s


DOORS = (
    Row(Push, Door.SHUT, after_a_while, Door.OPEN, act),
    Row(Push, Door.OPEN, after_a_while, Door.OPEN, act),
    Row(Tick, Door.OPEN, after_a_while, Door.SHUT, act),
    Row(Tick, Door.OPEN, lambda s, e, m: True, Door.SHUT, act),
    Row(Break, Door.OPEN, after_a_while, Door.END, act),
)


# -- every row, and nothing else ---------------------------------------------------------------------------


@pytest.mark.parametrize(("draw", "read"), [(mermaid, mermaid_arrows), (dot, dot_arrows)])
def test_every_arrow_is_drawn_once_and_the_initial_one_too(draw: Draw, read: Read) -> None:
    arrows = read(draw())

    assert sorted({*BETWEEN, ("[*]", INITIAL.name)}) == sorted(arrows)


@pytest.mark.parametrize("draw", [mermaid, dot])
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.on.__name__}-{row.source}-{row.guard.__name__}")
def test_every_row_stands_on_its_arrow(draw: Draw, row: Row) -> None:
    said = said_on(draw(), row.source, row.to)
    words = WORDS.get(row.guard.__name__, "")

    assert words in said
    assert row.on is Tick or row.on.__name__ in said
    assert "Tick" not in said


def test_what_keeps_a_state_is_listed_inside_it() -> None:
    assert {"CREATED", "AUTHENTICATED", "MFA_SATISFIED"} == LOOPS
    assert "CREATED : Touch<br/>Write" in mermaid()


def test_rows_of_one_arrow_share_it() -> None:
    assert "AUTHENTICATED --> EXPIRED : upstream bound<br/>lifetime<br/>idle\n" in mermaid()
    assert "MFA_SATISFIED --> LOGGED_OUT : LogOut<br/>all sessions ended\n" in mermaid()


def test_every_guard_of_a_tick_row_has_plain_words_and_every_word_a_guard() -> None:
    ticking = {row.guard.__name__ for row in TABLE if row.on is Tick}

    assert set() == ticking - set(WORDS)
    assert set() == set(WORDS) - {row.guard.__name__ for row in TABLE}


def test_no_label_can_end_early() -> None:
    """In Mermaid a colon ends the name and a semicolon the statement."""
    said = [line.partition(" : ")[2] for line in mermaid().splitlines() if " --> " in line]

    assert [label for label in said if re.search(r"[:;#%{}\"]", label)] == []


def test_live_and_ended_states_stand_in_groups() -> None:
    groups = dict(re.findall(r'state "(\w+)" as \w+_states \{(.*?)\n    \}', mermaid(), re.DOTALL))
    clusters = dict(re.findall(r"subgraph cluster_(\w+) \{(.*?)\n  \}", dot(), re.DOTALL))

    for name, states in (("live", {s for s in State if s.live}), ("ended", {s for s in State if not s.live})):
        assert {s.name for s in states} == set(re.findall(r'state "(\w+)"', groups[name]))
        assert {s.name for s in states} == set(re.findall(r'id="state-(\w+)"', clusters[name]))


def test_an_arrow_that_only_time_takes_is_dashed() -> None:
    taken = {(row.source.name, row.to.name) for row in TABLE if row.on is not Tick}
    dashed = {ends for line in dot().splitlines() if "style=dashed" in line for ends in dot_arrows(line)}

    assert ARROWS - taken == dashed


RESERVED = ("class", "classDef", "default", "direction", "end", "note", "scale", "state", "style")


@pytest.mark.parametrize("word", RESERVED)
def test_a_state_whose_name_mermaid_keeps_for_itself_gets_another(word: str) -> None:
    states: Any = Enum("states", [word])  # type: ignore[misc]

    assert f"[*] --> {word}_\n" in mermaid((), initial=states[word])


# -- one state lit -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_one_state_is_lit(state: State) -> None:
    lit_nodes = [line for line in dot(lit=state).splitlines() if "#ffd166" in line]

    assert [state.name] == re.findall(r"class (\w+) lit", mermaid(lit=state))
    assert [state.name] == [name for line in lit_nodes for name in re.findall(r'id="state-(\w+)"', line)]


def test_lighting_a_state_moves_nothing() -> None:
    assert mermaid().replace("class RESET ended", "class RESET lit") == mermaid(lit=State.RESET)
    assert "#ffd166" not in dot()


# -- anybody's table ---------------------------------------------------------------------------------------


def test_anybody_s_table_can_be_drawn() -> None:
    text = mermaid(DOORS, initial=Door.SHUT, lit=Door.END)

    assert mermaid_arrows(text) == [("[*]", "SHUT"), ("SHUT", "OPEN"), ("OPEN", "SHUT"), ("OPEN", "END_")]
    assert "OPEN --> SHUT : after a while<br/>time\n" in text
    assert 'state "END" as END_\n' in text
    assert "class END_ lit\n" in text


def test_a_table_without_ends_has_one_group() -> None:
    text = dot(DOORS[:3], initial=Door.SHUT)

    assert "cluster_live" in text
    assert "cluster_ended" not in text


def test_a_name_cannot_break_out_of_a_label() -> None:
    odd = type("A<B>&C", (), {})

    assert "A&lt;B&gt;&amp;C" in dot((Row(odd, Door.SHUT, after_a_while, Door.OPEN, act),), initial=Door.SHUT)


@pytest.mark.parametrize("draw", [mermaid, dot])
def test_the_state_of_another_table_is_refused(draw: Draw) -> None:
    with pytest.raises(InvalidSetting, match="initial"):
        draw(DOORS)
    with pytest.raises(InvalidSetting, match="lit"):
        draw(DOORS, initial=Door.SHUT, lit=State.CREATED)


def test_the_order_of_the_rows_between_arrows_means_nothing() -> None:
    by_arrow = sorted(TABLE, key=lambda row: (row.to.name, row.source.name))

    assert mermaid() == mermaid(by_arrow)
    assert dot() == dot(by_arrow)


# -- drift -------------------------------------------------------------------------------------------------

COMMITTED = {"session.mmd": mermaid, "session.dot": dot, "README.md": readme}


@pytest.mark.parametrize("name", COMMITTED)
def test_the_committed_diagram_is_what_the_table_gives(name: str) -> None:
    """Run ``make diagrams`` if this fails."""
    assert COMMITTED[name]() == (DOCS / name).read_text(encoding="utf-8")


def test_the_committed_picture_shows_every_state_and_arrow() -> None:
    """Graphviz's releases lay out differently, so the SVG is compared by what it shows."""
    ids = re.findall(r'<g id="([^"]+)" class="(node|edge)"', (DOCS / "session.svg").read_text(encoding="utf-8"))
    shown = {kind: {name.replace("&#45;", "-") for name, of in ids if of == kind} for kind in ("node", "edge")}

    assert {f"state-{state.name}" for state in State} == {name for name in shown["node"] if name.startswith("state")}
    assert {f"{source}-{to}" for source, to in BETWEEN} | {f"begin-{INITIAL.name}"} == shown["edge"]


@pytest.mark.parametrize(("row", "draw"), list(product((TABLE[1], TABLE[-1], TABLE[13]), (mermaid, dot))))
def test_a_table_with_another_row_gives_another_diagram(row: Row, draw: Draw) -> None:
    assert draw() != draw([other for other in TABLE if other is not row])
