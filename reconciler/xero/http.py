"""Bytes to Xero and back: the only module that knows httpx.

Every call has a timeout for connecting and for silence, a limit to its whole length and to the bytes of its answer.
No redirect is followed. Errors name the method, the address and what happened, never a header.
"""

import datetime as dt
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import httpx

from reconciler.errors import OutcomeUnknown, Unavailable, XeroError
from reconciler.ports import Clock
from reconciler.unreached import why

MOST_BYTES = 32 * 1024 * 1024
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
LONGEST = dt.timedelta(minutes=2)

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `writes` tells whether Xero may have done something even if no answer comes back."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    params: Mapping[str, str] = field(default_factory=dict)
    writes: bool = False

    @property
    def name(self) -> str:
        """Method and address, for people."""
        return f"{self.method} {self.url.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by name in small letters, and the whole body."""

    name: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def correlation(self) -> str:
        """Xero's own id of the call, for its support; empty when the answer has none."""
        return self.headers.get("xero-correlation-id", "")


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted; reading them takes longer than all else, so all pools share them."""
    return httpx.create_ssl_context()


class Http:
    """One pool of connections."""

    def __init__(self, clock: Clock, *, silence_seconds: float = SILENCE_SECONDS, most_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        self._pool = httpx.Client(
            timeout=httpx.Timeout(silence_seconds, connect=min(CONNECT_SECONDS, silence_seconds)),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "billwatch"},
            verify=_trusted(),
            # A proxy named in the environment cannot reach a sandbox on this very machine.
            mounts={"all://127.0.0.1": None, "all://localhost": None},
        )

    def exchange(self, call: Call) -> Answer:
        """The answer, whatever its status.

        Raises Unavailable when nothing came back, or OutcomeUnknown when a write may have arrived all the same.
        """
        try:
            return self._exchange(call)
        except _NOT_SENT as error:
            failure: XeroError = Unavailable(f"{call.name}: Xero could not be reached ({why(error)}).")
        except httpx.HTTPError as error:
            failure = _lost(call, why(error))
        # Raised out here, because the library's error holds the request with its Authorization header.
        raise failure

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _exchange(self, call: Call) -> Answer:
        deadline = self._clock() + LONGEST
        request = self._pool.build_request(
            call.method,
            call.url,
            headers=dict(call.headers),
            content=call.content or None,
            params=dict(call.params) or None,
        )
        response = self._pool.send(request, stream=True)
        try:
            body = self._body(call, response, deadline)
        finally:
            response.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(call.name, response.status_code, headers, body)

    def _body(self, call: Call, response: httpx.Response, deadline: dt.datetime) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._most_bytes:
                raise _lost(call, f"the answer is longer than {self._most_bytes} bytes")
            if self._clock() > deadline:
                raise _lost(call, f"the answer took longer than {LONGEST.total_seconds():.0f} s")
        return bytes(body)


def _lost(call: Call, why: str) -> XeroError:
    if call.writes:
        return OutcomeUnknown(f"{call.name}: sent, but no usable answer came back ({why}).")
    return Unavailable(f"{call.name}: Xero did not answer ({why}).")
