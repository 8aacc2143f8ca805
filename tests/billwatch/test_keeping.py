"""How long things are kept, as configured."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from config_files import loaded, refusal

from billwatch.keeping import Keep, forget
from reconciler.milestone_port import Notice
from reconciler.model import Link, Milestone, Verdict
from reconciler.reasons import Action, Reason
from storage.ledger import Ledger

NOW = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)
YEARS = dt.timedelta(days=3 * 365)


@pytest.mark.parametrize("name", ["events_days", "mails_days", "changes_days", "history_days"])
def test_days_are_a_month_at_least_or_for_ever(tmp_path: Path, name: str) -> None:
    assert getattr(loaded(tmp_path, f"[keep]\n{name} = 0").keep, name) == 0
    assert refusal(tmp_path, f"[keep]\n{name} = 30") == f"keep.{name} is 30, but must be at least 31, or 0 for ever."


def test_requests_are_kept_as_long_as_xero_may_send_them_again(tmp_path: Path) -> None:
    assert "requests_days" in refusal(tmp_path, "[keep]\nrequests_days = 30")


def test_what_is_for_ever_is_not_deleted_and_the_rest_is_when_its_time_has_come(ledger: Ledger) -> None:
    ledger.milestones.put([Milestone("acme", "G-1", "Roof", "Kowhai", Decimal(1), NOW.date())], NOW)
    notice = Notice(lambda _: ("ops@example.org",), NOW)
    ledger.milestones.raise_alert("acme", Verdict(Action.HOLD, Reason.CONNECTION_LOST, Link()), notice, NOW)
    for mail in ledger.outbox.claim(NOW, 10, dt.timedelta(minutes=5)):
        ledger.outbox.dropped(mail.mail_id, NOW)
    assert forget(ledger, Keep(mails_days=0, changes_days=0), NOW + YEARS) == 0
    assert forget(ledger, Keep(changes_days=400), NOW) == 0
    ledger.milestones.raise_alert("acme", Verdict(Action.HOLD, Reason.WRONG_ORGANISATION, Link()), notice, NOW + YEARS)
    assert forget(ledger, Keep(mails_days=0, changes_days=400), NOW + YEARS) > 0
