"""What waits in a session, a few of each kind: the oldest give way, so that no page fills a session by asking for more.

A session that is full takes nothing more, not even the login that its user is about to make. What was asked silently
(``prompt=none``), as an application's renewals in hidden frames are, takes no room from what a user is at: each gives
way to its like alone. A page that means harm can leave the word out; all that it gains is that a user begins anew.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ..handle import AsyncHandle

MOST: Final = 8  # of one kind at once, and as many silent ones
ROOM: Final = 12_288  # characters for those of one kind
SILENT_ROOM: Final = 4_096  # and for the silent ones


def make_room(handle: AsyncHandle, kind: str, newest: str, *, life: int) -> None:
    """Forget what is older than ``life``, and the oldest beyond what there is room for; the newest entry stays.

    Of those that were asked silently if the newest was (``silent``), of the others if it was not.
    """
    data = handle._row_data
    silent = _is_silent(data[newest])
    others = [key for key in data if key.startswith(kind) and key != newest and _is_silent(data[key]) is silent]
    others.sort(key=lambda key: (data[key]["at"], key), reverse=True)
    room = (SILENT_ROOM if silent else ROOM) - _size(newest, data[newest])
    for place, key in enumerate(others, start=2):
        room -= _size(key, data[key])
        if place > MOST or room < 0 or handle.at - data[key]["at"] > life:
            del data[key]


def _is_silent(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("silent"))


def _size(key: str, entry: object) -> int:
    return len(key) + len(json.dumps(entry))
