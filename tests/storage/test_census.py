"""Asked of many organisations at once, the ledger tells of each what is its own."""

import datetime as dt

import pytest
from ledger_samples import HOUR, LEASE, NOW, ORG, decide, hear, milestone, notice

from reconciler.organisation import Books
from reconciler.reasons import Reason
from reconciler.xero_port import Budget, Spent
from storage.census import Owed
from storage.ledger import Ledger

OTHER, EMPTY = "other", "empty"
ALL = [ORG, OTHER, EMPTY]


@pytest.fixture
def two(ledger: Ledger) -> Ledger:
    """One organisation has a flag, a milestone to write and one to decide; the other has one to decide alone."""
    ledger.milestones.put([milestone("M1"), milestone("M2"), milestone("M3"), milestone("M1", organisation=OTHER)], NOW)
    decide(ledger, Reason.BILL_VOIDED, "M1", notice=notice("a@example.org"))
    decide(ledger, Reason.CREATE, "M2")
    return ledger


def test_milestones_are_counted_by_reason(two: Ledger) -> None:
    mine = {Reason.BILL_VOIDED: 1, Reason.CREATE: 1, None: 1}
    assert two.census.counts(ALL) == {ORG: mine, OTHER: {None: 1}, EMPTY: {}}
    assert two.census.counts([OTHER]) == {OTHER: {None: 1}}


def test_what_is_to_be_decided_is_counted(two: Ledger) -> None:
    assert two.census.undecided(ALL) == {ORG: 1, OTHER: 1}


def test_what_is_owed_is_told_in_the_order_in_which_people_care(two: Ledger, url: str) -> None:
    (mail,) = two.outbox.claim(NOW, 1, LEASE)
    two.outbox.refused(mail, "550 no such user", "", NOW, NOW)
    hear(url, two, "b1", NOW)
    refused = [Owed("mails refused for good", 1, NOW), Owed("addresses that refuse mail", 1, NOW)]
    work = [Owed("milestones to write to Xero", 1, NOW), Owed("changes to read in Xero", 1, NOW)]
    assert two.census.owed(ALL) == {ORG: [*refused, *work], OTHER: [], EMPTY: []}


def test_the_last_event_of_each_is_told(two: Ledger, url: str) -> None:
    for number in range(3):
        hear(url, two, "b1", NOW + number * HOUR)
    assert two.census.heard_at(ALL) == {ORG: NOW + 2 * HOUR}


def test_facts_by_name_and_budgets_are_told_of_all_that_have_any(two: Ledger) -> None:
    two.mirror.store_books(OTHER, Books(name="Other"))
    two.state.put("a", "1")
    two.budgets.keep({ORG: Budget()}, ORG, {(NOW.date(), "read"): Spent(2, 30)})
    two.budgets.keep({}, ORG, {(NOW.date() + dt.timedelta(days=1), "read"): Spent(1, 5)})
    assert two.mirror.all_books() == {OTHER: Books(name="Other")}
    assert two.state.held(["a", "b"]) == {"a": "1"}
    assert two.budgets.all() == {ORG: Budget()}
    assert two.budgets.total() == {ORG: {"read": Spent(3, 35)}}
