"""Forgetting the password: a link to one's mailbox, and a reset that ends every session."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ..common.web import form_of, page
from .accounts import objection
from .house import house_of


async def ask_name(request: Request) -> Response:
    """Ask whose password was forgotten."""
    return page(request, "forgotten.html")


async def send_link(request: Request) -> Response:
    """Send a link if there is such an account, and say the same if there is none."""
    form = await form_of(request)
    house = house_of(request)
    account = house.accounts.named(form.get("name", ""))
    if account is not None and not account.federated:
        link = f"/reset/{house.books.links.new(account.id, house.clock())}"
        text = "Follow this link within half an hour to choose a new password. If it was not you, do nothing."
        house.books.outbox.send(account.greeting, f"A new password for {house.title}", text, house.clock(), link)
    return page(request, "forgotten.html", sent=True)


async def ask_new_password(request: Request) -> Response:
    """Show the form behind a link. Looking does not use it up: mail scanners look too."""
    house = house_of(request)
    good = house.books.links.owner(request.path_params["token"], house.clock()) is not None
    return page(request, "reset.html", 200 if good else 410, good=good)


async def reset_password(request: Request) -> Response:
    """Store the new password; every session of this customer ends, on every device and in every application."""
    form = await form_of(request)
    house, password = house_of(request), form.get("password", "")
    if error := objection(password, form.get("repeated", "")):
        return page(request, "reset.html", 400, good=True, error=error)
    owner = house.books.links.redeem(request.path_params["token"], house.clock())
    if owner is None:
        return page(request, "reset.html", 410, good=False)
    hashed = await run_in_threadpool(house.accounts.hash, password)
    await house.server.reset_password(house.sessions, owner, lambda: house.accounts.store_hash(owner, hashed))
    return page(request, "message.html", title="Password changed", text="You are logged out everywhere. Log in anew.")
