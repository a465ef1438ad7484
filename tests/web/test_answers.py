"""What a response owes the browser and the caches on the way: Vary, no-store, the cookie; and what replaces it."""

from typing import Any, Final

import pytest

from sessioncore import Contention, Refused, SessionError, StoreUnavailable
from sessioncore.testing import Clock
from sessioncore_io import Cookie, Sessions
from sessioncore_io.answers import (
    CONFLICT,
    UNAVAILABLE,
    Answering,
    Headers,
    plain_page,
    replaced,
    replacement,
    unanswered,
    with_cookie,
)
from sessioncore_io.memory import MemoryStore
from sessioncore_io.raw_headers import varying_message

COOKIE: Final = Cookie()


@pytest.fixture
def handle(clock: Clock) -> Any:
    """Give a handle that came with nothing."""
    return Sessions(MemoryStore(), clock=clock).open(None)


def test_who_never_looked_at_the_session_gets_the_applications_own_headers(handle: Any) -> None:
    headers: Headers = [("Cache-Control", "public"), ("Vary", "Accept")]

    assert with_cookie(headers, handle, COOKIE) is headers


def test_who_looked_gets_an_answer_that_varies_and_may_be_kept(handle: Any) -> None:
    assert handle.signed_in is False

    assert with_cookie([("Cache-Control", "private")], handle, COOKIE) == [
        ("Cache-Control", "private"),
        ("vary", "Cookie"),
    ]


@pytest.mark.parametrize("name", ["Cache-Control", "cache-control"])
def test_an_answer_that_sets_a_cookie_is_kept_by_nobody(handle: Any, name: str) -> None:
    handle["cart"] = 1
    handle.commit()
    headers = with_cookie([(name, "public, max-age=60"), ("x-app", "1")], handle, COOKIE)

    assert headers[:-1] == [("x-app", "1"), ("vary", "Cookie"), ("cache-control", "no-store")]
    assert headers[-1][0] == "set-cookie"
    assert headers[-1][1].startswith(f"__Host-session={handle.sid}")


@pytest.mark.parametrize(
    ("values", "merged"),
    [
        (["Accept"], "Accept, Cookie"),
        (["Accept , Origin"], "Accept, Origin, Cookie"),
        (["Accept", "Origin"], "Accept, Origin, Cookie"),
        ([""], "Cookie"),
        (["Cookies"], "Cookies, Cookie"),
    ],
)
def test_an_applications_vary_is_one_header_with_ours(handle: Any, values: list[str], merged: str) -> None:
    assert handle.signed_in is False
    given = [("x-app", "1"), *(("VaRy", value) for value in values)]

    assert with_cookie(given, handle, COOKIE) == [("x-app", "1"), ("vary", merged)]
    raw = {"headers": [(name.lower().encode(), value.encode()) for name, value in given]}
    assert varying_message(raw)["headers"] == [(b"x-app", b"1"), (b"vary", merged.encode())]


@pytest.mark.parametrize("value", ["*", "Accept, *", "cookie", "Accept,COOKIE"])
def test_an_answer_that_varies_by_more_already_is_left_as_it_is(handle: Any, value: str) -> None:
    assert handle.signed_in is False

    assert with_cookie([("Vary", value)], handle, COOKIE) == [("Vary", value)]


def test_a_message_that_is_sent_to_others_too_is_not_changed() -> None:
    message: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"1")]}
    headers = message["headers"]
    answered = varying_message(message)

    assert answered == message | {"headers": [(b"x-app", b"1"), (b"vary", b"Cookie")]}
    assert (message["headers"] is headers, headers) == (True, [(b"x-app", b"1")])
    assert varying_message({"status": 204})["headers"] == [(b"vary", b"Cookie")]


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (None, UNAVAILABLE),
        (StoreUnavailable("away"), UNAVAILABLE),
        (Contention("busy"), CONFLICT),
        (Refused("event", None, "why", None), CONFLICT),
    ],
)
def test_a_store_that_is_away_is_503_and_a_session_that_changed_409(
    error: SessionError | None, answer: tuple[int, str]
) -> None:
    assert replacement(error) is answer
    assert (UNAVAILABLE[0], CONFLICT[0]) == (503, 409)


def test_the_log_is_told_the_texts_of_our_errors_and_the_names_of_others(
    handle: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """In one line: a driver's text may hold what was to be stored."""
    driver, ours = OSError("DETAIL: row (s3cret)"), StoreUnavailable("no server;\n see its log")
    ours.__cause__ = driver
    above = StoreUnavailable("not loaded")
    above.__cause__ = ours

    assert replaced(above, handle) is UNAVAILABLE
    assert [record.getMessage() for record in caplog.records] == [
        "the application's answer was replaced (503): not loaded, caused by: no server; see its log, caused by: OSError"
    ]


@pytest.mark.parametrize(("status", "is_ours"), [(500, True), (499, False), (501, False), (503, False), (200, False)])
def test_only_a_plain_500_is_a_failure_that_nobody_answered(handle: Any, status: int, is_ours: bool) -> None:
    """Another status is what the application made of it."""
    handle._raised = error = StoreUnavailable("away")

    assert unanswered(handle, status) is (error if is_ours else None)


def test_a_replacement_says_how_long_it_is_and_that_nobody_may_keep_it(handle: Any) -> None:
    headers, body = Answering(COOKIE, plain_page).instead(503, "Try again.\n", handle)

    assert body == b"Try again.\n"
    assert headers == [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", "11"),
        ("cache-control", "no-store"),
    ]
