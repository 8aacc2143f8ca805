"""Reading Xero into the mirror: the sweep, what events spoke of, and the facts a write needs just before it.

Whatever is read is stored as read; what a failure means is told by the books' `hold`, never by a missing bill.
"""

import datetime as dt
import random
from collections.abc import Callable, Sequence
from operator import itemgetter

from msgspec.structs import replace

from reconciler.errors import ConnectionLost, RateLimited, Temporary, WrongOrganisation, XeroError
from reconciler.model import Bill
from reconciler.organisation import Books, Organisation
from reconciler.pace import OF_CONTACTS, OF_LISTS, lists_due, nightly, of_rights, retry_after
from reconciler.ports import Clock, Ledger
from reconciler.reasons import Reason
from reconciler.xero_port import Xero

__all__ = ["OF_CONTACTS", "OF_LISTS", "Reader", "connected", "missing_accepted"]

OVERLAP = dt.timedelta(minutes=2)
SHORT_OVERLAP = dt.timedelta(seconds=5)
CLOCK_SKEW = dt.timedelta(minutes=30)
LATE_EVENTS = dt.timedelta(hours=1)
LASTS = dt.timedelta(minutes=15)
# One call reads 40 bills by id or 1,000 that have changed: from the second call on, the list is never dearer in calls.
# In bytes it is dearer only when most of what changed is not ours, and then each bill is read once instead of twice,
# since the next sweep need not list it again.
BY_ID_AT_MOST = 40
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

    Each way of reading tells whether all of it was read and nothing holds us up; `trouble` is why the last one failed.
    What was read before a failure counts all the same, so that a long reading goes on where a limit has cut it off.
    """

    def __init__(
        self,
        organisation: Organisation,
        xero: Xero,
        ledger: Ledger,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._organisation, self._key = organisation, organisation.key
        self._xero, self._mirror, self._state, self._clock = xero, ledger.mirror, ledger.state, clock
        self._milestones, self._jitter = ledger.milestones, jitter
        self.trouble: XeroError | None = None
        self._books = Books()
        self._failures = 0
        self._not_before: dt.datetime | None = None
        self._connected: str | None = None

    def may_try(self) -> bool:
        """Whether, after failures, the time for the next try has come, or somebody has connected anew meanwhile."""
        if self._not_before is None or self._clock() >= self._not_before:
            return True
        return self._state.get(connected(self._key)) != self._connected

    def sweep(self) -> bool:
        """Read all that may have changed since the last sweep.

        1. the organisation with its lock dates; 2. its lists, rights and contacts, each nightly or while it stands in
        a milestone's way; 3. bills changed since the last sweep, by Xero's clock and with some overlap; 4. nightly,
        open bills whose change Xero did not date; 5. what events spoke of, and bills newly linked.
        """
        return self._guarded(self._sweep)

    def catch_up(self) -> bool:
        """Read the bills that events spoke of, and those newly linked; without any, nothing is read.

        That many bills are missing is looked at anew each time: somebody may have confirmed it.
        """
        spoken_of = self._mirror.dirty_bills(self._key, limit=1) or self._mirror.linked_unread(self._key, limit=1)
        due = bool(spoken_of) or self._mirror.books(self._key).hold is Reason.MASS_CHANGE
        return not due or self._guarded(self._spoken_of)

    def refresh(self, *, organisation: bool, lists: bool = False, contacts: bool = False, rights: bool = False) -> bool:
        """Bring the bills in the mirror up to date, and what else is asked for."""
        wanted = (
            (organisation, self._identity),
            (rights, self._rights),
            (lists, self._lists),
            (contacts, self._contacts),
        )

        def read() -> None:
            for _, part in filter(itemgetter(0), wanted):
                part()
            self._changed()

        return self._guarded(read)

    def prepare(self) -> bool:
        """Bring up to date what a write rests on. Rights and contacts may be a little older: at worst Xero refuses."""
        books = self._mirror.books(self._key)
        return self.refresh(
            organisation=True, contacts=self._aged(books.contacts_at), rights=self._aged(books.rights_at)
        )

    def read_contacts(self) -> bool:
        """Bring the contacts up to date, before one is made."""
        return self._guarded(self._contacts)

    def see_written(self) -> bool:
        """Read what has changed since the last look of all, which shows our own writes."""
        return self._guarded(lambda: self._changed(look_back=dt.timedelta(0)))

    def read(self, bill_ids: Sequence[str]) -> bool:
        """Read these bills now."""
        return self._guarded(lambda: self._by_id(bill_ids))

    def _aged(self, at: dt.datetime | None) -> bool:
        return at is None or self._clock() - at > LASTS

    def _guarded(self, read: Callable[[], object]) -> bool:
        before = self._books = self._mirror.books(self._key)
        self._connected = self._state.get(connected(self._key))
        try:
            if before.hold is Reason.WRONG_ORGANISATION:
                self._identity()
            read()
        except XeroError as error:
            self.trouble, after = error, self._failed(error)
        else:
            self.trouble, after = None, self._missing_at_once(self._books)
            self._failures, self._not_before = 0, None
        if after != before:
            self._mirror.store_books(self._key, after)
        return self.trouble is None and after.hold is None

    def _failed(self, error: XeroError) -> Books:
        self._failures += 1
        retry_at = error.retry_at if isinstance(error, Temporary) else None
        self._not_before = retry_at or self._clock() + retry_after(self._failures, self._jitter())
        if isinstance(error, RateLimited):
            return self._books
        hold = HOLDS.get(type(error), Reason.XERO_UNAVAILABLE)
        return replace(self._books, hold=hold, hold_detail=str(error).rstrip("."))

    def _sweep(self) -> None:
        started, first = self._clock(), self._books.swept_at is None
        self._identity()
        self._slow_facts(started)
        self._changed(sweep=True)
        if first:
            self._books = replace(self._books, compared_at=started)
        elif nightly(self._books, self._books.compared_at, started):
            self._compare()
        self._spoken_of()
        self._mirror.clean_known(self._key)
        self._books = replace(self._books, swept_at=started)

    def _slow_facts(self, now: dt.datetime) -> None:
        """What changes rarely and is read again before it is needed."""
        books, under = self._books, self._milestones.any_under
        if nightly(books, books.rights_at, now) or under(self._key, of_rights(self._organisation)):
            self._rights()
        if lists_due(books, now, doubted=under(self._key, OF_LISTS)):
            self._lists()
        told = self._mirror.dirty_contacts(self._key) is not None
        if told or nightly(books, books.contacts_at, now) or under(self._key, OF_CONTACTS):
            self._contacts()

    def _lists(self) -> None:
        started = self._clock()
        self._books = replace(self._xero.read_lists(self._books), listed_at=started)

    def _rights(self) -> None:
        started = self._clock()
        self._books = replace(self._xero.read_rights(self._books), rights_at=started)

    def _contacts(self) -> None:
        started, mark = self._clock(), self._mirror.dirty_contacts(self._key)
        last = self._books.contacts_at
        for contacts in self._xero.changed_contacts(last - OVERLAP if last else None):
            self._mirror.store_contacts(self._key, contacts)
        # By Xero's clock; where it did not say, by ours, which may be wrong.
        self._books = replace(self._books, contacts_at=self._xero.told_at or started - CLOCK_SKEW)
        if mark is not None:
            self._mirror.clean_contacts(self._key, mark)

    def _identity(self) -> None:
        """The organisation read anew; another one than before is not ours to follow."""
        books, fresh = self._books, self._xero.read_organisation(self._books)
        if books.organisation_id and fresh.organisation_id != books.organisation_id:
            raise WrongOrganisation(f"“{fresh.name}” instead of “{books.name}”")
        self._books = replace(fresh, read_at=self._clock())

    def _changed(
        self, since: dt.datetime | None = None, *, sweep: bool = False, look_back: dt.timedelta = SHORT_OVERLAP
    ) -> set[str]:
        """Read what has changed since then, or since we last looked; the ids of what was listed.

        A change may show late. What is read all day long looks back over seconds only, the sweep over minutes and to
        the sweep before it, so that it finds what those readings were too early for.
        """
        books, listed = self._books, set[str]()
        reached = (books.swept_to or books.watermark) if sweep else books.watermark
        if since is None and reached:
            since = reached - (OVERLAP if sweep else look_back)
        for bills in self._xero.changed_bills(since):
            self._keep(bills)
            self._reached(max(bill.updated_at for bill in bills), sweep=sweep)
            listed |= {bill.bill_id for bill in bills}
        self._reached(self._xero.told_at, sweep=sweep)
        return listed

    def _reached(self, at: dt.datetime | None, *, sweep: bool) -> None:
        if at is None:
            return
        books = self._books
        swept_to = max(books.swept_to or at, at) if sweep else books.swept_to
        self._books = replace(books, watermark=max(books.watermark or at, at), swept_to=swept_to)

    def _compare(self) -> None:
        """Find linked bills whose change moved no date of change, with the cheapest list there is, and read them."""
        started, held = self._clock(), {bill.bill_id: bill for bill in self._mirror.linked_open(self._key)}
        heads = {bill_id: _head(bill) for bill_id, bill in held.items()}
        same: set[str] = set()
        for bills in self._xero.open_bills() if held else ():
            same |= {bill.bill_id for bill in bills if heads.get(bill.bill_id) == _head(bill)}
        self._by_id(sorted(held.keys() - same))
        self._books = replace(self._books, compared_at=started)

    def _spoken_of(self) -> None:
        """Read bills newly linked, and those that events spoke of: by id when they are few, else with one list.

        After a write that was cut off before it was read back, our own new bills are among the newly linked.
        """
        unread, marks = self._mirror.linked_unread(self._key, limit=1_000), self._marks()
        listed: set[str] = set()
        if len(unread) + len(marks) > BY_ID_AT_MOST:
            listed = self._changed(self._since_events())
        self._by_id(sorted({*unread, *(bill_id for bill_id, _ in marks)} - listed))
        self._mirror.clean(self._key, marks)

    def _marks(self) -> list[tuple[str, int]]:
        return self._mirror.dirty_bills(self._key, limit=10_000)

    def _since_events(self) -> dt.datetime | None:
        """Far enough back that the list shows what late events speak of, but not all that a replay of days would."""
        watermark, oldest = self._books.watermark, self._mirror.dirty_since(self._key)
        if watermark is None or oldest is None:
            return None
        return min(watermark, max(oldest, watermark - LATE_EVENTS)) - SHORT_OVERLAP

    def _by_id(self, bill_ids: Sequence[str]) -> None:
        if not bill_ids:
            return
        bills = self._xero.bills(bill_ids)
        self._keep(bills)
        for bill_id in sorted(set(bill_ids) - {bill.bill_id for bill in bills}):
            self._direct(bill_id)

    def _direct(self, bill_id: str) -> None:
        """A bill that a list left out: only a direct read can say that it does not exist."""
        bill = self._xero.bill(bill_id)
        if bill is None:
            self._mirror.store_missing(self._key, bill_id, self._clock())
        else:
            self._keep([bill])

    def _keep(self, bills: Sequence[Bill]) -> None:
        """Store bills. One that names another contact than before may tell of a merge, which is no edit of the bill,
        and one of an unknown contact may be a milestone's duplicate: so contacts are read first."""
        if self._mirror.moved(self._key, bills):
            self._contacts()
        self._mirror.store_bills(self._key, bills)

    def _missing_at_once(self, books: Books) -> Books:
        """A successful read ends a hold, unless unusually many bills are gone."""
        missing = self._mirror.missing_count(self._key)
        accepted = int(self._state.get(missing_accepted(self._key)) or 0)
        if missing - accepted > self._organisation.policy.missing_at_once:
            return replace(books, hold=Reason.MASS_CHANGE, hold_detail=f"{missing} bills")
        return replace(books, hold=None, hold_detail="")


def _head(bill: Bill) -> tuple[object, ...]:
    """What a list without lines shows of a bill that a decision sees."""
    money = (bill.currency, bill.total, bill.subtotal, bill.paid, bill.credited)
    return bill.status, bill.contact_id, bill.date, bill.due_date, *money
