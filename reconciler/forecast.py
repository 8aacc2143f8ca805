"""What a lock date would do before anybody sets it, and which drafts will not be approved in time. Pure.

The forecast asks the decision itself, on books that are locked as supposed, so that it says what will come.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from reconciler.decide import decide
from reconciler.model import Case, Decision
from reconciler.organisation import Books, Mode, Organisation
from reconciler.reasons import Reason

LOCKS = frozenset({Reason.PERIOD_LOCKED, Reason.YEAR_LOCKED, Reason.LOCKED_DRAFT})
LATER = frozenset({Reason.NOT_DUE})
# A milestone under another reason has what it needs, or another question comes first.
AT_RISK: frozenset[Reason | None] = frozenset(
    {
        None,
        Reason.CREATE,
        Reason.UPDATE,
        Reason.WOULD_CREATE,
        Reason.WOULD_UPDATE,
        Reason.NOT_DUE,
        Reason.AWAITING_APPROVAL,
        Reason.IN_SYNC,
        Reason.LOCK_LIFTED,
        Reason.PAUSED,
        Reason.CAP_REACHED,
        Reason.XERO_UNAVAILABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a lock to `lock` would do to milestones that it does not hold up yet.

    `unbilled` could not be billed or changed in step; `stuck` have a bill that nobody could approve any more; `later`
    are not due yet, and dated so that they could not be billed once they are.
    """

    lock: dt.date
    unbilled: tuple[Decision, ...]
    stuck: tuple[Decision, ...]
    later: tuple[Decision, ...]

    @property
    def number(self) -> int:
        """How many milestones it would hold up."""
        return len(self.unbilled) + len(self.stuck) + len(self.later)


def forecast(
    cases: Iterable[Case], organisation: Organisation, books: Books, lock: dt.date, now: dt.datetime
) -> Forecast:
    """The forecast for cases whose verdicts are as yet `AT_RISK`; others in it do no harm."""
    live = replace(organisation, mode=Mode.SYNC)
    today = replace(books, hold=None, swept_at=now)
    locked = replace(today, period_lock=max(filter(None, (books.period_lock, lock))))
    unbilled: list[Decision] = []
    stuck: list[Decision] = []
    later: list[Decision] = []
    for case in cases:
        due = _as_if_due(case, live)
        before, after = decide(due, live, today, now), decide(due, live, locked, now)
        if after.reason not in LOCKS or before.reason in LOCKS:
            continue
        place = later if due is not case else stuck if case.bill and case.bill.status.unapproved else unbilled
        place.append(Decision(case, after))
    return Forecast(lock, tuple(unbilled), tuple(stuck), tuple(later))


def late_drafts(cases: Iterable[Case], today: dt.date, days: int) -> tuple[Case, ...]:
    """Those whose bill nobody has approved although it falls due within so many days, or is due; soonest first."""
    last = today + dt.timedelta(days=days)
    late = [
        (case.bill.due_date, case.milestone.key, case)
        for case in cases
        if case.bill and case.bill.status.unapproved and case.bill.due_date and case.bill.due_date <= last
    ]
    return tuple(case for _, _, case in sorted(late, key=lambda one: one[:2]))


def held_up(case: Case, books: Books) -> tuple[Decimal, str]:
    """The money that waits, and its currency: what an unapproved bill asks for, which may be one of several parts or
    differ on purpose; else the milestone's amount."""
    milestone, bill = case.milestone, case.bill
    if bill and bill.status.unapproved:
        return bill.total, bill.currency
    return milestone.amount, milestone.currency or books.currency


def _as_if_due(case: Case, organisation: Organisation) -> Case:
    """The case as it will be once its milestone is to be billed; the very same when it is already, or never will be."""
    milestone = case.milestone
    if milestone.cancelled or milestone.stages & organisation.sync_points or case.bill:
        return case
    return replace(case, milestone=replace(milestone, stages=organisation.sync_points))
