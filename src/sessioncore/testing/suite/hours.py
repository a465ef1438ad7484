"""The rules of the clock, which goes where it likes."""

from collections.abc import Iterator

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from sessioncore import NEVER
from sessioncore.policy import HOUR, MINUTE, SECOND

from .browsing import Browsers
from .inputs import BROWSERS, NORMAL, PICKS, STRICT
from .reference import Around, Known
from .worth import SID


class Hours(Browsers):
    """Move the clock, in either direction."""

    @rule(span=st.sampled_from([1, SECOND, 15 * SECOND, MINUTE, 9 * MINUTE, HOUR, -1, -MINUTE, -HOUR, -5 * HOUR]))
    def let_time_pass(self, span: int) -> None:
        """Move the clock, in either direction."""
        self._set_clock(self.driver.clock() + span)

    @precondition(lambda self: self.model.sessions)
    @rule(pick=PICKS, which=st.integers(0, 3), off=st.sampled_from([-1, 0, 0, 1]))
    def come_to_a_limit(self, pick: int, which: int, off: int) -> None:
        """Move the clock to a limit of a session, give or take a millisecond."""
        self._set_clock(self._limit(self._known(pick), which, off))

    @rule(browser=BROWSERS, which=st.integers(0, 3), off=st.sampled_from([-1, 0, 0, 1]))
    def live_until_a_limit(self, browser: int, which: int, off: int) -> None:
        """Use a session until it comes to one of its limits, and once more."""
        s = self.model.sessions.get(self.jars[browser].token[:SID])
        if s is not None and self.model.why_dead(s) is None:
            limit = self._limit(s, which, off)
            while (pause := self.model.idle_until(s).lo - 1) < limit and pause > self.driver.clock():
                self._set_clock(pause)
                self.browse(browser)
            self._set_clock(self._limit(s, which, off))
            self.browse(browser)

    # -- behind them ---------------------------------------------------------------------------------------

    def _limit(self, s: Known, which: int, off: int) -> int:
        upstream = Around(s.not_after, s.not_after) if s.not_after < NEVER else None
        limits = [self.model.idle_until(s), self.model.lives_until(s), self.model.mfa_until(s), upstream]
        limit = limits[which] or limits[0]
        assert limit is not None
        return (limit.lo if off < 0 else limit.hi) + off

    def _set_clock(self, at: int) -> None:
        """Set the clock, but let it never rest where a throttled touch makes the answer uncertain."""
        zones = list(self._zones())
        while (zone := next((zone for zone in zones if zone.lo <= at < zone.hi), None)) is not None:
            at = zone.hi
        self.driver.clock.at = at

    def _zones(self) -> Iterator[Around]:
        views = [p.expected.view for p in self.pending if p.expected.view is not None]
        for s in (*self.model.sessions.values(), *views):
            for limits in (
                s.limits,
                *(limits for p in (NORMAL, STRICT) for limits in (p.guest, p.login, p.remembered)),
            ):
                yield s.seen.after(limits.idle)
                yield s.since.after(limits.lifetime)
            for policy in (NORMAL, STRICT) if s.mfa_at else ():
                assert s.mfa_at is not None
                yield s.mfa_at.after(policy.mfa_lifetime)
