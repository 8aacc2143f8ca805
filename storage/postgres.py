"""The database on a server: one for any number of machines.

Whoever writes to the ledger holds one lock of the whole database for the length of the transaction. So transactions
see each other's work entirely or not at all, as they do on SQLite, and cannot wait for each other in a circle; they
are short. The receiver's writer takes no lock, since it only adds rows. A session that falls silent in the middle of
a transaction, because its process is frozen or its machine is gone, loses it after `SILENT_SECONDS`.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import stamina
from peewee import DatabaseError, InterfaceError
from playhouse.pool import MaxConnectionsExceeded
from playhouse.postgres_ext import PooledPsycopg3Database
from psycopg.adapt import AdaptersMap
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.string import StrDumperUnknown

from reconciler.errors import StorageError
from storage.inbox import INSERT, Row, parameters
from storage.migrating import migrate, pending

SCHEME = "postgresql://"
OLDEST_SERVER = 15
LOCK_SECONDS = 10
GIVE_WAY_MILLISECONDS = 500
SILENT_SECONDS = 5
CONNECT_SECONDS = 2
LISTEN_SECONDS = 1.0
POOL = 20
CHANNEL = "billwatch"
WRITER, MIGRATOR = 7_401_001, 7_401_002
WRITE = f"BEGIN; SELECT pg_advisory_xact_lock({WRITER})"
READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
SESSION = (
    f"-c synchronous_commit=on -c lock_timeout={LOCK_SECONDS}s -c idle_in_transaction_session_timeout={SILENT_SECONDS}s"
    " -c client_min_messages=warning"
)
# Silence of the other machine is found out within seconds, not by the operating system's hours.
LINE = {"connect_timeout": CONNECT_SECONDS, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
LINE |= {"tcp_user_timeout": 10_000}
UNSORTED = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
    ORDER BY table_name, ordinal_position
"""


class _Text(StrDumperUnknown):
    """Text as a server takes it: it has no place for NUL, which a visitor may well put into an address."""

    def dump(self, obj: str) -> Any:
        """The text, with the replacement character for each NUL."""
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))


ADAPTERS = AdaptersMap(psycopg.adapters)
ADAPTERS.register_dumper(str, _Text)


class Postgres(PooledPsycopg3Database):  # type: ignore[misc]
    """`storage.database.Engine` on a server; a connection is taken from the pool per transaction or query."""

    shared = True
    # Whole numbers have 64 bits, as on SQLite.
    field_types = PooledPsycopg3Database.field_types | {"AUTO": "BIGSERIAL", "INT": "BIGINT"}

    def __init__(self, url: str) -> None:
        self._parameters = _parameters(url)
        self.name = _name(self._parameters)
        super().__init__(
            self._parameters["dbname"],
            max_connections=POOL,
            timeout=LOCK_SECONDS,
            context=ADAPTERS,
            **{name: value for name, value in self._parameters.items() if name != "dbname"},
        )

    def begin(self, statement: str = "BEGIN") -> None:
        """Begin a transaction of that kind."""
        self.execute_sql(statement)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep one connection for what is done inside; a connection held by an outer block serves inner ones."""
        if not self.is_closed():
            yield
            return
        self.connect()
        try:
            yield
        finally:
            self.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that has the ledger to itself, as far as writing goes."""
        with self.held(), self.atomic(WRITE):
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """A transaction that sees one state of the database."""
        with self.held(), self.atomic(READ):
            yield

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """What the database library raises becomes a sentence that says what to mend."""
        try:
            yield
        except (DatabaseError, InterfaceError, MaxConnectionsExceeded, psycopg.Error, OverflowError) as error:
            raise StorageError(_sentence(self.name, self._parameters, error)) from error

    def requests(self) -> "PostgresStore":
        """A connection of its own for the receiver's writer."""
        with self.translated():
            return PostgresStore(self.line())

    def line(self) -> psycopg.Connection[Any]:
        """A connection outside the pool."""
        return psycopg.connect(make_conninfo(**self._parameters), autocommit=True, context=ADAPTERS)

    def announce(self) -> None:
        """Tell all who listen that requests were kept."""
        with self.translated(), self.held():
            self.execute_sql(f"NOTIFY {CHANNEL}")

    def listen(self, heard: Callable[[], None], halt: threading.Event) -> None:
        """Call `heard` at first and whenever some receiver kept requests, until `halt`; connects anew when cut off."""
        while not halt.is_set():
            try:
                with contextlib.closing(self.line()) as line:
                    line.execute(f"LISTEN {CHANNEL}")
                    heard()
                    while not halt.is_set():
                        for _ in line.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                            heard()
            except psycopg.Error:
                halt.wait(LISTEN_SECONDS)

    def alone(self) -> AbstractContextManager[None]:
        """Be the only process that prepares this database."""
        return _alone(self)


class PostgresStore:
    """`storage.inbox.Store` on a connection of its own; every commit is flushed before it returns."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def insert(self, rows: Sequence[Row]) -> None:
        """Keep the rows by one statement, which is one transaction."""
        values = parameters(rows)
        self._connection.execute((INSERT + ",".join(["(%s, %s, %s)"] * len(rows))).encode(), values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def open_server(url: str) -> Postgres:
    """Open the database that the URL names, and bring its tables up to date."""
    database = Postgres(url)
    try:
        with database.translated(), database.held():
            _check(database)
            with database.alone():
                _bring_up_to_date(database)
    except BaseException:
        database.close_all()
        raise
    return database


def _parameters(url: str) -> dict[str, Any]:
    """What the driver is told. Raises `StorageError`, without repeating the URL, which may hold a password."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise StorageError(
            f"The database's URL cannot be read; it must be as in {SCHEME}user@host:5432/database, "
            "with special characters of a password written as %40 and the like."
        ) from None
    if not given.get("dbname"):
        raise StorageError(f"The database's URL names no database; it must be as in {SCHEME}user@host:5432/database.")
    options = f"{given.pop('options', '')} {SESSION}".strip()
    return {"application_name": "billwatch", **LINE, **given, "options": options}


def _name(parameters: dict[str, Any]) -> str:
    host, port = parameters.get("host", ""), parameters.get("port", "")
    place = "" if str(host).startswith("/") else f"{host}{f':{port}' if port else ''}"
    return f"{SCHEME}{place}/{parameters['dbname']}"


def _check(database: Postgres) -> None:
    version, encoding = database.execute_sql(
        "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding')"
    ).fetchone()
    if version < OLDEST_SERVER:
        raise StorageError(
            f"The server of {database.name} is PostgreSQL {version}; {OLDEST_SERVER} or newer is needed."
        )
    if encoding != "UTF8":
        raise StorageError(f"The database {database.name} keeps text as {encoding}; make it with createdb -E UTF8.")


@contextlib.contextmanager
def _alone(database: Postgres) -> Iterator[None]:
    database.execute_sql(f"SET lock_timeout = '{6 * LOCK_SECONDS}s'; SELECT pg_advisory_lock({MIGRATOR})")
    try:
        yield
    finally:
        database.execute_sql(f"SELECT pg_advisory_unlock({MIGRATOR}); SET lock_timeout = '{LOCK_SECONDS}s'")


def _bring_up_to_date(database: Postgres) -> None:
    """Change the tables in one transaction, while others work with them.

    Nobody writes meanwhile. Whoever reads goes first: when a table is not free within `GIVE_WAY_MILLISECONDS`, which is
    before the server looks for somebody to be thrown out, all is taken back and begun anew, for a minute at most.
    """
    if not pending(database, database.name) and not database.execute_sql(UNSORTED).fetchone():
        return
    for attempt in stamina.retry_context(on=_in_use, attempts=None, timeout=6 * LOCK_SECONDS, wait_max=1):
        with attempt, database.writing():
            database.execute_sql(f"SET LOCAL lock_timeout = '{GIVE_WAY_MILLISECONDS}ms'")
            migrate(database, database.name)
            _sort_alike(database)


def _in_use(error: Exception) -> bool:
    return _state(error) in ("55P03", "40P01")


def _sort_alike(database: Postgres) -> None:
    """Let every column of text sort by its characters, as on SQLite, whatever the server's language is."""
    columns: dict[str, list[str]] = {}
    for table, column in database.execute_sql(UNSORTED).fetchall():
        columns.setdefault(table, []).append(f'ALTER COLUMN "{column}" TYPE TEXT COLLATE "C"')
    for table, changes in columns.items():
        database.execute_sql(f'ALTER TABLE "{table}" {", ".join(changes)}')


def _state(error: Exception) -> str:
    """What the server calls the error; empty when it was not the server that spoke."""
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


def _sentence(name: str, parameters: dict[str, Any], error: Exception) -> str:
    said = " ".join(str(error).split("DETAIL:")[0].split()).rstrip(".")  # the detail repeats what was to be written
    database, user = parameters["dbname"], parameters.get("user", "the user of this machine")
    state = _state(error)
    if "password authentication failed" in said or "no password supplied" in said:
        return f"The database {name} refuses the password of “{user}”: check storage.password."
    if f'role "{user}" does not exist' in said:
        return f"The server of {name} does not know the user “{user}”: check storage.url, or make it with createuser."
    if f'database "{database}" does not exist' in said:
        return f"There is no database {name}: make it on its server with createdb {database}."
    if isinstance(error, MaxConnectionsExceeded):
        return f"All {POOL} connections to {name} have been in use for {LOCK_SECONDS} seconds; try again in a moment."
    if state == "55P03":
        return (
            f"The database {name} is locked: another program has been writing it for {LOCK_SECONDS} seconds. "
            "Nothing of this was kept; try again when it is done."
        )
    if not state or state.startswith(("08", "57P")):
        return (
            f"The database {name} cannot be reached ({said}). "
            "See that its server runs, and that storage.url names its host and port."
        )
    return f"The database {name} cannot be used: {said}."
