"""Start-up and weight: how long the help of `billwatch` takes, when `billwatch serve` answers, what it then holds."""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.places import COMMAND, place
from billwatch.sandbox import Org, Sandbox

ROUNDS = 7
IDLE_SECONDS = 5.0


def run() -> Iterator[Figure]:
    """Medians over a few starts, after one that fills the caches of the file system."""
    _help_seconds()
    yield Figure("help_s", round(statistics.median(_help_seconds() for _ in range(ROUNDS)), 3), "s", 0.15)
    with Sandbox() as xero:
        org = xero.organisation("Example Trust")
        started = [_served(xero, org) for _ in range(3)]
    yield Figure("serve_ready_s", round(statistics.median(ready for ready, _ in started), 2), "s", 1.5)
    yield Figure("idle_rss_mb", round(statistics.median(held for _, held in started)), "MB", 90)


def _help_seconds() -> float:
    began = time.perf_counter()
    subprocess.run([COMMAND, "--help"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own program
    return time.perf_counter() - began


def _served(xero: Sandbox, org: Org) -> tuple[float, float]:
    """Seconds until it answered, and megabytes once its first turn is over."""
    with tempfile.TemporaryDirectory() as folder, place(xero, org, Path(folder)).serving() as served:
        time.sleep(IDLE_SECONDS)
        return served.ready_seconds, served.resident_mb()
