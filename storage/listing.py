"""Milestones, exemptions and what is owed, as people page through them; quick however many there are."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from reconciler.model import Exemption, Status
from reconciler.reasons import Reason
from storage.database import Store
from storage.mirrored import BillRow
from storage.models import ExemptionRow, LinkRow, MilestoneRow, VerdictRow
from storage.names import fold
from storage.overview import Listed, Overview

Place = tuple[str, str]
START: Place = ("", "")
UNAPPROVED = tuple(status for status in Status if status.unapproved)


@dataclass(frozen=True, slots=True)
class Exempted:
    """An exemption and whose it is; `ended_at` and `ended_by` once somebody has undone it."""

    organisation: str
    key: str
    payee: str
    exemption: Exemption
    ended_at: dt.datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class Turned:
    """So many milestones that went from one reason (`None`: undecided) to another on a day of their organisation."""

    day: dt.date
    before: Reason | None
    after: Reason
    number: int


class Listing:
    """Questions of the dashboard; they change nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._overview = Overview(store)

    def page(
        self,
        organisations: Collection[str],
        limit: int,
        after: Place = START,
        reasons: Collection[Reason | None] | None = None,
        text: str = "",
    ) -> list[Listed]:
        """Milestones from `after` (organisation, key) on, in that order; those of the reasons, that hold the text.

        A reason of `None` stands for those that are not decided yet.
        """
        found: list[Listed] = []
        with self._store.read():
            for organisation in sorted(organisations):
                if len(found) < limit and organisation >= after[0]:
                    start = after[1] if organisation == after[0] else ""
                    keys = self._keys(organisation, start, limit - len(found), reasons, text)
                    found += self._overview.listed(organisation, keys)
        return found

    def changed_after(self, organisation: str, instant: dt.datetime) -> dt.datetime | None:
        """The first time after that instant, by Xero's clock, of the last changes that were made to bills."""
        later = (BillRow.organisation == organisation) & (BillRow.updated_at > instant)
        return next(iter(self._store.column(BillRow.select(fn.MIN(BillRow.updated_at)).where(later))), None)

    def turned(self, zones: Mapping[str, dt.tzinfo], since: dt.datetime) -> list[Turned]:
        """How milestones of these organisations went from reason to reason, summed up by their days, oldest first."""
        earlier = VerdictRow.alias()
        same = (earlier.organisation == VerdictRow.organisation) & (earlier.key == VerdictRow.key)
        before = earlier.select(earlier.reason).where(same & (earlier.id < VerdictRow.id))
        inner = VerdictRow.select(
            VerdictRow.organisation,
            VerdictRow.at,
            before.order_by(earlier.id.desc()).limit(1).alias("before"),
            VerdictRow.reason.alias("reason"),
        ).where(VerdictRow.organisation.in_(list(zones)) & (VerdictRow.at >= since))
        summed: dict[tuple[dt.date, Reason | None, Reason], int] = {}
        for row in self._store.rows(inner):
            day = row["at"].astimezone(zones[row["organisation"]]).date()
            turn = (day, Reason(row["before"]) if row["before"] else None, row["reason"])
            summed[turn] = summed.get(turn, 0) + 1
        return [Turned(*turn, number) for turn, number in sorted(summed.items(), key=lambda item: item[0][0])]

    def exemptions(
        self, organisations: Collection[str], limit: int, *, ended: bool = False, key: str = ""
    ) -> list[Exempted]:
        """Exemptions, newest first: those that stand, or those that somebody has undone; of one milestone, or all."""
        mine = ExemptionRow.organisation.in_(list(organisations)) & ExemptionRow.ended_at.is_null(not ended)
        mine = mine & (ExemptionRow.key == key) if key else mine
        same = (MilestoneRow.organisation == ExemptionRow.organisation) & (MilestoneRow.key == ExemptionRow.key)
        query = ExemptionRow.select(ExemptionRow, MilestoneRow.payee).join(MilestoneRow, on=same).where(mine)
        names = Exempted.__slots__
        rows = self._store.rows(query.order_by(ExemptionRow.id.desc()).limit(limit))
        return [Exempted(**{name: row[name] for name in names}) for row in rows]

    def dated(self, organisation: str, until: dt.date, reasons: Collection[Reason | None]) -> list[str]:
        """Keys of milestones under these reasons that are dated, or whose bill or chosen date is, until that day."""
        bill = (BillRow.organisation == LinkRow.organisation) & (BillRow.bill_id == LinkRow.bill_id)
        early = (MilestoneRow.date <= until) | (BillRow.date <= until) | (LinkRow.chosen_date <= until)
        query = LinkRow.select(LinkRow.key).join(MilestoneRow, on=_same())
        query = query.switch(LinkRow).left_outer_join(BillRow, on=bill)
        mine = (LinkRow.organisation == organisation) & _under(reasons) & early
        return self._store.column(query.where(mine).order_by(LinkRow.key))

    def late(self, organisation: str, until: dt.date) -> list[str]:
        """Keys of milestones whose bill nobody has approved, and which falls due until that day."""
        bill = (BillRow.organisation == LinkRow.organisation) & (BillRow.bill_id == LinkRow.bill_id)
        query = LinkRow.select(LinkRow.key).join(BillRow, on=bill)
        mine = (LinkRow.organisation == organisation) & BillRow.status.in_(UNAPPROVED) & (BillRow.due_date <= until)
        return self._store.column(query.where(mine).order_by(BillRow.due_date, LinkRow.key))

    def _keys(
        self, organisation: str, after: str, limit: int, reasons: Collection[Reason | None] | None, text: str
    ) -> Sequence[str]:
        if reasons is None:
            every = (MilestoneRow.organisation == organisation) & (MilestoneRow.key > after) & _holds(text)
            of_all = MilestoneRow.select(MilestoneRow.key).where(every)
            return self._store.column(of_all.order_by(MilestoneRow.key).limit(limit))
        found: list[str] = []
        for reason in reasons:
            # One look-up each, so that an index gives them in order: several reasons at once would have to be sorted.
            mine = (LinkRow.organisation == organisation) & (LinkRow.key > after) & _under([reason])
            query = LinkRow.select(LinkRow.key).where(mine).order_by(LinkRow.key).limit(limit)
            found += self._store.column(query.join(MilestoneRow, on=_same()).where(_holds(text)) if text else query)
        return sorted(found)[:limit]


def _same() -> Any:
    return (MilestoneRow.organisation == LinkRow.organisation) & (MilestoneRow.key == LinkRow.key)


def _under(reasons: Collection[Reason | None]) -> Any:
    some = LinkRow.reason.in_([reason for reason in reasons if reason])
    return some | LinkRow.reason.is_null() if None in reasons else some


def _holds(text: str) -> Any:
    if not text:
        return MilestoneRow.key != ""
    row = MilestoneRow
    return row.key.contains(text) | row.payee_folded.contains(fold(text)) | row.title.contains(text)
