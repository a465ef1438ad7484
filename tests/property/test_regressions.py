"""What the suite once found, as explicit examples."""

from collections.abc import Callable

import pytest
from tests.property.searching import LOG_IN, walked, wsgi_driver

from sessioncore import NEVER, Policy, Reason
from sessioncore.policy import MINUTE
from sessioncore.testing.clock import START
from sessioncore.testing.suite.core_driver import CoreDriver
from sessioncore.testing.suite.driver import Driver
from sessioncore.testing.suite.machine import NORMAL, machine_for
from sessioncore.testing.suite.script import Request, Verb
from sessioncore.testing.suite.shell_driver import ShellDriver
from sessioncore_io.memory import MemoryStore


def memory_driver(policy: Policy) -> ShellDriver:
    """Drive the shell over the memory store."""
    return ShellDriver(MemoryStore(), policy)


def test_a_session_that_ended_before_it_was_stored_sets_no_cookie() -> None:
    """A request that begins a session and lasts longer than that may be idle gives the browser nothing."""
    driver = memory_driver(NORMAL)
    stream = driver.serve(Request("", (("record", "a"), ("hold",))))
    held = next(stream)
    driver.clock.advance(NORMAL.guest.idle)
    answer = next(stream)
    driver.close()

    assert held is None
    assert answer is not None
    assert answer.cookie is None


def test_a_write_after_its_session_ended_is_dropped_and_the_page_is_served() -> None:
    """A slow request outlives its session: no conflict, no new session, no cookie."""
    suite = machine_for(memory_driver)()
    suite.write(browser=0, verbs=(("set", "theme", 1),))
    suite.begin_slow_request(browser=0, verbs=(("set", "theme", 2),), where=1)
    suite.come_to_a_limit(pick=0, which=0, off=0)
    suite.finish_slow_request(pick=0)
    suite.hold_every_invariant()
    suite.teardown()


def test_a_login_after_the_clock_went_back_is_bound_by_the_latest_use() -> None:
    """The clock goes back behind a login's upstream bound that the session has outlived: it is over, not evicted."""
    bound = START + 5 * MINUTE
    suite = machine_for(memory_driver)()
    suite.write(browser=0, verbs=(("set", "theme", 1),))
    suite.let_time_pass(span=9 * MINUTE)
    suite.browse(browser=0)
    suite.let_time_pass(span=-9 * MINUTE)
    suite.log_in(browser=0, verbs=(("attempt", "alice"), ("log_in", ["pwd"], False, "authenticated", bound)))
    suite.hold_every_invariant()
    suite.browse(browser=0)
    suite.hold_every_invariant()
    (row,) = suite.driver.store.rows.values()
    suite.teardown()

    assert row.reason is Reason.UPSTREAM


def test_a_limit_lowered_before_the_clock_goes_back_ends_what_was_used_past_it() -> None:
    """What was used past today's lifetime stays over, whatever the clock says later."""
    suite = machine_for(memory_driver)()
    suite.log_in(browser=0, verbs=(("attempt", "alice"), ("log_in", ["pwd"], False, "authenticated", NEVER)))
    suite.let_time_pass(span=12 * MINUTE)
    suite.browse(browser=0)
    suite.let_time_pass(span=12 * MINUTE)
    suite.browse(browser=0)
    suite.change_policy()
    suite.let_time_pass(span=-12 * MINUTE)
    suite.browse(browser=0)
    suite.hold_every_invariant()
    (row,) = suite.driver.store.rows.values()
    suite.teardown()

    assert row.reason is Reason.LIFETIME


def test_a_login_in_the_last_millisecond_of_its_session_goes_on_with_it() -> None:
    """To count as the newest a login is dated a little later, but never past the end of its own session."""
    bound = START + 5 * MINUTE
    suite = machine_for(memory_driver)()
    for not_after in (bound, bound, NEVER):
        verbs = (("attempt", "alice"), ("log_in", ["pwd"], False, "authenticated", not_after))
        suite.log_in(browser=0, verbs=verbs)
        suite.come_to_a_limit(pick=0, which=3, off=-1)
        suite.hold_every_invariant()
    rows = suite.driver.store.rows
    suite.teardown()

    assert len(rows) == 1


LOG_IN_AS_ALICE: tuple[Verb, ...] = (("attempt", "alice"), ("log_in", ["pwd"], False, "authenticated", NEVER))
LOG_IN_AS_BOB: tuple[Verb, ...] = (("attempt", "bob"), *LOG_IN_AS_ALICE[1:])
LOG_OUT: tuple[Verb, ...] = (("log_out",),)


@pytest.mark.parametrize("build", [CoreDriver, memory_driver, wsgi_driver])
@pytest.mark.parametrize("other", [LOG_OUT, LOG_IN_AS_BOB])
def test_a_logout_from_a_session_that_the_browser_never_held_leaves_its_cookie_alone(
    build: Callable[[Policy], Driver], other: tuple[Verb, ...]
) -> None:
    """A login whose session was ended beside it begins another, and the logout after it ends that one.

    The browser may hold the cookie of a newer login by then, and clearing goes by the cookie's name.
    """
    verbs = (*LOG_IN_AS_ALICE, *LOG_OUT)
    raced = ("race", {"browser": 0, "verbs": verbs, "other": 0, "others": other})

    assert walked(build, LOG_IN, raced) == "nothing"


@pytest.mark.parametrize("build", [CoreDriver, memory_driver, wsgi_driver])
def test_the_model_knows_that_a_login_leaves_a_session_that_became_somebodys_meanwhile(
    build: Callable[[Policy], Driver],
) -> None:
    """Bob logged in with the guest's session first: Alice's login, and her logout, are of another one."""
    verbs = (*LOG_IN_AS_ALICE, *LOG_OUT)
    raced = ("race", {"browser": 0, "verbs": verbs, "other": 0, "others": LOG_IN_AS_BOB})

    assert walked(build, ("write", {"browser": 0, "verbs": (("set", "theme", 1),)}), raced) == "nothing"
