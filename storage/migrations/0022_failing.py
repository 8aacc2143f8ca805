"""Since when the mail server has not taken a mail; and bills by the time of their last change."""

from typing import Any

from peewee import Database

from storage.migrating import execute

STEPS = (
    'ALTER TABLE "mail" ADD COLUMN "failing_since" TEXT',
    'CREATE INDEX "bill_organisation_updated_at" ON "bill" ("organisation", "updated_at")',
)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Add the column and the index."""
    execute(db, STEPS)
