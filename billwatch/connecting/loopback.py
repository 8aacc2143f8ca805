"""The door on this machine to which Xero sends the browser back after consent."""

import html
import queue
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

from billwatch.connecting.consent import PATH, Stray
from reconciler.errors import BillwatchError, InputError

# Browsers open connections ahead of need and leave them silent.
_SILENCE_SECONDS = 5
_PAGE = "<!doctype html><meta charset=utf-8><title>billwatch</title><p>{}</p>\n"
_DONE = "billwatch has Xero's answer and goes on in the terminal; this window can be closed."


class Loopback:
    """Listens on the loopback interface for the length of a `with` block.

    `read` takes path and query of a request, gives the code or raises what is wrong. An answer to another question is
    turned away and waited past, so that no web page can end the wait. Raises InputError when the port is taken.
    """

    def __init__(self, port: int, read: Callable[[str], str]) -> None:
        self._read = read
        self._answers: queue.SimpleQueue[str | BillwatchError] = queue.SimpleQueue()
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self._receive))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            way_out = "try --paste, or set xero.redirect_port and register the new address"
            raise InputError(f"Port {port} of this machine cannot be used ({why}); {way_out}.") from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="redirect", daemon=True)

    def __enter__(self) -> "Loopback":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, seconds: float) -> str:
        """The code. Raises what Xero said instead, or InputError when nobody came in time."""
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise InputError(
                f"Nobody answered within {seconds / 60:.0f} minutes; run billwatch connect again."
            ) from None
        if isinstance(answer, BillwatchError):
            raise answer
        return answer

    def _receive(self, target: str, show: Callable[[HTTPStatus, str], None]) -> None:
        """Read path and query of a request, show its sender a sentence, and only then let whoever waits go on."""
        if urlsplit(target).path != PATH:
            show(HTTPStatus.NOT_FOUND, "There is nothing here.")
            return
        answer: str | BillwatchError
        try:
            answer, sentence = self._read(target), _DONE
        except Stray as error:
            show(HTTPStatus.BAD_REQUEST, str(error))
            return
        except BillwatchError as error:
            answer, sentence = error, str(error)
        try:
            show(HTTPStatus.OK, sentence)
        finally:
            self._answers.put(answer)


def _handler(receive: Callable[[str, Callable[[HTTPStatus, str], None]], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SILENCE_SECONDS

        def do_GET(self) -> None:
            receive(self.path, self._show)

        def _show(self, status: HTTPStatus, sentence: str) -> None:
            page = _PAGE.format(html.escape(sentence)).encode()
            self.send_response(status)
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def version_string(self) -> str:
            return "billwatch"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named so by the library
            """Say nothing: the request line holds the code."""

    return Handler


# The address holds the code, which is not to be kept by the browser or told to anybody.
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
}
