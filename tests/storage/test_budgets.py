"""What is left and what was spent outlives the process."""

import datetime as dt
from collections.abc import Callable

from reconciler.xero_port import Budget, Spent, Window
from storage.ledger import Ledger

NOW = dt.datetime(2026, 11, 2, 11, 30, tzinfo=dt.UTC)
DAY = NOW.date()
TOMORROW = DAY + dt.timedelta(days=1)
BUDGET = Budget({"day": Window(0, NOW, NOW + dt.timedelta(minutes=5))}, {"day": NOW + dt.timedelta(hours=3)})


def test_a_budget_is_the_same_after_a_restart(ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
    ledger.budgets.keep({"trust": BUDGET, "app:id": Budget()}, "trust", {})
    assert open_ledger().budgets.budget("trust") == BUDGET


def test_the_last_budget_counts(ledger: Ledger) -> None:
    ledger.budgets.keep({"trust": BUDGET}, "trust", {})
    ledger.budgets.keep({"trust": Budget()}, "trust", {})
    assert ledger.budgets.budget("trust") == Budget()


def test_of_an_unknown_name_nothing_is_known(ledger: Ledger) -> None:
    assert ledger.budgets.budget("nobody") == Budget()
    assert ledger.budgets.spent("nobody", DAY) == {}


def test_what_is_spent_adds_up_by_day_and_operation(ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
    ledger.budgets.keep({}, "trust", {(DAY, "bills"): Spent(2, 100), (DAY, "create"): Spent(1, 5)})
    open_ledger().budgets.keep({}, "trust", {(DAY, "bills"): Spent(1, 2**40), (TOMORROW, "bills"): Spent(1, 1)})
    assert ledger.budgets.spent("trust", DAY) == {
        DAY: {"bills": Spent(3, 100 + 2**40), "create": Spent(1, 5)},
        TOMORROW: {"bills": Spent(1, 1)},
    }
    assert ledger.budgets.spent("trust", TOMORROW) == {TOMORROW: {"bills": Spent(1, 1)}}


def test_organisations_are_counted_apart(ledger: Ledger) -> None:
    ledger.budgets.keep({}, "trust", {(DAY, "bills"): Spent(2, 100)})
    ledger.budgets.keep({}, "other", {(DAY, "bills"): Spent(1, 1)})
    assert ledger.budgets.spent("other", DAY) == {DAY: {"bills": Spent(1, 1)}}
