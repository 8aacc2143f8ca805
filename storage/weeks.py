"""What a week brought and what waits at its end, in numbers and sums by currency."""

import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from peewee import fn

from reconciler.model import Status
from storage.database import Store
from storage.fields import UNITS
from storage.mirrored import BillRow
from storage.models import FlagRow, LinkRow, PartRow
from storage.queues import AttemptRow, ElementRow

Sums = dict[str, tuple[int, Decimal]]


class Weeks:
    """Bills that milestones follow, earlier parts among them, counted. Of every answer the key is a currency."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def billed(self, organisation: str, since: dt.datetime, until: dt.datetime) -> Sums:
        """Bills made by us in that time that still ask for money, or have got it."""
        rows = self._store.rows(
            ElementRow.select(ElementRow.key, ElementRow.write)
            .join(AttemptRow, on=(ElementRow.attempt == AttemptRow.id))
            .where((AttemptRow.organisation == organisation) & (AttemptRow.creates == True))  # noqa: E712
            .where((AttemptRow.started_at >= since) & (AttemptRow.started_at < until))
        )
        keys, numbers = {row["key"] for row in rows}, {row["write"].number for row in rows}
        latest = BillRow.bill_id.in_(_bills(LinkRow, organisation, LinkRow.key.in_(list(keys))))
        # Of a milestone that is billed in parts, an earlier bill may have been made long before.
        earlier = BillRow.number.in_(list(numbers)) & BillRow.bill_id.in_(_bills(PartRow, organisation))
        live = BillRow.status.in_([status for status in Status if status.live])
        return self._sums(organisation, BillRow.total, live & (latest | earlier))

    def paid(self, organisation: str, first: dt.date, last: dt.date) -> Sums:
        """Bills of which the last payment was made on one of these days, by what is paid of them."""
        return self._sums(organisation, BillRow.paid, (BillRow.paid_on >= first) & (BillRow.paid_on <= last))

    def waiting(self, organisation: str, states: Collection[Status]) -> Sums:
        """Bills in one of these states that ask for money, by what is still due on them."""
        return self._sums(organisation, BillRow.due, BillRow.status.in_(list(states)) & (BillRow.due > 0))

    def undecided(self, organisation: str) -> int:
        """How many milestones wait for a decision."""
        mine = (FlagRow.organisation == organisation) & FlagRow.closed_at.is_null() & (FlagRow.key != "")
        return self._store.count(FlagRow.select().where(mine))

    def _sums(self, organisation: str, money: Any, condition: Any) -> Sums:
        # Uncoerced: which type a database adds integers up to differs, and the library would take some for money.
        units = fn.SUM(money).coerce(False).alias("units")
        followed = BillRow.bill_id.in_(_bills(LinkRow, organisation)) | BillRow.bill_id.in_(
            _bills(PartRow, organisation)
        )
        query = (
            BillRow.select(BillRow.currency, fn.COUNT(BillRow.bill_id).alias("number"), units)
            .where((BillRow.organisation == organisation) & followed & condition)
            .group_by(BillRow.currency)
            .order_by(BillRow.currency)
        )
        with self._store.read():
            found = self._store.rows(query)
        return {row["currency"]: (row["number"], Decimal(row["units"] or 0) / UNITS) for row in found}


def _bills(table: Any, organisation: str, *conditions: Any) -> Any:
    """The bills that milestones follow: their latest by `LinkRow`, earlier ones by `PartRow`."""
    return table.select(table.bill_id).where(table.organisation == organisation, *conditions)
