"""Store what a request did to a session, whatever other requests did meanwhile.

The events of the request are replayed on the row as it is now, and the result is swapped in; a lost swap means
another request was first, so the row is loaded and the events are replayed again. These rules make that safe
under every interleaving:

- **An end wins.** On an ended row a Touch or a Write is dropped, and told; a LogIn begins another session, unless it
  is its own that ended: then it is refused.
- **A logout wins over a change of the password beside it**, which may go on with a session whose end it brought.
- **A rotation wins over data.** A request that proved a secret which is no longer the row's may not write: the
  session may have become somebody's meanwhile. It may still log out.
- **A credential that raced is recorded without rotating again.** The winner's cookie is the browser's, in
  whatever order the answers arrive; a second one would take the first out of its hands.
- **A session is begun once.** A commit may be tried again after its answer was lost: it goes on with what it stored.
"""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, field, frozen

from ..effects import Flow, Load, Mint, NewSid, Now, ReadEpoch, Swap, Tell
from ..errors import Refused, StoreUnavailable
from ..events import Credential, Event, LogIn, LogOut, Reauthenticate, SatisfyMfa, Touch
from ..machine import begin, settle, step
from ..policy import Policy, moment_for
from ..records import Epoch, Session, State
from ..values import Notice, What
from .ending import after_newest, end_successor, enforce_cap
from .telling import Turn, changes, tell, tell_change
from .tokens import sid_of

Epochs = Mapping[str, Epoch | None]


@frozen(kw_only=True)
class Chapter:
    """Hold one session's part in a request: the secret that was proved for it, and what happened, in order.

    ``begun`` is the guest session that this request began, or None if it loaded a stored one.
    """

    sid: str
    proof: str = field(repr=False)
    begun: Session | None = None
    events: tuple[Event, ...]

    @property
    def login(self) -> LogIn | None:
        """Give the login among the events."""
        return next((event for event in self.events if isinstance(event, LogIn)), None)

    @property
    def logout(self) -> LogOut | None:
        """Give the logout among the events."""
        return next((event for event in self.events if isinstance(event, LogOut)), None)


@frozen(kw_only=True)
class _Replayed:
    """Hold what the events made of the row; ``left`` are those that need a new session."""

    session: Session
    told: tuple[What, ...] = ()
    left: tuple[Event, ...] = ()


@frozen
class Outcome:
    """Say how a chapter ended: the session as it now stands (None if its row is gone), and whether we changed it."""

    session: Session | None
    stored: bool


def commit(chapter: Chapter, policy: Policy) -> Flow[Outcome]:
    """Store a chapter, and tell what came of it.

    Raises ``Refused`` if a credential event cannot act, ``Contention`` if others keep changing the row, and
    ``StoreUnavailable`` if the store cannot say; a LogOut is done exactly when this returns.
    """
    turn = Turn()
    while True:
        row, epoch = (None, None) if chapter.begun else (yield from Load(chapter.sid).ask())
        base = chapter.begun or row
        if base is None:  # purged: as dead as ended
            return (yield from _begin_again(chapter, chapter.events, policy))
        at = yield from Now().ask()
        if chapter.login is not None:
            ahead = yield from after_newest(chapter.login.subject, at)
            # To be the newest is not worth ending the session that the login is about to go on with.
            at = ahead if settle(base, moment_for(base, epoch, ahead, policy)).live else at
        chapter, epochs = yield from _epochs(chapter, base, epoch, at)
        try:
            replayed = replay(chapter, base, epochs, at, policy)
        except Refused as refused:
            yield from _store_end(row, refused.settled, at)
            raise
        if replayed.session is row or (yield from Swap(row, replayed.session).ask()):
            yield from turn.won(replayed.session, at)
            return (yield from _finish(chapter, row, replayed, at, policy))
        if all(isinstance(event, Touch) for event in chapter.events):
            return Outcome(row, stored=False)
        chapter = (yield from _around(chapter, chapter.begun)) if chapter.begun else chapter
        turn = yield from turn.again(chapter.sid)


def touch(chapter: Chapter, policy: Policy) -> Flow[Session | None]:
    """Record the use of a session, if that is easily done: a page is not refused for it."""
    try:
        outcome = yield from commit(chapter, policy)
    except StoreUnavailable:
        at = yield from Now().ask()
        yield from Tell(Notice(what=What.UNAVAILABLE, at=at, sid=chapter.sid)).ask()
        return None
    return outcome.session


def replay(chapter: Chapter, base: Session, epochs: Epochs, at: int, policy: Policy) -> _Replayed:
    """Let the chapter's events act on the row as it is now, by the rules above: pure."""
    session, told = base, [What.BEGAN] if chapter.begun else []
    raced = base.proof != chapter.proof
    proved = not raced
    for position, event in enumerate(chapter.events):
        before = session
        if isinstance(event, LogOut):
            session = _logged_out(session, event, epochs, at, policy)
            told += changes(before, session)
            continue
        session = settle(session, moment_for(session, epochs.get(session.subject), at, policy))
        told += changes(before, session)
        if isinstance(event, LogIn) and not (_lands(session, event) or _stored_before(chapter, session)):
            return _Replayed(session=session, told=tuple(told), left=chapter.events[position:])
        if isinstance(event, Credential):
            event, proved = _with_proofs(event, session, base, raced), True
        elif not (proved and session.live):
            told.append(What.DROPPED)
            continue
        subject = event.subject if isinstance(event, LogIn) else session.subject
        session = step(session, event, moment_for(session, epochs.get(subject), at, policy))
        told += _TOLD.get(type(event), ())
    return _Replayed(session=session, told=tuple(told))


_TOLD: Final = {LogIn: (What.SIGNED_IN,), SatisfyMfa: (What.STEPPED_UP,), Reauthenticate: (What.REAUTHENTICATED,)}


def _logged_out(session: Session, event: LogOut, epochs: Epochs, at: int, policy: Policy) -> Session:
    if not session.live:
        return session
    return step(session, event, moment_for(session, epochs.get(session.subject), at, policy))


def _lands(session: Session, login: LogIn) -> bool:
    """Tell whether a login goes on with this session: a live one, of a guest or of the same subject."""
    return session.live and session.subject in ("", login.subject)


def _with_proofs(event: Credential, session: Session, base: Session, raced: bool) -> Credential:
    """Rotate away from the stored proof, or keep the row's pair if another request has rotated it."""
    if raced:
        return evolve(event, proof=session.proof, former_proof=session.former_proof)
    return evolve(event, former_proof=base.proof)


def _epochs(chapter: Chapter, base: Session, epoch: Epoch | None, at: int) -> Flow[tuple[Chapter, Epochs]]:
    """Read the epoch of the subject who logs in; the first login of a subject mints it."""
    epochs = {base.subject: epoch}
    login = chapter.login
    if login is None:
        return chapter, epochs
    standing = yield from ReadEpoch(login.subject).ask()
    if login.epoch == 0:  # the credential check began before anybody had logged in
        standing = standing or (yield from Mint(login.subject, at).ask())
        if standing.cause is None:  # and nobody was reset since
            chapter = _with_epoch(chapter, standing.value)
    return chapter, {**epochs, login.subject: standing}


def _with_epoch(chapter: Chapter, epoch: int) -> Chapter:
    events = tuple(_stamped(event, epoch) for event in chapter.events)
    return evolve(chapter, events=events)


def _stamped(event: Event, epoch: int) -> Event:
    return evolve(event, epoch=epoch) if isinstance(event, LogIn | Reauthenticate) and event.epoch == 0 else event


def _finish(chapter: Chapter, row: Session | None, replayed: _Replayed, at: int, policy: Policy) -> Flow[Outcome]:
    session = replayed.session
    yield from tell(replayed.told, session, at)
    if replayed.left:
        return (yield from _begin_again(chapter, replayed.left, policy))
    one_more = _one_more(chapter, session)
    if one_more is not None and session.live:
        yield from enforce_cap(session, one_more, policy)
    if chapter.logout is not None:
        yield from end_successor(session, chapter.logout.reason, policy)
    return Outcome(session, stored=session is not row)


def _one_more(chapter: Chapter, session: Session) -> LogIn | SatisfyMfa | None:
    """Give the event by which the cap counts one session more: a login, or the second factor that a login owed."""
    if session.needs is not State.MFA_SATISFIED:
        return chapter.login
    return next((event for event in chapter.events if isinstance(event, LogIn | SatisfyMfa)), None)


def _begin_again(chapter: Chapter, events: tuple[Event, ...], policy: Policy) -> Flow[Outcome]:
    """Carry a login, and what came after it, over to a new session without the old one's data."""
    login = next((event for event in events if isinstance(event, LogIn)), None)
    if login is None:
        yield from _refuse_without_row(chapter, events)
        return Outcome(None, stored=False)
    at = yield from Now().ask()
    for _ in range(events.index(login)):
        yield from Tell(Notice(what=What.DROPPED, at=at, sid=chapter.sid)).ask()
    begun = begin(chapter.sid, "", at, idle=policy.guest.idle, lifetime=policy.guest.lifetime)
    after = events[events.index(login) :]
    anew = _moved(Chapter(sid=chapter.sid, proof="", events=after), begun, sid_of(f"again {login.proof}"))
    return (yield from commit(anew, policy))


def _around(chapter: Chapter, begun: Session) -> Flow[Chapter]:
    """Go on with the row that is in the way if it is our own, of a commit whose answer was lost; else go elsewhere."""
    row, _ = yield from Load(chapter.sid).ask()
    if row is None or not _stored_before(chapter, row):
        return (yield from _elsewhere(chapter, begun))
    at = yield from Now().ask()
    yield from tell((What.BEGAN,), row, at)
    return evolve(chapter, begun=None)


def _stored_before(chapter: Chapter, row: Session) -> bool:
    """Tell whether an earlier commit of this chapter made the row what it is: by a secret that was drawn for it."""
    drawn = {event.proof for event in chapter.events if isinstance(event, Credential)}
    return row.proof in drawn or (chapter.begun is not None and row.proof == chapter.proof)


def _elsewhere(chapter: Chapter, guest: Session) -> Flow[Chapter]:
    """Move a chapter that begins a session to another selector: a taken one is never overwritten."""
    return _moved(chapter, guest, (yield from NewSid().ask()))


def _moved(chapter: Chapter, guest: Session, sid: str) -> Chapter:
    events = tuple(evolve(event, sid=sid) if isinstance(event, Credential) else event for event in chapter.events)
    begun = begin(sid, guest.proof, guest.created_at, idle=guest.idle, lifetime=guest.lifetime)
    return evolve(chapter, sid=sid, begun=begun, events=events)


def _refuse_without_row(chapter: Chapter, events: tuple[Event, ...]) -> Flow[None]:
    at = yield from Now().ask()
    for event in events:
        if isinstance(event, Credential):
            raise Refused(event, None, "the session has ended and was purged; log in again", None)
        if not isinstance(event, LogOut):
            yield from Tell(Notice(what=What.DROPPED, at=at, sid=chapter.sid)).ask()


def _store_end(row: Session | None, settled: Session, at: int) -> Flow[None]:
    """Store the end that a refused event brought to light, if the store lets us."""
    if row is None or settled.live or not row.live:
        return
    if (yield from Swap(row, settled).ask()):
        yield from tell_change(row, settled, at)
