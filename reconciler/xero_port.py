"""What the cycle needs of Xero: the Protocol that `reconciler.xero` implements, and the values it speaks in."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.model import Bill, Contact, Tracking, Write
from reconciler.organisation import Books
from reconciler.records import Attempt


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Xero said of one element of a write: the bill's id, or why it refused, in its own words.

    `undone` is our own finding that Xero never carried it out. The answer of a write is never taken for what Xero
    holds; that is read afterwards.
    """

    bill_id: str = ""
    messages: tuple[str, ...] = ()
    undone: bool = False

    @property
    def refused(self) -> bool:
        """Whether Xero refused this element."""
        return bool(self.messages)


@dataclass(frozen=True, slots=True)
class Window:
    """One of Xero's fixed windows: the calls left in it, when we first and when we last saw it."""

    left: int
    began: dt.datetime
    seen: dt.datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of Xero's limits: windows by kind, and until when a refusal has shut which kind."""

    windows: dict[str, Window] = field(default_factory=dict)
    shut: dict[str, dt.datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls that were answered, refusals included, and bytes received, headers not counted."""

    calls: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Paper:
    """A file to be attached: its name on the bill, its content type, and its bytes."""

    name: str
    media: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a bill's history: what was done, when, and by whom as Xero has it."""

    changes: str
    at: dt.datetime
    user: str


class Xero(Protocol):
    """One organisation's connection. Every method may raise `reconciler.errors.XeroError`."""

    @property
    def told_at(self) -> dt.datetime | None:
        """Xero's own time when it began to answer the last list of changes; `None` when it did not say."""
        ...

    def for_person(self) -> AbstractContextManager[None]:
        """While it lasts, this thread's calls may use what background work leaves of the limits for people."""
        ...

    def check_limits(self) -> None:
        """Raise `RateLimited` when no write would be let through now; never asks Xero."""
        ...

    def recall(self) -> None:
        """Take over what another process has kept of the limits; never asks Xero."""
        ...

    def settle(self) -> None:
        """Keep what was learnt of the limits and what the calls have cost; never asks Xero."""
        ...

    def read_organisation(self, books: Books) -> Books:
        """The books with identity, zone and lock dates read anew (1 call)."""
        ...

    def read_rights(self, books: Books) -> Books:
        """The books with what the connection may do read anew (1 call)."""
        ...

    def open_bills(self) -> Iterator[list[Bill]]:
        """All bills that are neither paid nor voided nor deleted, without their lines, page by page."""
        ...

    def read_lists(self, books: Books) -> Books:
        """The books with usable accounts, tax types, currencies and tracking options read anew (up to 4 calls)."""
        ...

    def bills(self, bill_ids: Sequence[str]) -> list[Bill]:
        """Those of the given bills that a list shows; one that is not among them may still exist."""
        ...

    def bill(self, bill_id: str) -> Bill | None:
        """One bill by a direct read; `None` is Xero's positive word that it does not exist."""
        ...

    def changed_bills(self, since: dt.datetime | None) -> Iterator[list[Bill]]:
        """All bills changed since then by Xero's clock (`None`: all), oldest change first, page by page."""
        ...

    def changed_contacts(self, since: dt.datetime | None) -> Iterator[list[Contact]]:
        """All contacts changed since then by Xero's clock, archived ones included, page by page."""
        ...

    def create_request(self, writes: Sequence[Write]) -> tuple[str, str, bytes]:
        """Method, path and exact body that would make these new bills."""
        ...

    def update_request(self, writes: Sequence[tuple[Write, Bill]]) -> tuple[str, str, bytes]:
        """Method, path and exact body that would change these bills as they stand now."""
        ...

    def to_spare(self) -> bool:
        """Whether Xero has calls to spare today for what nobody waits for; never asks Xero."""
        ...

    def history(self, bill_id: str) -> list[Record]:
        """What happened to a bill, in no order (1 call)."""
        ...

    def annotate(self, bill_id: str, text: str, idempotency_key: str) -> None:
        """Add a note to the history of a bill (1 call)."""
        ...

    def attached(self, bill_id: str) -> frozenset[str]:
        """The names of the files on a bill (1 call)."""
        ...

    def attach(self, bill_id: str, paper: Paper, idempotency_key: str) -> None:
        """Put a file on a bill, in place of one of that name (1 call)."""
        ...

    def make_options(self, pairs: Tracking, idempotency_key: str) -> None:
        """Make these options of tracking categories, as far as Xero takes them (1 call, and 1 for each)."""
        ...

    def send(self, attempt: Attempt) -> list[Outcome]:
        """Make the write with the attempt's bytes and key; one outcome per element, in their order."""
        ...
