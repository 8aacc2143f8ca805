"""Whom mails reach: flags that are to be brought up again on a day, what a flag shares with others, refused addresses.

A mail need not be about a reason any more, and is not about one cause only.
"""

from typing import Any

from peewee import Database

STEPS = (
    'ALTER TABLE "flag" ADD COLUMN "remind_on" TEXT',
    'ALTER TABLE "flag" ADD COLUMN "remind_by" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "flag" ADD COLUMN "cause" TEXT NOT NULL DEFAULT \'\'',
    'DROP INDEX "mail_organisation_recipient_reason_done"',
    'ALTER TABLE "mail" ADD COLUMN "about" TEXT',
    'UPDATE "mail" SET "about" = "reason"',
    'ALTER TABLE "mail" DROP COLUMN "reason"',
    'ALTER TABLE "mail" RENAME COLUMN "about" TO "reason"',
    'ALTER TABLE "mail" DROP COLUMN "cause"',
    'CREATE INDEX "mail_organisation_recipient_kind_done" ON "mail" ("organisation", "recipient", "kind", "done")',
    'CREATE TABLE "bounce" ("address" TEXT NOT NULL PRIMARY KEY, "at" TEXT NOT NULL, "said" TEXT NOT NULL)',
)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Change the columns and make the table."""
    for step in STEPS:
        db.execute_sql(step)  # type: ignore[no-untyped-call]
