"""A year of 10,000 organisations with 1,000,000 bills: what is used up, and what breaks first.

What one organisation and one bill cost is measured in this run, on PostgreSQL and against the sandbox; the year is
then reckoned by the minute (`benchmarks/scale/year.py`). Assumed, since nothing tells it: Xero answers within half a
second; besides each bill of ours an organisation has 4 other bills and 5 sales invoices, whose webhooks arrive as well;
nobody is better off than a sweep every 15 minutes makes them; rows take half as much room again as when freshly packed.
`orgs_until_…` says with how many organisations like these something would be used up, in one process where it says so:
the first of them is what breaks first.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog

from benchmarks.database import database
from benchmarks.figures import Figure, progress
from benchmarks.scale import idle, lives
from benchmarks.scale.year import BILLS, ORGANISATIONS, Prices, Year, simulated
from billwatch.jobs import LOOKS_A_SECOND, MOST_THREADS, WATCHED_A_SECOND
from billwatch.sandbox import Sandbox

SAMPLE = 200
SWEEP_MINUTES = 15
CALL_SECONDS = 0.5
OTHER_BILLS, OTHER_INVOICES = 4, 5
ROOM = 1.5
KEPT_DAYS = 31
PAGE_SECONDS = 10.0
EGRESS_GB = 250
MONTH_DAYS = 365 / 12
APP_MINUTE, MINUTE, DAY = 10_000, 60, 5_000
STEPS = 3
EVENTS = ("raw_request", "event")


def run() -> Iterator[Figure]:
    """Measure, simulate, reckon."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with Sandbox() as xero, tempfile.TemporaryDirectory() as folder, database() as server:
        having = idle.measured(xero, server, Path(folder), SAMPLE)
    with Sandbox() as xero, tempfile.TemporaryDirectory() as folder, database() as server:
        ready, megabytes = idle.started(xero, server, Path(folder), ORGANISATIONS)
    with Sandbox() as xero, tempfile.TemporaryDirectory() as folder, database() as server:
        living = lives.measured(xero, server, Path(folder))
    yield Figure(f"orgs_{ORGANISATIONS}_ready_s", round(ready, 1), "s")
    yield Figure(f"orgs_{ORGANISATIONS}_rss_mb", round(megabytes), "MB")
    yield from _measured(having, living)
    progress(f"a year of {BILLS:,} bills")
    year = simulated(Prices(living.create, living.approve, living.pay))
    yield from _calls(having, year)
    yield from _growth(living.bytes_by_table)
    yield from _breaks(having, living, year)


def _measured(having: idle.Costs, living: lives.Costs) -> Iterator[Figure]:
    number = having.organisations
    yield Figure(f"orgs_{number}_ready_s", round(having.ready_seconds, 2), "s")
    yield Figure(f"orgs_{number}_rss_mb", round(having.resident_mb), "MB")
    yield Figure(f"orgs_{number}_idle_cores", round(having.idle_cores, 3), "cores")
    yield Figure("org_first_sweep_calls", round(having.first_sweep.calls, 1), "calls")
    yield Figure("org_sweep_calls", round(having.sweep.calls, 1), "calls")
    yield Figure("org_sweep_cpu_ms", round(having.sweep_seconds * 1000, 1), "ms")
    yield Figure(f"orgs_{number}_look_cpu_ms", round(having.look_seconds * 1000, 1), "ms")
    yield Figure("org_watch_cpu_ms", round(having.watch_seconds * 1000, 1), "ms")
    yield Figure("org_standing_ms", round(having.standing_seconds * 1000, 1), "ms")
    yield Figure("bill_calls", living.create + living.approve + living.pay, "calls")
    yield Figure("bill_daemon_cpu_ms", round(living.daemon_seconds * 1000, 1), "ms")
    yield Figure("bill_database_cpu_ms", round(living.database_seconds * 1000, 1), "ms")


def _calls(having: idle.Costs, year: Year) -> Iterator[Figure]:
    """Against Xero's limits: app-wide a minute, and of the largest organisation a minute and a day."""
    sweeps = ORGANISATIONS * having.sweep.calls / SWEEP_MINUTES
    one_day = year.of_one_day + having.first_sweep.calls + having.sweep.calls * 24 * 60 / SWEEP_MINUTES
    yield Figure("sim_calls_per_minute_quiet", round(sweeps), "calls")
    yield Figure("sim_calls_per_minute_busiest", round(sweeps + max(year.calls.values())), "calls", APP_MINUTE)
    yield Figure("sim_calls_per_minute_at_night", round(_night(having)), "calls", APP_MINUTE)
    yield Figure("sim_calls_of_one_org_per_minute", round(year.of_one_minute + having.sweep.calls), "calls", MINUTE)
    yield Figure("sim_calls_of_one_org_per_day", round(one_day), "calls", DAY)
    yield Figure("sim_webhooks_busiest", round(_webhooks(year), 1), "webhooks/s")


def _night(having: idle.Costs) -> float:
    """Calls a minute in the quarter of an hour after two at night, when lists, rights and contacts are read again."""
    return ORGANISATIONS * having.first_sweep.calls / SWEEP_MINUTES


def _webhooks(year: Year) -> float:
    """Webhooks a second in the busiest minute: of our bills and of all others."""
    return max(year.events.values()) * (1 + OTHER_BILLS + OTHER_INVOICES) / 60


def _growth(bytes_by_table: Mapping[str, float]) -> Iterator[Figure]:
    """What a year leaves, by table; of webhooks only what their days of keeping leave."""
    grown = {table: size * BILLS * ROOM * _factor(table) / 1e9 for table, size in bytes_by_table.items()}
    yield Figure("sim_database_gb_per_year", round(sum(grown.values()), 1), "GB")
    for table, size in sorted(grown.items(), key=lambda item: -item[1]):
        if size >= 0.1:
            yield Figure(f"sim_gb_{table}", round(size, 1), "GB")


def _factor(table: str) -> float:
    if table in EVENTS:
        return (1 + OTHER_BILLS + OTHER_INVOICES) * KEPT_DAYS / 365
    return 1 + OTHER_BILLS if table == "bill" else 1


def _breaks(having: idle.Costs, living: lives.Costs, year: Year) -> Iterator[Figure]:
    """Each thing that can be used up, with how many organisations like these, the first to go first."""
    sweeps, night = 24 * 60 / SWEEP_MINUTES * having.sweep.bytes, having.first_sweep.bytes - having.sweep.bytes
    egress = (sweeps + night) * MONTH_DAYS + BILLS / ORGANISATIONS / 12 * living.bytes_read * (1 + OTHER_BILLS)
    busiest = max(year.events.values()) / 60 / STEPS * living.daemon_seconds / ORGANISATIONS
    fixed = having.look_seconds / having.organisations * LOOKS_A_SECOND + having.watch_seconds * WATCHED_A_SECOND
    cores = busiest + having.sweep_seconds / SWEEP_MINUTES / 60
    until = {
        "pages_take_10_s": PAGE_SECONDS / having.standing_seconds,
        "one_process_has_a_full_core": (1 - fixed) / cores,
        "one_process_has_all_threads_waiting": MOST_THREADS / CALL_SECONDS * 60 / _night(having) * ORGANISATIONS,
        "the_app_has_no_calls_left": APP_MINUTE / _night(having) * ORGANISATIONS,
        "250_gb_of_egress": EGRESS_GB * 1e9 / egress,
    }
    ranked = sorted(until.items(), key=lambda item: item[1])
    for name, number in ranked:
        yield Figure(f"orgs_until_{name}", int(number), "organisations")
    first, number = ranked[0]
    progress(f"what breaks first: {first.replace('_', ' ')}, with {int(number):,} organisations")
