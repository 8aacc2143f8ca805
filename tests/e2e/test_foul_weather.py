"""In the worst of weather every milestone ends where it would have ended in the best, and no bill is made twice.

The same life is led twice, in fair weather and with a tenth of all calls failing in every way: limits, errors,
silences and cuts before and after the work was done, expired tokens. `make torture` leads it with 1,000 milestones.
"""

import datetime as dt
import functools
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from world import KEY, World, config_text

from billwatch.config import checked
from billwatch.sandbox import Sandbox
from billwatch.wiring import House
from reconciler.model import Milestone
from reconciler.reasons import Reason

START = dt.datetime(2026, 11, 2, 11, 30, tzinfo=dt.UTC)
SILENCE = httpx.Timeout(5.0, read=0.25)  # real seconds that a call waits for an answer that never comes
PAYEES = 10
# A refusal for the day shuts us out for an hour, so where most calls fail, days go by.
ROUNDS_AT_MOST = 1_000
POLICY = "new_bills_per_hour = 100000\nnew_money_per_hour = 1000000000"


@pytest.fixture
def skies() -> Iterator[Sandbox]:
    """A sandbox whose clock the test moves, and which else only ticks when it is read; with Xero's own limits."""
    ticks = itertools.count()
    with Sandbox(lambda: START + dt.timedelta(microseconds=next(ticks))) as sandbox:
        sandbox.limits(day=5_000)
        yield sandbox


@pytest.fixture
def settle_in(
    skies: Sandbox, tmp_path: Path, environ: dict[str, str], new_database: Callable[..., str]
) -> Iterator[Callable[[str], World]]:
    """Makes worlds in the sandbox; a house that has to wait does so by the sandbox's clock."""
    houses: list[House] = []

    def make(name: str) -> World:
        org = skies.organisation(name)
        folder = tmp_path / name
        folder.mkdir()
        text = config_text(skies, org.tenant_id, new_database(folder), policy=POLICY).encode()
        secrets = environ | {"CLIENT_SECRET": skies.client_secret}
        config = checked(text, folder / "billwatch.toml", environ=secrets)
        house = House(config, clock=lambda: skies.now().astimezone(dt.UTC), wait=lambda seconds: _wait(skies, seconds))
        houses.append(house)
        return World(skies, org, house, lambda **_: house)

    yield make
    for house in houses:
        house.close()


def _wait(skies: Sandbox, seconds: float) -> None:
    skies.advance(seconds)


def calm(world: World) -> int:
    """Turns, with time going by in between, until nothing is open and all has been read; how many it took."""
    since, dice = world.house.clock(), random.Random(world.xero.calls())  # noqa: S311 - to be repeatable
    for turn in range(1, ROUNDS_AT_MOST):
        world.xero.advance(minutes=dice.choice((0.2, 1, 5, 12, 25, 65)))
        for _, http, _ in world.house.connections._open.values():
            http._pool.timeout = SILENCE
        world.cycle.turn(sweep=True)
        ledger, now = world.house.ledger, world.house.clock()
        books = ledger.mirror.books(KEY)
        read = books.hold is None and books.swept_at is not None and books.swept_at > since
        left = (
            *ledger.attempts.open(KEY),
            *ledger.milestones.dirty_keys(KEY, now, limit=1),
            *ledger.milestones.ready(KEY, 1, ""),
        )
        if read and not left:
            return turn
    raise AssertionError("it never comes to rest")


def live(world: World, count: int, portions: int) -> None:
    """A life of some months: billed, changed and withdrawn, approved, paid, edited and voided, changed again."""
    milestones = {key: _milestone(key, number) for number, key in enumerate(_keys(count))}
    put = functools.partial(_put, world, portions)
    put(milestones.values())
    put(_changed(milestones, 3, amount=Decimal("777.70")))
    put(_changed(milestones, 7, date=START.date() + dt.timedelta(days=30)))
    put(_changed(milestones, 20, cancelled=True))
    for place, key in enumerate(milestones):
        _lead(world.org, place, key)
    calm(world)
    put(_changed(milestones, 4, amount=Decimal("888.80")))
    put(_changed(milestones, 9, title="A new title"))


def _keys(count: int) -> list[str]:
    return [f"M-{number:04d}" for number in range(count)]


def _milestone(key: str, number: int) -> Milestone:
    amount = Decimal(1_000 + number) + Decimal(number % 100) / 100
    return Milestone(
        *(KEY, key, f"Stage {number}", f"Payee {number % PAYEES}", amount, START.date()), stages=frozenset({"approved"})
    )


def _changed(milestones: dict[str, Milestone], step: int, **changes: Any) -> list[Milestone]:
    """Every so many of them, changed; remembered as they now are."""
    for key in list(milestones)[::step]:
        milestones[key] = replace(milestones[key], **changes)
    return list(milestones.values())[::step]


def _put(world: World, portions: int, milestones: Iterable[Milestone]) -> None:
    """The platform tells of them in several portions, and each comes to rest before the next."""
    rest = list(milestones)
    size = -(-len(rest) // portions)
    for start in range(0, len(rest), size):
        world.house.ledger.milestones.put(rest[start : start + size], world.house.clock())
        calm(world)


def _lead(org: Any, place: int, key: str) -> None:
    """What people do in Xero."""
    turn = place % 12
    if turn in (0, 1, 2, 5):
        org.approve(key)
    if turn in (1, 2):
        org.pay(key, None if turn == 1 else 100)
    if turn == 3:
        org.delete(key)
    if turn == 4:
        org.edit(key, total="555.50")
    if turn == 5:
        org.void(key)
    if turn == 6:
        org.edit(key, description="A better description")


def state(world: World, count: int) -> dict[str, tuple[Any, ...]]:
    """How each milestone stands, and what its bill says in Xero."""
    bills = {bill.number: bill for bill in world.org.bills()}
    flags = {flag.key: flag.verdict.reason for flag in world.open_flags()}
    found = {}
    for decision in world.house.ledger.milestones.standing(KEY, _keys(count)):
        key, link = decision.case.milestone.key, decision.case.link
        bill = bills[key]
        lines = [(line.description, line.line_amount, line.account_code) for line in bill.lines]
        found[key] = (
            *(decision.verdict.action, decision.verdict.reason, flags.get(key), link.pending_attempt),
            *((link.refusal.reason, link.refusal.message) if link.refusal else ()),
            *(bill.status, bill.total, bill.day, bill.due, bill.amount_due, lines, link.bill_id == bill.bill_id),
            world.org.contact(bill.contact_id).name,
        )
    return found


def alike(
    settle_in: Callable[[str], World],
    skies: Sandbox,
    seed: int,
    *,
    count: int,
    share: float,
    writes: float | None = None,
    portions: int = 4,
) -> Counter[str]:
    """Lead the life in fair and in foul weather, and compare; what the calls of the second met."""
    fair, foul = settle_in("fair"), settle_in("foul")
    live(fair, count, portions)
    met = watch(skies, seed, share, writes)
    live(foul, count, portions)
    assert state(foul, count) == state(fair, count)
    numbers = Counter(bill.number for bill in foul.org.bills())
    assert [number for number, times in numbers.items() if times > 1] == []
    assert len(foul.org.bills()) == len(fair.org.bills()) == count
    assert len(foul.org.contacts()) == PAYEES
    assert skies.breaches() == {}
    assert len(foul.open_flags()) == len(fair.open_flags())
    return met


def watch(skies: Sandbox, seed: int, share: float, writes: float | None) -> Counter[str]:
    """Let the weather turn; the counter tells how it was."""
    skies.weather(share, seed, writes=writes)
    weather, met = skies.desk.world.faults.weather, Counter[str]()

    class Told(random.Random):
        def choice(self, seq: Any) -> Any:
            fault = super().choice(seq)
            met[f"{fault.status} {fault.kind} {fault.cut} {fault.hang}"] += 1
            return fault

    weather.dice = Told(seed)
    return met


def test_in_foul_weather_every_milestone_ends_as_in_fair_and_no_bill_is_made_twice(skies, settle_in):
    assert sum(alike(settle_in, skies, 1, count=200, share=0.1, portions=2).values()) > 3


def test_where_most_writes_fail_it_only_takes_longer(skies, settle_in):
    assert len(alike(settle_in, skies, 3, count=24, share=0.1, writes=0.6, portions=3)) > 8


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_milestones_in_foul_weather_end_as_in_fair(skies, settle_in, seed):
    assert sum(alike(settle_in, skies, seed, count=1_000, share=0.1).values()) > 20


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize("share", [0.2, 0.6])
@pytest.mark.parametrize("seed", range(10))
def test_storms_of_every_strength_are_weathered(skies, settle_in, seed, share):
    assert len(alike(settle_in, skies, seed, count=30, share=share, writes=0.7, portions=2)) > 5


def before_writing(world: World, deed: Callable[[], object]) -> None:
    """Have somebody do something in Xero after our last reading and before our next write."""
    client = world.cycle._pusher._xero
    send = client.send

    def late(attempt: Any) -> Any:
        client.send = send
        deed()
        return send(attempt)

    client.send = late


class TestWhatXeroSays:
    """What an answer says is not what Xero holds: it is read back, and each case is seen for what it is."""

    def test_a_200_that_carries_an_error_is_a_refusal_and_the_rest_of_its_batch_is_billed(self, world):
        world.org.add_contact("Payee of M-2")
        world.sweep()
        before_writing(world, lambda: world.org.archive_contact("Payee of M-2"))
        for key in ("M-1", "M-2", "M-3"):
            world.put(key)
        report = world.turn()
        assert report.refused == 1
        assert [world.reason(f"M-{n}") for n in (1, 2, 3)] == [
            *(Reason.AWAITING_APPROVAL, Reason.CONTACT_ARCHIVED, Reason.AWAITING_APPROVAL),
        ]
        assert sorted(bill.number for bill in world.org.bills()) == ["M-1", "M-3"]
        assert world.standing("M-2").case.link.bill_id == ""

    @pytest.mark.parametrize(("paid", "reason"), [(None, Reason.BILL_PAID), (100, Reason.BILL_PART_PAID)])
    def test_an_accepted_edit_that_xero_dropped_is_not_taken_for_done(self, world, paid, reason):
        self.billed(world)
        before_writing(world, lambda: (world.org.approve("M-1"), world.org.pay("M-1", paid)))
        world.put(amount=Decimal("999.00"))
        report = world.turn()
        assert (report.updated, report.refused) == (1, 0)  # Xero said 200 without an error
        assert (world.reason(), world.bill().total) == (reason, Decimal("1200.00"))
        assert world.standing().case.link.seen.total == Decimal("1200.00")

    def test_a_refused_element_that_echoes_our_wish_is_not_taken_for_the_bill(self, world):
        self.billed(world)
        before_writing(world, lambda: world.org.approve("M-1"))
        world.put(amount=Decimal("999.00"))
        world.turn()
        standing = world.standing()
        assert (standing.verdict.reason, standing.case.bill.total) == (Reason.BILL_APPROVED, Decimal("1200.00"))
        assert standing.case.link.seen.total == Decimal("1200.00")

    def test_a_lock_set_between_reading_and_writing_is_named_with_its_date(self, make_world):
        world = make_world(organisation='mode = "sync"\nbill_status = "authorised"')
        world.sweep()
        before_writing(world, lambda: world.org.lock(year=world.xero.now().date()))
        world.put()
        world.turn()
        verdict = world.standing().verdict
        assert (verdict.reason, verdict.lock) == (Reason.YEAR_LOCKED, world.xero.now().date())
        assert verdict.proposed == verdict.lock + dt.timedelta(days=1)

    def test_an_account_archived_between_reading_and_writing_is_named_by_its_code(self, world):
        before_writing(world, lambda: world.org.archive_account("480"))
        world.put()
        world.turn()
        verdict = world.standing().verdict
        assert (verdict.reason, verdict.message) == (Reason.ACCOUNT_UNUSABLE, "480")

    def test_words_that_nobody_knows_reach_the_accountant_as_they_are(self, make_world):
        words = "Die Rechnung Nr. 7 passt uns heute nicht; see “rule 12”."
        world = make_world(policy='approved_bills = "update"')
        world.sweep()
        self.billed(world)
        world.org.approve("M-1")
        world.sweep()
        world.xero.switch(lock_edit_text=words)
        before_writing(world, lambda: world.org.lock(period=world.xero.now().date()))
        world.put(amount=Decimal("999.00"))
        world.turn()
        assert (world.reason(), world.standing().verdict.message) == (Reason.REFUSED, words)

    def billed(self, world: World) -> None:
        world.put()
        world.turn()
        assert world.reason() is Reason.AWAITING_APPROVAL
