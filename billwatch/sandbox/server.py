"""Running the sandbox in a thread, on a free loopback port: for tests, the demo and the benchmarks."""

import asyncio
import socket
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from billwatch.sandbox.app import create_app, create_desk
from billwatch.sandbox.desk import Desk
from billwatch.sandbox.webhooks import Webhooks
from billwatch.sandbox.world import Clock


class Protocol(HttpToolsProtocol):
    """Hands its transport to the application, which may cut a connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {"sandbox.transport": self.transport}
        self.scope.setdefault("extensions", extensions)


def real_clock() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A sandbox on a free port of the loopback interface, for the length of a `with` block.

    Without the block it is not served, and webhooks leave only when flushed. `url` serves identity, connections and the
    accounting API alike. Every method of `Desk` is at hand here as well.
    """

    def __init__(self, clock: Clock = real_clock, *, port: int = 0) -> None:
        self.desk: Desk = create_desk(clock)
        self._socket = listener("127.0.0.1", port)
        self._server = server_of(create_app(self.desk))
        self._thread = threading.Thread(target=self._serve, name="sandbox", daemon=True)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.webhooks: Webhooks = self.desk.webhooks
        self.client_id = self.desk.client_id
        self.client_secret = self.desk.client_secret
        self.organisation = self.desk.organisation
        self.org = self.desk.org
        self.reset = self.desk.reset
        self.advance = self.desk.advance
        self.now = self.desk.now
        self.fault = self.desk.fault
        self.weather = self.desk.weather
        self.clear_faults = self.desk.clear_faults
        self.limits = self.desk.limits
        self.idempotency_down = self.desk.idempotency_down
        self.switch = self.desk.switch
        self.tokens = self.desk.tokens
        self.forget_tokens = self.desk.forget_tokens
        self.calls = self.desk.calls
        self.breaches = self.desk.breaches
        self.calls_table = self.desk.calls_table
        self.reset_calls = self.desk.reset_calls

    def __enter__(self) -> Self:
        # The socket already listens, so calls made before the loop runs wait in its queue.
        self._thread.start()
        self.webhooks.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Let go of the port; needed only for a sandbox that was never entered."""
        self.webhooks.stop()
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens already. Raises OSError."""
    # asyncio turns Nagle's delay off only where the socket names its protocol; create_server leaves it at 0.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made


def server_of(app: Starlette) -> uvicorn.Server:
    """What serves the application on a socket that it is handed."""
    config = uvicorn.Config(app, http=Protocol, lifespan="off", log_level="warning", server_header=False)
    return uvicorn.Server(config)
