"""Whose turn it is to read and write one organisation: one thread's, and where several processes share the work, one
process's.
"""

import threading
from types import TracebackType
from typing import Protocol, Self


class Turn(Protocol):
    """A lock that whoever has it may take again."""

    def acquire(self, *, timeout: float = -1) -> bool:
        """Wait for the turn, so many seconds at most (-1: as long as it takes); whether it is ours."""
        ...

    def release(self) -> None:
        """Give it back, once for each time that it was acquired."""
        ...

    def holds(self) -> bool:
        """Whether nobody else has taken over the turn that we have, because we were thought dead."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class OwnTurn:
    """A turn among the threads of one process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def acquire(self, *, timeout: float = -1) -> bool:
        """As `Turn` says."""
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        """As `Turn` says."""
        self._lock.release()

    def holds(self) -> bool:
        """Nobody else can."""
        return True

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
