"""Whether Xero can use what a write names: payee, currency, account, tax type, tracking, and the right to approve.

Each check knows one cause, quoted in Xero's words, and answers with the reason and what it is about.
"""

from collections.abc import Callable

from reconciler.compare import LINE, View
from reconciler.model import NEW_CONTACT, Field, Status, Tracking, Write
from reconciler.organisation import Books
from reconciler.reasons import Reason

CATEGORIES = 2

Problem = tuple[Reason, str]


def problem(view: View, write: Write) -> Problem | None:
    """The first thing that the write names and Xero would not take; `None` when all of it is usable."""
    fields = write.fields if write.bill_id else frozenset(Field)
    found = (check(view, write, fields) for check in CHECKS)
    return next(filter(None, found), None)


def _contact_problem(view: View, write: Write, fields: frozenset[Field]) -> Problem | None:
    """("The contact with the specified contact details has been archived. …")."""
    if Field.CONTACT not in fields:
        return None
    contacts = view.case.contacts
    if view.case.milestone.contact_id and not contacts:
        return Reason.CONTACT_UNKNOWN, write.terms.contact
    if any(c.archived for c in contacts if c.contact_id == write.terms.contact):
        return Reason.CONTACT_ARCHIVED, ""
    ambiguous = len(contacts) > 1 and not write.terms.contact.startswith(NEW_CONTACT)
    return (Reason.CONTACT_AMBIGUOUS, "") if ambiguous else None


def _currency_problem(view: View, write: Write, fields: frozenset[Field]) -> Problem | None:
    """("Organisation is not subscribed to currency …")."""
    if write.bill_id and Field.CURRENCY in fields:
        return Reason.CURRENCY_CHANGED, ""
    allowed = view.books.currencies
    return (Reason.CURRENCY_DISABLED, "") if allowed is not None and write.terms.currency not in allowed else None


def _line_problem(view: View, write: Write, fields: frozenset[Field]) -> Problem | None:
    """("Account code '…' is not a valid code for this document."); a line is always sent whole, and those of an
    approved bill are judged anew whatever is sent."""
    writes_line, approved = bool(fields & (LINE | {Field.LINES})), not write.status.unapproved
    if not writes_line and not approved:
        return None
    coded = [(write.terms.account, write.terms.tax)]
    if view.bill and not writes_line:
        coded = [(line.account, line.tax) for line in view.bill.lines]
    for account, tax in coded:
        if not _account_fits(account, approved, view.books):
            return Reason.ACCOUNT_UNUSABLE, account or "(none)"
        if tax and view.books.taxes is not None and tax not in view.books.taxes:
            return Reason.TAX_INVALID, tax
    makes = view.organisation.create_tracking_options
    return _tracking_problem(write.terms.tracking, view.books, makes) if writes_line else None


def _account_fits(account: str, approved: bool, books: Books) -> bool:
    if not account:
        return not approved
    return books.accounts is None or account in books.accounts


def to_be_made(tracking: Tracking, books: Books) -> Tracking:
    """The options that are not in Xero and can be: of a category that is, and not one of them in other letters."""
    known = books.tracking or frozenset()
    categories, names = {category for category, _ in known}, {(category, name.casefold()) for category, name in known}
    return tuple((c, option) for c, option in tracking if c in categories and (c, option.casefold()) not in names)


def _tracking_problem(tracking: Tracking, books: Books, makes: bool) -> Problem | None:
    made = to_be_made(tracking, books) if makes else ()
    known = (books.tracking or frozenset()).union(made)
    unknown = [pair for pair in tracking if books.tracking is not None and pair not in known]
    named = ", ".join(f"{category}: {option}" for category, option in unknown or tracking)
    if unknown:
        return Reason.TRACKING_UNUSABLE, f"{named} is not there, or archived"
    too_many = f"{named} are more than the {CATEGORIES} categories that a line takes"
    return (Reason.TRACKING_UNUSABLE, too_many) if len(tracking) > CATEGORIES else None


def _permission_problem(view: View, write: Write, _fields: frozenset[Field]) -> Problem | None:
    """("The User specified does not have the correct permissions to perform this action")."""
    return (Reason.NOT_PERMITTED, "") if write.status is Status.AUTHORISED and not view.books.may_approve else None


CHECKS: tuple[Callable[[View, Write, frozenset[Field]], Problem | None], ...] = (
    _contact_problem,
    _currency_problem,
    _line_problem,
    _permission_problem,
)
