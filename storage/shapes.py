"""What a query finds read as values, without the library's wrapping of every row, which costs more than the rest."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from itertools import starmap
from typing import Any, Generic, TypeVar

from msgspec import Struct
from peewee import BooleanField, Function

from reconciler.model import Bill, Contact, Link, Milestone, Verdict
from reconciler.reasons import Reason
from reconciler.value import Value
from storage.among import among
from storage.fields import ReadField
from storage.mirrored import BillRow, ContactRow
from storage.models import LinkRow, MilestoneRow
from storage.statement import Given, Reading, Rows

S = TypeVar("S", bound=Struct)
T = TypeVar("T", bound=Struct)
R = TypeVar("R", covariant=True)


class Named(ABC, Generic[R]):
    """What is read of a table whose column `by` names each row: a shape, or a pair of them."""

    by: Any

    @abstractmethod
    def meeting(self, condition: Any) -> Reading[R]:
        """An organisation's values that meet the condition, by their names."""

    @cached_property
    def named(self) -> Reading[R]:
        """An organisation's values of the given `names`, by their names."""
        return self.meeting(among(self.by, Given("names")))

    @cached_property
    def within(self) -> Reading[R]:
        """An organisation's values of all names from `first` to `last`, by their names."""
        return self.meeting((self.by >= Given("first")) & (self.by <= Given("last")))


class Shape(Named[dict[Any, S]]):
    """How rows of a table become values of a kind, whose attributes the columns of the same names hold.

    `by` is the column that names each of them.
    """

    def __init__(self, table: Any, kind: type[S], by: str) -> None:
        fields, attributes = table._meta.fields, kind.__struct_fields__
        names = list(dict.fromkeys([*attributes, by]))
        self.table = table
        self.columns = [fields[name] for name in names]
        self.by = fields[by]
        self._position = names.index(by)
        self._kind = kind
        self._readers = [_reader(fields[name], null=fields[name].null) for name in attributes]

    def meeting(self, condition: Any) -> Reading[dict[Any, S]]:
        """An organisation's values that meet the condition, by their names."""
        return Reading(_mine(self.table, self.columns, condition), self.read)

    def read(self, rows: Rows) -> dict[Any, S]:
        """The values by their names, in the order of the rows, which hold `columns`.

        Column by column, so that the interpreter need not take a step for every value of every row.
        """
        return self.values(list(zip(*rows, strict=True)))

    def values(self, columns: Sequence[Sequence[Any]]) -> dict[Any, S]:
        """The values of rows that were turned into columns; none where there are no rows."""
        if not columns:
            return {}
        read = [_read(reader, held) for reader, held in zip(self._readers, columns, strict=False)]
        return dict(zip(columns[self._position], starmap(self._kind, zip(*read, strict=True)), strict=True))


class Pair(Named[tuple[dict[Any, S], dict[Any, T]]]):
    """Two shapes of one table, which one statement reads; each row becomes a value of both."""

    def __init__(self, one: Shape[S], other: Shape[T]) -> None:
        self.by = one.by
        self._one, self._other = one, other

    def meeting(self, condition: Any) -> Reading[tuple[dict[Any, S], dict[Any, T]]]:
        """An organisation's values of both kinds that meet the condition, by their names."""
        columns = [*self._one.columns, *self._other.columns]
        return Reading(_mine(self._one.table, columns, condition), self._read)

    def _read(self, rows: Rows) -> tuple[dict[Any, S], dict[Any, T]]:
        columns, ends = list(zip(*rows, strict=True)), len(self._one.columns)
        return self._one.values(columns[:ends]), self._other.values(columns[ends:])


def _mine(table: Any, columns: Sequence[Any], condition: Any) -> Any:
    """The query for those of an organisation's rows that meet the condition."""
    return table.select(*columns).where((table.organisation == Given("organisation")) & condition)


def column(query: Any) -> Reading[list[Any]]:
    """The only column of what a query finds."""
    columns = _columns(query)
    return Reading(query, lambda rows: list(*columns(rows)))


def pairs(query: Any) -> Reading[dict[Any, Any]]:
    """The second of two columns of what a query finds, by the first."""
    columns = _columns(query)
    return Reading(query, lambda rows: dict(zip(*columns(rows), strict=True)))


def values(query: Any) -> Reading[list[tuple[Any, ...]]]:
    """What a query finds, row by row, in the order of its columns."""
    columns = _columns(query)
    return Reading(query, lambda rows: list(zip(*columns(rows), strict=True)))


def _columns(query: Any) -> Callable[[Rows], list[Iterable[Any]]]:
    """What makes columns of values of the rows that a query finds; it selects columns, or functions of columns."""
    readers = [_reader(each, null=True) for each in query.selected_columns]

    def read(rows: Rows) -> list[Iterable[Any]]:
        held = zip(*rows, strict=True) if rows else [()] * len(readers)
        return [_read(reader, each) for reader, each in zip(readers, held, strict=True)]

    return read


_Reader = Callable[[Iterable[Any]], Iterable[Any]] | None


def _reader(column: Any, *, null: bool) -> _Reader:
    """What makes values of what a column holds, which may be null; `None` where these are the values."""
    field = _field(column.unwrap())
    if not isinstance(field, BooleanField | ReadField):
        return None
    read = bool if isinstance(field, BooleanField) else field.read
    if null:
        return lambda held: [None if value is None else read(value) for value in held]
    return partial(map, read)


def _field(column: Any) -> Any:
    """The field itself, or that of which a function gives the smallest or largest value."""
    if not isinstance(column, Function):
        return column
    function: Any = column
    return function.arguments[0] if function.name in {"MIN", "MAX"} else column


def _read(reader: _Reader, held: Iterable[Any]) -> Iterable[Any]:
    return reader(held) if reader else held


class Decided(Value, frozen=True):
    """What was decided of a milestone last, if anything was."""

    verdict: Verdict | None


class Version(Value, frozen=True):
    """By which a link, and the reason that it stands under, are known again."""

    version: int
    reason: Reason | None


MILESTONES = Shape(MilestoneRow, Milestone, by="key")
LINKS = Shape(LinkRow, Link, by="key")
DECIDED_LINKS = Pair(LINKS, Shape(LinkRow, Decided, by="key"))
VERSIONS = Shape(LinkRow, Version, by="key")
BILLS = Shape(BillRow, Bill, by="bill_id")
CONTACTS = Shape(ContactRow, Contact, by="contact_id")
