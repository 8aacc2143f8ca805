"""A year of 1,000,000 bills in 10,000 organisations, by the minute: when milestones are billed, approved and paid.

Everything falls into the working hours of one and the same time zone, and the last working days of a month are three
times as busy, so that the peaks are rather too high than too low. Few organisations have most of the bills.
"""

import datetime as dt
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

SEED = 20_260_701
ORGANISATIONS = 10_000
BILLS = 1_000_000
YEAR = 2027
OPENS, CLOSES = 9, 17
BUSY_DAYS, BUSY = 3, 3.0
LONGEST_APPROVAL_DAYS = 5
AT_ONCE = 40
MINUTES = 24 * 60
ALL_MINUTES = 365 * MINUTES


@dataclass(frozen=True, slots=True)
class Prices:
    """Calls to make a bill alone, to see one approved, and to see up to `AT_ONCE` paid in one run."""

    create: float
    approve: float
    pay: float


@dataclass(slots=True)
class Year:
    """What came of it: calls and events by minute of the year, and the largest loads of single organisations."""

    calls: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    events: Counter[int] = field(default_factory=Counter)
    of_one_minute: float = 0
    of_one_day: float = 0


def simulated(prices: Prices) -> Year:
    """The year, from a fixed seed. Each bill is made and approved by itself; an organisation pays once a week."""
    chance, days = random.Random(SEED), _working_days()  # noqa: S311  nothing secret is made of it
    sizes = list(itertools.accumulate(1 / (rank + 10) for rank in range(ORGANISATIONS)))
    rush = list(itertools.accumulate(_rush(days)))
    owners = chance.choices(range(ORGANISATIONS), cum_weights=sizes, k=BILLS)
    made_on = chance.choices(range(len(days)), cum_weights=rush, k=BILLS)
    year, mine, runs = Year(), defaultdict[int, float](float), Counter[tuple[int, int]]()
    for owner, day in zip(owners, made_on, strict=True):
        approved = min(len(days) - 1, day + chance.randint(1, LONGEST_APPROVAL_DAYS))
        for at, calls in ((day, prices.create), (approved, prices.approve)):
            minute = days[at] * MINUTES + chance.randrange(OPENS * 60, CLOSES * 60)
            mine[owner * ALL_MINUTES + minute] += calls
            year.events[minute] += 1
        runs[owner, min(len(days) - 1, approved + 5 - approved % 5)] += 1
    for (owner, day), paid in runs.items():
        minute = days[day] * MINUTES + OPENS * 60 + owner % ((CLOSES - OPENS) * 60)
        mine[owner * ALL_MINUTES + minute] += prices.pay * -(-paid // AT_ONCE)
        year.events[minute] += paid
    _count(year, mine)
    return year


def _count(year: Year, mine: dict[int, float]) -> None:
    by_day = defaultdict[int, float](float)
    for place, calls in mine.items():
        year.calls[place % ALL_MINUTES] += calls
        by_day[place // MINUTES] += calls
    year.of_one_minute, year.of_one_day = max(mine.values()), max(by_day.values())


def _working_days() -> list[int]:
    """The days of the year, from 0, that are no weekend."""
    first = dt.date(YEAR, 1, 1)
    return [number for number in range(365) if (first + dt.timedelta(days=number)).weekday() < 5]


def _rush(days: Sequence[int]) -> list[float]:
    """How busy each working day is: the last ones of each month more than the others."""
    months = [(dt.date(YEAR, 1, 1) + dt.timedelta(days=number)).month for number in days]
    return [
        BUSY if sum(1 for later in months[place + 1 :] if later == month) < BUSY_DAYS else 1.0
        for place, month in enumerate(months)
    ]
