"""Whether a column has one of many values, asked with one parameter however many they are."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec
from peewee import SQL, ColumnBase

from storage.fields import ReadField
from storage.statement import Given, Parameter


class _Among(ColumnBase):
    """The condition, in the words of the database that it is put together for: a list in SQLite's is JSON."""

    def __init__(self, column: Any, values: Iterable[Any] | Given) -> None:
        self._column = column
        self._values = values if isinstance(values, Given) else list(values)

    def __sql__(self, ctx: Any) -> Any:
        on_server = ctx.state.param == "%s"
        one_of = " = ANY(%s)" if on_server else " IN (SELECT value FROM json_each(?))"
        make = partial(_as_list if on_server else _as_json, self._column)
        values = self._values
        parameter = Parameter(values.name, make) if isinstance(values, Given) else make(values)
        return ctx.sql(self._column).sql(SQL(one_of, [parameter]))


def among(column: Any, values: Iterable[Any] | Given) -> Any:
    """The condition. A statement of a thousand parameters costs more to put together than to execute.

    The values of an expression, which is not a column alone, are given as the database has them, and so are those of
    columns that the library's own fields make.
    """
    return _Among(column, values)


def _as_list(column: Any, values: Iterable[Any]) -> list[Any]:
    return list(map(column.db_value, values) if isinstance(column, ReadField) else values)


def _as_json(column: Any, values: Iterable[Any]) -> str:
    return msgspec.json.encode(_as_list(column, values)).decode()
