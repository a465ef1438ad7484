"""``sessioncore store`` in this process: what each verb says to the letter, of one store and of a split one."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from sessioncore import ANY_SUBJECT, Limits, Policy, Reason, StoreUnavailable
from sessioncore.policy import DAY, HOUR
from sessioncore.testing import Clock
from sessioncore_io import Sessions
from sessioncore_io.cli import main
from sessioncore_io.console import verbs
from sessioncore_io.console.paper import Plain
from sessioncore_io.console.urls import FORMS
from sessioncore_io.operating import Finding
from sessioncore_io.split import SplitStore
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.world import log, wall_clock

LONG: Final = Limits(idle=100 * DAY, lifetime=100 * DAY)
PATIENT: Final = Policy(guest=LONG, login=LONG, remembered=LONG, mfa_lifetime=100 * DAY)
HOURLY: Final = Policy(login=Limits(idle=HOUR, lifetime=10 * HOUR))

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a store that is not there yet, by the environment."""
    monkeypatch.setenv("SESSIONCORE_STORE", f"sqlite:///{tmp_path}/sessions.db")
    monkeypatch.delenv("SESSIONCORE_EPOCHS", raising=False)
    return tmp_path / "sessions.db"


@pytest.fixture
def epochs(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Split the store."""
    monkeypatch.setenv("SESSIONCORE_EPOCHS", f"sqlite:///{path.parent}/epochs.db")
    return path.parent / "epochs.db"


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Run the command where nobody can be asked; give its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", StringIO())
            code = main(["store", *arguments])
        return (code, *capsys.readouterr())

    return run


def read(ran: Ran, *arguments: str) -> Any:
    """Run a verb for programs and read what it says."""
    return json.loads(ran(*arguments, "--json")[1])


def signed_in(store: Any, *subjects: str, ago: int = 90_000, policy: Policy = HOURLY, **login: Any) -> list[str]:
    """Sign them in, so long ago; give the selectors of their sessions."""
    sids = []
    for subject in subjects:
        handle = Sessions(store, policy, Clock(wall_clock() - ago), lambda notice: None).open(None)
        handle.log_in(handle.attempt(subject), **({"method": "pwd"} | login))
        handle.commit()
        sids.append(str(handle.sid))
    return sids


# -- making and looking ------------------------------------------------------------------------------------------


def test_both_files_of_a_split_store_are_made_and_named(path: Path, epochs: Path, ran: Ran) -> None:
    made = f"sessions: made the tables of schema 1 in {path}\nepochs: made the tables of schema 1 in {epochs}\n"

    assert ran("init") == (0, made, "")
    assert ran("init") == (0, "nothing was left to do\n", "")


def look(monkeypatch: pytest.MonkeyPatch, *found: Finding) -> None:
    """Have every store find this."""
    monkeypatch.setattr(SqliteStore, "inspect", lambda store: list(found))


def test_what_was_found_is_a_table_with_advice(path: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    ran("init")
    look(monkeypatch, Finding(what="journal", value="wal"), Finding(what="mode", value="0644", advice="chmod o-rwx"))

    table = "what     value  advice\njournal  wal    ok\nmode     0644   chmod o-rwx\n"
    assert ran("check") == (1, table, "")
    assert read(ran, "check") == [
        {"part": "", "what": "journal", "value": "wal", "advice": ""},
        {"part": "", "what": "mode", "value": "0644", "advice": "chmod o-rwx"},
    ]


@pytest.mark.usefixtures("epochs")
def test_of_a_split_store_both_parts_are_looked_at(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    ran("init")
    look(monkeypatch, Finding(what="journal", value="wal"))

    table = "what               value  advice\nsessions: journal  wal    ok\nepochs: journal    wal    ok\n"
    assert ran("check") == (0, table, "")
    assert [one["part"] for one in read(ran, "check")] == ["sessions", "epochs"]


COUNTED: Final = """\
what             count
sessions, live   3
  created        0
  authenticated  2
  mfa_satisfied  1
sessions, ended  2
  expired        0
  logged_out     2
  reset          0
unreadable       1
subjects         3
size             {:.1f} KiB
size a session   {:.1f} KiB
"""


def test_a_census_counts_each_state_and_shares_the_bytes_among_all_rows(path: Path, ran: Ran) -> None:
    with closing(SqliteStore(path)) as store:
        signed_in(store, "alice", method=("pwd", "otp"))
        _, _, one, two, bad = signed_in(store, "alice", "bob", "bob", "carol", "carol")
        for sid in (one, two):
            Sessions(store).end(sid, Reason.ADMIN, subject=ANY_SUBJECT)
        store._connection.execute("UPDATE sessions SET record = X'00' WHERE sid = ?", (bad,))
    size = read(ran, "stats")["bytes"] / 1_024

    assert ran("stats") == (0, COUNTED.format(size, size / 6), "")


def test_an_empty_store_has_no_size_a_session(path: Path, ran: Ran) -> None:
    ran("init")

    assert ran("stats")[1].splitlines()[-1] == "size a session   -"


def test_of_a_split_store_each_part_is_counted(path: Path, epochs: Path, ran: Ran) -> None:
    with closing(SqliteStore(path)) as one, closing(SqliteStore(epochs)) as two:
        signed_in(SplitStore(sessions=one, epochs=two), "alice", "alice")
    counted = read(ran, "stats")
    _, out, _ = ran("stats")

    assert {part: (count["live"], count["subjects"]) for part, count in counted.items()} == {
        "sessions": (2, 0),
        "epochs": (0, 1),
    }
    assert [line for line in out.splitlines() if "live" in line or "subjects" in line or "a session" in line] == [
        "sessions: sessions, live   2",
        "sessions: subjects         0",
        f"sessions: size a session   {counted['sessions']['bytes'] / 2_048:.1f} KiB",
        "epochs: sessions, live     0",
        "epochs: subjects           1",
        "epochs: size a session     -",
    ]


def test_a_list_is_a_table(path: Path, epochs: Path, ran: Ran) -> None:
    with closing(SqliteStore(path)) as one, closing(SqliteStore(epochs)) as two:
        [sid] = signed_in(SplitStore(sessions=one, epochs=two), "alice", label="Her phone")

    heading = "sid                     state          seen       ends       where and how"
    line = f"{sid}  authenticated  1 min ago  in 58 min  Her phone (pwd)"
    assert ran("list", "alice") == (0, f"{heading}\n{line}\n", "")
    assert [(one["sid"], one["label"]) for one in read(ran, "list", "alice")] == [(sid, "Her phone")]


# -- by whose limits ---------------------------------------------------------------------------------------------


def test_a_login_that_was_given_long_limits_is_still_live(path: Path, ran: Ran) -> None:
    with closing(SqliteStore(path)) as store:
        signed_in(store, "alice", ago=40 * DAY, policy=PATIENT)
        signed_in(store, "alice", ago=40 * DAY, policy=PATIENT, remember=True)
        signed_in(store, "alice", ago=40 * DAY, policy=PATIENT, method=("pwd", "otp"))

    states = sorted(one["state"] for one in read(ran, "list", "alice"))
    assert states == ["authenticated", "authenticated", "mfa_satisfied"]


def test_a_guest_who_was_given_a_long_lifetime_lapses_by_absence(path: Path, ran: Ran) -> None:
    with closing(SqliteStore(path)) as store:
        policy = Policy(guest=Limits(idle=40 * DAY, lifetime=100 * DAY))
        handle = Sessions(store, policy, Clock(wall_clock() - 50 * DAY), lambda notice: None).open(None)
        handle["cart"] = ["lamp"]
        handle.commit()
    _, _, error = ran("sweep", "--log")
    told = json.loads(error)

    assert (told["what"], told["sid"], told["reason"]) == ("ended", handle.sid, "idle")


# -- ending, sweeping, forgetting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "question"),
    [
        (["end", "{sid}"], "End the session {sid} (admin)."),
        (["end", "{sid}", "--reason", "evicted"], "End the session {sid} (evicted)."),
        (["end-all", "alice"], "End all sessions of 'alice', 2 now (admin)."),
        (["reset", "alice"], "End all sessions of 'alice', 2 now (password_reset)."),
        (["purge"], "Forget the sessions that ended more than 30 days ago."),
        (["purge", "--keep", "0.5"], "Forget the sessions that ended more than 0.5 days ago."),
    ],
)
def test_what_is_final_is_not_done_unasked(verb: list[str], question: str, path: Path, ran: Ran) -> None:
    with closing(SqliteStore(path)) as store:
        sid, other = signed_in(store, "alice", "alice")
        [gone] = signed_in(store, "bob", ago=80 * DAY)
        Sessions(store, HOURLY, Clock(wall_clock() - 80 * DAY)).end(gone, Reason.ADMIN, subject="bob")
    advice = "This is final, so add --yes where nobody can be asked; nothing was done"
    told = f"sessioncore: {question.format(sid=sid)} {advice}\n"
    assert ran(*(word.format(sid=sid) for word in verb)) == (2, "", told)
    assert {one["sid"] for one in read(ran, "list", "alice")} == {sid, other}
    assert read(ran, "stats")["ended"] == 1


def test_an_end_is_told_and_so_is_one_that_came_before(path: Path, ran: Ran) -> None:
    with closing(SqliteStore(path)) as store:
        [sid] = signed_in(store, "alice")

    assert ran("end", sid, "--yes") == (0, f"{sid} is ended\n", "")
    assert ran("end", sid, "--yes") == (1, f"{sid} had ended before, or there is no such session\n", "")


class Counting(Plain):
    """Hold what a bar would show."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self.shown: list[tuple[str, int]] = []

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int], object]]:
        """Note each count."""
        yield lambda count: self.shown.append((what, count))


def test_a_bar_counts_what_was_ended_and_what_was_forgotten(
    path: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqliteStore(path)) as store:
        signed_in(store, "alice", "alice", "bob", ago=2 * HOUR)
    paper = Counting()
    monkeypatch.setattr(verbs, "paper_for", lambda out: paper)

    assert read(ran, "sweep") == {"ended": 3}
    assert read(ran, "purge", "--keep", "36500", "--yes") == {"forgotten": 0}
    assert read(ran, "purge", "--keep", "0", "--yes") == {"forgotten": 3}
    counts = [("ending overdue sessions", count) for count in (1, 2, 3)]
    assert paper.shown == [*counts, ("forgetting old sessions", 0), ("forgetting old sessions", 3)]


def test_what_was_ended_and_forgotten_is_told(path: Path, ran: Ran) -> None:
    with closing(SqliteStore(path)) as store:
        signed_in(store, "alice", "bob", ago=2 * HOUR)

    assert ran("sweep") == (0, "2 sessions were overdue and are ended\n", "")
    assert ran("purge", "--yes", "--keep", "0") == (0, "2 ended sessions are forgotten\n", "")


# -- around a verb -----------------------------------------------------------------------------------------------


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hear of each file that is closed."""
    closed, close = [], SqliteStore.close

    def closing_(store: SqliteStore) -> None:
        closed.append(store.path.name)
        close(store)

    monkeypatch.setattr(SqliteStore, "close", closing_)
    return closed


@pytest.mark.usefixtures("path", "epochs")
def test_every_part_is_closed_whatever_became_of_the_verb(ran: Ran, closed: list[str]) -> None:
    assert ran("init")[0] == 0
    assert sorted(closed) == ["epochs.db", "sessions.db"]
    assert ran("end-all", "alice")[0] == 2
    assert sorted(closed) == ["epochs.db", "epochs.db", "sessions.db", "sessions.db"]


def test_the_log_is_left_as_it_was(path: Path, ran: Ran) -> None:
    with closing(SqliteStore(path)) as store:
        [sid] = signed_in(store, "alice")
    before = (list(log.handlers), log.level)
    _, _, error = ran("end", sid, "--yes", "--log")

    assert json.loads(error)["what"] == "ended"
    assert (list(log.handlers), log.level) == before


def test_a_store_has_to_be_named(path: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SESSIONCORE_STORE")
    advice = "name the store by --store URL or $SESSIONCORE_STORE; write one of"

    assert ran("stats") == (2, "", f"sessioncore: store = None: {advice}\n{FORMS}\n")


@pytest.mark.parametrize("kind", [StoreUnavailable, ConnectionError])
def test_the_passwords_of_both_parts_are_hidden(
    kind: type[Exception], path: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a library writes into its error."""

    def refuse(url: str) -> None:
        raise kind("no answer for s3cret! or t0ken at db")

    monkeypatch.setitem(sys.modules, "sessioncore_io.postgres", SimpleNamespace(PostgresStore=refuse))
    first, second = "postgresql://shop:s3cret%21@db/shop", "postgresql://shop:t0ken@db/epochs"

    hidden = (2, "", "sessioncore: no answer for *** or *** at db\n")
    assert ran("check", "--store", first, "--epochs", second) == hidden
    assert ran("check", "--store", second, "--epochs", first) == hidden


def test_a_password_of_one_part_that_holds_that_of_the_other_is_hidden_whole(
    path: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str) -> None:
        raise ConnectionError("no login with abcdef")

    monkeypatch.setitem(sys.modules, "sessioncore_io.postgres", SimpleNamespace(PostgresStore=refuse))
    short, long = "postgresql://shop:abc@db/shop", "postgresql://shop:abcdef@db/epochs"

    hidden = (2, "", "sessioncore: no login with ***\n")
    assert ran("check", "--store", short, "--epochs", long) == hidden
    assert ran("check", "--store", long, "--epochs", short) == hidden


def test_the_log_is_left_as_it_was_by_what_was_refused_too(path: Path, ran: Ran) -> None:
    ran("init")
    before = (list(log.handlers), log.level)

    assert ran("purge", "--log")[0] == 2
    assert (list(log.handlers), log.level) == before


def test_a_reader_that_has_seen_enough_ends_it_quietly(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in: sessioncore store list alice --json | head -1."""
    main(["store", "init"])
    capsys.readouterr()
    theirs, ours = os.pipe()
    os.close(theirs)
    out = os.fdopen(ours, "w", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        code = main(["store", "list", "alice", "--json"])
    out.close()  # as at the end of a process: what is left to write troubles nobody

    assert (code, capsys.readouterr().err) == (0, "")
