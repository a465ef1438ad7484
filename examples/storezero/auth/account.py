"""What customers may do about their password and phone, where they have them: at the login service."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ..common.web import form_of, go, page, session_of
from . import codes
from .accounts import objection
from .house import FRESH, house_of
from .login import customer


async def home(request: Request) -> Response:
    """Show the account."""
    return page(request, "account.html", account=customer(request))


async def log_out(request: Request) -> Response:
    """End this session; the server tells every application that hangs on it."""
    await form_of(request)
    session_of(request).log_out()
    return go("/left")


async def left(request: Request) -> Response:
    """Say goodbye."""
    text = "The session here has ended, and every application that hung on it was told."
    return page(request, "message.html", title="Logged out", text=text)


async def ask_change(request: Request) -> Response:
    """Show the form for another password."""
    return page(request, "password.html", account=customer(request))


async def change_password(request: Request) -> Response:
    """Store another password: this session stays, with a new cookie, and all others end, with what hangs on them."""
    form = await form_of(request)
    account, house, session = customer(request), house_of(request), session_of(request)
    password = form.get("password", "")
    if not await run_in_threadpool(house.accounts.verify, account, form.get("current", "")):
        return page(request, "password.html", 400, account=account, error="That is not your present password.")
    if error := objection(password, form.get("repeated", "")):
        return page(request, "password.html", 400, account=account, error=error)
    hashed = await run_in_threadpool(house.accounts.hash, password)
    await session.password_changed(lambda: house.accounts.store_hash(account.id, hashed))
    session.record("changed the password")
    await session.commit()
    await house.settle(account.id)
    text = "If it was not you, reset it now."
    house.books.outbox.send(account.greeting, "Your password was changed", text, house.clock())
    return page(request, "password.html", account=account, changed=True)


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
    account, house, session = customer(request), house_of(request), session_of(request)
    secret = session.get("new secret", "")
    if account.owes_code or not secret:
        return go("/phone")
    if codes.matching_step(secret, form.get("code", ""), house.clock()) is None:
        picture = codes.qr_svg(account.name, secret)
        return page(request, "phone.html", 400, secret=secret, picture=picture, error="That is not the code.")
    house.accounts.store_secret(account.id, secret)
    del session["new secret"]
    session.satisfy_mfa("otp")
    await session.end_others()
    session.record("turned one-time codes on")
    await session.commit()
    await house.settle(account.id)
    return go("/phone")
