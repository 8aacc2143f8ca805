"""Changes to the books: judge, and save what passes. Used by the API and by the person at the screen alike."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from billwatch.sandbox import rules, settle
from billwatch.sandbox.books import SYSTEM, Attachment, Bill, Credit, Organisation, Payment, new_id
from billwatch.sandbox.merge import Manner
from billwatch.sandbox.rules import Judgement
from billwatch.sandbox.wish import BillWish

_CHANGES = {"DRAFT": "Saved", "SUBMITTED": "Submitted", "AUTHORISED": "Approved", "VOIDED": "Voided"}


@dataclass(frozen=True, slots=True)
class Scribe:
    """One organisation's books at one moment, in the hand of `user`: a person, or an app."""

    org: Organisation
    now: datetime
    user: str = SYSTEM

    def write(self, before: Bill | None, wish: BillWish, manner: Manner) -> Judgement:
        """Judge one write, and save it if nothing is refused; the judgement then holds the bill as saved."""
        verdict = rules.judge(self.org, before, wish, manner)
        if verdict.refused:
            return verdict
        if verdict.contact is not None:
            self.org.save_contact(verdict.contact, self.now)
        saved = self.org.save_bill(self._numbered(verdict.bill), self.now, silent=verdict.silent)
        self._mark_contact(saved)
        self._note(before, saved)
        return replace(verdict, bill=saved)

    def pay(self, bill: Bill | None, payment: Payment) -> tuple[str, ...]:
        """Record a payment; gives back why not, if it is refused."""
        found = tuple(settle.payment_refusals(self.org, bill, payment))
        if found or bill is None:
            return found
        stamped = replace(payment, updated=self.org.stamp(self.now))
        self.org.payments[payment.payment_id] = stamped
        self.org.save_bill(settle.paid(bill, stamped), self.now)
        self.org.note(bill.bill_id, "Paid", f"Payment of {payment.amount} recorded.", self.now, self.user)
        return ()

    def unpay(self, payment: Payment) -> tuple[str, ...]:
        """Delete a payment; the bill becomes AUTHORISED again."""
        if found := tuple(settle.unpay_refusals(self.org, payment)):
            return found
        self.org.payments[payment.payment_id] = replace(payment, status="DELETED", updated=self.org.stamp(self.now))
        self.org.save_bill(settle.unpaid(self.org.bills[payment.bill_id], payment.payment_id), self.now)
        self.org.note(payment.bill_id, "Payment Deleted", f"Payment of {payment.amount} removed.", self.now, self.user)
        return ()

    def credit(self, bill: Bill, credit: Credit) -> tuple[str, ...]:
        """Allocate a credit note, prepayment or overpayment."""
        if found := tuple(settle.credit_refusals(self.org, bill, credit)):
            return found
        self.org.save_bill(settle.credited(bill, credit), self.now)
        self.org.note(bill.bill_id, "Credit Applied", f"Credit of {credit.amount} applied.", self.now, self.user)
        return ()

    def draft_payment(self, bill: Bill | None, amount: Decimal, day: date | None, account_code: str) -> Payment:
        return Payment(
            payment_id=new_id(),
            bill_id=bill.bill_id if bill else "",
            day=day or self.org.today(self.now),
            amount=amount,
            account_code=account_code,
            rate=bill.rate if bill else Decimal("1.000000"),
        )

    def _numbered(self, bill: Bill) -> Bill:
        """Sales invoices get the next number of their own; bills may stay without."""
        if bill.type != "ACCREC" or bill.number:
            return bill
        count = sum(1 for one in self.org.bills.values() if one.type == "ACCREC") + 1
        while self.org.bills_numbered(f"INV-{count:04d}"):
            count += 1
        return replace(bill, number=f"INV-{count:04d}")

    def _mark_contact(self, bill: Bill) -> None:
        """Whoever has a bill is a supplier; Xero sets that by itself, without an event."""
        contact = self.org.contacts[bill.contact_id]
        supplier = contact.is_supplier or bill.type == "ACCPAY"
        customer = contact.is_customer or bill.type == "ACCREC"
        self.org.contacts[contact.contact_id] = replace(contact, is_supplier=supplier, is_customer=customer)

    def _note(self, before: Bill | None, saved: Bill) -> None:
        moved = before is None or before.status != saved.status
        changes = "Created" if before is None else _CHANGES.get(saved.status, "Deleted") if moved else "Edited"
        self.org.note(saved.bill_id, changes, f"{saved.status} {saved.total} {saved.currency}", self.now, self.user)


def attach(org: Organisation, bill: Bill, file: Attachment, now: datetime, user: str = SYSTEM) -> None:
    """Put a file on a bill, in place of one of that name."""
    org.attachments.setdefault(bill.bill_id, {})[file.name] = file
    org.note(bill.bill_id, "Attached a file", file.name, now, user)
    if org.switches.attaching_touches_bills:
        touch(org, [bill], now)


def touch(org: Organisation, bills: Iterable[Bill], now: datetime) -> None:
    """Save bills again so that their time of change moves and an event goes out."""
    for bill in bills:
        org.save_bill(bill, now)
