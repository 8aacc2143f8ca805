"""What of Xero is due to be read again, and how long to wait after a failure. Pure.

Most of it may be old without harm, because it is read again before anything is written on its strength.
"""

import datetime as dt
from collections.abc import Collection
from zoneinfo import ZoneInfo

from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason

NIGHT_ENDS_AT = dt.timedelta(hours=2)
LISTS_EVERY = dt.timedelta(hours=24)
DOUBTED_LISTS_EVERY = dt.timedelta(hours=1)
FIRST_RETRY = dt.timedelta(seconds=30)
LONGEST_RETRY = dt.timedelta(minutes=15)

OF_LISTS = frozenset({Reason.ACCOUNT_UNUSABLE, Reason.TAX_INVALID, Reason.TRACKING_UNUSABLE, Reason.CURRENCY_DISABLED})
# A bill that is only planned is not written, so nothing else would find out that its contact was archived meanwhile.
OF_CONTACTS = frozenset(
    {Reason.CONTACT_ARCHIVED, Reason.CONTACT_AMBIGUOUS, Reason.CONTACT_UNKNOWN, Reason.WOULD_CREATE}
)
OF_RIGHTS = frozenset({Reason.NOT_PERMITTED})
OF_ADVISERS = frozenset({Reason.PERIOD_LOCKED, Reason.LOCKED_DRAFT})


def of_rights(organisation: Organisation) -> Collection[Reason]:
    """The reasons that another role of the connection would cure."""
    return OF_RIGHTS | OF_ADVISERS if organisation.policy.adviser_may_post else OF_RIGHTS


def nightly(books: Books, last: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether two o'clock in the organisation's night has passed since then: the hour at which nobody waits for us."""
    return last is None or _night(books, last) < _night(books, now)


def lists_due(books: Books, now: dt.datetime, *, doubted: bool) -> bool:
    """Whether accounts and the like are to be read: daily, or hourly while one of them stands in the way."""
    every = DOUBTED_LISTS_EVERY if doubted else LISTS_EVERY
    return books.listed_at is None or now - books.listed_at > every


def retry_after(failures: int, chance: float) -> dt.timedelta:
    """How long to leave Xero alone after so many failures in a row. `chance` (0 to 1) keeps all of its clients, who
    have failed at the same moment, from coming back at the same moment."""
    pause = min(FIRST_RETRY * (1 << min(failures - 1, 10)), LONGEST_RETRY)
    return pause * (1 - chance / 4)


def _night(books: Books, at: dt.datetime) -> dt.date:
    return (at.astimezone(ZoneInfo(books.zone)) - NIGHT_ENDS_AT).date()
