"""How many calls were made and how many bytes came back, per operation; Xero bills the bytes of an app."""

import threading
from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls that were answered, refusals included, and bytes received, headers not counted."""

    calls: int = 0
    bytes: int = 0


class Usage:
    """Counts since the start of the process; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent: defaultdict[str, Spent] = defaultdict(Spent)

    def count(self, operation: str, received: int) -> None:
        """One call of this operation brought this many bytes."""
        with self._lock:
            before = self._spent[operation]
            self._spent[operation] = Spent(before.calls + 1, before.bytes + received)

    def snapshot(self) -> dict[str, Spent]:
        """What was spent so far, by operation."""
        with self._lock:
            return dict(sorted(self._spent.items()))
