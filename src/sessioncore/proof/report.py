"""Say in plain words what was proved and what was not."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from .prover import Result

PROVED: Final = "proved  "


def told(results: Iterable[Result]) -> Iterator[str]:
    """Give one line an obligation, the counterexamples, and a summary at the end."""
    failed = proved = 0
    seconds = 0.0
    for result in results:
        seconds += result.seconds
        proved += result.proved
        failed += not result.proved
        verdict = PROVED if result.proved else "REFUTED"
        name, about = result.obligation.name, result.obligation.about
        yield f"{verdict:9}{result.seconds * 1000:7.1f} ms  {name:28} {about}"
        if not result.proved:
            yield from _counterexample(result)
    yield f"{proved} obligations proved, {failed} refuted, in {seconds:.2f} s of proving"


def _counterexample(result: Result) -> Iterator[str]:
    if result.obligation.wanted:
        yield "    no session, event and moment can make it fire"
    for part, values in result.broken_by.items():
        yield f"    {part}: " + (", ".join(f"{name} = {_shown(value)}" for name, value in values.items()) or "any")


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
