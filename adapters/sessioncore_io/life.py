"""The verbs of a login's life that ask nothing of the store: the same in both worlds."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import frozen

from sessioncore import (
    NEVER,
    Attempt,
    Contention,
    InvalidSetting,
    Kind,
    LogIn,
    LoginRequired,
    NotYours,
    Reason,
    Reauthenticate,
    Refused,
    SatisfyMfa,
    Session,
    SessionError,
    State,
    StepUpRequired,
    StoreUnavailable,
)
from sessioncore.events import LONGEST_NAME
from sessioncore.factors import KIND_OF, factors_of, kind_of, names_of

from .checks import (
    check_attempt,
    check_label,
    check_reason,
    check_remember,
    instant_of,
    methods_of,
    span_of,
    upstream_of,
)
from .seen import SeenSession
from .visit import activity_text

# What a verb may raise though the program is right: the store is down, or the session changed meanwhile.
UNCOMMITTED: Final = (Refused, Contention, StoreUnavailable)


@frozen
class Challenge:
    """Say for which session and subject a factor is being asked: a proof for another is refused."""

    sid: str
    subject: str


class SessionHandle(SeenSession):
    """Hold the session of one request: a mapping of JSON values, and the verbs of a login's life.

    Reading anything of it counts as use. Events act at once for this request and are stored before the
    response starts; one that no row of the table allows raises ``Refused`` where it is called.
    """

    _raised: SessionError | None = None

    # -- a login's life ------------------------------------------------------------------------------------

    def log_in(
        self,
        attempt: Attempt,
        method: str | Iterable[str],
        *,
        remember: bool = False,
        needs: State = State.AUTHENTICATED,
        label: str = "",
        upstream: tuple[str, str] = ("", ""),
        not_after: datetime | None = None,
    ) -> None:
        """Sign the attempt's subject in, with the methods that were proved; the session's secret rotates.

        ``needs`` is the state that this user has to reach before ``signed_in`` is True. A guest's data stays;
        a session of another subject ends (``replaced``), and its data with it. Raises ``Refused``.
        """
        check_attempt(attempt)
        check_remember(remember)
        check_label(label)
        needs, upstream = _signed_in_state("needs", needs), upstream_of(upstream)
        (first, methods), (second, mfa_methods) = factors_of(methods_of(method))
        bound = _bound(not_after, self._shell.clock())
        self._flush()
        self._make_way(attempt)
        limits = self._shell.policy.remembered if remember else self._shell.policy.login
        base = self._view or self._begin()
        self._rotate(
            lambda proof: LogIn(
                subject=attempt.subject,
                sid=base.sid,
                epoch=attempt.epoch,
                methods=methods,
                mfa_methods=mfa_methods,
                first=first,
                second=second,
                needs=needs,
                remembered=remember,
                idle=limits.idle,
                lifetime=limits.lifetime,
                not_after=bound,
                upstream=upstream,
                label=_shown(label),
                proof=proof,
                former_proof=base.proof,
            )
        )

    def challenge(self) -> Challenge:
        """Bind a factor that is proved elsewhere, or later, to this session. Raises ``LoginRequired``."""
        session = self._owner()
        return Challenge(session.sid, session.subject)

    def satisfy_mfa(self, method: str, challenge: Challenge | None = None) -> None:
        """Record a proved second factor; the session's secret rotates.

        Raises ``Refused`` if it is of the same kind as the first or was proved for another session, and
        ``LoginRequired`` if nobody is signed in.
        """
        if challenge is not None and not isinstance(challenge, Challenge):
            raise InvalidSetting("challenge", challenge, "pass what session.challenge() returned")
        session, kind = self._owner(), _one_kind(method)
        proved_for = challenge or self.challenge()
        self._flush()
        self._rotate(
            lambda proof: SatisfyMfa(
                subject=proved_for.subject,
                sid=proved_for.sid,
                methods=(method,),
                kind=kind,
                proof=proof,
                former_proof=session.proof,
            )
        )

    def reauthenticate(self, method: str | Iterable[str]) -> None:
        """Record that the subject proved the first factor again; the lifetime starts anew and the secret rotates.

        Raises ``InvalidSetting`` if no method is of the first factor's kind, ``Refused``, and ``LoginRequired`` if
        nobody is signed in.
        """
        session = self._owner()
        names = names_of(methods_of(method))
        if session.first not in {kind for name in names for kind, _ in factors_of(name)}:
            alike = ", ".join(name for name, kind in KIND_OF.items() if kind == session.first)
            raise InvalidSetting("method", method, f"prove the first factor again: one of {alike}")
        self._flush()
        self._rotate(
            lambda proof: Reauthenticate(
                subject=session.subject,
                sid=session.sid,
                epoch=session.epoch,
                proof=proof,
                former_proof=session.proof,
            )
        )

    def log_out(self, reason: Reason = Reason.USER) -> None:
        """End the session; the handle is a new, empty one afterwards. Being out already is a success."""
        check_reason(reason)
        self._log_out(reason)  # without a flush: the end drops the data, and nothing wrong with it may keep anybody in

    def require(self, state: State | None = None, max_age: timedelta | None = None) -> None:
        """Insist on a state, and on its proof being at most ``max_age`` old.

        Without a state, on what the login said it needs. ``State.AUTHENTICATED`` is met by one factor, also by
        somebody who still owes the second: ask for it only on the challenge page. Raises ``LoginRequired`` or
        ``StepUpRequired``, which say what is missing. Source: OpenID Connect Core 1.0, 3.1.2.1 (max_age).
        """
        asked = None if state is None else _signed_in_state("state", state)
        oldest = None if max_age is None else span_of("max_age", max_age)
        session = self._owner()
        wanted = asked or session.needs
        if wanted is State.MFA_SATISFIED and session.state is not State.MFA_SATISFIED:
            raise StepUpRequired("a second factor is missing: send the user to the challenge page")
        if not session.signed_in and state is None:
            raise LoginRequired("the login is not complete: send the user to the login page")
        if oldest is not None:
            self._require_age(session, wanted, oldest)

    def record(self, what: str, /, **details: Any) -> None:
        """Append an activity; the newest ``Policy.max_activities`` are kept."""
        self._record(activity_text(what, self._shell.clock(), details))

    def passive(self) -> None:
        """Keep this request from counting as use: for polling and live panels."""
        self._is_passive = True

    # -- behind them ---------------------------------------------------------------------------------------

    def _make_way(self, attempt: Attempt) -> None:
        """End the session of another subject, and leave one that has ended meanwhile: neither becomes the attempt's."""
        session = self._look()
        if session is not None and session.subject not in ("", attempt.subject):
            self._log_out(Reason.REPLACED)
        elif self._outlived(attempt.epoch):
            self._close()

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """Remember what a verb raised: a framework may make a plain 500 of it, and the answer is 503 or 409."""
        try:
            yield
        except UNCOMMITTED as error:
            self._raised = error
            raise
        self._raised = None

    @property
    def raised(self) -> SessionError | None:
        """Give what the last verb raised, if no later one succeeded."""
        return self._raised

    def _rotate(self, event_of: Callable[[str], LogIn | SatisfyMfa | Reauthenticate]) -> None:
        with self._noting_failure():
            super()._rotate(event_of)

    async def _ended(self) -> Reason | None:
        """Wait for the end of the session as this request sees it; somebody who has none is out already."""
        return await self._shell._ended(self._view.sid) if self._view is not None else None

    def _owner(self) -> Session:
        session = self._look()
        if session is None or not session.subject:
            raise LoginRequired("nobody is signed in: send the user to the login page")
        return session

    def _require_age(self, session: Session, wanted: State, max_age: int) -> None:
        strong = wanted is State.MFA_SATISFIED
        age = self._shell.clock() - (session.mfa_at if strong else session.authenticated_at)
        if age > max_age:
            missing = StepUpRequired if strong else LoginRequired
            raise missing(f"the proof is {age // 1000} s old and may be {max_age // 1000} s: ask for it again")

    def refuse_other(self, subject: str) -> None:
        """Raise ``NotYours`` unless this session is the subject's."""
        if self._owner().subject != subject:
            raise NotYours(f"this session does not belong to {subject!r}")


def _bound(not_after: datetime | None, now: int) -> int:
    """Turn the identity provider's bound into an instant."""
    if not_after is None:
        return NEVER
    at = instant_of("not_after", not_after)
    if at <= now:
        raise InvalidSetting("not_after", not_after, "it has passed: send the user back to the identity provider")
    return at


def _shown(label: str) -> str:
    """Keep of a label what can be shown; it often is what a browser says of itself."""
    return "".join(filter(str.isprintable, label))[:LONGEST_NAME]


def _one_kind(method: str) -> Kind:
    if not isinstance(method, str):
        raise InvalidSetting("method", method, "pass the name of one factor, such as 'otp'")
    return kind_of(method)


def _signed_in_state(name: str, state: State) -> State:
    if state not in (State.AUTHENTICATED, State.MFA_SATISFIED):
        raise InvalidSetting(name, state, "use State.AUTHENTICATED or State.MFA_SATISFIED")
    return State(state)
