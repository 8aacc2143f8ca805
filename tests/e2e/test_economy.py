"""Xero is called no more than needed, never above its limits, which are on here, and people come first."""

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.errors import RateLimited
from reconciler.events import read_events
from reconciler.reasons import Choose, Reason

KEY = "example"


@pytest.fixture
def counted(world: Any) -> Any:
    """The ordinary world with Xero's limits on, and nothing counted or used yet."""
    world.xero.limits(on=True)
    world.xero.advance(minutes=5)
    world.xero.reset_calls()
    return world


def cost(world: Any, act: Callable[[], object]) -> int:
    """The calls that Xero counted for it."""
    before = world.xero.calls()
    act()
    return int(world.xero.calls()) - before


def told(world: Any, *bill_ids: str, category: str = "INVOICE", after: float = 1.0) -> None:
    """Put one event per id into the inbox, as the receiver would, and have it drained."""
    at = (world.xero.now() + dt.timedelta(seconds=after)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    events = [
        {
            "resourceId": bill_id,
            "tenantId": world.org.tenant_id,
            "eventDateUtc": at,
            "eventType": "UPDATE",
            "eventCategory": category,
        }
        for bill_id in bill_ids
    ]
    with arriving(world) as keep:
        keep(json.dumps({"events": events}).encode())
    world.house.ledger.inbox.drain(read_events, world.house.tenants(), world.house.clock())


@contextlib.contextmanager
def arriving(world: Any) -> Iterator[Callable[[bytes], None]]:
    """The writer behind the webhook's door."""
    inbox = world.house.ledger.group_inbox()
    inbox.start()
    try:
        yield lambda body: keep(inbox, body, world.house.clock())
    finally:
        inbox.stop()


def keep(inbox: Any, body: bytes, now: dt.datetime) -> None:
    asyncio.run(inbox.keep(body, "key", now))


def refused(world: Any) -> int:
    """How many calls the sandbox has refused because of a limit."""
    return sum(world.xero.desk.world.limits.breaches.values())


def billed(world: Any, count: int) -> list[Any]:
    """So many milestones, each with its bill; nothing more to do."""
    for number in range(1, count + 1):
        world.put(f"M-{number}", payee="One payee")
    world.xero.limits(on=False)
    world.turn()
    world.sweep()
    world.xero.advance(minutes=5)
    world.sweep()
    world.xero.limits(on=True)
    return [world.bill(f"M-{number}") for number in range(1, count + 1)]


class TestSweeps:
    def test_an_idle_sweep_is_two_calls(self, counted):
        billed(counted, 3)
        for _ in range(3):
            counted.xero.advance(minutes=15)
            assert cost(counted, counted.sweep) == 2

    def test_an_idle_sweep_brings_no_bill(self, counted):
        billed(counted, 3)
        counted.xero.advance(minutes=15)
        counted.xero.reset_calls()
        counted.sweep()
        (row,) = [row for row in counted.xero.calls_table() if row["endpoint"] == "/Invoices"]
        assert row["bytes"] < 400

    def test_rights_and_contacts_are_read_once_a_night(self, counted):
        billed(counted, 1)
        counted.xero.reset_calls()
        for _ in range(2 * 24):
            counted.xero.advance(minutes=60)
            counted.sweep()
        assert counted.xero.calls("/Organisation/Actions") == 2
        assert counted.xero.calls("/Contacts") == 2

    def test_a_contact_event_has_contacts_read_by_the_next_sweep_only(self, counted):
        billed(counted, 1)
        contact = counted.org.contact("One payee").contact_id
        told(counted, contact, category="CONTACT")
        assert cost(counted, counted.cycle.tick) == 0
        counted.xero.advance(minutes=15)
        assert cost(counted, counted.sweep) == 3
        counted.xero.advance(minutes=15)
        assert cost(counted, counted.sweep) == 2

    def test_a_merge_that_a_bill_tells_of_is_followed_without_a_flag(self, counted):
        billed(counted, 1)
        counted.org.add_contact("Another name")
        counted.org.merge_contact("One payee", into="Another name")
        told(counted, counted.bill().bill_id)
        counted.turn()
        assert counted.flags() == []

    def test_what_stands_under_an_archived_contact_is_cured_by_a_sweep(self, counted):
        counted.org.add_contact("Payee of M-1", archived=True)
        counted.put()
        counted.turn()
        assert counted.reason() is Reason.CONTACT_ARCHIVED
        assert counted.writes() == 0
        counted.org.unarchive_contact("Payee of M-1")
        counted.sweep()
        assert counted.reason() is Reason.AWAITING_APPROVAL

    def test_a_first_reading_that_a_limit_cuts_off_goes_on_where_it_was(self, make_world):
        world = make_world()
        for _ in range(3_500):
            world.org.add_bill()
            world.xero.advance(seconds=1.1)
        world.xero.limits(on=True, minute=9 + 8)
        for _ in range(2):
            world.sweep()
            world.xero.advance(seconds=61)
        assert world.xero.calls("/Invoices") <= 5
        assert world.xero.calls("/Accounts") == 1
        assert world.house.ledger.mirror.books(KEY).swept_at is not None


class TestEvents:
    def test_events_about_bills_that_nobody_is_linked_to_cost_no_call(self, counted):
        strangers = [counted.org.add_bill(number=f"X-{n}").bill_id for n in range(50)]
        counted.xero.reset_calls()
        told(counted, *strangers)
        assert counted.cycle.tick() is None
        counted.turn()
        assert counted.xero.calls() == 0

    def test_forty_bills_are_one_call_and_so_are_a_hundred(self, counted):
        bills = [bill.bill_id for bill in billed(counted, 100)]
        counted.org.approve(bills[0])
        told(counted, *bills[:40])
        assert cost(counted, counted.turn) == 1
        for bill in bills[1:]:
            counted.org.approve(bill)
        told(counted, *bills, after=2.0)
        assert cost(counted, counted.turn) == 1
        assert {counted.reason(f"M-{n}") for n in range(1, 101)} == {Reason.APPROVED}

    def test_events_about_the_same_bill_are_one(self, counted):
        (bill,) = billed(counted, 1)
        for second in range(1, 6):
            told(counted, *[bill.bill_id] * 5, after=second)
        assert cost(counted, counted.turn) == 1

    def test_an_event_that_tells_of_what_was_read_already_costs_no_call(self, counted):
        (bill,) = billed(counted, 1)
        told(counted, bill.bill_id, after=-600)
        assert counted.cycle.tick() is None
        told(counted, bill.bill_id)
        assert cost(counted, counted.cycle.tick) == 1


class TestNight:
    def test_a_due_date_that_moved_no_date_of_change_is_found_in_the_night(self, counted):
        billed(counted, 2)
        counted.org.approve("M-1")
        counted.org.pay("M-1", "10.00")
        counted.xero.advance(minutes=5)
        counted.sweep()
        counted.xero.switch(silent_due_date=True)
        counted.org.edit("M-1", due="2031-01-31")
        counted.xero.advance(minutes=15)
        counted.sweep()
        held = counted.house.ledger.mirror
        bill_id = counted.bill("M-1").bill_id
        assert held.bill(KEY, bill_id).due_date != dt.date(2031, 1, 31)
        counted.xero.advance(hours=24)
        counted.xero.reset_calls()
        counted.sweep()
        assert held.bill(KEY, bill_id).due_date == dt.date(2031, 1, 31)
        assert counted.xero.calls("/Invoices") == 3

    def test_where_nothing_has_changed_the_night_costs_one_list_without_lines(self, counted):
        billed(counted, 2)
        counted.xero.advance(hours=24)
        counted.xero.reset_calls()
        counted.sweep()
        assert counted.xero.calls("/Invoices") == 2


class TestLimits:
    def test_an_ordinary_busy_run_is_never_refused(self, counted):
        for number in range(1, 266):
            counted.put(f"M-{number}")
        for _ in range(20):
            counted.cycle.tick()
            counted.xero.advance(seconds=1)
        for bill in counted.org.bills()[::3]:
            counted.org.approve(bill.bill_id)
        for _ in range(10):
            counted.sweep()
            counted.xero.advance(seconds=30)
        assert len(counted.org.bills()) == 265
        assert refused(counted) == 0

    def test_a_used_up_minute_is_waited_for_without_a_refusal(self, counted):
        counted.xero.limits(on=True, minute=14)
        for number in range(1, 401):
            counted.put(f"M-{number}", payee="One payee")
        for _ in range(90):
            counted.cycle.tick()
            counted.xero.advance(seconds=10)
        assert len(counted.org.bills()) == 400
        assert refused(counted) == 0

    def test_an_import_of_265_takes_at_most_20_calls_with_the_first_sweep(self, make_world):
        world = make_world()
        for number in range(1, 266):
            world.put(f"M-{number}")
        assert cost(world, world.sweep) <= 20
        assert {world.reason(f"M-{n}") for n in range(1, 266)} == {Reason.AWAITING_APPROVAL}

    def test_a_tick_does_not_hammer_while_a_limit_is_used_up(self, counted):
        billed(counted, 1)
        counted.put("M-2")
        counted.xero.fault(429, kind="day", retry_after=5_000, times=1_000)
        counted.cycle.tick()
        counted.xero.reset_calls()
        for _ in range(100):
            counted.cycle.tick()
            counted.xero.advance(seconds=10)
        assert counted.xero.calls() == 0

    def test_the_floor_keeps_calls_for_people(self, counted):
        billed(counted, 1)
        counted.put("M-1", amount=counted.standing().case.milestone.amount + 1)
        counted.xero.limits(on=True, day=103)
        counted.sweep()
        assert counted.writes() == 1
        counted.xero.advance(minutes=15)
        assert cost(counted, counted.sweep) == 0
        done = counted.choose(Choose.RESYNC)
        assert counted.writes() == 2
        assert done.items[0].verdict.reason is Reason.AWAITING_APPROVAL

    def test_a_used_up_day_is_told_to_a_person_at_once(self, counted):
        billed(counted, 1)
        counted.xero.fault(429, kind="day", retry_after=5_000, times=1_000)
        with pytest.raises(RateLimited, match="day limit is used up until"):
            counted.choose(Choose.RESYNC)

    def test_a_restart_remembers_a_used_up_day(self, counted):
        billed(counted, 1)
        counted.xero.fault(429, kind="day", retry_after=5_000, times=1_000)
        counted.sweep()
        counted.house.close()
        counted.xero.reset_calls()
        counted.house = counted.reopen()
        counted.sweep()
        assert counted.xero.calls() == 0
        counted.xero.clear_faults()
        counted.xero.advance(seconds=5_001)
        counted.sweep()
        assert counted.xero.calls() >= 2

    def test_a_restart_remembers_that_the_floor_is_reached(self, counted):
        billed(counted, 1)
        counted.xero.limits(on=True, day=100)
        counted.sweep()
        counted.house.close()
        counted.house = counted.reopen()
        assert cost(counted, counted.sweep) == 0

    def test_a_429_without_retry_after_is_tried_ever_more_rarely(self, counted):
        billed(counted, 1)
        counted.xero.fault(429, kind="concurrent", times=1_000)
        told(counted, counted.bill().bill_id)
        counted.xero.reset_calls()
        for _ in range(300):
            counted.xero.advance(seconds=1)
            counted.cycle.tick()
        assert 3 <= counted.xero.calls() <= 20

    def test_an_outage_is_backed_off_from(self, counted):
        billed(counted, 1)
        told(counted, counted.bill().bill_id)
        counted.xero.fault(503, times=10_000)
        counted.xero.reset_calls()
        for _ in range(360):
            counted.cycle.tick()
            counted.xero.advance(seconds=10)
        assert 6 <= counted.xero.calls() <= 40

    def test_an_update_is_not_written_on_what_was_read_too_long_ago(self, counted):
        billed(counted, 1)
        counted.put("M-1", amount=counted.standing().case.milestone.amount + 1)
        client = counted.cycle.reader._xero
        real = client.bills

        def slow(bill_ids: Any) -> Any:
            found = real(bill_ids)
            counted.xero.advance(seconds=6)
            return found

        client.bills = slow
        report = counted.turn()
        assert (counted.writes(), report.updated) == (1, 0)
        assert "too slowly" in report.detail
        client.bills = real
        counted.xero.advance(minutes=1)
        counted.turn()
        assert counted.writes() == 2


class TestTelling:
    def test_what_was_spent_is_kept_as_xero_counts_it(self, counted):
        before = kept(counted)
        billed(counted, 1)
        after = kept(counted)
        table = [row for row in counted.xero.calls_table() if row["tenant_id"] == counted.org.tenant_id]
        assert [two - one for one, two in zip(before, after, strict=True)] == [
            sum(row[what] for row in table) for what in ("calls", "bytes")
        ]

    def test_what_is_left_of_the_day_is_kept(self, counted):
        billed(counted, 1)
        counted.sweep()
        assert counted.house.ledger.budgets.budget(KEY).windows["day"].left == 998


def kept(world: Any) -> tuple[int, int]:
    """Calls and bytes that the ledger holds."""
    days = world.house.ledger.budgets.spent(KEY, dt.date(2020, 1, 1)).values()
    spent = [one for day in days for one in day.values()]
    return sum(one.calls for one in spent), sum(one.bytes for one in spent)
