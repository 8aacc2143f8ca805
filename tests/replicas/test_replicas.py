"""Replicas are killed and frozen, the database goes away: nothing acknowledged is lost, and nothing is done twice."""

import datetime as dt
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fleet import KEY, LEASE_SECONDS, Fleet, Traffic
from letterbox import Letterbox
from postgres_server import Server
from world import until

from billwatch.sandbox import Sandbox
from reconciler.model import Milestone
from reconciler.reasons import Reason
from storage.ledger import Ledger

BILLED = {Reason.AWAITING_APPROVAL}
PATIENCE = 90.0
XERO_WAITS = 5.0
Start = Callable[[int, int], Fleet]
Figures = Callable[[str, object], None]


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


def _put(ledger: Ledger, *keys: str, amount: str = "1200.00") -> None:
    today = dt.datetime.now(dt.UTC).date()
    stages = frozenset({"approved"})
    milestones = [
        Milestone(KEY, key, f"Stage {key}", f"Payee {key}", Decimal(amount), today, stages=stages) for key in keys
    ]
    ledger.milestones.put(milestones, dt.datetime.now(dt.UTC))


def _reasons(ledger: Ledger, *keys: str) -> set[Reason | None]:
    listed = ledger.overview.listed(KEY, keys)
    return {one.verdict.reason if one.verdict else None for one in listed} if len(listed) == len(keys) else {None}


def _bodies(ledger: Ledger) -> set[str]:
    """The names of the requests that are in the database."""
    count = ledger._store.value("SELECT string_agg(convert_from(body, 'UTF8'), E'\\n') FROM raw_request", [])
    return {json.loads(line)["entropy"] for line in (count or "").splitlines()}


def _holder(ledger: Ledger) -> int:
    """The process that has, or had last, the organisation's turn."""
    holder = ledger._store.value("SELECT holder FROM lease WHERE name = ?", [f"organisation {KEY}"])
    return int(str(holder).split()[-1])


def _nothing_twice(fleet: Any) -> None:
    numbers = Counter(bill.number for bill in fleet.org.bills())
    assert {number: count for number, count in numbers.items() if count > 1} == {}
    sent = Counter((letter.recipient, letter.message["Message-ID"]) for letter in fleet.letterbox.letters)
    assert {name: count for name, count in sent.items() if count > 1} == {}
    assert fleet.xero.breaches() == {}


def _ordeal(fleet: Any, ledger: Ledger, postgres: Server, keys: list[str], rounds: int) -> None:
    """Bill all of them while replicas are frozen and killed and the database is restarted, again and again."""
    first, rest = keys[:5], keys[5:]
    _put(ledger, *first)
    until(lambda: _reasons(ledger, *first) == BILLED, PATIENCE)
    share = max(1, len(rest) // rounds)
    with Traffic(fleet, [bill.bill_id for bill in fleet.org.bills()]):
        for number in range(rounds):
            _put(ledger, *rest[number * share : (number + 1) * share if number < rounds - 1 else None])
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
        until(lambda: _reasons(ledger, *keys) == BILLED, PATIENCE)


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
    assert set(fleet.acknowledged) <= _bodies(ledger)
    assert sorted(bill.number for bill in fleet.org.bills()) == sorted(keys)
    for key in keys[:3]:
        fleet.org.approve(key)
    _put(ledger, *keys[:3], amount="1300.00")
    fleet.post(fleet.of_role("receiver")[0], fleet.org.bill(keys[0]).bill_id)
    until(lambda: _reasons(ledger, *keys[:3]) == {Reason.BILL_APPROVED}, PATIENCE)
    until(lambda: any("accounts@" in letter.recipient for letter in fleet.letterbox.letters), PATIENCE)
    until(lambda: not ledger.outbox.owed(KEY), PATIENCE)
    _nothing_twice(fleet)
    record("figure requests acknowledged while replicas died", len(fleet.acknowledged))
    record("figure requests refused meanwhile, to come again", fleet.refused)
