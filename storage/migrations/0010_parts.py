"""Milestones that are billed in parts, and the settings under which a bill was asked for."""

from typing import Any

from peewee import Database

STEPS = (
    'ALTER TABLE "link" ADD COLUMN "parts" TEXT NOT NULL DEFAULT \'[]\'',
    'ALTER TABLE "link" ADD COLUMN "under" TEXT',
    'CREATE TABLE "part" ("organisation" TEXT NOT NULL, "bill_id" TEXT NOT NULL, "key" TEXT NOT NULL,'
    ' PRIMARY KEY ("organisation", "bill_id"))',
    'CREATE INDEX "part_organisation_key" ON "part" ("organisation", "key")',
    # Under which settings a bill was asked for is remembered when its milestone is decided next.
    'UPDATE "link" SET "dirty" = TRUE, "version" = "version" + 1',
)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Add the columns and make the table."""
    for step in STEPS:
        db.execute_sql(step)  # type: ignore[no-untyped-call]
