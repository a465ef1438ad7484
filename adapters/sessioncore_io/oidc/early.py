"""A provider's logout that comes before the login it means: both are remembered, so that one of them sees the other.

A login stores its session and then looks for a logout; a logout is remembered and then looks for sessions. Whichever
order the two take, one of them finds the other.

The store's ``mark`` tells whether a name is new, and by asking takes it: a login that asked would itself look like a
logout to the next login by the same provider's session. So names are numbered. A login asks for the first free number
from as many on as the provider's session has other rows here, and takes it. A logout takes the next few from there on
at once. A login that finds them all taken has come too late. Ended rows count too until they are purged, and a login's
number is forgotten no later than its row: numbers are not met twice.
"""

from hashlib import sha256
from typing import Final

from ..shell import AsyncSessions
from .grants import marked
from .settings import settled

TABS: Final = 4  # logins by one provider's session that may be under way when its logout comes
MEMORY: Final = 3_600_000  # milliseconds: as long as a login may take


async def remember(sessions: AsyncSessions, issuer: str, sid: str) -> None:
    """Remember that this provider's session is over, before looking for the sessions that it ends."""
    known = len(await settled(sessions.store.of_upstream(issuer, sid)))
    for number in reversed(range(known, known + TABS)):
        await marked(sessions, _name(issuer, sid, number), sessions.clock() + MEMORY)


async def came_too_late(sessions: AsyncSessions, issuer: str, sid: str) -> bool:
    """Tell, after a login was stored, whether the provider's session was over before."""
    others = len(await settled(sessions.store.of_upstream(issuer, sid))) - 1
    for number in range(max(others, 0), max(others, 0) + TABS):
        if await marked(sessions, _name(issuer, sid, number), sessions.clock()):
            return False
    return True


def _name(issuer: str, sid: str, number: int) -> str:
    return f"oidc over {sha256(f'{len(issuer)} {issuer}{sid}'.encode()).hexdigest()} {number}"
