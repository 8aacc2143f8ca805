"""What a week brought: every bill that a milestone follows is counted once, earlier parts among them."""

import datetime as dt
from decimal import Decimal

from ledger_samples import NOW, ORG, attempt, bill, case_of, choice, milestone, write
from msgspec.structs import replace

from reconciler.model import Link, Part, Status
from reconciler.reasons import Choose
from storage.ledger import Ledger

WEEK = dt.timedelta(days=7)
AMOUNT = Decimal("1000.00")


def in_parts(ledger: Ledger, *, first_made: dt.datetime) -> None:
    """One milestone of two bills, 1,000.00 each: the first approved, the second, made now, awaits approval."""
    ledger.milestones.put([milestone(amount=2 * AMOUNT)], NOW)
    for number, at in ("GM-M1", first_made), ("GM-M1-2", NOW):
        begun = ledger.attempts.begin(attempt(ledger, "M1", at=at, write=write(number=number)), at)
        assert begun
        ledger.attempts.finish(begun.attempt_id, [], at)
    case = case_of(ledger)
    part = Part("b1", "c1", "NZD", AMOUNT, AMOUNT)
    link = Link(bill_id="b2", parts=(part,), version=case.link.version)
    assert ledger.milestones.choose(ORG, "M1", link, choice(Choose.BILL_DIFFERENCE), None, None)
    first = bill("b1", number="GM-M1", status=Status.AUTHORISED, due=AMOUNT)
    ledger.mirror.store_bills(ORG, [first, replace(first, bill_id="b2", number="GM-M1-2", status=Status.SUBMITTED)])


def test_an_earlier_part_counts_as_billed_in_the_week_in_which_it_was_made(ledger: Ledger) -> None:
    in_parts(ledger, first_made=NOW)
    assert ledger.weeks.billed(ORG, NOW, NOW + WEEK) == {"NZD": (2, 2 * AMOUNT)}


def test_an_earlier_part_does_not_count_in_a_later_week(ledger: Ledger) -> None:
    in_parts(ledger, first_made=NOW - WEEK)
    assert ledger.weeks.billed(ORG, NOW, NOW + WEEK) == {"NZD": (1, AMOUNT)}


def test_what_is_still_due_on_an_earlier_part_is_among_what_waits(ledger: Ledger) -> None:
    in_parts(ledger, first_made=NOW)
    assert ledger.weeks.waiting(ORG, (Status.AUTHORISED,)) == {"NZD": (1, AMOUNT)}
    assert ledger.weeks.waiting(ORG, (Status.SUBMITTED,)) == {"NZD": (1, AMOUNT)}
