"""Who owes a second factor is not signed in; a factor counts once, for its session, and for a while."""

from datetime import timedelta
from typing import Any

import pytest

from sessioncore import InvalidSetting, LoginRequired, Refused, State, StepUpRequired
from sessioncore_io import Challenge
from sessioncore_io.memory import MemoryStore

from .driver import Browser, Handler, Site, done
from .pages import log_in, look, reauthenticate, satisfy_mfa

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> MemoryStore:
    """Keep sessions in memory: the machine's answers do not depend on the store."""
    return MemoryStore()


def requiring(state: State | None = None, max_age: Any = None) -> Handler:
    """Serve a page that insists; it answers what is missing."""

    async def page(session: Any) -> str:
        try:
            session.require(state, max_age)
        except (LoginRequired, StepUpRequired) as missing:
            return type(missing).__name__
        return "served"

    return page


async def refusal(session: Any, verb: Any) -> str:
    """Call a verb that must be refused and give the reason."""
    before = session.state
    with pytest.raises(Refused) as refused:
        verb()
    assert session.state == before
    return str(refused.value.why)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_who_owes_a_factor_is_not_signed_in(site: Site, browser: Browser, method: str) -> None:
    """On any route, until it is proved."""
    await browser.ask(log_in("alice", needs=State.MFA_SATISFIED))
    owing = await site.ask(look, browser.token, method=method)
    refused = await site.ask(requiring(), browser.token, method=method)
    await browser.ask(satisfy_mfa())
    proved = await site.ask(look, browser.token, method=method)

    assert (owing.value, refused.value, proved.value) == (None, "StepUpRequired", "alice")
    assert (await browser.ask(requiring())).value == "served"


ANYBODY, USER, STRONG = None, State.AUTHENTICATED, State.MFA_SATISFIED


@pytest.mark.parametrize(
    ("required", "stranger", "guest", "owing", "user", "strong"),
    [
        (ANYBODY, "LoginRequired", "LoginRequired", "StepUpRequired", "served", "served"),
        (USER, "LoginRequired", "LoginRequired", "served", "served", "served"),
        (STRONG, "LoginRequired", "LoginRequired", "StepUpRequired", "StepUpRequired", "served"),
    ],
)
async def test_require_says_what_is_missing(
    site: Site, required: State | None, stranger: str, guest: str, owing: str, user: str, strong: str
) -> None:
    """For each state that a browser can be in."""

    async def begin(session: Any) -> None:
        session["cart"] = []

    expected = {
        (): stranger,
        (begin,): guest,
        (log_in(needs=STRONG),): owing,
        (log_in(),): user,
        (log_in(), satisfy_mfa()): strong,
    }
    for pages, answer in expected.items():
        browser = Browser(site)
        for page in pages:
            await browser.ask(page)
        assert (await browser.ask(requiring(required))).value == answer


async def test_require_measures_the_age_of_the_proof_that_it_asks_for(site: Site, browser: Browser) -> None:
    """The second factor's for the strong state, the login's otherwise; at the limit is still served."""
    minutes = timedelta(minutes=5)
    await browser.ask(log_in())
    await browser.ask(satisfy_mfa())
    site.clock.advance(minutes)
    assert (await browser.ask(requiring(STRONG, minutes))).value == "served"
    assert (await browser.ask(requiring(USER, minutes))).value == "served"
    site.clock.advance(1)
    assert (await browser.ask(requiring(STRONG, minutes))).value == "StepUpRequired"
    assert (await browser.ask(requiring(None, minutes))).value == "LoginRequired"
    await browser.ask(reauthenticate())
    assert (await browser.ask(requiring(USER, minutes))).value == "served"
    assert (await browser.ask(requiring(STRONG, minutes))).value == "StepUpRequired"
    await browser.ask(satisfy_mfa())

    assert (await browser.ask(requiring(STRONG, minutes))).value == "served"


@pytest.mark.parametrize("state", [State.CREATED, State.EXPIRED, State.LOGGED_OUT, State.RESET])
async def test_only_signed_in_states_can_be_required(site: Site, browser: Browser, state: State) -> None:
    """A slip here would open the page to everybody who is signed in somehow."""
    await browser.ask(log_in(needs=State.MFA_SATISFIED))

    async def page(session: Any) -> str:
        with pytest.raises(InvalidSetting) as wrong:
            session.require(state)
        return wrong.value.name

    assert (await browser.ask(page)).value == "state"


async def test_a_state_may_be_required_by_its_text(site: Site, browser: Browser) -> None:
    """As it stands in a configuration file; it asks for no less."""
    await browser.ask(log_in(needs="mfa_satisfied"))

    assert (await browser.ask(requiring("mfa_satisfied"))).value == "StepUpRequired"  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "second"), [("pwd", "pin"), ("otp", "sms"), ("face", "fpt"), ("hwk", "otp")])
async def test_two_factors_of_one_kind_are_one(site: Site, browser: Browser, first: str, second: str) -> None:
    """Also at one login."""
    await browser.ask(log_in("alice", first, needs=State.MFA_SATISFIED))

    async def page(session: Any) -> str:
        return await refusal(session, lambda: session.satisfy_mfa(second))

    assert "same kind" in str((await browser.ask(page)).value)
    await browser.ask(log_in("alice", (first, second), needs=State.MFA_SATISFIED))
    assert (await browser.ask(look)).value is None


@pytest.mark.parametrize("method", ["", "password", "mfa", None, "OTP"])
async def test_an_unknown_method_is_refused_by_name(site: Site, browser: Browser, method: Any) -> None:
    """Its kind cannot be guessed."""
    await browser.ask(log_in())

    async def page(session: Any) -> str:
        with pytest.raises(InvalidSetting) as wrong:
            session.satisfy_mfa(method)
        return wrong.value.name

    assert (await browser.ask(page)).value == "method"


async def test_a_factor_proved_for_another_session_or_subject_is_refused(site: Site, browser: Browser) -> None:
    """The challenge binds it: a code entered into the attacker's own session opens nobody else's."""
    await browser.ask(log_in("alice"))
    thief = Browser(site)
    await thief.ask(log_in("alice"))
    challenge = (await browser.ask(challenging)).value
    assert isinstance(challenge, Challenge)
    elsewhere = [challenge, Challenge(await thief.sees("sid"), "bob")]

    async def page(session: Any) -> list[str]:
        return [await refusal(session, lambda c=c: session.satisfy_mfa("otp", c)) for c in elsewhere]

    for why in (await thief.ask(page)).value:
        assert "another session or another subject" in why

    async def rightly(session: Any) -> object:
        session.satisfy_mfa("otp", challenge)
        return session.signed_in

    assert (await browser.ask(rightly)).value is True


async def challenging(session: Any) -> object:
    """Serve a page that asks for a factor."""
    return session.challenge()


async def test_a_challenge_survives_a_rotation_and_not_another_login(site: Site, browser: Browser) -> None:
    """The selector is for the session's life."""
    await browser.ask(log_in("alice"))
    challenge = (await browser.ask(challenging)).value
    await browser.ask(reauthenticate())

    async def answer(session: Any) -> object:
        session.satisfy_mfa("otp", challenge)
        return session.state

    assert (await browser.ask(answer)).value == State.MFA_SATISFIED
    await browser.ask(log_in("bob"))

    async def late(session: Any) -> str:
        return await refusal(session, lambda: session.satisfy_mfa("otp", challenge))

    assert "another session" in str((await browser.ask(late)).value)


async def test_a_second_factor_lapses(site: Site, browser: Browser) -> None:
    """The session stays, the factor does not; who needs it owes it again."""
    await browser.ask(log_in("alice", remember=True, needs=State.MFA_SATISFIED))
    await browser.ask(satisfy_mfa())
    site.clock.advance(timedelta(hours=12) - timedelta(milliseconds=1))
    assert await browser.sees("signed_in") is True
    site.clock.advance(1)

    assert await browser.sees("signed_in") is False
    assert (await browser.sees("state"), await browser.sees("mfa_at")) == (State.AUTHENTICATED, None)
    assert await browser.sees("methods") == ("pwd",)


@pytest.mark.parametrize("verb", ["satisfy_mfa", "reauthenticate"])
async def test_a_guest_has_nothing_to_prove_again(site: Site, browser: Browser, verb: str) -> None:
    """Nobody is signed in: log in first."""

    async def page(session: Any) -> None:
        session["cart"] = []
        with pytest.raises(LoginRequired):
            getattr(session, verb)("otp")
        with pytest.raises(LoginRequired):
            session.challenge()
        with pytest.raises(LoginRequired):
            await done(session.password_changed())
        with pytest.raises(LoginRequired):
            await done(session.end_others())

    assert (await browser.ask(page)).status == 200
