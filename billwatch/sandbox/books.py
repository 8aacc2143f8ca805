"""The books of one organisation: frozen documents, and one mutable holder with its indexes.

Money is Decimal in the bill's own currency, dates are calendar days, instants are aware UTC. Nothing here judges;
`rules` does, and whoever saves is expected to have asked it.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from billwatch.sandbox.switches import Switches

NIL_ID = "00000000-0000-0000-0000-000000000000"
EXPENSE_CLAIMS = "Expense Claims"
ZERO = Decimal("0.00")
SYSTEM = "System Generated"


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Account:
    account_id: str
    code: str
    name: str
    type: str  # BANK, EXPENSE, REVENUE, CURRENT, CURRLIAB
    klass: str  # ASSET, EXPENSE, REVENUE, LIABILITY, EQUITY
    tax_type: str
    status: str = "ACTIVE"
    system: str = ""


@dataclass(frozen=True, slots=True)
class TaxRate:
    tax_type: str
    name: str
    percent: Decimal
    classes: tuple[str, ...]  # account classes it may be used with


@dataclass(frozen=True, slots=True)
class Option:
    option_id: str
    name: str
    status: str = "ACTIVE"


@dataclass(frozen=True, slots=True)
class TrackingCategory:
    category_id: str
    name: str
    options: tuple[Option, ...]
    status: str = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Contact:
    contact_id: str
    name: str
    status: str = "ACTIVE"  # ACTIVE or ARCHIVED
    number: str = ""
    account_number: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    is_supplier: bool = False
    is_customer: bool = False
    merged_to: str | None = None
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """One tracking option on a line, already resolved to identifiers."""

    category_id: str
    option_id: str
    category: str
    option: str


@dataclass(frozen=True, slots=True)
class Line:
    line_id: str
    description: str | None
    quantity: Decimal
    unit_amount: Decimal
    line_amount: Decimal
    tax_type: str
    tax_amount: Decimal
    account_code: str | None
    tracking: tuple[Mark, ...] = ()
    item_code: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    payment_id: str
    bill_id: str
    day: date
    amount: Decimal
    account_code: str
    reference: str = ""
    rate: Decimal = Decimal("1.000000")
    status: str = "AUTHORISED"  # or DELETED
    reconciled: bool = False
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount allocated from a credit note, a prepayment or an overpayment."""

    credit_id: str
    number: str
    day: date
    amount: Decimal
    kind: str = "CreditNotes"  # or Prepayments, Overpayments


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice: a bill (ACCPAY), or a sales invoice (ACCREC) that only has to exist for its events."""

    bill_id: str
    type: str
    contact_id: str
    day: date
    due: date | None
    status: str  # DRAFT, SUBMITTED, AUTHORISED, PAID, VOIDED, DELETED
    currency: str
    lines: tuple[Line, ...]
    number: str = ""
    reference: str = ""
    url: str = ""
    planned: date | None = None
    amount_types: str = "Exclusive"  # or Inclusive, NoTax
    rate: Decimal = Decimal("1.000000")
    payments: tuple[Payment, ...] = ()
    credits: tuple[Credit, ...] = ()
    updated: datetime | None = None

    @property
    def tax(self) -> Decimal:
        return sum((line.tax_amount for line in self.lines), ZERO)

    @property
    def subtotal(self) -> Decimal:
        net = sum((line.line_amount for line in self.lines), ZERO)
        return net - self.tax if self.amount_types == "Inclusive" else net

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.tax

    @property
    def paid(self) -> Decimal:
        return sum((payment.amount for payment in self.payments), ZERO)

    @property
    def credited(self) -> Decimal:
        return sum((credit.amount for credit in self.credits), ZERO)

    @property
    def amount_due(self) -> Decimal:
        if self.status in ("VOIDED", "DELETED"):
            return ZERO
        return self.total - self.paid - self.credited

    @property
    def settled(self) -> bool:
        """Something is paid or allocated; most edits are then barred."""
        return bool(self.payments or self.credits) or self.status == "PAID"

    @property
    def fully_paid_on(self) -> date | None:
        if self.status != "PAID":
            return None
        return max([*(p.day for p in self.payments), *(c.day for c in self.credits)], default=self.day)


@dataclass(frozen=True, slots=True)
class Note:
    """One line of a document's history; `at` aware UTC."""

    at: datetime
    changes: str
    details: str
    user: str = SYSTEM


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on a document; `media` is its content type."""

    attachment_id: str
    name: str
    media: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """Something Xero would tell over the webhook; `data` is sent only for categories that carry it."""

    tenant_id: str
    resource: str  # Invoices, Contacts, CreditNotes, …
    resource_id: str
    category: str
    kind: str  # CREATE or UPDATE
    at: datetime
    data: dict[str, str] | None = None


def _unheard(event: Event) -> None:
    del event


@dataclass(slots=True)
class Organisation:
    """One tenant. `announce` receives every event that a change raises."""

    tenant_id: str
    name: str
    short_code: str
    country: str
    currency: str
    currencies: set[str]
    zone: str  # IANA name
    zone_name: str  # as Xero prints it
    created: datetime
    accounts: dict[str, Account]
    tax_rates: dict[str, TaxRate]
    tracking: dict[str, TrackingCategory]
    switches: Switches = field(default_factory=Switches)
    announce: Callable[[Event], None] = _unheard
    adviser: bool = False
    may_approve: bool = True
    demo: bool = False
    person: str = "Ana Example"
    period_lock: date | None = None
    year_lock: date | None = None
    year_end: tuple[int, int] = (31, 3)  # day, month
    organisation_id: str = field(default_factory=new_id)
    contacts: dict[str, Contact] = field(default_factory=dict)
    bills: dict[str, Bill] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    history: dict[str, list[Note]] = field(default_factory=dict)
    attachments: dict[str, dict[str, Attachment]] = field(default_factory=dict)  # by bill, then by name
    _numbers: dict[str, dict[str, None]] = field(default_factory=dict)
    _names: dict[str, dict[str, None]] = field(default_factory=dict)
    _last: datetime | None = None

    def today(self, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self.zone)).date()

    def bills_numbered(self, number: str) -> list[Bill]:
        """Bills with that number in the order they were first saved; numbers of bills need not be unique."""
        return [self.bills[bill_id] for bill_id in self._numbers.get(number.casefold(), ())]

    def contacts_named(self, name: str) -> list[Contact]:
        """Contacts of that name without regard to case, active ones first."""
        found = [self.contacts[contact_id] for contact_id in self._names.get(_key(name), ())]
        return sorted(found, key=lambda contact: contact.status != "ACTIVE")

    def bills_of(self, contact_id: str) -> Iterator[Bill]:
        return (bill for bill in list(self.bills.values()) if bill.contact_id == contact_id)

    def stamp(self, now: datetime) -> datetime:
        """A time of change: `now` in milliseconds, and always later than the one before."""
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        if self._last is not None and at <= self._last:
            at = self._last + timedelta(milliseconds=1)
        self._last = at
        return at

    def save_bill(self, bill: Bill, now: datetime, *, silent: bool = False) -> Bill:
        """Store, index, stamp and announce one bill; `silent` keeps its time of change and sends no event."""
        before = self.bills.get(bill.bill_id)
        if before is not None and before.number != bill.number:
            self._numbers.get(before.number.casefold(), {}).pop(bill.bill_id, None)
        saved = bill if silent and before is not None else replace(bill, updated=self.stamp(now))
        self.bills[saved.bill_id] = saved
        self._numbers.setdefault(saved.number.casefold(), {})[saved.bill_id] = None
        if not silent:
            self._tell("Invoices", saved.bill_id, "INVOICE", "UPDATE" if before else "CREATE", now)
        return saved

    def save_contact(self, contact: Contact, now: datetime) -> Contact:
        before = self.contacts.get(contact.contact_id)
        if before is not None and before.name != contact.name:
            self._names.get(_key(before.name), {}).pop(contact.contact_id, None)
        saved = replace(contact, updated=self.stamp(now))
        self.contacts[saved.contact_id] = saved
        self._names.setdefault(_key(saved.name), {})[saved.contact_id] = None
        self._tell("Contacts", saved.contact_id, "CONTACT", "UPDATE" if before else "CREATE", now)
        return saved

    def note(self, bill_id: str, changes: str, details: str, now: datetime, user: str = SYSTEM) -> Note:
        note = Note(now, changes, details, user)
        self.history.setdefault(bill_id, []).append(note)
        return note

    def _tell(self, resource: str, resource_id: str, category: str, kind: str, now: datetime) -> None:
        self.announce(Event(self.tenant_id, resource, resource_id, category, kind, now))


def _key(name: str) -> str:
    return name.strip().casefold()
