"""When an organisation is looked at again after a turn that has left something to wait for."""

import datetime as dt

SHORTEST = dt.timedelta(seconds=15)
LONGEST = dt.timedelta(minutes=15)
MOST_DOUBLED = 10


class Rest:
    """What is on hold is not decided anew every second, and the longer writing fails, the rarer it is tried.

    A rest is at least as long as the turn before it was, since that may have decided very many.
    """

    def __init__(self) -> None:
        self._began = self._until = dt.datetime.max.replace(tzinfo=dt.UTC)
        self._stops = 0

    def limited(self, now: dt.datetime, until: dt.datetime) -> None:
        """Xero has said until when it is not to be written."""
        self._began, self._until = now, until

    def begin(self, now: dt.datetime, took: dt.timedelta, *, held: bool, stopped: bool) -> None:
        """After a turn that took so long: something is on hold, or writing was stopped, or neither."""
        self._stops = self._stops + 1 if stopped else 0
        rest = min(max(SHORTEST * 2 ** min(self._stops, MOST_DOUBLED), took), LONGEST)
        self._began, self._until = now, now + rest if held or stopped else now

    def lasts(self, now: dt.datetime) -> bool:
        """Whether there is nothing to be done yet; a clock that was set back ends it."""
        return self._began <= now < self._until
