"""Whoever runs the machine is mailed before something stops, once; a dead machine is noticed by others."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from outside import beats
from world import KEY, World, until

from billwatch.daemon import Daemon
from billwatch.watch import Heartbeat
from notify.watching import Sign
from notify.writer import Nothing
from reconciler.callers import new_hook_secret
from reconciler.records import Delivery, Event, Mail, MailKind
from reconciler.xero_port import Budget, Window
from storage import Ledger
from storage.backup import back_up, restore

__all__ = ["beats"]

HOOK = '[[hook]]\nname = "platform"\nurl = "https://grants.example.org/hooks"\nsecrets = ["env:HOOK_SECRET"]\n'


def signs(world: World) -> list[Sign]:
    return list(world.house.watchman().watched(KEY).signs)


def names(world: World) -> list[str]:
    return [sign.name for sign in signs(world)]


def owed(world: World) -> list[Mail]:
    """The mails of the watchman that are owed."""
    return [mail for mail in world.house.ledger.outbox.owed(KEY) if mail.kind is MailKind.WATCH]


def heard(world: World) -> None:
    """A webhook of Xero's tells of a bill, and is read."""
    now = world.house.clock()
    event = Event(world.org.tenant_id, "INVOICE", "some-bill", "UPDATE", now)
    inbox = world.house.ledger.inbox
    store = world.house.ledger._store.requests()
    store.insert([(now, "k", b"{}")])
    store.close()
    inbox.drain(lambda _body: Delivery([event]), {world.org.tenant_id: KEY}, now)


def test_nothing_is_said_while_all_is_well(world: World) -> None:
    world.put()
    world.turn()
    heard(world)
    world.house.watchman().look()
    assert signs(world) == []
    assert owed(world) == []


def test_silent_webhooks_are_told_of_while_sweeps_see_changes(world: World) -> None:
    heard(world)
    world.xero.advance(hours=1)
    world.put()
    world.sweep()
    world.sweep()
    world.xero.advance(hours=2)
    assert "webhooks" not in names(world)
    world.xero.advance(hours=2)
    assert "webhooks" in names(world)
    heard(world)
    assert "webhooks" not in names(world)


def numbered(world: World, *numbers: int) -> None:
    """Webhooks of one event each come with these numbers, and are read."""
    now, store = world.house.clock(), world.house.ledger._store.requests()
    event = {"tenantId": "t", "resourceId": "b", "eventCategory": "INVOICE", "eventType": "UPDATE"}
    for number in numbers:
        named = {"firstEventSequence": number, "lastEventSequence": number}
        told = {"events": [event | {"eventDateUtc": now.isoformat()}], **named}
        store.insert([(now, "env:WEBHOOK_KEY", json.dumps(told).encode())])
    store.close()
    world.xero.advance(minutes=1)
    assert world.house.drain()


def test_webhooks_that_are_missing_by_their_numbers_are_told_of_until_they_come(world: World) -> None:
    numbered(world, *range(1, 21))
    numbered(world, 23)
    world.xero.advance(minutes=115)
    assert signs(world) == []
    world.xero.advance(minutes=10)
    (sign,) = signs(world)
    assert "2 events did not come" in sign.happened
    assert "Nothing is lost" in sign.happened
    numbered(world, 22, 21)
    assert signs(world) == []


@pytest.mark.file
def test_a_restored_copy_does_not_miss_what_came_since_it_was_made(world: World, tmp_path: Path) -> None:
    numbered(world, *range(1, 21))
    copy, url = tmp_path / "copy.db", world.house.config.storage.url
    back_up(url, copy)
    world.house.close()
    restore(url, copy, tmp_path / "aside.db")
    with Ledger.open(url) as ledger:
        assert ledger.numberings.all() == {}


def test_nobody_is_mailed_once_billwatch_stops(world: World) -> None:
    world.put()
    world.turn()
    left = Budget({"day": Window(150, world.house.clock(), world.house.clock())})
    world.house.ledger.budgets.keep({KEY: left}, KEY, {})
    world.house.watchman().look(lambda: True)
    assert owed(world) == []


def test_the_operator_is_mailed_once_and_again_only_when_something_else_turns_up(world: World) -> None:
    world.put()
    world.turn()
    left = Budget({"day": Window(150, world.house.clock(), world.house.clock())})
    world.house.ledger.budgets.keep({KEY: left}, KEY, {})
    for _ in range(3):
        world.house.watchman().look()
    (mail,) = owed(world)
    assert mail.recipient == "ops@example.org"
    letter = world.house.writer().letter(mail)
    assert letter.message["Subject"] == "billwatch: Xero's calls for today run out"
    body = letter.message.get_body(("plain",))
    assert body is not None
    assert "150 calls to Xero are left for today." in body.get_content()
    world.house.ledger.budgets.keep({KEY: Budget()}, KEY, {})
    world.house.watchman().look()
    world.house.ledger.budgets.keep({KEY: left}, KEY, {})
    world.house.watchman().look()
    assert len(owed(world)) == 2


def test_a_mail_about_what_is_over_is_not_sent(world: World) -> None:
    world.house.ledger.budgets.keep(
        {KEY: Budget({"day": Window(1, world.house.clock(), world.house.clock())})}, KEY, {}
    )
    world.house.watchman().look()
    (mail,) = owed(world)
    world.house.ledger.budgets.keep({KEY: Budget()}, KEY, {})
    with pytest.raises(Nothing):
        world.house.writer().letter(mail)


def test_an_endpoint_that_was_switched_off_is_told_of(
    make_world: Callable[..., World], environ: dict[str, str]
) -> None:
    environ["HOOK_SECRET"] = new_hook_secret()
    world = make_world(extra=HOOK)
    hooks, now = world.house.ledger.hooks, world.house.clock()
    hooks.spread("platform", [KEY], [], now)
    assert signs(world) == []
    hooks.switch_off("platform", "it answered 410 Gone", now)
    (sign,) = signs(world)
    assert "it answered 410 Gone" in sign.happened
    assert "billwatch hooks on --name platform" in sign.todo


def test_work_that_waits_too_long_is_told_of(world: World) -> None:
    world.put()
    world.turn()
    world.org.approve("M-1")
    world.put(amount=Decimal("1500.00"))
    world.sweep()
    assert world.house.ledger.census.owed([KEY])[KEY][0].what == "mails to send"
    assert signs(world) == []
    world.xero.advance(hours=3)
    assert "mails to send" in names(world)


HOUR = dt.timedelta(hours=1)


def test_the_heart_beats_only_while_every_organisation_was_read_lately(beats: Any) -> None:
    url, heard = beats
    now = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    heart = Heartbeat(url, HOUR, ["acme", "beta"], lambda: now)
    assert not heart.beat(lambda: {"acme": now})
    assert not heart.beat(lambda: {"acme": now, "beta": None})
    assert not heart.beat(lambda: {"acme": now, "beta": now - 2 * HOUR})
    assert heart.beat(lambda: {"acme": now, "beta": now})
    assert heard == ["/ping"]


def test_the_heart_beats_once_a_minute_however_many_are_read(beats: Any) -> None:
    url, heard = beats
    now = iter(dt.datetime(2026, 7, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=s) for s in range(0, 120, 5))
    heart = Heartbeat(url, HOUR, ["acme"], lambda: next(now))
    assert sum(heart.beat(lambda: {"acme": dt.datetime(2026, 7, 1, tzinfo=dt.UTC)}) for _ in range(12)) == len(heard)
    assert len(heard) == 1


def test_a_heartbeat_that_cannot_be_sent_stops_nothing() -> None:
    now = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    assert not Heartbeat("http://127.0.0.1:1/", HOUR, ["acme"], lambda: now).beat(lambda: {"acme": now})
    assert not Heartbeat("", HOUR, ["acme"], lambda: now).beat(lambda: {"acme": now})


def test_a_running_daemon_beats_after_its_sweep(make_world: Callable[..., World], beats: Any) -> None:
    url, heard = beats
    daemon = Daemon(make_world(extra=f'[watch]\nheartbeat_url = "{url}"').house)
    daemon.start()
    try:
        until(lambda: heard)
    finally:
        daemon.stop()
