"""A user in front of an authorization server: whatever page is shown is answered, by the real table of sessions."""

from attrs import define, evolve, field, frozen

from sessioncore import Epoch, Kind, LogIn, Policy, Session, begin, settle, step
from sessioncore import moment_for as core_moment
from sessioncore.events import Reauthenticate, SatisfyMfa, Touch
from sessioncore.sso import (
    Answer,
    AuthenticationRequest,
    Interact,
    Interaction,
    ServerPolicy,
    Transaction,
    decide,
    moment_for,
    recorded_as,
)
from sessioncore.testing.clock import START

POLICY = Policy()
CURRENT = Epoch(value=START)
NOTHING_DONE = Transaction()
LONGEST_STORY = len(Interaction) + 1


@frozen(kw_only=True)
class Beginning:
    """Hold what a story begins with; ``page_time`` is how long the user sits before each page.

    No page outlasts the session's idle limit: else there is nobody any more to answer it.
    """

    session: Session | None
    request: AuthenticationRequest
    policy: ServerPolicy
    at: int
    epoch: Epoch | None = CURRENT
    page_time: int = 1_000
    user: str = "alice"


@define
class Story:
    """Hold where a story stands."""

    begun: Beginning
    session: Session | None = field(init=False)
    transaction: Transaction = NOTHING_DONE
    at: int = field(init=False)
    answers: list[Answer] = field(factory=list)
    sessions: list[Session | None] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.session, self.at = self.begun.session, self.begun.at

    def decide(self) -> Answer:
        """Ask the library."""
        moment = moment_for(self.session, self.begun.epoch, self.at, POLICY)
        answer = decide(self.session, self.begun.request, self.transaction, moment, self.begun.policy)
        self.answers.append(answer)
        self.sessions.append(self.session)
        return answer

    def answer_page(self, page: Interact) -> None:
        """Answer a page after a while, and record what was done."""
        self.at += self.begun.page_time
        self.session = self._settled()
        who = self.session.subject if self.session else self.begun.user
        if page.kind in (Interaction.LOG_IN, Interaction.REAUTHENTICATE):
            who = page.subject or self.begun.user
            self._log_in(page.kind, who)
        elif page.kind in (Interaction.STEP_UP, Interaction.SATISFY_MFA) and self.session:
            self._step_up(self.session)
        elif self.session:  # a page that is answered is a use
            moment = core_moment(self.session, self.begun.epoch, self.at, POLICY)
            self.session = step(self.session, Touch(), moment)
        self.transaction = self.transaction.did(page.kind, who)

    def _settled(self) -> Session | None:
        if self.session is None:
            return None
        settled = settle(self.session, core_moment(self.session, self.begun.epoch, self.at, POLICY))
        return settled if settled.live and settled.subject else None

    def _log_in(self, kind: Interaction, who: str) -> None:
        event = recorded_as(self.session, self.transaction, kind, who)
        base = self.session
        if base is None or base.subject != who:
            base = begin("n" * 22, "p", self.at, idle=POLICY.guest.idle, lifetime=POLICY.guest.lifetime)
        made = _again(who, base.sid) if event is Reauthenticate else _login(who, base.sid)
        self.session = step(base, made, core_moment(base, CURRENT, self.at, POLICY))
        self.begun = evolve(self.begun, epoch=CURRENT)

    def _step_up(self, session: Session) -> None:
        kind = Kind.INHERENCE if session.first is Kind.POSSESSION else Kind.POSSESSION
        event = SatisfyMfa(
            subject=session.subject, sid=session.sid, methods=("otp",), kind=kind, proof="r", former_proof="q"
        )
        self.session = step(session, event, core_moment(session, self.begun.epoch, self.at, POLICY))


def _again(who: str, sid: str) -> Reauthenticate:
    return Reauthenticate(subject=who, sid=sid, epoch=START, proof="q", former_proof="p")


def _login(who: str, sid: str) -> LogIn:
    return LogIn(
        subject=who,
        sid=sid,
        epoch=START,
        methods=("pwd",),
        first=Kind.KNOWLEDGE,
        idle=POLICY.login.idle,
        lifetime=POLICY.login.lifetime,
        proof="q",
        former_proof="p",
    )


def followed(begun: Beginning) -> Story:
    """Follow a story until it is over, or longer than there are pages."""
    story = Story(begun)
    for _ in range(LONGEST_STORY):
        answer = story.decide()
        if not isinstance(answer, Interact):
            break
        story.answer_page(answer)
    return story
