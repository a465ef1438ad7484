"""Keep sessions in a SQLite file, the embedded default: ``SqliteStore``."""

from .store import SqliteStore

__all__ = ["SqliteStore"]
