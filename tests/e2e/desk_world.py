"""Worlds whose mails go to a letterbox, and people who act on the links in them."""

import datetime as dt
import functools
from typing import Any

import pytest
from letterbox import Letter, Letterbox

from receiver.ports import Done, LinkRefused
from reconciler.reasons import Choose
from reconciler.records import Choice

DAY = dt.timedelta(days=1)


@pytest.fixture
def letterbox():
    with Letterbox() as box:
        yield box


@pytest.fixture
def make(make_world, letterbox):
    """Makes worlds whose mails go to the letterbox at once."""
    extra = f"""
public_url = "https://grants.example.org"
[mail]
host = "127.0.0.1"
port = {letterbox.port}
security = "none"
sender = "billwatch@example.org"
collect_seconds = 0
"""
    return functools.partial(make_world, extra=extra)


def deliver(world: Any, letterbox: Letterbox) -> list[Letter]:
    """Send all that is due, and a second time to see that nothing is sent twice; the letters that came."""
    before = len(letterbox.letters)
    for _ in range(2):
        world.house.postman().deliver()
    return letterbox.letters[before:]


def act(world: Any, token: str, kind: Choose, *keys: str, **more: Any) -> Done:
    """Look at the page of a link and decide on just that."""
    sheet = world.house.desk.show(token)
    chosen = keys or [item.case.milestone.key for item in sheet.items]
    choice = Choice(kind, by="Ann Example", at=world.house.clock(), **more)
    return world.house.desk.act(token, sheet.fingerprint, choice, chosen)


def refused(world: Any, token: str) -> str:
    with pytest.raises(LinkRefused) as refusal:
        world.house.desk.show(token)
    return refusal.value.why
