"""What must hold of an answer."""

from typing import Final

from attrs import frozen

from ..expectation import Expected
from ..script import Answer
from ..worth import Crumb
from .claim import invariant


@frozen
class Exchange:
    """Hold a request with its answer and with what the model expected of it; ``status`` is the expected one."""

    expected: Expected
    answer: Answer
    status: int

    @property
    def crumb(self) -> Crumb:
        """Say what the response did to the cookie."""
        cookie = self.answer.cookie
        return Crumb.UNTOUCHED if cookie is None else Crumb.SET if cookie else Crumb.CLEARED


@invariant("LogoutAlwaysWins")
def logs_out(exchange: Exchange) -> bool:
    """No session refuses a logout."""
    verbs = exchange.expected.request.verbs
    return all(said == "ok" for (name, *_), said in zip(verbs, exchange.answer.said, strict=False) if name == "log_out")


@invariant("ResetRevokesAllPrior")
def reset_beats_login(exchange: Exchange) -> bool:
    """A login whose credential was checked before a reset of its subject is refused."""
    return not (exchange.expected.outdated and exchange.answer.status == 200)


@invariant("Total")
def total(exchange: Exchange) -> bool:
    """Every event on every session is one arrow of the table or one named refusal, and the right one."""
    said = exchange.answer.said
    return not said or all(one in other.split("|") for one, other in zip(said, exchange.expected.said, strict=True))


@invariant("CommitBeforeRespond")
def commit_before_respond(exchange: Exchange) -> bool:
    """What a request did is stored before its response starts, and a response says only what is true."""
    # A plain 500 after a verb that was refused is answered 409: a framework may have made it of the refusal.
    answers = (500, 409) if exchange.status == 500 else (exchange.status,)
    return exchange.answer.late == 0 and exchange.answer.status in answers


@invariant("SetCookieDiscipline")
def set_cookie_discipline(exchange: Exchange) -> bool:
    """Only the request that began or rotated a session sets the cookie; only the one that ended it clears it."""
    return exchange.crumb is exchange.expected.crumb


@invariant("RotationOnPrivilege")
def rotation_keeps_the_row(exchange: Exchange) -> bool:
    """Whoever gains a right is given a new secret, under the same selector."""
    fresh, cookie = exchange.expected.fresh, exchange.answer.cookie
    gained = fresh is not None and (fresh.sid or fresh is exchange.expected.newcomer)
    if fresh is None or not gained or exchange.answer.status == 409:
        return True
    return bool(cookie) and cookie != fresh.former and str(cookie).startswith(fresh.sid)


@invariant("UnknownIdInert")
def never_adopted(exchange: Exchange) -> bool:
    """A session that begins has another selector than any presented token."""
    fresh, cookie = exchange.expected.fresh, exchange.answer.cookie
    presented = exchange.expected.request.token
    return not (fresh and cookie and not fresh.sid) or len(presented) < 22 or not cookie.startswith(presented[:22])


@invariant("VariesByCookie")
def varies_by_cookie(exchange: Exchange) -> bool:
    """A response that depends on the session varies by cookie, and one that sets a cookie is not stored."""
    if exchange.answer.headers is None or exchange.answer.status in (409, 503):
        return True
    headers = dict(exchange.answer.headers)
    stored = exchange.answer.cookie is not None and headers.get("cache-control") != "no-store"
    return headers.get("vary") == "Cookie" and not stored


ON_ANSWER: Final = (
    logs_out, reset_beats_login, commit_before_respond, total, rotation_keeps_the_row,
    set_cookie_discipline, never_adopted, varies_by_cookie,
)  # fmt: skip
