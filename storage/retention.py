"""What is let go of once it is old: mails that were done with, the feed of changes, former verdicts, and writes.

Flags, choices and exemptions stay: they say who decided what.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from peewee import fn

from storage.changes import ChangeRow, forgotten
from storage.database import Store
from storage.models import FlagRow, VerdictRow
from storage.outgoing import OutgoingRow
from storage.queues import AttemptRow, MailFlagRow, MailRow
from storage.state import State

PORTION = 500


class Retention:
    """Deletes what is older than it is told, a portion at a time, so that nobody waits for it long."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mails(self, before: dt.datetime) -> int:
        """Let go of mails that were owed before then and are done with, and their links; returns how many.

        What was said of a warning that is still open stays, since reminders go by it.
        """
        told = MailFlagRow.select(MailFlagRow.mail).join(FlagRow, on=(MailFlagRow.flag == FlagRow.id))
        standing = told.where(FlagRow.closed_at.is_null())
        done = MailRow.done == True  # noqa: E712  SQL
        return self._delete(MailRow, done & (MailRow.owed_at < before) & MailRow.id.not_in(standing))

    def history(self, before: dt.datetime) -> int:
        """Let go of verdicts (but the last of each milestone) and of finished writes; returns how many."""
        later = VerdictRow.alias()
        same = (later.organisation == VerdictRow.organisation) & (later.key == VerdictRow.key)
        newer = fn.EXISTS(later.select(later.id).where(same & (later.id > VerdictRow.id)))
        return self._delete(VerdictRow, (VerdictRow.at < before) & newer) + self._delete(
            AttemptRow, AttemptRow.finished_at < before
        )

    def changes(self, before: dt.datetime) -> int:
        """Let go of changes that became known before then and are no event's any more; returns how many.

        How far each organisation's feed has lost its beginning is remembered (`Changes.forgotten`).
        """
        events = OutgoingRow.select(OutgoingRow.change_id)
        return self._delete(ChangeRow, (ChangeRow.at < before) & ChangeRow.change_id.not_in(events), self._forgotten)

    def _forgotten(self, change_ids: Sequence[int]) -> None:
        newest = ChangeRow.select(ChangeRow.organisation, fn.MAX(ChangeRow.change_id).alias("newest"))
        gone = newest.where(ChangeRow.change_id.in_(change_ids)).group_by(ChangeRow.organisation)
        for row in self._store.rows(gone):
            State(self._store).put(forgotten(row["organisation"]), str(row["newest"]))

    def _delete(self, table: Any, old: Any, going: Callable[[Sequence[int]], None] = lambda _ids: None) -> int:
        number = table._meta.primary_key
        # The last row stays: a database that was moved counts on from it, and cursors go by such numbers.
        last = next(iter(self._store.column(table.select(fn.MAX(number)))), None)
        old = old & (number < (last or 0))
        some, deleted = table.select(number).where(old).order_by(number).limit(PORTION), 0
        ids = self._store.column(some)
        while ids:
            with self._store.write():
                going(ids)
                deleted += self._store.run(table.delete().where(number.in_(ids)))
            ids = self._store.column(some.where(number > ids[-1]))
        return deleted
