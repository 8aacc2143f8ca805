"""A payment in Xero is on the milestone at once, from the webhook; one that is taken back is flagged."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_running_daemon import Running, run  # noqa: F401  a fixture
from world import KEY, until

from billwatch.cli import main
from billwatch.cli.session import Session
from reconciler.outlook import when_paid
from reconciler.reasons import Reason
from reconciler.words import day
from storage import Ledger


class Reading(Session):
    """A session of which only the ledger and the settings are used."""

    def __init__(self, house: Any) -> None:
        super().__init__(Path("billwatch.toml"))
        self._house = house

    @property
    def config(self) -> Any:
        return self._house.config

    def ledger(self) -> Ledger:
        return Ledger.open(self._house.config.storage.url)

    def now(self) -> Any:
        return self._house.clock()


def command(running: Running, *arguments: str) -> Any:
    result = CliRunner().invoke(main, arguments, obj=Reading(running.world.house), catch_exceptions=False)
    return json.loads(result.stdout)


def money(running: Running) -> tuple[Any, ...]:
    """What the milestone shows of its payments."""
    (one,) = running.world.house.ledger.overview.listed(KEY, ["M-1"])
    return one.paid, one.paid_on, one.planned_on


def answer(running: Running) -> str:
    """When the applicant is paid."""
    return when_paid(running.world.standing(), running.world.cycle.books())


@pytest.fixture
def running(run: Callable[..., Running]) -> Running:  # noqa: F811  the fixture
    """A daemon with webhooks and without sweeps, and M-1 billed and approved."""
    made = run()
    made.subscribe()
    made.billed("M-1")
    made.world.org.approve("M-1")
    until(lambda: made.reasons("M-1") == [Reason.APPROVED])
    return made


def test_payments_are_on_the_milestone_at_once(running: Running) -> None:
    world, today = running.world, running.world.org.books.today(running.world.xero.now())
    assert answer(running) == f"Approved; due on {day(world.bill().due)}."
    world.org.edit("M-1", planned="2030-07-20")
    until(lambda: answer(running) == "Approved; planned to be paid on 20 July 2030.")

    world.org.pay("M-1", 200)
    until(lambda: running.reasons("M-1") == [Reason.PART_PAID])
    assert money(running)[:2] == (Decimal("200.00"), today)
    assert answer(running).startswith(
        f"NZ$200.00 was paid on {day(today)}; the other NZ$1,000.00 is planned to be paid"
    )

    world.org.pay("M-1")
    until(lambda: running.reasons("M-1") == [Reason.PAID])
    assert money(running)[:2] == (Decimal("1200.00"), today)
    assert answer(running) == f"Paid on {day(today)}."
    shown = command(running, "status", "--milestones", "--json")["milestones"][0]
    assert (shown["paid"], shown["paid_on"], shown["planned_on"]) == ("1200.00", today.isoformat(), "2030-07-20")
    assert command(running, "explain", "M-1", "--json")["when_paid"] == f"Paid on {day(today)}."


def test_a_payment_taken_back_is_flagged_at_once(running: Running) -> None:
    running.world.org.pay("M-1")
    until(lambda: running.reasons("M-1") == [Reason.PAID])
    running.world.org.unpay("M-1")
    until(lambda: running.reasons("M-1") == [Reason.PAYMENT_REVERSED])
    assert money(running)[:2] == (Decimal("0.00"), None)
    assert "Stuck: payment reversed." in answer(running)
