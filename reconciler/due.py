"""When bills fall due: the organisation's rule, for milestones that name no day."""

import calendar
import datetime as dt
import re

from reconciler.value import Value

LONGEST_DAYS = 3650
_DAYS = re.compile(r"(\d{1,4}) days?")
_MONTH = re.compile(r"(end|\d{1,2}(?:st|nd|rd|th)) of (following )?month")


class Due(Value, frozen=True):
    """Either `days` after the bill's date; or, in the month that is `months` after the bill's, on the `day` (0: the
    last one), but never before the bill's own date."""

    days: int | None = 14
    months: int = 0
    day: int = 0

    def after(self, date: dt.date) -> dt.date:
        """The due date of a bill of that date."""
        if self.days is not None:
            return date + dt.timedelta(days=self.days)
        year, month = divmod(date.year * 12 + date.month - 1 + self.months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return max(date, dt.date(year, month + 1, min(self.day or last, last)))


FORTNIGHT = Due()


def due(text: str) -> Due | None:
    """The rule that a text such as `14 days`, `end of month` or `20th of following month` states; `None` for none."""
    if found := _DAYS.fullmatch(text):
        days = int(found[1])
        return Due(days) if days <= LONGEST_DAYS else None
    found = _MONTH.fullmatch(text)
    day = 0 if found is None or found[1] == "end" else int(found[1][:-2])
    if found is None or day > 31 or (found[1] != "end" and not day):
        return None
    return Due(None, months=1 if found[2] else 0, day=day)
