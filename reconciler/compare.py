"""The three-way comparison: what we want, what we last asked for and saw, and what Xero holds.

Per field, with *ours* the milestone now and *theirs* the bill now:
pending = ours differs from what was asked and from theirs; edited = theirs differs from what was seen; conflict = both.
Ours equal to theirs settles the field, so that a repair by hand clears everything by itself.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import astuple, replace

from reconciler.model import (
    NEW_CONTACT,
    ZERO,
    Bill,
    Case,
    Decision,
    Field,
    Link,
    Milestone,
    Sense,
    Terms,
    Tracking,
)
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason
from reconciler.value import Value

MONEY = frozenset({Field.TOTAL, Field.CURRENCY, Field.CONTACT})
MATERIAL = MONEY | {Field.DATE}
PLACEHOLDERS = ("title", "key", "payee", "description")
LONGEST_DESCRIPTION = 4_000
NONE = frozenset[Field]()
# Under this reason it is remembered that a person leaves earlier bills as they are; see `parts_mark`.
PARTS_KEPT = Reason.BILL_APPROVED
LINE = frozenset({Field.TOTAL, Field.DESCRIPTION, Field.ACCOUNT, Field.TAX, Field.SENSE, Field.TRACKING})


class View(Value, frozen=True):
    """A case with everything that the rows of the decision derive from it; `link` is the memory as it stands so far."""

    case: Case
    organisation: Organisation
    books: Books
    now: dt.datetime
    link: Link
    bill: Bill | None
    ours: Terms
    theirs: Terms | None
    pending: frozenset[Field] = NONE
    edited: frozenset[Field] = NONE

    @property
    def today(self) -> dt.date:
        """The calendar day in the organisation's own time zone."""
        return self.now.astimezone(ZoneInfo(self.books.zone)).date()

    @property
    def live(self) -> bool:
        """Whether there is a bill that asks for, or has received, money."""
        return self.bill is not None and self.bill.status.live

    @property
    def firm(self) -> bool:
        """Whether somebody has answered for the bill: it is approved, or paid."""
        return self.bill is not None and self.bill.status.firm

    def accepted(self, reason: Reason, fingerprint: str) -> bool:
        """Whether a person has decided to leave exactly this as it is."""
        return (reason, fingerprint) in self.link.accepted


def look(case: Case, organisation: Organisation, books: Books, now: dt.datetime) -> View:
    """The view of a case before any row was asked."""
    theirs = case.bill.terms(sense_of(case, organisation)) if case.bill else None
    ours = wanted(case, organisation, books, theirs)
    link = _in_sense(case.link, case.bill, ours.sense)
    return compared(View(case, organisation, books, now, link, case.bill, ours, theirs))


def compared(view: View) -> View:
    """The view with settled fields written into the link, and what is pending and edited."""
    ours, theirs, link = view.ours, view.theirs, view.link
    if theirs is None or link.asked is None or link.seen is None:
        return _calm(view)
    if ours == link.asked and theirs == link.seen and link.under == view.organisation.defaults:
        return _calm(view)  # neither side has changed, as with most of them
    asked, seen = settled(ours, theirs, link.asked, link.seen)
    if by_settings := _by_settings_alone(view):
        asked = taken(asked, ours, by_settings)
    pending, edited = _apart(ours, theirs, asked, seen)
    under = view.organisation.defaults if view.firm or not pending else link.under
    if (asked, seen, under) != (link.asked, link.seen, link.under):
        link = replace(link, asked=asked, seen=seen, under=under)
    return replace(view, link=link, pending=pending, edited=edited)


def _calm(view: View) -> View:
    return replace(view, pending=NONE, edited=NONE) if view.pending or view.edited else view


def _apart(ours: Terms, theirs: Terms, asked: Terms, seen: Terms) -> tuple[frozenset[Field], frozenset[Field]]:
    """Of the fields in which milestone and bill differ, those that we want changed, and those changed in Xero."""
    if ours == theirs:
        return NONE, NONE
    pending, edited = [], []
    for field, mine, yours, was_asked, was_seen in zip(Field, *map(astuple, (ours, theirs, asked, seen)), strict=True):
        if mine != yours:
            if mine not in (None, "", was_asked):
                pending.append(field)
            if yours != was_seen:
                edited.append(field)
    return frozenset(pending), frozenset(edited)


def settled(ours: Terms, theirs: Terms, asked: Terms, seen: Terms) -> tuple[Terms, Terms]:
    """Asked and seen, with every field in which milestone and bill agree taken as both."""
    agreed = {f.value: value for f in Field if (value := getattr(ours, f)) == getattr(theirs, f)}
    return replace(asked, **agreed), replace(seen, **agreed)


def _by_settings_alone(view: View) -> frozenset[Field]:
    """The fields of an approved bill that differ from what was asked only because the settings have changed since.

    New settings are for new bills and for drafts; whoever approved a bill answered for it as it was made.
    """
    link, now = view.case.link, view.organisation.defaults
    if not view.firm or link.asked is None or link.under is None or link.under == now:
        return NONE
    before = wanted(view.case, view.organisation.under(link.under), view.books, view.theirs)
    return frozenset(f for f in Field if getattr(before, f) == getattr(link.asked, f))


def sense_of(case: Case, organisation: Organisation) -> Sense:
    """In which sense of tax the milestone's amount is meant."""
    return case.milestone.sense or organisation.sense


def wanted(case: Case, organisation: Organisation, books: Books, theirs: Terms | None) -> Terms:
    """What the bill should say, as the milestone, the settings and a person's choice of date have it."""
    milestone, sense = case.milestone, sense_of(case, organisation)
    date = chosen_date(case) or milestone.date
    return Terms(
        contact=_contact(case, theirs),
        total=milestone.amount - covered(case, sense),
        currency=milestone.currency or organisation.currency or books.currency,
        date=date,
        due_date=due_date(case, organisation, date),
        description=described(milestone, organisation.description),
        account=milestone.account or organisation.account,
        tax=None if sense is Sense.NO_TAX else milestone.tax or organisation.tax or None,
        sense=sense,
        tracking=_tracked(organisation.tracking, milestone.tracking),
    )


def _tracked(usual: Tracking, own: Tracking) -> Tracking:
    return tuple(sorted((dict(usual) | dict(own)).items())) if usual or own else ()


def covered(case: Case, sense: Sense) -> Decimal:
    """How much of the milestone earlier bills cover already, in the given sense of tax."""
    return sum([part.amount(sense) for part in case.link.parts], ZERO)


def chosen_date(case: Case) -> dt.date | None:
    """The date that a person (or the policy) chose, for as long as the platform has not changed its own."""
    link = case.link
    return link.chosen_date if link.chosen_date and link.chosen_for == case.milestone.date else None


def due_date(case: Case, organisation: Organisation, date: dt.date) -> dt.date:
    """The milestone's own due date, or the organisation's usual term after the bill's date."""
    return case.milestone.due_date or organisation.due.after(date)


def described(milestone: Milestone, template: str) -> str:
    """What the bill's line says, no longer than Xero takes."""
    text = template.format(
        title=milestone.title,
        key=milestone.key,
        payee=milestone.payee,
        description=milestone.description or milestone.title,
    )
    return text[:LONGEST_DESCRIPTION]


def with_adopted(decision: Decision) -> Decision:
    """The decision with the bill that it linked by itself as the bill of its case, as the next one will have it."""
    case, bill_id = decision.case, decision.verdict.link.bill_id
    if case.bill is not None or not bill_id:
        return decision
    adopted = next((bill for bill in (*case.ours, *case.ended) if bill.bill_id == bill_id), None)
    return replace(decision, case=replace(case, bill=adopted)) if adopted else decision


def taken(terms: Terms, source: Terms, fields: Iterable[Field]) -> Terms:
    """The terms with these fields as the source has them."""
    return replace(terms, **{f.value: getattr(source, f) for f in fields})


def mark(*values: object) -> str:
    """A short fingerprint of facts, the same on every machine."""
    return hashlib.sha256(repr([_canonical(value) for value in values]).encode()).hexdigest()[:16]


def unwanted_mark(milestone: Milestone, bill_id: str) -> str:
    """The fingerprint of a bill that nobody asks for any more, quiet until the milestone changes again."""
    return mark(bill_id, milestone.cancelled, milestone.amount, sorted(milestone.stages))


def parts_mark(case: Case) -> str:
    """The fingerprint of a milestone and its earlier bills that a person leaves as they are, until either changes."""
    totals = [(part.bill_id, _canonical(part.total)) for part in case.link.parts]
    return mark(case.milestone.amount, case.milestone.currency, totals)


def _in_sense(link: Link, bill: Bill | None, sense: Sense) -> Link:
    """The memory with its totals in the sense of tax that the milestone has now, so that a new sense on the platform
    does not look like an edit in Xero."""
    asked, seen = link.asked, link.seen
    if bill is None or asked is None or seen is None or asked.sense is sense:
        return link
    total = bill.terms(sense).total
    if seen.total != bill.terms(asked.sense).total or seen.total == total:
        return link
    return replace(link, asked=replace(asked, total=total), seen=replace(seen, total=total))


def _canonical(value: object) -> object:
    """A value of which equal ones look the same: `100.00` like `100`."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, Struct):
        return [_canonical(each) for each in astuple(value)]
    return value


def _contact(case: Case, theirs: Terms | None) -> str:
    """The payee's ContactID, after any merge; among several that it may be, the one that the bill or our memory names.

    Without one of these the first by id is as good as any: it is asked about before it is used.
    """
    ids = sorted({c.merged_to or c.contact_id for c in case.contacts})
    if len(ids) < 2:
        return ids[0] if ids else case.milestone.contact_id or NEW_CONTACT + case.milestone.payee
    asked = case.link.asked.contact if case.link.asked else ""
    paid = [part.contact for part in case.link.parts]
    known = [c for c in (asked, theirs.contact if theirs else "", *paid) if c in ids]
    return (known or ids)[0]
