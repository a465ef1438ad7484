"""The page and the pictures of single sign-on are made of the rows that run, and the committed ones are up to date."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sessioncore import InvalidSetting
from sessioncore.sso import CASCADE, DECISIONS, diagram
from sessioncore_io.cli import main
from sessioncore_io.sso_drawing import PICTURES, drawn, page, pages

DOCS = Path(__file__).parents[2] / "docs"

# -- drift: run `make diagrams` if one of these fails ------------------------------------------------------


def test_the_committed_page_is_what_the_tables_give() -> None:
    assert page() == (DOCS / "sso" / "decisions.md").read_text("utf-8")


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(("form", "ending"), [("mermaid", "mmd"), ("dot", "dot")])
def test_the_committed_pictures_are_what_the_tables_give(name: str, form: str, ending: str) -> None:
    committed = (DOCS / "state-diagrams" / f"sso-{name}.{ending}").read_text("utf-8")

    assert PICTURES[name][form]() == committed


@pytest.mark.parametrize("name", PICTURES)
def test_the_committed_svg_shows_every_node_and_arrow(name: str) -> None:
    """Graphviz's releases lay out differently, so the SVG is compared by what it shows."""
    svg = (DOCS / "state-diagrams" / f"sso-{name}.svg").read_text("utf-8").replace("&#45;", "-")
    shown = set(re.findall(r'<g id="([^"]+)" class="(?:node|edge)"', svg)) - {"node1"}

    assert set(re.findall(r'\[id="([^"]+)"', PICTURES[name]["dot"]())) == shown


# -- the pictures are made of the rows ---------------------------------------------------------------------


@pytest.mark.parametrize("draw", [diagram.decision_mermaid, diagram.decision_dot])
def test_every_row_is_in_the_flow_chart(draw: Callable[..., str]) -> None:
    words = " ".join(re.sub(r"</TD></TR><TR><TD[^>]*>", " ", draw()).split())

    for row in DECISIONS:
        assert diagram.question(row).replace("'", "&#x27;" if "<TR>" in words else "'") in words
        assert row.silent.value in words
    assert draw() != draw(DECISIONS[1:])


@pytest.mark.parametrize("draw", [diagram.layers_mermaid, diagram.layers_dot])
def test_every_event_is_among_the_layers(draw: Callable[..., str]) -> None:
    text = draw()

    assert [row.on for row in CASCADE if diagram.said(row.on) not in text] == []
    assert all(draw(tuple(row for row in CASCADE if row is not gone)) != text for gone in CASCADE)


def test_no_text_can_end_a_label_of_mermaid_early() -> None:
    labels = re.findall(r'\["(.*)"\]', diagram.decision_mermaid() + diagram.layers_mermaid())

    assert [label for label in labels if '"' in label or ";" in label] == []


def test_a_word_that_is_longer_than_a_line_has_a_line_to_itself() -> None:
    assert diagram.wrapped("a " + "b" * 50 + " c") == ["a", "b" * 50, "c"]
    assert diagram.wrapped("b" * 50) == ["b" * 50]


def test_a_layer_that_nothing_ends_has_a_title_alone() -> None:
    assert "<B>application sessions</B></TD></TR></TABLE>" in diagram.layers_dot(())


# -- the command -------------------------------------------------------------------------------------------


def test_the_command_draws_both_pictures_and_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", "--of", "sso"]) == 0
    both = capsys.readouterr().out
    assert both == f"{diagram.decision_mermaid()}\n{diagram.layers_mermaid()}"
    assert main(["diagram", "--of", "layers", "--format", "dot"]) == 0
    assert capsys.readouterr().out == diagram.layers_dot()
    assert main(["diagram", "--of", "sso", "--format", "markdown"]) == 0
    assert capsys.readouterr().out == page()


def test_what_cannot_be_drawn_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidSetting, match="draw --of decision or --of layers"):
        drawn("sso", "svg", str)
    assert main(["diagram", "--of", "sso", "--light", "created"]) == 2
    assert "--light" in capsys.readouterr().err


def test_the_command_writes_every_form(tmp_path: Path) -> None:
    assert main(["diagram", "--of", "sso", "--write", str(tmp_path)]) == 0

    names = {f"sso-{name}.{ending}" for name in PICTURES for ending in ("mmd", "dot")}
    assert names <= {path.name for path in tmp_path.iterdir()}


def laid_out(text: str) -> str:
    """Stand for Graphviz, which need not be there."""
    return f"<svg>{text}</svg>"


def test_the_files_are_named_by_their_pictures_and_hold_what_their_endings_say() -> None:
    files = {name: draw(laid_out) for name, draw in pages("sso").items()}

    assert files == {
        f"sso-{name}.{ending}": text
        for name, forms in PICTURES.items()
        for ending, text in (("mmd", forms["mermaid"]()), ("dot", forms["dot"]()), ("svg", laid_out(forms["dot"]())))
    }
    assert sorted(pages("layers")) == ["sso-layers.dot", "sso-layers.mmd", "sso-layers.svg"]
    assert drawn("layers", "svg", laid_out) == laid_out(diagram.layers_dot())


def test_two_pictures_in_one_svg_are_refused_with_what_to_ask_for() -> None:
    with pytest.raises(InvalidSetting) as refused:
        drawn("sso", "svg", laid_out)

    assert str(refused.value) == ("--format = 'svg': an SVG holds one picture: draw --of decision or --of layers")
