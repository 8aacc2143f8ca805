"""How far the numbers of webhook events have come, by the name of the key that signs them."""

from typing import Any

from peewee import Database

from storage.migrating import execute

STEPS = ('CREATE TABLE "numbering" ("key" TEXT NOT NULL PRIMARY KEY, "held" TEXT NOT NULL)',)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the table."""
    execute(db, STEPS)
