"""How a part of the demo is put together: pages inside of sessions, headers around them, the recorder outermost."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from sessioncore import Policy, Store
from sessioncore_io.asgi import Application, SessionMiddleware
from sessioncore_io.cookies import Cookie
from sessioncore_io.sqlite import SqliteStore

from ..stage.journal import Journal
from ..stage.layer import Layer, Stage
from ..stage.recorder import Recorder
from ..stage.time_machine import TimeMachine
from .headers import SafeHeaders

STATIC: Final = Mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))


@frozen(kw_only=True)
class Words:
    """Say how a layer is called: by people, on a button, and what it is in the story."""

    title: str
    short: str
    role: str


def with_sessions(
    pages: Starlette,
    part: str,
    words: Words,
    *,
    stage: Stage,
    data: Path,
    clock: TimeMachine,
    policy: Policy,
    watching: Callable[[Store], Any] = lambda store: store,
) -> tuple[Application, Layer]:
    """Give pages a session of their own, with a cookie of its own name: ports and paths would not keep them apart."""
    same_site = "None" if stage.sites.cross_site and part == "auth" else "Lax"
    cookie = Cookie(name=f"__Host-{part}", same_site=same_site)
    journal = Journal(part, stage.trace)
    store = watching(SqliteStore(data / f"{part}-sessions.sqlite3"))
    sessions = SessionMiddleware(pages, store, policy=policy, cookie=cookie, clock=clock, listener=journal)
    layer = Layer(
        part=part,
        title=words.title,
        short=words.short,
        role=words.role,
        cookie=cookie.name,
        sessions=sessions.sessions,
        clock=clock,
        journal=journal,
    )
    pages.state.layer = stage.add(layer)
    return sessions, layer


def on_stage(app: Application, part: str, stage: Stage, also: Iterable[str] = ()) -> Application:
    """Put the safe headers and the recorder around a part."""
    return Recorder(SafeHeaders(app, part, stage.sites, also), part, stage.trace, stage.sites)
