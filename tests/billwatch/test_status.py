"""`billwatch status` tells how things stand, what Xero was asked, and what is left."""

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from billwatch.cli import main
from billwatch.cli.status import _spending, _tell_spending
from reconciler.milestone_port import Notice
from reconciler.model import Link, Milestone, Verdict
from reconciler.organisation import Books
from reconciler.reasons import Action, Reason
from reconciler.xero_port import Budget, Spent, Window
from storage.ledger import Ledger

NOW = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)


def spending(database, budget, spent):
    with Ledger.open(database) as ledger:
        ledger.budgets.keep({"trust": budget}, "trust", spent)
        return _spending(ledger, "trust", NOW)


def test_calls_and_bytes_of_today_and_of_the_month_are_told(new_database, capsys):
    day, first, before = NOW.date(), dt.date(2026, 11, 1), dt.date(2026, 10, 31)
    spent = {
        (day, "changed_bills"): Spent(3, 4_000),
        (day, "organisation"): Spent(5, 1_000),
        (first, "bills"): Spent(1, 995_000),
        (before, "bills"): Spent(100, 1),
    }
    budget = Budget({"day": Window(812, NOW, NOW)}, {"minute": NOW + dt.timedelta(seconds=30)})
    told = spending(new_database(), budget, spent)
    assert told["month"] == {"calls": 9, "bytes": 1_000_000}
    assert told["today"]["organisation"] == {"calls": 5, "bytes": 1_000}
    _tell_spending(told, "Pacific/Auckland")
    lines = capsys.readouterr().out
    assert "8 calls today (5 kB), 812 left when last asked · 9 this month (1.0 MB)" in lines
    assert "organisation 5 (1 kB) · changed_bills 3 (4 kB)" in lines
    assert "minute limit is used up until 22 November 2026, 23:00" in lines


def test_before_the_first_call_nothing_is_made_up(new_database, capsys):
    _tell_spending(spending(new_database(), Budget(), {}), "UTC")
    assert capsys.readouterr().out == "  Xero: 0 calls today (0 kB) · 0 this month (0.0 MB)\n"


def status(configured: Path, *more: str) -> Result:
    result = CliRunner().invoke(main, ["--config", str(configured), "status", *more])
    assert result.exit_code == 0, result.output
    return result


def owe_a_mail(ledger: Ledger) -> None:
    notice = Notice(lambda _: ("ops@example.org",), NOW)
    ledger.milestones.raise_alert("acme", Verdict(Action.HOLD, Reason.CONNECTION_LOST, Link()), notice, NOW)


def test_the_zone_of_all_times_is_named_once(configured: Path, ledger: Ledger) -> None:
    ledger.mirror.store_books("acme", Books(name="Acme", zone="Pacific/Auckland", swept_at=NOW, read_at=NOW))
    assert CliRunner().invoke(main, ["--config", str(configured), "pause"]).exit_code == 0
    lines = status(configured).stdout.splitlines()
    assert lines[0].endswith("last sweep 22 November 2026, 23:00 · times in Pacific/Auckland")
    assert lines[1].startswith("  PAUSED since ")
    assert " in Pacific/Auckland by " in lines[1]


@pytest.mark.parametrize(("keys", "told"), [(False, "not set up; the sweep"), (True, "none ever came, although")])
def test_webhooks_that_never_came_are_told(configured: Path, keys: bool, told: str) -> None:
    if keys:
        text = configured.read_text(encoding="utf-8").replace("# webhook_keys", "webhook_keys")
        configured.write_text(text, encoding="utf-8")
    assert f"  Webhooks: {told}" in status(configured).stdout


def test_mails_owed_are_told_with_their_age_the_next_try_and_what_the_server_said(
    configured: Path, ledger: Ledger
) -> None:
    assert "  Mails:" not in status(configured).stdout
    owe_a_mail(ledger)
    (mail,) = ledger.outbox.claim(NOW + dt.timedelta(hours=1), 1, dt.timedelta(minutes=1))
    ledger.outbox.failed(mail.mail_id, "450 try\x1b later", NOW + dt.timedelta(hours=2), NOW)
    told = status(configured).stdout
    assert "  Mails: 1 to send, the oldest since 22 November 2026, 10:00 UTC; they are kept until [mail] names" in told
    assert "    The mail server said last: 450 try\N{REPLACEMENT CHARACTER} later" in told
    text = (
        configured.read_text(encoding="utf-8").replace('# host = "mail', 'host = "mail').replace("# sender", "sender")
    )
    configured.write_text(text, encoding="utf-8")
    assert "since 22 November 2026, 10:00 UTC; tried next 22 November 2026, 12:00 UTC" in status(configured).stdout
    assert json.loads(status(configured, "--json").stdout)["owed"][0]["number"] == 1


def test_milestones_are_listed_as_people_count(configured: Path, ledger: Ledger) -> None:
    one = Milestone("acme", "M-10", "T", "P", 1, NOW.date())
    ledger.milestones.put([one, Milestone("acme", "M-2", "T", "P", 1, NOW.date())], NOW)
    told = status(configured, "--milestones").stdout
    assert told.index("M-2 ") < told.index("M-10")


def test_a_reason_is_taken_in_any_case_and_a_wrong_one_gets_a_hint(configured: Path) -> None:
    assert status(configured, "--reason", "locked_draft").exit_code == 0
    wrong = CliRunner().invoke(main, ["--config", str(configured), "status", "--reason", "LOCK_DRAFT"])
    assert wrong.exit_code == 2
    assert '"LOCK_DRAFT" is no reason; did you mean LOCKED_DRAFT' in wrong.stderr
