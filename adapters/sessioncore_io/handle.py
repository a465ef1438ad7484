"""What a request handler sees: one session, the same in WSGI and ASGI but for the word ``await``."""

import asyncio
import hmac
import json
from collections.abc import Callable, Coroutine, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from attrs import frozen

from sessioncore import (
    NEVER,
    Attempt,
    InvalidSetting,
    LogIn,
    LoginRequired,
    NotYours,
    Reason,
    Reauthenticate,
    SatisfyMfa,
    Session,
    State,
    StepUpRequired,
    StoreUnavailable,
    Write,
)
from sessioncore.effects import arun, run
from sessioncore.events import LONGEST_NAME
from sessioncore.factors import factors_of, kind_of, names_of
from sessioncore.flows import attempt, proof_of
from sessioncore.policy import milliseconds

from .storing import StoredVisit
from .visit import activity_text
from .world import new_secret

T = TypeVar("T")
Writer = Callable[[], object]


@frozen
class Challenge:
    """Say for which session and subject a factor is being asked: a proof for another is refused."""

    sid: str
    subject: str


def _bound(not_after: datetime | None, now: int) -> int:
    """Turn the identity provider's bound into an instant."""
    if not_after is None:
        return NEVER
    if not isinstance(not_after, datetime) or not_after.tzinfo is None:
        raise InvalidSetting("not_after", not_after, "pass a datetime with a time zone")
    at = milliseconds(not_after - _DAWN)
    if at <= now:
        raise InvalidSetting("not_after", not_after, "it has passed: send the user back to the identity provider")
    return at


def _shown(label: str) -> str:
    """Keep of a label what can be shown; it often is what a browser says of itself."""
    return "".join(filter(str.isprintable, label))[:LONGEST_NAME]


_DAWN = datetime.fromtimestamp(0, UTC)


def _instant(at: int) -> datetime | None:
    return None if at == NEVER else datetime.fromtimestamp(at / 1000, UTC)


def _signed_in_state(name: str, state: State) -> State:
    if state not in (State.AUTHENTICATED, State.MFA_SATISFIED):
        raise InvalidSetting(name, state, "use State.AUTHENTICATED or State.MFA_SATISFIED")
    return State(state)


class SessionHandle(StoredVisit, MutableMapping[str, Any]):
    """Hold the session of one request: a mapping of JSON values, and the verbs of a login's life.

    Reading anything of it counts as use. Events act at once for this request and are stored before the
    response starts; one that no row of the table allows raises ``Refused`` where it is called.
    """

    # -- data ----------------------------------------------------------------------------------------------

    def __getitem__(self, key: str) -> Any:
        return self._bag.get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._refuse_late(Write())
        self._bag.set(key, value)

    def __delitem__(self, key: str) -> None:
        self._refuse_late(Write())
        self._bag.drop(key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._bag))

    def __len__(self) -> int:
        return sum(1 for _ in self._bag)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        self._accessed = True  # who prints it has looked
        view = self._view
        return f"<session {view.sid} {view.state}>" if view else "<session: none>"

    def clear(self) -> None:
        """Drop the keys that this request sees; one that another request adds meanwhile stays."""
        for key in list(self):
            del self[key]

    # -- what it is ----------------------------------------------------------------------------------------

    @property
    def state(self) -> State | None:
        """Give the state, or None without a session."""
        session = self._session
        return session.state if session else None

    @property
    def subject(self) -> str | None:
        """Give the account that proved a factor; ask ``signed_in`` whether it proved all it owes."""
        session = self._session
        return (session.subject or None) if session else None

    @property
    def signed_in(self) -> bool:
        """Tell whether the login proved every factor that it said it needs."""
        session = self._session
        return session is not None and session.signed_in

    @property
    def sid(self) -> str | None:
        """Give the public selector: safe to log, to list and to put into a token; it opens nothing."""
        session = self._session
        return session.sid if session else None

    @property
    def label(self) -> str:
        """Give the label written at login, such as the browser's name."""
        session = self._session
        return session.label if session else ""

    @property
    def remembered(self) -> bool:
        """Tell whether the user asked to be remembered."""
        session = self._session
        return session is not None and session.remembered

    @property
    def methods(self) -> tuple[str, ...]:
        """Give the methods proved, by their names in RFC 8176 (amr)."""
        session = self._session
        return session.methods + session.mfa_methods if session else ()

    @property
    def authenticated_at(self) -> datetime | None:
        """Give the instant of the last login or reauthentication (OpenID Connect: auth_time)."""
        session = self._session
        return _instant(session.authenticated_at) if session else None

    @property
    def mfa_at(self) -> datetime | None:
        """Give the instant at which the second factor was proved."""
        session = self._session
        return _instant(session.mfa_at) if session else None

    @property
    def idle_at(self) -> datetime | None:
        """Give the instant at which the session ends if it is not used again."""
        session = self._session
        if session is None:
            return None
        return _instant(session.seen_at + min(session.idle, self._shell.policy.limits_of(session).idle))

    @property
    def expires_at(self) -> datetime | None:
        """Give the instant at which the session ends however much it is used."""
        session = self._session
        if session is None:
            return None
        lifetime = min(session.lifetime, self._shell.policy.limits_of(session).lifetime)
        return _instant(min(session.since + lifetime, session.not_after))

    @property
    def activities(self) -> list[dict[str, Any]]:
        """Give the recorded activities, the newest last."""
        session = self._session
        return [json.loads(text) for text in session.activities] if session else []

    # -- forms ---------------------------------------------------------------------------------------------

    @property
    def csrf_token(self) -> str:
        """Give the token to put into forms; it changes when the session's secret does.

        It is an HMAC under that secret, so it needs a session: an anonymous visitor gets a guest's.
        """
        if self._session is None and not self._current_secret:
            self._write(Write(keep=self._shell.policy.max_activities))
        return hmac.digest(self._current_secret.encode(), b"sessioncore csrf", "sha256").hex()

    def csrf_matches(self, presented: object) -> bool:
        """Tell whether a form brought this session's token, in constant time."""
        self._accessed = True
        if not self._current_secret or not isinstance(presented, str) or not presented.isascii():
            return False
        return hmac.compare_digest(presented, self.csrf_token)

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
        needs = _signed_in_state("needs", needs)
        (first, methods), (second, mfa_methods) = factors_of(method)
        bound = _bound(not_after, self._shell.clock())
        self._flush()
        session = self._session
        if session is not None and session.subject not in ("", attempt.subject):
            self._log_out(Reason.REPLACED)
        elif self._outlived(attempt.epoch):
            self._close()
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
        session, kind = self._owner(), kind_of(method)
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
        """Record that the subject proved a factor again; the lifetime starts anew and the secret rotates.

        Raises ``Refused``, and ``LoginRequired`` if nobody is signed in.
        """
        session = self._owner()
        names_of(method)
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
        self._log_out(reason)  # without a flush: the end drops the data, and nothing wrong with it may keep anybody in

    def require(self, state: State | None = None, max_age: timedelta | None = None) -> None:
        """Insist on a state, and on its proof being at most ``max_age`` old.

        Without a state, on what the login said it needs. Raises ``LoginRequired`` or ``StepUpRequired``, which
        say what is missing. Source: OpenID Connect Core 1.0, 3.1.2.1 (max_age).
        """
        session = self._owner()
        wanted = session.needs if state is None else _signed_in_state("state", state)
        if wanted is State.MFA_SATISFIED and session.state is not State.MFA_SATISFIED:
            raise StepUpRequired("a second factor is missing: send the user to the challenge page")
        if not session.signed_in and state is None:
            raise LoginRequired("the login is not complete: send the user to the login page")
        if max_age is not None:
            self._require_age(session, wanted, milliseconds(max_age))

    def record(self, what: str, **details: Any) -> None:
        """Append an activity; the newest ``Policy.max_activities`` are kept."""
        self._record(activity_text(what, self._shell.clock(), details))

    def passive(self) -> None:
        """Keep this request from counting as use: for polling and live panels."""
        self._is_passive = True

    # -- behind them ---------------------------------------------------------------------------------------

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """Remember that the store failed: a framework may make a plain 500 of the exception, the answer is 503."""
        try:
            yield
        except StoreUnavailable as error:
            self._failure, self._accessed = error, True
            raise

    def _owner(self) -> Session:
        session = self._session
        if session is None or not session.subject:
            raise LoginRequired("nobody is signed in: send the user to the login page")
        return session

    def _require_age(self, session: Session, wanted: State, max_age: int) -> None:
        strong = wanted is State.MFA_SATISFIED
        age = self._shell.clock() - (session.mfa_at if strong else session.authenticated_at)
        if age > max_age:
            missing = StepUpRequired if strong else LoginRequired
            raise missing(f"the proof is {age // 1000} s old and may be {max_age // 1000} s: ask for it again")

    def _rotate(self, event_of: Callable[[str], LogIn | SatisfyMfa | Reauthenticate]) -> None:
        secret = new_secret()
        self._act(event_of(proof_of(secret)))
        self._secret = secret

    def refuse_other(self, subject: str) -> None:
        """Raise ``NotYours`` unless this session is the subject's."""
        if self._owner().subject != subject:
            raise NotYours(f"this session is not {subject!r}'s")


class Handle(SessionHandle):
    """Hold the session of a WSGI request."""

    def attempt(self, subject: str) -> Attempt:
        """Begin a login **before** the credential is checked: reads the subject's epoch."""
        with self._noting_failure():
            return run(attempt(subject), self._shell.perform)

    def commit(self) -> None:
        """Store what happened so far. Raises ``Refused``, ``Contention``, ``StoreUnavailable`` or ``DataTooLarge``."""
        run(self._committing(), self._shell.perform)

    def refresh(self) -> None:
        """Load the session again, dropping what was not committed."""
        run(self._refreshing(), self._shell.perform)

    def password_changed(self, write: Writer | None = None) -> None:
        """End all other sessions of the subject around ``write``, which stores the new hash; this one stays.

        Raises ``Refused`` if somebody ended the subject's sessions meanwhile: then nothing is kept.
        """
        self._owner()
        run(self._keeping_only(Reason.PASSWORD_CHANGE, write), self._shell.perform)

    def end_others(self, reason: Reason = Reason.USER_ALL) -> None:
        """End all other sessions of the subject; this one stays, with a new token."""
        self._owner()
        run(self._keeping_only(reason, None), self._shell.perform)


class AsyncHandle(SessionHandle):
    """Hold the session of an ASGI request or websocket; ``loop`` is the event loop that serves it."""

    loop: asyncio.AbstractEventLoop | None = None

    async def attempt(self, subject: str) -> Attempt:
        """Begin a login **before** the credential is checked: reads the subject's epoch."""
        with self._noting_failure():
            return await arun(attempt(subject), self._shell.perform)

    async def commit(self) -> None:
        """Store what happened so far. Raises ``Refused``, ``Contention``, ``StoreUnavailable`` or ``DataTooLarge``."""
        await arun(self._committing(), self._shell.perform)

    async def refresh(self) -> None:
        """Load the session again, dropping what was not committed."""
        await arun(self._refreshing(), self._shell.perform)

    async def password_changed(self, write: Writer | None = None) -> None:
        """End all other sessions of the subject around ``write``, which stores the new hash; this one stays.

        ``write`` may be a coroutine function. Raises ``Refused`` if somebody ended the subject's sessions
        meanwhile: then nothing is kept.
        """
        self._owner()
        await arun(self._keeping_only(Reason.PASSWORD_CHANGE, write), self._shell.perform)

    async def end_others(self, reason: Reason = Reason.USER_ALL) -> None:
        """End all other sessions of the subject; this one stays, with a new token."""
        self._owner()
        await arun(self._keeping_only(reason, None), self._shell.perform)

    @property
    def from_thread(self) -> "FromThread":
        """Give the verbs that must be awaited as plain calls, for handlers that run in a worker thread."""
        return FromThread(self, self.loop)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class FromThread:
    """Wait in a worker thread for what the event loop does."""

    def __init__(self, handle: AsyncHandle, loop: asyncio.AbstractEventLoop | None) -> None:
        if loop is None:
            raise InvalidSetting("from_thread", None, "this handle came without the ASGI middleware: set its loop")
        if _in_event_loop():
            raise InvalidSetting("from_thread", "in the event loop", "await the session's own verb instead")
        self._handle = handle
        self._loop = loop

    def _wait(self, awaited: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(awaited, self._loop).result()

    def attempt(self, subject: str) -> Attempt:
        """As ``AsyncHandle.attempt``."""
        return self._wait(self._handle.attempt(subject))

    def commit(self) -> None:
        """As ``AsyncHandle.commit``."""
        self._wait(self._handle.commit())

    def refresh(self) -> None:
        """As ``AsyncHandle.refresh``."""
        self._wait(self._handle.refresh())

    def password_changed(self, write: Writer | None = None) -> None:
        """As ``AsyncHandle.password_changed``; ``write`` runs in the event loop."""
        self._wait(self._handle.password_changed(write))

    def end_others(self, reason: Reason = Reason.USER_ALL) -> None:
        """As ``AsyncHandle.end_others``."""
        self._wait(self._handle.end_others(reason))


__all__ = ["AsyncHandle", "Challenge", "FromThread", "Handle", "SessionHandle"]
