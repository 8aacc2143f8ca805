"""Which contact each payee is, once a bill has shown it; so that a contact renamed in Xero stays the payee's."""

from reconciler.model import NEW_CONTACT, Link
from storage.database import Store
from storage.mirrored import PayeeRow


def remember_payee(store: Store, organisation: str, folded: str, link: Link) -> None:
    """Keep the contact on which milestone and bill agree; a contact that only Xero's side has says nothing."""
    if link.asked is None or link.seen is None or link.asked.contact != link.seen.contact:
        return
    if link.seen.contact.startswith(NEW_CONTACT):
        return
    row = {"organisation": organisation, "folded": folded, "contact_id": link.seen.contact}
    store.insert(
        PayeeRow, [row], conflict_target=[PayeeRow.organisation, PayeeRow.folded], preserve=[PayeeRow.contact_id]
    )
