"""Reading a request's body without trusting its sender: a cap on the bytes, a deadline for the whole."""

import asyncio
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The most bytes of a body, and the most seconds from its first to its last."""

    size: int = 256 * 1024
    seconds: float = 2.5


class BodyRefused(Exception):
    """A body that is not read to its end: `status` is the answer it gets, `cause` one word for the counts."""

    def __init__(self, status: int, cause: str) -> None:
        super().__init__(cause)
        self.status = status
        self.cause = cause


class Disconnected(Exception):
    """The sender left before its request was complete; nobody hears an answer."""


async def read_body(scope: Scope, receive: Receive, limits: BodyLimits) -> bytes:
    """The whole body.

    Raises `BodyRefused` with 415 for an encoded body, 413 once more than `limits.size` bytes have come in
    (whatever Content-Length said), 408 when it is not complete in time; `Disconnected`. How long a body may take to
    begin is the server's to say, as with the head (`receiver.patience`): mostly it has come with the head, in full,
    and then no clock has to be set.
    """
    if _encoded(scope):
        raise BodyRefused(415, "encoding")
    body, more = _part(await receive(), limits.size)
    if not more:
        return body
    parts, room = [body], limits.size - len(body)
    try:
        async with asyncio.timeout(limits.seconds):
            while more:
                body, more = _part(await receive(), room)
                parts.append(body)
                room -= len(body)
    except TimeoutError:
        raise BodyRefused(408, "slow") from None
    return b"".join(parts)


def _encoded(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return True
    return False


def _part(message: Message, room: int) -> tuple[bytes, bool]:
    """A part of the body, and whether more is to come."""
    if message["type"] == "http.disconnect":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if len(body) > room:
        raise BodyRefused(413, "size")
    return body, message.get("more_body", False)
