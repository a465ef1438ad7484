"""A small TCP proxy between a client and a real server, whose wires a test can cut, hold and let drip."""

import socket
import struct
import threading
from contextlib import suppress
from typing import Final

CHUNK: Final = 65_536


class Proxy:
    """Pass bytes on between clients and ``target``; each direction can be held, and each connection cut.

    ``requests`` and ``replies`` are the two directions. A direction that is held keeps its bytes until it is let
    go; one with an allowance passes that many bytes, and then the connection is cut: half an answer arrives.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.requests = Direction()
        self.replies = Direction()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._refusing = False
        self._how = socket.SHUT_RDWR
        self.refused = 0  # connections that were cut at once
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._start(self._accept)

    @property
    def connections(self) -> int:
        """Count the connections that are open."""
        with self._lock:
            return len(self._pairs)

    def cut(self) -> None:
        """Cut every connection that is open; new ones are let through."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._drop(pair)

    def reset(self) -> None:
        """End every connection by a reset (RST), as a firewall does that has forgotten it."""
        self._how = socket.SHUT_RD  # which wakes our own threads, and sends nothing
        with self._lock:
            pairs = list(self._pairs)
        for client, server in pairs:
            for end in (client, server):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._drop((client, server))
        self._how = socket.SHUT_RDWR

    def refuse(self) -> None:
        """Cut every connection, and every new one at once, until ``accept``."""
        self._refusing = True
        self.cut()

    def accept(self) -> None:
        """Let new connections through again."""
        self._refusing = False

    def close(self) -> None:
        """Cut everything and stop listening."""
        self._refusing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.requests.let_go()
        self.replies.let_go()
        self.cut()
        for thread in list(self._threads):
            thread.join()

    # -- within --------------------------------------------------------------------------------------------

    def _start(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            for end in pair:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.add(pair)
            if self._refusing:
                self._drop(pair)
                self.refused += 1
                continue
            self._start(self._pump, client, server, self.requests, pair)
            self._start(self._pump, server, client, self.replies, pair)

    def _pump(
        self,
        source: socket.socket,
        sink: socket.socket,
        direction: "Direction",
        pair: tuple[socket.socket, socket.socket],
    ) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK):
                passed = direction.pass_on(chunk)
                sink.sendall(passed)
                if len(passed) < len(chunk):
                    break
        self._drop(pair)

    def _drop(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            with suppress(OSError):
                end.shutdown(self._how)
            end.close()


class Direction:
    """Hold what goes one way; ``waiting`` tells that something is being held.

    ``passed`` counts the bytes, and ``chunks`` how often some came: a small batch that is sent at once comes at once.
    """

    def __init__(self) -> None:
        self.passed = 0
        self.chunks = 0
        self.waiting = threading.Event()
        self._open = threading.Event()
        self._open.set()
        self._first = 0
        self._allowance: int | None = None

    def hold(self, after: int = 0) -> None:
        """Keep back what comes from now on, but for so many chunks that are let through first."""
        self.waiting.clear()
        self._first = after
        self._open.clear()

    def let_go(self) -> None:
        """Pass on what was held, and what comes."""
        self._open.set()

    def allow(self, count: int) -> None:
        """Pass so many bytes more, once; then the connection is cut."""
        self._allowance = count

    def pass_on(self, chunk: bytes) -> bytes:
        """Give what of a chunk may pass now, after waiting for it."""
        if not self._open.is_set():
            if self._first > 0:
                self._first -= 1
            else:
                self.waiting.set()
                self._open.wait()
        if self._allowance is not None:
            chunk, self._allowance = chunk[: self._allowance], None
        self.passed += len(chunk)
        self.chunks += 1
        return chunk
