"""Whatever is written, by our client or as plain JSON, our client reads exactly what the sandbox's books hold."""

import datetime as dt
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billwatch.sandbox import Bill as Booked
from billwatch.sandbox import Org, Refused, Sandbox
from reconciler.model import Bill, Contact, Field, Line, Sense, Status, Terms, Write
from reconciler.organisation import Organisation
from reconciler.records import Attempt, Element
from reconciler.xero.client import Client
from reconciler.xero.connections import Connection, Connections
from reconciler.xero_port import Outcome

from .conftest import MemoryStore

NOW = dt.datetime(2026, 11, 2, 11, 30, tzinfo=dt.UTC)
SCOPES = ("accounting.invoices", "accounting.settings.read", "accounting.contacts.read")


@dataclass
class Desk:
    """One organisation with our client, and with plain HTTP beside it."""

    xero: Sandbox
    org: Org
    client: Client
    http: httpx.Client
    token: str
    attempts: int = 0

    def send(self, request: tuple[str, str, bytes], *writes: Write) -> list[Outcome]:
        self.attempts += 1
        key = f"{self.org.tenant_id}-{self.attempts}"
        elements = tuple(Element(write.number, write, 1, 1) for write in writes)
        return self.client.send(Attempt(1, "trust", *request, key, NOW, elements))

    def plain(self, method: str, path: str, body: object) -> list[str]:
        """The messages with which it was refused, if it was."""
        headers = {"Authorization": f"Bearer {self.token}", "xero-tenant-id": self.org.tenant_id}
        content = msgspec.json.Encoder(decimal_format="number").encode(body)
        params = {"unitdp": "4", "summarizeErrors": "false"}
        answer = self.http.request(method, f"/api.xro/2.0{path}", content=content, params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return [error["Message"] for one in answer.json()["Invoices"] for error in one.get("ValidationErrors", ())]


@pytest.fixture(scope="module")
def open_desk() -> Iterator[Callable[[], Desk]]:
    with (
        Sandbox(lambda: NOW) as xero,
        httpx.Client(base_url=xero.url) as http,
        Connections(MemoryStore(), [Fernet.generate_key().decode()], xero.now) as connections,
    ):
        xero.limits(on=False)
        connection = Connection("main", "client_credentials", xero.client_id, xero.client_secret, xero.url, xero.url)
        token = xero.tokens()["access_token"]

        def make() -> Desk:
            org = xero.organisation(currencies=["AUD", "EUR"])
            client = connections.client(connection, Organisation("trust", "Trust", tenant_id=org.tenant_id))
            return Desk(xero, org, client, http, token)

        yield make


def on_file(org: Org, booked: Booked, read_at: dt.datetime) -> Bill:
    """What the books hold, as our noun."""
    days = [payment.day for payment in booked.payments] + [credit.day for credit in booked.credits]
    paid_on = max(days) if booked.status == "PAID" else max((p.day for p in booked.payments), default=None)
    return Bill(
        organisation="trust",
        bill_id=booked.bill_id,
        number=booked.number,
        status=Status(booked.status),
        contact_id=booked.contact_id,
        contact_name=org.contact(booked.contact_id).name,
        date=booked.day,
        currency=booked.currency,
        total=sum((line.line_amount + _tax_on_top(booked, line.tax_amount) for line in booked.lines), Decimal(0)),
        subtotal=booked.subtotal,
        sense=Sense(booked.amount_types),
        updated_at=booked.updated or NOW,
        read_at=read_at,
        due_date=booked.due,
        url=booked.url,
        paid=sum((payment.amount for payment in booked.payments), Decimal(0)),
        credited=sum((credit.amount for credit in booked.credits), Decimal(0)),
        due=booked.amount_due,
        paid_on=paid_on,
        lines=tuple(
            Line(
                line_id=line.line_id,
                description=line.description or "",
                quantity=line.quantity,
                unit_amount=line.unit_amount,
                amount=line.line_amount,
                account=line.account_code or "",
                tax=line.tax_type,
                tax_amount=line.tax_amount,
                tracking=tuple((mark.category, mark.option) for mark in line.tracking),
            )
            for line in booked.lines
        ),
    )


def _tax_on_top(booked: Booked, tax: Decimal) -> Decimal:
    return Decimal(0) if booked.amount_types == "Inclusive" else tax


def agree(desk: Desk) -> None:
    """Every way of reading gives what the books hold, in both forms of dates."""
    booked = {one.bill_id: one for one in desk.org.bills() if one.type == "ACCPAY"}
    for escaped in (True, False):
        desk.xero.switch(escape_slashes=escaped)
        for found in (
            desk.client.bills(list(booked)),
            [bill for page in desk.client.changed_bills(None) for bill in page],
            [bill for bill_id in list(booked)[-1:] if (bill := desk.client.bill(bill_id))],
        ):
            assert found == [on_file(desk.org, booked[bill.bill_id], bill.read_at) for bill in found]
            assert all(type(bill.total) is Decimal for bill in found)
        assert {bill.bill_id for page in desk.client.changed_bills(None) for bill in page} == set(booked)
        contacts = [contact for page in desk.client.changed_contacts(None) for contact in page]
        assert contacts == [
            Contact(one.contact_id, one.name, one.status != "ACTIVE", one.merged_to or "")
            for one in sorted(desk.org.contacts(), key=lambda one: one.updated or NOW)
        ]


CENTS = st.integers(1, 10**11).map(lambda cents: Decimal(cents) / 100)
FOUR = st.integers(0, 10**9).map(lambda parts: Decimal(parts) / 10_000)
DAYS = st.dates(dt.date(1950, 1, 1), dt.date(2099, 12, 31))
WORDS = st.text(string.ascii_letters + " äß\u2013漢'\"\\/<>&", min_size=1, max_size=30).filter(str.strip)
NAMES = st.sampled_from(("Kea Trust", "Tui & Söhne", 'The "Moa" Fund'))
TRACKING = st.sampled_from(((), (("Region", "North"),)))
CODING = st.sampled_from((("429", "INPUT2"), ("480", "NONE"), ("400", "ZERORATEDINPUT"), ("429", None)))
UNSETTLED = ("DRAFT", "SUBMITTED", "AUTHORISED")


@st.composite
def terms(draw: Any) -> Terms:
    account, tax = draw(CODING)
    date = draw(DAYS)
    return Terms(
        contact=f"new:{draw(NAMES)}",
        total=draw(CENTS),
        currency=draw(st.sampled_from(("NZD", "AUD", "EUR"))),
        date=date,
        due_date=date + dt.timedelta(days=draw(st.integers(0, 90))),
        description=draw(WORDS),
        account=account,
        tax=tax,
        sense=draw(st.sampled_from(Sense)),
        tracking=draw(TRACKING),
    )


def json_lines() -> st.SearchStrategy[list[dict[str, Any]]]:
    line = st.fixed_dictionaries(
        {"Quantity": FOUR, "UnitAmount": FOUR, "AccountCode": st.sampled_from(("400", "429", "480"))},
        optional={"Description": WORDS, "Tracking": st.just([{"Name": "Region", "Option": "South"}])},
    )
    return st.lists(line, min_size=1, max_size=4)


def json_bill() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "Type": st.sampled_from(("ACCPAY", "ACCPAY", "ACCREC")),
            "Contact": NAMES.map(lambda name: {"Name": name}),
            "LineItems": json_lines(),
            "Status": st.sampled_from((*UNSETTLED, "PAID")),
            "LineAmountTypes": st.sampled_from(("Exclusive", "Inclusive", "NoTax")),
        },
        optional={
            "Date": DAYS.map(str),
            "DueDate": DAYS.map(str),
            "InvoiceNumber": WORDS,
            "Url": st.just("https://grants.example.org/m/1?a=b&c=ü"),
            "CurrencyCode": st.sampled_from(("AUD", "USD")),
        },
    )


def create_by_client(desk: Desk, given: tuple[Terms, str], _place: int) -> None:
    written, number = given
    write = Write(written, Status.SUBMITTED, number, url="https://grants.example.org/m/1")
    (outcome,) = desk.send(desk.client.create_request([write]), write)
    assert outcome.bill_id == desk.org.bill(outcome.bill_id).bill_id
    made = desk.client.bill(outcome.bill_id)
    assert made is not None
    assert (
        made.terms(Sense.INCLUSIVE if written.sense is not Sense.EXCLUSIVE else Sense.EXCLUSIVE).total == written.total
    )


def update_by_client(desk: Desk, given: tuple[Terms, frozenset[Field]], place: int) -> None:
    written, fields = given
    bill = _one(desk, place)
    if bill is None or len(bill.lines) != 1:
        return
    read = desk.client.bill(bill.bill_id)
    assert read is not None
    write = Write(written, read.status, read.number, bill_id=read.bill_id, fields=fields)
    (outcome,) = desk.send(desk.client.update_request([(write, read)]), write)
    if outcome.refused:
        assert desk.org.bill(bill.bill_id) == bill


def create_plain(desk: Desk, given: dict[str, Any], _place: int) -> None:
    before = len(desk.org.bills())
    assert bool(desk.plain("PUT", "/Invoices", given)) is (len(desk.org.bills()) == before)


def update_plain(desk: Desk, given: list[dict[str, Any]], place: int) -> None:
    bill = _one(desk, place)
    if bill is not None:
        body = {"LineItems": given, **({"Status": bill.status} if bill.status == "AUTHORISED" else {})}
        refused = desk.plain("POST", f"/Invoices/{bill.bill_id}", body)
        assert bool(refused) is (desk.org.bill(bill.bill_id) == bill)


def by_hand(desk: Desk, given: str, place: int) -> None:
    bill = _one(desk, place)
    if bill is None:
        return
    more = {"pay": [bill.amount_due / 2 or None], "credit": [max(bill.amount_due / 4, Decimal("0.01"))]}.get(given, [])
    try:
        getattr(desk.org, given)(bill.bill_id, *more)
    except Refused:
        assert desk.org.bill(bill.bill_id) == bill


def _one(desk: Desk, place: int) -> Booked | None:
    bills = [bill for bill in desk.org.bills() if bill.type == "ACCPAY"]
    return bills[place % len(bills)] if bills else None


DEEDS = ("approve", "void", "delete", "submit", "pay", "pay", "credit", "unpay")
STEPS = st.one_of(
    st.tuples(st.just(create_by_client), st.tuples(terms(), WORDS)),
    st.tuples(st.just(update_by_client), st.tuples(terms(), st.frozensets(st.sampled_from(Field), min_size=1))),
    st.tuples(st.just(create_plain), json_bill()),
    st.tuples(st.just(update_plain), json_lines()),
    st.tuples(st.just(by_hand), st.sampled_from(DEEDS)),
)


@given(st.lists(st.tuples(STEPS, st.integers(0, 9)), min_size=1, max_size=8))
@settings(max_examples=40)
def test_what_the_client_reads_is_what_the_books_hold(
    open_desk: Callable[[], Desk], steps: list[tuple[tuple[Any, Any], int]]
) -> None:
    desk = open_desk()
    for (step, details), place in steps:
        step(desk, details, place)
    agree(desk)


@given(terms(), st.integers(1, 60))
@settings(max_examples=15)
def test_a_batch_comes_back_bill_by_bill_in_the_order_in_which_it_was_sent(
    open_desk: Callable[[], Desk], written: Terms, count: int
) -> None:
    desk = open_desk()
    writes = [Write(replace(written, total=written.total + n), Status.DRAFT, f"G-{n}") for n in range(min(count, 50))]
    made = desk.send(desk.client.create_request(writes), *writes)
    assert [desk.org.bill(outcome.bill_id).number for outcome in made] == [write.number for write in writes]
    agree(desk)
