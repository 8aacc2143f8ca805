"""What one organisation may still spend and has spent, brought into the ledger: at the end of a turn, and when it
matters."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from reconciler.xero.limits import Limits
from reconciler.xero.usage import Usage
from reconciler.xero_port import Budget, Spent


class Store(Protocol):
    """Where budgets are kept by name, and what was spent by organisation, day and operation."""

    def budget(self, name: str) -> Budget:
        """What was kept under that name; an empty budget when nothing was."""
        ...

    def keep(
        self, budgets: Mapping[str, Budget], organisation: str, spent: Mapping[tuple[dt.date, str], Spent]
    ) -> None:
        """Keep these budgets, and add what the organisation has spent."""
        ...


class Purse:
    """One organisation's calls. Several threads may use it; without a store nothing outlives the process."""

    def __init__(self, organisation: str, app: str, limits: Limits, usage: Usage, store: Store | None) -> None:
        self.limits, self.usage = limits, usage
        self._organisation, self._app, self._store = organisation, app, store
        self._kept: tuple[Budget, Budget] | None = None

    def recall(self) -> None:
        """Take over what another process has kept. Raises `StorageError`."""
        if self._store is not None:
            self.limits.recall(self._store.budget(self._organisation), self._store.budget(self._app))

    def settle(self) -> None:
        """Keep what is left and what was spent, if anything has changed. Raises `StorageError`."""
        budgets, spent = self.limits.budgets(), self.usage.take()
        if self._store is not None and (spent or budgets != self._kept):
            self._store.keep(
                dict(zip((self._organisation, self._app), budgets, strict=True)), self._organisation, spent
            )
            self._kept = budgets
