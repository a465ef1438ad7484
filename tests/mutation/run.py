"""Run the mutants of the sources: those of functions in forks of one process, the others by importing anew."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from .cold import QUIETLY
from .hunt import SURVIVED, Hunt, Verdict
from .reach import KEPT
from .sources import LAYERS

# The package is a plugin of pytest's too, and we have imported it already: its own assertions stay as they are.
_AGED: Final = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
_OURS: Final = ("sessioncore", "sessioncore_io", "tests", "examples", "conftest", "__main__", "__mp_main__")


def verdicts_on(hunt: Hunt) -> list[Verdict]:
    """Say what becomes of each mutant that is hunted."""
    import pytest  # after the profile was chosen

    os.environ["SESSIONCORE_PROFILE"] = "mutants"
    folders = sorted({start.rpartition("/")[0] for layer in hunt.layers for start in LAYERS[layer]})
    done = pytest.main([*QUIETLY, *_AGED, *folders], plugins=[hunt])
    if done not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"the tests could not be collected: {done}")
    return [*hunt.verdicts, *_by_importing(hunt)]


def _by_importing(hunt: Hunt) -> list[Verdict]:
    """Ask another process, which has not imported anything of ours yet."""
    if not hunt.cold:
        return []
    others = [name for name in sys.modules if name.partition(".")[0] not in _OURS and not name.startswith("_")]
    plans = {name: plan for name, (_, plan) in hunt.cold.items()}
    orders = {"plans": plans, "imports": others, "slots": hunt.slots}
    KEPT.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=KEPT) as folder:
        asked, answers = Path(folder) / "asked.json", Path(folder) / "answers.json"
        asked.write_text(json.dumps(orders), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "tests.mutation.cold", str(asked), str(answers)], check=True)
        found = json.loads(answers.read_text(encoding="utf-8"))
    return [_read(hunt, name, found[name]) for name in hunt.cold if name in found]


def _read(hunt: Hunt, name: str, found: Any) -> Verdict:
    layer, slow = found
    if not layer:
        hunt.told(f"{'listed' if name in hunt.listed else 'survives'}: {name}")
    return Verdict(hunt.cold[name][0], name, layer or SURVIVED, slow=slow)
