"""Notice that somebody wrote to a SQLite file, though SQLite tells no other process."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Final

from ..world import log

EVERY: Final = 0.5  # seconds: what one process ends, another one's websockets hear of within a second


class Watch:
    """Ask in a thread, twice a second while somebody listens, whether the file is as it was; call ``changed`` if not.

    ``PRAGMA data_version`` says so without reading a page. It does not say what was written, nor by whom: writes of
    this very process count too.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], changed: Callable[[], object]) -> None:
        self._connect = connect
        self._changed = changed
        self._enough: threading.Event | None = None

    def begin(self) -> None:
        """Start the thread."""
        self._enough = threading.Event()
        threading.Thread(target=self._run, args=(self._enough,), name="sessioncore-sqlite", daemon=True).start()

    def end(self) -> None:
        """Let the thread end by itself, at once; it may be the one that asks for it."""
        if self._enough is not None:
            self._enough.set()

    def _run(self, enough: threading.Event) -> None:
        try:
            with closing(self._connect()) as connection:
                self._ask(connection, enough)
        except sqlite3.Error as error:
            log.error("the file is no longer watched for what other processes end: SQLite: %s", error)
            self._changed()
            while not enough.wait(EVERY):
                self._changed()  # nothing is known any more, so everybody looks for themselves

    def _ask(self, connection: sqlite3.Connection, enough: threading.Event) -> None:
        known = None  # so the first answer is news: somebody may have written while this thread began
        while not enough.wait(EVERY if known else 0):
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version != known:
                known = version
                self._changed()
