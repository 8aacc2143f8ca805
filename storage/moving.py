"""A database copied into another one, of either kind: table by table, in the order of their keys, a portion at a time.

Every portion is one transaction of the target, and begins after the last key that the target holds: so a copy that was
cut off goes on where it was. Afterwards both are read in full, and must hold the same.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from peewee import AutoField, BooleanField, sort_models  # type: ignore[attr-defined]

from reconciler.errors import StorageError
from storage.backup import must_exist, see_unused
from storage.database import POSTGRESQL, Store, open_store
from storage.leases import LeaseRow
from storage.models import Row
from storage.sqlite import path_of

PORTION = 1000
_MARK = "moved from"
_NUMBER_ON = """
    SELECT setval(pg_get_serial_sequence('"{table}"', '{column}'),
        GREATEST((SELECT COALESCE(MAX("{column}"), 0) FROM "{table}"), 1),
        EXISTS (SELECT 1 FROM "{table}"))
"""


@dataclass(frozen=True, slots=True)
class Step:
    """How far the copy of one table is; `checked` when both sides were read and hold the same."""

    table: str
    rows: int
    of: int
    checked: bool = False


@dataclass(frozen=True, slots=True)
class _Table:
    """What is copied of a table: its columns in order, its key, and which columns are true or false."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    truths: frozenset[int]
    counts_on: str

    def select(self, after: bool) -> str:
        """A portion of the rows, in the order of the key."""
        names, key = _listed(self.columns), _listed(self.key)
        condition = f"WHERE ({key}) > ({', '.join('?' * len(self.key))})" if after else ""
        return f'SELECT {names} FROM "{self.name}" {condition} ORDER BY {key} LIMIT {PORTION}'

    def insert(self) -> str:
        """One row."""
        return f'INSERT INTO "{self.name}" ({_listed(self.columns)}) VALUES ({", ".join("?" * len(self.columns))})'

    def key_of(self, row: Sequence[Any]) -> list[Any]:
        """The key of a row."""
        return [row[self.columns.index(name)] for name in self.key]

    def plain(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """The row as both kinds of database take it."""
        return tuple(
            bool(value) if at in self.truths and value is not None else _plain(value) for at, value in enumerate(row)
        )


def move(source_url: str, target_url: str) -> Iterator[Step]:
    """Copy the database at one URL into the one at the other, telling how far it is; nothing of the source changes.

    Raises `StorageError` when the source is in use, when the target holds anything else than an earlier part of this
    very copy, or when the two do not hold the same in the end.
    """
    if source_url == target_url:
        raise StorageError("Source and target are the same database.")
    if not source_url.startswith(POSTGRESQL):
        must_exist(path_of(source_url))
        see_unused(path_of(source_url))
    source = open_store(source_url, create=False)
    try:
        target = open_store(target_url, create=True)
        try:
            yield from _move(source, target)
        finally:
            target.close()
    finally:
        source.close()


def _move(source: Store, target: Store) -> Iterator[Step]:
    tables = [_described(model) for model in _models()]
    _see_target(source, target, tables)
    for table in tables:
        yield from _copy(source, target, table)
    for table in tables:
        yield _checked(source, target, table)
    for table in tables if target.shared else ():
        if table.counts_on:
            target.value(_NUMBER_ON.format(table=table.name, column=table.counts_on), [])
    target.execute("DELETE FROM lease WHERE name = ?", [_MARK])


def _see_target(source: Store, target: Store, tables: Sequence[_Table]) -> None:
    """Take an empty target for this copy; one that was taken for another, or is in use, is left alone."""
    for store in (source, target):
        if store.newer():
            raise StorageError(f"{store.name} was brought up to date by a newer release of billwatch; use that one.")
    mark = target.value("SELECT holder FROM lease WHERE name = ?", [_MARK])
    if mark not in (None, source.name):
        raise StorageError(f"{target.name} holds a part of what is in {mark}; go on with that, or empty it.")
    if mark is None:
        if held := next((table.name for table in tables if _count(target, table)), ""):
            raise StorageError(f"{target.name} is not empty: it has rows in {held}. Name a database that is.")
        target.execute('INSERT INTO lease (name, holder, number, "until") VALUES (?, ?, 0, 0)', [_MARK, source.name])


def _copy(source: Store, target: Store, table: _Table) -> Iterator[Step]:
    of, rows = _count(source, table), _count(target, table)
    after = _last_key(target, table) if rows else []
    while portion := source.fetch(table.select(bool(after)), after):
        with target.write():
            target.execute_many(table.insert(), [table.plain(row) for row in portion])
        rows, after = rows + len(portion), table.key_of(portion[-1])
        yield Step(table.name, rows, of)


def _checked(source: Store, target: Store, table: _Table) -> Step:
    ours, theirs = _sum(source, table), _sum(target, table)
    if ours != theirs:
        raise StorageError(
            f"The copy of {table.name} is not what the source holds: {theirs[0]} rows against {ours[0]}. "
            "Was the source in use? Empty the target and begin anew."
        )
    return Step(table.name, theirs[0], ours[0], checked=True)


def _sum(store: Store, table: _Table) -> tuple[int, str]:
    """How many rows there are, and a checksum of all that is in them."""
    digest, count, after = hashlib.sha256(), 0, list[Any]()
    while portion := store.fetch(table.select(bool(after)), after):
        digest.update(msgspec.msgpack.encode([table.plain(row) for row in portion]))
        count, after = count + len(portion), table.key_of(portion[-1])
    return count, digest.hexdigest()


def _models() -> list[Any]:
    """Every table but that of leases, which are of the moment; those that others refer to first."""
    return [model for model in sort_models(Row.__subclasses__()) if model is not LeaseRow]


def _described(model: Any) -> _Table:
    fields = model._meta.sorted_fields
    key = model._meta.primary_key
    names = key.field_names if hasattr(key, "field_names") else (key.name,)
    return _Table(
        name=model._meta.table_name,
        columns=tuple(field.column_name for field in fields),
        key=tuple(model._meta.fields[name].column_name for name in names),
        truths=frozenset(at for at, field in enumerate(fields) if isinstance(field, BooleanField)),
        counts_on=key.column_name if isinstance(key, AutoField) else "",
    )


def _count(store: Store, table: _Table) -> int:
    return int(store.value(f'SELECT COUNT(*) FROM "{table.name}"', []))


def _last_key(store: Store, table: _Table) -> list[Any]:
    order = ", ".join(f'"{name}" DESC' for name in table.key)
    return list(store.fetch(f'SELECT {_listed(table.key)} FROM "{table.name}" ORDER BY {order} LIMIT 1', [])[0])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value
