"""What the cycle needs of the memory of milestones: their links, verdicts and flags; `storage` implements it."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.model import Case, Decision, Exemption, Link, Milestone, Sifted, Verdict
from reconciler.reasons import Reason
from reconciler.records import Choice, Flag
from reconciler.value import Value


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of applying decisions: flags opened and closed, and decisions that something newer had overtaken."""

    opened: tuple[Flag, ...] = ()
    closed: tuple[Flag, ...] = ()
    overtaken: tuple[str, ...] = ()


def _at_once(_address: str, _reason: Reason, ready: dt.datetime) -> dt.datetime:
    return ready


class Notice(Value, frozen=True):
    """To whom flags of a reason are mailed, and until when more are collected into one mail.

    `wanted` says when an address wants mail of that reason that is ready at that moment. `more` is for how long after
    a mail new flags of what it told of wait, and `resolved` for how long word of a flag that closed waits for others.
    """

    recipients: Callable[[Reason], tuple[str, ...]]
    send_after: dt.datetime
    cycle: str = ""
    wanted: Callable[[str, Reason, dt.datetime], dt.datetime] = _at_once
    more: dt.timedelta = dt.timedelta(0)
    resolved: dt.timedelta = dt.timedelta(0)


class Milestones(Protocol):
    """Milestones with their links, verdicts and flags."""

    def put(self, milestones: Sequence[Milestone], now: dt.datetime) -> tuple[int, int, int]:
        """Insert or update by (organisation, key); returns how many were new, changed and the same."""
        ...

    def dirty_keys(self, organisation: str, now: dt.datetime, limit: int, after: str = "") -> list[str]:
        """Keys whose inputs changed since they were decided (or whose exemption lapsed), in order, from `after` on."""
        ...

    def followers(self, organisation: str, bill_id: str) -> list[str]:
        """The keys of the milestones that follow this bill, as their last or an earlier one; there is at most one."""
        ...

    def standing(self, organisation: str, keys: Collection[str]) -> list[Decision]:
        """The cases of these keys as they are now with the verdicts recorded last, in key order."""
        ...

    def gather(self, organisation: str, keys: Collection[str], near_days: int, *, standing: bool = False) -> list[Case]:
        """The cases of these keys, in key order; unknown keys are left out. With `standing`, what was decided of them
        last is a part of them."""
        ...

    def keep(self, organisation: str, sifted: Sifted, notice: Notice, now: dt.datetime) -> Applied:
        """Record verdicts and links; open, supersede and close flags; owe mails. Short transactions.

        A decision counts only while milestone, link and books still have the versions that it was made on; else it is
        overtaken and the milestone stays dirty. HOLD verdicts neither open nor close flags, and stay dirty.
        """
        ...

    def wished(self, milestone: Milestone, near_days: int) -> Case:
        """The case as it would be if the platform said this of the milestone; nothing is kept."""
        ...

    def touch(self, organisation: str, keys: Collection[str] | None = None) -> int:
        """Mark milestones dirty (`None`: all of the organisation); returns how many."""
        ...

    def any_under(self, organisation: str, reasons: Collection[Reason]) -> bool:
        """Whether a milestone stands under one of these reasons."""
        ...

    def ready(self, organisation: str, limit: int, after: str = "") -> list[str]:
        """Keys whose verdict is SYNC and that no open attempt claims, in order, from `after` on."""
        ...

    def choose(
        self,
        organisation: str,
        key: str,
        link: Link,
        choice: Choice,
        exemption: Exemption | None,
        reason: Reason | None,
    ) -> bool:
        """Record a choice, the link it leaves and the exemption it makes; `False` when the link changed meanwhile."""
        ...

    def raise_alert(self, organisation: str, verdict: Verdict, notice: Notice, now: dt.datetime) -> None:
        """Open the organisation's own flag for a HOLD (once while it lasts) and owe its mail."""
        ...

    def clear_alerts(self, organisation: str, keep: Collection[Reason], notice: Notice, now: dt.datetime) -> None:
        """Close the organisation's own flags, save those of the given reasons, and owe word of it."""
        ...
