"""Where the machine's cores go while something runs: CPU seconds by group of processes, from /proc."""

import os
import resource
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PARENT, USED = 1, slice(11, 15)
BUSY, IDLE = slice(1, 9), slice(4, 6)


class Shares:
    """Cores in use on the average of a stretch of time, by group; `generator` is what was started and has ended."""

    def __init__(self) -> None:
        self.seconds = self.machine = 0.0
        self.used: dict[str, float] = {}

    def cores(self, name: str) -> float:
        """How many cores the group kept busy."""
        return self.used[name] / self.seconds

    @property
    def total(self) -> float:
        """How many cores all groups kept busy."""
        return sum(self.used.values()) / self.seconds

    @property
    def free(self) -> float:
        """How many cores the rest of the machine left to them."""
        elsewhere = max(0.0, self.machine / self.seconds - self.total)
        return (os.cpu_count() or 1) - elsewhere

    @contextmanager
    def measured(self, groups: Mapping[str, Iterable[int]]) -> Iterator[None]:
        """Add what the groups, of processes with all their children, use while the block runs."""
        named = {name: tuple(processes) for name, processes in groups.items()}
        began, busy, before = time.perf_counter(), _machine(), _used(named)
        yield
        self.seconds += time.perf_counter() - began
        self.machine += _machine() - busy
        for name, seconds in _used(named).items():
            self.used[name] = self.used.get(name, 0.0) + seconds - before[name]


def _used(groups: Mapping[str, tuple[int, ...]]) -> dict[str, float]:
    running = dict(_running())
    used = {
        name: sum(seconds for process, (parent, seconds) in running.items() if process in group or parent in group)
        for name, group in groups.items()
    }
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {**used, "generator": ended.ru_utime + ended.ru_stime}


def _machine() -> float:
    """CPU seconds of all cores since the machine started, those in which they waited left out."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (sum(map(int, fields[BUSY])) - sum(map(int, fields[IDLE]))) / TICKS


def _running() -> Iterator[tuple[int, tuple[int, float]]]:
    """Each process with its parent and its CPU seconds, those of its ended children included (proc(5))."""
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            try:
                fields = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            yield int(place.name), (int(fields[PARENT]), sum(map(int, fields[USED])) / TICKS)
