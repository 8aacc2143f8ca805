"""The database as one file: opened safely, used by any number of threads and processes of one machine."""

import contextlib
import os
import re
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from peewee import DatabaseError, InterfaceError, SqliteDatabase

from reconciler.errors import StorageError
from storage.inbox import SqliteStore
from storage.migrating import migrate, pending
from storage.turnstile import Turnstile

SCHEME = "sqlite:///"
BUSY_SECONDS = 10
_LONGEST_NUMBER = 20
PRAGMAS = {"synchronous": "FULL", "foreign_keys": 1}


class _Connection(sqlite3.Connection):
    """A connection that can be closed when its thread has ended without doing so."""

    def __del__(self) -> None:
        self.close()


class Sqlite(SqliteDatabase):
    """`storage.database.Engine` on a file. Keeps track of every thread's connection, so that all can be closed."""

    shared = False

    def __init__(self, path: Path, *, uri: str = "") -> None:
        self.name = str(path)
        self._opened: weakref.WeakSet[_Connection] = weakref.WeakSet()
        options: dict[str, Any] = {"timeout": BUSY_SECONDS, "check_same_thread": False, "factory": _Connection}
        options |= {"uri": True} if uri else {}
        super().__init__(uri or self.name, pragmas=PRAGMAS, lock_type="IMMEDIATE", **options)
        self._turnstile = Turnstile()
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

    def held(self) -> AbstractContextManager[None]:
        """Every thread keeps its connection."""
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that has the file to itself, as far as writing goes; within another it is a part of that."""
        turn = contextlib.nullcontext() if self.in_transaction() else self._turnstile.in_line(BUSY_SECONDS)
        with turn, self.atomic():
            yield

    def reading(self) -> AbstractContextManager[Any]:
        """A transaction that sees one state of the file."""
        return self.atomic("DEFERRED")

    def translated(self) -> AbstractContextManager[None]:
        """What the database library raises becomes a sentence."""
        return translated(self.name)

    def requests(self) -> SqliteStore:
        """A connection of its own for the receiver's writer."""
        return SqliteStore(Path(self.name), self._turnstile)

    def announce(self) -> None:
        """Nobody elsewhere waits for what is in a file."""

    def listen(self, heard: Callable[[], None], halt: threading.Event) -> None:
        """Nobody elsewhere tells of what is in a file."""


def counted(key: str) -> str:
    """A key such that sorting goes as people count: the numbers in it are filled up with zeros in front."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].lstrip("0").zfill(_LONGEST_NUMBER), key).casefold()


def open_file(url: str, *, create: bool) -> Sqlite:
    """Open the file that the URL names, bring its tables up to date, and check that it can be written."""
    path = path_of(url)
    with translated(str(path)):
        _make(path, create=create)
        with _alone(path):
            return _opened(path)


def writable_file(url: str) -> bool:
    """Whether this process may write the file, or make it; a file system mounted for reading only says no."""
    path = path_of(url)
    folder = os.access(path.parent, os.W_OK) or not path.parent.exists()
    return folder and (os.access(path, os.W_OK) or not path.exists())


def view_file(url: str) -> Sqlite:
    """Open the file for reading alone: nothing is made, locked or brought up to date."""
    path = path_of(url)
    if not path.exists():
        raise StorageError(f"There is no database at {path}.")
    # Without the log's file nobody writes; then SQLite need not make files beside the database, which it may not.
    still = "" if Path(f"{path}-wal").exists() else "&immutable=1"
    database = Sqlite(path, uri=f"{path.absolute().as_uri()}?mode=ro{still}")
    with translated(str(path)):
        if pending(database, database.name):
            database.close_all()
            raise StorageError(f"The tables of {path} are not those of this release, and it cannot be written.")
    return database


def path_of(url: str) -> Path:
    """The file that `sqlite:///path` names. Raises `StorageError` for anything else."""
    path = url.removeprefix(SCHEME)
    if url.startswith("postgresql:"):
        raise StorageError("This is for a database in a file; one on a PostgreSQL server has pg_dump and pg_restore.")
    if not url.startswith(SCHEME) or not path:
        scheme = url.partition("://")[0] if "://" in url else "none"
        raise StorageError(f"The database must be named as {SCHEME}path; the scheme given is {scheme}.")
    return Path(path)


def _opened(path: Path) -> Sqlite:
    database = Sqlite(path)
    try:
        _log_ahead(database, path)
        migrate(database, database.name)
    except BaseException:
        database.close_all()
        raise
    return database


def _log_ahead(database: Sqlite, path: Path) -> None:
    if database.pragma("journal_mode", "wal") != "wal":
        raise StorageError(f"The database {path} cannot be used: its file system allows no write-ahead log.")


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
