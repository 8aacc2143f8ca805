"""Mails owed: claimed for a while, sent, or owed no longer."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.ports import Notice
from reconciler.records import Choice, Flag, Mail, MailKind
from storage.database import Store
from storage.flags import Flags, read_flag
from storage.models import FlagRow, LinkRow
from storage.queues import MailFlagRow, MailRow

ORDER = (MailRow.send_after, MailRow.id)
UNDECIDED = dt.timedelta(minutes=10)


class Outbox:
    """`notify.ports.Outbox` on tables."""

    def __init__(self, store: Store, mail_domain: str) -> None:
        self._store = store
        self._flags = Flags(store, mail_domain)

    def claim(self, now: dt.datetime, limit: int, lease: dt.timedelta) -> list[Mail]:
        """Mails whose time has come, claimed for the length of the lease: nobody else gets them until it ends.

        A result waits until its milestones were decided on the choice, for ten minutes at the most.
        A claimed mail collects no more flags. Flags that have closed meanwhile are left out; a warning or alert
        without open flags is not owed any more. `tries` counts earlier claims.
        """
        with self._store.write():
            self._drop(now)
            rows = self._store.rows(MailRow.select().where(_due(now)).order_by(*ORDER).limit(limit))
            flags = self._flags_of([row["id"] for row in rows])
            self._update(list(flags), {"claimed_until": now + lease, "tries": MailRow.tries + 1})
        return [_mail(row, flags[row["id"]]) for row in rows]

    def sent(self, mail_id: int, now: dt.datetime) -> None:
        """The server has accepted the mail."""
        with self._store.write():
            self._update([mail_id], {"done": True, "sent_at": now, "error": ""})

    def failed(self, mail_id: int, error: str, next_try_at: dt.datetime | None) -> None:
        """It has not; try again then, or (`None`) never: the address was refused for good."""
        again = {"done": True} if next_try_at is None else {"send_after": next_try_at, "claimed_until": next_try_at}
        with self._store.write():
            self._update([mail_id], {"error": error, **again})

    def owe_result(self, organisation: str, flags: Sequence[Flag], choice: Choice, notice: Notice) -> None:
        """Owe a mail about a choice to all who were warned of these flags, and to whoever `notice` names."""
        if not flags:
            return
        mail = {
            "organisation": organisation,
            "kind": MailKind.RESULT,
            "reason": flags[0].reason,
            "choice": choice,
        }
        with self._store.write():
            warned = self._warned([flag.flag_id for flag in flags])
            for recipient in dict.fromkeys([*warned, *notice.recipients(flags[0].reason)]):
                mail_id = self._flags.owe({**mail, "recipient": recipient}, notice.send_after, choice.at)
                rows = [{"mail": mail_id, "flag": flag.flag_id} for flag in flags]
                self._store.run(MailFlagRow.insert_many(rows).as_rowcount())

    def owe_again(self, organisation: str, recipient: str, flags: Sequence[Flag], notice: Notice) -> None:
        """Owe one recipient a fresh warning, with a link of its own, about flags that are still open."""
        mail = {
            "organisation": organisation,
            "recipient": recipient,
            "kind": MailKind.WARNING,
            "reason": flags[0].reason,
        }
        with self._store.write():
            mail_id = self._flags.owe(mail, notice.send_after, notice.send_after)
            rows = [{"mail": mail_id, "flag": flag.flag_id} for flag in flags]
            self._store.run(MailFlagRow.insert_many(rows).as_rowcount())

    def _drop(self, now: dt.datetime) -> None:
        """Warnings and alerts all of whose flags have closed are not owed any more."""
        still_open = (
            MailFlagRow.select(MailFlagRow.mail)
            .join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
            .where(FlagRow.closed_at.is_null())
        )
        moot = _due(now) & (MailRow.kind != MailKind.RESULT) & MailRow.id.not_in(still_open)
        self._store.run(MailRow.update(done=True, dropped_at=now).where(moot))

    def _update(self, mail_ids: Sequence[int], changes: dict[str, Any]) -> None:
        if mail_ids:
            owed = MailRow.id.in_(list(mail_ids)) & (MailRow.done == False)  # noqa: E712  an expression of SQL
            self._store.run(MailRow.update(**changes).where(owed))

    def _flags_of(self, mail_ids: Sequence[int]) -> dict[int, tuple[Flag, ...]]:
        query = (
            MailFlagRow.select(MailFlagRow.mail.alias("mail_id"), FlagRow)
            .join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
            .where(MailFlagRow.mail.in_(list(mail_ids)))
            .order_by(FlagRow.id)
        )
        found: dict[int, tuple[Flag, ...]] = {}
        for row in self._store.rows(query):
            found[row["mail_id"]] = (*found.get(row["mail_id"], ()), read_flag(row))
        return found

    def _warned(self, flag_ids: Sequence[int]) -> list[str]:
        """Addresses to which a warning of these flags went out, or is just going out."""
        query = (
            MailRow.select(MailRow.recipient)
            .join(MailFlagRow, on=(MailFlagRow.mail == MailRow.id))
            .where(MailFlagRow.flag.in_(list(flag_ids)) & (MailRow.kind != MailKind.RESULT))
            .where(MailRow.claimed_until.is_null(is_null=False) & MailRow.dropped_at.is_null())
            .order_by(MailRow.id)
        )
        return self._store.column(query)


def _due(now: dt.datetime) -> Any:
    free = MailRow.claimed_until.is_null() | (MailRow.claimed_until <= now)
    owed = (MailRow.done == False) & (MailRow.send_after <= now)  # noqa: E712  an expression of SQL
    told = (MailRow.kind != MailKind.RESULT) | (MailRow.owed_at <= now - UNDECIDED) | MailRow.id.not_in(_undecided())
    return owed & free & told


def _undecided() -> Any:
    """Mails about milestones that are due to be decided."""
    same = (LinkRow.organisation == FlagRow.organisation) & (LinkRow.key == FlagRow.key)
    return (
        MailFlagRow.select(MailFlagRow.mail)
        .join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
        .join(LinkRow, on=same)
        .where(LinkRow.dirty == True)  # noqa: E712  an expression of SQL
    )


def _mail(row: Mapping[str, Any], flags: tuple[Flag, ...]) -> Mail:
    kept = flags if row["kind"] is MailKind.RESULT else tuple(flag for flag in flags if flag.closed_at is None)
    return Mail(
        mail_id=row["id"],
        organisation=row["organisation"],
        recipient=row["recipient"],
        kind=row["kind"],
        reason=kept[0].reason if kept else row["reason"],
        message_id=row["message_id"],
        owed_at=row["owed_at"],
        flags=kept,
        choice=row["choice"],
        tries=row["tries"],
    )
