"""Run pytest on a folder, as somebody does who has installed this and nothing else of ours."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

PLUGIN = "sessioncore.testing.plugin"


def pytest_passes(folder: Path) -> list[str]:
    """Run pytest in a process of its own, with the plugin, and give its summary: what was skipped, and the tally."""
    known = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
    options = () if known else ("-p", PLUGIN)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rs",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:faker",
        "--rootdir",
        str(folder),
    ]
    done = subprocess.run([*command, *options, "."], cwd=folder, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    return [line for line in lines if line.startswith("SKIPPED")] + [lines[-1].partition(" in ")[0]]
