"""Values and verdicts as an accountant reads them; the only place where they are put into words."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from reconciler.compare import with_adopted
from reconciler.model import NEW_CONTACT, ZERO, Bill, Case, Decision, Deed, Field, Milestone, Status, Verdict
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Choose, Reason, words

SYMBOLS = {"NZD": "NZ$", "AUD": "A$", "USD": "US$", "CAD": "C$", "SGD": "S$", "GBP": "£", "EUR": "€"}
FIELD_NAMES = {
    Field.CONTACT: "payee",
    Field.TOTAL: "amount",
    Field.CURRENCY: "currency",
    Field.DATE: "date",
    Field.DUE_DATE: "due date",
    Field.DESCRIPTION: "description",
    Field.ACCOUNT: "account",
    Field.TAX: "tax type",
    Field.SENSE: "tax sense",
    Field.TRACKING: "tracking",
    Field.LINES: "number of lines",
}
STATUS_NAMES = {
    Status.DRAFT: "draft",
    Status.SUBMITTED: "awaiting approval",
    Status.AUTHORISED: "approved",
    Status.PAID: "paid",
    Status.VOIDED: "voided",
    Status.DELETED: "deleted",
}
CHOICE_LABELS = {
    Choose.RESYNC: "Resync now",
    Choose.DATE: "Use another date",
    Choose.KEEP: "Keep what Xero has",
    Choose.OVERWRITE: "Write the milestone's values",
    Choose.BILL_DIFFERENCE: "Bill the difference",
    Choose.BILL_AGAIN: "Bill it again",
    Choose.REPLACED_BY: "It was replaced by another bill",
    Choose.LINK: "That bill is this milestone's",
    Choose.BILL_ANYWAY: "Bill it all the same",
    Choose.VOIDED: "It is voided in Xero",
    Choose.GO_AHEAD: "Yes, go ahead",
    Choose.REMIND: "Remind me on a date",
    Choose.EXEMPT: "Exempt this milestone",
}
TOLD_WHEN_EQUAL = frozenset({Reason.BILL_PAID, Reason.BILL_PART_PAID, Reason.BILL_CREDITED, Reason.BILL_APPROVED})
LOCKS = frozenset({Reason.PERIOD_LOCKED, Reason.YEAR_LOCKED})
EXEMPT_UNTOUCHED = "No more syncing and no more warnings for this milestone; its bill in Xero is not touched."
EXEMPT_SEVERAL = ("Exempt these milestones", "No more syncing and no more warnings; their bills are not touched.")
EFFECTS = {
    Choose.RESYNC: "Xero is read again; if nothing stands in the way, the milestone is synced.",
    Choose.DATE: "The bill gets the date that you choose, until the platform changes the milestone's own date.",
    Choose.KEEP: "Nothing is written; no more warnings until something changes again.",
    Choose.OVERWRITE: "The bill is changed to the milestone's values.",
    Choose.BILL_DIFFERENCE: "A second bill is made over what is missing; the one that is there stays as it is.",
    Choose.BILL_AGAIN: "A new bill is made; the old one stays as it is.",
    Choose.REPLACED_BY: "The milestone follows the bill that you name; nothing is written.",
    Choose.LINK: "The milestone follows the bill that you choose; no new bill is made.",
    Choose.BILL_ANYWAY: "A new bill is made beside the one that is there.",
    Choose.VOIDED: "Xero is asked at once; if it says so too, this closes.",
    Choose.GO_AHEAD: "What was held back is done now.",
    Choose.REMIND: "Nothing is decided. It is quiet until that day, and is mailed again then if it is still open.",
    Choose.EXEMPT: EXEMPT_UNTOUCHED,
}


def money(amount: Decimal, currency: str) -> str:
    """`NZ$15,000.00`; a currency without a symbol of its own stands in front as its code."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + ' ')}{abs(amount):,.2f}"


def number_of(count: int, what: str) -> str:
    """`1 bill`, `2 bills`, `1,200 bills`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def day(date: dt.date) -> str:
    """`3 July 2026`."""
    return f"{date.day} {date:%B %Y}"


def moment(instant: dt.datetime, zone: str = "UTC") -> str:
    """`9 July 2026, 10:42` by the organisation's wall clock; UTC is named."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{day(local.date())}, {local:%H:%M}" + (" UTC" if zone == "UTC" else "")


def field_name(field: Field) -> str:
    """What an accountant calls the field."""
    return FIELD_NAMES[field]


def fields_in_words(fields: list[Field]) -> str:
    """`payee, amount and date`, in the order of `Field`."""
    names = [FIELD_NAMES[f] for f in Field if f in fields]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def show(field: Field, value: object, currency: str) -> str:
    """A value of `Terms` in words; nothing is called none."""
    if value in (None, "", ()):
        return "none"
    if isinstance(value, Decimal):
        return money(value, currency)
    if isinstance(value, dt.date):
        return day(value)
    if isinstance(value, tuple):
        return ", ".join(f"{category}: {option}" for category, option in value)
    return str(value).removeprefix(NEW_CONTACT) if field is Field.CONTACT else str(value)


def currency_of(decision: Decision, books: Books) -> str:
    """The currency in which the milestone is promised."""
    return decision.case.milestone.currency or books.currency


def bill_currency(decision: Decision, books: Books) -> str:
    """The currency of the bill, or the milestone's while there is none."""
    bill = with_adopted(decision).case.bill
    return bill.currency if bill else currency_of(decision, books)


def contact_name(case: Case, value: object) -> str:
    """A ContactID as the name that we know for it."""
    names = {c.contact_id: c.name for c in case.contacts}
    if case.bill:
        names.setdefault(case.bill.contact_id, case.bill.contact_name)
    text = str(value)
    return text.removeprefix(NEW_CONTACT) if text.startswith(NEW_CONTACT) else names.get(text, text)


def sides(decision: Decision, books: Books) -> list[tuple[str, str, str]]:
    """The differing fields with both values in words: (field, milestone, bill)."""
    ours, theirs = currency_of(decision, books), bill_currency(decision, books)
    rows = []
    case = with_adopted(decision).case
    for d in decision.verdict.differences:
        if d.field is Field.CONTACT:
            rows.append((field_name(d.field), contact_name(case, d.ours), contact_name(case, d.theirs)))
        else:
            told = show(d.field, d.ours, ours) + (_less_earlier(decision, books) if d.field is Field.TOTAL else "")
            rows.append((field_name(d.field), told, show(d.field, d.theirs, theirs)))
    return rows


def _less_earlier(decision: Decision, books: Books) -> str:
    """How the amount of a milestone's last bill comes about, where earlier ones cover part of it."""
    case, verdict = decision.case, decision.verdict
    if not case.link.parts or verdict.others:
        return ""
    return f" ({amount_of(case.milestone, books)} less what is billed already)"


def bill_state(bill: Bill) -> str:
    """`approved, unpaid`, `awaiting approval`, `paid on 3 July 2026` …"""
    if bill.status is Status.PAID and bill.paid_on:
        return f"paid on {day(bill.paid_on)}"
    if bill.status is not Status.AUTHORISED:
        return STATUS_NAMES[bill.status]
    return f"approved, {money(bill.settled, bill.currency)} applied" if bill.settled else "approved, unpaid"


def explain(decision: Decision, books: Books) -> str:
    """What happened, in one or two plain sentences."""
    verdict, bill = decision.verdict, decision.case.bill
    if verdict.reason in TOLD_WHEN_EQUAL and bill and not verdict.fields:
        return f"The bill is {bill_state(bill)} in Xero and equals the milestone; the settings ask to be told of that."
    told = words(verdict.reason).happened.format_map(_Values(decision, books))
    return f"{told} {in_parts(decision)}".rstrip()


def in_parts(decision: Decision) -> str:
    """Which bills there are of a milestone that is billed in parts; empty of others."""
    case = with_adopted(decision).case
    bills = [*case.parts, *([case.bill] if case.bill else [])]
    if not case.link.parts or not bills:
        return ""
    told = [f"{_number(bill)} ({money(bill.total, bill.currency)}, {bill_state(bill)})" for bill in bills]
    return f"It is billed in parts: {' and '.join(told)}."


def what_to_do(decision: Decision, books: Books) -> str:
    """What the reader can do about it; empty when nothing needs doing."""
    bill = decision.case.bill
    if decision.verdict.reason in LOCKS and bill and bill.status.firm:
        return "The bill is approved, so its date stays: move the lock date in Xero, then resync."
    return words(decision.verdict.reason).todo.format_map(_Values(decision, books))


def who_and_when(deed: Deed, books: Books) -> str:
    """`3 July 2026, 10:42, by Ana Example`; without the name where Xero has none."""
    return moment(deed.at, books.zone) + (f", by {deed.by}" if deed.by else "")


def bill_link(organisation: Organisation, books: Books, bill_id: str) -> str:
    """Xero's deep link to a bill ("Deep link", developer.xero.com/documentation/api-guides/deep-link-xero)."""
    if not books.short_code or not bill_id:
        return ""
    page = f"/AccountsPayable/Edit.aspx?InvoiceID={bill_id}"
    return f"{organisation.web_url}/organisationlogin/default.aspx?shortcode={books.short_code}&redirecturl={page}"


def choice_label(kind: Choose) -> str:
    """A choice as it stands beside its button."""
    return CHOICE_LABELS[kind]


def choice_effect(kind: Choose, decision: Decision, books: Books) -> str:
    """What a choice will do, in one line."""
    if kind is Choose.DATE and decision.verdict.proposed:
        return f"{EFFECTS[kind]} The first open day is {day(decision.verdict.proposed)}."
    amounts = next((d for d in decision.verdict.differences if d.field is Field.TOTAL), None)
    if amounts and kind is Choose.KEEP:
        return f"{money(amounts.theirs, bill_currency(decision, books))} stays. {EFFECTS[kind]}"
    if amounts and kind is Choose.OVERWRITE:
        return f"The bill is changed to {money(amounts.ours, currency_of(decision, books))}; its state stays as it is."
    if kind is Choose.BILL_DIFFERENCE and amounts:
        currency = bill_currency(decision, books)
        rest, there = money(amounts.ours - amounts.theirs, currency), money(amounts.theirs, currency)
        return f"A second bill of {rest} is made; the one of {there} stays as it is."
    if kind is Choose.BILL_AGAIN and not decision.case.link.parts:
        return f"A new bill of {amount_of(decision.case.milestone, books)} is made; the old one stays as it is."
    return EFFECTS[kind]


def _number(bill: Bill) -> str:
    return bill.number or "a bill without a number"


def amount_of(milestone: Milestone, books: Books) -> str:
    """What the milestone promises."""
    return money(milestone.amount, milestone.currency or books.currency)


class _Values(dict[str, str]):
    """The names that the sentences of `reasons` may use, each worked out only when a sentence asks for it."""

    def __init__(self, decision: Decision, books: Books) -> None:
        super().__init__()
        self.case, self.verdict, self.books = with_adopted(decision).case, decision.verdict, books
        own = (*self.case.ours, *self.case.parts, *([self.case.bill] if self.case.bill else []))
        named = [bill for bill in own if bill.bill_id in self.verdict.others]
        self.bill = max(named, key=lambda bill: bill.settled, default=self.case.bill)

    def __missing__(self, name: str) -> str:
        return str(getattr(self, f"_{name}")())

    def _payee(self) -> str:
        return self.case.milestone.payee

    def _key(self) -> str:
        return self.case.milestone.key

    def _number(self) -> str:
        return self.bill.number if self.bill and self.bill.number else "in Xero"

    def _amount(self) -> str:
        write = self.verdict.write
        return money(write.terms.total, write.terms.currency) if write else amount_of(self.case.milestone, self.books)

    def _bill_total(self) -> str:
        bill = self.bill
        return money(bill.total, bill.currency) if bill else amount_of(self.case.milestone, self.books)

    def _settled(self) -> str:
        live, bill = self.case.live, self.bill
        if self.verdict.reason is Reason.PART_PAID and live:
            return money(sum((each.settled for each in live), ZERO), live[0].currency)
        return money(bill.settled, bill.currency) if bill else "nothing"

    def _change(self) -> str:
        ours, theirs, currency = (
            self.verdict.ours,
            self.verdict.theirs,
            self.bill.currency if self.bill else self.books.currency,
        )
        apart = ours.total - theirs.total if ours and theirs and Field.TOTAL in self.verdict.fields else ZERO
        if apart > 0:
            return f"Bill the difference of {money(apart, currency)} with a second bill, or keep the bill as it is."
        if apart < 0:
            much = f"If the {money(-apart, currency)} too much is to come back, enter a credit note in Xero"
            return f"{much}: billwatch makes none. Then keep the bill as it is."
        return "Keep the bill as it is, or change it by hand in Xero."

    def _date(self) -> str:
        return day(_date_in_question(self.case, self.verdict))

    def _lock(self) -> str:
        return day(self.verdict.lock) if self.verdict.lock else "an unknown date"

    def _proposed(self) -> str:
        return day(self.verdict.proposed) if self.verdict.proposed else "the first open day"

    def _fields(self) -> str:
        changed = [d.field for d in self.verdict.differences]
        return fields_in_words(changed or list(self.verdict.write.fields if self.verdict.write else ()))

    def _message(self) -> str:
        text = self.verdict.message
        return text if self.verdict.reason is Reason.REFUSED else f" ({text})" if text else ""

    def _until(self) -> str:
        exemption = self.case.exemption
        return f" until {day(exemption.until)}" if exemption and exemption.until else ""

    def _why(self) -> str:
        return self.case.exemption.reason if self.case.exemption else ""

    def _unwanted(self) -> str:
        milestone = self.case.milestone
        if milestone.cancelled:
            return "The milestone was cancelled"
        return "The milestone's amount is 0 now" if not milestone.amount else "The milestone is no longer to be billed"

    def _account(self) -> str:
        return self.verdict.message or self.case.milestone.account

    def _tax(self) -> str:
        return self.verdict.message or self.case.milestone.tax

    def _tracking(self) -> str:
        return self.verdict.message

    def _currency(self) -> str:
        return self.case.milestone.currency or self.books.currency


def _date_in_question(case: Case, verdict: Verdict) -> dt.date:
    if verdict.link.locked_out:
        return verdict.link.locked_out
    return verdict.write.terms.date if verdict.write else case.bill.date if case.bill else case.milestone.date
