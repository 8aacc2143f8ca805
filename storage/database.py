"""The database file: opened safely, used by any number of threads and processes, and never silently wrong."""

import contextlib
import os
import re
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from peewee import DatabaseError, InterfaceError, SqliteDatabase
from playhouse.migrations import MigrationError, Runner

from reconciler.errors import StorageError

SCHEME = "sqlite:///"
BUSY_SECONDS = 10
_LONGEST_NUMBER = 20
MIGRATIONS = Path(__file__).parent / "migrations"
PRAGMAS = {"synchronous": "FULL", "foreign_keys": 1}


class _Connection(sqlite3.Connection):
    """A connection that can be closed when its thread has ended without doing so."""

    def __del__(self) -> None:
        self.close()


class _Sqlite(SqliteDatabase):
    """Keeps track of every thread's connection, so that all of them can be closed."""

    def __init__(self, path: Path | str, **more: Any) -> None:
        self._opened: weakref.WeakSet[_Connection] = weakref.WeakSet()
        options: dict[str, Any] = {"timeout": BUSY_SECONDS, "check_same_thread": False, "factory": _Connection}
        super().__init__(str(path), pragmas=PRAGMAS, lock_type="IMMEDIATE", **options | more)
        self.register_function(counted, "counted", 1)

    def _connect(self) -> Any:
        connection = super()._connect()  # type: ignore[misc]
        self._opened.add(connection)
        return connection

    def close_all(self) -> None:
        """Close the connections of all threads."""
        self.close()
        for connection in list(self._opened):
            connection.close()


def counted(key: str) -> str:
    """A key such that sorting goes as people count: the numbers in it are filled up with zeros in front."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].lstrip("0").zfill(_LONGEST_NUMBER), key).casefold()


class Store:
    """Queries and transactions on one database; every failure of it is a `StorageError`."""

    def __init__(self, database: _Sqlite, name: str) -> None:
        self._database = database
        self._name = name
        self.path = Path(name)

    @contextlib.contextmanager
    def write(self) -> Iterator[None]:
        """A transaction that may write, all or nothing. Keep it short: there is one writer at a time."""
        with self.translated(), self._database.atomic():
            yield

    @contextlib.contextmanager
    def read(self) -> Iterator[None]:
        """Several queries on one and the same state of the database."""
        with self.translated():
            if self._database.in_transaction():
                yield
                return
            with self._database.atomic("DEFERRED"):
                yield

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """What a query finds, as column values by name."""
        with self.translated():
            return list(query.bind(self._database).dicts())

    def row(self, query: Any) -> dict[str, Any] | None:
        """The first row that a query finds."""
        return next(iter(self.rows(query)), None)

    def column(self, query: Any) -> list[Any]:
        """The only column of what a query finds."""
        with self.translated():
            return [value for (value,) in query.bind(self._database).tuples()]

    def run(self, query: Any) -> int:
        """Execute a change; the number of rows changed, or the new row's id for a plain insert."""
        with self.translated():
            return int(query.execute(self._database) or 0)

    def insert(self, table: Any, rows: Sequence[dict[str, Any]], **on_conflict: Any) -> None:
        """Insert rows that all name the same columns; the statement is put together once, not per row."""
        if not rows:
            return
        defaults = table._meta.get_default_dict()
        fields = [table._meta.fields[name] for name in defaults | rows[0]]
        query = table.insert_many([tuple((defaults | rows[0]).values())], fields=fields)
        query = query.on_conflict(**on_conflict) if on_conflict else query
        values = [[field.db_value((defaults | row)[field.name]) for field in fields] for row in rows]
        with self.translated():
            cursor = self._database.cursor()  # type: ignore[no-untyped-call]
            cursor.executemany(query.bind(self._database).sql()[0], values)

    def execute(self, sql: str, values: Sequence[object]) -> int:
        """Execute a change given as text with a `?` per value; the number of rows changed."""
        with self.translated():
            text = sql.replace("?", self._database.param)
            return int(self._database.execute_sql(text, values).rowcount)  # type: ignore[no-untyped-call]

    def count(self, query: Any) -> int:
        """How many rows a query finds."""
        with self.translated():
            return int(query.bind(self._database).count())

    def close(self) -> None:
        """Close the connections of all threads."""
        with self.translated():
            self._database.close_all()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """What the database library raises becomes a sentence."""
        with translated(self._name):
            yield


def open_store(url: str, *, create: bool) -> Store:
    """Open the database that the URL names, bring its tables up to date, and check that it can be written.

    Raises `StorageError` when that is not possible, or when it does not exist and is not to be created.
    """
    path = path_of(url)
    with translated(str(path)):
        _make(path, create=create)
        with _alone(path):
            return _opened(path)


def writable(url: str) -> bool:
    """Whether this process may write the database, or make it; a file system mounted for reading only says no."""
    path = path_of(url)
    folder = os.access(path.parent, os.W_OK) or not path.parent.exists()
    return folder and (os.access(path, os.W_OK) or not path.exists())


def view_store(url: str) -> Store:
    """Open the database for reading alone: nothing is made, locked or brought up to date.

    Raises `StorageError` when it does not exist, or when its tables are not those of this release.
    """
    path = path_of(url)
    if not path.exists():
        raise StorageError(f"There is no database at {path}.")
    # Without the log's file nobody writes; then SQLite need not make files beside the database, which it may not.
    still = "" if Path(f"{path}-wal").exists() else "&immutable=1"
    database = _Sqlite(f"{path.absolute().as_uri()}?mode=ro{still}", uri=True)
    with translated(str(path)):
        if [each for each in Runner(database, str(MIGRATIONS)).status() if each.path is None or not each.applied]:
            database.close_all()
            raise StorageError(f"The tables of {path} are not those of this release, and it cannot be written.")
    return Store(database, str(path))


def _opened(path: Path) -> Store:
    database = _Sqlite(path)
    try:
        _log_ahead(database, path)
        _migrate(database, path)
    except BaseException:
        database.close_all()
        raise
    return Store(database, str(path))


def _log_ahead(database: _Sqlite, path: Path) -> None:
    if database.pragma("journal_mode", "wal") != "wal":
        raise StorageError(f"The database {path} cannot be used: its file system allows no write-ahead log.")


def path_of(url: str) -> Path:
    """The file that `sqlite:///path` names. Raises `StorageError` for anything else."""
    path = url.removeprefix(SCHEME)
    if not url.startswith(SCHEME) or not path:
        scheme = url.partition("://")[0] if "://" in url else "none"
        raise StorageError(f"The database must be named as {SCHEME}path; the scheme given is {scheme}.")
    return Path(path)


def _make(path: Path, *, create: bool) -> None:
    """Make the file readable and writable by its owner alone, before the database library can make it otherwise."""
    if not path.exists() and not create:
        raise StorageError(f"There is no database at {path}.")
    try:
        os.close(os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600))
    except OSError as error:
        raise StorageError(f"The database {path} cannot be opened for writing: {error.strerror}.") from error


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only process that prepares this database.

    Switching to the write-ahead log fails when two processes do it at once, and the migrations take no lock of their
    own. The lock is that of a second, empty database file: it works on every platform and ends with its holder.
    """
    lock = sqlite3.connect(f"{path}-lock", timeout=6 * BUSY_SECONDS, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        lock.close()


def _migrate(database: _Sqlite, path: Path) -> None:
    runner = Runner(database, str(MIGRATIONS))
    if any(migration.path is None for migration in runner.status()):
        raise StorageError(f"The database {path} was written by a newer release of billwatch; use that one.")
    try:
        runner.up()
    except MigrationError as error:
        raise StorageError(f"The tables of {path} cannot be brought up to date: {error}") from error


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """What the database library raises becomes a sentence that names the database."""
    try:
        yield
    except (DatabaseError, InterfaceError, sqlite3.Error, OverflowError) as error:
        if "database is locked" in str(error):
            raise StorageError(
                f"The database {name} is locked: another program has been writing it for {BUSY_SECONDS} seconds. "
                "Nothing of this was kept; try again when it is done."
            ) from error
        raise StorageError(f"The database {name} cannot be used: {error}.") from error
