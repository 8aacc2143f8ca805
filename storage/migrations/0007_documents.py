"""The documents of milestones, and what became of each of them."""

from typing import Any

from peewee import AutoField, Database, IntegerField, Model, TextField

COLUMN = 'ALTER TABLE "milestone" ADD COLUMN "documents" TEXT NOT NULL DEFAULT \'[]\''


class Enclosure(Model):
    id = AutoField()
    organisation = TextField()
    key = TextField()
    bill_id = TextField()
    name = TextField()
    document = TextField()
    state = TextField()
    tries = IntegerField()
    trouble = TextField()
    due_at = TextField()
    at = TextField()

    class Meta:
        table_name = "enclosure"
        indexes = (
            (("organisation", "bill_id", "name"), True),
            (("organisation", "state", "due_at"), False),
            (("organisation", "key"), False),
        )


TABLES = [Enclosure]


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Add the column and make the table."""
    db.execute_sql(COLUMN)  # type: ignore[no-untyped-call]
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
