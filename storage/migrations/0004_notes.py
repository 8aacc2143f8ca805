"""Notes that are owed to the history of bills."""

from typing import Any

from peewee import AutoField, Database, IntegerField, Model, TextField


class Note(Model):
    id = AutoField()
    organisation = TextField()
    attempt = IntegerField()
    bill_id = TextField()
    text = TextField()
    idempotency_key = TextField()
    tries = IntegerField()
    owed_at = TextField()

    class Meta:
        table_name = "note"
        indexes = ((("organisation", "attempt", "bill_id"), True),)


TABLES = [Note]


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the table."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
