"""Whatever people, the platform, Xero's delivery and faults do, in any order: nothing is billed twice or written over,
every flag has its mail, and in the end everything stands as a billwatch that heard of no event would decide it.
"""

import dataclasses
import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from databases import Databases, asked, keep
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from lives import delivery
from world import KEY, World, config_text, open_house

from billwatch.sandbox import Sandbox
from billwatch.sandbox.handle import Refused
from billwatch.sandbox.witness import WITNESSES, Written
from reconciler.errors import BillwatchError
from reconciler.reasons import Choose, words
from reconciler.records import Choice
from storage.database import open_store

START = dt.datetime(2026, 11, 2, 11, 30, tzinfo=dt.UTC)
ROUNDS_AT_MOST = 80
keys = st.sampled_from(["M-1", "M-2", "M-3"])
changes = st.sampled_from(
    [
        {"amount": Decimal("1200.00")},
        {"amount": Decimal("777.70")},
        {"amount": Decimal("0.00")},
        {"title": "Another title"},
        {"date": START.date() - dt.timedelta(days=40)},
        {"date": START.date() + dt.timedelta(days=20)},
        {"payee": "Somebody else"},
        {"cancelled": True},
        {"cancelled": False},
        {"stages": frozenset()},
        {"stages": frozenset({"approved"})},
    ]
)
Deed = Callable[[Any, str], object]
DEEDS: dict[str, Deed] = {
    "approve": lambda org, key: org.approve(key),
    "pay": lambda org, key: org.pay(key),
    "pay in part": lambda org, key: org.pay(key, 100),
    "unpay": lambda org, key: org.unpay(key),
    "void": lambda org, key: org.void(key),
    "delete": lambda org, key: org.delete(key),
    "credit": lambda org, key: org.credit(key, 50),
    "raise": lambda org, key: org.edit(key, total="1300.00"),
    "right": lambda org, key: org.edit(key, total="777.70"),
    "reword": lambda org, key: org.edit(key, description="A better description"),
    "redate": lambda org, key: org.edit(key, date=START.date() - dt.timedelta(days=2)),
    "renumber": lambda org, key: org.edit(key, number=f"{key}-X"),
}
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"status": 503},
    {"status": 429},
    {"status": 401, "kind": "expired"},
    {"cut": "before"},
    {"cut": "after"},
    {"cut": "after", "method": "PUT"},
    {"cut": "before", "method": "POST"},
    {"status": 500, "method": "PUT"},
    {"status": 404, "method": "GET", "path": "/Invoices"},
)
CHOICES = (Choose.KEEP, Choose.OVERWRITE, Choose.BILL_AGAIN, Choose.RESYNC, Choose.BILL_ANYWAY, Choose.EXEMPT)


@dataclasses.dataclass
class Stage:
    """What every story is played on."""

    xero: Sandbox
    folder: Path
    databases: Databases
    environ: dict[str, str]


class Story(RuleBasedStateMachine):
    """One organisation, its billwatch, and whatever may happen to them."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        xero = self.stage.xero
        xero.reset()
        xero.limits(on=False)
        self.org = xero.organisation("Trust")
        self.stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(dir=self.stage.folder))
        self.database = self.stack.enter_context(self.stage.databases.lent(self.folder))
        self.world = World(xero, self.org, self.house(self.database), self.house)
        self.on_the_way: list[bytes] = []
        self.arrived: list[bytes] = []
        self.made: Counter[str] = Counter()
        self.written_over: list[str] = []
        WITNESSES.append(self.witness)

    def house(self, database: str) -> Any:
        text = config_text(self.stage.xero, self.org.tenant_id, database, extra="[reconciler]\nquiet_seconds = 0")
        return open_house(text, self.stage.xero, self.folder, self.stage.environ)

    def witness(self, written: Written) -> None:
        """What billwatch made, and what it wrote over that it had not seen."""
        before, after = written.bills
        self.made.update(bill.number for bill_id, bill in after.items() if bill_id not in before)
        seen = {link.bill_id: link.seen for link in self.links()}
        for bill_id, bill in before.items():
            known = seen.get(bill_id)
            if after[bill_id].total != bill.total and (known is None or known.total != bill.total):
                self.written_over.append(f"{bill.number}: {bill.total} became {after[bill_id].total}")

    def links(self) -> list[Any]:
        standing = self.world.house.ledger.milestones.standing(KEY, ["M-1", "M-2", "M-3"])
        return [decision.case.link for decision in standing]

    @rule(key=keys, change=changes)
    def the_platform_says(self, key: str, change: dict[str, Any]) -> None:
        self.world.put(key, **change)

    @rule(key=keys, deed=st.sampled_from(sorted(DEEDS)))
    def the_accountant_does(self, key: str, deed: str) -> None:
        self.stage.xero.advance(seconds=1)
        try:
            bill_id = self.org.bill(key).bill_id
            DEEDS[deed](self.org, key)
        except (KeyError, Refused):
            return
        self.on_the_way.append(delivery(self.org.tenant_id, bill_id, self.stage.xero.now()))

    @rule(key=keys, same=st.booleans())
    def a_bill_is_made_by_hand(self, key: str, same: bool) -> None:
        if not self.org.books.bills_numbered(key):
            payee = f"Payee of {key}" if same else "A stranger"
            self.org.add_bill(number=key, contact=payee, total="1200.00", date=START.date())

    @rule(days=st.sampled_from([None, -50, -10, 5, 40]), year=st.booleans())
    def a_lock_is_set_or_lifted(self, days: int | None, year: bool) -> None:
        day = None if days is None else START.date() + dt.timedelta(days=days)
        self.org.lock(**({"year": day} if year else {"period": day}))

    @precondition(lambda self: self.on_the_way)
    @rule(fate=st.sampled_from(["first", "last", "all", "twice", "lost"]))
    def xero_delivers(self, fate: str) -> None:
        some = {"first": self.on_the_way[:1], "last": self.on_the_way[-1:], "twice": self.on_the_way[:1] * 2}
        bodies = some.get(fate, list(reversed(self.on_the_way)))
        self.on_the_way = [body for body in self.on_the_way if body not in bodies]
        if fate != "lost":
            self.receive(bodies)

    @precondition(lambda self: self.arrived)
    @rule(data=st.data())
    def an_old_delivery_is_replayed(self, data: st.DataObject) -> None:
        self.receive([data.draw(st.sampled_from(self.arrived))])

    def receive(self, bodies: list[bytes]) -> None:
        keep(self.database, *((self.world.house.clock(), "a key", body) for body in bodies))
        self.arrived += bodies

    @rule(fault=st.sampled_from(FAULTS), times=st.integers(1, 3))
    def xero_fails(self, fault: dict[str, Any], times: int) -> None:
        self.stage.xero.fault(**fault, times=times)

    @rule(minutes=st.sampled_from([0.2, 1, 3, 5, 11, 31, 60 * 26]))
    def time_goes_by(self, minutes: float) -> None:
        self.stage.xero.advance(minutes=minutes)

    @rule(sweep=st.booleans())
    def billwatch_turns(self, sweep: bool) -> None:
        self.stage.xero.advance(seconds=20)
        self.world.house.drain()
        self.world.cycle.turn(sweep=sweep)

    @rule(data=st.data())
    def somebody_decides(self, data: st.DataObject) -> None:
        offered = [
            (flag.key, kind)
            for flag in self.world.open_flags()
            if flag.key
            for kind in words(flag.reason).choices
            if kind in CHOICES
        ]
        if not offered:
            return
        key, kind = data.draw(st.sampled_from(sorted(offered)))
        try:
            choice = Choice(kind, "Ann Example", self.world.house.clock(), reason="so agreed")
            self.world.house.desk.command(KEY, key, choice)
        except BillwatchError:
            return

    @rule(paused=st.booleans())
    def writing_is_paused_or_resumed(self, paused: bool) -> None:
        self.world.pause("by Ann Example" if paused else None)

    @rule()
    def billwatch_is_restarted(self) -> None:
        self.world.house.close()
        self.world.house = self.house(self.database)

    @invariant()
    def no_bill_is_made_twice(self) -> None:
        assert [number for number, times in self.made.items() if times > 1] == []

    @invariant()
    def no_edit_is_written_over_unseen(self) -> None:
        assert self.written_over == []

    @invariant()
    def every_milestone_has_one_open_flag_at_most(self) -> None:
        counted = Counter(flag.key for flag in self.world.open_flags() if flag.key)
        assert [key for key, times in counted.items() if times > 1] == []

    @invariant()
    def every_open_flag_has_its_mail(self) -> None:
        query = "SELECT key, reason FROM flag WHERE closed_at IS NULL AND id NOT IN (SELECT flag_id FROM mail_flag)"
        assert asked(self.database, query) == []

    def teardown(self) -> None:
        try:
            self.stage.xero.clear_faults()
            self.world.pause(None)
            self.come_to_rest(self.world)
            self.no_bill_is_made_twice()
            self.no_edit_is_written_over_unseen()
            assert self.stands(self.world) == self.stands_without_memory()
        finally:
            WITNESSES.remove(self.witness)
            self.world.house.close()
            self.stack.close()

    def come_to_rest(self, world: World) -> None:
        ledger = world.house.ledger
        for number in range(ROUNDS_AT_MOST):
            self.stage.xero.advance(minutes=2 + 5 * (number % 3))
            world.house.drain()
            world.cycle.turn(sweep=True)
            now = world.house.clock()
            left = (*ledger.attempts.open(KEY), *ledger.milestones.dirty_keys(KEY, now, 1))
            if not left and not ledger.milestones.ready(KEY, 1) and world.cycle.reader.trouble is None:
                return
        raise AssertionError("it never comes to rest")

    def stands(self, world: World) -> dict[str, Any]:
        standing = world.house.ledger.milestones.standing(KEY, ["M-1", "M-2", "M-3"])
        flags = sorted((flag.key, flag.reason) for flag in world.open_flags())
        return {"flags": flags} | {
            d.case.milestone.key: (d.verdict.action, d.verdict.reason, d.case.link.bill_id) for d in standing
        }

    def stands_without_memory(self) -> dict[str, Any]:
        """How everything would stand for a billwatch that heard of no event and has read nothing yet."""
        copy = self.stack.enter_context(self.stage.databases.copied(self.database, self.folder))
        with closing(open_store(copy, create=False)) as store:
            for table in ("event", "raw_request", "bill", "contact", "organisation", "missing"):
                store.execute(f"DELETE FROM {table}", [])
        with self.house(copy) as house:
            house.ledger.milestones.touch(KEY)
            fresh = World(self.stage.xero, self.org, house, self.house)
            self.come_to_rest(fresh)
            return self.stands(fresh)


@pytest.fixture
def stage(tmp_path: Path, environ: dict[str, str], databases: Databases) -> Any:
    with Sandbox(lambda: START) as xero:
        Story.stage = Stage(xero, tmp_path, databases, environ)
        yield


def play(stories: int, steps: int) -> None:
    phases = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    sizes = settings(
        max_examples=stories, stateful_step_count=steps, deadline=None, phases=phases, suppress_health_check=checks
    )
    run_state_machine_as_test(Story, settings=sizes)


def test_in_any_order_nothing_is_lost_or_done_twice(stage):
    play(12, 25)


@pytest.mark.torture
def test_in_any_order_and_for_long_nothing_is_lost_or_done_twice(stage):
    play(400, 50)
