"""Failed logins, counted by name and by address, so that nobody tries passwords at leisure."""

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable

MOST = 10
WITHIN = dt.timedelta(minutes=15)
REMEMBERED = 10_000


class Throttle:
    """Counts tries in memory, of at most `REMEMBERED` names and addresses; the longest untouched are forgotten."""

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, list[dt.datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def enter(self, *keys: str) -> bool:
        """Count a try, before it is known how it ends; `False` when there were too many."""
        now = self._clock()
        with self._lock:
            recent = {key: [at for at in self._tries.get(key, ()) if now - at < WITHIN] for key in keys}
            if any(len(tries) >= MOST for tries in recent.values()):
                return False
            for key, tries in recent.items():
                self._tries[key] = [*tries, now]
                self._tries.move_to_end(key)
            while len(self._tries) > REMEMBERED:
                self._tries.popitem(last=False)
        return True

    def clear(self, *keys: str) -> None:
        """The try was a good one."""
        with self._lock:
            for key in keys:
                self._tries.pop(key, None)
