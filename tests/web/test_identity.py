"""Whose session a token opens: never one that the browser chose, never one known before a proof."""

import secrets
from typing import Any

import pytest

from sessioncore import Reason, Refused, State

from .conftest import SITES
from .driver import Browser, Handler, Site, done, rows
from .pages import change_password, end_others, log_in, log_out, look, read, reauthenticate, satisfy_mfa, then, write
from .stores import Recording

pytestmark = pytest.mark.anyio

UNKNOWN = "A" * 65
MALFORMED = [
    "",
    "A" * 64,
    "A" * 66,
    "A" * 64 + "\xe9",
    "A" * 64 + "\0",
    "A" * 64 + "=",
    "A" * 64 + "\n",
    "../" * 21 + "..",
    "*3\r\n$3\r\nSET\r\n" + "A" * 50,
    "' OR 1=1 --" + "A" * 54,
    "%41" * 21 + "AA",
    '"' + "A" * 65 + '"',
    "\uff21".encode().decode("latin-1") * 21 + "AA",
]


@pytest.mark.parametrize("page", [log_in(), write(a=1), then(write(a=1), log_in())])
async def test_an_unknown_token_is_never_adopted(site: Site, page: Handler) -> None:
    """A fresh one is set, with neither half of what the client chose."""
    answer = await site.ask(page, UNKNOWN)

    assert answer.token
    assert not {answer.token[:22], answer.token[22:]} & {UNKNOWN[:22], UNKNOWN[22:]}
    assert (await site.ask(read("a"), UNKNOWN)).value is None
    assert UNKNOWN[:22] not in {row.sid for row in rows(site.store)}


@pytest.mark.parametrize("page", [log_in(), write(a=1)])
async def test_a_known_selector_with_a_made_up_secret_opens_and_changes_nothing(
    site: Site, browser: Browser, page: Handler
) -> None:
    """The selector is public: it is listed and logged."""
    await browser.ask(log_in("bob"))
    assert browser.token is not None
    before = rows(site.store)
    forged = browser.token[:22] + "A" * 43
    answer = await site.ask(then(look, page), forged)

    assert answer.token is None or answer.token[:22] != browser.token[:22]
    assert [row for row in rows(site.store) if row.sid == browser.token[:22]] == before
    assert (await site.ask(log_out, forged)).token is None
    assert await browser.sees("subject") == "bob"


@pytest.mark.parametrize(
    "privilege",
    [satisfy_mfa(), reauthenticate(), log_in("alice"), log_in("bob"), change_password, end_others()],
)
async def test_a_token_known_before_a_proof_is_dead_after_it(site: Site, browser: Browser, privilege: Handler) -> None:
    """Fixation: whoever planted or stole the earlier cookie stays outside."""
    await browser.ask(log_in("alice"))
    former = browser.token
    answer = await browser.ask(privilege)

    assert answer.token not in (None, "", former)
    assert (await site.ask(look, former)).value is None
    assert await browser.sees("subject") is not None


async def test_a_login_as_the_very_first_touch_of_a_guest_session_rotates(site: Site, browser: Browser) -> None:
    """Nothing has to be read before for the secret to change."""
    await browser.ask(write(cart=["lamp"]))
    former = browser.token

    async def only(session: Any) -> None:
        session.log_in(site.shell.attempt("alice"), "pwd")

    await browser.ask(only)

    assert browser.token != former
    assert (await site.ask(read("cart"), former)).value is None
    assert (await browser.ask(read("cart"))).value == ["lamp"]


@pytest.mark.parametrize("token", MALFORMED)
@pytest.mark.parametrize("kind", SITES)
async def test_a_malformed_token_is_refused_before_any_store_call(site: Site, kind: str, token: str) -> None:
    """No store has to cope with what a stranger typed."""
    recording = Recording(site.store)
    watched = SITES[kind](store=recording, clock=site.clock)
    answer = await watched.ask_raw(look, [b"__Host-session=" + token.encode("latin-1")])

    assert (answer.status, answer.value, answer.token, recording.calls) == (200, None, None, [])


async def test_ten_thousand_random_tokens_leave_no_row(site: Site) -> None:
    """Reading costs a load, and nothing else."""
    recording = Recording(site.store)
    watched = type(site)(store=recording, clock=site.clock)
    for _ in range(2_500):  # by each adapter over each store
        answer = await watched.ask(look, secrets.token_urlsafe(16) + secrets.token_urlsafe(32))
        assert answer.token is None

    assert rows(site.store) == []
    assert set(recording.calls) == {"load"}


@pytest.mark.parametrize("token", [None, UNKNOWN, "nonsense"])
async def test_logging_out_without_a_session_succeeds_and_leaves_nothing(site: Site, token: str | None) -> None:
    """No row, no cookie, no error."""
    answer = await site.ask(log_out, token)

    assert (answer.status, answer.token, rows(site.store)) == (200, None, [])


async def test_a_second_logout_succeeds_and_the_first_reason_stays(site: Site, browser: Browser) -> None:
    """Only the one that ended the session clears the cookie."""
    await browser.ask(log_in())
    token = browser.token
    site.shell.end_all("alice", Reason.ADMIN)
    first, second = await site.ask(log_out, token), await site.ask(log_out, token)
    [row] = rows(site.store)

    assert (first.status, second.status, second.token) == (200, 200, None)
    assert (row.state, row.reason) == (State.LOGGED_OUT, Reason.ADMIN)


async def test_a_session_without_data_ends_as_well(site: Site, browser: Browser) -> None:
    """There is something to end as soon as there is a cookie."""
    await browser.ask(log_in())
    token = browser.token
    answer = await browser.ask(log_out)

    assert answer.token == ""
    assert (await site.ask(look, token)).value is None


async def test_logging_out_by_the_former_secret_is_honoured(site: Site, browser: Browser) -> None:
    """A logout overtaken by a rotation still ends the session, and clears the cookie that is dead now."""
    await browser.ask(log_in())
    former = browser.token
    await browser.ask(reauthenticate())
    answer = await site.ask(log_out, former)

    assert answer.token == ""
    assert await browser.sees("state") is None


async def test_a_secret_before_the_former_one_ends_nothing(site: Site, browser: Browser) -> None:
    """One rotation back is a race; two are a thief."""
    await browser.ask(log_in())
    oldest = browser.token
    await browser.ask(reauthenticate())
    await browser.ask(reauthenticate())
    answer = await site.ask(log_out, oldest)

    assert answer.token is None
    assert await browser.sees("signed_in")


async def test_logging_in_as_somebody_else_ends_the_old_session_without_its_data(site: Site, browser: Browser) -> None:
    """The next user of a shared browser finds nothing of the former one's."""
    await browser.ask(log_in("alice"))
    await browser.ask(write(diary="private"))
    former = browser.token

    async def switch(session: Any) -> object:
        session["note"] = "alice's as well"
        await log_in("bob")(session)
        return dict(session)

    answer = await browser.ask(switch)
    ended = {row.subject: row for row in rows(site.store)}["alice"]

    assert answer.value == {}
    assert (await browser.ask(read("diary"))).value is None
    assert (ended.reason, ended.data) == (Reason.REPLACED, ())
    assert (await site.ask(look, former)).value is None
    assert await browser.sees("subject") == "bob"


async def test_an_inert_cookie_does_not_keep_its_holder_out(site: Site, browser: Browser) -> None:
    """The login form works with it, token against forgery included: a browser restored from a backup can log in."""
    await browser.ask(log_in())
    stale = Browser(site, browser.token)
    await browser.ask(reauthenticate())
    form = await stale.sees("csrf_token")

    async def post(session: Any) -> object:
        assert session.csrf_matches(form)
        return await log_in("alice")(session)

    answer = await stale.ask(post)

    assert answer.value is True
    assert await stale.sees("subject") == await browser.sees("subject") == "alice"
    assert stale.token is not None
    assert stale.token[:22] != (browser.token or "")[:22]


@pytest.mark.parametrize("rotations", [1, 2])
async def test_a_rotated_token_writes_nothing_and_begins_nothing(site: Site, browser: Browser, rotations: int) -> None:
    """The request may be one that the rotation overtook: a new session's cookie would overwrite the right one."""
    await browser.ask(log_in())
    former = browser.token
    for _ in range(rotations):
        await browser.ask(reauthenticate())
    before = rows(site.store)

    async def scribble(session: Any) -> None:
        session["cart"] = ["trap"]
        session.record("view")

    answer = await site.ask(scribble, former)

    assert (answer.status, answer.token, rows(site.store)) == (200, None, before)
    assert len(site.told("dropped")) == 2


async def test_what_is_written_again_after_a_login_with_an_inert_cookie_is_kept(site: Site, browser: Browser) -> None:
    """It was dropped before the login, and belongs to the new session afterwards."""
    await browser.ask(log_in())
    stale = Browser(site, browser.token)
    await browser.ask(reauthenticate())

    async def page(session: Any) -> None:
        session["theme"] = "dark"
        await log_in("alice")(session)
        session["theme"] = "dark"

    await stale.ask(page)

    assert (await stale.ask(read("theme"))).value == "dark"


async def test_leaving_and_coming_back_in_one_request_is_another_session(site: Site, browser: Browser) -> None:
    """After the logout the handle is empty; what follows belongs to the new session."""
    await browser.ask(log_in("alice"))
    await browser.ask(write(cart=["lamp"]))
    former = browser.token

    async def round_trip(session: Any) -> object:
        session.log_out()
        seen = (session.state, dict(session), session.subject)
        session["hint"] = "welcome back"
        attempt = await done(session.attempt("alice"))
        session.log_in(attempt, "pwd")
        return seen

    answer = await browser.ask(round_trip)

    assert answer.value == (None, {}, None)
    assert len(answer.all("set-cookie")) == 1
    assert (await site.ask(look, former)).value is None
    assert (await browser.ask(read("hint"))).value == "welcome back"
    assert (await browser.ask(read("cart"))).value is None


async def test_of_a_login_what_it_was_told_is_written_down_and_nothing_else(site: Site) -> None:
    """A label without what cannot be shown; the session of an identity provider; both kinds of proof."""
    plain, told = Browser(site), Browser(site)
    await plain.ask(log_in("alice"))
    await told.ask(log_in("bob", ("pwd", "otp"), label="Fire\x00fox \u202e1", upstream=("https://op.example", "op-1")))
    by_subject = {row.subject: row for row in rows(site.store)}
    alice, bob = by_subject["alice"], by_subject["bob"]

    assert (alice.label, alice.upstream, alice.remembered, alice.needs) == ("", ("", ""), False, State.AUTHENTICATED)
    assert (bob.label, bob.upstream) == ("Firefox 1", ("https://op.example", "op-1"))
    assert (alice.state, bob.state) == (State.AUTHENTICATED, State.MFA_SATISFIED)


async def test_a_verb_that_succeeds_makes_an_earlier_failure_history(site: Site, browser: Browser) -> None:
    """Or the answer would be an error although the application has coped with it."""
    await browser.ask(log_in())

    async def page(session: Any) -> object:
        with pytest.raises(Refused):
            session.satisfy_mfa("pin")
        failed = type(session.raised)
        session.reauthenticate("pwd")
        return failed, session.raised

    assert (await browser.ask(page)).value == (Refused, None)
