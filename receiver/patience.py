"""A protocol that does not wait for ever: uvicorn itself sets no deadline on a request's headers.

A connection waits while it owes us (the rest of) a request. It may do so for `HEADER_SECONDS` until a request's head
is complete and its body, if any, has begun, and for at most `HEADER_BYTES`; when more than `WAITING_AT_MOST`
connections wait, the one that has waited longest gives way. So half-open connections can neither hold memory nor use
up the sockets that signed events need.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 5.0
HEADER_BYTES = 32 * 1024
WAITING_AT_MOST = 512


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a deadline on heads and a limit on connections that keep us waiting."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        state = self.server_state
        self._waiting: dict[PatientProtocol, None] = state.__dict__.setdefault("waiting", {})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection owes us a request."""
        super().connection_made(transport)
        self._waiting[self] = None
        self._arm()
        if len(self._waiting) > WAITING_AT_MOST:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, and with it what it owed."""
        self._waiting.pop(self, None)
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand the bytes on, then see what the connection still owes."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._await_head(len(data))
        else:
            self._head_bytes = 0
            if self.cycle.body or not self.cycle.more_body:
                self._disarm()
            if not self.cycle.more_body:
                self._waiting.pop(self, None)

    def on_response_complete(self) -> None:
        """The connection owes us its next request; between requests uvicorn's own keep-alive timer runs."""
        super().on_response_complete()
        self._waiting[self] = None

    def _await_head(self, received: int) -> None:
        self._head_bytes += received
        if self._head_bytes > HEADER_BYTES:
            self.transport.abort()
        else:
            self._arm()

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
