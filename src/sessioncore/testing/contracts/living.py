"""People, browsers and a clock do what they like; beside them, the few lines that say who may be signed in."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any, Final

from attrs import define
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from .differential import PHASES
from .driving import Application, Visitor

BROWSERS: Final = st.integers(0, 2)
USERS: Final = st.sampled_from(["alice", "bob"])
SPANS: Final = st.sampled_from([0.2, 0.5, 0.9, 1.0, 1.5])
START: Final = timedelta(0)
TICK: Final = timedelta(milliseconds=1)  # nobody logs in twice at one instant

_families: Final[Iterator[int]] = count(1)

# Passwords are never used twice, from one example to the next either.
_passwords: Final[Iterator[int]] = count(1)


@define
class Login:
    """Hold what the model knows of one session.

    Cookies of one ``family`` were copied from each other before somebody logged in with one of them. A logout with
    an older one may end the newer session, or not: both are right.
    """

    user: str
    since: timedelta
    seen: timedelta
    family: int
    ended: bool = False
    doubtful: bool = False


class People(RuleBasedStateMachine):
    """Let three browsers loose on an application, and compare whom it takes them for."""

    def __init__(self, application: Application) -> None:
        super().__init__()
        self.application = application
        self.now = START
        application.advance(application.lifetime)  # nothing of an earlier example is left
        self.browsers: list[tuple[Visitor, Login | None]] = [(application.visitor(), None) for _ in range(3)]
        self.passwords = {user: self.reset_to_new(user) for user in ("alice", "bob")}
        self.families = [next(_families) for _ in range(3)]
        self.thieves: list[tuple[Visitor, Login]] = []
        self.story: list[str] = []

    def reset_to_new(self, user: str) -> str:
        """Reset a password to one that was never used."""
        password = f"password {next(_passwords)} of {user}"
        self.application.reset_password(user, password)
        return password

    def expect(self, what: str, actual: Any, *expected: Any) -> Any:
        """Compare, and tell the story if it went wrong."""
        self.story.append(f"  {what} -> {actual}")
        if actual not in expected:
            awaited = " or ".join(map(repr, expected))
            raise AssertionError("\n".join([f"{what} gave {actual!r}, not {awaited}; what happened:", *self.story]))
        return actual

    def may_be(self, login: Login | None) -> tuple[str | None, ...]:
        """Say whom the application may take the holder of this session for; near the idle limit it may choose."""
        if login is None or login.ended or self.now - login.since >= self.application.lifetime:
            return (None,)
        unseen = self.now - login.seen
        if unseen >= self.application.idle:
            return (None,)
        sure = unseen < self.application.idle - self.application.slack and not login.doubtful
        return (login.user,) if sure else (login.user, None)

    @initialize()
    def begin(self) -> None:
        """Begin with two browsers of one user and one of another."""
        for browser, user in enumerate(("alice", "alice", "bob")):
            self.log_in_as(browser, user)

    @rule(browser=BROWSERS)
    def use(self, browser: int) -> None:
        """Use a page."""
        self.act(browser)

    def act(self, browser: int) -> None:
        """Use a page, and see for whom the application takes the visitor."""
        visitor, login = self.browsers[browser]
        user = self.expect(f"browser {browser} acts", visitor.act(), *self.may_be(login))
        if login is not None:
            login.seen, login.ended, login.doubtful = self.now, user is None, False

    def everybody_acts(self) -> None:
        """See at once what an event did to every browser, and to the cookies of sessions that have ended."""
        for browser in range(len(self.browsers)):
            self.act(browser)
        for thief, login in self.thieves:
            if login.ended:
                self.expect(f"a thief with a cookie of {login.user}'s ended session acts", thief.act(), None)

    @rule(browser=BROWSERS, user=USERS)
    def log_in(self, browser: int, user: str) -> None:
        """Log in, whoever was signed in before."""
        self.log_in_as(browser, user)
        self.everybody_acts()

    def log_in_as(self, browser: int, user: str) -> None:
        """Log in, and copy the cookie."""
        self.pass_by(TICK)
        visitor, login = self.browsers[browser]
        self.expect(f"browser {browser} logs in as {user}", visitor.log_in(user, self.passwords[user]), True)
        if login is not None:
            login.ended = True
        begun = Login(user, self.now, self.now, self.families[browser])
        self.browsers[browser] = (visitor, begun)
        self.thieves = [*self.thieves[-5:], (visitor.copy(), begun)]

    @rule(browser=BROWSERS)
    def log_out(self, browser: int) -> None:
        """Log out, signed in or not."""
        visitor, login = self.browsers[browser]
        self.expect(f"browser {browser} logs out", visitor.log_out(), True)
        if login is not None:
            login.ended = True
        for _, other in self.browsers:
            if other is not None and other.family == self.families[browser]:
                other.doubtful = True
        self.families[browser] = next(_families)
        self.everybody_acts()

    @rule(browser=BROWSERS, step=st.integers(1, 2))
    def copy(self, browser: int, step: int) -> None:
        """Copy the cookies of one browser into another."""
        thief = (browser + step) % len(self.browsers)
        visitor, login = self.browsers[browser]
        self.story.append(f"  browser {thief} gets the cookies of browser {browser}")
        self.browsers[thief] = (visitor.copy(), login)
        self.families[thief] = self.families[browser]

    @rule(user=USERS)
    def reset(self, user: str) -> None:
        """Reset a password."""
        self.story.append(f"  {user}'s password is reset")
        self.passwords[user] = self.reset_to_new(user)
        for _, login in self.browsers:
            if login is not None and login.user == user:
                login.ended = True
        self.everybody_acts()

    @rule(share=SPANS)
    def wait(self, share: float) -> None:
        """Let a part of the idle limit pass."""
        span = self.application.idle * share
        self.story.append(f"  {span} pass")
        self.pass_by(span)

    def pass_by(self, span: timedelta) -> None:
        """Let time pass."""
        self.application.advance(span)
        self.now += span


class Living:
    """Compare an application with the model under whatever people do."""

    examples = 100

    def test_whatever_people_do_in_whatever_order_nobody_is_signed_in_who_should_not_be(
        self, application: Application
    ) -> None:
        run_state_machine_as_test(
            lambda: People(application),  # type: ignore[arg-type]
            settings=settings(max_examples=self.examples, stateful_step_count=20, deadline=None, phases=PHASES),
        )
