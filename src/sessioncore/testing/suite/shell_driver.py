"""Drive the shell without a server: over the memory store, SQLite, or a store of one's own."""

from collections.abc import Iterator

from sessioncore import Policy, Store
from sessioncore_io import CLEAR
from sessioncore_io.answers import UNCOMMITTED, replacement
from sessioncore_io.shell import Sessions

from .driver import Watched
from .script import Answer, Request, Scene


class ShellDriver(Watched):
    """Open, play and commit handles of ``Sessions``."""

    web = False
    nests = True

    def __init__(self, store: Store, policy: Policy) -> None:
        super().__init__(store)
        self.outside = Sessions(self.store, policy, self.clock, self.heard.listen)

    def set_policy(self, policy: Policy) -> None:
        """Go by another policy from now on."""
        self.outside.policy = policy

    def serve(self, request: Request) -> Iterator[Answer | None]:
        """Open, play and commit."""
        try:
            handle = self.outside.open(request.token or None)
            scene = Scene(handle, request.verbs)
            while scene.run():
                yield None
            self.outside.commit(handle)
        except UNCOMMITTED as error:
            yield Answer(status=replacement(error)[0])
            return
        order = handle.order
        cookie = order if order is None else "" if order is CLEAR else order.text
        yield Answer(status=200, said=tuple(scene.said), before=scene.before, after=scene.after, cookie=cookie)
