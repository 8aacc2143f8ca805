"""What a migration does to a database that the release before could not work beside."""

import dataclasses
from typing import Any

_TRIGGERS = {
    "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal",
}
_CHECKS = {
    "sqlite": "SELECT '', '' WHERE FALSE",
    "postgresql": "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0",
}


@dataclasses.dataclass(frozen=True)
class Shape:
    """The tables of a database: each column with whether it must be given, and what else may refuse a row."""

    columns: dict[tuple[str, str], tuple[str, bool]]
    refusing: frozenset[tuple[str, str]]


def shape(database: Any) -> Shape:
    """The shape that a database has now."""
    kind = "sqlite" if "sqlite" in type(database).__name__.lower() else "postgresql"
    tables = database.get_tables()
    columns = [column for table in tables for column in database.get_columns(table)]
    refusing = [(index.table, index.name) for table in tables for index in database.get_indexes(table) if index.unique]
    refusing += [(key.table, f"key {key.column}") for table in tables for key in database.get_foreign_keys(table)]
    for query in (_TRIGGERS[kind], _CHECKS[kind]):
        refusing += database.execute_sql(query).fetchall()
    return Shape(
        {(each.table, each.name): (each.data_type, not each.null and each.default is None) for each in columns},
        frozenset((table, name) for table, name in refusing),
    )


def harm(before: Shape, after: Shape) -> list[str]:
    """What the release before would stumble over, in words."""
    known = {table for table, _ in before.columns}
    found = []
    for (table, column), (kind, _) in before.columns.items():
        now = after.columns.get((table, column))
        if now is None:
            found.append(f"{table}.{column} is gone")
        elif now != before.columns[table, column]:
            found.append(f"{table}.{column} is another than it was ({kind})")
    for (table, column), (_, needed) in after.columns.items():
        if table in known and (table, column) not in before.columns and needed:
            found.append(f"{table}.{column} must be given")
    return found + [f"{table} refuses by {name}" for table, name in after.refusing - before.refusing if table in known]
