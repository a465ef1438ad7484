"""docs/embedding.md shows the code that the suite runs."""

import ast
import re

import pytest

from .embed import BLOCK, GUIDE, HERE, region, render

RECIPES = sorted(path.stem for path in (HERE / "recipes").glob("*.py") if path.stem != "users")


@pytest.fixture
def guide() -> str:
    """Read the guide."""
    return GUIDE.read_text("utf-8")


def test_every_block_equals_its_recipe(guide: str) -> None:
    assert guide == render(guide), "run: python tests/frameworks/embed.py"


def test_every_recipe_is_shown_and_linked(guide: str) -> None:
    assert sorted({block["recipe"] for block in BLOCK.finditer(guide)}) == RECIPES
    assert sorted(set(re.findall(r"\(\.\./tests/frameworks/recipes/(\w+)\.py\)", guide))) == sorted([*RECIPES, "users"])


def test_no_other_python_block_goes_untested(guide: str) -> None:
    assert "```python" not in BLOCK.sub("", guide)


def test_every_block_is_a_piece_of_python(guide: str) -> None:
    blocks = [region(block["recipe"], name) for block in BLOCK.finditer(guide) for name in block["regions"].split()]

    assert all(ast.parse(block).body for block in blocks)


def test_the_wiring_is_short() -> None:
    lines = {recipe: region(recipe, "wiring").count("\n") for recipe in RECIPES}

    assert {recipe: count for recipe, count in lines.items() if count > 20} == {}


def test_a_region_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match="flask_app has no region cellar"):
        region("flask_app", "cellar")
