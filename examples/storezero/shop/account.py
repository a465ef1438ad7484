"""What customers may do about their sessions, password and phone."""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sessioncore import NotYours

from ..auth import codes
from ..auth.accounts import objection
from .checkout import FRESH
from .shop import shop_of
from .web import customer, form_of, go, page, session_of


async def my_sessions(request: Request) -> Response:
    """List the customer's sessions: the live ones, and how the last others ended."""
    account = customer(request)
    every = await shop_of(request).sessions.sessions_of(account.id, ended=True)
    ended = sorted((one for one in every if not one.live), key=lambda one: -one.ended_at)
    return page(request, "sessions.html", live=[one for one in every if one.live], ended=ended[:5])


async def end_one(request: Request) -> Response:
    """End one session, which may be this one."""
    form = await form_of(request)
    account, session, sid = customer(request), session_of(request), form.get("sid", "")
    if sid == session.sid:
        session.log_out()
        return go("/")
    try:
        await shop_of(request).sessions.end(sid, subject=account.id)
    except NotYours:
        raise HTTPException(404, "You have no such session.") from None
    session.record("ended another session")
    return go("/sessions")


async def end_others(request: Request) -> Response:
    """End every session of the customer but this one."""
    await form_of(request)
    customer(request)
    session = session_of(request)
    await session.end_others()
    session.record("ended all other sessions")
    return go("/sessions")


async def ask_change(request: Request) -> Response:
    """Show the form for another password."""
    customer(request)
    return page(request, "password.html")


async def change_password(request: Request) -> Response:
    """Store another password: this session stays, with a new cookie, and all others end."""
    form = await form_of(request)
    account, shop, session = customer(request), shop_of(request), session_of(request)
    password = form.get("password", "")
    if not await run_in_threadpool(shop.accounts.verify, account, form.get("current", "")):
        return page(request, "password.html", 400, error="That is not your present password.")
    if error := objection(password, form.get("repeated", "")):
        return page(request, "password.html", 400, error=error)
    hashed = await run_in_threadpool(shop.accounts.hash, password)
    await session.password_changed(lambda: shop.accounts.store_hash(account.id, hashed))
    session.record("changed the password")
    shop.outbox.send(account.greeting, "Your password was changed", "If it was not you, reset it now.", shop.clock())
    return page(request, "password.html", changed=True)


async def ask_phone(request: Request) -> Response:
    """Show the code to scan; the secret waits in the session, on our side, until a code proves that it arrived."""
    account, session = customer(request), session_of(request)
    if account.owes_code:
        return page(request, "phone.html", done=True)
    session.require(session.state, max_age=FRESH)
    secret = session.setdefault("new secret", codes.new_secret())
    return page(request, "phone.html", secret=secret, picture=codes.qr_svg(account.name, secret))


async def add_phone(request: Request) -> Response:
    """Turn one-time codes on: this customer's logins need one, and browsers that gave none are logged out."""
    form = await form_of(request)
    account, shop, session = customer(request), shop_of(request), session_of(request)
    secret = session.get("new secret", "")
    if account.owes_code or not secret:
        return go("/phone")
    if codes.matching_step(secret, form.get("code", ""), shop.clock()) is None:
        picture = codes.qr_svg(account.name, secret)
        return page(request, "phone.html", 400, secret=secret, picture=picture, error="That is not the code.")
    shop.accounts.store_secret(account.id, secret)
    del session["new secret"]
    session.satisfy_mfa("otp")
    await session.end_others()
    session.record("turned one-time codes on")
    return go("/phone")
