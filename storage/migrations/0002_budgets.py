"""What is left of Xero's limits, and what was spent of them, as these tables stood when they were first made."""

from typing import Any

from peewee import BigIntegerField, CompositeKey, Database, Model, TextField


class Budget(Model):
    name = TextField(primary_key=True)
    budget = TextField()

    class Meta:
        table_name = "budget"


class Usage(Model):
    organisation = TextField()
    day = TextField()
    operation = TextField()
    calls = BigIntegerField()
    bytes = BigIntegerField()

    class Meta:
        table_name = "usage"
        primary_key = CompositeKey("organisation", "day", "operation")


TABLES = [Budget, Usage]


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the tables."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
