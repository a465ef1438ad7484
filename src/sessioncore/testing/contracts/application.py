"""The contract of an application's sessions: subclass it with one fixture, and each promise is a test.

class TestMyApplication(SessionContract):
    @pytest.fixture
    def application(self):
        return MyDriver()             # see ``driving``: an application with the users ``alice`` and ``bob``
"""

from datetime import timedelta

from .driving import Application, Visitor
from .living import Living
from .told import told

TICK = timedelta(milliseconds=1)
ALICE, BOB = ("alice", "alice's first password"), ("bob", "bob's first password")
NEW = "the second password"


def signed_in(application: Application, user: tuple[str, str] = ALICE) -> Visitor:
    """Give a visitor who has just logged in."""
    visitor = application.visitor()

    assert visitor.log_in(*user), f"{user[0]} can log in"
    return visitor


def use_until(application: Application, visitor: Visitor, span: timedelta) -> None:
    """Use the session all along, twice an idle limit, until so much later."""
    stride, left = application.idle / 2, span
    while left > stride:
        application.advance(stride)
        visitor.act()
        left -= stride
    application.advance(left)


@told
class LifetimePromises:
    """How long a session lasts: neither longer nor shorter than promised."""

    def test_a_visitor_who_has_not_logged_in_is_nobody(self, application: Application) -> None:
        assert application.visitor().act() is None

    def test_a_session_lasts_up_to_its_idle_limit(self, application: Application) -> None:
        visitor = signed_in(application)
        application.advance(application.idle - application.slack - TICK)

        assert visitor.act() == "alice"

    def test_a_session_that_is_not_used_ends_at_its_idle_limit(self, application: Application) -> None:
        visitor = signed_in(application)
        application.advance(application.idle)

        assert visitor.act() is None

    def test_use_keeps_a_session_alive(self, application: Application) -> None:
        visitor = signed_in(application)
        use_until(application, visitor, min(application.idle * 2, application.lifetime - TICK))

        assert visitor.act() == "alice"

    def test_a_session_that_is_used_lasts_up_to_its_lifetime(self, application: Application) -> None:
        visitor = signed_in(application)
        use_until(application, visitor, application.lifetime - TICK)

        assert visitor.act() == "alice"

    def test_no_use_keeps_a_session_alive_beyond_its_lifetime(self, application: Application) -> None:
        visitor = signed_in(application)
        use_until(application, visitor, application.lifetime)

        assert visitor.act() is None

    def test_a_session_that_was_seen_to_end_stays_ended_when_the_clock_goes_back(
        self, application: Application
    ) -> None:
        visitor = signed_in(application)
        application.advance(application.idle)
        visitor.act()
        application.advance(-application.idle)

        assert visitor.act() is None

    def test_a_request_during_which_the_session_expires_does_not_prolong_it(self, application: Application) -> None:
        visitor = signed_in(application)
        visitor.act(during=lambda: application.advance(application.idle))

        assert visitor.act() is None

    def test_a_login_begins_a_whole_new_lifetime(self, application: Application) -> None:
        visitor = signed_in(application)
        application.advance(application.lifetime)

        assert visitor.log_in(*ALICE)
        use_until(application, visitor, application.lifetime - TICK)
        assert visitor.act() == "alice"


@told
class LoginPromises:
    """Whom a login lets in, and which cookies it makes worthless."""

    def test_who_logs_in_is_taken_for_that_user(self, application: Application) -> None:
        assert signed_in(application, ALICE).act() == "alice"
        assert signed_in(application, BOB).act() == "bob"

    def test_a_wrong_password_lets_nobody_in(self, application: Application) -> None:
        visitor = application.visitor()

        assert not visitor.log_in("alice", BOB[1])
        assert not visitor.log_in("nobody", ALICE[1])
        assert visitor.act() is None

    def test_a_cookie_from_before_the_login_opens_nothing(self, application: Application) -> None:
        """Session fixation (OWASP ASVS 5.0, 7.2.4)."""
        visitor = application.visitor()
        visitor.act()
        thief = visitor.copy()

        assert visitor.log_in(*ALICE)
        assert thief.act() is None

    def test_a_cookie_of_an_ended_session_is_not_adopted_by_a_login(self, application: Application) -> None:
        visitor = signed_in(application)
        planted = visitor.copy()
        visitor.log_out()
        victim = planted.copy()

        assert victim.log_in(*BOB)
        assert planted.act() is None

    def test_logging_in_again_makes_the_former_cookie_worthless(self, application: Application) -> None:
        visitor = signed_in(application)
        thief = visitor.copy()

        assert visitor.log_in(*ALICE)
        assert (visitor.act(), thief.act()) == ("alice", None)

    def test_logging_in_as_another_user_ends_the_session_of_the_first(self, application: Application) -> None:
        visitor = signed_in(application, ALICE)
        thief = visitor.copy()

        assert visitor.log_in(*BOB)
        assert (visitor.act(), thief.act()) == ("bob", None)


@told
class LogoutPromises:
    """A session that was logged out is over, whoever holds its cookie and whatever was under way."""

    def test_who_logs_out_is_nobody(self, application: Application) -> None:
        visitor = signed_in(application)

        assert visitor.log_out()
        assert visitor.act() is None

    def test_a_cookie_from_before_the_logout_opens_nothing(self, application: Application) -> None:
        visitor = signed_in(application)
        thief = visitor.copy()

        assert visitor.log_out()
        assert thief.act() is None

    def test_a_slow_request_does_not_bring_a_logged_out_session_back(self, application: Application) -> None:
        visitor = signed_in(application)
        tab, thief = visitor.copy(), visitor.copy()
        visitor.act(during=tab.log_out)

        assert (visitor.act(), tab.act(), thief.act()) == (None, None, None)

    def test_logging_out_twice_is_no_error(self, application: Application) -> None:
        visitor = signed_in(application)
        tab = visitor.copy()

        assert visitor.log_out()
        assert visitor.log_out()
        assert tab.log_out()

    def test_logging_out_in_one_browser_leaves_the_others_signed_in(self, application: Application) -> None:
        visitor, phone, other = signed_in(application), signed_in(application), signed_in(application, BOB)

        assert visitor.log_out()
        assert (visitor.act(), phone.act(), other.act()) == (None, "alice", "bob")

    def test_a_login_after_a_logout_does_not_bring_the_former_session_back(self, application: Application) -> None:
        visitor = signed_in(application)
        thief = visitor.copy()

        assert visitor.log_out()
        assert visitor.log_in(*ALICE)
        assert (visitor.act(), thief.act()) == ("alice", None)


@told
class PasswordPromises:
    """A new password ends what the old one opened."""

    def test_a_reset_makes_the_new_password_the_only_one(self, application: Application) -> None:
        application.reset_password("alice", NEW)
        visitor = application.visitor()

        assert not visitor.log_in(*ALICE)
        assert visitor.log_in("alice", NEW)
        assert visitor.act() == "alice"

    def test_a_reset_ends_the_users_sessions_in_every_browser(self, application: Application) -> None:
        visitors = [signed_in(application) for _ in range(3)]
        application.reset_password("alice", NEW)

        assert [visitor.act() for visitor in visitors] == [None, None, None]

    def test_a_reset_leaves_other_users_signed_in(self, application: Application) -> None:
        other = signed_in(application, BOB)
        application.reset_password("alice", NEW)

        assert other.act() == "bob"

    def test_a_login_with_the_new_password_brings_no_former_session_back(self, application: Application) -> None:
        thief = signed_in(application)
        application.reset_password("alice", NEW)

        assert application.visitor().log_in("alice", NEW)
        assert thief.act() is None

    def test_a_slow_request_does_not_outlive_a_reset(self, application: Application) -> None:
        visitor = signed_in(application)
        visitor.act(during=lambda: application.reset_password("alice", NEW))

        assert visitor.act() is None

    def test_a_login_whose_password_was_checked_before_a_reset_does_not_outlive_it(
        self, application: Application
    ) -> None:
        signed_in(application)
        visitor = application.visitor()
        visitor.log_in(*ALICE, during=lambda: application.reset_password("alice", NEW))

        assert visitor.act() is None

    def test_a_change_of_password_keeps_the_browser_that_made_it(self, application: Application) -> None:
        visitor = signed_in(application)

        assert visitor.change_password(ALICE[1], NEW)
        assert visitor.act() == "alice"
        assert not application.visitor().log_in(*ALICE)
        assert application.visitor().log_in("alice", NEW)

    def test_a_change_of_password_ends_the_users_other_sessions(self, application: Application) -> None:
        visitor, phone, other = signed_in(application), signed_in(application), signed_in(application, BOB)

        assert visitor.change_password(ALICE[1], NEW)
        assert (phone.act(), other.act()) == (None, "bob")

    def test_a_change_of_password_makes_the_former_cookie_worthless(self, application: Application) -> None:
        visitor = signed_in(application)
        thief = visitor.copy()

        assert visitor.change_password(ALICE[1], NEW)
        assert (visitor.act(), thief.act()) == ("alice", None)

    def test_a_change_with_a_wrong_old_password_changes_nothing(self, application: Application) -> None:
        visitor, phone = signed_in(application), signed_in(application)

        assert not visitor.change_password(BOB[1], NEW)
        assert (visitor.act(), phone.act()) == ("alice", "alice")
        assert application.visitor().log_in(*ALICE)


class SessionContract(LifetimePromises, LoginPromises, LogoutPromises, PasswordPromises, Living):
    """Test an application: subclass it, and give a driver of it as the fixture ``application``.

    The application has the users ``alice`` and ``bob``, pairs of a name and a password.
    """

    alice = ALICE
    bob = BOB
