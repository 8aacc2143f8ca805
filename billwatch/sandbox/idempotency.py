"""`Idempotency-Key`: the answer to a write is kept for 6 minutes and given again, errors included.

Xero, guide "Idempotent requests": keys belong to the app, have at most 128 characters, and a key used again with
another method, URL or body is refused. A repeat still uses up a call of the limits.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

KEEP = timedelta(minutes=6)
LONGEST_KEY = 128


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves over HTTP, apart from the headers that every answer has."""

    status: int
    body: bytes
    media: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    fingerprint: bytes
    at: datetime
    answer: Answer


class KeyReused(Exception):
    """The key came with a different request within its life."""


@dataclass(slots=True)
class Idempotency:
    down: bool = False
    _kept: dict[tuple[str, str], _Kept] = field(default_factory=dict)

    def recall(self, app: str, key: str, request: tuple[str, str, bytes], now: datetime) -> Answer | None:
        """The stored answer for (method, URL, body), or None if it has to be worked out. Raises KeyReused."""
        kept = self._kept.get((app, key))
        if kept is None or now - kept.at >= KEEP:
            return None
        if kept.fingerprint != _fingerprint(request):
            raise KeyReused
        return kept.answer

    def store(self, app: str, key: str, request: tuple[str, str, bytes], answer: Answer, now: datetime) -> None:
        self._kept = {name: kept for name, kept in self._kept.items() if now - kept.at < KEEP}
        self._kept[app, key] = _Kept(_fingerprint(request), now, answer)


def _fingerprint(request: tuple[str, str, bytes]) -> bytes:
    method, url, body = request
    return sha256(f"{method} {url}\n".encode() + body).digest()
