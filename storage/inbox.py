"""Raw webhook requests, made durable: one writer, one commit and one flush for all that are waiting."""

import asyncio
import contextlib
import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

import structlog

from reconciler.errors import StorageError
from storage.fields import instant_text
from storage.turnstile import Turnstile

INSERT = "INSERT INTO raw_request (received_at, key, body) VALUES "
BUSY_SECONDS = 1.5
KEEP_SECONDS = 2.0  # with the time that a body may take, below the 5 seconds that Xero waits

log = structlog.get_logger(__name__)

Row = tuple[dt.datetime, str, bytes]


class Store(Protocol):
    """One open connection that keeps groups of raw requests; used by the writer's thread alone."""

    def insert(self, rows: Sequence[Row]) -> None:
        """Return once all rows (received at, key name, body) are durable; raise when none of them is kept."""
        ...

    def close(self) -> None:
        """Give the connection up."""
        ...


class SqliteStore:
    """A connection to the SQLite file at `path`, which must exist: WAL, flushed at every commit.

    The file is looked at before each group: one that was moved away or replaced would swallow what we write. Groups go
    before the ledger's transactions that share the turnstile.
    """

    def __init__(self, path: Path, turnstile: Turnstile | None = None) -> None:
        self._path, self._turnstile = path, turnstile or Turnstile()
        uri = f"{path.absolute().as_uri()}?mode=rw"
        # Without an isolation level every statement is a transaction, committed when it returns.
        self._connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._file = _identity(path)

    def insert(self, rows: Sequence[Row]) -> None:
        """Keep the rows by one statement: each further call would have to win the interpreter's lock back."""
        if _identity(self._path) != self._file:
            raise StorageError("the database file was moved or replaced")
        values = parameters(rows)
        with self._turnstile.ahead(BUSY_SECONDS):
            self._connection.execute(INSERT + ",".join(["(?, ?, ?)"] * len(rows)), values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def parameters(rows: Sequence[Row]) -> list[str | bytes]:
    """What the rows' columns hold, row after row; many of them came in at one instant."""
    instants = {at: instant_text(at) for at in {at for at, _, _ in rows}}
    return [value for at, key, body in rows for value in (instants[at], key, body)]


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


@dataclass(slots=True, eq=False)
class _Group:
    """Requests of one turn of an event loop, all of which count as received with the first, and who waits for them."""

    loop: asyncio.AbstractEventLoop
    received_at: dt.datetime
    rows: list[Row] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    deadline: asyncio.TimerHandle | None = None

    def join(self, key: str, body: bytes) -> asyncio.Future[None]:
        """What to wait for until the request is kept."""
        waiter = self.loop.create_future()
        self.rows.append((self.received_at, key, body))
        self.waiters.append(waiter)
        return waiter

    def close(self, seconds: float) -> None:
        """Let nobody of the group wait for longer than that."""
        self.deadline = self.loop.call_later(seconds, self.settle, f"The storage took longer than {seconds:g} seconds.")

    def settle(self, failure: str | None) -> None:
        """Wake all who still wait."""
        if self.deadline is not None:
            self.deadline.cancel()
        for waiter in self.waiters:
            if waiter.done():
                continue
            if failure is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(StorageError(failure))


class GroupInbox:
    """`receiver.ports.Inbox` by group commit: while one group is being flushed, the next one gathers.

    `connect` opens the store, in the writer's thread, and again after each failure. At most `room` requests wait;
    further ones are refused at once, and so is, after `seconds`, what the store has not taken by then (it may take it
    all the same). A failing commit fails the requests of its group and no others. `kept` is called after each group
    that was kept, in the writer's thread.

    Requests come from one event loop at a time, which hands its groups over through a queue: what loop and writer both
    look at is only ever written by one of them, so that neither holds a lock that the other has to wait for.
    """

    def __init__(
        self,
        connect: Callable[[], Store],
        kept: Callable[[], None] = lambda: None,
        *,
        room: int = 4096,
        seconds: float = KEEP_SECONDS,
    ) -> None:
        self._connect = connect
        self._kept = kept
        self._room = room
        self._seconds = seconds
        self._store: Store | None = None
        self._gathering: _Group | None = None
        self._closed: SimpleQueue[_Group | None] = SimpleQueue()
        self._joined = self._taken = 0
        self._open = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the writer."""
        self._closed, self._open = SimpleQueue(), True
        self._thread = threading.Thread(target=self._write, name="inbox-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse new requests, keep all that wait, then end the writer; not to be called in the requests' loop."""
        self._open = False
        group = self._gathering
        if group is not None and group.loop.is_running():
            group.loop.call_soon_threadsafe(self._end)
        else:
            self._end()
        if self._thread is not None:
            self._thread.join()

    async def keep(self, body: bytes, key: str, received_at: dt.datetime) -> None:
        """Return once the request is durable; raises `StorageError` when it cannot be kept, or not in time."""
        if not self._open:
            raise StorageError("The inbox is closed.")
        if self._joined - self._taken >= self._room:
            raise StorageError(f"The inbox is full: {self._room} requests wait to be written.")
        self._joined += 1
        loop, group = asyncio.get_running_loop(), self._gathering
        if group is None or group.loop is not loop:
            group = self._gather(loop, received_at)
        await group.join(key, body)

    def _gather(self, loop: asyncio.AbstractEventLoop, received_at: dt.datetime) -> _Group:
        self._hand_over()  # what a loop has left that ended in the middle of its turn
        group = self._gathering = _Group(loop, received_at)
        # At the end of the loop's turn, so that all requests that came in together make one group.
        loop.call_soon(self._turn_over, group)
        return group

    def _turn_over(self, group: _Group) -> None:
        group.close(self._seconds)
        if self._gathering is group:
            self._hand_over()

    def _hand_over(self) -> None:
        group, self._gathering = self._gathering, None
        if group is not None:
            self._closed.put(group)

    def _end(self) -> None:
        self._hand_over()
        self._closed.put(None)

    def _write(self) -> None:
        while groups := self._next_groups():
            failure = self._commit([row for group in groups for row in group.rows])
            for group in groups:
                with contextlib.suppress(RuntimeError):  # a loop that was closed has nobody left who waits
                    group.loop.call_soon_threadsafe(group.settle, failure)
            if failure is None:
                self._tell()
        self._give_up()

    def _tell(self) -> None:
        try:
            self._kept()
        except Exception:
            log.exception("webhook requests were kept, but telling so failed")

    def _next_groups(self) -> list[_Group]:
        """All groups that were handed over; waits for the first one. None once there will be no more."""
        groups: list[_Group] = []
        while not groups or not self._closed.empty():
            group = self._closed.get()
            if group is None:
                self._closed.put(None)
                break
            groups.append(group)
            self._taken += len(group.rows)
        return groups

    def _commit(self, rows: Sequence[Row]) -> str | None:
        try:
            if self._store is None:
                self._store = self._connect()
            self._store.insert(rows)
        except Exception as error:  # noqa: BLE001  whatever it was, the writer must live on for the next group
            log.warning("webhook_requests_not_kept", requests=len(rows), error=str(error))
            self._give_up()
            return f"Webhook requests could not be kept: {error}"
        return None

    def _give_up(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(Exception):  # a connection that cannot even be closed is dropped
                store.close()
