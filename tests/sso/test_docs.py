"""The page for embedders is run as it stands there, and costs nothing to whoever does not read it."""

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
README = (DOCS / "sso" / "README.md").read_text("utf-8")


def test_every_example_of_the_page_runs() -> None:
    """One after another, in one namespace: each block goes on from the last."""
    blocks = re.findall(r"```python\n(.*?)```\n", README, re.DOTALL)
    told: dict[str, object] = {}
    for block in blocks:
        exec(block, told)

    assert len(blocks) >= 4


def test_the_core_does_not_load_single_sign_on() -> None:
    """It costs whoever does not use it nothing."""
    loaded = "{name for name in sys.modules if name.startswith('sessioncore.sso')}"
    code = f"import sys, sessioncore, sessioncore.flows, sessioncore_io, sessioncore_io.cli; assert not {loaded}"

    subprocess.run([sys.executable, "-c", code], check=True)
