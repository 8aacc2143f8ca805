"""The ninth promise, watched over the whole suite: billwatch never changes the status of a bill that exists, never
writes bank details or a contact's name, never pays, and writes nothing at all in watch mode or while paused.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from billwatch.sandbox.witness import WITNESSES, Written
from billwatch.wiring import House
from reconciler.organisation import Mode

OURS = "billwatch"
TRUSTED_TO = frozenset(
    {
        *("/Invoices", "/Invoices/{invoice}", "/Invoices/{invoice}/History"),
        *("/Invoices/{invoice}/Attachments/{name}", "/TrackingCategories/{category}/Options"),
    }
)
UNTOUCHED = re.compile(rb'"(?:BankAccount\w*|BatchPayments|BankAccountDetails|PaymentTerms|IsSupplier|FirstName)"')
HOUSES: WeakSet[House] = WeakSet()
PAUSED: set[str] = set()
"""The tenants that a test has paused."""


def follow(house: House) -> House:
    """Have the writes of this house held against its modes."""
    HOUSES.add(house)
    return house


@contextmanager
def watching() -> Iterator[list[str]]:
    """What billwatch did meanwhile that it must not do, each as a sentence."""
    broken: list[str] = []

    def witness(written: Written) -> None:
        if written.app == OURS:
            broken.extend(faults(written))

    WITNESSES.append(witness)
    PAUSED.clear()
    try:
        yield broken
    finally:
        WITNESSES.remove(witness)


def faults(written: Written) -> Iterator[str]:
    """What is wrong with one write."""
    told = f"{written.method} {written.endpoint} {written.body[:300]!r}"
    before, after = written.bills
    if any(after[bill_id].status != bill.status for bill_id, bill in before.items()):
        yield f"the status of a bill was changed: {told}"
    known, now = written.contacts
    if any(now[contact_id].name != contact.name for contact_id, contact in known.items()):
        yield f"a contact was renamed: {told}"
    if UNTOUCHED.search(written.body) and "Attachments" not in written.endpoint:
        yield f"what is not ours was written: {told}"
    if written.endpoint not in TRUSTED_TO:
        yield f"that is not ours to write: {told}"
    if written.tenant_id in PAUSED or _modes(written.tenant_id) == {Mode.WATCH}:
        yield f"it was paused or only watched: {told}"


def _modes(tenant_id: str) -> set[Mode]:
    """The modes of the houses that look after this organisation."""
    organisations = [each for house in list(HOUSES) for each in house.organisations.values()]
    return {each.mode for each in organisations if each.tenant_id == tenant_id}
