"""Bills as people name them: by number, id or address in Xero; and whether a milestone may take one."""

import re

from reconciler.cycle import Cycle
from reconciler.errors import InputError
from reconciler.model import Bill
from reconciler.words import bill_state
from storage import Ledger

_BILL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def find_bill(ledger: Ledger, cycle: Cycle, key: str, text: str) -> Bill:
    """The bill that the text names, as read just now; raises `InputError` when it may not be this milestone's."""
    bill_id = _named(ledger, cycle, text.strip())
    check_target(ledger, cycle, key, bill_id)
    bill = ledger.mirror.bill(cycle.organisation.key, bill_id)
    if bill is None:
        raise InputError(f"Xero has no bill “{text}”. Name another one.")
    return bill


def check_target(ledger: Ledger, cycle: Cycle, key: str, bill_id: str) -> None:
    """Raise `InputError` unless the bill exists, asks for or has received money, and belongs to nobody else."""
    organisation = cycle.organisation.key
    # Followed by two milestones it would be paid for both.
    others = set(ledger.milestones.followers(organisation, bill_id)) - {key}
    if others:
        raise InputError(f"That bill belongs to milestone “{min(others)}” already. Choose another one.")
    cycle.reader.read([bill_id])
    bill = ledger.mirror.bill(organisation, bill_id)
    if bill is None:
        raise InputError(f"Xero has no bill “{bill_id}”. Name another one.")
    if not bill.status.live:
        raise InputError(f"The bill {bill.number or bill_id} is {bill_state(bill)}. Name another one.")


def _named(ledger: Ledger, cycle: Cycle, text: str) -> str:
    if found := _BILL_ID.search(text):
        return found[0].lower()
    organisation = cycle.organisation.key
    bills = ledger.mirror.numbered(organisation, [text])
    if not bills and cycle.reader.catch_up():
        bills = ledger.mirror.numbered(organisation, [text])
    # Numbers of bills are not unique in Xero; one that was voided is not meant beside one that was not.
    meant = [bill for bill in bills if bill.status.live] or bills
    if len(meant) != 1:
        many = f"{len(meant)} bills carry" if meant else "no bill in Xero carries"
        raise InputError(f"“{text}” does not name one bill: {many} that number or id. Paste its address from Xero.")
    return meant[0].bill_id
