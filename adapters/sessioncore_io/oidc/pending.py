"""Authentication requests that wait for the user: kept in the server's session, several at once, a few at most."""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from attrs import asdict, evolve, field, frozen

from sessioncore import NEVER
from sessioncore.sso import Interact, Interaction, Transaction, read_request

from ..handle import AsyncHandle
from .clients import Client
from .keeping import make_room

LARGEST: Final = 4_096  # characters of one request's parameters, as they are kept
LIFE: Final = 3_600_000  # milliseconds that a page may take
KEY: Final = "oidc.request."


@frozen(kw_only=True)
class Waiting:
    """Hold a request's parameters, which pages it was asked to answer, and what has been done for it."""

    id: str
    params: Mapping[str, str] = field(repr=False)
    transaction: Transaction
    at: int
    asked: tuple[Interaction, ...] = ()


@frozen(kw_only=True)
class Pending:
    """Ask the application for a page: which (``kind``), for whom (``subject``, empty: anybody), for which client.

    Keep ``query`` in the page's address, or ``name`` in its form, and get the value back by ``server.pending(session,
    name, kinds)``: the name says which page this is, and counts only for one that was asked. When the user has
    answered, call ``server.did(session, pending, kind)`` in the request that changes the session, and send the browser
    to ``resume``. ``login_hint``, ``ui_locales`` and ``display`` are a stranger's text: escape them.
    """

    id: str
    kind: Interaction
    subject: str
    client: Client
    scopes: tuple[str, ...]
    resume: str
    waiting: Waiting = field(repr=False)

    @property
    def name(self) -> str:
        """Name this request, and this page of it."""
        return f"{self.id}.{self.kind}"

    @property
    def query(self) -> str:
        """Write that name as a parameter for an address of the application's own."""
        return f"transaction={self.name}"

    @property
    def login_hint(self) -> str:
        """Give whom the client supposes; nobody has proved it."""
        return self.waiting.params.get("login_hint", "")

    @property
    def acr_values(self) -> tuple[str, ...]:
        """Give the classes that the client wished for."""
        return tuple(self.waiting.params.get("acr_values", "").split())

    @property
    def max_age(self) -> int | None:
        """Give how old a proof the client accepts, in seconds; None if it did not say. Pass it on to a provider."""
        oldest = read_request(self.waiting.params).max_age
        return None if oldest == NEVER else oldest // 1_000

    @property
    def params(self) -> Mapping[str, str]:
        """Give all parameters of the request, for what else a page may want to know."""
        return self.waiting.params


def begin_waiting(params: Mapping[str, str], at: int) -> Waiting:
    """Give a new request a name that only this browser's session knows."""
    return Waiting(id=secrets.token_urlsafe(12), params=dict(params), transaction=Transaction(), at=at)


def asking(waiting: Waiting, kind: Interaction) -> Waiting:
    """Record that the user was sent to this page: its address can be changed at will, so only those asked count."""
    return evolve(waiting, asked=tuple(dict.fromkeys((*waiting.asked, kind))))


def keep(handle: AsyncHandle, waiting: Waiting, asked: Interact) -> None:
    """Write a request into the session; the oldest beyond the cap, and those of long ago, are dropped."""
    handle._row_data[KEY + waiting.id] = {
        "params": dict(waiting.params),
        "did": asdict(waiting.transaction),
        "at": waiting.at,
        "asked": waiting.asked,
        "kind": asked.kind,
        "subject": asked.subject,
    }
    make_room(handle, KEY, KEY + waiting.id, life=LIFE)


def find(handle: AsyncHandle, name: str, at: int) -> tuple[Waiting, Interact] | None:
    """Find a request by its name, with the page that it waits for."""
    is_name = name.isprintable() and 0 < len(name) <= 64
    found: dict[str, Any] | None = handle._row_data.get(KEY + name) if is_name else None
    if found is None or at - found["at"] > LIFE:
        return None
    waiting = Waiting(
        id=name,
        params=found["params"],
        transaction=Transaction(**found["did"]),
        at=found["at"],
        asked=tuple(map(Interaction, found.get("asked", ()))),
    )
    return waiting, Interact(Interaction(found["kind"]), found["subject"])


def find_page(handle: AsyncHandle, name: str, at: int) -> tuple[Waiting, Interact] | None:
    """Find a request by the name of one of its pages (see ``Pending.name``), with that page.

    It need not be the one that is asked for now: who goes back and sends an earlier form again answers that one. But
    it was asked for: else the browser would choose what it has to prove.
    """
    request, _, page = name.partition(".")
    found = find(handle, request, at)
    if found is None or page not in found[0].asked:
        return None
    return found[0], evolve(found[1], kind=Interaction(page))


def drop(handle: AsyncHandle, name: str) -> None:
    """Forget a request that has its answer."""
    handle._row_data.pop(KEY + name, None)


def done(waiting: Waiting, kind: Interaction, subject: str) -> Waiting:
    """Record that this subject answered a page."""
    return evolve(waiting, transaction=waiting.transaction.did(kind, subject))
