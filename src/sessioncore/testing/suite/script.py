"""What a request does in the suite: a list of verbs that any handle plays, in WSGI, in ASGI or without a server.

A verb is a tuple of JSON values: a name of ``VERBS`` and its arguments. ``hold`` stops the request between its
load and its commit, so that others overtake it.
"""

from collections.abc import Callable, Generator, Iterable
from copy import deepcopy
from datetime import UTC, datetime
from inspect import isawaitable
from typing import Any, Final

from attrs import asdict, field, frozen

from sessioncore import NEVER, SessionError, State, StoreUnavailable

Verb = tuple[Any, ...]

HOLD: Final = object()


@frozen
class Request:
    """Hold what a browser sends: the cookie's value (empty for none) and what the application shall do."""

    token: str = field(repr=False)
    verbs: tuple[Verb, ...]

    @property
    def fails(self) -> bool:
        """Tell whether the application answers with a server error."""
        return ("fail",) in self.verbs


@frozen(kw_only=True)
class Sight:
    """Hold what a handler saw of its session."""

    sid: str | None = None
    state: str | None = None
    subject: str | None = None
    signed_in: bool = False
    data: dict[str, Any] = field(factory=dict)
    activities: list[str] = field(factory=list)


@frozen(kw_only=True)
class Answer:
    """Hold what came back: ``cookie`` is None if untouched, empty if cleared, and otherwise the new value.

    ``late`` counts what was stored after the response had started; ``headers`` is None without a web server.
    """

    status: int
    said: tuple[str, ...] = ()
    before: Sight | None = None
    after: Sight | None = None
    cookie: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    body: str = field(default="", repr=False)
    late: int = 0


def look(handle: Any) -> Sight | None:
    """Read everything that a handler can see; None if the store is down."""
    try:
        return Sight(
            sid=handle.sid,
            state=handle.state,
            subject=handle.subject,
            signed_in=handle.signed_in,
            data=deepcopy(dict(handle)),
            activities=[activity["what"] for activity in handle.activities],
        )
    except StoreUnavailable:
        return None


class Scene:
    """Play a request's verbs on its handle, up to each hold and to the end."""

    def __init__(self, handle: Any, verbs: Iterable[Verb]) -> None:
        self.handle = handle
        self.attempt: Any = None
        self.said: list[str] = []
        self.before = look(handle)
        self.after: Sight | None = None
        self._play = self._played(verbs)

    def run(self) -> bool:
        """Play on; True if the request holds, False if it is over."""
        answer = None
        try:
            while (asked := self._play.send(answer)) is not HOLD:
                answer = asked
        except StopIteration:
            return False
        return True

    async def arun(self) -> bool:
        """Play on, awaiting what has to be awaited."""
        try:
            asked = next(self._play)
            while asked is not HOLD:
                asked = await self._advanced(asked)
        except StopIteration:
            return False
        except _Over:
            return False
        return True

    async def _advanced(self, asked: Any) -> Any:
        try:
            answer = await asked if isawaitable(asked) else asked
        except SessionError as failure:
            error = failure
            return _next(lambda: self._play.throw(error))
        return _next(lambda: self._play.send(answer))

    def _played(self, verbs: Iterable[Verb]) -> Generator[Any, Any, None]:
        for name, *arguments in verbs:
            try:
                asked = VERBS[name](self, *arguments)
                answer = (yield asked) if asked is not None else None
            except SessionError as error:
                self.said.append(type(error).__name__)
                continue
            self.said.append("ok")
            self.attempt = answer if name == "attempt" else self.attempt
        self.after = look(self.handle)

    def report(self) -> dict[str, Any]:
        """Say in JSON values what was seen and said."""
        seen = {name: asdict(sight) if (sight := getattr(self, name)) else None for name in ("before", "after")}
        return {**seen, "said": self.said}


class _Over(Exception):
    """A coroutine may not raise ``StopIteration``."""


def _next(advance: Callable[[], Any]) -> Any:
    try:
        return advance()
    except StopIteration:
        raise _Over from None


def answer_of(report: dict[str, Any], **rest: Any) -> Answer:
    """Read a report back."""
    seen: dict[str, Any] = {name: Sight(**report[name]) if report[name] else None for name in ("before", "after")}
    return Answer(said=tuple(report["said"]), **seen, **rest)


# -- the verbs ---------------------------------------------------------------------------------------------


def _set(scene: Scene, key: str, value: Any) -> None:
    scene.handle[key] = value


def _append(scene: Scene, key: str, value: Any) -> None:
    scene.handle.setdefault(key, []).append(value)


def _drop(scene: Scene, key: str) -> None:
    scene.handle.pop(key, None)


def _log_in(scene: Scene, methods: list[str], remember: bool, needs: str, not_after: int) -> None:
    bound = None if not_after == NEVER else datetime.fromtimestamp(not_after / 1000, UTC)
    scene.handle.log_in(scene.attempt, methods, remember=remember, needs=State(needs), not_after=bound)


VERBS: Final[dict[str, Callable[..., Any]]] = {
    "hold": lambda _: HOLD,
    "fail": lambda _: None,
    "set": _set,
    "append": _append,
    "drop": _drop,
    "record": lambda scene, what: scene.handle.record(what),
    "passive": lambda scene: scene.handle.passive(),
    "attempt": lambda scene, subject: scene.handle.attempt(subject),
    "log_in": _log_in,
    "satisfy_mfa": lambda scene, method: scene.handle.satisfy_mfa(method),
    # Together with the method of the login, which is of the first factor's kind.
    "reauthenticate": lambda scene, method: scene.handle.reauthenticate((method, *scene.handle.methods[:1])),
    "log_out": lambda scene: scene.handle.log_out(),
    "password_changed": lambda scene: scene.handle.password_changed(lambda: None),
    "end_others": lambda scene: scene.handle.end_others(),
}
