"""docs/performance.md: what a complete run has measured, for people to read."""

import datetime as dt
import importlib
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.profile import Profile

FILE = Path(__file__).parents[1] / "docs" / "performance.md"
BAR = 40
HEAD = """# Performance

Written by `make bench` on {day}; `make bench ARGS=NAME` measures one part again. Absolute figures are those of one
machine and change from run to run; the ratios compare programs that were measured in turns, in the same run.

Machine: {machine}.
"""


def write(figures: Mapping[str, Sequence[Figure]], profiles: Sequence[Profile], today: dt.date) -> Path:
    """Write the page from all figures by part, and the profiles; returns where it is."""
    parts = [_part(name, of_part) for name, of_part in figures.items()]
    where = ["## Where the time goes\n", *(_profile(profile) for profile in profiles)]
    FILE.write_text("\n".join([HEAD.format(day=today, machine=_machine()), *parts, *where]))
    return FILE


def _part(name: str, figures: Sequence[Figure]) -> str:
    about = (importlib.import_module(f"benchmarks.{name}").__doc__ or "").strip()
    rows = [f"| `{f.name}` | {f.amount} {f.unit} | {f.promise}{'' if f.kept else ', **not kept**'} |" for f in figures]
    table = "\n".join(["| figure | measured | promised |", "|---|---:|---|", *rows])
    return f"## {name.capitalize()}\n\n{about}\n\n{_bars(figures)}{table}\n"


def _bars(figures: Sequence[Figure]) -> str:
    """Speeds side by side, the longest bar being the quickest."""
    speeds = {f.name.removesuffix("_per_s"): f.value for f in figures if f.unit == "requests/s"}
    if not speeds:
        return ""
    width, most = max(map(len, speeds)), max(speeds.values())
    ranked = sorted(speeds.items(), key=lambda item: -item[1])
    lines = [f"{name:{width}}  {'█' * max(1, round(BAR * value / most))} {value:,.0f}/s" for name, value in ranked]
    return "\n".join(["```text", *lines, "```", "", ""])


def _profile(profile: Profile) -> str:
    rows = [f"| {place} | {share:.1%} |" for place, share in profile.shares]
    return "\n".join([f"{profile.about}\n", "| where | share |", "|---|---:|", *rows, ""])


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown")
