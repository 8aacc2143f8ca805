"""What comes of a file in the ledger."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billwatch.importing import Counts, ImportFile, foresee, summarise, take_in
from reconciler.model import Link, Milestone
from reconciler.organisation import Books
from reconciler.reasons import Choose
from reconciler.records import Choice
from storage.ledger import Ledger

NOW = dt.datetime(2026, 7, 9, 10, 0, tzinfo=dt.UTC)
BILL, OTHER = "243216c5-369e-4056-ac67-05388f86dc81", "45e4708e-d862-4111-ab3a-dd8cd03913e1"


def milestone(key: str, amount: str = "100", day: int = 1, currency: str = "") -> Milestone:
    return Milestone(
        organisation="acme",
        key=key,
        title="First",
        payee="Kowhai Trust",
        amount=Decimal(amount),
        date=dt.date(2026, 7, day),
        currency=currency,
        stages=frozenset({"approved"}),
    )


def holding(*milestones: Milestone, **bill_ids: str) -> ImportFile:
    return ImportFile(milestones, bill_ids, ())


def imported(file: ImportFile, ledger: Ledger) -> Counts:
    return sum((counts for _, counts in take_in(file, ledger.milestones, NOW)), Counts())


def kept(ledger: Ledger, key: str) -> tuple[Milestone, Link]:
    (case,) = ledger.milestones.gather("acme", [key], 0)
    return case.milestone, case.link


def test_milestones_are_put_and_putting_them_again_changes_nothing(ledger: Ledger) -> None:
    file = holding(*(milestone(f"m-{n}") for n in range(450)))
    assert foresee(file, ledger.milestones) == imported(file, ledger) == Counts(new=450)
    assert foresee(file, ledger.milestones) == imported(file, ledger) == Counts(same=450)
    assert kept(ledger, "m-449")[0] == milestone("m-449")


def test_a_changed_milestone_is_counted_as_changed(ledger: Ledger) -> None:
    imported(holding(milestone("a"), milestone("b")), ledger)
    file = holding(milestone("a"), milestone("b", "101"), milestone("c"))
    assert foresee(file, ledger.milestones) == imported(file, ledger) == Counts(new=1, changed=1, same=1)


def test_foreseeing_writes_nothing(ledger: Ledger) -> None:
    foresee(holding(milestone("a")), ledger.milestones)
    assert ledger.milestones.gather("acme", ["a"], 0) == []


def test_a_milestone_that_comes_with_a_bill_is_linked_to_it_with_its_base_unknown(ledger: Ledger) -> None:
    file = holding(milestone("a"), milestone("b"), a=BILL)
    assert foresee(file, ledger.milestones) == imported(file, ledger) == Counts(new=2, linked=1)
    stored, link = kept(ledger, "a")
    assert (stored.stages, link.bill_id, link.asked) == ({"approved"}, BILL, None)
    assert kept(ledger, "b")[1].bill_id == ""
    assert imported(file, ledger) == Counts(same=2)


def test_at_no_moment_is_a_milestone_due_before_it_is_linked_to_the_bill_it_came_with(ledger: Ledger) -> None:
    due_unlinked = []

    class Watched:
        def put(self, milestones: Sequence[Milestone], now: dt.datetime) -> tuple[int, int, int]:
            counts = ledger.milestones.put(milestones, now)
            stored, link = kept(ledger, "a")
            due_unlinked.append(bool(stored.stages) and not link.bill_id)
            return counts

        gather = staticmethod(ledger.milestones.gather)
        choose = staticmethod(ledger.milestones.choose)

    list(take_in(holding(milestone("a"), a=BILL), Watched(), NOW))
    assert due_unlinked == [False, False]


def test_a_milestone_that_follows_another_bill_keeps_it_and_is_named(ledger: Ledger) -> None:
    imported(holding(milestone("a"), a=BILL), ledger)
    file = holding(milestone("a", "7"), a=OTHER)
    assert foresee(file, ledger.milestones) == imported(file, ledger) == Counts(changed=1, unlinked=("a",))
    assert kept(ledger, "a")[1].bill_id == BILL


def test_a_milestone_that_is_decided_upon_meanwhile_is_named_and_linked_by_the_next_run(ledger: Ledger) -> None:
    class Hurried:
        put = staticmethod(ledger.milestones.put)
        gather = staticmethod(ledger.milestones.gather)

        def choose(self, organisation: str, key: str, link: Link, choice: Choice, *rest: None) -> bool:
            somebody = Choice(Choose.RESYNC, by="somebody", at=NOW)
            assert ledger.milestones.choose(organisation, key, replace(link, bill_id=""), somebody, None, None)
            return ledger.milestones.choose(organisation, key, link, choice, *rest)

    file = holding(milestone("a"), a=BILL)
    (((_, counts)),) = take_in(file, Hurried(), NOW)
    assert (counts.linked, counts.unlinked) == (0, ("a",))
    assert kept(ledger, "a")[0].stages == frozenset()
    assert imported(file, ledger).linked == 1


def test_a_summary_adds_up_per_currency_and_counts_what_is_free_or_locked() -> None:
    file = holding(milestone("a", day=1), milestone("b", "0", 2), milestone("c", "2.50", 3, "AUD"))
    books = Books(currency="NZD", period_lock=dt.date(2026, 7, 2), year_lock=dt.date(2026, 3, 31), read_at=NOW)
    summary = summarise(file, "", books)
    assert (summary.rows, summary.zero) == (3, 1)
    assert summary.totals == {"AUD": Decimal("2.50"), "NZD": Decimal(100)}
    assert (summary.first, summary.last) == (dt.date(2026, 7, 1), dt.date(2026, 7, 3))
    assert (summary.lock, summary.behind_lock) == (dt.date(2026, 7, 2), 2)


@pytest.mark.parametrize(("books", "behind"), [(Books(), None), (Books(read_at=NOW), 0)])
def test_without_a_lock_date_nothing_is_behind_it_once_xero_was_read(books: Books, behind: int | None) -> None:
    assert summarise(holding(milestone("a")), "NZD", books).behind_lock == behind
