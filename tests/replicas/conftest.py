"""The fixtures of a fleet: the same sandbox and secrets as end to end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fleet import KEY, Fleet
from letterbox import Letterbox
from postgres_server import Server
from worlds import environ, impatient, xero
from worlds import sandbox_of_today as running_sandbox

from billwatch.sandbox import Sandbox
from storage.ledger import Ledger

__all__ = ["environ", "impatient", "running_sandbox", "xero"]

Start = Callable[[int, int], Fleet]


@pytest.fixture
def ledger(postgres: Server) -> Iterator[Ledger]:
    with Ledger.open(postgres.create("replicas"), prefixes={KEY: ""}) as ledger:
        yield ledger


@pytest.fixture
def start(xero: Sandbox, postgres: Server, ledger: Ledger, tmp_path: Path, environ: dict[str, str]) -> Iterator[Start]:
    """Starts so many receivers and reconcilers."""
    org = xero.organisation("Example Trust")
    xero.limits(on=True, minute=100_000, day=100_000, app_minute=100_000, concurrent=5)
    with (
        Letterbox() as letterbox,
        Fleet(xero, org.tenant_id, postgres.url("replicas"), letterbox.port, tmp_path, environ) as fleet,
    ):
        fleet.letterbox, fleet.org = letterbox, org  # type: ignore[attr-defined]

        def starting(receivers: int, reconcilers: int) -> Fleet:
            for _ in range(receivers):
                fleet.start("receiver")
            for _ in range(reconcilers):
                fleet.start("reconciler")
            fleet.await_all()
            return fleet

        yield starting
