"""A write is recorded before it is made, claims its milestones alone, and gives all of them back."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from ledger_samples import (
    HOUR,
    NOW,
    ORG,
    Broken,
    attempt,
    bill,
    bind,
    case_of,
    choice,
    decide,
    dirty,
    milestone,
    settle,
    terms,
    write,
)
from msgspec.structs import replace

from reconciler.errors import StorageError
from reconciler.model import Field, Link, Status
from reconciler.reasons import Reason
from reconciler.records import Attempt
from reconciler.xero_port import Outcome
from storage.ledger import Ledger

LATER = NOW + HOUR


@pytest.fixture
def ledger(ledger: Ledger) -> Ledger:
    ledger.milestones.put([milestone("M1"), milestone("M2"), milestone("M3")], NOW)
    return ledger


def _begin(ledger: Ledger, *keys: str, at: dt.datetime = NOW) -> Attempt:
    begun = ledger.attempts.begin(attempt(ledger, *keys, at=at), at)
    assert begun is not None
    return begun


def test_an_attempt_is_kept_exactly_and_open(ledger: Ledger) -> None:
    writes = write(fields=frozenset({Field.TOTAL, Field.DATE}), bill_id="b1", url="https://x", moved=True)
    wanted = attempt(ledger, "M1", "M2", write=writes)
    wanted = replace(wanted, body="{“é”}\x00".encode(), idempotency_key="k" * 128)
    begun = ledger.attempts.begin(wanted, NOW)
    assert begun is not None
    assert begun == replace(wanted, attempt_id=begun.attempt_id)
    assert ledger.attempts.open(ORG) == [(begun, None)]
    assert ledger.attempts.open("other") == []


def test_an_attempt_claims_its_milestones(ledger: Ledger) -> None:
    begun = _begin(ledger, "M1")
    assert case_of(ledger, "M1").link == Link(pending_attempt=begun.attempt_id, version=1)
    assert case_of(ledger, "M2").link == Link()


def test_claimed_milestones_are_due_so_that_they_are_told_to_wait(ledger: Ledger) -> None:
    settle(ledger, "M1")
    settle(ledger, "M2")
    _begin(ledger, "M1")
    assert dirty(ledger, "M1")
    assert not dirty(ledger, "M2")


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda ledger: ledger.milestones.put([milestone("M2", title="new")], NOW),
        lambda ledger: ledger.milestones.touch(ORG, ["M2"]),
        lambda ledger: ledger.milestones.touch(ORG),
        lambda ledger: ledger.milestones.choose(ORG, "M2", Link(), choice(), None, None),
        lambda ledger: _begin(ledger, "M2"),
    ],
    ids=["changed", "touched", "all touched", "chosen", "claimed"],
)
def test_an_attempt_with_one_milestone_that_changed_claims_none(
    ledger: Ledger, meanwhile: Callable[[Ledger], object]
) -> None:
    wanted = attempt(ledger, "M1", "M2")
    meanwhile(ledger)
    before = ledger.attempts.open(ORG)
    assert ledger.attempts.begin(wanted, NOW) is None
    assert ledger.attempts.open(ORG) == before
    assert case_of(ledger, "M1").link == Link()


def test_an_attempt_at_what_another_one_claims_is_refused_though_it_knows_the_link(ledger: Ledger) -> None:
    _begin(ledger, "M1")
    assert ledger.attempts.begin(attempt(ledger, "M1"), NOW) is None


def test_an_attempt_at_an_unknown_milestone_is_refused(ledger: Ledger) -> None:
    wanted = attempt(ledger, "M1")
    unknown = replace(wanted, elements=(replace(wanted.elements[0], key="gone"),))
    assert ledger.attempts.begin(unknown, NOW) is None


def test_of_many_who_try_at_once_one_claims_the_milestone(ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
    wanted = attempt(ledger, "M1", "M2")
    ledgers = [open_ledger() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        begun = list(threads.map(lambda each: each.attempts.begin(wanted, NOW), ledgers))
    assert sum(each is not None for each in begun) == 1
    assert len(ledger.attempts.open(ORG)) == 1


def test_threads_may_share_one_ledger(ledger: Ledger) -> None:
    wanted = attempt(ledger, "M1")
    with ThreadPoolExecutor(8) as threads:
        begun = list(threads.map(lambda _: ledger.attempts.begin(wanted, NOW), range(8)))
    assert sum(each is not None for each in begun) == 1


@pytest.mark.parametrize("change", ["INSERT ON attempt", "INSERT ON attempt_element", "UPDATE ON link"])
def test_an_attempt_that_cannot_be_recorded_claims_nothing(ledger: Ledger, broken: Broken, change: str) -> None:
    with broken(change), pytest.raises(StorageError):
        ledger.attempts.begin(attempt(ledger, "M1"), NOW)
    assert ledger.attempts.open(ORG) == []
    assert case_of(ledger).link == Link()


def test_an_answer_gives_new_bills_their_ids_without_a_base(ledger: Ledger) -> None:
    begun = _begin(ledger, "M1", "M2")
    outcomes = (Outcome("b1"), Outcome(messages=("Account code “x” is not valid",)))
    ledger.attempts.answered(begun.attempt_id, outcomes, LATER)
    link = case_of(ledger, "M1").link
    assert (link.bill_id, link.asked, link.seen, link.pending_attempt) == ("b1", None, None, begun.attempt_id)
    assert case_of(ledger, "M2").link.bill_id == ""
    assert ledger.attempts.open(ORG) == [(begun, outcomes)]


def test_an_answer_to_a_change_leaves_the_link_as_it_was(ledger: Ledger) -> None:
    bind(ledger, "b1")
    begun = ledger.attempts.begin(attempt(ledger, "M1", write=write(bill_id="b1")), NOW)
    assert begun is not None
    before = case_of(ledger).link
    ledger.attempts.answered(begun.attempt_id, [Outcome("b1")], LATER)
    assert case_of(ledger).link == before


def test_an_answer_of_another_length_than_the_attempt_is_not_recorded(ledger: Ledger) -> None:
    begun = _begin(ledger, "M1", "M2")
    with pytest.raises(ValueError, match="shorter"):
        ledger.attempts.answered(begun.attempt_id, [Outcome("b1")], LATER)
    assert ledger.attempts.open(ORG) == [(begun, None)]


def test_a_new_bill_makes_due_whoever_might_have_taken_it(ledger: Ledger) -> None:
    ledger.mirror.store_bills(ORG, [bill("b1", number="GM-M2", total=Decimal(3))])
    settle(ledger, "M2")
    settle(ledger, "M3")
    begun = _begin(ledger, "M1")
    ledger.attempts.answered(begun.attempt_id, [Outcome("b1")], LATER)
    assert dirty(ledger, "M2")
    assert not dirty(ledger, "M3")


def test_finishing_releases_the_milestones_with_their_links_and_makes_them_due(ledger: Ledger) -> None:
    for key in ("M1", "M2", "M3"):
        settle(ledger, key)
    begun = _begin(ledger, "M1", "M2")
    link = Link(bill_id="b1", asked=terms(), seen=terms(total=Decimal("999.99")))
    ledger.attempts.finish(begun.attempt_id, [("M1", link)], LATER)
    assert case_of(ledger, "M1").link == replace(link, version=2)
    assert case_of(ledger, "M2").link == Link(version=2)
    assert ledger.attempts.open(ORG) == []
    assert ledger.milestones.dirty_keys(ORG, NOW, 10) == ["M1", "M2"]


def test_released_milestones_are_due_though_they_were_decided_while_they_were_claimed(ledger: Ledger) -> None:
    begun = _begin(ledger, "M1")
    decide(ledger, Reason.EXEMPT, "M1")
    assert not dirty(ledger, "M1")
    ledger.attempts.finish(begun.attempt_id, [], NOW)
    assert dirty(ledger, "M1")


def test_finishing_twice_changes_nothing(ledger: Ledger) -> None:
    begun = _begin(ledger, "M1")
    ledger.attempts.finish(begun.attempt_id, [], LATER)
    again = _begin(ledger, "M1")
    ledger.attempts.finish(begun.attempt_id, [("M1", Link(bill_id="b9"))], LATER)
    assert case_of(ledger).link.pending_attempt == again.attempt_id
    assert case_of(ledger).link.bill_id == ""


def test_an_answer_after_the_finish_changes_nothing(ledger: Ledger) -> None:
    begun = _begin(ledger, "M1")
    ledger.attempts.finish(begun.attempt_id, [], LATER)
    ledger.attempts.answered(begun.attempt_id, [Outcome("b9")], LATER)
    assert case_of(ledger).link.bill_id == ""


def test_a_finish_that_is_cut_off_leaves_the_attempt_open(ledger: Ledger, broken: Broken) -> None:
    begun = _begin(ledger, "M1")
    with broken("INSERT ON payee"), pytest.raises(StorageError):
        ledger.attempts.finish(begun.attempt_id, [("M1", Link(bill_id="b1", asked=terms(), seen=terms()))], LATER)
    assert ledger.attempts.open(ORG) == [(begun, None)]
    assert case_of(ledger).link.pending_attempt == begun.attempt_id


def test_a_spoilt_attempt_is_not_resendable(ledger: Ledger) -> None:
    begun, other = _begin(ledger, "M1"), _begin(ledger, "M2")
    ledger.attempts.spoil(begun.attempt_id)
    assert ledger.attempts.open(ORG) == [(replace(begun, resendable=False), None), (other, None)]


def test_open_attempts_come_oldest_first(ledger: Ledger) -> None:
    first, second = _begin(ledger, "M2"), _begin(ledger, "M1")
    assert [open_attempt for open_attempt, _ in ledger.attempts.open(ORG)] == [first, second]


def test_what_was_billed_since_counts_creations_only_whatever_came_of_them(ledger: Ledger) -> None:
    old = _begin(ledger, "M1", at=NOW)
    ledger.attempts.finish(old.attempt_id, [], NOW)
    new = _begin(ledger, "M1", "M2", at=LATER)
    update = attempt(ledger, "M3", at=LATER, write=write(bill_id="b3", status=Status.DRAFT))
    assert ledger.attempts.begin(update, LATER) is not None
    ledger.attempts.finish(new.attempt_id, [], LATER)
    assert ledger.attempts.written_since(ORG, LATER) == list(new.elements)
    assert len(ledger.attempts.written_since(ORG, NOW)) == 3
    assert ledger.attempts.written_since("other", NOW) == []
