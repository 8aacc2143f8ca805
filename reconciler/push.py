"""Writing to Xero: never twice, never over somebody's edit.

Each write is an attempt, recorded with its exact bytes and key before it is made. Its life:
1. begun: recorded, its milestones claimed; 2. answered: Xero's word per element recorded; 3. finished: what Xero then
holds was read back, compared and remembered. `reconciler.recovery` looks after those that were never answered.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.aftermath import remember
from reconciler.errors import ConnectionLost, OutcomeUnknown, Permanent, RateLimited, Temporary, XeroError
from reconciler.model import NEW_CONTACT, Bill, Decision, Link
from reconciler.notes import note
from reconciler.organisation import Organisation
from reconciler.ports import Clock, Ledger
from reconciler.reading import Reader
from reconciler.reasons import Action, Reason
from reconciler.records import Attempt, Element
from reconciler.usable import to_be_made
from reconciler.xero_port import Outcome, Xero

BATCH = 50
UPDATE_BATCH = 40
# What is written before any of it is read back: some pages of 1,000, so that few are half empty.
CHUNK = 5_000
FACTS_FOR = dt.timedelta(seconds=60)
# Xero may take two more seconds to let us in, and no edit younger than five seconds may be written over.
READ_FOR = dt.timedelta(seconds=3)
NO_TIME = dt.timedelta(0)
READINGS = 3


@dataclass
class Tally:
    """What a push did; `stopped` says why it ended early, `lost` that it was for want of a connection, and
    `limited_until` that Xero's limits were used up."""

    created: int = 0
    updated: int = 0
    refused: int = 0
    stopped: str = ""
    lost: bool = False
    limited_until: dt.datetime | None = None


class Pusher:
    """One organisation's hand.

    `decide` decides the given milestones on the mirror as it is now, records the verdicts, and returns the cases and
    verdicts as they then stand. `may_write` is asked before every single write.
    """

    def __init__(
        self,
        organisation: Organisation,
        xero: Xero,
        ledger: Ledger,
        reader: Reader,
        clock: Clock,
        decide: Callable[[Sequence[str]], list[Decision]],
        may_write: Callable[[], bool],
    ) -> None:
        self._organisation, self._key = organisation, organisation.key
        self._xero, self._ledger, self._reader, self._clock = xero, ledger, reader, clock
        self._decide, self._may_write = decide, may_write
        self.unanswered: set[int] = set()
        self._read_at: dt.datetime | None = None
        self._named_at: dt.datetime | None = None
        self._books = 0
        self._sent_at: dict[int, dt.datetime] = {}

    def push(self) -> Tally:
        """Write every milestone whose verdict is SYNC.

        1. bring the mirror up to date and decide again; 2. record, send, record the answer, in batches; 3. read back
        and finish. A failure ends the push for now; what was begun is kept and looked up next time.
        """
        tally, after = Tally(), ""
        while not tally.stopped and (keys := self._ledger.milestones.ready(self._key, CHUNK, after)):
            after = keys[-1]
            try:
                self._write(keys, tally)
            except XeroError as error:
                tally.stopped, tally.lost = str(error), isinstance(error, ConnectionLost)
                tally.limited_until = error.retry_at if isinstance(error, RateLimited) else None
            self.verify(tally)
        self._read_at = self._named_at = None
        return tally

    def verify(self, tally: Tally) -> None:
        """Finish every answered attempt from what Xero holds now."""
        answered = [(a, outcomes) for a, outcomes in self._ledger.attempts.open(self._key) if outcomes is not None]
        if answered and self._see(answered):
            for attempt, outcomes in answered:
                self._finish(attempt, outcomes, tally)

    def _see(self, answered: Sequence[tuple[Attempt, Sequence[Outcome]]]) -> bool:
        """Read what was written, unless it has been read since: with the list of changes, then the rest by id.

        Where more is to be written, and the facts for it must be read anew, that list serves both.
        """
        if not self._unseen(answered):
            return True
        more = not self._fresh() and self._may_write() and self._ledger.milestones.ready(self._key, 1)
        return (self._freshen() if more else self._reader.see_written()) and self._reader.read(self._unseen(answered))

    def _unseen(self, answered: Sequence[tuple[Attempt, Sequence[Outcome]]]) -> list[str]:
        return [
            bill_id
            for attempt, outcomes in answered
            for element, outcome in zip(attempt.elements, outcomes, strict=True)
            if (bill_id := _expected(element, outcome) or _barred(element, outcome))
            and self._seen(bill_id, attempt) is None
        ]

    def send(self, attempt: Attempt) -> None:
        """Make a recorded attempt and record the answer.

        Raises `XeroError`: what Xero surely did not do is released before, what it may have done stays open.
        """
        self._sent_at[attempt.attempt_id] = self._clock()
        try:
            outcomes = self._xero.send(attempt)
        except OutcomeUnknown as error:
            self.unanswered.add(attempt.attempt_id)
            if error.cached:
                self._ledger.attempts.spoil(attempt.attempt_id)
            raise
        except (Temporary, ConnectionLost):
            self._answer_all(attempt, Outcome(undone=True))
            raise
        except Permanent as error:
            self._answer_all(attempt, Outcome(messages=(str(error),)))
            raise
        self._ledger.attempts.answered(attempt.attempt_id, outcomes, self._clock())

    def _answer_all(self, attempt: Attempt, outcome: Outcome) -> None:
        self._ledger.attempts.answered(attempt.attempt_id, [outcome] * len(attempt.elements), self._clock())

    def _write(self, keys: Sequence[str], tally: Tally) -> None:
        if not self._fresh() and not self._freshen():
            return
        decisions = self._with_names(keys, self._with_options(keys, self._to_write(keys)))
        for batch in self._standing([d for d in decisions if d.verdict.reason is Reason.CREATE], BATCH):
            tally.created += self._create(batch)
        for batch in self._standing([d for d in decisions if d.verdict.reason is Reason.UPDATE], UPDATE_BATCH):
            tally.updated += self._update(batch)

    def _standing(self, decisions: Sequence[Decision], size: int) -> Iterator[Sequence[Decision]]:
        """The decisions in batches, until the books move on; the others are for the next turn to decide anew."""
        for batch in _batches(decisions, size):
            if self._ledger.mirror.books(self._key).version != self._books:
                return
            yield batch

    def _with_options(self, keys: Sequence[str], decisions: list[Decision]) -> list[Decision]:
        """The decisions once the tracking options that they name have been made; what Xero does not take, it refuses
        on the bill."""
        if not self._organisation.create_tracking_options or not self._may_write():
            return decisions
        books = self._ledger.mirror.books(self._key)
        wanted = {pair for d in decisions if d.verdict.write for pair in d.verdict.write.terms.tracking}
        missing = to_be_made(tuple(sorted(wanted)), books)
        if not missing:
            return decisions
        self._xero.make_options(missing, uuid.uuid4().hex)
        if not self._reader.refresh(organisation=False, lists=True):
            return []
        return self._to_write(keys)

    def _with_names(self, keys: Sequence[str], decisions: list[Decision]) -> list[Decision]:
        """The decisions, where one makes a contact, on a list of contacts that has just been read."""
        makes = any(d.verdict.write.terms.contact.startswith(NEW_CONTACT) for d in decisions if d.verdict.write)
        if not makes or self._recent(self._named_at):
            return decisions
        if not self._reader.read_contacts():
            return []
        self._named_at = self._clock()
        return self._to_write(keys)

    def _to_write(self, keys: Sequence[str]) -> list[Decision]:
        self._books = self._ledger.mirror.books(self._key).version
        return [d for d in self._decide(keys) if d.verdict.action is Action.SYNC]

    def _create(self, batch: Sequence[Decision]) -> int:
        """Make new bills; on facts older than a minute, decide again first."""
        if not self._fresh():
            batch = self._still(batch, Reason.CREATE) if self._freshen() else []
        writes = [d.verdict.write for d in batch if d.verdict.write]
        return self._attempt(batch, *self._xero.create_request(writes)) if writes else 0

    def _update(self, batch: Sequence[Decision]) -> int:
        """Change bills; they are read right before, and decided on just that. Slow answers are asked for again."""
        for _ in range(READINGS):
            if not self._reader.read([d.case.link.bill_id for d in batch]):
                return 0
            batch = self._still(batch, Reason.UPDATE)
            pairs = [(d.verdict.write, d.case.bill) for d in batch if d.verdict.write and d.case.bill]
            if not pairs:
                return 0
            # A bill from ahead of the clock was read before that was set back.
            if all(NO_TIME <= self._clock() - bill.read_at <= READ_FOR for _, bill in pairs):
                return self._attempt(batch, *self._xero.update_request(pairs))
        raise Temporary("Xero answers too slowly to change bills safely, or this machine's clock was set back.")

    def _still(self, batch: Sequence[Decision], reason: Reason) -> list[Decision]:
        return [d for d in self._decide([d.case.milestone.key for d in batch]) if d.verdict.reason is reason]

    def _attempt(self, batch: Sequence[Decision], method: str, path: str, body: bytes) -> int:
        """Record and make one write; 0 when writing was stopped, or the decision on one does not stand any more."""
        if not self._may_write():
            return 0
        self._xero.check_limits()
        elements = tuple(
            Element(d.case.milestone.key, d.verdict.write, d.case.link.version, d.case.milestone.version)
            for d in batch
            if d.verdict.write
        )
        now = self._clock()
        planned = Attempt(0, self._key, method, path, body, uuid.uuid4().hex, now, elements, books=self._books)
        begun = self._ledger.attempts.begin(planned, now)
        if begun is None:
            return 0
        self.send(begun)
        return len(elements)

    def _fresh(self) -> bool:
        return self._recent(self._read_at)

    def _recent(self, at: dt.datetime | None) -> bool:
        return at is not None and self._clock() - at <= FACTS_FOR

    def _freshen(self) -> bool:
        fresh = self._reader.prepare()
        self._read_at = self._clock() if fresh else None
        return fresh

    def _finish(self, attempt: Attempt, outcomes: Sequence[Outcome], tally: Tally) -> None:
        cases = self._ledger.milestones.gather(self._key, [e.key for e in attempt.elements], near_days=0)
        by_key = {case.milestone.key: case for case in cases}
        books = self._ledger.mirror.books(self._key)
        links: list[tuple[str, Link]] = []
        for element, outcome in zip(attempt.elements, outcomes, strict=True):
            case = by_key.get(element.key)
            if case is None:
                continue
            expected = _expected(element, outcome)
            bill = self._seen(expected, attempt) if expected else None
            if expected and bill is None and not case.missing:
                return
            link = remember(case, element, outcome, bill, self._organisation, books, self._clock())
            links.append((element.key, link))
            if bill and self._organisation.history_notes:
                text = note(element, case.milestone)
                self._ledger.notes.owe(self._key, attempt.attempt_id, bill.bill_id, text, self._clock())
        tally.refused += sum(outcome.refused for outcome in outcomes)
        self._ledger.attempts.finish(attempt.attempt_id, links, self._clock())
        self._sent_at.pop(attempt.attempt_id, None)

    def _seen(self, bill_id: str, attempt: Attempt) -> Bill | None:
        """The bill as read after the attempt was last sent; what another process sent, we read once ourselves."""
        now = self._clock()
        # What is ahead of the clock was noted before that was set back.
        since = self._sent_at[attempt.attempt_id] = min(self._sent_at.get(attempt.attempt_id, now), now)
        bill = self._ledger.mirror.bill(self._key, bill_id)
        return bill if bill and since <= bill.read_at <= now else None


def _barred(element: Element, outcome: Outcome) -> str:
    """The bill whose change Xero refused: why is often plain once it is read, and the refusal only echoes our wish."""
    return element.write.bill_id if outcome.refused else ""


def _expected(element: Element, outcome: Outcome) -> str:
    """The bill in which the work is to be seen; empty when nothing was done."""
    return "" if outcome.refused or outcome.undone else outcome.bill_id or element.write.bill_id


def _batches(decisions: Sequence[Decision], size: int) -> Iterator[Sequence[Decision]]:
    return (decisions[start : start + size] for start in range(0, len(decisions), size))
