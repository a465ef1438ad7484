"""Stand between an ASGI application and its server: what the session did is stored before the answer starts."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from sessioncore import SessionError

from .answers import CONFLICT, FAILED, UNCOMMITTED, Answering, replaced, unanswered, with_cookie
from .handle import AsyncHandle
from .raw_headers import decoded, encoded, varying_message

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_DENIED: Final = "websocket.http.response.start"


class Sending:
    """Stand between the application and the server's ``send``.

    Where nothing has to be awaited but ``send`` itself, its own awaitable is handed on: a coroutine of ours around
    each message would cost more than all that the steady request asks of it.
    """

    __slots__ = ("_replaced", "_send", "answering", "handle")

    sealing = "all"

    def __init__(self, handle: AsyncHandle, answering: Answering, send: Send) -> None:
        self.handle = handle
        self.answering = answering
        self._send = send
        self._replaced = False

    def send(self, message: Message) -> Awaitable[None]:
        raise NotImplementedError

    def _start(self, message: Message) -> Awaitable[None]:
        """Start the response with the session's headers; no more than ``sealing`` allows can happen afterwards."""
        answered = self._with_headers(message)
        self.handle.seal(self.sealing)
        return self._send(answered)

    async def _commit_and_start(self, message: Message, status: int) -> None:
        error = await self._committed(status) or unanswered(self.handle, status)
        if error is not None or self.handle.failed:
            self._replaced = True
            await self._replace(error)
        else:
            await self._start(message)

    async def instead(self, error: Exception) -> bool:
        """Answer 503 or 409 for an application that let a verb's failure through; False if it is too late for that."""
        if not self.handle.sealed and not self._replaced:
            self._replaced = True
            await self._replace(error)
        return self._replaced

    async def give_cookie(self) -> None:
        """Do nothing for an application that failed: only a page can give the browser what it is owed."""

    async def _replace(self, error: Exception | None) -> None:
        raise NotImplementedError

    async def _committed(self, status: int) -> SessionError | None:
        try:
            if status >= 500:
                await self.handle.store_logout()
            elif not self.handle.idle:
                await self.handle.commit()
        except UNCOMMITTED as error:
            return error
        return None

    def _with_headers(self, message: Message) -> Message:
        handle = self.handle
        if handle.order is None:
            return varying_message(message) if handle.accessed else message
        headers = with_cookie(decoded(message.get("headers", ())), handle, self.answering.cookie)
        return {**message, "headers": encoded(headers)}


class HttpSending(Sending):
    """Commit before the response starts."""

    __slots__ = ()

    kind = "http.response"

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on, the first one with the session's headers; or send another response instead."""
        send = self._send
        if message["type"] != "http.response.start":
            return _nothing() if self._replaced else send(message)
        handle = self.handle
        if message["status"] >= 500 or not handle.may_start():
            return self._commit_and_start(message, message["status"])
        answered = varying_message(message) if handle.accessed else message
        handle.seal()
        return send(answered)

    async def give_cookie(self) -> None:
        """Answer 500 for an application that failed after its session had rotated: the server's own has no cookie.

        The browser would be left with a token that is none any more. The failure goes on to the server, which finds
        the answer complete.
        """
        if self.handle.order is not None and not self.handle.sealed and not self._replaced:
            self._replaced = True
            await self._answer(*FAILED)

    async def _replace(self, error: Exception | None) -> None:
        await self._answer(*replaced(error, self.handle))

    async def _answer(self, status: int, text: str) -> None:
        headers, body = self.answering.instead(status, text, self.handle)
        await self._send({"type": f"{self.kind}.start", "status": status, "headers": encoded(headers)})
        await self._send({"type": f"{self.kind}.body", "body": body})


class DenialSending(HttpSending):
    """Answer a websocket by a page instead: a response like any other (ASGI's extension for denials)."""

    __slots__ = ()

    kind = "websocket.http.response"

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on, the first one with the session's headers; or send another response instead."""
        if message["type"] == _DENIED:
            return self._commit_and_start(message, message["status"])
        return _nothing() if self._replaced else self._send(message)


class SocketSending(Sending):
    """Commit before the socket is accepted; afterwards no cookie can travel, so nothing may rotate."""

    __slots__ = ("_denial",)

    sealing = "rotations"

    def __init__(self, handle: AsyncHandle, answering: Answering, send: Send) -> None:
        super().__init__(handle, answering, send)
        self._denial: DenialSending | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on; refuse the socket if its session's changes could not be stored."""
        if message["type"] == "websocket.accept":
            return self._commit_and_start(message, 101)
        if message["type"] == _DENIED:
            self._denial = DenialSending(self.handle, self.answering, self._send)
        if self._denial is not None:
            return self._denial.send(message)
        return _nothing() if self._replaced else self._send(message)

    async def _replace(self, error: Exception | None) -> None:
        reason = (
            "session changed meanwhile" if replaced(error, self.handle) is CONFLICT else "session store unavailable"
        )
        await self._send({"type": "websocket.close", "code": 1011, "reason": reason})


async def _nothing() -> None:
    """Send nothing: another response was sent instead."""
