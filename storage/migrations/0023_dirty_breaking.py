"""What is due to be decided in a table of its own, and the version of the books.

It was a column of the links, which are wide: marking a million of them, and taking the marks away, rewrote them all.
"""

from typing import Any

from peewee import Database

from storage.migrating import execute

STEPS = (
    'DROP INDEX "link_organisation_dirty_key"',
    'CREATE TABLE "dirty" ("organisation" TEXT NOT NULL, "key" TEXT NOT NULL,'
    ' PRIMARY KEY ("organisation", "key")){keyed}',
    'INSERT INTO "dirty" ("organisation", "key") SELECT "organisation", "key" FROM "link" WHERE "dirty"',
    'ALTER TABLE "link" DROP COLUMN "dirty"',
    'ALTER TABLE "organisation" ADD COLUMN "version" BIGINT NOT NULL DEFAULT 0',
)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the table, and move to it what was marked."""
    execute(db, STEPS)
