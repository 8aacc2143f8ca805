"""Running the sandbox: in a thread on a free loopback port for tests, or for good from the command line."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import click
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from billwatch.sandbox.app import create_app, create_desk
from billwatch.sandbox.desk import Desk
from billwatch.sandbox.handle import Org
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
        self._socket = _listener(port)
        self._server = _server(create_app(self.desk))
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


def run(
    host: str = "127.0.0.1",
    port: int = 9900,
    *,
    webhook_url: str = "",
    webhook_key: str = "",
    organisations: Sequence[str] = ("Example Trust",),
    country: str = "NZ",
    speed: float = 1.0,
) -> None:
    """Serve until interrupted; with a webhook URL the check of intent to receive runs at once.

    A receiver that is not up yet can be checked later, on the page or by `POST /control/webhooks/enable`. `speed` makes
    webhook retries come that many times sooner.
    """
    desk = create_desk(real_clock)
    made = [desk.organisation(name, country=country) for name in organisations]
    desk.webhooks.set(speed=speed)
    desk.webhooks.configure(webhook_url, webhook_key)
    if webhook_url:
        desk.webhooks.enable()
    click.echo(greeting(desk, f"http://{host}:{port}", made))
    desk.webhooks.start()
    with contextlib.suppress(KeyboardInterrupt):
        _server(create_app(desk), host=host, port=port).run()
    desk.webhooks.stop()


def _listener(port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only where the socket names its protocol; create_server leaves it at 0.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


def _server(app: Starlette, **options: Any) -> uvicorn.Server:
    config = uvicorn.Config(app, http=Protocol, lifespan="off", log_level="warning", server_header=False, **options)
    return uvicorn.Server(config)


def greeting(desk: Desk, url: str, made: Sequence[Org]) -> str:
    tenants = ", ".join(f"{org.books.name} = {org.tenant_id}" for org in made)
    return f"sandbox at {url} · {tenants} · client id {desk.client_id} · client secret {desk.client_secret}"
