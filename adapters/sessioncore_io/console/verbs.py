"""What ``sessioncore store`` does: each verb is given the store, and returns the exit code."""

import logging
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

from attrs import asdict, frozen

from sessioncore import ANY_SUBJECT, Limits, Policy, Reason, State
from sessioncore import flows as core
from sessioncore.effects import Effect, Flow, Purge, Swap, run
from sessioncore.policy import LONGEST, milliseconds
from sessioncore_io.notices import JsonLines
from sessioncore_io.operating import Census, Finding, Operable
from sessioncore_io.shell import Sessions
from sessioncore_io.world import log

from .asking import confirm
from .paper import Paper, Progress, paper_for, show
from .words import HEADINGS, described, line_of, size

T = TypeVar("T")

_LONG: Final = Limits(idle=LONGEST, lifetime=LONGEST)
# The application's policy is not known here, so a session is judged by the limits that it was given at its login.
OWN_LIMITS: Final = Policy(guest=_LONG, login=_LONG, remembered=_LONG, mfa_lifetime=LONGEST)


@frozen
class Work:
    """Hold what a verb works on: its options, the parts of the store, and a shell over the whole."""

    options: Namespace
    parts: Mapping[str, Operable]
    sessions: Sessions

    def show(self, value: Any, tell: Callable[[Paper], object]) -> None:
        """Show a result to whom it was asked by."""
        show(value, tell, json_wanted=self.options.json)

    def run(self, what: str, flow: Flow[T], *counted: type) -> T:
        """Run a long flow, and show how many rows these effects have changed so far."""
        with paper_for(sys.stderr).progress(what) as progress:
            return run(flow, _counting(self.sessions.perform, progress, counted))


def _counting(
    perform: Callable[[Effect[Any]], Any], progress: Progress, counted: Sequence[type]
) -> Callable[[Effect[Any]], Any]:
    count = 0

    def performing(effect: Effect[Any]) -> Any:
        nonlocal count
        answer = perform(effect)
        if type(effect) in counted:
            count += int(answer)
            progress(count)
        return answer

    return performing


# -- the store -----------------------------------------------------------------------------------------------


def init(work: Work) -> int:
    """Make what the store needs."""
    done = [_named(name, line) for name, part in work.parts.items() for line in part.prepare()]
    work.show({"done": done}, lambda paper: paper.say("\n".join(done) or "nothing was left to do"))
    return 0


def check(work: Work) -> int:
    """Look the store over; 1 if there is advice."""
    findings = [(name, one) for name, part in work.parts.items() for one in part.inspect()]
    rows = [(_named(name, one.what), one.value, one.advice or "ok") for name, one in findings]
    work.show(
        [{"part": name, **asdict(one)} for name, one in findings],
        lambda paper: paper.table(("what", "value", "advice"), rows),
    )
    return 1 if any(_warns(one) for _, one in findings) else 0


def _warns(finding: Finding) -> bool:
    return bool(finding.advice)


def stats(work: Work) -> int:
    """Count what the store holds."""
    with paper_for(sys.stderr).progress("counting rows") as progress:
        counted = {name: part.census(progress) for name, part in work.parts.items()}
    rows = [(_named(name, what), value) for name, census in counted.items() for what, value in _lines(census)]
    described = {name or "store": _census(census) for name, census in counted.items()}
    work.show(
        described if len(described) > 1 else described["store"], lambda paper: paper.table(("what", "count"), rows)
    )
    return 0


def _lines(census: Census) -> list[tuple[str, str]]:
    live = sum(count for state, count in census.by_state.items() if state.live)
    ended = sum(census.by_state.values()) - live
    rows = live + ended + census.unreadable
    return [
        ("sessions, live", f"{live:,}"),
        *((f"  {state}", f"{census.by_state.get(state, 0):,}") for state in State if state.live),
        ("sessions, ended", f"{ended:,}"),
        *((f"  {state}", f"{census.by_state.get(state, 0):,}") for state in State if not state.live),
        ("unreadable", f"{census.unreadable:,}"),
        ("subjects", f"{census.subjects:,}"),
        ("size", size(census.size)),
        ("size a session", size(census.size / rows) if rows else "-"),
    ]


def _census(census: Census) -> dict[str, Any]:
    states = {state.value: census.by_state.get(state, 0) for state in State}
    live = sum(count for name, count in states.items() if State(name).live)
    return {
        "live": live,
        "ended": sum(states.values()) - live,
        "by_state": states,
        "unreadable": census.unreadable,
        "subjects": census.subjects,
        "bytes": census.size,
    }


def _named(part: str, line: str) -> str:
    return f"{part}: {line}" if part else line


# -- sessions ------------------------------------------------------------------------------------------------


def listing(work: Work) -> int:
    """List a subject's sessions."""
    found = work.sessions.sessions_of(work.options.subject, ended=work.options.ended)
    now = work.sessions.clock()
    rows = [line_of(one, now) for one in found]
    nothing = f"{work.options.subject!r} has no{'' if work.options.ended else ' live'} sessions"
    work.show(
        [described(one) for one in found],
        lambda paper: paper.table(HEADINGS, rows) if rows else paper.say(nothing),
    )
    return 0


def end(work: Work) -> int:
    """End one session; 1 if it is not there or had ended."""
    sid, reason = work.options.sid, Reason(work.options.reason)
    confirm(work.options, f"End the session {sid} ({reason}).")
    ended = work.sessions.end(sid, reason, subject=ANY_SUBJECT)
    told = f"{sid} is ended" if ended else f"{sid} had ended before, or there is no such session"
    work.show({"sid": sid, "ended": ended}, lambda paper: paper.say(told))
    return 0 if ended else 1


def end_all(work: Work) -> int:
    """End all sessions of a subject."""
    return _end_all(work, Reason(work.options.reason))


def reset(work: Work) -> int:
    """End all sessions of a subject, as a password reset does."""
    return _end_all(work, Reason.PASSWORD_RESET)


def _end_all(work: Work, reason: Reason) -> int:
    subject = work.options.subject
    live = len(work.sessions.sessions_of(subject))
    confirm(work.options, f"End all sessions of {subject!r}, {live} now ({reason}).")
    work.sessions.end_all(subject, reason)
    told = f"all sessions of {subject!r} are ended; {live} were live"
    nothing = f"{subject!r} had no live sessions; a login that is under way is refused"
    work.show(
        {"subject": subject, "ended": live, "reason": reason.value},
        lambda paper: paper.say(told if live else nothing),
    )
    return 0


# -- housekeeping --------------------------------------------------------------------------------------------


def sweep(work: Work) -> int:
    """End the sessions whose time has come."""
    ended = work.run("ending overdue sessions", core.sweep(work.sessions.policy), Swap)
    work.show({"ended": ended}, lambda paper: paper.say(f"{ended:,} sessions were overdue and are ended"))
    return 0


def purge(work: Work) -> int:
    """Forget sessions that ended long ago."""
    days = work.options.keep
    confirm(work.options, f"Forget the sessions that ended more than {days:g} days ago.")
    gone = work.run("forgetting old sessions", core.purge(milliseconds(timedelta(days=days))), Purge)
    work.show({"forgotten": gone}, lambda paper: paper.say(f"{gone:,} ended sessions are forgotten"))
    return 0


@contextmanager
def notices_written() -> Iterator[None]:
    """Write the notices of what is done meanwhile to standard error, as lines of JSON."""
    handler, level = logging.StreamHandler(sys.stderr), log.level
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
