"""The books (lock dates, accounts, currencies) are kept; a change makes due exactly the milestones it bears upon."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from ledger_samples import (
    DAY,
    NOW,
    ORG,
    Broken,
    bill,
    case_of,
    choice,
    decide,
    dirty,
    milestone,
    notice,
    put_settled,
    settle,
    verdict,
)
from msgspec.structs import replace

from reconciler.errors import StorageError
from reconciler.model import Decision, Link, Sifted
from reconciler.organisation import Books
from reconciler.reasons import Reason
from storage.ledger import Ledger


def test_books_are_empty_before_the_first_reading(ledger: Ledger) -> None:
    assert ledger.mirror.books(ORG) == Books()


def test_books_are_kept(ledger: Ledger) -> None:
    books = Books(
        organisation_id="x",
        currency="NZD",
        zone="Pacific/Auckland",
        period_lock=DAY,
        accounts=frozenset({"400", "200"}),
        tracking=frozenset({("Region", "North"), ("Region", "South")}),
        read_at=NOW,
        watermark=NOW,
        hold=Reason.PAUSED,
        room_money=Decimal("99.99"),
    )
    ledger.mirror.store_books(ORG, books)
    assert ledger.mirror.books(ORG) == replace(books, version=1)
    assert ledger.mirror.books("other") == Books()


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "AUD"},
        {"zone": "Pacific/Auckland"},
        {"adviser": True},
        {"may_approve": False},
        {"accounts": frozenset({"400"})},
        {"taxes": frozenset()},
        {"currencies": frozenset({"NZD"})},
        {"tracking": frozenset({("a", "b")})},
        {"hold": Reason.PAUSED},
    ],
)
def test_a_change_of_the_books_that_all_decisions_see_makes_all_due(ledger: Ledger, changes: dict[str, Any]) -> None:
    put_settled(ledger)
    ledger.mirror.store_books(ORG, replace(Books(), **changes))
    assert dirty(ledger)


def test_any_number_of_milestones_is_made_due(ledger: Ledger) -> None:
    keys = [f"M{number:04}" for number in range(600)]
    ledger.milestones.put([milestone(key) for key in keys], NOW)
    decisions = [Decision(case, verdict(Reason.NOT_DUE)) for case in ledger.milestones.stream(ORG, 31)]
    ledger.milestones.keep(ORG, Sifted(news=tuple(decisions)), notice(), NOW)
    assert ledger.milestones.dirty_keys(ORG, NOW, 2000) == []
    ledger.mirror.store_books(ORG, Books(currency="AUD"))
    assert ledger.milestones.dirty_keys(ORG, NOW, 2000) == keys


def test_times_and_room_in_the_books_make_nothing_due(ledger: Ledger) -> None:
    put_settled(ledger)
    ledger.mirror.store_books(ORG, Books(read_at=NOW, swept_at=NOW, watermark=NOW, room=5, name="x", short_code="!"))
    assert not dirty(ledger)


def test_books_of_another_organisation_make_nothing_due(ledger: Ledger) -> None:
    put_settled(ledger)
    ledger.mirror.store_books("other", Books(currency="AUD"))
    assert not dirty(ledger)


LOCK = dt.date(2026, 1, 31)


@pytest.mark.parametrize(
    ("old", "new", "due"),
    [
        (None, DAY, True),
        (LOCK, DAY, True),
        (DAY, LOCK, True),
        (DAY, None, True),
        (None, LOCK, False),
        (LOCK, DAY - dt.timedelta(days=1), False),
        (DAY, DAY + dt.timedelta(days=9), False),
        (DAY, DAY, False),
    ],
)
@pytest.mark.parametrize("which", ["period_lock", "year_lock"])
@pytest.mark.parametrize("whose", ["milestone", "bill", "chosen"])
def test_a_lock_date_makes_due_whose_date_it_passes_over(
    ledger: Ledger, old: dt.date | None, new: dt.date | None, due: bool, which: str, whose: str
) -> None:
    far = dt.date(2030, 1, 1)
    ledger.milestones.put([milestone(date=DAY if whose == "milestone" else far)], NOW)
    ledger.mirror.store_bills(ORG, [bill("b9", date=DAY if whose == "bill" else far)])
    link = Link(bill_id="b9", chosen_date=DAY if whose == "chosen" else None, version=case_of(ledger).link.version)
    assert ledger.milestones.choose(ORG, "M1", link, choice(), None, None)
    ledger.mirror.store_books(ORG, replace(Books(), **{which: old}))
    settle(ledger)
    ledger.mirror.store_books(ORG, replace(Books(), **{which: new}))
    assert dirty(ledger) is due


def test_a_moved_lock_makes_due_what_a_lock_had_blocked(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1"), milestone("M2"), milestone("M3")], NOW)
    decide(ledger, Reason.PERIOD_LOCKED, "M1")
    decide(ledger, Reason.NOT_DUE, "M2", link=Link(locked_out=DAY))
    settle(ledger, "M3")
    ledger.mirror.store_books(ORG, Books(period_lock=dt.date(2020, 1, 1)))
    assert ledger.milestones.dirty_keys(ORG, NOW, 10) == ["M1", "M2"]


def test_marks_that_were_cut_off_are_made_up_for(ledger: Ledger, broken: Broken) -> None:
    put_settled(ledger)
    with broken("INSERT ON dirty"), pytest.raises(StorageError):
        ledger.mirror.store_books(ORG, Books(currency="NZD"))
    assert not dirty(ledger)
    ledger.mirror.store_books(ORG, Books(currency="NZD"))
    assert dirty(ledger)
    settle(ledger)
    ledger.mirror.store_books(ORG, Books(currency="NZD"))
    assert not dirty(ledger)
