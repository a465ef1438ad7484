"""How a request goes on once the store has spoken: what it sees of its session then, and what still waits."""

from contextlib import suppress

from sessioncore import Contention, Epoch, Event, LogIn, Refused, Session, StoreUnavailable, moment_for, step
from sessioncore.effects import Flow
from sessioncore.events import Credential
from sessioncore.flows import Standing, open_session, proof_of

from .bag import Changes
from .visit import Visit


class FollowingVisit(Visit):
    """Follow what is stored: other requests change it, and so do other tasks of this one while a flow waits."""

    def _rebase(self, session: Session | None, *, proved: bool = False) -> None:
        """Go on with the session as it is stored now, if this request proved a right to it as it is now.

        Another request may have ended it, or rotated its secret: it can be somebody's by now who was a guest
        before. Then this one is powerless, as if it had come with its token only now.
        """
        self._begun = None
        self._standing = Standing.INERT if self._token else Standing.ABSENT
        if session is not None and session.live:
            ours = proved or (self._token is not None and session.proof == proof_of(self._token.secret))
            self._standing = Standing.CURRENT if ours else Standing.FORMER
        self._see(session, ours=self._standing is Standing.CURRENT)

    def _see(self, stored: Session | None, *, ours: bool) -> None:
        """See the session as it is stored, with what another task did to it meanwhile and has not stored yet."""
        self._view = self._with_events(stored, ours) if stored is not None and stored.live else None
        if self._bag_ is not None:
            self._bag_.rebase(self._view.data if self._view else ())

    def _with_events(self, session: Session, proved: bool) -> Session | None:
        """Let the events that wait for their commit act on the session; None if nothing gives a right to it.

        By the commit's own rules: a credential is a right to the session, also where another request has rotated
        its secret. What is refused here is left for the commit to refuse.
        """
        epoch = Epoch(value=session.epoch) if session.subject else self._epoch
        for event in self._events:
            if not (proved or isinstance(event, Credential)):
                continue
            standing = Epoch(value=event.epoch) if isinstance(event, LogIn) else epoch
            with suppress(Refused):
                session = step(session, event, moment_for(session, standing, self._shell.clock(), self._shell.policy))
                proved, epoch = True, standing
        if proved:
            self._epoch = epoch
        return session if proved else None

    def _renounce(self, refused: tuple[Event, ...], secret: str) -> None:
        """Be nobody, as far as this request goes: what it wanted to prove does not hold.

        What another task did meanwhile is judged by the next commit. A session that was to begin by what was refused
        begins for another credential or not at all: nobody else would hold its secret.
        """
        begun = self._begun
        self._drop(refused, secret)
        if begun is not None and not any(isinstance(event, Credential) for event in self._events):
            self._dropped += len(self._events)
            self._drop(self._events, self._secret)
            begun = None
        self._rebase(None)
        if begun is not None:
            self._begun = begun
            self._see(begun, ours=True)

    def _refreshing(self) -> Flow[None]:
        """Load the session again; what is not committed by now, when this is called, is kept out of it."""
        return self._loading_again(self._events, self._secret, self._bag_.lost() if self._bag_ is not None else ())

    def _loading_again(self, events: tuple[Event, ...], secret: str, changes: Changes) -> Flow[None]:
        self.at_rest = False
        token, closed = self._token, self._closed
        try:
            opened = yield from open_session(token, self._shell.policy)
        except (StoreUnavailable, Contention) as failure:
            if self._closed == closed:
                self._failure = failure  # what cannot be confirmed is not assumed to be as it was
            raise
        if self._closed != closed:
            return  # another task has left this session meanwhile: what it holds now is not what was loaded
        self._failure = None
        if self._bag_ is not None:
            self._bag_.forget(changes)
        self._drop(events, secret)
        self._standing, self._epoch = opened.standing, opened.epoch
        if self._begun is not None:
            self._see(self._begun, ours=True)
        else:
            self._see(opened.session, ours=opened.standing is Standing.CURRENT)

    def _drop(self, dropped: tuple[Event, ...], secret: str) -> None:
        """Drop events, and the secret that they would have brought; another task's newer ones stay."""
        self._events = tuple(event for event in self._events if not any(event is one for one in dropped))
        if not self._events:
            self._begun = None
        if self._secret == secret and self._begun is None:
            self._secret = ""
