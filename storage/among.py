"""Whether a column has one of many values, asked with one parameter however many they are."""

import json
from collections.abc import Iterable
from typing import Any

from peewee import SQL, ColumnBase


class _Among(ColumnBase):
    """The condition, in the words of the database that it is put together for: a list in SQLite's is JSON."""

    def __init__(self, column: Any, values: Iterable[Any]) -> None:
        self._column = column
        self._values = [column.db_value(value) for value in values]

    def __sql__(self, ctx: Any) -> Any:
        ctx.sql(self._column)
        if ctx.state.param == "%s":
            return ctx.sql(SQL(" = ANY(%s)", [self._values]))
        return ctx.sql(SQL(" IN (SELECT value FROM json_each(?))", [json.dumps(self._values)]))


def among(column: Any, values: Iterable[Any]) -> Any:
    """The condition. A statement of a thousand parameters costs more to put together than to execute."""
    return _Among(column, values)
