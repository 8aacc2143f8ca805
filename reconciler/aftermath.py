"""What is remembered after a write, from what Xero answered and from what it held when it was read back. Pure."""

import datetime as dt

from msgspec.structs import replace

from reconciler.compare import LINE, MATERIAL, look, taken
from reconciler.locks import effective_lock
from reconciler.model import NEW_CONTACT, Bill, Case, Field, Link, Refusal, Terms
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason
from reconciler.records import Element
from reconciler.refusals import classify
from reconciler.words import fields_in_words
from reconciler.xero_port import Outcome


def remember(
    case: Case,
    element: Element,
    outcome: Outcome,
    bill: Bill | None,
    organisation: Organisation,
    books: Books,
    now: dt.datetime,
) -> Link:
    """The link after a write; `bill` is the read-back, `None` when nothing was done."""
    link = replace(case.link, pending_attempt=None)
    if outcome.refused:
        return replace(
            link, refusal=_refusal(case, classify(outcome.messages), outcome.messages, organisation, books, now)
        )
    if bill is None:
        return link
    theirs = bill.terms(look(case, organisation, books, now).ours.sense)
    asked, seen = _asked(link, element, theirs), _seen(link, element, theirs)
    settled = max(link.settled, bill.settled) if element.write.bill_id else bill.settled
    link = replace(link, bill_id=bill.bill_id, asked=asked, seen=seen, settled=settled, locked_out=None, refusal=None)
    if not element.write.bill_id:
        link = replace(link, under=organisation.defaults)
    if element.write.moved and case.milestone.version == element.milestone_version:
        link = replace(link, chosen_date=element.write.terms.date, chosen_for=case.milestone.date)
    dropped = [f for f in _written(element) & MATERIAL if getattr(asked, f) != getattr(theirs, f)]
    if dropped:
        said = (f"Xero took the change without a word, but kept its own {fields_in_words(dropped)}.",)
        link = replace(link, asked=taken(asked, theirs, dropped))
        after = replace(case, link=link, bill=bill)
        link = replace(link, refusal=_refusal(after, Reason.REFUSED, said, organisation, books, now))
    return link


def _written(element: Element) -> frozenset[Field]:
    return element.write.fields if element.write.bill_id else frozenset(Field)


def _asked(link: Link, element: Element, theirs: Terms) -> Terms:
    """What counts as asked: what we wrote, a new payee by the ContactID that Xero gave it."""
    terms = element.write.terms
    asked = taken(link.asked or terms, terms, _written(element))
    return replace(asked, contact=theirs.contact) if asked.contact.startswith(NEW_CONTACT) else asked


def _seen(link: Link, element: Element, theirs: Terms) -> Terms:
    """What counts as seen: of an update only what we wrote, so that an edit made meanwhile still shows as one."""
    written = _written(element)
    return taken(link.seen or theirs, theirs, written | LINE if Field.LINES in written else written)


def _refusal(
    case: Case, reason: Reason, messages: tuple[str, ...], organisation: Organisation, books: Books, now: dt.datetime
) -> Refusal:
    view = look(case, organisation, books, now)
    lock, url = effective_lock(organisation, books), case.milestone.links.milestone
    return Refusal(reason, " ".join(messages), view.ours, view.theirs, lock, url)
