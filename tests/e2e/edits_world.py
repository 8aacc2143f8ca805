"""A billed milestone, and somebody who edits its bill in Xero at an awkward moment."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

PRICE = Decimal("1200.00")
OTHER = Decimal("1300.00")
THEIRS = Decimal("1250.00")


@pytest.fixture
def billed(world):
    world.put()
    world.turn()
    return world


def during(world: Any, name: str, act: Callable[[], object]) -> None:
    """Do something once, just before the client's next call of that name."""
    client = world.cycle._pusher._xero
    real = getattr(client, name)

    def call(*args: Any, **more: Any) -> Any:
        setattr(client, name, real)
        act()
        return real(*args, **more)

    setattr(client, name, call)


def bodies(world: Any) -> list[dict[str, Any]]:
    """The elements of every write from now on."""
    client, sent = world.cycle._pusher._xero, []
    real = client.send

    def send(attempt: Any) -> Any:
        sent.extend(json.loads(attempt.body)["Invoices"])
        return real(attempt)

    client.send = send
    return sent
