"""The handlers that most tests serve: each is one thing that a page does with its session."""

from typing import Any

from sessioncore import Reason

from .driver import Handler, done


async def ignore(session: Any) -> None:
    """Serve a page that never looks at its session."""


async def look(session: Any) -> object:
    """Serve a page that greets whoever is signed in."""
    return session.subject if session.signed_in else None


async def log_out(session: Any) -> None:
    """Serve the logout form."""
    session.log_out()


def log_in(subject: str = "alice", method: Any = "pwd", **options: Any) -> Handler:
    """Serve the login form."""

    async def page(session: Any) -> object:
        attempt = await done(session.attempt(subject))
        session.log_in(attempt, method, **options)
        return session.signed_in

    return page


def satisfy_mfa(method: str = "otp") -> Handler:
    """Serve the challenge form."""

    async def page(session: Any) -> object:
        session.satisfy_mfa(method)
        return session.signed_in

    return page


def reauthenticate(method: str = "pwd") -> Handler:
    """Serve the form that asks for the password again."""

    async def page(session: Any) -> None:
        session.reauthenticate(method)

    return page


def write(**values: Any) -> Handler:
    """Serve a form that stores something."""

    async def page(session: Any) -> None:
        session.update(values)

    return page


def read(key: str) -> Handler:
    """Serve a page that shows something stored."""

    async def page(session: Any) -> object:
        return session.get(key)

    return page


async def change_password(session: Any) -> None:
    """Serve the form that changes the password."""
    await done(session.password_changed())


def end_others(reason: Reason = Reason.USER_ALL) -> Handler:
    """Serve the button that ends all other sessions."""

    async def page(session: Any) -> None:
        await done(session.end_others(reason))

    return page


def then(*handlers: Handler) -> Handler:
    """Serve a page that does several things in one request; it answers what the last one does."""

    async def page(session: Any) -> object:
        value = None
        for handler in handlers:
            value = await handler(session)
        return value

    return page
