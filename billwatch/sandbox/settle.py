"""Payments and allocations: what may be recorded, and what it makes of the bill. Pure.

Xero, Payments page: a payment can only be created and deleted; a bill whose amount due reaches 0 becomes PAID.
"""

from collections.abc import Iterator
from dataclasses import replace

from billwatch.sandbox import messages
from billwatch.sandbox.books import Bill, Credit, Organisation, Payment
from billwatch.sandbox.rules import locked_by


def payment_refusals(org: Organisation, bill: Bill | None, payment: Payment) -> Iterator[str]:
    if bill is None:
        yield "Invoice could not be found"
        return
    account = org.accounts.get(payment.account_code)
    if account is None or account.status != "ACTIVE" or account.type != "BANK":
        yield messages.BAD_ACCOUNT
    if payment.amount <= 0:
        yield "Payment amount must be greater than 0"
    if bill.status != "AUTHORISED":
        yield messages.NOT_AUTHORISED
    if payment.amount > bill.amount_due:
        yield messages.TOO_MUCH
    yield from locked_by(org, payment.day, "payment")


def unpay_refusals(org: Organisation, payment: Payment) -> Iterator[str]:
    if payment.status == "DELETED":
        yield "Payment not of valid status for modification"
    if payment.reconciled:
        yield "Payment cannot be deleted as it has been reconciled"
    yield from locked_by(org, payment.day, "payment")


def credit_refusals(org: Organisation, bill: Bill, credit: Credit) -> Iterator[str]:
    if bill.status != "AUTHORISED":
        yield messages.NOT_AUTHORISED
    if credit.amount <= 0 or credit.amount > bill.amount_due:
        yield messages.TOO_MUCH
    yield from locked_by(org, credit.day)


def paid(bill: Bill, payment: Payment) -> Bill:
    return rested(replace(bill, payments=(*bill.payments, payment)))


def unpaid(bill: Bill, payment_id: str) -> Bill:
    kept = tuple(payment for payment in bill.payments if payment.payment_id != payment_id)
    return rested(replace(bill, payments=kept))


def credited(bill: Bill, credit: Credit) -> Bill:
    return rested(replace(bill, credits=(*bill.credits, credit)))


def uncredited(bill: Bill) -> Bill:
    return rested(replace(bill, credits=()))


def rested(bill: Bill) -> Bill:
    """The bill with the status that its balance gives it: PAID at 0, else AUTHORISED."""
    return replace(bill, status="PAID" if bill.amount_due == 0 else "AUTHORISED")
