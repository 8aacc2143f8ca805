"""Flags: opened, kept up to date, superseded and closed, each with the mails that it owes in the same transaction."""

import datetime as dt
import secrets
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from reconciler.model import Verdict
from reconciler.ports import Notice
from reconciler.reasons import Action, Reason
from reconciler.records import Flag, MailKind
from storage.codec import encode
from storage.database import Store
from storage.models import FlagRow
from storage.queues import MailFlagRow, MailRow

PER_LOCK = (Reason.PERIOD_LOCKED, Reason.YEAR_LOCKED, Reason.LOCKED_DRAFT)
EQUAL = "resolved: nothing is left to write"
CLEAR = "resolved: nothing stands in the way of the bill any more"
CLOSED_BECAUSE = {
    Reason.EXEMPT: "the milestone is exempt from syncing",
    Reason.WITHDRAWN: "the milestone was cancelled, and no bill asks for money",
    Reason.NOT_DUE: "the milestone is not due for billing, and no bill asks for money",
    Reason.NOTHING_TO_PAY: "there is nothing to pay, and no bill asks for money",
    Reason.PAID: EQUAL,
    Reason.PART_PAID: EQUAL,
    Reason.APPROVED: EQUAL,
    Reason.AWAITING_APPROVAL: EQUAL,
    Reason.IN_SYNC: EQUAL,
}


def read_flag(row: dict[str, Any]) -> Flag:
    """The flag in a row of its table."""
    return Flag(
        flag_id=row["id"],
        organisation=row["organisation"],
        key=row["key"],
        reason=row["reason"],
        opened_at=row["opened_at"],
        verdict=row["verdict"],
        closed_at=row["closed_at"],
        closed_because=row["closed_because"],
        deed=row["deed"],
        cause=row["cause"],
        remind_on=row["remind_on"],
        remind_by=row["remind_by"],
    )


def cause_of(verdict: Verdict) -> str:
    """What this verdict shares with others of its reason: the lock date, where it is one that blocks."""
    return verdict.lock.isoformat() if verdict.lock and verdict.reason in PER_LOCK else ""


class Flags:
    """Flags of milestones, and of organisations (empty key). Every method runs in the caller's transaction."""

    def __init__(self, store: Store, mail_domain: str) -> None:
        self._store = store
        self._domain = mail_domain

    def opened(self, organisation: str, keys: Collection[str]) -> dict[str, Flag]:
        """The open flags of these milestones by key."""
        mine = (FlagRow.organisation == organisation) & FlagRow.key.in_(list(keys)) & FlagRow.closed_at.is_null()
        return {row["key"]: read_flag(row) for row in self._store.rows(FlagRow.select().where(mine))}

    def follow(
        self, held: Flag | None, organisation: str, key: str, verdict: Verdict, notice: Notice, now: dt.datetime
    ) -> tuple[Flag | None, Flag | None]:
        """Let the milestone's flag follow its verdict; returns the flag opened and the flag closed, if any."""
        if verdict.action is Action.HOLD:
            return None, None
        if verdict.action is not Action.FLAG:
            return None, self.close(held, CLOSED_BECAUSE.get(verdict.reason, CLEAR), now) if held else None
        if held and held.reason is verdict.reason:
            self.refresh(held, verdict)
            return None, None
        closed = self.close(held, f"superseded by {verdict.reason}", now) if held else None
        return self.open(organisation, key, verdict, notice, now), closed

    def open(self, organisation: str, key: str, verdict: Verdict, notice: Notice, now: dt.datetime) -> Flag:
        """Open a flag and owe its mails: a warning about a milestone, or an alert about the organisation."""
        row = {
            "organisation": organisation,
            "key": key,
            "reason": verdict.reason,
            "opened_at": now,
            "verdict": verdict,
            "cause": cause_of(verdict),
        }
        flag_id = self._store.run(FlagRow.insert(row))
        kind = MailKind.WARNING if key else MailKind.ALERT
        for recipient in dict.fromkeys(notice.recipients(verdict.reason)):
            mail = {"organisation": organisation, "recipient": recipient, "kind": kind, "reason": verdict.reason}
            mail_id = self._collecting(mail) or self.owe(mail, notice.send_after, now)
            self._store.run(MailFlagRow.insert(mail=mail_id, flag=flag_id).as_rowcount())
        return Flag(flag_id, organisation, key, verdict.reason, now, verdict, cause=cause_of(verdict))

    def refresh(self, held: Flag, verdict: Verdict) -> None:
        """Keep the newest facts of a flag whose cause is the same; nobody is mailed again."""
        if held.verdict is None or encode(held.verdict) != encode(verdict):
            self._store.run(FlagRow.update(verdict=verdict).where(FlagRow.id == held.flag_id))

    def close(self, held: Flag, because: str, now: dt.datetime) -> Flag:
        """Close an open flag, saying why."""
        still_open = (FlagRow.id == held.flag_id) & FlagRow.closed_at.is_null()
        self._store.run(FlagRow.update(closed_at=now, closed_because=because).where(still_open))
        return replace(held, closed_at=now, closed_because=because)

    def owe(self, mail: dict[str, Any], send_after: dt.datetime, now: dt.datetime) -> int:
        """Owe a new mail; returns its id."""
        message_id = f"<{secrets.token_hex(16)}@{self._domain}>"
        return self._store.run(
            MailRow.insert({**mail, "message_id": message_id, "owed_at": now, "send_after": send_after})
        )

    def _collecting(self, mail: dict[str, Any]) -> int | None:
        """The mail to the same recipient that nobody has claimed yet: one for all causes, alerts apart by reason."""
        same = (MailRow.organisation == mail["organisation"]) & (MailRow.recipient == mail["recipient"])
        same &= MailRow.kind == mail["kind"]
        same &= (MailRow.kind != MailKind.ALERT) | (MailRow.reason == mail["reason"])
        unclaimed = (MailRow.done == False) & MailRow.claimed_until.is_null()  # noqa: E712  an expression of SQL
        row = self._store.row(MailRow.select(MailRow.id).where(same & unclaimed).order_by(MailRow.id).limit(1))
        return row["id"] if row else None
