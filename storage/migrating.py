"""The tables brought up to date. Whoever calls this is the only one to do so at that moment.

Releases may share a database, during an upgrade or after one that was taken back. So a migration adds what the
release before can work beside: tables, indexes, columns that are nullable or have a default. One that does more has a
name that ends in `_breaking`; the name stays in the database, and by it an older release knows that it must not go on.
"""

from collections.abc import Iterable
from pathlib import Path

from peewee import Database, PostgresqlDatabase
from playhouse.migrations import Migration, MigrationError, Runner

from reconciler.errors import NewerRelease, StorageError

MIGRATIONS = Path(__file__).parent / "migrations"
BREAKING = "_breaking"
_SQLITE = {"id": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "bytes": "BLOB", "keyed": " WITHOUT ROWID"}
_POSTGRES = {"id": "BIGSERIAL PRIMARY KEY", "bytes": "BYTEA", "keyed": ""}


def migrate(database: Database, name: str) -> None:
    """Apply what is pending. Raises `StorageError` when that fails, or for what `pending` refuses."""
    if not pending(database, name):
        return
    try:
        _runner(database).up()
    except MigrationError as error:
        raise StorageError(f"The tables of {name} cannot be brought up to date: {error}") from error


def pending(database: Database, name: str) -> list[str]:
    """The migrations that are still to be applied. Raises `NewerRelease` for tables that need one."""
    status = _status(database)
    if any(each.path is None and each.name.endswith(BREAKING) for each in status):
        raise NewerRelease(f"The database {name} was written by a newer release of billwatch; use that one.")
    return [each.name for each in status if not each.applied]


def newer(database: Database) -> bool:
    """Whether a newer release has brought the tables up to date, in such a way that this one may go on."""
    return any(each.path is None for each in _status(database))


def execute(database: Database, steps: Iterable[str]) -> None:
    """Execute the steps of a migration; `{id}` and `{bytes}` stand for what the databases name differently.

    `{keyed}`, after a table's columns, keeps its rows in the order of their key.
    """
    words = _POSTGRES if isinstance(database, PostgresqlDatabase) else _SQLITE
    for step in steps:
        database.execute_sql(step.format(**words))  # type: ignore[no-untyped-call]


def _status(database: Database) -> list[Migration]:
    """Every migration; those of a newer release have no path."""
    return list(_runner(database).status())


def _runner(database: Database) -> Runner:
    return Runner(database, str(MIGRATIONS))
