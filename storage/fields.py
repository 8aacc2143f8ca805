"""Columns that hold money, instants, days, words and whole values exactly, and alike on every database."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

from peewee import Field

from reconciler.errors import StorageError
from storage.codec import encode, reader

UNITS = 10_000
CENTS = 100
LARGEST = 2**63 - 1


class ReadField(Field):
    """A column of ours: `read` makes its value of what the database holds, unless that is null."""

    read: Callable[[Any], Any]

    def python_value(self, value: Any) -> Any:
        """The value."""
        return None if value is None else self.read(value)


@lru_cache(maxsize=2**12)
def _amount(units: int) -> Decimal:
    """The amount, with two decimals unless it has more; the same few of them come again and again."""
    if units % CENTS == 0:
        return Decimal(units // CENTS).scaleb(-2)
    return Decimal(units).scaleb(-4)


class MoneyField(ReadField):
    """Money as a whole number of 1/10,000 units, because SQLite keeps decimals as floats."""

    field_type = "BIGINT"
    read = staticmethod(_amount)

    def db_value(self, value: Decimal | None) -> int | None:
        """The number of units; raises `ValueError` for what is finer or larger than the column."""
        if value is None:
            return None
        units = Decimal(value) * UNITS
        if not units.is_finite() or units != int(units) or abs(units) > LARGEST:
            raise ValueError(f"{value} is not an amount of money that can be kept exactly")
        return int(units)


@lru_cache(maxsize=2**10)
def _instant(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo is dt.UTC else found.astimezone(dt.UTC)


def instant_text(value: dt.datetime) -> str:
    """The instant in UTC, as the tables have it; raises `ValueError` for a datetime without a zone."""
    if value.tzinfo is None:
        raise ValueError(f"{value} has no zone")
    there = value if value.tzinfo is dt.UTC else value.astimezone(dt.UTC)
    return there.isoformat(timespec="microseconds")


class UtcField(ReadField):
    """An aware instant as text of one width in UTC, exact to the microsecond: the order of texts is that of time."""

    field_type = "TEXT"
    read = staticmethod(_instant)

    def db_value(self, value: dt.datetime | None) -> str | None:
        """The instant in UTC; raises `ValueError` for a datetime without a zone."""
        return None if value is None else instant_text(value)


class DayField(ReadField):
    """A calendar day as ISO text."""

    field_type = "TEXT"
    read = staticmethod(dt.date.fromisoformat)

    def db_value(self, value: dt.date | None) -> str | None:
        """The day as YYYY-MM-DD."""
        return None if value is None else value.isoformat()


def _member(members: dict[str, StrEnum], value: str) -> StrEnum:
    """The member; raises `StorageError` for a word that only a newer release knows."""
    member = members.get(value)
    if member is None:
        raise StorageError(f"The database holds “{value}”, which only a newer release knows.")
    return member


class WordField(ReadField):
    """A member of a `StrEnum`, by its value."""

    field_type = "TEXT"

    def __init__(self, kind: type[StrEnum], **options: Any) -> None:
        self.kind = kind
        self.read = lru_cache(partial(_member, {member.value: member for member in kind}))
        super().__init__(**options)

    def db_value(self, value: StrEnum | str | None) -> str | None:
        """The member's value."""
        return None if value is None else self.kind(value).value


class ValueField(ReadField):
    """A whole value of the given type, as JSON text.

    `few` says whether most of them are one of a few (`storage.codec.reader`); where many are read, it matters.
    """

    field_type = "TEXT"

    def __init__(self, kind: Any, *, few: bool = True, **options: Any) -> None:
        self.read = reader(kind, few=few)
        super().__init__(**options)

    def db_value(self, value: object) -> str | None:
        """The value's text."""
        return None if value is None else encode(value)
