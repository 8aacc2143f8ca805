"""A choice made about a case, and the case and the decision that follow."""

from typing import Any

from case_builders import (
    a_choice,
    an_organisation,
    decided,
    judge,
    some_books,
)
from msgspec.structs import replace

from reconciler.choices import choose
from reconciler.model import Case, Decision, Verdict
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Choose


def following(case: Case, decision: Decision, **details: Any) -> Case:
    """The case as it stands once the choice has been made."""
    organisation, books = details.pop("organisation", an_organisation()), details.pop("books", some_books())
    link, exemption = choose(decision, a_choice(**details), organisation, books)
    known = {b.bill_id: b for b in (*case.ours, *case.similar, *case.parts, *((case.bill,) if case.bill else ()))}
    ours = tuple(b for b in case.ours if b.bill_id != link.bill_id)
    similar = () if link.bill_id else case.similar
    missing = case.missing and link.bill_id == case.link.bill_id
    return replace(
        case,
        link=link,
        bill=known.get(link.bill_id),
        missing=missing,
        parts=tuple(known[part.bill_id] for part in link.parts),
        ours=ours,
        similar=similar,
        exemption=exemption or case.exemption,
    )


def after(
    kind: Choose,
    case: Case,
    organisation: Organisation | None = None,
    books: Books | None = None,
    **details: Any,
) -> tuple[Case, Verdict]:
    """The case and the decision that follow on a choice."""
    organisation, books = organisation or an_organisation(), books or some_books()
    decision = decided(case, organisation, books)
    chosen = following(case, decision, kind=kind, organisation=organisation, books=books, **details)
    return chosen, judge(chosen, organisation, books)
