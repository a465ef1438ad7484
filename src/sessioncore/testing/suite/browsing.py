"""The rules of browsers: requests one after the other, slow ones, and races."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from .inputs import BROWSERS, KEEPING, LOGINS, MEDLEYS, PICKS, RACERS, REQUESTS, SECOND_FACTORS, WRITES
from .playing import Play
from .script import Verb
from .worth import SID


class Browsers(Play):
    """Let browsers ask for what they like."""

    @rule(browser=BROWSERS)
    def browse(self, browser: int) -> None:
        """Look at a page."""
        self._ask(browser, ())

    @rule(browser=BROWSERS)
    def poll(self, browser: int) -> None:
        """Look at a page without counting as use."""
        self._ask(browser, (("passive",),))

    @rule(browser=BROWSERS, verbs=WRITES)
    def write(self, browser: int, verbs: tuple[Verb, ...]) -> None:
        """Store something."""
        self._ask(browser, verbs)

    @rule(browser=BROWSERS, verbs=LOGINS)
    def log_in(self, browser: int, verbs: tuple[Verb, ...]) -> None:
        """Log in."""
        self._ask(browser, verbs)

    @rule(browser=BROWSERS, method=SECOND_FACTORS)
    def satisfy_mfa(self, browser: int, method: str) -> None:
        """Prove a second factor, of the right kind or not."""
        self._ask(browser, (("satisfy_mfa", method),))

    @rule(browser=BROWSERS)
    def reauthenticate(self, browser: int) -> None:
        """Prove the first factor again."""
        self._ask(browser, (("reauthenticate", "pwd"),))

    @rule(browser=BROWSERS)
    def log_out(self, browser: int) -> None:
        """Log out."""
        self._ask(browser, (("log_out",),))

    @rule(browser=BROWSERS, verb=KEEPING)
    def keep_only_own(self, browser: int, verb: Verb) -> None:
        """Change the password, or end all others."""
        self._ask(browser, (verb,))

    @rule(browser=BROWSERS, verbs=REQUESTS)
    def do_several_things(self, browser: int, verbs: tuple[Verb, ...]) -> None:
        """Do several things in one request."""
        self._ask(browser, verbs)

    @precondition(lambda self: self.driver.web)
    @rule(browser=BROWSERS, verbs=MEDLEYS)
    def fail(self, browser: int, verbs: tuple[Verb, ...]) -> None:
        """Do several things and answer with a server error: only logging out is done."""
        self._ask(browser, (*verbs, ("fail",)))

    @precondition(lambda self: self.tokens)
    @rule(pick=PICKS, verbs=REQUESTS)
    def replay(self, pick: int, verbs: tuple[Verb, ...]) -> None:
        """Send any cookie that was ever issued."""
        self._serve(None, self.tokens[pick % len(self.tokens)], verbs)

    @rule(pick=PICKS, verbs=MEDLEYS)
    def forge(self, pick: int, verbs: tuple[Verb, ...]) -> None:
        """Send a cookie that was never issued: malformed, unknown, or a known selector with another secret."""
        known = self.tokens[pick % len(self.tokens)] if self.tokens else "A" * 65
        forged = ["x", "A" * 65, known[:SID] + "A" * 43, "B" * SID + known[SID:], known + "A"]
        self._serve(None, forged[pick % len(forged)], verbs)

    @precondition(lambda self: len(self.pending) < 3)
    @rule(browser=BROWSERS, verbs=REQUESTS, where=st.integers(0, 4))
    def begin_slow_request(self, browser: int, verbs: tuple[Verb, ...], where: int) -> None:
        """Begin a request that others overtake, before or after it acts."""
        where = min(where, len(verbs))
        self.tally.overlaps += 1
        self._ask(browser, (*verbs[:where], ("hold",), *verbs[where:]))

    @precondition(lambda self: self.pending)
    @rule(pick=PICKS)
    def finish_slow_request(self, pick: int) -> None:
        """Let a slow request commit and answer."""
        self._go_on(self.pending.pop(pick % len(self.pending)))

    @precondition(lambda self: self.driver.nests)
    @rule(browser=BROWSERS, verbs=RACERS, other=BROWSERS, others=RACERS)
    def race(self, browser: int, verbs: tuple[Verb, ...], other: int, others: tuple[Verb, ...]) -> None:
        """Let another request in between a request's load of the row and its swap."""
        self.tally.overlaps += 1
        self._ask(browser, (*verbs, ("hold",)))
        self.driver.store.interrupt = lambda: self._ask(other, others)
        self._go_on(self.pending.pop())
        self.driver.store.let_in()
