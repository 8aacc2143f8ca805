"""What a query finds read as values, without the library's wrapping of every row, which costs more than the rest."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import starmap
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from peewee import BooleanField, Function

from reconciler.model import Bill, Contact, Link, Milestone, Verdict
from reconciler.reasons import Reason
from reconciler.value import Value
from storage.among import among
from storage.fields import ReadField
from storage.mirrored import BillRow, ContactRow
from storage.models import LinkRow, MilestoneRow

S = TypeVar("S", bound=Struct)
T = TypeVar("T", bound=Struct)
R = TypeVar("R", covariant=True)


class Reads(Protocol[R]):
    """What makes values of the rows of one statement: a shape, or a pair of them."""

    def select(self, organisation: str, names: Iterable[str]) -> Any:
        """The query for the values of these names."""
        ...

    def read(self, rows: Sequence[Sequence[Any]]) -> R:
        """The values by their names."""
        ...


class Shape(Generic[S]):
    """How rows of a table become values of a kind, whose attributes the columns of the same names hold.

    `by` is the column that names each of them.
    """

    def __init__(self, table: Any, kind: type[S], by: str) -> None:
        fields, attributes = table._meta.fields, kind.__struct_fields__
        names = list(dict.fromkeys([*attributes, by]))
        self.table = table
        self.columns = [fields[name] for name in names]
        self._by = names.index(by)
        self._kind = kind
        self._reads = [_reading(fields[name], null=fields[name].null) for name in attributes]

    def select(self, organisation: str, names: Iterable[str]) -> Any:
        """The query for the values of these names."""
        mine = (self.table.organisation == organisation) & among(self.columns[self._by], names)
        return self.table.select(*self.columns).where(mine)

    def read(self, rows: Sequence[Sequence[Any]]) -> dict[Any, S]:
        """The values by their names, in the order of the rows, which hold `columns`.

        Column by column, so that the interpreter need not take a step for every value of every row.
        """
        return self.values(list(zip(*rows, strict=True)))

    def values(self, columns: Sequence[Sequence[Any]]) -> dict[Any, S]:
        """The values of rows that were turned into columns; none where there are no rows."""
        if not columns:
            return {}
        read = [_read(reading, column) for reading, column in zip(self._reads, columns, strict=False)]
        return dict(zip(columns[self._by], starmap(self._kind, zip(*read, strict=True)), strict=True))


class Pair(Generic[S, T]):
    """Two shapes of one table, which one statement reads; each row becomes a value of both."""

    def __init__(self, one: Shape[S], other: Shape[T]) -> None:
        self._one, self._other = one, other

    def select(self, organisation: str, names: Iterable[str]) -> Any:
        """The query for the values of these names."""
        return self._one.select(organisation, names).select_extend(*self._other.columns)

    def read(self, rows: Sequence[Sequence[Any]]) -> tuple[dict[Any, S], dict[Any, T]]:
        """The values of both kinds by their names."""
        columns, ends = list(zip(*rows, strict=True)), len(self._one.columns)
        return self._one.values(columns[:ends]), self._other.values(columns[ends:])


def read_columns(selected: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[Iterable[Any]]:
    """The values of rows that hold these columns, or functions of columns, column by column."""
    found = zip(*rows, strict=True) if rows else [()] * len(selected)
    return [_read(_reading(each, null=True), column) for each, column in zip(selected, found, strict=True)]


_Reading = Callable[[Iterable[Any]], Iterable[Any]] | None


def _reading(column: Any, *, null: bool) -> _Reading:
    """What makes values of what a column holds, which may be null; `None` where these are the values."""
    field = _field(column.unwrap())
    if not isinstance(field, BooleanField | ReadField):
        return None
    read = bool if isinstance(field, BooleanField) else field.read
    if null:
        return lambda column: [None if value is None else read(value) for value in column]
    return partial(map, read)


def _field(column: Any) -> Any:
    """The field itself, or that of which a function gives the smallest or largest value."""
    if not isinstance(column, Function):
        return column
    function: Any = column
    return function.arguments[0] if function.name in {"MIN", "MAX"} else column


def _read(reading: _Reading, column: Iterable[Any]) -> Iterable[Any]:
    return reading(column) if reading else column


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
