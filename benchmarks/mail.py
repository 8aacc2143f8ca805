"""From the moment in which Xero tells of a voided bill to the mail server's receipt of the warning."""

import asyncio
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from benchmarks.figures import Figure, progress
from benchmarks.places import SYNCED, WEBHOOK_KEY, Place, place
from billwatch.sandbox import Org, Sandbox
from reconciler.model import Milestone

KEY = "example"
TIMES = 9
PATIENCE_SECONDS = 30.0
NO_QUIET_TIME = """
[reconciler]
quiet_seconds = 0
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "billwatch@example.org"
collect_seconds = 0
more_minutes = 0
"""


def run() -> Iterator[Figure]:
    """Void one bill after the other, and wait for each mail."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with Sandbox() as xero, _mailbox() as (port, arrivals), tempfile.TemporaryDirectory() as folder:
        org = xero.organisation("Example Trust")
        site = place(xero, org, Path(folder), more=NO_QUIET_TIME.format(port=port), organisation=SYNCED)
        _bill(xero, org, site)
        with site.serving() as served:
            xero.webhooks.forget()
            xero.webhooks.configure(f"http://127.0.0.1:{served.port}/webhooks/xero", WEBHOOK_KEY)
            progress(f"webhooks are {xero.webhooks.enable()}")
            taken = [_until_mailed(xero, org, bill.bill_id, arrivals) for bill in org.bills()]
    yield Figure("event_to_mail_s", round(statistics.median(taken), 2), "s", 1)
    yield Figure("event_to_mail_slowest_s", round(max(taken), 2), "s")


def _bill(xero: Sandbox, org: Org, site: Place) -> None:
    contact, day, stages = org.add_contact("Kea Trust").contact_id, xero.now().date(), frozenset({"approved"})
    milestones = [
        Milestone(KEY, f"M-{n}", f"Stage {n}", "Kea Trust", Decimal(1_000), day, stages=stages, contact_id=contact)
        for n in range(TIMES)
    ]
    with site.house() as house:
        house.ledger.milestones.put(milestones, house.clock())
        house.cycles[KEY].turn(sweep=True)
    for bill in org.bills():
        org.approve(bill.bill_id)


def _until_mailed(xero: Sandbox, org: Org, bill_id: str, arrivals: "queue.Queue[float]") -> float:
    org.void(bill_id)
    began = time.perf_counter()
    xero.webhooks.flush()
    return arrivals.get(timeout=PATIENCE_SECONDS) - began


class _Arrivals:
    """Notes when the server takes a mail."""

    def __init__(self) -> None:
        self.times: queue.Queue[float] = queue.Queue()

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's
        self.times.put(time.perf_counter())
        return "250 OK"


@contextmanager
def _mailbox() -> Iterator[tuple[int, "queue.Queue[float]"]]:
    """A mail server on a free port, in a thread of its own."""
    arrivals, loop = _Arrivals(), asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: SMTP(arrivals, loop=loop), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1], arrivals.times
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()
