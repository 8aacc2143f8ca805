"""Servers of others, which billwatch calls: each on a real socket, for the length of a test."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Ear(BaseHTTPRequestHandler):
    """Hears what is asked and posted, and writes no log."""

    def hear(self, body: bytes) -> None:
        """Keep it, and answer."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self.hear(b"")

    def do_POST(self) -> None:
        self.hear(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status: int) -> None:
        """With a status alone."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_told: object) -> None:
        pass


@contextlib.contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    """A server on a free port that answers by this handler."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)


@pytest.fixture
def beats() -> Iterator[tuple[str, list[str]]]:
    """Whoever watches from outside: the address that hears the heartbeat, and which paths were asked for."""
    heard: list[str] = []

    class Handler(Ear):
        def hear(self, _body: bytes) -> None:
            heard.append(self.path)
            self.answer(200)

    with served(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}/ping", heard
