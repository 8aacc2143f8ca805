"""What is let go of once it is old: mails that were done with, and the history of verdicts, writes and changes.

Flags, choices and exemptions stay: they say who decided what.
"""

import datetime as dt
from typing import Any

from peewee import fn

from storage.changes import ChangeRow
from storage.database import Store
from storage.models import FlagRow, VerdictRow
from storage.outgoing import OutgoingRow
from storage.queues import AttemptRow, MailFlagRow, MailRow

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
        """Let go of verdicts (but the last of each milestone), finished writes and changes; returns how many."""
        later = VerdictRow.alias()
        same = (later.organisation == VerdictRow.organisation) & (later.key == VerdictRow.key)
        newer = fn.EXISTS(later.select(later.id).where(same & (later.id > VerdictRow.id)))
        owed = OutgoingRow.select(OutgoingRow.change_id).where(OutgoingRow.done == False)  # noqa: E712  SQL
        return (
            self._delete(VerdictRow, (VerdictRow.at < before) & newer)
            + self._delete(AttemptRow, AttemptRow.finished_at < before)
            + self._delete(ChangeRow, (ChangeRow.at < before) & ChangeRow.change_id.not_in(owed))
        )

    def _delete(self, table: Any, old: Any) -> int:
        number = table._meta.primary_key
        # The last row stays: a database that was moved counts on from it, and cursors go by such numbers.
        last = next(iter(self._store.column(table.select(fn.MAX(number)))), None)
        old = old & (number < (last or 0))
        some, deleted = table.select(number).where(old).order_by(number).limit(PORTION), 0
        ids = self._store.column(some)
        while ids:
            with self._store.write():
                deleted += self._store.run(table.delete().where(number.in_(ids)))
            ids = self._store.column(some.where(number > ids[-1]))
        return deleted
