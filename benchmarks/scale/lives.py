"""The lives of some bills, from milestone to payment, through a daemon on PostgreSQL: what they cost and leave."""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from benchmarks.cpu import Shares
from benchmarks.database import Database
from benchmarks.figures import progress
from benchmarks.places import SYNCED, WEBHOOK_KEY, Place, Served, place
from benchmarks.scale.idle import traffic
from billwatch.sandbox import Org, Sandbox
from reconciler.model import Milestone
from reconciler.reasons import Reason

KEY = "example"
BILLS = 400
VOIDED_ONE_IN = 20
PATIENCE_SECONDS = 90.0
AFTERWARDS_SECONDS = 2.0
SETTINGS = """
[reconciler]
quiet_seconds = 1
sweep_minutes = 60
"""
SIZES = "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"
STANDING = "SELECT count(*) FROM link WHERE reason = '{reason}'"


@dataclass(frozen=True, slots=True)
class Costs:
    """What a life takes: calls when each step is taken alone, seconds of cores when many are, bytes by table."""

    create: float
    approve: float
    pay: float
    bytes_read: float
    daemon_seconds: float
    database_seconds: float
    bytes_by_table: Mapping[str, float]


def measured(xero: Sandbox, server: Database, folder: Path) -> Costs:
    """One bill alone, then many at once; one in `VOIDED_ONE_IN` is voided in the end, which is warned about."""
    xero.limits(on=False)
    org = xero.organisation("Example Trust")
    site = place(xero, org, folder, storage=server.url, more=SETTINGS, organisation=SYNCED)
    with site.serving() as served:
        lives = _Lives(xero, org, site, server, served)
        create, approve, pay = lives.alone()
        before, shares = lives.sizes(), Shares()
        with shares.measured({"daemon": [served.process.pid], "database": [server.process_id]}):
            read = lives.together()
        after = lives.sizes()
    return Costs(
        create=create,
        approve=approve,
        pay=pay,
        bytes_read=read,
        daemon_seconds=shares.used["daemon"] / BILLS,
        database_seconds=shares.used["database"] / BILLS,
        bytes_by_table={table: (size - before[table]) / BILLS for table, size in after.items() if size > before[table]},
    )


class _Lives:
    def __init__(self, xero: Sandbox, org: Org, site: Place, server: Database, served: Served) -> None:
        self._xero, self._org, self._site, self._server = xero, org, site, server
        self._webhooks_to = f"http://127.0.0.1:{served.port}/webhooks/xero"
        self._payees = [org.add_contact(f"Payee {number}").contact_id for number in range(100)]

    def alone(self) -> tuple[float, float, float]:
        """Calls to make one bill, to see it approved, and to see it paid."""
        self._xero.webhooks.configure(self._webhooks_to, WEBHOOK_KEY)
        self._xero.webhooks.enable()
        self._make(0, 1)  # with the sweep of the start, which is no part of a life
        create = self._calls(lambda: self._make(1, 2))
        approve = self._calls(lambda: self._change(self._org.approve, [1], Reason.APPROVED))
        pay = self._calls(lambda: self._change(self._pay, [1], Reason.PAID))
        return create, approve, pay

    def together(self) -> float:
        """All others, step by step; bytes read from Xero for each."""
        self._xero.reset_calls()
        every = range(2, BILLS + 2)
        self._make(every.start, every.stop)
        progress(f"{BILLS} bills were made")
        self._change(self._org.approve, every, Reason.APPROVED)
        voided = [number for number in every if number % VOIDED_ONE_IN == 0]
        paid = [number for number in every if number % VOIDED_ONE_IN]
        self._change(self._pay, paid, Reason.PAID)
        self._change(self._org.void, voided, Reason.BILL_VOIDED)
        time.sleep(AFTERWARDS_SECONDS)
        return traffic(self._xero, BILLS).bytes

    def sizes(self) -> dict[str, float]:
        """Bytes by table with its indexes, without what updates have left behind."""
        self._server.execute("VACUUM FULL")
        return {str(table): float(str(size)) for table, size in self._server.fetch(SIZES)}

    def _make(self, first: int, end: int) -> None:
        """Put milestones in until they are billed."""
        already = self._standing(Reason.AWAITING_APPROVAL)
        day = dt.datetime.now(dt.UTC).date()
        milestones = [self._milestone(number, day) for number in range(first, end)]
        with self._site.house() as house:
            house.ledger.milestones.put(milestones, house.clock())
        self._until(already + len(milestones), Reason.AWAITING_APPROVAL)
        self._xero.webhooks.flush()

    def _milestone(self, number: int, day: dt.date) -> Milestone:
        payee, amount = number % len(self._payees), Decimal(1_000 + number)
        return Milestone(
            KEY,
            f"M-{number:05}",
            f"Second instalment of the grant, stage {number}",
            f"Payee {payee}",
            amount,
            day,
            stages=frozenset({"approved"}),
            contact_id=self._payees[payee],
        )

    def _change(self, change: Callable[[str], object], numbers: Sequence[int], reason: Reason) -> None:
        """Change these bills, each with a webhook of its own, until that is seen."""
        already = self._standing(reason)
        bills = {bill.number: bill.bill_id for bill in self._org.bills()}
        for number in numbers:
            change(bills[f"M-{number:05}"])
            self._xero.webhooks.flush()
        self._until(already + len(numbers), reason)

    def _pay(self, bill_id: str) -> None:
        self._org.pay(bill_id)

    def _until(self, count: int, reason: Reason) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while self._standing(reason) != count:
            if time.monotonic() > end:
                raise SystemExit(f"{count} bills were not {reason} within {PATIENCE_SECONDS:.0f} seconds.")
            time.sleep(0.1)

    def _standing(self, reason: Reason) -> int:
        return int(str(self._server.fetch(STANDING.format(reason=reason))[0][0]))

    def _calls(self, work: Callable[[], None]) -> float:
        self._xero.reset_calls()
        work()
        time.sleep(AFTERWARDS_SECONDS)
        return traffic(self._xero).calls
