"""What a steady signed-in request asks of its store: one load, and no write."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from sessioncore_io.memory import MemoryStore

from .drive import asgi_run, ask_asgi, ask_wsgi, jar, wsgi_run
from .ours import asgi_app, wsgi_app

REQUESTS = 100


class RecordingStore(MemoryStore):
    """Count what is asked of the store."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if callable(found) and not name.startswith("_"):
            self.asked[name] += 1
        return found


def steady(world: str) -> Counter[str]:
    """Count the store's calls in a hundred steady requests."""
    store = RecordingStore()
    make, ask, run = _WORLDS[world]
    app = make(store)
    _, cookies = ask(app, "/login")
    requests = run(app, [jar(cookies)])
    store.asked.clear()
    requests(REQUESTS)
    return store.asked


_WORLDS: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "ASGI": (asgi_app, ask_asgi, asgi_run),
    "WSGI": (wsgi_app, ask_wsgi, wsgi_run),
}
