"""The fixtures of the torture chamber: the same worlds as end to end, and lives that can be led twice."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import Databases
from letterbox import Letterbox
from lives import Ended, Fate, Life
from mortal import Beginning, open_server
from worlds import environ, impatient, make_world, world, xero
from worlds import sandbox_of_today as running_sandbox

from billwatch.sandbox import Sandbox

__all__ = ["environ", "impatient", "make_world", "running_sandbox", "world", "xero"]

Lead = Callable[[int, Fate | None], Ended]


@pytest.fixture(scope="session")
def lead(tmp_path_factory: pytest.TempPathFactory, databases: Databases, environ: dict[str, str]) -> Iterator[Lead]:
    """Leads lives, one at a time, against one sandbox."""
    open_server()
    began = time.monotonic()
    clock = Beginning(Path(), {}, began).clock

    def live(seed: int, fate: Fate | None = None) -> Ended:
        sandbox.reset()
        sandbox.limits(on=False)
        folder = tmp_path_factory.mktemp("life")
        with databases.lent(folder) as database:
            return Life(sandbox, letterbox, folder, database, environ).lead(seed, began, fate)

    with Sandbox(clock) as sandbox, Letterbox() as letterbox:
        yield live
