"""The numbers that Xero gives the events of a webhook, and whether some are missing; pure.

Each request names its first and last number. What they count is not published, so they are never acted upon: sweeps
read every change. What comes late, twice or in another order fills its place; numbers that begin anew are told by
events that are newer than those of higher numbers. A gap counts for something only where gaps are rare.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reconciler.records import Delivery

# Xero delivers in any order, but hardly ever an hour after what happened later.
OUT_OF_ORDER = dt.timedelta(hours=1)
# Xero tries again for a day ("Webhooks: overview", developer.xero.com). What did not come by then will not come.
GIVEN_UP = dt.timedelta(days=2)
# Requests for each irregularity, from which on numbers are taken to run on as a rule.
AS_A_RULE = 10
MOST_RUNS = 50


@dataclass(frozen=True, slots=True)
class Run:
    """Numbers that came without a gap between them, and when the first request of them did."""

    first: int
    last: int
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class Numbering:
    """What came of one subscription: its runs, lowest first, and when the newest event of the highest numbers happened.

    `requests` came in all; numbers began `anew` so often; so many gaps were never filled (`lost`).
    """

    runs: tuple[Run, ...] = ()
    newest: dt.datetime | None = None
    requests: int = 0
    anew: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """So many numbers in a row that have not come, and since when later ones have."""

    number: int
    since: dt.datetime


def heard(held: Numbering, delivery: Delivery, now: dt.datetime) -> Numbering:
    """The numbering once the delivery has come; one without numbers, as Xero's check of an address, changes nothing."""
    if not 0 < delivery.first <= delivery.last:
        return held
    if _begins_anew(held, delivery):
        held = replace(held, runs=(), newest=None, anew=held.anew + 1)
    highest = held.runs[-1].last if held.runs else 0
    newest = max((event.at for event in delivery.events), default=held.newest)
    runs = _merged(held.runs, Run(delivery.first, delivery.last, now))
    kept = _kept(runs, now)
    return Numbering(
        runs=kept,
        newest=newest if delivery.last > highest else held.newest,
        requests=held.requests + 1,
        anew=held.anew,
        lost=held.lost + len(runs) - len(kept),
    )


def gaps(held: Numbering, now: dt.datetime) -> list[Gap]:
    """What is missing, lowest numbers first; nothing where numbers do not run on as a rule."""
    runs = _kept(held.runs, now)
    if held.requests < AS_A_RULE * (len(runs) - 1 + held.anew + held.lost):
        return []
    return [
        Gap(above.first - below.last - 1, min(run.since for run in runs[place:]))
        for place, (below, above) in enumerate(pairwise(runs), start=1)
    ]


def missing(numberings: Iterable[Numbering], now: dt.datetime) -> Gap | None:
    """All gaps of all subscriptions as one, since the oldest of them; `None` when there is none."""
    found = [gap for held in numberings for gap in gaps(held, now)]
    return Gap(sum(gap.number for gap in found), min(gap.since for gap in found)) if found else None


def _begins_anew(held: Numbering, delivery: Delivery) -> bool:
    """Whether numbers that are not new belong to events that are."""
    if not held.runs or held.newest is None or delivery.first > held.runs[-1].last or not delivery.events:
        return False
    return min(event.at for event in delivery.events) > held.newest + OUT_OF_ORDER


def _merged(runs: Sequence[Run], new: Run) -> tuple[Run, ...]:
    if runs and new.first == runs[-1].last + 1:  # as nearly always, and the drain is to be quick
        return (*runs[:-1], Run(runs[-1].first, new.last, runs[-1].since))
    below = tuple(run for run in runs if run.last < new.first - 1)
    above = tuple(run for run in runs if run.first > new.last + 1)
    joined = (*runs[len(below) : len(runs) - len(above)], new)
    first, last = min(run.first for run in joined), max(run.last for run in joined)
    return (*below, Run(first, last, min(run.since for run in joined)), *above)


def _kept(runs: tuple[Run, ...], now: dt.datetime) -> tuple[Run, ...]:
    """The runs without those gaps that nothing will fill any more."""
    while len(runs) > 1 and (len(runs) > MOST_RUNS or min(run.since for run in runs[1:]) <= now - GIVEN_UP):
        below, above, *rest = runs
        runs = (Run(below.first, above.last, min(below.since, above.since)), *rest)
    return runs
