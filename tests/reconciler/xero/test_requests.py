"""Requests say what is pending and nothing else, with exact numbers."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model import Bill, Field, Line, Sense, Status, Write
from reconciler.xero import requests

from .conftest import START, terms, write

LINE = Line(
    "l-1", "Old words", Decimal("3.0000"), Decimal("33.3333"), Decimal("100.00"), "480", "INPUT2", Decimal("14.99"),
    (("Region", "North"),),
)  # fmt: skip
BILL = Bill(
    "trust", "b-1", "G-1", Status.SUBMITTED, "c-1", "Kea Trust", dt.date(2026, 10, 1), "NZD", Decimal("114.99"),
    Decimal("100.00"), Sense.EXCLUSIVE, START, START, lines=(LINE,),
)  # fmt: skip


def element(request: tuple[str, str, bytes]) -> dict[str, Any]:
    [found] = json.loads(request[2], parse_float=Decimal, parse_int=Decimal)["Invoices"]
    return dict(found)


def changed(*fields: Field, bill: Bill = BILL, **changes: Any) -> dict[str, Any]:
    pending = Write(terms(**changes), bill.status, bill.number, bill_id=bill.bill_id, fields=frozenset(fields))
    return element(requests.update([(pending, bill)]))


def test_a_new_bill_is_put_with_everything_we_have_an_opinion_of() -> None:
    made = write("G-7", tracking=(("Region", "North"),), contact="c-1", url="https://grants.example/m/7")
    method, path, _ = request = requests.create([made])
    assert (method, path) == ("PUT", "/Invoices?summarizeErrors=false&unitdp=4")
    assert element(request) == {
        "Type": "ACCPAY",
        "Status": "SUBMITTED",
        "InvoiceNumber": "G-7",
        "Contact": {"ContactID": "c-1"},
        "Date": "2026-11-02",
        "DueDate": "2026-11-16",
        "CurrencyCode": "NZD",
        "Url": "https://grants.example/m/7",
        "LineAmountTypes": "Inclusive",
        "LineItems": [
            {
                "Description": "First milestone",
                "Quantity": 1,
                "UnitAmount": Decimal("115.00"),
                "AccountCode": "429",
                "TaxType": "INPUT2",
                "Tracking": [{"Name": "Region", "Option": "North"}],
            }
        ],
    }


def test_a_new_bill_leaves_to_xero_what_we_have_no_opinion_of() -> None:
    made = element(requests.create([write(due_date=None, tax=None, account="", currency="")]))
    assert not {"DueDate", "CurrencyCode", "Url"} & set(made)
    assert not {"TaxType", "AccountCode"} & set(made["LineItems"][0])


def test_a_contact_that_xero_does_not_have_yet_is_given_by_name_alone() -> None:
    assert element(requests.create([write(contact="new:K\u0101k\u0101: Trust")]))["Contact"] == {
        "Name": "K\u0101k\u0101: Trust"
    }


def test_a_link_that_names_xero_is_left_out_because_xero_refuses_it() -> None:
    assert "Url" not in element(requests.create([write(url="https://grants.example/Xero/1")]))


@given(st.decimals(min_value=0, max_value=10**13, places=2))
def test_an_amount_is_written_with_its_own_digits(amount: Decimal) -> None:
    body = requests.create([write(total=amount)])[2]
    assert b'"UnitAmount":%s,' % str(amount).encode() in body


@pytest.mark.parametrize(("amount", "digits"), [("1E+2", b"100"), ("115", b"115"), ("0.10", b"0.10")])
def test_an_amount_has_no_exponent(amount: str, digits: bytes) -> None:
    assert b'"UnitAmount":%s,' % digits in requests.create([write(total=Decimal(amount))])[2]


def test_the_same_writes_give_the_same_bytes() -> None:
    assert requests.create([write("A"), write("B")]) == requests.create([write("A"), write("B")])


@pytest.mark.parametrize("count", [0, 51])
def test_a_request_holds_one_to_fifty_bills(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 50"):
        requests.create([write()] * count)


def test_a_batch_keeps_its_order() -> None:
    body = json.loads(requests.create([write(f"G-{n}") for n in range(50)])[2])
    assert [one["InvoiceNumber"] for one in body["Invoices"]] == [f"G-{n}" for n in range(50)]


def test_an_update_names_the_bill_by_id_and_sends_only_what_is_pending() -> None:
    assert changed(Field.DUE_DATE) == {"InvoiceID": "b-1", "DueDate": "2026-11-16"}
    assert changed(Field.DATE) == {"InvoiceID": "b-1", "Date": "2026-11-02"}
    assert changed(Field.CONTACT, contact="c-2") == {"InvoiceID": "b-1", "Contact": {"ContactID": "c-2"}}
    assert changed(Field.CURRENCY) == {"InvoiceID": "b-1", "CurrencyCode": "NZD"}


@pytest.mark.parametrize("fields", [(field,) for field in Field] + [tuple(Field)])
def test_an_update_never_names_a_number(fields: tuple[Field, ...]) -> None:
    assert "InvoiceNumber" not in changed(*fields)


@pytest.mark.parametrize("status", list(Status))
def test_only_an_approved_bill_is_sent_with_its_status_as_it_stands(status: Status) -> None:
    sent = changed(Field.DATE, bill=replace(BILL, status=status)).get("Status")
    assert sent == ("AUTHORISED" if status is Status.AUTHORISED else None)


def test_a_pending_description_sends_the_line_whole_and_as_xero_has_it() -> None:
    sent = changed(Field.DESCRIPTION)
    assert sent == {
        "InvoiceID": "b-1",
        "LineAmountTypes": "Exclusive",
        "LineItems": [
            {
                "LineItemID": "l-1",
                "Quantity": Decimal("3.0000"),
                "UnitAmount": Decimal("33.3333"),
                "Description": "First milestone",
                "AccountCode": "480",
                "TaxType": "INPUT2",
                "TaxAmount": Decimal("14.99"),
                "Tracking": [{"Name": "Region", "Option": "North"}],
            }
        ],
    }


def test_a_pending_total_is_one_unit_of_it_in_the_sense_sent_along() -> None:
    sent = changed(Field.TOTAL)
    [line] = sent["LineItems"]
    assert (line["Quantity"], line["UnitAmount"], sent["LineAmountTypes"]) == (1, Decimal("115.00"), "Inclusive")
    assert "TaxAmount" not in line
    assert line["Description"] == "Old words"


@pytest.mark.parametrize("field", [Field.TOTAL, Field.TAX, Field.SENSE])
def test_tax_is_worked_out_anew_only_when_something_moves_it(field: Field) -> None:
    assert "TaxAmount" not in changed(field)["LineItems"][0]
    assert "TaxAmount" in changed(Field.ACCOUNT)["LineItems"][0]


def test_coding_replaces_only_what_is_pending() -> None:
    assert changed(Field.ACCOUNT)["LineItems"][0]["AccountCode"] == "429"
    assert changed(Field.TRACKING)["LineItems"][0]["Tracking"] == []
    assert changed(Field.TAX, tax="NONE")["LineItems"][0]["TaxType"] == "NONE"


def test_a_pending_set_of_lines_becomes_one_line_of_ours_under_the_first_ones_id() -> None:
    two = replace(BILL, lines=(LINE, replace(LINE, line_id="l-2")))
    [line] = changed(Field.LINES, bill=two)["LineItems"]
    assert (line["LineItemID"], line["UnitAmount"], line["Description"]) == ("l-1", 115, "First milestone")


def test_a_line_field_of_a_bill_with_several_lines_is_never_guessed() -> None:
    with pytest.raises(ValueError, match="2 lines"):
        changed(Field.DESCRIPTION, bill=replace(BILL, lines=(LINE, LINE)))
