"""Cases that are usual but for a few things, out of all that the decision looks at; or a great many."""

from decimal import Decimal
from typing import Any

from case_builders import (
    AMOUNT,
    DATE,
    KNOWN,
    LINK,
    PAYEE,
    PERMISSIVE,
    SEEN,
    TERMS,
    UNDER,
    a_bill,
    a_line,
    a_milestone,
    an_organisation,
    billed,
    day,
    exempt,
    linked,
    some_books,
    two_lines,
    unbilled,
)
from decision_table import ALIKE, HALF, NO, TWICE
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.compare import mark, with_adopted
from reconciler.model import EXPENSE_CLAIMS, Bill, Case, Contact, Decision, Link, Sense, Status, Verdict, part_of
from reconciler.organisation import Books, Mode, Organisation
from reconciler.reasons import Reason

Facts = tuple[Case, Organisation, Books]

VOIDED = a_bill(status=Status.VOIDED)
OVERWRITTEN = replace(
    LINK,
    asked=replace(TERMS, lines=2),
    accepted=((Reason.EDITED_IN_XERO, mark("bill-1", two_lines().terms(Sense.INCLUSIVE))),),
)
MORE = AMOUNT + HALF
FIRST = a_bill(status=Status.PAID)
SECOND = a_bill(bill_id="bill-2", number="GRANT-M1-2", total=HALF)
IN_PARTS = Link(generation=2, parts=(part_of(FIRST),))
TO_SECOND = replace(
    LINK,
    bill_id="bill-2",
    generation=2,
    asked=replace(TERMS, total=HALF),
    seen=replace(SEEN, total=HALF),
    parts=IN_PARTS.parts,
)
BASES = (
    unbilled(),
    unbilled(ours=(a_bill(),)),
    unbilled(ours=TWICE),
    unbilled(similar=ALIKE),
    unbilled(ended=(VOIDED,)),
    linked(),
    billed(),
    billed(),
    billed(bill=a_bill(status=Status.DRAFT)),
    billed(bill=a_bill(status=Status.AUTHORISED)),
    billed(bill=a_bill(status=Status.AUTHORISED, paid=HALF)),
    billed(bill=a_bill(status=Status.PAID)),
    billed(bill=VOIDED),
    billed(bill=two_lines()),
    billed(bill=two_lines(), link=OVERWRITTEN),
    Case(a_milestone(), LINK, missing=True),
    Case(a_milestone(), LINK),
    unbilled(a_milestone(amount=MORE), link=IN_PARTS, parts=(FIRST,)),
    billed(a_milestone(amount=MORE), SECOND, link=TO_SECOND, parts=(FIRST,)),
    billed(a_milestone(amount=MORE), replace(SECOND, status=Status.AUTHORISED), link=TO_SECOND, parts=(FIRST,)),
    unbilled(a_milestone(amount=MORE), link=IN_PARTS, lost=("bill-1",)),
)
DAYS = (day("2026-06-30"), day("2026-07-05"), day("2026-07-31"), day("2028-02-29"))
LOCKS = (day("2026-06-30"), DATE, day("2026-07-31"))
TWO = (("Region", "North"), ("Fund", "Arts"))
UNUSUAL: dict[str, dict[str, tuple[Any, ...]]] = {
    "milestone": {
        "amount": (Decimal(0), HALF, Decimal("15000.01")),
        "date": DAYS,
        "due_date": DAYS,
        "title": ("Third stage", ""),
        "currency": ("AUD", "USD"),
        "stages": (frozenset(), frozenset({"signed"})),
        "cancelled": (True,),
        "contact_id": ("contact-1", "contact-9"),
        "account": ("429", "999"),
        "tax": ("NONE", "INPUT2", "GSTX"),
        "sense": tuple(Sense),
        "tracking": (TWO, (("Region", "West"),)),
    },
    "bill": {
        "number": (EXPENSE_CLAIMS,),
        "contact_id": ("contact-2",),
        "date": DAYS,
        "due_date": (None, DAYS[1]),
        "currency": ("AUD",),
        "total": (HALF,),
        "subtotal": (HALF, Decimal("13043.48")),
        "sense": tuple(Sense),
        "credited": (Decimal("1.00"),),
        "lines": ((), (a_line(tax="INPUT2"),), (a_line(account="429", description="Aroha"),)),
    },
    "link": {
        "generation": (2,),
        "asked": (replace(TERMS, total=HALF), replace(TERMS, date=DAYS[1]), replace(TERMS, sense=Sense.EXCLUSIVE)),
        "seen": (replace(SEEN, total=HALF), replace(SEEN, contact="contact-2"), replace(SEEN, tax="INPUT2")),
        "settled": (HALF,),
        "chosen_date": DAYS,
        "chosen_for": (DATE,) * 4,
        "locked_out": (DATE, DATE, DAYS[1]),
        "refusal": (NO, replace(NO, theirs=SEEN)),
        "pending_attempt": (4,),
        "under": (None, replace(UNDER, description="{title}: {payee}"), replace(UNDER, sense=Sense.EXCLUSIVE)),
        "accepted": (((Reason.POSSIBLE_DUPLICATE, "bill-7"), (Reason.EXEMPT_WITH_BILL, "bill-1")),),
    },
    "organisation": {
        "mode": (Mode.WATCH,),
        "account": ("", "429"),
        "sense": (Sense.EXCLUSIVE, Sense.NO_TAX),
        "tax": ("INPUT2",),
        "currency": ("AUD",),
        "status": (Status.DRAFT, Status.AUTHORISED, Status.AUTHORISED),
        "tracking": (TWO,),
        "warn_when_equal": (True,),
        **{name: (value,) * 2 for name, value in PERMISSIVE.items()},
    },
    "books": {
        "period_lock": LOCKS * 2,
        "year_lock": LOCKS,
        "adviser": (True,),
        "may_approve": (False,),
        "accounts": (None, frozenset({"429"})),
        "taxes": (None, frozenset()),
        "currencies": (None, frozenset({"AUD"})),
        "tracking": (None, frozenset()),
        "swept_at": (None,),
        "hold": (Reason.PAUSED, Reason.MASS_CHANGE),
        "room": (0, 1),
        "room_money": (Decimal("14999.99"), Decimal("15000.00")),
        "zone": ("UTC", "America/St_Johns"),
    },
    "case": {
        "contacts": (
            (),
            (Contact("contact-2", PAYEE),),
            (*KNOWN, Contact("contact-0", PAYEE)),
            (Contact("contact-3", PAYEE), Contact("contact-0", PAYEE, archived=True)),
            (Contact("contact-1", PAYEE, archived=True),),
            (Contact("contact-1", PAYEE, archived=True, merged_to="contact-2"),),
        ),
        "exemption": (exempt(), exempt("2026-07-09"), exempt("2026-07-10")),
    },
}
ODDITIES = [(part, name, value) for part, own in UNUSUAL.items() for name, values in own.items() for value in values]


@st.composite
def likely(draw: st.DrawFn, *, most: int = 6) -> Facts:
    """A usual case in which at most so many things are not."""
    case = draw(st.sampled_from(BASES))
    odd: dict[str, dict[str, Any]] = {part: {} for part in UNUSUAL}
    for part, name, value in draw(st.lists(st.sampled_from(ODDITIES), max_size=most)):
        odd[part][name] = value
    link = replace(case.link, **_fitting(case.link, odd["link"]))
    case = replace(case, milestone=replace(case.milestone, **odd["milestone"]), link=link, **odd["case"])
    if draw(st.booleans()):
        case = replace(case, parts=tuple(replace(b, **odd["bill"]) for b in case.parts))
    case = replace(case, bill=_changed(case.bill, odd["bill"]), ours=tuple(_changed(b, odd["bill"]) for b in case.ours))
    return case, an_organisation(**odd["organisation"]), some_books(**odd["books"])


def _fitting(link: Link, odd: dict[str, Any]) -> dict[str, Any]:
    """Without a base there is nothing that was asked or seen."""
    return odd if link.asked else {name: value for name, value in odd.items() if name not in ("asked", "seen")}


def _changed(bill: Bill | None, odd: dict[str, Any]) -> Bill | None:
    return replace(bill, **odd) if bill else None


def next_case(case: Case, verdict: Verdict) -> Case:
    """The case as the ledger puts it together once the verdict was recorded."""
    case = with_adopted(Decision(case, verdict)).case
    bill_id = verdict.link.bill_id
    ours = tuple(bill for bill in case.ours if bill.bill_id != bill_id)
    rest = {} if not bill_id else {"similar": (), "ended": ()}
    return replace(case, link=verdict.link, ours=ours, **rest)


def turned(facts: Facts) -> Facts:
    """The same facts, collections in the other order; settings come in one order, however they are written."""
    case, organisation, books = facts
    case = replace(
        case,
        milestone=replace(case.milestone, tracking=case.milestone.tracking[::-1]),
        link=replace(case.link, accepted=case.link.accepted[::-1]),
        ours=case.ours[::-1],
        similar=case.similar[::-1],
        contacts=case.contacts[::-1],
    )
    return case, organisation, books
