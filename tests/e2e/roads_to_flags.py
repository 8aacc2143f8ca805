"""Roads to what a person is asked about."""

from decimal import Decimal
from typing import Any

from roads import AUTHORISED, DAY, OTHER, PRICE, Make, Reached, approved, billed, by_hand, changed, paid, ready, road

from billwatch.sandbox.books import new_id
from reconciler.model import Links
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice


@road(Reason.EXEMPT_WITH_BILL)
def _(make: Make) -> Reached:
    world = ready(make)
    changed(world, stages=frozenset())
    world.choose(Choose.EXEMPT, reason="handled by hand from now on")
    assert world.reason() is Reason.EXEMPT
    made = by_hand(world, number="M-1")
    choice = Choice(Choose.LINK, by="Ann Example", at=world.house.clock())
    world.house.desk.link("example", "M-1", made.bill_id, choice)
    return Reached(world, lambda: (world.org.void("M-1"), world.sweep()), Reason.EXEMPT)


@road(Reason.BILL_NOT_WANTED)
def _(make: Make) -> Reached:
    world = billed(make)
    changed(world, cancelled=True)
    return Reached(world, lambda: (world.org.delete("M-1"), world.sweep()), Reason.WITHDRAWN)


@road(Reason.PAID_NOT_WANTED)
def _(make: Make) -> Reached:
    world = paid(make)
    changed(world, amount=Decimal(0))
    return Reached(world, lambda: world.choose(Choose.KEEP), Reason.NOTHING_TO_PAY)


@road(Reason.DUPLICATE_BILL)
def _(make: Make) -> Reached:
    world = ready(make)
    by_hand(world, number="M-1")
    second = by_hand(world, number="M-1")
    world.put()
    world.sweep()
    return Reached(world, lambda: (world.org.void(second.bill_id), world.sweep()), Reason.APPROVED)


@road(Reason.POSSIBLE_DUPLICATE)
def _(make: Make) -> Reached:
    world = ready(make)
    by_hand(world, number="INV-77")
    world.put()
    world.sweep()
    return Reached(world, lambda: world.choose(Choose.BILL_ANYWAY), Reason.AWAITING_APPROVAL)


@road(Reason.LINK_DIFFERS)
def _(make: Make) -> Reached:
    world = ready(make)
    by_hand(world, number="M-1", total="999.00")
    world.put()
    world.sweep()
    return Reached(world, lambda: (world.org.edit("M-1", total=PRICE), world.sweep()), Reason.APPROVED)


@road(Reason.BILL_MISSING)
def _(make: Make) -> Reached:
    world = billed(make)
    bill = world.bill()
    del world.org.books.bills[bill.bill_id]
    world.cycle.refresh(["M-1"])

    def cure() -> None:
        world.org.books.bills[bill.bill_id] = bill
        world.choose(Choose.RESYNC)

    return Reached(world, cure, Reason.AWAITING_APPROVAL)


@road(Reason.BILL_VOIDED)
def _(make: Make) -> Reached:
    world = approved(make)
    world.org.void("M-1")
    world.sweep()

    def cure() -> None:
        world.choose(Choose.BILL_AGAIN)
        assert [(bill.number, bill.status) for bill in world.org.bills()] == [("M-1", "VOIDED"), ("M-1-2", "SUBMITTED")]

    return Reached(world, cure, Reason.AWAITING_APPROVAL)


@road(Reason.BILL_DELETED)
def _(make: Make) -> Reached:
    world = billed(make)
    world.org.delete("M-1")
    world.sweep()

    def cure() -> None:
        other = by_hand(world, number="INV-78")
        world.choose(Choose.REPLACED_BY, bill_id=other.bill_id)

    return Reached(world, cure, Reason.APPROVED)


@road(Reason.CHANGED_IN_XERO)
def _(make: Make) -> Reached:
    world = billed(make)
    world.org.edit("M-1", total=OTHER)
    world.sweep()
    return Reached(world, lambda: (world.org.edit("M-1", total=PRICE), world.sweep()), Reason.AWAITING_APPROVAL)


@road(Reason.PAYMENT_REVERSED)
def _(make: Make) -> Reached:
    world = paid(make)
    world.org.unpay("M-1")
    world.sweep()
    return Reached(world, lambda: (world.org.pay("M-1"), world.sweep()), Reason.PAID)


def locked(make: Make, *, period: bool = True, organisation: str = AUTHORISED) -> Any:
    """A world in which M-1 is dated behind a lock, and could not be billed for it."""
    world = make(organisation=organisation)
    today = world.xero.now().date()
    world.org.lock(**{"period" if period else "year": today - 30 * DAY})
    world.put(date=today - 40 * DAY)
    world.sweep()
    assert world.org.bills() == []
    return world


def another_date(world: Any) -> None:
    """A person takes the date that the flag proposes."""
    proposed = world.standing().verdict.proposed
    world.choose(Choose.DATE, date=proposed)
    assert world.bill().day == proposed


@road(Reason.LOCKED_DRAFT)
def _(make: Make) -> Reached:
    world = locked(make, organisation='mode = "sync"')
    return Reached(world, lambda: another_date(world), Reason.AWAITING_APPROVAL)


@road(Reason.PERIOD_LOCKED)
def _(make: Make) -> Reached:
    world = locked(make)
    return Reached(world, lambda: another_date(world), Reason.APPROVED)


@road(Reason.YEAR_LOCKED)
def _(make: Make) -> Reached:
    world = locked(make, period=False)
    return Reached(world, lambda: (world.org.lock(), world.sweep()), Reason.LOCK_LIFTED)


@road(Reason.LOCK_LIFTED)
def _(make: Make) -> Reached:
    world = locked(make)
    world.org.lock()
    world.sweep()
    return Reached(world, lambda: world.choose(Choose.RESYNC), Reason.APPROVED)


@road(Reason.BILL_READ_ONLY)
def _(make: Make) -> Reached:
    world = ready(make)
    claim = by_hand(world, number="Expense Claims")
    world.put()
    world.sweep()
    world.choose(Choose.LINK, bill_id=claim.bill_id)
    assert world.reason() is Reason.APPROVED
    changed(world, amount=OTHER)
    return Reached(world, lambda: changed(world, amount=PRICE), Reason.APPROVED)


@road(Reason.BILL_PAID)
def _(make: Make) -> Reached:
    world = paid(make)
    changed(world, amount=OTHER)
    return Reached(world, lambda: world.choose(Choose.KEEP), Reason.PAID)


@road(Reason.BILL_PART_PAID)
def _(make: Make) -> Reached:
    world = paid(make, Decimal(200))
    changed(world, amount=OTHER)
    return Reached(world, lambda: changed(world, amount=PRICE), Reason.PART_PAID)


@road(Reason.BILL_CREDITED)
def _(make: Make) -> Reached:
    world = approved(make)
    world.org.credit("M-1", "50.00")
    world.sweep()
    changed(world, amount=OTHER)
    return Reached(world, lambda: world.choose(Choose.KEEP), Reason.PART_PAID)


@road(Reason.BILL_APPROVED)
def _(make: Make) -> Reached:
    world = approved(make)
    changed(world, amount=OTHER)
    return Reached(world, lambda: (world.org.edit("M-1", total=OTHER), world.sweep()), Reason.APPROVED)


@road(Reason.EDITED_IN_XERO)
def _(make: Make) -> Reached:
    world = billed(make)
    world.org.edit("M-1", total="1250.00")
    world.put(amount=OTHER)
    world.sweep()

    def cure() -> None:
        world.choose(Choose.OVERWRITE)
        assert world.bill().total == OTHER

    return Reached(world, cure, Reason.AWAITING_APPROVAL)


@road(Reason.CONTACT_ARCHIVED)
def _(make: Make) -> Reached:
    world = make()
    world.org.add_contact("Payee of M-1", archived=True)
    world.put()
    world.sweep()
    return Reached(
        world, lambda: (world.org.unarchive_contact("Payee of M-1"), world.sweep()), Reason.AWAITING_APPROVAL
    )


@road(Reason.CONTACT_AMBIGUOUS)
def _(make: Make) -> Reached:
    world = make()
    first, second = world.org.add_contact("Payee of M-1"), world.org.add_contact("Payee of M-1")
    world.put()
    world.sweep()

    def cure() -> None:
        world.org.merge_contact(first.contact_id, into=second.contact_id)
        world.sweep()
        assert world.bill().contact_id == second.contact_id

    return Reached(world, cure, Reason.AWAITING_APPROVAL)


@road(Reason.CONTACT_UNKNOWN)
def _(make: Make) -> Reached:
    world = make()
    contact = world.org.add_contact("Somebody")
    world.put(contact_id=new_id())
    world.sweep()
    return Reached(world, lambda: changed(world, contact_id=contact.contact_id), Reason.AWAITING_APPROVAL)


@road(Reason.ACCOUNT_UNUSABLE)
def _(make: Make) -> Reached:
    world = make()
    world.org.archive_account("480")
    world.put()
    world.sweep()
    return Reached(world, lambda: (world.org.restore_account("480"), an_hour_later(world)), Reason.AWAITING_APPROVAL)


def an_hour_later(world: Any) -> None:
    """While one of Xero's lists stands in the way, they are read hourly, not daily."""
    world.xero.advance(minutes=61)
    world.sweep()


@road(Reason.TAX_INVALID)
def _(make: Make) -> Reached:
    world = ready(make)
    changed(world, tax="OUTPUT9")
    return Reached(world, lambda: changed(world, tax=""), Reason.AWAITING_APPROVAL)


@road(Reason.TRACKING_UNUSABLE)
def _(make: Make) -> Reached:
    world = ready(make)
    changed(world, tracking=(("Region", "Nowhere"),))
    return Reached(world, lambda: changed(world, tracking=(("Region", "North"),)), Reason.AWAITING_APPROVAL)


@road(Reason.CURRENCY_DISABLED)
def _(make: Make) -> Reached:
    world = ready(make)
    changed(world, currency="EUR")

    def cure() -> None:
        world.org.settings(currencies=["EUR"])
        world.choose(Choose.RESYNC)
        assert world.bill().currency == "EUR"

    return Reached(world, cure, Reason.AWAITING_APPROVAL)


@road(Reason.CURRENCY_CHANGED)
def _(make: Make) -> Reached:
    world = billed(make, currencies=["USD"])
    changed(world, currency="USD")
    return Reached(world, lambda: changed(world, currency=""), Reason.AWAITING_APPROVAL)


@road(Reason.NOT_PERMITTED)
def _(make: Make) -> Reached:
    world = make(organisation=AUTHORISED, may_approve=False)
    world.put()
    world.sweep()
    return Reached(world, lambda: (world.org.settings(may_approve=True), world.sweep()), Reason.APPROVED)


@road(Reason.REFUSED)
def _(make: Make) -> Reached:
    world = ready(make)
    changed(world, links=Links(milestone="//grants.example.org/M-1"))
    assert "Url" in world.standing().verdict.message
    writes = world.writes()
    world.sweep()
    assert world.writes() == writes
    return Reached(world, lambda: repaired(world), Reason.AWAITING_APPROVAL)


def repaired(world: Any) -> None:
    world.put(links=Links(milestone="https://grants.example.org/M-1"))
    world.choose(Choose.RESYNC)
