"""A request on its way: its bag, its view of the session, and the acts that it has to store."""

from copy import deepcopy
from typing import Any

from attrs import define, field

from sessioncore import Reason

from .reference import Act, Known, Model
from .script import Request, Sight, Verb
from .worth import OK, REFUSED, Chapter, Crumb, Held, Witnessed, present


@define
class Expecting:
    """Follow one request's own view of its session, and what it has done so far."""

    model: Model = field(repr=False)
    request: Request
    witness: Witnessed = field(repr=False)
    token: str = field(init=False, repr=False)
    held: Held = field(init=False)
    known: Known | None = field(init=False, default=None)
    view: Known | None = field(init=False, default=None)
    begun: bool = field(init=False, default=False)
    passive: bool = field(init=False, default=False)
    unsure: bool = field(init=False, default=False)
    outdated: bool = field(init=False, default=False)
    rotates: bool = field(init=False, default=False)
    attempt: tuple[str, int] = field(init=False, default=("", 0))
    base: dict[str, Any] = field(init=False, factory=dict)
    bag: dict[str, Any] = field(init=False, factory=dict)
    acts: list[Act] = field(init=False, factory=list)
    closed: list[Chapter] = field(init=False, factory=list)
    crumb: Crumb = field(init=False, default=Crumb.UNTOUCHED)
    fresh: Known | None = field(init=False, default=None)
    newcomer: Known | None = field(init=False, default=None)
    after: Sight = field(init=False)
    anonymous: bool = field(init=False, default=False)
    presented: Held = field(init=False)
    known_then: Known | None = field(init=False)
    before: Sight = field(init=False)
    said: list[str] = field(init=False, factory=list)
    left: list[Verb] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.token = self.request.token
        self.held, self.known = present(self.model, self.token)
        self.view = self.known.copy() if self.held is Held.CURRENT and self.known else None
        self.presented, self.known_then = self.held, self.known and self.known.copy()
        self._fill_bag()
        self.before = self.sight()
        self.left = list(self.request.verbs)

    def sight(self) -> Sight:
        """Say what the handler sees now."""
        s = self.view
        if s is None:
            return Sight(data=deepcopy(self.bag))
        return Sight(
            sid=s.sid or None,
            state=s.state,
            subject=s.subject or None,
            signed_in=s.signed_in,
            data=deepcopy(self.bag),
            activities=list(s.activities),
        )

    def _fill_bag(self) -> None:
        data = self.view.data if self.view else {}
        self.base, self.bag = deepcopy(data), deepcopy(data)

    def _go_on_with(self, s: Known) -> None:
        self.known, self.view, self.begun, self.rotates, self.acts = s, s.copy(), False, False, []
        self.held = Held.CURRENT
        self._fill_bag()

    def _begin(self) -> None:
        self.known = self.model.begin()
        self.view, self.begun, self.rotates = self.known.copy(), True, True

    def _flush(self) -> None:
        changed = {key: deepcopy(value) for key, value in self.bag.items() if self.base.get(key) != value}
        changes = {**{key: None for key in self.base if key not in self.bag}, **changed}
        self.base = deepcopy(self.bag)
        if changes:
            self._write(Act(what="write", changes=changes))

    def _write(self, act: Act) -> None:
        if self.view is None and self.held in (Held.INERT, Held.FORMER):
            self._fill_bag()  # nothing is kept, and the handle shows no more than that
            return
        if self.view is None:
            self._begin()
        self._try(act)
        self.acts.append(act)

    def _try(self, act: Act) -> bool:
        """Let an event act on this request's view, which stays as it is if it may not."""
        assert self.view is not None
        trial = self.view.copy()
        if not self.model.act(trial, act, own_view=True):
            return False
        self.view = trial
        return True

    def _prove(self, act: Act) -> str:
        if not self._try(act):
            return REFUSED
        self.acts.append(act)
        self.rotates = True
        return OK

    def _outlived(self, view: Known, generation: int) -> bool:
        outdated = view.subject != "" and view.generation != generation
        return outdated or self.model.why_dead(view, own_view=True) is not None

    def _log_out(self, reason: Reason) -> None:
        if self.view is not None or self.held is Held.FORMER:
            self.acts.append(Act(what="log_out", reason=reason))
        self._close_chapter()

    def _close_chapter(self) -> None:
        if self.acts:
            self.closed.append(self._chapter())
        self.known, self.view, self.begun, self.rotates, self.acts = None, None, False, False, []
        self.held, self.token = Held.ABSENT, ""
        self._fill_bag()

    def _chapter(self) -> Chapter:
        return Chapter(token=self.token, session=self.known, begun=self.begun, acts=self.acts)
