"""Xero's limits, kept from our side (developer.xero.com/documentation/guides/oauth2/limits): per organisation 5 calls
at once, 60 a minute, and 1,000 or 5,000 a day depending on the plan; 10,000 a minute for the whole app.

What is left stands in the headers of every answer. We wait a few seconds at most; what takes longer is RateLimited,
and whoever called comes again. Background work leaves some calls of each window to people.
"""

import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from reconciler.errors import RateLimited
from reconciler.ports import Clock
from reconciler.xero.windows import LENGTHS, LOOK_AGAIN, Shut, Windows
from reconciler.xero_port import Budget

AT_ONCE = 5
MINUTE_RESERVE = 8
DAY_RESERVE = 100
LONGEST_PAUSE = dt.timedelta(seconds=60)
_HEADERS = {"minute": "x-minlimit-remaining", "day": "x-daylimit-remaining", "app minute": "x-appminlimit-remaining"}
_KINDS = {"minute": "minute", "day": "day", "appminute": "app minute", "app-minute": "app minute"}
_person: ContextVar[bool] = ContextVar("person", default=False)


@contextmanager
def for_person() -> Iterator[None]:
    """While it lasts, calls of this thread may use what is left to people."""
    before = _person.set(True)
    try:
        yield
    finally:
        _person.reset(before)


@dataclass(frozen=True, slots=True)
class Remaining:
    """What Xero last said is left, `None` while unknown; background work makes no call before `opens_at`."""

    minute: int | None = None
    day: int | None = None
    app_minute: int | None = None
    opens_at: dt.datetime | None = None


class Limits:
    """The limits of one organisation, and those of its app, which all organisations of the app share.

    Safe to use from several threads. `patience_seconds` is how long a read may wait. Background work stops while
    `day_reserve` calls of the day, and a few of the minute, are left.
    """

    def __init__(
        self,
        clock: Clock,
        wait: Callable[[float], None],
        *,
        own: Windows | None = None,
        app: Windows | None = None,
        patience_seconds: float = 5.0,
        day_reserve: int = DAY_RESERVE,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._wait, self._jitter = clock, wait, jitter
        self._own, self._app = own or Windows(Budget()), app or Windows(Budget())
        self._patience_seconds = patience_seconds
        self._floors = {"minute": MINUTE_RESERVE, "day": day_reserve}
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._stumbles = 0

    @contextmanager
    def slot(self, patience_seconds: float | None = None) -> Iterator[None]:
        """Hold one of the 5 places for the length of a call.

        Raises RateLimited when the budget opens later than the call may wait.
        """
        with self._slots:
            self._enter(self._patience_seconds if patience_seconds is None else patience_seconds)
            try:
                yield
            finally:
                self._own.give_back()
                self._app.give_back()

    def check(self) -> None:
        """Raise RateLimited when no call would be let through at once."""
        now = self._clock()
        shut = self._own.shut(now, {} if _person.get() else self._floors) or self._app.shut(now, {})
        if shut is not None:
            raise _limited(shut)

    def learn(self, headers: Mapping[str, str]) -> bool:
        """Take over what an answer says is left; whether that ends background work for now."""
        self._stumbles = 0
        before = self._shut()
        self._heed(headers)
        return before is None and self._shut() is not None

    def refused(self, headers: Mapping[str, str], correlation: str) -> RateLimited:
        """Take note of a 429. Too many at once has no `Retry-After` and is over in a second or two."""
        self._heed(headers)
        problem = headers.get("x-rate-limit-problem", "").lower()
        kind = _KINDS.get(problem, problem or "call")
        until = self._clock() + self._pause(kind, _number(headers, "retry-after"))
        (self._app if kind == "app minute" else self._own).close(kind, until)
        return _limited(Shut(kind, until), correlation)

    def remaining(self) -> Remaining:
        """What is left, for people."""
        windows = {**self._own.budget().windows, **self._app.budget().windows}
        minute, day, app = (windows[kind].left if kind in windows else None for kind in _HEADERS)
        shut = self._shut()
        return Remaining(minute, day, app, shut.until if shut else None)

    def recall(self, own: Budget, app: Budget) -> None:
        """Take over what another process knew last of the organisation and of the app."""
        self._own.recall(own)
        self._app.recall(app)

    def budgets(self) -> tuple[Budget, Budget]:
        """What there is to remember of the organisation and of the app."""
        return self._own.budget(), self._app.budget()

    def _enter(self, patience_seconds: float) -> None:
        shut = self._take()
        if shut is None:
            return
        wait = (shut.until - self._clock()).total_seconds()
        if 0 < wait <= patience_seconds:
            self._wait(wait)
            shut = self._take()
        if shut is not None:
            raise _limited(shut)

    def _take(self) -> Shut | None:
        now = self._clock()
        shut = self._own.take(now, {} if _person.get() else self._floors)
        if shut is None and (shut := self._app.take(now, {})):
            self._own.give_back()
        return shut

    def _shut(self) -> Shut | None:
        now = self._clock()
        return self._own.shut(now, self._floors) or self._app.shut(now, {})

    def _heed(self, headers: Mapping[str, str]) -> None:
        left = {kind: count for kind, name in _HEADERS.items() if (count := _number(headers, name)) is not None}
        app = {kind: left.pop(kind) for kind in ("app minute",) if kind in left}
        now = self._clock()
        self._own.learn(left, now)
        self._app.learn(app, now)

    def _pause(self, kind: str, seconds: int | None) -> dt.timedelta:
        """As long as Xero says; else as long as such a limit may last, and longer each time for one we cannot see."""
        if seconds is not None:
            return dt.timedelta(seconds=seconds)
        if kind in LENGTHS:
            return LOOK_AGAIN.get(kind, LENGTHS[kind])
        self._stumbles += 1
        pause = dt.timedelta(seconds=(0.5 + self._jitter()) * 2 ** min(self._stumbles - 1, 10))
        return min(pause, LONGEST_PAUSE)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _limited(shut: Shut, correlation: str = "") -> RateLimited:
    kept = " but for a few calls that are kept for people" if shut.kept else ""
    words = f"Xero's {shut.kind} limit is used up{kept} until {shut.until:%H:%M:%S} UTC; try again then."
    return RateLimited(words, retry_at=shut.until, correlation=correlation)
