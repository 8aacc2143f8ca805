"""An edit in Xero between our read and our write is seen before it is overwritten, or reported after."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from edits_world import billed, during
from world import KEY

from reconciler.reasons import Reason

PRICE = Decimal("1200.00")
OTHER = Decimal("1300.00")
THEIRS = Decimal("1250.00")

__all__ = ["billed"]


class TestBetweenReadAndWrite:
    """The milestone's amount changes, and somebody edits the bill while we are about to write."""

    @pytest.mark.parametrize("moment", ["changed_bills", "bills"], ids=["before the push", "before the last read"])
    def test_an_edit_visible_in_the_last_read_is_not_overwritten(self, billed, moment):
        billed.put(amount=OTHER)
        during(billed, moment, lambda: billed.org.edit("M-1", total=THEIRS))
        billed.turn()
        assert billed.reason() is Reason.EDITED_IN_XERO
        assert (billed.bill().total, billed.writes()) == (THEIRS, 1)

    def test_an_edit_of_another_field_after_the_last_read_stays_and_is_reported(self, billed):
        billed.put(amount=OTHER)
        during(billed, "send", lambda: billed.org.edit("M-1", contact="Somebody else"))
        billed.turn()
        assert (billed.bill().total, billed.reason()) == (OTHER, Reason.CHANGED_IN_XERO)
        assert billed.org.contact(billed.bill().contact_id).name == "Somebody else"

    def test_an_approval_after_the_last_read_makes_xero_refuse_and_us_ask(self, billed):
        billed.put(amount=OTHER)
        during(billed, "send", lambda: billed.org.approve("M-1"))
        billed.turn()
        assert (billed.bill().total, billed.bill().status) == (PRICE, "AUTHORISED")
        assert billed.reason() is Reason.BILL_APPROVED

    def test_a_payment_after_the_last_read_drops_the_amount_and_is_noticed(self, billed):
        billed.put(amount=OTHER)
        during(billed, "send", lambda: (billed.org.approve("M-1"), billed.org.pay("M-1")))
        billed.turn()
        assert (billed.bill().total, billed.bill().status) == (PRICE, "PAID")
        assert billed.reason() is Reason.BILL_PAID

    def test_an_edit_before_the_read_back_is_not_taken_for_ours(self, billed):
        billed.put(amount=OTHER)
        client = billed.cycle._pusher._xero
        real = client.send

        def send(attempt):
            outcomes = real(attempt)
            billed.org.edit("M-1", total=THEIRS)
            return outcomes

        client.send = send
        billed.turn()
        client.send = real
        billed.sweep()
        assert (billed.reason(), billed.bill().total) == (Reason.REFUSED, THEIRS)
        assert billed.writes() == 2

    def test_a_voided_bill_is_not_written(self, billed):
        billed.put(amount=OTHER)
        during(billed, "bills", lambda: billed.org.delete("M-1"))
        billed.turn()
        assert (billed.reason(), billed.writes()) == (Reason.BILL_DELETED, 1)

    def test_a_lock_set_just_before_the_write_is_seen(self, make_world):
        world = make_world(organisation='mode = "sync"\nbill_status = "authorised"')
        world.sweep()
        world.put()
        during(world, "changed_bills", lambda: None)
        world.org.lock(period=world.xero.now().date() + dt.timedelta(days=3))
        world.turn()
        assert (world.reason(), world.writes()) == (Reason.PERIOD_LOCKED, 0)

    def test_a_lock_set_after_the_last_read_is_understood_from_the_refusal(self, make_world):
        world = make_world(organisation='mode = "sync"\nbill_status = "authorised"')
        world.sweep()
        world.put()
        lock = world.xero.now().date() + dt.timedelta(days=3)
        during(world, "send", lambda: world.org.lock(period=lock))
        world.turn()
        assert (world.reason(), world.org.bills()) == (Reason.PERIOD_LOCKED, [])
        world.sweep()
        standing = world.standing().verdict
        assert (standing.reason, standing.lock) == (Reason.PERIOD_LOCKED, lock)

    def test_an_account_archived_after_the_last_read_is_asked_about_until_it_is_restored(self, make_world):
        world = make_world(organisation='mode = "sync"\nbill_status = "authorised"')
        world.sweep()
        world.put()
        during(world, "send", lambda: world.org.archive_account("480"))
        world.turn()
        assert (world.reason(), world.org.bills()) == (Reason.ACCOUNT_UNUSABLE, [])
        world.xero.advance(minutes=61)
        world.sweep()
        assert world.reason() is Reason.ACCOUNT_UNUSABLE
        world.org.restore_account("480")
        world.xero.advance(minutes=61)
        world.sweep()
        assert (world.reason(), world.open_flags()) == (Reason.APPROVED, [])

    def test_a_contact_archived_after_the_last_read_is_asked_about_until_it_is_restored(self, world):
        world.org.add_contact("Payee of M-1")
        world.sweep()
        world.put()
        during(world, "send", lambda: world.org.archive_contact("Payee of M-1"))
        world.turn()
        assert (world.reason(), world.org.bills()) == (Reason.CONTACT_ARCHIVED, [])
        world.sweep()
        assert world.reason() is Reason.CONTACT_ARCHIVED
        world.org.unarchive_contact("Payee of M-1")
        world.sweep()
        assert (world.reason(), world.open_flags()) == (Reason.AWAITING_APPROVAL, [])

    def test_a_bill_that_is_gone_before_it_was_read_back_is_asked_about(self, world):
        world.put()
        client = world.cycle._pusher._xero
        real = client.send

        def send(attempt: Any) -> Any:
            outcomes = real(attempt)
            world.org.books.bills.clear()
            return outcomes

        client.send = send
        world.turn()
        assert (world.reason(), world.house.ledger.attempts.open(KEY)) == (Reason.BILL_MISSING, [])
