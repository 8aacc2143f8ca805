"""What comes next, in words: when the money comes, what follows on a choice, and what if nobody acts."""

from collections.abc import Sequence

from reconciler.compare import with_adopted
from reconciler.model import Bill, Decision, Status
from reconciler.organisation import Books
from reconciler.reasons import Action, Reason, words
from reconciler.words import amount_of, day, money, what_to_do

UNPAID = {
    Reason.EXEMPT: "Not paid by way of Xero: the milestone is exempt.",
    Reason.WITHDRAWN: "The milestone was withdrawn, and will not be paid.",
    Reason.NOT_DUE: "The milestone is not due for billing yet.",
    Reason.NOTHING_TO_PAY: "There is nothing to pay.",
}
FOLLOWS = {
    Reason.EXEMPT: "Nothing more happens unless the exemption ends.",
    Reason.WOULD_CREATE: "Nothing is written while this organisation is only watched.",
    Reason.WOULD_UPDATE: "Nothing is written while this organisation is only watched.",
}


def when_paid(decision: Decision, books: Books) -> str:
    """When the money comes, in words that may be passed on to whoever waits for it: nothing of codes, of contacts or
    of what others are paid."""
    live, reason = with_adopted(decision).case.live, decision.verdict.reason
    if reason in UNPAID:
        return UNPAID[reason]
    action = words(reason).action
    if action is Action.HOLD:
        known = f" When last looked at: {_payments(live)}" if live else ""
        return f"Not known right now: it is looked into ({words(reason).headline}).{known}"
    if action is Action.FLAG:
        stuck = f"Stuck: {words(reason).headline}. Somebody has been asked to resolve it."
        firm = [bill for bill in live if bill.status.firm]
        return f"{_payments(firm)} {stuck}" if firm else stuck
    return _payments(live) if live else f"Not billed yet: {amount_of(decision.case.milestone, books)} is to come."


def _payments(bills: Sequence[Bill]) -> str:
    """How far live bills are paid, and when the rest will be; of several each with its amount."""
    if len(bills) == 1:
        return _payment(bills[0])
    return " ".join(f"{money(bill.total, bill.currency)}: {_lower(_payment(bill))}" for bill in bills)


def _payment(bill: Bill) -> str:
    """How far a live bill is paid, and when the rest will be."""
    if bill.status.unapproved:
        return "Waiting for approval." if bill.status is Status.SUBMITTED else "Prepared, not yet up for approval."
    on = f" on {day(bill.paid_on)}" if bill.paid_on else ""
    if bill.status is Status.PAID:
        return f"Paid{on}." if bill.paid else f"Settled by a credit{on}."
    planned = f"planned to be paid on {day(bill.planned_on)}" if bill.planned_on else ""
    rest = planned or (f"due on {day(bill.due_date)}" if bill.due_date else "")
    if not bill.settled:
        return f"Approved; {rest}." if rest else "Approved."
    how = "was paid" if bill.paid else "was credited"
    left = f"the other {money(bill.due, bill.currency)} is {rest or 'due'}"
    return f"{money(bill.settled, bill.currency)} {how}{on}; {left}."


def if_nobody_acts(decision: Decision, books: Books) -> str:
    """What follows when the warning is left alone."""
    bill, reason = with_adopted(decision).case.bill, decision.verdict.reason
    if bill and bill.status.firm and bill.due > 0:
        due = f" falls due on {day(bill.due_date)}" if bill.due_date else " stays due"
        return f"If nobody acts, {money(bill.due, bill.currency)}{due}."
    if bill and bill.status is Status.PAID:
        return "If nobody acts, what was paid stands."
    if bill and bill.status.unapproved:
        return f"If nobody acts, the bill of {money(bill.total, bill.currency)} stays as it is in Xero."
    if reason is Reason.DUPLICATE_BILL:
        return "If nobody acts, all of these bills stay, and more than one of them may be paid."
    if reason is Reason.POSSIBLE_DUPLICATE:
        return "If nobody acts, the bill that is there stays the only one."
    milestone = decision.case.milestone
    return f"If nobody acts, the {amount_of(milestone, books)} for {milestone.payee} is not billed, and not paid."


def what_follows(decision: Decision, books: Books) -> str:
    """What happens next with a milestone, and by when; of what waits for a person, what that person can do."""
    verdict, live = decision.verdict, with_adopted(decision).case.live
    if verdict.action is Action.FLAG:
        return what_to_do(decision, books)
    if verdict.action is Action.HOLD:
        return "It is tried again by itself, within the hour once nothing holds it up."
    if verdict.action is Action.SYNC:
        return "It is written to Xero by itself, within minutes."
    return FOLLOWS.get(verdict.reason) or _next_of(live[-1]) if live else FOLLOWS.get(verdict.reason, "")


def _next_of(bill: Bill) -> str:
    by = f" by {day(bill.due_date)}, when it falls due" if bill.due_date else ""
    if bill.status.unapproved:
        return f"Next, somebody approves the bill in Xero{by}."
    if bill.status is Status.PAID:
        return ""
    return f"Next, it is paid: planned for {day(bill.planned_on)}." if bill.planned_on else f"Next, it is paid{by}."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
