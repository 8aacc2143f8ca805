"""Documents that are owed to bills, and what became of each."""

import datetime as dt
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from peewee import AutoField, IntegerField, TextField

from reconciler.model import Document
from reconciler.ports import Enclosure
from reconciler.records import Enclosed
from storage.database import Store
from storage.fields import UtcField, ValueField, WordField
from storage.models import LinkRow, MilestoneRow, Row


class Fate(StrEnum):
    """What became of a document: still to be attached, on the bill, or not to be had in this way."""

    OWED = "owed"
    ENCLOSED = "enclosed"
    BARRED = "barred"


class EnclosureRow(Row):
    """A document of a milestone by its name on the bill. `at` is when that which it says became known."""

    id = AutoField()
    organisation = TextField()
    key = TextField()
    bill_id = TextField()
    name = TextField()
    document = ValueField(Document)
    state = WordField(Fate, default=Fate.OWED)
    tries = IntegerField(default=0)
    trouble = TextField(default="")
    due_at = UtcField()
    at = UtcField()

    class Meta:
        table_name = "enclosure"
        indexes = (
            (("organisation", "bill_id", "name"), True),
            (("organisation", "state", "due_at"), False),
            (("organisation", "key"), False),
        )


class Enclosures:
    """`reconciler.ports.Enclosures` on a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def owe(self, organisation: str, wanted: Iterable[tuple[str, str, Document]], now: dt.datetime) -> None:
        """Owe these documents, as (key, bill id, document); one that was attached under its name is not owed again."""
        with self._store.write():
            for key, bill_id, document in wanted:
                self._owe(organisation, key, bill_id, document, now)

    def owed(self, organisation: str, now: dt.datetime, limit: int) -> list[Enclosure]:
        """What may be tried now, longest due first; documents that the milestone no longer has are forgotten."""
        mine = (EnclosureRow.organisation == organisation) & (EnclosureRow.state == Fate.OWED)
        due = _with_milestones(mine & (EnclosureRow.due_at <= now)).order_by(EnclosureRow.due_at, EnclosureRow.id)
        rows = self._store.rows(due.limit(limit))
        if gone := [row["id"] for row in rows if not _current(row)]:
            self._store.run(EnclosureRow.delete().where(EnclosureRow.id.in_(gone)))
        return [_read(row) for row in rows if _current(row)]

    def trying(self, enclosure: Enclosure, again_at: dt.datetime) -> bool:
        """It is about to be tried, and not again before then; `False` when somebody else is trying it."""
        free = (EnclosureRow.state == Fate.OWED) & (EnclosureRow.tries == enclosure.tries)
        changes = {"tries": enclosure.tries + 1, "due_at": again_at}
        return bool(self._store.run(EnclosureRow.update(changes).where(_is(enclosure) & free)))

    def failed(self, enclosure: Enclosure, why: str, now: dt.datetime, *, final: bool = False) -> None:
        """It could not be attached; with `final`, it is not tried again until it lies elsewhere."""
        state = Fate.BARRED if final else Fate.OWED
        self._store.run(EnclosureRow.update(trouble=why, at=now, state=state).where(_is(enclosure)))

    def enclosed(self, enclosure: Enclosure, now: dt.datetime) -> None:
        """It is on the bill."""
        self._store.run(EnclosureRow.update(state=Fate.ENCLOSED, trouble="", at=now).where(_is(enclosure)))

    def of(self, organisation: str, key: str) -> list[Enclosed]:
        """How the documents of a milestone stand, in the order in which they were first owed."""
        mine = (EnclosureRow.organisation == organisation) & (EnclosureRow.key == key)
        rows = self._store.rows(_with_milestones(mine).order_by(EnclosureRow.id))
        return [_standing(row) for row in rows if _current(row)]

    def troubled(self, organisation: str) -> list[str]:
        """The keys of milestones with a document that could not be attached so far, in order."""
        mine = (EnclosureRow.organisation == organisation) & (EnclosureRow.trouble != "")
        return sorted({row["key"] for row in self._store.rows(_with_milestones(mine)) if _current(row)})

    def _owe(self, organisation: str, key: str, bill_id: str, document: Document, now: dt.datetime) -> None:
        fresh = {"key": key, "document": document, "due_at": now, "at": now}
        name = {"organisation": organisation, "bill_id": bill_id, "name": document.name}
        if self._store.run(EnclosureRow.insert(name | fresh).on_conflict_ignore().as_rowcount()):
            return
        mine = (EnclosureRow.organisation == organisation) & (EnclosureRow.bill_id == bill_id)
        mine = mine & (EnclosureRow.name == document.name) & (EnclosureRow.state != Fate.ENCLOSED)
        again = fresh | {"state": Fate.OWED, "tries": 0, "trouble": ""}
        self._store.run(EnclosureRow.update(again).where(mine & (EnclosureRow.document != document)))


def _is(enclosure: Enclosure) -> Any:
    return EnclosureRow.id == enclosure.enclosure_id


def _with_milestones(condition: Any) -> Any:
    """What meets the condition, with the bill that its milestone now follows and the documents that it now has."""
    query = EnclosureRow.select(EnclosureRow, LinkRow.bill_id.alias("follows"), MilestoneRow.documents)
    query = query.join(LinkRow, on=_same(LinkRow)).switch(EnclosureRow).join(MilestoneRow, on=_same(MilestoneRow))
    return query.where(condition)


def _same(table: Any) -> Any:
    return (table.organisation == EnclosureRow.organisation) & (table.key == EnclosureRow.key)


def _current(row: dict[str, Any]) -> bool:
    return row["follows"] == row["bill_id"] and row["document"] in row["documents"]


def _read(row: dict[str, Any]) -> Enclosure:
    return Enclosure(row["id"], row["key"], row["bill_id"], row["document"], row["tries"])


def _standing(row: dict[str, Any]) -> Enclosed:
    again_at = row["due_at"] if row["state"] is Fate.OWED else None
    return Enclosed(row["name"], row["state"] is Fate.ENCLOSED, row["tries"], row["trouble"], row["at"], again_at)
