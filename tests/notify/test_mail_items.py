"""What a mail says of a milestone that is billed in parts: what is left to bill, and the bill that it is about."""

from decimal import Decimal

from mail_samples import BILL, BOOKS, MILESTONE, NOW, ORGANISATION, decision
from msgspec.structs import replace

from notify.items import Item
from reconciler.bills import Bill
from reconciler.model import Decision, Part
from reconciler.reasons import Reason
from reconciler.records import Flag

FIRST = Part("b-1", "c-1", "NZD", Decimal("7500.50"), Decimal("7500.50"))


def in_parts(amount: str, bill: Bill | None) -> Item:
    """A draft in a locked period; 7,500.50 of the milestone is covered by an earlier bill."""
    made = decision(Reason.LOCKED_DRAFT, replace(MILESTONE, amount=Decimal(amount)))
    case = replace(made.case, bill=bill, link=replace(made.case.link, parts=(FIRST,)))
    made = Decision(case, replace(made.verdict, link=case.link))
    flag = Flag(1, "example", made.case.milestone.key, Reason.LOCKED_DRAFT, NOW)
    return Item(flag, made, made, ORGANISATION, BOOKS)


def test_the_second_bill_is_not_in_dispute_with_the_whole_milestone() -> None:
    item = in_parts("9000.00", replace(BILL, total=Decimal("1499.50"), subtotal=Decimal("1499.50")))
    assert not item.differs
    assert (item.amount, item.note) == ("NZ$1,499.50", "")


def test_what_is_left_to_bill_is_what_waits() -> None:
    assert in_parts("9000.00", None).amount == "NZ$1,499.50"


def test_a_milestone_that_its_parts_cover_is_told_whole() -> None:
    assert in_parts("7500.50", None).amount == "NZ$7,500.50"
