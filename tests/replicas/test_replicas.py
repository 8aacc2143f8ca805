"""Replicas are killed and frozen, the database goes away: nothing acknowledged is lost, and nothing is done twice."""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fleet import BILLED, KEY, PATIENCE, Fleet, Traffic, bodies, nothing_twice, put, reasons
from postgres_server import Server
from world import LEASE_SECONDS, until

from reconciler.reasons import Reason
from storage.ledger import Ledger

XERO_WAITS = 5.0
Start = Callable[[int, int], Fleet]
Figures = Callable[[str, object], None]


def _holder(ledger: Ledger) -> int:
    """The process that has, or had last, the organisation's turn."""
    holder = ledger._store.value("SELECT holder FROM lease WHERE name = ?", [f"organisation {KEY}"])
    return int(str(holder).split()[-1])


def _ordeal(fleet: Any, ledger: Ledger, postgres: Server, keys: list[str], rounds: int) -> None:
    """Bill all of them while replicas are frozen and killed and the database is restarted, again and again."""
    first, rest = keys[:5], keys[5:]
    put(ledger, *first)
    until(lambda: reasons(ledger, *first) == BILLED, PATIENCE)
    share = max(1, len(rest) // rounds)
    with Traffic(fleet, [bill.bill_id for bill in fleet.org.bills()]):
        for number in range(rounds):
            put(ledger, *rest[number * share : (number + 1) * share if number < rounds - 1 else None])
            working = next(each for each in fleet.of_role("reconciler") if each.process.pid == _holder(ledger))
            working.signal(signal.SIGSTOP)
            thaw = threading.Timer(2 * LEASE_SECONDS, working.signal, [signal.SIGCONT])
            thaw.start()
            victim = fleet.of_role("receiver")[number % 2]
            victim.signal(signal.SIGKILL)
            victim.process.wait(30)
            fresh = fleet.start("receiver")
            until(lambda fresh=fresh: fresh.ready, PATIENCE)
            thaw.join(30)
            postgres.stop()
            _refused_at_once(fleet)
            postgres.start()
            until(lambda: _alive(ledger), PATIENCE)
            fleet.await_all_living()
        until(lambda: reasons(ledger, *keys) == BILLED, PATIENCE)


def _refused_at_once(fleet: Any) -> None:
    """While the database is away, Xero hears in time that it has to come again; at rest, within milliseconds."""
    for receiver in fleet.of_role("receiver"):
        began = time.monotonic()
        assert fleet.post(receiver, fleet.org.bills()[0].bill_id) == 503
        assert time.monotonic() - began < XERO_WAITS


def _alive(ledger: Ledger) -> bool:
    try:
        return ledger.alive()
    except Exception:  # noqa: BLE001  while the server comes back, anything is an answer
        return False


def test_two_of_each_share_the_work_and_survive_what_befalls_them(
    start: Start, ledger: Ledger, postgres: Server, record_property: Figures
) -> None:
    fleet = start(2, 2)
    keys = [f"M-{number}" for number in range(25)]
    _ordeal(fleet, ledger, postgres, keys, rounds=1)
    _end(fleet, ledger, keys, record_property)


@pytest.mark.torture
def test_three_of_each_share_the_work_for_long(
    start: Start, ledger: Ledger, postgres: Server, record_property: Figures
) -> None:
    fleet = start(3, 3)
    keys = [f"M-{number}" for number in range(600)]
    _ordeal(fleet, ledger, postgres, keys, rounds=6)
    _end(fleet, ledger, keys, record_property)


def _end(fleet: Any, ledger: Ledger, keys: list[str], record: Figures) -> None:
    """What was acknowledged is there and was read; each bill is there once; each warning comes once."""
    assert len(fleet.acknowledged) >= 5
    until(lambda: ledger.inbox.waiting() is None, PATIENCE)
    assert set(fleet.acknowledged) <= bodies(ledger)
    assert sorted(bill.number for bill in fleet.org.bills()) == sorted(keys)
    for key in keys[:3]:
        fleet.org.approve(key)
    put(ledger, *keys[:3], amount="1300.00")
    fleet.post(fleet.of_role("receiver")[0], fleet.org.bill(keys[0]).bill_id)
    until(lambda: reasons(ledger, *keys[:3]) == {Reason.BILL_APPROVED}, PATIENCE)
    until(lambda: any("accounts@" in letter.recipient for letter in fleet.letterbox.letters), PATIENCE)
    until(lambda: not ledger.outbox.owed(KEY), PATIENCE)
    nothing_twice(fleet)
    record("figure requests acknowledged while replicas died", len(fleet.acknowledged))
    record("figure requests refused meanwhile, to come again", fleet.refused)
