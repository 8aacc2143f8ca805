"""What a mail asks, in one line: its heading, and with who and how much its subject.

Names in braces: {ours} {theirs} {settled} {lock} {proposed} {bills} of one milestone; {n} {lock} of several.
"""

from notify import clean
from reconciler import words
from reconciler.reasons import Reason
from reconciler.records import Choice

LONGEST = 90

ONE: dict[Reason, str] = {
    Reason.EXEMPT_WITH_BILL: "exempt, yet its bill asks for {theirs}",
    Reason.BILL_NOT_WANTED: "void the bill of {theirs}, or keep it?",
    Reason.PAID_NOT_WANTED: "{settled} paid, but no longer wanted",
    Reason.DUPLICATE_BILL: "billed {bills} times, {ours} each? Which bill counts?",
    Reason.POSSIBLE_DUPLICATE: "are the {ours} billed already?",
    Reason.LINK_DIFFERS: "is it {ours}, or {theirs} as billed?",
    Reason.BILL_MISSING: "bill {ours} again? Xero has no such bill",
    Reason.BILL_VOIDED: "bill {ours} again? Its bill was voided",
    Reason.BILL_DELETED: "bill {ours} again? Its bill was deleted",
    Reason.CHANGED_IN_XERO: "pay {theirs} or {ours}? Changed in Xero",
    Reason.PAYMENT_REVERSED: "payment taken back, {theirs} open again?",
    Reason.LOCKED_DRAFT: "{ours} dated in a period locked to {lock}",
    Reason.BILL_READ_ONLY: "pay {theirs} or {ours}? Made by Xero Expenses",
    Reason.BILL_PAID: "{theirs} paid, milestone now {ours}",
    Reason.BILL_PART_PAID: "pay {theirs} or {ours}? Part-paid already",
    Reason.BILL_CREDITED: "pay {theirs} or {ours}? Credited already",
    Reason.BILL_APPROVED: "pay {theirs} or {ours}?",
    Reason.EDITED_IN_XERO: "pay {theirs} or {ours}? Both were changed",
    Reason.PERIOD_LOCKED: "bill {ours} on {proposed}, or move the lock?",
    Reason.YEAR_LOCKED: "bill {ours} on {proposed}? The year is locked",
    Reason.LOCK_LIFTED: "bill {ours} now? The lock was lifted",
    Reason.CONTACT_ARCHIVED: "{ours} not billed, payee archived in Xero",
    Reason.CONTACT_AMBIGUOUS: "{ours} not billed, which payee is it?",
    Reason.CONTACT_UNKNOWN: "{ours} not billed, payee's contact not found",
    Reason.ACCOUNT_UNUSABLE: "{ours} not billed, account unusable",
    Reason.TAX_INVALID: "{ours} not billed, tax rate unusable",
    Reason.TRACKING_UNUSABLE: "{ours} not billed, tracking option unusable",
    Reason.CURRENCY_DISABLED: "{ours} not billed, currency not set up",
    Reason.CURRENCY_CHANGED: "now {ours}, but billed as {theirs}",
    Reason.NOT_PERMITTED: "{ours} not billed, we may not approve bills",
    Reason.REFUSED: "Xero refused the bill of {ours}",
}

SAME_MONEY: dict[Reason, str] = {
    Reason.LINK_DIFFERS: "{ours} linked, but the bill differs",
    Reason.CHANGED_IN_XERO: "bill of {theirs} changed in Xero, keep it?",
    Reason.BILL_READ_ONLY: "{ours} changed, but made by Xero Expenses",
    Reason.BILL_PAID: "changed after {theirs} was paid",
    Reason.BILL_PART_PAID: "changed after {settled} of {theirs} was paid",
    Reason.BILL_CREDITED: "changed after {settled} of {theirs} was credited",
    Reason.BILL_APPROVED: "changed after {theirs} was approved",
    Reason.EDITED_IN_XERO: "{ours} changed on both sides, which counts?",
}
"""Where the amounts agree and something else differs."""

MANY: dict[Reason, str] = {
    Reason.EXEMPT_WITH_BILL: "{n} exempt milestones whose bills ask for money",
    Reason.BILL_NOT_WANTED: "{n} bills no longer wanted: void or keep?",
    Reason.PAID_NOT_WANTED: "{n} milestones paid, but no longer wanted",
    Reason.DUPLICATE_BILL: "{n} milestones billed more than once",
    Reason.POSSIBLE_DUPLICATE: "{n} milestones perhaps billed already",
    Reason.LINK_DIFFERS: "{n} linked bills differ from their milestones",
    Reason.BILL_MISSING: "{n} bills not found in Xero: bill again?",
    Reason.BILL_VOIDED: "{n} bills voided in Xero: bill again?",
    Reason.BILL_DELETED: "{n} bills deleted in Xero: bill again?",
    Reason.CHANGED_IN_XERO: "{n} bills changed in Xero: keep or overwrite?",
    Reason.PAYMENT_REVERSED: "{n} payments taken back",
    Reason.LOCKED_DRAFT: "{n} bills dated in a period locked to {lock}",
    Reason.BILL_READ_ONLY: "{n} milestones differ from Xero Expenses",
    Reason.BILL_PAID: "{n} milestones changed after payment",
    Reason.BILL_PART_PAID: "{n} milestones changed after part-payment",
    Reason.BILL_CREDITED: "{n} milestones changed after a credit",
    Reason.BILL_APPROVED: "{n} milestones changed after approval",
    Reason.EDITED_IN_XERO: "{n} milestones changed on both sides",
    Reason.PERIOD_LOCKED: "{n} bills blocked by the lock to {lock}",
    Reason.YEAR_LOCKED: "{n} bills blocked by the year lock to {lock}",
    Reason.LOCK_LIFTED: "{n} milestones no longer locked: bill them?",
    Reason.CONTACT_ARCHIVED: "{n} milestones not billed, payees archived",
    Reason.CONTACT_AMBIGUOUS: "{n} milestones not billed, payees ambiguous",
    Reason.CONTACT_UNKNOWN: "{n} milestones not billed, contacts not found",
    Reason.ACCOUNT_UNUSABLE: "{n} milestones not billed, account unusable",
    Reason.TAX_INVALID: "{n} milestones not billed, tax rate unusable",
    Reason.TRACKING_UNUSABLE: "{n} milestones not billed, tracking unusable",
    Reason.CURRENCY_DISABLED: "{n} milestones not billed, currency not set up",
    Reason.CURRENCY_CHANGED: "{n} milestones changed currency once billed",
    Reason.NOT_PERMITTED: "{n} milestones not billed, approval not permitted",
    Reason.REFUSED: "{n} bills refused by Xero",
}

ALERTS: dict[Reason, str] = {
    Reason.PAUSED: "writing to Xero is paused",
    Reason.CONNECTION_LOST: "connection to Xero lost, nothing is synced",
    Reason.WRONG_ORGANISATION: "connected to another organisation, nothing is written",
    Reason.FACTS_STALE: "Xero not read for too long, nothing is decided",
    Reason.XERO_UNAVAILABLE: "Xero does not answer, syncing waits",
    Reason.MASS_CHANGE: "many bills missing in Xero, is that meant?",
    Reason.OUTCOME_UNKNOWN: "a write to Xero went unanswered",
    Reason.CAP_REACHED: "more new bills than the hourly cap, go ahead?",
}

STOPPED: dict[Reason, str] = {
    Reason.CAP_REACHED: "Until then no more new bills are made for {name}; everything else goes on.",
    Reason.OUTCOME_UNKNOWN: "Until then the milestones of that write are left alone; everything else goes on.",
}
STOPPED_ALL = (
    "Until then no milestone of {name} is billed or changed in Xero. Nothing is lost: what comes in meanwhile is kept "
    "and caught up with."
)

OVER: dict[Reason, str] = {
    Reason.CONNECTION_LOST: "connected to Xero again, syncing goes on",
    Reason.WRONG_ORGANISATION: "connected to the right organisation again",
    Reason.FACTS_STALE: "Xero was read completely again",
    Reason.XERO_UNAVAILABLE: "Xero answers again, syncing goes on",
    Reason.MASS_CHANGE: "the missing bills are settled, syncing goes on",
    Reason.CAP_REACHED: "new bills are within the hourly cap again",
}

DECIDED: dict[str, str] = {
    "resync": "resync",
    "date": "date it {date}",
    "keep": "keep what Xero has",
    "overwrite": "write the milestone's values",
    "bill-again": "bill it again",
    "bill-difference": "bill the difference",
    "replaced-by": "another bill replaced it",
    "link": "the bill that was there counts",
    "bill-anyway": "bill it all the same",
    "go-ahead": "go ahead",
    "remind": "remind us on {date}",
    "voided": "the bill was voided",
    "exempt": "exempt it",
}
"""What a person decided, by the name of the choice; without a row here, it is called as on the page."""

OWN_MONEY = frozenset({"date", "resync", "bill-again", "bill-anyway"})
"""Choices about the whole amount of the milestone, so that a sum of several makes sense."""


def decided(choice: Choice) -> str:
    """The decision, with the day that it names."""
    form = DECIDED.get(choice.kind, words.choice_label(choice.kind).lower())
    named = choice.until if choice.kind == "remind" else choice.date
    return form.format(date=words.day(named) if named else "another day")


def fitted(name: str, key: str, question: str) -> str:
    """`Name key: question` in at most 90 characters; the name gives way first."""
    rest = f" {clean.line(key, 24)}: {question}" if key else f": {question}"
    return clean.clip(clean.line(name, max(12, LONGEST - len(rest))) + rest, LONGEST)


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]
