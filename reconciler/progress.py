"""How far a milestone has come in Xero, and which news a step of it makes. Pure."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

from msgspec.structs import replace

from reconciler.compare import with_adopted
from reconciler.model import ZERO, Bill, Case, Decision, Progress, Stage, Status
from reconciler.reasons import Action, Choose, Reason
from reconciler.value import Value


class What(StrEnum):
    """What a change is about. Others rely on these names; none is ever renamed."""

    BILLED = "milestone.billed"
    APPROVED = "milestone.approved"
    PAID = "milestone.paid"
    PAYMENT_REVERSED = "milestone.payment_reversed"
    VOIDED = "milestone.voided"
    FLAGGED = "milestone.flagged"
    CLEARED = "milestone.cleared"
    DECIDED = "milestone.decided"
    VERDICT = "milestone.verdict"
    DISCONNECTED = "organisation.disconnected"
    CONNECTED = "organisation.connected"


class Change(Value, frozen=True):
    """One thing that became known of a milestone, or (empty key) of its organisation, as it was then.

    `change_id` grows with each change; 0 while it is not kept. `flag_id` is set for flags, `choice` and `by` for what a
    person decided; the bill's values are those last read, its `total` and `settled` in `currency`.
    """

    organisation: str
    key: str
    what: What
    at: dt.datetime
    action: Action | None = None
    reason: Reason | None = None
    flag_id: int | None = None
    choice: Choose | None = None
    by: str = ""
    because: str = ""
    bill_id: str = ""
    bill_number: str = ""
    bill_status: Status | None = None
    currency: str = ""
    total: Decimal | None = None
    settled: Decimal | None = None
    change_id: int = 0


class Outgoing(Value, frozen=True):
    """An event that is owed to an endpoint: the change that it tells of, and how often it was tried before."""

    outgoing_id: int
    endpoint: str
    change: Change
    tries: int = 0


class EndpointState(Value, frozen=True):
    """How an endpoint does: events owed to it and given up, since when it fails, and what it said last.

    `rests_until` is when it is tried again, `off_at` when it was switched off, and `off_because` why.
    """

    name: str
    owed: int = 0
    given_up: int = 0
    failing_since: dt.datetime | None = None
    rests_until: dt.datetime | None = None
    off_at: dt.datetime | None = None
    off_because: str = ""
    said: str = ""


ORDER = (Stage.NONE, Stage.BILLED, Stage.APPROVED, Stage.PAID)
DISCONNECTING = frozenset({Reason.CONNECTION_LOST, Reason.WRONG_ORGANISATION})


def progress_of(decision: Decision, before: Progress) -> Progress:
    """How far the milestone is by the facts of this decision; one that is not read yet is as before."""
    case, bill_id = with_adopted(decision).case, decision.verdict.link.bill_id
    if not bill_id:
        return Progress()
    if case.missing:
        return Progress(bill_id, Stage.ENDED, before.settled)
    if case.bill is None or case.bill.bill_id != bill_id:
        return before
    earlier = sum([bill.settled for bill in case.parts], ZERO) if case.parts else ZERO
    return Progress(bill_id, _stage(case), case.bill.settled + earlier)


def news(before: Progress, after: Progress) -> Iterator[What]:
    """What happened between the two, in the order in which it must have."""
    again = bool(after.bill_id) and after.bill_id != before.bill_id
    reached = Stage.NONE if again else before.stage
    if after.stage is Stage.ENDED:
        if before.stage is not Stage.ENDED or again:
            yield What.VOIDED
        return
    if not again and after.settled < before.settled:
        yield What.PAYMENT_REVERSED
    # A bill whose voiding was a misreading is not billed anew.
    was = ORDER.index(reached) if reached in ORDER else ORDER.index(Stage.BILLED)
    for stage in ORDER[was + 1 : ORDER.index(after.stage) + 1]:
        yield _NEWS[stage]


_NEWS = {Stage.BILLED: What.BILLED, Stage.APPROVED: What.APPROVED, Stage.PAID: What.PAID}


def of_bill(change: Change, bill: Bill | None) -> Change:
    """The change with what the bill was then."""
    if bill is None:
        return change
    return replace(
        change,
        bill_id=bill.bill_id,
        bill_number=bill.number,
        bill_status=bill.status,
        currency=bill.currency,
        total=bill.total,
        settled=bill.settled,
    )


def _stage(case: Case) -> Stage:
    """That of the bill which is the least far; a voided last bill ends it."""
    bill = case.bill
    if bill is None or not bill.status.live:
        return Stage.ENDED
    stage = _STAGES[bill.status]
    if not case.parts:
        return stage
    earlier = [_STAGES[each.status] for each in case.parts if each.status.live]
    return min([stage, *earlier], key=ORDER.index)


_STAGES = {
    Status.DRAFT: Stage.BILLED,
    Status.SUBMITTED: Stage.BILLED,
    Status.AUTHORISED: Stage.APPROVED,
    Status.PAID: Stage.PAID,
}
