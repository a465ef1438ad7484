"""Today's code and an earlier commit's, by turns: what tells a slower machine from slower code.

The budget in microseconds was written down for a machine that nobody has for ever. One commit's own page was made on
one like it, so its code is the yardstick: the part of its time that today's code takes here, it would take there.
"""

import json
import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any, Final

from attrs import frozen

COMMIT: Final = "ffaab584c61404158d6aa470af681102472001fc"
ROOT: Final = Path(__file__).parent.parent

_TURNS: Final = 10


@frozen
class Earlier:
    """Hold what sessions in memory add to a request at best, in microseconds."""

    commit: str
    world: str
    recorded: float  # by that commit's own page, on its machine
    then: float  # that commit's code, on this machine
    now: float  # today's code, on this machine
    ratio: float  # of today's to that commit's, turn by turn

    @property
    def there(self) -> float:
        """Give what today's code would take on that commit's machine."""
        return self.recorded * self.ratio


def against(folder: Path, effort: int) -> tuple[Earlier, ...]:
    """Measure the commit's tree and this one by turns, each time in a process of its own."""
    tree = folder / "earlier"
    with tarfile.open(fileobj=BytesIO(_git("archive", COMMIT, "src", "adapters"))) as packed:
        packed.extractall(tree, filter="data")
    turns = [(_apart(tree, 4 * effort), _apart(ROOT, 4 * effort)) for _ in range(_TURNS)]
    return tuple(
        Earlier(
            commit=COMMIT[:7],
            world=world,
            recorded=recorded,
            then=median(then[world] for then, _ in turns),
            now=median(now[world] for _, now in turns),
            ratio=median(now[world] / then[world] for then, now in turns),
        )
        for world, recorded in _recorded().items()
    )


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stderr.decode().strip()}\nthis part needs the whole history: git fetch --unshallow")
    return done.stdout


def _recorded() -> dict[str, float]:
    page: dict[str, Any] = json.loads(_git("show", f"{COMMIT}:docs/benchmarks/results.json"))
    return {f["world"]: f["quietest"] for f in page["figures"] if f["ours"] and f["keeps"] == "memory"}


def _apart(tree: Path, rounds: int) -> dict[str, float]:
    path = os.pathsep.join(map(str, (tree / "src", tree / "adapters", ROOT)))
    command = [sys.executable, "-m", "benchmarks.steady", str(tree), str(rounds)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found
