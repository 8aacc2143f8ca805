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
            because = CLOSED_BECAUSE.get(verdict.reason, CLEAR)
            return None, self.close(held, because, now, notice) if held else None
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
        flag = Flag(flag_id, organisation, key, verdict.reason, now, verdict, cause=cause_of(verdict))
        for recipient in dict.fromkeys(notice.recipients(verdict.reason)):
            ready = self._ready(flag, recipient, notice)
            self.tell(flag, recipient, _kind(flag), notice.wanted(recipient, flag.reason, ready), now)
        return flag

    def refresh(self, held: Flag, verdict: Verdict) -> None:
        """Keep the newest facts of a flag whose cause is the same; nobody is mailed again."""
        if held.verdict is None or encode(held.verdict) != encode(verdict):
            self._store.run(FlagRow.update(verdict=verdict).where(FlagRow.id == held.flag_id))

    def close(self, held: Flag, because: str, now: dt.datetime, notice: Notice | None = None) -> Flag:
        """Close an open flag, saying why; with a notice, owe word of it to all who were told that it is open."""
        still_open = (FlagRow.id == held.flag_id) & FlagRow.closed_at.is_null()
        changed = self._store.run(FlagRow.update(closed_at=now, closed_because=because).where(still_open))
        if changed and notice:
            self._tell_resolved(held, notice, now)
        return replace(held, closed_at=now, closed_because=because)

    def told(self, flag_ids: Collection[int]) -> list[str]:
        """The addresses to which a mail of these flags went out, or is just going out; results do not count."""
        query = (
            MailRow.select(MailRow.recipient)
            .join(MailFlagRow, on=(MailFlagRow.mail == MailRow.id))
            .where(MailFlagRow.flag.in_(list(flag_ids)) & went_out())
            .order_by(MailRow.id)
        )
        return list(dict.fromkeys(self._store.column(query)))

    def tell(self, flag: Flag, recipient: str, kind: MailKind, send_after: dt.datetime, now: dt.datetime) -> None:
        """Put the flag into the mail that still collects for the recipient, or owe a new one."""
        mail = {"organisation": flag.organisation, "recipient": recipient, "kind": kind, "reason": flag.reason}
        held = self._collecting(mail)
        mail_id = held["id"] if held else self.owe(mail, send_after, now)
        if held and send_after < held["send_after"]:
            self._store.run(MailRow.update(send_after=send_after).where(MailRow.id == mail_id))
        self._store.run(MailFlagRow.insert(mail=mail_id, flag=flag.flag_id).on_conflict_ignore().as_rowcount())

    def owe(self, mail: dict[str, Any], send_after: dt.datetime, now: dt.datetime) -> int:
        """Owe a new mail; returns its id."""
        message_id = f"<{secrets.token_hex(16)}@{self._domain}>"
        return self._store.run(
            MailRow.insert({**mail, "message_id": message_id, "owed_at": now, "send_after": send_after})
        )

    def _collecting(self, mail: dict[str, Any]) -> dict[str, Any] | None:
        """The mail to the same recipient that nobody has claimed yet: one for all causes, alerts apart by reason."""
        same = (MailRow.organisation == mail["organisation"]) & (MailRow.recipient == mail["recipient"])
        same &= MailRow.kind == mail["kind"]
        same &= (MailRow.kind != MailKind.ALERT) | (MailRow.reason == mail["reason"])
        unclaimed = (MailRow.done == False) & MailRow.claimed_until.is_null()  # noqa: E712  an expression of SQL
        query = MailRow.select(MailRow.id, MailRow.send_after).where(same & unclaimed)
        return self._store.row(query.order_by(MailRow.id).limit(1))

    def _ready(self, flag: Flag, recipient: str, notice: Notice) -> dt.datetime:
        """When a mail of this new flag may leave: later if the recipient was just told of open ones like it."""
        if not notice.more or not flag.key:
            return notice.send_after
        alike = (FlagRow.organisation == flag.organisation) & (FlagRow.reason == flag.reason)
        alike &= (FlagRow.cause == flag.cause) & FlagRow.closed_at.is_null()
        lately = (MailRow.organisation == flag.organisation) & (MailRow.recipient == recipient)
        lately &= (MailRow.sent_at > notice.send_after - notice.more) & (MailRow.kind == MailKind.WARNING)
        query = (
            MailRow.select(MailRow.sent_at)
            .join(MailFlagRow, on=(MailFlagRow.mail == MailRow.id))
            .join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
            .where(lately & alike)
        )
        last = self._store.row(query.order_by(MailRow.id.desc()).limit(1))
        return last["sent_at"] + notice.more if last else notice.send_after

    def _tell_resolved(self, held: Flag, notice: Notice, now: dt.datetime) -> None:
        """Owe word that the flag is closed to all who were told that it is open."""
        ready = now + notice.resolved if held.key else now
        for recipient in self.told([held.flag_id]):
            self.tell(held, recipient, _kind(held), notice.wanted(recipient, held.reason, ready), now)


def went_out() -> Any:
    """Mails, other than results, that were sent or are just being sent."""
    going = (MailRow.done == False) & MailRow.claimed_until.is_null(is_null=False) & (MailRow.error == "")  # noqa: E712
    return (MailRow.kind != MailKind.RESULT) & (MailRow.sent_at.is_null(is_null=False) | going)


def _kind(flag: Flag) -> MailKind:
    return MailKind.WARNING if flag.key else MailKind.ALERT
