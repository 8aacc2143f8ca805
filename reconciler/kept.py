"""What stands in Xero other than on the milestone because somebody decided so: which values, who, and when. Pure."""

from collections.abc import Iterable
from typing import Any, Protocol

from reconciler.model import Decision, Difference, Field, Terms, differing
from reconciler.organisation import Books
from reconciler.reasons import Choose
from reconciler.records import Choice
from reconciler.words import bill_currency, contact_name, currency_of, field_name, moment, show


class Moment(Protocol):
    """Something that happened to a milestone, of which `value` tells."""

    @property
    def value(self) -> Any: ...


def kept(decision: Decision, moments: Iterable[Moment], books: Books) -> list[tuple[str, str]]:
    """For each field that was left as Xero has it, its name and a sentence with both values; then who left it so.

    `moments` are the milestone's, oldest first. Nothing is told of a bill that is no longer the milestone's.
    """
    left = {each.field: each for each in _left(decision)}
    if not left:
        return []
    told = [("Kept", _sentence(each, decision, books)) for each in left.values()]
    choices = [m.value for m in moments if isinstance(m.value, Choice) and m.value.kind is Choose.KEEP]
    if choices:
        told.append(("By", f"{choices[-1].by}, {moment(choices[-1].at, books.zone)}"))
    return told


def _left(decision: Decision) -> list[Difference]:
    """The fields in which our last wish, taken as settled, and what Xero had then are not the same."""
    link, bill = decision.verdict.link, decision.case.bill
    if link.asked is None or link.seen is None or bill is None or not bill.status.live:
        return []
    theirs = bill.terms(link.asked.sense)
    apart = differing(link.asked, link.seen) - decision.verdict.fields - {Field.LINES, Field.SENSE}
    stated = [f for f in Field if f in apart and getattr(link.asked, f) not in (None, "", ())]
    return [Difference(f, _of(link.asked, f), _of(theirs, f)) for f in stated if _of(theirs, f) == _of(link.seen, f)]


def _of(terms: Terms, field: Field) -> Any:
    return getattr(terms, field)


def _sentence(each: Difference, decision: Decision, books: Books) -> str:
    if each.field is Field.CONTACT:
        ours, theirs = contact_name(decision.case, each.ours), contact_name(decision.case, each.theirs)
    else:
        ours = show(each.field, each.ours, currency_of(decision, books))
        theirs = show(each.field, each.theirs, bill_currency(decision, books))
    return f"{field_name(each.field)} as Xero has it, {theirs}; the milestone says {ours}."
