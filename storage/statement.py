"""Statements put together once, and executed again and again with what is given each time.

For a portion of a thousand milestones the library takes longer to put the statements together than the database takes
to find that there is nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from peewee import ColumnBase

R = TypeVar("R", covariant=True)
Rows = Sequence[Sequence[Any]]


class Dialect(Protocol):
    """The words of one kind of database, which writes a parameter as `param`."""

    param: str

    def get_sql_context(self) -> Any:
        """What a statement is put together in."""
        ...


class Parameter(NamedTuple):
    """What a statement needs to be given: under which name, and what makes the database's value of it."""

    name: str
    make: Callable[[Any], object] | None


class Given(ColumnBase):
    """Stands in a query, on the right of a column or as its limit or offset, for a value that is given, by this name,
    when the statement is executed.

    It is made the database's as other values are that are compared with that column. It is never null: ask for that
    with `is_null`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __sql__(self, ctx: Any) -> Any:
        return ctx.value(Parameter(self.name, ctx.state.converter), converter=False)


class Statement:
    """A query, or a change, that is put together once for each kind of database."""

    def __init__(self, query: Any) -> None:
        self._query = query
        self._texts: dict[str, tuple[str, Sequence[object]]] = {}

    def text(self, dialect: Dialect, given: Mapping[str, Any]) -> tuple[str, list[object]]:
        """The statement in the words of that database, and its parameters."""
        if dialect.param not in self._texts:
            self._texts[dialect.param] = dialect.get_sql_context().parse(self._query)
        text, parameters = self._texts[dialect.param]
        return text, [_filled(each, given) if isinstance(each, Parameter) else each for each in parameters]


class Reading(Statement, Generic[R]):
    """A query, and what makes something of the rows that it finds."""

    def __init__(self, query: Any, read: Callable[[Rows], R]) -> None:
        super().__init__(query)
        self.read = read


def _filled(parameter: Parameter, given: Mapping[str, Any]) -> object:
    value = given[parameter.name]
    return parameter.make(value) if parameter.make else value
