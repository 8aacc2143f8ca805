"""Lock dates: inclusive calendar days on or before which Xero keeps approved documents as they are.

Drafts and bills awaiting approval are still accepted there, but cannot be approved. An adviser's connection passes the
period lock, never the end-of-year lock (https://help.dext.com/en/articles/105721).
"""

import datetime as dt

from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason


def effective_lock(organisation: Organisation, books: Books) -> dt.date | None:
    """The later of the two lock dates that bind us; `None` when neither is set."""
    passes = organisation.policy.adviser_may_post and books.adviser
    return max(filter(None, (None if passes else books.period_lock, books.year_lock)), default=None)


def locked(date: dt.date, lock: dt.date | None) -> bool:
    """Whether a document of that date is locked; the lock date itself is."""
    return lock is not None and date <= lock


def lock_reason(date: dt.date, books: Books) -> Reason:
    """Which of the two locks to name: the one that is harder to move."""
    return Reason.YEAR_LOCKED if locked(date, books.year_lock) else Reason.PERIOD_LOCKED
