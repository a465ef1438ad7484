"""Which functions run while the sources and the tests are imported: what they made keeps what it was made by."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType

Functions = set[tuple[str, str]]


@contextmanager
def noticed() -> Iterator[Functions]:
    """Notice every function that is called within the ``with`` block, by file and by name as an edit has it."""
    found: Functions = set()

    def notice(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            code = frame.f_code
            found.add((code.co_filename, code.co_qualname.replace("<locals>.", "")))

    sys.setprofile(notice)
    try:
        yield found
    finally:
        sys.setprofile(None)


def at_import(modules: Sequence[str]) -> Functions:
    """Give what is called when these are imported, in another process: here they are imported already."""
    command = [sys.executable, "-m", "tests.mutation.early", *modules]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return {(file, function) for file, function in json.loads(told)}


if __name__ == "__main__":
    with noticed() as called:
        for name in sys.argv[1:]:
            with suppress(ImportError):  # what needs something that is not installed runs nowhere
                import_module(name)
    print(json.dumps(sorted(called)))
