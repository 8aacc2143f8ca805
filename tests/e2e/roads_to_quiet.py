"""Roads to what is synced, skipped or held."""

from decimal import Decimal
from typing import Any

from roads import OTHER, PRICE, WATCH, Make, Reached, approved, billed, changed, paid, ready, road

from billwatch.sandbox.books import new_id
from reconciler.reasons import Choose, Reason


@road(Reason.CREATE)
def _(make: Make) -> Reached:
    world = ready(make)
    world.put()
    world.cycle.refresh(["M-1"])
    assert world.writes() == 0
    return Reached(world, world.turn, Reason.AWAITING_APPROVAL)


@road(Reason.UPDATE)
def _(make: Make) -> Reached:
    world = billed(make)
    world.put(amount=OTHER)
    world.cycle.refresh(["M-1"])
    assert world.bill().total == PRICE
    return Reached(world, world.turn, Reason.AWAITING_APPROVAL)


@road(Reason.EXEMPT)
def _(make: Make) -> Reached:
    world = ready(make)
    changed(world, stages=frozenset())
    world.choose(Choose.EXEMPT, reason="paid in kind")
    changed(world, stages=frozenset({"approved"}))

    def cure() -> None:
        assert world.house.ledger.milestones.end_exemption("example", "M-1", "Ann Example", world.house.clock())
        world.turn()

    return Reached(world, cure, Reason.AWAITING_APPROVAL)


@road(Reason.WITHDRAWN)
def _(make: Make) -> Reached:
    world = ready(make)
    changed(world, cancelled=True)
    return Reached(world, lambda: changed(world, cancelled=False), Reason.AWAITING_APPROVAL)


@road(Reason.NOT_DUE)
def _(make: Make) -> Reached:
    world = ready(make)
    changed(world, stages=frozenset({"drafted"}))
    return Reached(world, lambda: changed(world, stages=frozenset({"approved"})), Reason.AWAITING_APPROVAL)


@road(Reason.NOTHING_TO_PAY)
def _(make: Make) -> Reached:
    world = ready(make)
    changed(world, amount=Decimal(0))
    return Reached(world, lambda: changed(world, amount=PRICE), Reason.AWAITING_APPROVAL)


@road(Reason.PAID)
def _(make: Make) -> Reached:
    world = paid(make)
    return Reached(world, lambda: (world.org.unpay("M-1"), world.sweep()), Reason.PAYMENT_REVERSED)


@road(Reason.PART_PAID)
def _(make: Make) -> Reached:
    world = paid(make, Decimal(200))
    return Reached(world, lambda: (world.org.pay("M-1"), world.sweep()), Reason.PAID)


@road(Reason.APPROVED)
def _(make: Make) -> Reached:
    world = approved(make)
    return Reached(world, lambda: (world.org.pay("M-1"), world.sweep()), Reason.PAID)


@road(Reason.AWAITING_APPROVAL)
def _(make: Make) -> Reached:
    world = billed(make)
    return Reached(world, lambda: (world.org.approve("M-1"), world.sweep()), Reason.APPROVED)


@road(Reason.IN_SYNC)
def _(make: Make) -> Reached:
    world = billed(make, organisation='mode = "sync"\nbill_status = "draft"')
    return Reached(world, lambda: (world.org.submit("M-1"), world.sweep()), Reason.AWAITING_APPROVAL)


@road(Reason.WOULD_CREATE)
def _(make: Make) -> Reached:
    world = ready(make, organisation=WATCH)
    changed(world)
    return Reached(world, lambda: go_live(world), Reason.AWAITING_APPROVAL)


@road(Reason.WOULD_UPDATE)
def _(make: Make) -> Reached:
    world = billed(make)
    world.house = world.reopen(organisation=WATCH)
    changed(world, amount=OTHER)
    assert world.bill().total == PRICE
    return Reached(world, lambda: go_live(world), Reason.AWAITING_APPROVAL)


def go_live(world: Any) -> None:
    world.house = world.reopen(organisation='mode = "sync"')
    world.turn()


@road(Reason.PAUSED)
def _(make: Make) -> Reached:
    world = ready(make)
    world.pause()
    changed(world)
    assert world.writes() == 0
    return Reached(world, lambda: (world.pause(None), world.turn()), Reason.AWAITING_APPROVAL)


@road(Reason.CONNECTION_LOST)
def _(make: Make) -> Reached:
    world = ready(make)
    world.org.disconnect()
    world.put()
    world.sweep()
    return Reached(world, lambda: (world.org.reconnect(), later(world)), Reason.AWAITING_APPROVAL)


@road(Reason.WRONG_ORGANISATION)
def _(make: Make) -> Reached:
    world = ready(make)
    right, world.org.books.organisation_id = world.org.books.organisation_id, new_id()
    world.put()
    world.sweep()

    def cure() -> None:
        world.org.books.organisation_id = right
        later(world)

    return Reached(world, cure, Reason.AWAITING_APPROVAL)


@road(Reason.FACTS_STALE)
def _(make: Make) -> Reached:
    world = ready(make)
    world.put()
    world.xero.advance(hours=2)
    world.turn()
    return Reached(world, world.sweep, Reason.AWAITING_APPROVAL)


@road(Reason.XERO_UNAVAILABLE)
def _(make: Make) -> Reached:
    world = ready(make)
    world.xero.fault(503, times=100)
    world.put()
    world.sweep()
    return Reached(world, lambda: (world.xero.clear_faults(), later(world)), Reason.AWAITING_APPROVAL)


def later(world: Any) -> None:
    """When the time for the next try has come."""
    world.xero.advance(minutes=16)
    world.sweep()


@road(Reason.MASS_CHANGE)
def _(make: Make) -> Reached:
    world = ready(make, policy="missing_at_once = 1")
    world.put("M-1")
    world.put("M-2")
    world.turn()
    world.org.books.bills.clear()
    world.cycle.refresh(["M-1", "M-2"])
    return Reached(world, lambda: world.choose(Choose.GO_AHEAD), Reason.BILL_MISSING)


@road(Reason.OUTCOME_UNKNOWN)
def _(make: Make) -> Reached:
    world = ready(make)
    world.xero.fault(cut="after", method="PUT", path="/Invoices")
    changed(world)
    return Reached(world, world.turn, Reason.AWAITING_APPROVAL)


@road(Reason.CAP_REACHED)
def _(make: Make) -> Reached:
    world = ready(make, policy="new_bills_per_hour = 1")
    world.put("M-1")
    world.put("M-2")
    world.turn()
    assert world.reason("M-1") is Reason.AWAITING_APPROVAL
    return Reached(world, lambda: world.choose(Choose.GO_AHEAD, "M-2"), Reason.AWAITING_APPROVAL, key="M-2")
