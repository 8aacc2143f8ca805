"""When an organisation is looked at again after a turn that has left something to wait for."""

import datetime as dt

SHORTEST = dt.timedelta(seconds=15)
LONGEST = dt.timedelta(minutes=15)
FOR_EACH = dt.timedelta(microseconds=500)  # ten times as long as it takes to decide one
MOST_DOUBLED = 10


class Rest:
    """What is on hold is not decided anew every second: the more it is, and the longer writing fails, the rarer it is
    tried. A rest ends early when the books move on to another version.
    """

    def __init__(self) -> None:
        self._until: dt.datetime | None = None
        self._version = self._stops = 0

    def limited(self, until: dt.datetime, version: int) -> None:
        """Xero has said until when it is not to be written."""
        self._until, self._version = until, version

    def begin(self, held: int, version: int, now: dt.datetime, *, stopped: bool) -> None:
        """After a turn: so many are on hold, and writing was stopped or not."""
        self._stops = self._stops + 1 if stopped else 0
        rest = max(SHORTEST * 2 ** min(self._stops, MOST_DOUBLED), held * FOR_EACH)
        self._until = now + min(rest, LONGEST) if held or stopped else None
        self._version = version

    def lasts(self, version: int, now: dt.datetime) -> bool:
        """Whether there is nothing to be done yet."""
        return self._until is not None and now < self._until and version == self._version
