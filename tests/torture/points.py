"""Where the daemon may die: every durable step, found by watching it rather than listed by hand.

A step is a transaction, a webhook request kept, a call to Xero that does something, or a mail handed over. Each is
passed twice: `before` it counts and `after`. Production code knows nothing of this; only a process that is to be
killed is watched.
"""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from notify.smtp import Connection
from reconciler.xero.http import Call, Http
from storage.database import Store
from storage.inbox import SqliteStore
from storage.postgres import PostgresStore

Point = tuple[str, int]
"""A point by its name, and at which of its occurrences (from 1) to die."""


class Steps:
    """Counts the points that this process passes, and kills it at one of them."""

    def __init__(self, deadly: Point | None) -> None:
        self.passed: Counter[str] = Counter()
        self._deadly = deadly
        self._lock = threading.Lock()

    def point(self, name: str) -> None:
        with self._lock:
            self.passed[name] += 1
            if self._deadly == (name, self.passed[name]):
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Pass a point at every durable step from now on, for the rest of this process."""
        for store in (SqliteStore, PostgresStore):
            self._around(store, "insert", lambda *_: "receive")
        self._around(Connection, "send", lambda *_: "mail")
        self._around(Http, "exchange", lambda _, call: _call(call))
        self._around_transactions()

    def _around(self, owner: type, method: str, name: Callable[..., str]) -> None:
        real = getattr(owner, method)

        def watched(*args: Any) -> Any:
            step = name(*args)
            if step:
                self.point(f"{step}:before")
            result = real(*args)
            if step:
                self.point(f"{step}:after")
            return result

        setattr(owner, method, watched)

    def _around_transactions(self) -> None:
        real = Store.write

        @contextmanager
        def watched(store: Store) -> Iterator[None]:
            if store._database.in_transaction():
                with real(store):
                    yield
                return
            name = _caller()
            with real(store):
                yield
                self.point(f"{name}:before")
            self.point(f"{name}:after")

        Store.write = watched


def _call(call: Call) -> str:
    """The name of a call that does something; empty for one that only reads."""
    if call.method == "GET":
        return ""
    last = call.url.partition("?")[0].rpartition("/")[2]
    return f"{call.method} {last}"


def _caller() -> str:
    """Who asked for the transaction, such as `Attempts.begin`."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals["__name__"] in ("contextlib", __name__):
        frame = frame.f_back
    return frame.f_code.co_qualname
