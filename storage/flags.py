"""Flags: opened, kept up to date, superseded and closed, each with the mails that it owes in the same transaction."""

import datetime as dt
import secrets
from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace

from reconciler.milestone_port import Notice
from reconciler.model import Verdict
from reconciler.reasons import Action, Reason
from reconciler.records import Flag, MailKind
from storage.among import among
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
        mine = (FlagRow.organisation == organisation) & among(FlagRow.key, keys) & FlagRow.closed_at.is_null()
        return {row["key"]: read_flag(row) for row in self._store.rows(FlagRow.select().where(mine))}

    def follow(
        self, held: Flag | None, organisation: str, key: str, verdict: Verdict, now: dt.datetime
    ) -> tuple[Flag | None, Flag | None]:
        """Let the milestone's flag follow its verdict; returns the flag opened and the flag closed, if any.

        Both are to be announced in the same transaction.
        """
        if verdict.action is Action.HOLD:
            return None, None
        if verdict.action is not Action.FLAG:
            because = CLOSED_BECAUSE.get(verdict.reason, CLEAR)
            return None, self.close(held, because, now) if held else None
        if held and held.reason is verdict.reason:
            self.refresh(held, verdict)
            return None, None
        closed = self.close(held, f"superseded by {verdict.reason}", now) if held else None
        return self.open(organisation, key, verdict, now), closed

    def open(self, organisation: str, key: str, verdict: Verdict, now: dt.datetime) -> Flag:
        """Open a flag; its mails are owed once it is announced."""
        row = {
            "organisation": organisation,
            "key": key,
            "reason": verdict.reason,
            "opened_at": now,
            "verdict": verdict,
            "cause": cause_of(verdict),
        }
        flag_id = self._store.run(FlagRow.insert(row))
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

    def announce(self, opened: Sequence[Flag], closed: Sequence[Flag], notice: Notice, now: dt.datetime) -> None:
        """Owe the mails about flags of one organisation that were just opened, or closed.

        New ones go to whoever is asked, later if the recipient was told of open ones like them just before. Word of a
        closed one, unless a new one takes its place, goes to whoever was told of it.
        """
        for (recipient, reason, _), flags in _by_cause(opened, notice).items():
            ready = max(notice.send_after, self._told_of_such(flags[0], recipient, notice))
            self.tell(flags, recipient, _kind(flags[0]), notice.wanted(recipient, reason, ready), now)
        again = {flag.key for flag in opened if flag.key}
        over = {flag.flag_id: flag for flag in closed if flag.key not in again}
        for recipient, flag_ids in self._told_each(list(over)).items():
            for (_, reason, _), flags in _by_cause([over[each] for each in flag_ids], None).items():
                ready = now + notice.resolved if flags[0].key else now
                self.tell(flags, recipient, _kind(flags[0]), notice.wanted(recipient, reason, ready), now)

    def told(self, flag_ids: Collection[int]) -> list[str]:
        """The addresses to which a mail of these flags went out, or is just going out; results do not count."""
        query = (
            MailRow.select(MailRow.recipient)
            .join(MailFlagRow, on=(MailFlagRow.mail == MailRow.id))
            .where(MailFlagRow.flag.in_(list(flag_ids)) & went_out())
            .order_by(MailRow.id)
        )
        return list(dict.fromkeys(self._store.column(query)))

    def tell(
        self, flags: Sequence[Flag], recipient: str, kind: MailKind, send_after: dt.datetime, now: dt.datetime
    ) -> None:
        """Put flags of one organisation, for an alert of one reason, into the mail that still collects for the
        recipient, or owe a new one."""
        first = flags[0]
        mail = {"organisation": first.organisation, "recipient": recipient, "kind": kind, "reason": first.reason}
        held = self._collecting(mail)
        mail_id = held["id"] if held else self.owe(mail, send_after, now)
        if held and send_after < held["send_after"]:
            self._store.run(MailRow.update(send_after=send_after).where(MailRow.id == mail_id))
        rows = [{"mail": mail_id, "flag": flag.flag_id} for flag in flags]
        self._store.insert(MailFlagRow, rows, action="IGNORE")

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

    def _told_of_such(self, flag: Flag, recipient: str, notice: Notice) -> dt.datetime:
        """Until when a mail that told of open flags of the same cause makes this one wait."""
        lately = (MailRow.organisation == flag.organisation) & (MailRow.recipient == recipient)
        lately &= (MailRow.kind == MailKind.WARNING) & (MailRow.done == True)  # noqa: E712  an expression of SQL
        lately &= MailRow.sent_at > notice.send_after - notice.more
        query = MailRow.select(MailRow.id, MailRow.sent_at).where(lately).order_by(MailRow.id.desc())
        alike = (FlagRow.reason == flag.reason) & (FlagRow.cause == flag.cause) & FlagRow.closed_at.is_null()
        for mail in self._store.rows(query) if notice.more and flag.key else ():
            told = MailFlagRow.select(FlagRow.id).join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
            if self._store.row(told.where((MailFlagRow.mail == mail["id"]) & alike).limit(1)):
                until: dt.datetime = mail["sent_at"] + notice.more
                return until
        return notice.send_after

    def _told_each(self, flag_ids: Sequence[int]) -> dict[str, list[int]]:
        """To whom a mail of each of these flags went out: flags by recipient."""
        query = (
            MailFlagRow.select(MailRow.recipient, MailFlagRow.flag.alias("flag_id"))
            .join(MailRow, on=(MailFlagRow.mail == MailRow.id))
            .where(MailFlagRow.flag.in_(list(flag_ids)) & went_out())
            .order_by(MailRow.id, MailFlagRow.flag)
        )
        found: dict[str, dict[int, None]] = {}
        for row in self._store.rows(query) if flag_ids else ():
            found.setdefault(row["recipient"], {})[row["flag_id"]] = None
        return {recipient: list(ids) for recipient, ids in found.items()}


def went_out() -> Any:
    """Mails, other than results, that were sent or are just being sent."""
    going = (MailRow.done == False) & MailRow.claimed_until.is_null(is_null=False) & (MailRow.error == "")  # noqa: E712
    return (MailRow.kind != MailKind.RESULT) & (MailRow.sent_at.is_null(is_null=False) | going)


def _by_cause(flags: Sequence[Flag], notice: Notice | None) -> dict[tuple[str, Reason, str], list[Flag]]:
    """The flags by whom the notice names (without one: by nobody), reason and cause, in the order given."""
    found: dict[tuple[str, Reason, str], list[Flag]] = {}
    asked = {reason: notice.recipients(reason) if notice else ("",) for reason in {flag.reason for flag in flags}}
    for flag in flags:
        for recipient in dict.fromkeys(asked[flag.reason]):
            found.setdefault((recipient, flag.reason, flag.cause), []).append(flag)
    return found


def _kind(flag: Flag) -> MailKind:
    return MailKind.WARNING if flag.key else MailKind.ALERT
