"""Who calls: the key in the Authorization header, what it allows, and how often it may be used."""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from receiver.api.problems import Refusal
from reconciler.callers import ApiKey, Scope
from reconciler.tickets import token_hash

LONGEST = 200
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="billwatch"'}
NEEDED = "Send a key that “billwatch keys new” has made, as “Authorization: Bearer …”."
UNKNOWN = "The key is not known, or was revoked."


class Keys(Protocol):
    """Keys by the hash of their text."""

    def find(self, hashed: bytes, now: dt.datetime) -> ApiKey | None:
        """The key of that hash, if it is not revoked."""
        ...


class Guard:
    """Lets a request in, or refuses it. May block on the storage."""

    def __init__(self, keys: Keys, clock: Callable[[], dt.datetime], per_minute: int) -> None:
        self._keys, self._clock = keys, clock
        self._pace = Pace(per_minute)

    def admit(self, request: Request, scope: Scope) -> ApiKey:
        """The key of the request. Raises `Refusal`: 401 without a valid one, 403 for what it is not for, 429."""
        key = self._keys.find(token_hash(_token(request)), now := self._clock())
        if key is None:
            raise Refusal(401, UNKNOWN, headers=CHALLENGE)
        if wait := self._pace.take(key.key_id, now):
            raise Refusal(429, headers={"Retry-After": str(wait)})
        if not key.allows(scope):
            raise Refusal(403, f"The key “{key.name}” is not for that: it lacks the scope {scope.value}.")
        return key


def _token(request: Request) -> str:
    headers = request.headers.getlist("authorization")
    kind, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if kind.lower() != "bearer" or not 0 < len(token.strip()) <= LONGEST:
        raise Refusal(401, NEEDED, headers=CHALLENGE)
    return token.strip()


@dataclass(slots=True)
class _Bucket:
    left: float
    at: dt.datetime


class Pace:
    """So many requests a minute for each key, as a bucket that fills up steadily and holds a minute's worth."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[int, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, key_id: int, now: dt.datetime) -> int:
        """Take one; 0, or the seconds to wait for the next."""
        with self._lock:
            bucket = self._buckets.setdefault(key_id, _Bucket(self._per_minute, now))
            filled = bucket.left + (now - bucket.at).total_seconds() * self._per_minute / 60
            bucket.left, bucket.at = min(self._per_minute, filled), now
            if bucket.left < 1:
                return int((1 - bucket.left) * 60 / self._per_minute) + 1
            bucket.left -= 1
        return 0
