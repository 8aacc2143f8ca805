"""Notes that are owed to the history of bills in Xero."""

import datetime as dt
import uuid

from peewee import AutoField, IntegerField, TextField

from reconciler.ports import OwedNote
from storage.database import Store
from storage.fields import UtcField
from storage.models import Row

TRIES = 2


class NoteRow(Row):
    """A note that is not known to be written; one per attempt and bill."""

    id = AutoField()
    organisation = TextField()
    attempt = IntegerField()
    bill_id = TextField()
    text = TextField()
    idempotency_key = TextField()
    tries = IntegerField(default=0)
    owed_at = UtcField()

    class Meta:
        table_name = "note"
        indexes = ((("organisation", "attempt", "bill_id"), True),)


class Notes:
    """`reconciler.ports.Notes` on a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def owe(self, organisation: str, attempt_id: int, bill_id: str, text: str, now: dt.datetime) -> None:
        """Owe a note about what an attempt did to a bill; the same again changes nothing."""
        row = {
            "organisation": organisation,
            "attempt": attempt_id,
            "bill_id": bill_id,
            "text": text,
            "idempotency_key": uuid.uuid4().hex,
            "owed_at": now,
        }
        self._store.run(NoteRow.insert(row).on_conflict_ignore().as_rowcount())

    def owed(self, organisation: str, limit: int) -> list[OwedNote]:
        """Notes that may still be tried, oldest first."""
        mine = (NoteRow.organisation == organisation) & (NoteRow.tries < TRIES)
        rows = self._store.rows(NoteRow.select().where(mine).order_by(NoteRow.id).limit(limit))
        return [OwedNote(row["id"], row["bill_id"], row["text"], row["idempotency_key"]) for row in rows]

    def tried(self, note_id: int) -> None:
        """The note is about to be sent; counted before, so that a crash repeats it once at most."""
        self._store.run(NoteRow.update(tries=NoteRow.tries + 1).where(NoteRow.id == note_id))

    def settled(self, note_id: int) -> None:
        """The note is written, or Xero will never take it."""
        self._store.run(NoteRow.delete().where(NoteRow.id == note_id))
