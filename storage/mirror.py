"""What Xero holds, as last read, and which milestones a change of it bears upon."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from peewee import Value, chunked, fn

from reconciler.model import Bill, Contact
from reconciler.organisation import Books
from reconciler.reasons import EXEMPTED, Reason
from storage import hints
from storage.among import among
from storage.books import all_books, kept_books, move_on
from storage.codec import columns
from storage.database import Store
from storage.marks import mark_linked, mark_payees, mark_takers, mark_where
from storage.mirrored import BillRow, ContactRow, MissingRow, OrganisationRow
from storage.models import DirtyRow, LinkRow, MilestoneRow, PartRow
from storage.names import fold
from storage.queues import EventRow
from storage.shapes import BILLS, CONTACTS

AT_ONCE = dt.timedelta(minutes=5)  # two readings at once end within this time of each other
BATCH = 100
MARKS = 10_000  # as many are found one by one in no time
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
LOCKS = (Reason.PERIOD_LOCKED, Reason.YEAR_LOCKED, Reason.LOCKED_DRAFT, Reason.LOCK_LIFTED)
SEEN_BY_ALL = ("currency", "zone", "adviser", "may_approve", "accounts", "taxes", "currencies", "tracking", "hold")


class Mirror:
    """`reconciler.ports.Mirror` on tables. `prefixes` maps each organisation to the prefix of its bills' numbers."""

    def __init__(self, store: Store, prefixes: Mapping[str, str]) -> None:
        self._store = store
        self._prefixes = prefixes

    def books(self, organisation: str) -> Books:
        """What is known of the organisation; empty `Books` before the first reading."""
        kept = kept_books(self._store, organisation)
        return kept.books if kept else Books()

    def all_books(self) -> dict[str, Books]:
        """What is known of every organisation that was read."""
        return all_books(self._store)

    def store_books(self, organisation: str, books: Books) -> None:
        """Keep the books; milestones that a moved lock date, a changed list or a hold bears upon become dirty.

        Their version is counted here; the one given is not regarded.
        The marks are made in several short transactions after that of the books. Should they be cut off, the next
        call marks all of the organisation.
        """
        with self._store.write():
            kept = kept_books(self._store, organisation)
            old = kept.books if kept else Books()
            touched = bool(kept and kept.marking) or _seen_by_all(old) != _seen_by_all(books)
            moved = _lock_ranges(old, books)
            self._keep_books(organisation, books, marking=touched or bool(moved))
            if touched or moved:
                move_on(self._store, organisation)
        if touched or moved:
            mark_where(self._store, organisation, None if touched else _bears_on(organisation, moved))
            with self._store.write():
                self._store.run(OrganisationRow.update(marking=False).where(OrganisationRow.key == organisation))

    def store_bills(self, organisation: str, bills: Sequence[Bill]) -> None:
        """Keep bills as read; milestones they bear upon become dirty when something that a decision sees changed.

        A bill read earlier than the one held never replaces it, unless the clock was set back meanwhile.
        """
        for start in range(0, len(bills), BATCH):
            with self._store.write():
                self._store_bills(organisation, bills[start : start + BATCH])

    def store_missing(self, organisation: str, bill_id: str, now: dt.datetime) -> None:
        """Xero said that this bill does not exist."""
        with self._store.write():
            held = self.bill(organisation, bill_id)
            if held is not None and _overtaken(now, held.read_at):
                return
            row = {"organisation": organisation, "bill_id": bill_id, "at": now}
            if self._store.run(MissingRow.insert(row).on_conflict_ignore().as_rowcount()):
                mark_linked(self._store, organisation, [bill_id])

    def store_contacts(self, organisation: str, contacts: Sequence[Contact]) -> None:
        """Keep contacts; milestones whose payee they may be become dirty when they changed."""
        for start in range(0, len(contacts), BATCH):
            with self._store.write():
                self._store_contacts(organisation, contacts[start : start + BATCH])

    def bill(self, organisation: str, bill_id: str) -> Bill | None:
        """A bill as the mirror holds it."""
        return self._store.named(BILLS, organisation, [bill_id]).get(bill_id)

    def numbered(self, organisation: str, numbers: Collection[str]) -> list[Bill]:
        """Bills of any status that carry one of these numbers, in the order of their ids."""
        found = self._store.meeting(BILLS, organisation, among(BillRow.number, numbers))
        return [found[bill_id] for bill_id in sorted(found)]

    def dirty_bills(self, organisation: str, limit: int) -> list[tuple[str, int]]:
        """Linked bills of which an event tells something new, with the mark that `clean` must name."""
        query = (
            hints.news(organisation)
            .select(EventRow.resource_id, fn.MAX(EventRow.id).alias("mark"))
            .group_by(EventRow.resource_id)
            .order_by(fn.MIN(EventRow.id))
            .limit(limit)
        )
        return [(row["resource_id"], row["mark"]) for row in self._store.rows(query)]

    def clean(self, organisation: str, marks: Iterable[tuple[str, int]]) -> None:
        """These bills were read after the marks were taken; a mark set since then stays."""
        for some in chunked(marks, BATCH):
            with self._store.write():
                for bill_id, mark in some:
                    of_bill = (EventRow.organisation == organisation) & (EventRow.resource_id == bill_id)
                    self._store.run(EventRow.update(open=False).where(of_bill & (EventRow.id <= mark)))

    def dirty_since(self, organisation: str) -> dt.datetime | None:
        """When, by Xero's clock, the oldest of what `dirty_bills` speaks of happened."""
        return hints.news_since(self._store, organisation)

    def newest_event(self) -> int:
        """The number of the newest event of all organisations; 0 when there is none."""
        return hints.newest_event(self._store)

    def told_of(self, mark: int) -> list[str]:
        """The organisations that events after that number are about."""
        return hints.told_of(self._store, mark)

    def swept_at(self) -> dict[str, dt.datetime | None]:
        """When each organisation was last read in full."""
        return self._store.pairs(OrganisationRow.select(OrganisationRow.key, OrganisationRow.swept_at))

    def clean_known(self, organisation: str) -> None:
        """Forget events that tell nothing new of the bill as it was read."""
        hints.close_known(self._store, organisation)

    def dirty_contacts(self, organisation: str) -> int | None:
        """The mark of the newest event about a contact that `clean_contacts` has not yet named."""
        return hints.newest_of_contacts(self._store, organisation)

    def clean_contacts(self, organisation: str, mark: int) -> None:
        """Contacts were read after the mark was taken."""
        hints.close_contacts(self._store, organisation, mark)

    def moved(self, organisation: str, bills: Sequence[Bill]) -> bool:
        """Whether one of these bills, not yet stored, names another contact than before, or one that is not held."""
        return hints.moved(self._store, organisation, bills)

    def linked_open(self, organisation: str) -> list[Bill]:
        """Linked bills that are neither paid nor voided nor deleted as last read."""
        return hints.linked_open(self._store, organisation)

    def linked_unread(self, organisation: str, limit: int) -> list[str]:
        """Bill ids that milestones are linked to but that the mirror does not hold and that are not known missing.

        A milestone whose bill was never read waits for it, marked, unless it is exempt; so the others are not asked.
        """
        mine = LinkRow.organisation == organisation
        marked = _unread(LinkRow, mine & self._marked(organisation), limit)
        exempt = _unread(LinkRow, mine & LinkRow.reason.in_(EXEMPTED), limit)
        parts = _unread(PartRow, PartRow.organisation == organisation, limit)
        return sorted({bill_id for each in (marked, exempt, parts) for bill_id in self._store.column(each)})[:limit]

    def _marked(self, organisation: str) -> Any:
        """Whether a link's milestone is marked: looked up by the marks, or by the links when most of very many are."""
        marks = DirtyRow.select(DirtyRow.key).where(DirtyRow.organisation == organisation)
        links = LinkRow.select(LinkRow.key).where(LinkRow.organisation == organisation)
        marked = self._store.count(marks)
        if marked <= MARKS or marked * 2 < self._store.count(links):
            return LinkRow.key.in_(marks)
        return (LinkRow.bill_id > "") & fn.EXISTS(marks.where(DirtyRow.key == LinkRow.key))

    def missing_count(self, organisation: str) -> int:
        """How many linked bills are known missing."""
        mine = MissingRow.organisation == organisation
        followed = hints.followed(organisation, MissingRow.bill_id)
        return self._store.count(MissingRow.select(MissingRow.bill_id).where(mine & followed))

    def _keep_books(self, organisation: str, books: Books, *, marking: bool) -> None:
        row = {"key": organisation, "books": books, "swept_at": books.swept_at, "marking": marking}
        insert = OrganisationRow.insert(row).on_conflict(
            conflict_target=[OrganisationRow.key],
            preserve=[OrganisationRow.books, OrganisationRow.swept_at, OrganisationRow.marking],
        )
        self._store.run(insert.as_rowcount())

    def _store_bills(self, organisation: str, bills: Sequence[Bill]) -> None:
        held = self._store.named(BILLS, organisation, [bill.bill_id for bill in bills])
        newest: dict[str, Bill] = {}
        for bill in sorted(bills, key=lambda bill: bill.read_at):
            before = held.get(bill.bill_id)
            if before is None or not _overtaken(bill.read_at, before.read_at):
                newest[bill.bill_id] = bill
        if not newest:
            return
        found = self._found_again(organisation, newest.values())
        changed = [b for i, b in newest.items() if i in found or i not in held or _facts(held[i]) != _facts(b)]
        self._upsert(organisation, newest.values())
        if changed:
            before_and_after = [*(held[b.bill_id] for b in changed if b.bill_id in held), *changed]
            mark_linked(self._store, organisation, [bill.bill_id for bill in changed])
            mark_takers(self._store, organisation, before_and_after, self._prefixes.get(organisation, ""))

    def _found_again(self, organisation: str, bills: Iterable[Bill]) -> set[str]:
        """Take these bills off the list of the missing; returns those that were on it."""
        read_at = {bill.bill_id: bill.read_at for bill in bills}
        on_it = (MissingRow.organisation == organisation) & MissingRow.bill_id.in_(list(read_at))
        rows = self._store.rows(MissingRow.select().where(on_it))
        found = {row["bill_id"] for row in rows if not _overtaken(read_at[row["bill_id"]], row["at"])}
        if found:
            self._store.run(MissingRow.delete().where(on_it & MissingRow.bill_id.in_(list(found))))
        return found

    def _upsert(self, organisation: str, bills: Iterable[Bill]) -> None:
        rows = [{**columns(bill), "organisation": organisation} for bill in bills]
        self._store.insert(
            BillRow,
            rows,
            conflict_target=[BillRow.organisation, BillRow.bill_id],
            preserve=[getattr(BillRow, name) for name in rows[0] if name not in ("organisation", "bill_id")],
        )

    def _store_contacts(self, organisation: str, contacts: Sequence[Contact]) -> None:
        newest = {contact.contact_id: contact for contact in contacts}
        held = self._store.named(CONTACTS, organisation, newest)
        changed = [contact for i, contact in newest.items() if held.get(i) != contact]
        if not changed:
            return
        insert = ContactRow.insert_many(
            {**columns(c), "organisation": organisation, "folded": fold(c.name)} for c in changed
        ).on_conflict(
            conflict_target=[ContactRow.organisation, ContactRow.contact_id],
            preserve=[ContactRow.name, ContactRow.archived, ContactRow.merged_to, ContactRow.folded],
        )
        self._store.run(insert.as_rowcount())
        ids = {contact.contact_id for contact in changed}
        before = [held[contact_id] for contact_id in ids & set(held)]
        mark_payees(self._store, organisation, ids, {fold(contact.name) for contact in (*before, *changed)})


def _overtaken(read_at: dt.datetime, held: dt.datetime) -> bool:
    """Whether what is held was read later; what is from further ahead was read before the clock was set back."""
    return read_at < held <= read_at + AT_ONCE


def _facts(bill: Bill) -> Bill:
    """The bill as a decision sees it."""
    return replace(bill, organisation="", read_at=NEVER, updated_at=NEVER)


def _seen_by_all(books: Books) -> tuple[object, ...]:
    return tuple(getattr(books, name) for name in SEEN_BY_ALL)


def _unread(table: Any, condition: Any, limit: int) -> Any:
    """Some bills of such rows that are neither in the mirror nor known missing."""
    unknown = (table.bill_id != "") & ~_has(BillRow, table) & ~_has(MissingRow, table)
    # In this order: whether a bill is unknown is told by indexes alone, whether a milestone is marked by its link.
    return table.select(table.bill_id).where(unknown & condition).limit(limit)


def _has(known: Any, table: Any) -> Any:
    same = (known.organisation == table.organisation) & (known.bill_id == table.bill_id)
    return fn.EXISTS(known.select(Value(1)).where(same))


def _lock_ranges(old: Books, new: Books) -> list[tuple[dt.date, dt.date]]:
    """The days, as (after, until), over which a lock date passed, forwards or backwards."""
    pairs = ((old.period_lock, new.period_lock), (old.year_lock, new.year_lock))
    ends = [sorted((a or dt.date.min, b or dt.date.min)) for a, b in pairs]
    return [(first, last) for first, last in ends if first != last]


def _bears_on(organisation: str, moved: Sequence[tuple[dt.date, dt.date]]) -> Any:
    """Links that were blocked by a lock, or one of whose dates a lock date passed over."""
    condition = LinkRow.locked_out.is_null(is_null=False) | LinkRow.reason.in_(LOCKS)
    for after, until in moved:
        days = MilestoneRow.select(MilestoneRow.key).where(
            (MilestoneRow.organisation == organisation) & (MilestoneRow.date > after) & (MilestoneRow.date <= until)
        )
        bills = BillRow.select(BillRow.bill_id).where(
            (BillRow.organisation == organisation) & (BillRow.date > after) & (BillRow.date <= until)
        )
        chosen = (LinkRow.chosen_date > after) & (LinkRow.chosen_date <= until)
        condition |= LinkRow.key.in_(days) | LinkRow.bill_id.in_(bills) | chosen
    return condition
