"""Tell a history that no order explains, so that a person can see why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sessioncore import Epoch, Session
from sessioncore.effects import Effect

if TYPE_CHECKING:
    from .linear import Found, Operation, Specification


LATER: Final = "not returned yet"  # stands for the answer of a call that returned after the story ends


def story_of(shown: Sequence["Operation"], found: "Found", specification: "Specification") -> str:
    """Tell the calls in the order of their invocation, the order that explains most, and where it stops."""
    began = min(call.invoked for call in shown)
    explained = sum(call.known for call in found.order)
    lines = [f"no order of these calls on {specification.name} explains every answer:"]
    lines += [f"  {_span(call, began)} {call.who}: {_call(call)}" for call in shown]
    lines += [f"the order that explains most ({explained} of {sum(call.known for call in shown)}):"]
    lines += [f"  {call.who}: {_call(call)}" for call in found.order] or ["  none"]
    lines += [f"then it holds {say(found.state)}, and"]
    left = [call for call in shown if call.known and not any(call is ordered for ordered in found.order)]
    for call in left:
        expected = specification.apply(found.state, call.call)[1]
        lines.append(f"  {call.who}: {say(call.call)} would answer {say(expected)}, not {say(call.answer)}")
    return "\n".join(lines)


def _span(call: "Operation", began: int) -> str:
    until = str(call.returned - began) if call.known else "?"
    return f"[{call.invoked - began}..{until}]"


def _call(call: "Operation") -> str:
    if call.known:
        return f"{say(call.call)} -> {say(call.answer)}"
    return f"{say(call.call)}, {LATER if call.answer is LATER else 'outcome unknown'}"


def say(value: Any) -> str:
    """Say a value shortly: of a row, what tells one version from another."""
    if isinstance(value, Session):
        return _row(value)
    if isinstance(value, Epoch):
        return f"epoch {value.value}" + (f" ({value.cause})" if value.cause else "")
    if isinstance(value, Effect):
        given = (getattr(value, name) for name in type(value).__match_args__)  # type: ignore[attr-defined]
        return f"{type(value).__name__}({', '.join(map(say, given))})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(say, value))}]"
    return "nothing" if value is None else repr(value)


def _row(row: Session) -> str:
    parts = [f"v{row.version}", row.state, row.subject, f"proof {row.proof[:4]}"]
    parts += [f"{key}={text}" for key, text in row.data]
    parts += [row.reason] if row.reason else []
    return f"<{' '.join(filter(None, parts))}>"
