"""No secret gets out but into the cookie: not into logs, reprs, tracebacks, bodies or a dump of the store."""

import hmac
import logging
import sqlite3
import traceback
from pathlib import Path
from typing import Any

import pytest

from sessioncore import Refused
from sessioncore.flows import parse_token, proof_of
from sessioncore.testing import Clock
from sessioncore_io.sqlite import SqliteStore

from .conftest import SITES
from .driver import Browser, done
from .pages import change_password, end_others, log_in, log_out, reauthenticate, satisfy_mfa, write

pytestmark = pytest.mark.anyio


async def life(browser: Browser, clock: Clock, spoken: list[str]) -> None:
    """Live through a session's whole life, and say aloud everything that a program could print."""

    async def talk(session: Any) -> None:
        spoken.append(f"{session!r} {session} {session.challenge()}")
        token = parse_token(browser.token or "")
        spoken.append(f"{token!r} {token} {session.stored!r}")
        attempt = await done(session.attempt("alice"))
        browser.site.shell.reset_password("alice")
        session.log_in(attempt, "pwd")
        spoken.extend(repr(part) for part in (*session._events, session._chapter(), session.stored, session.order))
        with pytest.raises(Refused) as refused:
            await done(session.commit())
        spoken.append("".join(traceback.format_exception(refused.value)))
        spoken.append(repr(vars(refused.value)))

    for page in (write(cart=["lamp"]), log_in(), satisfy_mfa(), reauthenticate(), change_password, end_others()):
        answer = await browser.ask(page)
        spoken.append(f"{answer.body!r} {browser.site.notices}")
    await browser.ask(talk)
    await browser.ask(log_in())
    await browser.ask(log_out)


@pytest.mark.parametrize("kind", SITES)
async def test_no_secret_gets_out(kind: str, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Every secret ever issued is looked for, with all that can be made of it but its hash."""
    caplog.set_level(logging.DEBUG)
    path, spoken = tmp_path / "sessions.db", list[str]()
    store = SqliteStore(path)
    watching = sqlite3.connect(path)  # keeps the write-ahead log from being folded in and removed
    watching.execute("SELECT count(*) FROM sessions").fetchall()
    browser = Browser(SITES[kind](store=store, clock=clock))
    await life(browser, clock, spoken)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    heard = "\n".join([*spoken, caplog.text, *(repr(record.__dict__) for record in caplog.records)])
    watching.close()
    store.close()

    assert len(browser.ever) >= 7
    assert "sessions.db-wal" in files
    for token in browser.ever:
        secret = token[22:]
        forgery = hmac.digest(secret.encode(), b"sessioncore csrf", "sha256").hex()
        for leak in (secret, forgery):
            assert leak not in heard
            assert [name for name, content in files.items() if leak.encode() in content] == []


@pytest.mark.parametrize("kind", SITES)
async def test_the_hash_of_a_secret_is_not_shown_either(kind: str, tmp_path: Path, clock: Clock) -> None:
    """It opens nothing, but nobody has to have it."""
    store = SqliteStore(tmp_path / "sessions.db")
    browser = Browser(SITES[kind](store=store, clock=clock))
    spoken: list[str] = []
    await life(browser, clock, spoken)
    store.close()

    for token in browser.ever:
        assert proof_of(token[22:]) not in "\n".join(spoken)
