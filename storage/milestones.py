"""Milestones with their links and verdicts: put in, gathered, decided, chosen upon."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from peewee import chunked

from reconciler.milestone_port import Applied, Notice
from reconciler.model import Bill, Case, Decision, Exemption, Link, Milestone, Sifted, Verdict
from reconciler.progress import What
from reconciler.reasons import Action, Reason
from reconciler.records import Choice, Flag
from storage.applying import Occasion, apply_batch, confirm
from storage.books import move_on, today
from storage.changes import connection, decided, undone
from storage.database import Store
from storage.exemptions import end_exemption, exempt
from storage.flags import Flags, read_flag
from storage.gather import gather, gather_wished
from storage.links import change_link, link_columns, mark_others
from storage.marks import mark_keys, mark_where
from storage.models import ChoiceRow, DirtyRow, FlagRow, LinkRow, MilestoneRow, PartRow
from storage.putting import put_batch
from storage.shapes import BILLS, LINKS, column
from storage.statement import Given

BATCH = 100
PUT_BATCH = 200
PAGE = 500
DUE = column(
    DirtyRow.select(DirtyRow.key)
    .where((DirtyRow.organisation == Given("organisation")) & (DirtyRow.key > Given("after")))
    .order_by(DirtyRow.key)
    .limit(Given("limit"))
)
# Few exemptions end on a day; asked for without an order, they are found by their day, not among all keys.
LAPSED = column(
    LinkRow.select(LinkRow.key).where(
        (LinkRow.organisation == Given("organisation")) & (LinkRow.wake_on < Given("today"))
    )
)


class Milestones:
    """`reconciler.milestone_port.Milestones` on tables.

    `prefixes` maps each organisation to its bills' number prefix.
    """

    def __init__(self, store: Store, prefixes: Mapping[str, str], mail_domain: str) -> None:
        self._store = store
        self._prefixes = prefixes
        self._flags = Flags(store, mail_domain)

    def put(self, milestones: Sequence[Milestone], now: dt.datetime) -> tuple[int, int, int]:
        """Insert or update by (organisation, key); returns how many were new, changed and the same.

        Of a milestone given twice the last counts. The version is counted here; the one given is not regarded.
        """
        new = changed = same = 0
        newest = {(m.organisation, m.key): m for m in milestones}
        for batch in chunked(newest.values(), PUT_BATCH):
            with self._store.write():
                counts = put_batch(self._store, batch, now)
            new, changed, same = new + counts[0], changed + counts[1], same + counts[2]
        return new, changed, same

    def dirty_keys(self, organisation: str, now: dt.datetime, limit: int, after: str = "") -> list[str]:
        """Keys whose inputs changed since they were decided (or whose exemption lapsed), in order, from `after` on."""
        found = set(self._store.ask(DUE, organisation=organisation, after=after, limit=limit))
        lapsed = self._store.ask(LAPSED, organisation=organisation, today=today(self._store, organisation, now))
        return sorted(found | {key for key in lapsed if key > after})[:limit]

    def gather(self, organisation: str, keys: Collection[str], near_days: int, *, standing: bool = False) -> list[Case]:
        """The cases of these keys, in key order; unknown keys are left out. With `standing`, what was decided of them
        last is a part of them; a reason that only a newer release knows is then a `StorageError`."""
        return gather(self._store, organisation, keys, near_days, self._prefix(organisation), standing=standing)

    def wished(self, milestone: Milestone, near_days: int) -> Case:
        """The case as it would be if the platform said this of the milestone; nothing is kept."""
        return gather_wished(self._store, milestone, near_days, self._prefix(milestone.organisation))

    def versions(self, organisation: str, keys: Collection[str]) -> dict[str, int]:
        """The versions of these milestones by key, of those that there are."""
        mine = (MilestoneRow.organisation == organisation) & MilestoneRow.key.in_(list(keys))
        return self._store.pairs(MilestoneRow.select(MilestoneRow.key, MilestoneRow.version).where(mine))

    def stream(self, organisation: str, near_days: int) -> Iterator[Case]:
        """The cases of all milestones of the organisation, in key order, a page at a time."""
        after = ""
        while keys := self._store.column(_keys(organisation, None, PAGE, after)):
            yield from self.gather(organisation, keys, near_days)
            after = keys[-1]

    def keep(self, organisation: str, sifted: Sifted, notice: Notice, now: dt.datetime) -> Applied:
        """Record verdicts and links; open, supersede and close flags; owe mails. Short transactions.

        A decision counts only while milestone, link and books still have the versions that it was made on; else it is
        overtaken and the milestone stays dirty. HOLD verdicts neither open nor close flags, and stay dirty.
        """
        day = today(self._store, organisation, now)
        occasion = Occasion(organisation, self._prefix(organisation), notice, now, day, sifted.books)
        gone = confirm(self._store, organisation, sifted)
        parts = [apply_batch(self._store, self._flags, occasion, batch) for batch in chunked(sifted.news, BATCH)]
        return Applied(
            opened=tuple(flag for part in parts for flag in part.opened),
            closed=tuple(flag for part in parts for flag in part.closed),
            overtaken=(*gone, *(key for part in parts for key in part.overtaken)),
        )

    def touch(self, organisation: str, keys: Collection[str] | None = None) -> int:
        """Mark milestones dirty (`None`: all of the organisation); returns how many."""
        with self._store.write():
            if keys is not None:
                return mark_keys(self._store, organisation, keys)
            move_on(self._store, organisation)
        return mark_where(self._store, organisation)

    def any_under(self, organisation: str, reasons: Collection[Reason]) -> bool:
        """Whether a milestone stands under one of these reasons."""
        return bool(self._store.column(_keys(organisation, LinkRow.reason.in_(list(reasons)), 1, "")))

    def ready(self, organisation: str, limit: int, after: str = "") -> list[str]:
        """Keys whose verdict is SYNC and that no open attempt claims, in order, from `after` on."""
        free = (LinkRow.action == Action.SYNC) & LinkRow.pending_attempt.is_null()
        return self._store.column(_keys(organisation, free, limit, after))

    def choose(
        self,
        organisation: str,
        key: str,
        link: Link,
        choice: Choice,
        exemption: Exemption | None,
        reason: Reason | None,
    ) -> bool:
        """Record a choice, the link it leaves and the exemption it makes; `False` when the link changed meanwhile.

        Nothing can be chosen while an attempt claims the milestone: its outcome would overwrite the choice. Nor can a
        bill that another milestone follows be linked: it would be paid for both.
        """
        with self._store.write():
            before = self._store.named(LINKS, organisation, [key]).get(key)
            if before is None or before.version != link.version or before.pending_attempt is not None:
                return False
            had, has = set(before.bill_ids), set(link.bill_ids)
            if any(set(self.followers(organisation, bill_id)) - {key} for bill_id in has - had):
                return False
            change_link(self._store, organisation, key, link.version, link_columns(link))
            mark_keys(self._store, organisation, [key])
            if exemption is not None:
                exempt(self._store, organisation, key, exemption, choice.at)
            row = {"organisation": organisation, "key": key, "at": choice.at, "reason": reason, "choice": choice}
            self._store.run(ChoiceRow.insert(row))
            decided(self._store, organisation, key, choice, reason)
            self._follow_parts(organisation, key, before, link)
            mark_others(self._store, organisation, had ^ has, self._prefix(organisation))
        return True

    def _follow_parts(self, organisation: str, key: str, before: Link, link: Link) -> None:
        had, has = [part.bill_id for part in before.parts], [part.bill_id for part in link.parts]
        if had != has:
            mine = (PartRow.organisation == organisation) & (PartRow.key == key)
            self._store.run(PartRow.delete().where(mine))
            rows = [{"organisation": organisation, "bill_id": bill_id, "key": key} for bill_id in has]
            self._store.insert(PartRow, rows)

    def choices(self, organisation: str, keys: Collection[str]) -> dict[str, Choice]:
        """What was decided last of each of these milestones, as far as anything was."""
        mine = (ChoiceRow.organisation == organisation) & ChoiceRow.key.in_(list(keys))
        return self._store.pairs(ChoiceRow.select(ChoiceRow.key, ChoiceRow.choice).where(mine).order_by(ChoiceRow.id))

    def end_exemption(self, organisation: str, key: str, by: str, now: dt.datetime) -> bool:
        """End the milestone's exemption and mark it dirty; `False` when it has none."""
        with self._store.write():
            ended = end_exemption(self._store, organisation, key, by, now)
            if ended:
                mark_keys(self._store, organisation, [key])
                undone(self._store, organisation, key, by, now)
        return ended

    def raise_alert(self, organisation: str, verdict: Verdict, notice: Notice, now: dt.datetime) -> None:
        """Open the organisation's own flag for a HOLD (once while it lasts) and owe its mail."""
        with self._store.write():
            held = next((flag for flag in self._alerts(organisation) if flag.reason is verdict.reason), None)
            if held is None:
                flag = self._flags.open(organisation, "", verdict, now)
                self._flags.announce([flag], [], notice, now)
                connection(self._store, flag, What.DISCONNECTED, now)
            else:
                self._flags.refresh(held, verdict)

    def clear_alerts(self, organisation: str, keep: Collection[Reason], notice: Notice, now: dt.datetime) -> None:
        """Close the organisation's own flags, save those of the given reasons, and owe word of it."""
        with self._store.write():
            over = [flag for flag in self._alerts(organisation) if flag.reason not in keep]
            closed = [self._flags.close(flag, "resolved: it does not apply any more", now) for flag in over]
            self._flags.announce([], closed, notice, now)
            for flag in closed:
                connection(self._store, flag, What.CONNECTED, now)

    def standing(self, organisation: str, keys: Collection[str]) -> list[Decision]:
        """The cases of these keys with the verdicts recorded last, in key order; undecided ones are left out.

        `similar` holds the bills that the verdict speaks of, as far as they are not `ours`; `deed` is the open flag's.
        """
        with self._store.read():
            cases = self.gather(organisation, keys, near_days=0, standing=True)
            flags = self._flags.opened(organisation, keys)
            spoken_of = {bill_id for case in cases if case.decided for bill_id in case.decided.others}
            others = self._store.named(BILLS, organisation, spoken_of)
        return [_standing(case, case.decided, others, flags.get(case.milestone.key)) for case in cases if case.decided]

    def followers(self, organisation: str, bill_id: str) -> list[str]:
        """The keys of the milestones that follow this bill, as their last or an earlier one; there is at most one."""
        if not bill_id:
            return []
        tables: Any = (LinkRow, PartRow)
        queries = [t.select(t.key).where((t.organisation == organisation) & (t.bill_id == bill_id)) for t in tables]
        return [key for query in queries for key in self._store.column(query)]

    def open_flags(self, organisation: str, keys: Collection[str]) -> list[Flag]:
        """The open flags of these milestones; an empty key stands for the organisation's own (one of them)."""
        with self._store.read():
            return list(self._flags.opened(organisation, keys).values())

    def _prefix(self, organisation: str) -> str:
        return self._prefixes.get(organisation, "")

    def _alerts(self, organisation: str) -> list[Any]:
        own = (FlagRow.organisation == organisation) & (FlagRow.key == "") & FlagRow.closed_at.is_null()
        return [read_flag(row) for row in self._store.rows(FlagRow.select().where(own).order_by(FlagRow.id))]


def _keys(organisation: str, condition: Any, limit: int, after: str) -> Any:
    mine = (LinkRow.organisation == organisation) & (LinkRow.key > after)
    query = LinkRow.select(LinkRow.key).where(mine if condition is None else mine & condition)
    return query.order_by(LinkRow.key).limit(limit)


def _standing(case: Case, verdict: Verdict, bills: Mapping[str, Bill], flag: Flag | None) -> Decision:
    ours = {bill.bill_id for bill in case.ours}
    similar = tuple(bills[bill_id] for bill_id in verdict.others if bill_id in bills and bill_id not in ours)
    deed = flag.deed if flag else None
    return Decision(replace(case, similar=similar, deed=deed), replace(verdict, link=case.link))
