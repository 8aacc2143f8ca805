"""What happens to milestones and bills, on record: flags, choices, mails and links, events, attempts.

Units as in `reconciler.model`.
"""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum

from reconciler.model import Deed, Verdict, Write
from reconciler.reasons import Choose, Reason
from reconciler.value import Value


class Flag(Value, frozen=True):
    """An open warning of a milestone (or, with an empty key, of its whole organisation), as stored.

    `cause` is what flags of one reason share, such as the lock date that blocks them. On `remind_on`, if somebody
    (`remind_by`) named such a day, it is brought up again, and not before.
    """

    flag_id: int
    organisation: str
    key: str
    reason: Reason
    opened_at: dt.datetime
    verdict: Verdict | None = None
    closed_at: dt.datetime | None = None
    closed_because: str = ""
    deed: Deed | None = None
    cause: str = ""
    remind_on: dt.date | None = None
    remind_by: str = ""


class Choice(Value, frozen=True):
    """What a person decided: who, when, over which address, and what it needs besides.

    `shown` is the fingerprint of the facts on which it was decided.
    """

    kind: Choose
    by: str
    at: dt.datetime
    address: str = ""
    date: dt.date | None = None
    bill_id: str = ""
    reason: str = ""
    until: dt.date | None = None
    shown: str = ""


class MailKind(StrEnum):
    """What a mail is for.

    A warning about milestones: new ones, those still open, those resolved; an alert about a whole organisation; a
    warning passed on because nobody acted; the result of a choice; what a week brought; what a lock would hold up;
    signs that something is about to stop.
    """

    WARNING = "warning"
    ALERT = "alert"
    ESCALATION = "escalation"
    RESULT = "result"
    WEEKLY = "weekly"
    FORECAST = "forecast"
    WATCH = "watch"


class Mail(Value, frozen=True):
    """A mail that is owed to one recipient.

    `flags` are what it is about (for a RESULT: the flags that were decided, and `choice` what was decided of them), and
    `resolved` those that have closed since the recipient was told of them. `told` are the ids of those it was told of
    earlier, `earlier` the Message-IDs of the mails that did so, oldest first, and `also` who else is told.
    `message_id` never changes, so that a repeat is recognised. `tries` counts the attempts at sending so far.
    """

    mail_id: int
    organisation: str
    recipient: str
    kind: MailKind
    reason: Reason | None
    message_id: str
    owed_at: dt.datetime
    flags: tuple[Flag, ...]
    choice: Choice | None = None
    tries: int = 0
    resolved: tuple[Flag, ...] = ()
    told: frozenset[int] = frozenset()
    earlier: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class Bounce(Value, frozen=True):
    """An address that the mail server refused for good, when, and in which words."""

    address: str
    at: dt.datetime
    said: str


class Ticket(Value, frozen=True):
    """What a link in a mail stands for: these flags, for this address, until it expires or has been used."""

    ticket_id: int
    organisation: str
    address: str
    flags: tuple[Flag, ...]
    made_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None = None


class Enclosed(Value, frozen=True):
    """How a document of a milestone stands, and since when; `trouble` is why it could not be attached so far.

    `again_at` is when it is tried next, `None` when it is not.
    """

    name: str
    attached: bool
    tries: int
    trouble: str
    at: dt.datetime
    again_at: dt.datetime | None

    @property
    def headline(self) -> str:
        """What became of it."""
        if self.attached:
            return f"{self.name} is on the bill"
        return f"{self.name} could not be attached" if self.trouble else f"{self.name} is to be attached"


class Event(Value, frozen=True):
    """One thing that Xero told us. `category` and `kind` in capitals."""

    tenant_id: str
    category: str
    resource_id: str
    kind: str
    at: dt.datetime


class Delivery(Value, frozen=True):
    """A webhook request of Xero's: its events, and the numbers of the first and the last of them (0: it names none)."""

    events: Sequence[Event]
    first: int = 0
    last: int = 0


class Element(Value, frozen=True):
    """One milestone's part of an attempt, in the order in which Xero answers. `link_version` guards the claim."""

    key: str
    write: Write
    link_version: int
    milestone_version: int


class Attempt(Value, frozen=True):
    """One write to Xero, recorded before it is made: the exact request, and its idempotency key.

    `resendable` ends when Xero has stored an error under the key. `books` is the version of the books that it was
    decided on, which guards the claim and is not kept.
    """

    attempt_id: int
    organisation: str
    method: str
    path: str
    body: bytes
    idempotency_key: str
    started_at: dt.datetime
    elements: tuple[Element, ...]
    resendable: bool = True
    books: int = 0
