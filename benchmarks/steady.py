"""Measure the code that PYTHONPATH names first: what sessions in memory add to a request at best, by world, as JSON."""

import json
import sys
from pathlib import Path

import sessioncore_io
from sessioncore_io.memory import MemoryStore

from .contenders import OURS, asgi, wsgi
from .ours import asgi_app, wsgi_app
from .rounds import interleave


def measured(tree: Path, rounds: int) -> dict[str, float]:
    """Give microseconds; the tree is named so that no other can have been imported by mistake."""
    if not Path(sessioncore_io.__file__).is_relative_to(tree):
        raise AssertionError(f"{sessioncore_io.__file__} was imported, and not what is in {tree}")
    entries = (asgi(OURS, "memory", asgi_app(MemoryStore())), wsgi(OURS, "memory", wsgi_app(MemoryStore())))
    times = interleave({name: run for entry in entries for name, run in entry.runs.items()}, rounds, requests=50)
    return {entry.world: times[entry.key].minus(times[entry.bare_key]).quietest for entry in entries}


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), int(sys.argv[2]))))
