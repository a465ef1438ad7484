"""What is kept of a message between two parts of the story: enough to follow it, and no secret."""

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

Details = tuple[tuple[str, str], ...]

# Everybody who can speak, in the order in which they stand in a drawing.
NAMES: Final = {
    "browser": "Browser",
    "orders": "Orders app",
    "shop": "Shop",
    "reviews": "Reviews",
    "auth": "Authorization server",
    "idp": "Friendbook",
}

# Shown whole: they say what is asked, and prove nothing.
PLAIN: Final = {
    *("client_id", "response_type", "response_mode", "scope", "prompt", "max_age", "acr_values", "grant_type"),
    *("code_challenge_method", "error", "expires_in", "token_type", "connection"),
}
# Only their beginning is shown: whoever has one of them whole can use it.
SECRET: Final = {
    *("state", "nonce", "code", "code_challenge", "code_verifier"),
    *("id_token", "access_token", "id_token_hint", "logout_token"),
}
SHOWN: Final = PLAIN | SECRET


@frozen(kw_only=True)
class Hop:
    """Hold one message, or one thing that happened to a session of ``target`` (then ``kind`` is ``note``).

    ``order`` counts the messages of the whole demo: its clocks may disagree.
    """

    order: int
    source: str
    target: str
    what: str
    kind: str = "request"
    details: Details = ()

    @property
    def names(self) -> tuple[str, str]:
        """Give both ends as people call them."""
        return NAMES[self.source], NAMES[self.target]


def shown(values: Iterable[tuple[str, str]] | Mapping[str, str]) -> Details:
    """Keep the parameters that tell the story, secrets cut to their first characters."""
    pairs = values.items() if isinstance(values, Mapping) else values
    return tuple((name, _cut(name, value)) for name, value in pairs if name in SHOWN and value)


def _cut(name: str, value: str) -> str:
    if name in PLAIN:
        return value if len(value) <= 60 else f"{value[:58]}…"
    return f"{value[:4]}…"
