"""Whether a column has one of many values, asked with one parameter however many they are."""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from peewee import SQL, ColumnBase

from storage.fields import ReadField


class _Among(ColumnBase):
    """The condition, in the words of the database that it is put together for: a list in SQLite's is JSON."""

    def __init__(self, column: Any, values: Iterable[Any]) -> None:
        self._column = column
        self._values = list(map(column.db_value, values) if isinstance(column, ReadField) else values)

    def __sql__(self, ctx: Any) -> Any:
        one_of = " = ANY(%s)" if ctx.state.param == "%s" else " IN (SELECT value FROM json_each(?))"
        return ctx.sql(self._column).sql(SQL(one_of, [parameter(self._values, ctx.state.param)]))


def parameter(values: Collection[Any], param: str) -> object:
    """What the condition's only parameter, written as `param`, is for these values."""
    return list(values) if param == "%s" else msgspec.json.encode(list(values)).decode()


def among(column: Any, values: Iterable[Any]) -> Any:
    """The condition. A statement of a thousand parameters costs more to put together than to execute.

    The values of an expression, which is not a column alone, are given as the database has them, and so are those of
    columns that the library's own fields make.
    """
    return _Among(column, values)
