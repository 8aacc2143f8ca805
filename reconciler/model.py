"""The nouns of billwatch: frozen values without behaviour beyond what follows from their own fields.

Units, everywhere: money is `Decimal` with at most two decimals in the currency named beside it; a `date` is a
calendar day of the organisation's books; a `datetime` is an aware UTC instant. `organisation` is always the
organisation's key in the configuration, `key` the milestone's identifier on the grants platform, unique within
its organisation.
"""

import datetime as dt
from decimal import Decimal
from typing import Any, final

from reconciler.bills import (
    EXPENSE_CLAIMS,
    NEW_CONTACT,
    ZERO,
    Bill,
    Field,
    Line,
    Progress,
    Sense,
    Stage,
    Status,
    Terms,
    Tracking,
    differing,
    first_open,
)
from reconciler.due import Due
from reconciler.reasons import Action, Reason
from reconciler.value import Value

__all__ = [
    "EXPENSE_CLAIMS",
    "NEW_CONTACT",
    "ZERO",
    "Bill",
    "Case",
    "Contact",
    "Decision",
    "Deed",
    "Defaults",
    "Difference",
    "Document",
    "Exemption",
    "Field",
    "Known",
    "Line",
    "Link",
    "Links",
    "Milestone",
    "Part",
    "Progress",
    "Refusal",
    "Sense",
    "Sifted",
    "Stage",
    "Status",
    "Terms",
    "Tracking",
    "Verdict",
    "Write",
    "bill_number",
    "differing",
    "first_open",
    "part_of",
]


class Links(Value, frozen=True):
    """Where a person finds the milestone and its papers on the grants platform; empty when there is none."""

    milestone: str = ""
    application: str = ""
    contract: str = ""


class Document(Value, frozen=True):
    """A paper of a milestone that belongs on its bill: the name it gets there, and where it lies: at a link, or in a
    file on this machine.
    """

    name: str
    link: str = ""
    file: str = ""


class Milestone(Value, frozen=True):
    """What should be in Xero, as the grants platform says.

    `stages` are the sync points that the milestone has reached; `contact_id` maps the payee to a Xero contact
    by hand. `currency`, `account`, `tax` and `sense` override the organisation's settings when set. `version`
    counts the platform's changes, from 1.
    """

    organisation: str
    key: str
    title: str
    payee: str
    amount: Decimal
    date: dt.date
    currency: str = ""
    due_date: dt.date | None = None
    stages: frozenset[str] = frozenset()
    cancelled: bool = False
    description: str = ""
    contact_id: str = ""
    account: str = ""
    tax: str = ""
    sense: Sense | None = None
    tracking: Tracking = ()
    links: Links = Links()
    documents: tuple[Document, ...] = ()
    version: int = 1


class Contact(Value, frozen=True):
    """A contact in Xero. `merged_to` is the ContactID that took over after a merge."""

    contact_id: str
    name: str
    archived: bool = False
    merged_to: str = ""


class Refusal(Value, frozen=True):
    """Xero's no to a write: what we asked, with the milestone's link (`url`), what the bill said, its words."""

    reason: Reason
    message: str
    ours: Terms
    theirs: Terms | None
    lock: dt.date | None
    url: str = ""


class Defaults(Value, frozen=True):
    """The settings that a bill is made of where the milestone itself says nothing; as in `Organisation`."""

    account: str
    sense: Sense
    tax: str
    currency: str
    due: Due
    description: str
    tracking: Tracking


class Part(Value, frozen=True):
    """An earlier bill of a milestone that was billed in parts: it stays, and counts, as it was when the difference was
    billed. `settled` is the most money seen applied to it."""

    bill_id: str
    contact: str
    currency: str
    total: Decimal
    subtotal: Decimal
    settled: Decimal = ZERO

    def amount(self, sense: Sense) -> Decimal:
        """What it covers of the milestone, in the given sense of tax."""
        return self.subtotal if sense is Sense.EXCLUSIVE else self.total


class Link(Value, frozen=True):
    """The memory that ties a milestone to its bill.

    `asked` is our value per field when we last wrote it or a person accepted it; `seen` Xero's value in our
    last verified read-back; both `None` while the base is unknown. `generation` counts how often the milestone
    was billed again. `chosen_date` replaces the platform's date for as long as that is still `chosen_for`.
    `locked_out` is the date that a lock date blocked. `settled` is the most money seen applied to the bill.
    `accepted` holds (reason, fingerprint) of what a person has decided to leave as it is. `pending_attempt` is
    the open attempt's number. `parts` are earlier bills that cover part of the amount; the bill is to cover the rest.
    `under` are the settings by which `asked` was asked.
    """

    bill_id: str = ""
    generation: int = 1
    asked: Terms | None = None
    seen: Terms | None = None
    settled: Decimal = ZERO
    chosen_date: dt.date | None = None
    chosen_for: dt.date | None = None
    locked_out: dt.date | None = None
    accepted: tuple[tuple[Reason, str], ...] = ()
    refusal: Refusal | None = None
    pending_attempt: int | None = None
    parts: tuple[Part, ...] = ()
    under: Defaults | None = None
    version: int = 0

    @property
    def bill_ids(self) -> tuple[str, ...]:
        """All bills that the milestone follows; the last one last."""
        last = (self.bill_id,) if self.bill_id else ()
        return (*[part.bill_id for part in self.parts], *last) if self.parts else last


class Exemption(Value, frozen=True):
    """A person's decision that a milestone is not to be synced; `until` is the last exempt day, `None` for good."""

    by: str
    reason: str
    since: dt.datetime
    until: dt.date | None = None

    def holds(self, today: dt.date) -> bool:
        """Whether the exemption has not lapsed on the given day."""
        return self.until is None or today <= self.until


class Deed(Value, frozen=True):
    """What a bill's history in Xero says was done to it: what, when, and by whom (empty: Xero names nobody)."""

    did: str
    at: dt.datetime
    by: str = ""


class Case(Value, frozen=True):
    """Everything that one decision is about, gathered.

    `bill` is the linked bill as the mirror holds it; `missing` is set when a direct read said that it does not
    exist. `parts` are the link's earlier bills, `lost` the ids of those that do not exist any more. `ours` are live
    bills, linked to nobody, with the milestone's number or link, where it does not follow one live bill; `similar` are
    live bills of the same contact and total and a near date, linked to nobody; `ended` are voided or deleted bills with
    the milestone's number, where it follows no bill. `contacts` are Xero's contacts that the payee may mean; the mapped
    one alone when the payee is mapped. `deed` is what led to the open flag, as far as Xero tells. `decided` is the
    verdict recorded last, without its copy of the link, and `progress` how far the milestone had come by then, both
    where they were asked for.
    """

    milestone: Milestone
    link: Link = Link()
    bill: Bill | None = None
    missing: bool = False
    parts: tuple[Bill, ...] = ()
    lost: tuple[str, ...] = ()
    ours: tuple[Bill, ...] = ()
    similar: tuple[Bill, ...] = ()
    ended: tuple[Bill, ...] = ()
    contacts: tuple[Contact, ...] = ()
    exemption: Exemption | None = None
    deed: Deed | None = None
    decided: "Verdict | None" = None
    progress: Progress = Progress()

    @property
    def live(self) -> tuple[Bill, ...]:
        """The milestone's bills that ask for, or have received, money; the newest last."""
        bills = (*self.parts, self.bill) if self.parts else (self.bill,)
        return tuple([bill for bill in bills if bill and bill.status.live])


class Difference(Value, frozen=True):
    """A field in which milestone and bill differ; both values as they stand in `Terms`."""

    field: Field
    ours: Any
    theirs: Any


class Write(Value, frozen=True):
    """What SYNC will send: a new bill (`bill_id` empty) or these fields of an existing one.

    `terms` is complete: for an update, what is not among `fields` stands as Xero has it. `moved` marks a date that
    the policy moved out of a locked period.
    """

    terms: Terms
    status: Status
    number: str
    url: str = ""
    bill_id: str = ""
    fields: frozenset[Field] = frozenset()
    moved: bool = False


@final
class Verdict(Value, frozen=True):
    """Action, reason and what explains them; `link` is the memory as this decision leaves it.

    `fields` are those that the reason is about; `ours` and `theirs` are set when both sides were compared for it.
    `lock` is the lock date that stands in the way and `proposed` the first open day after it; `others` are the bills
    that the reason speaks of; `message` holds Xero's own words.
    """

    action: Action
    reason: Reason
    link: Link
    write: Write | None = None
    fields: frozenset[Field] = frozenset()
    ours: Terms | None = None
    theirs: Terms | None = None
    lock: dt.date | None = None
    proposed: dt.date | None = None
    others: tuple[str, ...] = ()
    message: str = ""

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Both values of each field that the reason is about, in the order of `Field`; none without a bill."""
        if self.ours is None or self.theirs is None:
            return ()
        return tuple(Difference(f, getattr(self.ours, f), getattr(self.theirs, f)) for f in Field if f in self.fields)


class Decision(Value, frozen=True):
    """A case and what was decided of it."""

    case: Case
    verdict: Verdict


class Known(Value, frozen=True):
    """Milestones of which decisions have said nothing new: they stand as they did, by that version of their links."""

    version: int
    reason: Reason
    keys: tuple[str, ...]


class Sifted(Value, frozen=True):
    """Decisions, sifted: most of them, when everything is decided afresh, say what is known already.

    `books` is the version of the books that they were made on.
    """

    known: tuple[Known, ...] = ()
    news: tuple[Decision, ...] = ()
    books: int = 0


def bill_number(prefix: str, key: str, generation: int) -> str:
    """The number that a milestone's bill carries: `-2`, `-3` … mark that it was billed again."""
    return f"{prefix}{key}" if generation == 1 else f"{prefix}{key}-{generation}"


def part_of(bill: Bill) -> Part:
    """The bill as one that counts as it is now."""
    return Part(bill.bill_id, bill.contact_id, bill.currency, bill.total, bill.subtotal, bill.settled)
