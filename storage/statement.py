"""Statements put together once, and executed again and again with what is given each time.

For a portion of a thousand milestones the library takes longer to put the statements together than the database takes
to find that there is nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from peewee import ColumnBase

R = TypeVar("R", covariant=True)
Rows = Sequence[Sequence[Any]]


class Place(NamedTuple):
    """Where a statement has a parameter: under which name its value is given, and what makes the parameter of it."""

    name: str
    made: Callable[[Any], object] | None


class Given(ColumnBase):
    """Stands in a query for a value that is given, by this name, when the statement is executed.

    It becomes a parameter as other values do that are compared with the same column.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __sql__(self, ctx: Any) -> Any:
        return ctx.value(Place(self.name, ctx.state.converter), converter=False)


class Statement:
    """A query or a change."""

    def __init__(self, query: Any) -> None:
        self._query = query
        self._texts: dict[str, tuple[str, Sequence[object]]] = {}

    def text(self, database: Any, given: Mapping[str, Any]) -> tuple[str, list[object]]:
        """The statement in the words of that database, and its parameters."""
        if database.param not in self._texts:
            self._texts[database.param] = database.get_sql_context().parse(self._query)
        text, parameters = self._texts[database.param]
        return text, [_filled(each, given) if isinstance(each, Place) else each for each in parameters]


class Reading(Statement, Generic[R]):
    """A query, and what makes something of the rows that it finds."""

    def __init__(self, query: Any, read: Callable[[Rows], R]) -> None:
        super().__init__(query)
        self.read = read


def _filled(place: Place, given: Mapping[str, Any]) -> object:
    value = given[place.name]
    return place.made(value) if place.made else value
