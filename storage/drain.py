"""Raw webhook requests, read after they were acknowledged, and turned into events."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.ports import Drained, Waiting
from reconciler.records import Delivery, Event
from storage.codec import columns
from storage.database import Store
from storage.numbering import count
from storage.queues import EventRow, RawRequestRow

BATCH = 50
EVENTS = 500
# Of what is not drained, by the columns of the index: PostgreSQL would else walk through all that ever came in.
IN_ORDER = (RawRequestRow.drained_at, RawRequestRow.id)


class Inbox:
    """`reconciler.ports.Inbox` on tables."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def waiting(self) -> Waiting | None:
        """What waits to be drained, by the ends of the queue, however long that is; `None` when nothing does."""
        queue = RawRequestRow.select(RawRequestRow.received_at).where(RawRequestRow.drained_at.is_null())
        with self._store.read():
            ends = self._store.column(queue.order_by(*IN_ORDER).limit(1))
            ends += self._store.column(queue.order_by(*(each.desc() for each in IN_ORDER)).limit(1))
        return Waiting(min(ends), max(ends)) if ends else None

    def drain(self, read: Callable[[bytes], Delivery | None], tenants: dict[str, str], now: dt.datetime) -> Drained:
        """Read waiting requests, record their events. `tenants` maps tenant to organisation.

        An event makes its bill one of `Mirror.dirty_bills` as soon as a milestone is linked to that bill, whether that
        was before the event or comes after it. What cannot be read is kept, and marked so.
        """
        total = Drained()
        while True:
            with self._store.write():
                part = self._drain(read, tenants, now)
            if not part.requests:
                return total
            total = _sum(total, part)

    def forget(self, before: dt.datetime) -> int:
        """Delete requests and events that were drained before then; returns how many rows."""
        return sum(self._forget(table, before) for table in (RawRequestRow, EventRow))

    def _forget(self, table: Any, before: dt.datetime) -> int:
        old = table.select(table.id).where(table.drained_at < before).order_by(table.id).limit(EVENTS)
        deleted = 0
        while ids := self._store.column(old):
            with self._store.write():
                deleted += self._store.run(table.delete().where(table.id.in_(ids)))
        return deleted

    def _drain(self, read: Callable[[bytes], Delivery | None], tenants: Mapping[str, str], now: dt.datetime) -> Drained:
        waiting = RawRequestRow.select(RawRequestRow.id, RawRequestRow.key, RawRequestRow.body)
        rows = self._store.rows(waiting.where(RawRequestRow.drained_at.is_null()).order_by(*IN_ORDER).limit(BATCH))
        found = {row["id"]: read(bytes(row["body"])) for row in rows}
        unreadable = [request_id for request_id, delivery in found.items() if delivery is None]
        events = [event for delivery in found.values() if delivery for event in delivery.events]
        self._record([_row(event, tenants, now) for event in events])
        count(self._store, [(row["key"], found[row["id"]]) for row in rows], now)
        self._mark([request_id for request_id in found if request_id not in unreadable], now, unreadable=False)
        self._mark(unreadable, now, unreadable=True)
        return Drained(
            requests=len(found),
            unreadable=len(unreadable),
            events=len(events),
            foreign=sum(event.tenant_id not in tenants for event in events),
        )

    def _record(self, rows: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(rows), EVENTS):
            insert = EventRow.insert_many(rows[start : start + EVENTS])
            self._store.run(insert.on_conflict_ignore().as_rowcount())

    def _mark(self, request_ids: Sequence[int], now: dt.datetime, *, unreadable: bool) -> None:
        drained = RawRequestRow.update(drained_at=now, unreadable=unreadable)
        self._store.run(drained.where(RawRequestRow.id.in_(list(request_ids))))


def _row(event: Event, tenants: Mapping[str, str], now: dt.datetime) -> dict[str, Any]:
    return {**columns(event), "organisation": tenants.get(event.tenant_id), "drained_at": now}


def _sum(a: Drained, b: Drained) -> Drained:
    return Drained(
        requests=a.requests + b.requests,
        unreadable=a.unreadable + b.unreadable,
        events=a.events + b.events,
        foreign=a.foreign + b.foreign,
    )
