"""Roads: what leads a fresh world to a reason, what cures it, how the milestone stands then; and what they share."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from reconciler.reasons import Reason

DAY = dt.timedelta(days=1)
PRICE = Decimal("1200.00")
OTHER = Decimal("1300.00")
AUTHORISED = 'mode = "sync"\nbill_status = "authorised"'
WATCH = 'mode = "watch"'

Make = Callable[..., Any]


@dataclasses.dataclass
class Reached:
    """A world in which `key` stands under the reason of the road."""

    world: Any
    cure: Callable[[], object]
    after: Reason
    key: str = "M-1"


ROADS: dict[Reason, Callable[[Make], Reached]] = {}


def road(reason: Reason) -> Callable[[Callable[[Make], Reached]], Callable[[Make], Reached]]:
    def known(walk: Callable[[Make], Reached]) -> Callable[[Make], Reached]:
        assert reason not in ROADS
        ROADS[reason] = walk
        return walk

    return known


def ready(make: Make, **how: Any) -> Any:
    """A swept world."""
    world = make(**how)
    world.sweep()
    return world


def billed(make: Make, **how: Any) -> Any:
    """A world in which M-1 was billed."""
    world = ready(make, **how)
    world.put()
    world.turn()
    assert world.writes() == 1
    return world


def approved(make: Make, **how: Any) -> Any:
    world = billed(make, **how)
    world.org.approve("M-1")
    world.sweep()
    return world


def paid(make: Make, amount: Decimal | None = None) -> Any:
    world = approved(make)
    world.org.pay("M-1", amount)
    world.sweep()
    return world


def changed(world: Any, **changes: Any) -> None:
    """The platform changes the milestone."""
    world.put(**changes)
    world.turn()


def by_hand(world: Any, **fields: Any) -> Any:
    """A bill made in Xero by hand that equals M-1."""
    fields = {"contact": "Payee of M-1", "total": PRICE, "date": world.xero.now().date(), **fields}
    return world.org.add_bill(**fields)
