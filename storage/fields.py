"""Columns that hold money, instants, days, words and whole values exactly, and alike on every database."""

import datetime as dt
from decimal import Decimal
from enum import StrEnum
from typing import Any

from peewee import Field

from reconciler.errors import StorageError
from storage.codec import decode, encode

UNITS = 10_000
CENTS = 100
LARGEST = 2**63 - 1


class MoneyField(Field):
    """Money as a whole number of 1/10,000 units, because SQLite keeps decimals as floats."""

    field_type = "BIGINT"

    def db_value(self, value: Decimal | None) -> int | None:
        """The number of units; raises `ValueError` for what is finer or larger than the column."""
        if value is None:
            return None
        units = Decimal(value) * UNITS
        if not units.is_finite() or units != int(units) or abs(units) > LARGEST:
            raise ValueError(f"{value} is not an amount of money that can be kept exactly")
        return int(units)

    def python_value(self, value: int | None) -> Decimal | None:
        """The amount, with two decimals unless it has more."""
        if value is None:
            return None
        if value % CENTS == 0:
            return Decimal(value // CENTS).scaleb(-2)
        return Decimal(value).scaleb(-4)


class UtcField(Field):
    """An aware instant as text of one width in UTC, exact to the microsecond: the order of texts is that of time."""

    field_type = "TEXT"

    def db_value(self, value: dt.datetime | None) -> str | None:
        """The instant in UTC; raises `ValueError` for a datetime without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone")
        there = value if value.tzinfo is dt.UTC else value.astimezone(dt.UTC)
        return there.isoformat(timespec="microseconds")

    def python_value(self, value: str | None) -> dt.datetime | None:
        """The aware instant."""
        return None if value is None else dt.datetime.fromisoformat(value).astimezone(dt.UTC)


class DayField(Field):
    """A calendar day as ISO text."""

    field_type = "TEXT"

    def db_value(self, value: dt.date | None) -> str | None:
        """The day as YYYY-MM-DD."""
        return None if value is None else value.isoformat()

    def python_value(self, value: str | None) -> dt.date | None:
        """The day."""
        return None if value is None else dt.date.fromisoformat(value)


class WordField(Field):
    """A member of a `StrEnum`, by its value."""

    field_type = "TEXT"

    def __init__(self, kind: type[StrEnum], **options: Any) -> None:
        self.kind = kind
        self._members = {member.value: member for member in kind}
        super().__init__(**options)

    def db_value(self, value: StrEnum | str | None) -> str | None:
        """The member's value."""
        return None if value is None else self.kind(value).value

    def python_value(self, value: str | None) -> StrEnum | None:
        """The member; raises `StorageError` for a word that only a newer release knows."""
        if value is None:
            return None
        member = self._members.get(value)
        if member is None:
            raise StorageError(f"The database holds “{value}”, which only a newer release knows.")
        return member


class ValueField(Field):
    """A whole value of the given type, as JSON text."""

    field_type = "TEXT"

    def __init__(self, kind: Any, **options: Any) -> None:
        self.kind = kind
        super().__init__(**options)

    def db_value(self, value: object) -> str | None:
        """The value's text."""
        return None if value is None else encode(value)

    def python_value(self, value: str | None) -> Any:
        """The value."""
        return None if value is None else decode(value, self.kind)
