"""What waits in a session, a few of each kind: the oldest give way, so that no page fills a session by asking for more.

A session that is full takes nothing more, not even the login that its user is about to make.
"""

import json
from typing import Final

from ..handle import AsyncHandle

MOST: Final = 8  # of one kind at once
ROOM: Final = 16_384  # characters for those of one kind


def make_room(handle: AsyncHandle, kind: str, newest: str, *, life: int) -> None:
    """Forget what is older than ``life``, and the oldest beyond what there is room for; the newest entry stays."""
    data = handle._row_data
    others = [key for key in data if key.startswith(kind) and key != newest]
    others.sort(key=lambda key: (data[key]["at"], key), reverse=True)
    room = ROOM - _size(newest, data[newest])
    for place, key in enumerate(others, start=2):
        room -= _size(key, data[key])
        if place > MOST or room < 0 or handle.at - data[key]["at"] > life:
            del data[key]


def _size(key: str, entry: object) -> int:
    return len(key) + len(json.dumps(entry))
