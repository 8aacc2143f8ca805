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
from storage.models import FlagRow, LinkRow
from storage.queues import AttemptRow, ElementRow

Sums = dict[str, tuple[int, Decimal]]


class Weeks:
    """Bills that milestones follow, counted. Of every answer the key is a currency."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def billed(self, organisation: str, since: dt.datetime, until: dt.datetime) -> Sums:
        """Bills made by us in that time that still ask for money, or have got it."""
        made = (AttemptRow.creates == True) & (AttemptRow.started_at >= since) & (AttemptRow.started_at < until)  # noqa: E712
        query = (
            ElementRow.select(ElementRow.key)
            .join(AttemptRow, on=(ElementRow.attempt == AttemptRow.id))
            .where(made & (AttemptRow.organisation == organisation))
        )
        live = BillRow.status.in_([status for status in Status if status.live])
        return self._sums(organisation, BillRow.total, live & LinkRow.key.in_(query))

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
        same = (LinkRow.organisation == BillRow.organisation) & (LinkRow.bill_id == BillRow.bill_id)
        query = (
            BillRow.select(BillRow.currency, fn.COUNT(BillRow.bill_id).alias("number"), fn.SUM(money).alias("units"))
            .join(LinkRow, on=same)
            .where((BillRow.organisation == organisation) & condition)
            .group_by(BillRow.currency)
            .order_by(BillRow.currency)
        )
        with self._store.read():
            found = self._store.rows(query)
        return {row["currency"]: (row["number"], _amount(row["units"])) for row in found}


def _amount(units: int | Decimal | None) -> Decimal:
    """The sum as money: the database adds the integers, and the library may have turned them back already."""
    return units if isinstance(units, Decimal) else Decimal(units or 0) / UNITS
