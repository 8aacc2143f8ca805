"""What became known: one feed in one order, and events out, verified with the specification's own library."""

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from calling import Caller
from click.testing import CliRunner
from outside import Ear, served
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from world import KEY, World, until

from billwatch.cli import main
from billwatch.daemon import Daemon
from notify.hooks import DEAD, WAITS, Courier, spaced
from reconciler.callers import hook_key, new_hook_secret
from reconciler.errors import ConfigurationError
from reconciler.milestone_port import Notice
from reconciler.model import Link, Verdict
from reconciler.progress import What
from reconciler.reasons import Action, Choose, Reason

OLD, NEW = new_hook_secret(), new_hook_secret()


@dataclass
class Listener:
    """An endpoint: what it was sent, and what it answers next."""

    url: str = ""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 204

    def told(self) -> list[dict[str, Any]]:
        """What was sent, as the published library reads it once it has verified it."""
        return [Webhook(OLD).verify(body, headers) for headers, body in self.heard]


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()

    class Handler(Ear):
        def hear(self, body: bytes) -> None:
            listening.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.answer(listening.status)

    with served(Handler) as server:
        listening.url = f"http://127.0.0.1:{server.server_port}/hooks"
        yield listening


@pytest.fixture
def sending(make_world: Callable[..., World], listener: Listener, tmp_path: Path) -> tuple[World, Courier]:
    (tmp_path / "secret").write_text(f"{NEW}\n{OLD}\n", encoding="utf-8")
    hook = f'[[hook]]\nname = "platform"\nurl = "{listener.url}"\nsecrets = ["file:{tmp_path}/secret"]'
    world = make_world(extra=hook)
    world.sweep()
    (courier,) = world.house.couriers()
    assert courier.deliver() == 0
    return world, courier


@pytest.fixture
def owed(sending: tuple[World, Courier]) -> tuple[World, Courier]:
    """M-1 is billed, and nobody was told yet."""
    world, _ = sending
    world.put()
    world.turn()
    return sending


def a_life(world: World) -> None:
    """Billed, approved, paid, payment taken back, voided, decided."""
    world.put()
    world.turn()
    for act in ("approve", "pay", "unpay", "void"):
        getattr(world.org, act)("M-1")
        world.sweep()
    world.choose(Choose.BILL_AGAIN)


LIFE = [
    "milestone.billed",
    "milestone.approved",
    "milestone.paid",
    "milestone.payment_reversed",
    "milestone.flagged",
    "milestone.voided",
    "milestone.flagged",
    "milestone.decided",
    "milestone.cleared",
    "milestone.billed",
]


def test_the_life_of_a_milestone_is_told_in_order_and_verifies_with_the_published_library(
    sending: tuple[World, Courier], listener: Listener
) -> None:
    world, courier = sending
    a_life(world)
    assert courier.deliver() == len(LIFE)
    assert [each["type"] for each in listener.told()] == LIFE
    paid = listener.told()[2]["data"]
    assert (paid["key"], paid["bill_status"], paid["total"], paid["settled"]) == ("M-1", "PAID", "1200.00", "1200.00")
    ids = [headers["webhook-id"] for headers, _ in listener.heard]
    assert len(set(ids)) == len(LIFE)
    assert courier.deliver() == 0


def test_an_event_verifies_with_either_secret_and_with_no_other(
    owed: tuple[World, Courier], listener: Listener
) -> None:
    _, courier = owed
    courier.deliver()
    ((headers, body),) = listener.heard
    assert Webhook(OLD).verify(body, headers) == Webhook(NEW).verify(body, headers)
    for tampered, secret in ((body + b" ", OLD), (body, new_hook_secret())):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(tampered, headers)


def test_the_feed_tells_the_same_in_the_same_order(caller: Caller) -> None:
    a_life(caller.world)
    first = caller.ask("GET", f"/api/v1/organisations/{KEY}/changes", params={"limit": 4})
    assert first["more"]
    rest = caller.changes(first["next"])
    types = [each["type"] for each in (*first["items"], *rest["items"])]
    assert [each for each in types if each != "milestone.verdict"] == LIFE
    cursors = [int(each["cursor"]) for each in (*first["items"], *rest["items"])]
    assert cursors == sorted(set(cursors))
    assert caller.changes(rest["next"]) == {"items": [], "next": rest["next"], "more": False}


def test_a_cursor_from_before_what_is_kept_is_answered_with_what_to_do_and_never_with_a_part(caller: Caller) -> None:
    a_life(caller.world)
    begun = caller.changes()
    cursors = [each["cursor"] for each in begun["items"]]
    caller.world.xero.advance(days=366)
    caller.world.house.forget()
    path = f"/api/v1/organisations/{KEY}/changes"
    for cursor in ("0", *cursors[:-2]):
        told = caller.ask("GET", path, params={"after": cursor}, status=410)
        assert told["type"] == "urn:billwatch:problem:cursor-too-old"
        assert "empty `after`" in told["detail"]
    kept = begun["items"][-1:]
    assert caller.changes()["items"] == caller.changes(cursors[-2])["items"] == kept
    assert caller.changes(cursors[-1])["items"] == []


def test_what_others_lost_makes_no_cursor_of_ours_too_old(caller: Caller) -> None:
    ledger, now = caller.world.house.ledger, caller.world.house.clock()
    a_life(caller.world)
    after = caller.changes()["next"]
    for _ in range(3):
        alert = Verdict(Action.HOLD, Reason.CONNECTION_LOST, Link())
        ledger.milestones.raise_alert("another", alert, Notice(lambda _: (), now), now)
        ledger.milestones.clear_alerts("another", [], Notice(lambda _: (), now), now)
    caller.world.xero.advance(days=366)
    caller.world.house.forget()
    assert caller.changes(after)["items"] == []


def test_a_lost_connection_is_told_once_and_so_is_its_return(caller: Caller) -> None:
    after = caller.changes()["next"]
    world = caller.world
    right, world.org.books.organisation_id = world.org.books.organisation_id, str(uuid.uuid4())
    for _ in range(2):
        world.sweep()
    world.org.books.organisation_id = right
    world.sweep()
    told = caller.changes(after)["items"]
    assert [(each["type"], each["reason"]) for each in told] == [
        ("organisation.disconnected", "WRONG_ORGANISATION"),
        ("organisation.connected", "WRONG_ORGANISATION"),
    ]


def test_what_is_not_taken_is_sent_again_over_days_with_the_same_id_and_bytes(
    owed: tuple[World, Courier], listener: Listener
) -> None:
    world, courier = owed
    listener.status = 500
    for wait in WAITS:
        assert courier.deliver() == 0
        tried = len(listener.heard)
        courier.deliver()
        assert len(listener.heard) == tried, "it rests"
        world.xero.advance(seconds=wait.total_seconds() * 1.2 + 1)
    listener.status = 200
    assert courier.deliver() == 1
    assert len(listener.heard) == len(WAITS) + 1
    assert len({(headers["webhook-id"], body) for headers, body in listener.heard}) == 1
    assert sum(WAITS, dt.timedelta()) > dt.timedelta(days=3)


def test_a_crash_after_sending_repeats_the_event_and_one_before_loses_none(
    owed: tuple[World, Courier], listener: Listener
) -> None:
    world, courier = owed
    hooks, mine = world.house.ledger.hooks, courier.endpoint
    hooks.spread(mine.name, mine.organisations, mine.whats, world.house.clock())
    assert hooks.claim(mine.name, world.house.clock(), dt.timedelta(minutes=2))
    assert courier.deliver() == 0
    world.xero.advance(minutes=3)
    assert courier.deliver() == 1
    assert [each["type"] for each in listener.told()] == ["milestone.billed"]


@pytest.mark.parametrize("status", [410, 500])
def test_an_endpoint_that_is_gone_or_stays_dead_is_switched_off_and_nothing_is_lost(
    owed: tuple[World, Courier], listener: Listener, status: int
) -> None:
    world, courier = owed
    listener.status = status
    courier.deliver()
    if status != 410:
        world.xero.advance(seconds=DEAD.total_seconds())
        courier.deliver()
    state = world.house.ledger.hooks.state("platform")
    assert state is not None
    assert state.off_because == ("it answered 410 Gone" if status == 410 else "it has taken nothing for 5 days")
    tried = len(listener.heard)
    world.xero.advance(days=1)
    courier.deliver()
    assert len(listener.heard) == tried
    listener.status = 200
    assert world.house.ledger.hooks.switch_on("platform")
    assert courier.deliver() == 1


def test_events_are_sent_again_by_command(
    owed: tuple[World, Courier], listener: Listener, tmp_path: Path, environ: dict[str, str]
) -> None:
    world, courier = owed
    courier.deliver()
    config = tmp_path / "billwatch.toml"
    config.write_text(world_text(world, listener, tmp_path), encoding="utf-8")

    def run(*words: str, code: int = 0) -> str:
        env = environ | {"CLIENT_SECRET": "x"}
        done = CliRunner(env=env).invoke(main, ["--config", str(config), "hooks", *words])
        assert done.exit_code == code, done.output
        return done.output

    assert "platform" in run("list")
    assert "1 event is owed to platform again; a running daemon sends it now." in run("replay")
    world.xero.advance(seconds=5)
    assert courier.deliver() == 1
    assert listener.heard[0][0]["webhook-id"] == listener.heard[1][0]["webhook-id"]
    assert "took it: 204" in run("test")
    assert listener.told()[-1]["type"] == "billwatch.test"
    listener.status = 500
    assert "did not take it: 500" in run("test", code=1)
    assert "was not switched off" in run("on", code=1)
    assert hook_key(run("secret").strip())
    assert "no endpoint" in run("replay", "--name", "other", code=2)


def test_a_running_daemon_sends_what_becomes_known(sending: tuple[World, Courier], listener: Listener) -> None:
    world, _ = sending
    daemon = Daemon(world.house)
    daemon.start()
    try:
        with world.cycle.lock:
            world.put()
        until(lambda: listener.heard)
    finally:
        daemon.stop()
    assert listener.told()[0]["type"] == "milestone.billed"


def test_events_are_kept_for_ninety_days_after_they_were_taken_and_for_good_before(
    owed: tuple[World, Courier], listener: Listener
) -> None:
    world, courier = owed
    courier.deliver()
    world.put("M-2")
    world.turn()
    listener.status = 500
    courier.deliver()
    hooks, now = world.house.ledger.hooks, world.house.clock()
    assert hooks.forget(now - dt.timedelta(days=90)) == 0
    assert hooks.forget(now + dt.timedelta(days=1)) == 1
    state = hooks.state("platform")
    assert state is not None
    assert state.owed == 1


def world_text(world: World, listener: Listener, folder: Path) -> str:
    hook = f'[[hook]]\nname = "platform"\nurl = "{listener.url}"\nsecrets = ["file:{folder}/secret"]'
    return world.text(extra=hook)


def test_a_new_endpoint_hears_of_what_is_to_come_alone(sending: tuple[World, Courier]) -> None:
    world, courier = sending
    a_life(world)
    hooks, now = world.house.ledger.hooks, world.house.clock()
    assert hooks.spread("late", [KEY], [What.BILLED], now) == 0
    assert hooks.claim("late", now, dt.timedelta(minutes=1)) is None
    assert hooks.spread("platform", ["elsewhere"], [What.BILLED], now) == 0
    assert courier.deliver() == 0


def test_the_schedule_is_spread_by_chance_and_never_shorter() -> None:
    assert [spaced(n, 0.0) for n in range(len(WAITS))] == list(WAITS)
    assert spaced(1, 1.0) == WAITS[1] * 1.2


def test_a_payload_is_json_of_the_published_form(sending: tuple[World, Courier], listener: Listener) -> None:
    world, courier = sending
    a_life(world)
    courier.deliver()
    for _, body in listener.heard:
        told = json.loads(body)
        assert set(told) == {"type", "timestamp", "data"}
        assert told["timestamp"].endswith("Z")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "whsec_" + "a" * 200, "a" * 44])
def test_what_is_no_secret_of_the_specification_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        hook_key(secret)


HOOK = '[[hook]]\nname = "platform"\nurl = "https://grants.example.org/hooks"\nsecrets = ["env:HOOK"]\n'


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (HOOK + HOOK, 'names "platform" twice'),
        (HOOK + 'organisations = ["lost"]', 'names the organisation "lost", which is not there'),
        (HOOK + 'events = ["milestone.sold"]', "must be"),
        (HOOK.replace("https://", "http://"), "an https address"),
        (HOOK.replace("env:HOOK", "env:LINK_KEY"), "does not hold a secret of Standard Webhooks"),
    ],
    ids=["twice", "strange organisation", "strange event", "plain http", "no secret"],
)
def test_an_endpoint_that_cannot_be_is_refused_at_the_start(
    make_world: Callable[..., World], environ: dict[str, str], extra: str, told: str
) -> None:
    environ["HOOK"] = NEW
    with pytest.raises(ConfigurationError, match=told):
        make_world(extra=extra)
