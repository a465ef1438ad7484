"""Each check is broken once, and the test that is there for it notices."""

import base64
import hmac
import json
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import httpx2
import pytest
from attrs import frozen
from joserfc.jwt import JWTClaimsRegistry, Token

import sessioncore.flows.upstream as upstream
import sessioncore_io.oidc.arriving as arriving
import sessioncore_io.oidc.authorizing as authorizing
import sessioncore_io.oidc.grants as grants
import sessioncore_io.oidc.guard as guard
import sessioncore_io.oidc.idtokens as idtokens
import sessioncore_io.oidc.keeping as keeping
import sessioncore_io.oidc.landing as landing
import sessioncore_io.oidc.leaving as leaving
import sessioncore_io.oidc.logins as logins
import sessioncore_io.oidc.notices as notices
import sessioncore_io.oidc.pending as pending
import sessioncore_io.oidc.protocol as protocol
import sessioncore_io.oidc.receiving as receiving
import sessioncore_io.oidc.responding as responding
import sessioncore_io.oidc.routes as routes
import sessioncore_io.oidc.tokens as endpoints
import sessioncore_io.oidc.watching as watching
import sessioncore_io.seen as seen
from sessioncore import Policy
from sessioncore.effects import Flow
from sessioncore.sso import Interact, Interaction, LogoutRequest
from sessioncore.testing import Clock
from sessioncore_io.handle import AsyncHandle
from sessioncore_io.oidc import Client, Keys
from sessioncore_io.oidc.provider import Provider
from sessioncore_io.oidc.transport import readdressed
from sessioncore_io.shell import AsyncSessions

from . import (
    test_authorizing,
    test_backchannel_receiving,
    test_backchannel_sending,
    test_codes,
    test_delivering,
    test_federation,
    test_guard,
    test_notices,
    test_relying_party,
    test_rp_initiated_logout,
    test_silent,
)
from .forger import Forger, by_stranger
from .town import Town

pytestmark = pytest.mark.anyio

Check = Callable[[Town, pytest.MonkeyPatch], Coroutine[Any, Any, None]]


@frozen
class Plant:
    """Hold one bug: what it replaces, by what, and the test that has to fail."""

    owner: Any
    name: str
    instead: Any
    check: Check


async def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""


def _on(test: Callable[..., Coroutine[Any, Any, None]], *arguments: Any, **more: Any) -> Check:
    return lambda town, _: test(town, *arguments, **more)


def _patching(test: Callable[..., Coroutine[Any, Any, None]], **more: Any) -> Check:
    return lambda town, patch: test(town, patch, **more)


def _patching_only(test: Callable[..., Coroutine[Any, Any, None]]) -> Check:
    return lambda _, patch: test(patch)


def _forged(test: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> Check:
    async def check(town: Town, _: pytest.MonkeyPatch) -> None:
        forger = Forger(town.clock, town.internet)
        town.shop.provider.provider.transport = forger
        await test(town, forger, *arguments)

    return check


def _logout(fault: str) -> Check:
    return _on(test_backchannel_receiving.test_oidcc_client_test_rp_backchannel_rpinitlogout_with_a_fault, fault)


def _id_token(fault: str) -> Check:
    return _forged(test_relying_party.test_an_id_token_with_a_fault_signs_nobody_in, fault)


def _federated(test: Callable[..., Coroutine[Any, Any, None]]) -> Check:
    return lambda town, _: test(test_federation.ThreeLayers(town.clock))


def _unchecked(claims: str) -> Callable[..., None]:
    """Forget to look at one claim."""
    validate = JWTClaimsRegistry.validate

    def forgetful(self: JWTClaimsRegistry, given: dict[str, Any]) -> None:
        self.options.pop(claims, None)
        validate(self, {name: value for name, value in given.items() if name != claims})

    return forgetful


def _any_type(token: Any, **options: Any) -> Any:
    return CHECK_LOGOUT(token, **{**options, "any_type": True})


OWN_CLAIMS = protocol.Protocol.id_claims
VERIFIED = Keys.verified
CHECK_LOGOUT = receiving.check_logout_token
TAKE = logins.take


async def _issued_before_the_commit(self: Any, handle: Any, arrived: Any, *rest: Any) -> Any:
    """Build the answer, and let the middleware commit; what it cannot store has been said by then."""
    sid, granted = handle.sid, self._entry(arrived, rest[0], rest[-1], handle.at)
    code, _ = grants.keep_code(handle, granted, self.protocol.keys)
    handle._events, handle._bag_ = (), None
    return await self._issued(arrived, granted, code, sid, handle.at)


def _never_seen(_: str) -> Flow[bool]:
    yield from ()
    return False


PLANTS = {
    # -- the server ------------------------------------------------------------------------------------------
    "the answer is given before the commit": Plant(
        authorizing.Authorizing,
        "_granted",
        _issued_before_the_commit,
        _patching(test_codes.test_a_store_that_fails_at_the_commit_issues_nothing, params={"response_type": "code"}),
    ),
    "nobody looks whether the write was dropped": Plant(
        authorizing,
        "_holds",
        lambda *_: True,
        _patching(test_codes.test_a_session_that_ends_during_the_request_issues_nothing, prompt="none"),
    ),
    "a code is good after its session": Plant(
        grants,
        "alive",
        lambda row, *_: row,
        _on(test_codes.test_the_code_of_a_session_that_a_reset_ended_is_refused),
    ),
    "a code is good twice": Plant(
        endpoints, "redeem", lambda *_: _true(), _on(test_codes.test_a_code_is_redeemed_once)
    ),
    "a code is good for an hour": Plant(
        grants, "CODE_LIFE", 3_600_000, _on(test_codes.test_a_code_is_good_for_a_minute)
    ),
    "a code is anybody's": Plant(
        protocol._Code,
        "query_authorization_code",
        lambda self, *_: self.request.found,
        _on(test_codes.test_a_code_of_another_client_is_refused),
    ),
    "a redirect_uri is compared by its beginning": Plant(
        Client,
        "check_redirect_uri",
        lambda self, uri: any(uri.startswith(known) for known in self.redirect_uris),
        _on(test_authorizing.test_oidcc_ensure_registered_redirect_uri, {"redirect_uri": "https://shop.example/app/"}),
    ),
    "any way back is allowed": Plant(
        arriving,
        "mode_of",
        lambda _, asked: asked or "query",
        _on(
            test_authorizing.test_a_request_that_cannot_be_answered_is_an_error,
            {"response_type": "id_token", "response_mode": "query"},
            "invalid_request",
        ),
    ),
    "a plain challenge will do": Plant(
        protocol._Pkce,
        "validate_code_challenge",
        lambda *_: None,
        _on(
            test_authorizing.test_a_request_that_cannot_be_answered_is_an_error,
            {"code_challenge_method": "plain"},
            "invalid_request",
        ),
    ),
    "auth_time is the time of issue": Plant(
        protocol.Protocol,
        "id_claims",
        lambda self, issue, client: {**OWN_CLAIMS(self, issue, client), "auth_time": issue.at},
        _on(test_authorizing.test_the_implicit_answer_comes_in_the_fragment),
    ),
    "a message goes to everybody": Plant(
        responding, "origin_of", lambda _: "*", _on(test_silent.test_a_message_goes_to_the_windows_origin_only)
    ),
    "a script is written as it is": Plant(
        responding, "_script", lambda value: str(value), _on(test_authorizing.test_nothing_in_a_message_ends_the_script)
    ),
    "a refusal counts as use": Plant(
        AsyncHandle,
        "passive",
        lambda self: setattr(self._shell, "policy", Policy(touch_every=1)),
        _on(test_authorizing.test_a_silent_answer_counts_as_use_and_a_refusal_does_not),
    ),
    "a silent request waits like any other": Plant(
        authorizing,
        "decide",
        lambda *_: Interact(Interaction.LOG_IN),
        _on(test_authorizing.test_a_silent_request_begins_nothing_and_sets_no_cookie, False),
    ),
    "requests pile up": Plant(
        keeping, "MOST", 100, _on(test_relying_party.test_pages_that_wait_at_the_server_do_not_pile_up)
    ),
    "a form counts for any page": Plant(
        pending,
        "find_page",
        lambda handle, name, at: pending.find(handle, name.partition(".")[0], at),
        _on(test_authorizing.test_a_page_that_is_sent_again_answers_only_itself),
    ),
    "entries may be of any size": Plant(
        keeping, "ROOM", 10**9, _on(test_relying_party.test_requests_that_any_page_makes_do_not_fill_the_session)
    ),
    "decisions may be framed": Plant(
        routes, "PAGE_HEADERS", (), _on(test_authorizing.test_pages_of_decisions_are_nobodys_frames)
    ),
    "tokens are shown in logs": Plant(
        protocol.Unsaid, "__repr__", dict.__repr__, lambda town, patch: _logged(town, patch)
    ),
    "any token is a hint": Plant(
        Keys,
        "verified",
        lambda self, token, typ="": VERIFIED(self, token),
        _on(test_rp_initiated_logout.test_a_token_signed_for_another_use_is_no_hint, "at+jwt"),
    ),
    # -- logout ------------------------------------------------------------------------------------------------
    "a logout needs no confirmation": Plant(
        AsyncHandle,
        "csrf_matches",
        lambda *_: True,
        _on(test_rp_initiated_logout.test_a_confirmation_without_the_forms_token_changes_nothing),
    ),
    "any way back from a logout is good": Plant(
        leaving,
        "LogoutRequest",
        lambda **given: LogoutRequest(**{**given, "registered": (given["redirect_uri"],)}),
        _on(test_rp_initiated_logout.test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri),
    ),
    "nobody is told": Plant(
        watching.WatchedStore,
        "_tell",
        lambda *_: None,
        _on(test_backchannel_sending.test_oidcc_backchannel_rp_initiated_logout),
    ),
    "all clients are told": Plant(
        notices,
        "clients_of",
        lambda _: ("shop",),
        _on(test_backchannel_sending.test_only_clients_that_hang_on_the_session_are_told),
    ),
    "the session's own selector is what clients are told": Plant(
        notices,
        "client_sid",
        lambda sid, _: sid,
        _on(test_backchannel_sending.test_oidcc_backchannel_rp_initiated_logout),
    ),
    "a reset is told later": Plant(
        notices.LogoutNotices,
        "settle",
        _nothing,
        _on(test_backchannel_sending.test_a_password_reset_is_told_at_once_and_names_the_subject_alone),
    ),
    "what is kept is the application's to clear": Plant(
        seen,
        "is_reserved",
        lambda _: False,
        lambda town, _: (
            test_notices.test_what_a_login_service_clears_away_is_its_own_and_every_client_is_told_all_the_same(
                town.clock
            )
        ),
    ),
    "clients are told in rounds": Plant(
        notices.LogoutNotices,
        "run",
        lambda self: _in_rounds(self),
        lambda town, patch: _impatient(
            test_delivering.test_a_client_that_does_not_answer_keeps_no_other_one_waiting(town.clock), patch
        ),
    ),
    "everything is public": Plant(
        guard,
        "is_public",
        lambda _: True,
        lambda *_: test_guard.test_a_name_that_leads_inside_is_not_called("10.0.0.1"),
    ),
    "any certificate will do, as long as it is the address's": Plant(
        guard,
        "readdressed",
        lambda request, host, **_: readdressed(request, host),
        _patching_only(test_guard.test_the_certificate_is_still_the_names),
    ),
    "ends do not travel down": Plant(
        AsyncSessions,
        "end_upstream",
        _nothing,
        _federated(test_federation.test_a_logout_at_the_provider_ends_all_three),
    ),
    # -- what a logout token has to be ---------------------------------------------------------------------------
    **{
        f"a logout token's {claim} is not looked at": Plant(
            JWTClaimsRegistry, "validate", _unchecked(claim), _logout(fault)
        )
        for claim, fault in {
            "iss": "wrong-iss",
            "aud": "wrong-aud",
            "exp": "expired",
            "iat": "iat-in-the-future",
            "jti": "empty-jti",
        }.items()
    },
    **{
        f"a logout token may be {fault}": Plant(receiving, "_check_event", lambda _: None, _logout(fault))
        for fault in ("no-event", "wrong-event", "with-nonce", "event-is-no-object")
    },
    "an old logout token is good": Plant(idtokens, "OLDEST", 10**9, _logout("iat-of-yesterday")),
    "any type is a logout token": Plant(
        receiving,
        "check_logout_token",
        _any_type,
        _on(test_backchannel_receiving.test_another_type_of_token_is_refused, "JWT"),
    ),
    "a token is good for ever": Plant(
        upstream,
        "_is_remembered",
        _never_seen,
        _on(test_backchannel_receiving.test_a_replayed_token_has_no_second_effect),
    ),
    "a signature is not checked": Plant(
        Provider,
        "verified",
        lambda self, text: _unverified(text),
        _on(test_backchannel_receiving.test_oidcc_client_test_rp_backchannel_rpinitlogout_invalid_sig),
    ),
    # -- what an application believes ------------------------------------------------------------------------------
    **{
        f"an ID token's {claim} is not looked at": Plant(
            JWTClaimsRegistry, "validate", _unchecked(claim), _id_token(fault)
        )
        for claim, fault in {"iss": "issuer-without-slash", "aud": "wrong-audience", "exp": "expired"}.items()
    },
    "a nonce is not compared": Plant(hmac, "compare_digest", lambda *_: True, _id_token("wrong-nonce")),
    "an old ID token is good": Plant(idtokens, "OLDEST", 10**9, _id_token("issued-long-ago")),
    "at_hash is not compared": Plant(
        idtokens, "create_half_hash", lambda *_: b"AAAAAAAAAAAAAAAAAAAAAA", _id_token("wrong-at-hash")
    ),
    "an ID token's signature is not checked": Plant(
        Provider,
        "verified",
        lambda self, text: _unverified(text),
        _forged(test_relying_party.test_an_id_token_that_the_provider_did_not_sign_signs_nobody_in, by_stranger),
    ),
    "any answer is this provider's": Plant(
        landing,
        "check_answer",
        _nothing,
        _forged(test_relying_party.test_an_answer_of_another_server_is_refused, "https://other.example/"),
    ),
    "a state is good twice": Plant(
        logins,
        "take",
        lambda session, state, *rest: _kept(session, state, *rest),
        _forged(test_relying_party.test_an_answer_counts_once),
    ),
    "a logout that came early is forgotten": Plant(
        landing,
        "still_on",
        _nothing,
        _forged(test_relying_party.test_a_logout_that_comes_before_the_session_ends_it_all_the_same, "sid"),
    ),
    "hidden frames push out whom they like": Plant(
        keeping,
        "_is_silent",
        lambda _: False,
        _forged(test_relying_party.test_frames_that_ask_silently_take_no_room_from_a_login_that_its_user_is_at),
    ),
    "only one login may be under way": Plant(
        keeping, "MOST", 1, _on(test_relying_party.test_two_tabs_that_log_in_at_once_both_succeed)
    ),
}


async def _in_rounds(self: notices.LogoutNotices) -> None:
    while True:
        self._news.clear()
        await self.deliver()
        await self._news.wait()


async def _impatient(test: Coroutine[Any, Any, None], patch: pytest.MonkeyPatch) -> None:
    patch.setattr(notices, "PATIENCE", 0.05)
    await test


async def _true() -> bool:
    return True


async def _unverified(text: str) -> Any:
    head, body = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in text.split(".")[:2])
    return Token(head, body)


def _kept(session: AsyncHandle, state: str, *rest: Any) -> Any:
    entry = session._row_data.get("oidc.login." + state)
    taken = TAKE(session, state, *rest)
    if entry is not None:
        session._row_data["oidc.login." + state] = entry
    return taken


async def _logged(town: Town, patch: pytest.MonkeyPatch) -> None:
    """Run the test of the logs with a log of its own."""

    class Log(logging.Handler):
        records: list[logging.LogRecord]
        text = ""

        def __init__(self) -> None:
            super().__init__(logging.DEBUG)
            self.records = []

        def emit(self, record: logging.LogRecord) -> None:
            self.records.append(record)
            self.text += record.getMessage()

        def set_level(self, level: int) -> None:
            logging.getLogger("authlib").setLevel(level)

    log = Log()
    logger = logging.getLogger("authlib")
    level = logger.level
    logger.addHandler(log)
    try:
        await test_codes.test_no_log_shows_a_token(town, log)  # type: ignore[arg-type]
    finally:
        logger.removeHandler(log)
        logger.setLevel(level)  # a patch would not clear what the loggers below remember of it


# What a test says when it fails: where an answer is not what it should be, what is looked for in it may not be there.
NOTICED = (AssertionError, pytest.fail.Exception, LookupError, ValueError, httpx2.ConnectError)


@pytest.mark.parametrize("bug", PLANTS)
async def test_a_planted_bug_is_noticed(town: Town, monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    plant = PLANTS[bug]
    with monkeypatch.context() as patch:
        patch.setattr(plant.owner, plant.name, plant.instead)

        with pytest.raises(NOTICED):
            await plant.check(town, patch)


@pytest.mark.parametrize("bug", PLANTS)
async def test_and_without_it_all_is_well(clock: Clock, monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    with monkeypatch.context() as patch:
        await PLANTS[bug].check(Town(clock), patch)
