"""What the cycle needs of the ledger that remembers, as small Protocols; `storage` implements them.

What it needs of Xero is in `reconciler.xero_port`, and of milestones in `reconciler.milestone_port`. Tests use the same
real parts against the sandbox.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.milestone_port import Milestones
from reconciler.model import Bill, Contact, Deed, Document, Link
from reconciler.organisation import Books
from reconciler.reasons import Reason
from reconciler.records import Attempt, Delivery, Element, Flag
from reconciler.xero_port import Outcome

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Raw webhook requests not yet drained: when the first and the last of them came in."""

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


class Attempts(Protocol):
    """Writes to Xero, recorded before they are made."""

    def begin(self, attempt: Attempt, now: dt.datetime) -> Attempt | None:
        """Record the attempt and claim its milestones; `None`, and none claimed, when one changed, is due to be decided
        again or is claimed already, or when the books have moved on."""
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
