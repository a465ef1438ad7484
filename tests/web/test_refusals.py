"""What a program is told of a wrong argument: which one, what it passed, and what to pass instead, to the letter."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest

from sessioncore import InvalidSetting, LoginRequired, Policy, State, StepUpRequired
from sessioncore.testing import Clock
from sessioncore_io import CLEAR, AsyncSessions, Cookie, Handle, Sessions, checks
from sessioncore_io.memory import MemoryStore
from sessioncore_io.notices import several
from sessioncore_io.world import World, log_notice

Refusing = Callable[[], object]

NOW: Final = 1_700_000_000_000
CLOCK: Final = "return whole milliseconds since the Unix epoch, such as time.time_ns() // 1_000_000"
ORIGINS: Final = 'pass a tuple of origins such as ("https://app.example.com",): lower case, without a slash at the end'
ONE_PAIR: Final = "pass (issuer, sid): two printable texts of at most 256 characters"


class Named:
    """Show itself by a name, as what is passed in a text shows."""

    def __repr__(self) -> str:
        return "thing"


class Awaited(Named):
    """Be a store, or a function, that has to be awaited."""

    async def load(self, sid: str) -> None:
        """Load nothing."""

    async def __call__(self) -> None:
        """Do nothing."""


class Stopped(Named):
    """Be a clock that has stopped."""

    def __init__(self, now: object) -> None:
        self.now = now

    def __call__(self) -> object:
        return self.now


THING: Final = Named()


def parts(**other: Any) -> Refusing:
    """Check the parts of a shell, one of them another one."""
    fit = {"store": MemoryStore(), "policy": Policy(), "clock": lambda: NOW, "listener": log_notice}
    return lambda: checks.check_parts(**(fit | other))


def cookie(**settings: Any) -> Refusing:
    """Make a cookie."""
    return lambda: Cookie(**settings)


SHELL: Final[list[tuple[Refusing, str]]] = [
    (parts(store=THING), "store = thing: pass a store, such as MemoryStore() or SqliteStore(path)"),
    (parts(policy=THING), "policy = thing: pass a sessioncore.Policy"),
    (parts(listener=THING), "listener = thing: pass a function that takes a Notice, or leave it out"),
    (parts(clock=THING), f"clock = None: {CLOCK}"),
    (parts(clock=Awaited().load), f"clock = None: {CLOCK}"),
    (parts(clock=Stopped(0)), f"clock = 0: {CLOCK}"),
    (parts(clock=Stopped(-1)), f"clock = -1: {CLOCK}"),
    (parts(clock=Stopped(1.5)), f"clock = 1.5: {CLOCK}"),
    (parts(clock=Stopped(2**53)), f"clock = {2**53}: {CLOCK}"),
    (parts(clock=Stopped(10**9)), f"clock = {10**9}: {CLOCK}"),
    (parts(clock=Stopped(10**11 - 1)), f"clock = {10**11 - 1}: {CLOCK}"),
    (
        lambda: checks.check_plain_store(Awaited()),
        "store = thing: it has to be awaited: use AsyncSessions or the ASGI middleware",
    ),
    (lambda: checks.check_cookie(THING), "cookie = thing: pass a sessioncore_io.Cookie, such as Cookie(name=...)"),
    (lambda: checks.origins_of("https://a.example"), f"origins = 'https://a.example': {ORIGINS}"),
    (lambda: checks.origins_of(["https://A.example"]), f"origins = 'https://A.example': {ORIGINS}"),
    (lambda: checks.origins_of((THING,)), f"origins = thing: {ORIGINS}"),  # type: ignore[arg-type]
    (lambda: several(log_notice, THING), "listener = thing: pass functions that take a Notice"),  # type: ignore[arg-type]
]

VERBS: Final[list[tuple[Refusing, str]]] = [
    (lambda: checks.token_of(THING), "presented = 'Named': pass the cookie's value as text, a Token, or None"),
    (lambda: checks.check_attempt(THING), "attempt = thing: pass what session.attempt(subject) returned"),
    (
        lambda: checks.check_attempt(Awaited()()),
        "attempt = 'a coroutine': write: attempt = await session.attempt(...)",
    ),
    (
        lambda: checks.check_remember("on"),
        "remember = 'on': pass True or False; a form sends text: remember=\"remember\" in form",
    ),
    (lambda: checks.methods_of(5), "method = 5: pass a name of RFC 8176 such as 'pwd', or several"),  # type: ignore[arg-type]
    (
        lambda: checks.methods_of(["pwd", THING]),  # type: ignore[list-item]
        "method = ('pwd', thing): pass a name of RFC 8176 such as 'pwd', or several",
    ),
    (lambda: checks.upstream_of(("", "sid")), f"upstream = ('', 'sid'): {ONE_PAIR}"),
    (lambda: checks.upstream_of(("issuer",)), f"upstream = ('issuer',): {ONE_PAIR}"),
    (lambda: checks.check_texts(issuer="a", jti=THING), "jti = thing: pass the text of the verified token's claim"),
    (lambda: checks.instant_of("at", THING), "at = thing: pass a datetime with a time zone"),
    (
        lambda: checks.instant_of("at", datetime(2026, 1, 1)),
        "at = datetime.datetime(2026, 1, 1, 0, 0): pass a datetime with a time zone",
    ),
    (lambda: checks.check_label(THING), "label = thing: pass text, such as the browser's name"),
    (
        lambda: checks.check_subject(THING),
        "subject = thing: pass the account's stable identifier as text: str(user.id)",
    ),
    (lambda: checks.check_reason(THING), "reason = thing: pass a sessioncore.Reason, such as Reason.ADMIN"),
    (lambda: checks.check_owner(THING), "subject = thing: name the session's own subject, or pass ANY_SUBJECT"),
    (lambda: checks.span_of("keep", THING), "keep = thing: pass a timedelta, such as timedelta(minutes=5)"),
    (
        lambda: checks.span_of("keep", timedelta(seconds=-1)),
        "keep = datetime.timedelta(days=-1, seconds=86399): pass a span of at least 0",
    ),
    (
        lambda: checks.check_write(THING),  # type: ignore[arg-type]
        "write = thing: pass a function without arguments that stores the new hash",
    ),
    (lambda: checks.check_plain_write(Awaited()), "write = thing: nobody awaits here: pass a plain function"),
    (
        lambda: checks.check_plain_write(THING),  # type: ignore[arg-type]
        "write = thing: pass a function without arguments that stores the new hash",
    ),
]

COOKIES: Final[list[tuple[Refusing, str]]] = [
    (cookie(name=""), "Cookie.name = '': use 1 to 128 letters, digits, - or _ (RFC 9110 token)"),
    (cookie(name=THING), "Cookie.name = thing: use 1 to 128 letters, digits, - or _ (RFC 9110 token)"),
    (cookie(path="x"), "Cookie.path = 'x': begin with / and use printable ASCII without ; or space"),
    (cookie(path=THING), "Cookie.path = thing: begin with / and use printable ASCII without ; or space"),
    (cookie(domain="-"), "Cookie.domain = '-': use a host name, or leave it out"),
    (cookie(domain=THING), "Cookie.domain = thing: use a host name, or leave it out"),
    (cookie(same_site="lax"), "Cookie.same_site = 'lax': use one of Lax, Strict, None"),
    (cookie(secure=1), "Cookie.secure = 1: use True"),
    (cookie(secure=False), "Cookie.secure = False: browsers take __Host-session only with Secure"),
    (
        cookie(name="__Secure-a", secure=False),
        "Cookie.secure = False: browsers take __Secure-a only with Secure",
    ),
    (cookie(path="/a"), "Cookie.name = '__Host-session': a __Host- cookie has Path=/ and no Domain"),
    (cookie(domain="a.example"), "Cookie.name = '__Host-session': a __Host- cookie has Path=/ and no Domain"),
    (
        cookie(name="a", secure=False, same_site="None"),
        "Cookie.same_site = 'None': SameSite=None asks for Secure",
    ),
    (cookie(name="a", secure=False, path="/a"), "Cookie.secure = False: without Secure, leave path and domain out"),
    (
        cookie(name="a", secure=False, domain="a.example"),
        "Cookie.secure = False: without Secure, leave path and domain out",
    ),
]


@pytest.mark.parametrize(
    ("refusing", "text"), [*SHELL, *VERBS, *COOKIES], ids=lambda part: part[:40] if isinstance(part, str) else ""
)
def test_a_refusal_names_what_was_passed_and_what_to_pass(refusing: Refusing, text: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        refusing()

    assert str(refused.value) == text


async def heard_later(_: object) -> None:
    """Hear nothing."""


@pytest.mark.parametrize("listener", [heard_later, Awaited(), partial(heard_later)])
@pytest.mark.parametrize(
    "told", [several, lambda listener: World(MemoryStore(), lambda: NOW, listener, lambda _: 0)], ids=["several", "one"]
)
def test_a_listener_that_would_have_to_be_awaited_is_refused_by_name(told: Any, listener: Any) -> None:
    """Every notice would be lost: also where an object is called, and where it is one of several."""
    with pytest.raises(InvalidSetting) as refused:
        told(listener)

    assert str(refused.value) == f"listener = {listener!r}: pass a plain function: it is called, not awaited"


def signed_in(clock: Clock) -> Handle:
    """Give alice's session."""
    session = Sessions(MemoryStore(), clock=clock).open(None)
    session.log_in(session.attempt("alice"), "pwd")
    return session


OF_A_SESSION: Final[list[tuple[Callable[[Handle], object], str]]] = [
    (lambda session: session.satisfy_mfa("otp", THING), "challenge = thing: pass what session.challenge() returned"),  # type: ignore[arg-type]
    (
        lambda session: session.satisfy_mfa(("otp",)),  # type: ignore[arg-type]
        "method = ('otp',): pass the name of one factor, such as 'otp'",
    ),
    (
        lambda session: session.reauthenticate("otp"),
        "method = 'otp': prove the first factor again: one of pwd, pin, kba",
    ),
    (
        lambda session: session.require(State.EXPIRED),
        "state = <State.EXPIRED: 'expired'>: use State.AUTHENTICATED or State.MFA_SATISFIED",
    ),
    (
        lambda session: session.require(max_age=300),  # type: ignore[arg-type]
        "max_age = 300: pass a timedelta, such as timedelta(minutes=5)",
    ),
    (
        lambda session: session.password_changed(THING),  # type: ignore[arg-type]
        "write = thing: pass a function without arguments that stores the new hash",
    ),
    (
        lambda session: session.end_others("admin"),  # type: ignore[arg-type]
        "reason = 'admin': pass a sessioncore.Reason, such as Reason.ADMIN",
    ),
    (
        lambda session: session.log_out("user"),  # type: ignore[arg-type]
        "reason = 'user': pass a sessioncore.Reason, such as Reason.ADMIN",
    ),
    (
        lambda session: session.log_in(session.attempt("bob"), "pwd", needs=State.CREATED),
        "needs = <State.CREATED: 'created'>: use State.AUTHENTICATED or State.MFA_SATISFIED",
    ),
    (
        lambda session: session.log_in(session.attempt("bob"), "pwd", not_after=datetime.fromtimestamp(1, UTC)),
        "not_after = datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.timezone.utc):"
        " it has passed: send the user back to the identity provider",
    ),
]


@pytest.mark.parametrize(("verb", "text"), OF_A_SESSION, ids=lambda part: part[:40] if isinstance(part, str) else "")
def test_a_verb_that_is_refused_says_why_and_changes_nothing(
    clock: Clock, verb: Callable[[Handle], object], text: str
) -> None:
    session = signed_in(clock)
    with pytest.raises(InvalidSetting) as refused:
        verb(session)

    assert str(refused.value) == text
    assert (session.subject, session.state) == ("alice", State.AUTHENTICATED)


async def _awaited_verbs(clock: Clock) -> list[str]:
    session = await AsyncSessions(MemoryStore(), clock=clock).open(None)
    session.log_in(await session.attempt("alice"), "pwd")
    wrong: Any = THING
    said = []
    for verb in (session.password_changed(wrong), session.end_others(wrong)):
        with pytest.raises(InvalidSetting) as refused:
            await verb
        said.append(str(refused.value))
    for loop in (None, asyncio.get_running_loop()):
        session.loop = loop
        with pytest.raises(InvalidSetting) as refused:
            assert session.from_thread
        said.append(str(refused.value))
    return said


def test_the_awaited_verbs_refuse_with_the_same_words_and_a_thread_is_told_what_it_lacks(clock: Clock) -> None:
    assert asyncio.run(_awaited_verbs(clock)) == [
        "write = thing: pass a function without arguments that stores the new hash",
        "reason = thing: pass a sessioncore.Reason, such as Reason.ADMIN",
        "from_thread = None: this handle came without the ASGI middleware: set its loop",
        "from_thread = 'in the event loop': await the session's own verb instead",
    ]


NOBODY: Final = "nobody is signed in: send the user to the login page"
VERBS_OF_SOMEBODY: Final[list[Callable[[Handle], object]]] = [
    Handle.challenge,
    lambda session: session.satisfy_mfa("otp"),
    lambda session: session.reauthenticate("pwd"),
    Handle.require,
    Handle.password_changed,
    Handle.end_others,
]


@pytest.mark.parametrize("is_guest", [True, False])
@pytest.mark.parametrize("verb", VERBS_OF_SOMEBODY)
def test_what_only_somebody_may_do_asks_nobody_and_a_guest_to_log_in(
    clock: Clock, verb: Callable[[Handle], object], is_guest: bool
) -> None:
    session = Sessions(MemoryStore(), clock=clock).open(None)
    if is_guest:
        session["cart"] = 1
        session.commit()

    with pytest.raises(LoginRequired, match=f"^{NOBODY}$"):
        verb(session)


def test_who_owes_a_factor_is_sent_to_the_challenge_unless_one_is_enough_there(clock: Clock) -> None:
    session = Sessions(MemoryStore(), clock=clock).open(None)
    session.log_in(session.attempt("alice"), "pwd", needs=State.MFA_SATISFIED)

    with pytest.raises(StepUpRequired, match=r"^a second factor is missing: send the user to the challenge page$"):
        session.require()
    session.require(State.AUTHENTICATED)


@pytest.mark.parametrize("now", [1, 10**9 - 1, 10**11, 2**53 - 1])
def test_a_clock_may_give_any_other_millisecond(now: int) -> None:
    checks.check_parts(MemoryStore(), Policy(), lambda: now, log_notice)


def test_what_is_right_is_taken_as_it_is() -> None:
    assert checks.origins_of(["https://a.example:8443", "http://[::1]"]) == ("https://a.example:8443", "http://[::1]")
    assert checks.methods_of("pwd") == ("pwd",)
    assert checks.methods_of(iter(["pwd", "otp"])) == ("pwd", "otp")
    assert checks.upstream_of(["", ""]) == ("", "")
    assert checks.span_of("keep", timedelta(0)) == 0
    assert Cookie(domain="", path="/").write(CLEAR, None, NOW).startswith("__Host-session=; Max-Age=0; Expires=Thu, 01")
