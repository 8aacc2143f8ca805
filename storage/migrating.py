"""The tables brought up to date. Whoever calls this is the only one to do so at that moment."""

from collections.abc import Iterable
from pathlib import Path

from peewee import Database, PostgresqlDatabase
from playhouse.migrations import MigrationError, Runner

from reconciler.errors import StorageError

MIGRATIONS = Path(__file__).parent / "migrations"
_SQLITE = {"id": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "bytes": "BLOB"}
_POSTGRES = {"id": "BIGSERIAL PRIMARY KEY", "bytes": "BYTEA"}


def migrate(database: Database, name: str) -> None:
    """Apply what is not yet applied. Raises `StorageError` for tables of a newer release."""
    runner = Runner(database, str(MIGRATIONS))
    if any(migration.path is None for migration in runner.status()):
        raise StorageError(f"The database {name} was written by a newer release of billwatch; use that one.")
    try:
        runner.up()
    except MigrationError as error:
        raise StorageError(f"The tables of {name} cannot be brought up to date: {error}") from error


def is_current(database: Database) -> bool:
    """Whether every migration of this release is applied, and none of a newer one."""
    return all(each.path is not None and each.applied for each in Runner(database, str(MIGRATIONS)).status())


def execute(database: Database, steps: Iterable[str]) -> None:
    """Execute the steps of a migration; `{id}` and `{bytes}` stand for what the databases name differently."""
    words = _POSTGRES if isinstance(database, PostgresqlDatabase) else _SQLITE
    for step in steps:
        database.execute_sql(step.format(**words))  # type: ignore[no-untyped-call]
