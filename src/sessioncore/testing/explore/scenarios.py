"""The standard scenarios: whatever happens to a login session, beside whatever else, in every order.

Alice is signed in with two browsers, and it is the last millisecond before that would lapse. Each scenario lets two
or three parts act at once; in pairs one of them may crash at any effect, alone each may meet a store that fails twice.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, combinations_with_replacement
from typing import Final

from attrs import field, frozen

from sessioncore import ANY_SUBJECT, Policy, Reason, State
from sessioncore import flows as core
from sessioncore.flows import Token

from ..clock import START
from ..model import ModelStore
from . import properties as props
from .engine import Check, Explored, explore, play
from .points import Actor
from .requests import (
    POLICY,
    Page,
    Stage,
    keeping_only,
    leaving,
    logging_in,
    proving_again,
    request,
    resetting,
    stepping_up,
    touching,
    writing,
)
from .story import replay_story

CAPPED: Final = Policy(max_sessions=1)


@frozen
class Setting:
    """Hold what a scenario begins with: the store, Alice's two browsers, the policy and the time."""

    store: ModelStore
    mine: Token
    other: Token
    policy: Policy
    at: int


Part = Callable[[Setting, str], Actor]


def _in_my_browser(page: Page) -> Part:
    return lambda setting, name: request(name, setting.mine, page, policy=setting.policy, at=setting.at)


def _in_a_new_browser(page: Page) -> Part:
    return lambda setting, name: request(name, None, page, policy=setting.policy, at=setting.at)


def _writes(setting: Setting, name: str) -> Actor:
    return request(name, setting.mine, writing(name), policy=setting.policy, at=setting.at)


def _ends_by_sid(setting: Setting, name: str) -> Actor:
    return Actor(name, lambda: core.end(setting.mine.sid, Reason.ADMIN, ANY_SUBJECT, setting.policy), setting.at)


def _ends_all(setting: Setting, name: str) -> Actor:
    return Actor(name, lambda: core.end_all("alice", Reason.ADMIN), setting.at)


PARTS: Final[dict[str, Part]] = {
    "touch": _in_my_browser(touching),
    "write": _writes,
    "login": _in_a_new_browser(logging_in()),
    "relogin": _in_my_browser(logging_in()),
    "capped": _in_a_new_browser(logging_in()),
    "owing": _in_a_new_browser(logging_in(needs=State.MFA_SATISFIED)),
    "mfa": _in_my_browser(stepping_up()),
    "reauth": _in_my_browser(proving_again),
    "logout": _in_my_browser(leaving),
    "change": _in_my_browser(keeping_only()),
    "others": _in_my_browser(keeping_only(Reason.USER_ALL)),
    "reset": lambda setting, name: resetting(name, at=setting.at),
    "end": _ends_by_sid,
    "revoke": _ends_all,
    "sweep": lambda setting, name: Actor(name, lambda: core.sweep(setting.policy), setting.at + 1),
    "purge": lambda setting, name: Actor(name, lambda: core.purge(0), setting.at + 1),
}

TRIPLES: Final = (
    *combinations(("write", "mfa", "reauth", "logout", "change", "reset", "end", "sweep"), 3),
    *((one, two, "purge") for one in ("logout", "end") for two in ("write", "mfa", "relogin", "change", "others")),
    *(("reset", "login", other) for other in ("relogin", "revoke", "others")),
    *(("write", "write", other) for other in ("write", "relogin", "mfa", "others")),
    *(("relogin", "relogin", other) for other in ("write", "logout", "reset")),
    *(("capped", "capped", other) for other in ("logout", "touch")),
    *(("owing", "owing", other) for other in ("capped", "touch")),
    ("mfa", "mfa", "mfa"),
    ("change", "change", "others"),
    ("sweep", "touch", "write"),
)


@frozen
class Scenario:
    """Hold some parts that act at once; ``quick`` ones are those of a short run."""

    parts: tuple[str, ...]
    crashes: bool = False
    faults: int = 0
    quick: bool = field(default=False, kw_only=True)

    @property
    def name(self) -> str:
        """Name the parts, and what may go wrong besides their order."""
        besides = " with a failing store" if self.faults else ""
        return " + ".join(self.parts) + besides

    def explore(self, store: type[ModelStore] = ModelStore) -> Explored:
        """Run every schedule over a store of this kind. Raises ``Broken``."""
        setting = set_stage(self.parts, store)
        return explore(
            setting.store,
            actors(self.parts, setting),
            *checks(self, setting),
            crashes=self.crashes,
            faults=self.faults,
        )

    def replay(self, schedule: str, store: type[ModelStore] = ModelStore) -> str:
        """Run one schedule and tell it. Raises ``Broken`` and ``NoSuchSchedule``."""
        setting = set_stage(self.parts, store)
        return replay_story(setting.store, actors(self.parts, setting), schedule, *checks(self, setting))


def set_stage(parts: Iterable[str], store: type[ModelStore] = ModelStore) -> Setting:
    """Sign Alice in with two browsers, with one if there is a cap, and go to the last millisecond of that."""
    stage = Stage(store())
    policy = CAPPED if _CAPPED & set(parts) else POLICY
    other = stage.signed_in("elsewhere")
    mine = stage.visit("before", None, logging_in(), policy=policy)
    play(stage.store, Actor("purge", lambda: core.purge(0), START + 1))
    return Setting(stage.store, mine, other, policy, stage.store.rows[mine.sid].deadline - 1)


def actors(parts: Iterable[str], setting: Setting) -> tuple[Actor, ...]:
    """Give each part its name: a second one of a kind is numbered."""
    return tuple(PARTS[part](setting, name) for part, name in _named(parts))


def _named(parts: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: Counter[str] = Counter()
    for part in parts:
        seen[part] += 1
        yield part, part if seen[part] == 1 else f"{part}{seen[part]}"


# -- what holds ------------------------------------------------------------------------------------------------

_STAYING: Final = {"touch", "write", "relogin", "mfa", "reauth"}
_CAPPED: Final = {"capped", "owing"}


def checks(scenario: Scenario, setting: Setting) -> tuple[Check, ...]:
    """Give every property that these parts can be held to."""
    failing = props.only_unavailable if scenario.faults else props.only_refused
    return (
        failing,
        props.one_live_proof_a_row,
        props.no_resurrection,
        props.told_at_most_once,
        *_of_parts(scenario, setting),
        *_of_all(scenario, setting),
    )


def _of_parts(scenario: Scenario, setting: Setting) -> Iterator[Check]:
    for part, name in _named(scenario.parts):
        if part in ("logout", "end"):
            yield props.ended_once_acknowledged(name, setting.mine.sid, setting.mine)
            if "purge" not in scenario.parts:  # which may forget what a logout has left for the change to find
                yield props.goes_on_nowhere_once_acknowledged(name)
        elif part == "reset":
            yield props.nothing_alive_once_acknowledged(name)
        elif part == "revoke":
            yield props.shut_once_acknowledged(name, setting.mine, setting.other)
        elif part in ("change", "others"):
            yield props.shut_once_acknowledged(name, setting.other)
        elif part == "write" and "purge" not in scenario.parts:
            yield props.no_write_lost(**{name: name})


def _of_all(scenario: Scenario, setting: Setting) -> Iterator[Check]:
    parts = set(scenario.parts)
    if parts <= _STAYING and not scenario.faults:
        yield props.browser_stays_signed_in(setting.mine)
    if parts <= _STAYING | {"owing"} and not scenario.faults:
        yield props.never_evicted(setting.mine.sid)
    if "purge" not in parts:
        yield props.no_cookie_before_its_commit
    if parts & _CAPPED and not scenario.faults:
        yield props.never_over(CAPPED.max_sessions, CAPPED)
    if not scenario.faults:
        yield props.every_end_told


# -- the list --------------------------------------------------------------------------------------------------


def _scenarios() -> Iterator[Scenario]:
    for part in PARTS:
        yield Scenario((part,), crashes=True, faults=2, quick=True)
    for one, two in combinations_with_replacement(PARTS, 2):
        yield Scenario((one, two), crashes=True, quick=True)
    for triple in TRIPLES:
        yield Scenario(triple)


SCENARIOS: Final = tuple(_scenarios())
