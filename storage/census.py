"""How organisations stand: one question for all of them, as there may be thousands."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from peewee import fn

from reconciler.reasons import Action, Reason
from storage.among import among
from storage.database import Store
from storage.models import DirtyRow, LinkRow
from storage.queues import AttemptRow, BounceRow, EventRow, MailRow, RawRequestRow


@dataclass(frozen=True, slots=True)
class Owed:
    """Work that waits: of which kind, how much, since when, and when the next of it is tried (`None`: at once)."""

    what: str
    number: int
    since: dt.datetime | None
    next_try: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class _Queue:
    """A kind of work that waits, as rows of an organisation."""

    what: str
    since: Any
    condition: Any
    next_try: Any = None


REFUSING = "addresses that refuse mail"
UNREAD = "webhook requests to read"
UNSENT = MailRow.sent_at.is_null()
QUEUES = (
    _Queue("mails to send", MailRow.owed_at, UNSENT & (MailRow.done == False), MailRow.send_after),  # noqa: E712  SQL
    _Queue(
        "mails refused for good",
        MailRow.owed_at,
        UNSENT & (MailRow.done == True) & MailRow.dropped_at.is_null(),  # noqa: E712  SQL
    ),
    _Queue("milestones to write to Xero", LinkRow.decided_at, LinkRow.action == Action.SYNC),
    _Queue("writes to Xero to verify", AttemptRow.started_at, AttemptRow.finished_at.is_null()),
    _Queue("changes to read in Xero", EventRow.drained_at, EventRow.open == True),  # noqa: E712  SQL
)
# What a person can mend comes before what billwatch does by itself.
ORDER = (QUEUES[0].what, QUEUES[1].what, REFUSING, *(queue.what for queue in QUEUES[2:]), UNREAD)


class Census:
    """Asks of organisations by their keys; of which there is nothing to tell is left out, unless said otherwise."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def counts(self, organisations: Collection[str]) -> dict[str, dict[Reason | None, int]]:
        """How many milestones stand under each reason, under `None` those not decided yet; of every organisation."""
        found: dict[str, dict[Reason | None, int]] = {key: {} for key in organisations}
        query = LinkRow.select(LinkRow.organisation, LinkRow.reason, fn.COUNT(LinkRow.key).alias("number"))
        mine = query.where(among(LinkRow.organisation, organisations))
        for row in self._store.rows(mine.group_by(LinkRow.organisation, LinkRow.reason)):
            found[row["organisation"]][row["reason"]] = row["number"]
        return found

    def undecided(self, organisations: Collection[str]) -> dict[str, int]:
        """How many milestones are due to be decided again."""
        query = DirtyRow.select(DirtyRow.organisation, fn.COUNT(DirtyRow.key))
        mine = query.where(among(DirtyRow.organisation, organisations))
        return self._store.pairs(mine.group_by(DirtyRow.organisation))

    def heard_at(self, organisations: Collection[str]) -> dict[str, dt.datetime]:
        """When the last webhook event about each was read."""
        mine = among(EventRow.organisation, organisations)
        last = EventRow.select(fn.MAX(EventRow.id)).where(mine).group_by(EventRow.organisation)
        query = EventRow.select(EventRow.organisation, EventRow.drained_at).where(EventRow.id.in_(last))
        return self._store.pairs(query)

    def mail_error(self, organisations: Collection[str]) -> dict[str, str]:
        """What the mail server said last about a mail that is still owed."""
        owed = among(MailRow.organisation, organisations) & (MailRow.done == False) & (MailRow.error != "")  # noqa: E712  SQL
        query = MailRow.select(MailRow.organisation, MailRow.error).where(owed).order_by(MailRow.claimed_until)
        return self._store.pairs(query)

    def owed(self, organisations: Collection[str]) -> dict[str, list[Owed]]:
        """What waits to be mailed, written to Xero and read, of every organisation; kinds of which there is nothing are
        left out."""
        found: dict[str, list[Owed]] = {key: [] for key in organisations}
        with self._store.read():
            for queue in QUEUES:
                for organisation, owed in self._waiting(queue, organisations):
                    found[organisation].append(owed)
            for organisation, owed in self._refusing(organisations):
                found[organisation].append(owed)
            unread = self._unread()
        for each in found.values():
            each.extend(unread)
            each.sort(key=lambda owed: ORDER.index(owed.what))
        return found

    def _waiting(self, queue: _Queue, organisations: Collection[str]) -> Iterator[tuple[str, Owed]]:
        model, name = queue.since.model, queue.since.model.organisation
        columns = [name, fn.COUNT(queue.since).alias("number"), fn.MIN(queue.since).alias("since")]
        columns += [fn.MIN(queue.next_try).alias("next_try")] if queue.next_try is not None else []
        mine = model.select(*columns).where(among(name, organisations) & queue.condition)
        for row in self._store.rows(mine.group_by(name)):
            yield row["organisation"], Owed(queue.what, row["number"], row["since"], row.get("next_try"))

    def _refusing(self, organisations: Collection[str]) -> Iterator[tuple[str, Owed]]:
        """Each address counts for every organisation that has written to it."""
        at = self._store.pairs(BounceRow.select(BounceRow.address, BounceRow.at))
        wrote = among(MailRow.organisation, organisations) & among(MailRow.recipient, at)
        since: dict[str, list[dt.datetime]] = {}
        for row in self._store.rows(MailRow.select(MailRow.organisation, MailRow.recipient).where(wrote).distinct()):
            since.setdefault(row["organisation"], []).append(at[row["recipient"]])
        return ((organisation, Owed(REFUSING, len(each), min(each))) for organisation, each in since.items())

    def _unread(self) -> list[Owed]:
        """Whose they are is not known before they are read, so they are everybody's."""
        since = RawRequestRow.received_at
        query = RawRequestRow.select(fn.COUNT(since).alias("number"), fn.MIN(since).alias("since"))
        row = self._store.row(query.where(RawRequestRow.drained_at.is_null())) or {}
        return [Owed(UNREAD, row["number"], row["since"])] if row.get("number") else []
