"""A dead mail server, a clock that jumps, a zone that changes, the night the clocks change,
and the 29th of February: what happens then, and that nothing is lost or done twice.
"""

import datetime as dt
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from letterbox import Letterbox
from world import KEY, World

from billwatch.wiring import House
from reconciler.reasons import Reason

KEYS = [f"M-{number}" for number in range(1, 4)]


def test_a_dead_mail_server_loses_no_mail_and_doubles_none(make_world):
    with Letterbox() as letterbox:
        extra = f'[mail]\nhost = "127.0.0.1"\nport = {letterbox.port}\nsecurity = "none"\nsender = "b@example.org"'
        world = make_world(extra=f"{extra}\ncollect_seconds = 0")
    world.sweep()
    world.put()
    world.turn()
    world.org.edit("M-1", total="1300.00")
    world.sweep()
    for _ in range(5):
        delivered = world.house.postman().deliver()
        assert delivered.sent == 0
        world.xero.advance(minutes=61)
    assert world.house.ledger.overview.health(KEY).mails_owed == 1
    again = Letterbox(port=letterbox.port)
    with again:
        for _ in range(3):
            world.house.postman().deliver()
            world.xero.advance(minutes=61)
    assert [letter.recipient for letter in again.letters] == ["accounts@example.org"]


@pytest.mark.parametrize("jump", [dt.timedelta(hours=-1), dt.timedelta(days=-1), dt.timedelta(days=2)])
def test_a_clock_that_jumps_bills_nothing_twice_and_misses_nothing(world, jump):
    ahead = dt.timedelta(0)
    house = House(world.house.config, clock=lambda: world.xero.now() + ahead, wait=lambda _seconds: None)
    world.house.close()
    world.house = house
    with house:
        world.put("M-1")
        world.sweep()
        ahead = jump
        world.put("M-2")
        world.org.edit("M-1", total="1300.00")
        for _ in range(3):
            world.xero.advance(minutes=61)
            world.sweep()
        assert world.reason("M-1") is Reason.CHANGED_IN_XERO
        assert sorted(bill.number for bill in world.org.bills()) == ["M-1", "M-2"]
        ahead = dt.timedelta(0)
        world.put("M-3")
        for _ in range(3):
            world.xero.advance(minutes=61)
            world.sweep()
        assert sorted(bill.number for bill in world.org.bills()) == KEYS
        assert [flag.key for flag in world.open_flags() if flag.key] == ["M-1"]


@pytest.fixture
def zone() -> Iterator[Any]:
    """Changes the zone of this machine."""
    before = os.environ.get("TZ")

    def change(name: str) -> None:
        os.environ["TZ"] = name
        time.tzset()

    yield change
    os.environ.pop("TZ")
    os.environ.update({"TZ": before} if before else {})
    time.tzset()


def test_the_zone_of_the_machine_moves_no_date(world, zone):
    zone("Pacific/Kiritimati")
    world.put("M-1")
    world.turn()
    before = (world.bill("M-1").day, world.bill("M-1").due, world.reason())
    zone("America/Los_Angeles")
    world.house.ledger.milestones.touch(KEY)
    world.sweep()
    assert (world.bill("M-1").day, world.bill("M-1").due, world.reason()) == before
    assert world.writes() == 1


def at(world: World, *moment: int) -> None:
    """Move the clock to that moment, in UTC."""
    world.xero.advance(seconds=(dt.datetime(*moment, tzinfo=dt.UTC) - world.xero.now()).total_seconds())


@pytest.mark.parametrize(
    ("begin", "day"),
    [((2027, 4, 3, 10), dt.date(2027, 4, 4)), ((2027, 9, 25, 10), dt.date(2027, 9, 26))],
    ids=["an hour twice", "an hour missing"],
)
def test_in_the_night_the_clocks_change_every_day_stays_itself(make_world, begin, day):
    """New Zealand's clocks go back on the first Sunday of April, and forward on the last of September."""
    world = make_world(country="NZ")
    at(world, *begin)
    world.sweep()
    world.put("M-1", date=day)
    world.put("M-2", date=day + dt.timedelta(days=1))
    world.turn()
    world.org.lock(period=day)
    for key in ("M-1", "M-2"):
        assert world.bill(key).day == world.standing(key).case.milestone.date
    world.put("M-3", date=day)
    seen = set()
    for _ in range(20):
        world.xero.advance(minutes=30)
        world.sweep()
        seen.add((world.reason("M-1"), world.reason("M-2"), world.reason("M-3")))
    assert seen == {(Reason.LOCKED_DRAFT, Reason.AWAITING_APPROVAL, Reason.LOCKED_DRAFT)}
    assert (world.writes(), len(world.org.bills())) == (1, 2)
    assert all(len(world.flags(key)) == 1 for key in ("M-1", "M-3"))


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ("14 days", dt.date(2028, 3, 14)),
        ("end of month", dt.date(2028, 2, 29)),
        ("20th of following month", dt.date(2028, 3, 20)),
        ("end of following month", dt.date(2028, 3, 31)),
    ],
)
def test_the_29th_of_february_is_a_day_like_any_other(make_world, due, expected):
    world = make_world(organisation=f'mode = "sync"\ndue = "{due}"')
    at(world, 2028, 2, 28, 12)
    world.sweep()
    leap = dt.date(2028, 2, 29)
    world.put("M-1", date=leap)
    world.turn()
    assert (world.bill("M-1").day, world.bill("M-1").due) == (leap, expected)
    world.org.lock(period=leap)
    world.put("M-2", date=leap)
    world.sweep()
    assert world.standing("M-2").verdict.proposed == dt.date(2028, 3, 1)
    at(world, 2029, 2, 28, 12)
    world.sweep()
    assert (world.reason("M-1"), world.writes()) == (Reason.LOCKED_DRAFT, 1)
