"""A world with the API served over a real socket, on the sandbox's clock."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from calling import Caller, serve
from worlds import environ, impatient, make_world, world, xero
from worlds import sandbox_of_today as running_sandbox

__all__ = ["environ", "impatient", "make_world", "running_sandbox", "world", "xero"]


@pytest.fixture
def calling(make_world: Callable[..., Any]) -> Iterator[Callable[..., Caller]]:
    """Makes callers: of a fresh world with these settings, with a key that may read and write."""
    opened: list[Caller] = []

    def make(**settings: Any) -> Caller:
        world = make_world(**settings)
        world.sweep()
        opened.append(serve(world))
        return opened[-1]

    yield make
    for caller in opened:
        caller.close()


@pytest.fixture
def caller(calling: Callable[..., Caller]) -> Caller:
    return calling()
