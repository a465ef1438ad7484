"""Which application may learn what about whom: asked once, kept until it is taken back."""

from collections.abc import Sequence

from ..common.database import Database


class Consents:
    """Keep what customers allowed to applications."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, account: str, client: str, scopes: Sequence[str]) -> None:
        """Record that this customer allows these scopes."""
        for scope in scopes:
            self._database.changed(
                "INSERT INTO consents VALUES (?, ?, ?) ON CONFLICT DO NOTHING", account, client, scope
            )

    def given(self, account: str, client: str, scopes: Sequence[str]) -> bool:
        """Tell whether all of these are allowed."""
        rows = self._database.rows("SELECT scope FROM consents WHERE account = ? AND client = ?", account, client)
        return {scope for (scope,) in rows} >= set(scopes)
