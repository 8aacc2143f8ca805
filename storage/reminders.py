"""When flags that somebody was told of are brought up again."""

import datetime as dt
from collections.abc import Collection

from storage.database import Store
from storage.models import FlagRow


class Reminders:
    """Which open flags wait for whom."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def remind(self, flag_ids: Collection[int], on: dt.date | None, by: str, now: dt.datetime) -> int:
        """Have these flags brought up again on that day of the organisation's, and not before; returns how many.

        Whoever was mailed about them is mailed again, once, that day. `by` is who asked for it; `None` as the day goes
        back to the usual reminders. Flags that are closed by `now` are left alone. May be part of `Ledger.together`.
        """
        still_open = FlagRow.id.in_(list(flag_ids)) & (FlagRow.closed_at.is_null() | (FlagRow.closed_at > now))
        with self._store.write():
            return self._store.run(FlagRow.update(remind_on=on, remind_by=by if on else "").where(still_open))
