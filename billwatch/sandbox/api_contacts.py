"""`/Contacts`: list, one, create and update (Xero-OpenAPI, tag Accounting)."""

from dataclasses import replace

from billwatch.sandbox import contacts, listing, shapes, wire, wish
from billwatch.sandbox.books import NIL_ID, Contact
from billwatch.sandbox.gate import Call, NotFound
from billwatch.sandbox.idempotency import Answer
from billwatch.sandbox.wire import Json
from billwatch.sandbox.wish import ContactWish


def index(call: Call) -> Answer:
    wanted = listing.page(call.query, needs_page=call.org.switches.page_size_needs_page)
    since = listing.modified_since(call.headers.get("if-modified-since"))
    found, pagination = listing.cut(listing.contacts(call.org, call.query, since), wanted)
    shown = [shapes.contact(contact) for contact in found]
    return call.answer(200, wire.envelope(call.now, **pagination, Contacts=shown))


def show(call: Call) -> Answer:
    contact = call.org.contacts.get(call.path["contact"].lower())
    if contact is None:
        raise NotFound
    return call.answer(200, wire.envelope(call.now, Contacts=[shapes.contact(contact)]))


def create(call: Call) -> Answer:
    """`PUT /Contacts`: an active contact of that name is refused."""
    return _write(call, [(contacts.fresh(entry), True) for entry in _wishes(call)])


def upsert(call: Call) -> Answer:
    """`POST /Contacts`, with or without an ID: updates the contact of that ID or name, creates the rest."""
    return _write(call, [_meant(call, entry) for entry in _wishes(call)])


def _meant(call: Call, entry: ContactWish) -> tuple[Contact, bool]:
    """The contact as it would be saved, and whether it is new."""
    if given := call.path.get("contact"):
        entry = replace(entry, contact_id=given.lower())
    found, lost = contacts.resolve(call.org, entry, None)
    if lost and entry.contact_id:
        raise NotFound
    meant = found or contacts.fresh(entry)
    if entry.status in ("ACTIVE", "ARCHIVED"):
        meant = replace(meant, status=entry.status)
    return meant, meant.contact_id not in call.org.contacts


def _write(call: Call, asked: list[tuple[Contact, bool]]) -> Answer:
    default = str(call.org.switches.summarize_by_default)
    summarize = call.query.get("summarizeErrors", default).lower() == "true"
    refused = [tuple(contacts.refusals(call.org, contact)) for contact, _ in asked]
    if summarize and any(refused):
        elements = [_refused(*pair, why) for pair, why in zip(asked, refused, strict=True) if why]
        return call.answer(400, wire.validation_exception(elements))
    shown = []
    for (contact, new), why in zip(asked, refused, strict=True):
        if why:
            shown.append({**_refused(contact, new, why), "StatusAttributeString": "ERROR"})
            continue
        saved = call.org.save_contact(contact, call.now)
        shown.append({**shapes.contact(saved), **({} if summarize else {"StatusAttributeString": "OK"})})
    return call.answer(200, wire.envelope(call.now, Contacts=shown))


def _refused(contact: Contact, new: bool, why: tuple[str, ...]) -> Json:
    shape = {**shapes.contact(contact), **({"ContactID": NIL_ID} if new else {})}
    return {**shape, "HasValidationErrors": True, "ValidationErrors": wire.texts(why)}


def _wishes(call: Call) -> list[ContactWish]:
    return [wish.contact(entry) for entry in wish.elements(wire.load(call.body), "Contacts")]
