"""Empty databases for tests: files, or, with `BILLWATCH_TEST_STORAGE=postgresql`, databases on a server."""

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from postgres_server import Server

from storage import Ledger, inbox
from storage.backup import back_up, restore
from storage.database import open_store
from storage.models import Row
from storage.moving import move

FILE, SERVER = "sqlite", "postgresql"
CHOSEN = os.environ.get("BILLWATCH_TEST_STORAGE", FILE)
if CHOSEN not in (FILE, SERVER):
    raise pytest.UsageError(f"BILLWATCH_TEST_STORAGE is {CHOSEN!r}, but must be {FILE} or {SERVER}.")


def asked(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query with a `?` per value finds, over a connection of its own."""
    with contextlib.closing(open_store(url, create=False)) as store:
        return store.fetch(query, values)


def contents(url: str) -> bytes:
    """All that is in a database; of a file, also its bytes and what lies beside it."""
    rows = [row for table in Row.__subclasses__() for row in asked(url, f'SELECT * FROM "{table._meta.table_name}"')]
    values = [value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row]
    file = Path(url.removeprefix("sqlite:///"))
    files = sorted(file.parent.glob(f"{file.name}*")) if url.startswith("sqlite") else []
    return b"\n".join([*values, *(path.read_bytes() for path in files)])


def keep(url: str, *requests: inbox.Row) -> None:
    """Keep webhook requests as the receiver would."""
    with contextlib.closing(open_store(url, create=False)) as store, contextlib.closing(store.requests()) as writer:
        writer.insert(requests)


class Databases(Protocol):
    """Where tests get their databases from; making one anew takes longer than most tests."""

    def lent(self, folder: Path) -> contextlib.AbstractContextManager[str]:
        """The URL of an empty database with its tables; a file lies in that folder."""
        ...

    def copied(self, url: str, folder: Path) -> contextlib.AbstractContextManager[str]:
        """The URL of a copy of one that may be in use."""
        ...

    def kept(self, url: str, folder: Path) -> Callable[[], None]:
        """Back it up; what is given back puts the backup in its place, while nobody uses it."""
        ...


class Files:
    """Copies of one file; who made their folder removes them."""

    def __init__(self, folder: Path) -> None:
        self._made = folder / "billwatch.db"
        Ledger.open(f"sqlite:///{self._made}").close()

    def lent(self, folder: Path) -> contextlib.AbstractContextManager[str]:
        """A copy by the name that a configuration without `[storage]` has for it."""
        return contextlib.nullcontext(f"sqlite:///{shutil.copy(self._made, folder)}")

    def copied(self, url: str, folder: Path) -> contextlib.AbstractContextManager[str]:
        """A backup."""
        back_up(url, folder / "copy.db")
        return contextlib.nullcontext(f"sqlite:///{folder / 'copy.db'}")

    def kept(self, url: str, folder: Path) -> Callable[[], None]:
        """By `billwatch backup` and `billwatch restore`."""
        back_up(url, folder / "backup.db")
        return lambda: restore(url, folder / "backup.db", folder / "aside.db")


class Served:
    """Copies of one database on a server; one that was given back is emptied and lent again, which is quicker."""

    def __init__(self, server: Server) -> None:
        self._server, self._numbers, self._idle = server, itertools.count(), list[str]()
        Ledger.open(server.create("made")).close()

    @contextlib.contextmanager
    def lent(self, folder: Path) -> Iterator[str]:  # noqa: ARG002  a file's
        """A database of its own until it is given back."""
        name = self._idle.pop() if self._idle else self._copy()
        yield self._server.url(name)
        # Whoever is still connected, say a process that was killed, might write into the next test's database.
        if self._server.in_use(name):
            self._server.drop(name)
        else:
            self._server.empty(name)
            self._idle.append(name)

    @contextlib.contextmanager
    def copied(self, url: str, folder: Path) -> Iterator[str]:
        """What `billwatch migrate-storage` makes."""
        with self.lent(folder) as copy:
            for _ in move(url, copy):
                pass
            yield copy

    def kept(self, url: str, folder: Path) -> Callable[[], None]:
        """By pg_dump and pg_restore."""
        self._server.dump(url, folder / "backup")
        return lambda: self._server.restore(url, folder / "backup")

    def _copy(self) -> str:
        name = f"lent_{next(self._numbers)}"
        self._server.execute(f"CREATE DATABASE {name} TEMPLATE made")
        return name
