"""A million milestones decided afresh: how long, in how much memory, and what webhooks wait for meanwhile.

A thousand milestones are billed through the sandbox, so that every fact is of the real kind; then each is copied a
thousand times inside the database, with names of its own.
"""

import contextlib
import datetime as dt
import multiprocessing
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import active_children
from pathlib import Path
from typing import NamedTuple

import structlog

from benchmarks.figures import Figure, progress
from benchmarks.generator import Generator
from benchmarks.places import SYNCED, Place, place
from benchmarks.profile import Profile, profiled
from benchmarks.receiver import STEADY_RATE, request, webhook_bodies
from billwatch.sandbox import Org, Sandbox
from billwatch.wiring import House
from reconciler.model import Milestone

KEY = "example"
FIRST = 1_000
MILESTONES = 1_000_000
CHANGED = 100
LOAD_SECONDS = 15.0
PROFILE_SECONDS = 5.0
LOOK_SECONDS = 0.1
PROFILES: list[Profile] = []
COPIED = {
    "milestone": ("key",),
    "link": ("key", "bill_id"),
    "bill": ("bill_id", "number"),
    "progress": ("key", "bill_id"),
}
# What else is told apart, so that no two milestones, bills or memories are the same text.
VARIED = {"milestone": ("title",), "link": ("asked", "seen"), "bill": ("lines",)}
SOME = f"SELECT key FROM link WHERE key LIKE '%M-0007' LIMIT {CHANGED}"


def run() -> Iterator[Figure]:
    """Fill a database; decide everything, then a few, each in a fresh process; then everything under load."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with Sandbox() as xero, tempfile.TemporaryDirectory() as folder:
        org = xero.organisation("Example Trust")
        site = place(xero, org, Path(folder), organisation=SYNCED)
        with site.house() as house:
            _bill(xero, org, house)
        _multiply(site.database)
        every, some = _turn(site, None), _turn(site, _some(site.database))
        yield Figure("mark_1m_s", round(every.marking, 1), "s")
        yield Figure("decide_1m_s", round(every.deciding, 1), "s", 25)
        yield Figure("decide_1m_rss_mb", round(every.megabytes), "MB", 250)
        yield Figure("cycle_100_of_1m_s", round(some.deciding, 3), "s", 0.3)
        yield _meanwhile(site, Path(folder))


class _Turn(NamedTuple):
    """The seconds that marking and deciding took, and the peak megabytes of all processes."""

    marking: float
    deciding: float
    megabytes: float


def _turn(site: Place, keys: Collection[str] | None) -> _Turn:
    """A turn after these milestones were marked (`None`: all), in a process of its own and those that it begins."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_measured_turn, site, keys).result()


def _measured_turn(site: Place, keys: Collection[str] | None) -> _Turn:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with site.house() as house:
        cycle = house.cycles[KEY]
        cycle.refresh([])
        began = time.perf_counter()
        house.ledger.milestones.touch(KEY, keys)
        marked = time.perf_counter()
        with _held() as held:
            report = cycle.turn()
        decided = time.perf_counter()
    progress(f"{sum(report.verdicts.values()):,} decided in {decided - marked:.2f} s: {dict(report.verdicts)}")
    return _Turn(marked - began, decided - marked, max(held))


@contextlib.contextmanager
def _held() -> Iterator[list[float]]:
    """The megabytes that this process and those which it began have held at most, added up, as often as looked."""
    seen: list[float] = [0.0]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            seen.append(sum(_peak_mb(pid) for pid in [os.getpid(), *(p.pid for p in active_children() if p.pid)]))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        ended.set()
        looking.join()


def _peak_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0  # it has ended meanwhile
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1000


def _meanwhile(site: Place, folder: Path) -> Figure:
    """What signed webhooks wait for while the daemon decides everything."""
    with site.house() as house:
        house.ledger.milestones.touch(KEY)
    generator = Generator(folder, [request(body) for body in webhook_bodies(int(STEADY_RATE * LOAD_SECONDS))])
    with site.serving() as served:
        load = generator.run(served.port, LOAD_SECONDS, rate=STEADY_RATE)
        with profiled(served.process.pid, PROFILE_SECONDS, "The daemon while it decides everything:", PROFILES):
            time.sleep(PROFILE_SECONDS)
    return Figure("p99_ms_during_decide", round(load.percentile_ms(0.99), 1), "ms", 50)


def _some(database: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [key for (key,) in connection.execute(SOME)]


def _bill(xero: Sandbox, org: Org, house: House) -> None:
    """Bill the first thousand; approve, pay and leave them as they would be found."""
    xero.limits(on=False)
    today = xero.now().date()
    payees = [org.add_contact(f"Payee {number}").contact_id for number in range(100)]
    house.ledger.milestones.put([_milestone(number, today, payees) for number in range(FIRST)], house.clock())
    cycle = house.cycles[KEY]
    cycle.turn(sweep=True)
    while len(org.bills()) < FIRST * 9 // 10:
        cycle.turn()
    for number, bill in enumerate(org.bills()):
        if number % 10 < 8:
            org.approve(bill.bill_id)
        if number % 10 < 6:
            org.pay(bill.bill_id)
    cycle.turn(sweep=True)


def _milestone(number: int, today: dt.date, payees: list[str]) -> Milestone:
    stages = frozenset({"approved"}) if number % 10 else frozenset[str]()
    amount = Decimal(1_000 + number)
    payee = number % len(payees)
    return Milestone(
        KEY, _name(number), f"Stage {number}", f"Payee {payee}", amount, today, stages=stages, contact_id=payees[payee]
    )


def _name(number: int) -> str:
    return f"M-{number:04d}"


def _multiply(database: Path) -> None:
    """Copy every milestone with its link and bill, under names of their own, which ascend as those of real ones do."""
    progress(f"making {MILESTONES:,} milestones of {FIRST:,}")
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table, names in COPIED.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(_copied(column, names, VARIED.get(table, ())) for column in columns)
            connection.execute(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?) "
                f"INSERT INTO {table} SELECT {values} FROM n CROSS JOIN {table}",
                (MILESTONES // FIRST - 1,),
            )


def _copied(column: str, names: Collection[str], varied: Collection[str]) -> str:
    """What a copy has in that column, with `n` as the copy's number."""
    if column in names:
        return f"iif({column} = '', '', printf('%04d-', n) || {column})"
    return f"replace({column}, 'Stage ', printf('Stage %04d-', n))" if column in varied else column
