"""The first walk: a milestone is billed, approved, paid."""

from decimal import Decimal

from reconciler.reasons import Reason


def test_a_milestone_is_billed_once_and_followed_until_it_is_paid(world):
    world.put("M-1", amount=Decimal("1500.00"))
    report = world.turn()
    assert (report.created, report.updated) == (1, 0)
    assert world.reason() is Reason.AWAITING_APPROVAL
    bill = world.bill()
    assert (bill.status, bill.total) == ("SUBMITTED", Decimal("1500.00"))
    world.org.approve(bill.number)
    assert world.sweep().created == 0
    assert world.reason() is Reason.APPROVED
    world.org.pay(bill.number)
    world.sweep()
    assert world.reason() is Reason.PAID
    assert len(world.org.bills()) == 1
