"""Drive the pure core: ``step`` and the flows over a dict, with counted secrets and no I/O at all."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

from sessioncore import (
    Contention,
    Policy,
    Reason,
    Refused,
    StoreUnavailable,
    Summary,
    effects,
    flows,
)
from sessioncore.flows import AnySubject, parse_token
from sessioncore.policy import milliseconds

from ..clock import Clock
from ..model import ModelStore
from .bare import Bare
from .driver import Heard
from .script import Answer, Request, Scene
from .witness import Witness


class CoreDriver:
    """Open, play and commit requests on the flows alone; it is its own ``outside``."""

    web = False
    nests = True

    def __init__(self, policy: Policy) -> None:
        self.clock = Clock()
        self.store = Witness(ModelStore(), self.clock)
        self.heard = Heard()
        self.policy = policy
        self.outside = self
        self._numbers = count(1)
        self._do: dict[type, Callable[[Any], Any]] = {
            effects.Now: lambda _: self.clock(),
            effects.NewSid: lambda _: self.new_sid(),
            effects.NewSecret: lambda _: self.new_secret(),
            effects.Load: lambda e: self.store.load(e.sid),
            effects.Swap: lambda e: self.store.swap(e.old, e.new),
            effects.ReadEpoch: lambda e: self.store.epoch(e.subject),
            effects.Mint: lambda e: self.store.mint(e.subject, e.at),
            effects.Supersede: lambda e: self.store.supersede(e.subject, e.at, e.cause, e.expected),
            effects.OfSubject: lambda e: self.store.of_subject(e.subject, live=e.live),
            effects.OfUpstream: lambda e: self.store.of_upstream(e.issuer, e.sid),
            effects.Due: lambda e: self.store.due(e.before, e.limit),
            effects.Purge: lambda e: self.store.purge(e.before, e.limit),
            effects.Pause: lambda _: 100,
            effects.Call: lambda e: e.function(),
            effects.Tell: lambda e: self.heard.listen(e.notice),
        }

    def new_sid(self) -> str:
        """Count a selector."""
        return f"sid-{next(self._numbers):018d}"

    def new_secret(self) -> str:
        """Count a secret."""
        return f"secret-{next(self._numbers):036d}"

    def run(self, flow: effects.Flow[Any]) -> Any:
        """Drive a flow."""
        return effects.run(flow, lambda effect: self._do[type(effect)](effect))

    def set_policy(self, policy: Policy) -> None:
        """Go by another policy from now on."""
        self.policy = policy

    def serve(self, request: Request) -> Iterator[Answer | None]:
        """Open, play and commit."""
        try:
            bare = Bare(self, parse_token(request.token))
            scene = Scene(bare, request.verbs)
            while scene.run():
                yield None
            bare.commit()
        except StoreUnavailable:
            yield Answer(status=503)
            return
        except (Refused, Contention):
            yield Answer(status=409)
            return
        yield Answer(status=200, said=tuple(scene.said), before=scene.before, after=scene.after, cookie=bare.cookie)

    # -- from outside --------------------------------------------------------------------------------------

    def reset_password(self, subject: str) -> None:
        """Run the flow of the same name."""
        self.run(flows.reset_password(subject, lambda: None))

    def sessions_of(self, subject: str) -> list[Summary]:
        """Run the flow of the same name."""
        return list(self.run(flows.sessions_of(subject, self.policy)))

    def end(self, sid: str, reason: Reason, *, subject: str | AnySubject) -> bool:
        """Run the flow of the same name."""
        return bool(self.run(flows.end(sid, reason, subject, self.policy)))

    def end_all(self, subject: str, reason: Reason) -> None:
        """Run the flow of the same name."""
        self.run(flows.end_all(subject, reason))

    def sweep(self) -> int:
        """Run the flow of the same name."""
        return int(self.run(flows.sweep(self.policy)))

    def purge(self, keep: timedelta) -> int:
        """Run the flow of the same name."""
        return int(self.run(flows.purge(milliseconds(keep))))

    def close(self) -> None:
        """Stop listening."""
        self.heard.close()
        self.store.close()
