"""What ``import sessioncore`` costs over what its two dependencies cost."""

import subprocess
import sys

from .rounds import Times

_CLOCKED = "from time import process_time as t; began = t(); import {}; print((t() - began) * 1e6)"


def imports(rounds: int) -> dict[str, Times]:
    """Time each import in processes of its own, in turns; microseconds of processor time."""
    taken: dict[str, list[float]] = {"attrs, transitions": [], "sessioncore": []}
    for _ in range(rounds):
        for modules, times in taken.items():
            done = subprocess.run([sys.executable, "-c", _CLOCKED.format(modules)], capture_output=True, check=True)
            times.append(float(done.stdout))
    return {modules: Times(tuple(times[1:])) for modules, times in taken.items()}
