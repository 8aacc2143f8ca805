"""What a file would do, and doing it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from billwatch.importing.rows import ImportFile
from reconciler.model import ZERO, Case, Exemption, Link, Milestone
from reconciler.organisation import Books
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice

CHUNK = 200
WHO = "billwatch import"


class Milestones(Protocol):
    """What is asked of the ledger's milestones; see `reconciler.ports`."""

    def put(self, milestones: Sequence[Milestone], now: dt.datetime) -> tuple[int, int, int]: ...

    def gather(self, organisation: str, keys: Collection[str], near_days: int) -> list[Case]: ...

    def choose(
        self,
        organisation: str,
        key: str,
        link: Link,
        choice: Choice,
        exemption: Exemption | None,
        reason: Reason | None,
    ) -> bool: ...


class Counts(Struct, frozen=True):
    """How many milestones are new, changed and the same, and how many were linked to the bill they came with.

    `unlinked` holds the keys of those that were not, since they follow another bill or are being billed just now.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    linked: int = 0
    unlinked: tuple[str, ...] = ()

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.new + other.new,
            self.changed + other.changed,
            self.same + other.same,
            self.linked + other.linked,
            self.unlinked + other.unlinked,
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """What a file holds. `totals` is the sum per currency; `behind_lock` is `None` while no lock date is known."""

    rows: int
    zero: int
    totals: dict[str, Decimal]
    first: dt.date | None
    last: dt.date | None
    lock: dt.date | None
    behind_lock: int | None


def summarise(file: ImportFile, currency: str, books: Books) -> Summary:
    """Sum up the milestones of a file; `currency` is that of milestones that name none."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for each in file.milestones:
        totals[each.currency or currency or books.currency] += each.amount
    dates = [each.date for each in file.milestones]
    locks = [lock for lock in (books.period_lock, books.year_lock) if lock]
    lock = max(locks, default=None)
    return Summary(
        rows=len(file.milestones),
        zero=sum(each.amount == ZERO for each in file.milestones),
        totals=dict(sorted(totals.items())),
        first=min(dates, default=None),
        last=max(dates, default=None),
        lock=lock,
        behind_lock=sum(date <= lock for date in dates) if lock else (0 if books.read_at else None),
    )


def foresee(file: ImportFile, milestones: Milestones) -> Counts:
    """What `take_in` would count, without writing anything."""
    total = Counts()
    for chunk in _chunks(file.milestones):
        held = _held(chunk, milestones)
        free, taken = _to_link(chunk, file, held)
        total += replace(_compared(chunk, held), linked=len(free), unlinked=taken)
    return total


def take_in(file: ImportFile, milestones: Milestones, now: dt.datetime) -> Iterator[tuple[int, Counts]]:
    """Write the milestones of a file, a chunk at a time; after each, how many rows it had and what came of them.

    A milestone that comes with a bill is first put without stages, so that nobody bills it before it is linked.
    Stopped half-way, a second run completes the first.
    """
    for chunk in _chunks(file.milestones):
        if not any(each.key in file.bill_ids for each in chunk):
            yield len(chunk), Counts(*milestones.put(chunk, now))
            continue
        held = _held(chunk, milestones)
        free, taken = _to_link(chunk, file, held)
        if free:
            milestones.put([replace(each, stages=frozenset()) for each in free], now)
        failed = [each.key for each in free if not _link(each, file.bill_ids[each.key], milestones, now)]
        milestones.put([each for each in chunk if each.key not in failed], now)
        counts = _compared(chunk, held)
        yield len(chunk), replace(counts, linked=len(free) - len(failed), unlinked=(*taken, *failed))


def _link(milestone: Milestone, bill_id: str, milestones: Milestones, now: dt.datetime) -> bool:
    """Tie a milestone to its bill, as a recorded choice; what is known of the bill comes with the next reading."""
    cases = milestones.gather(milestone.organisation, [milestone.key], 0)
    if not cases or cases[0].link.bill_id or cases[0].link.pending_attempt is not None:
        return False
    link = Link(bill_id=bill_id, generation=cases[0].link.generation, version=cases[0].link.version)
    choice = Choice(Choose.LINK, by=WHO, at=now, bill_id=bill_id)
    return milestones.choose(milestone.organisation, milestone.key, link, choice, None, None)


def _chunks(milestones: Sequence[Milestone]) -> Iterator[list[Milestone]]:
    left = iter(milestones)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def _held(chunk: Sequence[Milestone], milestones: Milestones) -> dict[str, Case]:
    cases = milestones.gather(chunk[0].organisation, [each.key for each in chunk], 0)
    return {case.milestone.key: case for case in cases}


def _to_link(
    chunk: Sequence[Milestone], file: ImportFile, held: dict[str, Case]
) -> tuple[list[Milestone], tuple[str, ...]]:
    """Those that come with a bill and follow none yet; and the keys of those that follow another, or are claimed."""
    free, taken = [], []
    for each in chunk:
        link = held[each.key].link if each.key in held else Link()
        if each.key not in file.bill_ids or link.bill_id == file.bill_ids[each.key]:
            continue
        if link.bill_id or link.pending_attempt is not None:
            taken.append(each.key)
        else:
            free.append(each)
    return free, tuple(taken)


def _compared(chunk: Sequence[Milestone], held: dict[str, Case]) -> Counts:
    known = [each for each in chunk if each.key in held]
    same = sum(replace(held[each.key].milestone, version=each.version) == each for each in known)
    return Counts(new=len(chunk) - len(known), changed=len(known) - same, same=same)
