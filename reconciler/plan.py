"""What a sync would write. Pure: a value, which the decision judges before anything is sent."""

from msgspec.structs import replace

from reconciler.compare import LINE, View, due_date, taken
from reconciler.locks import effective_lock, locked
from reconciler.model import Field, Terms, Write, bill_number, differing, first_open


def plan(view: View) -> Write:
    """What would be written: a whole new bill, or the pending fields with everything else as Xero has it."""
    organisation, bill, theirs = view.organisation, view.bill, view.theirs
    if bill is None or theirs is None:
        terms, moved = _moved(view, view.ours)
        number = bill_number(organisation.number_prefix, view.case.milestone.key, view.link.generation)
        return Write(terms, organisation.status, number, url=view.case.milestone.links.milestone, moved=moved)
    fields = view.pending
    if Field.TOTAL in fields:
        fields |= differing(view.ours, theirs) & {Field.SENSE}
    whole_line = LINE if Field.LINES in fields else frozenset()
    fields |= differing(view.ours, theirs) & whole_line
    terms, moved = _moved(view, taken(theirs, view.ours, fields | whole_line))
    if moved:
        fields |= {Field.DATE, Field.DUE_DATE}
    return Write(terms, bill.status, bill.number, bill_id=bill.bill_id, fields=fields, moved=moved)


def _moved(view: View, terms: Terms) -> tuple[Terms, bool]:
    """The terms with their date moved out of a locked period, where the policy says so."""
    lock, policy = effective_lock(view.organisation, view.books), view.organisation.policy
    unapproved = view.bill.status.unapproved if view.bill else view.organisation.status.unapproved
    pushes = unapproved and policy.locked_drafts == "push"
    if lock is None or pushes or policy.locked_dates != "move" or not locked(terms.date, lock):
        return terms, False
    date = first_open(lock)
    return replace(terms, date=date, due_date=due_date(view.case, view.organisation, date)), True
