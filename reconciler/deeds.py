"""Who did it, and when: what the history of a bill in Xero says of what a flag is about.

Xero publishes no list of what its histories may say, so what was done is told by the stem of a word.
"""

from collections import Counter
from collections.abc import Sequence

from reconciler.errors import BadRequest, UnreadableAnswer, XeroError
from reconciler.model import Deed
from reconciler.ports import Clock, Ledger, Unread
from reconciler.reasons import Reason
from reconciler.xero_port import Record, Xero

LARGEST_GROUP = 10
NOBODY = frozenset({"", "system generated"})
APPROVED = ("approved", ("approv", "authoris"))
PAID = ("paid", ("paid", "payment"))
CREDITED = ("credited", ("credit", "prepayment", "overpayment"))
EDITED = ("edited", ("edit", "chang", "updat"))
UNPAID = ("payment removed", ("payment deleted", "payment removed", "unreconciled", "payment"))
DEEDS: dict[Reason, tuple[str, Sequence[str]]] = {
    Reason.BILL_APPROVED: APPROVED,
    Reason.BILL_PAID: PAID,
    Reason.PAID_NOT_WANTED: PAID,
    Reason.BILL_PART_PAID: PAID,
    Reason.BILL_CREDITED: CREDITED,
    Reason.BILL_VOIDED: ("voided", ("void",)),
    Reason.BILL_DELETED: ("deleted", ("delet",)),
    Reason.CHANGED_IN_XERO: EDITED,
    Reason.EDITED_IN_XERO: EDITED,
    Reason.PAYMENT_REVERSED: UNPAID,
}


def deed(reason: Reason, records: Sequence[Record]) -> Deed | None:
    """The newest record of what the reason is about; `None` when the history does not tell."""
    did, stems = DEEDS[reason]
    for stem in stems:
        if found := [record for record in records if stem in record.changes.casefold()]:
            last = max(found, key=lambda record: record.at)
            return Deed(did, last.at, "" if last.user.casefold() in NOBODY else last.user)
    return None


class Historian:
    """Reads, once for each flag of one organisation, who did what it is about: a few a turn, since nobody waits for it,
    and not for many of one cause, which nobody did by hand."""

    def __init__(self, organisation: str, at_most: int, xero: Xero, ledger: Ledger, clock: Clock) -> None:
        self._key, self._at_most, self._xero, self._deeds, self._clock = (
            organisation,
            at_most,
            xero,
            ledger.deeds,
            clock,
        )

    def ask(self) -> None:
        """Ask Xero, as long as it takes calls and has plenty of them left for the day."""
        if not self._at_most:
            return
        for flag in self._few(self._deeds.unread(self._key, DEEDS))[: self._at_most]:
            if not self._xero.to_spare():
                return
            try:
                found = deed(flag.reason, self._xero.history(flag.bill_id))
            except (BadRequest, UnreadableAnswer):
                found = None
            except XeroError:
                return
            self._deeds.keep([flag.flag_id], found, self._clock())

    def _few(self, unread: Sequence[Unread]) -> list[Unread]:
        """Those of small groups; the others will not be asked for."""
        sizes = Counter(flag.reason for flag in unread)
        many = [flag.flag_id for flag in unread if sizes[flag.reason] > LARGEST_GROUP]
        self._deeds.keep(many, None, self._clock())
        return [flag for flag in unread if sizes[flag.reason] <= LARGEST_GROUP]
