"""The decision as a table: what is so, and what follows. Every reason that there is has at least one row."""

from dataclasses import dataclass
from decimal import Decimal

from case_builders import (
    LINK,
    SEEN,
    TERMS,
    URL,
    a_bill,
    a_milestone,
    an_organisation,
    billed,
    coded,
    day,
    exempt,
    linked,
    some_books,
    two_lines,
    unbilled,
)
from msgspec.structs import replace

from reconciler.model import EXPENSE_CLAIMS, Case, Contact, Link, Refusal, Sense, Status
from reconciler.organisation import Books, Mode, Organisation
from reconciler.reasons import Reason

ORGANISATION = an_organisation()
BOOKS = some_books()
DEARER = a_milestone(amount=Decimal("16000.00"), version=2)
LOCKED = some_books(period_lock=day("2026-07-01"))
YEAR = some_books(year_lock=day("2026-07-01"))
HALF = Decimal("7500.00")
APPROVING = an_organisation(status=Status.AUTHORISED)
UPDATING = an_organisation(approved_bills="update")
MAPPED = a_milestone(contact_id="contact-9")
TWICE = (a_bill(), a_bill(bill_id="bill-2"))
ALIKE = (a_bill(number="INV-7", url="", bill_id="bill-7"),)
NO = Refusal(Reason.REFUSED, "Invoice not of valid status for modification", TERMS, None, None, URL)


@dataclass(frozen=True)
class Row:
    """What is so, in words; the reason that follows; the facts."""

    when: str
    reason: Reason
    case: Case
    organisation: Organisation = ORGANISATION
    books: Books = BOOKS


def hold(reason: Reason) -> Row:
    return Row(f"held: {reason}", reason, unbilled(), books=some_books(hold=reason))


R = Reason
TABLE = (
    Row("exempt, never billed", R.EXEMPT, unbilled(exemption=exempt())),
    Row("exempt, its bill voided", R.EXEMPT, billed(bill=a_bill(status=Status.VOIDED), exemption=exempt())),
    Row("exempt, its bill paid", R.EXEMPT, billed(bill=a_bill(status=Status.PAID), exemption=exempt())),
    Row("exempt, its bill live", R.EXEMPT_WITH_BILL, billed(exemption=exempt())),
    Row(
        "exempt, its bill approved",
        R.EXEMPT_WITH_BILL,
        billed(bill=a_bill(status=Status.AUTHORISED), exemption=exempt()),
    ),
    Row("exempt until yesterday", R.CREATE, unbilled(exemption=exempt("2026-07-09"))),
    hold(R.PAUSED),
    hold(R.CONNECTION_LOST),
    hold(R.WRONG_ORGANISATION),
    hold(R.XERO_UNAVAILABLE),
    hold(R.MASS_CHANGE),
    Row("never swept", R.FACTS_STALE, unbilled(), books=some_books(swept_at=None)),
    Row("the linked bill never read", R.FACTS_STALE, Case(a_milestone(), LINK)),
    Row("an attempt unanswered", R.OUTCOME_UNKNOWN, unbilled(link=Link(pending_attempt=7))),
    Row("cancelled, never billed", R.WITHDRAWN, unbilled(a_milestone(cancelled=True))),
    Row("cancelled, its bill voided", R.WITHDRAWN, billed(a_milestone(cancelled=True), a_bill(status=Status.VOIDED))),
    Row("cancelled, its bill gone", R.WITHDRAWN, Case(a_milestone(cancelled=True), LINK, missing=True)),
    Row("no ticked stage reached", R.NOT_DUE, unbilled(a_milestone(stages=frozenset({"signed"})))),
    Row("no stage reached", R.NOT_DUE, unbilled(a_milestone(stages=frozenset()))),
    Row("an amount of 0", R.NOTHING_TO_PAY, unbilled(a_milestone(amount=Decimal(0)))),
    Row("cancelled, its bill live", R.BILL_NOT_WANTED, billed(a_milestone(cancelled=True))),
    Row("approval revoked, its bill live", R.BILL_NOT_WANTED, billed(a_milestone(stages=frozenset()))),
    Row("an amount of 0, its bill live", R.BILL_NOT_WANTED, billed(a_milestone(amount=Decimal(0)))),
    Row(
        "cancelled, an unlinked bill of ours",
        R.BILL_NOT_WANTED,
        unbilled(a_milestone(cancelled=True), ours=(a_bill(),)),
    ),
    Row(
        "cancelled, part-paid",
        R.PAID_NOT_WANTED,
        billed(a_milestone(cancelled=True), a_bill(status=Status.AUTHORISED, paid=HALF)),
    ),
    Row("cancelled, paid", R.PAID_NOT_WANTED, billed(a_milestone(cancelled=True), a_bill(status=Status.PAID))),
    Row("two bills of ours", R.DUPLICATE_BILL, unbilled(ours=TWICE)),
    Row("a bill like it, of nobody", R.POSSIBLE_DUPLICATE, unbilled(similar=ALIKE)),
    Row("one bill of ours that equals it", R.AWAITING_APPROVAL, unbilled(ours=(a_bill(),))),
    Row("one bill of ours that differs", R.LINK_DIFFERS, unbilled(DEARER, ours=(a_bill(),))),
    Row("linked by hand, equal", R.AWAITING_APPROVAL, linked()),
    Row("linked by hand, coded otherwise", R.AWAITING_APPROVAL, linked(bill=coded(account="429", description="Aroha"))),
    Row("linked by hand, another date", R.LINK_DIFFERS, linked(bill=a_bill(date=day("2026-07-02")))),
    Row("linked by hand, another payee", R.LINK_DIFFERS, linked(bill=a_bill(contact_id="contact-2"))),
    Row("linked by hand, another currency", R.LINK_DIFFERS, linked(bill=a_bill(currency="AUD"))),
    Row("linked by hand, voided", R.BILL_VOIDED, linked(bill=a_bill(status=Status.VOIDED))),
    Row("the bill does not exist", R.BILL_MISSING, Case(a_milestone(), LINK, missing=True)),
    Row("voided", R.BILL_VOIDED, billed(bill=a_bill(status=Status.VOIDED))),
    Row("deleted", R.BILL_DELETED, billed(bill=a_bill(status=Status.DELETED))),
    Row("amount changed in Xero", R.CHANGED_IN_XERO, billed(bill=a_bill(total=HALF))),
    Row("payee changed in Xero", R.CHANGED_IN_XERO, billed(bill=a_bill(contact_id="contact-2"))),
    Row("currency changed in Xero", R.CHANGED_IN_XERO, billed(bill=a_bill(currency="AUD"))),
    Row("coding changed in Xero", R.AWAITING_APPROVAL, billed(bill=coded(account="429", tax="INPUT2"))),
    Row("text changed in Xero", R.AWAITING_APPROVAL, billed(bill=coded(description="Stage 2 (Aroha)"))),
    Row("due date changed in Xero", R.AWAITING_APPROVAL, billed(bill=a_bill(due_date=day("2026-08-20")))),
    Row("date changed in Xero", R.AWAITING_APPROVAL, billed(bill=a_bill(date=day("2026-07-02")))),
    Row("split in two lines in Xero", R.AWAITING_APPROVAL, billed(bill=two_lines())),
    Row(
        "a payment taken back",
        R.PAYMENT_REVERSED,
        billed(bill=a_bill(status=Status.AUTHORISED), link=replace(LINK, settled=HALF)),
    ),
    Row("equal, a draft", R.IN_SYNC, billed(bill=a_bill(status=Status.DRAFT))),
    Row("equal, awaiting approval", R.AWAITING_APPROVAL, billed()),
    Row("equal, approved", R.APPROVED, billed(bill=a_bill(status=Status.AUTHORISED))),
    Row("equal, part-paid", R.PART_PAID, billed(bill=a_bill(status=Status.AUTHORISED, paid=HALF))),
    Row("equal, part-credited", R.PART_PAID, billed(bill=a_bill(status=Status.AUTHORISED, credited=HALF))),
    Row("equal, paid", R.PAID, billed(bill=a_bill(status=Status.PAID))),
    Row("equal, a draft in a locked period", R.LOCKED_DRAFT, billed(bill=a_bill(status=Status.DRAFT)), books=LOCKED),
    Row("equal, awaiting approval in a locked year", R.LOCKED_DRAFT, billed(), books=YEAR),
    Row("equal, approved in a locked period", R.APPROVED, billed(bill=a_bill(status=Status.AUTHORISED)), books=LOCKED),
    Row("changed, made by Xero Expenses", R.BILL_READ_ONLY, billed(DEARER, a_bill(number=EXPENSE_CLAIMS))),
    Row("changed, paid", R.BILL_PAID, billed(DEARER, a_bill(status=Status.PAID))),
    Row("changed, part-paid", R.BILL_PART_PAID, billed(DEARER, a_bill(status=Status.AUTHORISED, paid=HALF))),
    Row("changed, credited", R.BILL_CREDITED, billed(DEARER, a_bill(status=Status.AUTHORISED, credited=HALF))),
    Row(
        "changed, credited in full",
        R.BILL_CREDITED,
        billed(DEARER, a_bill(status=Status.PAID, credited=Decimal("15000.00"))),
    ),
    Row("changed, approved", R.BILL_APPROVED, billed(DEARER, a_bill(status=Status.AUTHORISED))),
    Row("changed on both sides", R.EDITED_IN_XERO, billed(DEARER, a_bill(total=HALF))),
    Row("changed, and coded to another tax in Xero", R.EDITED_IN_XERO, billed(DEARER, coded(tax="INPUT2"))),
    Row("changed, and split in two lines in Xero", R.EDITED_IN_XERO, billed(DEARER, two_lines())),
    Row("new and approved, in a locked period", R.PERIOD_LOCKED, unbilled(), APPROVING, LOCKED),
    Row("new and approved, in a locked year", R.YEAR_LOCKED, unbilled(), APPROVING, YEAR),
    Row(
        "approved, its date in a locked period",
        R.PERIOD_LOCKED,
        billed(DEARER, a_bill(status=Status.AUTHORISED)),
        UPDATING,
        LOCKED,
    ),
    Row(
        "approved, its date in a locked year",
        R.YEAR_LOCKED,
        billed(DEARER, a_bill(status=Status.AUTHORISED)),
        UPDATING,
        YEAR,
    ),
    Row("new, in a locked period", R.LOCKED_DRAFT, unbilled(), books=LOCKED),
    Row("changed, in a locked period", R.LOCKED_DRAFT, billed(DEARER), books=LOCKED),
    Row("a lock that blocked it was lifted", R.LOCK_LIFTED, unbilled(link=Link(locked_out=day("2026-07-01")))),
    Row(
        "the payee archived",
        R.CONTACT_ARCHIVED,
        unbilled(contacts=(Contact("contact-1", "Kererū Trust", archived=True),)),
    ),
    Row(
        "two of that name",
        R.CONTACT_AMBIGUOUS,
        unbilled(contacts=(Contact("contact-1", "A"), Contact("contact-2", "A"))),
    ),
    Row("mapped to a contact that is not there", R.CONTACT_UNKNOWN, unbilled(MAPPED, contacts=())),
    Row("an unknown account", R.ACCOUNT_UNUSABLE, unbilled(a_milestone(account="999"))),
    Row("new and approved, without an account", R.ACCOUNT_UNUSABLE, unbilled(), replace(APPROVING, account="")),
    Row("an unknown tax type", R.TAX_INVALID, unbilled(a_milestone(tax="GSTX"))),
    Row("an unknown tracking option", R.TRACKING_UNUSABLE, unbilled(a_milestone(tracking=(("Region", "West"),)))),
    Row("a currency not set up", R.CURRENCY_DISABLED, unbilled(a_milestone(currency="USD"))),
    Row("another currency than its bill", R.CURRENCY_CHANGED, billed(a_milestone(currency="AUD"))),
    Row(
        "new and approved, and that is not allowed",
        R.NOT_PERMITTED,
        unbilled(),
        APPROVING,
        some_books(may_approve=False),
    ),
    Row("refused by Xero before", R.REFUSED, unbilled(link=Link(refusal=NO))),
    Row("no room under the hourly cap", R.CAP_REACHED, unbilled(), books=some_books(room=0)),
    Row("no money under the hourly cap", R.CAP_REACHED, unbilled(), books=some_books(room_money=Decimal("14999.99"))),
    Row("watched, never billed", R.WOULD_CREATE, unbilled(), an_organisation(mode=Mode.WATCH)),
    Row("watched, changed", R.WOULD_UPDATE, billed(DEARER), an_organisation(mode=Mode.WATCH)),
    Row("never billed", R.CREATE, unbilled()),
    Row("never billed, a payee that Xero does not know", R.CREATE, unbilled(contacts=())),
    Row("never billed, without an account", R.CREATE, unbilled(), an_organisation(account="")),
    Row(
        "never billed, exactly the room that is left",
        R.CREATE,
        unbilled(),
        books=some_books(room=1, room_money=Decimal("15000.00")),
    ),
    Row("billed again", R.CREATE, unbilled(link=Link(generation=2))),
    Row("amount changed", R.UPDATE, billed(DEARER)),
    Row(
        "amount changed, no room under the cap",
        R.UPDATE,
        billed(DEARER),
        books=some_books(room=0, room_money=Decimal(0)),
    ),
    Row(
        "payee changed", R.UPDATE, billed(a_milestone(payee="Tūī Trust"), contacts=(Contact("contact-2", "Tūī Trust"),))
    ),
    Row("tax sense changed", R.UPDATE, billed(a_milestone(sense=Sense.NO_TAX))),
    Row(
        "its bill has another tax sense, which is not pending",
        R.AWAITING_APPROVAL,
        billed(bill=a_bill(sense=Sense.NO_TAX), link=replace(LINK, seen=replace(SEEN, sense=Sense.NO_TAX))),
    ),
)
