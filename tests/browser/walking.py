"""What the walks do on the stage besides clicking, and what they all click."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from billwatch.demo.stage import KEY, USER, Page, Stage, until
from reconciler.model import Milestone
from reconciler.reasons import Reason

ACCOUNTS = "accounts@example.org"
APPROVED = frozenset({"approved"})


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

    def link(self, key: str) -> str:
        """The address in the accountant's last mail that names the milestone."""

        def mails() -> list[Any]:
            kept = self.stage.letters.to(ACCOUNTS)
            return [m for m in kept if "/r/" in str(m.get_body(("plain",))) and key in str(m.get_body(("plain",)))]

        assert until(lambda: bool(mails())), f"no mail about {key}"
        return Page(mails()[-1]).url


def log_in(page: Any, walk: Walk, onward: str = "/") -> None:
    page.goto(walk.stage.daemon.url + onward)
    page.get_by_label("Name").fill(USER)
    page.get_by_label("Password").fill(walk.stage.password)
    page.get_by_role("button", name="Log in").click()
