"""The dashboard's list with 100,000 milestones: what a logged-in browser waits for, page and filter by filter."""

import asyncio
import contextlib
import datetime as dt
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx

from benchmarks.figures import Figure, progress
from benchmarks.places import place
from billwatch.office import dashboard
from billwatch.sandbox import Sandbox
from billwatch.wiring import House
from receiver.app import create_app
from receiver.dashboard.passwords import hashed
from receiver.webhook import Webhook
from reconciler.model import Link, Milestone, Verdict
from reconciler.reasons import Reason, words
from storage.codec import encode

KEY = "example"
MILESTONES = 100_000
ROUNDS = 5
PROMISED_MS = 100
PASSWORD = "a password for the benchmark"  # noqa: S105  of a user who exists for a minute
NOW = dt.datetime(2026, 7, 8, tzinfo=dt.UTC)
OFTEN = [Reason.PAID] * 60 + [Reason.APPROVED] * 15 + [Reason.AWAITING_APPROVAL] * 10 + [Reason.NOT_DUE] * 10
REASONS = [*OFTEN, Reason.PERIOD_LOCKED, Reason.BILL_APPROVED, Reason.BILL_VOIDED, Reason.EXEMPT, Reason.CREATE]
SETTLE = f"UPDATE link SET action = ?, reason = ?, verdict = ? WHERE organisation = '{KEY}' AND key = ?"
PATHS = (
    "/milestones",
    f"/milestones?after={KEY}/M-050000",
    "/milestones?state=waiting",
    f"/milestones?state=waiting&after={KEY}/M-090000",
    "/milestones?reason=PERIOD_LOCKED",
    "/milestones?text=payee+17+",
    "/milestones?text=M-099999",
    "/milestones?text=nowhere+to+be+found",
    "/milestones?state=waiting&text=payee+2996",
)
ONE_USER = """
[[user]]
name = "ana"
password_hash = "{password_hash}"
"""


def run() -> Iterator[Figure]:
    """Fill a database, log in, and ask for every kind of list several times."""
    user = ONE_USER.format(password_hash=hashed(PASSWORD))
    with Sandbox() as xero, tempfile.TemporaryDirectory() as folder:
        site = place(xero, xero.organisation("Example Trust"), Path(folder), more=user)
        with site.house() as house:
            _fill(house, site.database)
            taken = asyncio.run(_taken(house))
    for path, times in taken.items():
        progress(f"{statistics.median(times):6.1f} ms  {path}")
    every = [one for times in taken.values() for one in times]
    yield Figure("dashboard_list_ms", round(statistics.median(every), 1), "ms", PROMISED_MS)
    slowest = max(statistics.median(times) for times in taken.values())
    yield Figure("dashboard_list_slowest_ms", round(slowest, 1), "ms")


def _fill(house: House, database: Path) -> None:
    progress(f"putting {MILESTONES:,} milestones in")
    house.ledger.milestones.put([_milestone(number) for number in range(MILESTONES)], NOW)
    verdicts = [Verdict(words(reason).action, reason, Link()) for reason in REASONS]
    rows = [
        (v.action.value, v.reason.value, encode(v), _key(number))
        for number in range(MILESTONES)
        for v in [verdicts[number % len(verdicts)]]
    ]
    # By hand, since deciding them one by one would take minutes and is not what is measured.
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(SETTLE, rows)
        connection.execute("DELETE FROM dirty")


def _milestone(number: int) -> Milestone:
    day = dt.date(2026, 1, 1) + dt.timedelta(days=number % 365)
    return Milestone(
        KEY, _key(number), f"Stage {number % 7}", f"Payee {number % 3000} Trust", Decimal(1000 + number % 500), day
    )


def _key(number: int) -> str:
    return f"M-{number:06}"


async def _taken(house: House) -> dict[str, list[float]]:
    """Milliseconds by path."""
    app = create_app(Webhook([], house.ledger.group_inbox(), house.clock), lambda: True, dashboard(house).routes())
    taken: dict[str, list[float]] = {path: [] for path in PATHS}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://door") as browser:
        answer = await browser.post("/login", data={"name": "ana", "password": PASSWORD})
        answer.raise_for_status() if answer.status_code != 303 else None
        for _ in range(ROUNDS):
            for path in PATHS:
                began = time.perf_counter()
                (await browser.get(path)).raise_for_status()
                taken[path].append((time.perf_counter() - began) * 1000)
    return taken
