"""Bills as billwatch sees them: what Xero holds, and the one shape in which it is compared with what should be there.

Units as in `reconciler.model`, which has the other nouns.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from reconciler.value import Value

ZERO = Decimal(0)
NEW_CONTACT = "new:"
EXPENSE_CLAIMS = "Expense Claims"


class Status(StrEnum):
    """The states of a bill (Invoices, "Invoice Status Codes",
    developer.xero.com/documentation/api/accounting/types).
    """

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    AUTHORISED = "AUTHORISED"
    PAID = "PAID"
    VOIDED = "VOIDED"
    DELETED = "DELETED"

    @property
    def live(self) -> bool:
        """Whether the bill still asks for, or has received, money."""
        return self not in _ENDED

    @property
    def unapproved(self) -> bool:
        """Whether nobody has approved the bill yet."""
        return self in _UNAPPROVED

    @property
    def firm(self) -> bool:
        """Whether somebody has answered for the bill: it is approved, or paid."""
        return self in _FIRM


# Looked up once: a member costs more to look up in its class than all else that is asked of a status.
_ENDED = (Status.VOIDED, Status.DELETED)
_UNAPPROVED = (Status.DRAFT, Status.SUBMITTED)
_FIRM = (Status.AUTHORISED, Status.PAID)


class Sense(StrEnum):
    """How amounts relate to tax; the values are those of `LineAmountTypes`."""

    INCLUSIVE = "Inclusive"
    EXCLUSIVE = "Exclusive"
    NO_TAX = "NoTax"


class Field(StrEnum):
    """The parts of a bill that billwatch writes and compares; each names the attribute of `Terms` that holds it."""

    CONTACT = "contact"
    TOTAL = "total"
    CURRENCY = "currency"
    DATE = "date"
    DUE_DATE = "due_date"
    DESCRIPTION = "description"
    ACCOUNT = "account"
    TAX = "tax"
    SENSE = "sense"
    TRACKING = "tracking"
    LINES = "lines"


Tracking = tuple[tuple[str, str], ...]


class Terms(Value, frozen=True):
    """What a bill says, in the one shape that milestone, bill and memory share, so that they can be compared per
    field.

    `contact` is a ContactID, or `new:` and the name when Xero holds no such contact yet. `total` is in the
    milestone's sense of tax. `None` means that we have no opinion and Xero's default stands. `tracking` holds
    (category, option) pairs in alphabetical order. `lines` is the number of line items; with several, the line
    fields join their distinct values.
    """

    contact: str
    total: Decimal
    currency: str
    date: dt.date
    due_date: dt.date | None = None
    description: str = ""
    account: str = ""
    tax: str | None = None
    sense: Sense = Sense.INCLUSIVE
    tracking: Tracking = ()
    lines: int = 1


class Line(Value, frozen=True):
    """One line item of a bill. `tracking` holds (category, option) pairs."""

    line_id: str
    description: str
    quantity: Decimal
    unit_amount: Decimal
    amount: Decimal
    account: str
    tax: str
    tax_amount: Decimal
    tracking: Tracking = ()


class Bill(Value, frozen=True):
    """What is in Xero: an invoice of type ACCPAY, as last read.

    `updated_at` is by Xero's clock, `read_at` by ours. `credited` counts credit notes, prepayments and overpayments.
    `paid_on` is the day of the last payment, `planned_on` that on which somebody in Xero means to pay.
    """

    organisation: str
    bill_id: str
    number: str
    status: Status
    contact_id: str
    contact_name: str
    date: dt.date
    currency: str
    total: Decimal
    subtotal: Decimal
    sense: Sense
    updated_at: dt.datetime
    read_at: dt.datetime
    due_date: dt.date | None = None
    url: str = ""
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    due: Decimal = ZERO
    paid_on: dt.date | None = None
    planned_on: dt.date | None = None
    lines: tuple[Line, ...] = ()

    @property
    def settled(self) -> Decimal:
        """Money applied to the bill: payments, credit notes, prepayments and overpayments."""
        return self.paid + self.credited

    @property
    def read_only(self) -> bool:
        """Made by Xero Expenses, which the API cannot change."""
        return self.number == EXPENSE_CLAIMS

    def amount(self, sense: Sense) -> Decimal:
        """The bill's total in the given sense of tax."""
        return self.subtotal if sense is Sense.EXCLUSIVE else self.total

    def terms(self, sense: Sense) -> Terms:
        """The bill as `Terms`, its total in the given sense of tax."""
        said = self.lines[0] if len(self.lines) == 1 else _together(self.lines)
        return Terms(
            contact=self.contact_id,
            total=self.amount(sense),
            currency=self.currency,
            date=self.date,
            due_date=self.due_date,
            description=said.description,
            account=said.account,
            tax=said.tax,
            sense=self.sense,
            tracking=tuple(sorted(set(said.tracking))) if said.tracking else (),
            lines=len(self.lines),
        )


def differing(ours: Terms, theirs: Terms) -> frozenset[Field]:
    """The fields in which two terms differ; a field of which we have no opinion (`None`) never does."""
    return frozenset(f for f in Field if (mine := getattr(ours, f)) is not None and mine != getattr(theirs, f))


def first_open(lock: dt.date) -> dt.date:
    """The first day on which a document may be dated, given an inclusive lock date."""
    return lock + dt.timedelta(days=1)


class _Said(NamedTuple):
    """What several lines, or none, say taken together."""

    description: str
    account: str
    tax: str
    tracking: Tracking


def _together(lines: Sequence[Line]) -> _Said:
    return _Said(
        description=_joined([line.description for line in lines]),
        account=_joined([line.account for line in lines]),
        tax=_joined([line.tax for line in lines]),
        tracking=tuple([pair for line in lines for pair in line.tracking]),
    )


def _joined(values: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


class Stage(StrEnum):
    """How far the bills of a milestone are; `ENDED` is voided, deleted or not to be found."""

    NONE = "none"
    BILLED = "billed"
    APPROVED = "approved"
    PAID = "paid"
    ENDED = "ended"


class Progress(Value, frozen=True):
    """The bill that a milestone follows, how far it and its earlier bills are, and the money applied to them."""

    bill_id: str = ""
    stage: Stage = Stage.NONE
    settled: Decimal = ZERO
