"""What this package keeps in a session is no data of the application's: it neither sees nor changes it."""

import pytest

from sessioncore import InvalidSetting, TooLate
from sessioncore.testing import Clock
from sessioncore_io import AsyncHandle, AsyncSessions
from sessioncore_io.memory import MemoryStore

pytestmark = pytest.mark.anyio


@pytest.fixture
async def session(clock: Clock) -> AsyncHandle:
    """Give a session that holds something of each."""
    session = await AsyncSessions(MemoryStore(), clock=clock).open(None)
    session["cart"] = 1
    session["oidc"] = "the application's"
    session._row_data["oidc.kept"] = [1]
    await session.commit()
    return session


async def test_an_application_sees_its_own_data(session: AsyncHandle) -> None:
    assert dict(session) == {"cart": 1, "oidc": "the application's"}
    assert (len(session), "oidc.kept" in session, session.get("oidc.kept")) == (2, False, None)
    assert len(session._row_data) == 3
    with pytest.raises(KeyError):
        session["oidc.kept"]


async def test_an_application_changes_its_own_data(session: AsyncHandle) -> None:
    with pytest.raises(InvalidSetting, match=r"names that begin with 'oidc\.' are this package's own"):
        session["oidc.kept"] = 2
    with pytest.raises(KeyError):
        del session["oidc.kept"]
    session.clear()
    await session.commit()

    assert not session
    assert session.stored is not None
    assert session.stored.data == (("oidc.kept", "[1]"),)


async def test_what_is_kept_can_be_lost_no_more_than_other_data_can(session: AsyncHandle) -> None:
    """A change that no commit can take any more is refused."""
    session.seal()
    with pytest.raises(TooLate):
        session._row_data["oidc.kept"] = 2
    with pytest.raises(TooLate):
        del session._row_data["oidc.kept"]

    assert session._row_data["oidc.kept"] == [1]
