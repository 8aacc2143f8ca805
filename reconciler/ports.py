"""What the cycle needs of the ledger that remembers, as small Protocols; `storage` implements them.

What it needs of Xero is in `reconciler.xero_port`. Tests use the same real parts against the sandbox.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.model import Bill, Case, Contact, Decision, Deed, Document, Exemption, Link, Milestone, Sifted, Verdict
from reconciler.organisation import Books
from reconciler.reasons import Reason
from reconciler.records import Attempt, Choice, Delivery, Element, Flag
from reconciler.value import Value
from reconciler.xero_port import Outcome

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Raw webhook requests not yet drained: how many, and when the first and the last of them came in."""

    count: int
    oldest: dt.datetime
    newest: dt.datetime


@dataclass(frozen=True, slots=True)
class Unread:
    """An open flag of which nobody has asked yet who did it: its reason, and the bill that the milestone follows."""

    flag_id: int
    reason: Reason
    bill_id: str


@dataclass(frozen=True, slots=True)
class OwedNote:
    """A note that is not known to stand in the bill's history yet."""

    note_id: int
    bill_id: str
    text: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A document that belongs on the bill `bill_id` and is not known to be there; `tries` counts those so far."""

    enclosure_id: int
    key: str
    bill_id: str
    document: Document
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain found: requests read, those that could not be read, events for tenants that nobody follows.

    `told_of` are the organisations that the events are about.
    """

    requests: int = 0
    unreadable: int = 0
    events: int = 0
    foreign: int = 0
    told_of: tuple[str, ...] = ()


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


class Inbox(Protocol):
    """Raw webhook requests, kept before they were acknowledged."""

    def waiting(self) -> Waiting | None:
        """What waits to be drained; `None` when nothing does."""
        ...

    def drain(self, read: Callable[[bytes], Delivery | None], tenants: dict[str, str], now: dt.datetime) -> Drained:
        """Read waiting requests, record their events, mark linked bills dirty. `tenants` maps tenant to organisation.

        An event whose bill nobody is linked to (yet) is kept, and matched when a milestone is linked to that bill.
        """
        ...


class Mirror(Protocol):
    """What Xero holds, as last read."""

    def books(self, organisation: str) -> Books:
        """What is known of the organisation; empty `Books` before the first reading."""
        ...

    def store_books(self, organisation: str, books: Books) -> None:
        """Keep the books; milestones that a moved lock date, a changed list or a hold bears upon become dirty."""
        ...

    def store_bills(self, organisation: str, bills: Sequence[Bill]) -> None:
        """Keep bills as read; milestones they bear upon become dirty when something that a decision sees changed.

        A bill read earlier (`read_at`) than the one held never replaces it.
        """
        ...

    def store_missing(self, organisation: str, bill_id: str, now: dt.datetime) -> None:
        """Xero said that this bill does not exist."""
        ...

    def store_contacts(self, organisation: str, contacts: Sequence[Contact]) -> None:
        """Keep contacts; milestones whose payee they may be become dirty when they changed."""
        ...

    def bill(self, organisation: str, bill_id: str) -> Bill | None:
        """A bill as the mirror holds it."""
        ...

    def numbered(self, organisation: str, numbers: Collection[str]) -> list[Bill]:
        """Bills of any status that carry one of these numbers."""
        ...

    def dirty_bills(self, organisation: str, limit: int) -> list[tuple[str, int]]:
        """Linked bills that an event spoke of since they were read, with the mark that `clean` must name."""
        ...

    def clean(self, organisation: str, marks: Iterable[tuple[str, int]]) -> None:
        """These bills were read after the marks were taken; a mark set since then stays."""
        ...

    def dirty_since(self, organisation: str) -> dt.datetime | None:
        """When, by Xero's clock, the oldest of what `dirty_bills` speaks of happened."""
        ...

    def clean_known(self, organisation: str) -> None:
        """Forget events that tell nothing new of the bill as it was read."""
        ...

    def dirty_contacts(self, organisation: str) -> int | None:
        """The mark of the newest event about a contact that `clean_contacts` has not yet named."""
        ...

    def clean_contacts(self, organisation: str, mark: int) -> None:
        """Contacts were read after the mark was taken."""
        ...

    def moved(self, organisation: str, bills: Sequence[Bill]) -> bool:
        """Whether one of these bills, not yet stored, names another contact than before, or one that is not held."""
        ...

    def linked_open(self, organisation: str) -> list[Bill]:
        """Linked bills that are neither paid nor voided nor deleted as last read."""
        ...

    def linked_unread(self, organisation: str, limit: int) -> list[str]:
        """Bill ids that milestones are linked to but that the mirror does not hold and that are not known missing."""
        ...

    def missing_count(self, organisation: str) -> int:
        """How many linked bills are known missing."""
        ...


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

    def gather(self, organisation: str, keys: Collection[str], near_days: int) -> list[Case]:
        """The cases of these keys, in key order; unknown keys are left out."""
        ...

    def sift(self, organisation: str, decisions: Sequence[Decision]) -> Sifted:
        """Which of these decisions say something new, in their order; nothing is kept."""
        ...

    def keep(self, organisation: str, sifted: Sifted, notice: Notice, now: dt.datetime) -> Applied:
        """Record verdicts and links; open, supersede and close flags; owe mails. Short transactions.

        A decision counts only while its milestone and link still have the versions that it was made on; else it is
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


class Attempts(Protocol):
    """Writes to Xero, recorded before they are made."""

    def begin(self, attempt: Attempt, now: dt.datetime) -> Attempt | None:
        """Record the attempt and claim its milestones, all or none; `None` when one changed or is claimed already."""
        ...

    def answered(self, attempt_id: int, outcomes: Sequence[Outcome], now: dt.datetime) -> None:
        """Record the answer, unless there is one; links of new bills get their ids. It stays open until verified."""
        ...

    def open(self, organisation: str) -> list[tuple[Attempt, tuple[Outcome, ...] | None]]:
        """Open attempts, oldest first, with the recorded answer if there is one."""
        ...

    def spoil(self, attempt_id: int) -> None:
        """Xero has stored an error under the attempt's key: it is not `resendable` any more."""
        ...

    def finish(self, attempt_id: int, links: Sequence[tuple[str, Link]], now: dt.datetime) -> None:
        """Close the attempt: release its milestones with these links, and mark them dirty."""
        ...

    def written_since(self, organisation: str, since: dt.datetime) -> Sequence[Element]:
        """The elements of creating attempts begun since then, for the hourly caps."""
        ...


class Deeds(Protocol):
    """Who did what an open flag is about."""

    def unread(self, organisation: str, reasons: Collection[Reason]) -> list[Unread]:
        """Open flags of these reasons whose bill's history was not asked for, oldest first."""
        ...

    def keep(self, flag_ids: Collection[int], deed: Deed | None, now: dt.datetime) -> None:
        """The histories were asked for, or never will be; this is what they told."""
        ...


class Notes(Protocol):
    """Notes that are owed to the history of bills."""

    def owe(self, organisation: str, attempt_id: int, bill_id: str, text: str, now: dt.datetime) -> None:
        """Owe a note about what an attempt did to a bill; the same again changes nothing."""
        ...

    def owed(self, organisation: str, limit: int) -> list[OwedNote]:
        """Notes that may still be tried, oldest first."""
        ...

    def tried(self, note_id: int) -> None:
        """The note is about to be sent."""
        ...

    def settled(self, note_id: int) -> None:
        """The note is written, or Xero will never take it."""
        ...


class Enclosures(Protocol):
    """Documents of milestones that are owed to their bills."""

    def owe(self, organisation: str, wanted: Iterable[tuple[str, str, Document]], now: dt.datetime) -> None:
        """Owe these documents, as (key, bill id, document); one that was attached under its name is not owed again.

        One that lies elsewhere than before is tried anew at once.
        """
        ...

    def owed(self, organisation: str, now: dt.datetime, limit: int) -> list[Enclosure]:
        """What may be tried now, longest due first; documents that the milestone no longer has are forgotten."""
        ...

    def trying(self, enclosure: Enclosure, again_at: dt.datetime) -> bool:
        """It is about to be tried, and not again before then; `False` when somebody else is trying it."""
        ...

    def failed(self, enclosure: Enclosure, why: str, now: dt.datetime, *, final: bool = False) -> None:
        """It could not be attached; with `final`, it is not tried again until it lies elsewhere."""
        ...

    def enclosed(self, enclosure: Enclosure, now: dt.datetime) -> None:
        """It is on the bill."""
        ...


class Outbox(Protocol):
    """Mails owed."""

    def shut(self, now: dt.datetime) -> frozenset[str]:
        """The addresses that the mail server refused for good, lately."""
        ...


class State(Protocol):
    """Small facts that outlive a restart, by name."""

    def get(self, name: str) -> str | None:
        """The fact, or `None`."""
        ...

    def put(self, name: str, value: str | None) -> None:
        """Keep the fact; `None` forgets it."""
        ...


class Ledger(Protocol):
    """The memory, by topic."""

    @property
    def inbox(self) -> Inbox: ...
    @property
    def mirror(self) -> Mirror: ...
    @property
    def milestones(self) -> Milestones: ...
    @property
    def attempts(self) -> Attempts: ...
    @property
    def notes(self) -> Notes: ...
    @property
    def enclosures(self) -> Enclosures: ...
    @property
    def deeds(self) -> Deeds: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def state(self) -> State: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What a turn did, for logs and the command line."""

    organisation: str
    verdicts: dict[Reason, int] = field(default_factory=dict)
    created: int = 0
    updated: int = 0
    refused: int = 0
    opened: tuple[Flag, ...] = ()
    closed: tuple[Flag, ...] = ()
    hold: Reason | None = None
    detail: str = ""
