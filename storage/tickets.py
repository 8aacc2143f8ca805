"""Links in mails, by the hash of their token."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from reconciler.records import Flag, Ticket
from storage.database import Store
from storage.flags import read_flag
from storage.models import FlagRow
from storage.queues import MailRow, TicketFlagRow, TicketRow


class Tickets:
    """`notify.ports.Tickets` on tables, and what the page behind a link asks of them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(
        self,
        mail_id: int,
        address: str,
        flag_ids: Collection[int],
        token_hash: bytes,
        now: dt.datetime,
        expires: dt.datetime,
    ) -> None:
        """Keep a link; the same hash again changes nothing."""
        with self._store.write():
            row = {
                "mail": mail_id,
                "organisation": MailRow.select(MailRow.organisation).where(MailRow.id == mail_id),
                "address": address,
                "token_hash": token_hash,
                "made_at": now,
                "expires_at": expires,
            }
            if self._store.run(TicketRow.insert(row).on_conflict_ignore().as_rowcount()):
                (ticket_id,) = self._store.column(
                    TicketRow.select(TicketRow.id).where(TicketRow.token_hash == token_hash)
                )
                rows = [{"ticket": ticket_id, "flag": flag_id} for flag_id in flag_ids]
                self._store.run(TicketFlagRow.insert_many(rows).as_rowcount())

    def find(self, token_hash: bytes) -> Ticket | None:
        """What the link with this token stands for; its flags may have closed."""
        with self._store.read():
            row = self._store.row(TicketRow.select().where(TicketRow.token_hash == token_hash))
            return _ticket(row, self._flags(row["id"])) if row else None

    def use(self, ticket_id: int, now: dt.datetime) -> bool:
        """Mark the link used; `False` when it was used already."""
        with self._store.write():
            unused = (TicketRow.id == ticket_id) & TicketRow.used_at.is_null()
            return bool(self._store.run(TicketRow.update(used_at=now).where(unused)))

    def _flags(self, ticket_id: int) -> tuple[Flag, ...]:
        query = FlagRow.select().join(TicketFlagRow, on=(TicketFlagRow.flag == FlagRow.id))
        rows = self._store.rows(query.where(TicketFlagRow.ticket == ticket_id).order_by(FlagRow.id))
        return tuple(read_flag(row) for row in rows)


def _ticket(row: dict[str, Any], flags: tuple[Flag, ...]) -> Ticket:
    return Ticket(
        ticket_id=row["id"],
        organisation=row["organisation"],
        address=row["address"],
        flags=flags,
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
    )
