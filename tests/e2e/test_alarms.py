"""What dies is told of within its stated time: by mail while mail goes out, and by an alert; and not before.

The stated times are those of `docs/operating.md`, which `tests/docs/test_alerts.py` holds against rules and settings.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from alarms import STEP, SWEEP, Day, Doors, delay, judged
from letterbox import Letterbox
from outside import beats
from wires import Wire
from world import KEY, World, open_house

from billwatch.sandbox import Sandbox
from billwatch.sections import Reconciler, Watch

__all__ = ["beats"]

HOUR = dt.timedelta(hours=1)
SETTINGS = """
metrics = "open"
[watch]
heartbeat_url = "{beats}"
[reconciler]
quiet_seconds = 0
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "billwatch@example.org"
timeout_seconds = 5
"""


@pytest.fixture
def wires() -> Iterator[Callable[[int], Wire]]:
    with contextlib.ExitStack() as stack:
        yield lambda port: stack.enter_context(Wire(port))


@pytest.fixture
def day(
    make_world: Callable[..., World],
    xero: Sandbox,
    wires: Callable[[int], Wire],
    beats: tuple[str, list[str]],
    tmp_path: Path,
    environ: dict[str, str],
) -> Iterator[tuple[Day, Wire, Wire]]:
    """A day at work, with the wires to Xero and to the mail server."""
    with Letterbox() as letterbox, contextlib.ExitStack() as stack:
        to_xero, to_mail = wires(urlsplit(xero.url).port or 0), wires(letterbox.port)
        plain = make_world()
        text = plain.text(extra=SETTINGS.format(beats=beats[0], port=to_mail.port))
        house = stack.enter_context(open_house(text.replace(xero.url, to_xero.url), xero, tmp_path, environ))
        world = World(xero, plain.org, house, plain.reopen)
        doors = Doors(house)
        doors.start()
        made = Day(world, doors.url, letterbox, beats[1])
        try:
            world.put()
            made.goes_on(hours=1)
            assert (made.letters, bool(made.beats)) == ([], True)
            yield made, to_xero, to_mail
        finally:
            doors.stop()


def test_a_dead_mail_server_is_told_of_by_an_alert_and_by_silence_to_whoever_watches(
    day: tuple[Day, Wire, Wire], tmp_path: Path
) -> None:
    made, _, to_mail = day
    to_mail.cut()
    made.world.org.approve("M-1")
    made.world.put(amount=Decimal("1500.00"))
    made.waits(made.world.house.ledger.outbox.failing_since, minutes=20)
    begun = made.now
    took = made.waits(lambda: made.firing("BillwatchMailsFail"), hours=3)
    stated = delay("BillwatchMailsFail")
    assert stated - STEP <= took <= stated + STEP
    judged(made, "BillwatchMailsFail", begun, tmp_path)
    beaten = len(made.beats)
    made.goes_on(hours=1)
    assert len(made.beats) == beaten
    assert httpx.get(f"{made.url}/readyz", timeout=10).status_code == 200
    assert made.letters == []
    to_mail.mend()
    # Each of the mails has a pause of its own before it is tried again.
    made.waits(lambda: not made.world.house.ledger.outbox.failing_since(), hours=6)
    assert made.letters
    made.goes_on(minutes=30)
    assert not made.firing("BillwatchMailsFail")
    assert len(made.beats) > beaten


def test_an_unreachable_xero_is_told_of_by_mail_and_alert(day: tuple[Day, Wire, Wire], tmp_path: Path) -> None:
    made, to_xero, _ = day
    swept = made.world.house.ledger.mirror.books(KEY).swept_at
    assert swept
    to_xero.cut()
    beaten = len(made.beats)
    made.waits(lambda: made.letters, hours=3)
    stated = dt.timedelta(minutes=Reconciler().fresh_minutes)
    assert stated <= made.now - swept <= stated + SWEEP
    (letter,) = made.letters
    assert letter.recipient == "ops@example.org"
    assert "Xero could not be read completely for too long" in letter.text
    made.waits(lambda: made.firing("BillwatchNotSweeping"), hours=1)
    assert delay("BillwatchNotSweeping") <= made.now - swept <= delay("BillwatchNotSweeping") + 2 * STEP
    judged(made, "BillwatchNotSweeping", swept, tmp_path)
    assert len(made.beats) <= beaten + stated // SWEEP
    to_xero.mend()
    made.goes_on(minutes=30)
    assert not made.firing("BillwatchNotSweeping")
    assert len(made.letters) == 2, "and once that it is over"


def test_a_dead_way_in_for_webhooks_is_told_of_by_mail_and_alert(
    day: tuple[Day, Wire, Wire], wires: Callable[[int], Wire], tmp_path: Path
) -> None:
    made, *_ = day
    webhooks, way_in = made.world.xero.webhooks, wires(urlsplit(made.url).port or 0)
    webhooks.configure(f"{way_in.url}/webhooks/xero", "a webhook key")
    assert webhooks.enable() == "OK"
    made.world.org.approve("M-1")
    assert webhooks.settle(10)
    made.goes_on(minutes=15)
    way_in.cut()

    def edited() -> None:
        """Somebody works in Xero all the time, so that there is never a lull."""
        made.world.org.edit("M-1", reference=f"at {made.now}")

    begun = made.now
    made.goes_on(edited, hours=Watch().silence_hours)
    assert made.letters == []
    made.goes_on(edited, minutes=20)
    (letter,) = made.letters
    assert letter.recipient == "ops@example.org"
    assert "webhooks have gone silent" in letter.subject
    assert made.firing("BillwatchWebhooksSilent")
    judged(made, "BillwatchWebhooksSilent", begun, tmp_path)
    way_in.mend()
    made.goes_on(minutes=30)
    assert webhooks.settle(10)
    made.goes_on(minutes=5)
    assert not made.firing("BillwatchWebhooksSilent")
    assert not made.firing("BillwatchWebhooksMissing")
    assert len(made.letters) == 1


def test_webhooks_that_never_come_are_told_of_by_their_numbers_and_a_new_subscription_is_no_gap(
    day: tuple[Day, Wire, Wire], tmp_path: Path
) -> None:
    made, *_ = day
    webhooks = made.world.xero.webhooks

    def subscribed() -> None:
        webhooks.configure(f"{made.url}/webhooks/xero", "a webhook key")
        assert webhooks.enable() == "OK"

    def edited() -> None:
        made.world.org.edit("M-1", reference=f"at {made.now}")
        assert webhooks.settle(10)

    subscribed()
    webhooks.set(shuffle=True, duplicate=True)
    made.goes_on(edited, hours=1)
    webhooks.drop()
    edited()
    webhooks.drop(False)
    made.goes_on(edited, seconds=STEP.total_seconds())
    begun = made.now
    made.goes_on(edited, hours=Watch().gap_hours, minutes=-10)
    assert made.letters == []
    made.goes_on(edited, minutes=20)
    (letter,) = made.letters
    assert letter.recipient == "ops@example.org"
    assert "Some of Xero's webhooks are missing" in letter.subject
    assert "1 event did not come, although later ones did" in " ".join(letter.text.split())
    assert made.firing("BillwatchWebhooksMissing")
    judged(made, "BillwatchWebhooksMissing", begun, tmp_path)
    webhooks.forget()
    made.goes_on(hours=2)
    subscribed()
    made.goes_on(edited, minutes=30)
    assert not made.firing("BillwatchWebhooksMissing")
    assert len(made.letters) == 1
