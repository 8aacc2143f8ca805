"""What the door needs of the others: somewhere durable for raw requests, and a desk that acts on choices."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.model import Bill, Decision
from reconciler.organisation import Books, Organisation
from reconciler.records import Choice, Flag


class Inbox(Protocol):
    """Keeps raw webhook requests."""

    async def keep(self, body: bytes, key: str, received_at: dt.datetime) -> None:
        """Return once the request is durable; `key` names the signing key that matched.

        Requests that come in together may be kept with one time, that of the first.

        Raises `reconciler.errors.StorageError` when it cannot be kept, or not within a few seconds.
        """
        ...


class LinkRefused(Exception):
    """The link shows no choices: `why` is `unknown`, `expired`, `used` or `closed`; a fresh one may go to `address`.

    `told` is a sentence about what was decided, or why nothing is open any more; it may be empty.
    """

    def __init__(self, why: str, address: str = "", told: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.address = address
        self.told = told


class Changed(Exception):
    """What the page showed is not true any more; nothing was done."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page behind a link shows: the flags' milestones as decided, all of one cause.

    `fingerprint` stands for every fact shown; a choice is made on it, and `prints` do so for each milestone. `read_at`
    is when Xero was last read. `closed` are the flags of the link that are closed by now. `beside` is how many more
    milestones the link is about, where it is narrowed to one.
    """

    organisation: Organisation
    books: Books
    items: tuple[Decision, ...]
    fingerprint: str
    address: str
    read_at: dt.datetime | None
    prints: Mapping[str, str] = field(default_factory=dict)
    closed: tuple[Flag, ...] = ()
    beside: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a choice, per milestone, as decided afterwards."""

    choice: Choice
    items: tuple[Decision, ...]


class Desk(Protocol):
    """Where a person's choice meets the cycle."""

    def show(self, token: str) -> Sheet:
        """The sheet of a link; reads Xero anew at most once a minute, changes nothing. Raises `LinkRefused`."""
        ...

    def act(self, token: str, fingerprint: str, choice: Choice, keys: Sequence[str]) -> Done:
        """Read Xero anew, check that the facts are those of the fingerprint, make the choice, run the cycle.

        The same choice on the same facts again, as by a second click, is not made again: it is told what came of it.
        Raises `LinkRefused`, `Changed`, or `reconciler.errors.InputError` for a choice that does not fit.
        """
        ...

    def made(self, token: str, shown: str, keys: Sequence[str]) -> tuple[Sheet, Done] | None:
        """What was decided of these milestones through the link, on the facts of that fingerprint; how they stand."""
        ...

    def find(self, token: str, key: str, text: str) -> Bill:
        """The bill that a person means by a number, an id or an address in Xero, if it may be this milestone's.

        Raises `LinkRefused`, or `reconciler.errors.InputError` when it names no bill, or one that cannot be taken.
        """
        ...

    def renew(self, token: str) -> bool:
        """Mail a fresh link to the address of an expired one; `False` when nothing is open any more."""
        ...
