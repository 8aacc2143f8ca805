"""All that billwatch remembers of an organisation, table by table, for whoever wants it in another place.

What is left out: secrets (tokens, keys, links in mails), raw requests, and what can be read from Xero again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from peewee import Field, Select

from storage.among import among
from storage.changes import ChangeRow
from storage.database import Store
from storage.enclosures import EnclosureRow
from storage.mirrored import BillRow, OrganisationRow
from storage.models import ChoiceRow, ExemptionRow, FlagRow, LinkRow, MilestoneRow, PartRow, VerdictRow
from storage.queues import AttemptRow, ElementRow, MailFlagRow, MailRow

PORTION = 1000

Row = dict[str, Any]


def _nothing_more(_store: Store, _rows: list[Row]) -> None:
    """The rows stand for themselves."""


@dataclass(frozen=True, slots=True)
class _Table:
    """What is exported under a name: what is selected, in the order of `by`, and what is added to each portion."""

    select: Select
    organisation: Field
    by: Field
    add: Callable[[Store, list[Row]], None] = _nothing_more


class Export:
    """Reads everything, a portion at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def organisations(self) -> list[str]:
        """The keys of all of which something is kept, whether they are configured or not."""
        known = self._store.column(OrganisationRow.select(OrganisationRow.key))
        return sorted({*known, *self._store.column(MilestoneRow.select(MilestoneRow.organisation).distinct())})

    def tables(self, organisation: str) -> Iterator[tuple[str, Iterator[Row]]]:
        """Every table by name, with its rows; as long as they are read, all are of one moment.

        A row's values are those of the model: dates, amounts, and dataclasses where there is more to say.
        """
        with self._store.read():
            for name, table in TABLES.items():
                yield name, self._rows(table, organisation)

    def _rows(self, table: _Table, organisation: str) -> Iterator[Row]:
        mine = table.organisation == organisation
        query = table.select.where(mine).order_by(table.by).limit(PORTION)
        rows = self._store.rows(query)
        while rows:
            last = rows[-1][table.by.name]
            table.add(self._store, rows)
            yield from rows
            rows = self._store.rows(query.where(table.by > last))


def _but(model: Any, *left_out: str) -> list[Field]:
    """All columns of a table, save the organisation's and those left out."""
    return [field for field in model._meta.sorted_fields if field.name not in ("organisation", *left_out)]


def _whole(model: Any, *left_out: str, add: Callable[[Store, list[Row]], None] = _nothing_more) -> _Table:
    """A table that has rows of its own numbers."""
    return _Table(model.select(*_but(model, *left_out)), model.organisation, model._meta.primary_key, add)


def _billed(model: Any, by: Field) -> _Table:
    """Bills that belong to milestones, as last read."""
    same = (BillRow.organisation == model.organisation) & (BillRow.bill_id == model.bill_id)
    return _Table(model.select(model.key, *_but(BillRow)).join(BillRow, on=same), model.organisation, by)


def _milestones() -> _Table:
    same = (LinkRow.organisation == MilestoneRow.organisation) & (LinkRow.key == MilestoneRow.key)
    fields = _but(MilestoneRow, "version", "payee_folded", "url", "fingerprint")
    query = MilestoneRow.select(*fields, LinkRow.bill_id).left_outer_join(LinkRow, on=same)
    return _Table(query, MilestoneRow.organisation, MilestoneRow.key)


def _standing() -> _Table:
    row = LinkRow
    query = row.select(row.key, row.action, row.reason, row.decided_at, row.chosen_date, row.accepted, row.generation)
    return _Table(query, row.organisation, row.key)


def _told(store: Store, mails: list[Row]) -> None:
    """The numbers of the flags that each mail is about."""
    row = MailFlagRow
    about = _of_each(store, mails, row.mail, row.flag, row.flag)
    for mail in mails:
        mail["flags"] = about[mail["id"]]


def _written(store: Store, attempts: list[Row]) -> None:
    """The milestones that each attempt is for, in the order of its outcomes; what was sent, as text."""
    row = ElementRow
    of = _of_each(store, attempts, row.attempt, row.key, row.position)
    for attempt in attempts:
        attempt["keys"] = of[attempt["id"]]
        attempt["body"] = bytes(attempt["body"]).decode()


def _of_each(store: Store, wholes: list[Row], whole: Field, part: Field, order: Field) -> dict[int, list[Any]]:
    """The parts of these wholes, by the whole's number and in order; of one that has none, an empty list."""
    parts: dict[int, list[Any]] = {each["id"]: [] for each in wholes}
    query = part.model.select(whole, part).where(among(whole, list(parts))).order_by(whole, order)
    for each in store.rows(query):
        parts[each[whole.name]].append(each[part.name])
    return parts


TABLES = {
    "milestones": _milestones(),
    "standing": _standing(),
    "bills": _billed(LinkRow, LinkRow.key),
    "earlier-bills": _billed(PartRow, PartRow.bill_id),
    "verdicts": _whole(VerdictRow, "cycle"),
    "flags": _whole(FlagRow, "verdict", "asked_at"),
    "choices": _whole(ChoiceRow),
    "exemptions": _whole(ExemptionRow),
    "mails": _whole(MailRow, "claimed_until", add=_told),
    "attempts": _whole(AttemptRow, "idempotency_key", add=_written),
    "documents": _whole(EnclosureRow, "due_at"),
    "changes": _whole(ChangeRow),
}
