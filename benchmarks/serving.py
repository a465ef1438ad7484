"""The application that a real server runs, with the sessions that the environment names or with none."""

import logging
import os
from pathlib import Path
from typing import Any, Final

from sessioncore_io.postgres import AsyncPostgresStore
from sessioncore_io.sqlite import SqliteStore
from sessioncore_io.valkey import AsyncValkeyStore

from .contenders import bare_asgi
from .ours import asgi_app, asgi_reader

STORE: Final = "SESSIONCORE_BENCHMARK_STORE"


def application() -> Any:
    """Make it; nobody's logging is measured."""
    logging.disable(logging.WARNING)
    kind, _, rest = os.environ.get(STORE, "").partition(":")
    match kind:
        case "sqlite":
            return asgi_app(SqliteStore(Path(rest)), asgi_reader)
        case "valkey":
            return asgi_app(AsyncValkeyStore(f"{kind}:{rest}"), asgi_reader)
        case "postgresql":
            return asgi_app(AsyncPostgresStore(f"{kind}:{rest}"), asgi_reader)
    return bare_asgi
