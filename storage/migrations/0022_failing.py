"""Since when the mail server has not taken a mail."""

from typing import Any

from peewee import Database

from storage.migrating import execute

STEPS = ('ALTER TABLE "mail" ADD COLUMN "failing_since" TEXT',)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Add the column."""
    execute(db, STEPS)
