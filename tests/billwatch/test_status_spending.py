"""`billwatch status` tells what Xero was asked, and what is left."""

import datetime as dt

from billwatch.cli.status import _spending, _tell_spending
from reconciler.xero_port import Budget, Spent, Window
from storage.ledger import Ledger

NOW = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)


def spending(tmp_path, budget, spent):
    with Ledger.open(f"sqlite:///{tmp_path / 'billwatch.db'}") as ledger:
        ledger.budgets.keep({"trust": budget}, "trust", spent)
        return _spending(ledger, "trust", NOW)


def test_calls_and_bytes_of_today_and_of_the_month_are_told(tmp_path, capsys):
    day, first, before = NOW.date(), dt.date(2026, 11, 1), dt.date(2026, 10, 31)
    spent = {
        (day, "changed_bills"): Spent(3, 4_000),
        (day, "organisation"): Spent(5, 1_000),
        (first, "bills"): Spent(1, 995_000),
        (before, "bills"): Spent(100, 1),
    }
    budget = Budget({"day": Window(812, NOW, NOW)}, {"minute": NOW + dt.timedelta(seconds=30)})
    told = spending(tmp_path, budget, spent)
    assert told["month"] == {"calls": 9, "bytes": 1_000_000}
    assert told["today"]["organisation"] == {"calls": 5, "bytes": 1_000}
    _tell_spending(told)
    lines = capsys.readouterr().out
    assert "8 calls today (5 kB), 812 left when last asked · 9 this month (1.0 MB)" in lines
    assert "organisation 5 (1 kB) · changed_bills 3 (4 kB)" in lines
    assert "minute limit is used up until 2026-11-22 10:00:30 UTC" in lines


def test_before_the_first_call_nothing_is_made_up(tmp_path, capsys):
    _tell_spending(spending(tmp_path, Budget(), {}))
    assert capsys.readouterr().out == "  Xero: 0 calls today (0 kB) · 0 this month (0.0 MB)\n"
