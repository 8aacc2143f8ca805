"""The webhook: verify, keep, answer. What an event means is for others to find out, later."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
from starlette.types import Message, Receive, Scope, Send

from receiver.body import BodyLimits, BodyRefused, Disconnected, read_body
from receiver.ports import Inbox
from receiver.signature import SigningKey, matching_key
from reconciler.errors import StorageError

PATH = "/webhooks/xero"
EMPTY_AT_MOST = 256

Clock = Callable[[], dt.datetime]


@dataclass(slots=True)
class WebhookCounts:
    """What came of requests since the start. `refused` counts by cause: signature, size, slow, encoding, storage.

    `last_at` is when Xero was last heard, with or without events.
    """

    accepted: int = 0
    empty: int = 0
    abandoned: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    last_at: dt.datetime | None = None


class Webhook:
    """The ASGI endpoint of `POST /webhooks/xero`.

    1. Read the body within its limits (415, 413, 408). 2. Find the key that signed it (401). 3. Answer an intent to
    receive at once. 4. Have the raw request kept, and answer 200 only when it is durable; 503 when it cannot be kept in
    time, so that Xero sends it again. The body's deadline and the inbox's together stay below Xero's 5 seconds. None of
    these answers has a body or a cookie, since Xero refuses both.
    `keys` are looked at anew for each request, so that they can be exchanged while it serves.
    """

    def __init__(
        self,
        keys: Sequence[SigningKey],
        inbox: Inbox,
        clock: Clock,
        *,
        limits: BodyLimits | None = None,
    ) -> None:
        self.counts = WebhookCounts()
        self._keys = keys
        self._inbox = inbox
        self._clock = clock
        self._limits = limits or BodyLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            body = await read_body(scope, receive, self._limits)
            status = 200
            key = matching_key(self._keys, scope["headers"], body)
            if key is None:
                status = self._refused(401, "signature")
            else:
                now = self.counts.last_at = self._clock()
                if is_empty(body):
                    self.counts.empty += 1
                else:
                    await self._inbox.keep(body, key, now)
                    self.counts.accepted += 1
        except BodyRefused as refused:
            status = self._refused(refused.status, refused.cause)
        except StorageError:
            status = self._refused(503, "storage")
        except Disconnected:
            self.counts.abandoned += 1
            return
        await send(_STARTS[status])
        await send(_END)

    def _refused(self, status: int, cause: str) -> int:
        self.counts.refused[cause] += 1
        return status


class _Envelope(msgspec.Struct):
    events: list[msgspec.Raw]


_envelopes = msgspec.json.Decoder(_Envelope)


def is_empty(body: bytes) -> bool:
    """Whether a body certainly carries no events, as in Xero's intent to receive; when in doubt, it does.

    A single event takes more than 256 bytes, so for those only the length is looked at.
    """
    if len(body) > EMPTY_AT_MOST:
        return False
    try:
        return not _envelopes.decode(body).events
    except (ValueError, RecursionError):
        return False


def _start(status: int) -> Message:
    headers = [(b"content-length", b"0")]
    if status in (408, 413):
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": status, "headers": headers}


_STARTS = {status: _start(status) for status in (200, 401, 408, 413, 415, 503)}
_END: Message = {"type": "http.response.body", "body": b""}
