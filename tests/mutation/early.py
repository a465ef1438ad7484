"""Which functions run while the sources and the tests are imported: what they made keeps what it was made by."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
