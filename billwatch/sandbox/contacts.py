"""Which contact a document means, and what it changes on that contact. Pure.

A contact given by `ContactID` may carry other fields, which then change the contact itself. Without an ID the number
and then the exact name are looked up, regardless of case; an unknown name is a new contact (Xero, Invoices page).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from billwatch.sandbox import messages
from billwatch.sandbox.books import Bill, Contact, Organisation, new_id
from billwatch.sandbox.wish import ContactWish


def resolve(org: Organisation, wish: ContactWish | None, before: Bill | None) -> tuple[Contact | None, tuple[str, ...]]:
    """The contact as it would be after the write, and why it cannot be told, if so."""
    if wish is None:
        return (org.contacts.get(before.contact_id) if before else None), ()
    if wish.contact_id:
        found = org.contacts.get(wish.contact_id)
        return (edited(found, wish), ()) if found else (None, (messages.UNKNOWN_CONTACT,))
    found = _by_number(org, wish.number) or _by_name(org, wish.name)
    if found is not None:
        return edited(found, replace(wish, name=None)), ()
    if wish.name and wish.name.strip():
        return fresh(wish), ()
    return None, (messages.NO_CONTACT,)


def changed(org: Organisation, contact: Contact | None) -> Contact | None:
    """The contact if it differs from what the books hold, so that it must be saved along."""
    return contact if contact is not None and org.contacts.get(contact.contact_id) != contact else None


def fresh(wish: ContactWish) -> Contact:
    return edited(Contact(new_id(), ""), wish)


def edited(contact: Contact, wish: ContactWish) -> Contact:
    fields: dict[str, Any] = dict(wish.fields)
    return replace(contact, name=(wish.name or contact.name).strip(), **fields)


def refusals(org: Organisation, contact: Contact) -> Iterator[str]:
    """Why this contact could not be saved by itself."""
    if not contact.name:
        yield "The Contact Name must be specified."
    for twin in org.contacts_named(contact.name):
        if twin.contact_id != contact.contact_id and twin.status == contact.status == "ACTIVE":
            yield messages.name_taken(contact.name)
            return


def _by_number(org: Organisation, number: str | None) -> Contact | None:
    if not number:
        return None
    return next((one for one in org.contacts.values() if one.number == number), None)


def _by_name(org: Organisation, name: str | None) -> Contact | None:
    return next(iter(org.contacts_named(name)), None) if name else None
