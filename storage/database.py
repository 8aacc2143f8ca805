"""Queries and transactions on whichever database the URL names: a file of this machine, or a server for several."""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, cast

from msgspec import Struct

from reconciler.errors import StorageError
from storage import inbox, shapes, sqlite
from storage.migrating import newer
from storage.shapes import Named, Shape
from storage.statement import Reading, Statement

S = TypeVar("S", bound=Struct)
R = TypeVar("R")

POSTGRESQL = "postgresql://"


class Engine(Protocol):
    """A database of the library, with what the databases do differently."""

    name: str
    param: str
    shared: bool

    def in_transaction(self) -> bool:
        """Whether this thread is in a transaction."""
        ...

    def cursor(self) -> Any:
        """A cursor on this thread's connection."""
        ...

    def get_sql_context(self) -> Any:
        """What a statement is put together in."""
        ...

    def execute_sql(self, sql: str, params: Sequence[object] = ...) -> Any:
        """Execute a statement."""
        ...

    def close_all(self) -> Any:
        """Close the connections of all threads."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Keep one connection for what is done inside."""
        ...

    def writing(self) -> AbstractContextManager[Any]:
        """A transaction that sees all that was written, and lets nobody write until it ends."""
        ...

    def reading(self) -> AbstractContextManager[Any]:
        """A transaction that sees one state of the database."""
        ...

    def translated(self) -> AbstractContextManager[None]:
        """What the database library raises becomes a `StorageError`."""
        ...

    def requests(self) -> inbox.Store:
        """A connection of its own for the receiver's writer."""
        ...

    def announce(self) -> None:
        """Tell other processes that requests were kept."""
        ...

    def listen(self, heard: Callable[[], None], halt: threading.Event) -> None:
        """Call `heard` whenever another process says so, until `halt`."""
        ...


class Store:
    """Queries and transactions on one database; every failure of it is a `StorageError`."""

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._mine = threading.local()
        self.name = database.name
        self.shared = database.shared

    @contextlib.contextmanager
    def write(self) -> Iterator[None]:
        """A transaction that may write, all or nothing. Keep it short: there is one writer at a time."""
        with self.translated():
            outermost = not self._database.in_transaction()
            with self._database.writing():
                if outermost:
                    self._check_fences()
                yield

    @contextlib.contextmanager
    def read(self) -> Iterator[None]:
        """Several queries on one and the same state of the database."""
        with self.translated():
            if self._database.in_transaction():
                yield
                return
            with self._database.reading():
                yield

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """What a query finds, as column values by name."""
        with self._using():
            return list(query.bind(self._database).dicts())

    def ask(self, reading: Reading[R], /, **given: Any) -> R:
        """What the reading makes of all that is found with what is given."""
        with self._using():
            return reading.read(self._executed(reading, given).fetchall())

    def change(self, statement: Statement, /, **given: Any) -> int:
        """Execute a change with what is given; the number of rows changed."""
        with self._using():
            return int(self._executed(statement, given).rowcount)

    def _executed(self, statement: Statement, given: Mapping[str, Any]) -> Any:
        return self._database.execute_sql(*statement.text(self._database, given))

    def named(self, shape: Named[R], organisation: str, names: Collection[str]) -> R:
        """An organisation's values of these names."""
        return self.ask(shape.named, organisation=organisation, names=names)

    def meeting(self, shape: Shape[S], organisation: str, condition: Any) -> dict[str, S]:
        """An organisation's values that meet the condition, by their names."""
        return self.ask(shape.meeting(condition), organisation=organisation)

    def row(self, query: Any) -> dict[str, Any] | None:
        """The first row that a query finds."""
        return next(iter(self.rows(query)), None)

    def column(self, query: Any) -> list[Any]:
        """The only column of what a query finds."""
        return self.ask(shapes.column(query))

    def pairs(self, query: Any) -> dict[Any, Any]:
        """The second of two columns of what a query finds, by the first."""
        return self.ask(shapes.pairs(query))

    def run(self, query: Any) -> int:
        """Execute a change; the number of rows changed, or the new row's id for a plain insert."""
        with self._using():
            return int(query.execute(self._database) or 0)

    def insert(self, table: Any, rows: Sequence[dict[str, Any]], **on_conflict: Any) -> None:
        """Insert rows that all name the same columns; the statement is put together once, not per row."""
        if not rows:
            return
        defaults = table._meta.get_default_dict()
        fields = [table._meta.fields[name] for name in defaults | rows[0]]
        query = table.insert_many([tuple((defaults | rows[0]).values())], fields=fields).as_rowcount()
        query = query.on_conflict(**on_conflict) if on_conflict else query
        values = [[field.db_value((defaults | row)[field.name]) for field in fields] for row in rows]
        with self._using():
            cursor = self._database.cursor()
            cursor.executemany(query.bind(self._database).sql()[0], values)

    def execute(self, sql: str, values: Sequence[object]) -> int:
        """Execute a change given as text with a `?` per value; the number of rows changed."""
        with self._using():
            text = sql.replace("?", self._database.param)
            return int(self._database.execute_sql(text, values).rowcount)

    def value(self, sql: str, values: Sequence[object]) -> Any:
        """The only value that a statement given as text gives back; `None` when there is none."""
        row = next(iter(self.fetch(sql, values)), None)
        return row[0] if row else None

    def fetch(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """What a statement given as text gives back, as the database keeps it."""
        with self._using():
            return list(self._database.execute_sql(sql.replace("?", self._database.param), values).fetchall())

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Execute a change given as text for every one of these rows."""
        with self._using():
            self._database.cursor().executemany(sql.replace("?", self._database.param), rows)

    def fence(self, name: str, stands: Callable[[], bool]) -> None:
        """From now on, this thread's transactions write only while that stands."""
        self._fences()[name] = stands

    def unfence(self, name: str) -> None:
        """This thread's transactions need not ask for it any more."""
        self._fences().pop(name, None)

    def newer(self) -> bool:
        """Whether a newer release has brought the tables up to date."""
        with self._using():
            return newer(cast("Any", self._database))

    def count(self, query: Any) -> int:
        """How many rows a query finds."""
        with self._using():
            return int(query.bind(self._database).count())

    def requests(self) -> inbox.Store:
        """A connection of its own for the receiver's writer."""
        return self._database.requests()

    def announce(self) -> None:
        """Tell other processes that requests were kept."""
        self._database.announce()

    def listen(self, heard: Callable[[], None], halt: threading.Event) -> None:
        """Call `heard` whenever another process says so, until `halt`."""
        self._database.listen(heard, halt)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self.translated():
            self._database.close_all()

    def translated(self) -> AbstractContextManager[None]:
        """What the database library raises becomes a sentence."""
        return self._database.translated()

    def _fences(self) -> dict[str, Callable[[], bool]]:
        found: dict[str, Callable[[], bool]] = self._mine.__dict__.setdefault("fences", {})
        return found

    def _check_fences(self) -> None:
        for name, stands in self._fences().items():
            if not stands():
                raise StorageError(f"Another process has taken over the turn of “{name}”; nothing of this was kept.")

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        with self._database.translated(), self._database.held():
            yield


def open_store(url: str, *, create: bool) -> Store:
    """Open the database that the URL names, bring its tables up to date, and check that it can be written.

    Raises `StorageError` when that is not possible, or when it does not exist and is not to be created.
    """
    if url.startswith(POSTGRESQL):
        from storage.postgres import open_server  # the driver is loaded only where it is needed

        return Store(open_server(url))
    return Store(sqlite.open_file(url, create=create))


def writable(url: str) -> bool:
    """Whether this process may write the database, or make it; a file system mounted for reading only says no."""
    return url.startswith(POSTGRESQL) or sqlite.writable_file(url)


def view_store(url: str) -> Store:
    """Open the database for reading alone: nothing is made, locked or brought up to date.

    Raises `StorageError` when it does not exist, or when its tables are not those of this release.
    """
    return open_store(url, create=False) if url.startswith(POSTGRESQL) else Store(sqlite.view_file(url))
