"""Copy the marked regions of the recipes into docs/embedding.md: ``python tests/frameworks/embed.py``."""

import re
from pathlib import Path
from textwrap import dedent
from typing import Final

HERE: Final = Path(__file__).parent
GUIDE: Final = HERE.parents[1] / "docs" / "embedding.md"

# <!-- flask_app: session wiring -->, and below it the block that holds these regions of recipes/flask_app.py
BLOCK: Final = re.compile(r"<!-- (?P<recipe>\w+):(?P<regions>[ \w]+) -->\n```python\n.*?```\n", re.DOTALL)
MARK: Final = re.compile(r"^ *# \[/?\w+\]\n", re.MULTILINE)


def region(recipe: str, name: str) -> str:
    """Cut one region out of a recipe, without the marks."""
    text = (HERE / "recipes" / f"{recipe}.py").read_text("utf-8")
    _, _, rest = text.partition(f"# [{name}]\n")
    inside, mark, _ = rest.partition(f"# [/{name}]\n")
    if not mark:
        raise LookupError(f"{recipe} has no region {name}")
    return dedent(MARK.sub("", inside.rstrip(" "))).strip("\n") + "\n"


def _filled(block: re.Match[str]) -> str:
    recipe, regions = block["recipe"], block["regions"]
    code = "\n\n".join(region(recipe, name) for name in regions.split())
    return f"<!-- {recipe}:{regions} -->\n```python\n{code}```\n"


def render(guide: str) -> str:
    """Fill every block of the guide anew."""
    return BLOCK.sub(_filled, guide)


if __name__ == "__main__":
    GUIDE.write_text(render(GUIDE.read_text("utf-8")), "utf-8")
