"""What the walks do on the stage besides clicking, and what they all click."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from playwright.sync_api import expect

from billwatch.demo.stage import KEY, USER, Page, Stage, until
from reconciler.model import Milestone
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice

ACCOUNTS = "accounts@example.org"
APPROVED = frozenset({"approved"})
LOCK = dt.timedelta(days=40)


@dataclass
class Walk:
    """The stage, and what the walks do on it besides clicking."""

    stage: Stage

    @property
    def org(self) -> Any:
        return self.stage.org

    def put(self, key: str, **changes: Any) -> None:
        """Put a milestone as the platform would; again with changes to change it."""
        ledger, now = self.stage.house.ledger, self.stage.house.clock()
        found = ledger.overview.listed(KEY, [key])
        fresh = Milestone(
            KEY, key, f"Stage of {key}", f"Payee of {key}", Decimal("1200.00"), now.date(), stages=APPROVED
        )
        ledger.milestones.put([replace(found[0].milestone if found else fresh, **changes)], now)

    def becomes(self, key: str, reason: Reason) -> None:
        """Sweep until the milestone stands so."""
        for _ in range(20):
            self.stage.sweep()
            if self.stage.reason(key) is reason:
                return
        raise AssertionError(f"{key} stands as {self.stage.reason(key)}")

    def tidy(self, key: str, kind: Choose = Choose.KEEP) -> None:
        """Resolve what a walk leaves open, so that the next of its cause is mailed on its own."""
        self.stage.house.desk.command(KEY, key, Choice(kind, "Ben Sample", self.stage.house.clock()))

    def link(self, key: str, cause: str = "") -> str:
        """The address in the accountant's last mail that names the milestone, and the cause."""

        def mails() -> list[Any]:
            kept = self.stage.letters.to(ACCOUNTS)
            told = [(mail, str(mail.get_body(("plain",)))) for mail in kept]
            return [mail for mail, text in told if "/r/" in text and key in text and cause in text]

        assert until(lambda: bool(mails())), f"no mail about {key}"
        return Page(mails()[-1]).url


def log_in(page: Any, walk: Walk, onward: str = "/") -> None:
    page.goto(walk.stage.daemon.url + onward)
    page.get_by_label("Name").fill(USER)
    page.get_by_label("Password").fill(walk.stage.password)
    page.get_by_role("button", name="Log in").click()


def confirm(page: Any, by: str = "Ana Example") -> None:
    """Sign, review, confirm."""
    page.get_by_label("Your name").fill(by)
    page.get_by_role("button", name="Review, then confirm").click()
    expect(page.get_by_text("Nothing has been done yet.")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()


def billed(walk: Walk, key: str, **changes: Any) -> None:
    walk.put(key, **changes)
    walk.becomes(key, Reason.AWAITING_APPROVAL)


def dearer(walk: Walk, key: str) -> None:
    """A milestone that asks for more after its bill was approved."""
    billed(walk, key)
    walk.org.approve(key)
    walk.becomes(key, Reason.APPROVED)
    walk.put(key, amount=Decimal("1500.00"))
    walk.becomes(key, Reason.BILL_APPROVED)


def conflict(walk: Walk, key: str) -> None:
    """Milestone and bill are changed apart."""
    billed(walk, key)
    walk.org.edit(key, total=Decimal("1700.00"))
    walk.put(key, amount=Decimal("1900.00"))
    walk.becomes(key, Reason.EDITED_IN_XERO)


def locked(walk: Walk, *keys: str) -> dt.date:
    """Milestones dated in a period that is locked."""
    today = walk.stage.house.clock().date()
    walk.org.lock(period=today - LOCK)
    walk.stage.sweep()
    for key in keys:
        walk.put(key, date=today - LOCK - dt.timedelta(days=3), payee="Sample River Care")
        walk.becomes(key, Reason.LOCKED_DRAFT)
    return today - LOCK + dt.timedelta(days=1)
