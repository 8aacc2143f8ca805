"""How everything stands, for listings and pages; and the story of one milestone."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from peewee import chunked, fn

from reconciler.model import ZERO, Bill, Exemption, Link, Milestone, Status, Verdict
from reconciler.reasons import Action, Reason
from reconciler.records import Choice, Flag, MailKind
from storage.codec import build
from storage.database import Store
from storage.enclosures import Enclosures
from storage.flags import read_flag
from storage.mirrored import BillRow, MissingRow, OrganisationRow
from storage.models import ChoiceRow, DirtyRow, ExemptionRow, FlagRow, LinkRow, MilestoneRow, PartRow, VerdictRow
from storage.queues import AttemptRow, ElementRow, MailFlagRow, MailRow, RawRequestRow
from storage.shapes import BILLS, MILESTONES

PAGE = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """A milestone with its bill as the mirror holds it and the verdict recorded last (`None`: not decided yet).

    `parts` are its earlier bills, where it is billed in parts.
    """

    milestone: Milestone
    link: Link
    bill: Bill | None
    verdict: Verdict | None
    decided_at: dt.datetime | None
    dirty: bool
    parts: tuple[Bill, ...] = ()

    @property
    def paid(self) -> Decimal:
        """How much is paid, in the currency of the bills; credits are not counted."""
        return sum((bill.paid for bill in (*self.parts, *([self.bill] if self.bill else []))), ZERO)

    @property
    def paid_on(self) -> dt.date | None:
        """The day of the last payment."""
        return self.bill.paid_on if self.bill else None

    @property
    def planned_on(self) -> dt.date | None:
        """The day on which somebody in Xero means to pay what is left."""
        return self.bill.planned_on if self.bill else None


@dataclass(frozen=True, slots=True)
class Posted:
    """A mail about a flag: to whom, and when it was owed and sent; `error` is the server's last no."""

    mail_id: int
    recipient: str
    kind: MailKind
    owed_at: dt.datetime
    sent_at: dt.datetime | None
    dropped_at: dt.datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Health:
    """Numbers that tell whether the work is being done; over all organisations, or for one where it is named."""

    undrained: int
    dirty: int
    open_flags: int
    open_attempts: int
    mails_owed: int
    mails_refused: int
    swept_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a milestone. `what` is one of verdict, choice, exemption, attempt, answer, verified,
    flag, closed, mail, document; `value` the Action and Reason, or the value that `what` names.
    """

    at: dt.datetime
    what: str
    value: Any


class Overview:
    """Questions that change nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def organisations(self) -> list[str]:
        """The keys of all organisations that anything is remembered of, configured or not."""
        found = self._store.column(OrganisationRow.select(OrganisationRow.key))
        return sorted({*found, *self._store.column(MilestoneRow.select(MilestoneRow.organisation).distinct())})

    def listing(
        self,
        organisation: str,
        limit: int,
        *,
        action: Action | None = None,
        reason: Reason | None = None,
        search: str = "",
    ) -> list[Listed]:
        """The first milestones as people count (M-2 before M-10); of the action, of the reason, or with the text."""
        mine = LinkRow.organisation == organisation
        mine = mine & (LinkRow.action == action) if action else mine
        mine = mine & (LinkRow.reason == reason) if reason else mine
        query = LinkRow.select(LinkRow.key).where(mine).order_by(fn.counted(LinkRow.key), LinkRow.key).limit(limit)
        if search:
            query = query.join(MilestoneRow, on=_same(MilestoneRow)).where(_holds(search))
        with self._store.read():
            keys = self._store.column(query)
            found = {each.milestone.key: each for each in self.listed(organisation, keys)}
        return [found[key] for key in keys]

    def listed(self, organisation: str, keys: Collection[str]) -> list[Listed]:
        """These milestones, in key order; unknown keys are left out."""
        found: list[Listed] = []
        with self._store.read():
            for some in chunked(sorted(set(keys)), PAGE):
                found += self._listed(organisation, some)
        return found

    def unfollowed(self, organisation: str) -> Iterator[Bill]:
        """Live bills that no milestone is linked to and that are not known missing, in the order of their ids."""
        after = ""
        while rows := self._store.rows(_unfollowed(organisation).where(BillRow.bill_id > after).limit(PAGE)):
            yield from (build(Bill, row) for row in rows)
            after = rows[-1]["bill_id"]

    def open_flags(self, organisation: str, limit: int, after: int = 0) -> list[Flag]:
        """Open flags in the order in which they were opened, from the flag `after` on."""
        mine = (FlagRow.organisation == organisation) & FlagRow.closed_at.is_null() & (FlagRow.id > after)
        return [
            read_flag(row) for row in self._store.rows(FlagRow.select().where(mine).order_by(FlagRow.id).limit(limit))
        ]

    def flags(self, flag_ids: Collection[int]) -> list[Flag]:
        """These flags, open or closed, in the order in which they were opened."""
        query = FlagRow.select().where(FlagRow.id.in_(list(flag_ids))).order_by(FlagRow.id)
        return [read_flag(row) for row in self._store.rows(query)]

    def mails(self, flag_ids: Collection[int]) -> dict[int, tuple[Posted, ...]]:
        """The mails about each of these flags, oldest first."""
        query = (
            MailRow.select(MailRow, MailFlagRow.flag.alias("flag_id"))
            .join(MailFlagRow, on=(MailFlagRow.mail == MailRow.id))
            .where(MailFlagRow.flag.in_(list(flag_ids)))
            .order_by(MailRow.id)
        )
        found: dict[int, tuple[Posted, ...]] = {}
        for row in self._store.rows(query):
            found[row["flag_id"]] = (*found.get(row["flag_id"], ()), _posted(row))
        return found

    def health(self, organisation: str | None = None) -> Health:
        """The numbers for one organisation, or for all; requests and, for all, the oldest last sweep."""
        owed = MailRow.select().where(_of(MailRow, organisation) & MailRow.sent_at.is_null())
        swept = OrganisationRow.select(fn.MIN(OrganisationRow.swept_at).alias("swept_at"))
        if organisation is not None:
            swept = swept.where(OrganisationRow.key == organisation)
        with self._store.read():
            return Health(
                undrained=self._store.count(RawRequestRow.select().where(RawRequestRow.drained_at.is_null())),
                dirty=self._store.count(DirtyRow.select().where(_of(DirtyRow, organisation))),
                open_flags=self._count(FlagRow, organisation, FlagRow.closed_at.is_null()),
                open_attempts=self._count(AttemptRow, organisation, AttemptRow.finished_at.is_null()),
                mails_owed=self._store.count(owed.where(MailRow.done == False)),  # noqa: E712  SQL
                mails_refused=self._store.count(owed.where(MailRow.done == True, MailRow.dropped_at.is_null())),  # noqa: E712  SQL
                swept_at=next(iter(self._store.column(swept)), None),
            )

    def timeline(self, organisation: str, key: str) -> list[Moment]:
        """All that is known to have happened to a milestone, oldest first."""
        with self._store.read():
            moments = [
                *self._verdicts(organisation, key),
                *self._choices(organisation, key),
                *self._attempts(organisation, key),
                *self._flags(organisation, key),
                *self._documents(organisation, key),
            ]
        return sorted(moments, key=lambda moment: moment.at)

    def _listed(self, organisation: str, keys: Sequence[str]) -> list[Listed]:
        mine = (LinkRow.organisation == organisation) & LinkRow.key.in_(list(keys))
        links = {row["key"]: row for row in self._store.rows(LinkRow.select().where(mine))}
        milestones = self._store.named(MILESTONES, organisation, keys)
        ids = [i for row in links.values() for i in (row["bill_id"], *(part.bill_id for part in row["parts"])) if i]
        bills = self._store.named(BILLS, organisation, ids)
        due = (DirtyRow.organisation == organisation) & DirtyRow.key.in_(list(keys))
        dirty = set(self._store.column(DirtyRow.select(DirtyRow.key).where(due)))
        return [_listed(milestones[key], links[key], bills, key in dirty) for key in sorted(milestones)]

    def _count(self, table: Any, organisation: str | None, condition: Any) -> int:
        return self._store.count(table.select().where(_of(table, organisation) & condition))

    def _rows(self, table: Any, organisation: str, key: str) -> list[dict[str, Any]]:
        mine = (table.organisation == organisation) & (table.key == key)
        return self._store.rows(table.select().where(mine).order_by(table.id))

    def _verdicts(self, organisation: str, key: str) -> list[Moment]:
        rows = self._rows(VerdictRow, organisation, key)
        return [Moment(row["at"], "verdict", (row["action"], row["reason"])) for row in rows]

    def _choices(self, organisation: str, key: str) -> list[Moment]:
        choices: list[Choice] = [row["choice"] for row in self._rows(ChoiceRow, organisation, key)]
        exemptions: list[Exemption] = [row["exemption"] for row in self._rows(ExemptionRow, organisation, key)]
        return [
            *(Moment(choice.at, "choice", choice) for choice in choices),
            *(Moment(exemption.since, "exemption", exemption) for exemption in exemptions),
        ]

    def _attempts(self, organisation: str, key: str) -> list[Moment]:
        query = (
            AttemptRow.select(AttemptRow, ElementRow.write, ElementRow.position)
            .join(ElementRow, on=(ElementRow.attempt == AttemptRow.id))
            .where((ElementRow.organisation == organisation) & (ElementRow.key == key))
        )
        return [moment for row in self._store.rows(query) for moment in _steps(row)]

    def _documents(self, organisation: str, key: str) -> list[Moment]:
        found = Enclosures(self._store).of(organisation, key)
        return [Moment(one.at, "document", one) for one in found if one.attached or one.trouble]

    def _flags(self, organisation: str, key: str) -> list[Moment]:
        flags = [read_flag(row) for row in self._rows(FlagRow, organisation, key)]
        of_flags = self.mails([flag.flag_id for flag in flags])
        mails = {mail.mail_id: mail for flag in flags for mail in _telling(flag, of_flags.get(flag.flag_id, ()))}
        return [
            *(Moment(flag.opened_at, "flag", flag) for flag in flags),
            *(Moment(flag.closed_at, "closed", flag) for flag in flags if flag.closed_at),
            *(Moment(mail.sent_at, "mail", mail) for mail in mails.values() if mail.sent_at),
        ]


def _telling(flag: Flag, mails: Sequence[Posted]) -> list[Posted]:
    """The mails that spoke of the flag: of one that a choice closed, the result tells, no later warning."""
    told = {mail.recipient for mail in mails if mail.kind is MailKind.RESULT}
    return [
        mail
        for mail in mails
        if not (mail.kind is MailKind.WARNING and mail.recipient in told and _sent_after(mail, flag.closed_at))
    ]


def _sent_after(mail: Posted, closed_at: dt.datetime | None) -> bool:
    return bool(closed_at and mail.sent_at and mail.sent_at >= closed_at)


def _unfollowed(organisation: str) -> Any:
    linked = (LinkRow.organisation == BillRow.organisation) & (LinkRow.bill_id == BillRow.bill_id)
    missing = (MissingRow.organisation == BillRow.organisation) & (MissingRow.bill_id == BillRow.bill_id)
    query = BillRow.select().left_outer_join(LinkRow, on=linked).switch(BillRow)
    free = query.left_outer_join(MissingRow, on=missing).where(LinkRow.key.is_null() & MissingRow.bill_id.is_null())
    live = BillRow.status.in_([status for status in Status if status.live])
    earlier = PartRow.select(PartRow.key).where(
        (PartRow.organisation == organisation) & (PartRow.bill_id == BillRow.bill_id)
    )
    return free.where((BillRow.organisation == organisation) & live & ~fn.EXISTS(earlier)).order_by(BillRow.bill_id)


def _same(table: Any) -> Any:
    return (table.organisation == LinkRow.organisation) & (table.key == LinkRow.key)


def _of(table: Any, organisation: str | None) -> Any:
    return table.organisation.is_null(is_null=False) if organisation is None else table.organisation == organisation


def _holds(text: str) -> Any:
    return MilestoneRow.key.contains(text) | MilestoneRow.payee.contains(text) | MilestoneRow.title.contains(text)


def _listed(milestone: Milestone, row: Mapping[str, Any], bills: Mapping[str, Bill], dirty: bool) -> Listed:
    return Listed(
        milestone=milestone,
        link=build(Link, dict(row)),
        bill=bills.get(row["bill_id"]),
        parts=tuple(bills[part.bill_id] for part in row["parts"] if part.bill_id in bills),
        verdict=row["verdict"],
        decided_at=row["decided_at"],
        dirty=dirty,
    )


def _posted(row: Mapping[str, Any]) -> Posted:
    return Posted(
        mail_id=row["id"],
        recipient=row["recipient"],
        kind=row["kind"],
        owed_at=row["owed_at"],
        sent_at=row["sent_at"],
        dropped_at=row["dropped_at"],
        error=row["error"],
    )


def _steps(row: Mapping[str, Any]) -> list[Moment]:
    """What became of one milestone's part of an attempt."""
    steps = [Moment(row["started_at"], "attempt", row["write"])]
    if row["answered_at"]:
        steps.append(Moment(row["answered_at"], "answer", row["outcomes"][row["position"]]))
    if row["finished_at"]:
        steps.append(Moment(row["finished_at"], "verified", row["write"]))
    return steps
