"""The fixtures of the attacks: the same worlds as end to end, and a fort that stands for a module's tests."""

import contextlib
from collections.abc import Iterator

import pytest
from databases import Databases
from fort import Fort, running, settings
from letterbox import Letterbox
from world import World, config_text, open_house
from worlds import environ, impatient, make_world, world, xero
from worlds import sandbox_of_today as running_sandbox

from billwatch.sandbox import Sandbox

__all__ = ["environ", "impatient", "make_world", "running_sandbox", "world", "xero"]


@pytest.fixture(scope="module")
def fort(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str], databases: Databases) -> Iterator[Fort]:
    """A daemon of its own sandbox, letterbox and database, shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("fort")
    with contextlib.ExitStack() as stack:
        own, letterbox = stack.enter_context(Sandbox()), stack.enter_context(Letterbox())
        own.limits(on=False)
        org = own.organisation("Example Trust")
        database = stack.enter_context(databases.lent(folder))
        text = config_text(own, org.tenant_id, database, extra=settings(letterbox))
        house = stack.enter_context(open_house(text, own, folder, environ))
        yield stack.enter_context(running(World(own, org, house, lambda **_: house), letterbox, folder))
