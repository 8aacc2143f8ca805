"""What the mirror tells of events and of its own age: which hints of Xero are still news, and what to look at again."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from peewee import chunked, fn

from reconciler.model import Bill, Status
from storage.database import Store
from storage.mirrored import BillRow, ContactRow
from storage.models import LinkRow, PartRow
from storage.queues import EventRow
from storage.shapes import BILLS

PAGE = 500
CONTACT = "CONTACT"
OPEN = tuple(status for status in Status if status.live and status is not Status.PAID)


def news(organisation: Any) -> Any:
    """Events about linked bills that tell of something later than the bill as it was read; both by Xero's clock.

    The organisation is a key, or the column of an outer query.
    """
    held = (BillRow.organisation == EventRow.organisation) & (BillRow.bill_id == EventRow.resource_id)
    later = BillRow.updated_at.is_null() | (EventRow.at > BillRow.updated_at)
    ours = _open(organisation) & (EventRow.resource_id != "") & followed(organisation, EventRow.resource_id)
    return EventRow.select().left_outer_join(BillRow, on=held).where(ours & later)


def news_since(store: Store, organisation: str) -> dt.datetime | None:
    """When the oldest of them happened; `None` when there is none."""
    row = store.row(news(organisation).select(fn.MIN(EventRow.at).alias("at")))
    return row["at"] if row else None


def newest_event(store: Store) -> int:
    """The number of the newest event of all organisations; 0 when there is none."""
    row = store.row(EventRow.select(fn.MAX(EventRow.id).alias("mark")))
    return (row["mark"] if row else None) or 0


def told_of(store: Store, mark: int) -> list[str]:
    """The organisations that events after that number are about."""
    ours = (EventRow.id > mark) & EventRow.organisation.is_null(False)
    return sorted(store.column(EventRow.select(EventRow.organisation).where(ours).distinct()))


def close_known(store: Store, organisation: str) -> None:
    """Close the events that tell nothing new of the bill as it was read."""
    held = BillRow.select(BillRow.bill_id).where(
        (BillRow.organisation == EventRow.organisation)
        & (BillRow.bill_id == EventRow.resource_id)
        & (BillRow.updated_at >= EventRow.at)
    )
    with store.write():
        store.run(EventRow.update(open=False).where(_open(organisation) & fn.EXISTS(held)))


def newest_of_contacts(store: Store, organisation: str) -> int | None:
    """The number of the newest open event about a contact."""
    query = EventRow.select(fn.MAX(EventRow.id).alias("mark")).where(_of_contacts(organisation))
    row = store.row(query)
    return row["mark"] if row else None


def close_contacts(store: Store, organisation: str, mark: int) -> None:
    """Close the events about contacts up to that number."""
    with store.write():
        store.run(EventRow.update(open=False).where(_of_contacts(organisation) & (EventRow.id <= mark)))


def moved(store: Store, organisation: str, bills: Iterable[Bill]) -> bool:
    """Whether one of these bills named another contact when it was last read, or names one that we do not know."""
    return any(_moved(store, organisation, some) for some in chunked(bills, PAGE))


def linked_open(store: Store, organisation: str) -> list[Bill]:
    """Linked bills that are neither paid nor voided nor deleted as last read."""
    condition = BillRow.status.in_(OPEN) & followed(organisation, BillRow.bill_id)
    return list(store.meeting(BILLS, organisation, condition).values())


def followed(organisation: Any, bill_id: Any) -> Any:
    """Whether a milestone follows the bill in that column, as its last one or as an earlier one."""
    return _tied(LinkRow, organisation, bill_id) | _tied(PartRow, organisation, bill_id)


def _tied(table: Any, organisation: Any, bill_id: Any) -> Any:
    mine = table.select(table.key).where((table.organisation == organisation) & (table.bill_id == bill_id))
    return fn.EXISTS(mine)


def _moved(store: Store, organisation: str, bills: Sequence[Bill]) -> bool:
    mine = (BillRow.organisation == organisation) & BillRow.bill_id.in_([bill.bill_id for bill in bills])
    query = BillRow.select(BillRow.bill_id, BillRow.contact_id).where(mine)
    held = store.pairs(query)
    if any(held.get(bill.bill_id, bill.contact_id) != bill.contact_id for bill in bills):
        return True
    named = {bill.contact_id for bill in bills if bill.contact_id}
    known = (ContactRow.organisation == organisation) & ContactRow.contact_id.in_(list(named))
    return store.count(ContactRow.select(ContactRow.contact_id).where(known)) < len(named)


def _open(organisation: Any) -> Any:
    return (EventRow.organisation == organisation) & (EventRow.open == True)  # noqa: E712  an expression of SQL


def _of_contacts(organisation: str) -> Any:
    return _open(organisation) & (EventRow.category == CONTACT)
