"""A file is watched at once and then twice a second, in a thread that keeps no process from ending."""

import sqlite3
import threading
from contextlib import closing
from typing import NoReturn

from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.sqlite.watch import Watch


class Looks(threading.Event):
    """Be enough after so many looks, without waiting for any; keep how long each would have waited."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.left, self.waits = looks, list[float | None]()

    def wait(self, timeout: float | None = None) -> bool:
        """Count."""
        self.waits.append(timeout)
        self.left -= 1
        return self.left < 0


def test_the_file_is_looked_at_at_once_and_then_every_half_second(sqlite: SqliteStore) -> None:
    looks, news = Looks(3), list[str]()
    Watch(sqlite._connect, lambda: news.append("changed"))._run(looks)

    assert looks.waits == [0, 0.5, 0.5, 0.5]
    assert news == ["changed"], "the first look is news, for nobody knows since when; nothing was written since"


def test_a_file_that_cannot_be_watched_is_news_at_once() -> None:
    def unable() -> NoReturn:
        raise sqlite3.OperationalError("unable to open database file")

    news: list[str] = []
    Watch(unable, lambda: news.append("changed"))._run(Looks(0))

    assert news == ["changed"]


def test_the_thread_that_watches_has_a_name_and_keeps_no_process_from_ending(sqlite: SqliteStore) -> None:
    before = set(threading.enumerate())
    with closing(sqlite.subscribe(lambda _: None)):
        [thread] = set(threading.enumerate()) - before
        seen = thread.name, thread.daemon
    thread.join(20)

    assert seen == ("sessioncore-sqlite", True)
    assert not thread.is_alive()
