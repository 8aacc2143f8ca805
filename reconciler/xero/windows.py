"""Xero's fixed windows, as far as its answers show them. They begin at times that nobody tells: a window ends at the
latest its whole length after we first saw it.
"""

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.xero_port import Budget, Window

LENGTHS = {
    "minute": dt.timedelta(seconds=60),
    "app minute": dt.timedelta(seconds=60),
    "day": dt.timedelta(days=1),
}
# A day may begin anew long before its latest end, so one call looks from time to time.
LOOK_AGAIN = {"day": dt.timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Shut:
    """The kind of limit that allows no call before `until`; `kept` tells that people may still call."""

    kind: str
    until: dt.datetime
    kept: bool = False


class Windows:
    """The windows of one organisation, or of one app; safe to use from several threads.

    Calls under way are counted as used, since their answers have not yet said so.
    """

    def __init__(self, budget: Budget) -> None:
        self._lock = threading.Lock()
        self._windows, self._closed = dict(budget.windows), dict(budget.shut)
        self._under_way = 0

    def take(self, now: dt.datetime, floors: Mapping[str, int]) -> Shut | None:
        """Take one call, to be given back; or what forbids it when no more than the floor of a window is left."""
        with self._lock:
            shut = self._shut(now, floors)
            if shut is None:
                self._under_way += 1
            return shut

    def give_back(self) -> None:
        """A call that was taken is over."""
        with self._lock:
            self._under_way -= 1

    def learn(self, left: Mapping[str, int], now: dt.datetime) -> None:
        """Take over what an answer says is left, by kind."""
        with self._lock:
            for kind, count in left.items():
                self._windows[kind] = self._seen(kind, count, now)

    def close(self, kind: str, until: dt.datetime) -> None:
        """Xero has refused a call; it knows better than we when it takes the next one."""
        with self._lock:
            self._windows.pop(kind, None)
            self._closed[kind] = until

    def recall(self, budget: Budget) -> None:
        """Take over what another process knew last; of what both know, the later counts."""
        with self._lock:
            for kind, window in budget.windows.items():
                if kind not in self._windows or self._windows[kind].seen <= window.seen:
                    self._windows[kind] = window
            for kind, until in budget.shut.items():
                self._closed[kind] = max(until, self._closed.get(kind, until))

    def budget(self) -> Budget:
        """What there is to remember."""
        with self._lock:
            return Budget(dict(self._windows), dict(self._closed))

    def shut(self, now: dt.datetime, floors: Mapping[str, int]) -> Shut | None:
        """What would forbid a call."""
        with self._lock:
            return self._shut(now, floors)

    def _shut(self, now: dt.datetime, floors: Mapping[str, int]) -> Shut | None:
        found = [Shut(kind, until) for kind, until in self._closed.items() if until > now]
        for kind, window in self._windows.items():
            left, until = window.left - self._under_way, self._opens(kind, window)
            if left <= floors.get(kind, 0) and window.began <= now < until:
                found.append(Shut(kind, until, kept=left > 0))
        return max(found, key=lambda shut: shut.until, default=None)

    def _opens(self, kind: str, window: Window) -> dt.datetime:
        end = window.began + LENGTHS[kind]
        return min(end, window.seen + LOOK_AGAIN[kind]) if kind in LOOK_AGAIN else end

    def _seen(self, kind: str, left: int, now: dt.datetime) -> Window:
        """More left than before means a new window, or an answer that was overtaken by a later one; then the less
        hopeful of both is believed."""
        held = self._windows.get(kind)
        if held is None or not held.began <= now < held.began + LENGTHS[kind]:
            return Window(left, now, now)
        if left <= held.left:
            return Window(left, held.began, now)
        overtaken = left - held.left < self._under_way
        return Window(held.left if overtaken else left, now, now)
