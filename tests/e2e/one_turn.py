"""A program that opens the house of a configuration, takes one turn, and may be killed at a named point on the way.

    python one_turn.py CONFIG SECONDS_AHEAD [POINT OCCURRENCE]

Its clock runs `SECONDS_AHEAD` of the real one. The points lie between "attempt recorded" and "outcome verified"; the
process ends itself with SIGKILL when it comes to the point for the given time.
"""

import datetime as dt
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from billwatch.config import load
from billwatch.wiring import House
from reconciler.xero.client import Client
from storage.attempts import Attempts

POINTS: dict[str, tuple[type, str, bool]] = {
    "recorded": (Attempts, "begin", False),
    "sent": (Client, "send", False),
    "answered": (Attempts, "answered", False),
    "before verified": (Attempts, "finish", True),
}

NOTING: dict[str, tuple[type, str, bool]] = {
    "before the note": (Client, "annotate", True),
    "after the note": (Client, "annotate", False),
}


def main(path: str, ahead: str, point: str = "", occurrence: str = "1") -> None:
    offset = dt.timedelta(seconds=float(ahead))
    if point:
        arm(*(POINTS | NOTING)[point], int(occurrence))
    with House(load(Path(path)), clock=lambda: dt.datetime.now(dt.UTC) + offset) as house:
        for cycle in house.cycles.values():
            cycle.turn()


def arm(owner: type, name: str, before: bool, occurrence: int) -> None:
    """Make the method deadly: before or after it has done its work, when it is called for that time."""
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def deadly(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if before and calls == occurrence:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **more)
        if not before and calls == occurrence:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


if __name__ == "__main__":
    main(*sys.argv[1:])
