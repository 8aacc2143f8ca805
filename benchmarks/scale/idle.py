"""A daemon with many organisations of one app: how it starts, what a sweep costs, and what it costs to have them."""

import datetime as dt
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, generate_latest

from benchmarks.cpu import Shares
from benchmarks.database import Database
from benchmarks.figures import progress
from benchmarks.places import Place, place
from billwatch.metrics import Stored
from billwatch.office import office
from billwatch.sandbox import Org, Sandbox
from billwatch.wiring import House
from receiver.webhook import WebhookCounts
from reconciler.cycle import Cycle
from reconciler.xero.tokens import Seal, TokenSet

PATIENCE_SECONDS = 120.0
IDLE_SECONDS = 10.0
SWEPT = 50
SWEEP_HOURLY = """
[reconciler]
sweep_minutes = 60
"""
ORGANISATION = """
[[organisation]]
key = "org-{number:05}"
name = "Trust {number}"
tenant_id = "{tenant}"
grant = "refresh_token"
client_id = "{client}"
client_secret = "env:CLIENT_SECRET"
"""
UNSWEPT = "SELECT {number} - count(*) FROM organisation WHERE swept_at IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls, and the bytes of their answers that Xero charges for: not those about the organisation itself."""

    calls: float
    bytes: float


def traffic(xero: Sandbox, share: int = 1) -> Traffic:
    """What went on since the last reset, by that many organisations or bills."""
    table = xero.calls_table()
    charged = [int(str(row["bytes"])) for row in table if row["endpoint"] != "/Organisation"]
    return Traffic(sum(int(str(row["calls"])) for row in table) / share, sum(charged) / share)


@dataclass(frozen=True, slots=True)
class Costs:
    """What so many organisations cost one process; seconds are of a core, `idle_cores` is without sweeps.

    `look_seconds` are for all of them; `watch_seconds`, and `standing_seconds` of telling `/metrics`, for one.
    """

    organisations: int
    ready_seconds: float
    resident_mb: float
    first_sweep: Traffic
    sweep: Traffic
    sweep_seconds: float
    idle_cores: float
    look_seconds: float
    watch_seconds: float
    standing_seconds: float


def measured(xero: Sandbox, server: Database, folder: Path, number: int) -> Costs:
    """Serve so many organisations, until each is read and then while nothing happens; figures are by organisation."""
    xero.limits(on=False)
    orgs = [xero.organisation(f"Trust {n}") for n in range(number)]
    site = _place(xero, server, folder, orgs[0], [org.tenant_id for org in orgs])
    _connect(xero, site)
    xero.reset_calls()
    reading, idle = Shares(), Shares()
    with site.serving("reconciler") as served:
        with reading.measured({"daemon": [served.process.pid]}):
            _until_swept(server, number)
        first_sweep = traffic(xero, number)
        with idle.measured({"daemon": [served.process.pid]}):
            time.sleep(IDLE_SECONDS)
        resident = served.resident_mb()
    progress(f"{number} organisations: read in {reading.seconds:.0f} s, idle at {idle.cores('daemon'):.2f} cores")
    with site.house() as house:
        sweep, sweep_seconds = _sweeps(xero, list(house.cycles.values())[:SWEPT])
        look_seconds = _seconds(house.due)
        watch_seconds = _seconds(house.watchman().look) / number
        standing_seconds = _seconds(_scrape(house)) / number
    return Costs(
        organisations=number,
        ready_seconds=served.ready_seconds,
        resident_mb=resident,
        first_sweep=first_sweep,
        sweep=sweep,
        sweep_seconds=sweep_seconds,
        idle_cores=idle.cores("daemon"),
        look_seconds=look_seconds,
        watch_seconds=watch_seconds,
        standing_seconds=standing_seconds,
    )


def started(xero: Sandbox, server: Database, folder: Path, number: int) -> tuple[float, float]:
    """Seconds until so many organisations are served, and megabytes then; none of them is connected."""
    tenants = [str(uuid.UUID(int=n + 1)) for n in range(number)]
    with _place(xero, server, folder, xero.organisation("Example Trust"), tenants).serving("reconciler") as served:
        return served.ready_seconds, served.resident_mb()


def _place(xero: Sandbox, server: Database, folder: Path, org: Org, tenants: Sequence[str]) -> Place:
    """A place with all of these tenants, instead of the one organisation that every other benchmark has."""
    site = place(xero, org, folder, storage=server.url, more=SWEEP_HOURLY)
    head = site.file.read_text().partition("[[organisation]]")[0]
    tables = (ORGANISATION.format(number=n, tenant=t, client=xero.client_id) for n, t in enumerate(tenants))
    site.file.write_text(head + "".join(tables))
    return site


def _connect(xero: Sandbox, site: Place) -> None:
    """What `billwatch connect` leaves behind once a person has let the app in."""
    given, seal = xero.tokens(), Seal([site.environ["ENCRYPTION_KEY"]])
    expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=given["expires_in"])
    tokens = TokenSet(given["access_token"], given.get("refresh_token", ""), expires_at)
    with site.house() as house:
        house.ledger.tokens.put(xero.client_id, seal.encrypt(msgspec.json.encode(tokens)), 0)


def _scrape(house: House) -> Callable[[], bytes]:
    """What `/metrics` does; no page asks for more."""
    spent, registry = house.ledger.budgets.total, CollectorRegistry()
    registry.register(Stored(office(house).standing, spent, WebhookCounts(), house.watchman(), house.clock))
    return lambda: generate_latest(registry)


def _until_swept(server: Database, number: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while server.fetch(UNSWEPT.format(number=number)) != [(0,)]:
        if time.monotonic() > end:
            raise SystemExit(f"{number} organisations were not read within {PATIENCE_SECONDS:.0f} seconds.")
        time.sleep(0.2)


def _sweeps(xero: Sandbox, cycles: Sequence[Cycle]) -> tuple[Traffic, float]:
    """A sweep in which nothing had changed, and its seconds of a core."""
    for cycle in cycles:
        cycle.turn(sweep=True)
    xero.reset_calls()
    seconds = _seconds(lambda: [cycle.turn(sweep=True) for cycle in cycles])
    return traffic(xero, len(cycles)), seconds / len(cycles)


def _seconds(work: Callable[[], object]) -> float:
    """Seconds of a core that this process takes for it, not counting the database."""
    began = time.thread_time()
    work()
    return time.thread_time() - began
