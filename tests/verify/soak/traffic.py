"""What one worker process does: the requests of a few browsers, which all workers serve at once."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import frozen

from sessioncore import NotYours, Policy, Reason, Refused, SessionError, StoreUnavailable
from sessioncore.flows import ANY_SUBJECT, Token
from sessioncore.testing.contracts.processes import Opener, Reporting
from sessioncore_io import CLEAR, Handle, Sessions

POLICY: Final = Policy(touch_every=1, max_sessions=3)  # so that each use is a write, and the cap is met
SUBJECTS: Final = 2
BROWSERS: Final = 3
PATIENCE: Final = 60.0


@frozen
class Site:
    """Hold what the workers share: where the store is, and the folder of the browsers' cookie jars.

    ``between`` may stand between the sessions and what is recorded: it is how a test plants a bug.
    """

    opener: Opener
    jars: Path
    between: Callable[[Any], Any] | None = None


class Browser:
    """Keep one browser's cookie in a file, where the requests of all workers find it."""

    def __init__(self, jars: Path, name: str) -> None:
        self.jar = jars / name

    @property
    def cookie(self) -> str | None:
        """Give the cookie that the browser holds now."""
        try:  # to look first would be a race: another worker may clear it meanwhile
            return self.jar.read_text()
        except FileNotFoundError:
            return None

    def take(self, order: object, who: str) -> None:
        """Obey a response."""
        if order is CLEAR:
            self.jar.unlink(missing_ok=True)
        elif isinstance(order, Token):
            fresh = self.jar.with_name(f"{self.jar.name}.{who}")
            fresh.write_text(order.text)
            fresh.replace(self.jar)


class Worker:
    """Serve requests for one round."""

    def __init__(self, sessions: Sessions, jars: Path, who: str, number: int) -> None:
        self.sessions = sessions
        self.who = who
        self.random = Random(f"{number} {who}")
        self.browsers = [Browser(jars, f"{number}-{n}") for n in range(BROWSERS)]
        self.subjects = [f"soak-{number}-{n}" for n in range(SUBJECTS)]

    def serve(self) -> None:
        """Serve one request, whatever it is; what it may raise by right is the user's answer."""
        browser = self.random.choice(self.browsers)
        with suppress(Refused, NotYours):
            handle = self.sessions.open(browser.cookie)
            names, weights = zip(*VERBS.items(), strict=True)
            (verb,) = self.random.choices(names, weights)
            verb(self, handle)
            handle.commit()
            browser.take(handle.order, self.who)

    def use(self, handle: Handle) -> None:
        """Look at the session: a use."""
        handle.get("n")

    def write(self, handle: Handle) -> None:
        """Write data."""
        handle[self.random.choice("abc")] = self.random.randrange(1_000)

    def log_in(self, handle: Handle) -> None:
        """Log in, with one factor or two."""
        subject = self.random.choice(self.subjects)
        handle.log_in(self.sessions.attempt(subject), self.random.choice(["pwd", ["pwd", "otp"]]))

    def prove(self, handle: Handle) -> None:
        """Prove a factor again, or a second one: the secret rotates."""
        if handle.subject is None:
            self.log_in(handle)
        elif self.random.random() < 0.5:
            handle.satisfy_mfa("otp")
        else:
            handle.reauthenticate("pwd")

    def log_out(self, handle: Handle) -> None:
        """Log out."""
        handle.log_out()

    def end(self, handle: Handle) -> None:
        """End a session from outside, by its sid."""
        subject = self.random.choice(self.subjects)
        for summary in self.sessions.sessions_of(subject)[-1:]:
            self.sessions.end(summary.sid, Reason.ADMIN, subject=ANY_SUBJECT)

    def reset(self, handle: Handle) -> None:
        """End all sessions of a subject, or all but one's own."""
        if handle.subject is not None and self.random.random() < 0.5:
            handle.end_others()
        else:
            self.sessions.reset_password(self.random.choice(self.subjects), lambda: None)

    def purge(self, handle: Handle) -> None:
        """Forget what ended long ago: nothing here did."""
        self.sessions.purge(timedelta(days=1))


VERBS: Final = {
    Worker.use: 6,
    Worker.write: 8,
    Worker.log_in: 5,
    Worker.prove: 5,
    Worker.log_out: 2,
    Worker.end: 2,
    Worker.reset: 1,
    Worker.purge: 1,
}


def work(who: str, parent: Connection) -> None:
    """Do as the parent says: open a site's store, or serve a round of requests there; None is the end."""
    for name in ("sessioncore", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # that the server is down is no news
    store: Any = None
    while (said := parent.recv()) is not None:
        if isinstance(said, Site):
            close(store)
            site, store = said, said.opener()
        else:
            number, requests = said
            serve(site, store, who, number, requests, parent)
        parent.send(None)
    close(store)


def close(store: Any) -> None:
    """Close a store, if there is one."""
    if store is not None:
        store.close()


def serve(site: Site, store: Any, who: str, number: int, requests: int, parent: Connection) -> None:
    """Serve a round of requests, and report each call of the store as it is made."""
    witnessed: Any = Reporting(parent).witness(who, store)
    sessions = Sessions(site.between(witnessed) if site.between else witnessed, POLICY)
    worker = Worker(sessions, site.jars, who, number)
    for _ in range(requests):
        try:
            worker.serve()
        except SessionError:  # a 503 or a 409: the browser comes back when the site is up again
            wait_for(store)


def wait_for(store: Any) -> None:
    """Wait until the server, which another process starts again, answers."""
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            store.epoch("nobody")
            return
        except StoreUnavailable:
            if time.monotonic() > give_up_at:
                raise
