"""How many calls were made and how many bytes came back, per operation; Xero bills the bytes of an app."""

import datetime as dt
import threading
from collections import Counter

from reconciler.ports import Clock
from reconciler.xero_port import Spent


class Usage:
    """Counts since the start of the process; safe to use from several threads. Days are those of UTC, as Xero's."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._calls: Counter[tuple[dt.date, str]] = Counter()
        self._bytes: Counter[tuple[dt.date, str]] = Counter()
        self._taken: dict[tuple[dt.date, str], Spent] = {}

    def count(self, operation: str, received: int) -> None:
        """One call of this operation brought this many bytes."""
        name = (self._clock().date(), operation)
        with self._lock:
            self._calls[name] += 1
            self._bytes[name] += received

    def snapshot(self) -> dict[str, Spent]:
        """What was spent so far, by operation."""
        calls: Counter[str] = Counter()
        received: Counter[str] = Counter()
        with self._lock:
            for (day, operation), count in self._calls.items():
                calls[operation] += count
                received[operation] += self._bytes[day, operation]
        return {operation: Spent(calls[operation], received[operation]) for operation in sorted(calls)}

    def take(self) -> dict[tuple[dt.date, str], Spent]:
        """What was spent since this was asked last, by day and operation."""
        with self._lock:
            whole = {name: Spent(count, self._bytes[name]) for name, count in self._calls.items()}
            before, self._taken = self._taken, whole
        since = {name: _less(spent, before.get(name, Spent())) for name, spent in whole.items()}
        return {name: spent for name, spent in since.items() if spent.calls}


def _less(whole: Spent, part: Spent) -> Spent:
    return Spent(whole.calls - part.calls, whole.bytes - part.bytes)
