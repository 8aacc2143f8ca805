"""Keys of programs that call billwatch, by the hash of their text."""

from typing import Any

from peewee import Database

from storage.migrating import execute

STEPS = (
    'CREATE TABLE "api_key" ("key_id" {id}, "name" TEXT NOT NULL, "scopes" TEXT NOT NULL,'
    ' "organisations" TEXT, "made_at" TEXT NOT NULL, "used_at" TEXT, "revoked_at" TEXT, "hash" {bytes} NOT NULL)',
    'CREATE UNIQUE INDEX "api_key_hash" ON "api_key" ("hash")',
    'CREATE UNIQUE INDEX "api_key_one_of_a_name" ON "api_key" ("name") WHERE ("revoked_at" IS NULL)',
)


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the table."""
    execute(db, STEPS)
