"""Which open flags wait for whom, and what is brought up again."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from peewee import fn

from reconciler.reasons import Reason
from reconciler.records import Flag, MailKind
from reconciler.reminding import Again, Open, Told
from storage.database import Store
from storage.flags import Flags, read_flag
from storage.models import FlagRow
from storage.queues import MailFlagRow, MailRow


class Reminders:
    """Open flags, who was told of them, and the mails that bring them up again."""

    def __init__(self, store: Store, mail_domain: str) -> None:
        self._store = store
        self._flags = Flags(store, mail_domain)

    def remind(self, flag_ids: Collection[int], on: dt.date | None, by: str, now: dt.datetime) -> int:
        """Have these flags brought up again on that day of the organisation's, and not before; returns how many.

        Whoever was mailed about them is mailed again, once, that day. `by` is who asked for it; `None` as the day goes
        back to the usual reminders. Flags that are closed by `now` are left alone. May be part of `Ledger.together`.
        """
        still_open = FlagRow.id.in_(list(flag_ids)) & (FlagRow.closed_at.is_null() | (FlagRow.closed_at > now))
        with self._store.write():
            return self._store.run(FlagRow.update(remind_on=on, remind_by=by if on else "").where(still_open))

    def waiting(self, organisation: str, opened_by: dt.datetime, today: dt.date) -> list[Open]:
        """Open flags that were opened by then, or are to be brought up today, with who was told of them and when.

        Who is still owed a mail of the flag is left out: it will tell them soon enough.
        """
        mine = (FlagRow.organisation == organisation) & FlagRow.closed_at.is_null()
        ripe = (FlagRow.opened_at <= opened_by) | (FlagRow.remind_on <= today)
        with self._store.read():
            flags = [
                read_flag(row) for row in self._store.rows(FlagRow.select().where(mine & ripe).order_by(FlagRow.id))
            ]
            told, owed = self._told(mine & ripe) if flags else ({}, set[int]())
        return [Open(flag, told.get(flag.flag_id, ()), flag.flag_id in owed) for flag in flags]

    def bring_up(self, again: Sequence[Again], send_after: Mapping[str, dt.datetime], now: dt.datetime) -> int:
        """Owe mails that bring flags up again, to each address at its time; returns how many flags that were.

        Left out is a flag that has closed, or that the address was mailed about after the facts were gathered; the day
        that somebody named for it has then come, and is forgotten.
        """
        with self._store.write():
            # Whoever else brings the same flags up waits here, where the database has more than one writer.
            ids = FlagRow.id.in_([each.flag.flag_id for each in again])
            self._store.run(FlagRow.update(remind_on=FlagRow.remind_on).where(ids))
            still = [each for each in again if self._still(each)]
            together: dict[tuple[str, MailKind, Reason | None], list[Flag]] = {}
            for each in still:
                alone = each.flag.reason if each.kind is MailKind.ALERT else None
                together.setdefault((each.address, each.kind, alone), []).append(each.flag)
            for (address, kind, _), flags in together.items():
                self._flags.tell(flags, address, kind, send_after[address], now)
            named = [each.flag for each in again if each.flag.remind_on is not None]
            for flag in {flag.flag_id: flag for flag in named}.values():
                same = (FlagRow.id == flag.flag_id) & (FlagRow.remind_on == flag.remind_on)
                self._store.run(FlagRow.update(remind_on=None).where(same))
        return len(still)

    def _told(self, flags: Any) -> tuple[dict[int, tuple[Told, ...]], set[int]]:
        """Who was told of each flag, and the flags of which somebody is still owed a mail."""
        live = MailRow.dropped_at.is_null() & (MailRow.sent_at.is_null(is_null=False) | (MailRow.done == False))  # noqa: E712
        query = (
            MailRow.select(
                MailFlagRow.flag.alias("flag_id"),
                MailRow.recipient,
                fn.MIN(MailRow.owed_at).alias("first"),
                fn.MAX(MailRow.sent_at).alias("last"),
                fn.MAX(MailRow.id).alias("mail_id"),
                fn.COUNT(MailRow.id).alias("owed"),
                fn.COUNT(MailRow.sent_at).alias("sent"),
            )
            .join(MailFlagRow, on=(MailFlagRow.mail == MailRow.id))
            .join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
            .where(flags & live & (MailRow.kind != MailKind.RESULT))
            .group_by(MailFlagRow.flag, MailRow.recipient)
            .order_by(fn.MIN(MailRow.id))
        )
        found: dict[int, list[Told]] = {}
        owed: set[int] = set()
        for row in self._store.rows(query):
            if row["owed"] != row["sent"]:
                owed.add(row["flag_id"])
            else:
                told = Told(row["recipient"], _instant(row["first"]), _instant(row["last"]), row["mail_id"])
                found.setdefault(row["flag_id"], []).append(told)
        return {flag_id: tuple(told) for flag_id, told in found.items()}, owed

    def _still(self, again: Again) -> bool:
        flag: Flag = again.flag
        held = self._store.row(
            FlagRow.select(FlagRow.id).where((FlagRow.id == flag.flag_id) & FlagRow.closed_at.is_null())
        )
        newer = (MailRow.recipient == again.address) & (MailRow.kind != MailKind.RESULT) & (MailRow.id > again.mail_id)
        query = MailRow.select(MailRow.id).join(MailFlagRow, on=(MailFlagRow.mail == MailRow.id))
        return held is not None and not self._store.row(
            query.where(newer & (MailFlagRow.flag == flag.flag_id)).limit(1)
        )


def _instant(value: dt.datetime | str) -> dt.datetime:
    return dt.datetime.fromisoformat(value).astimezone(dt.UTC) if isinstance(value, str) else value
