"""What goes over the wire, in both directions. The names are promises: none is renamed or given another meaning.

Amounts are texts, so that they stay exact. A day is `YYYY-MM-DD`, an instant RFC 3339 in UTC.
"""

import datetime as dt
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from receiver.api import fields
from receiver.dashboard.states import State
from reconciler.kinds import Action, Choose, Reason
from reconciler.model import Status
from reconciler.progress import What

Instant = Annotated[dt.datetime, Meta(tz=True, examples=["2026-07-01T09:30:00Z"])]
Amounts = Literal["inclusive", "exclusive", "no-tax"]


class Taken(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What comes in: names that are not known are refused."""


class Told(Struct, frozen=True, kw_only=True):
    """What goes out: names may be added later."""


class Links(Taken, frozen=True):
    """Where a person finds the milestone and its papers on the platform. They are shown in mails and on pages."""

    milestone: fields.Link = ""
    application: fields.Link = ""
    contract: fields.Link = ""


class Wish(Taken, frozen=True):
    """What should be in Xero. It stands for the whole milestone: what is left out takes its default.

    `stages` are those that the milestone has reached; it is billed once one of them is among the organisation's
    `sync_points`. `amounts` says what `amount` means; when it is null, the organisation's settings hold, as they do for
    an empty `currency`, `due_date`, `account`, `tax` or `tracking`. `contact_id` maps the payee to a contact by hand.
    """

    title: fields.Name
    payee: fields.Name
    amount: fields.Amount
    date: fields.Day
    currency: fields.Currency = ""
    due_date: fields.Day | None = None
    stages: fields.Stages = ()
    cancelled: bool = False
    description: fields.Description = ""
    contact_id: fields.ContactId = ""
    account: fields.Account = ""
    tax: fields.Tax = ""
    amounts: Amounts | None = None
    tracking: fields.Tracking = {}
    links: Links = Links()
    documents: fields.Documents = ()


class KeyedWish(Wish, frozen=True, kw_only=True):
    """A milestone of many, with its key."""

    key: fields.Key


class Resync(Taken, frozen=True):
    """Who asks; the key's own name when nobody is named."""

    by: fields.Person = ""


class Exempt(Taken, frozen=True):
    """Why the milestone is not to be synced, and until which day (the last one); for good when null."""

    reason: fields.Why
    until: fields.Day | None = None
    by: fields.Person = ""


class ListQuery(Struct, frozen=True):
    """Which milestones: of that state or reason, with that text in key, payee or title, after that cursor."""

    state: State | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    text: fields.Search = ""
    limit: fields.Limit = 50
    after: fields.Place = ""


class ChangesQuery(Struct, frozen=True):
    """The changes after that cursor; from the oldest one that is kept on when it is empty."""

    after: fields.Cursor = ""
    limit: fields.Limit = 100


class Paper(Told, frozen=True):
    """A document of the milestone: its name on the bill, and where it lies."""

    name: str
    link: str


class Milestone(Told, frozen=True):
    """What the platform said last."""

    title: str
    payee: str
    amount: str
    date: dt.date
    currency: str
    due_date: dt.date | None
    stages: list[str]
    cancelled: bool
    description: str
    contact_id: str
    account: str
    tax: str
    amounts: Amounts | None
    tracking: dict[str, str]
    links: Links
    documents: list[Paper]


class Bill(Told, frozen=True):
    """A bill in Xero, as last read at `read_at`. `amounts` says what `total` means for tax; `url` opens it in Xero."""

    bill_id: str
    number: str
    status: Status
    contact: str
    date: dt.date
    due_date: dt.date | None
    currency: str
    total: str
    subtotal: str
    amounts: Amounts
    paid: str
    credited: str
    due: str
    paid_on: dt.date | None
    planned_on: dt.date | None
    read_at: Instant
    url: str


class Difference(Told, frozen=True):
    """A field in which milestone and bill differ, with both values in words."""

    field: str
    milestone: str
    bill: str


class Verdict(Told, frozen=True):
    """What was decided. `headline`, `explanation`, `todo` and `if_nobody_acts` are plain English for people.

    `lock` is the lock date that stands in the way, and `proposed_date` the first open day after it.
    """

    action: Action
    reason: Reason
    headline: str
    explanation: str
    todo: str
    if_nobody_acts: str
    when_paid: str
    differences: list[Difference]
    lock: dt.date | None
    proposed_date: dt.date | None


class Flag(Told, frozen=True):
    """An open warning about the milestone. `remind_on` is when somebody wants it brought up again."""

    flag_id: int
    reason: Reason
    opened_at: Instant
    remind_on: dt.date | None


class Choice(Told, frozen=True):
    """Something that a person may decide now, and what follows from it."""

    choice: Choose
    label: str
    effect: str


class Exemption(Told, frozen=True):
    """Who exempted the milestone, why, and until which day (for good when null)."""

    by: str
    reason: str
    since: Instant
    until: dt.date | None


class Moment(Told, frozen=True):
    """Something that happened to the milestone, in words. `what` names its kind."""

    at: Instant
    what: str
    headline: str
    detail: str


class Brief(Told, frozen=True):
    """How a milestone stands, in brief. `state` sums up the reason; `undecided` tells that something has changed since.

    `decided_at` is when the verdict came to be as it is. `version` counts the platform's changes, and is in the ETag.
    """

    organisation: str
    key: str
    version: int
    state: State
    action: Action | None
    reason: Reason | None
    headline: str
    undecided: bool
    decided_at: Instant | None
    milestone: Milestone
    bill: Bill | None
    as_of: Instant | None


class Full(Brief, frozen=True):
    """All that is known of a milestone, by facts of Xero's that were last read at `as_of`.

    `earlier_bills` are there where it is billed in parts. `timeline` is oldest first.
    """

    verdict: Verdict | None
    earlier_bills: list[Bill]
    flag: Flag | None
    choices: list[Choice]
    exemption: Exemption | None
    timeline: list[Moment]


class Page(Told, frozen=True):
    """Milestones in the order of their keys; `next` is the cursor of those that follow, null when there are none."""

    items: list[Brief]
    next: str | None


class Preview(Told, frozen=True):
    """What would be decided if the milestone were put so, by facts last read at `as_of`. Nothing was stored.

    `new` tells that there is no such milestone yet; `warns` that a person would be asked.
    """

    key: str
    new: bool
    warns: bool
    verdict: Verdict
    bill: Bill | None
    choices: list[Choice]
    as_of: Instant | None


class Fault(Told, frozen=True):
    """What is wrong with one field: a JSON pointer to it (empty: all of it), and what it must be."""

    pointer: str
    detail: str


class Outcome(Told, frozen=True):
    """What came of one milestone of many, by its place from 0. `version` is missing when it was rejected."""

    index: int
    key: str
    outcome: Literal["new", "changed", "same", "rejected"]
    version: int | None
    errors: list[Fault]


class Outcomes(Told, frozen=True):
    """What came of many milestones, in the order in which they were given, with how many of each."""

    new: int
    changed: int
    same: int
    rejected: int
    items: list[Outcome]


class Change(Told, frozen=True):
    """Something that became known, as it was then. `cursor` is where to go on from; events out carry the same.

    `key` is empty for what concerns the whole organisation. `choice` and `by` say what somebody decided (no choice:
    they ended an exemption), `because` why.
    """

    cursor: str
    type: What
    at: Instant
    organisation: str
    key: str
    action: Action | None
    reason: Reason | None
    flag_id: int | None
    choice: Choose | None
    by: str
    because: str
    bill_id: str
    bill_number: str
    bill_status: Status | None
    currency: str
    total: str | None
    settled: str | None


class Feed(Told, frozen=True):
    """Changes in the order in which they became known; `next` is the cursor to ask on from, always."""

    items: list[Change]
    next: str
    more: bool


class Organisation(Told, frozen=True):
    """An organisation that the key reaches. `mode` is watch while nothing is written; `paused` says by whom it was."""

    key: str
    name: str
    mode: Literal["watch", "sync"]
    paused: str | None
    currency: str
    sync_points: list[str]
    period_lock: dt.date | None
    year_lock: dt.date | None
    counts: dict[State, int]
    as_of: Instant | None


class Organisations(Told, frozen=True):
    """The organisations that the key reaches."""

    items: list[Organisation]


class Problem(Told, frozen=True, omit_defaults=True):
    """Why a request was not done (RFC 9457). `type` says which kind of problem it is, `detail` what happened here."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = []
