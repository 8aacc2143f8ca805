"""What the end-to-end tests stand on: one organisation in the sandbox, and a house connected to it, on one clock."""

import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import ninth
from msgspec.structs import replace

from billwatch.config import Config, checked
from billwatch.sandbox import Sandbox
from billwatch.wiring import House
from receiver.ports import Done
from reconciler.cycle import paused
from reconciler.model import Decision, Milestone
from reconciler.ports import Report
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice, Flag

KEY = "example"
LEASE_SECONDS = 2  # until others may have the turn of a process that was killed, where several share a database


@dataclasses.dataclass
class World:
    """One organisation in the sandbox, and a house connected to it, both on the sandbox's clock."""

    xero: Sandbox
    org: Any
    house: House
    reopen: Callable[..., House]

    @property
    def cycle(self) -> Any:
        return self.house.cycles[KEY]

    def text(self, **settings: str) -> str:
        """A configuration for the same organisation and database, as `config_text` makes it."""
        return config_text(self.xero, self.org.tenant_id, self.house.config.storage.url, **settings)

    def put(self, key: str = "M-1", **changes: Any) -> Milestone:
        """Put a milestone as the platform would; again with changes to change it."""
        found = [d.case for d in self.house.ledger.milestones.standing(KEY, [key])]
        before = found[0].milestone if found else self.milestone(key)
        milestone = replace(before, **changes)
        self.house.ledger.milestones.put([milestone], self.house.clock())
        return milestone

    def milestone(self, key: str) -> Milestone:
        """A milestone as the platform would first name it."""
        today = self.xero.now().date()
        return Milestone(
            KEY, key, f"Stage of {key}", f"Payee of {key}", Decimal("1200.00"), today, stages=frozenset({"approved"})
        )

    def turn(self) -> Report:
        """A turn without looking at Xero first (what a tick does)."""
        return self.cycle.turn()

    def sweep(self) -> Report:
        """A turn after a complete sweep."""
        self.xero.advance(seconds=1)
        return self.cycle.turn(sweep=True)

    def standing(self, key: str = "M-1") -> Decision:
        """How the milestone stands."""
        (decision,) = self.house.ledger.milestones.standing(KEY, [key])
        return decision

    def reason(self, key: str = "M-1") -> Reason:
        return self.standing(key).verdict.reason

    def flags(self, key: str = "M-1") -> list[Flag]:
        """Every flag that the milestone ever had, in the order in which they were opened."""
        moments = self.house.ledger.overview.timeline(KEY, key)
        return [moment.value for moment in moments if moment.what == "flag"]

    def open_flags(self) -> list[Flag]:
        """The open flags of the organisation, its own included."""
        return self.house.ledger.overview.open_flags(KEY, limit=1_000)

    def choose(self, kind: Choose, key: str = "M-1", **more: Any) -> Done:
        """Decide as a person on the command line."""
        choice = Choice(kind, by="Ann Example", at=self.house.clock(), **more)
        return self.house.desk.command(KEY, key, choice)

    def pause(self, why: str | None = "by Ann Example") -> None:
        """What `billwatch pause` does, and with `None` what `billwatch resume` does."""
        # What was begun before is on its way, and a pause does not call it back.
        still = why is not None and not self.house.ledger.attempts.open(KEY)
        (ninth.PAUSED.add if still else ninth.PAUSED.discard)(self.org.tenant_id)
        self.house.ledger.state.put(paused(KEY), why)
        self.house.ledger.milestones.touch(KEY)

    def writes(self) -> int:
        """How often Xero was asked to write a bill."""
        return self.xero.calls("/Invoices", method="PUT") + self.xero.calls("/Invoices", method="POST")

    def bill(self, key: str = "M-1") -> Any:
        """The only bill in the sandbox that carries the milestone's number."""
        (bill,) = [b for b in self.org.bills() if b.number == key]
        return bill


def config_text(
    xero: Sandbox, tenant_id: str, database: str, *, policy: str = "", organisation: str = "", extra: str = ""
) -> str:
    """A configuration for the sandbox; the secrets come from the environment given to `open_house`."""
    return f"""
[storage]
url = "{database}"
lease_seconds = {LEASE_SECONDS}
[xero]
api_url = "{xero.url}"
identity_url = "{xero.url}"
webhook_keys = ["env:WEBHOOK_KEY"]
[keys]
encryption = ["env:ENCRYPTION_KEY"]
links = ["env:LINK_KEY"]
[server]
port = 0
{extra}
[[organisation]]
key = "{KEY}"
name = "Example Trust"
tenant_id = "{tenant_id}"
client_id = "{xero.client_id}"
client_secret = "env:CLIENT_SECRET"
{organisation or 'mode = "sync"'}
account = "480"
tax = "NONE"
[organisation.people]
accounting = ["accounts@example.org"]
grants = ["grants@example.org"]
operator = ["ops@example.org"]
[organisation.policy]
{policy}
"""


def open_house(text: str, xero: Sandbox, folder: Path, environ: dict[str, str]) -> House:
    """A house on that configuration, on the sandbox's clock, that never waits."""
    config: Config = checked(
        text.encode(), folder / "billwatch.toml", environ=environ | {"CLIENT_SECRET": xero.client_secret}
    )
    return ninth.follow(House(config, clock=lambda: xero.now().astimezone(dt.UTC), wait=lambda _seconds: None))


def seconds_ahead(xero: Sandbox) -> str:
    """How far the sandbox's clock is ahead of the real one, for a process that is to go by it."""
    return str((xero.now() - dt.datetime.now(dt.UTC)).total_seconds())


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something that happens elsewhere; fails when it has not by then."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it has not happened in time"
        time.sleep(0.01)
