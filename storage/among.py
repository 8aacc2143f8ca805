"""Whether a column has one of many values, asked with one parameter however many they are."""

import json
from collections.abc import Iterable
from typing import Any

from peewee import SQL


def among(column: Any, values: Iterable[Any]) -> Any:
    """The condition. A statement of a thousand parameters costs more to put together than to execute."""
    return column.in_(SQL("(SELECT value FROM json_each(?))", [json.dumps([column.db_value(v) for v in values])]))
