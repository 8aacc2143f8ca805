"""Calls to Xero and bytes from it, by the sandbox's own counters, for 10,000 bills and with Xero's limits on.

The sandbox's clock is the real one; it jumps ahead only where billwatch would wait for a limit or for its next sweep.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import structlog

from benchmarks.figures import Figure, progress
from benchmarks.places import SYNCED, WEBHOOK_KEY, place
from billwatch.daemon import Daemon
from billwatch.sandbox import Org, Sandbox
from billwatch.wiring import House
from reconciler.cycle import Cycle
from reconciler.model import Milestone
from reconciler.reasons import Reason

KEY = "example"
BILLS = 10_000
PAYEES = 200
CHANGED = 100
EVENTS = 500
NO_RESERVE = """
[reconciler]
day_reserve_calls = 0
"""


def run() -> Iterator[Figure]:
    """Make 10,000 bills; sweep without and with changes; 500 webhooks; and the poll that all of it replaces."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with Sandbox() as xero, tempfile.TemporaryDirectory() as folder:
        org = xero.organisation("Example Trust")
        with place(xero, org, Path(folder), more=NO_RESERVE, organisation=SYNCED).house(xero) as house:
            yield from Bench(xero, org, house).figures()


class Bench:
    """One organisation with 10,000 milestones, on the sandbox's clock."""

    def __init__(self, xero: Sandbox, org: Org, house: House) -> None:
        self._xero, self._org, self._house = xero, org, house
        self._cycle: Cycle = house.cycles[KEY]

    def figures(self) -> Iterator[Figure]:
        """Every figure, each on what the one before has left."""
        payees = [self._org.add_contact(f"Payee {number}").contact_id for number in range(PAYEES)]
        self._cycle.turn(sweep=True)
        self._put(payees)
        yield from self._measured("create_10000", 240, self._create)
        self._xero.advance(minutes=15)
        self._cycle.turn(sweep=True)
        self._xero.advance(minutes=15)
        yield from self._measured("idle_sweep", 2, self._sweep)
        self._approve(0, CHANGED)
        self._xero.advance(minutes=15)
        yield from self._measured("sweep_100_of_10000", 6, self._sweep)
        self._xero.advance(minutes=2)
        yield from self._measured("500_events", 15, self._webhooks)
        refused = sum(self._xero.desk.world.limits.breaches.values())
        yield Figure("calls_refused", refused, "calls", 0)
        yield from self._measured("naive_poll_10000", None, self._poll)

    def _measured(self, name: str, most: float | None, work: Callable[[], None]) -> Iterator[Figure]:
        progress(f"{name} …")
        self._xero.reset_calls()
        began = time.monotonic()
        work()
        table = self._xero.calls_table()
        parts = ", ".join(f"{row['method']} {row['endpoint']} {row['calls']}" for row in table)
        progress(f"{name}: {time.monotonic() - began:.1f} s, {parts}")
        yield Figure(f"calls_{name}", sum(int(str(row["calls"])) for row in table), "calls", most)
        yield Figure(f"bytes_{name}", sum(int(str(row["bytes"])) for row in table), "bytes")

    def _put(self, payees: list[str]) -> None:
        today = self._xero.now().date()
        milestones = [
            Milestone(
                KEY,
                f"M-{number:05d}",
                f"Stage {number}",
                f"Payee {number % PAYEES}",
                Decimal(1_000 + number),
                today,
                stages=frozenset({"approved"}),
                contact_id=payees[number % PAYEES],
            )
            for number in range(BILLS)
        ]
        self._house.ledger.milestones.put(milestones, self._house.clock())

    def _create(self) -> None:
        """Tick as the daemon does until all are billed; where a minute is used up, the clock goes on to the next."""
        made = 0
        while made < BILLS or self._house.ledger.attempts.open(KEY):
            if self._cycle.tick() is None:
                self._xero.advance(seconds=5)
            else:
                made = len(self._org.bills())
                progress(f"{made} of {BILLS} bills")

    def _sweep(self) -> None:
        self._cycle.turn(sweep=True)

    def _approve(self, first: int, count: int) -> None:
        for bill in self._org.bills()[first : first + count]:
            self._org.approve(bill.bill_id)

    def _webhooks(self) -> None:
        """500 bills are approved within a minute, each with an event of its own through the real endpoint."""
        daemon = Daemon(self._house)
        hooks = self._xero.webhooks
        daemon.start()
        try:
            # What Xero would have told of the bills' making is no part of this.
            hooks.forget()
            hooks.configure(f"{daemon.url}/webhooks/xero", WEBHOOK_KEY)
            progress(f"webhooks are {hooks.enable()}")
            self._xero.reset_calls()
            for tenth in range(10):
                self._approve(CHANGED + tenth * EVENTS // 10, EVENTS // 10)
                hooks.flush()
                progress(f"{(tenth + 1) * EVENTS // 10} of {EVENTS} events")
                self._second()
            self._until_approved(CHANGED + EVENTS)
        finally:
            daemon.stop()

    def _second(self) -> None:
        """A second in the daemon's life, whose own jobs are due only when real time has come to the sandbox's."""
        self._xero.advance(seconds=1)
        self._house.drain()
        self._cycle.tick()

    def _until_approved(self, count: int) -> None:
        for _ in range(300):
            found = self._house.ledger.census.counts([KEY])[KEY]
            if found.get(Reason.APPROVED, 0) >= count:
                return
            self._second()
        raise TimeoutError(f"{count} approved bills were not seen within 5 minutes")

    def _poll(self) -> None:
        """One GET for each bill, as a client polls that knows no lists of changes; it would need ten days' calls."""
        self._xero.limits(on=False)
        headers = {
            "Authorization": f"Bearer {self._xero.tokens()['access_token']}",
            "xero-tenant-id": self._org.tenant_id,
            "Accept": "application/json",
        }
        with httpx.Client(base_url=f"{self._xero.url}/api.xro/2.0", headers=headers, trust_env=False) as client:
            for number, bill in enumerate(self._org.bills()):
                client.get(f"/Invoices/{bill.bill_id}").raise_for_status()
                if number % 1_000 == 0:
                    progress(f"{number} of {BILLS} polled")
