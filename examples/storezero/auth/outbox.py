"""Mail that never leaves the house: a page shows it."""

from attrs import frozen

from ..common.database import Database


@frozen(kw_only=True)
class Mail:
    """Hold one message."""

    recipient: str
    subject: str
    body: str
    link: str
    sent_at: int


class Outbox:
    """Keep what a real shop would send."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def send(self, recipient: str, subject: str, body: str, at: int, link: str = "") -> None:
        """Write a message."""
        insert = "INSERT INTO mails (recipient, subject, body, link, sent_at) VALUES (?, ?, ?, ?, ?)"
        self._database.changed(insert, recipient, subject, body, link, at)

    def newest(self, most: int = 20) -> list[Mail]:
        """List the newest messages."""
        rows = self._database.rows(
            "SELECT recipient, subject, body, link, sent_at FROM mails ORDER BY id DESC LIMIT ?", most
        )
        return [Mail(recipient=to, subject=s, body=b, link=link, sent_at=at) for to, s, b, link, at in rows]
