"""Xero's answers become our nouns exactly, and what a decision rests on is never made up."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import UnreadableAnswer
from reconciler.model import Bill, Sense, Status
from reconciler.organisation import Books
from reconciler.xero import lists, parsing, shapes

from .conftest import START

BILL_ID = "9b9ba9e5-e907-4b4e-8210-54d82b0aa479"
FULL = rb"""{"Id":"x","Status":"OK","DateTimeUTC":"\/Date(1552326816230)\/","pagination":{"page":1,"pageCount":1},
"Invoices":[{"Type":"ACCPAY","InvoiceID":"9b9ba9e5-e907-4b4e-8210-54d82b0aa479","InvoiceNumber":"G-1","Reference":"",
"Url":"https://grants.example/m/1","Payments":[{"Date":"\/Date(1543449600000+0000)\/","Amount":46.00}],
"CreditNotes":[],"AmountDue":0.00,"AmountPaid":40.00,"AmountCredited":6.00,"CurrencyRate":1.000000,"HasErrors":false,
"Contact":{"ContactID":"c-1","Name":"K\u0101k\u0101 Trust","Phones":[]},
"DateString":"2018-10-20T00:00:00","Date":"\/Date(1539993600000+0000)\/","DueDate":"\/Date(1546128000000+0000)\/",
"Status":"PAID","LineAmountTypes":"Exclusive","LineItems":[{"LineItemID":"l-1","Description":"Grant","Quantity":2.0000,
"UnitAmount":20.00,"LineAmount":40.00,"TaxType":"INPUT2","TaxAmount":6.00,"AccountCode":"480",
"Tracking":[{"Name":"Region","Option":"North"}],"ValidationErrors":[]}],"SubTotal":40.00,"TotalTax":6.00,"Total":46.00,
"CurrencyCode":"NZD","FullyPaidOnDate":"\/Date(1543449600000+0000)\/","UpdatedDateUTC":"\/Date(1541176592690+0000)\/",
"UpdatedDateUTCString":"2018-11-02T16:36:32Z","SomethingNew":{"Deep":[1,2.5,null]}}]}"""


def read(**changes: Any) -> Bill | None:
    """The bill above with fields replaced, or left out when `None`."""
    body = json.loads(FULL)
    invoice = {name: value for name, value in {**body["Invoices"][0], **changes}.items() if value is not None}
    found = parsing.decode(json.dumps({"Invoices": [invoice]}).encode(), shapes.Invoices)
    return parsing.bill(found.invoices[0], "trust", START)


def bill(**changes: Any) -> Bill:
    found = read(**changes)
    assert found is not None
    return found


def test_a_bill_is_read_whole_with_its_digits() -> None:
    invoice = parsing.decode(FULL, shapes.Invoices).invoices[0]
    found = parsing.bill(invoice, "trust", START)
    assert found is not None
    assert (found.bill_id, found.number, found.status) == (BILL_ID, "G-1", Status.PAID)
    assert (found.contact_id, found.contact_name) == ("c-1", "K\u0101k\u0101 Trust")
    assert (found.date, found.due_date) == (dt.date(2018, 10, 20), dt.date(2018, 12, 30))
    assert (str(found.total), str(found.subtotal), found.sense) == ("46.00", "40.00", Sense.EXCLUSIVE)
    assert (str(found.paid), str(found.credited), str(found.due)) == ("40.00", "6.00", "0.00")
    assert found.paid_on == dt.date(2018, 11, 29)
    assert found.updated_at == dt.datetime(2018, 11, 2, 16, 36, 32, 690_000, tzinfo=dt.UTC)
    assert (found.read_at, found.organisation, found.url) == (START, "trust", "https://grants.example/m/1")
    assert str(found.lines[0].quantity) == "2.0000"
    assert found.lines[0].tracking == (("Region", "North"),)


@pytest.mark.parametrize("text", ["40.00", "1e2", "666.88", "0.1", "-0.10", "100000000000000000000.01", "5"])
def test_a_number_is_exactly_its_digits(text: str) -> None:
    body = b'{"Invoices":[{"Total":%s}]}' % text.encode()
    assert parsing.decode(body, shapes.Invoices).invoices[0].total == Decimal(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=4))
def test_no_amount_is_ever_a_float(amount: Decimal) -> None:
    body = b'{"LineItemID":"l","Quantity":%s,"UnitAmount":"%s"}' % (str(amount).encode(), str(amount).encode())
    line = parsing.decode(body, shapes.LineItem)
    assert (line.quantity, line.unit_amount) == (amount, amount)
    assert type(line.quantity) is Decimal


def test_what_xero_leaves_out_is_zero_or_empty() -> None:
    found = bill(
        Status="DRAFT", AmountPaid=None, AmountCredited=None, AmountDue=None, Payments=None, CreditNotes=None,
        LineItems=None, FullyPaidOnDate=None, Url=None, DueDate=None, InvoiceNumber=None,
    )  # fmt: skip
    assert (found.paid, found.credited, found.due, found.settled) == (0, 0, 0, 0)
    assert (found.lines, found.paid_on, found.url, found.due_date, found.number) == ((), None, "", None, "")


def test_fields_that_are_null_count_as_absent() -> None:
    body = json.loads(FULL)
    body["Invoices"][0] |= {
        "Url": None,
        "LineItems": None,
        "Payments": None,
        "AmountCredited": None,
        "pagination": None,
    }
    assert parsing.decode(json.dumps(body).encode(), shapes.Invoices).invoices[0].line_items is None


def test_a_credit_that_the_answer_leaves_out_follows_from_what_is_neither_due_nor_paid() -> None:
    assert bill(AmountCredited=None, AmountDue=0, AmountPaid=40).credited == 6
    assert bill(AmountCredited=None, AmountDue=46, AmountPaid=0, Status="AUTHORISED").credited == 0


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "VOIDED", "DELETED"])
def test_an_unapproved_or_ended_bill_has_no_credit_by_inference(status: str) -> None:
    assert bill(AmountCredited=None, AmountDue=0, AmountPaid=0, Status=status).credited == 0


def test_a_part_paid_bill_was_last_paid_on_the_day_of_its_last_payment() -> None:
    payments = [{"Date": "/Date(1543449600000)/"}, {"Date": "/Date(1543536000000)/"}, {"Date": None}]
    assert bill(FullyPaidOnDate=None, Payments=payments).paid_on == dt.date(2018, 11, 30)


def test_a_deleted_payment_has_paid_nothing() -> None:
    gone = [{"Date": "/Date(1543449600000)/", "Status": "DELETED"}]
    assert bill(FullyPaidOnDate=None, Payments=gone).paid_on is None


def test_a_draft_may_lack_its_contact() -> None:
    assert bill(Contact={}, Status="DRAFT").contact_id == ""


def test_a_sales_invoice_is_not_a_bill() -> None:
    assert read(Type="ACCREC") is None


@pytest.mark.parametrize(
    "name", ["Type", "InvoiceID", "Status", "CurrencyCode", "Total", "SubTotal", "LineAmountTypes"]
)
def test_a_bill_without_what_a_decision_rests_on_is_unreadable(name: str) -> None:
    with pytest.raises(UnreadableAnswer, match=name):
        read(**{name: None})


def test_dates_are_needed_in_one_of_their_two_forms() -> None:
    assert bill(Date=None).date == dt.date(2018, 10, 20)
    assert bill(UpdatedDateUTC=None).updated_at == dt.datetime(2018, 11, 2, 16, 36, 32, tzinfo=dt.UTC)
    with pytest.raises(UnreadableAnswer, match=r"9b9ba9e5.*Date"):
        read(Date=None, DateString=None)
    with pytest.raises(UnreadableAnswer, match="UpdatedDateUTC"):
        read(UpdatedDateUTC=None, UpdatedDateUTCString=None)


@pytest.mark.parametrize(
    ("name", "value"), [("Status", "BILLED"), ("LineAmountTypes", "Sometimes"), ("DueDate", "soon")]
)
def test_a_value_that_we_do_not_know_is_named_and_not_guessed(name: str, value: str) -> None:
    with pytest.raises(UnreadableAnswer, match=rf"(?i)9b9ba9e5.*{name}.*{value}"):
        read(**{name: value})


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"Invoices":{}}', b'{"Invoices":[{"Total":"much"}]}'])
def test_a_body_of_another_shape_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        parsing.decode(body, shapes.Invoices)


def organisation(actions: dict[str, str] | None = None, **changes: Any) -> Books:
    item = {
        "OrganisationID": "o-1", "Name": "Example Trust", "ShortCode": "!mBdtL", "BaseCurrency": "NZD",
        "Timezone": "NEWZEALANDSTANDARDTIME", "PeriodLockDate": "/Date(1546214400000+0000)/", **changes,
    }  # fmt: skip
    found = parsing.decode(json.dumps({"Organisations": [item]}).encode(), shapes.Organisations)
    rights = [shapes.Allowance(name, status) for name, status in (actions or {}).items()]
    return parsing.rights(parsing.organisation(Books(taxes=frozenset({"NONE"})), found, START), rights, START)


def test_the_books_name_identity_zone_and_the_locks_that_are_set() -> None:
    books = organisation()
    assert (books.organisation_id, books.short_code, books.currency) == ("o-1", "!mBdtL", "NZD")
    assert (books.zone, books.read_at) == ("Pacific/Auckland", START)
    assert (books.period_lock, books.year_lock) == (dt.date(2018, 12, 31), None)


def test_reading_the_organisation_leaves_the_rest_of_the_books_alone() -> None:
    assert organisation().taxes == {"NONE"}


def test_a_lock_date_that_cannot_be_read_is_not_taken_for_no_lock() -> None:
    with pytest.raises(UnreadableAnswer, match="PeriodLockDate"):
        organisation(PeriodLockDate="31 Dec")


def test_an_answer_without_an_organisation_is_unreadable() -> None:
    with pytest.raises(UnreadableAnswer):
        parsing.organisation(Books(), shapes.Organisations(()), START)


@pytest.mark.parametrize(
    ("actions", "adviser", "may_approve"),
    [
        ({}, False, True),
        ({"ApproveTransactionsBeforePeriodLockDate": "ALLOWED"}, True, True),
        ({"ApproveTransactionsBeforePeriodLockDate": "NOT-ALLOWED", "CreateApprovedBill": "ALLOWED"}, False, True),
        ({"CreateApprovedBill": "NOT-ALLOWED"}, False, False),
    ],
)
def test_rights_are_those_of_the_connections_user(actions: dict[str, str], adviser: bool, may_approve: bool) -> None:
    books = organisation(actions)
    assert (books.adviser, books.may_approve) == (adviser, may_approve)


@pytest.mark.parametrize(
    ("status", "archived"), [("ACTIVE", False), (None, False), ("ARCHIVED", True), ("GDPRREQUEST", True)]
)
def test_a_contact_that_is_not_active_counts_as_archived(status: str | None, archived: bool) -> None:
    assert parsing.contact(shapes.Contact("c-1", "Kea", status, "c-2")).archived is archived


def test_a_merged_contact_names_the_one_that_took_over() -> None:
    assert parsing.contact(shapes.Contact("c-1", "Kea", "ARCHIVED", "c-2")).merged_to == "c-2"


def test_accounts_that_a_bill_may_name_are_active_with_a_code_and_not_xeros_own() -> None:
    found = [
        shapes.Account("480", "ACTIVE", "EXPENSE"),
        shapes.Account("820", "ACTIVE", "CURRLIAB", "GST"),
        shapes.Account("481", "ARCHIVED", "EXPENSE"),
        shapes.Account("090", "ACTIVE", "BANK"),
        shapes.Account(None, "ACTIVE", "EXPENSE"),
        shapes.Account("800", "ACTIVE", "CURRLIAB", "CREDITORS"),
    ]
    assert lists.accounts(found) == {"480", "820"}


def test_a_tax_type_that_is_not_active_is_left_out() -> None:
    assert lists.taxes([shapes.TaxRate("INPUT2", "ACTIVE"), shapes.TaxRate("OLD", "DELETED")]) == {"INPUT2"}


def test_the_organisations_own_currency_is_always_usable() -> None:
    assert lists.currencies([shapes.Currency("EUR")], "NZD") == {"EUR", "NZD"}
    assert lists.currencies([], "") == frozenset()


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ("/Date(1546128000000+0000)/", dt.date(2018, 12, 30)),
        ("2018-12-30", dt.date(2018, 12, 30)),
        (None, None),
        ("?", None),
    ],
)
def test_the_day_on_which_somebody_means_to_pay_is_told_if_it_can_be_read(given: str | None, day: dt.date) -> None:
    assert bill(PlannedPaymentDate=given).planned_on == day


def test_a_history_is_read_as_far_as_it_says_what_was_done_and_when() -> None:
    told = rb"""{"HistoryRecords":[
{"Changes":"Approved","DateUTCString":"2019-02-23T05:23:20","DateUTC":"\/Date(1550899400362+0000)\/",
"User":"Ana Example"},
{"Changes":"Paid","DateUTCString":"2019-02-24T05:23:20"},{"Changes":"Edited","DateUTC":"?"},{"Details":"A note"}]}"""
    found = parsing.records(parsing.decode(told, shapes.History))
    assert [(one.changes, one.at.isoformat(), one.user) for one in found] == [
        ("Approved", "2019-02-23T05:23:20.362000+00:00", "Ana Example"),
        ("Paid", "2019-02-24T05:23:20+00:00", ""),
    ]


def test_tracking_needs_an_active_option_of_an_active_category() -> None:
    options = (shapes.Option("North", "ACTIVE"), shapes.Option("South", "ARCHIVED"))
    found = [shapes.TrackingCategory("Region", "ACTIVE", options), shapes.TrackingCategory("Old", "ARCHIVED", options)]
    assert lists.tracking(found) == {("Region", "North"), ("Region", "")}
