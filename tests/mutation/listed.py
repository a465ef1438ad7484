"""Read the reviewed list of mutants that are equivalent: each with the reason why no test can tell it."""

import tomllib
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("equivalents.toml")


def reasons(file: Path = FILE) -> dict[str, str]:
    """Give the reason of each listed mutant, by its name."""
    groups = tomllib.loads(file.read_text(encoding="utf-8")).get("equivalent", [])
    return {name: group["reason"] for group in groups for name in group["mutants"]}
