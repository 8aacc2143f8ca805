"""What a mail is about and what its recipient knows already, put together from its flags and earlier mails."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from peewee import chunked

from reconciler.records import Flag, Mail, MailKind
from storage.database import Store
from storage.flags import read_flag, went_out
from storage.models import FlagRow
from storage.queues import MailFlagRow, MailRow

PAGE = 500
RESULT = MailKind.RESULT


class Mailing:
    """Reads mails; every method runs in the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mails(self, rows: Sequence[Mapping[str, Any]]) -> list[Mail]:
        """The mails of these rows."""
        flags = self._flags_of([row["id"] for row in rows])
        return [self._mail(row, flags.get(row["id"], ())) for row in rows]

    def of(self, flag_ids: Collection[int], recipient: str, *, results: bool = False) -> set[int]:
        """Those of the flags of which the recipient was told, or is owed a mail; with `results`, of their results."""
        kind = MailRow.kind == RESULT if results else MailRow.kind != RESULT
        live = MailRow.dropped_at.is_null() & (MailRow.sent_at.is_null(is_null=False) | (MailRow.done == False))  # noqa: E712
        query = MailFlagRow.select(MailFlagRow.flag).join(MailRow, on=(MailFlagRow.mail == MailRow.id))
        mine = (MailRow.recipient == recipient) & kind & live
        return {
            flag_id
            for some in chunked(flag_ids, PAGE)
            for flag_id in self._store.column(query.where(MailFlagRow.flag.in_(list(some)) & mine))
        }

    def _mail(self, row: Mapping[str, Any], flags: tuple[Flag, ...]) -> Mail:
        told = self._told(row)
        resolved = self._resolved(row, [flag for flag in flags if flag.closed_at and flag.flag_id in told])
        kept = flags if row["kind"] is RESULT else tuple(flag for flag in flags if flag.closed_at is None)
        return Mail(
            mail_id=row["id"],
            organisation=row["organisation"],
            recipient=row["recipient"],
            kind=row["kind"],
            reason=next((flag.reason for flag in (*kept, *resolved)), row["reason"]),
            message_id=row["message_id"],
            owed_at=row["owed_at"],
            flags=kept,
            choice=row["choice"],
            tries=row["tries"],
            resolved=() if row["kind"] is RESULT else resolved,
            told=told & {flag.flag_id for flag in flags},
            earlier=self._earlier(row, flags),
            also=self._also(row),
        )

    def _flags_of(self, mail_ids: Sequence[int]) -> dict[int, tuple[Flag, ...]]:
        query = (
            MailFlagRow.select(MailFlagRow.mail.alias("mail_id"), FlagRow)
            .join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
            .where(MailFlagRow.mail.in_(list(mail_ids)))
            .order_by(FlagRow.id)
        )
        found: dict[int, list[Flag]] = {}
        for row in self._store.rows(query):
            found.setdefault(row["mail_id"], []).append(read_flag(row))
        return {mail_id: tuple(flags) for mail_id, flags in found.items()}

    def _told(self, row: Mapping[str, Any]) -> frozenset[int]:
        """The mail's flags of which an earlier mail told the recipient."""
        query = MailFlagRow.select(MailFlagRow.flag).join(MailRow, on=(MailFlagRow.mail == MailRow.id))
        before = (MailRow.recipient == row["recipient"]) & (MailRow.id != row["id"]) & went_out()
        return frozenset(self._store.column(query.where(before & MailFlagRow.flag.in_(_of_mail(row)))))

    def _resolved(self, row: Mapping[str, Any], closed: Sequence[Flag]) -> tuple[Flag, ...]:
        """Those closed flags whose milestone asks nothing else, and of which no result of a choice tells."""
        if not closed:
            return ()
        query = FlagRow.select(FlagRow.key).where(
            (FlagRow.organisation == row["organisation"]) & FlagRow.closed_at.is_null() & (FlagRow.key != "")
        )
        busy, decided = set(self._store.column(query)), self._decided(row)
        return tuple(flag for flag in closed if flag.key not in busy and flag.flag_id not in decided)

    def _decided(self, row: Mapping[str, Any]) -> set[int]:
        """The mail's flags that a result to the same recipient told, or tells, of as closed."""
        tells = (MailRow.done == False) | (MailRow.sent_at >= FlagRow.closed_at)  # noqa: E712  an expression of SQL
        query = (
            MailFlagRow.select(MailFlagRow.flag)
            .join(MailRow, on=(MailFlagRow.mail == MailRow.id))
            .switch(MailFlagRow)
            .join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
            .where((MailRow.recipient == row["recipient"]) & (MailRow.kind == RESULT) & tells)
        )
        return set(self._store.column(query.where(MailFlagRow.flag.in_(_of_mail(row)))))

    def _earlier(self, row: Mapping[str, Any], flags: Sequence[Flag]) -> tuple[str, ...]:
        """Mails that went to the recipient about these flags, or about open ones of the same causes."""
        alike = FlagRow.id.in_(_of_mail(row))
        for reason, cause in dict.fromkeys((flag.reason, flag.cause) for flag in flags if flag.key):
            same = (FlagRow.reason == reason) & (FlagRow.cause == cause) & (FlagRow.key != "")
            alike |= (FlagRow.organisation == row["organisation"]) & FlagRow.closed_at.is_null() & same
        query = (
            MailRow.select(MailRow.id, MailRow.message_id)
            .join(MailFlagRow, on=(MailFlagRow.mail == MailRow.id))
            .join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
            .where((MailRow.recipient == row["recipient"]) & (MailRow.id < row["id"]) & alike)
            .where(MailRow.sent_at.is_null(is_null=False))
            .order_by(MailRow.id)
            .distinct()
        )
        return tuple(found["message_id"] for found in self._store.rows(query))

    def _also(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Who else was, or is at the same time, mailed about the same flags in the same way."""
        kind = MailRow.kind == RESULT if row["kind"] is RESULT else MailRow.kind != RESULT
        goes_too = (MailRow.done == False) & (MailRow.send_after <= row["send_after"])  # noqa: E712  SQL
        reached = MailRow.sent_at.is_null(is_null=False) | goes_too
        query = (
            MailRow.select(MailRow.recipient)
            .join(MailFlagRow, on=(MailFlagRow.mail == MailRow.id))
            .where(MailFlagRow.flag.in_(_of_mail(row)) & kind & reached)
            .where(MailRow.recipient != row["recipient"])
            .order_by(MailRow.id)
        )
        return tuple(dict.fromkeys(self._store.column(query)))


def _of_mail(row: Mapping[str, Any]) -> Any:
    return MailFlagRow.select(MailFlagRow.flag).where(MailFlagRow.mail == row["id"])
