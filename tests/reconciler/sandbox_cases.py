"""Organisations in the sandbox with one bill or none, and the same facts as our reader would see them.

Facts go the real way: the sandbox prints JSON, our parser reads it; a write is the very bytes that we would send, read
by the sandbox's own parser. So neither side's reading of a rule stands in for the other's.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from case_builders import DATE, DUE, NOW, a_milestone, an_organisation, day, permissive
from hypothesis import strategies as st
from msgspec.structs import replace

from billwatch.sandbox import books as sandbox
from billwatch.sandbox import chart, lines, rules, shapes, wire, wish
from billwatch.sandbox.merge import Manner
from reconciler.compare import mark
from reconciler.model import NEW_CONTACT, ZERO, Bill, Case, Contact, Field, Link, Milestone, Sense, Status, Terms, Write
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason
from reconciler.xero import lists, parsing, requests
from reconciler.xero import shapes as ours

AMOUNT = Decimal("115.00")
AMOUNTS = tuple(map(Decimal, ("0.01", "99.99", "100.00", "12345678.91")))
DAYS = tuple(map(day, ("2026-03-31", "2026-06-30", "2026-07-02", "2026-08-01")))
LOCKS = tuple(map(day, ("2026-03-31", "2026-06-30", "2026-07-01", "2026-07-31")))
PAYEES = ("Kererū Trust", "Tūī Trust", "Nobody Yet")
TRACKING = ((("Region", "North"),), (("Region", "Nowhere"),))
NORTH = {"tracking": (wish.MarkWish(None, None, "Region", "North"),)}
COMPARED = {
    "total": AMOUNTS,
    "contact": ("contact-2",),
    "currency": ("AUD",),
    "date": DAYS,
    "due_date": DAYS,
    "description": ("Third stage",),
    "account": ("429",),
    "tax": ("NONE",),
    "sense": tuple(Sense),
    "tracking": TRACKING[:1],
}
UNUSUAL: dict[str, dict[str, tuple[Any, ...]]] = {
    "milestone": {
        "amount": AMOUNTS,
        "date": DAYS,
        "due_date": DAYS,
        "title": ("Third stage",),
        "payee": PAYEES[1:],
        "contact_id": ("contact-9",),
        "currency": ("AUD", "USD"),
        "sense": tuple(Sense),
        "account": ("429", "800", "999"),
        "tax": ("NONE", "GSTX"),
        "tracking": TRACKING,
    },
    "bill": {
        "day": DAYS,
        "due": DAYS,
        "types": ("Exclusive", "NoTax"),
        "contact_id": ("contact-2",),
        "currency": ("AUD",),
        "number": (sandbox.EXPENSE_CLAIMS,),
        "count": (2,),
        "line": ({"account_code": "429"}, {"tax_type": "NONE"}, {"unit_amount": AMOUNTS[1]}, NORTH),
        "settlement": ("payment", "credit"),
        "ended": ("VOIDED",),
    },
    "org": {"period_lock": LOCKS, "year_lock": LOCKS, "adviser": (True, True), "may_approve": (False,)},
    "settings": {
        "status": (Status.AUTHORISED,) * 3 + (Status.DRAFT,),
        "sense": (Sense.EXCLUSIVE, Sense.NO_TAX),
        "account": ("", "429"),
    },
    "policy": {
        "xero_edits": ("accept",),
        "paid_bill_edits": ("where-xero-allows",) * 2,
        "approved_bills": ("update",) * 6,
        "locked_dates": ("move",) * 2,
        "locked_drafts": ("push",) * 2,
        "adviser_may_post": (True,) * 2,
    },
    "seen": COMPARED,
    "asked": COMPARED,
    "link": {"overwritten": (True, True), "settled": (Decimal("1.00"),)},
    "age": {"account": (True,), "contact": (True,), "currency": (True,)},
}
ODDITIES = [(part, name, value) for part, own in UNUSUAL.items() for name, values in own.items() for value in values]


@dataclass(frozen=True)
class World:
    """Both sides of one milestone: what the sandbox holds, and what we know of it."""

    sandbox: sandbox.Organisation
    organisation: Organisation
    books: Books
    case: Case

    def taken(self, write: Write) -> Bill | None:
        """The bill as the sandbox would have it after this write; `None` when it refuses, or we cannot ask for it."""
        try:
            body = self._request(write)
        except ValueError:
            return None
        (asked,) = (wish.bill(element) for element in wire.load(body)["Invoices"])
        before = self.sandbox.bills[write.bill_id] if write.bill_id else None
        judged = rules.judge(self.sandbox, before, asked, Manner(self.sandbox.today(NOW), places=4))
        if judged.refused:
            return None
        contacts = self.sandbox.contacts
        if judged.contact is not None:
            contacts = contacts | {judged.contact.contact_id: judged.contact}
        return _read(dataclasses.replace(self.sandbox, contacts=contacts), judged.bill)

    def _request(self, write: Write) -> bytes:
        if write.bill_id:
            assert self.case.bill is not None
            return requests.update([(write, self.case.bill)])[2]
        return requests.create([write])[2]

    def accepts(self, write: Write) -> bool:
        """Whether the sandbox takes the write and keeps all of it. What we have no opinion of it may choose."""
        after = self.taken(write)
        if after is None:
            return False
        fields, kept = write.fields or frozenset(Field), after.terms(self.sense)
        return not any(getattr(kept, f) != getattr(write.terms, f) for f in fields - self._left_to_xero(write, kept))

    @property
    def sense(self) -> Sense:
        return self.case.milestone.sense or self.organisation.sense

    def _left_to_xero(self, write: Write, kept: Terms) -> frozenset[Field]:
        """A tax type of which we say nothing, or that a bill without tax has no use for; the id of a new payee."""
        free = {Field.TAX} if write.terms.tax is None or kept.sense is Sense.NO_TAX else set()
        return frozenset(free | ({Field.CONTACT} if write.terms.contact.startswith(NEW_CONTACT) else set()))


@st.composite
def worlds(draw: st.DrawFn, *, lenient: bool = False) -> World:
    """A world with a linked bill, or one time in four without one, in which at most six things are unusual."""
    status = draw(st.sampled_from((None, "DRAFT", "SUBMITTED", "SUBMITTED", "AUTHORISED", "AUTHORISED", "PAID")))
    odd: dict[str, dict[str, Any]] = {part: {} for part in UNUSUAL}
    for part, name, value in draw(st.lists(st.sampled_from(ODDITIES), max_size=6)):
        odd[part][name] = value
    org = _organisation(odd["org"])
    settings = odd["settings"] if lenient else odd["settings"] | odd["policy"]
    organisation = permissive(tax="", **settings) if lenient else an_organisation(**settings)
    milestone = a_milestone(**{"amount": AMOUNT, "title": "Second stage"} | odd["milestone"])
    link = Link()
    if status:
        bill = _bill(org, status, odd["bill"])
        org.bills[bill.bill_id] = bill
        link = _link(_read(org, bill).terms(milestone.sense or organisation.sense), odd)
    _age(org, odd["age"])
    found = tuple(_read(org, bill) for bill in org.bills.values())
    case = Case(milestone, link, bill=next(iter(found), None), contacts=_contacts(org, milestone))
    return World(org, organisation, _books(org), case)


def _organisation(odd: dict[str, Any]) -> sandbox.Organisation:
    contacts = [sandbox.Contact(f"contact-{n}", name) for n, name in enumerate(PAYEES[:2], 1)]
    usual = sandbox.Organisation(
        tenant_id="tenant",
        name="The Trust",
        short_code="!abc12",
        country="NZ",
        currency="NZD",
        currencies={"NZD", "AUD"},
        zone="Pacific/Auckland",
        zone_name=chart.zone_name("Pacific/Auckland"),
        created=NOW,
        accounts=chart.accounts("NZ"),
        tax_rates=chart.tax_rates("NZ"),
        tracking=chart.tracking(),
        contacts={contact.contact_id: contact for contact in contacts},
    )
    return dataclasses.replace(usual, **odd)


def _age(org: sandbox.Organisation, odd: dict[str, Any]) -> None:
    """What has happened in the books since the bill was made."""
    if "account" in odd:
        org.accounts["480"] = dataclasses.replace(org.accounts["480"], status="ARCHIVED")
    if "contact" in odd:
        org.contacts["contact-2"] = dataclasses.replace(org.contacts["contact-2"], status="ARCHIVED")
    if "currency" in odd:
        org.currencies.discard("AUD")


def _bill(org: sandbox.Organisation, status: str, odd: dict[str, Any]) -> sandbox.Bill:
    odd = dict(odd)
    types, line, count = odd.pop("types", "Inclusive"), odd.pop("line", {}), odd.pop("count", 1)
    settlement, ended = odd.pop("settlement", None), odd.pop("ended", None)
    asked = {"description": "Second stage", "unit_amount": AMOUNT, "account_code": "480", "tax_type": "INPUT2"} | line
    usual = sandbox.Bill(
        bill_id="bill-1",
        type="ACCPAY",
        contact_id="contact-1",
        day=DATE,
        due=DUE,
        status=ended or status,
        currency="NZD",
        lines=tuple(
            dataclasses.replace(lines.build(org, wish.LineWish(**asked), None, types, 4), line_id=f"line-{n}")
            for n in range(count)
        ),
        number="GRANT-M1",
        amount_types=types,
        updated=NOW,
    )
    return _settled(dataclasses.replace(usual, **odd), settlement)


def _settled(bill: sandbox.Bill, settlement: str | None) -> sandbox.Bill:
    if bill.status not in ("PAID", "AUTHORISED") or not (settlement or bill.status == "PAID"):
        return bill
    amount = bill.total if bill.status == "PAID" else Decimal("1.00")
    if settlement == "credit":
        return dataclasses.replace(bill, credits=(sandbox.Credit("credit-1", "CN-1", bill.day, amount),))
    return dataclasses.replace(bill, payments=(sandbox.Payment("payment-1", bill.bill_id, bill.day, amount, "090"),))


def _link(theirs: Terms, odd: dict[str, dict[str, Any]]) -> Link:
    """A memory in which some fields were asked for, or seen, as something else than they are now."""
    seen, asked = replace(theirs, **odd["seen"]), replace(theirs, lines=1, **odd["asked"])
    accepted: tuple[tuple[Reason, str], ...] = ()
    if "overwritten" in odd["link"]:
        asked = replace(asked, lines=theirs.lines)
        accepted = ((Reason.EDITED_IN_XERO, mark("bill-1", theirs)),)
    return Link(bill_id="bill-1", asked=asked, seen=seen, settled=odd["link"].get("settled", ZERO), accepted=accepted)


def _contacts(org: sandbox.Organisation, milestone: Milestone) -> tuple[Contact, ...]:
    named = [one for one in org.contacts.values() if one.name == milestone.payee]
    return tuple(parsing.contact(_as(shapes.contact(one), ours.Contact)) for one in named)


def _read(org: sandbox.Organisation, bill: sandbox.Bill) -> Bill:
    shape = shapes.bill(org, dataclasses.replace(bill, updated=bill.updated or NOW), unit_places=4)
    read = parsing.bill(_as(shape, ours.Invoice), "trust", NOW)
    assert read is not None
    return read


def _books(org: sandbox.Organisation) -> Books:
    found = _as({"Organisations": [shapes.organisation(org)]}, ours.Organisations)
    actions = _as({"Actions": shapes.actions(org)}, ours.Actions).actions
    books = parsing.rights(parsing.organisation(Books(), found, NOW), actions, NOW)
    accounts = {"Accounts": [shapes.account(one, NOW) for one in org.accounts.values()]}
    taxes = {"TaxRates": [shapes.tax_rate(one) for one in org.tax_rates.values()]}
    currencies = {"Currencies": [shapes.currency(code) for code in sorted(org.currencies)]}
    categories = {"TrackingCategories": [shapes.tracking_category(one) for one in org.tracking.values()]}
    return replace(
        books,
        accounts=lists.accounts(_as(accounts, ours.Accounts).accounts),
        taxes=lists.taxes(_as(taxes, ours.TaxRates).tax_rates),
        currencies=lists.currencies(_as(currencies, ours.Currencies).currencies, books.currency),
        tracking=lists.tracking(_as(categories, ours.TrackingCategories).tracking_categories),
        swept_at=NOW - dt.timedelta(minutes=1),
    )


def _as(value: object, shape: type) -> object:
    return parsing.decode(wire.dump(value), shape)
