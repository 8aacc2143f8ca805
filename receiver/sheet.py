"""A sheet in words: everything that the page behind a link says, worked out before the template sees it."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from receiver.ports import Sheet
from reconciler.choices import fitting
from reconciler.locks import effective_lock
from reconciler.model import Bill, Decision, Field, differing, first_open
from reconciler.organisation import Books
from reconciler.outlook import if_nobody_acts
from reconciler.reasons import Choose, words
from reconciler.words import (
    EFFECTS,
    EXEMPT_SEVERAL,
    bill_link,
    bill_state,
    choice_effect,
    choice_label,
    currency_of,
    day,
    explain,
    fields_in_words,
    moment,
    money,
    sides,
    what_to_do,
    who_and_when,
)

A_WEEK = dt.timedelta(days=7)
ONE_BILL = frozenset({Choose.LINK, Choose.REPLACED_BY})
TECHNICAL = frozenset({Field.SENSE, Field.LINES, Field.CURRENCY})


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to look: a name and a web address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Item:
    """One milestone of the page. `who` did what it is about, and when; `rows` are (field, milestone, bill), `facts`
    (name, value). `seen` is its print and its key, by which a form tells what it was filled in on."""

    key: str
    title: str
    payee: str
    amount: str
    date: str
    explanation: str
    todo: str
    who: str
    rows: list[tuple[str, str, str]]
    same: str
    facts: list[tuple[str, str]]
    places: list[Place]
    seen: str


@dataclass(frozen=True, slots=True)
class OtherBill:
    """A bill that a person may say is the milestone's."""

    bill_id: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Option:
    """A choice on offer, and what follows from it."""

    kind: Choose
    label: str
    effect: str


@dataclass(frozen=True, slots=True)
class View:
    """The page. `date` is proposed for a new date, `remind` for a reminder; `others` are bills to choose from."""

    organisation: str
    title: str
    headline: str
    explanation: str
    todo: str
    nobody: str
    total: str
    checked: str
    address: str
    fingerprint: str
    items: list[Item]
    options: list[Option]
    others: list[OtherBill]
    date: dt.date | None
    remind: dt.date | None

    @property
    def one(self) -> bool:
        """Whether the page is about a single milestone."""
        return len(self.items) == 1

    def option(self, kind: str) -> Option | None:
        """The option of that name, when it is on offer."""
        return next((option for option in self.options if option.kind == kind), None)


def narrow(sheet: Sheet, key: str | None) -> Sheet:
    """The sheet with that milestone alone; the whole sheet when there is no such milestone on it."""
    items = tuple(d for d in sheet.items if d.case.milestone.key == key)
    return replace(sheet, items=items, beside=len(sheet.items) - len(items)) if items else sheet


def view(sheet: Sheet) -> View:
    """What the page says of a sheet that has at least one milestone."""
    first, books, headline = sheet.items[0], sheet.books, _headline(sheet)
    return View(
        organisation=sheet.organisation.name,
        title=capital(headline) or "To be decided",
        headline=headline,
        explanation=_explanation(sheet),
        todo=_todo(sheet),
        nobody=_nobody(sheet),
        total=total(sheet, [d.case.milestone.key for d in sheet.items]),
        checked=moment(sheet.read_at, books.zone) if sheet.read_at else "",
        address=sheet.address,
        fingerprint=sheet.fingerprint,
        items=[_item(decision, sheet) for decision in sheet.items],
        options=_options(sheet),
        others=[other_bill(bill, sheet) for bill in _candidates(first)] if len(sheet.items) == 1 else [],
        date=first.verdict.proposed,
        remind=sheet.read_at.astimezone(ZoneInfo(books.zone)).date() + A_WEEK if sheet.read_at else None,
    )


def _headline(sheet: Sheet) -> str:
    """What all of them are about; empty where they differ."""
    headlines = {words(decision.verdict.reason).headline for decision in sheet.items}
    return headlines.pop() if len(headlines) == 1 else ""


def _explanation(sheet: Sheet) -> str:
    """One sentence for all; empty when each milestone has its own."""
    sentences = {explain(decision, sheet.books) for decision in sheet.items}
    if len(sentences) == 1:
        return sentences.pop()
    locks = {decision.verdict.lock for decision in sheet.items}
    lock = locks.pop() if len(locks) == 1 else None
    return f"Xero is locked to {day(lock)}, and these bills are dated on or before that day." if lock else ""


def _todo(sheet: Sheet) -> str:
    """What to do, where it is the same for all; else it stands with each milestone."""
    sentences = {what_to_do(decision, sheet.books) for decision in sheet.items}
    return sentences.pop() if len(sentences) == 1 else ""


def _nobody(sheet: Sheet) -> str:
    count = len(sheet.items)
    if count == 1:
        return if_nobody_acts(sheet.items[0], sheet.books)
    unbilled = sum(decision.case.bill is None for decision in sheet.items)
    if not unbilled:
        return f"If nobody acts, these {count} stay as they are in Xero."
    if unbilled == count:
        return f"If nobody acts, these {count} are not billed, and not paid."
    fate, stay = "is" if unbilled == 1 else "are", "stays as it is" if count - unbilled == 1 else "stay as they are"
    return f"If nobody acts, {unbilled} of these {fate} not billed, and not paid; {count - unbilled} {stay}."


def total(sheet: Sheet, keys: Collection[str]) -> str:
    """The money of these milestones, summed up per currency."""
    sums: dict[str, Decimal] = {}
    for decision in sheet.items:
        if decision.case.milestone.key in keys:
            currency = currency_of(decision, sheet.books)
            sums[currency] = sums.get(currency, Decimal(0)) + decision.case.milestone.amount
    return " + ".join(money(amount, currency) for currency, amount in sums.items())


def _item(decision: Decision, sheet: Sheet) -> Item:
    milestone, books = decision.case.milestone, sheet.books
    return Item(
        key=milestone.key,
        title=milestone.title,
        payee=milestone.payee,
        amount=money(milestone.amount, currency_of(decision, books)),
        date=day(milestone.date),
        explanation=explain(decision, books),
        todo=what_to_do(decision, books),
        who=_who(decision, books),
        rows=[(capital(name), ours, theirs) for name, ours, theirs in sides(decision, books)],
        same=_same(decision),
        facts=list(_facts(decision, sheet)),
        places=_places(decision, sheet),
        seen=f"{sheet.prints.get(milestone.key, '')} {milestone.key}",
    )


def _who(decision: Decision, books: Books) -> str:
    deed = decision.case.deed
    return f"{capital(deed.did)} in Xero {who_and_when(deed, books)}" if deed else ""


def _same(decision: Decision) -> str:
    verdict = decision.verdict
    if verdict.ours is None or verdict.theirs is None:
        return ""
    different = differing(verdict.ours, verdict.theirs)
    equal = [f for f in Field if f not in different | TECHNICAL and getattr(verdict.ours, f)]
    more = [f for f in different - verdict.fields if f not in TECHNICAL]
    sentences = [f"{capital(fields_in_words(equal))}: the same."] if equal else []
    sentences += [f"{capital(fields_in_words(more))}: different as well, but not at issue."] if more else []
    return " ".join(sentences)


def _facts(decision: Decision, sheet: Sheet) -> Iterator[tuple[str, str]]:
    milestone, bill = decision.case.milestone, decision.case.bill
    if not decision.verdict.differences:
        yield "Milestone", f"{money(milestone.amount, currency_of(decision, sheet.books))}, dated {day(milestone.date)}"
    if bill:
        yield "Bill in Xero", f"{bill.number or 'without a number'}, {bill_state(bill)}, dated {day(bill.date)}"
        if deed := decision.case.deed:
            yield f"{capital(deed.did)} in Xero", who_and_when(deed, sheet.books)
        if not decision.verdict.differences:
            yield "Bill total", money(bill.total, bill.currency)
        if bill.due_date and bill.due > 0:
            yield "Due", f"{money(bill.due, bill.currency)} on {day(bill.due_date)}"
    for earlier in decision.case.parts:
        yield "Earlier bill", in_one_line(earlier)
    for other in _named(decision):
        yield "Also in Xero", in_one_line(other)
    lock = effective_lock(sheet.organisation, sheet.books)
    yield "Locked period", f"to {day(lock)}; first open day {day(first_open(lock))}" if lock else "none"


def _places(decision: Decision, sheet: Sheet) -> list[Place]:
    links, bill = decision.case.milestone.links, decision.case.bill
    named = [("Milestone", links.milestone), ("Application", links.application), ("Contract", links.contract)]
    named += [("Bill in Xero", _link(bill, sheet))] if bill else []
    more = (*decision.case.parts, *_named(decision))
    named += [(f"{other.number or 'Other bill'} in Xero", _link(other, sheet)) for other in more]
    return [Place(name, url) for name, url in named if _web(url)]


def _web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def _options(sheet: Sheet) -> list[Option]:
    offered: Sequence[Choose] = fitting(sheet.items[0], sheet.organisation)
    for decision in sheet.items[1:]:
        also = fitting(decision, sheet.organisation)
        offered = [kind for kind in offered if kind in also and kind not in ONE_BILL]
    return [Option(kind, _label(kind, sheet), _effect(kind, sheet)) for kind in offered]


def _label(kind: Choose, sheet: Sheet) -> str:
    return EXEMPT_SEVERAL[0] if kind is Choose.EXEMPT and len(sheet.items) > 1 else choice_label(kind)


def _effect(kind: Choose, sheet: Sheet) -> str:
    if len(sheet.items) == 1 or kind is Choose.DATE:
        return choice_effect(kind, sheet.items[0], sheet.books)
    return EXEMPT_SEVERAL[1] if kind is Choose.EXEMPT else EFFECTS[kind]


def _named(decision: Decision) -> list[Bill]:
    return [bill for bill in _candidates(decision) if bill.bill_id in decision.verdict.others]


def _candidates(decision: Decision) -> list[Bill]:
    case = decision.case
    known = {bill.bill_id: bill for bill in (*case.ours, *case.similar)}
    return [bill for bill in known.values() if bill.status.live]


def other_bill(bill: Bill, sheet: Sheet) -> OtherBill:
    """A bill that can be chosen."""
    return OtherBill(bill.bill_id, in_one_line(bill), _link(bill, sheet))


def in_one_line(bill: Bill) -> str:
    """A bill by number, amount, date, payee and state."""
    text = f"{bill.number or 'Bill without a number'}, {money(bill.total, bill.currency)}, {day(bill.date)}"
    return f"{text}, {bill.contact_name}, {bill_state(bill)}"


def _link(bill: Bill, sheet: Sheet) -> str:
    return bill_link(sheet.organisation, sheet.books, bill.bill_id)


def capital(text: str) -> str:
    """The text with its first letter in capitals, the others as they are."""
    return text[:1].upper() + text[1:]
