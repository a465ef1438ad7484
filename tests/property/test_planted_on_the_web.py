"""Bugs that only a response shows: the suite, run against WSGI, names the invariant."""

from typing import Any

import pytest
from tests.property.searching import walked, wsgi_driver
from tests.property.walks import WALKS

from sessioncore import (
    Refused,
)
from sessioncore.flows import Standing
from sessioncore_io import CLEAR, answers, wsgi
from sessioncore_io.handle import opens_nothing


def test_a_cookie_cleared_by_a_stale_answer_breaks_set_cookie_discipline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds a session ended clears the cookie by its name."""
    true = answers.with_cookie

    def with_cookie(headers: Any, handle: Any, cookie: Any) -> Any:
        stale = handle._standing is Standing.ENDED and handle.order is None
        dirty = [("set-cookie", cookie.write(CLEAR, None, 0))] if stale else []
        return [*true(headers, handle, cookie), *dirty]

    monkeypatch.setattr(wsgi, "with_cookie", with_cookie)

    assert walked(wsgi_driver, *WALKS["a cookie cleared by a stale answer"]) == "SetCookieDiscipline"


def test_a_commit_whose_failure_is_hidden_breaks_commit_before_respond(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says welcome, and nothing is stored."""
    true = wsgi._Response._committed

    def committed(self: Any, status: str) -> Any:
        error = true(self, status)
        return None if isinstance(error, Refused) else error

    monkeypatch.setattr(wsgi._Response, "_committed", committed)

    assert walked(wsgi_driver, *WALKS["a commit whose failure is hidden"]) == "CommitBeforeRespond"


def test_a_store_that_is_down_taken_for_an_empty_one_breaks_fail_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is served as to a visitor without a session."""

    def anonymous(kind: Any, shell: Any, *_: object) -> Any:
        return opens_nothing(kind, shell)

    monkeypatch.setattr(wsgi, "opens_nothing", anonymous)

    assert walked(wsgi_driver, *WALKS["a store that is down"]) == "FailClosed"
