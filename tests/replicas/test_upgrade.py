"""The next release takes over on the same database, process by process, and is taken back: nobody is locked out."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from fleet import BILLED, PATIENCE, Fleet, Replica, Traffic, bodies, nothing_twice, put, reasons
from next_release import LATER_BREAKING, next_release, opening
from postgres_server import Server
from world import until

from storage.ledger import Ledger

Start = Callable[[int, int], Fleet]
STOPPING_SECONDS = 30


def _end(*replicas: Replica) -> None:
    """Stop them in order, as a service manager does."""
    for replica in replicas:
        replica.signal(signal.SIGTERM)
    for replica in replicas:
        assert replica.process.wait(STOPPING_SECONDS) == 0


def _bill(ledger: Ledger, number: int) -> list[str]:
    """Put some milestones and wait until they are billed; their keys."""
    keys = [f"M-{number}{letter}" for letter in "ABC"]
    put(ledger, *keys)
    until(lambda: reasons(ledger, *keys) == BILLED, PATIENCE)
    return keys


def _upgraded(postgres: Server) -> bool:
    """Whether the tables are those of the next release."""
    with psycopg.connect(postgres.url("replicas")) as connection:
        return connection.execute("SELECT to_regclass('later')").fetchone() != (None,)


def test_two_releases_work_side_by_side_and_the_newer_can_be_taken_back(
    start: Start, ledger: Ledger, postgres: Server, tmp_path: Path
) -> None:
    fleet: Any = start(1, 1)
    old = [*fleet.replicas]
    keys = _bill(ledger, 1)
    following = next_release(tmp_path / "next")
    with Traffic(fleet, [bill.bill_id for bill in fleet.org.bills()]):
        new = [fleet.start("receiver", **following), fleet.start("reconciler", **following)]
        fleet.await_all()
        assert _upgraded(postgres)
        keys += _bill(ledger, 2)
        _end(new[1])
        keys += _bill(ledger, 3)  # by the old one, on the new one's tables
        again = fleet.start("reconciler", **following)
        until(lambda: again.ready, PATIENCE)
        _end(old[1])
        keys += _bill(ledger, 4)
        back = fleet.start("reconciler")
        until(lambda: back.ready, PATIENCE)
        _end(again)
        keys += _bill(ledger, 5)  # by an old one that was started on the new one's tables
    assert all(replica.process.poll() is None for replica in (old[0], new[0], back))
    until(lambda: ledger.inbox.waiting() is None, PATIENCE)
    assert fleet.refused == 0
    assert set(fleet.acknowledged) <= bodies(ledger)
    assert sorted(bill.number for bill in fleet.org.bills()) == sorted(keys)
    nothing_twice(fleet)


def test_a_release_that_cannot_share_the_tables_is_refused_at_its_start(
    start: Start, ledger: Ledger, postgres: Server, tmp_path: Path
) -> None:
    fleet = start(0, 0)
    folder = tmp_path / "next"
    environ = next_release(folder, name=LATER_BREAKING)
    assert opening(postgres.url("replicas"), folder, environ).wait(PATIENCE) == 0
    assert fleet.start("all").process.wait(PATIENCE) == 1
    (said,) = fleet.logs().strip().splitlines()
    assert said.endswith("was written by a newer release of billwatch; use that one.")
