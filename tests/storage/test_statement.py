"""Statements that are put together once: what is given each time counts as if it stood in the query."""

import contextlib
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from ledger_samples import NOW, ORG, bill

from reconciler.model import Status
from storage.among import among
from storage.codec import columns
from storage.database import Store, open_store
from storage.mirrored import BillRow, MissingRow
from storage.shapes import column, pairs, values
from storage.statement import Given, Statement

DAYS = [dt.date(2026, 3, 1), dt.date(2026, 3, 31), dt.date(2026, 4, 1)]
AMOUNTS = [Decimal("100.00"), Decimal("0.0001"), Decimal("250.50")]
OF_DAYS = column(BillRow.select(BillRow.bill_id).where(BillRow.date < Given("day")).order_by(BillRow.bill_id))
OF_AMOUNTS = column(
    BillRow.select(BillRow.bill_id).where(among(BillRow.total, Given("amounts"))).order_by(BillRow.bill_id)
)
OF_STATUS = pairs(BillRow.select(BillRow.bill_id, BillRow.total).where(among(BillRow.status, Given("statuses"))))
FIRST = values(BillRow.select(BillRow.date, BillRow.paid_on).order_by(BillRow.bill_id).limit(Given("limit")))
FOUND = Statement(MissingRow.delete().where(among(MissingRow.bill_id, Given("bill_ids"))))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    statuses = (Status.DRAFT, Status.PAID, Status.PAID)
    bills = [
        columns(bill(f"b{number}", date=day, total=amount, status=status))
        for number, (day, amount, status) in enumerate(zip(DAYS, AMOUNTS, statuses, strict=True))
    ]
    with contextlib.closing(open_store(url, create=False)) as store:
        with store.write():
            store.insert(BillRow, bills)
        yield store


def test_what_is_given_is_compared_as_the_column_keeps_it(store: Store) -> None:
    assert [store.ask(OF_DAYS, day=day) for day in DAYS] == [[], ["b0"], ["b0", "b1"]]


def test_many_that_are_given_are_each_compared_as_the_column_keeps_them(store: Store) -> None:
    assert store.ask(OF_AMOUNTS, amounts=AMOUNTS[1:]) == ["b1", "b2"]
    assert store.ask(OF_AMOUNTS, amounts={Decimal("100")}) == ["b0"]
    assert store.ask(OF_AMOUNTS, amounts=()) == []


def test_what_is_found_is_read_as_the_columns_say(store: Store) -> None:
    assert store.ask(OF_STATUS, statuses=[Status.PAID]) == {"b1": AMOUNTS[1], "b2": AMOUNTS[2]}
    assert store.ask(FIRST, limit=2) == [(DAYS[0], None), (DAYS[1], None)]
    assert store.ask(FIRST, limit=0) == []


def test_a_change_tells_how_many_rows_it_changed(store: Store) -> None:
    with store.write():
        store.insert(MissingRow, [{"organisation": ORG, "bill_id": f"b{n}", "at": NOW} for n in range(3)])
        assert [store.change(FOUND, bill_ids=["b0", "b2", "b9"]) for _ in range(2)] == [2, 0]
        assert store.column(MissingRow.select(MissingRow.bill_id)) == ["b1"]


def test_the_library_puts_a_statement_together_once(store: Store) -> None:
    class Counting(Given):
        times = 0

        def __sql__(self, ctx: Any) -> Any:
            Counting.times += 1
            return super().__sql__(ctx)

    of_day = column(BillRow.select(BillRow.bill_id).where(BillRow.date == Counting("day")))
    assert [store.ask(of_day, day=day) for day in DAYS] == [["b0"], ["b1"], ["b2"]]
    assert Counting.times == 1


def test_what_is_not_given_is_missed(store: Store) -> None:
    with pytest.raises(KeyError, match="day"):
        store.ask(OF_DAYS)
