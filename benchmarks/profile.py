"""Where the time goes: samples of a running daemon, taken from outside by py-spy."""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PY_SPY = Path(sys.executable).with_name("py-spy")
RATE = 200
TOP = 12
WAITING = ("wait (", "_worker (", "get (queue", "run (asyncio/runners.py", "select (", "_main_loop (")


@dataclass(frozen=True, slots=True)
class Profile:
    """The share of samples of running threads by the line that they were in, the largest first."""

    about: str
    shares: tuple[tuple[str, float], ...]


@contextmanager
def profiled(process_id: int, seconds: float, about: str, into: list[Profile]) -> Iterator[None]:
    """Sample the process while the block runs; the profile is added when it ends."""
    with tempfile.NamedTemporaryFile(suffix=".txt") as raw:
        command = [str(PY_SPY), "record", "--pid", str(process_id), "--duration", str(int(seconds))]
        options = ["--rate", str(RATE), "--format", "raw", "--gil", "--output", raw.name]
        sampler = subprocess.Popen(  # noqa: S603  our own process is watched
            [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        yield
        sampler.wait(seconds + 30)
        into.append(Profile(about, _shares(Path(raw.name).read_text())))


def _shares(raw: str) -> tuple[tuple[str, float], ...]:
    counts: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, samples = line.rpartition(" ")
        place = stack.rpartition(";")[2].replace("|", "/")
        if not place.startswith(WAITING):
            counts[place] += int(samples)
    total = counts.total() or 1
    return tuple((place, count / total) for place, count in counts.most_common(TOP))
