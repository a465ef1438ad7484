"""What is broken is told as a story that can be replayed; the standard scenarios and the search cover what they say."""

from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from sessioncore import (
    TABLE,
    Contention,
    Epoch,
    InvalidSetting,
    LogIn,
    Machine,
    Moment,
    Policy,
    Reason,
    Row,
    Session,
    State,
    Tick,
    Touch,
)
from sessioncore.effects import Flow, OfSubject
from sessioncore.flows import committing, ending, resetting
from sessioncore.testing.explore import Actor, Ask, Broken, Check, NoSuchSchedule, explore, replay_story
from sessioncore.testing.explore.properties import ended_once_acknowledged, never_over, only_refused, only_unavailable
from sessioncore.testing.explore.requests import Stage, keeping_only, leaving, logging_in, request, writing
from sessioncore.testing.explore.scenarios import PARTS, SCENARIOS, Scenario
from sessioncore.testing.explore.search import Unsound, search
from sessioncore.testing.model import ModelStore
from sessioncore_io.cli import main


class Upserting(ModelStore):
    """Write without looking."""

    def swap(self, old: Session | None, new: Session) -> bool:
        """Put ``new`` where anything is."""
        self.rows[new.sid] = new
        return True


# -- stories ---------------------------------------------------------------------------------------------------


def test_a_broken_schedule_is_replayed_to_the_same_story() -> None:
    stage = Stage(Upserting())
    token = stage.signed_in()
    actors = (request("leaver", token, leaving), request("writer", token, writing()))
    dead = ended_once_acknowledged("leaver", token.sid, token)

    with pytest.raises(Broken) as found:
        explore(stage.store, actors, dead, crashes=True)
    with pytest.raises(Broken) as again:
        replay_story(stage.store, actors, found.value.schedule, dead)

    assert str(again.value) == str(found.value)
    assert str(found.value).endswith(f"The schedule: {found.value.schedule}")
    assert set(found.value.schedule.split()) == {"leaver", "writer"}


def story_of(scenario: Scenario) -> Broken | None:
    """Explore over a store that upserts."""
    try:
        scenario.explore(Upserting)
    except Broken as found:
        return found
    return None


def test_every_broken_scenario_is_replayed_to_the_same_story() -> None:
    broken = 0
    for scenario in (one for one in SCENARIOS if len(one.parts) == 2):
        if (found := story_of(scenario)) is not None:
            with pytest.raises(Broken) as again:
                scenario.replay(found.schedule, Upserting)
            assert str(again.value) == str(found)
            broken += 1

    assert broken > 20, "a store that upserts breaks most of them"


def test_a_story_tells_crashes_and_failures_of_the_store(stage: Stage) -> None:
    token = stage.signed_in()
    actors = (request("leaver", token, leaving), request("writer", token, writing()))

    told = replay_story(stage.store, actors, "leaver writer- leaver leaver+")

    assert [line.strip().split(":")[0] for line in told.splitlines()] == [
        *("leaver", "writer", "writer is done", "leaver", "leaver", "leaver is done"),
    ]
    assert told.count("!StoreUnavailable") == 2
    assert replay_story(stage.store, actors, "leaver leaver!").endswith("leaver crashes")


@pytest.mark.parametrize(
    ("schedule", "why"), [("nobody", "nobody is called"), ("leaver! leaver", "done or gone"), ("leaver " * 9, "done")]
)
def test_a_schedule_that_cannot_be_played_is_named(stage: Stage, schedule: str, why: str) -> None:
    with pytest.raises(NoSuchSchedule, match=why):
        replay_story(stage.store, (request("leaver", stage.signed_in(), leaving),), schedule)


@pytest.mark.parametrize("name", ["", "two words", "crashed!", "one+", "one-"])
def test_an_actors_name_is_one_word_that_no_mark_can_be_read_into(name: str) -> None:
    def nothing() -> Flow[Any]:
        return (yield from Ask("password").ask())

    with pytest.raises(InvalidSetting, match="one word"):
        Actor(name, nothing)


# -- scenarios -------------------------------------------------------------------------------------------------


def test_every_pair_of_parts_is_a_scenario_with_crashes_and_every_part_meets_a_failing_store() -> None:
    pairs = {scenario.parts for scenario in SCENARIOS if scenario.crashes}

    assert pairs >= set(combinations_with_replacement(PARTS, 2))
    assert {(part,) for part in PARTS} == {scenario.parts for scenario in SCENARIOS if scenario.faults == 2}
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.quick], ids=lambda scenario: scenario.name)
def test_the_scenario_holds(scenario: Scenario) -> None:
    explored = scenario.explore()

    assert explored.schedules >= 4
    assert explored.scenes > 4


def test_a_session_that_is_kept_while_another_logs_in_does_not_exceed_the_cap() -> None:
    policy, stage = Policy(max_sessions=1), Stage()
    token = stage.visit("mine", None, logging_in(), policy=policy)
    actors = (
        request("others", token, keeping_only(Reason.USER_ALL), policy=policy),
        request("login", None, logging_in(), policy=policy),
    )

    explore(stage.store, actors, never_over(1, policy))


# -- each property of the scenarios is broken by something -------------------------------------------------------


def nothing(*_: Any) -> Flow[None]:
    """Do nothing, as a flow."""
    return
    yield


def unmoved(store: ModelStore, subject: str, at: int, cause: Reason, expected: int | None = None) -> Epoch:
    """Say that the epoch moved."""
    return Epoch(value=at, cause=cause)


def capped_together(own: Session, policy: Policy) -> Flow[list[Session]]:
    """Cap sessions that owe a factor and those that owe none as one."""
    rows = yield from OfSubject(own.subject, live=True).ask()
    standing = sorted(rows, key=lambda row: (row.since, row.sid))
    return standing[: max(0, len(standing) - policy.max_sessions)]


def sharing(store: ModelStore, old: Session | None, new: Session) -> bool:
    """Give every row the same proof."""
    store.rows[new.sid] = evolve(new, proof="0" * 64)
    return True


def rotating(event: LogIn, session: Session, base: Session, raced: bool) -> LogIn:
    """Rotate though another request did."""
    return evolve(event, former_proof=base.proof)


@pytest.mark.parametrize(
    ("place", "name", "bug", "parts", "why"),
    [
        (ModelStore, "swap", Upserting.swap, ("write", "end"), "was told to have ended, and it is"),
        (ModelStore, "swap", Upserting.swap, ("sweep", "sweep"), "told more than once"),
        (ModelStore, "swap", Upserting.swap, ("write", "write"), "is stored"),
        (ModelStore, "swap", sharing, ("touch", "touch"), "shared proofs"),
        (ModelStore, "supersede", unmoved, ("login", "reset"), "all sessions of alice ended"),
        (ModelStore, "supersede", unmoved, ("touch", "revoke"), "and it opens a session"),
        (resetting, "enforce_cap", nothing, ("capped", "others"), "under a cap of 1"),
        (committing, "enforce_cap", nothing, ("capped", "capped"), "under a cap of 1"),
        (committing, "enforce_cap", nothing, ("owing", "owing"), "under a cap of 1"),
        (ending, "_beyond_cap", capped_together, ("touch", "owing"), "was evicted"),
        (ending, "tell_change", nothing, ("touch", "sweep"), "an end was not told"),
        (committing, "_with_proofs", rotating, ("relogin", "relogin"), "opens nothing"),
        (committing, "end_successor", nothing, ("logout", "change"), "and it goes on"),
        (committing, "end_successor", nothing, ("logout", "others"), "and it goes on"),
    ],
)
def test_a_planted_bug_breaks_a_standard_scenario(
    place: Any, name: str, bug: Any, parts: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = next(one for one in SCENARIOS if one.parts == parts)
    scenario.explore()
    monkeypatch.setattr(place, name, bug)

    with pytest.raises(Broken, match=why):
        scenario.explore()


@pytest.mark.parametrize("check", [only_refused, only_unavailable])
def test_a_failure_of_another_kind_is_no_answer(stage: Stage, check: Check) -> None:
    def unlucky() -> Flow[None]:
        yield from Ask("password").ask()
        raise Contention("gave up")

    with pytest.raises(Broken, match="gave up"):
        explore(stage.store, (Actor("unlucky", unlucky),), check)


def test_the_documented_example_runs_and_finds_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs/verification/exploring.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]

    exec(code, {"__name__": "documented"})

    covered, schedule, *story = capsys.readouterr().out.splitlines()
    assert covered == "102 schedules, 59 scenes"
    assert set(schedule.split()) == {"leaver", "writer"}
    assert any("writer is done" in line for line in story)


# -- the command -----------------------------------------------------------------------------------------------


def test_the_command_says_what_it_covered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "--only", "logout + logout"]) == 0

    line, summary = capsys.readouterr().out.splitlines()
    assert line.startswith("held")
    assert "logout + logout" in line
    assert "92 schedules, 53 scenes" in line
    assert summary.startswith("1 scenarios, 92 schedules, 53 scenes, 0 broken")


def test_the_command_tells_what_is_broken_and_replays_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelStore, "swap", Upserting.swap)

    assert main(["explore", "--only", "write + logout"]) == 1
    told = capsys.readouterr().out
    schedule = told.split("--replay '")[1].split("'")[0]
    assert "BROKEN" in told
    assert "1 broken" in told

    assert main(["explore", "--only", "write + logout", "--replay", schedule]) == 1
    assert capsys.readouterr().out.strip() in told


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(["--only", "nonsense"], "a scenario's name"), (["--replay", "x"], "name one scenario")],
)
def test_the_command_says_what_it_cannot_do(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", *arguments]) == 2
    assert why in capsys.readouterr().err


# -- the machine itself ----------------------------------------------------------------------------------------


def test_every_arrow_of_the_table_is_taken_within_three_events_but_the_lapse_of_a_second_factor() -> None:
    searched = search(3)

    arrows = {(row.on, row.source, row.to) for row in TABLE}
    assert {(Tick, State.MFA_SATISFIED, State.AUTHENTICATED)} == arrows - searched.arrows
    assert searched.states > 900
    assert searched.edges > 100_000


def always(s: Session, e: Any, m: Moment) -> bool:
    """Let anything happen."""
    return True


@pytest.mark.parametrize(
    ("on", "changed", "invariant"),
    [
        (Touch, {"guard": always}, "IdleBound"),
        (LogIn, {"to": State.MFA_SATISFIED}, "MfaImpliesAuthenticated"),
        (LogIn, {"act": lambda s, e, m: evolve(s, subject=e.subject)}, "RotationOnPrivilege"),
    ],
)
def test_a_bug_in_the_table_is_found_with_the_way_there(on: type, changed: dict[str, Any], invariant: str) -> None:
    def planted(row: Row) -> Row:
        return evolve(row, **changed) if row.on is on and row.source is State.CREATED else row

    with pytest.raises(Unsound, match=rf"{invariant}(?s:.*)The way there:\n  begin"):
        search(2, Machine(State, map(planted, TABLE)))
