"""A logout that finds its session ended by a password change beside it still wins over that change."""

import pytest

from sessioncore import Refused
from sessioncore.flows import parse_token
from sessioncore.testing import Clock
from sessioncore_io import Sessions
from sessioncore_io.memory import MemoryStore


def test_who_logs_out_of_a_session_whose_end_another_request_has_recorded_is_out(clock: Clock) -> None:
    sessions = Sessions(MemoryStore(), clock=clock, listener=lambda _: None)
    login = sessions.open(None)
    login.log_in(login.attempt("alice"), "pwd")
    login.commit()
    token = parse_token(login.order.text)  # type: ignore[union-attr]
    changing = sessions.open(token)

    def write() -> None:
        sessions.open(token)  # a request that looks records the end which the change brought
        leaving = sessions.open(token)
        leaving.log_out()
        leaving.commit()

    with pytest.raises(Refused):
        changing.password_changed(write)

    assert [one.state for one in sessions.sessions_of("alice")] == []
