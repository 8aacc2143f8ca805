"""What Xero accepts, refuses and quietly drops when a bill is written. Pure: nothing is stored, nothing is sent.

`judge` takes the books, the bill as it stands (None for a create), the wish and the day, and gives back the messages
and the bill as it would be afterwards. `refusals` is the short form for those who only want to know whether it passes.
Stages follow one another and the first that objects answers alone:

1. bills of Xero Expenses, voided and deleted bills
2. the permission of the connecting user
3. lock dates, inclusive of the day itself (Xero's help on lock dates: "on or before")
4. what is barred once something is paid or allocated (release of 19 March 2026)
5. transitions of the status
6. fields: contact, number, link, currency, due date, lines
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from billwatch.sandbox import contacts, lines, messages
from billwatch.sandbox.books import EXPENSE_CLAIMS, Bill, Contact, Organisation
from billwatch.sandbox.merge import Manner, wished
from billwatch.sandbox.wish import BillWish, LineWish

CREATABLE = ("DRAFT", "SUBMITTED", "AUTHORISED")
STATUSES = ("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED")
TRANSITIONS = {
    "DRAFT": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
    "SUBMITTED": ("SUBMITTED", "AUTHORISED", "DELETED"),
    "AUTHORISED": ("AUTHORISED", "VOIDED"),
    "PAID": ("PAID",),
}
_ENDED = ("VOIDED", "DELETED")
_APPROVED = ("AUTHORISED", "PAID")


@dataclass(frozen=True, slots=True)
class Judgement:
    """`bill` is the wished document, also when refused; `contact` is given when it has to be saved along with it."""

    bill: Bill
    contact: Contact | None = None
    messages: tuple[str, ...] = ()
    on_lines: tuple[tuple[int, str], ...] = ()  # position of the line, message
    silent: bool = False

    @property
    def refused(self) -> bool:
        return bool(self.messages or self.on_lines)


@dataclass(frozen=True, slots=True)
class _Case:
    org: Organisation
    before: Bill | None
    wish: BillWish
    bill: Bill
    manner: Manner


def refusals(org: Organisation, before: Bill | None, wish: BillWish, today: date) -> tuple[str, ...]:
    """Every message with which this write by the API would be refused, in Xero's order; empty if it passes."""
    verdict = judge(org, before, wish, Manner(today))
    return (*verdict.messages, *(text for _, text in verdict.on_lines))


def judge(org: Organisation, before: Bill | None, wish: BillWish, manner: Manner) -> Judgement:
    """Judge one write. On a settled bill the amounts asked for are dropped from `bill` without a message."""
    contact, lost = contacts.resolve(org, wish.contact, before)
    bill = wished(org, before, wish, contact, manner)
    verdict = Judgement(bill, contacts.changed(org, contact))
    if found := tuple(_whole(_Case(org, before, wish, bill, manner))):
        return replace(verdict, messages=found)
    if bill.status in _ENDED:
        return replace(verdict, contact=None)
    found = (*lost, *_fields(org, before, wish, bill, contact))
    by_line = tuple(_line_refusals(org, wish, bill, manner))
    silent = _moves_nothing(org, before, bill)
    return replace(verdict, messages=found, on_lines=by_line, silent=silent)


def locked_by(org: Organisation, day: date, subject: str = "document") -> tuple[str, ...]:
    """The lock messages for that day, period lock first; the period lock does not bind an adviser's connection."""
    found = []
    if org.period_lock is not None and not org.adviser and day <= org.period_lock:
        found.append(messages.period_locked(org.period_lock, subject))
    if org.year_lock is not None and day <= org.year_lock:
        found.append(messages.year_locked(org.year_lock, subject))
    return tuple(found)


def locked_edit(org: Organisation, day: date) -> tuple[str, ...]:
    """The refusal to edit or void an approved bill of that day; its wording is a switch."""
    locks = [org.year_lock] if org.adviser else [org.period_lock, org.year_lock]
    held = [lock for lock in locks if lock is not None and day <= lock]
    return (org.switches.lock_edit_text.replace("{date}", messages.day(max(held))),) if held else ()


def _whole(case: _Case) -> Iterator[str]:
    """Stages 1 to 5, about the document as a whole."""
    stages = (_untouchable, _forbidden, _locked, _settled, _transition)
    for stage in stages:
        if found := tuple(stage(case)):
            yield from found
            return


def _untouchable(case: _Case) -> Iterator[str]:
    if case.before is None:
        return
    if case.before.status in _ENDED:
        yield messages.NOT_MODIFIABLE
    elif case.before.number == EXPENSE_CLAIMS and case.before.type == "ACCPAY" and not case.manner.by_person:
        yield messages.EXPENSES_BILL


def _forbidden(case: _Case) -> Iterator[str]:
    if not case.org.may_approve and not case.manner.by_person and case.wish.status == "AUTHORISED":
        yield messages.NOT_PERMITTED


def _locked(case: _Case) -> Iterator[str]:
    if case.before is not None and case.before.status in _APPROVED:
        yield from locked_edit(case.org, case.before.day) or locked_by(case.org, case.bill.day)
        return
    barred = _APPROVED if case.org.switches.delete_drafts_in_lock else (*_APPROVED, "DELETED")
    if case.bill.status in barred:
        yield from locked_by(case.org, case.bill.day)


def _settled(case: _Case) -> Iterator[str]:
    if case.before is None or not case.before.settled:
        return
    if case.org.switches.old_settled_rule:
        yield from (messages.NOT_MODIFIABLE, messages.HAS_ALLOCATIONS)
        return
    if case.wish.status is not None and case.wish.status != case.before.status:
        yield messages.status_barred(case.wish.status)
    if case.wish.day is not None and case.wish.day != case.before.day:
        yield messages.DATE_FIXED
    if case.wish.lines is not None and not _same_lines(case.before, case.wish.lines):
        yield messages.LINE_ID_NEEDED


def _transition(case: _Case) -> Iterator[str]:
    if case.before is None:
        if case.bill.status not in CREATABLE:
            yield messages.NOT_CREATABLE
        return
    unsaid = case.before.status == "AUTHORISED" and not case.before.settled and case.wish.status is None
    if unsaid or (case.bill.status != case.before.status and case.bill.status not in TRANSITIONS[case.before.status]):
        yield messages.NOT_MODIFIABLE


def _fields(
    org: Organisation, before: Bill | None, wish: BillWish, bill: Bill, contact: Contact | None
) -> Iterator[str]:
    if bill.type not in ("ACCPAY", "ACCREC"):
        yield messages.NO_TYPE
    if contact is None and wish.contact is None:
        yield messages.NO_CONTACT
    moved = before is None or (contact is not None and contact.contact_id != before.contact_id)
    if moved and contact is not None and contact.status != "ACTIVE":
        yield messages.CONTACT_ARCHIVED
    if not bill.lines:
        yield messages.NO_LINES
    if bill.due is None and bill.status in ("SUBMITTED", "AUTHORISED"):
        yield messages.NO_DUE_DATE
    if bill.currency not in org.currencies:
        yield messages.currency_missing(bill.currency)
    yield from _label_refusals(org, bill)


def _label_refusals(org: Organisation, bill: Bill) -> Iterator[str]:
    if len(bill.number) > 255:
        yield messages.NUMBER_TOO_LONG
    if bill.url and ("xero" in bill.url.lower() or not bill.url.startswith(("http://", "https://"))):
        yield messages.URL_NOT_ALLOWED
    twins = org.bills_numbered(bill.number) if bill.type == "ACCREC" and bill.number else []
    if any(one.bill_id != bill.bill_id and one.type == "ACCREC" and one.status not in _ENDED for one in twins):
        yield messages.NOT_UNIQUE


def _line_refusals(org: Organisation, wish: BillWish, bill: Bill, manner: Manner) -> Iterator[tuple[int, str]]:
    asked = wish.lines if wish.lines is not None and len(wish.lines) == len(bill.lines) else None
    approved = bill.status in _APPROVED
    if asked is None and not approved:
        return
    for position, line in enumerate(bill.lines):
        entry = asked[position] if asked else LineWish()
        if bill.settled:
            entry = replace(entry, quantity=None, unit_amount=None, line_amount=None)
        found = lines.refusals(org, entry, line, approved=approved, places=manner.places)
        yield from ((position, text) for text in found)


def _same_lines(before: Bill, asked: tuple[LineWish, ...]) -> bool:
    return sorted(line.line_id or "" for line in asked) == sorted(line.line_id for line in before.lines)


def _moves_nothing(org: Organisation, before: Bill | None, bill: Bill) -> bool:
    """The switch for a new due date on a settled bill, which Xero reportedly saves without a new time of change."""
    if before is None or not before.settled or not org.switches.silent_due_date:
        return False
    return before.due != bill.due and replace(before, due=bill.due) == bill
