"""Xero's limits, kept from our side (developer.xero.com/documentation/guides/oauth2/limits): per organisation 5 calls
at once, 60 a minute, and 1,000 or 5,000 a day depending on the plan.

What is left stands in the headers of every answer. Windows are fixed but start at times that nobody tells: a minute
window ends at the latest 60 s after we first saw it. We wait a few seconds at most; what takes longer is RateLimited,
and whoever called comes again.
"""

import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.errors import RateLimited
from reconciler.ports import Clock

AT_ONCE = 5
_MINUTE = dt.timedelta(seconds=60)
_DAY_PROBE = dt.timedelta(hours=1)
_LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
_RESERVE = "day (all but a reserve for writes)"
_TOLD = " (told by a 429)"


@dataclass(frozen=True, slots=True)
class Remaining:
    """What Xero last said is left, `None` while unknown; no call is made before `opens_at`."""

    minute: int | None = None
    day: int | None = None
    app_minute: int | None = None
    opens_at: dt.datetime | None = None


class Limits:
    """The limits of one organisation; safe to use from several threads.

    `patience_seconds` is how long a call may wait. Below `day_reserve` remaining calls nothing is read any more, so
    that the writes that were decided on can still be made; once an hour one call looks again.
    """

    def __init__(
        self,
        clock: Clock,
        wait: Callable[[float], None],
        *,
        patience_seconds: float = 5.0,
        day_reserve: int = 50,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._wait, self._jitter = clock, wait, jitter
        self._patience = dt.timedelta(seconds=patience_seconds)
        self._day_reserve = day_reserve
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._left: dict[str, int] = {}
        self._minute_began: dt.datetime | None = None
        self._opens: dict[str, dt.datetime] = {}

    @contextmanager
    def slot(self, *, writes: bool) -> Iterator[None]:
        """Hold one of the 5 places for the length of a call.

        Raises RateLimited when the budget opens later than a call may wait.
        """
        with self._slots:
            self._admit(writes)
            yield

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take over what an answer says is left."""
        now = self._clock()
        with self._lock:
            self._learn_minute(_number(headers, "x-minlimit-remaining"), now)
            if (app := _number(headers, "x-appminlimit-remaining")) is not None:
                self._left["app"] = app
                self._close("app minute", now + _MINUTE, app <= 0)
            if (day := _number(headers, "x-daylimit-remaining")) is not None:
                self._left["day"] = day
                self._close("day", now + _DAY_PROBE, day <= 0)
                self._close(_RESERVE, now + _DAY_PROBE, day <= self._day_reserve)

    def refused(self, headers: Mapping[str, str], correlation: str) -> RateLimited:
        """Take note of a 429. Too many at once has no `Retry-After` and is over in a second or two."""
        problem = headers.get("x-rate-limit-problem", "").lower() or "call"
        seconds = _number(headers, "retry-after")
        delay = float(seconds) if seconds is not None else 0.5 + self._jitter()
        if seconds is None and problem not in ("concurrent", "call"):
            delay = _MINUTE.total_seconds()
        with self._lock:
            opens = self._clock() + dt.timedelta(seconds=delay)
            self._opens[f"{problem}{_TOLD}"] = opens
        return _limited(problem, opens, correlation)

    def remaining(self) -> Remaining:
        """What is left, for people."""
        with self._lock:
            opens, _ = self._opening(writes=False)
            left = self._left.get
            return Remaining(left("minute"), left("day"), left("app"), opens if opens > self._clock() else None)

    def _learn_minute(self, left: int | None, now: dt.datetime) -> None:
        if left is None:
            return
        if self._minute_began is None or left > self._left.get("minute", -1):
            self._minute_began = now
        self._left["minute"] = left
        self._close("minute", self._minute_began + _MINUTE, left <= 0)

    def _admit(self, writes: bool) -> None:
        with self._lock:
            opens, kind = self._opening(writes)
        wait = opens - self._clock()
        if wait > self._patience:
            raise _limited(kind, opens)
        if wait > dt.timedelta(0):
            self._wait(wait.total_seconds())

    def _opening(self, writes: bool) -> tuple[dt.datetime, str]:
        """When the last of the limits opens, and its name; long ago when none is closed."""
        closed = [(at, kind) for kind, at in self._opens.items() if not (writes and kind == _RESERVE)]
        return max(closed, default=(_LONG_AGO, ""))

    def _close(self, kind: str, until: dt.datetime, closed: bool) -> None:
        if closed:
            self._opens[kind] = until
        else:
            self._opens.pop(kind, None)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _limited(kind: str, opens: dt.datetime, correlation: str = "") -> RateLimited:
    words = f"Xero's {kind.removesuffix(_TOLD)} limit is used up until {opens:%H:%M:%S} UTC."
    return RateLimited(words, retry_at=opens, correlation=correlation)
