"""The rules by themselves, without a server: what holds for every bill and every wish."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billwatch.sandbox import Bill, Org, chart, rules, wire, wish
from billwatch.sandbox.app import create_desk
from billwatch.sandbox.bookkeeping import Scribe
from billwatch.sandbox.books import Organisation
from billwatch.sandbox.merge import Manner
from billwatch.sandbox.query import QueryError, where

NOW = datetime(2026, 11, 2, 11, 30, tzinfo=UTC)
TODAY = date(2026, 11, 3)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
LOCKS = st.none() | DAYS
STATUSES = st.sampled_from(rules.STATUSES)
CENTS = st.integers(1, 10_000_000).map(lambda cents: Decimal(cents) / 100)


def new_org(period: date | None = None, year: date | None = None) -> Org:
    org = create_desk(lambda: NOW).organisation()
    org.lock(period, year)
    return org


def create(status: str = "DRAFT", day: date = TODAY, amount: Decimal = Decimal(100)) -> wish.BillWish:
    line = wish.LineWish(description="x", unit_amount=amount, account_code="480")
    contact = wish.ContactWish(name="Kea Trust")
    return wish.BillWish(type="ACCPAY", contact=contact, day=day, due=day, status=status, lines=(line,))


def write(org: Org, before: Bill | None, asked: wish.BillWish) -> rules.Judgement:
    return Scribe(org.books, NOW).write(before, asked, Manner(TODAY))


@given(day=DAYS, period=LOCKS, year=LOCKS, adviser=st.booleans())
def test_approval_is_refused_exactly_when_an_effective_lock_reaches_the_day(
    day: date, period: date | None, year: date | None, adviser: bool
) -> None:
    org = new_org(period, year)
    org.settings(adviser=adviser)
    effective = [lock for lock in ([year] if adviser else [period, year]) if lock]
    refused = rules.refusals(org.books, None, create("AUTHORISED", day), TODAY)
    assert bool(refused) == any(day <= lock for lock in effective)
    assert rules.refusals(org.books, None, create("DRAFT", day), TODAY) == ()


@given(before=STATUSES, target=STATUSES)
def test_a_status_moves_only_as_the_table_says(before: str, target: str) -> None:
    org = new_org()
    bill = org.add_bill(status=before)
    passed = not rules.refusals(org.books, bill, wish.BillWish(status=target), TODAY)
    assert passed == (target in rules.TRANSITIONS.get(before, ()))


@given(paid=st.integers(1, 10_000), unit=CENTS)
def test_the_total_of_a_settled_bill_never_moves(paid: int, unit: Decimal) -> None:
    org = new_org()
    bill = org.add_bill(total="100.00", paid=Decimal(paid) / 100)
    line = wish.LineWish(line_id=bill.lines[0].line_id, unit_amount=unit)
    verdict = write(org, bill, wish.BillWish(lines=(line,), rate=Decimal(2), currency="AUD"))
    assert not verdict.refused
    after = org.bill(bill.bill_id)
    assert (after.total, after.currency, after.rate) == (bill.total, bill.currency, bill.rate)


@given(status=STATUSES, day=DAYS, lock=LOCKS, amount=CENTS)
def test_judging_changes_nothing(status: str, day: date, lock: date | None, amount: Decimal) -> None:
    org = new_org(lock)
    bill = org.add_bill(status="DRAFT")
    held = (dict(org.books.bills), dict(org.books.contacts))
    rules.refusals(org.books, None, create(status, day, amount), TODAY)
    rules.refusals(org.books, bill, create(status, day, amount), TODAY)
    assert (org.books.bills, org.books.contacts) == held


@given(status=STATUSES, day=DAYS, lock=LOCKS)
def test_what_is_not_refused_is_saved_as_asked(status: str, day: date, lock: date | None) -> None:
    org = new_org(lock)
    foretold = rules.refusals(org.books, None, create(status, day), TODAY)
    verdict = write(org, None, create(status, day))
    assert verdict.messages == foretold
    assert [(bill.status, bill.day) for bill in org.bills()] == ([] if foretold else [(status, day)])


@given(parts=st.lists(CENTS, min_size=1, max_size=4))
def test_paying_in_parts_ends_at_nothing_due(parts: list[Decimal]) -> None:
    org = new_org()
    bill = org.add_bill(total=sum(parts, Decimal(0)))
    for part in parts:
        assert org.bill(bill.bill_id).status == "AUTHORISED"
        org.pay(bill.bill_id, part)
    assert (org.bill(bill.bill_id).status, org.bill(bill.bill_id).amount_due) == ("PAID", 0)
    org.unpay(bill.bill_id)
    assert (org.bill(bill.bill_id).status, org.bill(bill.bill_id).amount_due) == ("AUTHORISED", bill.total)


@given(amounts=st.lists(CENTS, min_size=1, max_size=5), sense=st.sampled_from(["Exclusive", "Inclusive", "NoTax"]))
def test_subtotal_and_tax_make_the_total_to_the_cent(amounts: list[Decimal], sense: str) -> None:
    org = new_org()
    entries = tuple(wish.LineWish(description="x", unit_amount=one, account_code="429") for one in amounts)
    asked = wish.BillWish(
        type="ACCPAY", contact=wish.ContactWish(name="K"), amount_types=sense, due=TODAY, lines=entries
    )
    bill = write(org, None, asked).bill
    assert bill.subtotal + bill.tax == bill.total
    entered = bill.subtotal if sense == "Exclusive" else bill.total
    assert entered == sum(amounts)


@given(amount=st.decimals(-(10**9), 10**9, places=4))
def test_decimals_leave_and_come_back_digit_by_digit(amount: Decimal) -> None:
    read = wire.load(wire.dump({"a": amount}))["a"]
    assert str(read) == str(amount) or read == amount


@given(text=st.text(max_size=40))
def test_any_where_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with suppress(QueryError):
        where(text, {"status": lambda item: item})("PAID")


@given(day=st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_day_survives_the_form_of_the_wire(day: date) -> None:
    assert wish.bill({"Date": wire.day(day)}).day == day
    assert wish.bill({"Date": wire.day_string(day)}).day == day


@pytest.mark.parametrize(("currency", "rate"), [("NZD", "1.000000"), ("AUD", "0.882353"), ("JPY", "1.000000")])
def test_a_day_rate_is_foreign_units_per_base_unit(currency: str, rate: str) -> None:
    assert chart.day_rate("NZD", currency) == Decimal(rate)


def test_times_of_change_never_repeat() -> None:
    books: Organisation = new_org().books
    stamps = [books.stamp(NOW - timedelta(seconds=back)) for back in range(3)]
    assert stamps == sorted(set(stamps))
