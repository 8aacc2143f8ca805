"""What became known, in one order: rows written in the transaction of what they tell of, read from a cursor on.

There is one writer at a time, so that the numbers of changes grow in the order in which they became visible: whoever
has read up to one of them has missed none before it.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from msgspec.structs import replace
from peewee import AutoField, CompositeKey, IntegerField, TextField, fn

from reconciler.compare import with_adopted
from reconciler.model import Decision, Progress, Stage, Status
from reconciler.progress import DISCONNECTING, Change, What, news, of_bill, progress_of
from reconciler.reasons import Action, Choose, Reason
from reconciler.records import Choice, Flag
from storage.codec import build
from storage.database import Store
from storage.fields import MoneyField, UtcField, WordField
from storage.models import Row
from storage.shapes import Shape
from storage.state import State


class ChangeRow(Row):
    """A `Change`; the columns bear the names of its attributes."""

    change_id = AutoField()
    organisation = TextField()
    key = TextField()
    what = WordField(What)
    at = UtcField()
    action = WordField(Action, null=True)
    reason = WordField(Reason, null=True)
    flag_id = IntegerField(null=True)
    choice = WordField(Choose, null=True)
    by = TextField(default="")
    because = TextField(default="")
    bill_id = TextField(default="")
    bill_number = TextField(default="")
    bill_status = WordField(Status, null=True)
    currency = TextField(default="")
    total = MoneyField(null=True)
    settled = MoneyField(null=True)

    class Meta:
        table_name = "change"
        indexes = ((("organisation", "change_id"), False),)


class ProgressRow(Row):
    """How far a milestone was when it was decided last; without a row, it has no bill."""

    organisation = TextField()
    key = TextField()
    bill_id = TextField()
    stage = WordField(Stage)
    settled = MoneyField()

    class Meta:
        table_name = "progress"
        primary_key = CompositeKey("organisation", "key")


PROGRESS = Shape(ProgressRow, Progress, by="key")


def forgotten(organisation: str) -> str:
    """The name under which it is remembered up to which change the organisation's feed has lost some."""
    return f"forgotten:{organisation}"


NAMES = tuple(name for name in Change.__struct_fields__ if name != "change_id")


class Changes:
    """The feed of changes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def after(self, organisations: Collection[str], change_id: int, limit: int) -> list[Change]:
        """The changes of these organisations that came after that one, in their order."""
        mine = ChangeRow.organisation.in_(list(organisations)) & (ChangeRow.change_id > change_id)
        query = ChangeRow.select().where(mine).order_by(ChangeRow.change_id).limit(limit)
        return [build(Change, row) for row in self._store.rows(query)]

    def forgotten(self, organisation: str) -> int:
        """The number of the newest change of the organisation that is not kept any more; 0 where all are."""
        return int(State(self._store).get(forgotten(organisation)) or 0)

    def newest(self) -> int:
        """The number of the newest change; 0 while there is none."""
        newest = ChangeRow.select(fn.MAX(ChangeRow.change_id))
        return next(iter(self._store.column(newest))) or 0


def record(store: Store, changes: Iterable[Change]) -> None:
    """Keep changes, in the caller's transaction."""
    store.insert(ChangeRow, [{name: getattr(change, name) for name in NAMES} for change in changes])


class Steps:
    """What the decisions of one batch change, in the caller's transaction."""

    def __init__(self, store: Store, organisation: str, keys: Collection[str], now: dt.datetime) -> None:
        self._store, self._organisation, self._now = store, organisation, now
        self._held = store.named(PROGRESS, organisation, keys)
        self._changes: list[Change] = []
        self._moved: list[dict[str, Any]] = []

    def take(self, decision: Decision, opened: Flag | None, closed: Flag | None, *, turned: bool) -> None:
        """A decision that was applied: `turned` when its verdict is another one, and the flags that followed it."""
        key = decision.case.milestone.key
        before = self._held.get(key, Progress())
        after = progress_of(decision, before)
        if after != before:
            self._moved.append({"organisation": self._organisation, "key": key} | _columns(after))
        bill = with_adopted(decision).case.bill
        self._changes += [
            of_bill(change, bill) for change in self._told(decision, before, after, opened, turned=turned)
        ]
        if closed and not opened:
            told = (decision.verdict.action, closed.reason, closed.flag_id)
            cleared = Change(self._organisation, key, What.CLEARED, self._now, *told, because=closed.closed_because)
            self._changes.append(of_bill(cleared, bill))

    def keep(self) -> None:
        """Write what was taken."""
        record(self._store, self._changes)
        target, values = ["organisation", "key"], list(_columns(Progress()))
        kept = {"conflict_target": target, "preserve": [getattr(ProgressRow, name) for name in values]}
        self._store.insert(ProgressRow, self._moved, **kept)

    def _told(
        self, decision: Decision, before: Progress, after: Progress, opened: Flag | None, *, turned: bool
    ) -> Iterator[Change]:
        key, verdict = decision.case.milestone.key, decision.verdict
        for what in news(before, after):
            yield Change(self._organisation, key, what, self._now, verdict.action, verdict.reason)
        if turned:
            yield Change(self._organisation, key, What.VERDICT, self._now, verdict.action, verdict.reason)
        if opened:
            flagged = (What.FLAGGED, self._now, verdict.action, verdict.reason, opened.flag_id)
            yield Change(self._organisation, key, *flagged)


def decided(store: Store, organisation: str, key: str, choice: Choice, reason: Reason | None) -> None:
    """Keep that a person decided, in the caller's transaction."""
    made = Change(organisation, key, What.DECIDED, choice.at, reason=reason, choice=choice.kind, by=choice.by)
    record(store, [replace(made, because=choice.reason, bill_id=choice.bill_id)])


def undone(store: Store, organisation: str, key: str, by: str, now: dt.datetime) -> None:
    """Keep that a person ended an exemption, in the caller's transaction."""
    record(store, [Change(organisation, key, What.DECIDED, now, by=by, because="the exemption was ended")])


def connection(store: Store, flag: Flag, what: What, now: dt.datetime) -> None:
    """Keep that an organisation is not reached any more, or is again, if that is what the flag is about; as above."""
    if flag.reason in DISCONNECTING:
        record(store, [Change(flag.organisation, "", what, now, Action.HOLD, flag.reason, flag.flag_id)])


def _columns(progress: Progress) -> dict[str, Any]:
    return {"bill_id": progress.bill_id, "stage": progress.stage, "settled": progress.settled}
