"""What to do with notices: tell them to several listeners, and write the log's records as lines of JSON."""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from sessioncore import InvalidSetting, Notice

from .world import Listener, check_not_awaited, log_notice, tell


def several(*listeners: Listener) -> Listener:
    """Tell each of these listeners, in this order; one that fails keeps no other from hearing."""
    for listener in listeners:
        if not callable(listener):
            raise InvalidSetting("listener", listener, "pass functions that take a Notice")
        check_not_awaited(listener)

    def all_of_them(notice: Notice) -> None:
        for listener in listeners:
            tell(listener, notice)

    return all_of_them


_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Format any log record as one line of JSON: time, level, logger, message, and the fields passed by ``extra``.

    Of a notice those are ``what``, ``at``, and of ``sid``, ``subject``, ``reason``, ``created_at`` and ``attempts``
    what it tells. ``time`` is that of the record; ``at`` is that of the shell's clock, in milliseconds.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write the record in one line, whatever its texts hold."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _EVERY_RECORD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


__all__ = ["JsonLines", "log_notice", "several"]
