"""A milestone that became dearer after its bill was approved: the difference is billed once, all of it is followed."""

import functools
from decimal import Decimal
from typing import Any

import pytest
from world import KEY

from reconciler.errors import InputError
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice

PRICE, DEARER = Decimal("1200.00"), Decimal("1500.00")


@pytest.fixture
def dearer(make_world):
    """M-1's bill is approved, and the milestone asks for 300 more."""
    world = make_world()
    world.sweep()
    world.put()
    world.turn()
    world.org.approve("M-1")
    world.sweep()
    world.put(amount=DEARER)
    world.turn()
    assert world.reason() is Reason.BILL_APPROVED
    return world


def numbers(world: Any) -> dict[str, Decimal]:
    return {bill.number: bill.total for bill in world.org.bills()}


BOTH = {"M-1": PRICE, "M-1-2": DEARER - PRICE}


def test_a_second_bill_over_the_difference_is_made_once_and_is_quiet(dearer):
    dearer.choose(Choose.BILL_DIFFERENCE)
    assert dearer.reason() is Reason.AWAITING_APPROVAL
    for _ in range(3):
        dearer.sweep()
    assert (numbers(dearer), dearer.writes()) == (BOTH, 2)
    assert dearer.open_flags() == []


def test_chosen_twice_at_once_it_is_billed_once(dearer):
    (decision,) = dearer.house.ledger.milestones.standing(KEY, ["M-1"])
    assert decision.verdict.reason is Reason.BILL_APPROVED
    dearer.choose(Choose.BILL_DIFFERENCE)
    with pytest.raises(InputError, match="does not fit"):
        dearer.choose(Choose.BILL_DIFFERENCE)
    assert numbers(dearer) == BOTH


@pytest.mark.parametrize("fault", [{"cut": "after"}, {"cut": "before"}, {"status": 500}], ids=str)
def test_after_a_lost_answer_and_a_restart_it_is_there_once(dearer, fault):
    dearer.xero.fault(**fault, method="PUT", path="/Invoices")
    dearer.choose(Choose.BILL_DIFFERENCE)
    dearer.house = dearer.reopen()
    for _ in range(4):
        dearer.xero.advance(minutes=5)
        dearer.sweep()
    assert numbers(dearer) == BOTH
    assert dearer.reason() is Reason.AWAITING_APPROVAL


def test_both_bills_are_followed_to_the_end(dearer):
    dearer.choose(Choose.BILL_DIFFERENCE)
    dearer.org.pay("M-1")
    dearer.org.approve("M-1-2")
    dearer.sweep()
    assert dearer.reason() is Reason.PART_PAID
    dearer.org.pay("M-1-2")
    dearer.sweep()
    assert dearer.reason() is Reason.PAID
    (listed,) = dearer.house.ledger.overview.listed(KEY, ["M-1"])
    assert (listed.paid, [bill.number for bill in listed.parts]) == (DEARER, ["M-1"])


def test_an_earlier_bill_that_is_voided_is_told_and_billed_again(dearer):
    dearer.choose(Choose.BILL_DIFFERENCE)
    dearer.org.void("M-1")
    dearer.sweep()
    assert dearer.reason() is Reason.BILL_VOIDED
    dearer.choose(Choose.BILL_AGAIN)
    assert dearer.reason() is Reason.AWAITING_APPROVAL
    assert numbers(dearer) == BOTH | {"M-1-3": PRICE}


def test_no_other_milestone_takes_an_earlier_bill(dearer):
    dearer.choose(Choose.BILL_DIFFERENCE)
    dearer.put("M-2")
    dearer.turn()
    first = next(bill for bill in dearer.org.bills() if bill.number == "M-1")
    choice = Choice(Choose.LINK, by="Ann Example", at=dearer.house.clock())
    with pytest.raises(InputError, match="belongs to milestone “M-1” already"):
        dearer.house.desk.link(KEY, "M-2", first.bill_id, choice)
    assert [bill.bill_id for bill in dearer.house.ledger.overview.unfollowed(KEY)] == []


def test_a_milestone_that_is_less_again_leaves_the_second_bill_unwanted(dearer):
    dearer.choose(Choose.BILL_DIFFERENCE)
    dearer.put(amount=PRICE)
    dearer.turn()
    assert dearer.reason() is Reason.BILL_NOT_WANTED
    with pytest.raises(InputError, match="Xero, asked just now, still has the bill M-1-2 as awaiting approval"):
        dearer.choose(Choose.VOIDED)
    dearer.org.delete("M-1-2")
    say = functools.partial(Choice, by="Ann Example", at=dearer.house.clock())
    done = dearer.house.desk.command(KEY, "M-1", say(Choose.VOIDED))
    assert [decision.verdict.reason for decision in done.items] == [Reason.APPROVED]
    (told,) = [m.value for m in dearer.house.ledger.overview.timeline(KEY, "M-1") if m.what == "choice"][1:]
    assert told.kind is Choose.VOIDED
