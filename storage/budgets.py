"""What Xero's limits leave us, and what our calls have cost: kept, so that a restart neither forgets nor exceeds."""

import datetime as dt
from collections.abc import Mapping

from peewee import EXCLUDED, BigIntegerField, CompositeKey, TextField, fn

from reconciler.xero_port import Budget, Spent
from storage.database import Store
from storage.fields import DayField, ValueField
from storage.models import Row


class BudgetRow(Row):
    """The limits of an organisation, or of an app, as last seen."""

    name = TextField(primary_key=True)
    budget = ValueField(Budget)

    class Meta:
        table_name = "budget"


class UsageRow(Row):
    """Calls and bytes of one organisation's operation on one day in UTC, by which Xero counts as well."""

    organisation = TextField()
    day = DayField()
    operation = TextField()
    calls = BigIntegerField()
    bytes = BigIntegerField()

    class Meta:
        table_name = "usage"
        primary_key = CompositeKey("organisation", "day", "operation")


class Budgets:
    """`reconciler.xero.purse.Store` on tables, and what people are told of it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def budget(self, name: str) -> Budget:
        """What was kept under that name; an empty budget when nothing was."""
        row = self._store.row(BudgetRow.select().where(BudgetRow.name == name))
        return row["budget"] if row else Budget()

    def all(self) -> dict[str, Budget]:
        """What was kept, by name."""
        return self._store.pairs(BudgetRow.select(BudgetRow.name, BudgetRow.budget))

    def keep(
        self, budgets: Mapping[str, Budget], organisation: str, spent: Mapping[tuple[dt.date, str], Spent]
    ) -> None:
        """Keep these budgets by name, and add what the organisation has spent by day and operation."""
        with self._store.write():
            for name, budget in budgets.items():
                insert = BudgetRow.insert(name=name, budget=budget)
                insert = insert.on_conflict(conflict_target=[BudgetRow.name], preserve=[BudgetRow.budget])
                self._store.run(insert.as_rowcount())
            if spent:
                self._add(organisation, spent)

    def spent(self, organisation: str, since: dt.date) -> dict[dt.date, dict[str, Spent]]:
        """Calls and bytes from that day on, by day and operation, both in order."""
        mine = (UsageRow.organisation == organisation) & (UsageRow.day >= since)
        found: dict[dt.date, dict[str, Spent]] = {}
        for row in self._store.rows(UsageRow.select().where(mine).order_by(UsageRow.day, UsageRow.operation)):
            found.setdefault(row["day"], {})[row["operation"]] = Spent(row["calls"], row["bytes"])
        return found

    def total(self) -> dict[str, dict[str, Spent]]:
        """All calls and bytes that were ever spent, by organisation and operation."""
        by = (UsageRow.organisation, UsageRow.operation)
        sums = UsageRow.select(*by, fn.SUM(UsageRow.calls).alias("calls"), fn.SUM(UsageRow.bytes).alias("bytes"))
        found: dict[str, dict[str, Spent]] = {}
        for row in self._store.rows(sums.group_by(*by)):
            found.setdefault(row["organisation"], {})[row["operation"]] = Spent(int(row["calls"]), int(row["bytes"]))
        return found

    def _add(self, organisation: str, spent: Mapping[tuple[dt.date, str], Spent]) -> None:
        rows = [
            {"organisation": organisation, "day": day, "operation": name, "calls": one.calls, "bytes": one.bytes}
            for (day, name), one in spent.items()
        ]
        insert = UsageRow.insert_many(rows).on_conflict(
            conflict_target=[UsageRow.organisation, UsageRow.day, UsageRow.operation],
            update={UsageRow.calls: UsageRow.calls + EXCLUDED.calls, UsageRow.bytes: UsageRow.bytes + EXCLUDED.bytes},
        )
        self._store.run(insert.as_rowcount())
