"""What became known, in one order, and how far each milestone has come.

Where bills stand today is taken for known, so that nobody is told of it as news.
"""

from typing import Any

from peewee import Database

from storage.migrating import execute

STEPS = (
    'CREATE TABLE "change" ("change_id" {id}, "organisation" TEXT NOT NULL,'
    ' "key" TEXT NOT NULL, "what" TEXT NOT NULL, "at" TEXT NOT NULL, "action" TEXT, "reason" TEXT,'
    ' "flag_id" INTEGER, "choice" TEXT, "by" TEXT NOT NULL, "because" TEXT NOT NULL, "bill_id" TEXT NOT NULL,'
    ' "bill_number" TEXT NOT NULL, "bill_status" TEXT, "currency" TEXT NOT NULL, "total" BIGINT, "settled" BIGINT)',
    'CREATE INDEX "change_organisation_change_id" ON "change" ("organisation", "change_id")',
    'CREATE TABLE "progress" ("organisation" TEXT NOT NULL, "key" TEXT NOT NULL, "bill_id" TEXT NOT NULL,'
    ' "stage" TEXT NOT NULL, "settled" BIGINT NOT NULL, PRIMARY KEY ("organisation", "key"))',
    'INSERT INTO "progress" SELECT "link"."organisation", "link"."key", "bill"."bill_id",'
    " CASE WHEN \"bill\".\"status\" = 'PAID' THEN 'paid' WHEN \"bill\".\"status\" = 'AUTHORISED' THEN 'approved'"
    " WHEN \"bill\".\"status\" IN ('VOIDED', 'DELETED') THEN 'ended' ELSE 'billed' END,"
    ' "bill"."paid" + "bill"."credited" FROM "link" JOIN "bill"'
    ' ON "bill"."organisation" = "link"."organisation" AND "bill"."bill_id" = "link"."bill_id"',
)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the tables."""
    execute(db, STEPS)
