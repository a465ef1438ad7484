"""Stores in front of a real one: one writes down what it is asked, one is out of reach when the test says so."""

from collections.abc import Awaitable, Mapping
from enum import Enum
from inspect import isawaitable
from typing import Any, Final

from attrs import define, field, frozen

from sessioncore import InvalidSetting, StoreUnavailable

from .passing import PassingStore

VERBS: Final = tuple(name for name in vars(PassingStore) if name[0] != "_" and name != "call")


@frozen
class Call:
    """Hold one call: its name and its arguments, those by position and those by name."""

    name: str
    args: tuple[Any, ...]
    named: Mapping[str, Any] = field(factory=dict, hash=False)


class RecordingStore(PassingStore):
    """Write down every call, in order; serves plain and awaited stores."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.calls: list[Call] = []

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        """Write one call down and pass it on."""
        self.calls.append(Call(name, args, named))
        return super().call(name, *args, **named)

    @property
    def names(self) -> list[str]:
        """Give the names of the calls."""
        return [call.name for call in self.calls]

    def count(self, *names: str) -> int:
        """Count the calls of these names; without names, all."""
        return sum(call.name in (names or VERBS) for call in self.calls)

    def forget(self) -> None:
        """Begin a new list."""
        self.calls = []


class When(Enum):
    """Say on which side of the operation the connection breaks."""

    BEFORE = "before"
    AFTER = "after"


BEFORE, AFTER = When.BEFORE, When.AFTER


@define
class _Fault:
    """Count down to the calls that fail."""

    names: tuple[str, ...]
    when: When
    skip: int
    times: int | None

    def strikes(self, name: str) -> bool:
        """Tell whether this call fails, and count it."""
        if name not in self.names or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times = self.times and self.times - 1
        return True


class FaultyStore(PassingStore):
    """Raise ``StoreUnavailable`` before or after a call takes effect, by a plan; serves plain and awaited stores."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self._faults: list[_Fault] = []

    def fail(self, *names: str, when: When = BEFORE, skip: int = 0, times: int | None = None) -> None:
        """Fail calls of these names; without names, all of them.

        The first ``skip`` of them succeed, then ``times`` fail (None: until ``recover``). ``AFTER`` is the
        hard case: the call has taken effect, and the caller does not know.
        """
        for name in names:
            if name not in VERBS:
                raise InvalidSetting("name", name, f"use the name of a store's method: {', '.join(VERBS)}")
        self._faults.append(_Fault(names or VERBS, When(when), skip, times))

    def recover(self) -> None:
        """Answer again."""
        self._faults = []

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        """Pass one call on, or fail."""
        struck = next((fault.when for fault in self._faults if fault.strikes(name)), None)
        if struck is BEFORE:
            raise _broken(name, "before the request arrived")
        answer = super().call(name, *args, **named)
        if struck is not AFTER:
            return answer
        if isawaitable(answer):
            return _lost(name, answer)
        raise _broken(name, "before the answer arrived")


def _broken(name: str, when: str) -> StoreUnavailable:
    return StoreUnavailable(f"{name}: the connection broke {when}")


async def _lost(name: str, answer: Awaitable[Any]) -> None:
    await answer
    raise _broken(name, "before the answer arrived")
