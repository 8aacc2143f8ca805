"""The two pictures of the dashboard, laid out in numbers for the templates to write as SVG."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from receiver.dashboard.states import State, by_state
from reconciler.model import Bill, Milestone, Status
from reconciler.reasons import Reason
from reconciler.words import day, money

WIDTH, HEIGHT, FEWEST = 600, 160, 14
ROW, TOP = 46, 30


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of the chart; `state` chooses its pattern."""

    state: State
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Milestones by state over time. `last` are today's numbers; `table` says the same in words, about weekly."""

    bars: list[Bar]
    first: str
    most: int
    last: dict[State, int]
    table: list[tuple[str, list[int]]]


@dataclass(frozen=True, slots=True)
class Mark:
    """A day in a bill's life; `kind` is `ours`, `theirs`, `now` or `lock`."""

    y: int
    kind: str
    date: str
    text: str
    locked: bool


@dataclass(frozen=True, slots=True)
class Life:
    """A bill's life, the earliest day on top. Down to `locked` the period is closed (0: none of it)."""

    marks: list[Mark]
    height: int
    locked: int
    alternative: str


def chart(days: Sequence[tuple[dt.date, Mapping[Reason | None, int]]]) -> Chart:
    """The chart of these days, oldest first; there must be at least one."""
    counted = [(date, by_state(counts)) for date, counts in days]
    most = max(1, *(sum(states.values()) for _, states in counted))
    slots = max(len(counted), FEWEST)
    wide = WIDTH / slots
    bars: list[Bar] = []
    for at, (_, states) in enumerate(counted, slots - len(counted)):
        floor = float(HEIGHT)
        for state in reversed(State):
            high = states[state] * HEIGHT / most
            floor -= high
            if high:
                bars.append(Bar(state, round(at * wide, 2), round(floor, 2), round(wide * 0.86, 2), round(high, 2)))
    told = counted[::-7][::-1]
    table = [(day(date), [states[state] for state in State]) for date, states in told]
    first = counted[-1][0] - dt.timedelta(days=slots - 1)
    return Chart(bars, day(first), most, counted[-1][1], table)


def life(milestone: Milestone, bill: Bill | None, lock: dt.date | None, today: dt.date) -> Life:
    """The days of a milestone and its bill against the lock date."""
    dates = sorted(_dates(milestone, bill, lock, today), key=lambda found: found[0])
    marks = [
        Mark(TOP + at * ROW, kind, day(date), text, lock is not None and date <= lock)
        for at, (date, kind, text) in enumerate(dates)
    ]
    locked = max((mark.y for mark in marks if mark.kind == "lock"), default=0)
    told = ". ".join(f"{mark.date}: {mark.text}{', in the locked period' if _inside(mark) else ''}" for mark in marks)
    return Life(marks, TOP + len(marks) * ROW - ROW // 2, locked, f"{told}.")


def _inside(mark: Mark) -> bool:
    return mark.locked and mark.kind in ("ours", "theirs")


def _dates(
    milestone: Milestone, bill: Bill | None, lock: dt.date | None, today: dt.date
) -> list[tuple[dt.date, str, str]]:
    found = [(today, "now", "today")]
    if bill is None or bill.date != milestone.date:
        found.append((milestone.date, "ours", "the milestone's date"))
    if lock:
        found.append((lock, "lock", "locked up to here"))
    if bill:
        found.append((bill.date, "theirs", f"bill dated, {money(bill.total, bill.currency)}"))
        if bill.due_date and bill.status.live:
            found.append((bill.due_date, "theirs", "payment due"))
        if bill.planned_on and bill.due > 0:
            found.append((bill.planned_on, "theirs", "payment planned"))
        if bill.paid_on:
            found.append((bill.paid_on, "theirs", "paid" if bill.status is Status.PAID else "last paid in part"))
    # The lock comes after whatever else happened on its day, since that day is locked too.
    return sorted(found, key=lambda one: one[1] == "lock")
