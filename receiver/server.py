"""uvicorn with limits, in a thread of its own or in the caller's; signals are the caller's business."""

import asyncio
import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from reconciler.errors import ConfigurationError

if sys.platform == "win32":
    PROTOCOL = "h11"
else:
    from receiver.patience import PatientProtocol

    PROTOCOL = PatientProtocol

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 65  # longer than a proxy keeps its idle connections, so that it never writes into a closed one
STOP_SECONDS = 6


class Server:
    """Serves `app` on `host:port`; port 0 takes a free one.

    The socket listens from construction on. Raises `ConfigurationError` when the address cannot be used.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 8000) -> None:
        self._socket = _listen(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self.ready = threading.Event()
        self._config = _config(app)
        self._uvicorn = _Quiet(self._config, self.ready)
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Serve in this thread, on an event loop of its own, until `stop` is called from elsewhere."""
        try:
            with asyncio.Runner(loop_factory=self._config.get_loop_factory()) as runner:
                runner.run(self._uvicorn.serve(sockets=[self._socket]))
        finally:
            self._socket.close()

    def start(self, seconds: float = 10.0) -> None:
        """Serve in a new thread; returns once requests are answered."""
        self._thread = threading.Thread(target=self.run, name="http-server", daemon=True)
        self._thread.start()
        if not self.ready.wait(seconds):
            raise ConfigurationError(f"The HTTP server on {self.host}:{self.port} did not start.")

    def stop(self) -> None:
        """Accept nothing new, let running requests end (for at most 6 seconds), then stop."""
        self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join()


class _Quiet(uvicorn.Server):
    """uvicorn that tells when it is ready and leaves signals alone (it would raise SIGTERM again after stopping)."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
    # No limit_concurrency: it counts idle connections too, so whoever holds enough of them open would shut out Xero.
    return uvicorn.Config(
        app,
        http=PROTOCOL,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        # asyncio's words name the address once more; getaddrinfo's numbers are not those of errno.
        why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        mend = "See whether billwatch runs already, or choose another host or port under [server]"
        raise ConfigurationError(f"Cannot listen on {host}:{port}: {why}. {mend}.") from error
