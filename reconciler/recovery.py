"""Attempts that were never answered: after a crash, a cut connection or an error on Xero's side.

Xero keeps an answer under its idempotency key for six minutes, errors included
(https://developer.xero.com/documentation/guides/idempotent-requests/idempotency). So: look the work up; not there and
younger than four minutes, send the same bytes with the same key; else wait until ten minutes have passed, look up
again, and give it up, to be decided afresh under a new key.
"""

import datetime as dt
from collections.abc import Callable

from msgspec.structs import replace

from reconciler.decide import decide
from reconciler.errors import XeroError
from reconciler.model import Bill, Case, differing
from reconciler.organisation import Organisation
from reconciler.ports import Clock, Ledger
from reconciler.push import Pusher
from reconciler.reading import Reader
from reconciler.records import Attempt, Element
from reconciler.xero_port import Outcome

RESEND_FOR = dt.timedelta(minutes=4)
GIVE_UP_AFTER = dt.timedelta(minutes=10)
UNDER_WAY_FOR = dt.timedelta(seconds=60)
CLOCK_SKEW = dt.timedelta(minutes=5)


class Recovery:
    """Looks after one organisation's unanswered attempts."""

    def __init__(
        self,
        organisation: Organisation,
        ledger: Ledger,
        reader: Reader,
        pusher: Pusher,
        clock: Clock,
        may_write: Callable[[], bool],
    ) -> None:
        self._organisation, self._key = organisation, organisation.key
        self._ledger, self._reader, self._pusher, self._clock = ledger, reader, pusher, clock
        self._may_write = may_write

    def settle(self) -> None:
        """Look up every unanswered attempt in Xero, and do what its age allows."""
        opened = self._ledger.attempts.open(self._key)
        unanswered = [attempt for attempt, outcomes in opened if outcomes is None and not self._under_way(attempt)]
        if not unanswered or not self._reader.may_try():
            return
        if self._reader.refresh(organisation=True):
            for attempt in unanswered:
                self._settle(attempt)

    def _under_way(self, attempt: Attempt) -> bool:
        """Whether another process may still be waiting for Xero's answer to it, for longer than any call takes."""
        ours = attempt.attempt_id in self._pusher.unanswered
        return not ours and self._clock() - attempt.started_at < UNDER_WAY_FOR

    def _settle(self, attempt: Attempt) -> None:
        updated = [element.write.bill_id for element in attempt.elements if element.write.bill_id]
        if updated and not self._reader.read(updated):
            return
        found = [self._look_up(element, attempt) for element in attempt.elements]
        age = self._clock() - attempt.started_at
        if all(found) or (age >= GIVE_UP_AFTER):
            outcomes = [Outcome(bill_id) if bill_id else Outcome(undone=True) for bill_id in found]
            self._ledger.attempts.answered(attempt.attempt_id, outcomes, self._clock())
        elif age < RESEND_FOR and not any(found) and self._may_send_again(attempt):
            try:
                self._pusher.send(attempt)
            except XeroError:
                return

    def _look_up(self, element: Element, attempt: Attempt) -> str:
        """The bill in which the element's work is to be seen; empty when it is not there."""
        write = element.write
        if write.bill_id:
            bill = self._ledger.mirror.bill(self._key, write.bill_id)
            return write.bill_id if bill and _shows(bill, element) else ""
        since = attempt.started_at - CLOCK_SKEW
        bills = self._ledger.mirror.numbered(self._key, [write.number])
        may_be = (bill.bill_id for bill in bills if bill.status.live or bill.updated_at >= since)
        return next((bill_id for bill_id in may_be if not self._others(bill_id, element)), "")

    def _others(self, bill_id: str, element: Element) -> bool:
        """Whether another milestone follows the bill: `A` billed again has the number of `A-2` billed once."""
        return bool(set(self._ledger.milestones.followers(self._key, bill_id)) - {element.key})

    def _may_send_again(self, attempt: Attempt) -> bool:
        return attempt.resendable and self._may_write() and self._still_wanted(attempt)

    def _still_wanted(self, attempt: Attempt) -> bool:
        """Whether every element would be decided and written just so today."""
        keys = [element.key for element in attempt.elements]
        near = self._organisation.policy.near_days
        cases = {case.milestone.key: case for case in self._ledger.milestones.gather(self._key, keys, near)}
        return all(e.key in cases and self._same_write(cases[e.key], e) for e in attempt.elements)

    def _same_write(self, case: Case, element: Element) -> bool:
        books = self._ledger.mirror.books(self._key)
        free = replace(case, link=replace(case.link, pending_attempt=None))
        return decide(free, self._organisation, books, self._clock()).write == element.write


def _shows(bill: Bill, element: Element) -> bool:
    write = element.write
    return not differing(write.terms, bill.terms(write.terms.sense)) & write.fields
