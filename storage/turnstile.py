"""Who of this process writes to the file next: whoever is in haste goes before all who are not."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from reconciler.errors import StorageError


class Turnstile:
    """One writes at a time, and passes on to the next without waiting.

    SQLite itself lets writers try again after ever longer pauses, so that one who writes all the time leaves others out
    for long. Here the ledger's transactions stand in a line, one after the other; a webhook request stands beside the
    line, and is next. Both raise `StorageError` when it has taken longer than so many seconds.
    """

    def __init__(self) -> None:
        self._line, self._next, self._inside = threading.Lock(), threading.Lock(), threading.Lock()

    @contextmanager
    def in_line(self, seconds: float) -> Iterator[None]:
        """Write when all who came before have written."""
        with _held(self._line, seconds), self._entered(seconds):
            yield

    @contextmanager
    def ahead(self, seconds: float) -> Iterator[None]:
        """Write as soon as whoever writes now has ended."""
        with self._entered(seconds):
            yield

    @contextmanager
    def _entered(self, seconds: float) -> Iterator[None]:
        with ExitStack() as inside:
            # Whoever is next keeps that place until he is inside; so who leaves cannot be back before him.
            with _held(self._next, seconds):
                inside.enter_context(_held(self._inside, seconds))
            yield


@contextmanager
def _held(lock: threading.Lock, seconds: float) -> Iterator[None]:
    if not lock.acquire(timeout=seconds):
        raise StorageError(f"The database is in use: it has not been free for {seconds:g} seconds.")
    try:
        yield
    finally:
        lock.release()
