"""A milestone, the bill that equals it and all that surrounds them; a test names only what is different about its case.

The milestone asks for NZ$15,000.00 on 1 July 2026 and the bill awaits approval. `TERMS` are written out by hand, so
that the memory of a linked case does not come from the code under test.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from reconciler.decide import decide
from reconciler.due import Due
from reconciler.model import (
    Bill,
    Case,
    Contact,
    Decision,
    Defaults,
    Exemption,
    Line,
    Link,
    Links,
    Milestone,
    Sense,
    Status,
    Terms,
    Verdict,
)
from reconciler.organisation import Books, Mode, Organisation, Policy
from reconciler.reasons import Choose
from reconciler.records import Choice

NOW = dt.datetime(2026, 7, 10, 0, 30, tzinfo=dt.UTC)
DATE = dt.date(2026, 7, 1)
DUE = dt.date(2026, 7, 15)
AMOUNT = Decimal("15000.00")
PAYEE = "Kererū Trust"
CONTACT = "contact-1"
BILL_ID = "bill-1"
NUMBER = "GRANT-M1"
URL = "https://grants.example.org/m/M1"

POLICIES = frozenset(Policy.__struct_fields__)
KNOWN = (Contact(CONTACT, PAYEE),)
TERMS = Terms(
    contact=CONTACT,
    total=AMOUNT,
    currency="NZD",
    date=DATE,
    due_date=DUE,
    description="Second stage",
    account="480",
    tax=None,
    sense=Sense.INCLUSIVE,
)
SEEN = replace(TERMS, tax="NONE")
UNDER = Defaults(
    account="480",
    sense=Sense.INCLUSIVE,
    tax="",
    currency="",
    due=Due(14),
    description="{description}",
    tracking=(),
)
LINK = Link(bill_id=BILL_ID, asked=TERMS, seen=SEEN, under=UNDER)
PERMISSIVE = {
    "xero_edits": "accept",
    "paid_bill_edits": "where-xero-allows",
    "approved_bills": "update",
    "locked_dates": "move",
    "locked_drafts": "push",
    "on_unlock": "sync",
    "adviser_may_post": True,
}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def a_milestone(**changes: Any) -> Milestone:
    usual = Milestone(
        organisation="trust",
        key="M1",
        title="Second stage",
        payee=PAYEE,
        amount=AMOUNT,
        date=DATE,
        stages=frozenset({"approved"}),
        links=Links(milestone=URL),
    )
    return replace(usual, **changes)


def a_line(amount: Decimal = AMOUNT, **changes: Any) -> Line:
    usual = Line("line-1", "Second stage", Decimal(1), amount, amount, "480", "NONE", Decimal("0.00"))
    return replace(usual, **changes)


def a_bill(**changes: Any) -> Bill:
    """A bill that equals the milestone. `total` sets the subtotal and the one line too; what is applied to it is not
    due, and pays it in full where the status says so."""
    total = changes.setdefault("total", AMOUNT)
    changes.setdefault("subtotal", total)
    changes.setdefault("lines", (a_line(total),))
    status = changes.setdefault("status", Status.SUBMITTED)
    if status is Status.PAID and "credited" not in changes:
        changes.setdefault("paid", total)
    applied = changes.get("paid", Decimal(0)) + changes.get("credited", Decimal(0))
    changes.setdefault("due", total - applied if status.live else Decimal(0))
    usual = Bill(
        organisation="trust",
        bill_id=BILL_ID,
        number=NUMBER,
        status=status,
        contact_id=CONTACT,
        contact_name=PAYEE,
        date=DATE,
        currency="NZD",
        total=total,
        subtotal=total,
        sense=Sense.INCLUSIVE,
        updated_at=NOW - dt.timedelta(days=1),
        read_at=NOW,
        due_date=DUE,
        url=URL,
    )
    return replace(usual, **changes)


def coded(**changes: Any) -> Bill:
    """A bill whose line is coded or worded in another way."""
    return a_bill(lines=(a_line(**changes),))


def two_lines(**changes: Any) -> Bill:
    """A bill of the right total, split in two by the accountant."""
    parts = (
        a_line(Decimal("9000.00"), description="Second stage", account="480"),
        a_line(Decimal("6000.00"), line_id="line-2", description="Travel", account="429"),
    )
    return a_bill(lines=parts, **changes)


def an_organisation(**changes: Any) -> Organisation:
    """A live organisation; the names of policies are taken as such."""
    policy = Policy(**{name: changes.pop(name) for name in POLICIES & set(changes)})
    usual = Organisation(
        key="trust", name="The Trust", mode=Mode.SYNC, account="480", number_prefix="GRANT-", policy=policy
    )
    return replace(usual, **changes)


def permissive(**changes: Any) -> Organisation:
    return an_organisation(**(PERMISSIVE | changes))


def some_books(**changes: Any) -> Books:
    usual = Books(
        organisation_id="org-1",
        name="The Trust",
        short_code="!abc12",
        currency="NZD",
        zone="Pacific/Auckland",
        accounts=frozenset({"480", "429"}),
        taxes=frozenset({"NONE", "INPUT2"}),
        currencies=frozenset({"NZD", "AUD"}),
        tracking=frozenset({("Region", "North"), ("Region", "South"), ("Fund", "Arts"), ("Year", "2026")}),
        read_at=NOW,
        swept_at=NOW - dt.timedelta(minutes=5),
    )
    return replace(usual, **changes)


def unbilled(milestone: Milestone | None = None, **changes: Any) -> Case:
    """A case without a bill."""
    changes.setdefault("contacts", KNOWN)
    return Case(milestone or a_milestone(), **changes)


def billed(milestone: Milestone | None = None, bill: Bill | None = None, **changes: Any) -> Case:
    """A case whose bill we wrote as `TERMS` and saw as `SEEN`."""
    changes.setdefault("contacts", KNOWN)
    changes.setdefault("link", LINK)
    return Case(milestone or a_milestone(), bill=bill or a_bill(), **changes)


def linked(milestone: Milestone | None = None, bill: Bill | None = None, **changes: Any) -> Case:
    """A case with a bill that was linked to it but never compared."""
    return billed(milestone, bill, link=Link(bill_id=BILL_ID), **changes)


def exempt(until: str = "", reason: str = "Paid in kind") -> Exemption:
    return Exemption("ana@example.org", reason, NOW - dt.timedelta(days=9), day(until) if until else None)


def judge(
    case: Case, organisation: Organisation | None = None, books: Books | None = None, now: dt.datetime = NOW
) -> Verdict:
    return decide(case, organisation or an_organisation(), books or some_books(), now)


def decided(case: Case, organisation: Organisation | None = None, books: Books | None = None) -> Decision:
    return Decision(case, judge(case, organisation, books))


def a_choice(kind: Choose, **changes: Any) -> Choice:
    return replace(Choice(kind, by="ana@example.org", at=NOW), **changes)
