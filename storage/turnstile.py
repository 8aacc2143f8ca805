"""Who of this process writes to the file next: whoever is in haste goes before all who are not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turnstile:
    """One writes at a time, and passes on to the next without waiting.

    SQLite itself lets writers try again after ever longer pauses, so that one who writes all the time leaves others out
    for long. Here the ledger's transactions stand in a line, one after the other; a webhook request stands beside the
    line, and is next.
    """

    def __init__(self) -> None:
        self._line, self._next, self._inside = threading.Lock(), threading.Lock(), threading.Lock()

    @contextmanager
    def in_line(self) -> Iterator[None]:
        """Write when all who came before have written."""
        with self._line:
            with self._next:
                self._inside.acquire()
            try:
                yield
            finally:
                self._inside.release()

    @contextmanager
    def ahead(self, seconds: float) -> Iterator[None]:
        """Write as soon as whoever writes now has ended; raises `TimeoutError` after so many seconds."""
        if not self._next.acquire(timeout=seconds):
            raise TimeoutError("somebody else has been writing for too long")
        try:
            entered = self._inside.acquire(timeout=seconds)
        finally:
            self._next.release()
        if not entered:
            raise TimeoutError("somebody else has been writing for too long")
        try:
            yield
        finally:
            self._inside.release()
