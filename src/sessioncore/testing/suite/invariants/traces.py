"""What must hold of everything that others may read."""

from collections.abc import Iterable

from attrs import asdict, frozen

from sessioncore import Session

from ..driver import Heard
from ..script import Answer
from .claim import invariant


@frozen
class Traces:
    """Hold everything that may be read by others, and the secrets that must not be in it."""

    texts: tuple[str, ...]
    tokens: frozenset[str]

    def __repr__(self) -> str:
        return "a secret is in one of the texts"


@invariant("NoSecretLeak")
def no_secret_leak(traces: Traces) -> bool:
    """No secret is in a log, a notice, a record, a representation or a body."""
    return not any(token[22:] in text for token in traces.tokens for text in traces.texts)


def traces_of(rows: Iterable[Session], heard: Heard, answer: Answer, tokens: Iterable[str]) -> Traces:
    """Gather what others may read after a request."""
    records = [text for row in rows for text in (str(asdict(row)), repr(row))]
    return Traces((*records, *heard.texts, *map(repr, heard.told), answer.body, repr(answer)), frozenset(tokens))
