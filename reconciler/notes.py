"""Notes in the history of bills: what billwatch wrote and for which milestone, for whoever looks at them in Xero."""

from reconciler.errors import BadRequest, OutcomeUnknown, XeroError
from reconciler.model import Milestone
from reconciler.ports import Ledger
from reconciler.records import Element
from reconciler.words import fields_in_words
from reconciler.xero_port import Xero

AT_ONCE = 20


def note(element: Element, milestone: Milestone) -> str:
    """What is noted of a write that Xero was seen to have taken."""
    write, link = element.write, milestone.links.milestone
    deed = f"changed {fields_in_words(list(write.fields))}" if write.bill_id else "made this bill"
    return f"billwatch: {deed} for milestone {milestone.key} ({milestone.title})." + (f" {link}" if link else "")


class Annotator:
    """Writes the notes that are owed for one organisation, a few a turn: nobody waits for them.

    Each is tried twice at most, with one and the same key, so that a crash in between repeats it once at most.
    """

    def __init__(self, organisation: str, xero: Xero, ledger: Ledger) -> None:
        self._key, self._xero, self._notes = organisation, xero, ledger.notes

    def write(self) -> None:
        """Write some of them, as long as Xero takes calls and has plenty of them left for the day."""
        for owed in self._notes.owed(self._key, AT_ONCE):
            if not self._xero.to_spare():
                return
            self._notes.tried(owed.note_id)
            try:
                self._xero.annotate(owed.bill_id, owed.text, owed.idempotency_key)
            except OutcomeUnknown:
                continue
            except BadRequest:
                self._notes.settled(owed.note_id)
            except XeroError:
                return
            else:
                self._notes.settled(owed.note_id)
