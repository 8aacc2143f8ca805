"""Turns that one process at a time has, on a database that several share.

A turn is a row with an end and a number that grows whenever the turn changes hands. While a process has it, a thread
of its own moves the end on; one that is killed or frozen loses it within `SECONDS`. What a process that has lost its
turn still tries to write is refused: every transaction of a thread that has a turn sees first that the number is
still its own. All times are the server's, so that the clocks of the machines need not agree.
"""

import os
import platform
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from peewee import BigIntegerField, TextField

from reconciler.errors import StorageError
from storage.database import Store
from storage.models import Row

SECONDS = 15.0
LOOK_SECONDS = 0.2
_NOW = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint"
_TAKE = f"""
    INSERT INTO lease (name, holder, number, until) VALUES (?, ?, 1, {_NOW} + ?)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, number = lease.number + 1, until = excluded.until
    WHERE lease.until <= {_NOW} RETURNING number
"""
_EXTEND = f"UPDATE lease SET until = {_NOW} + ? WHERE name = ? AND number = ? AND until > {_NOW}"
_GIVE_BACK = "UPDATE lease SET until = 0 WHERE name = ? AND number = ?"
_HELD = f"SELECT 1 FROM lease WHERE name = ? AND number = ? AND until > {_NOW}"


class LeaseRow(Row):
    """Who has a turn, until when, and how many had it so far."""

    name = TextField(primary_key=True)
    holder = TextField()
    number = BigIntegerField()
    until = BigIntegerField()

    class Meta:
        table_name = "lease"


class Leases:
    """The turns that this process has. `seconds` is for how long they outlast its last sign of life."""

    def __init__(self, store: Store, seconds: float = SECONDS) -> None:
        self._store, self._seconds = store, seconds
        self._holder = f"{platform.node()} {os.getpid()}"
        self._held: dict[str, int] = {}
        self._changed = threading.Condition()
        self._keeper: threading.Thread | None = None
        self._closed = False

    def take(self, name: str) -> int | None:
        """Take the turn; its number, or `None` while another process has it."""
        number: int | None = self._store.value(_TAKE, [name, self._holder, self._milliseconds])
        if number is not None:
            with self._changed:
                self._held[name] = number
                self._start()
        return number

    def give_back(self, name: str, number: int) -> None:
        """Let others have the turn."""
        with self._changed:
            self._held.pop(name, None)
        self._store.execute(_GIVE_BACK, [name, number])

    def holds(self, name: str, number: int) -> bool:
        """Whether the turn is still the one of that number."""
        return self._store.value(_HELD, [name, number]) is not None

    def close(self) -> None:
        """Move no more ends on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._keeper is not None:
            self._keeper.join(self._seconds)

    @property
    def _milliseconds(self) -> int:
        return int(self._seconds * 1000)

    def _start(self) -> None:
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="leases", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        while not self._closed:
            for name, number in list(self._held.items()):
                try:
                    self._store.execute(_EXTEND, [self._milliseconds, name, number])
                except StorageError:
                    break  # the next round may find the server again; if none does in time, the turn is lost
            with self._changed:
                self._changed.wait_for(lambda: self._closed, self._seconds / 5)


class SharedTurn:
    """`reconciler.turns.Turn` among the threads of all processes that share the database.

    `taken` is called whenever another process had the turn since we did: what it has left behind is then to be read.
    """

    def __init__(self, leases: Leases, store: Store, name: str, taken: Callable[[], None]) -> None:
        self._leases, self._store, self._name, self._taken = leases, store, name, taken
        self._threads = threading.RLock()
        self._depth = 0
        self._number = self._last = 0

    def acquire(self, *, timeout: float = -1) -> bool:
        """Wait for the turn, so many seconds at most (-1: as long as it takes); whether it is ours."""
        began = time.monotonic()
        if not self._threads.acquire(timeout=timeout):
            return False
        try:
            ours = self._depth > 0 or self._take(None if timeout < 0 else began + timeout)
        except BaseException:
            self._threads.release()
            raise
        if not ours:
            self._threads.release()
            return False
        self._depth += 1
        return True

    def release(self) -> None:
        """Give the turn back, once for each time that it was acquired."""
        self._depth -= 1
        try:
            if self._depth == 0:
                self._store.unfence(self._name)
                self._leases.give_back(self._name, self._number)
        finally:
            self._threads.release()

    def holds(self) -> bool:
        """Whether nobody else has taken over the turn that we have; so it is while we have none."""
        return self._depth == 0 or self._leases.holds(self._name, self._number)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _take(self, until: float | None) -> bool:
        while (number := self._leases.take(self._name)) is None:
            if until is not None and time.monotonic() >= until:
                return False
            time.sleep(LOOK_SECONDS)
        elsewhere = number != self._last + 1
        self._number = self._last = number
        self._store.fence(self._name, lambda: self._leases.holds(self._name, number))
        if elsewhere:
            self._taken()
        return True
