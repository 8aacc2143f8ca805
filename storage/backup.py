"""Copies of the database: made while it is in use, and put back while it is not."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reconciler.errors import StorageError
from storage.database import open_store
from storage.numbering import NumberingRow
from storage.sqlite import path_of, translated

BUSY_SECONDS = 10.0


def back_up(url: str, target: Path) -> int:
    """Copy the database at `sqlite:///path` as it is at this moment into a new file; the copy's size in bytes.

    Others may read and write meanwhile: the copy is one state, and nobody waits for it. It is checked before it gets
    its name. Raises `StorageError` when the target exists, or the copy cannot be made.
    """
    source = path_of(url)
    must_exist(source)
    if target.exists():
        raise StorageError(f"{target} exists already and is left as it is.")
    with _made_beside(target) as made:
        _copy(source, made)
        _check(made)
        _flush(made)
        made.replace(target)
    return target.stat().st_size


def restore(url: str, source: Path, aside: Path) -> None:
    """Put a copy in place of the database, which is kept at `aside` if there is one.

    1. See that it can be done. 2. Keep the database aside. 3. Write the copy over it. Raises `StorageError`, with the
    database as it was until the last step.

    The numbers of webhook events begin anew: what came since the copy was made is not missing.
    """
    see_restorable(url, source)
    target = path_of(url)
    if target.exists():
        back_up(url, aside)
    else:
        open_store(url, create=True).close()
    _copy(source, target)
    with contextlib.closing(open_store(url, create=False)) as store, store.write():
        store.run(NumberingRow.delete())


def see_restorable(url: str, source: Path) -> None:
    """See that nobody uses the database, and that the copy is whole and of no newer release. Raises `StorageError`."""
    target = path_of(url)
    if target.exists():
        see_unused(target)
    must_exist(source)
    _check(source)
    _see_release(source)


def must_exist(path: Path) -> None:
    """Raises `StorageError` when there is no such file."""
    if not path.exists():
        raise StorageError(f"There is no database at {path}.")


def _copy(source: Path, target: Path) -> None:
    """SQLite's own online copy, in one step: in the write-ahead log's mode a reader holds nobody up."""
    with translated(str(source)), _open(source) as reading, _open(target) as writing:
        reading.backup(writing)


def _check(path: Path) -> None:
    with translated(str(path)), _open(path) as connection:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if found != "ok":
        raise StorageError(f"The copy {path} is damaged: {found}.")
    if "milestone" not in tables:
        raise StorageError(f"{path} is no database of billwatch.")


def _see_release(source: Path) -> None:
    """Bring a copy of the copy up to date, which fails for one of a newer release."""
    with _made_beside(source) as trial:
        _copy(source, trial)
        open_store(f"sqlite:///{trial}", create=False).close()


def see_unused(path: Path) -> None:
    """See that no process has the database open: each of them holds a lock on it as long as it does."""
    try:
        with _open(path, seconds=1.0) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise StorageError(f"The database {path} is in use; stop billwatch first ({error}).") from error


@contextlib.contextmanager
def _open(path: Path, seconds: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=seconds, isolation_level=None)) as connection:
        yield connection


@contextlib.contextmanager
def _made_beside(path: Path) -> Iterator[Path]:
    """An empty file for its owner alone, in the folder of `path`; gone in the end, with what SQLite puts beside it."""
    try:
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
    except OSError as error:
        raise StorageError(f"Nothing can be written beside {path}: {error.strerror}.") from error
    os.close(handle)
    try:
        yield Path(name)
    finally:
        for suffix in ("", "-wal", "-shm", "-lock", "-journal"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Have the copy on the disk as one file, before its name says that it is there."""
    with translated(str(path)), _open(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with path.open("rb") as file:
        os.fsync(file.fileno())
