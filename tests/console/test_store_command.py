"""``sessioncore store`` on a real file, by the real command: what it does, what it says, and what it never says."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from sessioncore import Limits, Policy, Reason, StoreUnavailable, begin
from sessioncore.testing import Clock
from sessioncore_io import Sessions
from sessioncore_io.cli import main
from sessioncore_io.console.command import add_store
from sessioncore_io.console.paper import Plain, Rich, paper_for
from sessioncore_io.console.urls import Address, open_parts, without_secrets
from sessioncore_io.console.words import relative, size, span
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.world import wall_clock

COMMAND: Final = [sys.executable, "-m", "sessioncore_io.cli", "store"]
SECRET: Final = "s3cret%21"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a store that is not there yet, by the environment."""
    path = tmp_path / "sessions.db"
    monkeypatch.setenv("SESSIONCORE_STORE", f"sqlite:///{path}")
    monkeypatch.delenv("SESSIONCORE_EPOCHS", raising=False)
    return path


@pytest.fixture
def sids(path: Path) -> dict[str, str]:
    """Fill it: three live sessions and one that ended."""
    clock, found = Clock(wall_clock() - 60_000), {}
    with closing(SqliteStore(path)) as store:
        sessions = Sessions(store, Policy(login=Limits(3_600_000, 36_000_000)), clock, lambda notice: None)
        for name, subject in (("phone", "alice"), ("laptop", "alice"), ("desk", "bob"), ("gone", "alice")):
            handle = sessions.open(None)
            handle.log_in(handle.attempt(subject), "pwd", label=f"The {name} of {subject}")
            handle.commit()
            found[name] = str(handle.sid)
        sessions.end(found["gone"], Reason.USER, subject="alice")
    return found


Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run the command in this process; give its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["store", *arguments])
        return (code, *capsys.readouterr())

    return run


def told(ran: Ran, *arguments: str, code: int = 0) -> Any:
    """Run a verb for programs and read what it says."""
    done = ran(*arguments, "--json")

    assert (done[0], done[2]) == (code, "")
    return json.loads(done[1])


def live_of(ran: Ran, subject: str) -> set[str]:
    """List a subject's live sessions."""
    return {one["sid"] for one in told(ran, "list", subject)}


# -- making and looking ------------------------------------------------------------------------------------------


def test_init_makes_the_file_once_and_for_few_eyes(path: Path, ran: Ran) -> None:
    done = told(ran, "init")["done"]

    assert done == [f"made the tables of schema 1 in {path}"]
    assert path.stat().st_mode & 0o007 == 0
    assert ran("init") == (0, "nothing was left to do\n", "")


@pytest.mark.parametrize("verb", [["check"], ["stats"], ["list", "alice"], ["purge", "--yes"]])
def test_no_other_verb_makes_a_file_where_a_path_is_mistyped(path: Path, ran: Ran, verb: list[str]) -> None:
    code, out, error = ran(*verb)

    assert (code, out) == (2, "")
    assert error == f"sessioncore: there is no file {path}: mend the path, or make it by: sessioncore store init\n"
    assert not path.exists()


def test_check_is_content_with_a_new_file_and_says_what_is_wrong_with_a_bad_one(path: Path, ran: Ran) -> None:
    ran("init")
    fine = told(ran, "check")
    path.chmod(0o644)
    code, out, _ = ran("check")

    assert {one["what"] for one in fine} >= {"version", "schema", "journal", "disk", "integrity", "latency"}
    assert [one["advice"] for one in fine if one["advice"]] == []
    assert (code, "chmod o-rwx" in out) == (1, True)


def test_check_finds_damage(path: Path, sids: dict[str, str], ran: Ran) -> None:
    with closing(SqliteStore(path)) as store:
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[5 * 4096 + 8 : 5 * 4096 + 200] = b"\xff" * 192
    path.write_bytes(content)
    code, out, error = ran("check")

    assert code in (1, 2)
    assert "damaged" in out or "malformed" in error


def test_stats_count_by_state(sids: dict[str, str], ran: Ran) -> None:
    counted = told(ran, "stats")

    assert (counted["live"], counted["ended"], counted["unreadable"], counted["subjects"]) == (3, 1, 0, 2)
    assert {state: count for state, count in counted["by_state"].items() if count} == {
        "authenticated": 3,
        "logged_out": 1,
    }
    assert counted["bytes"] > 0


def test_an_unreadable_row_is_counted_as_such(path: Path, sids: dict[str, str], ran: Ran) -> None:
    with closing(SqliteStore(path)) as store:
        store._connection.execute("UPDATE sessions SET record = X'00' WHERE sid = ?", (sids["desk"],))

    assert told(ran, "stats")["unreadable"] == 1


# -- listing and ending ------------------------------------------------------------------------------------------


def test_a_list_is_for_people_or_for_programs(sids: dict[str, str], ran: Ran) -> None:
    code, out, _ = ran("list", "alice")
    lines = [line.split() for line in out.splitlines()]
    [gone] = [one for one in told(ran, "list", "alice", "--ended") if one["ended_at"]]

    assert (code, lines[0][:3]) == (0, ["sid", "state", "seen"])
    assert {line[0] for line in lines[1:]} == {sids["phone"], sids["laptop"]}
    assert "1 min ago" in out
    assert "The phone of alice (pwd)" in out
    assert (gone["sid"], gone["reason"], gone["label"]) == (sids["gone"], "user", "The gone of alice")
    assert ran("list", "carol") == (0, "'carol' has no live sessions\n", "")


def test_a_session_is_judged_by_the_limits_of_its_own_login(sids: dict[str, str], ran: Ran) -> None:
    """The command does not know the application's policy: this login's limits are not the default ones."""
    [one] = told(ran, "list", "bob")

    assert one["deadline"] > one["seen_at"]
    assert one["state"] == "authenticated"


def test_one_session_is_ended_once(sids: dict[str, str], ran: Ran) -> None:
    first = told(ran, "end", sids["phone"], "--yes", "--reason", "account_deleted")
    again = told(ran, "end", sids["phone"], "--yes", code=1)
    [row] = [one for one in told(ran, "list", "alice", "--ended") if one["sid"] == sids["phone"]]

    assert (first["ended"], again["ended"], row["reason"]) == (True, False, "account_deleted")
    assert live_of(ran, "alice") == {sids["laptop"]}


@pytest.mark.parametrize("sid", ["-" + "a" * 21, "--" + "b" * 20, "_" + "c" * 21])
def test_a_selector_that_begins_with_a_hyphen_is_no_option(path: Path, ran: Ran, sid: str) -> None:
    """One in 64 does."""
    with closing(SqliteStore(path)) as store:
        store.swap(None, begin(sid, "0" * 64, wall_clock(), idle=3_600_000, lifetime=3_600_000))

    assert told(ran, "end", sid, "--yes") == {"sid": sid, "ended": True}
    assert ran("end", "--yes", "--", sid)[0] == 1


@pytest.mark.parametrize(("verb", "reason"), [("end-all", "admin"), ("reset", "password_reset")])
def test_all_sessions_of_a_subject_are_ended_and_no_others(
    sids: dict[str, str], ran: Ran, verb: str, reason: str
) -> None:
    said = told(ran, verb, "alice", "--yes")
    ended = {one["reason"] for one in told(ran, "list", "alice", "--ended") if one["sid"] != sids["gone"]}

    assert said == {"subject": "alice", "ended": 2, "reason": reason}
    assert (live_of(ran, "alice"), ended) == (set(), {reason})
    assert live_of(ran, "bob") == {sids["desk"]}


@pytest.mark.parametrize("verb", ["end", "end-all"])
def test_every_reason_on_offer_is_taken(sids: dict[str, str], verb: str, ran: Ran) -> None:
    usage = subprocess.check_output([*COMMAND, verb, "--help"], text=True)
    offered = re.findall(r"\w+", usage.partition("--reason {")[2].partition("}")[0])
    whom = sids["phone"] if verb == "end" else "alice"
    refused = [reason for reason in offered if ran(verb, whom, "--yes", "--reason", reason)[0] == 2]

    assert (len(offered) > 5, refused) == (True, [])


def test_a_subject_without_sessions_is_not_said_to_have_lost_any(sids: dict[str, str], ran: Ran) -> None:
    """The name may be mistyped; it may also be somebody who is logging in now, so it is done all the same."""
    code, out, _ = ran("end-all", "alcie", "--yes")

    assert (code, out) == (0, "'alcie' had no live sessions; a login that is under way is refused\n")


def test_notices_are_written_where_they_are_asked_for(sids: dict[str, str], ran: Ran) -> None:
    _, _, quiet = ran("end", sids["phone"], "--yes")
    _, _, error = ran("end", sids["laptop"], "--yes", "--log")
    line = json.loads(error)

    assert quiet == ""
    assert (line["what"], line["sid"], line["reason"]) == ("ended", sids["laptop"], "admin")


def test_housekeeping_ends_what_is_overdue_and_forgets_what_is_old(
    path: Path, sids: dict[str, str], ran: Ran, clock: Clock
) -> None:
    clock.at = wall_clock() - 48 * 3_600_000
    with closing(SqliteStore(path)) as store:
        handle = Sessions(store, Policy(), clock, lambda notice: None).open(None)
        handle.log_in(handle.attempt("dora"), "pwd")
        handle.commit()

    assert told(ran, "sweep") == {"ended": 1}
    assert told(ran, "purge", "--yes") == {"forgotten": 0}, "thirty days are not over"
    clock.advance(timedelta(0))
    assert told(ran, "purge", "--keep", "0", "--yes") == {"forgotten": 2}
    assert told(ran, "stats")["live"] == 3


# -- asking ------------------------------------------------------------------------------------------------------

FINAL: Final = (["end", "SID"], ["end-all", "alice"], ["reset", "alice"], ["purge", "--keep", "0"])


@pytest.mark.parametrize("verb", FINAL, ids=lambda verb: verb[0])
def test_what_is_final_is_refused_where_nobody_can_be_asked(sids: dict[str, str], verb: list[str]) -> None:
    done = subprocess.run([*COMMAND, *verb], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    counted = json.loads(subprocess.check_output([*COMMAND, "stats", "--json"]))

    assert (done.returncode, done.stdout) == (2, "")
    assert "add --yes" in done.stderr
    assert (counted["live"], counted["ended"]) == (3, 1)


@pytest.mark.parametrize(("answer", "code", "live"), [("y", 0, 1), ("n", 2, 3), ("", 2, 3)])
def test_a_terminal_is_asked(sids: dict[str, str], answer: str, code: int, live: int) -> None:
    """By the real command, with a terminal before it."""
    ours, theirs = os.openpty()
    with subprocess.Popen([*COMMAND, "end-all", "alice"], stdin=theirs, stdout=-1, stderr=-1, text=True) as running:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        out, error = running.communicate(timeout=60)
    os.close(ours)
    counted = json.loads(subprocess.check_output([*COMMAND, "stats", "--json"]))
    alive = sum(len(json.loads(subprocess.check_output([*COMMAND, "list", who, "--json"]))) for who in ("alice", "bob"))

    assert (running.returncode, alive, counted["ended"]) == (code, live, 1)
    assert "End all sessions of 'alice', 2 now (admin). This is final. Go on? [y/N]" in error
    assert ("all sessions of 'alice' are ended; 2 were live" in out) is (code == 0)


# -- URLs and passwords ------------------------------------------------------------------------------------------


def refuse(url: str) -> None:
    """Fail as a driver that cannot reach what it was given, word by word."""
    raise StoreUnavailable(f"cannot connect to {url}")


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://root:{SECRET}@db/shop",
        f"sqlite://root:{SECRET}@host/path",
        f"postgresql://shop:{SECRET}@nowhere.invalid/shop",
        f"valkey://:{SECRET}@nowhere.invalid:1/0",
        f"postgresql://nowhere.invalid/shop?user=shop&password={SECRET}",
    ],
)
def test_a_password_is_never_printed(url: str, ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if a driver repeats the address, as those of others may."""
    for kind in ("Valkey", "Postgres"):
        monkeypatch.setitem(sys.modules, f"sessioncore_io.{kind.lower()}", SimpleNamespace(**{f"{kind}Store": refuse}))
    code, out, error = ran("check", "--store", url)

    assert (code, out) == (2, "")
    assert "s3cret" not in error
    assert "s3cret" not in repr(Address(url))


@pytest.mark.parametrize(
    "url",
    [
        f"host=db dbname=shop user=shop password={SECRET}",  # libpq takes it; this command does not
        f"s3cret:{SECRET}",
        f"valkey://:{SECRET}@[::1/0",
        f"valkey://:{SECRET}@localhost:nowhere/0",
        f"valkey://:not/{SECRET}@localhost:6379/0",
        f"valkey://localhost:1/0?password={SECRET}&colour=red",
        "sqlite://[sessions.db",
        "sqlite:///sessions.db%00",
    ],
)
@pytest.mark.parametrize("verb", ["check", "init"])
def test_a_url_that_nobody_can_read_is_refused_and_not_printed(verb: str, url: str, ran: Ran) -> None:
    code, out, error = ran(verb, "--store", url)

    assert (code, out) == (2, "")
    assert "s3cret" not in error
    assert error.startswith("sessioncore: ")


def test_a_password_in_a_query_is_hidden_as_the_library_reads_it() -> None:
    address = Address("valkey://localhost/0?password=s3+cret")

    assert without_secrets("no login with s3 cret, s3+cret", address) == "no login with ***, ***"


def test_a_password_in_a_librarys_error_is_taken_out_as_written_and_as_meant() -> None:
    address = Address(f"postgresql://shop:{SECRET}@db/shop")

    assert address.shown == "postgresql://shop:***@db/shop"
    assert (
        without_secrets("no login for shop with s3cret! or s3cret%21", address) == "no login for shop with *** or ***"
    )
    assert Address("sqlite:///a@b.db").shown == "sqlite:///a@b.db"


def test_the_store_has_to_be_named(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SESSIONCORE_STORE", raising=False)
    code, _, error = ran("stats")

    assert code == 2
    assert "name the store by --store URL or $SESSIONCORE_STORE" in error
    assert "sqlite:///" in error


def test_a_relative_path_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: Ran) -> None:
    monkeypatch.chdir(tmp_path)

    assert ran("init", "--store", "sqlite:///my%20sessions.db")[0] == 0
    assert (tmp_path / "my sessions.db").exists()


def test_the_parts_of_a_split_store_are_each_opened_and_named(tmp_path: Path) -> None:
    first, second = (Address(f"sqlite:///{tmp_path}/{name}.db") for name in ("a", "b"))
    parts = open_parts(first, second, make=True)
    for part in parts.values():
        part.close()

    names = {name: part.path.name for name, part in parts.items() if isinstance(part, SqliteStore)}
    assert names == {"sessions": "a.db", "epochs": "b.db"}


def test_a_file_that_is_no_store_is_reported(path: Path, ran: Ran) -> None:
    path.write_text("not a database" * 100)
    code, _, error = ran("stats")

    assert (code, error.startswith("sessioncore: SQLite: file is not a database")) == (2, True)


# -- how it looks ------------------------------------------------------------------------------------------------


class Terminal(StringIO):
    """Be watched by somebody."""

    def isatty(self) -> bool:
        """Say so."""
        return True


ROWS: Final = [
    (
        "V" * 22,
        "mfa_satisfied",
        "59 min ago",
        "10 min ago: password_reset",
        "[bold]Safari on an iPhone (pwd, remembered)",
    )
]


def test_a_table_fits_a_terminal_of_80_columns_and_breaks_no_sid() -> None:
    out = StringIO()
    Rich(out, width=80).table(("sid", "state", "seen", "ends", "where and how"), ROWS)
    lines = out.getvalue().splitlines()

    assert max(map(len, lines)) <= 80
    assert lines[1].startswith(f"{'V' * 22}  mfa_satisfied  59 min ago")
    assert "[bold]" in out.getvalue(), "a label is no markup"


def test_other_programs_get_one_line_a_row() -> None:
    out = StringIO()
    Plain(out).table(("sid", "state", "seen", "ends", "where and how"), ROWS)

    assert len(out.getvalue().splitlines()) == 2
    assert isinstance(paper_for(out), Plain)


def test_a_terminal_is_written_to_by_rich_and_plainly_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(paper_for(Terminal()), Rich)
    monkeypatch.setitem(sys.modules, "rich.console", None)

    assert isinstance(paper_for(Terminal()), Plain)


def test_a_bar_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Rich(out, width=80).progress("counting rows") as progress:
        progress(1_234)

    assert "counting rows" in out.getvalue()
    assert "1,234" in out.getvalue()


def test_a_reader_that_has_seen_enough_is_no_error(sids: dict[str, str]) -> None:
    """As in: sessioncore store list alice | head -1."""
    with subprocess.Popen([*COMMAND, "list", "alice", "--json"], stdout=-1, stderr=-1, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        error = running.stderr.read()

    assert error == ""


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0 s"), (59_999, "59 s"), (60_000, "1 min"), (7_200_000, "2 h"), (-172_800_000, "2 d")],
)
def test_a_span_is_written_by_its_largest_unit(milliseconds: int, text: str) -> None:
    assert span(milliseconds) == text


def test_instants_and_sizes_are_short() -> None:
    assert (relative(5_000, 65_000), relative(65_000, 5_000), relative(2**53, 1)) == ("1 min ago", "in 1 min", "never")
    assert (size(512), size(1_536), size(3 * 2**30)) == ("512 B", "1.5 KiB", "3.0 GiB")


@pytest.mark.parametrize(
    "arguments",
    [
        ["purge", "--keep", "x"],
        ["purge", "--keep", "-1"],
        ["end"],
        ["end", "s", "--reason", "idle"],
        ["end", "s", "--reason", "user_all"],
    ],
)
def test_a_wrong_command_line_is_answered_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["store", *arguments])

    assert exited.value.code == 2
    assert "usage: sessioncore store" in capsys.readouterr().err


def test_every_verb_is_described() -> None:
    assert add_store.__doc__
    listed = subprocess.check_output([*COMMAND, "--help"], text=True)

    assert all(
        f"    {verb} " in listed
        for verb in ("init", "check", "stats", "list", "end", "end-all", "reset", "sweep", "purge")
    )
