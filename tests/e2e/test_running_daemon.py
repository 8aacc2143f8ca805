"""A running daemon, hearing of Xero by webhooks or not at all: the same end, and never a second write."""

import contextlib
import dataclasses
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from world import KEY, World, open_house, until
from worlds import sandbox_of_today as running_sandbox

from billwatch.daemon import Daemon
from reconciler.reasons import Reason

__all__ = ["running_sandbox"]

TICK = 0.05
NEVER = 24 * 60
SOON = 0.5 / 60


@dataclasses.dataclass
class Running:
    """A world whose house is run by a daemon."""

    world: World
    daemon: Daemon

    @property
    def hook(self) -> str:
        return f"{self.daemon.url}/webhooks/xero"

    def subscribe(self) -> None:
        """Point Xero's webhooks to the daemon; the check of intent to receive must pass."""
        self.world.xero.webhooks.configure(self.hook, "a webhook key")
        assert self.world.xero.webhooks.enable() == "OK"

    def reasons(self, *keys: str) -> list[Reason | None]:
        found = self.world.house.ledger.overview.listed(KEY, keys)
        return [one.verdict.reason if one.verdict else None for one in found]

    def billed(self, *keys: str) -> None:
        """Put these milestones and wait until they are billed, and all that was heard of it has been looked at."""
        with self.world.cycle.lock:
            for key in keys:
                self.world.put(key)
        until(lambda: set(self.reasons(*keys)) == {Reason.AWAITING_APPROVAL})
        self.quiet()

    def quiet(self) -> None:
        """Wait until every event was delivered, drained and looked at, and nothing is left to decide."""
        ledger = self.world.house.ledger
        assert self.world.xero.webhooks.settle(10)
        until(lambda: ledger.inbox.waiting() is None and not ledger.mirror.dirty_bills(KEY, 1))
        until(lambda: not ledger.milestones.dirty_keys(KEY, self.world.house.clock(), 1))
        with self.world.cycle.lock:
            pass


@pytest.fixture
def run(make_world: Any, xero: Any, tmp_path: Path, environ: dict[str, str]) -> Iterator[Callable[..., Running]]:
    """Starts a daemon on a world of its own; `sweep` in minutes, `tick` in seconds."""
    with contextlib.ExitStack() as stack:

        def start(sweep: float = NEVER, tick: float = TICK) -> Running:
            world = make_world()
            world.house.close()
            text = world.text(extra="[reconciler]\nquiet_seconds = 0")
            world.house = stack.enter_context(open_house(text, xero, tmp_path, environ))
            config = world.house.config
            pace = msgspec.structs.replace(
                config.reconciler, tick_seconds=tick, sweep_minutes=sweep, fresh_minutes=NEVER
            )
            world.house.config = msgspec.structs.replace(config, reconciler=pace)
            daemon = Daemon(world.house)
            daemon.start()
            stack.callback(daemon.stop)
            until(lambda: world.house.ledger.mirror.books(KEY).swept_at)
            return Running(world, daemon)

        yield start


KEYS = [f"M-{n}" for n in range(1, 8)]
EXPECTED = [
    Reason.PAID,
    Reason.BILL_VOIDED,
    Reason.CHANGED_IN_XERO,
    Reason.BILL_DELETED,
    Reason.PART_PAID,
    Reason.PAYMENT_REVERSED,
    Reason.AWAITING_APPROVAL,
]


def day_of_an_accountant(org: Any) -> None:
    """What leads M-1 to M-7 to the expected verdicts."""
    for key in ("M-1", "M-2", "M-5", "M-6"):
        org.approve(key)
    for key in ("M-1", "M-6"):
        org.pay(key)
    org.void("M-2")
    org.edit("M-3", total="1300.00")
    org.delete("M-4")
    org.pay("M-5", 100)
    org.edit("M-7", total="1500.00")
    org.edit("M-7", total="1200.00")


def finish(running: Running) -> None:
    """The end of the story: a payment that was seen is taken back."""
    until(lambda: running.reasons("M-6") == [Reason.PAID])
    running.world.org.unpay("M-6")
    until(lambda: running.reasons(*KEYS) == EXPECTED)
    world = running.world
    assert world.writes() == 1
    assert len(world.org.bills()) == len(KEYS)
    assert {flag.key for flag in world.open_flags()} == {"M-2", "M-3", "M-4", "M-6"}
    assert all(len(world.flags(key)) <= 1 for key in KEYS)


def test_a_webhook_is_followed_when_it_comes_and_not_at_the_next_tick(run):
    running = run(tick=3600)
    world = running.world
    world.put("M-1")
    world.cycle.turn()
    running.subscribe()
    world.org.approve("M-1")
    until(lambda: running.reasons("M-1") == [Reason.APPROVED])


def test_webhooks_alone_lead_to_the_verdicts(run):
    running = run()
    running.subscribe()
    running.billed(*KEYS)
    day_of_an_accountant(running.world.org)
    finish(running)


@pytest.mark.parametrize("subscribed", [True, False], ids=["all dropped", "none set up"])
def test_the_sweep_alone_leads_to_the_same_verdicts(run, subscribed):
    running = run(sweep=SOON)
    if subscribed:
        running.subscribe()
        running.world.xero.webhooks.drop()
    running.billed(*KEYS)
    day_of_an_accountant(running.world.org)
    finish(running)
    assert running.world.xero.webhooks.deliveries() == []


def test_every_event_three_times_and_out_of_order_leads_to_the_same_verdicts(run):
    running = run()
    running.subscribe()
    webhooks = running.world.xero.webhooks
    webhooks.set(shuffle=True, duplicate=True, batch=3)
    running.billed(*KEYS)
    day_of_an_accountant(running.world.org)
    finish(running)
    running.quiet()
    again = webhooks.deliveries()
    random.Random(4).shuffle(again)  # noqa: S311  the same order on every run
    for sent in again:
        headers = {"x-xero-signature": sent.signature, "content-type": "application/json; charset=utf-8"}
        assert httpx.post(running.hook, content=sent.body, headers=headers).status_code == 200
    running.quiet()
    finish_again(running)


def finish_again(running: Running) -> None:
    """Nothing has moved since the end."""
    assert running.reasons(*KEYS) == EXPECTED
    assert running.world.writes() == 1
    assert all(len(running.world.flags(key)) <= 1 for key in KEYS)


def test_our_own_writes_come_back_as_events_and_cause_no_flag_and_no_second_write(run):
    running = run()
    running.subscribe()
    world = running.world
    running.billed("M-1", "M-2")
    assert len(world.xero.webhooks.deliveries()) >= 1
    world.put("M-1", amount=Decimal("1300.00"))
    until(lambda: world.bill("M-1").total == Decimal("1300.00"))
    running.quiet()
    assert (world.writes(), world.open_flags(), world.flags("M-1")) == (2, [], [])
    assert running.reasons("M-1", "M-2") == [Reason.AWAITING_APPROVAL] * 2


def test_events_of_bills_that_nobody_follows_cost_no_call(run):
    running = run()
    running.subscribe()
    world = running.world
    running.billed("M-1")
    calls, heard = world.xero.calls(), len(world.xero.webhooks.deliveries())
    for number in range(5):
        world.org.add_bill(number=f"INV-{number}", contact="Somebody else", total=50 + number)
    world.org.send("CREDITNOTE", data={"Type": "ACCPAYCREDIT", "Status": "AUTHORISED"})
    until(lambda: len(world.xero.webhooks.deliveries()) > heard)
    running.quiet()
    assert world.xero.calls() == calls


def test_an_event_that_comes_before_the_bills_id_is_recorded_is_not_lost(run):
    running = run()
    running.subscribe()
    world = running.world
    world.xero.fault(method="PUT", path="/Invoices", delay=1.0)
    world.put("M-1")
    until(world.org.bills)
    world.org.approve("M-1")
    until(lambda: len(world.xero.webhooks.deliveries()) >= 1 and world.house.ledger.inbox.waiting() is None)
    assert world.house.ledger.attempts.open(KEY)[0][1] is None
    until(lambda: running.reasons("M-1") == [Reason.APPROVED])
    running.quiet()
    assert (world.flags("M-1"), world.writes()) == ([], 1)


def test_a_lost_webhook_is_made_good_by_the_next_sweep(run):
    running = run()
    running.subscribe()
    world = running.world
    running.billed("M-1")
    world.xero.webhooks.drop()
    world.org.approve("M-1")
    world.xero.webhooks.drop(False)
    running.quiet()
    assert running.reasons("M-1") == [Reason.AWAITING_APPROVAL]
    world.sweep()
    assert running.reasons("M-1") == [Reason.APPROVED]


def test_stopping_ends_a_turn_and_keeps_what_was_accepted(run):
    running = run()
    running.subscribe()
    world = running.world
    running.billed("M-1")
    world.xero.fault(method="PUT", path="/Invoices", delay=0.5)
    world.put("M-2")
    until(lambda: len(world.org.bills()) == 2)
    stopping = threading.Thread(target=running.daemon.stop)
    stopping.start()
    stopping.join(10)
    assert not stopping.is_alive()
    assert world.house.ledger.attempts.open(KEY) == []
    assert world.standing("M-2").case.link.bill_id == world.bill("M-2").bill_id
    with pytest.raises(httpx.TransportError):
        httpx.post(running.hook, content=b"{}")


class TestServe:
    """`billwatch serve`, a process of its own, and its signals."""

    @pytest.fixture
    def serve(self, make_world, xero, tmp_path, environ):
        """The running process with its world and the address that it listens on."""
        world, port = make_world(), free_port()
        extra = f"port = {port}\n[reconciler]\nquiet_seconds = 0"
        text = world.text(extra=extra).replace("port = 0\n", "")
        (tmp_path / "billwatch.toml").write_text(text)
        program = "from billwatch.cli import main; main()"
        command = [sys.executable, "-c", program, "--config", str(tmp_path / "billwatch.toml"), "serve"]
        secrets = environ | {"CLIENT_SECRET": xero.client_secret, "PATH": os.environ["PATH"]}
        with subprocess.Popen(  # noqa: S603  our own program
            command, env=secrets, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            try:
                until(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}/healthz"))
                assert process.poll() is None, process.stderr.read()
                yield world, process, f"http://127.0.0.1:{port}/webhooks/xero"
            finally:
                process.kill()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_stops_it_in_order_with_nothing_lost(self, serve, number):
        world, process, hook = serve
        world.xero.webhooks.configure(hook, "a webhook key")
        assert world.xero.webhooks.enable() == "OK"
        world.xero.fault(method="PUT", path="/Invoices", delay=1.0)
        milestones = [world.milestone(f"M-{n}") for n in range(1, 4)]
        world.house.ledger.milestones.put(milestones, world.house.clock())
        until(lambda: len(world.org.bills()) == 3)
        world.org.approve("M-1")
        assert world.xero.webhooks.settle(10)
        process.send_signal(number)
        assert process.wait(15) == 0
        assert world.house.ledger.attempts.open(KEY) == []
        world.house.drain()
        world.turn()
        assert [world.reason(f"M-{n}") for n in (1, 2, 3)] == [
            Reason.APPROVED,
            Reason.AWAITING_APPROVAL,
            Reason.AWAITING_APPROVAL,
        ]
        assert (world.writes(), world.open_flags()) == (1, [])

    def test_a_kill_bills_nothing_twice(self, serve):
        world, process, _ = serve
        world.xero.fault(method="PUT", path="/Invoices", delay=2.0)
        world.put("M-1")
        until(world.org.bills)
        process.kill()
        process.wait(10)
        assert len(world.house.ledger.attempts.open(KEY)) == 1
        world.xero.advance(minutes=1)
        world.turn()
        assert (world.reason(), len(world.org.bills())) == (Reason.AWAITING_APPROVAL, 1)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
