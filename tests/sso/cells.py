"""Every cell of the decision, in words, and the values that the words stand for."""

from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

from attrs import evolve

from sessioncore import Epoch, Kind, LogIn, LogOut, Policy, Reason, SatisfyMfa, Session, State, begin, settle, step
from sessioncore import moment_for as core_moment
from sessioncore.sso import (
    INVALID_HINT,
    NO_HINT,
    Answer,
    AuthenticationRequest,
    Hint,
    Interact,
    Refuse,
    ServerPolicy,
    Transaction,
    decide,
    moment_for,
    read_request,
)
from sessioncore.testing.clock import START

ISSUER: Final = "https://auth.example"
ALICE, BOB = "alice", "bob"
POLICY: Final = Policy()
EPOCH: Final = Epoch(value=START)
LOGIN_AT: Final = START + 1_000
NOW: Final = LOGIN_AT + 10 * 60_000  # ten minutes after the login
PWD, MFA, GOLD = "urn:example:pwd", "urn:example:mfa", "urn:example:gold"
CLASSES: Final = ((PWD, State.AUTHENTICATED), (MFA, State.MFA_SATISFIED))


class Cell(NamedTuple):
    """Name one cell: a word for each input."""

    session: str
    prompt: str
    max_age: str
    hint: str
    acr: str
    consent: str
    server: str
    login: str
    select: str
    agreed: str


def _login(session: Session, at: int, needs: State = State.AUTHENTICATED) -> Session:
    event = LogIn(
        subject=ALICE,
        sid=session.sid,
        epoch=EPOCH.value,
        methods=("pwd",),
        first=Kind.KNOWLEDGE,
        needs=needs,
        idle=POLICY.login.idle,
        lifetime=POLICY.login.lifetime,
        proof="two",
        former_proof="one",
    )
    return step(session, event, core_moment(session, EPOCH, at, POLICY))


def _second(session: Session, at: int) -> Session:
    event = SatisfyMfa(
        subject=ALICE, sid=session.sid, methods=("otp",), kind=Kind.POSSESSION, proof="three", former_proof="two"
    )
    return step(session, event, core_moment(session, EPOCH, at, POLICY))


GUEST: Final = begin("s" * 22, "one", START, idle=POLICY.guest.idle, lifetime=POLICY.guest.lifetime)
ONE: Final = _login(GUEST, LOGIN_AT)
OWING: Final = _login(GUEST, LOGIN_AT, needs=State.MFA_SATISFIED)
TWO: Final = _second(ONE, LOGIN_AT)
OUTDATED: Final = evolve(ONE, idle=60_000)
RESET: Final = Epoch(value=START + 2_000, cause=Reason.PASSWORD_RESET)

# The words of each input, and what they stand for. A "late" end is one that nobody has written down yet.
SESSIONS: Final[dict[str, tuple[Session | None, Epoch | None]]] = {
    "absent": (None, None),
    "created": (GUEST, None),
    "authenticated": (ONE, EPOCH),
    "owing mfa": (OWING, EPOCH),
    "mfa": (TWO, EPOCH),
    "mfa lapsed": (evolve(TWO, mfa_at=START - POLICY.mfa_lifetime), EPOCH),
    "expired": (settle(OUTDATED, core_moment(OUTDATED, EPOCH, NOW, POLICY)), EPOCH),
    "expired late": (OUTDATED, EPOCH),
    "logged out": (step(ONE, LogOut(), core_moment(ONE, EPOCH, NOW, POLICY)), EPOCH),
    "reset": (settle(TWO, core_moment(TWO, RESET, NOW, POLICY)), RESET),
    "reset late": (TWO, RESET),
}
PROMPTS: Final = {
    "absent": None,
    "none": "none",
    "login": "login",
    "consent": "consent",
    "select_account": "select_account",
    "none with another": "none login",
    "several": "consent login select_account",
}
# The login is 600 s old.
MAX_AGES: Final = {"absent": None, "0": "0", "within": "601", "equal": "600", "exceeded": "599", "malformed": "10m"}
HINTS: Final = {
    "absent": NO_HINT,
    "match": Hint.valid(ALICE, ISSUER),
    "mismatch": Hint.valid(BOB, ISSUER),
    "other issuer": Hint.valid(ALICE, "https://elsewhere.example"),
    "invalid": INVALID_HINT,
}
# What is asked and how; whether the user has a second factor, the server offers one for a wish, and that was answered.
ACRS: Final[dict[str, tuple[tuple[str, ...], bool, bool, bool, bool]]] = {
    "absent": ((), False, True, True, False),
    "voluntary pwd": ((PWD,), False, True, True, False),
    "voluntary mfa": ((MFA,), False, True, False, False),
    "voluntary mfa, offered": ((MFA,), False, True, True, False),
    "voluntary mfa, offered and answered": ((MFA,), False, True, True, True),
    "voluntary mfa, no factor": ((MFA,), False, False, True, False),
    "voluntary gold": ((GOLD,), False, True, True, False),
    "essential pwd": ((GOLD, PWD), True, True, True, False),
    "essential mfa": ((MFA, GOLD), True, True, True, False),
    "essential mfa, no factor": ((MFA,), True, False, True, False),
    "essential gold": ((GOLD,), True, True, True, False),
}
WORDS: Final = (
    tuple(SESSIONS),
    tuple(PROMPTS),
    tuple(MAX_AGES),
    tuple(HINTS),
    tuple(ACRS),
    ("on record", "missing"),
    ("content", "demands mfa"),
    *((("not yet", "done"),) * 3),
)


def cells() -> Iterator[Cell]:
    """Name every cell."""
    return map(Cell._make, product(*WORDS))


_MOMENTS = {word: moment_for(session, epoch, NOW, POLICY) for word, (session, epoch) in SESSIONS.items()}


def _request(prompt: str, max_age: str, hint: str, acr: str) -> AuthenticationRequest:
    raw = {"prompt": PROMPTS[prompt], "max_age": MAX_AGES[max_age]}
    read = read_request({name: text for name, text in raw.items() if text is not None}, hint=HINTS[hint])
    values, essential, *_ = ACRS[acr]
    return evolve(read, acr_values=values, acr_essential=essential)


_REQUESTS = {words: _request(*words) for words in product(*WORDS[1:5])}
_POLICIES = {
    (acr, consent, server): ServerPolicy(
        issuer=ISSUER,
        mfa=server == "demands mfa",
        consented=consent == "on record",
        can_step_up=ACRS[acr][2],
        offers_step_up=ACRS[acr][3],
        acrs=CLASSES,
    )
    for acr, consent, server in product(*WORDS[4:7])
}
_TRANSACTIONS = {
    (login, select, agreed, answered): Transaction(
        logged_in=ALICE if login == "done" else "",
        selected=ALICE if select == "done" else "",
        consented=ALICE if agreed == "done" else "",
        offered=ALICE if answered else "",
    )
    for login, select, agreed, answered in product(*WORDS[7:], (False, True))
}


def decided(cell: Cell) -> Answer:
    """Decide a cell by the library."""
    return decide(
        SESSIONS[cell.session][0],
        _REQUESTS[cell.prompt, cell.max_age, cell.hint, cell.acr],
        _TRANSACTIONS[cell.login, cell.select, cell.agreed, ACRS[cell.acr][4]],
        _MOMENTS[cell.session],
        _POLICIES[cell.acr, cell.consent, cell.server],
    )


def said(answer: Answer) -> str:
    """Say an answer in the words of the reading."""
    if isinstance(answer, Refuse):
        return answer.error.value
    return answer.kind.value if isinstance(answer, Interact) else f"granted {answer.acr}".strip()
