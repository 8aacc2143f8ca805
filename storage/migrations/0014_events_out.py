"""Events that are owed to endpoints of others, and how each endpoint does."""

from typing import Any

from peewee import Database

from storage.migrating import execute

STEPS = (
    'CREATE TABLE "endpoint" ("name" TEXT NOT NULL PRIMARY KEY, "read_to" BIGINT NOT NULL, "failing_since" TEXT,'
    ' "rests_until" TEXT, "off_at" TEXT, "off_because" TEXT NOT NULL)',
    'CREATE TABLE "outgoing" ("id" {id}, "endpoint" TEXT NOT NULL, "change_id" BIGINT NOT NULL,'
    ' "owed_at" TEXT NOT NULL, "due_at" TEXT NOT NULL, "tries" INTEGER NOT NULL, "done" BOOLEAN NOT NULL,'
    ' "delivered_at" TEXT, "said" TEXT NOT NULL)',
    'CREATE UNIQUE INDEX "outgoing_endpoint_change_id" ON "outgoing" ("endpoint", "change_id")',
    'CREATE INDEX "outgoing_endpoint_done_due_at" ON "outgoing" ("endpoint", "done", "due_at")',
)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the tables."""
    execute(db, STEPS)
