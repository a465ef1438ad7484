"""Each broken application fails the promise that it breaks, by name."""

from collections.abc import Callable

import pytest
from tests.product import broken_apps as broken
from tests.product.handmade import HandMade

from sessioncore.testing.contracts import SessionContract

BY_NAME = {
    broken.SavesTheBag: "a_slow_request_does_not_bring_a_logged_out_session_back",
    broken.ClearsTheCookieOnly: "a_cookie_from_before_the_logout_opens_nothing",
    broken.ResetsThePasswordOnly: "a_reset_ends_the_users_sessions_in_every_browser",
    broken.ResetsEverybody: "a_reset_leaves_other_users_signed_in",
    broken.KeepsTheToken: "a_cookie_from_before_the_login_opens_nothing",
    broken.AdoptsTokens: "a_cookie_of_an_ended_session_is_not_adopted_by_a_login",
    broken.SlidesForEver: "no_use_keeps_a_session_alive_beyond_its_lifetime",
    broken.NeverIdle: "a_session_that_is_not_used_ends_at_its_idle_limit",
    broken.OneTickLate: "a_session_that_is_not_used_ends_at_its_idle_limit",
    broken.LeavesTooEarly: "a_session_lasts_up_to_its_idle_limit",
    broken.DoesNotSlide: "use_keeps_a_session_alive",
    broken.ComparesWithTheClockOnly: "a_session_that_was_seen_to_end_stays_ended_when_the_clock_goes_back",
    broken.RevivesTheExpired: "a_request_during_which_the_session_expires_does_not_prolong_it",
    broken.BelievesTheOldPassword: "a_login_whose_password_was_checked_before_a_reset_does_not_outlive_it",
    broken.ChecksNoPassword: "a_wrong_password_lets_nobody_in",
    broken.SaysGoodbyeOnly: "who_logs_out_is_nobody",
    broken.LogsOutEverywhere: "logging_out_in_one_browser_leaves_the_others_signed_in",
    broken.FailsTheSecondLogout: "logging_out_twice_is_no_error",
    broken.LeavesTheReplaced: "logging_in_again_makes_the_former_cookie_worthless",
    broken.KeepsTheTokenAtAChange: "a_change_of_password_makes_the_former_cookie_worthless",
    broken.KeepsNobodyAtAChange: "a_change_of_password_keeps_the_browser_that_made_it",
    broken.ChangesWithoutEnding: "a_change_of_password_ends_the_users_other_sessions",
    broken.ChangesForAnybody: "a_change_with_a_wrong_old_password_changes_nothing",
    broken.LowersTheLifetimeByLogin: "a_login_begins_a_whole_new_lifetime",
}
SEEN_AT_RANDOM = (
    broken.ClearsTheCookieOnly,
    broken.ResetsThePasswordOnly,
    broken.NeverIdle,
    broken.LeavesTooEarly,
    broken.LogsOutEverywhere,
)
CONTRACT = SessionContract()
PEOPLE = "whatever_people_do_in_whatever_order_nobody_is_signed_in_who_should_not_be"


@pytest.mark.parametrize(("application", "promise"), BY_NAME.items(), ids=lambda it: getattr(it, "__name__", it))
def test_the_promise_that_an_application_breaks_is_named(application: Callable[[], HandMade], promise: str) -> None:
    with pytest.raises(AssertionError):
        getattr(CONTRACT, f"test_{promise}")(application())


def test_a_broken_promise_says_what_was_done() -> None:
    """Also what was done during a slow request, below it."""
    with pytest.raises(AssertionError) as broke:
        CONTRACT.test_a_slow_request_does_not_bring_a_logged_out_session_back(broken.SavesTheBag())

    assert broke.value.__notes__ == [STORY]


STORY = """\
what was done:
  browser 1 logs in as alice by "alice's first password" -> True
  browser 2 gets the cookies of browser 1
  browser 3 gets the cookies of browser 1
  browser 1 acts -> 'alice'
    browser 2 logs out -> True
  browser 1 acts -> 'alice'
  browser 2 acts -> None
  browser 3 acts -> 'alice'"""


class TestHandMade(SessionContract):
    """Without a mistake, the same application keeps every promise."""

    @pytest.fixture
    def application(self) -> HandMade:
        """Give the application."""
        return HandMade()


@pytest.mark.parametrize("application", SEEN_AT_RANDOM, ids=lambda it: it.__name__)
def test_people_at_random_find_it_too_and_the_story_is_short(application: Callable[[], HandMade]) -> None:
    with pytest.raises(AssertionError, match="; what happened:") as told:
        getattr(CONTRACT, f"test_{PEOPLE}")(application())

    assert len(str(told.value).splitlines()) <= 12


def test_no_promise_is_decoration() -> None:
    """Each sentence of the contract fails for some broken application here, but for those that all keep."""
    unbroken = {"a_visitor_who_has_not_logged_in_is_nobody", "who_logs_in_is_taken_for_that_user"}
    sentences = {name.removeprefix("test_") for name in dir(SessionContract) if name.startswith("test_")} - {PEOPLE}

    assert {sentence for sentence in sentences if not _broken_by_some(sentence)} <= unbroken


def _broken_by_some(sentence: str) -> bool:
    for application in BY_NAME:
        try:
            getattr(CONTRACT, f"test_{sentence}")(application())
        except AssertionError:
            return True
    return False
