"""``sessioncore`` in this process: what each command is told, what it says, and how it ends."""

import re
import runpy
import sys
from collections.abc import Callable
from importlib.metadata import version
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Final

import pytest
import z3
from attrs import evolve

from sessioncore import Session, State, proof
from sessioncore.diagram import dot, mermaid
from sessioncore.proof import Obligation
from sessioncore.testing.explore import report
from sessioncore.testing.explore.scenarios import Scenario
from sessioncore.testing.model import ModelStore
from sessioncore_io.cli import main

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run the command; give its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        return (code, *capsys.readouterr())

    return run


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command on what it does not understand; give the last line that it says."""
    with pytest.raises(SystemExit) as exited:
        main(arguments)

    out, error = capsys.readouterr()
    assert (exited.value.code, out) == (2, "")
    assert error.startswith("usage: sessioncore")
    return str(error.splitlines()[-1])


# -- the command line --------------------------------------------------------------------------------------------


def test_a_command_is_needed_and_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys) == "sessioncore: error: the following arguments are required: command"
    assert refused(capsys, "store") == "sessioncore store: error: the following arguments are required: verb"


def test_the_arguments_are_those_of_the_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["sessioncore", "--version"])
    with pytest.raises(SystemExit) as exited:
        main()

    assert (exited.value.code, capsys.readouterr().out) == (0, f"sessioncore {version('sessioncore')}\n")


def test_the_module_is_a_program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["sessioncore", "diagram", "--format", "dot"])
    monkeypatch.delitem(sys.modules, "sessioncore_io.cli")
    with pytest.raises(SystemExit) as exited:
        runpy.run_module("sessioncore_io.cli", run_name="__main__")

    assert (exited.value.code, capsys.readouterr().out) == (0, dot())


def test_a_state_is_lit_however_it_is_spelled(ran: Ran) -> None:
    assert ran("diagram", "--light", "MFA_Satisfied") == (0, mermaid(lit=State.MFA_SATISFIED), "")


def test_a_state_that_is_none_is_answered_with_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    states = "created, authenticated, mfa_satisfied, expired, logged_out, reset"

    assert refused(capsys, "diagram", "--light", "asleep") == (
        f"sessioncore diagram: error: argument --light: 'asleep' is no state of a session; use one of {states}"
    )


def test_a_drawing_goes_to_a_file_or_a_folder(ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no Graphviz
    file, folder = tmp_path / "session.mmd", tmp_path / "all"

    assert ran("diagram", "--output", str(file)) == (0, "", "")
    assert file.read_text(encoding="utf-8") == mermaid()
    assert ran("diagram", "--write", str(folder))[:2] == (0, "")
    assert (folder / "session.dot").read_text(encoding="utf-8") == dot()


@pytest.mark.parametrize("option", [("--of", "cookies"), ("--format", "png")])
def test_what_nobody_can_draw_is_refused(option: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    name, value = option

    assert f"argument {name}: invalid choice: '{value}'" in refused(capsys, "diagram", name, value)


def test_what_is_too_long_to_keep_or_no_number_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for days in ("x", "-1", "-0.5", "36500.5", "36501", "nan", "inf"):
        told = refused(capsys, "store", "purge", f"--keep={days}")
        asked = f"argument --keep: '{days}': write a number of days, 0 to 36500"
        assert told == f"sessioncore store purge: error: {asked}"


# -- proofs ------------------------------------------------------------------------------------------------------


@pytest.fixture
def holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave one row of the table, and one decision: a proof of all takes long."""
    decisions, whole = proof.decisions, proof.SESSIONS
    one = evolve(whole, rows=whole.rows[:1], quiet=None, rank=None, claims=(), extra=())
    monkeypatch.setattr(proof, "SESSIONS", one)
    monkeypatch.setattr(proof, "decisions", lambda: islice(decisions(), 1))


@pytest.fixture
def holds_in_part(holds: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claim what is wrong, beside what holds."""
    wrong = Obligation("NobodyLogsIn", "never", z3.BoolVal(True))
    monkeypatch.setattr(proof, "SESSIONS", evolve(proof.SESSIONS, extra=(wrong,)))


@pytest.mark.usefixtures("holds")
def test_a_proof_is_said_line_by_line(ran: Ran) -> None:
    code, out, error = ran("prove")
    lines = out.splitlines()

    assert (code, error, len(lines)) == (0, "", 4)
    assert all(line.startswith("proved  ") for line in lines[:3])
    assert [line.split()[3] for line in lines[:2]] == ["Cover", "RecordStaysSound"]
    assert re.fullmatch(r"3 obligations proved, 0 refuted, in [\d.]+ s of proving", lines[3])


@pytest.mark.usefixtures("holds")
def test_a_quiet_proof_says_how_much_was_proved(ran: Ran) -> None:
    code, out, error = ran("prove", "--quiet")

    assert (code, error) == (0, "")
    assert re.fullmatch(r"3 obligations proved, 0 refuted, in [\d.]+ s of proving\n", out)


@pytest.mark.usefixtures("holds_in_part")
def test_a_proof_fails_by_one_claim_that_is_refuted(ran: Ran) -> None:
    (code, out, _), (quiet, said, _) = ran("prove"), ran("prove", "--quiet")

    assert (code, quiet, len(out.splitlines())) == (1, 1, 5)
    assert re.fullmatch(
        r"REFUTED +[\d.]+ ms  NobodyLogsIn +never\n3 obligations proved, 1 refuted, in [\d.]+ s of proving\n", said
    )


# -- schedules ---------------------------------------------------------------------------------------------------

PURGES: Final = Scenario(("purge", "purge"), quick=True)
LONGER: Final = Scenario(("revoke", "purge"))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave two scenarios, the first of which belongs to a short run, and look at the machine briefly."""
    monkeypatch.setattr(report, "SCENARIOS", (PURGES, LONGER))
    monkeypatch.setattr(report, "DEPTH", 1)
    monkeypatch.setattr(report, "QUICK_DEPTH", 1)


def names(out: str) -> list[str]:
    """Read which scenarios held."""
    return [re.sub(r"held +[\d.]+ s  (\D+?)  +\d.*", r"\1", line) for line in out.splitlines()[:-1]]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["purge + purge", "revoke + purge", "the machine itself"]),
        (("--quick",), ["purge + purge", "the machine itself"]),
        (("--only", "purge"), ["purge + purge", "revoke + purge"]),
        (("--only", "purge", "--quick"), ["purge + purge"]),
        (("--only", "revoke + purge"), ["revoke + purge"]),
    ],
)
def test_what_is_asked_for_is_explored(arguments: tuple[str, ...], expected: list[str], ran: Ran) -> None:
    code, out, error = ran("explore", *arguments)

    assert (code, names(out), error) == (0, expected, "")


class Piped(StringIO):
    """Hold each state of what a reader has."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def flush(self) -> None:
        """Pass it on."""
        self.seen.append(len(self.getvalue().splitlines()))


@pytest.mark.usefixtures("few")
def test_each_line_is_there_as_soon_as_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Piped()
    monkeypatch.setattr(sys, "stdout", out)

    assert main(["explore", "--only", "purge"]) == 0
    assert out.seen == [1, 2, 3]


@pytest.mark.usefixtures("few")
def test_a_schedule_is_told(ran: Ran) -> None:
    story = "  purge2 crashes\n  purge: Purge(1735691400001, 200) -> 0\n  purge is done: 0\n"

    assert ran("explore", "--only", "purge + purge", "--replay", "purge2! purge") == (0, story, "")


@pytest.mark.usefixtures("few")
def test_a_schedule_is_that_of_one_scenario(ran: Ran) -> None:
    told = "sessioncore: --only = {!r}: to replay a schedule, name one scenario\n"

    assert ran("explore", "--only", "purge", "--replay", "purge") == (2, "", told.format("purge"))
    assert ran("explore", "--replay", "purge") == (2, "", told.format(""))


def overwritten(store: ModelStore, old: Session | None, new: Session) -> bool:
    """Write without looking."""
    store.rows[new.sid] = new
    return True


def test_what_does_not_hold_is_told_and_told_again(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelStore, "swap", overwritten)
    code, told, _ = ran("explore", "--only", "end + end")
    schedule = told.split("--replay '")[1].split("'")[0]
    again, story, error = ran("explore", "--only", "end + end", "--replay", schedule)

    assert (code, again, error) == (1, 1, "")
    assert story.strip()
    assert story in told
