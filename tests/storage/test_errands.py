"""Asked for all organisations at once, the ledger names those for which a tick would find something, and no others."""

import datetime as dt
from decimal import Decimal

from ledger_samples import HOUR, NOW, ORG, attempt, bill, bind, choice, decide, hear, milestone, settle

from reconciler.model import Exemption, Link
from reconciler.organisation import Books
from reconciler.reasons import Choose, Reason
from storage.ledger import Ledger

OTHER = "other"


def _read(ledger: Ledger) -> None:
    """Two organisations have been read; the milestone of one of them is decided, that of the other never came."""
    for key in (ORG, OTHER):
        ledger.mirror.store_books(key, Books(read_at=NOW, swept_at=NOW))
    ledger.milestones.put([milestone()], NOW)
    settle(ledger)


def test_with_everything_decided_nobody_waits(ledger: Ledger) -> None:
    _read(ledger)
    assert ledger.errands.waiting(NOW) == set()
    assert ledger.errands.ready() == set()


def test_an_organisation_that_was_never_read_is_not_among_them(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    assert ledger.errands.waiting(NOW) == set()


def test_a_milestone_to_decide_makes_its_organisation_wait(ledger: Ledger) -> None:
    _read(ledger)
    ledger.milestones.put([milestone(amount=Decimal("7.00"))], NOW)
    assert ledger.errands.waiting(NOW) == {ORG}


def test_news_of_a_linked_bill_makes_its_organisation_wait(url: str, ledger: Ledger) -> None:
    _read(ledger)
    bind(ledger, "b1")
    ledger.mirror.store_bills(ORG, [bill("b1", updated_at=NOW)])
    settle(ledger)
    hear(url, ledger, "b1", NOW)
    hear(url, ledger, "somebody's", NOW + HOUR)
    assert ledger.errands.waiting(NOW) == set()
    hear(url, ledger, "b1", NOW + HOUR)
    assert ledger.errands.waiting(NOW) == {ORG}


def test_an_exemption_that_ends_makes_its_organisation_wait(ledger: Ledger) -> None:
    _read(ledger)
    until = NOW.date() + dt.timedelta(days=9)
    exemption = Exemption("Ann", "paid by hand", NOW, until=until)
    link = Link(version=ledger.milestones.gather(ORG, ["M1"], 31)[0].link.version)
    assert ledger.milestones.choose(ORG, "M1", link, choice(Choose.EXEMPT), exemption, None)
    settle(ledger)
    assert ledger.errands.waiting(NOW) == set()
    assert ledger.errands.waiting(NOW + dt.timedelta(days=10)) == {ORG}


def test_a_write_that_is_not_finished_makes_its_organisation_wait(ledger: Ledger) -> None:
    _read(ledger)
    decide(ledger, Reason.CREATE)
    assert ledger.errands.waiting(NOW) == set()
    assert ledger.errands.ready() == {ORG}
    ledger.attempts.begin(attempt(ledger), NOW)
    assert ledger.errands.waiting(NOW) == {ORG}
    assert ledger.errands.ready() == set()


def test_whose_events_came_after_a_mark_is_told(url: str, ledger: Ledger) -> None:
    assert ledger.mirror.newest_event() == 0
    hear(url, ledger, "b1", NOW)
    mark = ledger.mirror.newest_event()
    assert ledger.mirror.told_of(0) == [ORG]
    assert ledger.mirror.told_of(mark) == []
    hear(url, ledger, "b2", NOW, tenant="nobody's")
    assert ledger.mirror.told_of(mark) == []
    hear(url, ledger, "b2", NOW)
    assert ledger.mirror.told_of(mark) == [ORG]


def test_when_each_organisation_was_read_is_told_at_once(ledger: Ledger) -> None:
    ledger.mirror.store_books(ORG, Books(swept_at=NOW))
    ledger.mirror.store_books(OTHER, Books())
    assert ledger.mirror.swept_at() == {ORG: NOW, OTHER: None}
