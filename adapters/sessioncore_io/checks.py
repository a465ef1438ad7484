"""Check what the application passes in, at the door: by name, and before anything is written."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from inspect import iscoroutine, iscoroutinefunction
from typing import Any, Final

from sessioncore import NEVER, Attempt, InvalidSetting, Policy, Reason
from sessioncore.events import LONGEST_NAME
from sessioncore.flows import AnySubject, Token, parse_token
from sessioncore.policy import milliseconds

from .cookies import Cookie

# What the seconds of this age are: milliseconds of the first weeks of 1970, and nobody's clock.
_SECONDS: Final = range(10**9, 10**11)

_DAWN: Final = datetime.fromtimestamp(0, UTC)
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]+")

# -- what a shell is built of -------------------------------------------------------------------------------


def check_parts(store: object, policy: object, clock: Any, listener: object) -> None:
    """Refuse a store, a policy, a clock or a listener that is none."""
    if isinstance(store, type) or not callable(getattr(store, "load", None)):
        raise InvalidSetting("store", store, "pass a store, such as MemoryStore() or SqliteStore(path)")
    if not isinstance(policy, Policy):
        raise InvalidSetting("policy", policy, "pass a sessioncore.Policy")
    if not callable(listener):
        raise InvalidSetting("listener", listener, "pass a function that takes a Notice, or leave it out")
    now = clock() if callable(clock) and not iscoroutinefunction(clock) else None
    if type(now) is not int or not 0 < now < NEVER or now in _SECONDS:
        advice = "return whole milliseconds since the Unix epoch, such as time.time_ns() // 1_000_000"
        raise InvalidSetting("clock", now, advice)


def check_plain_store(store: object) -> None:
    """Refuse a store that has to be awaited, where nobody awaits."""
    if iscoroutinefunction(getattr(store, "load", None)):
        raise InvalidSetting("store", store, "it has to be awaited: use AsyncSessions or the ASGI middleware")


def check_cookie(cookie: object) -> None:
    """Refuse what is no ``Cookie``: a name alone says too little."""
    if not isinstance(cookie, Cookie):
        raise InvalidSetting("cookie", cookie, "pass a sessioncore_io.Cookie, such as Cookie(name=...)")


def check_page(page: object) -> None:
    """Refuse what cannot write a page at once."""
    if not callable(page) or iscoroutinefunction(page) or iscoroutinefunction(page.__call__):
        raise InvalidSetting("page", page, "pass a plain function of a status and a text: it is called, not awaited")


def origins_of(origins: Sequence[str]) -> tuple[str, ...]:
    """Give the origins whose pages may open websockets; a text is refused: any part of it would match."""
    advice = 'pass a tuple of origins such as ("https://app.example.com",): lower case, without a slash at the end'
    if not isinstance(origins, tuple | list):
        raise InvalidSetting("origins", origins, advice)
    for origin in origins:
        if not isinstance(origin, str) or _ORIGIN.fullmatch(origin) is None:
            raise InvalidSetting("origins", origin, advice)
    return tuple(origins)


# -- what a verb is given -----------------------------------------------------------------------------------


def token_of(presented: object) -> Token | None:
    """Read a presented cookie value; what is no token opens nothing. An error never shows the value."""
    if isinstance(presented, str):
        return parse_token(presented)
    if presented is None or isinstance(presented, Token):
        return presented
    raise InvalidSetting("presented", type(presented).__name__, "pass the cookie's value as text, a Token, or None")


def check_attempt(attempt: Any) -> None:
    """Refuse what is no attempt; a coroutine is one that nobody awaited."""
    if iscoroutine(attempt):
        attempt.close()
        raise InvalidSetting("attempt", "a coroutine", "write: attempt = await session.attempt(...)")
    if not isinstance(attempt, Attempt):
        raise InvalidSetting("attempt", attempt, "pass what session.attempt(subject) returned")


def check_remember(remember: object) -> None:
    """Refuse anything but a bool: a form's "off" would be true."""
    if not isinstance(remember, bool):
        raise InvalidSetting("remember", remember, 'pass True or False; a form sends text: remember="remember" in form')


def methods_of(method: str | Iterable[str]) -> tuple[str, ...]:
    """Give the names of one method or several; ``names_of`` judges them."""
    advice = "pass a name of RFC 8176 such as 'pwd', or several"
    if isinstance(method, str):
        return (method,)
    if not isinstance(method, Iterable):
        raise InvalidSetting("method", method, advice)
    names = tuple(method)
    if not all(isinstance(name, str) for name in names):
        raise InvalidSetting("method", names, advice)
    return names


def upstream_of(upstream: Any) -> tuple[str, str]:
    """Give the pair that names the session at the identity provider."""
    if isinstance(upstream, tuple | list) and len(upstream) == 2 and all(map(_is_name, upstream)):
        issuer, sid = upstream
        if issuer or not sid:  # no provider could end the session of no issuer
            return (issuer, sid)
    advice = f"pass (issuer, sid): two printable texts of at most {LONGEST_NAME} characters"
    raise InvalidSetting("upstream", upstream, advice)


def check_texts(**texts: object) -> None:
    """Refuse what is no text: it would be taken for a name that nobody has."""
    for name, text in texts.items():
        if not isinstance(text, str):
            raise InvalidSetting(name, text, "pass the text of the verified token's claim")


def instant_of(name: str, value: object) -> int:
    """Turn an instant into milliseconds since the Unix epoch; one without a time zone is none."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidSetting(name, value, "pass a datetime with a time zone")
    return milliseconds(value - _DAWN)


def check_label(label: object) -> None:
    """Refuse what is no text; what of a text cannot be shown is left out later."""
    if not isinstance(label, str):
        raise InvalidSetting("label", label, "pass text, such as the browser's name")


def check_subject(subject: object) -> None:
    """Refuse what no account can be called."""
    if not _is_name(subject):
        raise InvalidSetting("subject", subject, "pass the account's stable identifier as text: str(user.id)")


def check_reason(reason: object) -> None:
    """Refuse what is no ``Reason``: a row that says anything else could not be read back."""
    if not isinstance(reason, Reason):
        raise InvalidSetting("reason", reason, "pass a sessioncore.Reason, such as Reason.ADMIN")


def check_owner(subject: object) -> None:
    """Refuse what names neither a subject nor ``ANY_SUBJECT``."""
    if not isinstance(subject, AnySubject) and not _is_name(subject):
        raise InvalidSetting("subject", subject, "name the session's own subject, or pass ANY_SUBJECT")


def names_a_session(sid: object) -> bool:
    """Tell whether this can be a ``sid`` at all: what cannot is nobody's session."""
    return _is_name(sid) and str(sid).isascii()


def span_of(name: str, span: object) -> int:
    """Give a span in milliseconds: a bare number does not say its unit."""
    if not isinstance(span, timedelta):
        raise InvalidSetting(name, span, "pass a timedelta, such as timedelta(minutes=5)")
    if span < timedelta(0):
        raise InvalidSetting(name, span, "pass a span of at least 0")
    return milliseconds(span)


def check_write(write: Callable[[], object] | None) -> None:
    """Refuse what cannot be called."""
    if write is not None and not callable(write):
        raise InvalidSetting("write", write, "pass a function without arguments that stores the new hash")


def check_plain_write(write: Callable[[], object] | None) -> None:
    """Refuse also what has to be awaited, where nobody awaits: the hash would never be stored."""
    check_write(write)
    if iscoroutinefunction(write) or iscoroutinefunction(getattr(write, "__call__", None)):  # noqa: B004
        raise InvalidSetting("write", write, "nobody awaits here: pass a plain function")


def _is_name(text: object) -> bool:
    return isinstance(text, str) and len(text) <= LONGEST_NAME and text.isprintable()
