"""Reading Xero into the mirror: the sweep, what events spoke of, and the facts a write needs just before it.

Whatever is read is stored as read; what a failure means is told by the books' `hold`, never by a missing bill.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

from reconciler.errors import ConnectionLost, RateLimited, Temporary, WrongOrganisation, XeroError
from reconciler.model import Books, Organisation
from reconciler.ports import Clock, Ledger, Xero
from reconciler.reasons import Reason

OVERLAP = dt.timedelta(minutes=2)
CONTACT_OVERLAP = dt.timedelta(minutes=30)
LISTS_EVERY = dt.timedelta(hours=24)
DOUBTED_LISTS_EVERY = dt.timedelta(hours=1)
FIRST_RETRY = dt.timedelta(seconds=30)
LONGEST_RETRY = dt.timedelta(minutes=15)
BY_ID_AT_MOST = 120
OF_LISTS = frozenset({Reason.ACCOUNT_UNUSABLE, Reason.TAX_INVALID, Reason.TRACKING_UNUSABLE, Reason.CURRENCY_DISABLED})
HOLDS: dict[type[XeroError], Reason] = {
    ConnectionLost: Reason.CONNECTION_LOST,
    WrongOrganisation: Reason.WRONG_ORGANISATION,
}


def missing_accepted(organisation: str) -> str:
    """The name under which it is remembered how many missing bills somebody has confirmed."""
    return f"missing-accepted:{organisation}"


def connected(organisation: str) -> str:
    """The name under which it is remembered when somebody connected the organisation last."""
    return f"connected:{organisation}"


class Reader:
    """One organisation's eyes. Not for two threads at once; the cycle sees to that.

    Each way of reading tells whether all of it was read and nothing holds us up.
    """

    def __init__(self, organisation: Organisation, xero: Xero, ledger: Ledger, clock: Clock) -> None:
        self._organisation, self._key = organisation, organisation.key
        self._xero, self._mirror, self._state, self._clock = xero, ledger.mirror, ledger.state, clock
        self._milestones = ledger.milestones
        self._failures = 0
        self._not_before: dt.datetime | None = None
        self._connected: str | None = None

    def may_try(self) -> bool:
        """Whether, after failures, the time for the next try has come, or somebody has connected anew meanwhile."""
        if self._not_before is None or self._clock() >= self._not_before:
            return True
        return self._state.get(connected(self._key)) != self._connected

    def sweep(self) -> bool:
        """Read all that may have changed since the last sweep: the organisation, contacts, bills.

        1. the organisation with its lock dates; its lists once a day, or hourly while one of them stands in a
        milestone's way; 2. contacts; 3. bills changed since the
        watermark, by Xero's clock and with some overlap; 4. bills that somebody linked but nobody has read.
        """
        return self._guarded(self._sweep)

    def catch_up(self) -> bool:
        """Read the bills that events spoke of, and those newly linked; without any, nothing is read.

        That many bills are missing is looked at anew each time: somebody may have confirmed it.
        """
        spoken_of = self._mirror.dirty_bills(self._key, limit=1) or self._mirror.linked_unread(self._key, limit=1)
        due = bool(spoken_of) or self._mirror.books(self._key).hold is Reason.MASS_CHANGE
        return not due or self._guarded(lambda books: self._dirty(self._unread(books)))

    def refresh(self, *, organisation: bool, lists: bool = False) -> bool:
        """Bring the mirror up to date (when asked, the organisation and its lists too), as is needed before a write."""

        def read(books: Books) -> Books:
            books = self._identity(books) if organisation else books
            return self._changed(self._lists(books) if lists else books)

        return self._guarded(read)

    def read(self, bill_ids: Sequence[str]) -> bool:
        """Read these bills now."""
        return self._guarded(lambda books: self._by_id(books, bill_ids))

    def _guarded(self, read: Callable[[Books], Books]) -> bool:
        before = self._mirror.books(self._key)
        self._connected = self._state.get(connected(self._key))
        try:
            after = read(self._identity(before) if before.hold is Reason.WRONG_ORGANISATION else before)
        except XeroError as error:
            complete, after = False, self._failed(error)
        else:
            self._failures, self._not_before = 0, None
            complete, after = True, self._missing_at_once(after)
        if after != before:
            self._mirror.store_books(self._key, after)
        return complete and after.hold is None

    def _failed(self, error: XeroError) -> Books:
        books = self._mirror.books(self._key)
        self._failures += 1
        pause = min(FIRST_RETRY * 2 ** min(self._failures - 1, 10), LONGEST_RETRY)
        retry_at = error.retry_at if isinstance(error, Temporary) else None
        self._not_before = retry_at or self._clock() + pause
        if isinstance(error, RateLimited):
            return books
        hold = HOLDS.get(type(error), Reason.XERO_UNAVAILABLE)
        return replace(books, hold=hold, hold_detail=str(error).rstrip("."))

    def _sweep(self, books: Books) -> Books:
        started = self._clock()
        first = books.swept_at is None
        books = self._identity(books)
        if self._lists_due(books, started):
            books = self._lists(books)
        since = None if first or books.swept_at is None else books.swept_at - CONTACT_OVERLAP
        for contacts in self._xero.changed_contacts(since):
            self._mirror.store_contacts(self._key, contacts)
        books = self._dirty(self._unread(self._changed(books)))
        return replace(books, swept_at=started)

    def _lists_due(self, books: Books, now: dt.datetime) -> bool:
        if books.listed_at is None or now - books.listed_at > LISTS_EVERY:
            return True
        return now - books.listed_at > DOUBTED_LISTS_EVERY and self._milestones.any_under(self._key, OF_LISTS)

    def _lists(self, books: Books) -> Books:
        started = self._clock()
        return replace(self._xero.read_lists(books), listed_at=started)

    def _identity(self, books: Books) -> Books:
        """The organisation read anew; another one than before is not ours to follow."""
        fresh = self._xero.read_organisation(books)
        if books.organisation_id and fresh.organisation_id != books.organisation_id:
            raise WrongOrganisation(f"“{fresh.name}” instead of “{books.name}”")
        return replace(fresh, read_at=self._clock())

    def _changed(self, books: Books) -> Books:
        since = books.watermark - OVERLAP if books.watermark else None
        for bills in self._xero.changed_bills(since):
            self._mirror.store_bills(self._key, bills)
            newest = max(bill.updated_at for bill in bills)
            books = replace(books, watermark=max(newest, books.watermark or newest))
        return books

    def _dirty(self, books: Books) -> Books:
        """Read what events spoke of: by id when they are few, else with one list of what has changed."""
        marks = self._mirror.dirty_bills(self._key, limit=10_000)
        if len(marks) > BY_ID_AT_MOST:
            started = self._clock()
            books = self._changed(books)
            seen = [m for m in marks if (bill := self._mirror.bill(self._key, m[0])) and bill.read_at >= started]
            self._mirror.clean(self._key, seen)
            marks = [m for m in marks if m not in set(seen)]
        books = self._by_id(books, [bill_id for bill_id, _ in marks])
        self._mirror.clean(self._key, marks)
        return books

    def _unread(self, books: Books) -> Books:
        return self._by_id(books, self._mirror.linked_unread(self._key, limit=1_000))

    def _by_id(self, books: Books, bill_ids: Sequence[str]) -> Books:
        if not bill_ids:
            return books
        bills = self._xero.bills(bill_ids)
        self._mirror.store_bills(self._key, bills)
        for bill_id in sorted(set(bill_ids) - {bill.bill_id for bill in bills}):
            self._direct(bill_id)
        return books

    def _direct(self, bill_id: str) -> None:
        """A bill that a list left out: only a direct read can say that it does not exist."""
        bill = self._xero.bill(bill_id)
        if bill is None:
            self._mirror.store_missing(self._key, bill_id, self._clock())
        else:
            self._mirror.store_bills(self._key, [bill])

    def _missing_at_once(self, books: Books) -> Books:
        """A successful read ends a hold, unless unusually many bills are gone."""
        missing = self._mirror.missing_count(self._key)
        accepted = int(self._state.get(missing_accepted(self._key)) or 0)
        if missing - accepted > self._organisation.policy.missing_at_once:
            return replace(books, hold=Reason.MASS_CHANGE, hold_detail=f"{missing} bills")
        return replace(books, hold=None, hold_detail="")
